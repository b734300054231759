"""The daemon's end of the line to a listener, in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import chain, repeat
from types import TracebackType
from typing import Self

from supervisor_tx.core.envelope import envelope
from supervisor_tx.core.listener import Answered, BadResult, Dialogue, Violated
from supervisor_tx.core.states import ListenerState


class MemoryDaemon:
    """
    A line with a daemon at its other end, which hands out events until there are no more.

    A rejected event is offered again, ``offers`` times at most.
    """

    def __init__(
        self,
        *events: tuple[str, str],
        sizes: Iterable[int] = (),
        offers: int = 1,
        line_ends_after: int | None = None,
    ) -> None:
        """``sizes`` are those of the pieces in which bytes arrive, after these all at once."""
        self.dialogue = Dialogue()
        self.answers: list[tuple[int, bytes]] = []
        self.violations: list[BadResult | Violated] = []
        #: seconds
        self.pauses: list[float] = []
        self.open = False
        self._events = deque((*each, offers) for each in events)
        self._numbers = deque(range(len(events)))
        self._sizes = chain(sizes, repeat(10**9))
        self._arriving = b""
        self._left = line_ends_after

    def __call__(self) -> Self:
        return self

    def __enter__(self) -> Self:
        self.open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.open = False

    def read(self) -> bytes:
        assert self.open
        if not self._arriving and self._events and self.dialogue.state is ListenerState.READY:
            name, payload, _ = self._events[0]
            self.dialogue.handed()
            self._arriving = envelope(
                server="supervisor",
                serial=self._numbers[0],
                pool="pool",
                pool_serial=self._numbers[0],
                name=name,
                characters=len(payload),
                payload=payload.encode(),
            )
        size = next(self._sizes)
        if self._left is not None:
            size = min(size, self._left)
            self._left -= size
        data, self._arriving = self._arriving[:size], self._arriving[size:]
        return data

    def write(self, data: bytes) -> None:
        assert self.open
        self.dialogue.receive(data)
        while (news := self.dialogue.next()) is not None:
            if isinstance(news, Answered):
                self.dialogue.accepted()
                self._answered(news.result)
            elif isinstance(news, BadResult | Violated):
                self.violations.append(news)

    def pause(self, seconds: float) -> bool:
        if seconds:
            self.pauses.append(seconds)
        return True

    def filenos(self) -> tuple[int, ...]:
        return ()

    def _answered(self, answer: bytes) -> None:
        name, payload, offers = self._events.popleft()
        number = self._numbers.popleft()
        self.answers.append((number, answer))
        if answer != b"OK" and offers > 1:
            self._events.appendleft((name, payload, offers - 1))
            self._numbers.appendleft(number)
