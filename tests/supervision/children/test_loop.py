"""Work for many children, a little per turn."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.supervision.children.loop import Agenda, Poller
from tests import requirements


class HandLoop:
    """A loop that is turned by hand."""

    def __init__(self) -> None:
        self.readers: list[Any] = []
        self.calls: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
        self.now = 0.0

    def seconds(self) -> float:
        return self.now

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any) -> Any:
        self.calls.append((callable, args))

    def turn(self) -> None:
        """Make the calls that were asked for before this turn."""
        calls, self.calls = self.calls, []
        for call, args in calls:
            call(*args)

    def addReader(self, reader: Any) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:
        if reader in self.readers:
            self.readers.remove(reader)

    def addWriter(self, writer: Any) -> None:
        raise AssertionError("nobody writes here")

    def removeWriter(self, writer: Any) -> None:
        raise AssertionError("nobody writes here")

    def callFromThread(self, callable: Callable[..., object], *args: Any) -> None:
        self.callLater(0, callable, *args)

    def ready(self) -> None:
        """One turn in which all readers are ready."""
        for reader in tuple(self.readers):
            reader.doRead()

    def takes(self, seconds: float) -> None:
        """Something lasts for so long."""
        self.now += seconds


class AgendaTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.loop = HandLoop()
        self.agenda = Agenda(self.loop, budget=0.004)
        self.done: list[int] = []

    def work(self, number: int) -> None:
        self.loop.takes(0.001)
        self.done.append(number)

    def test_later(self) -> None:
        """Work is done in a later turn, in order."""
        for number in range(3):
            self.agenda.add(self.work, number)
        self.assertEqual(self.done, [])
        self.loop.turn()
        self.assertEqual(self.done, [0, 1, 2])
        self.assertEqual(self.loop.calls, [])

    def test_bounded(self) -> None:
        """One turn takes no longer than its budget and one item; the next goes on."""
        for number in range(10):
            self.agenda.add(self.work, number)
        self.loop.turn()
        self.assertEqual(self.done, [0, 1, 2, 3])
        self.loop.turn()
        self.assertEqual(len(self.done), 8)
        self.loop.turn()
        self.assertEqual(self.done, list(range(10)))

    def test_added_by_work(self) -> None:
        """Work may add work."""
        self.agenda.add(self.agenda.add, self.work, 1)
        self.loop.turn()
        self.loop.turn()
        self.assertEqual(self.done, [1])

    def test_failure(self) -> None:
        """Work that fails is logged, and the rest is done."""
        self.agenda.add(int, "x")
        self.agenda.add(self.work, 1)
        self.loop.turn()
        self.assertEqual(self.done, [1])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class Reader:
    """Reads one byte at a time from one end of a pipe, which takes a millisecond."""

    def __init__(self, loop: HandLoop, fd: int) -> None:
        self.loop, self.fd = loop, fd
        self.times = 0
        self.lost: list[Failure] = []
        self.error: BaseException | None = None

    def fileno(self) -> int:
        return self.fd

    def logPrefix(self) -> str:
        return "reader"

    def doRead(self) -> Any:
        self.loop.takes(0.001)
        self.times += 1
        if self.error is not None:
            raise self.error
        return None if os.read(self.fd, 1) else ConnectionError()

    doWrite = doRead

    def connectionLost(self, reason: Failure) -> None:
        self.lost.append(reason)


class PollerTests(SynchronousTestCase):
    def setUp(self) -> None:
        requirements.require(hasattr(__import__("select"), "epoll"), "needs epoll")
        self.loop = HandLoop()
        self.poller = Poller(self.loop, budget=0.002)
        self.addCleanup(self.clean_up)
        self.readers: list[Reader] = []
        self.ends: list[int] = []

    def clean_up(self) -> None:
        for reader in self.readers:
            self.poller.removeReader(reader)  # type: ignore[arg-type]
            os.close(reader.fd)
        for fd in self.ends:
            os.close(fd)

    def reader(self, data: bytes = b"") -> Reader:
        ours, theirs = os.pipe()
        os.write(theirs, data)
        reader = Reader(self.loop, ours)
        self.readers.append(reader)
        self.ends.append(theirs)
        self.poller.addReader(reader)  # type: ignore[arg-type]
        return reader

    def test_one_descriptor(self) -> None:
        """The loop sees one descriptor for all, and none when there are none."""
        first, second = self.reader(), self.reader()
        self.assertEqual(self.loop.readers, [self.poller])
        self.poller.removeReader(first)  # type: ignore[arg-type]
        self.assertEqual(self.loop.readers, [self.poller])
        self.poller.removeReader(second)  # type: ignore[arg-type]
        self.assertEqual(self.loop.readers, [])
        self.poller.addReader(second)  # type: ignore[arg-type]
        self.assertEqual(self.loop.readers, [self.poller])

    def test_takes_no_descriptor(self) -> None:
        """To add the first one takes no descriptor, of which there may be none left."""
        reader = self.reader()
        self.poller.removeReader(reader)  # type: ignore[arg-type]
        before = os.listdir("/proc/self/fd")
        self.poller.addReader(reader)  # type: ignore[arg-type]
        self.assertEqual(os.listdir("/proc/self/fd"), before)

    def test_bounded(self) -> None:
        """A flood is read for the budget of a turn, not to its end."""
        flood = self.reader(b"x" * 1000)
        self.loop.ready()
        self.assertEqual(flood.times, 2)

    def test_fair(self) -> None:
        """Among many that are always ready, all have their turn."""
        readers = [self.reader(b"x" * 1000) for _ in range(100)]
        for _ in range(50):
            self.loop.ready()
        times = [reader.times for reader in readers]
        self.assertLessEqual(max(times) - min(times), 2)
        self.assertGreater(min(times), 0)

    def test_end_of_file(self) -> None:
        """A reader that says it is at its end is told, and read no more."""
        reader = self.reader()
        os.close(self.ends.pop())
        self.loop.ready()
        self.loop.ready()
        self.assertEqual((reader.times, len(reader.lost)), (1, 1))

    def test_failure(self) -> None:
        """A reader that raises is logged and dropped, and harms no other."""
        good = self.reader(b"x")
        for error in (ZeroDivisionError(), SystemExit(3), KeyboardInterrupt()):
            bad = self.reader(b"x")
            bad.error = error
            for _ in range(3):
                self.loop.ready()
            self.assertEqual((bad.times, len(bad.lost), good.times), (1, 1, 1))
            self.assertEqual(len(self.flushLoggedErrors(type(error))), 1)

    def test_closed_by_another(self) -> None:
        """What was ready and has been removed in the same turn is not called."""
        first, second = self.reader(b"x"), self.reader(b"x")
        self.poller._budget = 1  # both in one round
        read = first.doRead

        def read_and_remove() -> Any:
            self.poller.removeReader(second)  # type: ignore[arg-type]
            return read()

        first.doRead = read_and_remove  # type: ignore[method-assign]
        self.loop.ready()
        self.assertEqual((first.times, second.times), (1, 0))

    def test_both_ways(self) -> None:
        """One descriptor may be read and written; taken out one way, it stays in the other."""
        ours, theirs = os.pipe()
        self.ends.append(ours)
        writer = Reader(self.loop, theirs)
        self.readers.append(writer)
        self.poller.addReader(writer)  # type: ignore[arg-type]
        self.poller.addWriter(writer)  # type: ignore[arg-type]
        self.poller.removeWriter(writer)  # type: ignore[arg-type]
        self.loop.ready()
        self.assertEqual(writer.times, 0)
        self.assertEqual(self.loop.readers, [self.poller])
