"""
The kernel's notices of changes to files (``inotify(7)``), as plain calls.

Twisted has a class for this. It closes itself when any one of the files that it watches is deleted,
takes two names of one file for two files, and cannot tell why a watch is refused; here many share
one instance, files are deleted all the time, and a full table has to be told from a missing file.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Callable
from contextlib import suppress

from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from supervisor_tx.supervision.children.descriptors import keep_high
from supervisor_tx.supervision.children.loop import Descriptors

MODIFY = 0x2
CLOSE_WRITE = 0x8
MOVED_FROM = 0x40
MOVED_TO = 0x80
CREATE = 0x100
DELETE = 0x200
DELETE_SELF = 0x400
MOVE_SELF = 0x800
UNMOUNT = 0x2000
OVERFLOW = 0x4000
IGNORED = 0x8000

#: These are told whether asked for or not: nothing more comes, or something is missing.
ALWAYS = UNMOUNT | OVERFLOW | IGNORED

_ONLYDIR = 0x01000000
_MASK_ADD = 0x20000000

#: What an event begins with: watch, mask, cookie, bytes of the name that follows.
_EVENT = struct.Struct("iIII")

#: Bytes to read in one turn of the loop, of events of sixteen bytes and more.
_PIECE = 16 * 1024

Told = Callable[[int, bytes], None]


class Watch:
    """One who is told of changes to a file or in a folder, until it is stopped."""

    __slots__ = ("_inotify", "mask", "number", "told")

    def __init__(self, inotify: Inotify, number: int, mask: int, told: Told) -> None:
        self._inotify = inotify
        #: what the kernel knows it by; many may share one
        self.number = number
        self.mask = mask
        self.told = told

    def stop(self) -> None:
        """Tell no more; may be called again."""
        self.told = _tell_nobody
        self._inotify.remove(self)


@implementer(IReadDescriptor)
class Inotify:
    """An instance of inotify, which any number of watches share."""

    def __init__(self, loop: Descriptors) -> None:
        """Raise OSError where there is none to be had."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        try:
            fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        except AttributeError as error:
            raise OSError(errno.ENOSYS, "this system has no inotify") from error
        if fd < 0:
            raise _error()
        self._fd = keep_high(fd)
        self._loop = loop
        self._watches: dict[int, list[Watch]] = {}
        loop.addReader(self)

    def watch(self, path: str, mask: int, told: Told, *, folder: bool = False) -> Watch:
        """
        Call ``told`` with the mask of each event and the name in the folder that it is about.

        With IGNORED the watch has ended: what was watched is gone. After OVERFLOW anything may have
        happened. Raises OSError, ENOSPC where the system has no watch left.
        """
        flags = mask | _MASK_ADD | (_ONLYDIR if folder else 0)
        number = self._libc.inotify_add_watch(self._fd, os.fsencode(path), ctypes.c_uint32(flags))
        if number < 0:
            raise _error(path)
        watch = Watch(self, number, mask, told)
        self._watches.setdefault(number, []).append(watch)
        return watch

    def remove(self, watch: Watch) -> None:
        """See :meth:`Watch.stop`."""
        watches = self._watches.get(watch.number, [])
        if watch not in watches:
            return
        watches.remove(watch)
        if not watches:
            del self._watches[watch.number]
            # The kernel has ended it by itself where the file is gone; that is all that can be.
            self._libc.inotify_rm_watch(self._fd, watch.number)

    def close(self) -> None:
        """End all watches."""
        if self._fd >= 0:
            self._loop.removeReader(self)
            os.close(self._fd)
            self._fd = -1
            self._watches.clear()

    # IReadDescriptor

    def fileno(self) -> int:
        """Return the descriptor, -1 when it is closed."""
        return self._fd

    def logPrefix(self) -> str:
        """Return what the log calls it."""
        return "inotify"

    def doRead(self) -> None:
        """Read some events, and tell of them."""
        with suppress(BlockingIOError, InterruptedError):
            data = os.read(self._fd, _PIECE)
            place = 0
            while place < len(data):
                number, mask, _, length = _EVENT.unpack_from(data, place)
                place += _EVENT.size
                self._tell(number, mask, data[place : place + length].rstrip(b"\0"))
                place += length

    def connectionLost(self, reason: Failure) -> None:
        """Let go of the descriptor; the loop has."""
        self.close()

    def _tell(self, number: int, mask: int, name: bytes) -> None:
        if mask & OVERFLOW:
            watches = [watch for shared in self._watches.values() for watch in shared]
        elif mask & IGNORED:
            watches = self._watches.pop(number, [])
        else:
            watches = list(self._watches.get(number, ()))
        for watch in watches:
            if mask & (watch.mask | ALWAYS):
                watch.told(mask, name)


def _tell_nobody(mask: int, name: bytes) -> None:
    """Stand in for who has stopped while others are told of the same event."""


def _error(path: str | None = None) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), path)
