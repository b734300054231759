"""
What may be asked of the daemon from outside: the one layer under all faces.

Each operation is a function of who asks and of typed arguments. It checks, acts, and raises errors
of :mod:`supervisor_tx.errors`; signals, XML-RPC, pages and the cluster only translate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from supervisor_tx.core import namespec
from supervisor_tx.core.lifecycle import Start, Stop
from supervisor_tx.core.states import RUNNING_STATES, ProcessState, SupervisorState
from supervisor_tx.errors import (
    AlreadyStarted,
    NotRunning,
    ShuttingDown,
    StateUnknown,
    UnknownProcess,
)
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.supervision.service import Supervisor


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: by which way, and as whom, as far as that is known."""

    #: signal, unix, inet or internal
    way: str
    user: str | None = None
    #: of the peer of a unix socket
    uid: int | None = None
    address: str | None = None


#: The kernel does not tell who sent a signal.
BY_SIGNAL = Principal("signal")


class Commander(Protocol):
    """The daemon, as far as operations reach it."""

    supervisor: Supervisor

    def begin_shutdown(self) -> None:
        """Stop everything, then end."""

    def begin_restart(self) -> None:
        """Check the configuration, stop everything, then start anew; raise ConfigError."""

    def reopen_logs(self) -> None:
        """Go on in log files opened by name."""


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations on one daemon."""

    daemon: Commander

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

    def start_process(self, who: Principal, name: str) -> SupervisedProcess:
        """Start a process; raise UnknownProcess, AlreadyStarted, StateUnknown or ShuttingDown."""
        process = self.find(name)
        if process.state in RUNNING_STATES or process.state is ProcessState.STOPPING:
            raise AlreadyStarted(name)
        if process.state is ProcessState.UNKNOWN:
            raise StateUnknown(name)
        process.feed(Start())
        return process

    def stop_process(self, who: Principal, name: str) -> SupervisedProcess:
        """
        Stop a process; raise UnknownProcess, NotRunning or ShuttingDown.

        One that only waits for its next start does not run, but will not start any more either.
        """
        process = self.find(name)
        running = process.state in RUNNING_STATES
        process.feed(Stop())
        if not running:
            raise NotRunning(name)
        return process

    def signal_process(self, who: Principal, name: str, number: int) -> None:
        """Signal a process; raise UnknownProcess, NotRunning, SignalRefused or ShuttingDown."""
        self.find(name).signal(number)

    def find(self, name: str) -> SupervisedProcess:
        """Return the process of that name (``group:process``); raise UnknownProcess."""
        if self.daemon.supervisor.state is not SupervisorState.RUNNING:
            raise ShuttingDown
        group_name, process_name = namespec.split(name)
        group = self.daemon.supervisor.groups.get(group_name)
        process = None if group is None else group.processes.get(process_name or "")
        if process is None:
            raise UnknownProcess(name)
        return process
