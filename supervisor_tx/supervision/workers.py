"""Work that may wait for a disk, done in threads so that the reactor does not."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from supervisor_tx.supervision.children.loop import Loop

P = ParamSpec("P")
T = TypeVar("T")

#: Threads at most: so many jobs may hang at once before others have to wait for them.
MOST = 8

#: Seconds for which a thread that computes may go on while others want to. The reactor has to ask
#: for that three times in each call that it answers: with the usual 5 ms, calls beside clients that
#: download logs took 36 ms at the 99th percentile, and so they take 18 (medians, by turns).
SWITCHING = 0.0005

Job = tuple[Deferred[Any], Callable[[], Any]]


class Workers:
    """
    A few threads, begun when there is work for them.

    They never keep the process from ending, however long a job takes; the reactor's own threads
    would.
    """

    def __init__(self, loop: Loop, most: int = MOST) -> None:
        self._loop = loop
        self._most = most
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._threads = 0
        self._unfinished = 0

    def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Call work in a thread; fire with its result, or fail with what it raised."""
        done: Deferred[T] = Deferred()
        self._unfinished += 1
        if self._unfinished > self._threads < self._most:
            try:
                threading.Thread(target=self._work, name="worker", daemon=True).start()
                self._threads += 1
                sys.setswitchinterval(SWITCHING)
            except RuntimeError:  # the limit of processes: with no thread at all do it here
                if not self._threads:
                    self._finish(done, _outcome(lambda: work(*args, **kwargs)))
                    return done
        self._jobs.put((done, lambda: work(*args, **kwargs)))
        return done

    def _work(self) -> None:
        while True:
            done, work = self._jobs.get()
            self._loop.callFromThread(self._finish, done, _outcome(work))
            del done, work  # what they hold can be large, and the next job may be long in coming

    def _finish(self, done: Deferred[Any], outcome: Any) -> None:
        self._unfinished -= 1
        done.callback(outcome)


def _outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception:  # noqa: BLE001 - whoever waits for it shall have it
        return Failure()
