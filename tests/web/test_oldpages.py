"""What Supervisor's old addresses still do."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, unquote, urlencode

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import LogConfig, ServerConfig
from supervisor_tx.core.states import ProcessState
from supervisor_tx.supervision.operations import Principal
from supervisor_tx.web.oldpages import LEAST, MOST
from tests.rpc.stage import MemoryDaemon, group, program
from tests.web.test_provenance import FIREFOX
from tests.web.wire import Answer, World, answers, request

WHO = Principal("unix", uid=4)

CTIME = r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}"


class OldPagesTestCase(SynchronousTestCase):
    base_url: str | None = None

    def setUp(self) -> None:
        self.clock = Clock()
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.log = self.directory / "log"
        self.daemon = MemoryDaemon(self.clock, self.directory)
        self.addCleanup(self.close)
        server = ServerConfig("unix_http_server", file="/s", base_url=self.base_url)
        self.world = World(daemon=self.daemon, server=server)
        for each in (
            group("p"),
            group("g", program("one"), program("two")),
            group("missing", program("missing", command="/no/such")),
            group("logged", program("logged", stdout=LogConfig(logfile=str(self.log)))),
        ):
            self.daemon.activate(each)
        self.turn()

    def close(self) -> None:
        for each in self.daemon.supervisor.groups.values():
            each.close()

    def turn(self) -> None:
        for _ in range(10):
            self.clock.advance(0)

    def ask(
        self, uri: str, form: dict[str, str] | None = None, wait: float = 0, /, **headers: str
    ) -> Answer:
        wire = self.world.connect()
        headers.setdefault("Host", "here")
        if form is None:
            wire.say(request("GET", uri, **headers))
        else:
            body = urlencode(form).encode()
            headers.setdefault("Content_Type", "application/x-www-form-urlencoded")
            wire.say(request("POST", uri, Content_Length=str(len(body)), **headers) + body)
        self.turn()
        if wait:
            self.clock.advance(wait)
            self.turn()
        [answer] = answers(wire.take())
        return answer

    def message(self, uri: str, form: dict[str, str] | None = None, wait: float = 0) -> str:
        """Follow an old link; return the text that it leads to."""
        answer = self.ask(uri, form, wait)
        self.assertEqual(answer.code, 301, answer.body)
        place, _, text = answer.headers["location"].partition("?message=")
        self.assertEqual(place, "./")
        return unquote(text)

    def act(self, action: str, name: str, wait: float = 0) -> str:
        return self.message(f"/index.html?action={action}&processname={quote(name)}", wait=wait)

    def state(self, name: str) -> ProcessState:
        return self.daemon.operations.process(WHO, name).state


class ActionTests(OldPagesTestCase):
    def test_one(self) -> None:
        """Each action on a process does what it says, and says it in Supervisor's words."""
        for action, name, wait, text in (
            ("stop", "p", 0, "unexpected rpc fault [70] NOT_RUNNING: p"),
            ("start", "p", 1, "Process p started"),
            ("start", "p", 0, "ERROR: Process p: already started"),
            ("restart", "p", 1, "Process p restarted"),
            ("clearlog", "p", 0, "Log for p cleared"),
            ("stop", "p", 0, "Process p stopped"),
            ("start", "g:one", 1, "Process g:one started"),
            ("stop", "g:one", 0, "Process g:one stopped"),
            ("start", "missing", 0, "ERROR: Process missing: no such file"),
            ("start", "nobody", 0, "No such process named nobody"),
            ("start", "g", 0, "No such process named g"),
            ("stop", "g:*", 0, "No such process named g:*"),
            ("other", "nobody", 0, "No such process named nobody"),
            ("start", "<b>ü", 0, "No such process named <b>ü"),
        ):
            with self.subTest(action=action, name=name):
                self.assertEqual(self.act(action, name, wait), text)

    def test_failures(self) -> None:
        """A start that fails says how."""
        self.daemon.activate(group("quick", program("quick", startretries=0)))
        wire = self.world.connect()
        wire.say(request("GET", "/?action=start&processname=quick"))
        self.turn()
        self.daemon.spawner.named("quick")[-1].exit(1)
        self.turn()
        self.clock.advance(1)
        self.turn()
        [answer] = answers(wire.take())
        self.assertEqual(
            unquote(answer.headers["location"]), "./?message=ERROR: Process quick: spawn error"
        )

    def test_all(self) -> None:
        """All are stopped, or stopped and started; a refresh does nothing."""
        self.act("start", "p", 1)
        self.assertRegex(self.message("/?action=refresh"), rf"\APage refreshed at {CTIME}\Z")
        self.assertRegex(self.message("/?action=stopall"), rf"\AAll stopped at {CTIME}\Z")
        self.assertIs(self.state("p"), ProcessState.STOPPED)
        told = self.message("//index.html?action=restartall&processname=x", wait=1)
        self.assertRegex(told, rf"\AAll restarted at {CTIME}\Z")
        self.assertIs(self.state("g:two"), ProcessState.RUNNING)

    def test_answer(self) -> None:
        """The answer is Supervisor's, but that its place is relative."""
        answer = self.ask("/index.html?action=stop&processname=a/b%20%C3%BC")
        self.assertEqual(
            answer.headers["location"], "./?message=No%20such%20process%20named%20a/b%20%C3%BC"
        )
        self.assertEqual(answer.headers["cache-control"], "no-cache")
        self.assertEqual(answer.headers["expires"], "Thu, 01 Jan 1970 00:00:00 GMT")
        self.assertIn(b"<p>Error code 301.\r\n<p>Message: Moved Permanently.", answer.body)

    def test_posted(self) -> None:
        """What is posted counts more than the address; a script may post it as any text."""
        self.assertEqual(
            self.message("/?action=stop&processname=x", {"action": "start", "processname": "y"}),
            "No such process named y",
        )
        form = {"action": "start", "processname": "y"}
        for kind in ("text/plain", "Application/X-WWW-Form-Urlencoded; charset=utf-8"):
            answer = self.ask("/", form, Content_Type=kind)
            self.assertEqual(answer.code, 301, kind)
        self.assertEqual(self.ask("/", form, Content_Type="multipart/form-data").code, 303)

    def test_first_counts(self) -> None:
        """Of several values the first counts, and only & is between fields."""
        self.assertEqual(
            self.message("/?action=stop&processname=x&processname=y&action=start"),
            "No such process named x",
        )
        self.assertEqual(self.ask("/?action=stop;processname=x").code, 400)

    def test_unclear(self) -> None:
        """What cannot be done is said, with what could be."""
        for uri in ("/?action=other&processname=p", "/?action=start", "/?action=x&processname="):
            answer = self.ask(uri)
            self.assertEqual(answer.code, 400, uri)
            self.assertIn(b"There are refresh, stopall and restartall", answer.body)

    def test_no_action(self) -> None:
        """Without an action these are the status page, and to HEAD they are nothing else."""
        for uri in ("/?action=", "/index.html?processname=p", "/?Action=stop"):
            self.assertNotEqual(self.ask(uri).code, 301, uri)
        answer = self.ask("/index.html", {})
        self.assertEqual((answer.code, answer.headers["location"]), (303, "./"))
        self.act("start", "p", 1)
        self.world.connect().ask(request("HEAD", "/?action=stop&processname=p"), "HEAD")
        self.assertIs(self.state("p"), ProcessState.RUNNING)

    def test_shutdown(self) -> None:
        """During a shutdown they say so."""
        self.act("start", "p", 1)
        self.daemon.begin_shutdown()
        for uri in ("/?action=stop&processname=p", "/?action=stopall", "/?action=restartall"):
            self.assertEqual(
                self.message(uri), "ERROR: unexpected rpc fault [6] SHUTDOWN_STATE", uri
            )
        self.assertRegex(self.message("/?action=refresh"), "Page refreshed")

    def test_defect(self) -> None:
        """What goes wrong in a way that nobody foresaw is an error and a line of the log."""
        del self.daemon.operations.daemon
        self.assertEqual(self.ask("/?action=stopall").code, 500)

    def test_confirm(self) -> None:
        """Who follows a link from elsewhere may say that it is meant."""
        for headers in ({"Sec_Fetch_Site": "cross-site"}, {"User_Agent": FIREFOX}):
            answer = self.ask("/?action=start&processname=%3Cb%3E", Accept="text/html", **headers)
            self.assertEqual(answer.code, 403)
            page = answer.body.decode()
            self.assertIn(">start &lt;b&gt;</button>", page)
            form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
            self.assertEqual((form["action"], form["processname"]), ("start", "&lt;b&gt;"))
            own = {"Sec_Fetch_Site": "same-origin", "Origin": "http://here"}
            form["processname"] = "p"
            self.assertEqual(self.ask("/", form, 1, **own).code, 301)
            self.assertIs(self.state("p"), ProcessState.RUNNING)
            self.act("stop", "p")


class BehindProxyTests(OldPagesTestCase):
    base_url = "https://proxy.example/sup/"

    def test_base_url(self) -> None:
        """With a base_url an action leads to where the proxy has put us."""
        for uri in ("/?action=refresh", "/sup/index.html?action=refresh", "/sup?action=refresh"):
            answer = self.ask(uri)
            self.assertRegex(answer.headers["location"], r"\A/sup/\?message=Page%20refreshed")


class TailTests(OldPagesTestCase):
    def tail(self, query: str) -> str:
        answer = self.ask(f"/tail.html{query}")
        self.assertEqual(answer.code, 200)
        self.assertEqual(answer.headers["content-type"], "text/html; charset=utf-8")
        self.assertIn("script-src 'self'", answer.headers["content-security-policy"])
        return answer.body.decode()

    def shown(self, query: str) -> str:
        [text] = re.findall(r"<pre[^>]*>\n?(.*?)</pre>", self.tail(query), re.DOTALL)
        return str(text)

    def test_texts(self) -> None:
        """What cannot be shown is said in Supervisor's words."""
        for query, text in (
            ("", "No process name found"),
            ("?processname=", "No process name found"),
            ("?processname=p", "No file for p"),
            ("?processname=nobody", "ERROR: unexpected rpc fault [10] BAD_NAME: nobody"),
            ("?processname=g:*", "ERROR: unexpected rpc fault [10] BAD_NAME: g:*"),
            ("?processname=%3Cb%3E", "ERROR: unexpected rpc fault [10] BAD_NAME: &lt;b&gt;"),
        ):
            self.assertEqual(self.shown(query), text)

    def test_title(self) -> None:
        """The title has the name; the refresh is a link to the same."""
        self.assertIn("<title>Supervisor tail of process None</title>", self.tail(""))
        self.assertNotIn("limit=", self.tail(""))
        page = self.tail("?processname=g:%3Cb%3E&limit=2000")
        self.assertIn("<title>Supervisor tail of process g:&lt;b&gt;</title>", page)
        self.assertIn('"tail.html?processname=g%3A%3Cb%3E&amp;limit=2000"', page)

    def test_limit(self) -> None:
        """It is of the last bytes: as many as are asked for, but not too few and not too many."""
        self.log.write_bytes(b"x" * 5000)
        for limit, count in (
            ("", LEAST), ("1", LEAST), ("-5", LEAST), ("1e4", LEAST), ("x", LEAST), ("2000", 2000),
            ("99999", 5000), ("9" * 30, LEAST), ("%C2%B2", LEAST),
        ):  # fmt: skip
            shown = self.shown(f"?processname=logged&limit={limit}")
            self.assertEqual(len(shown), count, limit)
        self.log.write_bytes(b"x" * (MOST + 1))
        self.assertEqual(len(self.shown(f"?processname=logged&limit={MOST + 1}")), MOST)

    def test_head(self) -> None:
        """HEAD is answered like GET, without the body."""
        answer = self.world.connect().ask(request("HEAD", "/tail.html?processname=p"), "HEAD")
        self.assertEqual((answer.code, answer.body), (200, b""))
        self.assertGreater(int(answer.headers["content-length"]), 0)

    def test_bytes(self) -> None:
        """What is no UTF-8 is shown too, and what looks like a page is text."""
        self.log.write_bytes(b"\nfirst\xff</pre><script>\xe2\x82\xac")
        self.assertEqual(
            self.shown("?processname=logged"), "\nfirst\ufffd&lt;/pre&gt;&lt;script&gt;\u20ac"
        )
