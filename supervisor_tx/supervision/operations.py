"""
What may be asked of the daemon from outside: the one layer under all faces.

Each operation is a function of who asks and of typed arguments. It checks, acts, and raises errors
of :mod:`supervisor_tx.errors`; signals, XML-RPC, pages and the cluster only translate. What may
have to be waited for returns a Deferred. The action goes on when nobody waits any more.

Errors call a process by the name that was asked for; those in a list of outcomes by its own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from twisted.internet.defer import Deferred, DeferredList, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from supervisor_tx.activity import Logger
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
    AlreadyStarted,
    BadRange,
    BadSignal,
    CannotStart,
    CommandUnusable,
    ConfigError,
    EndedAbnormally,
    LogFailed,
    NoLogFile,
    NotRunning,
    ShuttingDown,
    SignalRefused,
    StartFailed,
    StateUnknown,
    StdinClosed,
    StdinFull,
    StillRunning,
    SupervisorError,
    UnknownProcess,
)
from supervisor_tx.supervision import ending, orders
from supervisor_tx.supervision.arguments import (
    Channel,
    Characters,
    EventData,
    EventKind,
    GroupFilter,
    GroupName,
    LastOffset,
    Length,
    Names,
    Offset,
    PieceLength,
    PieceOffset,
    ProcessName,
    ProcessOrGroup,
    SearchText,
    Signal,
    StateFilter,
    TailLength,
    WaitApplied,
    WaitDown,
    WaitOneDown,
    WaitOneRestarted,
    WaitOneRuns,
    WaitRestarted,
    WaitRun,
)
from supervisor_tx.supervision.assembly import Assembly
from supervisor_tx.supervision.children.command import find_command
from supervisor_tx.supervision.configwatch import ConfigState, ConfigWatch
from supervisor_tx.supervision.description import catalogue, described
from supervisor_tx.supervision.group import ProcessGroup
from supervisor_tx.supervision.info import (
    ConfigInfo,
    DaemonInfo,
    ProcessInfo,
    config_info,
    describe,
)
from supervisor_tx.supervision.logs import logreading
from supervisor_tx.supervision.logs.logreading import Piece, Tail
from supervisor_tx.supervision.orders import Outcome, Turn
from supervisor_tx.supervision.pool import ListenerPool, PoolStats
from supervisor_tx.supervision.principal import BY_SIGNAL, Principal
from supervisor_tx.supervision.process import STDERR, STDOUT, SupervisedProcess
from supervisor_tx.supervision.service import Supervisor
from supervisor_tx.supervision.update import Done, Updater
from supervisor_tx.supervision.waiting import StopReports, when

__all__ = [
    "BY_SIGNAL",
    "OPERATIONS",
    "STDERR",
    "STDOUT",
    "Commander",
    "Operations",
    "Outcome",
    "Principal",
    "known_signal",
]

if TYPE_CHECKING:
    from supervisor_tx.supervision.figures import Figures, ProcessFigures

_log = Logger()

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
    config_watch: ConfigWatch

    @property
    def clock(self) -> IReactorTime:
        """What durations are counted by."""

    @property
    def figures(self) -> Figures:
        """CPU and memory of what runs."""

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

    def __init__(
        self,
        daemon: Commander,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.daemon = daemon
        self._now, self._seconds = now, clock
        self._began = clock()
        self._updater = Updater(daemon)
        self._reports: StopReports | None = None
        #: all processes as they are listed, and the generation of groups that is true for
        self._listed: tuple[Supervisor | None, int, list[SupervisedProcess]] = (None, 0, [])

    # The daemon

    def check_running(self) -> None:
        """Raise ShuttingDown during a shutdown and a restart, when no orders are taken."""
        if self.daemon.supervisor.state is not SupervisorState.RUNNING:
            raise ShuttingDown

    @described()
    def daemon_info(self, who: Principal) -> DaemonInfo:
        """Tell what is known of the daemon; during a shutdown too."""
        uptime = self._seconds() - self._began
        return DaemonInfo(
            state=self.daemon.supervisor.state,
            pid=os.getpid(),
            started=self._now() - uptime,
            uptime=int(uptime),
            config=self.daemon.config,
        )

    @described()
    async def figures(self, who: Principal) -> Figures:
        """
        Tell the CPU and memory of all programs that run, of the daemon and of the machine.

        Who asks counts for a while as one who looks. The first to look has to wait for half a
        second, as CPU is what is used between two looks.
        """
        await self.daemon.figures.fresh()
        return self.daemon.figures

    @described(ShuttingDown, UnknownProcess)
    async def process_figures(self, who: Principal, name: ProcessName) -> ProcessFigures:
        """Tell the CPU and memory of a process, now and lately, as far as somebody looked."""
        process = self.process(who, name)
        from supervisor_tx.supervision.figures import ProcessFigures

        figures = self.daemon.figures
        await figures.fresh()
        return ProcessFigures(
            figures.latest.get((process.group, process.name)),
            tuple(figures.history(process.group, process.name) or ()),
            figures.problem,
        )

    @described(ShuttingDown)
    def state(self, who: Principal) -> SupervisorState:
        """Tell what the daemon is about."""
        self.check_running()
        return self.daemon.supervisor.state

    @described(changes=True)
    def shutdown(self, who: Principal) -> None:
        """Stop all processes, then end."""
        self.daemon.begin_shutdown()

    @described(ShuttingDown, ConfigError, CannotStart, changes=True)
    def restart(self, who: Principal) -> None:
        """
        Stop all processes, then start anew from the configuration.

        Raises ShuttingDown during a shutdown, and ConfigError, with everything left as it is, where
        the configuration could not be started from.
        """
        if self.daemon.supervisor.state is SupervisorState.SHUTDOWN:
            raise ShuttingDown
        self.daemon.begin_restart()

    @described(changes=True)
    def reopen_logs(self, who: Principal) -> None:
        """Close all log files and open them by name, as after a rotation from outside."""
        self.daemon.reopen_logs()

    @described(changes=True)
    def remote_event(self, who: Principal, kind: EventKind, data: EventData) -> None:
        """Tell the event listeners something; during a shutdown too."""
        self.daemon.remote_event(kind, data)

    # The configuration

    @described(ShuttingDown, ConfigError, changes=True)
    def reread(self, who: Principal) -> Changes:
        """
        Read the configuration again and compare it with the active groups; change nothing.

        Only groups are added from what was read last. Raises ConfigError, and then not even that.
        """
        self.check_running()
        self.daemon.configured = self.daemon.read_config()
        active = [group.config for group in self.daemon.supervisor.groups.values()]
        return changes(active, self.daemon.configured.groups)

    @described()
    def event_stats(self, who: Principal) -> list[PoolStats]:
        """Return how the pools of event listeners keep up, during a shutdown too."""
        groups = self.daemon.supervisor.groups.values()
        return [group.stats() for group in groups if isinstance(group, ListenerPool)]

    def compare(self, config: Config) -> Sequence[Step]:
        """Return what an update to a configuration would do."""
        return self._updater.steps(config)

    @described()
    def config_state(self, who: Principal) -> Deferred[ConfigState]:
        """Tell whether the configuration on disk is the one that is in force."""
        return self.daemon.config_watch.fresh()

    @described(ShuttingDown, ConfigError)
    def plan(self, who: Principal) -> Sequence[Step]:
        """Read the configuration, and tell what an update would do."""
        self.check_running()
        return self._updater.plan()

    @described(ShuttingDown, ConfigError, changes=True)
    async def update(self, who: Principal, wait: WaitApplied = True) -> list[Done]:
        """
        Put a changed configuration into force, touching only what has changed.

        Without wait the steps are those that are planned, without what may come of them.
        """
        if wait:
            return await self._updater.apply(who)
        planned = [Done(step) for step in self.plan(who)]
        ensureDeferred(self._updater.apply(who)).addErrback(_given_up, "an update")
        return planned

    @described(ShuttingDown, UnknownProcess, AlreadyAdded, CannotStart, changes=True)
    def add_group(self, who: Principal, name: GroupName) -> None:
        """
        Make a group of the configuration that was last read active.

        What is to start by itself is started.
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

    @described(ShuttingDown, UnknownProcess, StillRunning, changes=True)
    def remove_group(self, who: Principal, name: GroupName) -> None:
        """Forget a group of which no process runs."""
        self.check_running()
        self.daemon.supervisor.remove(name)

    @described(ShuttingDown)
    def configured(self, who: Principal) -> list[ConfigInfo]:
        """Return the options of all processes of the configuration that was last read."""
        self.check_running()
        return config_info(self.daemon.configured.groups, self.daemon.supervisor.groups)

    # Processes

    @described(ShuttingDown)
    def processes(self, who: Principal) -> Sequence[SupervisedProcess]:
        """Return what is known of all processes."""
        self.check_running()
        supervisor = self.daemon.supervisor
        known, generation, listed = self._listed
        if known is not supervisor or generation != supervisor.generation:
            listed = sorted(_members(supervisor.groups.values()), key=_listing)
            self._listed = supervisor, supervisor.generation, listed
        return listed

    @described(ShuttingDown)
    def find_processes(
        self,
        who: Principal,
        group: GroupFilter = (),
        state: StateFilter = (),
        search: SearchText = "",
    ) -> Sequence[SupervisedProcess]:
        """Return those processes that match all of what is asked for, by group and name."""
        listed = self.processes(who)
        if not (group or state or search):
            return listed
        wanted = search.lower()
        return [
            process
            for process in listed
            if (not group or process.group in group)
            and (not state or process.state in state)
            and wanted in _name(process).lower()
        ]

    def process(self, who: Principal, name: str) -> SupervisedProcess:
        """Return the process of that name (``group:process``); raise UnknownProcess."""
        self.check_running()
        process = self._selected(name)[1]
        if process is None:
            raise UnknownProcess(name)
        return process

    @described(ShuttingDown)
    def groups(self, who: Principal) -> Sequence[ProcessGroup]:
        """Return all groups, in the order in which they start."""
        self.check_running()
        return list(self.daemon.supervisor.groups.values())

    @described(ShuttingDown, UnknownProcess)
    def group(self, who: Principal, name: GroupName) -> ProcessGroup:
        """Return a group."""
        return self._group(name)

    @described(ShuttingDown, UnknownProcess)
    def process_info(self, who: Principal, name: ProcessName) -> ProcessInfo:
        """Return what is known of a process."""
        return describe(self.process(who, name))

    @described(
        ShuttingDown,
        UnknownProcess,
        CommandUnusable,
        AlreadyStarted,
        StateUnknown,
        StartFailed,
        EndedAbnormally,
        changes=True,
    )
    async def start_process(
        self, who: Principal, name: ProcessOrGroup, wait: WaitOneRuns = True
    ) -> list[Outcome] | None:
        """
        Start a process, or with group:* all of a group.

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

    @described(ShuttingDown, UnknownProcess, changes=True)
    async def start_group(
        self, who: Principal, name: GroupName, wait: WaitRun = True
    ) -> list[Outcome]:
        """Start all processes of a group that do not run."""
        return await self._start(_by_priority(self._group(name)), wait)

    @described(ShuttingDown, changes=True)
    async def start_all(self, who: Principal, wait: WaitRun = True) -> list[Outcome]:
        """Start all processes that do not run."""
        return await self._start(self._all(), wait)

    @described(ShuttingDown, UnknownProcess, changes=True)
    async def start_many(self, who: Principal, names: Names, wait: WaitRun = True) -> list[Outcome]:
        """
        Start a selection of processes.

        One that is named itself and runs is told of as such. Raises UnknownProcess before anything
        is done.
        """
        chosen, named = self._chosen(names)
        return await self._start(chosen, wait, named)

    @described(ShuttingDown, UnknownProcess, NotRunning, SignalRefused, changes=True)
    async def stop_process(
        self, who: Principal, name: ProcessOrGroup, wait: WaitOneDown = True
    ) -> list[Outcome] | None:
        """
        Stop a process, or with group:* all of a group.

        Returns a list for a group only. Raises UnknownProcess, NotRunning, SignalRefused.
        """
        self.check_running()
        group, process = self._selected(name)
        if process is None:
            return await self._stop(who, _by_priority(group), wait)
        await orders.stop(process, name, wait, Turn(), str(who), self._stop_reports())
        return None

    @described(ShuttingDown, UnknownProcess, changes=True)
    async def stop_group(
        self, who: Principal, name: GroupName, wait: WaitDown = True
    ) -> list[Outcome]:
        """Stop all processes of a group that run."""
        return await self._stop(who, _by_priority(self._group(name)), wait)

    @described(ShuttingDown, changes=True)
    async def stop_all(self, who: Principal, wait: WaitDown = True) -> list[Outcome]:
        """Stop all processes that run."""
        return await self._stop(who, self._all(), wait)

    @described(ShuttingDown, UnknownProcess, changes=True)
    async def stop_many(self, who: Principal, names: Names, wait: WaitDown = True) -> list[Outcome]:
        """
        Stop a selection of processes.

        One that is named itself and does not run is told of as such. Raises UnknownProcess before
        anything is done.
        """
        chosen, named = self._chosen(names)
        return await self._stop(who, chosen, wait, named)

    @described(
        ShuttingDown,
        UnknownProcess,
        CommandUnusable,
        StateUnknown,
        StartFailed,
        EndedAbnormally,
        changes=True,
    )
    async def restart_process(
        self, who: Principal, name: ProcessName, wait: WaitOneRestarted = True
    ) -> None:
        """
        Stop a process, if it runs, and start it.

        One whose command could not be run is left running. Raises UnknownProcess, CommandUnusable,
        StateUnknown, StartFailed, EndedAbnormally.
        """
        for outcome in await self._restart(who, [self.process(who, name)], wait):
            if outcome.error is not None:
                raise outcome.error

    @described(ShuttingDown, UnknownProcess, changes=True)
    async def restart_group(
        self, who: Principal, name: GroupName, wait: WaitRestarted = True
    ) -> list[Outcome]:
        """Stop all of a group that runs, then start all of it."""
        return await self._restart(who, _by_priority(self._group(name)), wait)

    @described(ShuttingDown, UnknownProcess, changes=True)
    async def restart_many(
        self, who: Principal, names: Names, wait: WaitRestarted = True
    ) -> list[Outcome]:
        """
        Stop what runs of a selection of processes, then start all of it.

        Raises UnknownProcess before anything is done.
        """
        return await self._restart(who, self._chosen(names)[0], wait)

    @described(ShuttingDown, UnknownProcess, BadSignal, NotRunning, SignalRefused, changes=True)
    def signal_process(
        self, who: Principal, name: ProcessOrGroup, signal: Signal
    ) -> list[Outcome] | None:
        """
        Send a signal to a process, or with group:* to all of a group.

        Returns a list for a group only. Raises UnknownProcess, BadSignal, NotRunning,
        SignalRefused.
        """
        self.check_running()
        group, process = self._selected(name)
        if process is None:
            return self._signal_each(_by_priority(group), signal)
        _signal(process, name, signal)
        return None

    @described(ShuttingDown, UnknownProcess, BadSignal, changes=True)
    def signal_group(self, who: Principal, name: GroupName, signal: Signal) -> list[Outcome]:
        """Send a signal to all processes of a group."""
        return self._signal_each(_by_priority(self._group(name)), signal)

    @described(ShuttingDown, BadSignal, changes=True)
    def signal_all(self, who: Principal, signal: Signal) -> list[Outcome]:
        """Send a signal to all processes."""
        return self._signal_each(self._all(), signal)

    @described(ShuttingDown, UnknownProcess, BadSignal, changes=True)
    def signal_many(self, who: Principal, names: Names, signal: Signal) -> list[Outcome]:
        """
        Send a signal to a selection of processes.

        One that is named itself and does not run is told of as such. Raises UnknownProcess and
        BadSignal before anything is done.
        """
        chosen, named = self._chosen(names)
        known_signal(signal)
        return self._signal_each(chosen, signal, named)

    @described(ShuttingDown, UnknownProcess, NotRunning, StdinClosed, StdinFull, changes=True)
    def send_stdin(self, who: Principal, name: ProcessName, chars: Characters) -> None:
        """
        Write to a process's standard input, in UTF-8; what it does not read yet is kept.

        Raises UnknownProcess, NotRunning, StdinClosed, StdinFull.
        """
        try:
            self.process(who, name).send_stdin(chars.encode("utf-8", "surrogatepass"))
        except (NotRunning, StdinClosed, StdinFull) as error:
            raise type(error)(name) from error

    # Logs

    @described(ShuttingDown, BadRange, NoLogFile, LogFailed)
    def read_main_log(self, who: Principal, offset: Offset, length: Length) -> Deferred[bytes]:
        """Return a piece of the daemon's own log."""
        self.check_running()
        logfile = self.daemon.config.supervisord.logfile
        return self.daemon.in_thread(logreading.read, logfile, offset, length)

    @described(ShuttingDown, NoLogFile, LogFailed, changes=True)
    def clear_main_log(self, who: Principal) -> None:
        """Begin the daemon's own log anew."""
        self.check_running()
        self.daemon.clear_log()

    @described(ShuttingDown, UnknownProcess, BadRange, NoLogFile, LogFailed)
    def read_log(
        self, who: Principal, name: ProcessName, channel: Channel, offset: Offset, length: Length
    ) -> Deferred[bytes]:
        """Return a piece of a process's log."""
        path = self.process(who, name).logfile(channel)
        return self.daemon.in_thread(logreading.read, path, offset, length)

    @described(ShuttingDown, UnknownProcess)
    def tail_log(
        self,
        who: Principal,
        name: ProcessName,
        channel: Channel,
        offset: LastOffset,
        length: TailLength,
    ) -> Deferred[Tail]:
        """Return the end of a process's log, if it has grown beyond an offset."""
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

    @described(UnknownProcess, NoLogFile, LogFailed)
    def log_piece(
        self,
        who: Principal,
        name: ProcessName,
        channel: Channel,
        offset: PieceOffset = 0,
        length: PieceLength = 65536,
    ) -> Deferred[Piece]:
        """
        Return a piece of a process's log that begins and ends with whole characters.

        During a shutdown too. Raises UnknownProcess, NoLogFile, LogFailed.
        """
        path = self.log_path(who, name, channel)
        return self.daemon.in_thread(logreading.piece, path, offset, length)

    @described(NoLogFile, LogFailed)
    def main_log_piece(
        self, who: Principal, offset: PieceOffset = 0, length: PieceLength = 65536
    ) -> Deferred[Piece]:
        """
        Return a piece of the activity log that begins and ends with whole characters.

        During a shutdown too. Raises NoLogFile, LogFailed.
        """
        return self.daemon.in_thread(logreading.piece, self.main_log_path(who), offset, length)

    @described(ShuttingDown, UnknownProcess, LogFailed, changes=True)
    def clear_logs(self, who: Principal, name: ProcessName) -> None:
        """
        Begin the logs of a process anew, if it runs.

        Raises UnknownProcess, and LogFailed with the name for its text.
        """
        try:
            self.process(who, name).clear_logs()
        except OSError as error:
            raise LogFailed(name) from error

    @described(ShuttingDown, changes=True)
    def clear_all_logs(self, who: Principal) -> Deferred[list[Outcome]]:
        """Begin the logs of all processes that run anew."""
        self.check_running()
        return self._clear(self._all())

    @described(ShuttingDown, UnknownProcess, changes=True)
    def clear_group_logs(self, who: Principal, name: GroupName) -> Deferred[list[Outcome]]:
        """Begin the logs of all of a group that runs anew."""
        return self._clear(_by_priority(self._group(name)))

    @described(ShuttingDown, UnknownProcess, changes=True)
    def clear_many_logs(self, who: Principal, names: Names) -> Deferred[list[Outcome]]:
        """Begin the logs of a selection of processes anew."""
        return self._clear(self._chosen(names)[0])

    # How it is done

    def _clear(self, waiting: list[SupervisedProcess]) -> Deferred[list[Outcome]]:
        """Begin logs anew, a few in each turn of the loop."""
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

    def _chosen(
        self, names: Iterable[str]
    ) -> tuple[list[SupervisedProcess], set[SupervisedProcess]]:
        """Find a selection, by priority, and those in it that are named themselves."""
        found = self._all()
        named: set[SupervisedProcess] = set()
        implied: set[SupervisedProcess] = set()
        for name in names:
            if name == "*":
                implied.update(found)
                continue
            group, process = self._selected(name)
            if process is None:
                implied.update(group.processes.values())
            else:
                named.add(process)
        return [each for each in found if each in named or each in implied], named

    def _look_up(
        self, processes: Sequence[SupervisedProcess]
    ) -> Deferred[list[CommandUnusable | None]]:
        """Find out, in a thread, what keeps each of the commands from being run."""
        commands = [
            (process.config.command, process.environment.get("PATH")) for process in processes
        ]
        return self.daemon.in_thread(_problems, commands)

    async def _start(
        self,
        candidates: list[SupervisedProcess],
        wait: bool,
        named: Collection[SupervisedProcess] = (),
    ) -> list[Outcome]:
        idle = [
            process
            for process in candidates
            if process.state not in RUNNING_STATES or process in named
        ]
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
        self,
        who: Principal,
        candidates: list[SupervisedProcess],
        wait: bool,
        named: Collection[SupervisedProcess] = (),
    ) -> Deferred[list[Outcome]]:
        reports = self._stop_reports()
        for process in candidates:
            if process.state is ProcessState.EXITED:  # does not run, but may be about to again
                process.stop(ending.STOPPED, str(who))
        return orders.each(
            [each for each in candidates if each.state in RUNNING_STATES or each in named],
            lambda process, turn: orders.stop(
                process, _name(process), wait, turn, str(who), reports
            ),
            self.daemon.clock,
        )

    async def _restart(
        self, who: Principal, processes: list[SupervisedProcess], wait: bool
    ) -> list[Outcome]:
        """Stop and start; what could not be started again is not stopped."""
        problems = dict(zip(processes, await self._look_up(processes), strict=True))
        self.check_running()
        refused = [Outcome(each, problem) for each, problem in problems.items() if problem]
        able = [each for each, problem in problems.items() if not problem]
        if wait:
            return refused + await self._stop_and_start(who, able, True)
        ensureDeferred(self._stop_and_start(who, able, False)).addErrback(_given_up, "a restart")
        return refused + [Outcome(each) for each in able]

    async def _stop_and_start(
        self, who: Principal, processes: list[SupervisedProcess], wait: bool
    ) -> list[Outcome]:
        stopped = await self._stop(who, processes, True)
        stuck = [each for each in stopped if isinstance(each.error, SignalRefused)]
        left = [each for each in processes if each not in {outcome.process for outcome in stuck}]
        # Some were on their way down already.
        await DeferredList([_down(each) for each in left])
        self.check_running()
        return stuck + await self._start(left, wait)

    def _stop_reports(self) -> StopReports:
        if self._reports is None:
            self._reports = StopReports(self.daemon.clock)
        return self._reports

    def _signal_each(
        self,
        candidates: list[SupervisedProcess],
        signal: str | int,
        named: Collection[SupervisedProcess] = (),
    ) -> list[Outcome]:
        outcomes = []
        for process in [
            each for each in candidates if each.state in SIGNALLABLE_STATES or each in named
        ]:
            try:
                _signal(process, _name(process), signal)
            except SupervisorError as error:
                outcomes.append(Outcome(process, error))
            else:
                outcomes.append(Outcome(process))
        return outcomes


def _down(process: SupervisedProcess) -> Deferred[None]:
    return when(process, lambda: process.is_stopped)


def _given_up(failure: Failure, what: str) -> None:
    """Say what has become of something that nobody waits for."""
    failure.trap(SupervisorError)
    _log.warn("{what} was given up: {error}", what=what, error=failure.value)


def known_signal(signal: str | int) -> int:
    """Return the number of a signal; raise BadSignal."""
    try:
        return signal_number(str(signal))
    except ValueError:
        raise BadSignal(signal) from None


def _signal(process: SupervisedProcess, name: str, signal: str | int) -> None:
    number = known_signal(signal)
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


#: All operations, by name.
OPERATIONS = catalogue(Operations)
