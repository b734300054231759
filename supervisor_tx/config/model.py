"""
What a configuration says, as values that do not change.

All expansions are done and all defaults filled in, so that two configurations can be compared
member by member. Names of members are the names of the options (Supervisor docs, "Configuration
File"); a member that is no option says so. Numbers of seconds are whole, as in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from supervisor_tx.core.lifecycle import AutoRestart
from supervisor_tx.values import field, frozen


class Auto(Enum):
    """The word ``AUTO`` in place of a log file's name: we choose the file."""

    AUTO = "AUTO"

    def __repr__(self) -> str:
        return "AUTO"


AUTO: Final = Auto.AUTO


@frozen
class LogConfig:
    """The ``stdout_*`` or ``stderr_*`` options of one process."""

    #: None: no file
    logfile: str | Auto | None = AUTO
    #: bytes; 0: never rotate
    logfile_maxbytes: int = 50 * 1024 * 1024
    logfile_backups: int = 10
    #: bytes; 0: no capture
    capture_maxbytes: int = 0
    events_enabled: bool = False
    syslog: bool = False


@frozen
class FcgiSocketConfig:
    """The listening socket that all processes of one ``[fcgi-program:x]`` share."""

    #: ``unix:///path`` or ``tcp://host:port``, as shown in the log
    url: str
    #: of a unix socket; None with tcp
    path: str | None = None
    #: of a tcp socket; None with unix
    address: tuple[str, int] | None = None
    backlog: int | None = None
    mode: int | None = None
    #: uid and gid, -1: leave it; None: leave both
    owner: tuple[int, int] | None = None


@frozen
class ProcessConfig:
    """One process: one of the ``numprocs`` of a program-like section."""

    name: str
    command: str
    #: name of the section without its kind; not an option
    program: str = ""
    #: program, fcgi-program or eventlistener; not an option
    kind: str = "program"
    directory: str | None = None
    umask: int | None = None
    priority: int = 999
    autostart: bool = True
    autorestart: AutoRestart = AutoRestart.UNEXPECTED
    startsecs: int = 1
    startretries: int = 3
    exitcodes: tuple[int, ...] = (0,)
    stopsignal: int = 15
    stopwaitsecs: int = 10
    stopasgroup: bool = False
    killasgroup: bool = False
    uid: int | None = None
    stdout: LogConfig = LogConfig()
    stderr: LogConfig = LogConfig()
    redirect_stderr: bool = False
    #: that of [supervisord] overlaid by the program's own
    environment: Mapping[str, str] = field(default_factory=dict)
    #: None where AUTO or not set
    serverurl: str | None = None
    #: ours: give the child default dispositions of all signals, SIGPIPE and SIGXFSZ too
    reset_signals: bool = False
    #: of an fcgi-program, also within a [group:x]
    socket: FcgiSocketConfig | None = None


@frozen
class GroupConfig:
    """A group as it will run: of one program, or of a ``[group:x]``; processes in start order."""

    name: str
    priority: int
    processes: tuple[ProcessConfig, ...]


@frozen
class PoolConfig(GroupConfig):
    """The group of an ``[eventlistener:x]``."""

    events: tuple[str, ...] = ()
    #: events; None: not set
    buffer_size: int | None = None
    #: ``module:callable``; None: not set
    result_handler: str | None = None
    #: ours: what becomes of a listener that breaks the protocol, ``ignore`` or ``restart``
    on_protocol_error: str = "ignore"


@frozen
class ServerConfig:
    """An ``[inet_http_server]`` or ``[unix_http_server]``."""

    #: whole name of the section
    section: str
    #: host (empty: all interfaces) and port; None for a unix server
    address: tuple[str, int] | None = None
    file: str | None = None
    chmod: int = 0o700
    #: uid and gid, -1: leave it; None: leave both
    chown: tuple[int, int] | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    #: ours: names that browsers may call the server by, in lower case, as ``*.example.com`` too;
    #: empty: not set. A unix server has none.
    allowed_hosts: tuple[str, ...] = ()
    #: ours: where a proxy puts the server, with a slash at its end; None: not set
    base_url: str | None = None


@frozen
class PluginConfig:
    """A ``[rpcinterface:x]``: what to call, and with which keyword arguments."""

    #: the x
    name: str
    factory: str
    options: Mapping[str, str] = field(default_factory=dict)


@frozen
class SupervisordConfig:
    """Section ``[supervisord]``, under what the command line said. Paths are absolute."""

    #: None: syslog
    logfile: str | None
    pidfile: str
    logfile_maxbytes: int = 50 * 1024 * 1024
    logfile_backups: int = 10
    #: one of :class:`supervisor_tx.activity.Level`'s numbers
    loglevel: int = 20
    umask: int = 0o022
    nodaemon: bool = False
    silent: bool = False
    minfds: int = 1024
    minprocs: int = 200
    nocleanup: bool = False
    childlogdir: str = "/tmp"
    uid: int | None = None
    directory: str | None = None
    strip_ansi: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    identifier: str = "supervisor"
    #: ours: what our client's ``update`` does, ``classic`` (as Supervisor's) or ``minimal``
    update_mode: str = "classic"


@frozen
class Message:
    """Something to be logged once the activity log is open."""

    #: number of the level, as in :class:`supervisor_tx.activity.Level`
    level: int
    text: str


@frozen
class Config:
    """All of it, as the daemon wants it."""

    #: absolute path of the main file
    configfile: str
    #: its directory
    here: str
    supervisord: SupervisordConfig
    #: sorted by (priority, name)
    groups: tuple[GroupConfig, ...] = ()
    #: inet servers first, then unix ones; within each in the order of the file
    servers: tuple[ServerConfig, ...] = ()
    rpcinterfaces: tuple[PluginConfig, ...] = ()
    #: in the order found; to be logged critical first, then warnings, then the rest
    messages: tuple[Message, ...] = ()
    #: what the main file includes, as absolute patterns; their order is that of the file
    includes: tuple[str, ...] = ()
    #: all files, each with what tells whether it was changed since
    files: tuple[tuple[str, tuple[int, int, int, int]], ...] = ()
