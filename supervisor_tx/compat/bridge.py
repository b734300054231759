"""Between the daemon's events and those that plugins know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from supervisor_tx.compat import events
from supervisor_tx.core import events as core

if TYPE_CHECKING:
    from supervisor_tx.compat.supervisord import Supervisor
    from supervisor_tx.supervision.bus import EventBus


@dataclass(frozen=True, slots=True)
class PluginEvent:
    """An event that a plugin has sent."""

    name: str
    #: as the plugin made it
    original: Any

    def payload(self) -> str:
        """Return what event listeners read."""
        return str(self.original.payload())


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
            if made is not None:
                if occurrence.serial is not None:  # pools heard of it before
                    made.serial, made.pool_serials = occurrence.serial, occurrence.pool_serials
                events.deliver(made)

    def event(self, event: core.Event) -> Any:
        """Return the event as plugins know it; None: its process is not there any more."""
        kind: Any = events.types()[event.name]
        match event:
            case PluginEvent():
                return event.original
            case core.ProcessStateEvent():
                process = self._process(event.group, event.process)
                return process and kind(process, int(event.was), event.expected)
            case core.ProcessLogEvent() | core.ProcessCommunicationEvent():
                process = self._process(event.group, event.process)
                return process and kind(process, event.pid, event.data)
            case core.RemoteCommunicationEvent():
                return kind(event.type, event.data)
            case core.TickEvent():
                return kind(event.when, self._supervisord)
            case core.ProcessGroupEvent():
                return kind(event.group)
            case _:
                return kind()

    def _process(self, group: str, name: str) -> Any:
        found = self._supervisord.process_groups.get(group)
        return None if found is None else found.processes.get(name)


def _parent(kind: type) -> str:
    """Return the type that a class of a plugin is a kind of, by what it inherits from."""
    for base in kind.__mro__[1:]:
        name = events.getEventNameByType(base)
        if name is not None:
            return name
    return "EVENT"
