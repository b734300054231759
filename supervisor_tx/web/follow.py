"""
Following a log file: its end, and whatever is appended, as soon as it is.

Nothing is looked at in intervals. The daemon tells when it has written to a file
(:mod:`supervisor_tx.supervision.logs.watch`); the data are then read from the file, so that a
reader that is slow holds nothing in memory and keeps nobody from writing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer

from supervisor_tx.supervision.children.descriptors import keep_high
from supervisor_tx.supervision.logs import watch

#: Bytes of the file's end to begin with.
TAIL = 1024

#: Bytes to read at once, and in one turn of the loop.
PIECE = 64 * 1024

TRUNCATED = b"==> File truncated <==\n"


@implementer(IPushProducer)
class Follower:
    """Reads a file to its end again and again, and on in the file that takes its place."""

    def __init__(
        self,
        path: str,
        deliver: Callable[[bytes], None],
        failed: Callable[[], None],
        clock: IReactorTime,
    ) -> None:
        """
        Open the file; raise OSError, also where it is no regular file.

        ``failed`` is called when it cannot be read any more.
        """
        self._path = path
        self._deliver = deliver
        self._failed = failed
        self._clock = clock
        self._paused = False
        self._next: IDelayedCall | None = None
        self._fd = _open(path)
        found = os.fstat(self._fd)
        #: of its latest change, in seconds since the epoch
        self.modified = int(found.st_mtime)
        self._position = max(0, found.st_size - TAIL)

    def start(self) -> None:
        """Begin to deliver."""
        watch.add(self._path, self._changed)
        self._read()

    # IPushProducer

    def pauseProducing(self) -> None:
        """Read no more for now."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Read on."""
        self._paused = False
        self._changed()

    def stopProducing(self) -> None:
        """Let go of the file."""
        if self._fd < 0:
            return
        watch.remove(self._path, self._changed)
        if self._next is not None:
            self._next.cancel()
            self._next = None
        os.close(self._fd)
        self._fd = -1

    def _changed(self) -> None:
        # Not here: this is in the middle of somebody's writing.
        if self._next is None and not self._paused and self._fd >= 0:
            self._next = self._clock.callLater(0, self._read)

    def _read(self) -> None:
        self._next = None
        if self._paused or self._fd < 0:
            return
        try:
            data = os.pread(self._fd, PIECE, self._position)
            if data:
                self._position += len(data)
                self._deliver(data)
            if len(data) == PIECE or self._has_turned():
                self._changed()
        except OSError:  # a disk or a network file system that is gone
            self._failed()

    def _has_turned(self) -> bool:
        """At the end of the file: tell whether there is something to read elsewhere."""
        if self._fd < 0:  # by what was delivered
            return False
        if os.fstat(self._fd).st_size < self._position:
            self._position = 0
            self._deliver(TRUNCATED)
            return True
        try:
            if os.path.samestat(os.stat(self._path), os.fstat(self._fd)):
                return False
            fd = _open(self._path)
        except OSError:  # removed: perhaps it comes back
            return False
        # What came between the last piece and the new file has been written by now.
        rest = os.pread(self._fd, PIECE, self._position)
        if rest:
            os.close(fd)
            self._position += len(rest)
            self._deliver(rest)
            return True
        os.close(self._fd)
        self._fd, self._position = fd, 0
        return True


def _open(path: str) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(f"{path} is no regular file")
    return keep_high(fd)
