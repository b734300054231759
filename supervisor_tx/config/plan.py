"""
How a changed configuration is put into force while touching only what has changed.

Each option takes effect in one of three ways: at once, when the process starts the next time, or
not before it is started anew. A process that does not run takes everything at its next start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from itertools import groupby

from supervisor_tx.config.changes import Change, Changes, Reason
from supervisor_tx.config.model import Config
from supervisor_tx.values import fields, frozen


class Action(Enum):
    """What is done to a group or a process."""

    REMOVE_GROUP = "remove group"
    #: remove and add: it is made by a section of another kind
    REPLACE_GROUP = "replace group"
    REMOVE = "remove"
    #: stop it, and start it with the new options
    RESTART = "restart"
    #: the process goes on; what has changed is for its next start
    NEXT_START = "at next start"
    #: the process goes on, under the new options
    CHANGE = "change"
    ADD = "add"
    ADD_GROUP = "add group"
    #: nothing is done: it is the daemon's own, and takes a reload
    RELOAD = "at reload"


#: The order in which a plan is carried out: what frees something (a port, a file) comes first.
ORDER = {action: number for number, action in enumerate(Action)}

#: Options that a running process must be started anew for: they are part of how it was executed.
EXECUTED = frozenset(
    {
        "command",
        "directory",
        "environment",
        "kind",
        "redirect_stderr",
        "reset_signals",
        "serverurl",
        "umask",
        "user",
    }
)

#: Options that are looked at when a process is started, and not while it runs.
STARTED = frozenset({"autostart", "startsecs"})


@frozen
class Step:
    """One thing to do, and why."""

    action: Action
    group: str
    #: None: it is about the group as such
    process: str | None = None
    #: empty where the whole group comes or goes
    reasons: tuple[Reason, ...] = ()


def plan(changes: Changes, runs: Callable[[str, str], bool]) -> tuple[Step, ...]:
    """
    Return the steps from what is active to what is wanted, in order.

    ``runs`` tells whether a process, by group and name, runs or is about to.
    """
    steps = [
        *(Step(Action.REMOVE_GROUP, group.name) for group in changes.removed),
        *(step for change in changes.changed for step in _of_group(change, runs)),
        *(Step(Action.ADD_GROUP, group.name) for group in changes.added),
    ]
    return tuple(sorted(steps, key=lambda step: ORDER[step.action]))


def of_daemon(old: Config, new: Config) -> tuple[Step, ...]:
    """Return the step, if any, for what only a reload puts into force; secrets are not shown."""
    reasons: list[Reason] = []
    for member in fields(old.supervisord):
        was, now = (getattr(each.supervisord, member.name) for each in (old, new))
        # the environment is part of each program's, and in force with that
        if was != now and member.name != "environment":
            reasons.append(Reason(None, _NAMES.get(member.name, member.name), was, now))
    if old.servers != new.servers:
        reasons.append(Reason(None, "servers", _sections(old), _sections(new)))
    if old.rpcinterfaces != new.rpcinterfaces:
        interfaces = (tuple(each.name for each in config.rpcinterfaces) for config in (old, new))
        reasons.append(Reason(None, "rpcinterfaces", *interfaces))
    return (Step(Action.RELOAD, "", None, tuple(reasons)),) if reasons else ()


def _sections(config: Config) -> tuple[str, ...]:
    return tuple(server.section for server in config.servers)


#: Members of the model that are called otherwise in a file.
_NAMES = {"uid": "user"}


def _of_group(change: Change, runs: Callable[[str, str], bool]) -> Iterator[Step]:
    name = change.new.name
    if any(reason.process is None and reason.option == "kind" for reason in change.reasons):
        yield Step(Action.REPLACE_GROUP, name, reasons=change.reasons)
        return
    for process, grouped in groupby(change.reasons, key=lambda reason: reason.process):
        reasons = tuple(grouped)
        if process is None:
            yield Step(Action.CHANGE, name, None, reasons)
        else:
            yield Step(_action(reasons, runs(name, process)), name, process, reasons)


def _action(reasons: Iterable[Reason], runs: bool) -> Action:
    options = {reason.option for reason in reasons}
    if "process" in options:
        gone = any(reason.option == "process" and reason.new is None for reason in reasons)
        return Action.REMOVE if gone else Action.ADD
    if not runs:
        return Action.NEXT_START
    if any(option in EXECUTED or option.startswith("socket") for option in options):
        return Action.RESTART
    return Action.NEXT_START if options <= STARTED else Action.CHANGE
