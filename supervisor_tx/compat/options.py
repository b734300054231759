"""
Configurations and options, as plugins know them.

A :class:`ProcessConfig` has the options of a program for attributes. That of a process which is
supervised shows, and changes, what the daemon goes by: a new command takes effect at the next
start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from configparser import NoOptionError, RawConfigParser
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from supervisor_tx import SUPERVISOR_VERSION
from supervisor_tx.compat import datatypes
from supervisor_tx.compat.dispatchers import default_handler
from supervisor_tx.config.datatypes import inet_address
from supervisor_tx.config.datatypes import name as name_type
from supervisor_tx.config.expansion import Names
from supervisor_tx.config.expansion import expand as expand_names
from supervisor_tx.config.ini import Document, Origin, Section, Value
from supervisor_tx.config.model import AUTO, GroupConfig, PoolConfig, ServerConfig
from supervisor_tx.config.model import ProcessConfig as Model
from supervisor_tx.config.options import Context
from supervisor_tx.config.programs import load_processes
from supervisor_tx.core import exitstatus, namespec
from supervisor_tx.values import frozen, replace

if TYPE_CHECKING:
    from supervisor_tx.compat.process import ProcessGroupBase, Subprocess
    from supervisor_tx.compat.supervisord import Supervisor
    from supervisor_tx.supervision.process import SupervisedProcess

VERSION = SUPERVISOR_VERSION

__all__ = [
    "VERSION",
    "BadCommand",
    "EventListenerConfig",
    "EventListenerPoolConfig",
    "FastCGIGroupConfig",
    "FastCGIProcessConfig",
    "NoPermission",
    "NotExecutable",
    "NotFound",
    "ProcessConfig",
    "ProcessException",
    "ProcessGroupConfig",
    "ServerOptions",
    "UnhosedConfigParser",
    "decode_wait_status",
    "expand",
    "inet_address",
    "make_namespec",
    "readFile",
    "signame",
    "split_namespec",
    "tailFile",
]


def __getattr__(name: str) -> Any:
    """Import what only plugins of the client want."""
    if name != "ClientOptions":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from supervisor_tx.compat.supervisorctl import ClientOptions

    return ClientOptions


# Small things


class ProcessException(Exception):
    """A command cannot be run."""


class BadCommand(ProcessException):
    """It is empty, or its quoting is broken."""


class NotExecutable(ProcessException):
    """It is a directory, or nobody may execute it."""


class NotFound(ProcessException):
    """There is no such file."""


class NoPermission(ProcessException):
    """We may not execute it."""


def make_namespec(group_name: str, process_name: str) -> str:
    """Return the shortest name of a process."""
    return namespec.join(group_name, process_name)


def split_namespec(name: str) -> tuple[str, str | None]:
    """Return group and process; None: all of the group."""
    return namespec.split(name)


def signame(sig: int) -> str:
    """Return ``SIGTERM`` for 15; ``signal 40`` for one without a name."""
    return exitstatus.signal_name(sig)


def decode_wait_status(sts: int) -> tuple[int, str]:
    """Return the exit code, -1 for a signal, and words for a status word of ``waitpid``."""
    code = exitstatus.ExitStatus.from_wait(sts).code
    return -1 if code is None else code, exitstatus.status_text(sts)


def expand(value: Any, expansions: Mapping[str, Any], name: str) -> Any:
    """Put in what ``%(...)s`` stands for; raise ValueError where that is not known."""
    return expand_names(value, Names(expansions), name) if isinstance(value, str) else value


def readFile(filename: str, offset: int, length: int) -> bytes:
    """Return a piece of a file; raise ValueError with the name of a fault."""
    from supervisor_tx.errors import BadRange, LogFailed, NoLogFile
    from supervisor_tx.supervision.logs import logreading

    try:
        return logreading.read(filename, offset, length)
    except BadRange as error:
        raise ValueError("BAD_ARGUMENTS") from error
    except (NoLogFile, LogFailed) as error:
        raise ValueError("FAILED") from error


def tailFile(filename: str, offset: int, length: int) -> list[Any]:
    """Return the end of a file, its size, and whether there was more than length after offset."""
    from supervisor_tx.errors import SupervisorError
    from supervisor_tx.supervision.logs import logreading

    try:
        tail = logreading.tail(filename, offset, length)
    except SupervisorError:
        return ["", offset, False]
    return [tail.data.decode("utf-8", "replace"), tail.offset, tail.overflow]


#: In place of a default where there is none.
_MARKER: Any = object()


class UnhosedConfigParser(RawConfigParser):
    """Sections and options that a plugin fills, to have processes made of them."""

    mysection = "supervisord"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("inline_comment_prefixes", (";", "#"))
        kwargs.setdefault("strict", False)
        super().__init__(*args, **kwargs)
        self.section_to_file: dict[str, str] = {}
        self.expansions: dict[str, Any] = {}

    def read_string(self, string: str, source: str = "<string>") -> None:
        """Take in the text of a configuration."""
        super().read_string(string, source)

    def expand_here(self, here: str) -> None:
        """Put the directory in for ``%(here)s``, everywhere."""
        for section in self.sections():
            for option, value in self.items(section):
                if "%(here)s" in value:
                    self.set(section, option, value.replace("%(here)s", here))

    def getdefault(
        self,
        option: str,
        default: Any = _MARKER,
        expansions: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return an option of the section :attr:`mysection`; see :meth:`saneget`."""
        return self.saneget(self.mysection, option, default, expansions=expansions, **kwargs)

    def saneget(
        self,
        section: str,
        option: str,
        default: Any = _MARKER,
        do_expand: bool = True,
        expansions: Mapping[str, Any] | None = None,
    ) -> Any:
        """
        Return an option, or else the default, expanded.

        Raises NoOptionError where there is neither, NoSectionError without the section, and
        ValueError where it cannot be expanded.
        """
        try:
            value = self.get(section, option)
        except NoOptionError:
            if default is _MARKER:
                raise
            value = default
        if not do_expand:
            return value
        return expand(value, {**self.expansions, **(expansions or {})}, f"{section}.{option}")


# Configurations


@frozen
class _Attribute:
    """How plugins see a member of the model, and what they may put there."""

    get: Callable[[Model], Any]
    put: Callable[[Model, Any], Model]


def _plain(name: str) -> _Attribute:
    return _Attribute(
        lambda model: getattr(model, name), lambda model, value: replace(model, **{name: value})
    )


def _of_log(channel: str, name: str) -> _Attribute:
    def get(model: Model) -> Any:
        value = getattr(getattr(model, channel), name)
        return datatypes.Automatic if value is AUTO else value

    def put(model: Model, value: Any) -> Model:
        value = AUTO if value is datatypes.Automatic else value
        return replace(model, **{channel: replace(getattr(model, channel), **{name: value})})

    return _Attribute(get, put)


def _put_autorestart(model: Model, value: Any) -> Model:
    known = {shown: ours for ours, shown in datatypes.AUTORESTART.items()}
    return replace(model, autorestart=known[value])


ATTRIBUTES: Mapping[str, _Attribute] = {
    **{
        name: _plain(name)
        for name in (
            "name", "uid", "command", "directory", "umask", "priority", "autostart", "startsecs",
            "startretries", "stopsignal", "stopwaitsecs", "stopasgroup", "killasgroup",
            "redirect_stderr", "serverurl",
        )
    },
    **{
        f"{channel}_{name}": _of_log(channel, name)
        for channel in ("stdout", "stderr")
        for name in (
            "logfile", "logfile_maxbytes", "logfile_backups", "capture_maxbytes", "events_enabled",
            "syslog",
        )
    },
    "autorestart": _Attribute(
        lambda model: datatypes.AUTORESTART[model.autorestart], _put_autorestart
    ),
    "exitcodes": _Attribute(
        lambda model: list(model.exitcodes),
        lambda model, value: replace(model, exitcodes=tuple(value)),
    ),
    "environment": _Attribute(
        lambda model: model.environment,
        lambda model, value: replace(model, environment=dict(value)),
    ),
}  # fmt: skip


class Config:
    """A process or a group, as configured; the first has the smallest priority."""

    priority: int
    name: str

    def __lt__(self, other: Config) -> bool:
        """Compare by priority, then by name."""
        return (self.priority, self.name) < (other.priority, other.name)


class ProcessConfig(Config):
    """The options of a program, for one of its processes."""

    options: ServerOptions
    model: Model
    #: the process that goes by it, once there is one
    real: SupervisedProcess | None

    def __init__(self, options: ServerOptions, **params: Any) -> None:
        model = Model(name=params.get("name", ""), command=params.get("command", ""))
        own = {}
        for name, value in params.items():
            if name in ATTRIBUTES:
                model = ATTRIBUTES[name].put(model, value)
            else:
                own[name] = value
        vars(self).update(own, options=options, model=model, real=None)

    def __getattr__(self, name: str) -> Any:
        """Return an option as it now is."""
        if name not in ATTRIBUTES:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if name == "environment":
            return _Environment(self)
        value = ATTRIBUTES[name].get(self.current())
        if value is datatypes.Automatic and self.real is not None:
            return self.real.logfile(1 if name == "stdout_logfile" else 2) or value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        """Change an option, or keep what a plugin has to keep."""
        if name in ATTRIBUTES:
            self.change(ATTRIBUTES[name].put(self.current(), value))
        else:
            super().__setattr__(name, value)

    def __eq__(self, other: object) -> bool:
        """Two are the same where all options are."""
        if not isinstance(other, ProcessConfig):
            return NotImplemented
        return self.current() == other.current()

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def current(self) -> Model:
        """Return what the process goes by, or would."""
        return self.model if self.real is None else self.real.config

    def change(self, model: Model) -> None:
        """Let the process go by something else; the name of one that is there stays."""
        if self.real is None:
            vars(self)["model"] = model
        elif model.name != self.real.name:
            raise AttributeError("the name of a process that is supervised cannot be changed")
        else:
            self.options.supervisord.renew(self.real, model)

    def attach(self, real: SupervisedProcess) -> None:
        """There is a process that goes by it."""
        vars(self)["real"] = real

    def create_autochildlogs(self) -> None:
        """Nothing: AUTO logs are made with the process."""

    def get_path(self) -> str:
        """Return where the command is looked up."""
        return self.environment.get("PATH") or os.environ.get("PATH", os.defpath)

    def make_process(self, group: ProcessGroupBase | None = None) -> Subprocess:
        """Return a process of the group; it is supervised when it is put in there."""
        return self.options.supervisord.make_process(self, group)


class FastCGIProcessConfig(ProcessConfig):
    """The options of a FastCGI program."""


class EventListenerConfig(ProcessConfig):
    """The options of an event listener."""


class _Environment(MutableMapping[str, str]):
    """The variables of a program; what is put there takes effect at its next start."""

    def __init__(self, config: ProcessConfig) -> None:
        self._config = config

    def _now(self) -> dict[str, str]:
        return dict(self._config.current().environment)

    def __getitem__(self, name: str) -> str:
        return self._config.current().environment[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._config.current().environment)

    def __setitem__(self, name: str, value: str) -> None:
        self._config.environment = {**self._now(), name: value}

    def __delitem__(self, name: str) -> None:
        left = self._now()
        del left[name]
        self._config.environment = left

    def __repr__(self) -> str:
        return repr(self._now())

    def copy(self) -> dict[str, str]:
        """Return a dictionary that changes nothing."""
        return self._now()


class ProcessGroupConfig(Config):
    """A group, and its processes in the order in which they start."""

    def __init__(
        self,
        options: ServerOptions,
        name: str,
        priority: int,
        process_configs: Iterable[ProcessConfig],
    ) -> None:
        self.options = options
        self.name = name
        self._priority = priority
        self._process_configs = list(process_configs)
        self._group: ProcessGroupBase | None = None
        #: what it was made from; None: a plugin has made it
        self.model: GroupConfig | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def __eq__(self, other: object) -> bool:
        """Two are the same where name, priority and processes are."""
        if not isinstance(other, ProcessGroupConfig):
            return NotImplemented
        return self.current() == other.current()

    __hash__ = object.__hash__

    @property
    def priority(self) -> int:
        """The lower, the earlier it starts."""
        return self._priority if self._group is None else self._group.real.priority

    @priority.setter
    def priority(self, priority: int) -> None:
        self._priority = priority
        if self._group is not None:
            real = self._group.real
            self.options.supervisord.settle(real, replace(real.config, priority=priority))

    @property
    def process_configs(self) -> list[ProcessConfig]:
        """The configurations of its processes; always the same list."""
        if self._group is not None:
            there = {id(each.config): each.config for each in self._group.processes.values()}
            listed = {id(config) for config in self._process_configs}
            self._process_configs[:] = [
                config
                for config in self._process_configs
                if config.real is None or id(config) in there
            ] + [config for key, config in there.items() if key not in listed]
        return self._process_configs

    def attach(self, group: ProcessGroupBase) -> None:
        """There is a group that goes by it."""
        self._group = group

    def current(self) -> GroupConfig:
        """Return what the group goes by, or would."""
        if self._group is not None:
            return self._group.real.config
        if self.model is not None and self.model.priority == self._priority:
            configs = tuple(config.current() for config in self._process_configs)
            if configs == self.model.processes:
                return self.model
        return GroupConfig(
            self.name,
            self._priority,
            tuple(config.current() for config in self._process_configs),
        )

    def after_setuid(self) -> None:
        """Nothing: AUTO logs are made with the processes."""

    def make_group(self) -> ProcessGroupBase:
        """Return the group; it is supervised when it is put into ``process_groups``."""
        return self.options.supervisord.make_group(self)


class FastCGIGroupConfig(ProcessGroupConfig):
    """A group of FastCGI processes."""


class EventListenerPoolConfig(ProcessGroupConfig):
    """A group of event listeners."""

    @property
    def buffer_size(self) -> int | None:
        """How many events are kept; None: not set."""
        return self._pool().buffer_size

    @property
    def pool_events(self) -> list[type]:
        """The classes of the events that it hears of."""
        from supervisor_tx.compat import events

        known = events.types()
        return [known[name] for name in self._pool().events if name in known]

    @property
    def result_handler(self) -> Any:
        """What its results are handed to."""
        name = self._pool().result_handler
        return default_handler if name is None else resolve_name(name)

    def _pool(self) -> PoolConfig:
        model = self.current()
        assert isinstance(model, PoolConfig)
        return model


def config_of(
    model: Model, options: ServerOptions, klass: type[ProcessConfig] | None = None
) -> ProcessConfig:
    """Return the configuration of a process as plugins know it."""
    if klass is None:
        kinds = {"fcgi-program": FastCGIProcessConfig, "eventlistener": EventListenerConfig}
        klass = kinds.get(model.kind, ProcessConfig)
    config = klass(options, **{name: each.get(model) for name, each in ATTRIBUTES.items()})
    vars(config)["model"] = model
    return config


def group_config_of(model: GroupConfig, options: ServerOptions) -> ProcessGroupConfig:
    """Return the configuration of a group as plugins know it."""
    kind: type[ProcessGroupConfig] = ProcessGroupConfig
    if isinstance(model, PoolConfig):
        kind = EventListenerPoolConfig
    elif model.processes and all(each.socket is not None for each in model.processes):
        kind = FastCGIGroupConfig
    configs = [config_of(each, options) for each in model.processes]
    made = kind(options, model.name, model.priority, configs)
    made.model = model
    return made


# The daemon's options


class ServerOptions:
    """What the daemon was told, and what plugins want of it."""

    def __init__(self, supervisord: Supervisor) -> None:
        self.supervisord = supervisord
        self._httpservers: list[tuple[dict[str, Any], Any]] | None = None

    def __getattr__(self, name: str) -> Any:
        """Return an option of [supervisord]."""
        supervisord = vars(self).get("supervisord")
        if supervisord is None or name.startswith("_"):
            raise AttributeError(name)
        return getattr(supervisord.daemon.config.supervisord, name)

    @property
    def mood(self) -> int:
        """The number of the daemon's state; set to SHUTDOWN or RESTARTING it does so."""
        return int(self.supervisord.daemon.supervisor.state)

    @mood.setter
    def mood(self, mood: int) -> None:
        self.supervisord.set_mood(mood)

    @property
    def configfile(self) -> str:
        """The path of the configuration."""
        return self.supervisord.daemon.config.configfile

    @property
    def here(self) -> str:
        """The directory of the configuration."""
        return self.supervisord.daemon.config.here

    @property
    def serverurl(self) -> str | None:
        """The address of our own HTTP server, as children get it; None: there is none."""
        from supervisor_tx.supervision.assembly import server_url

        return server_url(self.supervisord.daemon.config)

    @property
    def environ_expansions(self) -> dict[str, str]:
        """What ``%(ENV_X)s`` stands for, by ENV_X."""
        return {f"ENV_{name}": value for name, value in self.supervisord.environ.items()}

    @property
    def logger(self) -> Any:
        """The activity log."""
        return self.supervisord.logger

    @property
    def process_group_configs(self) -> list[ProcessGroupConfig]:
        """The groups that were last read; those that are active as they are."""
        return self.supervisord.configured()

    @property
    def server_configs(self) -> list[dict[str, Any]]:
        """The HTTP servers."""
        return [server_dict(server) for server in self.supervisord.daemon.config.servers]

    @property
    def httpservers(self) -> list[tuple[dict[str, Any], Any]]:
        """The HTTP servers with what handles their requests."""
        from supervisor_tx.compat.servers import HttpServer

        if self._httpservers is None:
            self._httpservers = [
                (server_dict(server), HttpServer(self.supervisord, server))
                for server in self.supervisord.daemon.config.servers
            ]
        return self._httpservers

    def get_pid(self) -> int:
        """Return our pid."""
        return os.getpid()

    def get_socket_map(self) -> dict[int, Any]:
        """Return nothing: there is no asyncore here."""
        return {}

    def close_httpservers(self) -> None:
        """Serve no more."""
        self.supervisord.close_servers()

    def cleanup_fds(self) -> None:
        """Nothing: here no descriptor is closed that others have opened."""

    def processes_from_section(
        self,
        parser: RawConfigParser,
        section: str,
        group_name: str,
        klass: type[ProcessConfig] | None = None,
    ) -> list[ProcessConfig]:
        """
        Return the processes of a section that a plugin has filled.

        Raises ValueError, with what is wrong with the first option that is.
        """
        where = f"in section {section!r} (file: {self.configfile!r})"
        try:
            name_type.convert(section.partition(":")[2])
        except ValueError as error:
            raise ValueError(f"{error} {where}") from None
        context = self._context(parser)
        loaded = load_processes(context.document.sections[section], group_name, context)
        for problem in context.problems:
            raise ValueError(f"{problem.message} {where}")
        return [config_of(model, self, klass) for model in loaded]

    def _context(self, parser: RawConfigParser) -> Context:
        config = self.supervisord.daemon.config
        origin = Origin(config.configfile, 0)
        document = Document(config.configfile)
        for name in parser.sections():
            options = {
                option: Value(str(text), origin, config.here) for option, text in parser.items(name)
            }
            document.sections[name] = Section(name, origin, options)
        names = Names(here=config.here, host_node_name=os.uname().nodename)
        names = names.environment(self.supervisord.environ)
        environment = config.supervisord.environment
        return Context(document, names.environment(environment), os.getuid(), environment)


def server_dict(server: ServerConfig) -> dict[str, Any]:
    """Return a server as plugins know it."""
    import socket

    shared = {
        "username": server.username,
        "password": server.password,
        "name": server.section.partition(":")[0],
        "section": server.section,
    }
    if server.address is not None:
        host, port = server.address
        return {"family": socket.AF_INET, "host": host, "port": port, **shared}
    uid, gid = server.chown or (-1, -1)
    return {
        "family": socket.AF_UNIX,
        "file": server.file,
        "chmod": server.chmod,
        "chown": (uid, gid),
        **shared,
    }
