"""
AUTO logs: files in the childlogdir whose names we choose.

They are made when a group is, live as long as the group and stay behind at its end; the next start
removes them. So that this never takes away those of another daemon that lives, each is locked
(``flock``) by its owner, and so is what it is rotated to until the next one is. A lock takes a
descriptor. Where there are too few for that, only the logs of processes that run are open and
locked.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
from collections.abc import Callable
from contextlib import ExitStack, suppress

from supervisor_tx.activity import Logger
from supervisor_tx.supervision.logs.logfile import LogFile, LogFileRecord

_log = Logger()

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"

#: Only for their owner.
MODE = 0o600


class AutoLogs:
    """The AUTO logs of one daemon."""

    def __init__(
        self,
        directory: str,
        identifier: str,
        choose: Callable[[str], str] = secrets.choice,
        *,
        stay_open: bool = True,
    ) -> None:
        """
        ``choose`` picks one of several letters for a name. ``stay_open``: there are descriptors
        enough to keep all logs open and locked, also those of processes that do not run.
        """
        self.directory = directory
        self.stay_open = stay_open
        self.identifier = identifier
        self._choose = choose

    def create(self, process: str, channel: str, maxbytes: int, backups: int) -> LogFile:
        """Make the log of a process's stdout or stderr, under a name not yet taken; or OSError."""
        while True:
            name = "".join(self._choose(_LETTERS) for _ in range(8))
            path = os.path.join(
                self.directory, f"{process}-{channel}---{self.identifier}-{name}.log"
            )
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE))
            except FileExistsError:
                continue
            try:
                log = self._open(path, maxbytes, backups)
            except BlockingIOError:
                continue  # another daemon cleans up and has just seen it unlocked
            if log.has_name():
                return log
            log.close()

    def resume(self, record: LogFileRecord, maxbytes: int, backups: int) -> LogFile:
        """Go on with a log that was written down."""
        return self._open(record["path"], maxbytes, backups, record)

    def clean_up(self) -> None:
        """Remove what earlier daemons of this identifier have left; say what cannot be removed."""
        families: dict[str, list[str]] = {}
        ours = re.compile(rf"(.+---{re.escape(self.identifier)}-[a-z0-9_]{{8}}\.log)(?:\.\d+)?")
        try:
            for name in sorted(os.listdir(self.directory)):
                match = ours.fullmatch(name)
                if match:
                    path = os.path.join(self.directory, name)
                    families.setdefault(match[1], []).append(path)
        except OSError:
            _log.warn("Could not clear childlog dir")
            return
        for paths in families.values():
            _remove_unless_locked(paths)

    def _open(
        self, path: str, maxbytes: int, backups: int, record: LogFileRecord | None = None
    ) -> LogFile:
        return LogFile(path, maxbytes, backups, mode=MODE, locked=True, record=record)


def _remove_unless_locked(paths: list[str]) -> None:
    """Remove a log and its backups, unless one of them is somebody's."""
    with ExitStack() as held:
        removable = []
        for path in paths:
            try:
                fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
                held.callback(os.close, fd)
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except FileNotFoundError:
                continue
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.EACCES, errno.EPERM):
                    _failed(path)  # whether it is in use we cannot see
                    continue
            removable.append(path)
        for path in removable:
            try:
                with suppress(FileNotFoundError):
                    os.unlink(path)
            except OSError:
                _failed(path)


def _failed(path: str) -> None:
    _log.warn("Failed to clean up '{path}'", path=path)
