"""The daemon with all its faces: what the command line and the plugin for twistd start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supervisor_tx.plugins import Plugins
from supervisor_tx.supervision import daemon
from supervisor_tx.supervision.daemon import ConfigSource, Daemon
from supervisor_tx.web.servers import Servers

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from supervisor_tx.config.model import Config, ServerConfig
    from supervisor_tx.rpc.resource import Resource
    from supervisor_tx.supervision.pool import ResultHandler

__all__ = ["ConfigSource", "Daemon", "prepare"]


def prepare(source: ConfigSource, reactor: Any) -> Daemon:
    """
    Do all that can fail, the servers' addresses and the plugins included; start nothing.

    Raises ConfigError or CannotStart.
    """
    return daemon.prepare(source, reactor, Faces(reactor))


class Faces:
    """The HTTP servers, and the plugins that are served there."""

    def __init__(self, reactor: Any) -> None:
        self.servers = Servers(reactor, self._make_rpc)
        self.plugins = Plugins(self.servers)

    def resolve(self, config: Config) -> None:
        """Import the plugins; raise CannotStart."""
        self.plugins.resolve(config)

    def result_handler(self, specification: str) -> ResultHandler:
        """Return what judges the results of event listeners; raise CannotStart."""
        return self.plugins.result_handler(specification)

    def import_all(self, config: Config) -> None:
        """Import what serving takes, now."""
        self.servers.import_all(config)

    def claim(self, config: Config) -> None:
        """Take the addresses; raise CannotStart."""
        self.servers.claim(config)

    def equip(self, daemon: Daemon) -> None:
        """Have the plugins made; raise CannotStart."""
        self.plugins.make(daemon)

    def open(self, daemon: Daemon) -> None:
        """Serve."""
        self.servers.open(daemon)

    def close(self) -> Deferred[None]:
        """Serve no more; fire when all that was answered is sent."""
        self.plugins.end()
        return self.servers.close()

    def _make_rpc(self, daemon: Daemon, server: ServerConfig) -> Resource:
        from supervisor_tx.rpc.resource import make_resource

        return make_resource(daemon, server, self.plugins.namespaces(server))
