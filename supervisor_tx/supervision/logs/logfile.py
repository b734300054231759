"""
A log in a regular file: append, rotate, reopen, clear.

Rotation follows Supervisor: after the write with which the file has reached ``maxbytes``, the
backups move up by one (``x.1`` to ``x.2`` ...), the file becomes ``x.1`` and a fresh one is begun;
without backups it is begun anew. The fresh file is opened before the old one is let go. So a
rotation that cannot be completed, because the directory is gone or full, loses nothing: the old
file goes on, under its old name, and the rest of the rotation is tried again at each write.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import TypedDict

from supervisor_tx.activity import Logger
from supervisor_tx.supervision.children.descriptors import keep_high
from supervisor_tx.supervision.logs import lastlink
from supervisor_tx.supervision.logs.losses import Losses, reason
from supervisor_tx.supervision.logs.watch import WATCHED, tell

_log = Logger()

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class LogFileRecord(TypedDict):
    """What a :class:`LogFile` knows, for another interpreter to go on with its descriptor."""

    path: str
    fd: int
    lost: int
    #: how far a rotation has come, see :attr:`LogFile._next_shift`; None: none is under way
    next_shift: int | None
    #: it was to be reopened and could not be
    to_reopen: bool


class LogFile:
    """
    A :class:`~supervisor_tx.supervision.interfaces.Sink` that appends to a regular file.

    ``maxbytes`` of 0: it is never rotated. ``locked``: the file is locked (``flock``) as long as it
    is ours, so that another daemon can tell; and as such files lie where everybody may write, no
    link and no file of another user is taken for it later. Raises OSError where it cannot be
    opened.
    """

    def __init__(
        self,
        path: str,
        maxbytes: int = 0,
        backups: int = 0,
        *,
        mode: int = 0o666,
        locked: bool = False,
        record: LogFileRecord | None = None,
    ) -> None:
        self.path = path
        self.maxbytes = maxbytes
        self.backups = backups
        self._mode = mode
        self._locked = locked
        #: of a locked file: whose it is, as the file system tells
        self._owner: int | None = None
        self._losses = Losses(path, record["lost"] if record else 0)
        #: the backup to move up next while a rotation is under way; 0: the file itself
        self._next_shift = record["next_shift"] if record else None
        self._to_reopen = record["to_reopen"] if record else False
        #: a rotation or reopening has failed, and was reported
        self._stuck = self._to_reopen or self._next_shift is not None
        self._fd = record["fd"] if record else self._open()
        if record and locked and self._fd >= 0:
            self._owner = os.fstat(self._fd).st_uid

    @classmethod
    def resume(cls, record: LogFileRecord, maxbytes: int = 0, backups: int = 0) -> LogFile:
        """Go on with the descriptor of a record."""
        return cls(record["path"], maxbytes, backups, record=record)

    @property
    def position(self) -> int:
        """Where the last write ended; at first the end of the file."""
        return os.lseek(self._fd, 0, os.SEEK_CUR)

    @property
    def lost(self) -> int:
        """Bytes that could not be written since it last worked."""
        return self._losses.lost

    def write(self, data: bytes) -> bool:
        """Append data, and rotate if that filled the file; there is always room."""
        if self._to_reopen:
            self._try_reopen()
        try:
            written = os.write(self._fd, data)
            while written < len(data):  # the disk is nearly full, or a limit nearly reached
                data = data[written:]
                written = os.write(self._fd, data)
        except OSError as error:
            self._losses.add(error, len(data))
        else:
            if self._losses.going_on and data:
                self._losses.over()
        if self.maxbytes > 0 and self.position >= self.maxbytes:
            self._rotate()
        if WATCHED:
            tell(self.path)
        return True

    def when_room(self, resume: Callable[[], None]) -> None:
        """Is never needed: a regular file always has room."""
        raise AssertionError("a regular file is never full")

    def reopen(self) -> None:
        """Go on in the file of that name; while there can be none, in the one that is open."""
        self._to_reopen = True
        self._try_reopen()

    def renew(self) -> None:
        """
        Go on in the file of that name, also after :meth:`close`.

        Raises OSError, and stays with the one that is open.
        """
        if self.has_name():  # opened a second time, it would be locked: by us
            self._settled()
        else:
            self._replace()

    def has_name(self) -> bool:
        """Tell whether the open file still has the name that it was opened by."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._fd))
        except OSError:
            return False

    def clear(self) -> None:
        """Remove the file and begin it anew; raises OSError, and stays with the open one."""
        with suppress(FileNotFoundError):
            os.unlink(self.path)
        self._replace()

    def close(self) -> None:
        """Let go of the file."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            if self._locked:  # a child that is yet to execute its program has the file too
                with suppress(OSError):
                    fcntl.flock(fd, fcntl.LOCK_UN)
            try:
                if os.fstat(fd).st_nlink:
                    os.close(fd)
                else:
                    lastlink.close(fd)
            except OSError as error:  # some network file systems only now see that they are full
                self._losses.add(error, 0)

    def record(self) -> LogFileRecord:
        """Return all that it takes to go on; the descriptor must be handed on open."""
        return {
            "path": self.path,
            "fd": self._fd,
            "lost": self._losses.lost,
            "next_shift": self._next_shift,
            "to_reopen": self._to_reopen,
        }

    def _open(self, truncate: bool = False) -> int:
        fd = os.open(self.path, _FLAGS | (os.O_NOFOLLOW if self._locked else 0), self._mode)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "no longer a regular file", self.path)
            if self._locked:
                if self._owner not in (None, found.st_uid) or found.st_nlink > 1:
                    raise OSError(errno.EEXIST, "something of others has its name", self.path)
                _lock(fd)
                self._owner = found.st_uid
            if truncate:  # not before it is known to be ours
                os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_END)
        except BaseException:
            os.close(fd)
            raise
        return keep_high(fd)

    def _replace(self, *, truncate: bool = False) -> None:
        fd = self._open(truncate)
        self.close()
        self._fd = fd
        self._settled()
        if WATCHED:
            tell(self.path)

    def _settled(self) -> None:
        """The open file is the right one: there is nothing left to try."""
        self._next_shift = None
        self._to_reopen = self._stuck = False

    def _try_reopen(self) -> None:
        try:
            self.renew()
        except OSError as error:
            self._report("reopen", error)

    def _rotate(self) -> None:
        if self._next_shift is None:
            self._next_shift = max(self.backups - 1, 0)
        try:
            self._shift_backups()
            self._begin_anew()
        except OSError as error:
            self._report("rotate", error)

    def _shift_backups(self) -> None:
        while self._next_shift:
            with suppress(FileNotFoundError):  # taken away by somebody: none of our business
                self._move(f"{self.path}.{self._next_shift}", f"{self.path}.{self._next_shift + 1}")
            self._next_shift -= 1

    def _move(self, path: str, backup: str) -> None:
        """Give a file the name of a backup; where room is needed wait until that is there."""
        if self._losses.going_on:
            os.replace(path, backup)
        else:
            lastlink.replace(path, backup)

    def _begin_anew(self) -> None:
        if self.backups <= 0:
            if self.has_name():
                os.ftruncate(self._fd, 0)
                os.lseek(self._fd, 0, os.SEEK_SET)
                self._settled()
            else:
                self._replace(truncate=True)
            return
        backup = f"{self.path}.1"
        try:
            self._move(self.path, backup)
        except FileNotFoundError:
            self._replace(truncate=True)
            return
        try:
            self._replace(truncate=True)
        except OSError:
            with suppress(OSError):  # its name back, until it works
                os.replace(backup, self.path)
            raise

    def _report(self, what: str, error: OSError) -> None:
        if not self._stuck:
            self._stuck = True
            _log.error(
                "cannot {what} {path}, so it goes on as it is: {reason}",
                what=what,
                path=self.path,
                reason=reason(error),
            )


def _lock(fd: int) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        pass  # this file system knows no locks
