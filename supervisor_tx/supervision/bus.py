"""
Who hears of what.

Events go by the names of their types. Whoever subscribes to a type hears of all types that are a
kind of it. An event of which nobody wants to hear is not even made, and ticks are scheduled only
while somebody wants them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from supervisor_tx.activity import Logger
from supervisor_tx.core.events import PARENTS, TICKS, Event, Occurrence, TickEvent

_log = Logger()

Subscriber: TypeAlias = Callable[[Occurrence], None]


class EventBus:
    """
    Tells subscribers, in the order in which they came, within the call that publishes.

    One that subscribed to several types that an event is a kind of hears of it once for each. One
    that raises is logged and harms nobody. A passive one hears of what happens, and nothing is made
    to happen for it: neither is an event made that nobody else wants, nor does the clock tick.
    """

    def __init__(self) -> None:
        #: each type with what it is a kind of; plugins add to it
        self.types: dict[str, str | None] = dict(PARENTS)
        #: called when somebody came or left
        self.when_changed: list[Callable[[], None]] = []
        #: the type, who wants to hear of it, and whether passively
        self._subscriptions: list[tuple[str, Subscriber, bool]] = []
        #: for each type, who hears of it, in order; empty where nobody does but passively
        self._routes: dict[str, tuple[Subscriber, ...]] = {}

    def register(self, name: str, parent: str | None = "EVENT") -> None:
        """Add a type; one that is known already stays what it is."""
        self.types.setdefault(name, parent)
        self._routes.clear()

    def subscribe(self, name: str, subscriber: Subscriber, *, passive: bool = False) -> None:
        """Tell of all events of a type from now on."""
        self._subscriptions.append((name, subscriber, passive))
        self._changed()

    def unsubscribe(self, name: str, subscriber: Subscriber) -> None:
        """Take back one subscription; a no-op where there is none."""
        for subscription in self._subscriptions:
            if subscription[:2] == (name, subscriber):
                self._subscriptions.remove(subscription)
                self._changed()
                return

    def wants(self, name: str) -> bool:
        """Tell whether events of this type are to be made."""
        return bool(self._subscriptions) and bool(self._route(name))

    def publish(self, name: str, make: Callable[[], Event]) -> None:
        """Have the event made and told, if anybody wants to hear of its type."""
        if self.wants(name):
            self.tell(make())

    def tell(self, event: Event) -> None:
        """Tell of an event that somebody was said to want to hear of."""
        occurrence = Occurrence(event)
        for subscriber in self._route(event.name):
            try:
                subscriber(occurrence)
            except BaseException:  # noqa: BLE001 (a subscriber may not harm what it hears of)
                _log.failure("somebody who hears of {name} failed", name=event.name)

    def _route(self, name: str) -> tuple[Subscriber, ...]:
        found = self._routes.get(name)
        if found is None:
            kinds = set(self._kinds(name))
            heard = [(each, passive) for n, each, passive in self._subscriptions if n in kinds]
            wanted = not all(passive for _, passive in heard)
            found = self._routes[name] = tuple(each for each, _ in heard) if wanted else ()
        return found

    def _kinds(self, name: str) -> list[str]:
        """Return the type and all that it is a kind of."""
        kinds: list[str] = []
        each: str | None = name
        while each is not None and each not in kinds:
            kinds.append(each)
            each = self.types.get(each)
        return kinds

    def _changed(self) -> None:
        self._routes.clear()
        for changed in self.when_changed:
            changed()


class Ticker:
    """
    Publishes ticks at multiples of their periods in wall-clock time, late rather than early.

    One timer serves all periods, and only those that somebody wants to hear of.
    """

    def __init__(self, bus: EventBus, clock: IReactorTime, now: Callable[[], float]) -> None:
        """``now`` tells the wall-clock time, in seconds since the epoch."""
        self._bus, self._clock, self._now = bus, clock, now
        self._next: IDelayedCall | None = None
        #: the last tick of each period, or where it began
        self._last: dict[int, int] = {}
        self._running = False
        bus.when_changed.append(self._look)

    def start(self) -> None:
        """Tick from now on, as long as somebody hears it; the first tick is the next multiple."""
        self._running = True
        self._look()

    def stop(self) -> None:
        """Tick no more."""
        self._running = False
        self._look()

    def _look(self) -> None:
        """See who listens, and set the timer accordingly."""
        wanted = {p: n for n, p in TICKS.items() if self._running and self._bus.wants(n)}
        now = self._now()
        self._last = {p: self._last.get(p, _slice(now, p)) for p in wanted}
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if wanted:
            period = min(wanted)
            self._next = self._clock.callLater(period - now % period, self._tick)

    def _tick(self) -> None:
        self._next = None
        now = self._now()
        for period in sorted(self._last):
            when = _slice(now, period)
            if self._last.get(period, when) != when:
                self._last[period] = when
                self._publish(TickEvent(period, when))
        if self._next is None:  # else a subscriber came or left, which has set it
            self._look()

    def _publish(self, event: TickEvent) -> None:
        self._bus.publish(event.name, lambda: event)


def _slice(now: float, period: int) -> int:
    return int(now) // period * period
