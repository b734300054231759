"""
Putting a changed configuration into force, step by step as :mod:`supervisor_tx.config.plan` says.

What did not change is not touched: a process goes on when another of its group, or its group's
priority, or its own limits change. One update runs at a time. A step that fails is told with its
reason and keeps no other from being carried out.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred, DeferredList, DeferredLock

from supervisor_tx.activity import Logger
from supervisor_tx.config.changes import changes
from supervisor_tx.config.model import Config, GroupConfig
from supervisor_tx.config.plan import Action, Step, of_daemon, plan
from supervisor_tx.core.lifecycle import Start
from supervisor_tx.core.states import SupervisorState
from supervisor_tx.errors import CannotStart, ShuttingDown
from supervisor_tx.supervision import ending, limits
from supervisor_tx.supervision.assembly import Assembly
from supervisor_tx.supervision.group import ProcessGroup
from supervisor_tx.supervision.principal import Principal
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.supervision.service import Supervisor
from supervisor_tx.supervision.waiting import when
from supervisor_tx.values import frozen

_log = Logger()


class Updatable(Protocol):
    """The daemon, as far as an update reaches it."""

    supervisor: Supervisor
    assembly: Assembly
    config: Config
    configured: Config

    def read_config(self) -> Config:
        """Read the configuration that is now on disk; raise ConfigError."""

    def activate(self, config: GroupConfig) -> ProcessGroup:
        """Make a group active; start none of it; raise CannotStart."""


@frozen
class Done:
    """A step, and what came of it: ``problem`` is None where nothing went wrong."""

    step: Step
    problem: str | None = None


class Updater:
    """Brings one daemon to what its configuration says."""

    def __init__(self, daemon: Updatable) -> None:
        self._daemon = daemon
        self._lock = DeferredLock()

    def plan(self) -> tuple[Step, ...]:
        """Read the configuration and return what an update would do; raise ConfigError."""
        return self.steps(self._daemon.read_config())

    async def apply(self, who: Principal) -> list[Done]:
        """
        Read the configuration and put it into force; return when everything that it stops is down.

        Raises ConfigError before anything is touched, and ShuttingDown where that overtakes it.
        """
        await self._lock.acquire()
        try:
            self._check_running()
            config = self._daemon.read_config()
            steps = self.steps(config)
            self._daemon.configured = config
            limits.raise_own(config.groups)
            wanted = {group.name: group for group in reversed(config.groups)}
            return await self._carry_out(steps, wanted, str(who))
        finally:
            self._lock.release()

    def steps(self, config: Config) -> tuple[Step, ...]:
        """Return what it takes from what is in force to a configuration."""
        groups = self._daemon.supervisor.groups
        active = [group.config for group in groups.values()]

        def runs(group: str, name: str) -> bool:
            process = groups[group].processes.get(name)
            return process is not None and not process.is_stopped

        return (
            *plan(changes(active, config.groups), runs),
            *of_daemon(self._daemon.config, config),
        )

    async def _carry_out(
        self, steps: Sequence[Step], wanted: Mapping[str, GroupConfig], by: str
    ) -> list[Done]:
        # What is in the way goes down first, all at the same time, higher priorities before lower.
        stopping = [
            process
            for step in steps
            if step.action in _STOPPING
            for process in self._concerned(step)
        ]
        runs = {process for process in stopping if not process.is_stopped}
        for process in sorted(stopping, key=lambda each: each.config.priority, reverse=True):
            process.stop(ending.STOPPED, by)
        await DeferredList([_stopped(process) for process in stopping])
        done = []
        for step in steps:
            self._check_running()
            problem = None
            try:
                self._take(step, wanted, runs)
            except (CannotStart, OSError) as error:
                problem = str(error)
                _log.error(
                    "{action} {group} {process} failed: {problem}",
                    action=step.action.value,
                    group=step.group,
                    process=step.process or "",
                    problem=problem,
                )
            done.append(Done(step, problem))
        self._settle(wanted)
        return done

    def _concerned(self, step: Step) -> list[SupervisedProcess]:
        """Return the processes that a step stops."""
        group = self._daemon.supervisor.groups[step.group]
        if step.process is None:
            return list(group.processes.values())
        return [group.processes[step.process]]

    def _take(
        self, step: Step, wanted: Mapping[str, GroupConfig], ran: Container[SupervisedProcess]
    ) -> None:
        daemon, name = self._daemon, step.group
        if step.action in (Action.REMOVE_GROUP, Action.REPLACE_GROUP):
            daemon.supervisor.remove(name)
        if step.action in (Action.ADD_GROUP, Action.REPLACE_GROUP):
            daemon.activate(wanted[name]).autostart()
        if step.process is None:
            return
        group = daemon.supervisor.groups[name]
        if step.action is Action.REMOVE:
            group.processes.pop(step.process).close()
            return
        config = {each.name: each for each in wanted[name].processes}[step.process]
        if step.action is Action.ADD:
            process = group.processes[step.process] = daemon.assembly.process(config, group)
            if config.autostart:
                process.feed(Start())
            return
        process = group.processes[step.process]
        daemon.assembly.renew(process, config, group)
        if process in ran and process.is_stopped:
            process.feed(Start())

    def _settle(self, wanted: Mapping[str, GroupConfig]) -> None:
        """Give groups their priorities, and their members their order."""
        supervisor = self._daemon.supervisor
        for name, group in supervisor.groups.items():
            if name in wanted:
                group.settle(wanted[name])
        supervisor.groups = dict(
            sorted(supervisor.groups.items(), key=lambda item: (item[1].priority, item[0]))
        )
        supervisor.regroup()

    def _check_running(self) -> None:
        if self._daemon.supervisor.state is not SupervisorState.RUNNING:
            raise ShuttingDown


#: Actions that begin with stopping something.
_STOPPING = frozenset({Action.REMOVE_GROUP, Action.REPLACE_GROUP, Action.REMOVE, Action.RESTART})


def _stopped(process: SupervisedProcess) -> Deferred[None]:
    return when(process, lambda: process.is_stopped)
