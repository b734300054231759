"""
A secret of one daemon that outlives it.

It is kept beside the pid file, in a file that only the daemon's user can read, and made by the
first who needs it: a daemon that nobody looks at leaves nothing behind. Where it cannot be kept it
lasts as long as the daemon.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress

from supervisor_tx.activity import Logger

_log = Logger()

#: Bytes of it.
SIZE = 32


class Secret:
    """The secret, and where it is kept."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._value: bytes | None = None

    def keep_beside(self, pidfile: str) -> None:
        """Keep it beside this pid file from now on; with an empty name nowhere."""
        path = f"{pidfile.removesuffix('.pid')}.key" if pidfile else None
        if path == self._path:
            return
        self._path = path
        if self._value is not None and path is not None:
            self._store(path, self._value)

    def value(self) -> bytes:
        """Return it; the same with each call."""
        if self._value is None:
            self._value = self._find()
        return self._value

    def _find(self) -> bytes:
        made = secrets.token_bytes(SIZE)
        if self._path is None:
            return made
        found = _read(self._path)
        if found is not None:
            return found
        self._store(self._path, made)
        return made

    def _store(self, path: str, value: bytes) -> None:
        """Write it to a file of its own first: whoever finds the name finds all of it."""
        aside = f"{path}.{os.getpid()}"
        try:
            with suppress(FileNotFoundError):
                os.unlink(aside)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(aside, flags, 0o600), "wb") as file:
                file.write(value)
            os.replace(aside, path)
        except OSError as error:
            with suppress(OSError):
                os.unlink(aside)
            _log.warn(
                "the key of the web pages cannot be kept in {path} ({reason}): pages that are open "
                "when the daemon ends must be loaded again before they can change anything",
                path=path,
                reason=error.strerror or error,
            )


def _read(path: str) -> bytes | None:
    """Return what a file has if it can only have come from ourselves; None: it is of no use."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(fd)
        if (
            not stat.S_ISREG(found.st_mode)
            or found.st_uid != os.geteuid()
            or found.st_mode & 0o077
            or found.st_size != SIZE
        ):
            return None
        return os.read(fd, SIZE)
    except OSError:
        return None
    finally:
        os.close(fd)
