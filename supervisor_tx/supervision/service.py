"""
All active groups: their start, and their end in order.

A shutdown goes by levels. All groups of the highest priority number stop together, and only when
every process of theirs is down does the next level hear of it (Supervisor stops one group after the
other; within a level nobody can depend on the order). Nothing here waits for a time: each change of
state tells whether the level is done.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from supervisor_tx.activity import Logger
from supervisor_tx.core.events import (
    PROCESS_STATES,
    ProcessGroupEvent,
    ProcessStateEvent,
    RemoteCommunicationEvent,
    SupervisorStateEvent,
)
from supervisor_tx.core.lifecycle import Announce
from supervisor_tx.core.states import STOPPED_STATES, SupervisorState
from supervisor_tx.errors import StillRunning, UnknownProcess
from supervisor_tx.supervision.bus import EventBus, Ticker
from supervisor_tx.supervision.group import ProcessGroup
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.values import field, mutable

_log = Logger()

#: Seconds between two lines that tell what a shutdown waits for.
REPORT_SECONDS = 3.0


@mutable
class Supervisor:
    """The groups by name in the order in which they start, and what the daemon is about."""

    clock: IReactorTime
    groups: dict[str, ProcessGroup] = field(default_factory=dict)
    state: SupervisorState = SupervisorState.RUNNING
    #: grows when a group comes or goes
    generation: int = 0
    #: called when a group has come, gone or changed
    when_regrouped: list[Callable[[], None]] = field(default_factory=list)
    #: who hears of what happens; nobody does unless there are listeners or plugins
    bus: EventBus = field(default_factory=EventBus)
    #: tells the wall-clock time, for ticks
    now: Callable[[], float] = time.time
    _ticker: Ticker = field(init=False)
    _levels: deque[list[ProcessGroup]] = field(default_factory=deque, init=False)
    #: of the level at hand, what is not down yet
    _awaited: list[SupervisedProcess] = field(default_factory=list, init=False)
    _report: IDelayedCall | None = field(default=None, init=False)
    _down: list[Deferred[None]] = field(default_factory=list, init=False)
    _is_down: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._ticker = Ticker(self.bus, self.clock, self.now)

    def add(self, group: ProcessGroup) -> None:
        """Make a group active; a name that is taken stays with the group that has it."""
        if group.name in self.groups:
            return
        self.groups[group.name] = group
        self.regroup()
        group.activated()
        self.bus.publish("PROCESS_GROUP_ADDED", lambda: ProcessGroupEvent(group.name, added=True))

    def remove(self, name: str) -> None:
        """Forget a group of which nothing runs; raise UnknownProcess or StillRunning."""
        group = self.groups.get(name)
        if group is None:
            raise UnknownProcess(name)
        if group.unstopped():
            raise StillRunning(name)
        del self.groups[name]
        self.regroup()
        group.close()
        self.bus.publish("PROCESS_GROUP_REMOVED", lambda: ProcessGroupEvent(name, added=False))

    def regroup(self) -> None:
        """Groups, or what is in them, are not what they were."""
        self.generation += 1
        for hear in self.when_regrouped:
            hear()

    def start(self) -> None:
        """Start what is to start by itself, lower priority numbers first."""
        self._announce("RUNNING")
        self._ticker.start()
        for group in list(self.groups.values()):
            group.autostart()

    def stop(self, state: SupervisorState) -> Deferred[None]:
        """
        Stop everything, in order; fire when all is down.

        ``state`` is SHUTDOWN or RESTARTING. A shutdown overrides a restart that is under way, never
        the other way round.
        """
        first = self.state is SupervisorState.RUNNING
        self.state = min(self.state, state)
        done: Deferred[None] = Deferred()
        if self._is_down:
            done.callback(None)
            return done
        self._down.append(done)
        if first:
            self._announce("STOPPING")
            for group in self.groups.values():
                group.quiesce()
            self._levels.extend(_levels(self.groups.values()))
            self._next_level()
        return done

    def changed(self, process: SupervisedProcess, change: Announce) -> None:
        """Hear of each change of state of each process, and tell those who want to hear too."""
        if self.bus.wants(PROCESS_STATES[change.now]):
            self.bus.tell(
                ProcessStateEvent(
                    process.name,
                    process.group,
                    change.was,
                    change.now,
                    process.pid or 0,
                    change.tries,
                    change.expected,
                )
            )
        if self._awaited and change.now in STOPPED_STATES:
            self._await_fewer()

    def remote_event(self, kind: str, data: str) -> None:
        """Pass on what a client has to say."""
        self.bus.publish("REMOTE_COMMUNICATION", lambda: RemoteCommunicationEvent(kind, data))

    def _announce(self, state: str) -> None:
        self.bus.publish(f"SUPERVISOR_STATE_CHANGE_{state}", lambda: SupervisorStateEvent(state))

    def unstopped(self) -> list[SupervisedProcess]:
        """All processes that run, or are about to."""
        return _unstopped(self.groups.values())

    def reopen_logs(self) -> None:
        """Open all child logs anew, by name."""
        for group in self.groups.values():
            group.reopen_logs()

    def close(self) -> None:
        """Let go of logs, and tick no more; all must be down."""
        self._ticker.stop()
        for group in self.groups.values():
            group.close()

    def _next_level(self) -> None:
        while self._levels:
            level = self._levels.popleft()
            for group in level:
                group.stop_all()
            # What was down at once needs no waiting for, and nothing was awaited that it could end.
            self._awaited = _unstopped(level)
            if self._awaited:
                if self._report is None:
                    self._report_waiting()
                return
        self._finish()

    def _await_fewer(self) -> None:
        # From the end, as far as it goes: to look at all after each change would be quadratic.
        while self._awaited and self._awaited[-1].is_stopped:
            self._awaited.pop()
        if not self._awaited:
            # not from within the change: those who come after us shall see it first
            self.clock.callLater(0, self._next_level)

    def _report_waiting(self) -> None:
        names = ", ".join(process.name for process in self.unstopped())
        _log.info("waiting for {names} to die", names=names)
        self._report = self.clock.callLater(REPORT_SECONDS, self._report_waiting)

    def _finish(self) -> None:
        self._is_down = True
        if self._report is not None:
            self._report.cancel()
            self._report = None
        waiting, self._down = self._down, []
        for done in waiting:
            done.callback(None)


def _unstopped(groups: Iterable[ProcessGroup]) -> list[SupervisedProcess]:
    return [process for group in groups for process in group.unstopped()]


def _levels(groups: Iterable[ProcessGroup]) -> list[list[ProcessGroup]]:
    """Groups of one priority together, the highest number first, the last started first."""
    levels: dict[int, list[ProcessGroup]] = {}
    for group in groups:
        levels.setdefault(group.priority, []).insert(0, group)
    return [levels[priority] for priority in sorted(levels, reverse=True)]
