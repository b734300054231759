"""What a sink tells about output that it cannot write: when that begins, and when it ends."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable

from supervisor_tx.activity import Logger

_log = Logger()

#: Seconds between two reports that one sink works again.
SPACING = 10.0

#: What to do about it, for the person who reads the message.
_REMEDIES = {
    errno.ENOSPC: "free some space on its file system",
    errno.EDQUOT: "free some space or raise the quota of the daemon's user",
    errno.EFBIG: "move the file away and send the daemon USR2, or set a maxbytes below the limit",
    errno.EROFS: "mount its file system for writing",
    errno.EIO: "look at the device, the kernel's log may tell more",
    errno.ENOENT: "make the missing directory",
    errno.ENOTDIR: "make the missing directory",
    errno.EACCES: "give the daemon's user the right to write there",
    errno.EPERM: "give the daemon's user the right to write there",
    errno.EMFILE: "raise the limit of open files (minfds)",
    errno.ENFILE: "raise the system's limit of open files",
    errno.EISDIR: "move the directory away",
    errno.EPIPE: "start its reader again",
    errno.ENXIO: "start its reader",
}


def reason(error: OSError, remedy: str | None = None) -> str:
    """Say what went wrong and, where that is known, how to mend it."""
    text = error.strerror or str(error)
    remedy = remedy or _REMEDIES.get(error.errno or 0)
    return f"{text}; to mend it, {remedy}" if remedy else text


class Losses:
    """
    The bytes that one sink has lost since it last worked, and the two messages about them.

    One that works and fails by turns, as on a disk where others free space and fill it, is reported
    to work again once in :data:`SPACING` seconds at most, and counts as failing in between.
    """

    def __init__(
        self,
        where: str,
        lost: int = 0,
        remedy: str | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        #: what to call the sink
        self.where = where
        #: what to do in any case; None: it depends on the error
        self.remedy = remedy
        #: bytes lost since it last worked
        self.lost = lost
        #: whether it has failed and not worked since
        self.going_on = bool(lost)
        self._seconds = seconds
        self._last_over: float | None = None

    def add(self, error: OSError, count: int) -> None:
        """Count bytes that were dropped because of an error; the first time, say so."""
        self.lost += count
        if not self.going_on:
            self.going_on = True
            _log.error(
                "cannot write to {where}, what it should take is dropped: {reason}",
                where=self.where,
                reason=reason(error, self.remedy),
            )

    def over(self) -> None:
        """It took a write while :attr:`going_on`: say that it works again, how much is missing."""
        now = self._seconds()
        if self._last_over is not None and now - self._last_over < SPACING:
            return
        self._last_over = now
        lost, self.lost = self.lost, 0
        self.going_on = False
        _log.info(
            "{where} can be written to again, {lost} bytes were lost", where=self.where, lost=lost
        )
