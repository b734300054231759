"""Events written down, as plain values that survive JSON."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final

from supervisor_tx.core import events
from supervisor_tx.core.backlog import Waiting
from supervisor_tx.core.events import Event
from supervisor_tx.core.states import ProcessState
from supervisor_tx.values import asdict, frozen

#: The classes that are written down member by member.
_CLASSES: Final = {
    each.__name__: each
    for each in (
        events.ProcessStateEvent,
        events.ProcessLogEvent,
        events.ProcessCommunicationEvent,
        events.RemoteCommunicationEvent,
        events.SupervisorStateEvent,
        events.TickEvent,
        events.ProcessGroupEvent,
    )
}


@frozen
class ToldEvent:
    """An event of which only what listeners read is left: that of a plugin, taken up again."""

    name: str
    text: str

    def payload(self) -> str:
        """Return what event listeners read."""
        return self.text


def write_event(event: Event) -> dict[str, Any]:
    """Return an event as plain values."""
    kind = type(event).__name__
    if type(event) is not _CLASSES.get(kind):
        return {"class": "", "name": event.name, "text": event.payload()}
    values = asdict(event)
    return {"class": kind} | {name: _plain(value) for name, value in values.items()}


def read_event(values: Mapping[str, Any]) -> Event:
    """Return the event that :func:`write_event` wrote."""
    kind = values["class"]
    rest: dict[str, Any] = {name: each for name, each in values.items() if name != "class"}
    if not kind:
        return ToldEvent(**rest)
    if kind == "ProcessStateEvent":
        rest["was"], rest["now"] = ProcessState(rest["was"]), ProcessState(rest["now"])
    if isinstance(rest.get("data"), list):
        rest["data"] = b64decode(rest["data"][0])
    event: Event = _CLASSES[kind](**rest)
    return event


def write_waiting(waiting: Waiting) -> dict[str, Any]:
    """Return an event on its way to a listener as plain values."""
    return {
        "event": write_event(waiting.event),
        "serial": waiting.serial,
        "pool_serial": waiting.pool_serial,
        "payload": b64encode(waiting.payload).decode("ascii"),
        "characters": waiting.characters,
    }


def read_waiting(values: Mapping[str, Any]) -> Waiting:
    """Return what :func:`write_waiting` wrote."""
    return Waiting(
        read_event(values["event"]),
        values["serial"],
        values["pool_serial"],
        b64decode(values["payload"]),
        values["characters"],
    )


def _plain(value: Any) -> Any:
    """Return a member as JSON has it; bytes as a list of one text, in base64."""
    if isinstance(value, bytes):
        return [b64encode(value).decode("ascii")]
    return int(value) if isinstance(value, ProcessState) else value
