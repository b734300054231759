"""
Listening sockets that fcgi programs are given as their descriptor 0.

One socket is shared by all processes of a program, made for the first and closed with the last
(Supervisor docs, "[fcgi-program:x] Section Settings"). The file of a unix socket stays.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress

from supervisor_tx.activity import Logger
from supervisor_tx.config.model import FcgiSocketConfig
from supervisor_tx.errors import CannotStart, SpawnFailed
from supervisor_tx.values import field, mutable

_log = Logger()


@mutable
class SharedSocket:
    """A listening socket that lives as long as somebody uses it."""

    config: FcgiSocketConfig
    users: int = 0
    _socket: socket.socket | None = field(default=None, init=False)

    def acquire(self) -> int:
        """Return the descriptor, making the socket for the first user; raise SpawnFailed."""
        if self._socket is None:
            _log.info("Creating socket {url}", url=self.config.url)
            try:
                self._socket = listening(self.config)
            except OSError as error:
                raise SpawnFailed(
                    f"could not create FastCGI socket {self.config.url}: {error}"
                ) from error
        self.users += 1
        return self._socket.fileno()

    def release(self) -> None:
        """One user less."""
        self.users -= 1
        if self.users == 0 and self._socket is not None:
            _log.info("Closing socket {url}", url=self.config.url)
            self._socket.close()
            self._socket = None

    def record(self) -> int | None:
        """Return the descriptor, for whoever takes it up; None: nobody uses it."""
        return None if self._socket is None else self._socket.fileno()

    def resume(self, record: int | None) -> None:
        """Go on with a descriptor; each process that has it is still to be counted."""
        if record is not None:
            self._socket = socket.socket(fileno=record)

    def check(self) -> None:
        """Make the socket and let it go again, to fail early; raise CannotStart."""
        try:
            self.acquire()
        except SpawnFailed as error:
            raise CannotStart(str(error)) from error
        self.release()


def listening(config: FcgiSocketConfig) -> socket.socket:
    """Return a new listening socket; leave no file behind where that fails with an OSError."""
    if config.path is not None:
        return _listening_unix(config, config.path)
    assert config.address is not None
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(config.address)
        made.listen(config.backlog or socket.SOMAXCONN)
    except OSError:
        made.close()
        raise
    return made


def _listening_unix(config: FcgiSocketConfig, path: str) -> socket.socket:
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise FileExistsError(errno.EEXIST, "there is something else at its path", path)
        os.unlink(path)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(path)
        if config.owner is not None:
            os.chown(path, *config.owner)
        if config.mode is not None:
            os.chmod(path, config.mode)
        made.listen(config.backlog or socket.SOMAXCONN)
    except OSError:
        made.close()
        with suppress(OSError):
            os.unlink(path)
        raise
    return made
