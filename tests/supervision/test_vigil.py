"""How long a loop is kept awake."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.supervision.vigil import TURNS, Vigil


class Turns(Clock):
    """A clock that has one turn after the other: what is asked for in one comes in the next."""

    def turn(self) -> bool:
        """Have a turn; answer whether the loop would go to sleep in it, as far as this goes."""
        due, self.calls = self.calls, []
        for call in due:
            call.called = 1
            call.func(*call.args, **call.kw)
        return not self.calls


class VigilTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Turns()
        self.vigil = Vigil(self.clock)

    def looks(self) -> int:
        """Return in how many turns the loop does not go to sleep, before it does."""
        count = 0
        while not self.clock.turn():
            count += 1
            self.assertLess(count, 100)
        return count

    def test_bounded(self) -> None:
        """The loop stays awake for so many turns, and then sleeps."""
        self.vigil.keep()
        self.assertEqual(self.looks(), TURNS)
        self.assertEqual(self.looks(), 0)

    def test_begins_anew(self) -> None:
        """Each time that there is a reason, the turns are counted from then, and not added."""
        self.vigil.keep()
        self.vigil.keep()
        self.clock.turn()
        self.vigil.keep()
        self.assertEqual(self.looks(), TURNS)

    def test_again(self) -> None:
        """After it has slept it can be kept awake again."""
        self.vigil.keep()
        self.looks()
        self.vigil.keep()
        self.assertEqual(self.looks(), TURNS)

    def test_sleeps(self) -> None:
        """Nothing happens by itself."""
        self.assertEqual(self.clock.getDelayedCalls(), [])
