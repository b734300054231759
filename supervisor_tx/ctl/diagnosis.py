"""What is behind an error on the way to the daemon, in words that say how to mend it."""

from __future__ import annotations

import errno
import os
import socket
import stat

from supervisor_tx.ctl import calls
from supervisor_tx.ctl.wire import Address, NotHTTP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from supervisor_tx.ctl.options import ClientOptions

_SHUTDOWN_STATE: Final = 6


def explain(error: BaseException, options: ClientOptions) -> Iterator[str]:
    """Yield lines on the cause of an error; none where we know no more than the error says."""
    if isinstance(error, NotHTTP):
        yield f"What listens at {options.serverurl} is no supervisord, or it ended just now."
        yield from _log(options)
    elif isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        yield from _unreachable(error, options)
    elif isinstance(error, calls.ProtocolError) and error.errcode == 401:
        yield from _unknown_user(options)
    elif isinstance(error, calls.Fault) and error.faultCode == _SHUTDOWN_STATE:
        yield "The daemon is shutting down, or about to start anew, and takes no orders meanwhile."
        yield from _log(options)


def _unknown_user(options: ClientOptions) -> Iterator[str]:
    if options.username is None or options.password is None:
        missing = "user name" if options.username is None else "password"
        yield f"The daemon at {options.serverurl} wants a password, and no {missing} was given."
    else:
        who = options.username
        yield f"The daemon at {options.serverurl} does not take this password of {who!r}."
    yield f"Give them with -u and -p, or as username and password in {_section(options)}."


def _section(options: ClientOptions) -> str:
    file = options.configfile
    return f"[supervisorctl] of {file}" if file else "[supervisorctl] of a configuration file"


def _unreachable(error: OSError, options: ClientOptions) -> Iterator[str]:
    try:
        address = Address(options.serverurl)
    except ValueError:
        return
    if address.path is not None:
        yield _about_socket(error, address.path)
    elif isinstance(error, socket.gaierror):
        yield f"No address is known for the host {address.host!r}."
    elif error.errno == errno.ECONNREFUSED:
        yield f"Nothing listens on port {address.port} of {address.host}."
    else:
        yield f"{address.host}, port {address.port}, cannot be reached from here."
    if options.configfile is None:
        yield "No configuration file was found that would name another place; -c names one."
    yield _about_daemon(options)
    yield from _log(options)


def _about_socket(error: OSError, path: str) -> str:
    if error.errno == errno.ENOENT:
        parent = os.path.dirname(path)
        if not os.path.isdir(parent):
            return f"There is no socket {path}, nor the directory {parent}."
        return f"There is no socket {path}: no daemon has opened one there."
    if error.errno == errno.ECONNREFUSED:
        try:
            is_socket = stat.S_ISSOCK(os.stat(path).st_mode)
        except OSError:
            is_socket = True
        if not is_socket:
            return f"The file {path} is no socket."
        return f"The socket {path} is stale: the daemon that made it is gone."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"This user (uid {os.geteuid()}) may not use the socket {path}{_owner(path)}."
    return f"The socket {path} cannot be used: {error.strerror or error}."


def _owner(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return ", or not enter a directory above it"
    return f"; it belongs to uid {status.st_uid}, mode {stat.S_IMODE(status.st_mode):04o}"


def _about_daemon(options: ClientOptions) -> str:
    """Say what the pid file tells, if there is one."""
    file = _file(options, "pidfile")
    if file is None:
        return ""
    try:
        with open(file, encoding="ascii") as opened:
            pid = int(opened.read())
        os.kill(pid, 0)
    except PermissionError:
        return ""
    except (OSError, ValueError, OverflowError) as error:
        if isinstance(error, ProcessLookupError):
            return f"By {file} its pid was {pid}, and no process has that now."
        return ""
    return (
        f"By {file} it runs as process {pid}: it may be about to start or to end, "
        "or it listens somewhere else."
    )


def _log(options: ClientOptions) -> Iterator[str]:
    file = _file(options, "logfile")
    if file is not None:
        yield f"What happened to the daemon is in its log, {file}."


def _file(options: ClientOptions, option: str) -> str | None:
    """Return a path out of ``[supervisord]``, where that can be known here."""
    text = options.daemon.get(option)
    if not text or text == "syslog":
        return None
    if "%" in text:
        from supervisor_tx.config.expansion import Names, expand

        try:
            names = Names(here=options.here or ".").environment(os.environ)
            text = expand(text, names, option)
        except ValueError:
            return None
    # Supervisor takes it from the directory that the daemon was started in, which we do not know.
    path = os.path.expanduser(text)
    return path if os.path.isabs(path) or os.path.exists(path) else None
