"""
RPC interfaces of others: ``[rpcinterface:x]`` with a factory that is not Supervisor's own.

They were written for Supervisor, and get what they expect from :mod:`supervisor_tx.compat`. Nothing
of that is imported for a daemon without plugins.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from supervisor_tx.activity import Logger
from supervisor_tx.config.model import Config, PluginConfig, ServerConfig
from supervisor_tx.config.servers import MAIN_FACTORY
from supervisor_tx.errors import CannotStart

if TYPE_CHECKING:
    from supervisor_tx.compat.supervisord import Supervisor
    from supervisor_tx.supervision.daemon import Daemon
    from supervisor_tx.web.servers import Servers

_log = Logger()


class Plugins:
    """The plugins of a daemon, from one start to the next."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._factories: dict[str, Callable[..., object]] = {}
        self._supervisord: Supervisor | None = None

    def resolve(self, config: Config) -> None:
        """
        Import what a configuration names, which changes nothing of what runs; raise CannotStart.

        Modules that were imported already stay as they are, so that a restart that follows finds
        them as they were.
        """
        found = {}
        for plugin in _foreign(config):
            from supervisor_tx.compat import finder

            finder.install()
            try:
                found[plugin.factory] = _named(plugin.factory)
            except Exception as error:
                raise CannotStart(
                    f"{plugin.factory} cannot be resolved within [rpcinterface:{plugin.name}]: "
                    f"{error}"
                ) from error
        self._factories.update(found)

    def make(self, daemon: Daemon) -> None:
        """
        Have the plugins made, each once for each server; raise CannotStart where one fails.

        Those that are made already stay, so that the daemon can go on without the others.
        """
        self.end()
        foreign = _foreign(daemon.config)
        if not foreign or not daemon.config.servers:
            return
        from supervisor_tx.compat import events
        from supervisor_tx.compat.bridge import Bridge
        from supervisor_tx.compat.supervisord import Supervisor

        supervisord = self._supervisord = Supervisor(daemon, self._servers)
        events.attach(Bridge(daemon.supervisor.bus, supervisord))
        failed = []
        for server in daemon.config.servers:
            made = supervisord.interfaces.setdefault(server.section, [])
            for plugin in foreign:
                try:
                    factory = self._factories[plugin.factory]
                    made.append((plugin.name, factory(supervisord, **plugin.options)))
                except Exception:  # noqa: BLE001 (whatever a plugin runs into)
                    _log.warn("{traceback}", traceback=traceback.format_exc())
                    failed.append(plugin.name)
        if failed:
            raise CannotStart(f"Could not make {failed[0]} rpc interface")

    def namespaces(self, server: ServerConfig) -> Mapping[str, object]:
        """Return what is served at a server beside our own methods, by namespace."""
        if self._supervisord is None:
            return {}
        return dict(self._supervisord.interfaces.get(server.section, []))

    def end(self) -> None:
        """Let the plugins hear and see no more."""
        if self._supervisord is not None:
            from supervisor_tx.compat import events

            events.attach(None)
            self._supervisord.logger.detach()
            self._supervisord = None


def _foreign(config: Config) -> list[PluginConfig]:
    return [plugin for plugin in config.rpcinterfaces if plugin.factory != MAIN_FACTORY]


def _named(specification: str) -> Any:
    """Return what ``module:attribute`` names."""
    module, _, attributes = specification.partition(":")
    found: Any = import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found
