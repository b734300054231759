"""Replies as the lines that supervisorctl prints."""

from __future__ import annotations

from supervisor_tx.core import namespec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Final

# Codes of faults, which results in lists have as well (Supervisor docs, "XML-RPC API").
BAD_NAME: Final = 10
BAD_SIGNAL: Final = 11
NO_FILE: Final = 20
NOT_EXECUTABLE: Final = 21
FAILED: Final = 30
ABNORMAL_TERMINATION: Final = 40
SPAWN_ERROR: Final = 50
ALREADY_STARTED: Final = 60
NOT_RUNNING: Final = 70
SUCCESS: Final = 80

#: What each order says of an outcome that is no success; FAILED speaks for itself.
OUTCOMES: Final[Mapping[str, Mapping[int, str]]] = {
    "start": {
        ALREADY_STARTED: "already started",
        BAD_NAME: "no such process",
        NO_FILE: "no such file",
        NOT_EXECUTABLE: "file is not executable",
        SPAWN_ERROR: "spawn error",
        ABNORMAL_TERMINATION: "abnormal termination",
    },
    "stop": {
        NOT_RUNNING: "not running",
        BAD_NAME: "no such process",
        BAD_SIGNAL: "bad signal name",
    },
    "signal": {
        NOT_RUNNING: "not running",
        BAD_NAME: "no such process",
        BAD_SIGNAL: "bad signal name",
    },
    "clear": {BAD_NAME: "no such process", FAILED: "failed"},
}

#: Names of states in which a process is down; ``status`` then ends with 3.
DOWN: Final = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})
_DOWN_CODES: Final = frozenset({0, 100, 200, 1000})

_COLORS: Final = {
    "RUNNING": "32",
    "STARTING": "36",
    "STOPPING": "36",
    "BACKOFF": "33",
    "STOPPED": "2",
    "FATAL": "31",
    "UNKNOWN": "31",
}


def is_down(info: Mapping[str, Any]) -> bool:
    """Tell whether a process counts as stopped."""
    return info["state"] in _DOWN_CODES


def name_of(info: Mapping[str, Any]) -> str:
    """Return the short name of the process that a struct is about."""
    return make_namespec(info["group"], info["name"])


def make_namespec(group: str, process: str | None) -> str:
    """Return the short name; with no process what Supervisor makes of that, ``group:None``."""
    return namespec.join(group, str(process))


def outcome(order: str, result: Mapping[str, Any], success: str) -> tuple[str, dict[str, Any]]:
    """Return the line, and the record, for one result of an order."""
    name = make_namespec(result["group"], result["name"])
    status, description = result["status"], str(result["description"])
    record = {"name": result["name"], "group": result["group"], "code": status}
    if status == SUCCESS:
        return f"{name}: {success}", {**record, "ok": True, "outcome": success}
    if (said := OUTCOMES[order].get(status)) is not None:
        return f"{name}: ERROR ({said})", {**record, "ok": False, "outcome": said}
    line = description if status == FAILED else f"{name}: ERROR ({description})"
    return line, {**record, "ok": False, "outcome": description}


def statuses(infos: Iterable[Mapping[str, Any]], *, color: bool = False) -> Iterator[str]:
    """Yield a line for each process, the columns as wide as the longest name needs."""
    rows = [(name_of(info), info["statename"], info["description"]) for info in infos]
    width = 3 + max([30, *(len(row[0]) for row in rows)])
    for name, state, description in rows:
        shown = f"{state:<10}"
        if color and state in _COLORS:
            shown = f"{painted(state, _COLORS[state])}{' ' * (10 - len(state))}"
        yield f"{name:<{width}}{shown}{description}"


def painted(text: str, code: str) -> str:
    """Return the text in a colour, given as the parameter of an SGR sequence."""
    return f"\x1b[{code}m{text}\x1b[0m"


def available(config: Mapping[str, Any]) -> str:
    """Return the line of one configured process."""
    name = make_namespec(config["group"], config["name"])
    use = "in use" if config["inuse"] else "avail"
    start = "auto" if config["autostart"] else "manual"
    return f"{name:<32} {use:<9} {start:<9} {config['group_prio']}:{config['process_prio']}"


def changes(result: Iterable[Iterable[str]]) -> list[tuple[str, str]]:
    """Return group and change, sorted, of what reloadConfig answered."""
    kinds = ("available", "changed", "disappeared")
    return sorted(
        (name, kind) for names, kind in zip(result, kinds, strict=False) for name in names
    )
