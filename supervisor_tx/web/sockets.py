"""
The listening sockets of ``[unix_http_server]`` and ``[inet_http_server]``.

A unix socket is made under a name of its own next to the one that is configured, given its mode and
owner, made to listen, and only then linked to its name: whoever finds the name finds a socket that
works and is as private as it should be. Whether a socket that lies there already is somebody's is
known by whether the kernel lets us connect to it; nobody has to answer for that. A stale one is
renamed before it is removed, so that of two daemons that start at the same time neither removes
the other's.
"""

from __future__ import annotations

import errno
import os
import pwd
import socket
import stat
import sys
from collections.abc import Callable
from contextlib import suppress

from supervisor_tx.config.model import ServerConfig
from supervisor_tx.errors import CannotStart
from supervisor_tx.supervision.children.descriptors import keep_high
from supervisor_tx.values import mutable

#: Clients that may wait to be accepted.
BACKLOG = 1024

#: Bytes of the path of a unix socket that clients can connect to.
LONGEST = 107 if sys.platform == "linux" else 103

ALREADY_LISTENING = (
    "Another program is already listening on a port that one of our HTTP servers is configured "
    "to use.  Shut this program down first before starting supervisord."
)

#: What tells one address from another.
Key = tuple[str, str | int] | tuple[str]


def key_of(config: ServerConfig) -> Key:
    """Return what two servers have in common if and only if they listen at the same place."""
    if config.file is not None:
        return (config.file,)
    assert config.address is not None
    return config.address


def place_of(config: ServerConfig) -> str:
    """Name the place for people."""
    if config.file is not None:
        return config.file
    assert config.address is not None
    host, port = config.address
    return f"{host or '*'}:{port}"


class AlreadyListening(CannotStart):
    """Somebody else serves there; nothing of theirs was touched."""

    def __init__(self, config: ServerConfig) -> None:
        super().__init__(f"{ALREADY_LISTENING} ([{config.section}] {place_of(config)})")


class CannotOpen(CannotStart):
    """The system does not let us listen there."""

    def __init__(self, config: ServerConfig, error: OSError) -> None:
        number = error.errno
        name = errno.errorcode.get(number) if number is not None and number > 0 else None
        what = f"errno.{name} ({number})" if name else str(error)
        detail = f": {error.strerror}" if name and error.strerror else ""
        super().__init__(
            f"Cannot open an HTTP server: socket.error reported {what} "
            f"([{config.section}] {place_of(config)}{detail})"
        )


@mutable
class ClaimedSocket:
    """A listening socket, and the file that it has made."""

    socket: socket.socket
    #: None: a TCP socket
    file: str | None = None
    #: device and inode of the file
    identity: tuple[int, int] | None = None

    def has_name(self) -> bool:
        """Tell whether clients that use the address reach this socket."""
        if self.file is None:
            return True
        try:
            found = os.lstat(self.file)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self.identity

    def dress(self, config: ServerConfig) -> None:
        """Give the file of a socket that we have already mode and owner; raise CannotStart."""
        if self.file is None or not self.has_name():
            return
        try:
            os.chmod(self.file, config.chmod)
        except OSError as error:
            raise CannotOpen(config, error) from error
        _chown(self.file, config)

    def close(self) -> None:
        """Listen no more, and remove the file if it still is ours."""
        if self.file is not None and self.has_name():
            with suppress(OSError):
                os.unlink(self.file)
        self.socket.close()


def claim(config: ServerConfig, tell: Callable[[str], None]) -> ClaimedSocket:
    """
    Listen where a server is to; clients wait until somebody accepts them.

    ``tell`` hears of a stale socket that was taken over. Raises CannotStart, and leaves everything
    as it was.
    """
    try:
        if config.file is not None:
            return _claim_unix(config, config.file, tell)
        return _claim_inet(config)
    except socket.gaierror as error:
        assert config.address is not None
        raise CannotStart(
            f"Could not determine IP address for hostname {config.address[0]}, please try setting "
            f"an explicit IP address in the port setting of [{config.section}] ({error.strerror})"
        ) from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AlreadyListening(config) from error
        raise CannotOpen(config, error) from error


def _claim_inet(config: ServerConfig) -> ClaimedSocket:
    assert config.address is not None
    host, port = config.address
    family, address = socket.AF_INET, (host, port)
    if ":" in host:  # [::1]:9001
        family, address = socket.AF_INET6, (host.strip("[]"), port)
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(BACKLOG)
    except BaseException:
        made.close()
        raise
    return ClaimedSocket(_kept(made))


def _claim_unix(config: ServerConfig, path: str, tell: Callable[[str], None]) -> ClaimedSocket:
    if len(os.fsencode(path)) > LONGEST:
        raise OSError("AF_UNIX path too long")
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        name = _bind_aside(made, path)
        try:
            os.chmod(name, config.chmod)
            _chown(name, config, path)
            made.listen(BACKLOG)
            found = os.lstat(name)
            while not _link(name, path):
                _make_way(config, path, tell)
        finally:
            os.unlink(name)
    except BaseException:
        made.close()
        raise
    return ClaimedSocket(_kept(made), path, (found.st_dev, found.st_ino))


def _bind_aside(made: socket.socket, path: str) -> str:
    """Bind to a name in the folder of path; return it. The kernel limits how long it may be."""
    folder = os.path.dirname(path)
    names = (f"{path}.{os.getpid()}", os.path.join(folder, f".{os.getpid()}"))
    for name in names:
        with suppress(FileNotFoundError):
            os.unlink(name)  # of a process that had our pid and was killed
        try:
            made.bind(name)
        except OSError as error:
            if error.errno is not None or name is names[-1]:  # without a number: too long
                raise
        else:
            return name
    raise AssertionError("unreachable")


def _link(name: str, path: str) -> bool:
    try:
        os.link(name, path)
    except FileExistsError:
        return False
    return True


def _make_way(config: ServerConfig, path: str, tell: Callable[[str], None]) -> None:
    """Remove a stale socket; raise where there is something else."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise CannotStart(
            f"Cannot open an HTTP server: {path} exists and is not a socket; "
            f"remove it, or change the file setting of [{config.section}]"
        )
    if _is_alive(path):
        raise AlreadyListening(config)
    aside = f"{path}.{os.getpid()}.stale"
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return
    moved = os.lstat(aside)
    try:
        if _identity(moved) != _identity(found):
            # Somebody was faster: this is the new socket of another daemon. Back with it.
            _link(aside, path)
            raise AlreadyListening(config)
    finally:
        os.unlink(aside)
    tell(f"Unlinking stale socket {path}")


def _identity(found: os.stat_result) -> tuple[int, int, int]:
    # A new file may get the inode of one that was just removed, but not its age.
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _is_alive(path: str) -> bool:
    """Tell whether a process has a socket open; it may hang for all we care."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        with socket.socket(socket.AF_UNIX, kind) as probe:
            probe.setblocking(False)
            try:
                probe.connect(path)
            except BlockingIOError:
                return True  # so many wait there that there is no room for us
            except (ConnectionRefusedError, FileNotFoundError):
                return False
            except OSError as error:
                if error.errno == errno.EPROTOTYPE:
                    continue
                raise
            return True
    return True


def _chown(name: str, config: ServerConfig, path: str | None = None) -> None:
    if config.chown is None:
        return
    try:
        os.chown(name, *config.chown)
    except PermissionError as error:
        uid, gid = config.chown
        raise CannotStart(
            f"Not permitted to chown {path or name} to uid/gid ({uid}, {gid}); adjust "
            '"sockchown" value in config file or on command line to values that the current user '
            f"({_user()}) can successfully chown"
        ) from error
    except OSError as error:
        raise CannotOpen(config, error) from error


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _kept(made: socket.socket) -> socket.socket:
    """Free the low numbers of what will live long, and let nothing wait for it."""
    made.setblocking(False)
    return socket.socket(made.family, made.type, made.proto, keep_high(made.detach()))
