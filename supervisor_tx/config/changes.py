"""
What differs between two configurations of groups, and why: the answer to reread and update.

Every option is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from supervisor_tx.config.model import (
    FcgiSocketConfig,
    GroupConfig,
    LogConfig,
    PoolConfig,
    ProcessConfig,
)
from supervisor_tx.values import fields, frozen


@frozen
class Reason:
    """One difference. ``old`` is None for what is new, ``new`` for what is gone."""

    #: name of the process; None: it is about the group as such
    process: str | None
    #: name of an option; ``process`` where the whole process came or went, ``kind`` where a section
    #: of another kind makes the group now
    option: str
    old: object
    new: object


def shown(value: object) -> str:
    """Return the value of an option as it could stand in a file; empty where there is none."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Enum():
            return str(value.value)
        case Mapping():
            return ",".join(f'{name}="{text}"' for name, text in value.items())
        case tuple():
            return ",".join(shown(each) for each in value)
        case FcgiSocketConfig():
            return value.url
    return str(value)


@frozen
class Change:
    """A group that is in both and not the same."""

    old: GroupConfig
    new: GroupConfig
    reasons: tuple[Reason, ...]


@frozen
class Changes:
    """The difference between two lists of groups; each part in the order of its list."""

    added: tuple[GroupConfig, ...] = ()
    #: in the order of the new list
    changed: tuple[Change, ...] = ()
    removed: tuple[GroupConfig, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def changes(old: Sequence[GroupConfig], new: Sequence[GroupConfig]) -> Changes:
    """Compare by name. Of several groups of one name the first counts, as it does when run."""
    before, after = _by_name(old), _by_name(new)
    return Changes(
        added=tuple(group for name, group in after.items() if name not in before),
        changed=tuple(
            Change(before[name], group, _reasons(before[name], group))
            for name, group in after.items()
            if name in before and before[name] != group
        ),
        removed=tuple(group for name, group in before.items() if name not in after),
    )


def _by_name(groups: Sequence[GroupConfig]) -> dict[str, GroupConfig]:
    found: dict[str, GroupConfig] = {}
    for group in groups:
        found.setdefault(group.name, group)
    return found


def _reasons(old: GroupConfig, new: GroupConfig) -> tuple[Reason, ...]:
    """Return at least one reason for two groups that differ."""
    reasons = (*_group_reasons(old, new), *_member_reasons(old, new))
    if reasons:
        return reasons
    # Same processes in another order, or a difference in one that another of its name replaces.
    return (Reason(None, "programs", _member_names(old), _member_names(new)),)


def _group_reasons(old: GroupConfig, new: GroupConfig) -> Iterator[Reason]:
    if _kind(old) != _kind(new):
        yield Reason(None, "kind", _kind(old), _kind(new))
    if old.priority != new.priority:
        yield Reason(None, "priority", old.priority, new.priority)
    if isinstance(old, PoolConfig) and isinstance(new, PoolConfig):
        for option in ("events", "buffer_size", "result_handler", "on_protocol_error"):
            was, now = getattr(old, option), getattr(new, option)
            if was != now:
                yield Reason(None, option, was, now)


def _member_reasons(old: GroupConfig, new: GroupConfig) -> Iterator[Reason]:
    before = {process.name: process for process in old.processes}
    after = {process.name: process for process in new.processes}
    for name in before:
        if name not in after:
            yield Reason(name, "process", name, None)
    for name, process in after.items():
        if name not in before:
            yield Reason(name, "process", None, name)
        else:
            for option, was, now in _differences(before[name], process):
                yield Reason(name, option, was, now)


def _member_names(group: GroupConfig) -> tuple[str, ...]:
    return tuple(process.name for process in group.processes)


def _kind(group: GroupConfig) -> str:
    """Return what kind of section the group is made by, as far as that can be told from it."""
    if isinstance(group, PoolConfig):
        return "eventlistener"
    return "program or group"


def _differences(
    old: ProcessConfig | LogConfig | FcgiSocketConfig,
    new: ProcessConfig | LogConfig | FcgiSocketConfig,
    prefix: str = "",
) -> Iterator[tuple[str, object, object]]:
    """Yield the name of each option that differs, with both its values."""
    for member in fields(old):
        was, now = getattr(old, member.name), getattr(new, member.name)
        if was == now:
            continue
        name = _NAMES.get(member.name, f"{prefix}{member.name}")
        if isinstance(was, (LogConfig, FcgiSocketConfig)) and type(was) is type(now):
            yield from _differences(was, now, f"{name}_")
        else:
            yield name, was, now


#: Members of the model that are called otherwise in a file.
_NAMES: Mapping[str, str] = {"uid": "user", "url": "socket"}
