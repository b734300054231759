"""
From an order to a running program.

Everything here may block (file systems, user databases, the exec itself) and is done in the
spawner's thread. What goes wrong is a :class:`SpawnFailed`, whatever Python made of it.
"""

from __future__ import annotations

import errno
import os
import pwd
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from supervisor_tx.errors import SpawnFailed
from supervisor_tx.supervision.children.command import Command, find_command
from supervisor_tx.supervision.children.descriptors import OPEN_FILES, OpenFileLimit
from supervisor_tx.supervision.interfaces import SpawnOrder
from supervisor_tx.values import field, frozen, mutable

#: The longest first line of a script that kernels look at.
SHEBANG_LENGTH = 256


@frozen
class Launched:
    """A program that runs, and our ends of what joins us to it."""

    pid: int
    #: None where the system has no pidfds, or does not give us one
    pidfd: int | None
    #: the child's descriptor -> our end of its pipe, non-blocking
    descriptors: dict[int, int]

    def abandon(self) -> None:
        """Close our ends; the process is not ended."""
        for fd in (*self.descriptors.values(), *(() if self.pidfd is None else (self.pidfd,))):
            os.close(fd)


@frozen
class Identity:
    """Whom to become. The primary group comes first, as in Supervisor."""

    uid: int
    gid: int
    groups: tuple[int, ...]


def launch(order: SpawnOrder, limit: OpenFileLimit = OPEN_FILES, pidfds: bool = True) -> Launched:
    """Carry out an order, and return once the program has been executed; raise SpawnFailed."""
    command = find_command(order.command, order.environment.get("PATH"))
    pipes = _Pipes(limit)
    try:
        try:
            pipes.make(order)
        except OSError as error:
            raise _no_descriptors(order, error) from error
        identity = _identity(order)
        if identity is not None:
            pipes.give_to(identity)
        with limit.lowered() as since:
            pid = _execute(order, command, identity, pipes)
        limit.confirm(pid, since)
        return Launched(pid, _pidfd(pid, limit) if pidfds else None, pipes.keep_ours())
    finally:
        pipes.close()


# Descriptors


@mutable(eq=True, slots=True)
class _Pipes:
    """The pipes of one child, until they have found their owners."""

    limit: OpenFileLimit
    theirs: dict[int, int] = field(default_factory=dict)
    ours: dict[int, int] = field(default_factory=dict)

    def make(self, order: SpawnOrder) -> None:
        wanted = [1] if order.redirect_stderr else [1, 2]
        for child_fd in wanted if order.stdin is not None else [0, *wanted]:
            read, write = os.pipe()
            ours, theirs = (write, read) if child_fd == 0 else (read, write)
            # Noted before anything else is tried, so that it is closed whatever happens.
            self.theirs[child_fd], self.ours[child_fd] = theirs, ours
            os.set_blocking(ours, False)
            self.ours[child_fd] = self.limit.keep_high(ours)

    def give_to(self, identity: Identity) -> None:
        """Let the user open /dev/stdout by name: a pipe belongs to who made it, mode 0600."""
        for fd in self.theirs.values():
            with suppress(OSError):
                os.fchown(fd, identity.uid, -1)

    def keep_ours(self) -> dict[int, int]:
        ours, self.ours = self.ours, {}
        return ours

    def close(self) -> None:
        for fd in (*self.theirs.values(), *self.ours.values()):
            os.close(fd)


def _pidfd(pid: int, limit: OpenFileLimit) -> int | None:
    # Refused by a sandbox, unknown to the system, or no descriptor left: there is SIGCHLD.
    with suppress(OSError, AttributeError):
        return limit.keep_high(os.pidfd_open(pid))
    return None


def _no_descriptors(order: SpawnOrder, error: OSError) -> SpawnFailed:
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return SpawnFailed(f"too many open files to spawn '{order.name}'")
    return SpawnFailed(f"unknown error making dispatchers for '{order.name}': {errno_name(error)}")


# Users


def _identity(order: SpawnOrder) -> Identity | None:
    """Return whom the child is to become; None: it stays what we are."""
    uid = order.uid
    if uid is None or uid == os.getuid():
        return None
    if os.getuid() != 0:
        raise _no_setuid(uid, "Can't drop privilege as nonroot user")
    try:
        user = pwd.getpwuid(uid)
    except (KeyError, OverflowError):
        raise _no_setuid(uid, f"Can't find uid {uid}") from None
    try:
        groups = _group_list(user.pw_name, user.pw_gid)
    except OSError:
        raise _no_setuid(uid, "Could not set groups of effective user") from None
    rest = (gid for gid in groups if gid != user.pw_gid)
    return Identity(uid, user.pw_gid, (user.pw_gid, *dict.fromkeys(rest)))


def _no_setuid(uid: int, reason: str) -> SpawnFailed:
    text = f"couldn't setuid to {uid}: {reason}"
    return SpawnFailed(text, text)


def _group_list(name: str, gid: int) -> list[int]:
    """
    Return all groups of a user, as ``os.getgrouplist``, which however holds the interpreter's lock.

    A directory service may take seconds to answer, and the reactor's thread must not feel that.
    """
    try:
        import ctypes

        function = ctypes.CDLL(None, use_errno=True).getgrouplist
    except (ImportError, OSError, AttributeError):
        return os.getgrouplist(name, gid)
    size = 64
    while True:
        groups = (ctypes.c_uint32 * size)()
        count = ctypes.c_int(size)
        if function(os.fsencode(name), ctypes.c_uint32(gid), groups, ctypes.byref(count)) >= 0:
            return groups[: count.value]
        # Too small; not every system says how many there are.
        size = max(count.value, size * 2)
        if size > 1 << 20:
            raise OSError(errno.EINVAL, "too many groups")


# The exec


def _execute(order: SpawnOrder, command: Command, identity: Identity | None, pipes: _Pipes) -> int:
    """Fork and execute; return the pid."""
    try:
        return _popen(order, command, identity, pipes, order.directory)
    except OSError as error:
        failure = _explain(order, command, identity, error)
        refused = isinstance(failure, _NoDirectory) and error.errno == errno.EACCES
        if not refused or identity is None:
            raise failure from error
    # Popen changes directory before it changes user. A directory that is closed to root (a home on
    # a network file system, somebody's FUSE mount) can be entered by its user only.
    assert order.directory is not None
    try:
        return _popen(order, command, identity, pipes, None, partial(os.chdir, order.directory))
    except OSError as error:
        raise _explain(order, command, identity, error) from error
    except subprocess.SubprocessError:
        raise failure from None


def _popen(
    order: SpawnOrder,
    command: Command,
    identity: Identity | None,
    pipes: _Pipes,
    directory: str | None,
    at_last: Callable[[], None] | None = None,
) -> int:
    # A change of user makes Popen fork, which costs milliseconds; else it is a vfork.
    user: dict[str, Any] = {}
    if identity is not None:
        user = {
            "user": identity.uid,
            "group": identity.gid,
            "extra_groups": identity.groups,
        }
    theirs = pipes.theirs
    try:
        child = subprocess.Popen(
            command.argv,
            executable=command.file,
            env=order.environment,
            cwd=directory,
            stdin=theirs.get(0, order.stdin),
            stdout=theirs[1],
            stderr=theirs.get(2, subprocess.STDOUT),
            close_fds=True,
            process_group=0,
            umask=-1 if order.umask is None else order.umask,
            restore_signals=order.reset_signals,
            preexec_fn=at_last,  # noqa: PLW1509 - one system call, and only where no other way is left
            **user,
        )
    except (ValueError, UnicodeError, OverflowError, TypeError) as error:
        text = f"couldn't exec {command.file}: {error}"
        raise SpawnFailed(text, text) from error
    # From here on the child is ours to wait for: Popen shall not do so when it is dropped.
    child.returncode = 0
    return child.pid


class _NoDirectory(SpawnFailed):
    """The child could not enter its directory."""


def _explain(
    order: SpawnOrder, command: Command, identity: Identity | None, error: OSError
) -> SpawnFailed:
    """Tell from Popen's error how far it came."""
    number = errno_name(error)
    if error.filename is not None and _same(error.filename, command.file):
        return SpawnFailed(
            f"couldn't exec {_place(order, command)}: {number} ({_reason(order, command, error)})",
            f"couldn't exec {command.argv[0]}: {number}",
        )
    # Python 3.11 and 3.12 name the directory for whatever fails in the child before the exec.
    switching = identity is not None and error.errno in (errno.EPERM, errno.EINVAL)
    if switching:
        assert identity is not None
        return _no_setuid(identity.uid, f"{number} ({os.strerror(error.errno or 0)})")
    if error.filename is not None:
        return _NoDirectory(
            f"couldn't chdir to {order.directory}: {number} ({os.strerror(error.errno or 0)})",
            f"couldn't chdir to {order.directory}: {number}",
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return _no_descriptors(order, error)
    if error.errno == errno.EAGAIN:
        return SpawnFailed(f"Too many processes in process table to spawn '{order.name}'")
    return SpawnFailed(f"unknown error during fork for '{order.name}': {number}")


def _same(filename: str | bytes, file: str) -> bool:
    return os.fsencode(filename) == os.fsencode(file)


def _place(order: SpawnOrder, command: Command) -> str:
    if os.path.isabs(command.file) or order.directory is None:
        return command.file
    return f"{command.file} in {order.directory}"


def _reason(order: SpawnOrder, command: Command, error: OSError) -> str:
    """Say in words why the kernel did not execute the file."""
    file = os.path.join(order.directory or "", command.file)
    plain = os.strerror(error.errno or 0)
    interpreter = _interpreter(file)
    if error.errno == errno.ENOENT and interpreter is not None:
        return f"its first line asks for the interpreter {interpreter!r}, which does not exist"
    if error.errno == errno.EACCES and interpreter is not None:
        return f"{plain}: to the file, or to its interpreter {interpreter!r}"
    if error.errno == errno.ENOENT and os.path.exists(file):
        return "the file is there, but the loader that it is made for is not"
    if error.errno == errno.ENOEXEC and interpreter is None:
        return f"{plain}: neither a program for this machine, nor a script that starts with #!"
    if error.errno == errno.E2BIG:
        return f"{plain}: its arguments and environment are too large together"
    if error.errno == errno.EAGAIN:
        return "its user has reached the limit of processes"
    return plain


def _interpreter(file: str) -> str | None:
    """Return what the first line of a script names; None: it is no script, or cannot be read."""
    try:
        # Without waiting: it may be a FIFO.
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as script:
            line = (script.read(SHEBANG_LENGTH) or b"").split(b"\n", 1)[0]
    except (OSError, ValueError):
        return None
    words = line[2:].strip(b" \t").split(b" ", 1)[0].split(b"\t", 1)[0]
    return os.fsdecode(words) if line.startswith(b"#!") else None


def errno_name(error: OSError) -> str:
    """Return ``ENOENT`` and the like, or the number as text where there is no name."""
    return errno.errorcode.get(error.errno or 0, str(error.errno))
