"""
Processes and groups, as plugins know them.

Each object stands for one of the daemon's own and keeps nothing but what plugins put there: reading
an attribute reads the truth, and methods do the real thing. There is one object for each process
as long as it is there, so that what a plugin adds to it stays.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from supervisor_tx.core.lifecycle import Start
from supervisor_tx.core.states import RUNNING_STATES, SIGNALLABLE_STATES, ProcessState
from supervisor_tx.errors import NotRunning, SignalRefused, StdinClosed, StdinFull
from supervisor_tx.supervision import ending
from supervisor_tx.values import replace

if TYPE_CHECKING:
    from supervisor_tx.compat.options import ProcessConfig, ProcessGroupConfig, ServerOptions
    from supervisor_tx.supervision.group import ProcessGroup as RealGroup
    from supervisor_tx.supervision.listener import Listener
    from supervisor_tx.supervision.process import SupervisedProcess

#: Who asked for a stop, where plugins do.
BY_PLUGIN = "a plugin"


class Subprocess:
    """A process, whether it runs or not."""

    def __init__(self, config: ProcessConfig, real: SupervisedProcess, group: Any) -> None:
        self.config = config
        self.group = group
        self._real = real
        real.view = self
        config.attach(real)

    def __repr__(self) -> str:
        return f"<Subprocess {self._real.name} in state {self._real.state.name}>"

    # What it is about

    @property
    def pid(self) -> int:
        """The pid; 0: there is no process."""
        return self._real.pid or 0

    @property
    def state(self) -> int:
        """The number of its state."""
        return int(self._real.state)

    def get_state(self) -> int:
        """Return the number of its state."""
        return int(self._real.state)

    @property
    def laststart(self) -> float:
        """When it was started, in seconds since the epoch; 0: never."""
        return self._real.laststart

    @laststart.setter
    def laststart(self, when: float) -> None:
        self._real.laststart = when
        self._real.version += 1

    @property
    def laststop(self) -> float:
        """When it ended, in seconds since the epoch; 0: never."""
        return self._real.laststop

    @laststop.setter
    def laststop(self, when: float) -> None:
        self._real.laststop = when
        self._real.version += 1

    @property
    def spawnerr(self) -> str | None:
        """Why the last start failed, or that it ended badly; None: nothing of the kind."""
        return self._real.spawnerr

    @spawnerr.setter
    def spawnerr(self, text: str | None) -> None:
        self._real.spawnerr = text
        self._real.version += 1

    @property
    def exitstatus(self) -> int | None:
        """The exit code, -1 for a signal; None while it runs or where it ended too early."""
        return self._real.exitstatus

    @exitstatus.setter
    def exitstatus(self, status: int | None) -> None:
        self._real.exitstatus = status
        self._real.version += 1

    @property
    def backoff(self) -> int:
        """Failed starts in a row."""
        return self._real.life.retries

    @backoff.setter
    def backoff(self, number: int) -> None:
        self._real.life.retries = number
        self._real.version += 1

    @property
    def delay(self) -> float:
        """When it is started or killed, in seconds since the epoch; 0: there is nothing planned."""
        timer = self._real.timer
        if timer is None:
            return 0
        return self._real.now() + max(0.0, timer.getTime() - self._real.clock.seconds())

    @property
    def killing(self) -> bool:
        """It was told to end, and has not."""
        return self._real.state is ProcessState.STOPPING

    @property
    def administrative_stop(self) -> bool:
        """It was stopped because somebody wanted it so."""
        if self._real.stopping is not None:
            return True
        return self._real.is_stopped and self._real.last_end.cause in (
            ending.STOPPED,
            ending.SHUTDOWN,
        )

    @property
    def system_stop(self) -> bool:
        """It was given up."""
        return self._real.state is ProcessState.FATAL

    @property
    def listener_state(self) -> int | None:
        """The number of its state as an event listener; None: it is none, or does not run."""
        listener = self._listener()
        return None if listener is None or listener.state is None else int(listener.state)

    @property
    def event(self) -> Any:
        """The event that it has in hand, as an event listener; None: it has none."""
        listener = self._listener()
        if listener is None or listener.in_hand is None:
            return None
        from supervisor_tx.compat.bridge import event_of

        waiting = listener.in_hand
        event = event_of(waiting.event, self.group.options.supervisord)
        event.serial = waiting.serial
        event.pool_serials = {self.group.real.name: waiting.pool_serial}
        return event

    def _listener(self) -> Listener | None:
        from supervisor_tx.supervision.pool import ListenerPool

        pool = getattr(self.group, "real", None)
        return pool.listener(self._real.name) if isinstance(pool, ListenerPool) else None

    # What can be done

    def spawn(self) -> None:
        """Start it; there is a pid a moment later."""
        self._real.feed(Start())

    def stop(self) -> str | None:
        """Stop it, as its configuration says; return what went wrong, None: nothing."""
        return self._kill(None)

    def kill(self, sig: int) -> str | None:
        """Stop it with that signal; return what went wrong, None: nothing."""
        return self._kill(sig)

    def _kill(self, sig: int | None) -> str | None:
        real = self._real
        if real.state not in RUNNING_STATES | SIGNALLABLE_STATES:
            return f"attempted to kill {real.name} with no pid"
        if real.state is ProcessState.STOPPING:
            return self.signal(real.config.stopsignal if sig is None else sig)
        before = real.life.policy
        if sig is not None:
            real.life.policy = replace(before, stopsignal=int(sig))
        try:
            real.kill_error = ""
            real.stop(ending.STOPPED, BY_PLUGIN)
        finally:
            real.life.policy = before
        return real.kill_error or None

    def signal(self, sig: int) -> str | None:
        """Send it a signal, with no intent to stop it; return what went wrong, None: nothing."""
        try:
            self._real.signal(int(sig))
        except NotRunning:
            return f"attempted to send {self._real.name} sig {sig} but it is not running"
        except SignalRefused as error:
            return error.text
        return None

    def write(self, chars: bytes | str) -> None:
        """Write to its standard input; raise OSError (EPIPE) where there is nobody to read."""
        data = chars.encode() if isinstance(chars, str) else bytes(chars)
        try:
            self._real.send_stdin(data)
        except (NotRunning, StdinClosed, StdinFull) as error:
            raise OSError(errno.EPIPE, str(error)) from error

    def give_up(self) -> None:
        """Do not try it any more: FATAL."""
        self.change_state(ProcessState.FATAL)

    def change_state(self, new_state: int, expected: bool = True) -> bool:
        """
        Say that it is in another state; answer whether that was news.

        Raises ValueError where that would not be true: only STOPPED, EXITED, FATAL and UNKNOWN can
        be said, and only of what has no process.
        """
        state = ProcessState(new_state)
        if state is self._real.state:
            return False
        self._real.force(state, expected)
        return True

    def transition(self) -> None:
        """Nothing: here states change when it is time, and are never behind."""

    def finish(self, pid: int, sts: int) -> None:
        """Nothing: the end of a process is noticed when it happens."""

    def get_execv_args(self) -> tuple[str, list[str]]:
        """Return the file that would be executed, and its arguments; raises CommandUnusable."""
        from supervisor_tx.supervision.children.command import find_command

        found = find_command(self._real.config.command, self._real.environment.get("PATH"))
        return found.file, list(found.argv)

    def removelogs(self) -> None:
        """Empty its log files, if it runs; raise OSError."""
        self._real.clear_logs()

    def reopenlogs(self) -> None:
        """Open its log files anew, by name."""
        self._real.reopen_logs()


class FastCGISubprocess(Subprocess):
    """A process whose standard input is a listening socket."""


class _Members(MutableMapping[str, Subprocess]):
    """The processes of a group by name; what a plugin puts in is supervised, and started."""

    def __init__(self, group: ProcessGroupBase) -> None:
        self._group = group

    def __getitem__(self, name: str) -> Subprocess:
        return self._group.view_of(self._group.real.processes[name])

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._group.real.processes))

    def __len__(self) -> int:
        return len(self._group.real.processes)

    def __setitem__(self, name: str, process: Subprocess) -> None:
        self._group.put(name, process)

    def __delitem__(self, name: str) -> None:
        self._group.drop(name)

    def __repr__(self) -> str:
        return repr(dict(self))


class ProcessGroupBase:
    """A group that is active."""

    def __init__(self, config: ProcessGroupConfig, real: RealGroup, options: ServerOptions) -> None:
        self.config = config
        self.real = real
        self.options = options
        self.processes: MutableMapping[str, Subprocess] = _Members(self)
        real.view = self
        config.attach(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.real.name} with {len(self.processes)} processes>"

    def __lt__(self, other: ProcessGroupBase) -> bool:
        """Compare by priority."""
        return self.real.priority < other.real.priority

    def view_of(self, real: SupervisedProcess) -> Subprocess:
        """Return a process of this group, the same object each time."""
        view = real.view
        if isinstance(view, Subprocess):
            return view
        return subprocess_of(real, self)

    def put(self, name: str, process: Subprocess) -> None:
        """Take in a process that :meth:`ProcessConfig.make_process` has made."""
        process.group = self
        self.options.supervisord.take_in(self.real, name, process)

    def drop(self, name: str) -> None:
        """Forget a process that is down; raise KeyError, and ValueError where it is not."""
        self.options.supervisord.drop(self.real, name)

    def transition(self) -> None:
        """Nothing: here states change when it is time, and are never behind."""

    def stop_all(self) -> None:
        """Stop all that runs, the last started first."""
        self.real.stop_all()

    def get_unstopped_processes(self) -> list[Subprocess]:
        """Return those that run, or are about to."""
        return [self.view_of(process) for process in self.real.unstopped()]

    def removelogs(self) -> None:
        """Empty the log files of all that runs; raise OSError."""
        for process in self.processes.values():
            process.removelogs()

    def reopenlogs(self) -> None:
        """Open all log files anew, by name."""
        self.real.reopen_logs()

    def before_remove(self) -> None:
        """Nothing: what is to be let go of is let go of with the group."""

    def after_setuid(self) -> None:
        """Nothing: AUTO logs are made with the processes."""


class ProcessGroup(ProcessGroupBase):
    """A group of programs."""


class FastCGIProcessGroup(ProcessGroup):
    """A group of processes that share a listening socket."""


class EventListenerPool(ProcessGroupBase):
    """A group of event listeners."""


def subprocess_of(real: SupervisedProcess, group: ProcessGroupBase) -> Subprocess:
    """Return a new object for a process of a group."""
    from supervisor_tx.compat.options import config_of

    kind = FastCGISubprocess if real.config.socket is not None else Subprocess
    return kind(config_of(real.config, group.options), real, group)
