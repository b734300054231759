"""
Keeps a loop awake for a moment, while an answer is about to come.

Where a listener answers within microseconds, going to sleep meanwhile costs more than it saves: the
system has to wake us, mostly from another processor that is asleep too. See :class:`Vigil`.
"""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: Turns of the loop: as many as it takes to wake somebody on another processor and to hear from it.
#: On a virtual machine with two processors and nothing else to do, to tell one of many events took
#: 43 us without this, 32 with two turns, 30 with three and 28 with four; and the daemon and the
#: listener took 37 us of CPU for it without this and 31 with four. Six were no better, and took 36.
TURNS = 4

#: Seconds within which somebody answers at once. The next answer of whoever takes longer than that
#: is not kept awake for.
AT_ONCE = 0.0001


class Vigil:
    """
    Lets a loop look for what is ready a few times more, before it goes to sleep.

    It looks without waiting, and does all else that it has to do in between. So this is bounded by
    the number of looks, and nothing happens unless :meth:`keep` is called.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._left = 0
        self._next: IDelayedCall | None = None

    def keep(self) -> None:
        """Stay awake for so many turns from now on."""
        self._left = TURNS
        if self._next is None:
            self._next = self._clock.callLater(0, self._turn)

    def _turn(self) -> None:
        self._next = None
        if self._left:
            self._left -= 1
            self._next = self._clock.callLater(0, self._turn)
