"""
One supervised process: performs what its lifecycle asks for.

All inputs go through :meth:`SupervisedProcess.feed`, one at a time: an effect that causes further
inputs (a signal that the kernel refuses, a subscriber that stops the process) leaves them in the
queue until the effects at hand are done.
"""

from __future__ import annotations

import errno
import time
import traceback
from collections.abc import Callable, Mapping

from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from supervisor_tx.activity import Logger
from supervisor_tx.config.model import ProcessConfig
from supervisor_tx.core.exitstatus import ExitStatus, signal_name, status_text
from supervisor_tx.core.lifecycle import (
    Abandon,
    Announce,
    Effect,
    Exited,
    Input,
    KillFailed,
    Lifecycle,
    Log,
    Milestone,
    RestartPolicy,
    Signal,
    Spawn,
    Spawned,
    SpawnRefused,
    Stop,
    StopWaiting,
    Wait,
)
from supervisor_tx.core.states import SIGNALLABLE_STATES, STOPPED_STATES, ProcessState
from supervisor_tx.errors import (
    NotRunning,
    SignalRefused,
    SpawnFailed,
    StdinClosed,
    StdinFull,
    UnexpectedInput,
)
from supervisor_tx.supervision import ending
from supervisor_tx.supervision.children.child import ChildProtocol
from supervisor_tx.supervision.ending import Ending
from supervisor_tx.supervision.interfaces import Channel, IChildTransport, ISpawner, SpawnOrder
from supervisor_tx.supervision.sockets import SharedSocket
from supervisor_tx.values import field, mutable

_log = Logger()

TOO_QUICK = "Exited too quickly (process log may have details)"

STDIN, STDOUT, STDERR = 0, 1, 2

#: Bytes that wait for a child to read its stdin, above which it is given no more.
STDIN_BACKLOG = 16 * 1024 * 1024


def policy(config: ProcessConfig) -> RestartPolicy:
    """Pick out of a program's options those that shape its life."""
    return RestartPolicy(
        startsecs=config.startsecs,
        startretries=config.startretries,
        autorestart=config.autorestart,
        exitcodes=frozenset(config.exitcodes),
        stopsignal=config.stopsignal,
        stopwaitsecs=config.stopwaitsecs,
        stopasgroup=config.stopasgroup,
        killasgroup=config.killasgroup,
    )


@mutable(slots=True, weakref_slot=True)
class SupervisedProcess:
    """
    A process of a group, whether it runs or not.

    ``environment`` is all that the child will see. ``channels`` are its outputs by the child's
    descriptor: 1, and 2 unless that is redirected. ``announce`` is called with each change of
    state, after it. Times shown to people are seconds since the epoch, 0 for never; durations are
    taken from ``clock``.
    """

    config: ProcessConfig
    group: str
    clock: IReactorTime
    spawner: ISpawner
    environment: Mapping[str, str]
    channels: Mapping[int, Channel]
    announce: Callable[[SupervisedProcess, Announce], None]
    socket: SharedSocket | None = None
    now: Callable[[], float] = time.time

    life: Lifecycle = field(init=False)
    laststart: float = field(default=0, init=False)
    laststop: float = field(default=0, init=False)
    spawnerr: str | None = field(default=None, init=False)
    #: as Supervisor tells it: the exit code, -1 for a signal, None while it runs or ended too early
    exitstatus: int | None = field(default=None, init=False)
    #: whether it has ever run and ended
    has_ended: bool = field(default=False, init=False)
    #: how it ended the last time: the word of ``waitpid``, None where nobody knows
    wait_status: int | None = field(default=None, init=False)
    transport: IChildTransport | None = field(default=None, init=False)
    #: what plugins know it by, if there are any
    view: object | None = field(default=None, init=False)
    #: stays until all have heard of the end
    pid: int | None = field(default=None, init=False)
    #: an order is with the spawner
    spawning: bool = field(default=False, init=False)
    #: how it ended the last time, and on whose account
    last_end: Ending = field(default_factory=Ending, init=False)
    #: what the kernel had against the last signal that was to stop it
    kill_error: str = field(default="", init=False)
    #: grows with everything that can be seen from outside
    version: int = field(default=0, init=False)
    #: called after all that befalls it, when it has settled down; they take themselves off
    watchers: list[Callable[[], None]] = field(default_factory=list, init=False)
    #: cause of a stop that is under way, and who asked for it
    stopping: tuple[str, str] | None = field(default=None, init=False)
    #: when it was spawned, by the clock
    spawned_at: float = field(default=0, init=False)
    timer: IDelayedCall | None = field(default=None, init=False)
    #: what the timer brings
    then: Input | None = field(default=None, init=False)
    #: what its child was given for a stdin
    _held_socket: SharedSocket | None = field(default=None, init=False)
    #: for its next start, where its child still writes to others
    _next_channels: Mapping[int, Channel] | None = field(default=None, init=False)
    _inputs: list[Input] = field(default_factory=list, init=False)
    _performing: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.life = Lifecycle(policy(self.config))

    @property
    def name(self) -> str:
        """The name within the group."""
        return self.config.name

    @property
    def state(self) -> ProcessState:
        """Where it is in its life."""
        return self.life.state

    @property
    def is_stopped(self) -> bool:
        """Whether nothing runs, and nothing is about to."""
        return self.life.state in STOPPED_STATES

    @property
    def is_busy(self) -> bool:
        """Whether it is in the middle of an input, so that others have to wait for their turn."""
        return self._performing

    # What is asked of it

    def feed(self, what: Input) -> None:
        """Take an input now, or after those already waiting: subscribers may feed back."""
        self._inputs.append(what)
        if self._performing:
            return
        self._performing = True
        try:
            while self._inputs:
                self._take(self._inputs.pop(0))
        finally:
            self._performing = False
        for watcher in list(self.watchers):
            try:
                watcher()
            except Exception:  # noqa: BLE001 (whoever waits may not harm the process)
                _log.failure("{name}: somebody who waited for it failed", name=self.name)

    def stop(self, cause: str = ending.STOPPED, by: str = "") -> None:
        """
        Take it down, on somebody's account: one of the causes of :mod:`.ending`.

        At a shutdown a failed start that waits for its next attempt is given up.
        """
        if self.stopping is None and not self.is_stopped:
            self.stopping = cause, by
        backoff = self.life.state is ProcessState.BACKOFF
        self.feed(Abandon() if backoff and cause == ending.SHUTDOWN else Stop())

    def force(self, state: ProcessState, expected: bool = False) -> None:
        """Be in a state that needs no process, because a plugin says so; raise ValueError."""
        for effect in self.life.force(state, expected):
            self.perform(effect)
        self.version += 1

    def signal(self, number: int) -> None:
        """
        Send a signal to the process alone, with no intent to stop it.

        Raises NotRunning where there is no process, SignalRefused where the kernel says no.
        """
        if self.life.state not in SIGNALLABLE_STATES or self.transport is None:
            raise NotRunning(self.name)
        pid = self.pid
        _log.debug(
            "sending {name} (pid {pid}) sig {signal}",
            name=self.name,
            pid=pid,
            signal=signal_name(number),
        )
        try:
            self.transport.signalProcess(number)
        except ProcessExitedAlready as gone:
            self._gone_before_signal(gone, "just now exited")
        except OSError as refused:
            text = f"unknown problem sending sig {self.name} ({pid}):{traceback.format_exc()}"
            _log.critical("{text}", text=text)
            self.feed(KillFailed())
            raise SignalRefused(self.name, text) from refused

    def send_stdin(self, data: bytes) -> None:
        """
        Write to its stdin, now or when it reads on.

        Raises NotRunning, StdinClosed, or StdinFull where it has not read for too long.
        """
        transport = self.transport
        if transport is None or self.life.state in STOPPED_STATES | {ProcessState.STOPPING}:
            raise NotRunning(self.name)
        if not transport.stdin_open:
            raise StdinClosed(self.name)
        if transport.backlog > STDIN_BACKLOG:
            raise StdinFull(self.name)
        transport.writeToChild(STDIN, data)
        if not transport.stdin_open:
            raise StdinClosed(self.name)

    def logfile(self, descriptor: int) -> str | None:
        """Return the path of the log of its descriptor 1 or 2; None: it has none."""
        channel = self.channels.get(descriptor)
        return None if channel is None else channel.logfile

    def clear_logs(self) -> None:
        """Begin anew the log files that are open, so only if it runs; raises OSError."""
        failed: OSError | None = None
        for channel in self.channels.values():
            try:
                channel.clear()
            except OSError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def reopen_logs(self) -> None:
        """Open its log files anew, by name."""
        for channel in self.channels.values():
            channel.reopen()

    def close(self) -> None:
        """Let go of what is held between two runs; the process must be stopped."""
        self._stop_waiting()
        for channel in (*self.channels.values(), *(self._next_channels or {}).values()):
            channel.close()

    def renew(
        self,
        config: ProcessConfig,
        environment: Mapping[str, str],
        channels: Mapping[int, Channel],
        socket: SharedSocket | None,
    ) -> None:
        """
        Go on under another configuration, as far as that is possible while a child lives.

        Its life and its logs change at once, what it was executed with at its next start. Channels
        that are the same objects as before go on. Raises OSError where a log cannot be opened; then
        it goes on in the old ones.
        """
        lives = self.transport is not None or self.spawning
        if lives and channels.keys() == self.channels.keys():
            self._move_logs(channels)
        elif lives:
            self._let_go_of_next_channels(channels)
            self._next_channels = channels
        else:
            self._take_channels(channels)
        self.config, self.environment, self.socket = config, environment, socket
        self.life.policy = policy(config)
        self.version += 1

    def _move_logs(self, channels: Mapping[int, Channel]) -> None:
        """Let the child that lives write elsewhere."""
        fresh = [channel for fd, channel in channels.items() if channel is not self.channels[fd]]
        try:
            for channel in fresh:
                channel.open()
        except OSError:
            for channel in fresh:
                channel.close()
            raise
        for channel in fresh:
            if self.transport is not None:
                channel.begin(self.transport)
        for fd, channel in self.channels.items():
            if channel is not channels[fd]:
                channel.ended()
        self._take_channels(channels)

    def _take_channels(self, channels: Mapping[int, Channel]) -> None:
        before, self.channels = self.channels, channels
        for channel in before.values():
            if channel not in channels.values():
                channel.close()
        self._let_go_of_next_channels(channels)

    def _let_go_of_next_channels(self, but: Mapping[int, Channel]) -> None:
        kept = (*self.channels.values(), *but.values())
        for channel in (self._next_channels or {}).values():
            if channel not in kept:
                channel.close()
        self._next_channels = None

    # What its child tells

    def child_spawned(self, transport: IChildTransport) -> None:
        """The program runs."""
        self.spawning = False
        self.transport = transport
        self.pid = transport.pid
        self.spawned_at = self.clock.seconds()
        self.laststart = self.now()
        self.spawnerr = None
        self.version += 1
        for channel in self.channels.values():
            channel.begin(transport)
        _log.info("spawned: '{name}' with pid {pid}", name=self.name, pid=transport.pid)
        self.feed(Spawned())

    def child_said(self, descriptor: int, data: bytes) -> None:
        """Bytes for one of its logs."""
        self.channels[descriptor].received(data)

    def child_ended(self, status: int | None) -> None:
        """It is gone: note how, and let the lifecycle decide what that means."""
        end = ExitStatus.from_wait(status)
        number = -1 if end.code is None else end.code
        uptime = self.clock.seconds() - self.spawned_at
        self.wait_status, self.has_ended = status, True
        self.laststop = self.now()
        for channel in self.channels.values():
            channel.ended()
        if self.life.state is ProcessState.STARTING and uptime < self.config.startsecs:
            self.exitstatus, self.spawnerr = None, TOO_QUICK
        else:
            self.exitstatus = number
            stopped = self.life.state in (ProcessState.STOPPING, ProcessState.UNKNOWN)
            if not stopped and not self.life.expects(end.code):
                self.spawnerr = f"Bad exit code {number}"
        self.last_end = self._ending(end)
        self.transport = None
        self.version += 1
        held, self._held_socket = self._held_socket, None
        self.feed(Exited(end.code, end.signal, uptime))
        if held is not None:  # after a start anew, which then takes over the same socket
            held.release()

    def _ending(self, end: ExitStatus) -> Ending:
        """Put together how it ended, while the state still tells why."""
        expected = self.exitstatus is not None and self.life.expects(end.code)
        if self.life.state in (ProcessState.STOPPING, ProcessState.UNKNOWN):
            cause, by = self.stopping or (ending.STOPPED, "")
        else:
            by = ""
            if end.code is not None:
                cause = ending.EXIT
            else:
                cause = ending.UNKNOWN if end.signal is None else ending.SIGNAL
        return Ending(end.code, end.signal, expected, cause, by)

    # How it is done

    def _take(self, what: Input) -> None:
        try:
            effects = self.life.receive(what)
        except UnexpectedInput as error:
            # A defect of ours, but not one that the process shall suffer for.
            _log.error("{name}: {error}", name=self.name, error=error)
            return
        for effect in effects:
            self.perform(effect)
        if isinstance(what, Exited):
            self.pid = None
        if self.is_stopped:
            self.stopping = None
        self.version += 1

    def perform(self, effect: Effect) -> None:
        """Do what the lifecycle asks for."""
        match effect:
            case Announce():
                self._announce(effect)
            case Log():
                self._write_milestone(effect)
            case Spawn():
                self._spawn()
            case Signal():
                self._signal(effect)
            case Wait():
                self.wait(effect.seconds, effect.then)
            case StopWaiting():
                self._stop_waiting()

    def wait(self, seconds: float, then: Input) -> None:
        """Set the one timer, in place of what it was set to."""
        self._stop_waiting()
        self.then = then
        self.timer = self.clock.callLater(seconds, self._waited)

    def _announce(self, change: Announce) -> None:
        if change.now is ProcessState.STARTING:
            self.laststart = self.now()
        try:
            self.announce(self, change)
        except Exception:  # noqa: BLE001 (a subscriber may not harm the process)
            _log.failure("{name}: a subscriber to its states failed", name=self.name)

    def _waited(self) -> None:
        then, self.timer, self.then = self.then, None, None
        assert then is not None
        self.feed(then)

    def _stop_waiting(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = self.then = None

    def _spawn(self) -> None:
        self.exitstatus = None
        if self._next_channels is not None:
            self._take_channels(self._next_channels)
        try:
            self._open_channels()
            stdin = None if self.socket is None else self.socket.acquire()
            self._held_socket = self.socket
        except SpawnFailed as error:
            self._refuse(error)
            return
        self.spawning = True
        config = self.config
        order = SpawnOrder(
            name=config.name,
            command=config.command,
            environment=self.environment,
            directory=config.directory,
            umask=config.umask,
            uid=config.uid,
            stdin=stdin,
            redirect_stderr=config.redirect_stderr,
            reset_signals=config.reset_signals,
        )
        self.spawner.spawn(order, ChildProtocol(self), self._spawn_failed)

    def _open_channels(self) -> None:
        try:
            for channel in self.channels.values():
                channel.open()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise SpawnFailed(f"too many open files to spawn '{self.name}'") from error
            _log.warn("a log of {name} cannot be opened: {error}", name=self.name, error=error)
            code = errno.errorcode.get(error.errno or 0, str(error))
            raise SpawnFailed(
                f"unknown error making dispatchers for '{self.name}': {code}"
            ) from error

    def _spawn_failed(self, error: SpawnFailed) -> None:
        self.spawning = False
        held, self._held_socket = self._held_socket, None
        if held is not None:
            held.release()
        self._refuse(error)

    def hold_socket(self) -> None:
        """Count as a user of its socket: a child that was taken up has it."""
        self._held_socket = self.socket
        if self.socket is not None:
            self.socket.users += 1

    def _refuse(self, error: SpawnFailed) -> None:
        self.spawnerr = error.spawnerr
        self.last_end = Ending(cause=ending.SPAWN_ERROR)
        self.version += 1
        if error.complaint is not None:
            text = f"supervisor: {error.complaint}\nsupervisor: child process was not spawned\n"
            channel = self.channels.get(STDERR) or self.channels[STDOUT]
            channel.received(text.encode("utf-8", "surrogateescape"))
        for channel in self.channels.values():
            channel.ended()
        _log.info("spawnerr: {text}", text=error.spawnerr)
        self.feed(SpawnRefused())

    def _signal(self, effect: Signal) -> None:
        transport = self.transport
        if transport is None:  # ended, but that news is still in the queue
            return
        _log.debug(
            "killing {name} (pid {pid}) {group}with signal {signal}",
            name=self.name,
            pid=self.pid,
            group="process group " if effect.to_group else "",
            signal=signal_name(effect.number),
        )
        try:
            if effect.to_group:
                transport.signalGroup(effect.number)
            else:
                transport.signalProcess(effect.number)
        except ProcessExitedAlready as gone:
            self._gone_before_signal(gone, "just exited")
        except OSError:
            self.kill_error = (
                f"unknown problem killing {self.name} ({self.pid}):{traceback.format_exc()}"
            )
            _log.critical("{text}", text=self.kill_error)
            self.feed(KillFailed())

    def _gone_before_signal(self, error: Exception, when: str) -> None:
        _log.debug(
            "unable to signal {name} (pid {pid}), it probably {when} on its own: {error}",
            name=self.name,
            pid=self.pid,
            when=when,
            error=error,
        )

    def _write_milestone(self, effect: Log) -> None:
        name, config = self.name, self.config
        match effect.what:
            case Milestone.SUCCESS:
                _log.info(
                    "success: {name} entered RUNNING state, process has stayed up for "
                    "> than {startsecs} seconds (startsecs)",
                    name=name,
                    startsecs=config.startsecs,
                )
            case Milestone.EXITED:
                write = _log.info if effect.expected else _log.warn
                write(
                    "exited: {name} ({status}; {expected})",
                    name=name,
                    status=status_text(self.wait_status),
                    expected="expected" if effect.expected else "not expected",
                )
            case Milestone.STOPPED:
                write = _log.info if effect.expected else _log.warn
                write("stopped: {name} ({status})", name=name, status=status_text(self.wait_status))
            case Milestone.GAVE_UP:
                _log.info(
                    "gave up: {name} entered FATAL state, too many start retries too quickly",
                    name=name,
                )
            case Milestone.KILLING:
                _log.warn("killing '{name}' ({pid}) with SIGKILL", name=name, pid=self.pid)
