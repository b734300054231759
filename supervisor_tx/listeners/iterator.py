"""Events one after the other, for a loop: ``for event in events()``, or ``async for``."""

from __future__ import annotations

from supervisor_tx.core.envelope import READY, Envelopes
from supervisor_tx.listeners.event import ListenerEvent
from supervisor_tx.listeners.line import StandardStreams

TYPE_CHECKING = False  # see event.py
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractContextManager

    from supervisor_tx.listeners.line import Line


class events:  # noqa: N801 (it is called as one calls enumerate)
    """
    The events that the daemon hands to this process, until it wants no more of us.

    An event without an answer is accepted when the next is asked for. Where the loop is left
    without an answer there is none: when the process ends the event is offered to another.

    After a rejected event the next one is asked for some time later, since it will be the same one
    again: ``retry`` seconds, twice as many after each further one, up to ``longest``.
    """

    def __init__(
        self,
        *,
        retry: float = 1.0,
        longest: float = 60.0,
        line: Callable[[], AbstractContextManager[Line]] = StandardStreams,
    ) -> None:
        """``line`` opens what events come from; by default that is the standard streams."""
        self._retry, self._longest = retry, longest
        self._open = line
        #: seconds before the next event, and how many rejections in a row there were
        self._pause, self._times = 0.0, 0
        self._envelopes = Envelopes()

    def __iter__(self) -> Iterator[ListenerEvent]:
        """Wait for one event after the other."""
        with self._open() as line:
            while line.pause(self._pause):
                line.write(READY)
                while (found := self._envelopes.next()) is None:
                    data = line.read()
                    if not data:
                        return
                    self._envelopes.receive(data)
                event = ListenerEvent(*found, say=line.write)
                yield event
                self._finish(event)

    async def __aiter__(self) -> AsyncIterator[ListenerEvent]:
        """Wait for one event after the other, while other tasks go on."""
        from supervisor_tx.listeners.waiting import readable

        with self._open() as line:
            while line.pause(0):
                line.write(READY)
                while (found := self._envelopes.next()) is None:
                    await readable(line)
                    data = line.read()
                    if not data:
                        return
                    self._envelopes.receive(data)
                event = ListenerEvent(*found, say=line.write)
                yield event
                self._finish(event)
                if self._pause:
                    await readable(line, self._pause)

    def _finish(self, event: ListenerEvent) -> None:
        """Answer if need be, and see how long to wait before the next event."""
        if event.answer is None:
            event.accept()
        if event.answer == b"FAIL":
            self._pause = min(self._retry * 2.0 ** min(self._times, 60), self._longest)
            self._times += 1
        else:
            self._pause, self._times = 0.0, 0
