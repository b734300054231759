"""
The answers: what they look like, as schemas, and what makes them.

Times are told twice, as text (RFC 3339, in UTC) and as seconds since the epoch in a member whose
name ends in ``_epoch``; both are null for never.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from supervisor_tx import SUPERVISOR_VERSION, __version__
from supervisor_tx.config.changes import shown
from supervisor_tx.config.plan import Action, Step
from supervisor_tx.core import namespec
from supervisor_tx.core.characters import texts
from supervisor_tx.core.figures import Figure
from supervisor_tx.core.processtree import Key
from supervisor_tx.core.states import ListenerState, ProcessState, SupervisorState
from supervisor_tx.supervision import ending
from supervisor_tx.supervision.configwatch import ConfigState
from supervisor_tx.supervision.description import Schema
from supervisor_tx.supervision.figures import Figures, ProcessFigures
from supervisor_tx.supervision.group import ProcessGroup
from supervisor_tx.supervision.info import DaemonInfo, ProcessInfo, describe, uptime
from supervisor_tx.supervision.logs.logreading import Piece
from supervisor_tx.supervision.orders import Outcome
from supervisor_tx.supervision.pool import PoolStats
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.supervision.update import Done
from supervisor_tx.values import mutable
from supervisor_tx.web import problems

# How schemas are written


def _object(description: str, /, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
    }


def _is(kind: str, description: str = "", *, null: bool = False, **more: Any) -> Schema:
    made: Schema = {"type": [kind, "null"] if null else kind, **more}
    if description:
        made["description"] = description
    return made


def _one_of(words: Iterable[str], description: str, *, null: bool = False) -> Schema:
    return {"enum": [*words, *((None,) if null else ())], "description": description}


def _list(of: Schema, description: str = "") -> Schema:
    return _is("array", description, items=of)


def ref(name: str) -> Schema:
    """Return the schema that points at one of :data:`SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def _time(name: str, description: str) -> dict[str, Schema]:
    return {
        name: _is("string", description, null=True, format="date-time"),
        f"{name}_epoch": _is("number", "the same, in seconds since the epoch", null=True),
    }


_CAUSES = (
    ending.EXIT,
    ending.SIGNAL,
    ending.UNKNOWN,
    ending.SPAWN_ERROR,
    ending.STOPPED,
    ending.SHUTDOWN,
)

_TEXT = _is("string")
_COUNT = _is("integer", minimum=0)

SCHEMAS: Mapping[str, Schema] = {
    "Problem": {
        "type": "object",
        "description": "What is wrong, where, and how to mend it (RFC 9457).",
        "properties": {
            "type": _is("string", "what programs know it by; about:blank: the status says it all"),
            "title": _is("string", "what it is, whatever it is about"),
            "status": _is("integer", "the status of HTTP", minimum=400, maximum=599),
            "detail": _is("string", "what is wrong, and with what"),
            "mend": _is("string", "what to do about it"),
            "member": _is("string", "the argument that is wrong"),
            "problems": _list(ref("ConfigProblem"), "all that is wrong in the configuration"),
        },
        "required": ["type", "title", "status", "detail"],
    },
    "ConfigProblem": _object(
        "One thing that is wrong in a configuration.",
        message=_TEXT,
        file=_is("string", null=True),
        line=_is("integer", "counted from 1", null=True),
        section=_is("string", "whole name, without the brackets", null=True),
        option=_is("string", null=True),
        value=_is("string", "as it is written", null=True),
        accepts=_is("string", "what would have been right", null=True),
    ),
    "Daemon": _object(
        "The daemon.",
        version=_is("string", "of supervisor_tx"),
        supervisor_version=_is("string", "the Supervisor that it is like"),
        identifier=_is("string", "identifier of the configuration"),
        state=_one_of([each.name for each in SupervisorState], "what it is about"),
        pid=_COUNT,
        **_time("started", "when it was started"),
        uptime=_is("integer", "seconds since then", minimum=0),
        config_file=_is("string", "absolute path of the main file"),
        update_mode=_one_of(["classic", "minimal"], "what supervisorctl's update does"),
        logs=_object("Where it writes.", main=_is("string", "its own log", null=True)),
    ),
    "Process": _object(
        "A process, whether it runs or not.",
        namespec=_is("string", "what it is called in requests: name, or group:name"),
        group=_TEXT,
        name=_is("string", "within the group"),
        state=_one_of([each.name for each in ProcessState], "where it is in its life"),
        pid=_is("integer", null=True),
        **_time("started", "when it was started last"),
        **_time("stopped", "when it ended last"),
        spawnerr=_is("string", "why the last start failed, or a bad exit", null=True),
        ending={
            "description": "How the last run ended; of a process that runs, the run before.",
            "oneOf": [
                {"type": "null"},
                _object(
                    "An end.",
                    cause=_one_of(_CAUSES, "on whose account"),
                    code=_is("integer", "the exit code", null=True),
                    signal=_is("integer", "the signal that ended it", null=True),
                    expected=_is("boolean", "it ended as the configuration expects"),
                    by=_is("string", "who asked for the stop that ended it", null=True),
                ),
            ],
        },
        tries=_is("integer", "failed starts in a row", minimum=0),
        **_time("next_try", "when it will be started again by itself"),
        logs=_object(
            "Paths of its logs.",
            stdout=_is("string", null=True),
            stderr=_is("string", null=True),
        ),
        description=_is("string", "Supervisor's words for its state"),
        uptime=_is("integer", "seconds that it is running", null=True, minimum=0),
    ),
    "Processes": _object("Processes, by group and name.", processes=_list(ref("Process"))),
    "Group": _object(
        "A group that is active.",
        name=_TEXT,
        priority=_is("integer", "the lower, the earlier it starts and the later it stops"),
        processes=_list(_TEXT, "what its processes are called in requests"),
        states=_is(
            "object",
            "how many of its processes are in which state",
            propertyNames={"enum": [each.name for each in ProcessState]},
            additionalProperties=_COUNT,
        ),
    ),
    "Groups": _object("Groups, in the order in which they start.", groups=_list(ref("Group"))),
    "Result": _object(
        "What has become of one process of many.",
        process=_is("string", "what it is called in requests"),
        problem={
            "description": "null: it was done",
            "oneOf": [{"type": "null"}, ref("Problem")],
        },
    ),
    "Results": _object(
        "What has become of each process; those for which it makes no sense are left out.",
        results=_list(ref("Result")),
    ),
    "LogPiece": _object(
        "A piece of a log; what is no UTF-8 in it is U+FFFD.",
        path=_is("string", "the file"),
        offset=_is("integer", "the byte that it begins with", minimum=0),
        end=_is("integer", "the byte that the next piece begins with", minimum=0),
        size=_is("integer", "bytes of the whole log", minimum=0),
        text=_TEXT,
    ),
    "Step": _object(
        "One thing that an update does, and why.",
        action=_one_of([each.value for each in Action], "what is done"),
        group=_is("string", "empty: it is about the daemon"),
        process=_is("string", "null: it is about the group as such", null=True),
        problem=_is("string", "what came in between; null: nothing", null=True),
        reasons=_list(
            _object(
                "One difference between what is active and what is configured.",
                process=_is("string", null=True),
                option=_is("string", "its name, process where all of one comes or goes"),
                old=_is("string", "as it could stand in the file"),
                new=_is("string", "as it could stand in the file"),
            )
        ),
    ),
    "Steps": _object("The steps of an update, in order.", steps=_list(ref("Step"))),
    "Changes": _object(
        "What differs between the active groups and the configuration.",
        added=_list(_TEXT, "names of groups"),
        changed=_list(_TEXT, "names of groups"),
        removed=_list(_TEXT, "names of groups"),
    ),
    "ConfiguredProcess": {
        "type": "object",
        "description": "The options of a configured process, with Supervisor's words: none for "
        "what is not set, auto for a log file that the daemon chooses.",
        "properties": {"group": _TEXT, "name": _TEXT, "inuse": _is("boolean"), "command": _TEXT},
        "required": ["group", "name", "inuse", "command"],
        "additionalProperties": {
            "anyOf": [
                {"type": ["string", "boolean", "integer"]},
                {"type": "array", "items": {"type": "integer"}},
            ]
        },
    },
    "ConfiguredProcesses": _object(
        "All configured processes, active or not.", processes=_list(ref("ConfiguredProcess"))
    ),
    "Pool": _object(
        "How the event listeners of a pool keep up. Counts are since it was made active.",
        name=_TEXT,
        events=_list(_TEXT, "the types that it has subscribed to"),
        waiting=_is("integer", "events that no listener has yet", minimum=0),
        waiting_bytes=_COUNT,
        buffer_size=_is("integer", "events that may wait; null: see buffer_bytes", null=True),
        buffer_bytes=_is("integer", "bytes that may wait; null: see buffer_size", null=True),
        accepted=_COUNT,
        processed=_COUNT,
        returned=_is("integer", "rejected, or in hand when a listener failed", minimum=0),
        discarded=_is("integer", "there was no room for them", minimum=0),
        listeners=_list(
            _object(
                "One process of the pool.",
                process=_is("string", "what it is called in requests"),
                pid=_is("integer", null=True),
                state=_one_of([each.name for each in ProcessState], "of the process"),
                listener_state=_one_of(
                    [each.name for each in ListenerState], "null: there is no process", null=True
                ),
                serial=_is("integer", "of the event in hand; null: none", null=True),
                handed=_is("integer", "events that it was handed", minimum=0),
            )
        ),
    ),
    "EventStats": _object(
        "The pools of event listeners, in the order of groups.", pools=_list(ref("Pool"))
    ),
    "Figure": _object(
        "What the processes of a program use together: its own and all that descend from it.",
        cpu=_is(
            "number",
            "percent of one core since the look before; null: there was none",
            null=True,
            minimum=0,
        ),
        memory=_is("integer", "bytes in RAM; what processes share counts for each", minimum=0),
        processes=_is("integer", "how many there are", minimum=0),
    ),
    "Figures": _object(
        "CPU and memory of what runs.",
        problem=_is("string", "why there are none; null: there are", null=True),
        interval=_is("number", "seconds between two looks, as things are", minimum=0),
        host={
            "description": "The machine; null: it was not looked at",
            "oneOf": [
                {"type": "null"},
                _object(
                    "A machine.",
                    cpus=_is("integer", "processors that there are for the daemon", minimum=1),
                    load={
                        "description": "of the last minute, five minutes, and fifteen",
                        "type": ["array", "null"],
                        "items": _is("number", minimum=0),
                        "minItems": 3,
                        "maxItems": 3,
                    },
                    memory_total=_is("integer", "in bytes", null=True, minimum=0),
                    memory_available=_is(
                        "integer", "bytes to be had without swapping", null=True, minimum=0
                    ),
                ),
            ],
        },
        daemon={
            "description": "The daemon itself; null: it was not looked at",
            "oneOf": [{"type": "null"}, ref("Figure")],
        },
        processes=_is(
            "object",
            "by what processes are called in requests; those that do not run are left out",
            additionalProperties=ref("Figure"),
        ),
    ),
    "ProcessFigures": _object(
        "CPU and memory of one program, now and lately.",
        problem=_is("string", "why there are none; null: there are", null=True),
        now={
            "description": "null: it does not run, or may not be looked at",
            "oneOf": [{"type": "null"}, ref("Figure")],
        },
        history=_list(
            _object(
                "A look. Null and 0: it did not run.",
                cpu=_is("number", null=True, minimum=0),
                memory=_is("integer", minimum=0),
            ),
            "the last looks, the oldest first; there are some only where somebody looked",
        ),
    ),
    "ConfigState": _object(
        "How the configuration on disk compares with the one in force.",
        changed=_is("boolean", "an update, or a restart of the daemon, has something to do"),
        problem=_is("string", "why the one on disk cannot be used; null: it can", null=True),
    ),
    "Done": _object("It is done.", done={"const": True}),
}

# How answers are made


def moment(name: str, when: float) -> dict[str, Any]:
    """Return the two members that tell a time; 0 is never."""
    if not when:
        return {name: None, f"{name}_epoch": None}
    return {name: _rfc3339(when), f"{name}_epoch": when}


def _rfc3339(when: float) -> str:
    try:
        made = datetime.fromtimestamp(int(when), UTC)
    except (OverflowError, ValueError, OSError):  # no clock is right that says so
        made = datetime.fromtimestamp(0, UTC)
    return made.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def encoded(value: Any) -> bytes:
    """Return a value as JSON; halves of characters, which nobody could read, become U+FFFD."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def daemon(info: DaemonInfo) -> bytes:
    """Return what is known of the daemon."""
    supervisord = info.config.supervisord
    return encoded(
        {
            "version": __version__,
            "supervisor_version": SUPERVISOR_VERSION,
            "identifier": supervisord.identifier,
            "state": info.state.name,
            "pid": info.pid,
            **moment("started", round(info.started, 3)),
            "uptime": info.uptime,
            "config_file": info.config.configfile,
            "update_mode": supervisord.update_mode,
            "logs": {"main": supervisord.logfile},
        }
    )


def group(found: ProcessGroup) -> dict[str, Any]:
    """Return what is known of a group."""
    states: dict[str, int] = {}
    for process in found.processes.values():
        states[process.state.name] = states.get(process.state.name, 0) + 1
    return {
        "name": found.name,
        "priority": found.priority,
        "processes": [namespec.join(found.name, name) for name in found.processes],
        "states": states,
    }


def groups(found: Iterable[ProcessGroup]) -> bytes:
    """Return what is known of groups."""
    return encoded({"groups": [group(each) for each in found]})


def results(outcomes: Iterable[Outcome]) -> bytes:
    """Return what has become of many processes."""
    return encoded(
        {
            "results": [
                {
                    "process": namespec.join(each.process.group, each.process.name),
                    "problem": None if each.error is None else problems.told(each.error),
                }
                for each in outcomes
            ]
        }
    )


def log_piece(piece: Piece) -> bytes:
    """Return a piece of a log."""
    about = encoded(
        {
            "path": piece.path,
            "offset": piece.offset,
            "end": piece.end,
            "size": piece.size,
        }
    )
    text = b"".join(encoded(each)[1:-1] for each in texts(piece.data))
    return b'%b,"text":"%b"}' % (about[:-1], text)


def plan(planned: Iterable[Step]) -> bytes:
    """Return the steps of an update that was not made."""
    return steps(Done(each) for each in planned)


def steps(done: Iterable[Done]) -> bytes:
    """Return the steps of an update."""
    return encoded({"steps": [_step(each) for each in done]})


def _step(done: Done) -> dict[str, Any]:
    step = done.step
    return {
        "action": step.action.value,
        "group": step.group,
        "process": step.process,
        "problem": done.problem,
        "reasons": [
            {
                "process": reason.process,
                "option": reason.option,
                "old": shown(reason.old),
                "new": shown(reason.new),
            }
            for reason in step.reasons
        ],
    }


def figure(found: Figure | None) -> dict[str, Any] | None:
    """Return what something uses."""
    if found is None:
        return None
    return {
        "cpu": found.cpu_percent,
        "memory": found.rss_bytes,
        "processes": found.processes,
    }


def figures(found: Figures, processes: Mapping[Key, Figure | None]) -> dict[str, Any]:
    """Return what everything uses, as far as processes are told of."""
    host = found.host
    return {
        "problem": found.problem or None,
        "interval": round(found.interval, 1),
        "host": host
        and {
            "cpus": host.cpus,
            "load": host.load and [round(each, 2) for each in host.load],
            "memory_total": host.memory_total,
            "memory_available": host.memory_available,
        },
        "daemon": figure(found.daemon),
        "processes": {namespec.join(*key): figure(each) for key, each in processes.items()},
    }


def process_figures(found: ProcessFigures) -> bytes:
    """Return what a process uses, and did lately."""
    return encoded(
        {
            "problem": found.problem or None,
            "now": figure(found.now),
            "history": [{"cpu": cpu, "memory": memory} for cpu, memory in found.before],
        }
    )


def config_state(state: ConfigState) -> bytes:
    """Return how the configuration on disk compares with the one in force."""
    return encoded({"changed": state.changed, "problem": state.problem or None})


def pools(stats: Iterable[PoolStats]) -> bytes:
    """Return how pools of event listeners keep up."""
    return encoded({"pools": [_pool(each) for each in stats]})


def _pool(stats: PoolStats) -> dict[str, Any]:
    return {
        "name": stats.name,
        "events": list(stats.events),
        "waiting": stats.waiting,
        "waiting_bytes": stats.waiting_bytes,
        "buffer_size": stats.buffer_size,
        "buffer_bytes": stats.buffer_bytes,
        "accepted": stats.accepted,
        "processed": stats.processed,
        "returned": stats.returned,
        "discarded": stats.discarded,
        "listeners": [
            {
                "process": namespec.join(stats.name, each.name),
                "pid": each.pid,
                "state": each.state.name,
                "listener_state": None if each.listener_state is None else each.listener_state.name,
                "serial": each.in_hand,
                "handed": each.handed,
            }
            for each in stats.listeners
        ],
    }


# Processes, kept as text: most of what is told of one changes seldom


@mutable
class _Entry:
    """One process: all but its last two members, which change with the second."""

    version: int = -1
    #: when it started, if it is told how long it is up
    since: int | None = None
    head: bytes = b""
    #: all of it, where nothing changes by itself
    whole: bytes = b""

    def refresh(self, process: SupervisedProcess) -> None:
        """Describe the process anew."""
        self.version = process.version
        info = describe(process)
        text = encoded(_process(info))
        if info.state is ProcessState.RUNNING:
            self.since = info.start
            self.head = text.removesuffix(b'"}')
        else:
            self.since = None
            self.whole = text.removesuffix(b"}") + b',"uptime":null}'

    def render(self, second: int) -> bytes:
        """Return it as it is in that second."""
        if self.since is None:
            return self.whole
        seconds = max(0, second - self.since)
        return b'%b%b","uptime":%d}' % (self.head, _uptime(seconds), seconds)


@lru_cache(maxsize=256)
def _uptime(seconds: int) -> bytes:
    return uptime(seconds).encode()


def _process(info: ProcessInfo) -> dict[str, Any]:
    """Return all members but the last; the description of one that runs lacks its end."""
    return {
        "namespec": namespec.join(info.group, info.name),
        "group": info.group,
        "name": info.name,
        "state": info.state.name,
        "pid": info.pid or None,
        **moment("started", info.start),
        **moment("stopped", info.stop),
        "spawnerr": info.spawnerr or None,
        "ending": _ending(info),
        "tries": info.tries,
        **moment("next_try", info.next_try),
        "logs": {"stdout": info.stdout_logfile or None, "stderr": info.stderr_logfile or None},
        "description": info.description,
    }


def _ending(info: ProcessInfo) -> dict[str, Any] | None:
    if info.exit_cause == ending.NEVER:
        return None
    return {
        "cause": info.exit_cause,
        "code": None if info.exit_code < 0 else info.exit_code,
        "signal": info.exit_signal or None,
        "expected": info.exit_expected,
        "by": info.exit_by or None,
    }


class ProcessTexts:
    """The processes of a daemon as JSON."""

    def __init__(self) -> None:
        self._entries: WeakKeyDictionary[SupervisedProcess, _Entry] = WeakKeyDictionary()
        #: those of the last list that was asked for
        self._listed: Sequence[SupervisedProcess] = ()
        self._listed_entries: list[_Entry] = []

    def one(self, process: SupervisedProcess, now: float) -> bytes:
        """Return a process."""
        entry = self._entry(process)
        if entry.version != process.version:
            entry.refresh(process)
        return entry.render(int(now))

    def all(self, processes: Sequence[SupervisedProcess], now: float) -> bytes:
        """Return many; the same sequence is known by its identity."""
        if processes is not self._listed:
            self._listed = processes
            self._listed_entries = [self._entry(process) for process in processes]
        second = int(now)
        parts = []
        for process, entry in zip(processes, self._listed_entries, strict=True):
            if entry.version != process.version:
                entry.refresh(process)
            parts.append(entry.render(second))
        return b'{"processes":[%b]}' % b",".join(parts)

    def _entry(self, process: SupervisedProcess) -> _Entry:
        entry = self._entries.get(process)
        if entry is None:
            entry = self._entries[process] = _Entry()
        return entry


#: One for all servers and requests: they would all hold the same.
TEXTS: ProcessTexts = ProcessTexts()
