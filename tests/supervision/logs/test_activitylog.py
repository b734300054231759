"""The daemon's own log: its lines, its levels, and what it does where nobody takes them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import Logger as TwistedLogger
from twisted.logger import LogPublisher, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from supervisor_tx.activity import Level, Logger
from supervisor_tx.config.model import SupervisordConfig
from supervisor_tx.core.levels import CODES, WORDS
from supervisor_tx.errors import CannotStart
from supervisor_tx.supervision.logs.activitylog import (
    PATIENCE,
    ActivityLog,
    activity_log,
    observer,
)
from supervisor_tx.supervision.logs.stream import Streams
from tests.logs import HandReactor, Messages
from tests.supervision.logs.test_stream import drain
from tests.supervision.logs.test_syslog import LogDaemon

_log = Logger()

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([A-Z]{4}) (.*)")


class LogCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.syslog = os.path.relpath(f"{self.path}.syslog")
        self.reactor = HandReactor()
        self.publisher = LogPublisher()
        self.log = ActivityLog(Streams(self.reactor), self.syslog)
        self.addCleanup(self.log.close)

    def open(self, *, stdout: int = 1, **options: Any) -> None:
        """Open it as configured, by default quietly, and take what the process has to say."""
        defaults: dict[str, Any] = {"logfile": str(self.path), "pidfile": ""}
        self.log.open(SupervisordConfig(**{**defaults, **options}), stdout=stdout)
        self.log.install()

    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def lines(self) -> list[str]:
        """Return what was written, without dates."""
        lines = []
        for line in self.text().splitlines():
            match = LINE.fullmatch(line)
            assert match, line
            lines.append(f"{match[1]} {match[2]}")
        return lines


class LineTests(LogCase):
    def test_form(self) -> None:
        """A line has local date, time, milliseconds and the level's four letters."""
        self.addCleanup(time.tzset)
        self.addCleanup(os.environ.pop, "TZ", None)
        os.environ["TZ"] = "XST-05:30"
        time.tzset()
        self.open()
        for when in (1_000_000_000.0459, 1_000_000_000.999999, 1_000_000_001.0):
            self.log({"log_time": when, "log_format": "x", "activity_level": Level.WARN})
        self.assertEqual(
            self.text(),
            "2001-09-09 07:16:40,045 WARN x\n"
            "2001-09-09 07:16:40,999 WARN x\n"
            "2001-09-09 07:16:41,000 WARN x\n",
        )

    def test_every_level(self) -> None:
        """Each level has its four letters, its word and its number."""
        self.open(loglevel=3)
        for word in WORDS:
            getattr(_log, word)("{word} it is", word=word)
        self.assertEqual(
            self.lines(),
            [
                "CRIT critical it is",
                "ERRO error it is",
                "WARN warn it is",
                "INFO info it is",
                "DEBG debug it is",
                "TRAC trace it is",
                "BLAT blather it is",
            ],
        )
        self.assertEqual([int(level) for level in CODES], [50, 40, 30, 20, 10, 5, 3])

    def test_threshold(self) -> None:
        """What is less than the configured level is neither written nor made."""
        for level in Level:
            self.path.unlink(missing_ok=True)
            self.open(loglevel=int(level))
            for other in Level:
                _log.emit(other, "{number}", number=int(other))
                self.assertEqual(_log.enabled(other), other >= level)
            written = [int(line.split()[1]) for line in self.lines()]
            self.assertEqual(written, sorted((o for o in Level if o >= level), reverse=True))

    def test_not_published(self) -> None:
        """What the log does not want costs nothing more: no observer gets it."""
        seen = Messages(self)
        self.open()
        _log.debug("small talk")
        self.log.close()
        _log.debug("more of it")
        self.assertEqual(seen.all, ["DEBG more of it"])

    def test_newlines(self) -> None:
        """Newlines in a message are written as they are; the lines after them have no prefix."""
        self.open()
        _log.info("{text}", text="one\ntwo\n")
        self.assertTrue(self.text().endswith(" INFO one\ntwo\n\n"))

    @given(st.text(st.characters()) | st.binary() | st.sampled_from(["\ud800", "{x}", "{"]))
    def test_any_text(self, value: str | bytes) -> None:
        """Whatever a field holds, there is a line of valid UTF-8, and no exception."""
        self.path.unlink(missing_ok=True)
        self.open()
        self.log(
            {"log_format": "before {value} after", "value": value, "activity_level": Level.INFO}
        )
        text = self.path.read_bytes().decode()
        self.assertTrue(text[24:].startswith("INFO before "))
        self.assertTrue(text.endswith(" after\n"))

    def test_broken_message(self) -> None:
        """A format without its field, and a field that cannot be shown, are still a line."""

        class Bad:
            def __repr__(self) -> str:
                raise ValueError

        self.open()
        _log.info("{missing}")
        _log.info("{bad}", bad=Bad())
        self.assertEqual(len(re.findall(" INFO ", self.text())), 2)

    def test_failure(self) -> None:
        """A failure is written with its traceback."""
        self.open()
        try:
            raise ValueError("bad")
        except ValueError:
            _log.failure("cannot {what}", what="count")
        self.assertRegex(self.text(), r"CRIT cannot count\nTraceback[^$]*ValueError: bad\n$")
        self.flushLoggedErrors(ValueError)

    def test_namespace(self) -> None:
        """A logger belongs to the module that makes it."""
        self.assertEqual(_log.namespace, __name__)


class OthersTests(LogCase):
    def test_warnings_and_worse(self) -> None:
        """Of what others say through Twisted, warnings and worse are written."""
        self.open(loglevel=int(Level.BLATHER))
        other = TwistedLogger(namespace="other")
        other.info("twistd starting up")
        other.debug("small talk")
        other.warn("careful with {x}", x=1)
        other.error("wrong")
        self.assertEqual(self.lines(), ["WARN careful with 1", "ERRO wrong"])

    def test_unhandled(self) -> None:
        """An error in a Deferred that nobody handles is written with its traceback."""
        self.open()
        TwistedLogger(namespace="other").failure("Unhandled", Failure(KeyError("x")))
        self.assertIn("CRIT Unhandled\n", self.text())
        self.assertIn("KeyError: 'x'", self.text())
        self.flushLoggedErrors(KeyError)

    def test_empty(self) -> None:
        """Nothing is made of events without a text."""
        self.open()
        globalLogPublisher({"log_level": None, "log_time": 0.0})
        self.assertEqual(self.text(), "")

    def test_its_level(self) -> None:
        """The configured level holds for them too."""
        self.open(loglevel=int(Level.ERROR))
        TwistedLogger(namespace="other").warn("careful")
        self.assertEqual(self.text(), "")


class OpenTests(LogCase):
    def test_cannot_be_opened(self) -> None:
        """Where the log cannot be opened the daemon does not start; path and reason are told."""
        with self.assertRaises(CannotStart) as caught:
            self.open(logfile=str(self.path / "no" / "x.log"))
        self.assertIn(f"{self.path}/no/x.log cannot be opened: No such file", str(caught.exception))

    def test_rotates(self) -> None:
        """It rotates like any log."""
        self.open(logfile_maxbytes=1, logfile_backups=1)
        _log.info("one")
        _log.info("two")
        self.assertEqual(self.text(), "")
        self.assertIn("two", Path(f"{self.path}.1").read_text(encoding="utf-8"))

    def test_reopen(self) -> None:
        """What comes after a reopening is in the new file."""
        self.open()
        _log.info("old")
        moved = self.path.rename(f"{self.path}.moved")
        _log.info("still old")
        self.log.reopen()
        _log.info("new")
        self.assertEqual(self.lines(), ["INFO new"])
        self.assertEqual(len(moved.read_text(encoding="utf-8").splitlines()), 2)

    def test_opened_again(self) -> None:
        """A restart may change file and level; what cannot be opened changes nothing."""
        self.open()
        other = Path(self.mktemp())
        self.open(logfile=str(other), loglevel=int(Level.DEBUG))
        _log.debug("x")
        self.assertIn("DEBG x", other.read_text(encoding="utf-8"))
        self.assertEqual(self.text(), "")
        with self.assertRaises(CannotStart):
            self.open(logfile="/")
        _log.debug("y")
        self.assertIn("DEBG y", other.read_text(encoding="utf-8"))

    def test_own_publisher(self) -> None:
        """Installed elsewhere it does not touch what the process logs."""
        self.log.open(SupervisordConfig(logfile=str(self.path), pidfile=""))
        self.log.install(self.publisher)
        self.assertTrue(_log.enabled(Level.BLATHER))
        TwistedLogger(namespace="x", observer=self.publisher).error("here")
        _log.error("not here")
        self.assertEqual(self.lines(), ["ERRO here"])

    def test_closed(self) -> None:
        """After its end nothing is written, and loggers still work."""
        self.open()
        self.log.close()
        self.log.close()
        _log.critical("x")
        self.log({"log_time": 0.0, "log_format": "x", "activity_level": Level.WARN})
        self.assertEqual(self.text(), "")

    def test_for_twistd(self) -> None:
        """What twistd asks for is the daemon's own log."""
        self.assertIs(observer(), activity_log())
        self.assertFalse(_log.enabled(Level.DEBUG))
        activity_log().close()
        self.assertTrue(_log.enabled(Level.DEBUG))


class CopyTests(LogCase):
    def setUp(self) -> None:
        super().setUp()
        self.reader, self.writer = os.pipe()
        self.addCleanup(self.close_ends)

    def close_ends(self) -> None:
        for fd in (self.reader, self.writer):
            if fd >= 0:
                os.close(fd)

    def test_foreground(self) -> None:
        """In the foreground there is a copy on standard output, unless it shall be silent."""
        for nodaemon, silent in ((True, False), (True, True), (False, False)):
            self.path.unlink(missing_ok=True)
            self.open(stdout=self.writer, nodaemon=nodaemon, silent=silent)
            _log.info("hello")
            copy = self.text() if nodaemon and not silent else ""
            self.assertEqual(drain(self.reader).decode(), copy)

    def test_logfile_is_stdout_too(self) -> None:
        """As in Supervisor both are written where both are asked for."""
        self.open(logfile=f"/dev/fd/{self.writer}", stdout=self.writer, nodaemon=True)
        _log.info("hello")
        self.assertEqual(drain(self.reader).count(b"hello"), 2)

    def test_full(self) -> None:
        """A standard output that nobody reads stalls nothing; what was lost is told there later."""
        self.open(stdout=self.writer, nodaemon=True)
        text = "x" * 1000
        count = 2 * PATIENCE // 1000
        for _ in range(count):
            _log.info("{text}", text=text)
        self.assertEqual(self.text().count(text), count)
        got = b""
        while b"missing" not in got:
            got += drain(self.reader)
            self.reactor.turn()
        shown = got.count(text.encode())
        self.assertGreater(shown * 1000, PATIENCE / 2)
        self.assertIn(f"WARN {count - shown} messages are missing here".encode(), got)
        _log.info("again")
        self.assertIn(b"INFO again", drain(self.reader))
        self.assertNotIn("missing", self.text())

    def test_news_of_itself(self) -> None:
        """That it works again is said on standard output too, even where that fills it at once."""
        self.open(stdout=self.writer, nodaemon=True)
        child = self.log._feeds[-1].sink
        chunk = b"x" * 65536  # what the pipe takes
        while not any("too far behind" in line for line in self.lines()):
            child.write(chunk)
        got = b""
        while self.reactor.getWriters():
            got = drain(self.reader)
            self.reactor.turn()
        self.assertRegex(got + drain(self.reader), b"INFO standard output can be written to again")

    def test_reader_gone(self) -> None:
        """A standard output whose reader is gone is told once, in the file."""
        self.open(stdout=self.writer, nodaemon=True)
        os.close(self.reader)
        self.reader = -1
        for _ in range(3):
            _log.info("hello")
        self.assertEqual(
            [line[:40] for line in self.lines()],
            [
                "INFO hello",
                "ERRO cannot write to standard output, wh",
                "INFO hello",
                "INFO hello",
            ],
        )

    def test_closed(self) -> None:
        """A standard output that was closed is not missed."""
        closed, self.writer = self.writer, -1
        os.close(closed)
        self.open(stdout=closed, nodaemon=True)
        _log.info("hello")
        self.assertEqual(self.lines(), ["INFO hello"])


class SyslogTests(LogCase):
    def test_lines(self) -> None:
        """In syslog each line is a message with the prefix, but for newlines at the end."""
        daemon = LogDaemon(self.syslog)
        self.addCleanup(daemon.close)
        self.open(logfile=None)
        _log.info("one\ntwo\n\n")
        lines = [LINE.fullmatch(line.decode()) for line in daemon.lines()]
        self.assertEqual(
            [line and line.groups() for line in lines], [("INFO", "one"), ("INFO", "two")]
        )


class ThreadTests(TestCase):
    def test_other_threads(self) -> Deferred[None]:
        """What another thread says is written by the reactor's."""
        path = Path(self.mktemp())
        log = ActivityLog()
        log.open(SupervisordConfig(logfile=str(path), pidfile=""))
        log.install()
        self.addCleanup(log.close)
        thread = threading.Thread(target=_log.info, args=("from afar",))
        thread.start()
        thread.join()
        self.assertEqual(path.read_bytes(), b"")
        done: Deferred[None] = Deferred()
        from twisted.internet import reactor

        reactor.callFromThread(done.callback, None)  # type: ignore[attr-defined]
        done.addCallback(lambda _: self.assertIn(b"INFO from afar", path.read_bytes()))
        return done


class ProcessTests(SynchronousTestCase):
    def run_python(self, script: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(
            [sys.executable, "-c", script], env=environment, check=True, **options
        )

    def test_no_reactor(self) -> None:
        """To log does not choose a reactor; to open a log file neither."""
        self.run_python(
            "import sys\n"
            "from supervisor_tx.activity import Logger\n"
            "from supervisor_tx.supervision.logs.activitylog import activity_log\n"
            "from supervisor_tx.config.model import SupervisordConfig\n"
            "Logger().info('x')\n"
            f"activity_log().open(SupervisordConfig(logfile={self.mktemp()!r}, pidfile=''))\n"
            "assert 'twisted.internet.reactor' not in sys.modules\n"
        )
