"""
Events that wait for an event listener.

A backlog is bounded, by a number of events or by the memory that they take. Where it is full the
oldest give way to what comes, also to what comes back: a pool whose listeners cannot keep up knows
the latest. Source: Supervisor docs, "Event Listener Notification Protocol".
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator

from supervisor_tx.core.events import Event
from supervisor_tx.values import mutable

#: Bytes of a backlog whose number of events is not limited by the configuration: some 90,000
#: changes of state.
MOST_BYTES = 32 * 1024 * 1024

#: Bytes that an event takes in memory beside its payload, roughly.
OVERHEAD = 300


@mutable(eq=True, slots=True)
class Serials:
    """Numbers that go up by one, from 0, and begin anew after the largest word of the machine."""

    following: int = 0

    def next(self) -> int:
        """Return the next one."""
        number = self.following
        self.following = number + 1 if number < sys.maxsize else 0
        return number


@mutable(eq=True, slots=True)
class Waiting:
    """An event on its way to a listener of a pool, as it will be sent. Nothing of it changes."""

    event: Event
    #: among all events that pools have accepted
    serial: int
    #: among all that this pool has accepted
    pool_serial: int
    #: what the listener reads, in UTF-8
    payload: bytes
    #: characters of the payload
    characters: int

    @property
    def size(self) -> int:
        """Bytes that it counts for."""
        return len(self.payload) + OVERHEAD


class Backlog:
    """The events that a pool has accepted and not handed out, the oldest first."""

    def __init__(self, most: int | None = None, most_bytes: int = MOST_BYTES) -> None:
        """``most`` is a number of events; None: they are limited by their bytes instead."""
        self.most = most
        self.most_bytes = most_bytes
        #: bytes that they count for
        self.size = 0
        self._events: deque[Waiting] = deque()

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(self._events)

    def add(self, event: Waiting) -> list[Waiting]:
        """Put an event at the end; return those that had to go, the oldest first."""
        events, most = self._events, self.most
        size = self.size + event.size
        if size <= self.most_bytes if most is None else len(events) < most:
            events.append(event)
            self.size = size
            return []
        gone = self._make_room(event)
        self.put_in(event)
        return gone

    def put_back(self, event: Waiting) -> list[Waiting]:
        """Put an event that was taken at the head again; return those that had to go for it."""
        gone = self._make_room(event)
        self._events.appendleft(event)
        self.size += event.size
        return gone

    def put_in(self, event: Waiting) -> None:
        """Put an event at the end that was in a backlog like this one."""
        self._events.append(event)
        self.size += event.size

    def take(self) -> Waiting:
        """Take the oldest; raise IndexError where there is none."""
        event = self._events.popleft()
        self.size -= event.size
        return event

    def limit(self, most: int | None) -> list[Waiting]:
        """Be bounded otherwise from now on; return those that had to go."""
        self.most = most
        gone = []
        while len(self._events) > 1 and self._is_over(len(self._events), self.size):
            gone.append(self.take())
        return gone

    @property
    def fullness(self) -> float:
        """How much of what it may hold it does hold, from 0 to 1 and perhaps a little more."""
        if self.most is not None:
            return len(self._events) / self.most
        return self.size / self.most_bytes

    def _make_room(self, event: Waiting) -> list[Waiting]:
        # One that is too large all alone is kept nevertheless: it is the latest.
        gone = []
        while self._events and self._is_over(len(self._events) + 1, self.size + event.size):
            gone.append(self.take())
        return gone

    def _is_over(self, count: int, size: int) -> bool:
        return size > self.most_bytes if self.most is None else count > self.most
