"""
Resource limits: the least that Supervisor promises its children, and what we need ourselves.

Children get ``minfds`` and ``minprocs`` as their soft limits, where theirs would be lower. We need
several descriptors for each child, and raise our own soft limit above that of the children as far
as it takes.
"""

from __future__ import annotations

import resource

from supervisor_tx.activity import Level
from supervisor_tx.config.model import GroupConfig, Message
from supervisor_tx.errors import CannotStart
from supervisor_tx.supervision.children.descriptors import OPEN_FILES

UNLIMITED = resource.RLIM_INFINITY

#: Descriptors of one process at most: three pipes, a pidfd, two logs, and one to spare.
PER_PROCESS = 7

#: Of those, what one takes that runs.
PER_RUNNING = 6

#: What the daemon itself needs: logs, listening sockets, clients, the pipes of a spawn.
OWN = 512

#: What it can do with where there is no more.
LEAST_OWN = 64


def require(minfds: int, minprocs: int) -> tuple[Message, ...]:
    """
    Raise the soft limits of files and processes to at least these; return what to log about it.

    Raises CannotStart where the hard limit is lower and cannot be raised.
    """
    return (
        *_require(
            resource.RLIMIT_NOFILE,
            "RLIMIT_NOFILE",
            minfds,
            "The minimum number of file descriptors required to run this process is {wanted} as "
            'per the "minfds" command-line argument or config file setting. The current '
            "environment will only allow you to open {hard} file descriptors. Either raise the "
            "number of usable file descriptors in your environment (for example with ulimit -n) "
            "or lower the minfds setting in the config file to allow the process to start.",
        ),
        *_require(
            resource.RLIMIT_NPROC,
            "RLIMIT_NPROC",
            minprocs,
            "The minimum number of available processes required to run this program is {wanted} "
            'as per the "minprocs" command-line argument or config file setting. The current '
            "environment will only allow you to open {hard} processes. Either raise the number of "
            "usable processes in your environment (for example with ulimit -u) or lower the "
            "minprocs setting in the config file to allow the program to start.",
        ),
    )


def _require(limit: int, name: str, wanted: int, refusal: str) -> tuple[Message, ...]:
    soft, hard = resource.getrlimit(limit)
    if soft == UNLIMITED or soft >= wanted:
        return ()
    try:
        resource.setrlimit(limit, (wanted, hard if _covers(hard, wanted) else wanted))
    except (OSError, ValueError, OverflowError):
        raise CannotStart(refusal.format(wanted=wanted, hard=hard)) from None
    return (Message(Level.INFO, f"Increased {name} limit to {wanted}"),)


def open_files() -> int:
    """Return the soft limit of open files, which children are to get."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def raise_own(groups: tuple[GroupConfig, ...]) -> bool:
    """
    Raise our own soft limit of open files to what these groups take, or as far as it goes.

    Return whether that is enough to keep all their logs open, also while they do not run.
    """
    needed = PER_PROCESS * sum(len(group.processes) for group in groups)
    return _covers(OPEN_FILES.raise_own(OWN + needed), LEAST_OWN + needed)


def affords_pidfds(groups: tuple[GroupConfig, ...]) -> bool:
    """Return whether all of these can run with a pidfd each. Without, one takes a sixth less."""
    needed = PER_RUNNING * sum(len(group.processes) for group in groups)
    return _covers(OPEN_FILES.raise_own(OWN + needed), LEAST_OWN + needed)


def for_clients(groups: tuple[GroupConfig, ...], most: int) -> int:
    """
    Raise our own soft limit of open files by that of so many clients; return for how many it is.

    Never more than ``most``, and never fewer than a handful.
    """
    needed = PER_PROCESS * sum(len(group.processes) for group in groups)
    limit = OPEN_FILES.raise_own(OWN + needed + most)
    if limit == UNLIMITED:
        return most
    return max(min(most, limit - needed - 2 * LEAST_OWN), LEAST_OWN)


def _covers(limit: int, wanted: int) -> bool:
    return limit == UNLIMITED or limit >= wanted
