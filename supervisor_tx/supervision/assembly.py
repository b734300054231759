"""From configured groups to processes that could run."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping
from functools import partial

from twisted.internet.interfaces import IReactorTime

from supervisor_tx.config.model import Config, GroupConfig, PoolConfig, ProcessConfig
from supervisor_tx.core.lifecycle import Announce
from supervisor_tx.supervision.group import ProcessGroup
from supervisor_tx.supervision.interfaces import ISpawner
from supervisor_tx.supervision.logs.autolog import AutoLogs
from supervisor_tx.supervision.logs.output import OutputChannel, make_channels
from supervisor_tx.supervision.pool import Exchange, ListenerPool
from supervisor_tx.supervision.process import STDERR, STDOUT, SupervisedProcess
from supervisor_tx.supervision.sockets import SharedSocket
from supervisor_tx.values import field, mutable


@mutable
class Assembly:
    """Makes groups, with what they all share."""

    clock: IReactorTime
    spawner: ISpawner
    config: Config
    #: the daemon's own environment, that children inherit
    environ: Mapping[str, str]
    auto: AutoLogs
    announce: Callable[[SupervisedProcess, Announce], None]
    exchange: Exchange
    #: of all groups made so far
    sockets: list[SharedSocket] = field(default_factory=list, init=False)

    def group(self, config: GroupConfig) -> ProcessGroup:
        """Make the processes of a group; its AUTO logs exist from then on; raise CannotStart."""
        group = ProcessGroup(config)
        if isinstance(config, PoolConfig):
            group = ListenerPool(config, exchange=self.exchange, announce=self.announce)
        for each in config.processes:
            group.processes[each.name] = self.process(each, group)
        return group

    def process(self, config: ProcessConfig, group: ProcessGroup) -> SupervisedProcess:
        """Make a process that is to be one of a group; of nothing in it anything runs."""
        return SupervisedProcess(
            config=config,
            group=group.name,
            clock=self.clock,
            spawner=self.spawner,
            environment=self._environment(config, group),
            channels=self._channels(config, group),
            announce=group.changed if isinstance(group, ListenerPool) else self.announce,
            socket=self._socket(config, group),
        )

    def renew(self, process: SupervisedProcess, config: ProcessConfig, group: ProcessGroup) -> None:
        """Let a process of a group go on under another configuration; raise OSError."""
        before = {STDOUT: process.config.stdout, STDERR: process.config.stderr}
        after = {STDOUT: config.stdout, STDERR: config.stderr}
        keep = {
            fd: channel
            for fd, channel in process.channels.items()
            if isinstance(channel, OutputChannel) and before[fd] == after[fd]
        }
        channels = self._channels(config, group, keep)
        process.renew(
            config, self._environment(config, group), channels, self._socket(config, group)
        )

    def _channels(
        self,
        config: ProcessConfig,
        group: ProcessGroup,
        keep: Mapping[int, OutputChannel] | None = None,
    ) -> Mapping[int, OutputChannel]:
        return make_channels(
            config,
            self.auto,
            strip_ansi=self.config.supervisord.strip_ansi,
            hear=partial(group.hear, config.name) if isinstance(group, ListenerPool) else None,
            group=group.name,
            bus=self.exchange.bus,
            keep=keep,
        )

    def _environment(self, config: ProcessConfig, group: ProcessGroup) -> Mapping[str, str]:
        return environment(config, group.name, self.environ, server_url(self.config))

    def _socket(self, config: ProcessConfig, group: ProcessGroup) -> SharedSocket | None:
        """Return the socket that the process shares with others of its program."""
        if config.socket is None:
            return None
        for other in group.processes.values():
            shares = other.config.program == config.program
            if shares and other.socket is not None and other.socket.config == config.socket:
                return other.socket
        made = SharedSocket(config.socket)
        self.sockets.append(made)
        return made


def server_url(config: Config) -> str | None:
    """
    Return the address of our own HTTP server, for children that want to talk to us.

    The first unix server, else the last inet server; None where there is none.
    """
    url = None
    for server in config.servers:
        if server.file is not None:
            return f"unix://{server.file}"
        if server.address is not None:
            host, port = server.address
            url = f"http://{host or 'localhost'}:{port}"
    return url


def environment(
    config: ProcessConfig, group: str, inherited: Mapping[str, str], url: str | None
) -> Mapping[str, str]:
    """
    Return all of a child's environment.

    What is configured comes last and may override our own variables, as in Supervisor.
    """
    ours = {"SUPERVISOR_ENABLED": "1"}
    if config.serverurl or url:
        ours["SUPERVISOR_SERVER_URL"] = config.serverurl or url or ""
    ours["SUPERVISOR_PROCESS_NAME"] = config.name
    ours["SUPERVISOR_GROUP_NAME"] = group
    return Environment(inherited, {**ours, **config.environment})


class Environment(Mapping[str, str]):
    """What a child inherits and what is its own, which wins: the first is kept once for all."""

    __slots__ = ("_inherited", "_own")

    def __init__(self, inherited: Mapping[str, str], own: Mapping[str, str]) -> None:
        self._inherited, self._own = inherited, own

    def __getitem__(self, name: str) -> str:
        return self._own[name] if name in self._own else self._inherited[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._inherited, **self._own})

    def __len__(self) -> int:
        return len(self._inherited.keys() | self._own.keys())

    def items(self) -> ItemsView[str, str]:
        return {**self._inherited, **self._own}.items()
