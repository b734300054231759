"""
What may be asked of the daemon from outside: the one layer under all faces.

Each operation is a function of who asks and of typed arguments. It checks, acts, and raises errors
of :mod:`supervisor_tx.errors`; signals, XML-RPC, pages and the cluster only translate. What may
have to be waited for returns a Deferred. The action goes on when nobody waits any more.

Errors call a process by the name that was asked for; those in a list of outcomes by its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ParamSpec, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from supervisor_tx.config.changes import Changes, changes
from supervisor_tx.config.datatypes import signal_number
from supervisor_tx.config.model import Config, GroupConfig
from supervisor_tx.config.plan import Step
from supervisor_tx.core import namespec
from supervisor_tx.core.states import (
    RUNNING_STATES,
    SIGNALLABLE_STATES,
    ProcessState,
    SupervisorState,
)
from supervisor_tx.errors import (
    AlreadyAdded,
    BadSignal,
    CommandUnusable,
    LogFailed,
    NotRunning,
    ShuttingDown,
    SignalRefused,
    StdinClosed,
    StdinFull,
    SupervisorError,
    UnknownProcess,
)
from supervisor_tx.supervision import ending, orders
from supervisor_tx.supervision.assembly import Assembly
from supervisor_tx.supervision.children.command import find_command
from supervisor_tx.supervision.group import ProcessGroup
from supervisor_tx.supervision.info import ConfigInfo, ProcessInfo, config_info, describe
from supervisor_tx.supervision.logs import logreading
from supervisor_tx.supervision.logs.logreading import Tail
from supervisor_tx.supervision.orders import Outcome, Turn
from supervisor_tx.supervision.principal import BY_SIGNAL, Principal
from supervisor_tx.supervision.process import STDERR, STDOUT, SupervisedProcess
from supervisor_tx.supervision.service import Supervisor
from supervisor_tx.supervision.update import Done, Updater
from supervisor_tx.supervision.waiting import StopReports

__all__ = ["BY_SIGNAL", "STDERR", "STDOUT", "Commander", "Operations", "Outcome", "Principal"]

P = ParamSpec("P")
T = TypeVar("T")


class Commander(Protocol):
    """The daemon, as far as operations reach it."""

    supervisor: Supervisor
    assembly: Assembly
    #: what it runs by
    config: Config
    #: what was last read, which is what groups are added from
    configured: Config

    @property
    def clock(self) -> IReactorTime:
        """What durations are counted by."""

    def begin_shutdown(self) -> None:
        """Stop everything, then end."""

    def begin_restart(self) -> None:
        """Check the configuration, stop everything, then start anew; raise ConfigError."""

    def reopen_logs(self) -> None:
        """Go on in log files opened by name."""

    def clear_log(self) -> None:
        """Begin the activity log anew; raise NoLogFile or LogFailed."""

    def read_config(self) -> Config:
        """Read the configuration that is now on disk; raise ConfigError."""

    def activate(self, config: GroupConfig) -> ProcessGroup:
        """Make a group active, with its logs and sockets; start none of it; raise CannotStart."""

    def remote_event(self, kind: str, data: str) -> None:
        """Pass on what a client has to say to whoever listens."""

    def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Do what may wait for a disk."""


class Operations:
    """The operations on one daemon."""

    def __init__(self, daemon: Commander) -> None:
        self.daemon = daemon
        self._updater = Updater(daemon)
        self._reports: StopReports | None = None
        #: all processes as they are listed, and the generation of groups that is true for
        self._listed: tuple[Supervisor | None, int, list[SupervisedProcess]] = (None, 0, [])

    # The daemon

    def check_running(self) -> None:
        """Raise ShuttingDown during a shutdown and a restart, when no orders are taken."""
        if self.daemon.supervisor.state is not SupervisorState.RUNNING:
            raise ShuttingDown

    def state(self, who: Principal) -> SupervisorState:
        """Tell what the daemon is about. Raises ShuttingDown, as all that follows."""
        self.check_running()
        return self.daemon.supervisor.state

    def shutdown(self, who: Principal) -> None:
        """Stop everything, in order, and end. Asked twice it goes no faster."""
        self.daemon.begin_shutdown()

    def restart(self, who: Principal) -> None:
        """
        Stop everything and start anew from the configuration as it is now on disk.

        Raises ShuttingDown during a shutdown, and ConfigError, with everything left as it is, where
        the configuration could not be started from.
        """
        if self.daemon.supervisor.state is SupervisorState.SHUTDOWN:
            raise ShuttingDown
        self.daemon.begin_restart()

    def reopen_logs(self, who: Principal) -> None:
        """Close all log files and open them by name, as after a rotation from outside."""
        self.daemon.reopen_logs()

    def remote_event(self, who: Principal, kind: str, data: str) -> None:
        """Tell the event listeners something; during a shutdown too."""
        self.daemon.remote_event(kind, data)

    # The configuration

    def reread(self, who: Principal) -> Changes:
        """
        Read the configuration, for groups to be added from, and compare it with what is active.

        Nothing else changes. Raises ConfigError, and then not even that.
        """
        self.check_running()
        self.daemon.configured = self.daemon.read_config()
        active = [group.config for group in self.daemon.supervisor.groups.values()]
        return changes(active, self.daemon.configured.groups)

    def plan(self, who: Principal) -> Sequence[Step]:
        """Read the configuration, and tell what an update would do; raise ConfigError."""
        self.check_running()
        return self._updater.plan()

    async def update(self, who: Principal) -> list[Done]:
        """Read the configuration and touch only what has changed; see :meth:`.Updater.apply`."""
        return await self._updater.apply(who)

    def add_group(self, who: Principal, name: str) -> None:
        """
        Make a configured group active, and start what is to start by itself.

        Raises UnknownProcess where it is not configured, AlreadyAdded, CannotStart.
        """
        self.check_running()
        for config in self.daemon.configured.groups:
            if config.name == name:
                break
        else:
            raise UnknownProcess(name)
        if name in self.daemon.supervisor.groups:
            raise AlreadyAdded(name)
        self.daemon.activate(config).autostart()

    def remove_group(self, who: Principal, name: str) -> None:
        """Forget a group that is down; raise UnknownProcess or StillRunning."""
        self.check_running()
        self.daemon.supervisor.remove(name)

    def configured(self, who: Principal) -> list[ConfigInfo]:
        """Tell of all configured processes, active or not."""
        self.check_running()
        return config_info(self.daemon.configured.groups, self.daemon.supervisor.groups)

    # Processes

    def processes(self, who: Principal) -> Sequence[SupervisedProcess]:
        """Return all processes, by group and name."""
        self.check_running()
        supervisor = self.daemon.supervisor
        known, generation, listed = self._listed
        if known is not supervisor or generation != supervisor.generation:
            listed = sorted(_members(supervisor.groups.values()), key=_listing)
            self._listed = supervisor, supervisor.generation, listed
        return listed

    def process(self, who: Principal, name: str) -> SupervisedProcess:
        """Return the process of that name (``group:process``); raise UnknownProcess."""
        self.check_running()
        process = self._selected(name)[1]
        if process is None:
            raise UnknownProcess(name)
        return process

    def process_info(self, who: Principal, name: str) -> ProcessInfo:
        """Tell what is known of a process; raise UnknownProcess."""
        return describe(self.process(who, name))

    async def start_process(
        self, who: Principal, name: str, wait: bool = True
    ) -> list[Outcome] | None:
        """
        Start a process, or with ``group:*`` all of a group; with wait, until it is RUNNING.

        Returns a list for a group only. Raises UnknownProcess, CommandUnusable, AlreadyStarted,
        StateUnknown, StartFailed, EndedAbnormally.
        """
        self.check_running()
        group, process = self._selected(name)
        if process is None:
            return await self._start(_by_priority(group), wait)
        [problem] = await self._look_up([process])
        await self._start_checked(process, name, problem, wait, Turn())
        return None

    async def start_group(self, who: Principal, name: str, wait: bool = True) -> list[Outcome]:
        """Start all of a group that does not run; raise UnknownProcess."""
        return await self._start(_by_priority(self._group(name)), wait)

    async def start_all(self, who: Principal, wait: bool = True) -> list[Outcome]:
        """Start all that does not run."""
        return await self._start(self._all(), wait)

    async def stop_process(
        self, who: Principal, name: str, wait: bool = True
    ) -> list[Outcome] | None:
        """
        Stop a process, or with ``group:*`` all of a group; with wait, until it is down.

        Returns a list for a group only. Raises UnknownProcess, NotRunning, SignalRefused.
        """
        self.check_running()
        group, process = self._selected(name)
        if process is None:
            return await self._stop(who, _by_priority(group), wait)
        await orders.stop(process, name, wait, Turn(), str(who), self._stop_reports())
        return None

    async def stop_group(self, who: Principal, name: str, wait: bool = True) -> list[Outcome]:
        """Stop all of a group that runs; raise UnknownProcess."""
        return await self._stop(who, _by_priority(self._group(name)), wait)

    async def stop_all(self, who: Principal, wait: bool = True) -> list[Outcome]:
        """Stop all that runs."""
        return await self._stop(who, self._all(), wait)

    def signal_process(self, who: Principal, name: str, signal: str | int) -> list[Outcome] | None:
        """
        Send a signal to a process, or with ``group:*`` to all of a group.

        Returns a list for a group only. Raises UnknownProcess, BadSignal, NotRunning,
        SignalRefused.
        """
        self.check_running()
        group, process = self._selected(name)
        if process is None:
            return self._signal_each(_by_priority(group), signal)
        _signal(process, name, signal)
        return None

    def signal_group(self, who: Principal, name: str, signal: str | int) -> list[Outcome]:
        """Send a signal to all of a group that can take one; raise UnknownProcess."""
        return self._signal_each(_by_priority(self._group(name)), signal)

    def signal_all(self, who: Principal, signal: str | int) -> list[Outcome]:
        """Send a signal to all that can take one."""
        return self._signal_each(self._all(), signal)

    def send_stdin(self, who: Principal, name: str, data: bytes) -> None:
        """
        Write to a process's standard input; what it does not read yet is kept.

        Raises UnknownProcess, NotRunning, StdinClosed, StdinFull.
        """
        try:
            self.process(who, name).send_stdin(data)
        except (NotRunning, StdinClosed, StdinFull) as error:
            raise type(error)(name) from error

    # Logs

    def read_main_log(self, who: Principal, offset: int, length: int) -> Deferred[bytes]:
        """Return a piece of the activity log; see :func:`.logreading.read`."""
        self.check_running()
        logfile = self.daemon.config.supervisord.logfile
        return self.daemon.in_thread(logreading.read, logfile, offset, length)

    def clear_main_log(self, who: Principal) -> None:
        """Begin the activity log anew; raise NoLogFile or LogFailed."""
        self.check_running()
        self.daemon.clear_log()

    def read_log(
        self, who: Principal, name: str, channel: int, offset: int, length: int
    ) -> Deferred[bytes]:
        """Return a piece of a process's log of its descriptor 1 or 2; raise UnknownProcess too."""
        path = self.process(who, name).logfile(channel)
        return self.daemon.in_thread(logreading.read, path, offset, length)

    def tail_log(
        self, who: Principal, name: str, channel: int, offset: int, length: int
    ) -> Deferred[Tail]:
        """Return the end of a process's log, see :func:`.logreading.tail`; raise UnknownProcess."""
        path = self.process(who, name).logfile(channel)
        return self.daemon.in_thread(logreading.tail, path, offset, length)

    def log_path(self, who: Principal, name: str, channel: int) -> str | None:
        """
        Return where to follow the log of a process's descriptor 1 or 2; None: it has none.

        Answers during a shutdown too. Raises UnknownProcess.
        """
        _, process = self._selected(name)
        if process is None:
            raise UnknownProcess(name)
        return process.logfile(channel)

    def main_log_path(self, who: Principal) -> str | None:
        """Return where to follow the activity log, during a shutdown too; None: it is no file."""
        return self.daemon.config.supervisord.logfile

    def clear_logs(self, who: Principal, name: str) -> None:
        """
        Begin the logs of a process anew, if it runs.

        Raises UnknownProcess, and LogFailed with the name for its text.
        """
        try:
            self.process(who, name).clear_logs()
        except OSError as error:
            raise LogFailed(name) from error

    def clear_all_logs(self, who: Principal) -> Deferred[list[Outcome]]:
        """Begin the logs of all processes that run anew, a few in each turn of the loop."""
        self.check_running()
        waiting = self._all()
        outcomes: list[Outcome] = []
        done: Deferred[list[Outcome]] = Deferred()

        def some() -> None:
            for process in waiting[:20]:
                try:
                    process.clear_logs()
                except OSError:
                    outcomes.append(Outcome(process, LogFailed(_name(process))))
                else:
                    outcomes.append(Outcome(process))
            del waiting[:20]
            if waiting:
                self.daemon.clock.callLater(0, some)
            else:
                done.callback(outcomes)

        some()
        return done

    # How it is done

    def _selected(self, name: str) -> tuple[ProcessGroup, SupervisedProcess | None]:
        """Find a group, and the process where one is meant; raise UnknownProcess."""
        group_name, process_name = namespec.split(name)
        group = self.daemon.supervisor.groups.get(group_name)
        if group is None:
            raise UnknownProcess(name)
        if process_name is None:
            return group, None
        process = group.processes.get(process_name)
        if process is None:
            raise UnknownProcess(name)
        return group, process

    def _group(self, name: str) -> ProcessGroup:
        self.check_running()
        group = self.daemon.supervisor.groups.get(name)
        if group is None:
            raise UnknownProcess(name)
        return group

    def _all(self) -> list[SupervisedProcess]:
        self.check_running()
        groups = sorted(self.daemon.supervisor.groups.values(), key=lambda each: each.priority)
        return [process for group in groups for process in _by_priority(group)]

    def _look_up(
        self, processes: Sequence[SupervisedProcess]
    ) -> Deferred[list[CommandUnusable | None]]:
        """Find out, in a thread, what keeps each of the commands from being run."""
        commands = [
            (process.config.command, process.environment.get("PATH")) for process in processes
        ]
        return self.daemon.in_thread(_problems, commands)

    async def _start(self, candidates: list[SupervisedProcess], wait: bool) -> list[Outcome]:
        idle = [process for process in candidates if process.state not in RUNNING_STATES]
        problems = dict(zip(idle, await self._look_up(idle) if idle else (), strict=True))
        return await orders.each(
            idle,
            lambda process, turn: self._start_checked(
                process, _name(process), problems[process], wait, turn
            ),
            self.daemon.clock,
        )

    async def _start_checked(
        self,
        process: SupervisedProcess,
        name: str,
        problem: CommandUnusable | None,
        wait: bool,
        turn: Turn,
    ) -> None:
        # Looking it up took time: the daemon may be going down by now, the group may be gone.
        self.check_running()
        group = self.daemon.supervisor.groups.get(process.group)
        if group is None or group.processes.get(process.name) is not process:
            raise UnknownProcess(name)
        if problem is not None:
            raise problem
        await orders.start(process, name, wait, turn)

    def _stop(
        self, who: Principal, candidates: list[SupervisedProcess], wait: bool
    ) -> Deferred[list[Outcome]]:
        reports = self._stop_reports()
        for process in candidates:
            if process.state is ProcessState.EXITED:  # does not run, but may be about to again
                process.stop(ending.STOPPED, str(who))
        return orders.each(
            [process for process in candidates if process.state in RUNNING_STATES],
            lambda process, turn: orders.stop(
                process, _name(process), wait, turn, str(who), reports
            ),
            self.daemon.clock,
        )

    def _stop_reports(self) -> StopReports:
        if self._reports is None:
            self._reports = StopReports(self.daemon.clock)
        return self._reports

    def _signal_each(self, candidates: list[SupervisedProcess], signal: str | int) -> list[Outcome]:
        outcomes = []
        for process in [each for each in candidates if each.state in SIGNALLABLE_STATES]:
            try:
                _signal(process, _name(process), signal)
            except SupervisorError as error:
                outcomes.append(Outcome(process, error))
            else:
                outcomes.append(Outcome(process))
        return outcomes


def _signal(process: SupervisedProcess, name: str, signal: str | int) -> None:
    try:
        number = signal_number(str(signal))
    except ValueError:
        raise BadSignal(signal) from None
    if process.state not in SIGNALLABLE_STATES:
        raise NotRunning(name)
    try:
        process.signal(number)
    except NotRunning:
        raise NotRunning(name) from None
    except SignalRefused as error:
        raise SignalRefused(name, error.text) from error


def _problems(commands: Iterable[tuple[str, str | None]]) -> list[CommandUnusable | None]:
    """Look up commands with their PATHs; not in the reactor's thread, for disks may be slow."""
    problems: list[CommandUnusable | None] = []
    for command, path in commands:
        try:
            find_command(command, path)
        except CommandUnusable as error:
            problems.append(error)
        else:
            problems.append(None)
    return problems


def _members(groups: Iterable[ProcessGroup]) -> list[SupervisedProcess]:
    return [process for group in groups for process in group.processes.values()]


def _by_priority(group: ProcessGroup) -> list[SupervisedProcess]:
    return sorted(group.processes.values(), key=lambda each: each.config.priority)


def _listing(process: SupervisedProcess) -> tuple[str, str]:
    return process.group, process.name


def _name(process: SupervisedProcess) -> str:
    return namespec.join(process.group, process.name)
