"""When processes are looked at, how much at a time, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.figures import SAMPLES, Figure
from supervisor_tx.core.processtree import Key
from supervisor_tx.errors import NoFigures
from supervisor_tx.supervision.figures import (
    FIRST_INTERVAL,
    INTERVAL,
    KEPT,
    LINGER,
    SHARE,
    SLICE,
    Figures,
)
from supervisor_tx.supervision.processtable import ProcessTable
from tests.logs import Messages
from tests.processes import FakeTable

A: Key = ("group", "a")
B: Key = ("group", "b")


class TurningClock(Clock):
    """A clock that can do what a reactor does in one turn of its loop."""

    def turn(self) -> None:
        """Make the calls that are due, but not those that they ask for."""
        for call in [call for call in self.calls if call.getTime() <= self.seconds()]:
            if call in self.calls:
                self.calls.remove(call)
                call.called = 1
                call.func(*call.args, **call.kw)


class FiguresTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = TurningClock()
        self.table = FakeTable()
        self.init = self.table.fork(0)
        self.pid = self.table.fork(self.init)
        self.roots = {A: self.table.fork(self.pid), B: self.table.fork(self.pid)}
        self.opened = 0
        self.figures = Figures(
            self.clock, lambda: self.roots, lambda: self.pid, self.open_table, self.clock.seconds
        )
        self.calls = 0

    def open_table(self) -> ProcessTable:
        self.opened += 1
        return self.table

    def changed(self) -> None:
        self.calls += 1

    def watch(self) -> Callable[[], None]:
        unsubscribe = self.figures.watch(self.changed)
        self.addCleanup(unsubscribe)
        return unsubscribe

    def turn(self) -> None:
        """Let the loop turn until nothing is left for now."""
        while any(call.getTime() <= self.clock.seconds() for call in self.clock.getDelayedCalls()):
            self.clock.advance(0)

    def wait(self, seconds: float = INTERVAL) -> None:
        self.clock.advance(seconds)
        self.turn()

    def cpu(self, key: Key = A) -> float | None:
        return self.figures.latest[key].cpu_percent


class WatchTests(FiguresTestCase):
    def test_nobody(self) -> None:
        """While nobody looks there is no timer, and no table."""
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.opened, 0)
        unsubscribe = self.watch()
        self.turn()
        self.assertEqual(self.calls, 1)
        unsubscribe()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.calls, 1)

    def test_one_for_all(self) -> None:
        """However many look, the table is read once, and read on until the last one leaves."""
        leave = [self.watch() for _ in range(3)]
        self.turn()
        self.assertEqual(self.table.looks, len(self.table.processes))
        self.assertEqual(self.calls, 3)
        for each in leave[:2]:
            each()
            each()
        self.wait()
        self.assertEqual(self.calls, 4)
        leave[2]()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_leaving_within_the_call(self) -> None:
        """Who is called may leave, and take others along."""
        leave: list[Callable[[], None]] = []

        def all_leave() -> None:
            self.calls += 1
            for each in leave:
                each()

        leave += [self.figures.watch(all_leave), self.figures.watch(all_leave)]
        self.turn()
        self.assertEqual(self.calls, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_failing(self) -> None:
        """Who fails when called harms nobody."""

        def fail() -> None:
            raise RuntimeError("no")

        self.addCleanup(self.figures.watch(fail))
        self.watch()
        self.turn()
        self.wait()
        self.assertEqual(self.calls, 2)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_leaving_amid(self) -> None:
        """A pass that nobody waits for any more is given up, and the table closed."""
        for _ in range(3 * SLICE):
            self.table.fork(self.roots[A])
        unsubscribe = self.watch()
        self.clock.turn()
        self.assertEqual(self.table.readers, 1)
        unsubscribe()
        self.assertEqual(self.table.readers, 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.watch()
        self.turn()
        self.assertEqual(self.figures.latest[A].processes, 3 * SLICE + 1)

    def test_slices(self) -> None:
        """In one turn of the loop only so many processes are looked at."""
        for _ in range(10 * SLICE):
            self.table.fork(self.roots[A])
        self.watch()
        turns = 0
        while self.calls == 0:
            before = self.table.looks
            self.clock.turn()
            self.assertLessEqual(self.table.looks - before, SLICE)
            turns += 1
        self.assertGreater(turns, 20)  # it takes as many to put the trees together


class IntervalTests(FiguresTestCase):
    def test_first(self) -> None:
        """The second pass is soon after the first, as only then the CPU can be told."""
        self.watch()
        self.turn()
        self.assertIs(self.cpu(), None)
        self.table.work(self.roots[A], 0.25)
        self.wait(FIRST_INTERVAL)
        self.assertEqual(self.calls, 2)
        self.assertEqual(self.cpu(), 50.0)
        self.wait(FIRST_INTERVAL)
        self.assertEqual(self.calls, 2)
        self.wait(INTERVAL - FIRST_INTERVAL)
        self.assertEqual(self.calls, 3)

    def test_expensive(self) -> None:
        """Where passes take long they are so rare that they take only their share."""
        self.table.when_read = lambda pid: self.clock.advance(0.05)
        cost = 0.05 * len(self.table.processes)
        self.watch()
        self.turn()
        self.assertAlmostEqual(self.figures.interval, cost / SHARE)
        self.wait(FIRST_INTERVAL)
        self.assertEqual(self.calls, 2)
        self.wait(cost / SHARE - 0.1)
        self.assertEqual(self.calls, 2)
        self.wait(0.2)
        self.assertEqual(self.calls, 3)

    def test_coming_back(self) -> None:
        """Who comes back soon finds what was there, and no pass is made before its time."""
        unsubscribe = self.watch()
        self.turn()
        self.wait(FIRST_INTERVAL)
        unsubscribe()
        self.table.work(self.roots[A], 1)
        self.clock.advance(0.5)
        self.watch()
        self.assertEqual(len(self.figures.latest[A].history), 2)
        self.turn()
        self.assertEqual(self.calls, 2)
        self.wait(INTERVAL - 0.5)
        self.assertEqual(self.calls, 3)
        self.assertEqual(self.cpu(), 50.0)
        self.assertEqual([cpu for cpu, _ in self.figures.latest[A].history], [None, 0.0, 50.0])

    def test_coming_back_late(self) -> None:
        """Who comes back after long finds nothing that is not true any more."""
        unsubscribe = self.watch()
        self.turn()
        unsubscribe()
        self.table.work(self.roots[A], 1)
        self.clock.advance(KEPT + 1)
        self.watch()
        self.assertEqual(self.figures.latest, {})
        self.assertIs(self.figures.history(*A), None)
        self.turn()
        self.assertIs(self.cpu(), None)


class FoundTests(FiguresTestCase):
    def looked(self) -> None:
        self.watch()
        self.turn()
        self.wait(FIRST_INTERVAL)

    def test_trees(self) -> None:
        """CPU and memory are those of a program and all its descendants."""
        self.looked()
        child = self.table.fork(self.roots[A])
        for pid, seconds in ((self.roots[A], 0.5), (child, 1.0), (self.pid, 0.02)):
            self.table.work(pid, seconds)
        self.wait()
        a, b = self.figures.latest[A], self.figures.latest[B]
        self.assertEqual((a.cpu_percent, a.rss_bytes, a.processes), (75.0, 8192, 2))
        self.assertEqual((b.cpu_percent, b.rss_bytes, b.processes), (0.0, 4096, 1))
        daemon = self.figures.daemon
        assert daemon is not None
        self.assertEqual((daemon.cpu_percent, daemon.rss_bytes, daemon.processes), (1.0, 4096, 1))
        assert self.figures.host is not None
        self.assertEqual(self.figures.host.memory_total, 2**30)

    def test_ended(self) -> None:
        """A program that does not run has no figure; its history goes on, with gaps."""
        self.looked()
        self.table.end(self.roots.pop(A))
        self.wait()
        self.assertNotIn(A, self.figures.latest)
        self.assertEqual([*self.history()], [(None, 4096), (0.0, 4096), (None, 0)])
        self.roots[A] = self.table.fork(self.pid)
        self.table.work(self.roots[A], 0.5)
        self.wait()
        self.assertEqual(self.cpu(), 25.0)
        self.assertEqual([*self.history()][2:], [(None, 0), (25.0, 4096)])

    def history(self) -> list[tuple[float | None, int]]:
        found = self.figures.history(*A)
        return [] if found is None else list(found)

    def test_gone(self) -> None:
        """What has not run for as long as a history lasts is forgotten."""
        self.looked()
        self.table.end(self.roots.pop(A))
        for _ in range(SAMPLES - 1):
            self.wait()
        self.assertEqual(len(self.history()), SAMPLES)
        self.wait()
        self.assertIs(self.figures.history(*A), None)

    def test_bounded(self) -> None:
        """A history has only so many samples, however long somebody looks."""
        self.looked()
        for _ in range(2 * SAMPLES):
            self.wait()
        self.assertEqual(len(self.figures.latest[A].history), SAMPLES)

    def test_replaced_amid(self) -> None:
        """A program that ends while the table is read has no figure until the next pass."""
        self.looked()

        def restart(pid: int) -> None:
            self.table.when_read = lambda pid: None
            self.table.end(self.roots[A])
            self.roots[A] = self.table.fork(self.pid)

        self.table.when_read = restart
        self.wait()
        self.assertNotIn(A, self.figures.latest)
        self.assertIn(B, self.figures.latest)
        self.wait()
        self.assertEqual(self.figures.latest[A].processes, 1)

    def test_hidden(self) -> None:
        """A program that may not be looked at has no figure."""
        self.table.processes[self.roots[A]] = None
        self.looked()
        self.assertEqual(self.figures.latest.keys(), {B})
        self.assertEqual(self.figures.problem, "")

    def test_vanishing(self) -> None:
        """Processes that come and go while the table is read are no trouble."""
        children = [self.table.fork(self.roots[A]) for _ in range(3)]

        def churn(pid: int) -> None:
            if pid in children:
                self.table.end(pid)
            self.table.fork(self.roots[B])

        self.table.when_read = churn
        self.looked()
        self.assertEqual(self.figures.latest[A].processes, 1)

    def test_consistent(self) -> None:
        """All that can be seen changes together, when a pass has ended."""
        for _ in range(3 * SLICE):
            self.table.fork(self.roots[A])
        self.looked()
        self.clock.rightNow += INTERVAL
        seen: list[tuple[Figure, Figure | None]] = []
        while self.calls == 2:
            seen.append((self.figures.latest[A], self.figures.daemon))
            self.clock.turn()
        self.assertGreater(len(seen), 3)
        self.assertEqual(len(set(map(id, (figure for figure, _ in seen)))), 1)
        self.assertEqual(len(set(map(id, (daemon for _, daemon in seen)))), 1)
        self.assertIsNot(self.figures.latest[A], seen[0][0])


class GlanceTests(FiguresTestCase):
    def test_at_once(self) -> None:
        """Where somebody watches, what is there is fresh."""
        self.watch()
        self.turn()
        self.wait(FIRST_INTERVAL)
        self.successResultOf(self.figures.fresh())

    def test_from_nothing(self) -> None:
        """Where nobody does, it takes the time between two passes."""
        done = self.figures.fresh()
        self.turn()
        self.assertNoResult(done)
        self.wait(FIRST_INTERVAL)
        self.successResultOf(done)
        self.assertEqual(self.cpu(), 0.0)

    def test_linger(self) -> None:
        """Who asks once counts as one who looks for a while, who asks again for longer."""
        self.figures.glance()
        self.clock.pump([1] * 8)
        self.figures.glance()
        self.clock.pump([1] * 9)
        self.assertNotEqual(self.clock.getDelayedCalls(), [])
        self.clock.pump([1] * int(LINGER))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.figures.glance()
        self.assertNotEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled(self) -> None:
        """Who does not want to wait any more is not told."""
        done = self.figures.fresh()
        self.turn()
        done.cancel()
        self.failureResultOf(done)
        other = self.figures.fresh()
        self.wait(FIRST_INTERVAL)
        self.successResultOf(other)

    def test_cancelled_amid(self) -> None:
        """Not even where he is just about to be told."""
        first, second = self.figures.fresh(), self.figures.fresh()
        first.addCallback(lambda _: second.cancel())
        self.turn()
        self.wait(FIRST_INTERVAL)
        self.successResultOf(first)
        self.failureResultOf(second)


class ProblemTests(FiguresTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.messages = Messages(self)

    def test_none(self) -> None:
        """Where there is nothing to be had, that is told, to who asks and once in the log."""
        self.table.failure = NoFigures("no /proc here")
        self.watch()
        done = self.figures.fresh()
        self.turn()
        self.successResultOf(done)
        self.assertEqual(self.figures.problem, "no /proc here")
        self.wait()
        self.assertEqual(self.calls, 2)
        self.assertEqual(
            self.messages.all,
            ["WARN CPU and memory of processes cannot be told: no /proc here"],
        )
        self.successResultOf(self.figures.fresh())

    def test_no_table(self) -> None:
        """The same where there is not even a table."""

        def none() -> ProcessTable:
            raise NoFigures("psutil is needed")

        figures = Figures(self.clock, lambda: self.roots, lambda: self.pid, none)
        self.addCleanup(figures.watch(self.changed))
        self.turn()
        self.assertEqual(figures.problem, "psutil is needed")
        self.assertEqual(self.calls, 1)

    def test_for_now(self) -> None:
        """When it has passed, figures go on from those before."""
        self.watch()
        self.turn()
        self.wait(FIRST_INTERVAL)
        self.table.failure = NoFigures("too many open files")
        self.wait()
        self.assertEqual((self.figures.latest, self.figures.daemon), ({}, None))
        self.table.failure = None
        self.table.work(self.roots[A], 1)
        self.wait()
        self.assertEqual(self.figures.problem, "")
        self.assertEqual(self.cpu(), 25.0)
        self.assertEqual(len(self.figures.latest[A].history), 3)
