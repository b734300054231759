"""Many calls, some in each turn of the loop."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.supervision.rounds import AT_ONCE, LONGEST, Rounds


class TurningClock(Clock):
    """A clock whose loop turns by hand: what is asked for in a turn comes in the next."""

    def turn(self) -> None:
        """Make the calls that are due."""
        due = [call for call in self.calls if call.getTime() <= self.seconds()]
        for call in due:
            self.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)


class RoundsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = TurningClock()
        self.rounds = Rounds(self.clock)
        self.called: list[object] = []

    def test_order(self) -> None:
        """Calls are made in their order, later, and each once however often it was asked for."""
        first, second = lambda: self.called.append(1), lambda: self.called.append(2)
        for call in (first, second, first):
            self.rounds.ask(call)
        self.assertEqual(self.called, [])
        self.clock.turn()
        self.assertEqual(self.called, [1, 2])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def ask_many(self, count: int) -> None:
        for number in range(count):
            self.rounds.ask(lambda number=number: self.called.append(number))  # type: ignore[misc]

    def test_turns(self) -> None:
        """Only so many are made in one turn."""
        self.ask_many(AT_ONCE + 1)
        self.clock.turn()
        self.assertEqual(self.called, list(range(AT_ONCE)))
        self.clock.turn()
        self.assertEqual(len(self.called), AT_ONCE + 1)

    def test_time(self) -> None:
        """A turn is over too when its calls take long."""

        def slow() -> None:
            self.called.append("slow")
            self.clock.rightNow += 2 * LONGEST

        self.rounds.ask(slow)
        self.ask_many(1)
        self.clock.turn()
        self.assertEqual(self.called, ["slow"])
        self.clock.turn()
        self.assertEqual(self.called, ["slow", 0])

    def test_failure(self) -> None:
        """A call that raises does not keep others from being made."""

        def fail() -> None:
            raise RuntimeError("a follower")

        self.rounds.ask(fail)
        self.ask_many(1)
        self.clock.turn()
        self.assertEqual(self.called, [0])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_from_within(self) -> None:
        """A call may ask for another, and for itself again."""

        def again() -> None:
            self.called.append("again")
            if len(self.called) < 3:
                self.rounds.ask(again)

        self.rounds.ask(again)
        for _ in range(3):
            self.clock.turn()
        self.assertEqual(self.called, ["again"] * 3)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_dropped(self) -> None:
        """What was dropped is not called, and when all was no turn is waited for."""

        def call() -> None:
            self.called.append(1)

        def drop() -> None:
            self.rounds.drop(call)

        self.rounds.ask(call)
        self.rounds.drop(call)
        self.rounds.drop(call)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.rounds.ask(drop)
        self.rounds.ask(call)
        self.clock.turn()
        self.assertEqual(self.called, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
