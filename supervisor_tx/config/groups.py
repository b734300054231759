"""Which processes run together: ``[group:x]``, and one group for each program that is in none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from supervisor_tx.config import datatypes
from supervisor_tx.config.ini import Section
from supervisor_tx.config.model import GroupConfig, PoolConfig, ProcessConfig
from supervisor_tx.config.options import Context, Options
from supervisor_tx.config.programs import load_processes, program_name
from supervisor_tx.core import namespec
from supervisor_tx.core.events import PARENTS
from supervisor_tx.values import frozen

#: What a ``[group:x]`` can take in.
_MEMBERS = ("program", "fcgi-program")


def load_groups(context: Context, *, plugins: bool) -> tuple[GroupConfig, ...]:
    """
    Return all groups, sorted by priority and name.

    With plugins, event types that we do not know are not refused: a plugin may bring them.
    """
    taken: set[str] = set()
    groups: list[GroupConfig] = [
        _group(section, context, taken) for section in context.starting_with("group:")
    ]

    def alone(kind: str) -> Iterator[GroupConfig]:
        for section in context.starting_with(kind):
            if section.name not in taken:
                yield _homogeneous(section, context)

    groups += alone("program:")
    groups += [
        _pool(section, context, plugins=plugins)
        for section in context.starting_with("eventlistener:")
    ]
    groups += alone("fcgi-program:")
    return tuple(sorted(groups, key=lambda group: (group.priority, group.name)))


def _named(options: Options) -> str:
    """Return the name of the group that a section makes, having checked it."""
    name = program_name(options.section)
    try:
        return datatypes.name(name)
    except ValueError as error:
        options.refuse(str(error), accepts=datatypes.name.accepts)
        return name


def _group(section: Section, context: Context, taken: set[str]) -> GroupConfig:
    """Return the group of a ``[group:x]``; add the sections of its programs to those taken."""
    options = context.options(section)
    name = _named(options)
    processes: list[ProcessConfig] = []
    for program in options.get("programs", datatypes.list_of_strings, ()):
        candidates = [
            context.document.sections[candidate]
            for kind in _MEMBERS
            if (candidate := f"{kind}:{program}") in context.document.sections
        ]
        if not candidates:
            options.refuse(
                f"[{section.name}] names unknown program or fcgi-program {program}",
                "programs",
                accepts="names of such sections, separated by commas",
            )
        elif len(candidates) > 1:
            options.refuse(
                f"[{section.name}] name {program} is ambiguous "
                "(exists as program and fcgi-program)",
                "programs",
            )
        for found in candidates:
            taken.add(found.name)
            processes += load_processes(found, name, context, member=True)
    return GroupConfig(name, options.get("priority", datatypes.integer, 999), tuple(processes))


def _homogeneous(section: Section, context: Context) -> GroupConfig:
    options = context.options(section)
    name = _named(options)
    priority = options.get("priority", datatypes.integer, 999)
    return GroupConfig(name, priority, load_processes(section, name, context))


def _pool(section: Section, context: Context, *, plugins: bool) -> PoolConfig:
    options = context.options(section)
    name = _named(options)
    if options.get("redirect_stderr", datatypes.boolean, False):
        options.refuse(
            f"[{section.name}] section sets redirect_stderr=true but this is not allowed because "
            "it will interfere with the eventlistener protocol",
            "redirect_stderr",
        )
    return PoolConfig(
        name,
        options.get("priority", datatypes.integer, -1),
        load_processes(section, name, context),
        events=_events(options, context, plugins=plugins),
        buffer_size=_buffer_size(options),
        result_handler=options.get("result_handler", datatypes.factory, None),
        on_protocol_error=options.get("on_protocol_error", datatypes.on_protocol_error, "ignore"),
    )


def _events(options: Options, context: Context, *, plugins: bool) -> tuple[str, ...]:
    section = options.section.name
    listed = options.get("events", datatypes.list_of_strings, None)
    if not listed:
        if listed is None and options.find("events") is not None:
            return ()  # it could not be expanded, which has been said
        options.refuse(f'[{section}] section requires an "events" line', "events")
        return ()
    events = tuple(dict.fromkeys(event.upper() for event in listed))
    for event in events:
        if event in PARENTS:
            continue
        text = f"Unknown event type {event} in [{section}] events"
        if plugins:
            context.warn(f"{text}; if no plugin brings it, it will never be sent")
        else:
            options.refuse(text, "events", accepts="names of event types such as PROCESS_STATE")
    return events


def _buffer_size(options: Options) -> int | None:
    size = options.get("buffer_size", datatypes.integer, None)
    if size is not None and size < 1:
        options.refuse(
            f"[{options.section.name}] section sets invalid buffer_size ({size})",
            "buffer_size",
            accepts="a whole number from 1",
        )
    return size


@frozen
class _LogUse:
    """One channel of one process that writes to a file."""

    path: str
    writer: str
    rotated: bool


def shared_logs(groups: Iterable[GroupConfig]) -> Iterator[str]:
    """Say which files are rotated by one process under the eyes of another."""
    uses: dict[str, list[_LogUse]] = {}
    for group in groups:
        for process in group.processes:
            for use in _log_uses(group, process):
                uses.setdefault(use.path, []).append(use)
    for path, users in uses.items():
        if len(users) < 2 or not any(use.rotated for use in users):
            continue
        if os.path.exists(path) and not os.path.isfile(path):
            continue  # /dev/stdout and its like
        named = ", ".join(use.writer for use in users[:3])
        more = f" and {len(users) - 3} more" if len(users) > 3 else ""
        yield (
            f"The log file {path} is shared by {named}{more}, and rotated: output will be lost. "
            "Give each its own file, or set *_logfile_maxbytes=0 for all of them"
        )


def _log_uses(group: GroupConfig, process: ProcessConfig) -> Iterator[_LogUse]:
    writer = namespec.join(group.name, process.name)
    for channel, log in (("stdout", process.stdout), ("stderr", process.stderr)):
        if isinstance(log.logfile, str):
            path = os.path.abspath(log.logfile)
            yield _LogUse(path, f"{writer} ({channel})", log.logfile_maxbytes > 0)
