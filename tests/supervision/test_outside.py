"""Noticing what others do to files, by the kernel and by looking."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.supervision import inotify
from supervisor_tx.supervision.children.loop import Loop
from supervisor_tx.supervision.inotify import Inotify
from supervisor_tx.supervision.logs import watch
from supervisor_tx.supervision.outside import LOOK_SECONDS, Outside
from tests import requirements
from tests.logs import HandReactor, Messages


def refuse(number: int) -> Callable[[Loop], Inotify]:
    """Return what makes no inotify."""

    def make(loop: Loop) -> Inotify:
        raise OSError(number, os.strerror(number))

    return make


class OutsideTestCase(SynchronousTestCase):
    make_inotify: Callable[[Loop], Inotify] | None = Inotify

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.path = self.folder / "log"
        self.path.write_text("x")
        self.reactor = HandReactor()
        self.calls = 0
        self.outside = self.make_outside()
        self.addCleanup(self.outside.close)

    def make_outside(self) -> Outside:
        return Outside(self.reactor, type(self).make_inotify)

    def changed(self) -> None:
        self.calls += 1

    def noticed(self) -> bool:
        """Let it notice what there is to notice, and tell whether it did."""
        before = self.calls
        for reader in self.reactor.getReaders():
            reader.doRead()
        self.reactor.advance(LOOK_SECONDS)
        return self.calls > before

    def append(self, text: str = "more") -> None:
        with self.path.open("a") as file:
            file.write(text)

    def replace(self, path: Path, text: str = "other") -> None:
        new = path.with_name("new")
        new.write_text(text)
        new.rename(path)

    @property
    def is_idle(self) -> bool:
        return not self.reactor.getReaders() and not self.reactor.getDelayedCalls()


class FileContract:
    """What holds of files however changes are noticed."""

    path: Path
    folder: Path
    outside: Outside
    changed: Callable[[], None]
    noticed: Callable[[], bool]
    append: Callable[..., None]
    replace: Callable[..., None]
    addCleanup: Callable[..., None]
    assertTrue: Callable[..., None]
    assertFalse: Callable[..., None]
    assertEqual: Callable[..., None]
    is_idle: bool

    def watch(self, path: Path | None = None) -> Callable[[], None]:
        stop = self.outside.file(str(path or self.path), self.changed)
        self.addCleanup(stop)
        return stop

    def test_written(self) -> None:
        """What somebody writes is noticed, each time."""
        self.watch()
        self.assertFalse(self.noticed())
        for _ in range(3):
            self.append()
            self.assertTrue(self.noticed())
            self.assertFalse(self.noticed())

    def test_cut(self) -> None:
        """So is a file that is cut."""
        self.watch()
        os.truncate(self.path, 0)
        self.assertTrue(self.noticed())

    def test_replaced(self) -> None:
        """A file that takes its place, and what is then written there."""
        self.watch()
        self.replace(self.path)
        self.assertTrue(self.noticed())
        self.append()
        self.assertTrue(self.noticed())

    def test_moved_away(self) -> None:
        """A file that comes some time after the one before has gone."""
        self.watch()
        self.path.rename(self.folder / "log.1")
        self.noticed()
        self.path.write_text("anew")
        self.assertTrue(self.noticed())
        self.append()
        self.assertTrue(self.noticed())

    def test_removed(self) -> None:
        """The same where it was removed; and where it was not there at all."""
        self.path.unlink()
        self.watch()
        self.assertFalse(self.noticed())
        for _ in range(2):
            self.path.write_text("anew")
            self.assertTrue(self.noticed())
            self.path.unlink()
            self.noticed()

    def test_link(self) -> None:
        """Behind a symbolic link it is the file that counts, and where the link leads."""
        inner = self.folder / "inner"
        inner.mkdir()
        real, link = inner / "real", self.folder / "link"
        real.write_text("x")
        link.symlink_to(real)
        self.watch(link)
        real.write_text("longer")
        self.assertTrue(self.noticed())
        self.replace(real, "something else")
        self.assertTrue(self.noticed())
        link.unlink()
        link.symlink_to(self.path)
        self.assertTrue(self.noticed())
        self.append()
        self.assertTrue(self.noticed())

    def test_two_names(self) -> None:
        """Two names of one file are watched on their own."""
        other = self.folder / "other"
        other.hardlink_to(self.path)
        stop = self.watch(other)
        self.watch()
        stop()
        self.append()
        self.assertTrue(self.noticed())

    def test_ended(self) -> None:
        """When nobody wants to know any more nothing is left: no descriptor, no timer."""
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            stops = [self.watch(), self.watch(self.folder / "none"), self.watch()]
            self.append()
            self.noticed()
            self.assertFalse(self.is_idle)
            for stop in stops:
                stop()
                stop()
            self.assertTrue(self.is_idle)
            self.append()
            self.assertFalse(self.noticed())
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_folder_moved(self) -> None:
        """When the folder makes room for another, what is then at the path counts."""
        inner = self.folder / "inner"
        inner.mkdir()
        path = inner / "log"
        path.write_text("x")
        self.watch(path)
        inner.rename(self.folder / "before")
        self.noticed()
        inner.mkdir()
        path.write_text("in the new folder")
        self.assertTrue(self.noticed())
        path.write_text("once more, and longer")
        self.assertTrue(self.noticed())

    def test_no_folder(self) -> None:
        """A file in a folder that comes later is noticed too."""
        path = self.folder / "later" / "log"
        self.watch(path)
        self.noticed()
        path.parent.mkdir()
        path.write_text("x")
        self.assertTrue(self.noticed())


class KernelTests(FileContract, OutsideTestCase):
    def setUp(self) -> None:
        super().setUp()
        try:
            Inotify(self.reactor).close()
        except OSError as error:
            requirements.require(False, f"needs inotify: {error}")

    def test_shared(self) -> None:
        """All share one instance."""
        self.watch()
        self.watch(self.folder / "other")
        self.assertEqual(len(self.reactor.getReaders()), 1)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_folder(self) -> None:
        """In a folder files come, are written to, and go."""
        stop = self.outside.folder(str(self.folder), self.changed, self.fail)
        assert stop is not None
        file = self.folder / "new.conf"
        for change in (
            lambda: file.write_text("x"),
            lambda: file.write_text("y"),
            lambda: file.rename(self.folder / "old.conf"),
            (self.folder / "old.conf").unlink,
        ):
            change()
            self.assertTrue(self.noticed())
            self.assertFalse(self.noticed())
        stop()
        self.assertTrue(self.is_idle)

    def test_folder_gone(self) -> None:
        """A folder that goes, or moves, is lost, once; ending it afterwards does no harm."""
        inner = self.folder / "inner"
        for go in (inner.rmdir, lambda: inner.rename(self.folder / "elsewhere")):
            inner.mkdir()
            stop = self.outside.folder(str(inner), self.fail, self.changed)
            assert stop is not None
            before = self.calls
            go()
            self.noticed()
            self.assertEqual(self.calls, before + 1)
            self.assertTrue(self.is_idle)
            stop()

    def test_overflow(self) -> None:
        """Where the kernel has more to tell than it can hold, it is taken for a change."""
        limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        requirements.require(limit <= 65536, "needs a queue that can be filled")
        self.watch()
        stop = self.outside.folder(str(self.folder), lambda: None, lambda: None)
        assert stop is not None
        self.addCleanup(stop)
        other = self.folder / "other"
        for _ in range(limit // 3 + 1):  # made, closed, removed
            os.close(os.open(other, os.O_CREAT | os.O_WRONLY))
            other.unlink()
        self.append()
        [reader] = self.reactor.getReaders()
        for _ in range(limit):
            reader.doRead()
        self.assertGreater(self.calls, 0)

    def test_stopped_amid(self) -> None:
        """Who stops while others are told of the same is not told any more."""
        stops: list[Callable[[], None]] = []

        def stop_all() -> None:
            self.changed()
            for stop in stops:
                stop()

        stops += [self.outside.file(str(self.path), stop_all) for _ in range(2)]
        self.append()
        self.noticed()
        self.assertEqual(self.calls, 1)
        self.assertTrue(self.is_idle)

    def test_lost(self) -> None:
        """What a loop has dropped is closed, and ends all the same."""
        kernel = Inotify(self.reactor)
        self.addCleanup(kernel.close)
        held = kernel.watch(str(self.path), inotify.MODIFY, lambda mask, name: None)
        kernel.connectionLost(None)  # type: ignore[arg-type]
        self.assertEqual(kernel.fileno(), -1)
        held.stop()
        self.assertEqual(self.reactor.getReaders(), [])


class LookingTests(FileContract, OutsideTestCase):
    """The same without inotify."""

    make_inotify = None

    def test_folder(self) -> None:
        """It cannot tell of folders."""
        self.assertIs(self.outside.folder(str(self.folder), self.changed, self.changed), None)
        self.assertTrue(self.is_idle)


class FullTests(OutsideTestCase):
    """Where the system has no watches, or no instances, left."""

    make_inotify = staticmethod(refuse(errno.EMFILE))

    def test_told_once(self) -> None:
        """It goes on by looking, and says so once."""
        messages = Messages(self)
        for name in ("log", "other"):
            self.addCleanup(self.outside.file(str(self.folder / name), self.changed))
        self.assertEqual(
            messages.all,
            [self.told(errno.EMFILE)],
        )
        self.append()
        self.assertTrue(self.noticed())

    def told(self, number: int) -> str:
        return (
            f"INFO {self.path} is looked at every few seconds while somebody follows it, "
            f"as the system does not tell of changes: {os.strerror(number)}"
        )

    def test_no_watch_left(self) -> None:
        """The same where there is an instance, but no watch."""
        made: list[Full] = []

        def make(loop: Loop) -> Inotify:
            made.append(Full(loop))
            return made[-1]

        self.outside = Outside(self.reactor, make)
        stop = self.outside.file(str(self.path), self.changed)
        self.append()
        self.assertTrue(self.noticed())
        self.assertEqual(self.reactor.getReaders(), [])
        self.assertEqual([each.fileno() for each in made], [-1])
        stop()
        self.assertTrue(self.is_idle)


class Full(Inotify):
    """An instance that has room for one watch."""

    def watch(
        self, path: str, mask: int, told: inotify.Told, *, folder: bool = False
    ) -> inotify.Watch:
        if not folder:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().watch(path, mask, told, folder=folder)


class ListenTests(OutsideTestCase):
    """What followers of logs hear."""

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(watch.listen, None)

    def test_followed(self) -> None:
        """All who follow a file share what is heard of it, from the first to the last."""
        watch.listen(self.outside)
        path = str(self.path)
        self.assertTrue(self.is_idle)
        watch.add(path, self.changed)
        watch.add(path, self.changed)
        self.append()
        self.noticed()
        self.assertEqual(self.calls, 2)
        watch.remove(path, self.changed)
        self.append()
        self.assertTrue(self.noticed())
        watch.remove(path, self.changed)
        self.assertTrue(self.is_idle)

    def test_begun_and_ended(self) -> None:
        """It may begin and end while somebody follows."""
        path = str(self.path)
        watch.add(path, self.changed)
        watch.listen(self.outside)
        self.append()
        self.assertTrue(self.noticed())
        watch.listen(None)
        self.assertTrue(self.is_idle)
        watch.remove(path, self.changed)
