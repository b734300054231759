"""Waiting for what becomes of a process: nothing looks again and again, each change tells."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from supervisor_tx.activity import Logger
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.values import field, mutable

_log = Logger()

#: Seconds between two lines that tell of a stop that somebody waits for.
REPORT_SECONDS = 2.0


def when(process: SupervisedProcess, ready: Callable[[], bool]) -> Deferred[None]:
    """
    Fire when ``ready`` holds, which is looked at now and after all that befalls the process.

    Fails with what ``ready`` raises.
    """
    done: Deferred[None] = Deferred(lambda _: process.watchers.remove(look))

    def look() -> None:
        if done.called:  # another one who waited, and was called first, has brought it about
            return
        try:
            if not ready():
                return
        except Exception:  # noqa: BLE001 - for whoever waits
            result: Failure | None = Failure()
        else:
            result = None
        process.watchers.remove(look)
        done.callback(result)

    process.watchers.append(look)
    if not process.is_busy:
        look()
    return done


@mutable
class StopReports:
    """Tells in the activity log which stops are waited for, as long as somebody waits."""

    clock: IReactorTime
    _waiting: dict[SupervisedProcess, int] = field(default_factory=dict, init=False)
    _timers: dict[SupervisedProcess, IDelayedCall] = field(default_factory=dict, init=False)

    def begin(self, process: SupervisedProcess) -> None:
        """Somebody more waits."""
        waiting = self._waiting.get(process, 0)
        self._waiting[process] = waiting + 1
        if not waiting:
            self._report(process)

    def end(self, process: SupervisedProcess) -> None:
        """Somebody has waited for long enough."""
        self._waiting[process] -= 1
        if not self._waiting[process]:
            del self._waiting[process]
            self._timers.pop(process).cancel()

    def _report(self, process: SupervisedProcess) -> None:
        _log.info("waiting for {name} to stop", name=process.name)
        self._timers[process] = self.clock.callLater(REPORT_SECONDS, self._report, process)
