"""HTTP servers as plugins know them: to find the namespaces that are served there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from supervisor_tx.compat.supervisord import Supervisor
    from supervisor_tx.config.model import ServerConfig


class Handler:
    """What answers some of the requests; to be looked at only."""

    def __init__(self, name: str, **attributes: Any) -> None:
        self.IDENT = name
        vars(self).update(attributes)

    def __repr__(self) -> str:
        return f"<{self.IDENT}>"


class RootRPCInterface:
    """The namespaces of a server, each an attribute."""

    def __init__(self, subinterfaces: list[tuple[str, object]]) -> None:
        vars(self).update(subinterfaces)


class HttpServer:
    """A server with its handlers; changing the list changes nothing."""

    def __init__(self, supervisord: Supervisor, config: ServerConfig) -> None:
        self._supervisord, self._config = supervisord, config
        handlers = [
            Handler("Supervisor XML-RPC Handler", rpcinterface=self._root()),
            Handler("Logtail HTTP Request Handler"),
            Handler("Main Logtail HTTP Request Handler"),
            Handler("Supervisor Web UI HTTP Request Handler"),
            Handler("Default HTTP Request Handler"),
        ]
        if config.username:
            handlers = [Handler("Authentication Handler", handler=each) for each in handlers]
        self.handlers = handlers

    @property
    def socket(self) -> Any:
        """The listening socket; None: it is not ours any more."""
        return self._supervisord.listening(self._config)

    def _root(self) -> RootRPCInterface:
        return RootRPCInterface(self._supervisord.namespaces(self._config))
