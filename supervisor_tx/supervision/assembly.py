"""From configured groups to processes that could run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from twisted.internet.interfaces import IReactorTime

from supervisor_tx.config.model import Config, GroupConfig, ProcessConfig
from supervisor_tx.core.lifecycle import Announce
from supervisor_tx.supervision.autolog import AutoLogs
from supervisor_tx.supervision.group import ProcessGroup
from supervisor_tx.supervision.interfaces import ISpawner
from supervisor_tx.supervision.output import make_channels
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.supervision.sockets import SharedSocket


@dataclass(eq=False)
class Assembly:
    """Makes groups, with what they all share."""

    clock: IReactorTime
    spawner: ISpawner
    config: Config
    #: the daemon's own environment, that children inherit
    environ: Mapping[str, str]
    auto: AutoLogs
    announce: Callable[[SupervisedProcess, Announce], None]
    #: of all groups made so far
    sockets: list[SharedSocket] = field(default_factory=list, init=False)

    def group(self, config: GroupConfig) -> ProcessGroup:
        """Make the processes of a group; its AUTO logs exist from then on."""
        group = ProcessGroup(config)
        sockets: dict[str, SharedSocket] = {}
        for each in config.processes:
            if each.socket is not None and each.program not in sockets:
                sockets[each.program] = SharedSocket(each.socket)
            group.processes[each.name] = SupervisedProcess(
                config=each,
                group=config.name,
                clock=self.clock,
                spawner=self.spawner,
                environment=environment(each, config.name, self.environ, server_url(self.config)),
                channels=make_channels(
                    each, self.auto, strip_ansi=self.config.supervisord.strip_ansi
                ),
                announce=self.announce,
                socket=sockets.get(each.program),
            )
        self.sockets.extend(sockets.values())
        return group


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
) -> dict[str, str]:
    """
    Return all of a child's environment.

    What is configured comes last and may override our own variables, as in Supervisor.
    """
    ours = {"SUPERVISOR_ENABLED": "1"}
    if config.serverurl or url:
        ours["SUPERVISOR_SERVER_URL"] = config.serverurl or url or ""
    ours["SUPERVISOR_PROCESS_NAME"] = config.name
    ours["SUPERVISOR_GROUP_NAME"] = group
    return {**inherited, **ours, **config.environment}
