"""Many calls that nobody waits for, some in each turn of the loop."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from supervisor_tx.activity import Logger

_log = Logger()

#: Calls in one turn of the loop, and seconds after which no more of them are begun.
AT_ONCE = 64
LONGEST = 0.005


class Rounds:
    """
    Makes calls in the order in which they were asked for, but never at once.

    A call that is waiting already is not made twice. One that raises is logged, and harms nobody.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._calls: OrderedDict[Callable[[], None], None] = OrderedDict()
        self._next: IDelayedCall | None = None
        self._turning = False

    def ask(self, call: Callable[[], None]) -> None:
        """Have it called soon."""
        self._calls[call] = None
        if self._next is None and not self._turning:
            self._next = self._clock.callLater(0, self._turn)

    def drop(self, call: Callable[[], None]) -> None:
        """Have it not called, if it was to be."""
        self._calls.pop(call, None)
        if not self._calls and self._next is not None:
            self._next.cancel()
            self._next = None

    def _turn(self) -> None:
        self._next, self._turning = None, True
        end = self._clock.seconds() + LONGEST
        for _ in range(AT_ONCE):
            if not self._calls or self._clock.seconds() > end:
                break
            call, _ = self._calls.popitem(last=False)
            try:
                call()
            except Exception:  # noqa: BLE001 (one may not harm the others)
                _log.failure("one of many calls failed")
        self._turning = False
        if self._calls:
            self._next = self._clock.callLater(0, self._turn)
