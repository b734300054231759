"""A listener as a class: say what to do, and the rest is done."""

from __future__ import annotations

import sys

from supervisor_tx.listeners.event import ListenerEvent, Reject
from supervisor_tx.listeners.iterator import events
from supervisor_tx.listeners.line import StandardStreams

TYPE_CHECKING = False  # see event.py
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from supervisor_tx.listeners.line import Line


class Listener:
    """
    Hears of events, each in the method of its type.

    ::

        class Watcher(Listener):
            def on_process_state_fatal(self, event):
                print(event.namespec, "has given up")

        if __name__ == "__main__":
            Watcher().run()

    The method is ``on_process_state_fatal``, or else ``on_process_state``, ``on_process``,
    ``on_event``. If it returns, the event is accepted; if it raises, the event is rejected, and
    offered again later. It may give another answer itself.
    """

    #: seconds until the next event is asked for after one was rejected; doubled each time
    retry: float = 1.0
    #: seconds, at most
    longest_retry: float = 60.0
    #: how often an event may fail before it is accepted nevertheless; 0: there is no end to it
    attempts: int = 0

    _failing: tuple[int, int] = (-1, 0)

    def handle(self, event: ListenerEvent) -> None:
        """Do what is to be done about an event."""
        name = event.name
        while name:
            method: Callable[[ListenerEvent], None] | None
            method = getattr(self, f"on_{name.lower()}", None)
            if method is not None:
                method(event)
                return
            name = name.rpartition("_")[0]
        self.on_event(event)

    def on_event(self, event: ListenerEvent) -> None:
        """Do something about an event for which there is no other method: nothing."""

    def run(self, line: Callable[[], AbstractContextManager[Line]] = StandardStreams) -> None:
        """
        Hear of events until the daemon wants no more of us.

        Meanwhile standard output leads where standard error leads: the real one is for answers.
        """
        for event in events(retry=self.retry, longest=self.longest_retry, line=line):
            try:
                self.handle(event)
            except Reject as reason:
                self._failed(event, str(reason))
            except Exception:  # noqa: BLE001 (what it says is shown, and the event comes again)
                import traceback

                self._failed(event, traceback.format_exc().rstrip("\n"))

    def _failed(self, event: ListenerEvent, why: str) -> None:
        if why:
            print(why, file=sys.stderr, flush=True)
        if event.answer is not None:
            return
        before, times = self._failing
        self._failing = event.serial, (times + 1 if event.serial == before else 1)
        if 0 < self.attempts <= self._failing[1]:
            print(f"given up: {event!r}", file=sys.stderr, flush=True)
            event.accept()
        else:
            event.reject()
