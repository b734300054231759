"""
Which URL asks for which operation, and what it is answered with.

What an operation takes is not said here: it is known by its description. Of its arguments those
stand in the path that the path names; with GET the others are the query, with POST they are members
of the body, except ``wait``, which says how to answer and is in the query.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from supervisor_tx.supervision.description import Flag, Operation, Parameter
from supervisor_tx.supervision.operations import OPERATIONS, Operations, Principal, known_signal
from supervisor_tx.values import field, frozen
from supervisor_tx.web.api import shapes

#: What all paths begin with.
ROOT = "/api/v1"

#: The argument that is never in a body.
WAIT = "wait"

#: What the variable segments of paths stand for.
SEGMENTS: Mapping[str, str] = {"namespec": "name", "group": "name", "channel": "channel"}


@frozen
class Context:
    """What it takes to make an answer."""

    operations: Operations
    who: Principal
    #: the arguments of the operation, as far as they were given
    given: Mapping[str, Any]


#: Makes an answer, as JSON, of what an operation has returned.
Show = Callable[[Any, Context], bytes]


@frozen
class Route:
    """One URL, with one method."""

    method: str
    #: below :data:`ROOT`; variable segments in braces
    path: str
    operation: Operation
    #: name of the schema of the answer
    shape: str
    show: Show
    tag: str
    #: status of the answer; of one that need not wait, 202
    status: int = 200
    #: it can be had as bytes too
    is_log: bool = False
    #: what it does, where that is less than what the operation does
    words: str = ""
    #: it ends the daemon
    ends: bool = False
    #: raises what the operation itself would not
    check: Callable[[Context], None] = field(default=lambda _: None)

    @property
    def name(self) -> str:
        """What programs may call it."""
        return self.operation.name

    @property
    def summary(self) -> str:
        """What it does."""
        return self.words or self.operation.summary

    @property
    def segments(self) -> Mapping[str, Parameter]:
        """The arguments that are in the path, by the names that they have there."""
        known = {each.name: each for each in self.operation.parameters}
        return {each: known[SEGMENTS[each]] for each in re.findall(r"{(\w+)}", self.path)}

    @property
    def _others(self) -> list[Parameter]:
        in_path = {each.name for each in self.segments.values()}
        return [each for each in self.operation.parameters if each.name not in in_path]

    @property
    def in_query(self) -> list[Parameter]:
        """The arguments that are in the query."""
        found = [each for each in self._others if self.method == "GET" or each.name == WAIT]
        return [*found, DOWNLOAD] if self.is_log else found

    @property
    def in_body(self) -> list[Parameter]:
        """The arguments that are members of the body."""
        return [each for each in self._others if self.method != "GET" and each.name != WAIT]

    @property
    def can_be_late(self) -> bool:
        """Whether it can be answered before it is done."""
        return any(each.name == WAIT for each in self.in_query)


#: Says that a log is to be saved; the operation does not know of it.
DOWNLOAD = Parameter("download", Flag("send the log as bytes, to be saved"), default=False)


def _process(_: object, context: Context) -> bytes:
    process = context.operations.process(context.who, context.given["name"])
    return shapes.TEXTS.one(process, time.time())


def _group(_: object, context: Context) -> bytes:
    return shapes.encoded(
        shapes.group(context.operations.group(context.who, context.given["name"]))
    )


def _daemon(_: object, context: Context) -> bytes:
    return shapes.daemon(context.operations.daemon_info(context.who))


def _done(_: object, __: Context) -> bytes:
    return b'{"done":true}'


def _changes(found: Any, _: Context) -> bytes:
    return shapes.encoded(
        {
            "added": [group.name for group in found.added],
            "changed": [change.new.name for change in found.changed],
            "removed": [group.name for group in found.removed],
        }
    )


def _is_signal(context: Context) -> None:
    """Refuse what is no signal once, and not for each process."""
    known_signal(context.given["signal"])


def _is_one(context: Context) -> None:
    """Refuse names that mean a group."""
    context.operations.process(context.who, context.given["name"])


def _get(path: str, operation: str, shape: str, show: Show, tag: str, **more: Any) -> Route:
    return Route("GET", path, OPERATIONS[operation], shape, show, tag, **more)


def _post(path: str, operation: str, shape: str, show: Show, tag: str, **more: Any) -> Route:
    return Route("POST", path, OPERATIONS[operation], shape, show, tag, **more)


_PROCESS, _GROUP = "/processes/{namespec}", "/groups/{group}"
_OF_PROCESS: Mapping[str, Any] = {"shape": "Process", "show": _process, "tag": "processes"}
_OF_MANY: Mapping[str, Any] = {
    "shape": "Results",
    "show": lambda outcomes, _: shapes.results(outcomes),
}
_OF_DAEMON: Mapping[str, Any] = {"shape": "Daemon", "show": _daemon, "tag": "daemon"}
_OF_LOG: Mapping[str, Any] = {
    "shape": "LogPiece",
    "show": lambda piece, _: shapes.log_piece(piece),
    "tag": "logs",
    "is_log": True,
}
_DONE: Mapping[str, Any] = {"shape": "Done", "show": _done}

ROUTES: tuple[Route, ...] = (
    _get("/daemon", "daemon_info", **_OF_DAEMON),
    _post("/daemon/shutdown", "shutdown", status=202, ends=True, **_OF_DAEMON),
    _post("/daemon/restart", "restart", status=202, ends=True, **_OF_DAEMON),
    _post("/daemon/reopen-logs", "reopen_logs", tag="daemon", **_DONE),
    _get(
        "/processes",
        "find_processes",
        "Processes",
        lambda found, _: shapes.TEXTS.all(found, time.time()),
        "processes",
    ),
    _get(_PROCESS, "process_info", **_OF_PROCESS),
    _post(
        f"{_PROCESS}/start",
        "start_process",
        words="Start a process; with wait, until it is RUNNING.",
        check=_is_one,
        **_OF_PROCESS,
    ),
    _post(
        f"{_PROCESS}/stop",
        "stop_process",
        words="Stop a process; with wait, until it is down.",
        check=_is_one,
        **_OF_PROCESS,
    ),
    _post(f"{_PROCESS}/restart", "restart_process", **_OF_PROCESS),
    _post(
        f"{_PROCESS}/signal",
        "signal_process",
        words="Send a signal to a process.",
        check=_is_one,
        **_OF_PROCESS,
    ),
    _post(f"{_PROCESS}/clear-logs", "clear_logs", **_OF_PROCESS),
    _post(f"{_PROCESS}/stdin", "send_stdin", **_OF_PROCESS),
    _get(f"{_PROCESS}/logs/{{channel}}", "log_piece", **_OF_LOG),
    _get("/groups", "groups", "Groups", lambda found, _: shapes.groups(found), "groups"),
    _get(_GROUP, "group", "Group", _group, "groups"),
    _post(f"{_GROUP}/start", "start_group", tag="groups", **_OF_MANY),
    _post(f"{_GROUP}/stop", "stop_group", tag="groups", **_OF_MANY),
    _post(f"{_GROUP}/restart", "restart_group", tag="groups", **_OF_MANY),
    _post(f"{_GROUP}/signal", "signal_group", tag="groups", check=_is_signal, **_OF_MANY),
    _post(f"{_GROUP}/clear-logs", "clear_group_logs", tag="groups", **_OF_MANY),
    _post(f"{_GROUP}/add", "add_group", "Group", _group, "groups"),
    _post(f"{_GROUP}/remove", "remove_group", tag="groups", **_DONE),
    _post("/actions/start", "start_many", tag="actions", **_OF_MANY),
    _post("/actions/stop", "stop_many", tag="actions", **_OF_MANY),
    _post("/actions/restart", "restart_many", tag="actions", **_OF_MANY),
    _post("/actions/signal", "signal_many", tag="actions", **_OF_MANY),
    _post("/actions/clear-logs", "clear_many_logs", tag="actions", **_OF_MANY),
    _get("/logs/main", "main_log_piece", **_OF_LOG),
    _post("/logs/main/clear", "clear_main_log", tag="logs", **_DONE),
    _get(
        "/config/processes",
        "configured",
        "ConfiguredProcesses",
        lambda found, _: shapes.encoded({"processes": found}),
        "configuration",
    ),
    _get(
        "/config/plan",
        "plan",
        "Steps",
        lambda found, _: shapes.plan(found),
        "configuration",
    ),
    _post(
        "/config/apply", "update", "Steps", lambda found, _: shapes.steps(found), "configuration"
    ),
    _post("/config/reread", "reread", "Changes", _changes, "configuration"),
    _get(
        "/config/state",
        "config_state",
        "ConfigState",
        lambda found, _: shapes.config_state(found),
        "configuration",
    ),
    _get(
        "/figures",
        "figures",
        "Figures",
        lambda found, _: shapes.encoded(shapes.figures(found, found.latest)),
        "figures",
    ),
    _get(
        f"{_PROCESS}/figures",
        "process_figures",
        "ProcessFigures",
        lambda found, _: shapes.process_figures(found),
        "figures",
    ),
    _get(
        "/events/stats",
        "event_stats",
        "EventStats",
        lambda found, _: shapes.pools(found),
        "events",
    ),
    _post("/events/remote", "remote_event", tag="events", **_DONE),
)
