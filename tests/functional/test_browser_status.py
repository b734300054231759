"""The page of all processes, as somebody sees and uses it in a browser."""

from __future__ import annotations

import signal
from functools import partial

from selenium.webdriver.common.keys import Keys

from tests.functional.browser import CONTROL, GONE, NARROW, WIDE, BrowserTestCase, sleeper
from tests.functional.harness import Daemon, until
from tests.functional.rpc import Client

DASH = "\N{EN DASH}"

#: Three processes in a group, two programs by themselves, one of them not started.
PROGRAMS = (
    sleeper("web", "numprocs=3", "process_name=%%(program_name)s_%%(process_num)d")
    + sleeper("api")
    + sleeper("job", "autostart=false")
).replace("%%", "%")

#: One that was given up, one that is tried again in a while, one that ended as it should not.
TROUBLE = (
    "[program:broken]\ncommand=sh -c 'echo no such table: users >&2; exit 3'\nstartretries=0\n"
    "[program:flaky]\ncommand=sh -c 'echo connection refused; exit 1'\nstartretries=1000\n"
    "[program:importer]\ncommand=sh -c 'echo out of memory; exit 4'\nstartsecs=0\n"
    "autorestart=false\n"
)


class StatusTestCase(BrowserTestCase):
    def started(self, programs: str = PROGRAMS, path: str = "") -> Daemon:
        """Start a daemon, and open its page of all processes."""
        daemon = self.serve(programs)
        self.open(path)
        return daemon

    def until_states(self, **states: str) -> None:
        """Wait until these processes are shown in these states; ``web_0`` is in the group web."""
        for name, state in states.items():
            process = f"web:{name}" if name.startswith("web_") else name
            self.tab.until(
                "one(`.process[data-process='${arguments[0]}'] [data-state]`)?.dataset.state"
                " === arguments[1]",
                process,
                state,
            )

    def names(self) -> list[str]:
        """The processes that are shown, from above."""
        found: list[str] = self.tab.value(
            "all('.process').filter((each) => each.checkVisibility())"
            ".map((each) => each.dataset.process)"
        )
        return found


def row(name: str) -> str:
    """Return how the row of a process is found."""
    return f".process[data-process='{name}']"


def group(name: str) -> str:
    """Return how a group is found."""
    return f"tbody[data-group='{name}']"


class ActionTests(StatusTestCase):
    def test_process(self) -> None:
        """Buttons start, stop and restart a process; what has come of it is told."""
        daemon = self.started()
        self.tab.click(f"{row('job')} [name=start]")
        self.until_states(job="RUNNING")
        self.tab.until_text("#message", "^job started.$")
        pid = self.tab.text(f"{row('job')} .pid")
        self.assertEqual(pid, str(daemon.pid_of("job")))
        self.tab.click(f"{row('job')} [name=restart]")
        self.tab.until_text("#message", "^job restarted.$")
        again = str(daemon.pid_of("job", 2))
        self.tab.until_text(f"{row('job')} .pid", again)
        self.tab.click(f"{row('job')} [name=stop]")
        self.until_states(job="STOPPED")
        self.tab.until_text(f"{row('job')} .story", "^stopped by .*, signal TERM$")
        self.assertEqual(self.tab.text(f"{row('job')} .pid"), "")

    def test_impatience(self) -> None:
        """What is pressed again before it was answered is asked for once, and looks like it."""
        self.started()
        self.tab.run(
            f"""(() => {{
                const button = document.querySelector("{row("job")} [name=start]");
                const before = getComputedStyle(button).borderStyle;
                button.click();
                button.click();
                window.looks = [before, getComputedStyle(button).borderStyle];
            }})()"""
        )
        self.tab.until_text("#message", "^job started.$")
        self.assertEqual(self.tab.value("window.looks"), ["solid", "dashed"])
        asked = (
            "performance.getEntriesByType('resource').filter((each) => /actions$/.test(each.name))"
        )
        self.assertEqual(self.tab.value(f"{asked}.length"), 1)

    def test_failure(self) -> None:
        """A start that fails says why, and goes on saying it until it was seen."""
        self.started(
            "[program:gone]\ncommand=/no/such/file\nautostart=false\n"
            "[program:broken]\ncommand=false\nautostart=false\nstartretries=0\n"
        )
        self.tab.click(f"{row('gone')} [name=start]")
        self.tab.until_text("#message", "^gone: can't find command '/no/such/file'.$")
        self.tab.click(f"{row('broken')} [name=start]")
        self.tab.until_text("#message", "^broken could not be started: exit 1 within 1\u202fs of ")
        self.until_states(broken="FATAL")
        self.assertEqual(self.names(), ["broken", "gone"])
        self.tab.click("#message")
        self.tab.until("!one('#message').textContent")

    def test_group(self) -> None:
        """Buttons at the head of a group act on all of it, and on nothing else."""
        self.started()
        self.tab.click(f"{group('web')} .head [name=stop]")
        self.until_states(web_0="STOPPED", web_1="STOPPED", web_2="STOPPED", api="RUNNING")
        self.tab.until_text(f"{group('web')} .told", "^3 stopped$")
        self.tab.until_text("#message", "^3 processes stopped.$")
        self.tab.click(f"{group('web')} .head [name=start]")
        self.until_states(web_0="RUNNING", web_1="RUNNING", web_2="RUNNING", job="STOPPED")

    def test_selection(self) -> None:
        """What is selected is counted, stays so while rows change, and is acted on together."""
        self.started()
        self.assertFalse(self.tab.is_shown("#selection"))
        for name in ("web:web_0", "api"):
            self.tab.click(f"{row(name)} [name=process]")
        self.tab.until_text("#how-many", "^2 selected$")
        self.client.call("supervisor.stopProcess", "web:web_0")
        self.until_states(web_0="STOPPED")
        self.tab.until_text("#how-many", "^2 selected$")
        self.tab.click("#selection [value=restart]")
        self.until_states(web_0="RUNNING", api="RUNNING")
        self.tab.until_text("#message", "^2 processes restarted.$")
        self.tab.click("#selection [value=stop]")
        self.until_states(web_0="STOPPED", api="STOPPED", web_1="RUNNING")

    def test_signal(self) -> None:
        """A signal is sent to all that is selected."""
        daemon = self.started(
            "[program:trap]\nstartsecs=0\nstopasgroup=true\n"
            "command=sh -c \"trap 'echo heard >heard' USR2; : >ready; sleep 1000 & wait; wait\"\n"
            f"directory={self.directory}\n" + sleeper("api")
        )
        until((daemon.directory / "ready").exists)
        self.tab.click(f"{row('trap')} [name=process]")
        self.tab.choose("#selection select", "USR2")
        self.tab.click("#selection [value=signal]")
        self.tab.until_text("#message", "^trap signalled with USR2.$")
        daemon.wait_for_file("heard", "heard")

    def test_all(self) -> None:
        """All processes are stopped and started, by buttons that one has to look for."""
        self.started()
        self.assertFalse(self.tab.is_shown("#all [value=stop]"))
        self.tab.click("#all summary")
        self.tab.click("#all [value=stop]")
        self.until_states(web_0="STOPPED", web_2="STOPPED", api="STOPPED")
        self.tab.until_text("#counts", "^5 stopped$")
        self.tab.click("#all [value=start]")
        self.until_states(web_0="RUNNING", web_2="RUNNING", api="RUNNING", job="RUNNING")


class LiveTests(StatusTestCase):
    def test_outside(self) -> None:
        """What others do is shown without loading the page: states, title, counts, groups."""
        daemon = self.started()
        self.tab.script("window.stays = true")
        self.assertEqual(self.tab.title, f"1 STOPPED, 4 RUNNING {DASH} supervisor")
        self.client.call("supervisor.stopProcess", "web:web_1")
        self.until_states(web_1="STOPPED")
        self.tab.until("document.title === arguments[0]", f"2 STOPPED, 3 RUNNING {DASH} supervisor")
        self.tab.until_text("#counts", "^2 stopped\n3 running$")
        daemon.configure(self.server + CONTROL + PROGRAMS + sleeper("late"))
        self.client.call("supervisor.reloadConfig")
        self.client.call("supervisor.addProcessGroup", "late")
        self.until_states(late="RUNNING")
        self.client.call("supervisor.stopProcess", "late")
        self.client.call("supervisor.removeProcessGroup", "late")
        self.tab.until("!one(arguments[0])", row("late"))
        self.assertTrue(self.tab.value("window.stays"))

    def test_first_program(self) -> None:
        """A page that has no programs to show waits for the first in peace."""
        daemon = self.started("")
        self.tab.script("window.stays = true")
        daemon.configure(self.server + CONTROL + sleeper("first"))
        self.tab.until("one('#daemon .changed')")
        self.assertTrue(self.tab.value("window.stays"))
        self.client.call("supervisor.reloadConfig")
        self.client.call("supervisor.addProcessGroup", "first")
        self.until_states(first="RUNNING")

    def test_trouble(self) -> None:
        """A process that gets into trouble moves to the top, and is told to who only hears."""
        daemon = self.started(
            "[program:fragile]\ncommand=sleep 1000\nstartsecs=0\nautorestart=false\n" + PROGRAMS
        )
        calm = self.tab.value("one('#icon').href")
        self.client.call("supervisor.signalProcess", "fragile", "KILL")
        self.tab.until("one('#attention')?.querySelector(arguments[0])", row("fragile"))
        self.tab.until_text(f"{row('fragile')} .why", "^signal KILL$")
        self.tab.until("one('#news').textContent === 'fragile is EXITED.'")
        self.tab.until("one('#icon').href !== arguments[0]", calm)
        self.assertIn("1 EXITED", self.tab.title)
        self.assertEqual(self.names()[0], "fragile")
        self.tab.click(f"{row('fragile')} [name=start]")
        self.tab.until("one(arguments[0])?.closest('tbody').id !== 'attention'", row("fragile"))
        self.until_states(fragile="RUNNING")
        self.assertEqual(self.tab.value("one('#icon').href"), calm)
        self.assertEqual(len(self.names()), 6)
        daemon.pid_of("fragile", 2)

    def test_figures(self) -> None:
        """CPU, memory and their past are shown, and move."""
        self.started("[program:busy]\ncommand=sh -c 'while :; do :; done'\nstartsecs=0\n")
        self.tab.until_text(f"{row('busy')} .memory", r"^[0-9.]+\u202f[KM]iB$")
        self.tab.until_text(f"{row('busy')} .cpu", r"^[0-9.]+\u202f%$")
        self.tab.until("one('.spark polyline').getAttribute('points').split(' ').length > 2")

    def test_lost(self) -> None:
        """A lost connection is shown; when the daemon is back, so is all that it does."""
        self.expected = GONE
        daemon = self.started()
        daemon.stop()
        self.tab.until_text("#link", "^connection lost, next try in [0-9]+\u202fs$")
        self.assertEqual(self.tab.value("one('#link').dataset.link"), "lost")
        self.assertEqual(len(self.names()), 5)
        daemon = self.daemon(self.server + CONTROL + sleeper("api") + sleeper("new"))
        self.until_live()
        self.until_states(api="RUNNING", new="RUNNING")
        self.assertEqual(self.names(), ["api", "new"])
        self.tab.click(f"{row('new')} [name=stop]")
        self.until_states(new="STOPPED")

    def test_restart(self) -> None:
        """A daemon that starts anew by HUP is followed to its new life."""
        self.expected = GONE
        daemon = self.started()
        daemon.configure(self.server + CONTROL + sleeper("api") + sleeper("new"))
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("supervisord started with pid", 2)
        self.until_states(api="RUNNING", new="RUNNING")
        self.until_live()
        self.tab.until("!one(arguments[0])", row("job"))
        # the old page's forms are good in the new life
        self.tab.click(f"{row('new')} [name=stop]")
        self.until_states(new="STOPPED")


class ViewTests(StatusTestCase):
    def test_filter(self) -> None:
        """The filter shows what fits by name or state, at once and by its address."""
        self.started()
        self.tab.fill("#filter", "web")
        self.assertEqual(self.names(), ["web:web_0", "web:web_1", "web:web_2"])
        self.assertFalse(self.tab.is_shown(f"{group('api')} .head, {group('api')} .process"))
        self.client.call("supervisor.stopProcess", "web:web_1")
        self.until_states(web_1="STOPPED")
        self.tab.fill("#filter", "stopped web")
        self.assertEqual(self.names(), ["web:web_1"])
        self.client.call("supervisor.stopProcess", "web:web_0")
        self.tab.until("all('.process').filter((each) => each.checkVisibility()).length === 2")
        self.assertTrue(self.tab.url.endswith("?filter=stopped+web"))
        self.tab.open(self.tab.url)
        self.assertEqual(self.names(), ["web:web_0", "web:web_1"])
        self.tab.fill("#filter", "nothing of this name")
        self.tab.until("one('#nothing').checkVisibility()")
        self.tab.fill("#filter", "api")
        self.tab.until("all('.process').filter((each) => each.checkVisibility()).length === 1")

    def test_sort(self) -> None:
        """The heads of columns sort; a count leads to what it counts."""
        self.started()
        self.tab.leave_by("thead .state a")
        self.assertEqual(self.names()[0], "job")
        self.assertEqual(self.tab.value("one('th.state').ariaSort"), "ascending")
        self.tab.leave_by("thead .pid a")
        self.until_live()
        pids = [int(pid) for pid in self.tab.texts("td.pid") if pid]
        self.assertEqual(pids, sorted(pids))
        self.tab.leave_by("#counts [href*=stopped]")
        self.assertEqual(self.names(), ["job"])

    def test_folding(self) -> None:
        """A group is folded by its name, by keyboard too, and stays so while it changes."""
        self.started()
        self.tab.click(f"{group('web')} label")
        self.assertEqual(self.names(), ["api", "job"])
        self.client.call("supervisor.stopProcess", "web:web_1")
        self.tab.until_text(f"{group('web')} .told", "^1 stopped, 2 running$")
        self.assertEqual(self.names(), ["api", "job"])
        self.tab.script("document.querySelector('.fold').focus()")
        self.tab.press(Keys.SPACE)
        self.assertEqual(len(self.names()), 5)

    def test_keyboard(self) -> None:
        """One who does not use a mouse filters, walks, starts, stops, restarts and selects."""
        daemon = self.started()
        self.tab.press("/")
        self.assertEqual(self.tab.focused(), "filter")
        self.tab.press("w", "e", "b", Keys.ENTER)
        self.tab.until("one('.current')?.dataset.process === 'web:web_0'")
        self.tab.press(Keys.ARROW_DOWN, "s")
        self.until_states(web_1="STOPPED", web_0="RUNNING")
        self.tab.until("one('.current [name=start]')")
        self.tab.press("s")
        self.until_states(web_1="RUNNING")
        self.tab.until("one('.current [name=restart]')")
        self.tab.press("r")
        daemon.pid_of("web_1", 3)
        self.tab.press("x", Keys.ARROW_UP, "x")
        self.tab.until_text("#how-many", "^2 selected$")
        self.tab.press("s")
        self.until_states(web_0="STOPPED", web_1="STOPPED", web_2="RUNNING")
        self.tab.press(Keys.ESCAPE)
        self.tab.until("!one('#selection').checkVisibility()")
        self.tab.press("?")
        self.tab.until("one('#keys').open")
        self.tab.press(Keys.ESCAPE)
        self.tab.until("!one('#keys').open")
        self.tab.press("/")
        self.tab.press(Keys.ESCAPE)
        self.assertEqual(len(self.names()), 5)
        self.tab.press(Keys.ARROW_UP, Keys.ENTER)
        self.tab.until_url("/processes/")

    def test_focus(self) -> None:
        """The keyboard stays where it was when what it is at is replaced."""
        self.started()
        self.tab.script("document.querySelector(arguments[0]).focus()", f"{row('api')} [name=stop]")
        self.client.call("supervisor.stopProcess", "web:web_0")
        self.until_states(web_0="STOPPED")
        self.assertEqual(self.tab.focused("name"), "stop")

    def test_skip(self) -> None:
        """The first stop of the keyboard leads past what is the same on all pages."""
        self.started()
        self.tab.press(Keys.TAB)
        self.assertEqual(self.tab.focused("class"), "skip")
        self.assertTrue(self.tab.is_in_view(".skip"))
        self.tab.press(Keys.ENTER)
        self.assertEqual(self.tab.focused(), "main")


class LookTests(StatusTestCase):
    def trouble(self) -> None:
        """Open a page with all kinds of trouble, below which there is much that is well."""
        daemon = self.daemon(self.server + CONTROL + PROGRAMS + TROUBLE)
        daemon.wait_for("gave up: broken")
        daemon.wait_for("spawned: 'flaky'", 2)
        self.client = Client(self.directory / "x.sock")
        until(
            lambda: self.client.call("supervisor.getProcessInfo", "flaky")["statename"] == "BACKOFF"
        )
        self.open()

    def test_three_in_the_morning(self) -> None:
        """What is wrong, why, when it is tried again and what to press is in view at any width."""
        self.trouble()
        for size in (WIDE, (1024, 700), (800, 600), NARROW, (320, 568)):
            with self.subTest(size=size):
                self.tab.size(*size)
                self.assertFalse(self.tab.has_scroll())
                self.assertEqual(self.names()[:3], ["broken", "flaky", "importer"])
                for part in (
                    f"{row('broken')} .state",
                    f"{row('broken')} .name",
                    f"{row('broken')} .why",
                    f"{row('broken')} .said",
                    f"{row('broken')} [name=start]",
                    f"{row('flaky')} .state",
                    f"{row('flaky')} .why",
                    f"{row('flaky')} .next",
                ):
                    until(partial(self.tab.is_in_view, part), part)  # it is tried just now
        self.assertEqual(
            self.tab.texts(f"{row('broken')} .why, {row('broken')} .said"),
            ["exit 3 within 1\u202fs of its start", "no such table: users"],
        )
        self.tab.until_text(f"{row('flaky')} .next", "^next try in [0-9]+\u202fs$")
        self.assertRegex(self.tab.title, "^1 FATAL, (1 BACKOFF, 1 EXITED|1 EXITED, 1 STARTING), ")

    def test_long_name(self) -> None:
        """A long name has several lines; nothing lies upon anything else."""
        name = "-".join(["a-program-with-a-long-name"] * 5)
        self.serve(sleeper(name) + sleeper("short"))
        self.open()
        self.tab.size(*NARROW)
        self.tab.until("one('.process .memory').textContent !== ''")
        for each in (name, "short"):
            self.assertTrue(
                self.tab.value(
                    "((...boxes) => boxes.every((one, at) => boxes.slice(at + 1).every((other) =>"
                    " one.right <= other.left || one.bottom <= other.top || other.bottom <= one.top"
                    " || other.right <= one.left)))(...[...one(arguments[0]).querySelectorAll("
                    "'td.state, .name a, .up, .cpu, .memory, button')]"
                    ".map((each) => each.getBoundingClientRect()))",
                    row(each),
                )
            )
        self.assertFalse(self.tab.has_scroll())

    def test_shapes(self) -> None:
        """A state is told by its word and a shape, not by its colour alone."""
        self.trouble()
        shape = "const s = getComputedStyle(document.querySelector(arguments[0]), '::before');"
        shapes = [
            self.tab.script(
                f"{shape} return [s.clipPath, s.borderRadius, s.borderStyle].join()",
                f"{row(name)} [data-state]",
            )
            for name in ("broken", "importer", "api", "job")
        ]
        self.assertEqual(len(set(shapes)), 4)
        self.assertEqual(
            [self.tab.text(f"{row(name)} .state").lower() for name in ("broken", "api", "job")],
            ["fatal", "running", "stopped"],
        )

    def test_dark(self) -> None:
        """Who prefers dark pages gets them."""
        self.trouble()
        looks = {}
        for scheme in ("light", "dark"):
            self.tab.scheme(scheme)
            looks[scheme] = [
                self.tab.style(css, name)
                for css, name in (
                    ("html", "background-color"),
                    ("body", "color"),
                    (f"{row('broken')} [data-state]", "color"),
                    (f"{row('api')} [data-state]", "color"),
                    ("button", "background-color"),
                )
            ]
        for light, dark in zip(looks["light"], looks["dark"], strict=True):
            self.assertNotEqual(light, dark)
        self.assertLess(brightness(looks["dark"][0]), 0.2)
        self.assertGreater(brightness(looks["light"][0]), 0.9)

    def test_still(self) -> None:
        """Nothing moves while nothing happens."""
        self.started()
        self.assertEqual(self.tab.value("document.getAnimations().length"), 0)
        self.assertEqual(
            self.tab.value(
                "all('*').filter((each) => getComputedStyle(each).animationName !== 'none').length"
            ),
            0,
        )

    def test_markup(self) -> None:
        """Names that look like markup are shown as text, everywhere, and can be acted on."""
        name = "<b>x&lt;'\"</b>".replace("/", "")
        self.started(sleeper(name) + sleeper("<img.src=x>", "autostart=false") + sleeper("api"))
        self.assertIn(name, self.names())
        self.assertEqual(self.tab.text("[data-process^='<b>'] .name"), name)
        self.tab.click("[data-process^='<b>'] [name=stop]")
        self.tab.until_text("#message", f"^{name} stopped.$")
        self.tab.until("one(`[data-process^='<b>'] [data-state]`).dataset.state === 'STOPPED'")
        self.assertEqual(self.tab.count("#processes b, #message b, img"), 0)
        self.tab.leave_by("[data-process^='<b>'] .name a")
        self.assertIn(name, self.tab.title)
        self.assertEqual(self.tab.text("h1"), f"{name} stopped")
        self.tab.click("#process [name=start]")
        self.tab.until("one('#process [data-state]').dataset.state === 'RUNNING'")
        self.assertEqual(self.tab.count("b, img"), 0)


def brightness(colour: str) -> float:
    """Return how bright ``rgb(20, 24, 26)`` is, from 0 to 1."""
    numbers = [float(each) for each in colour.partition("(")[2].rstrip(")").split(",")[:3]]
    return sum(numbers) / 3 / 255


class PlainTests(StatusTestCase):
    """Without scripts."""

    def setUp(self) -> None:
        super().setUp()
        self.tab.without_scripts()

    def until_live(self) -> None:
        """There is nothing to wait for."""

    def state(self, name: str) -> str:
        return str(self.tab.value("one(arguments[0]).dataset.state", f"{row(name)} [data-state]"))

    def test_actions(self) -> None:
        """Forms start, stop and restart a process, a group, a selection and all."""
        daemon = self.started()
        self.assertEqual(self.tab.text("#link"), "as of now")
        self.tab.leave_by(f"{row('job')} [name=start]")
        self.assertEqual(self.tab.text("#message"), "job started.")
        self.assertEqual(self.state("job"), "RUNNING")
        self.tab.leave_by(f"{row('job')} [name=restart]")
        self.assertEqual(self.tab.text(f"{row('job')} .pid"), str(daemon.pid_of("job", 2)))
        self.tab.leave_by(f"{row('job')} [name=stop]")
        self.assertEqual(self.state("job"), "STOPPED")
        self.tab.leave_by(f"{group('web')} [name=stop]")
        self.assertEqual(self.tab.text("#message"), "3 processes stopped.")
        for name in ("web:web_0", "job"):
            self.tab.click(f"{row(name)} [name=process]")
        self.tab.leave_by("#selection [value=start]")
        self.assertEqual(self.tab.text("#message"), "2 processes started.")
        self.assertEqual(
            [self.state(f"web:web_{number}") for number in range(3)],
            ["RUNNING", "STOPPED", "STOPPED"],
        )
        self.tab.click("#all summary")
        self.tab.leave_by("#all [value=stop]")
        self.assertEqual(self.tab.title, f"5 STOPPED {DASH} supervisor")

    def test_view(self) -> None:
        """Filter, order and folding need no script, and last through an action."""
        self.started()
        self.tab.fill("#filter", "web")
        self.tab.leave_by("[role=search] button")
        self.tab.leave_by("thead .pid a")
        self.assertEqual(len(self.names()), 3)
        self.tab.leave_by(f"{row('web:web_1')} [name=stop]")
        self.assertEqual(self.names(), ["web:web_0", "web:web_2", "web:web_1"])
        self.tab.open(self.url)
        self.tab.click(f"{group('web')} label")
        self.assertEqual(self.names(), ["api", "job"])

    def test_nothing_that_needs_scripts(self) -> None:
        """What would do nothing is not shown."""
        self.started()
        for css in (".bar kbd", "#keys", ".script-only"):
            self.assertFalse(self.tab.is_shown(css), css)
