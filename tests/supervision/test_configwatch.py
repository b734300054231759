"""Whether the configuration on disk is the one in force."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config import loader
from supervisor_tx.config.changes import changes
from supervisor_tx.config.model import Config
from supervisor_tx.config.plan import Step, of_daemon, plan
from supervisor_tx.supervision.configwatch import (
    LOOK_SECONDS,
    PATIENCE,
    ConfigState,
    ConfigWatch,
)
from supervisor_tx.supervision.outside import Outside
from tests import requirements
from tests.logs import HandReactor

P = ParamSpec("P")
T = TypeVar("T")

PROGRAM = "[program:{name}]\ncommand=sleep {seconds}\nstdout_logfile=NONE\nstderr_logfile=NONE\n"

SAME, OTHER = ConfigState(), ConfigState(changed=True)


def program(name: str, seconds: int = 1) -> str:
    return PROGRAM.format(name=name, seconds=seconds)


class DiskDaemon:
    """A daemon that reads its configuration from a file, and runs none of it."""

    def __init__(self, path: Path, reactor: HandReactor) -> None:
        self.path, self.clock = path, reactor
        self.reads = 0
        self.waiting: list[Callable[[], None]] | None = None
        self.config = self.configured = self.read_config()
        self.reads = 0

    def read_config(self) -> Config:
        self.reads += 1
        return loader.load(str(self.path), environ={}, patience=0)

    def compare(self, config: Config) -> Sequence[Step]:
        differ = changes([*self.config.groups], config.groups)
        return (*plan(differ, lambda group, name: True), *of_daemon(self.config, config))

    def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        if self.waiting is None:
            return maybeDeferred(work, *args, **kwargs)
        done: Deferred[None] = Deferred()
        self.waiting.append(lambda: done.callback(None))
        return done.addCallback(lambda _: work(*args, **kwargs))


class WatchTestCase(SynchronousTestCase):
    has_inotify = True

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.included = self.folder / "conf.d"
        self.included.mkdir()
        self.main = self.folder / "supervisord.conf"
        self.write_main(program("a"))
        self.reactor = HandReactor()
        self.daemon = DiskDaemon(self.main, self.reactor)
        self.outside = Outside(self.reactor) if self.has_inotify else Outside(self.reactor, None)
        self.addCleanup(self.outside.close)
        self.watched = ConfigWatch(self.daemon, self.daemon.compare, self.outside)
        self.told: list[ConfigState | None] = []

    def write_main(self, text: str, include: str = "conf.d/*.conf") -> None:
        log = self.folder / "main.log"
        self.main.write_text(
            f"[supervisord]\nlogfile={log}\n[include]\nfiles={include}\n{text}", "utf-8"
        )

    def watch(self) -> Callable[[], None]:
        end = self.watched.watch(lambda: self.told.append(self.watched.state))
        self.addCleanup(end)
        return end

    def noticed(self) -> list[ConfigState | None]:
        """Let it notice what there is, and return what was told meanwhile."""
        for _ in range(3):
            for reader in self.reactor.getReaders():
                reader.doRead()
            self.reactor.advance(LOOK_SECONDS)
        told = self.told[:]
        self.told.clear()
        return told

    @property
    def is_idle(self) -> bool:
        return not self.reactor.getReaders() and not self.reactor.getDelayedCalls()


class ConfigWatchTests(WatchTestCase):
    def setUp(self) -> None:
        if self.has_inotify:
            requirements.require(os.path.exists("/proc/sys/fs/inotify"), "needs inotify")
        super().setUp()

    def test_nobody(self) -> None:
        """While nobody looks nothing is watched; what has not changed is not even read."""
        self.assertTrue(self.is_idle)
        self.assertIs(self.watched.state, None)
        end = self.watch()
        self.assertEqual(self.noticed(), [SAME])
        self.assertFalse(self.is_idle)
        end()
        self.assertTrue(self.is_idle)
        self.assertIs(self.watched.state, None)
        self.write_main(program("a", 2))
        self.assertEqual(self.noticed(), [])
        self.assertEqual(self.daemon.reads, 0)

    def test_changed_before(self) -> None:
        """What was changed while nobody looked is told to who comes."""
        self.write_main(program("a", 2))
        self.watch()
        self.assertEqual(self.noticed(), [OTHER])

    def test_changed(self) -> None:
        """A change is told, and when it is taken back that is told too."""
        self.watch()
        self.noticed()
        self.write_main(program("a", 2))
        self.assertEqual(self.noticed(), [OTHER])
        self.write_main(program("a"))
        self.assertEqual(self.noticed(), [SAME])

    def test_no_change(self) -> None:
        """Neither touch, nor a comment, nor other files are a change; the latter are not read."""
        self.watch()
        self.noticed()
        os.utime(self.main)
        (self.included / "notes.txt").write_text("hello")
        self.assertEqual(self.noticed(), [])
        self.write_main("; hello\n" + program("a"))
        self.assertEqual(self.noticed(), [])
        reads = self.daemon.reads
        (self.folder / "main.log").write_text("hello")
        (self.included / "notes.txt").write_text("hello again")
        self.assertEqual(self.noticed(), [])
        self.assertEqual(self.daemon.reads, reads)

    def test_included(self) -> None:
        """Included files come, change and go, in folders that may come later too."""
        self.watch()
        self.noticed()
        file = self.included / "b.conf"
        file.write_text(program("b"))
        self.assertEqual(self.noticed(), [OTHER])
        file.unlink()
        self.assertEqual(self.noticed(), [SAME])
        self.included.rmdir()
        self.assertEqual(self.noticed(), [])
        self.included.mkdir()
        self.assertEqual(self.noticed(), [])
        file.write_text(program("b"))
        self.assertEqual(self.noticed(), [OTHER])

    def test_folder_replaced(self) -> None:
        """A folder that takes the place of another counts, and what happens there later."""
        self.watch()
        self.noticed()
        self.included.rename(self.folder / "old")
        self.included.mkdir()
        self.noticed()
        (self.included / "b.conf").write_text(program("b"))
        self.assertEqual(self.noticed(), [OTHER])

    def test_pattern_of_folders(self) -> None:
        """Where folders are given by a pattern, new ones that match it count."""
        self.write_main(program("a"), "*/*.conf")
        self.watch()
        self.assertEqual(self.noticed(), [SAME])
        other = self.folder / "other"
        other.mkdir()
        self.noticed()
        (other / "b.conf").write_text(program("b"))
        self.assertEqual(self.noticed(), [OTHER])

    def test_other_includes(self) -> None:
        """When the main file includes others, those are watched."""
        other = self.folder / "other"
        other.mkdir()
        self.watch()
        self.noticed()
        self.write_main(program("a"), "other/*.conf")
        self.assertEqual(self.noticed(), [])
        (other / "b.conf").write_text(program("b"))
        self.assertEqual(self.noticed(), [OTHER])
        (self.included / "b.conf").write_text(program("c"))
        self.assertEqual(self.noticed(), [])

    def test_linked(self) -> None:
        """Behind symbolic links it is the files that count, and where the links lead."""
        real = self.folder / "real"
        real.mkdir()
        (real / "b.conf").write_text(program("b"))
        (real / "c.conf").write_text(program("c"))
        (self.included / "x.conf").symlink_to(real / "b.conf")
        self.daemon.config = self.daemon.read_config()
        self.watch()
        self.assertEqual(self.noticed(), [SAME])
        (real / "b.conf").write_text(program("b", 2))
        self.assertEqual(self.noticed(), [OTHER])
        (self.included / "x.conf").unlink()
        (self.included / "x.conf").symlink_to(real / "c.conf")
        self.noticed()
        (real / "c.conf").write_text(program("b"))
        self.assertEqual(self.noticed(), [SAME])

    def test_replaced(self) -> None:
        """A main file that an editor replaces is the main file."""
        self.watch()
        self.noticed()
        for seconds, told in ((2, [OTHER]), (1, [SAME])):
            text = self.main.read_text().rpartition("[program")[0]
            new = self.folder / "new"
            new.write_text(text + program("a", seconds))
            new.rename(self.main)
            self.assertEqual(self.noticed(), told)

    def test_broken(self) -> None:
        """What is wrong is told, and that it is right again, wherever the mistake was."""
        self.watch()
        self.noticed()
        for file in (self.main, self.included / "b.conf"):
            before = file.read_text() if file.exists() else ""
            file.write_text(before + "[program:x]\nstartsecs=soon\n")
            [state] = self.noticed()
            assert state is not None
            self.assertTrue(state.changed)
            self.assertIn(f"{file}", state.problem)
            self.assertIn("startsecs", state.problem)
            file.write_text(before)
            self.assertEqual(self.noticed(), [SAME])

    def test_broken_elsewhere(self) -> None:
        """So it is where a file that only a broken configuration includes is mended."""
        other = self.folder / "other"
        other.mkdir()
        self.watch()
        self.noticed()
        (other / "b.conf").write_text("nonsense")
        self.write_main(program("a"), "other/*.conf")
        [state] = self.noticed()
        assert state is not None
        self.assertIn("b.conf", state.problem)
        (other / "b.conf").write_text("")
        self.assertEqual(self.noticed(), [SAME])

    def test_gone(self) -> None:
        """A main file that is gone is a problem, until it is there again."""
        self.watch()
        self.noticed()
        text = self.main.read_text()
        self.main.unlink()
        [state] = self.noticed()
        assert state is not None
        self.assertIn("could not find config file", state.problem)
        self.main.write_text(text)
        self.assertEqual(self.noticed(), [SAME])

    def test_applied(self) -> None:
        """When what is in force has changed it is compared again, and nothing is read."""
        self.watch()
        self.noticed()
        self.write_main(program("a", 2))
        self.noticed()
        reads = self.daemon.reads
        self.daemon.config = self.daemon.read_config()
        self.watched.compare_again()
        self.assertEqual(self.noticed(), [SAME])
        self.assertEqual(self.daemon.reads, reads + 1)

    def test_fresh(self) -> None:
        """Who asks once is told how things are, whether somebody watches or not."""
        self.assertEqual(self.successResultOf(self.watched.fresh()), SAME)
        self.assertTrue(self.is_idle)
        self.write_main(program("a", 2))
        self.assertEqual(self.successResultOf(self.watched.fresh()), OTHER)
        self.assertTrue(self.is_idle)
        reads = self.daemon.reads
        self.assertEqual(self.successResultOf(self.watched.fresh()), OTHER)
        self.assertEqual(self.daemon.reads, reads)
        self.watch()
        self.assertEqual(self.noticed(), [OTHER])
        self.assertEqual(self.successResultOf(self.watched.fresh()), OTHER)

    def test_while_it_is_read(self) -> None:
        """What changes while it is being read is read again; who leaves meanwhile is not told."""
        self.daemon.waiting = []
        end = self.watch()
        [first] = self.daemon.waiting
        self.daemon.waiting.clear()
        self.watched.compare_again()
        done = self.watched.fresh()
        self.assertEqual(self.daemon.waiting, [])
        first()
        self.assertNoResult(done)
        [second] = self.daemon.waiting
        self.daemon.waiting.clear()
        end()
        second()
        self.assertEqual(self.successResultOf(done), SAME)
        self.assertEqual(self.told, [])
        self.assertTrue(self.is_idle)

    def test_defect(self) -> None:
        """A defect in the comparison is logged, told, and harms nobody."""

        def fail(config: Config) -> Sequence[Step]:
            raise RuntimeError("no")

        watched = ConfigWatch(self.daemon, fail, self.outside)
        state = self.successResultOf(watched.fresh())
        self.assertIn("defect", state.problem)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


class PollingTests(ConfigWatchTests):
    """The same without inotify."""

    has_inotify = False


class PatienceTests(WatchTestCase):
    def test_several_at_once(self) -> None:
        """Several changes in a moment are looked at once."""
        requirements.require(os.path.exists("/proc/sys/fs/inotify"), "needs inotify")
        self.watch()
        self.noticed()
        reads = self.daemon.reads
        for seconds in range(2, 6):
            self.write_main(program("a", seconds))
            for reader in self.reactor.getReaders():
                reader.doRead()
            self.reactor.advance(PATIENCE / 10)
        self.assertEqual(self.daemon.reads, reads)
        self.reactor.advance(PATIENCE)
        self.assertEqual(self.daemon.reads, reads + 1)
        self.assertEqual(self.told, [OTHER])
