"""
Files that others change, noticed while somebody looks.

The daemon tells by itself when it writes to a log (:mod:`.logs.watch`). But a log may be cut by
``logrotate`` (``copytruncate``), written by its program as well, or shared; and a configuration is
edited. The kernel tells of that, where it can: one instance of inotify serves all, and is there
only while there is something to watch. Elsewhere, and where the system has no watches left, files
are looked at every few seconds, for as long as somebody wants to know.

What changes on another machine, on a network file system, the kernel does not tell.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall

from supervisor_tx.activity import Logger
from supervisor_tx.supervision import inotify
from supervisor_tx.supervision.children.loop import Loop
from supervisor_tx.supervision.inotify import Inotify, Watch

_log = Logger()

#: Seconds between two looks at files that the kernel does not tell of.
LOOK_SECONDS = 2.0

#: What may happen in a folder so that a file of a name is another one afterwards.
_REPLACED = inotify.CREATE | inotify.MOVED_TO

#: What may happen in a folder so that its files, or what is in them, differ.
_IN_FOLDER = (
    inotify.CREATE
    | inotify.DELETE
    | inotify.MOVED_FROM
    | inotify.MOVED_TO
    | inotify.CLOSE_WRITE
    | inotify.MOVE_SELF
)

#: What happens to a folder so that its path may lead elsewhere.
_LOST = inotify.MOVE_SELF | inotify.IGNORED

Changed = Callable[[], None]


class _Notice(Protocol):
    def stop(self) -> None: ...


class Outside:
    """Watches files and folders; see the module."""

    def __init__(
        self, loop: Loop, make_inotify: Callable[[Loop], Inotify] | None = Inotify
    ) -> None:
        """``make_inotify`` may raise OSError; None: there is no inotify."""
        self._loop = loop
        self._make_inotify = make_inotify
        self._inotify: Inotify | None = None
        #: what is watched by the kernel, and what is looked at
        self._notices: set[_Notice] = set()
        self._looked_at: dict[_LookedAt, None] = {}
        self._next_look: IDelayedCall | None = None
        self._has_told = False

    def file(self, path: str, changed: Changed) -> Callable[[], None]:
        """
        Call when a file is written to, cut, replaced or put there; return what ends that.

        Never raises, and never calls from within. Calls may come without a cause. What was written
        before is not told, so look at the file after this.
        """
        entry = _Entry(self, path, changed)
        entry.begin()
        return entry.stop

    def folder(self, path: str, changed: Changed, lost: Changed) -> Callable[[], None] | None:
        """
        Call when files come to, go from or were written in a folder; return what ends that.

        None where the kernel does not tell of it: then the caller has to look now and then.
        ``lost`` is called when the folder itself has gone, or has another path; that ends it.
        """
        notice = _Folder(self, changed, lost)
        try:
            notice.watch = self.kernel().watch(path, _IN_FOLDER, notice.told, folder=True)
        except OSError as error:
            self.refused(error, path)
            self.leave(notice)
            return None
        return notice.stop

    def close(self) -> None:
        """Watch nothing more."""
        for notice in [*self._notices, *self._looked_at]:
            notice.stop()

    # For those below

    def kernel(self) -> Inotify:
        """Return the instance of inotify; raise OSError. Who takes a watch enters before."""
        if self._inotify is None:
            if self._make_inotify is None:
                raise OSError(0, "there is no inotify")
            self._inotify = self._make_inotify(self._loop)
        return self._inotify

    def enter(self, notice: _Notice) -> None:
        """Keep inotify for somebody."""
        self._notices.add(notice)

    def leave(self, notice: _Notice) -> None:
        """Keep it no more."""
        self._notices.discard(notice)
        if not self._notices and self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    def look_at(self, path: str, changed: Changed) -> _Notice:
        """Look at a file every few seconds."""
        looked_at = _LookedAt(self, path, changed)
        self._looked_at[looked_at] = None
        if self._next_look is None:
            self._next_look = self._loop.callLater(LOOK_SECONDS, self._look)
        return looked_at

    def look_no_more(self, looked_at: _LookedAt) -> None:
        """Look at it no more."""
        self._looked_at.pop(looked_at, None)
        if not self._looked_at and self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None

    def refused(self, error: OSError, path: str) -> None:
        """Say once that the kernel does not tell, unless that is about the path alone."""
        if isinstance(error, FileNotFoundError | NotADirectoryError | PermissionError):
            return
        if not self._has_told:
            self._has_told = True
            _log.info(
                "{path} is looked at every few seconds while somebody follows it, as the system "
                "does not tell of changes: {reason}",
                path=path,
                reason=error.strerror,
            )

    def _look(self) -> None:
        self._next_look = self._loop.callLater(LOOK_SECONDS, self._look)
        for looked_at in list(self._looked_at):
            looked_at.look()


class _Folder:
    """A folder that the kernel tells of."""

    def __init__(self, outside: Outside, changed: Changed, lost: Changed) -> None:
        self._outside = outside
        self._changed, self._lost = changed, lost
        self.watch: Watch | None = None
        outside.enter(self)

    def told(self, mask: int, name: bytes) -> None:
        if mask & _LOST:
            self.stop()
            self._lost()
        else:
            self._changed()

    def stop(self) -> None:
        if self.watch is not None:
            self.watch.stop()
            self.watch = None
        self._outside.leave(self)


class _LookedAt:
    """A file that is looked at."""

    def __init__(self, outside: Outside, path: str, changed: Changed) -> None:
        self._outside = outside
        self._path = path
        self._changed = changed
        self._was = signature(path)

    def look(self) -> None:
        now = signature(self._path)
        if now != self._was:
            self._was = now
            self._changed()

    def stop(self) -> None:
        self._outside.look_no_more(self)


class _Entry:
    """
    A file that is watched: itself, and the folders where another may take its name.

    These are the folder of its path and, behind a symbolic link, that of the file.
    """

    def __init__(self, outside: Outside, path: str, changed: Changed) -> None:
        self._outside = outside
        self._path = os.path.abspath(path)
        self._changed = changed
        self._itself: Watch | None = None
        self._folders: list[Watch] = []
        #: in place of the above
        self._look: _Notice | None = None

    def begin(self) -> None:
        self._outside.enter(self)
        try:
            kernel = self._outside.kernel()
            for path in dict.fromkeys((self._path, os.path.realpath(self._path))):
                folder, name = os.path.split(path)
                told = _Named(os.fsencode(name), self._replaced, self._lost)
                self._folders.append(
                    kernel.watch(folder, _REPLACED | inotify.MOVE_SELF, told, folder=True)
                )
            self._watch_itself()
        except OSError as error:
            self._outside.refused(error, self._path)
            self._fall_back()

    def stop(self) -> None:
        if self._itself is not None:
            self._itself.stop()
            self._itself = None
        for watch in self._folders:
            watch.stop()
        self._folders.clear()
        self._outside.leave(self)
        if self._look is not None:
            self._look.stop()
            self._look = None

    def _watch_itself(self) -> None:
        """Watch what is now at the path; one that has moved away until there is something."""
        try:
            watch = self._outside.kernel().watch(self._path, inotify.MODIFY, self._told)
        except FileNotFoundError:
            return
        before, self._itself = self._itself, watch
        if before is not None:
            before.stop()

    def _told(self, mask: int, name: bytes) -> None:
        if mask & inotify.IGNORED:
            self._itself = None
        self._changed()

    def _replaced(self) -> None:
        try:
            self._watch_itself()
        except OSError as error:
            self._outside.refused(error, self._path)
            self._fall_back()
        self._changed()

    def _lost(self) -> None:
        """Something happened to a folder, so that the path may lead to another one."""
        self._fall_back()
        self._changed()

    def _fall_back(self) -> None:
        if self._look is None:
            self.stop()
            self._look = self._outside.look_at(self._path, self._changed)


class _Named:
    """Hears of a folder, and passes on what is about one name in it."""

    def __init__(self, name: bytes, replaced: Changed, lost: Changed) -> None:
        self._name, self._replaced, self._lost = name, replaced, lost

    def __call__(self, mask: int, name: bytes) -> None:
        if mask & _LOST:
            self._lost()
        elif name == self._name or mask & inotify.OVERFLOW:
            self._replaced()


def signature(path: str) -> tuple[int, ...] | None:
    """Return what differs after a file was changed or replaced; None: it is not to be had."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
