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


class Piece(NamedTuple):
    """A piece of a log that cuts no character in two."""

    path: str
    data: bytes
    #: where it begins
    offset: int
    #: size of the log
    size: int

    @property
    def end(self) -> int:
        """Where the next piece begins."""
        return self.offset + len(self.data)


def read(path: str | None, offset: int, length: int) -> bytes:
    """
    Return a piece of a log.

    ``length`` bytes from ``offset``, with a length of 0 all from there; with a negative offset and
    a length of 0 that many bytes from the end. Raises BadRange, NoLogFile or LogFailed.
    """
    if path is None:
        raise NoLogFile
    try:
        fd = open_log(path)
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
        return read_at(fd, offset, wanted)
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
        fd = None if path is None else open_log(path)
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
        return Tail(read_at(fd, size - wanted, wanted), size, overflow)
    except OSError:
        return Tail(b"", offset, False)
    finally:
        os.close(fd)


def piece(path: str | None, offset: int, length: int) -> Piece:
    """
    Return a piece of a log, ``length`` bytes from ``offset``.

    With a negative offset it begins so many bytes before the end, or up to three bytes later, where
    a character begins. It ends up to three bytes later than asked for where a character goes on.
    Beyond the end there is nothing. Raises NoLogFile or LogFailed.
    """
    if path is None:
        raise NoLogFile
    try:
        fd = open_log(path)
    except (FileNotFoundError, NotADirectoryError):
        raise NoLogFile(path) from None
    except (OSError, ValueError) as error:
        raise LogFailed(f"{path} cannot be read: {error}") from error
    try:
        size = os.fstat(fd).st_size
        from_end = offset < 0
        offset = max(0, size + offset) if from_end else min(offset, size)
        data = read_at(fd, offset, min(length + 3, size - offset))
    except OSError as error:
        raise LogFailed(f"{path} cannot be read: {error}") from error
    finally:
        os.close(fd)
    skipped = _rest_of_character(data, 0) if from_end and offset else 0
    end = min(len(data), max(length, skipped))
    end += _rest_of_character(data, end)
    return Piece(path, data[skipped:end], offset + skipped, size)


def _rest_of_character(data: bytes, at: int) -> int:
    """Return how many bytes from there on belong to a character that began before."""
    count = 0
    while count < 3 and at + count < len(data) and data[at + count] & 0xC0 == 0x80:
        count += 1
    return count


def open_log(path: str) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(f"{path} is not a regular file")
    return fd


def read_at(fd: int, offset: int, wanted: int) -> bytes:
    parts = []
    while wanted:
        part = os.pread(fd, wanted, offset)  # all of it: other threads get on meanwhile
        if not part:  # it was cut meanwhile
            break
        parts.append(part)
        offset += len(part)
        wanted -= len(part)
    return b"".join(parts)
