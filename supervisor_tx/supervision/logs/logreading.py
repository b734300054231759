"""
Pieces of log files, with Supervisor's arithmetic.

All of it is in bytes; a piece may begin or end within a character. Only regular files are read, and
at most :data:`MOST` bytes of them at once.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from supervisor_tx.errors import BadRange, LogFailed, NoLogFile

#: Bytes that one answer may hold: a log of the default ``logfile_maxbytes`` and then some.
MOST = 64 * 1024 * 1024


class Tail(NamedTuple):
    """The end of a log."""

    data: bytes
    #: its size, to ask from the next time
    offset: int
    #: there was more than was asked for since the offset of the question
    overflow: bool


def read(path: str | None, offset: int, length: int) -> bytes:
    """
    Return a piece of a log.

    ``length`` bytes from ``offset``, with a length of 0 all from there; with a negative offset and
    a length of 0 that many bytes from the end. Raises BadRange, NoLogFile or LogFailed.
    """
    if path is None:
        raise NoLogFile
    try:
        fd = _open(path)
    except (FileNotFoundError, NotADirectoryError):
        raise NoLogFile(path) from None
    except (OSError, ValueError) as error:
        raise LogFailed from error
    try:
        if (offset < 0 and length != 0) or length < 0:
            raise BadRange
        size = os.fstat(fd).st_size
        if offset < 0:
            offset = max(0, size + offset)
        wanted = max(0, size - offset)
        if length:
            wanted = min(wanted, length)
        if wanted > MOST:
            raise LogFailed(f"{wanted} bytes are more than the {MOST} that one answer may hold")
        return _read(fd, offset, wanted)
    except OSError as error:
        raise LogFailed from error
    finally:
        os.close(fd)


def tail(path: str | None, offset: int, length: int) -> Tail:
    """
    Return the last ``length`` bytes of a log that has grown beyond ``offset``.

    Without a file there is nothing; what cannot be read is as empty as one that has not grown.
    """
    try:
        fd = None if path is None else _open(path)
    except (FileNotFoundError, NotADirectoryError):
        fd = None
    except (OSError, ValueError):
        return Tail(b"", offset, False)
    if fd is None:
        return Tail(b"", 0, False)
    try:
        size = os.fstat(fd).st_size
        overflow = size > offset + length
        if not overflow and offset > size - 1:
            return Tail(b"", size, False)
        wanted = min(max(0, length), size)
        if wanted > MOST:
            raise LogFailed(f"{wanted} bytes are more than the {MOST} that one answer may hold")
        return Tail(_read(fd, size - wanted, wanted), size, overflow)
    except OSError:
        return Tail(b"", offset, False)
    finally:
        os.close(fd)


def _open(path: str) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(f"{path} is not a regular file")
    return fd


def _read(fd: int, offset: int, wanted: int) -> bytes:
    parts = []
    while wanted:
        part = os.pread(fd, min(wanted, 1 << 20), offset)
        if not part:  # it was cut meanwhile
            break
        parts.append(part)
        offset += len(part)
        wanted -= len(part)
    return b"".join(parts)
