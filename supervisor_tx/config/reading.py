"""
The text of a configuration file.

Whatever the path leads to, reading ends: a FIFO that nobody writes or a device without an end is
refused rather than waited for.
"""

from __future__ import annotations

import errno
import os
import re
import select
import stat
import time
from typing import TypeAlias

from supervisor_tx.errors import Problem, SupervisorError

#: Bytes of a pipe that are taken for a configuration; a flood has no end of its own.
_PIPE_LIMIT = 16 * 1024 * 1024

#: Of a file: device, inode, size, and the time of the last change in nanoseconds.
State: TypeAlias = tuple[int, int, int, int]

#: Names of descriptors that we were handed, as the shell's ``<(...)`` makes them.
_DESCRIPTOR = re.compile(r"/dev/stdin|/dev/fd/\d+|/proc/(self|\d+)/fd/\d+")


class Unreadable(SupervisorError):
    """A file could not be read; ``problem`` says which and why."""

    def __init__(self, problem: Problem, *, absent: bool = False, directory: bool = False) -> None:
        super().__init__(str(problem))
        self.problem = problem
        #: there is no such file
        self.absent = absent
        self.directory = directory


def read_text(path: str, patience: float = 0.0) -> str:
    """Return the text of the file; see :func:`read_file`."""
    return read_file(path, patience)[0]


def read_file(path: str, patience: float = 0.0) -> tuple[str, State]:
    """
    Return the text of the file, with line ends as they are, and how the file was before it.

    Path may name a pipe that we inherited (``/dev/stdin``, ``/dev/fd/63``); each wait for what
    comes out of it lasts ``patience`` seconds at most. Raises Unreadable.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise Unreadable(
            Problem(f"could not find config file {path}", path), absent=True
        ) from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, _reason(error)) from error
    try:
        state = state_of(os.fstat(descriptor))
        data = _read(descriptor, path, patience)
    except OSError as error:
        raise _unreadable(path, _reason(error)) from error
    finally:
        os.close(descriptor)
    return _decode(data, path), state


def state_of(found: os.stat_result) -> State:
    """Return what of a file differs after it was changed or replaced."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)


def _unreadable(path: str, why: str, *, directory: bool = False) -> Unreadable:
    problem = Problem(f"could not read config file {path}: {why}", path)
    return Unreadable(problem, directory=directory)


def _read(descriptor: int, path: str, patience: float) -> bytes:
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    if stat.S_ISDIR(mode):
        raise _unreadable(path, "it is a directory", directory=True)
    if stat.S_ISFIFO(mode) and _DESCRIPTOR.fullmatch(path):
        return _drain(descriptor, path, patience)
    kind = "a FIFO" if stat.S_ISFIFO(mode) else "a device or a socket"
    raise _unreadable(path, f"it is {kind}, not a regular file")


def _drain(descriptor: int, path: str, patience: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + patience
    while size <= _PIPE_LIMIT:
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise _unreadable(path, f"nothing came out of the pipe within {patience:g} seconds")
        chunk = os.read(descriptor, 65536)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        size += len(chunk)
        deadline = time.monotonic() + patience
    raise _unreadable(path, os.strerror(errno.EFBIG))


def _decode(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    bad = []
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            bad.append((number, error.object[error.start : error.end]))
    where, culprit = bad[0]
    more = f" (and on {len(bad) - 1} more lines)" if len(bad) > 1 else ""
    raise Unreadable(
        Problem(f"not UTF-8: the bytes {culprit!r}{more}", path, where, accepts="text in UTF-8")
    )
