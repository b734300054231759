"""
The latest events, as many as there is room for.

A ring has room for a number of events and for a number of bytes. What it has let go of it still
knows by its topic, so that somebody who comes late can be told whether anything is missing that he
would have been told of.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from supervisor_tx.core.events import Event
from supervisor_tx.core.facts import LONGEST, OURS, as_json, facts
from supervisor_tx.values import mutable

#: Bytes that an event takes beside what is said in it.
OVERHEAD = 512

#: Topics of which it is known when the last of their events was let go of.
MOST_TOPICS = 10_000


class Topic(NamedTuple):
    """What an event is about."""

    #: its type
    name: str
    #: None: about the daemon
    group: str | None = None
    #: None: about all of the group
    process: str | None = None


def topic_of(event: Event) -> Topic:
    """Return what an event is about."""
    return Topic(event.name, getattr(event, "group", None), getattr(event, "process", None))


@mutable(slots=True)
class Entry:
    """An event in a ring."""

    #: among all in the ring, without gaps
    number: int
    #: among all in all rings
    order: int
    topic: Topic
    #: seconds since the epoch
    when: float
    #: bytes that it counts for
    weight: int
    #: None: the text is made
    event: Event | None
    #: JSON, once somebody has asked for it
    text: bytes = b""


class Ring:
    """Events by number, from 1; the oldest go first. The newest is there, whatever its size."""

    def __init__(self, most: int, most_bytes: int, most_topics: int = MOST_TOPICS) -> None:
        self._most_topics = most_topics
        self._most = most
        self._most_bytes = most_bytes
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        #: the number of the latest; 0: there was none
        self.last = 0
        #: of what was let go of: the number of the latest of each topic
        self._gone: dict[Topic, int] = {}
        #: up to here it is not known any more which topics they were of
        self._forgotten = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def before(self) -> int:
        """The number before the oldest event that is here."""
        return self.last - len(self._entries)

    def add(self, event: Event, when: float, order: int) -> None:
        """Keep one more."""
        size = _size(event)
        entry = Entry(self.last + 1, order, topic_of(event), when, OVERHEAD + size, event)
        if size > LONGEST or not isinstance(event, OURS):
            _write(entry)  # which holds less, or which nobody changes later; a plugin's may raise
        self.last += 1
        self._entries.append(entry)
        self._bytes += entry.weight
        while len(self._entries) > self._most or (
            self._bytes > self._most_bytes and len(self._entries) > 1
        ):
            self._let_go()

    def after(self, number: int) -> Iterable[Entry]:
        """Return what is here of all after that number; to be used before the next is added."""
        held = len(self._entries)
        count = min(self.last - number, held)
        if count > 16:
            return islice(self._entries, held - count, None)
        return [self._entries[index] for index in range(-count, 0)]

    def is_missing(self, number: int, wanted: Callable[[Topic], bool]) -> bool:
        """Tell whether anything after that number is gone of which somebody wanted to hear."""
        if number >= self.before:
            return False
        if number < self._forgotten:
            return True
        return any(gone > number and wanted(topic) for topic, gone in self._gone.items())

    def text(self, entry: Entry) -> bytes:
        """Return an event that is here as a line of JSON; written once, for all who ask."""
        if entry.event is not None:
            self._bytes -= entry.weight
            _write(entry)
            self._bytes += entry.weight
        return entry.text

    def record(self) -> dict[str, Any]:
        """Return all of it, as values that survive JSON."""
        return {
            "last": self.last,
            "forgotten": self._forgotten,
            "gone": [[*topic, number] for topic, number in self._gone.items()],
            "entries": [
                [each.order, [*each.topic], each.when, self.text(each).decode()]
                for each in self._entries
            ],
        }

    def resume(self, record: Mapping[str, Any]) -> None:
        """Take up what another interpreter has written down."""
        entries = record["entries"]
        self.last = record["last"]
        self._forgotten = record["forgotten"]
        self._gone = {Topic(*topic): number for *topic, number in record["gone"]}
        for number, (order, topic, when, text) in enumerate(entries, self.last - len(entries) + 1):
            line = text.encode()
            weight = OVERHEAD + len(line)
            self._entries.append(Entry(number, order, Topic(*topic), when, weight, None, line))
            self._bytes += weight

    def _let_go(self) -> None:
        entry = self._entries.popleft()
        self._bytes -= entry.weight
        self._gone[entry.topic] = entry.number
        if len(self._gone) > self._most_topics:  # names that come and go
            self._gone.clear()
            self._forgotten = entry.number


def _write(entry: Entry) -> None:
    assert entry.event is not None
    entry.text = as_json(entry.topic.name, entry.when, facts(entry.event))
    entry.weight = OVERHEAD + len(entry.text)
    entry.event = None


def _size(event: Event) -> int:
    """How much was said in an event."""
    said = (getattr(event, "data", ""), getattr(event, "type", ""))
    return sum(len(each) for each in said if isinstance(each, (str, bytes)))
