"""
The daemon's own life: its start, the signals it answers, restart and end.

What can go wrong is done first. :func:`prepare` reads the configuration, switches the user, sees to
limits and opens the log, all while there is still a terminal to complain to; it starts nothing. The
service that it returns does the rest once the process is what it will be (forked, if it is to
fork), and holds everything until the last child is down.

A restart keeps the pid and the log. Its configuration is read, and checked as far as possible,
before the first process is stopped: one that could not be started from is refused.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from types import FrameType
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from supervisor_tx.activity import Level, Logger
from supervisor_tx.config import loader
from supervisor_tx.config.commandline import CommandLine
from supervisor_tx.config.model import Config, GroupConfig, Message
from supervisor_tx.core.backlog import Serials
from supervisor_tx.core.exitstatus import status_text
from supervisor_tx.core.states import SupervisorState
from supervisor_tx.errors import CannotStart, LogFailed, NoLogFile, SupervisorError
from supervisor_tx.supervision import identity, limits
from supervisor_tx.supervision.assembly import Assembly
from supervisor_tx.supervision.broadcast import Broadcast
from supervisor_tx.supervision.children.exits import StrangerReaper
from supervisor_tx.supervision.children.spawner import Spawner
from supervisor_tx.supervision.configwatch import ConfigWatch
from supervisor_tx.supervision.group import ProcessGroup
from supervisor_tx.supervision.logs import watch
from supervisor_tx.supervision.logs.activitylog import ActivityLog, activity_log
from supervisor_tx.supervision.logs.autolog import AutoLogs
from supervisor_tx.supervision.operations import BY_SIGNAL, Operations
from supervisor_tx.supervision.outside import Outside
from supervisor_tx.supervision.pool import Exchange, ResultHandler
from supervisor_tx.supervision.service import Supervisor
from supervisor_tx.supervision.workers import Workers
from supervisor_tx.values import field, frozen, replace

if TYPE_CHECKING:
    from supervisor_tx.supervision.figures import Figures

_log = Logger()

P = ParamSpec("P")
T = TypeVar("T")

#: The signals that are requests.
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR2)


@frozen
class ConfigSource:
    """Where the configuration comes from: all that it takes to read it again."""

    #: absolute path of the main file
    configfile: str
    overrides: CommandLine = field(default_factory=CommandLine)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    #: write none, whatever the file says; Supervisor has no way to say so, but twistd has
    without_pidfile: bool = False

    def load(self, patience: float = 10.0) -> Config:
        """Read the configuration under the command line; raise ConfigError."""
        config = loader.load(
            self.configfile, environ=self.environ, overrides=self.overrides, patience=patience
        )
        if self.without_pidfile:
            return replace(config, supervisord=replace(config.supervisord, pidfile=""))
        return config


class Faces(Protocol):
    """The ways in which the daemon can be talked to."""

    def import_all(self, config: Config) -> None:
        """Import all that serving a configuration takes, now; raise CannotStart."""

    def resolve(self, config: Config) -> None:
        """Import the plugins that a configuration names; raise CannotStart. Nothing changes."""

    def claim(self, config: Config) -> None:
        """
        Take the addresses of a configuration that are not ours yet; raise CannotStart.

        Nothing is served there yet, and what is served elsewhere goes on being served.
        """

    def result_handler(self, specification: str) -> ResultHandler:
        """Return what a ``result_handler`` names, which was resolved; raise CannotStart."""

    def equip(self, daemon: Daemon) -> None:
        """
        Make what plugs in, for a daemon that is put together and has started nothing.

        Raises CannotStart, with as much made as could be.
        """

    def open(self, daemon: Daemon) -> None:
        """Serve what the daemon's configuration says, and let go of all other addresses."""

    def close(self) -> Deferred[None]:
        """Serve no more, and remove what was made; fire when all that was answered is sent."""


def prepare(source: ConfigSource, reactor: Any, faces: Faces) -> Daemon:
    """
    Do all that can fail: configuration, user, limits, logs, sockets. Start nothing.

    Raises ConfigError or CannotStart; then nothing was touched but what its text says.
    """
    config = source.load()
    faces.resolve(config)
    if config.supervisord.uid not in (None, os.getuid()):
        # What is imported later is read by the next user, who may not be allowed to.
        faces.import_all(config)
    messages = [
        *config.messages,
        *identity.become(config.supervisord.uid),
        *limits.require(config.supervisord.minfds, config.supervisord.minprocs),
    ]
    child_files = limits.open_files()
    log = activity_log()
    log.open(config.supervisord)
    daemon = Daemon(reactor, source, config, log, Spawner(reactor, child_files), faces)
    daemon.messages += messages
    faces.claim(config)
    try:
        daemon.assemble(config)
        for socket in daemon.assembly.sockets:
            socket.check()
        faces.equip(daemon)
    except BaseException:
        faces.close()
        raise
    return daemon


def write_messages(messages: Iterable[Message]) -> None:
    """Write what was collected before the log was open: the critical first, then the warnings."""
    for message in sorted(messages, key=lambda each: -each.level):
        _log.emit(Level(message.level), "{text}", text=message.text)


class Daemon:
    """Everything that runs."""

    supervisor: Supervisor
    assembly: Assembly
    #: what was last read; only groups are ever added from it
    configured: Config

    def __init__(
        self,
        reactor: Any,
        source: ConfigSource,
        config: Config,
        log: ActivityLog,
        spawner: Spawner,
        faces: Faces,
    ) -> None:
        self.config = self.configured = config
        self.operations = Operations(self)
        #: tells events to programs that follow them, over all restarts
        self.broadcast = Broadcast(reactor)
        #: files that others change
        self.outside = Outside(reactor)
        #: whether the configuration on disk is the one in force
        self.config_watch = ConfigWatch(self, self.operations.compare, self.outside)
        #: to be written once there is a log to write to
        self.messages: list[Message] = []
        #: called last of all, when it has ended
        self.at_end: list[Callable[[], None]] = []
        #: called when all is down and nothing is to follow
        self.when_down: Callable[[], None] = reactor.stop
        self._reactor = reactor
        self._workers = Workers(reactor)
        self._source = source
        self.log = log
        self._spawner = spawner
        self._faces = faces
        self._pidfile: str | None = None
        #: of events, over all restarts
        self._serials = Serials()
        self._strangers = StrangerReaper(
            reactor, spawner, self._reaped_stranger, self._waiting_failed
        )
        self._stopping = False
        self._going_down = False
        self._next: Config | None = None
        self._ending: Deferred[None] | None = None

    def assemble(self, config: Config) -> None:
        """Build the groups of a configuration; nothing of it runs yet."""
        self.config = self.configured = config
        auto = AutoLogs(
            config.supervisord.childlogdir,
            config.supervisord.identifier,
            stay_open=limits.raise_own(config.groups),
        )
        self._spawner.thrifty = not limits.affords_pidfds(config.groups)
        if not config.supervisord.nocleanup:
            auto.clean_up()
        self.supervisor = Supervisor(self._reactor)
        self.broadcast.attach(self.supervisor.bus)
        self.supervisor.when_regrouped.append(self.config_watch.compare_again)
        self.assembly = Assembly(
            clock=self._reactor,
            spawner=self._spawner,
            config=config,
            environ=self._source.environ,
            auto=auto,
            announce=self.supervisor.changed,
            exchange=Exchange(
                self.supervisor.bus,
                self._reactor,
                config.supervisord.identifier,
                self._serials,
                self._faces.result_handler,
            ),
        )
        for group in config.groups:
            if group.name not in self.supervisor.groups:
                self.supervisor.add(self.assembly.group(group))

    @cached_property
    def figures(self) -> Figures:
        """CPU and memory of what runs."""
        from supervisor_tx.supervision.figures import Figures

        return Figures(self._reactor, self._roots)

    # Start and end

    def start(self) -> None:
        """Take signals, write the pid file, and start what is to start by itself."""
        write_messages(self.messages)
        self.messages.clear()
        self._take_signals()
        self._write_pidfile(self.config.supervisord.pidfile)
        self._reactor.callWhenRunning(self._start)

    def stop(self) -> Deferred[None]:
        """Stop everything; fire when all is down."""
        self._stopping = True
        if self._ending is None:
            self._ending = self.supervisor.stop(SupervisorState.SHUTDOWN)
            self._ending.addCallback(lambda _: self._faces.close())
            self._ending.addCallback(lambda _: self._end())
        return self._ending

    def _start(self) -> None:
        self._take_signals()  # again: the reactor has put in handlers of its own
        self._strangers.install()
        watch.listen(self.outside)
        self.supervisor.start()
        self._faces.open(self)

    def _roots(self) -> dict[tuple[str, str], int]:
        """Return the pids of all that runs, by group and name."""
        return {
            (group.name, process.name): process.pid
            for group in self.supervisor.groups.values()
            for process in group.processes.values()
            if process.transport is not None and process.pid is not None
        }

    # Commander

    @property
    def clock(self) -> IReactorTime:
        """What durations are counted by."""
        clock: IReactorTime = self._reactor
        return clock

    def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Do what may wait for a disk."""
        return self._workers.run(work, *args, **kwargs)

    def read_config(self) -> Config:
        """Read the configuration that is now on disk; raise ConfigError."""
        config = self._source.load(patience=0)
        self._faces.resolve(config)
        return config

    def activate(self, config: GroupConfig) -> ProcessGroup:
        """Make a group active, with its logs and sockets; start none of it; raise CannotStart."""
        active = (group.config for group in self.supervisor.groups.values())
        groups = (*active, config)
        limits.raise_own(groups)
        self._spawner.thrifty = not limits.affords_pidfds(groups)
        group = self.assembly.group(config)
        try:
            for socket in {process.socket for process in group.processes.values()}:
                if socket is not None:
                    socket.check()
        except CannotStart:
            group.close()
            raise
        self.supervisor.add(group)
        return group

    def remote_event(self, kind: str, data: str) -> None:
        """Pass on what a client has to say to whoever listens."""
        self.supervisor.remote_event(kind, data)

    def clear_log(self) -> None:
        """Begin the activity log anew; raise NoLogFile or LogFailed."""
        logfile = self.config.supervisord.logfile
        if logfile is None or not os.path.exists(logfile):
            raise NoLogFile
        try:
            self.log.clear()
        except OSError as error:
            raise LogFailed from error

    def begin_shutdown(self) -> None:
        """Stop everything, then end."""
        self._next = None
        self._bring_down(SupervisorState.SHUTDOWN)

    def begin_restart(self) -> None:
        """Check the configuration, stop everything, then start anew."""
        config = self._source.load(patience=0)
        uid = config.supervisord.uid
        if uid not in (None, os.getuid()) and os.getuid() != 0:
            raise CannotStart("Can't drop privilege as nonroot user")
        self._faces.resolve(config)
        self._faces.claim(config)
        self._next = config
        self._bring_down(SupervisorState.RESTARTING)

    def reopen_logs(self) -> None:
        """Go on in log files opened by name."""
        self.log.reopen()
        self.supervisor.reopen_logs()

    # Going down

    def _bring_down(self, state: SupervisorState) -> None:
        down = self.supervisor.stop(state)
        if not self._going_down:
            self._going_down = True
            # In a turn of its own: whoever asked for it is to be answered first.
            down.addCallback(lambda _: self._reactor.callLater(0, self._went_down))

    def _went_down(self) -> None:
        self._going_down = False
        if self.supervisor.state is SupervisorState.RESTARTING and self._next is not None:
            self._start_anew(self._next)
        elif not self._stopping:  # else the reactor is stopping already
            self.when_down()

    def _start_anew(self, config: Config) -> None:
        self.supervisor.close()
        try:
            self.log.open(config.supervisord)
        except CannotStart as error:
            _log.error("{error}; the log goes on where it was", error=error)
        write_messages(config.messages)
        self.assemble(config)
        try:
            self._faces.equip(self)
        except CannotStart as error:
            # Better without a plugin than without everything else.
            _log.error("{error}; it is missing until the next restart", error=error)
        self._write_pidfile(config.supervisord.pidfile)
        self.supervisor.start()
        self._faces.open(self)

    def _end(self) -> None:
        self.supervisor.close()
        self._strangers.uninstall()
        watch.listen(None)
        self.outside.close()
        for number in SIGNALS:  # nothing is left to be asked for, and who asks again kills nobody
            signal.signal(number, signal.SIG_IGN)
        self._spawner.stop()
        self._remove_pidfile()
        self.log.close()
        for finish in self.at_end:
            finish()

    # Signals

    def _take_signals(self) -> None:
        for number in SIGNALS:
            signal.signal(number, self._caught)

    def _caught(self, number: int, _: FrameType | None) -> None:
        self._reactor.callFromThread(self._signalled, number)

    def _signalled(self, number: int) -> None:
        if number == signal.SIGUSR2:
            _log.info("received SIGUSR2 indicating log reopen request")
            _log.info("supervisord logreopen")
            self.operations.reopen_logs(BY_SIGNAL)
        elif number == signal.SIGHUP:
            self._hung_up()
        else:
            _log.warn("received {name} indicating exit request", name=signal.Signals(number).name)
            self.operations.shutdown(BY_SIGNAL)

    def _hung_up(self) -> None:
        if self.supervisor.state is SupervisorState.SHUTDOWN:
            _log.warn("ignored SIGHUP indicating restart request (shutdown in progress)")
            return
        _log.warn("received SIGHUP indicating restart request")
        try:
            self.operations.restart(BY_SIGNAL)
        except SupervisorError as error:
            _log.error(
                "the restart is refused, and everything goes on as it was: {error}", error=error
            )

    def _reaped_stranger(self, pid: int, status: int) -> None:
        _log.info("reaped unknown pid {pid} ({status})", pid=pid, status=status_text(status))

    def _waiting_failed(self, error: OSError) -> None:
        _log.critical(
            "waitpid error {number}; a process may not be cleaned up properly", number=error.errno
        )

    # Pid file

    def _write_pidfile(self, path: str) -> None:
        if path != self._pidfile:
            self._remove_pidfile()
        if not path:
            return
        try:
            with open(path, "wb", opener=_without_waiting) as file:
                file.write(b"%d\n" % os.getpid())
        except OSError as error:
            _log.critical(
                "could not write pidfile {path}: {reason}", path=path, reason=error.strerror
            )
            return
        self._pidfile = path
        _log.info("supervisord started with pid {pid}", pid=os.getpid())

    def _remove_pidfile(self) -> None:
        path, self._pidfile = self._pidfile, None
        if path is None:
            return
        with suppress(OSError, ValueError):
            with open(path, "rb", opener=_without_waiting) as file:
                written = file.read()
            if int(written) == os.getpid():  # not another daemon's by now
                os.unlink(path)


def _without_waiting(path: str, flags: int) -> int:
    """Open what ought to be a file; if it is a pipe, nobody waits for its other end."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY, 0o666)
