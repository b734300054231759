"""The activity log, as plugins write to it and listen to it."""

from __future__ import annotations

from pathlib import Path

from supervisor_tx.compat import loggers
from supervisor_tx.compat.loggers import LevelsByName, StreamHandler
from supervisor_tx.compat.web import VIEWS
from tests.compat.stage import CompatTestCase


class ActivityTests(CompatTestCase):
    """The daemon's own log."""

    def setUp(self) -> None:
        super().setUp()
        self.open_log()
        self.activity = self.supervisord.options.logger

    def listen(self, fmt: str = "%(levelname)s %(message)s;", level: int = 20) -> loggers.BoundIO:
        """Add a handler; return what it writes to."""
        stream = loggers.BoundIO(1000)
        handler = StreamHandler(stream)
        handler.setFormat(fmt)
        handler.setLevel(level)
        self.activity.addHandler(handler)
        return stream

    def test_levels(self) -> None:
        """Messages are written with their level, from the level of the log on."""
        self.activity.critical("a")
        self.activity.error("b")
        self.activity.warn("c %(what)s", what="{d} 100%")
        self.activity.info("100% {e}")
        self.activity.debug("f")
        self.activity.log(LevelsByName.WARN, "g")
        self.assertEqual(
            self.logged(), ["CRIT a", "ERRO b", "WARN c {d} 100%", "INFO 100% {e}", "WARN g"]
        )

    def test_set_level(self) -> None:
        """The level can be read and set."""
        self.assertEqual(self.activity.level, LevelsByName.INFO)
        self.activity.level = LevelsByName.BLAT
        self.activity.debug("a")
        self.activity.trace("b")
        self.activity.blather("c")
        self.assertEqual(self.logged(), ["DEBG a", "TRAC b", "BLAT c"])

    def test_handlers(self) -> None:
        """A handler that is added gets all that the daemon writes, from its own level on."""
        stream = self.listen()
        grave = self.listen(level=LevelsByName.ERRO)
        self.supervisord.options.logger.info("one")
        self.activity.error("two")
        self.assertEqual(stream.getvalue(), b"INFO one;ERRO two;")
        self.assertEqual(grave.getvalue(), b"ERRO two;")

    def test_removed(self) -> None:
        """One that is taken out gets no more, nor does any when the daemon starts anew."""
        first, second = self.listen(), self.listen()
        del self.activity.handlers[0]
        self.activity.info("one")
        self.activity.detach()
        self.activity.info("two")
        self.assertEqual((first.getvalue(), second.getvalue()), (b"", b"INFO one;"))

    def test_within(self) -> None:
        """What handlers say themselves is logged, and not given to them again."""
        activity = self.activity

        class Talker(StreamHandler):
            def emit(self, record: loggers.LogRecord) -> None:
                activity.warn("heard %(what)s", what=record.asdict()["message"])

        activity.addHandler(Talker())
        activity.info("one")
        self.assertEqual(sorted(self.logged()), ["INFO one", "WARN heard one"])

    def test_broken(self) -> None:
        """A handler that cannot write harms nobody, and the log says so."""
        self.activity.addHandler(StreamHandler(None))
        self.activity.info("one")
        self.assertIn("INFO one", self.logged())
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)

    def test_raising(self) -> None:
        """Nor does one whose own code fails: the message is written all the same."""

        class Failing(StreamHandler):
            def emit(self, record: loggers.LogRecord) -> None:
                raise SystemExit(record.msg)

        self.activity.addHandler(Failing())
        stream = self.listen()
        self.activity.info("one")
        self.assertIn("INFO one", self.logged())
        self.assertEqual(stream.getvalue(), b"INFO one;")
        self.assertEqual(len(self.flushLoggedErrors(SystemExit)), 1)

    def test_reopen(self) -> None:
        """The log can be told to go on in a file opened by name, but not to close."""
        self.activity.info("one")
        self.daemon.logfile.rename(self.directory / "old")
        self.activity.reopen()
        self.activity.close()
        self.activity.info("two")
        self.assertEqual(self.logged(), ["INFO two"])

    def test_views(self) -> None:
        """A page that a plugin wants to show is kept, with a warning that it will not be shown."""
        VIEWS["mine.html"] = {"view": object}
        self.addCleanup(VIEWS.clear)
        self.assertIn("mine.html", VIEWS)
        (line,) = self.logged()
        self.assertTrue(
            line.startswith("WARN a plugin wants to show a page of its own as mine.html")
        )


class OwnLogTests(CompatTestCase):
    """Logs that plugins make for themselves."""

    def test_file(self) -> None:
        """A log in a file goes on after a reopen, in the format of its handler."""
        file = self.directory / "own.log"
        logger = loggers.getLogger(LevelsByName.DEBG)
        loggers.handle_file(logger, str(file), "%(asctime)s %(levelname)s %(message)s\n")
        self.addCleanup(logger.close)
        logger.debug("one")
        file.rename(self.directory / "old.log")
        logger.handlers[0].reopen()
        logger.trace("not this")
        logger.info("two ä")
        self.assertRegex(
            (self.directory / "old.log").read_text(), r"^\d{4}-\S+ \S+,\d{3} DEBG one\n$"
        )
        self.assertRegex(file.read_text(), "INFO two ä\n$")

    def test_rotated(self) -> None:
        """A file that is full is numbered; no more are kept than was said."""
        file = self.directory / "own.log"
        logger = loggers.getLogger()
        loggers.handle_file(logger, str(file), "%(message)s\n", True, 4, 2)
        self.addCleanup(logger.close)
        for text in ("one", "two", "three", "4"):
            logger.info(text)
        self.assertEqual(
            {each.name: each.read_text() for each in self.directory.iterdir()},
            {"own.log": "4\n", "own.log.1": "three\n", "own.log.2": "two\n"},
        )

    def test_device(self) -> None:
        """What is no regular file is not rotated."""
        logger = loggers.getLogger()
        loggers.handle_file(logger, "/dev/null", "%(message)s", True, 1, 2)
        logger.info("into the void")
        logger.close()
        self.assertEqual(type(logger.handlers[0]), loggers.FileHandler)
        self.assertTrue(Path("/dev/null").is_char_device())
