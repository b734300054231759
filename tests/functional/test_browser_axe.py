"""No page keeps somebody out: axe-core finds nothing, light and dark, wide and narrow."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import product

from tests import requirements
from tests.functional.browser import NARROW, RULES, WIDE, BrowserTestCase, sleeper
from tests.functional.harness import ORDERS
from tests.functional.test_http import Client as HttpClient

PROGRAMS = (
    sleeper("web", "numprocs=2", "process_name=%(program_name)s_%(process_num)d")
    + sleeper("job", "autostart=false")
    + "[program:broken]\ncommand=sh -c 'echo no such table: users >&2; exit 3'\nstartretries=0\n"
    "[program:flaky]\ncommand=false\nstartretries=1000\n"
    "[program:importer]\ncommand=sh -c 'exit 4'\nstartsecs=0\nautorestart=false\n"
    f"[program:talker]\ncommand={ORDERS}\nstartsecs=0\nstdout_logfile=%(here)s/talker.log\n"
)

#: All colours and styles that the output of programs can have.
COLOURS = "".join(
    f"\x1b[{number}m{number}\x1b[0m "
    for number in (1, 2, 3, 4, 7, 9, *range(30, 38), *range(40, 48), *range(90, 98))
)


class AxeTests(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.axe = requirements.axe().read_text()

    def look(self, place: str = "", prepare: Callable[[], None] = lambda: None) -> None:
        """Look at one page, light and dark, wide and narrow."""
        self.tab.scheme("light")
        self.tab.size(*WIDE)
        self.tab.open(place if "://" in place else self.url + place)
        prepare()
        self.tab.run(self.axe)
        for scheme, size in product(("light", "dark"), (WIDE, NARROW)):
            with self.subTest(place=place, scheme=scheme, size=size):
                self.tab.scheme(scheme)
                self.tab.size(*size)
                self.assertFalse(self.tab.has_scroll())
                self.assertEqual(self.violations(), [])

    def violations(self) -> list[str]:
        found: list[str] = self.tab.script(
            "return axe.run(document, {runOnly: arguments[0], resultTypes: ['violations']})"
            ".then((found) => found.violations.flatMap((each) => each.nodes.map((node) =>"
            " `${each.id}: ${node.html.slice(0, 200)}: ${node.failureSummary}`)))",
            RULES,
        )
        return found

    def serve_all(self) -> None:
        """Run programs in all states."""
        os.mkfifo(self.directory / "orders")
        (self.directory / "talker.log").write_text(
            f"{COLOURS}\n" + "".join(f"line {number} of many\n" for number in range(5000))
        )
        daemon = self.daemon(self.server + PROGRAMS)
        daemon.wait_for("gave up: broken")
        daemon.wait_for("spawned: 'talker'")
        self.daemon_ = daemon

    def test_status(self) -> None:
        """The page of all processes: as it is, with a selection, with nothing in it, with help."""
        self.serve_all()
        self.look(prepare=self.until_live)
        self.look("?sort=cpu", self.select)
        self.look("?filter=nothing")
        self.look("?message=ERROR:+no", self.help)

    def select(self) -> None:
        self.until_live()
        self.tab.click(".process [name=process]")
        self.tab.click("#all summary")
        self.tab.until("one('#selection').checkVisibility()")

    def help(self) -> None:
        self.until_live()
        self.tab.press("?")
        self.tab.until("one('#keys').open")

    def test_processes(self) -> None:
        """Pages of processes and logs: all colours, a search, one that has failed."""
        self.serve_all()
        self.look("processes/talker", self.until_live)
        self.look("processes/talker?from=0", self.unfold)
        self.look("processes/talker?find=of+many")
        self.look("processes/broken?log=stderr", self.until_live)
        self.look("log", self.until_live)
        self.look("tail.html?processname=talker")

    def unfold(self) -> None:
        self.tab.click("#configuration summary")

    def test_config(self) -> None:
        """The page of the configuration: with nothing to say, with a plan, with errors."""
        self.serve_all()
        self.look("config", lambda: self.tab.click("#daemon-actions summary"))
        self.daemon_.configure(self.server + PROGRAMS.replace("[program:job]", "[program:new]"))
        self.look("config", self.until_live)
        self.daemon_.configure(self.server + "[program:x]\n")
        self.look("config", self.until_live)

    def test_errors(self) -> None:
        """Pages that say what went wrong, and what asks before it does something."""
        self.expected = ("40[0-9]", "503")
        self.serve_all()
        self.look("nowhere")
        self.look("processes/nobody")
        self.look("index.html?action=nonsense")
        link = f"{self.url}index.html?action=stop&processname=job"
        self.tab.open(f"data:text/html,<a href='{link}'>x</a>")
        self.tab.leave_by("a")
        self.look(self.tab.url)

    def test_no_programs(self) -> None:
        """A daemon that has nothing to do."""
        self.daemon(self.server).wait_for("supervisord started with pid")
        self.look()

    def test_password(self) -> None:
        """The page for who does not know the password, which nobody may see while he is asked."""
        self.server += "username=ada\npassword=l0velace\n"
        self.daemon(self.server).wait_for("supervisord started with pid")
        client = HttpClient(self.port)
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n")
        status, _, body = client.answer()
        client.close()
        self.assertEqual(status, 401)
        page = self.directory / "401.html"
        page.write_bytes(body)
        self.look(page.as_uri())
