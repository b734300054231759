"""What an event tells, as plain values: what programs get that read JSON, not payloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supervisor_tx.core.events import (
    Event,
    ProcessCommunicationEvent,
    ProcessGroupEvent,
    ProcessLogEvent,
    ProcessStateEvent,
    RemoteCommunicationEvent,
    SupervisorStateEvent,
    TickEvent,
)
from supervisor_tx.core.states import ProcessState

#: Characters of what somebody has said that are told at most. The rest is left out, and counted,
#: so that no event is larger than what all who hear of it can have in memory.
LONGEST = 256 * 1024


#: The events that are told by their members; others, which plugins send, by their payload.
OURS = (
    ProcessStateEvent,
    ProcessLogEvent,
    ProcessCommunicationEvent,
    RemoteCommunicationEvent,
    SupervisorStateEvent,
    TickEvent,
    ProcessGroupEvent,
)


def facts(event: Event) -> dict[str, Any]:
    """Return what there is to know of an event, by name."""
    match event:
        case ProcessStateEvent():
            return _of_state(event)
        case ProcessLogEvent() | ProcessCommunicationEvent():
            return {
                "group": event.group,
                "process": event.process,
                "pid": event.pid,
                "channel": event.channel,
                **_said("data", event.data.decode("utf-8", "replace")),
            }
        case RemoteCommunicationEvent():
            return {**_said("kind", event.type), **_said("data", event.data)}
        case SupervisorStateEvent():
            return {"state": event.state}
        case TickEvent():
            return {"period": event.period, "tick": event.when}
        case ProcessGroupEvent():
            return {"group": event.group}
        case _:  # a plugin's
            return _said("payload", event.payload())


def as_json(name: str, when: float, told: Mapping[str, Any]) -> bytes:
    """
    Return an event as one line of JSON in UTF-8, without a newline.

    ``when`` is in seconds since the epoch. What is in a name and no character is an escape.
    """
    import json  # by the first who needs it: a small daemon stays small

    values = {"type": name, "when": round(when, 6), **told}
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def _of_state(event: ProcessStateEvent) -> dict[str, Any]:
    told: dict[str, Any] = {
        "group": event.group,
        "process": event.process,
        "from_state": event.was.name,
        "state": event.now.name,
    }
    match event.now:
        case ProcessState.STARTING | ProcessState.BACKOFF:
            told["tries"] = event.tries
        case ProcessState.EXITED:
            told["pid"] = event.pid
            told["expected"] = event.expected
        case ProcessState.RUNNING | ProcessState.STOPPING | ProcessState.STOPPED:
            told["pid"] = event.pid
    return told


def _said(name: str, text: str) -> dict[str, Any]:
    if len(text) <= LONGEST:
        return {name: text}
    return {name: text[:LONGEST], f"{name}_cut": len(text) - LONGEST}
