"""Between the daemon's events and those that plugins know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supervisor_tx.compat import events
from supervisor_tx.core import events as core
from supervisor_tx.values import frozen

if TYPE_CHECKING:
    from supervisor_tx.compat.supervisord import Supervisor
    from supervisor_tx.supervision.bus import EventBus


@frozen
class PluginEvent:
    """An event that a plugin has sent."""

    name: str
    #: as the plugin made it
    original: Any

    def payload(self) -> str:
        """Return what event listeners read."""
        return str(self.original.payload())


@frozen
class _Named:
    name: str


@frozen
class _Gone:
    """A process, or a group, that was removed since: only its name is left."""

    config: _Named
    group: _Gone | None = None
    pid: int = 0
    state: int = 0


class Bridge:
    """Subscribes for the plugins to exactly what they want to hear of."""

    def __init__(self, bus: EventBus, supervisord: Supervisor) -> None:
        self._bus = bus
        self._supervisord = supervisord
        self._subscribed: set[str] = set()

    def look(self) -> None:
        """See what plugins want, and which types they have registered."""
        wanted = set()
        for name, kind in events.types().items():
            if name not in self._bus.types:
                self._bus.register(name, _parent(kind))
            elif name in core.PARENTS and any(issubclass(kind, c) for c, _ in events.callbacks):
                wanted.add(name)
        wanted -= set(core.PARENTS.values())  # those in between are never sent
        for name in sorted(wanted - self._subscribed):
            self._bus.subscribe(name, self._hear)
        for name in self._subscribed - wanted:
            self._bus.unsubscribe(name, self._hear)
        self._subscribed = wanted

    def publish(self, event: Any) -> None:
        """Tell of an event that a plugin sends; the plugins know already."""
        name = events.getEventNameByType(type(event))
        if name is not None:
            self._bus.publish(name, lambda: PluginEvent(name, event))

    def _hear(self, occurrence: core.Occurrence) -> None:
        if not isinstance(occurrence.event, PluginEvent):
            made = self.event(occurrence.event)
            if occurrence.serial is not None:  # pools heard of it before
                made.serial, made.pool_serials = occurrence.serial, occurrence.pool_serials
            events.deliver(made)

    def event(self, event: core.Event) -> Any:
        """Return the event as plugins know it."""
        return event_of(event, self._supervisord)


def event_of(event: core.Event, supervisord: Supervisor) -> Any:
    """Return an event as plugins know it, perhaps long after it has happened."""
    kind: Any = events.types()[event.name]

    def process(group: str, name: str) -> Any:
        active = supervisord.process_groups.get(group)
        found = None if active is None else active.processes.get(name)
        return _Gone(_Named(name), _Gone(_Named(group))) if found is None else found

    match event:
        case PluginEvent():
            return event.original
        case core.ProcessStateEvent():
            made = kind(process(event.group, event.process), int(event.was), event.expected)
            made.tell(event.payload())
            return made
        case core.ProcessLogEvent() | core.ProcessCommunicationEvent():
            return kind(process(event.group, event.process), event.pid, event.data)
        case core.RemoteCommunicationEvent():
            return kind(event.type, event.data)
        case core.TickEvent():
            return kind(event.when, supervisord)
        case core.ProcessGroupEvent():
            return kind(event.group)
        case _:
            return kind()


def _parent(kind: type) -> str:
    """Return the type that a class of a plugin is a kind of, by what it inherits from."""
    for base in kind.__mro__[1:]:
        name = events.getEventNameByType(base)
        if name is not None:
            return name
    return "EVENT"
