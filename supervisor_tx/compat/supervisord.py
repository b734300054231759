"""The daemon, as the factories of RPC interfaces get it."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from supervisor_tx.compat import loggers
from supervisor_tx.compat.options import (
    ProcessConfig,
    ProcessGroupConfig,
    ServerOptions,
    group_config_of,
)
from supervisor_tx.compat.process import (
    EventListenerPool,
    FastCGIProcessGroup,
    FastCGISubprocess,
    ProcessGroup,
    ProcessGroupBase,
    Subprocess,
)
from supervisor_tx.config.changes import changes
from supervisor_tx.config.model import GroupConfig, PoolConfig
from supervisor_tx.config.model import ProcessConfig as Model
from supervisor_tx.core.lifecycle import Start
from supervisor_tx.core.states import ProcessState, SupervisorState
from supervisor_tx.errors import CannotStart, StillRunning, UnknownProcess
from supervisor_tx.supervision.principal import Principal
from supervisor_tx.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor_tx.config.model import ServerConfig
    from supervisor_tx.supervision.daemon import Daemon
    from supervisor_tx.supervision.group import ProcessGroup as RealGroup
    from supervisor_tx.supervision.process import SupervisedProcess
    from supervisor_tx.web.servers import Servers

#: Who asks, where a plugin does.
BY_PLUGIN = Principal("internal", user="a plugin")


class _Groups(MutableMapping[str, ProcessGroupBase]):
    """The active groups by name."""

    def __init__(self, supervisord: Supervisor) -> None:
        self._supervisord = supervisord

    def _real(self) -> dict[str, RealGroup]:
        return self._supervisord.daemon.supervisor.groups

    def __getitem__(self, name: str) -> ProcessGroupBase:
        return self._supervisord.group_of(self._real()[name])

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._real()))

    def __len__(self) -> int:
        return len(self._real())

    def __setitem__(self, name: str, group: ProcessGroupBase) -> None:
        self._supervisord.add_real(group.real)

    def __delitem__(self, name: str) -> None:
        self._supervisord.daemon.supervisor.remove(name)

    def __repr__(self) -> str:
        return repr(dict(self))


class Supervisor:
    """
    What plugins may read of the daemon, and do with it.

    It lives from one start of the daemon to the next, as all that it gives out.
    """

    def __init__(self, daemon: Daemon, servers: Servers) -> None:
        self.daemon = daemon
        self._servers = servers
        self.logger = loggers.ActivityLogger(daemon.log)
        self.options = ServerOptions(self)
        self.process_groups: MutableMapping[str, ProcessGroupBase] = _Groups(self)
        self._configured: dict[int, ProcessGroupConfig] = {}
        #: namespaces by the server that they were made for
        self.interfaces: dict[str, list[tuple[str, object]]] = {}

    @property
    def environ(self) -> Mapping[str, str]:
        """The daemon's own environment."""
        return self.daemon.assembly.environ

    # What plugins do

    def get_state(self) -> int:
        """Return the number of the daemon's state."""
        return int(self.daemon.supervisor.state)

    def get_process_map(self) -> dict[int, Subprocess]:
        """Return the processes that there are, by their pids."""
        return {
            process.pid: process
            for group in self.process_groups.values()
            for process in group.processes.values()
            if process.pid
        }

    def add_process_group(self, config: ProcessGroupConfig) -> bool:
        """Make a group active and start what is to start; False: there is one of that name."""
        if config.name in self.daemon.supervisor.groups:
            return False
        real = self.daemon.activate(config.current())
        self._adopt(config, real)
        self._autostart(real.processes.values())
        return True

    def remove_process_group(self, name: str) -> bool:
        """Forget a group; False: it is not down. Raises KeyError."""
        try:
            self.daemon.supervisor.remove(name)
        except StillRunning:
            return False
        except UnknownProcess:
            raise KeyError(name) from None
        return True

    def diff_to_active(
        self, new: list[ProcessGroupConfig] | None = None
    ) -> tuple[list[ProcessGroupConfig], list[ProcessGroupConfig], list[ProcessGroupConfig]]:
        """Return which groups were added, changed and removed, as against those that are active."""
        wanted = {config.name: config for config in new or self.configured()}
        active = [group.config for group in self.daemon.supervisor.groups.values()]
        found = changes(active, [config.current() for config in wanted.values()])
        return (
            [wanted[group.name] for group in found.added],
            [wanted[change.new.name] for change in found.changed],
            [self.process_groups[group.name].config for group in found.removed],
        )

    def reap(self, once: bool = False, recursionguard: int = 0) -> None:
        """Nothing: the end of a process is noticed when it happens."""

    # What their objects do

    def set_mood(self, mood: int) -> None:
        """Shut down or restart, if that is asked for."""
        match SupervisorState(mood):
            case SupervisorState.SHUTDOWN:
                self.daemon.operations.shutdown(BY_PLUGIN)
            case SupervisorState.RESTARTING:
                self.daemon.operations.restart(BY_PLUGIN)
            case other if other is not self.daemon.supervisor.state:
                raise ValueError(f"the daemon cannot be made {other.name}")

    def group_of(self, real: RealGroup) -> ProcessGroupBase:
        """Return a group, the same object each time."""
        if isinstance(real.view, ProcessGroupBase):
            return real.view
        config = group_config_of(real.config, self.options)
        for each in config.process_configs:
            process = real.processes.get(each.name)
            if process is not None and process.view is None:
                each.attach(process)
        return self._show(config, real)

    def _show(self, config: ProcessGroupConfig, real: RealGroup) -> ProcessGroupBase:
        kind: type[ProcessGroupBase] = ProcessGroup
        if isinstance(real.config, PoolConfig):
            kind = EventListenerPool
        elif real.processes and all(each.socket for each in real.processes.values()):
            kind = FastCGIProcessGroup
        configs = {each.name: each for each in config.process_configs}
        group = kind(config, real, self.options)
        for name, process in real.processes.items():
            if process.view is None and name in configs:
                view = FastCGISubprocess if process.socket is not None else Subprocess
                view(configs[name], process, group)
        return group

    def _adopt(self, config: ProcessGroupConfig, real: RealGroup) -> None:
        """Let the objects that a plugin knows stand for a group that was made from them."""
        if real.view is None:
            self._show(config, real)

    def make_group(self, config: ProcessGroupConfig) -> ProcessGroupBase:
        """Make a group that is not active yet."""
        real = self.daemon.assembly.group(config.current())
        self._adopt(config, real)
        return self.group_of(real)

    def add_real(self, real: RealGroup) -> None:
        """Make a group active that was made for that, and start what is to start."""
        for process in real.processes.values():
            if process.socket is not None:
                process.socket.check()
        self.daemon.supervisor.add(real)
        self._autostart(real.processes.values())

    def make_process(self, config: ProcessConfig, group: ProcessGroupBase | None) -> Subprocess:
        """Make a process that is not supervised yet."""
        if group is None:
            raise CannotStart(f"{config.name}: a process needs a group")
        real = self.daemon.assembly.process(config.current(), group.real)
        kind = FastCGISubprocess if real.socket is not None else Subprocess
        return kind(config, real, group)

    def take_in(self, group: RealGroup, name: str, process: Subprocess) -> None:
        """Supervise a process that was made for a group; start it if it is to start by itself."""
        real = process._real
        before = group.processes.get(name)
        if before is real:
            return
        if before is not None:
            self.drop(group, name)
        group.processes[name] = real
        self.settle(group, replace(group.config, processes=(*group.config.processes, real.config)))
        self._autostart([real])

    def drop(self, group: RealGroup, name: str) -> None:
        """Supervise a process no more; raise KeyError, and ValueError where it is not down."""
        process = group.processes[name]
        if not process.is_stopped:
            raise ValueError(f"{name} is {process.state.name}; it must be stopped first")
        del group.processes[name]
        process.close()
        left = tuple(each for each in group.config.processes if each.name != name)
        self.settle(group, replace(group.config, processes=left))

    def renew(self, process: SupervisedProcess, model: Model) -> None:
        """Let a process go by another configuration, from its next start on if need be."""
        group = self.daemon.supervisor.groups.get(process.group)
        if group is None or group.processes.get(process.name) is not process:
            process.config = model
            return
        self.daemon.assembly.renew(process, model, group)
        processes = tuple(
            model if each.name == model.name else each for each in group.config.processes
        )
        self.settle(group, replace(group.config, processes=processes))

    def settle(self, group: RealGroup, config: GroupConfig) -> None:
        """
        Let a group go by another configuration, of which its processes know already.

        While nothing was read since, that is also what counts as configured.
        """
        before = group.config
        group.config = config
        supervisor, daemon = self.daemon.supervisor, self.daemon
        supervisor.regroup()
        if any(each is before for each in daemon.configured.groups):
            groups = tuple(config if each is before else each for each in daemon.configured.groups)
            configured = replace(daemon.configured, groups=groups)
            if daemon.config is daemon.configured:
                daemon.config = configured
            daemon.configured = configured

    def _autostart(self, processes: Any) -> None:
        """Start, in a turn of its own, what would have started with the daemon."""
        for process in list(processes):
            self.daemon.clock.callLater(0, self._start, process)

    def _start(self, process: SupervisedProcess) -> None:
        group = self.daemon.supervisor.groups.get(process.group)
        if (
            self.daemon.supervisor.state is SupervisorState.RUNNING
            and group is not None
            and group.processes.get(process.name) is process
            and process.config.autostart
            and process.state is ProcessState.STOPPED
            and not process.laststart
        ):
            process.feed(Start())

    def configured(self) -> list[ProcessGroupConfig]:
        """Return the groups that were last read; those that are active as they are."""
        known: dict[int, ProcessGroupConfig] = {}
        found = []
        for model in self.daemon.configured.groups:
            active = self.daemon.supervisor.groups.get(model.name)
            if active is not None and active.config is model:
                found.append(self.group_of(active).config)
                continue
            config = self._configured.get(id(model))
            if config is None or config.model is not model:
                config = group_config_of(model, self.options)
            known[id(model)] = config
            found.append(config)
        self._configured = known
        return found

    def namespaces(self, server: ServerConfig) -> list[tuple[str, object]]:
        """Return what is served at a server, by namespace."""
        from supervisor_tx.compat.rpcinterface import SupervisorNamespaceRPCInterface
        from supervisor_tx.config.servers import MAIN_FACTORY

        ours = [
            (plugin.name, SupervisorNamespaceRPCInterface(self))
            for plugin in self.daemon.config.rpcinterfaces
            if plugin.factory == MAIN_FACTORY
        ]
        return [*ours, *self.interfaces.get(server.section, [])]

    def close_servers(self) -> None:
        """Serve no more."""
        self._servers.close()

    def listening(self, server: ServerConfig) -> Any:
        """Return the listening socket of a server; None: there is none."""
        return self._servers.listening(server)
