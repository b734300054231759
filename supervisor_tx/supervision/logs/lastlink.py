"""
Files that are gone when their last name is, or when they are closed after that.

The system then frees what is in them, a millisecond for each MiB, and whoever does the last step
waits for it: where a log of 50 MB is rotated, 50 ms. So the file is kept open until it has no name,
and closed in a thread.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import suppress

#: Bytes that are not worth a thread.
SMALL = 256 * 1024

#: Files that wait to be closed at most. With more the disk is behind, and who makes them has to
#: wait: there are only so many descriptors.
MOST = 16

#: Neither asks for any right to the file, nor does anything to it.
_FLAGS = getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY) | os.O_CLOEXEC


def replace(path: str, other: str) -> None:
    """
    Give a file the name of another, as ``os.replace`` does, without waiting for the disk.

    For a moment nothing has that name: some file systems write a file down before they let it take
    the place of another. Raises OSError.
    """
    try:
        fd = os.open(other, _FLAGS)
    except OSError:  # it is not there, or there is no descriptor for it
        os.replace(path, other)
        return
    try:
        os.stat(path)  # if there is none, the other keeps its name
        os.unlink(other)
        os.rename(path, other)
    finally:
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
        #: held while one is closed; so a fork knows which are not
        self._closing = threading.Lock()
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
            with self._closing:
                with self._lock:
                    if not self._waiting:
                        self._runs = False
                        return
                    fd = self._waiting.popleft()
                with suppress(OSError):
                    os.close(fd)

    def before_fork(self) -> None:
        """Wait for the one at hand."""
        self._closing.acquire()
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()
        self._closing.release()

    def after_fork_in_child(self) -> None:
        """Begin anew: the child has the descriptors, but not the thread."""
        waiting, self._waiting = self._waiting, deque()
        self._runs = False
        self._lock.release()
        self._closing.release()
        for fd in waiting:
            os.close(fd)


_closer = _Closer()
os.register_at_fork(
    before=_closer.before_fork,
    after_in_parent=_closer.after_fork_in_parent,
    after_in_child=_closer.after_fork_in_child,
)
