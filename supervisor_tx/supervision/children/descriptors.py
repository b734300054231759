"""
Our own limit of open files, and the one that children get.

A soft limit can only be given to a child without a race by having it ourselves while it is forked.
Meanwhile nothing of ours may need a descriptor whose number is above it. So what lives long (pipes,
pidfds, log files) is moved up, out of the numbers below the children's limit (:func:`keep_high`),
and those stay free for what lives short.
"""

from __future__ import annotations

import fcntl
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class OpenFileLimit:
    """
    The soft RLIMIT_NOFILE of this process, and that of its children where it is another.

    There is one for the process, :data:`OPEN_FILES`. Its lock is never held over anything slow.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: int | None = None
        #: our own soft limit while the children's is in force
        self._own: int | None = None
        #: how many are forking, so that it has to be
        self._forking = 0
        #: how often ours was in force meanwhile
        self._disturbances = 0

    def set_child_limit(self, soft: int | None) -> None:
        """Give children this soft limit from now on; None: our own."""
        with self._lock:
            self._child = soft

    def raise_own(self, soft: int) -> int:
        """Raise our own soft limit to soft, or as far as the hard one allows; return what it is."""
        with self._lock:
            now, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            now = now if self._own is None else self._own
            if hard != resource.RLIM_INFINITY:
                soft = min(soft, hard)
            if now == resource.RLIM_INFINITY or soft <= now:
                return now
            if self._own is None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            else:  # takes effect with the end of the spawn that is under way
                self._own = soft
            return soft

    def keep_high(self, fd: int) -> int:
        """
        Return a descriptor for the same file that leaves the low numbers free; fd is closed.

        Returns fd itself where that is not needed or not possible. Close-on-exec is set.
        """
        child = self._child
        if child is None or fd >= child:
            return fd
        with self._lock:
            own, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            if self._own is not None:
                # A spawn is under way. Its child has its limit already, unless this very moment is
                # that of the fork: the spawner then sets the limit once more.
                self._disturbances += 1
                own = self._own
                resource.setrlimit(resource.RLIMIT_NOFILE, (own, hard))
            try:
                if 0 <= own <= child:
                    return fd
                high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, child)
            except OSError:  # no number left up there
                return fd
            finally:
                if self._own is not None:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (child, hard))
        os.close(fd)
        return high

    @contextmanager
    def lowered(self) -> Iterator[int]:
        """Have the children's limit ourselves, to fork one with it; yield what confirm wants."""
        with self._lock:
            lower = self._lower()
            since = self._disturbances
        try:
            yield since
        finally:
            if lower:
                with self._lock:
                    self._restore()

    def _lower(self) -> bool:
        child = self._child
        if self._own is None:
            own, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            if child is None or own == child or (own != resource.RLIM_INFINITY and own < child):
                return False
            resource.setrlimit(resource.RLIMIT_NOFILE, (child, hard))
            self._own = own
        self._forking += 1
        return True

    def _restore(self) -> None:
        self._forking -= 1
        if not self._forking:
            assert self._own is not None
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (self._own, hard))
            self._own = None

    def confirm(self, pid: int, since: int) -> None:
        """After a spawn: set the child's limit if ours was changed while it was forked."""
        disturbed = self._disturbances != since
        if disturbed and self._child is not None and hasattr(resource, "prlimit"):
            with suppress(OSError):  # it may have ended
                _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (self._child, hard))


#: That of this process.
OPEN_FILES = OpenFileLimit()


def keep_high(fd: int) -> int:
    """Move a descriptor that will live long out of the low numbers; return its new number."""
    return OPEN_FILES.keep_high(fd)
