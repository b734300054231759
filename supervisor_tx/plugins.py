"""
The work of others: RPC interfaces, and what judges the results of event listeners.

That is each ``[rpcinterface:x]`` with a factory that is not Supervisor's own, and each
``result_handler`` of an ``[eventlistener:x]`` that is not the usual one. They were written for
Supervisor, and get what they expect from :mod:`supervisor_tx.compat`. Nothing of that is imported
for a daemon that needs none of it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from supervisor_tx.activity import Logger
from supervisor_tx.config.model import Config, PluginConfig, PoolConfig, ServerConfig
from supervisor_tx.config.servers import MAIN_FACTORY
from supervisor_tx.core.events import Event
from supervisor_tx.errors import CannotStart, ConfigError, Problem
from supervisor_tx.supervision.pool import ResultHandler, accept_ok

if TYPE_CHECKING:
    from supervisor_tx.compat.bridge import Bridge
    from supervisor_tx.compat.supervisord import Supervisor
    from supervisor_tx.supervision.daemon import Daemon
    from supervisor_tx.web.servers import Servers

_log = Logger()

#: The result handler that Supervisor has by default, and so have we.
DEFAULT_HANDLER = "supervisor.dispatchers:default_handler"


class Plugins:
    """The plugins of a daemon, from one start to the next."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        #: by what names them, factories and handlers of results
        self._found: dict[str, Callable[..., object]] = {}
        self._bridge: Bridge | None = None
        self._daemon: Daemon | None = None
        self._supervisord: Supervisor | None = None

    def resolve(self, config: Config) -> None:
        """
        Import what a configuration names, which changes nothing of what runs; raise ConfigError.

        Modules that were imported already stay as they are, so that a restart that follows finds
        them as they were.
        """
        found = {}
        problems = []
        named = [(each.factory, f"rpcinterface:{each.name}") for each in _foreign(config)]
        for specification, section in [*named, *_handlers(config)]:
            from supervisor_tx.compat import finder

            finder.install()
            try:
                found[specification] = _named(specification)
                if not callable(found[specification]):
                    raise TypeError("it cannot be called")
            except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever a module runs into)
                text = f"{specification} cannot be resolved within [{section}]: {error}"
                problems.append(Problem(text))
        if problems:
            raise ConfigError(problems)
        self._found.update(found)

    def make(self, daemon: Daemon) -> None:
        """
        Have the plugins made, each once for each server; raise CannotStart where one fails.

        Those that are made already stay, so that the daemon can go on without the others.
        """
        self.end()
        self._daemon = daemon
        foreign = _foreign(daemon.config)
        if not foreign or not daemon.config.servers:
            return
        supervisord = self._show(daemon)
        failed = []
        for server in daemon.config.servers:
            made = supervisord.interfaces.setdefault(server.section, [])
            for plugin in foreign:
                try:
                    factory = self._found[plugin.factory]
                    made.append((plugin.name, factory(supervisord, **plugin.options)))
                except (Exception, SystemExit):  # noqa: BLE001 (whatever a plugin runs into)
                    _log.warn("{traceback}", traceback=traceback.format_exc())
                    failed.append(plugin.name)
        if failed:
            raise CannotStart(f"Could not make {failed[0]} rpc interface")

    def _show(self, daemon: Daemon) -> Supervisor:
        """Let the plugins hear and see."""
        from supervisor_tx.compat import events
        from supervisor_tx.compat.bridge import Bridge
        from supervisor_tx.compat.supervisord import Supervisor

        self._supervisord = Supervisor(daemon, self._servers)
        self._bridge = Bridge(daemon.supervisor.bus, self._supervisord)
        events.attach(self._bridge)
        return self._supervisord

    def namespaces(self, server: ServerConfig) -> Mapping[str, object]:
        """Return what is served at a server beside our own methods, by namespace."""
        if self._supervisord is None:
            return {}
        return dict(self._supervisord.interfaces.get(server.section, []))

    def result_handler(self, specification: str) -> ResultHandler:
        """Return what judges the results of listeners; raise CannotStart where it is not there."""
        if specification == DEFAULT_HANDLER:
            return accept_ok
        handler = self._found.get(specification)
        if handler is None:
            raise CannotStart(f"{specification} was not resolved")
        return partial(self._judge, handler)

    def _judge(self, handler: Callable[..., object], event: Event, result: bytes) -> bool:
        from supervisor_tx.compat.dispatchers import RejectEvent

        if self._bridge is None:
            assert self._daemon is not None
            self._show(self._daemon)
        assert self._bridge is not None
        try:
            handler(self._bridge.event(event), result)
        except RejectEvent:
            return False
        return True

    def end(self) -> None:
        """Let the plugins hear and see no more."""
        if self._supervisord is not None:
            from supervisor_tx.compat import events

            events.attach(None)
            self._supervisord.logger.detach()
            self._supervisord = self._bridge = None


def _handlers(config: Config) -> Iterator[tuple[str, str]]:
    """Return what is to judge results, with the section that names it."""
    for group in config.groups:
        if isinstance(group, PoolConfig) and group.result_handler not in (None, DEFAULT_HANDLER):
            assert group.result_handler is not None
            yield group.result_handler, f"eventlistener:{group.name}"


def _foreign(config: Config) -> list[PluginConfig]:
    return [plugin for plugin in config.rpcinterfaces if plugin.factory != MAIN_FACTORY]


def _named(specification: str) -> Any:
    """Return what ``module:attribute`` names."""
    module, _, attributes = specification.partition(":")
    found: Any = import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found
