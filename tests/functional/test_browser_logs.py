"""A process and its logs, as somebody sees and uses them in a browser."""

from __future__ import annotations

import os
from pathlib import Path

from tests.functional.browser import NARROW, BrowserTestCase, sleeper
from tests.functional.harness import ORDERS, Daemon, until

#: Writes what it is told, into a log whose name is known.
TALKER = f"[program:talker]\ncommand={ORDERS}\nstartsecs=0\nstdout_logfile=%(here)s/talker.log\n"

#: What a terminal would show in colours, and what a page must not take for its own.
COLOURFUL = (
    "\x1b[31mred\x1b[0m \x1b[1;4;44mbold\x1b[0m \x1b[38;5;208morange\x1b[m "
    "\x1b[38;2;255;0;0mred\x1b[m <b>bold?</b> <script>document.title = 'taken'</script> &lt; "
    "\x1b]0;title\x07\x1b[2J\x07end"
)

#: The text of it.
SHOWN = "red bold orange red <b>bold?</b> <script>document.title = 'taken'</script> &lt; end"


class LogTestCase(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.directory / "talker.log"

    def talks(self, before: str = "", options: str = "", path: str = "processes/talker") -> Daemon:
        """Start a program that writes what it is told, and open its page."""
        os.mkfifo(self.directory / "orders")
        self.log.write_text(before)
        daemon = self.serve(TALKER + options)
        self.open(path)
        return daemon

    def until_following(self) -> None:
        """Wait until the log on the page goes on."""
        self.tab.until("one('#follow').ariaPressed === 'true'")

    @property
    def shown(self) -> str:
        """All that the page has of the log."""
        return str(self.tab.value("one('#log').textContent"))


def numbered(count: int) -> str:
    """Return so many lines, each with its number."""
    return "".join(f"line {number:06}\n" for number in range(count))


class FollowTests(LogTestCase):
    def test_short(self) -> None:
        """What is written is shown at once, however little it is, and before its line ends."""
        daemon = self.talks()
        self.until_following()
        for text in ("hello\n", "no line end ", "yet", "\n"):
            daemon.order(text)
            self.tab.until("one('#log').textContent.endsWith(arguments[0])", text)
        self.assertEqual(self.shown, "hello\nno line end yet\n")

    def test_pause(self) -> None:
        """Who scrolls back reads in peace while more arrives; a button leads back to the end."""
        daemon = self.talks(numbered(500))
        self.until_following()
        at_end = "(log => log.scrollHeight - log.scrollTop - log.clientHeight < 2)(one('#log'))"
        self.tab.until(at_end)
        self.tab.script("document.getElementById('log').scrollTop = 100")
        self.tab.until("one('#follow').ariaPressed === 'false'")
        daemon.order("more\n")
        self.tab.until("one('#log').textContent.endsWith('more\\n')")
        self.assertEqual(self.tab.value("one('#log').scrollTop"), 100)
        self.tab.click("#follow")
        self.tab.until(at_end)
        daemon.order("and more\n")
        self.tab.until("one('#log').textContent.endsWith('and more\\n')")
        self.tab.until(at_end)

    def test_flood(self) -> None:
        """However much is written, the page holds no more than what can be read."""
        daemon = self.talks()
        self.until_following()
        for _ in range(30):
            daemon.order("x" * 65535 + "\n")
        daemon.order("the end\n")
        self.tab.until("one('#log').textContent.endsWith('the end\\n')")
        self.assertLess(len(self.shown), 1024 * 1024)

    def test_cleared(self) -> None:
        """A log that is cleared, here or by others, is followed from its new beginning."""
        daemon = self.talks("old\n")
        self.until_following()
        self.tab.click("[name=clear]")
        self.tab.until_text("#message", "^talker has a new log.$")
        self.tab.until("all('#log .turn').length === 1")
        daemon.order("new\n")
        self.tab.until("one('#log').textContent.endsWith('new\\n')")
        os.truncate(self.log, 0)
        self.tab.until("all('#log .turn').length === 2")
        daemon.order("newest\n")
        self.tab.until("one('#log').textContent.endsWith('newest\\n')")

    def test_rotated(self) -> None:
        """A log that begins a new file is followed into it, and nothing is missing."""
        daemon = self.talks(options="stdout_logfile_maxbytes=100\nstdout_logfile_backups=2\n")
        self.until_following()
        daemon.order("a" * 120 + "\n")
        until((self.directory / "talker.log.1").exists)
        daemon.order("after\n")
        self.tab.until("one('#log').textContent.endsWith('after\\n')")
        self.assertIn("a" * 120, self.shown)
        self.assertEqual(self.tab.texts("#log .turn"), ["A new file begins."])

    def test_first(self) -> None:
        """A log that is not there yet is shown as soon as it is."""
        first = "%(here)s/first.log"
        daemon = self.talks(
            options="[program:later]\ncommand=echo first words\nautostart=false\n"
            f"stdout_logfile={first}\n"
        )
        (daemon.directory / "first.log").unlink(missing_ok=True)
        self.open("processes/later")
        self.until_following()
        self.client.call("supervisor.startProcess", "later", False)
        self.tab.until("one('#log').textContent === 'first words\\n'")

    def test_main(self) -> None:
        """The activity log goes on by itself."""
        self.talks(path="log")
        self.until_following()
        self.client.call("supervisor.stopProcess", "talker")
        self.tab.until("one('#log').textContent.includes('stopped: talker')")


class ReadingTests(LogTestCase):
    def test_colours(self) -> None:
        """Colours are shown, all else is text; what was there looks as what arrives."""
        daemon = self.talks(COLOURFUL + "\n")
        self.until_following()
        self.assertEqual(self.shown, SHOWN + "\n")
        was = self.tab.value("one('#log .piece').innerHTML")
        daemon.order(COLOURFUL + "\n")
        self.tab.until("one('#log').textContent === arguments[0]", f"{SHOWN}\n{SHOWN}\n")
        self.assertEqual(self.tab.value("one('#log').innerHTML.split(arguments[0]).length", was), 3)
        self.assertEqual(self.tab.count("#log b, #log script"), 0)
        self.assertNotIn("taken", self.tab.title)
        red = self.tab.style("#log .f1", "color")
        self.assertNotEqual(red, self.tab.style("#log", "color"))
        self.tab.scheme("dark")
        self.assertNotEqual(self.tab.style("#log .f1", "color"), red)

    def test_tail(self) -> None:
        """The old page of the end of a log shows it in the same way."""
        self.talks(COLOURFUL + "\n")
        was = self.tab.value("one('#log .piece').innerHTML")
        self.tab.open(f"{self.url}tail.html?processname=talker")
        self.assertEqual(self.tab.value("one('#log').innerHTML"), was)
        self.log.write_text("another text\n")
        self.tab.leave_by("main a")
        self.assertEqual(self.shown, "another text\n")

    def test_search(self) -> None:
        """Whatever is looked for is found in all of the log, marked, and in view."""
        lines = numbered(100000).splitlines(keepends=True)
        for number in (10, 50000, 99000):
            lines[number] = f"line {number:06} Needle <{number}>\n"
        self.talks("".join(lines))
        self.until_following()
        self.tab.fill("#find", "needle <")
        self.tab.leave_by("[role=search] button")
        for number in (99000, 50000, 10):
            with self.subTest(number=number):
                self.assertEqual(self.tab.texts("#log mark"), ["Needle <"])
                self.assertTrue(self.tab.is_in_view("#log mark"))
                self.assertIn(f"line {number:06} Needle <{number}>\n", self.shown)
                self.tab.leave_by(".matches a")
        self.tab.until_text(".bar", "Not found.")
        self.tab.open(f"{self.url}processes/talker?find=nothing+of+the+kind")
        self.tab.until_text(".bar", "Not found.")

    def test_long(self) -> None:
        """Of a long log a page is loaded; older ones are fetched, and nothing is left out."""
        text = numbered(100000)
        self.talks(text)
        self.until_following()
        self.assertLess(len(self.shown), 40000)
        self.assertTrue(text.endswith(self.shown))
        for _ in range(2):
            length = len(self.shown)
            self.tab.run("for (const _ of [1, 2]) document.querySelector('.place .older').click()")
            self.tab.until("one('#log').textContent.length > arguments[0]", length)
            self.assertTrue(text.endswith(self.shown))
            # They are in view, and not only above it.
            self.tab.until("one('#follow').ariaPressed === 'false'")
            self.tab.until("one('#log').scrollHeight - one('#log').scrollTop > 4000")
        self.tab.leave_by(".place .beginning")
        self.assertTrue(text.startswith(self.shown))
        first = self.shown
        self.tab.leave_by(".place .newer")
        self.assertTrue(text.startswith(first + self.shown))
        self.assertEqual(self.tab.value("one('#follow').ariaPressed"), "false")
        self.tab.leave_by(".place .end")
        self.until_following()
        self.assertTrue(text.endswith(self.shown))

    def test_download(self) -> None:
        """All of it can be saved."""
        self.talks(numbered(20000))
        found = self.tab.value(
            "fetch(one('a[download]').href).then((answer) => answer.text())"
            ".then((text) => text.length)"
        )
        self.assertEqual(found, self.log.stat().st_size)

    def test_channels(self) -> None:
        """Each process has a page with a log for each of its outputs."""
        self.serve(
            '[program:both]\ncommand=sh -c "echo to you; echo to me >&2; exec sleep 1000"\n'
            "startsecs=0\n"
        )
        until(lambda: "to me" in Path(self.log_of("both", "stderr")).read_text())
        self.open("processes/both")
        self.assertEqual(self.shown, "to you\n")
        self.tab.leave_by(".tabs [href*=stderr]")
        self.assertEqual(self.shown, "to me\n")
        self.assertEqual(self.tab.text(".tabs [aria-current]"), "stderr")

    def log_of(self, process: str, channel: str) -> str:
        return str(self.client.call("supervisor.getProcessInfo", process)[f"{channel}_logfile"])

    def test_narrow(self) -> None:
        """The longest line breaks where the window ends."""
        self.talks("x" * 2000 + "\n" + "word " * 400 + "\n")
        self.tab.size(*NARROW)
        self.assertFalse(self.tab.has_scroll())
        self.assertFalse(self.tab.value("one('#log').scrollWidth > one('#log').clientWidth"))


class ProcessTests(LogTestCase):
    def test_head(self) -> None:
        """State, buttons and figures of a process change as it does; its log stays."""
        daemon = self.talks("some words\n")
        self.until_following()
        self.tab.script("document.getElementById('log').marked = true")
        self.assertEqual(self.tab.text("h1 .state"), "running")
        self.tab.until_text("#process .memory", r"^[0-9.]+\u202f[KM]iB$")
        self.tab.click("#process [name=stop]")
        self.tab.until_text("h1 .state", "^stopped$")
        self.assertTrue(self.tab.title.startswith("STOPPED talker"))
        self.assertFalse(self.tab.is_shown("#process .taken"))
        self.client.call("supervisor.startProcess", "talker")
        self.tab.until_text("h1 .state", "^running$")
        self.tab.until(
            "one('#process').textContent.includes(arguments[0])", str(daemon.pid_of("talker", 2))
        )
        self.assertTrue(self.tab.value("one('#log').marked"))

    def test_signal(self) -> None:
        """A signal is chosen and sent."""
        self.talks(options="autorestart=false\n")
        self.tab.choose("#process select", "KILL")
        self.tab.click("#process [name=signal]")
        self.tab.until_text("h1 .state", "(?i)^exited$")
        self.tab.until_text("#process .story", "^signal KILL")

    def test_removed(self) -> None:
        """Where the process has gone, the page says so and leads on."""
        daemon = self.serve(sleeper("api") + sleeper("gone"))
        self.expected = ("404",)
        self.open("processes/gone")
        daemon.configure(self.server + sleeper("api"))
        self.client.call("supervisor.reloadConfig")
        self.client.call("supervisor.stopProcess", "gone")
        self.client.call("supervisor.removeProcessGroup", "gone")
        self.tab.until_text("#message, .error", "(?i)404|removed|no such|not")
        self.tab.open(f"{self.url}processes/gone")
        self.tab.until_text(".error h1", "404")
        self.tab.leave_by(".error a")
        self.assertEqual(self.tab.count(".process"), 1)


class PlainTests(LogTestCase):
    """Without scripts."""

    def setUp(self) -> None:
        super().setUp()
        self.tab.without_scripts()

    def until_live(self) -> None:
        """There is nothing to wait for."""

    def test_log(self) -> None:
        """A log is read, searched and cleared by links and forms."""
        text = numbered(20000)
        self.talks(text)
        self.assertTrue(text.endswith(self.shown))
        self.tab.leave_by(".place .older")
        self.assertIn(self.shown, text)
        self.tab.fill("#find", "line 000123")
        self.tab.leave_by("[role=search] button")
        self.assertEqual(self.tab.texts("#log mark"), ["line 000123"])
        self.tab.leave_by("[name=clear]")
        self.assertEqual(self.tab.text("#message"), "talker has a new log.")
        self.assertFalse(self.tab.is_shown("#follow"))
        self.tab.leave_by("#process [name=stop]")
        self.assertEqual(self.tab.text("h1 .state"), "stopped")
        self.tab.leave_by("nav [href$=log]")
        self.assertIn("stopped: talker", self.shown)
