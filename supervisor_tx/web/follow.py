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
        self._started = self._stopped = False
        self._next: IDelayedCall | None = None
        #: of its latest change, in seconds since the epoch
        self.modified = 0
        self._fd, self._position = self._begin()

    def start(self) -> None:
        """Begin to deliver."""
        self._started = True
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
        if self._stopped:
            return
        self._stopped = True
        if self._started:
            watch.remove(self._path, self._changed)
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    # For those who want more than bytes

    def _begin(self) -> tuple[int, int]:
        """Return a descriptor and where to begin in its file; raise OSError."""
        fd = open_log(self._path)
        found = os.fstat(fd)
        self.modified = int(found.st_mtime)
        return fd, max(0, found.st_size - TAIL)

    def _whole(self, data: bytes, is_last: bool) -> int:
        """Tell how much of what was read can be delivered; the rest is read again."""
        return len(data)

    def _tell_truncated(self) -> None:
        """The file was cut, and is read from its beginning."""
        self._deliver(TRUNCATED)

    def _tell_rotated(self) -> None:
        """Another file has taken its place."""

    # How it is done

    def _changed(self) -> None:
        # Not here: this is in the middle of somebody's writing.
        if self._next is None and not self._paused and not self._stopped:
            self._next = self._clock.callLater(0, self._read)

    def _read(self) -> None:
        self._next = None
        if self._paused or self._stopped:
            return
        try:
            if self._read_piece():
                self._changed()
        except OSError:  # a disk or a network file system that is gone
            self._failed()

    def _read_piece(self) -> bool:
        """Deliver a piece; return whether there is more to read."""
        data = os.pread(self._fd, PIECE, self._position)
        self._take(data, False)
        return len(data) == PIECE or self._has_turned()

    def _take(self, data: bytes, is_last: bool) -> None:
        whole = self._whole(data, is_last)
        if whole:
            self._position += whole
            self._deliver(data[:whole])

    def _has_turned(self) -> bool:
        """At the end of the file: tell whether there is something to read elsewhere."""
        if self._stopped:  # by what was delivered
            return False
        if os.fstat(self._fd).st_size < self._position:
            self._position = 0
            self._tell_truncated()
            return True
        try:
            if os.path.samestat(os.stat(self._path), os.fstat(self._fd)):
                return False
            fd = open_log(self._path)
        except OSError:  # removed: perhaps it comes back
            return False
        # What came between the last piece and the new file has been written by now.
        rest = os.pread(self._fd, PIECE, self._position)
        if rest:
            os.close(fd)
            self._take(rest, len(rest) < PIECE)
            return True
        os.close(self._fd)
        self._fd, self._position = fd, 0
        self._tell_rotated()
        return True


def open_log(path: str) -> int:
    """Open a file to read; raise OSError, also where it is no regular one."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(f"{path} is no regular file")
    return keep_high(fd)
