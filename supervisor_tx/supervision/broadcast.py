"""
Telling events to programs that are no children: as they happen, and again to who comes back.

All followers read from the same two rings, each with a cursor of its own, so that no event is kept
for anybody. The one ring keeps what makes up the history of the daemon (changes of state, groups,
what clients had to say, ticks), and its events have ids by which a follower can go on later. The
other holds, only for as long as it takes to hand it out, what there may be floods of: output, and
what plugins send.

Until the first follower comes nothing is subscribed to, and an event costs what it costs without
any of this. From then on the history is kept to the daemon's end: a follower that comes back is to
find what happened while nobody was there.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from heapq import merge
from itertools import islice
from typing import Any

from twisted.internet.interfaces import IReactorTime

from supervisor_tx.core import namespec
from supervisor_tx.core.events import Occurrence
from supervisor_tx.supervision.bus import EventBus
from supervisor_tx.supervision.ring import Ring, Topic
from supervisor_tx.supervision.rounds import Rounds
from supervisor_tx.values import frozen

#: Types of the events that are kept, and told to whoever names no types.
HISTORY = ("PROCESS_STATE", "PROCESS_GROUP", "SUPERVISOR_STATE_CHANGE", "REMOTE_COMMUNICATION")

_HISTORY = frozenset(HISTORY)

#: These are kept too, where there are any: nobody has them happen by reading history.
TICK = "TICK"

#: Events that are kept, and bytes of them.
MOST_KEPT = 10_000
MOST_KEPT_BYTES = 4 * 1024 * 1024

#: Events that are looked at for one follower before others have their turn.
AT_ONCE = 1_000

#: Events that are being handed out, and bytes of them.
MOST_LIVE = 1_000
MOST_LIVE_BYTES = 4 * 1024 * 1024


@frozen
class Interest:
    """
    Which events somebody wants to hear of.

    Where processes are named, that is about events of processes and groups; what is about the
    daemon is told by its type alone.
    """

    types: frozenset[str] = frozenset(HISTORY)
    #: group and process; no process: all of the group. Empty: all processes
    processes: frozenset[tuple[str, str | None]] = frozenset()

    @classmethod
    def of(cls, types: Iterable[str], names: Iterable[str]) -> Interest:
        """Make one of types, none for those of the history, and of names like ``group:*``."""
        return cls(
            frozenset(types) or frozenset(HISTORY),
            frozenset(namespec.split(name) for name in names),
        )

    def concerns(self, topic: Topic) -> bool:
        """Tell whether the process or group is of interest."""
        if not self.processes or topic.group is None:
            return True
        if topic.process is None:
            return any(group == topic.group for group, _ in self.processes)
        return (topic.group, topic.process) in self.processes or (
            topic.group,
            None,
        ) in self.processes


@frozen
class Missed:
    """Events were gone before they could be told."""

    #: how many, of whatever topic; None: nobody knows
    count: int | None
    #: id of the latest that had been told or passed over; empty: none of ours
    after: str


class Broadcast:
    """The events of a daemon, over its restarts, for any number of followers."""

    def __init__(
        self,
        clock: IReactorTime,
        now: Callable[[], float] = time.time,
        boot: str | None = None,
        *,
        most_kept: int = MOST_KEPT,
        most_live: int = MOST_LIVE,
    ) -> None:
        """``boot`` is what ids begin with, another one in each process; by default random."""
        self.boot = os.urandom(6).hex() if boot is None else boot
        self.kept = Ring(most_kept, MOST_KEPT_BYTES)
        self.live = Ring(most_live, MOST_LIVE_BYTES)
        #: calls that need not be made at once
        self.rounds = Rounds(clock)
        self._now = now
        self._order = 0
        self._bus: EventBus | None = None
        self._hears = False
        #: what to call, for each cursor
        self._cursors: dict[Cursor, Callable[[], None]] = {}
        #: of these, those that want to hear of more than the history
        self._live_cursors: dict[Cursor, Callable[[], None]] = {}
        #: types that somebody wants to hear of, beyond the history
        self._wanted: Counter[str] = Counter()
        self._subscribed: set[str] = set()

    def attach(self, bus: EventBus) -> None:
        """Hear of events from now on by this bus; the one before is not used any more."""
        self._bus = bus
        self._subscribed = set()
        if self._hears:
            self._subscribe(bus)

    def follow(self, interest: Interest, changed: Callable[[], None], since: str = "") -> Cursor:
        """
        Return a cursor of somebody who wants to hear; ``changed`` is called when there is news.

        ``since`` is the id of the last event that is known already; without one it begins with what
        happens next.
        """
        self._hear()
        beyond = [name for name in interest.types if not self.kinds(name) & _HISTORY]
        cursor = Cursor(self, interest, beyond, since)
        self._cursors[cursor] = changed
        if beyond:
            self._live_cursors[cursor] = changed
            self._wanted.update(beyond)
            self._look()
        return cursor

    def leave(self, cursor: Cursor) -> None:
        """Call no more."""
        changed = self._cursors.pop(cursor, None)
        if changed is None:
            return
        self.rounds.drop(changed)
        if self._live_cursors.pop(cursor, None) is not None:
            self._wanted.subtract(cursor.beyond)
            self._wanted = +self._wanted
            self._look()

    def record(self) -> dict[str, Any]:
        """Return the history, as values that survive JSON; followers go on by their ids."""
        return {
            "boot": self.boot,
            "order": self._order,
            "hears": self._hears,
            "kept": self.kept.record(),
        }

    def resume(self, record: Mapping[str, Any]) -> None:
        """Go on with the history of another interpreter, before anything has happened."""
        self.boot = record["boot"]
        self._order = record["order"]
        self.kept.resume(record["kept"])
        if record["hears"]:
            self._hear()

    def latest(self) -> str:
        """Return the id of the latest event; somebody is going to ask for those after it."""
        self._hear()
        return self.id_of(self.kept.last)

    def id_of(self, number: int) -> str:
        """Return the id of a kept event."""
        return f"{self.boot}-{number}"

    def number_of(self, text: str) -> int | None:
        """Return the number of a kept event by its id; None: it never was one of ours."""
        boot, _, number = text.rpartition("-")
        if boot != self.boot or not (number.isascii() and number.isdigit()) or len(number) > 18:
            return None
        return int(number) if int(number) <= self.kept.last else None

    def kinds(self, name: str) -> set[str]:
        """Return a type and all that it is a kind of."""
        types: Mapping[str, str | None] = {} if self._bus is None else self._bus.types
        kinds: set[str] = set()
        each: str | None = name
        while each is not None and each not in kinds:
            kinds.add(each)
            each = types.get(each)
        return kinds

    def knows(self, name: str) -> bool:
        """Tell whether there is a type of that name."""
        return self._bus is not None and name in self._bus.types

    # What happens

    def _hear(self) -> None:
        if not self._hears:
            self._hears = True
            if self._bus is not None:
                self._subscribe(self._bus)

    def _subscribe(self, bus: EventBus) -> None:
        for name in HISTORY:
            bus.subscribe(name, self._hear_history)
        bus.subscribe(TICK, self._hear_history, passive=True)
        self._look()

    def _look(self) -> None:
        """See what is wanted beyond the history, and subscribe to exactly that."""
        if self._bus is None:
            return
        # What is a kind of another that is wanted too would be heard of twice.
        wanted = {
            name for name in self._wanted if not self.kinds(name) & self._wanted.keys() - {name}
        }
        for name in sorted(wanted - self._subscribed):
            self._bus.subscribe(name, self._hear_live)
        for name in sorted(self._subscribed - wanted):
            self._bus.unsubscribe(name, self._hear_live)
        self._subscribed = wanted

    def _hear_history(self, occurrence: Occurrence) -> None:
        self._add(self.kept, occurrence)
        if self._cursors:
            # Not now: this is in the middle of what happens, and more is about to.
            self.rounds.ask(self._call_all)

    def _hear_live(self, occurrence: Occurrence) -> None:
        if self.kinds(occurrence.name) & {*_HISTORY, TICK}:  # it is heard of as history
            return
        self._add(self.live, occurrence)
        self.rounds.ask(self._call_live)

    def _add(self, ring: Ring, occurrence: Occurrence) -> None:
        self._order += 1
        ring.add(occurrence.event, self._now(), self._order)

    def _call_all(self) -> None:
        for changed in self._cursors.values():
            self.rounds.ask(changed)

    def _call_live(self) -> None:
        for changed in self._live_cursors.values():
            self.rounds.ask(changed)


class Cursor:
    """How far one follower has come."""

    def __init__(
        self, broadcast: Broadcast, interest: Interest, beyond: list[str], since: str
    ) -> None:
        self._broadcast = broadcast
        self._interest = interest
        #: the types of interest that are no history
        self.beyond = beyond
        self._kept = broadcast.kept.last
        self._live = broadcast.live.last
        #: by name, whether a type is wanted
        self._types: dict[str, bool] = {}
        self._unknown = False
        if since:
            number = broadcast.number_of(since)
            self._unknown = number is None
            self._kept = broadcast.kept.before if number is None else number

    @property
    def id(self) -> str:
        """By which to go on from here."""
        return self._broadcast.id_of(self._kept)

    @property
    def is_behind(self) -> bool:
        """Whether there is something to look at."""
        kept, live = self._broadcast.kept, self._broadcast.live
        return self._kept < kept.last or (bool(self.beyond) and self._live < live.last)

    def wants(self, topic: Topic) -> bool:
        """Tell whether an event is to be told."""
        wanted = self._types.get(topic.name)
        if wanted is None:
            wanted = bool(self._broadcast.kinds(topic.name) & self._interest.types)
            self._types[topic.name] = wanted
        return wanted and self._interest.concerns(topic)

    def missed(self) -> Missed | None:
        """Tell, once, what was gone too early; then it goes on with what there is."""
        if self._unknown:
            self._unknown = False
            return Missed(None, "")
        kept, live = self._broadcast.kept, self._broadcast.live
        count, after = 0, self.id
        if kept.is_missing(self._kept, self.wants):
            count += kept.before - self._kept
        if self.beyond and live.is_missing(self._live, self.wants):
            count += live.before - self._live
        self._kept = max(self._kept, kept.before)
        self._live = max(self._live, live.before)
        return Missed(count, after) if count else None

    def take(self, size: int) -> list[tuple[str, bytes]]:
        """
        Return what is next, in order, as ids and lines of JSON.

        The id is empty for what cannot be gone back to. There are at most so many bytes of lines,
        and one line more; there may be none although it is still behind.
        """
        found: list[tuple[str, bytes]] = []
        kept, live = self._broadcast.kept, self._broadcast.live
        news = ((entry.order, True, entry) for entry in kept.after(self._kept))
        if self.beyond:
            also = ((entry.order, False, entry) for entry in live.after(self._live))
            news = merge(news, also)
        for _, is_kept, entry in islice(news, AT_ONCE):
            if is_kept:
                self._kept = entry.number
            else:
                self._live = entry.number
            if self.wants(entry.topic):
                text = (kept if is_kept else live).text(entry)
                found.append((self.id if is_kept else "", text))
                size -= len(text)
                if size <= 0:
                    break
        return found
