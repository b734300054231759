"""
Files that are gone when their last name is, or when they are closed after that.

The system then frees what is in them, a millisecond for each MiB, and whoever does the last step
waits for it: where a log of 50 MB is rotated, 50 ms. So the file is kept open until it has no name,
and closed in a thread: that leaves 2 ms.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: Bytes that are not worth a thread.
SMALL = 256 * 1024

#: Files that wait to be closed at most. With more the disk is behind, and who makes them has to
#: wait: there are only so many descriptors.
MOST = 16

#: Neither asks for any right to the file, nor does anything to it.
_FLAGS = getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY) | os.O_CLOEXEC


@contextmanager
def kept(path: str) -> Iterator[None]:
    """Let the name of a file, if there is one, be taken away without waiting for the disk."""
    try:
        fd = os.open(path, _FLAGS)
    except (OSError, ValueError):  # it is not there, or there is no descriptor for it
        fd = -1
    try:
        yield
    finally:
        if fd >= 0:
            close(fd)


def close(fd: int) -> None:
    """Close a file, in a thread where that frees a lot; errors are passed over."""
    with suppress(OSError):
        found = os.fstat(fd)
        if not found.st_nlink and found.st_size > SMALL:
            _closer.close(fd)
        else:
            os.close(fd)


class _Closer:
    """Closes files in a thread that is there for as long as there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[int] = deque()
        self._runs = False

    def close(self, fd: int) -> None:
        with self._lock:
            if len(self._waiting) >= MOST:
                os.close(fd)
                return
            self._waiting.append(fd)
            if self._runs:
                return
            self._runs = True
        try:
            threading.Thread(target=self._run, name="closing", daemon=True).start()
        except RuntimeError:  # the limit of processes
            self._run()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._runs = False
                    return
                fd = self._waiting.popleft()
            with suppress(OSError):
                os.close(fd)

    def after_fork(self) -> None:
        """Begin anew in the child, which has the descriptors but not the thread."""
        waiting = self._waiting
        _Closer.__init__(self)
        for fd in waiting:
            os.close(fd)


_closer = _Closer()
os.register_at_fork(after_in_child=_closer.after_fork)
