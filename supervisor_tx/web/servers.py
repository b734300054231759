"""
All HTTP servers of the daemon, through its life.

Addresses are claimed early, while it still can be refused to start; clients that come then wait in
the kernel's queue. What is served there is put together, and twisted.web imported, when the
children are on their way. A restart keeps what stays where it was: no client is refused meanwhile.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from supervisor_tx.activity import Level, Logger
from supervisor_tx.config.model import Config, ServerConfig
from supervisor_tx.errors import CannotStart
from supervisor_tx.supervision import limits
from supervisor_tx.values import mutable
from supervisor_tx.web.secret import Secret
from supervisor_tx.web.sockets import AlreadyListening, ClaimedSocket, Key, claim, key_of, place_of

if TYPE_CHECKING:
    from supervisor_tx.supervision.daemon import Daemon
    from supervisor_tx.web.connections import Connections, Listener
    from supervisor_tx.web.site import Content, Rpc, Site

    MakeRpc = Callable[[Daemon, ServerConfig], Rpc]

_log = Logger()

#: Connections at the same time, where there are descriptors for so many.
MOST_CLIENTS = 1024

#: Seconds that answers under way have to be taken by their clients when all ends.
FAREWELL = 2.0


@mutable
class _Server:
    """A server that serves."""

    listener: Listener
    site: Site


class Servers:
    """The faces that can be reached by HTTP; see :class:`supervision.daemon.Faces`."""

    def __init__(self, reactor: Any, make_rpc: MakeRpc | None = None) -> None:
        """``make_rpc`` makes what answers XML-RPC calls to a server; None: our own."""
        self._reactor = reactor
        self._make_rpc = make_rpc
        self._claimed: dict[Key, ClaimedSocket] = {}
        #: sockets whose file was taken from us, and that are served until the restart
        self._lost: list[ClaimedSocket] = []
        self._serving: dict[Key, _Server] = {}
        self._connections: Connections | None = None
        self._secret = Secret()

    def import_all(self, config: Config) -> None:
        """Import what serving takes, now: else that is done when children are on their way."""
        import supervisor_tx.web.auth
        import supervisor_tx.web.connections
        import supervisor_tx.web.site  # noqa: F401

        _our_own()
        if not all(map(_is_public, _folders("supervisor_tx", "klein", "json"))):
            import_rest()

    def claim(self, config: Config) -> None:
        """
        Take the addresses of a configuration that are not ours yet; raise CannotStart.

        Then everything is as it was, and what is served goes on being served.
        """
        wanted: dict[Key, ServerConfig] = {}
        for server in config.servers:
            if key_of(server) in wanted:
                raise AlreadyListening(server)  # the section before
            wanted[key_of(server)] = server
        new: dict[Key, ClaimedSocket] = {}
        try:
            for key, server in wanted.items():
                ours = self._claimed.get(key)
                if ours is None or not ours.has_name():
                    new[key] = claim(server, self._tell)
            for key in wanted.keys() - new.keys():
                self._claimed[key].dress(wanted[key])
        except CannotStart:
            for made in new.values():
                made.close()
            raise
        for key in self._claimed.keys() - wanted.keys() - self._serving.keys():
            self._claimed.pop(key).close()  # claimed for a restart that has not taken place
        for key, made in new.items():
            if key in self._claimed:
                self._lost.append(self._claimed[key])
            self._claimed[key] = made

    def open(self, daemon: Daemon) -> None:
        """Serve what the daemon's configuration says, on the addresses that were claimed."""
        self._secret.keep_beside(daemon.config.supervisord.pidfile)
        wanted = {key_of(server): server for server in daemon.config.servers}
        for key in self._serving.keys() - wanted.keys():
            self._stop(key)
        for key in self._claimed.keys() - wanted.keys():
            self._claimed.pop(key).close()
        lost, self._lost = self._lost, []
        for key, server in wanted.items():
            content = self._content(daemon, server)
            serving = self._serving.get(key)
            if serving is None:
                self._serve(key, content)
            else:
                serving.site.content = content
                if serving.listener.claimed in lost:
                    serving.listener.stop()
                    serving.listener = self._listen(key, serving.site)
            _log.trace(
                "[{section}] serves at {place}", section=server.section, place=place_of(server)
            )
        for socket in lost:
            socket.close()
        for connection in self._connections or ():
            connection.protocol.restarted()
        if self._connections is not None:
            self._connections.most = limits.for_clients(daemon.config.groups, MOST_CLIENTS)

    def close(self) -> Deferred[None]:
        """Serve no more, remove what we made; fire when all that was answered is sent."""
        for key in list(self._serving):
            self._stop(key)
        for socket in [*self._claimed.values(), *self._lost]:
            socket.close()
        self._claimed.clear()
        self._lost.clear()
        return self._say_farewell()

    def listening(self, config: ServerConfig) -> Any:
        """Return the socket on which a server listens; None: there is none of that address."""
        claimed = self._claimed.get(key_of(config))
        return None if claimed is None else claimed.socket

    def _serve(self, key: Key, content: Content) -> None:
        from supervisor_tx.web.site import Site

        site = Site(content, self._reactor)
        self._serving[key] = _Server(self._listen(key, site), site)

    def _listen(self, key: Key, site: Site) -> Listener:
        from supervisor_tx.web.connections import Connections, Listener

        if self._connections is None:
            self._connections = Connections(self._reactor)
        site.has_room_for_stream = self._connections.has_room_for_stream
        return Listener(self._claimed[key], site.channel, self._connections, self._reactor)

    def _stop(self, key: Key) -> None:
        serving = self._serving.pop(key)
        serving.listener.stop()
        for connection in self._connections or ():
            if connection.protocol.site is serving.site:
                connection.protocol.bid_farewell()

    def _say_farewell(self) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        if self._connections is None or not len(self._connections):
            done.callback(None)
            return done
        connections = self._connections
        timer = self._reactor.callLater(FAREWELL, _abort_all, connections)

        def all_gone() -> None:
            if timer.active():
                timer.cancel()
            done.callback(None)

        connections.when_none(all_gone)
        return done

    def _content(self, daemon: Daemon, server: ServerConfig) -> Content:
        from supervisor_tx.web.auth import credentials
        from supervisor_tx.web.hosts import is_loopback
        from supervisor_tx.web.safety import Guard
        from supervisor_tx.web.site import Content

        asked = credentials(server.username, server.password)
        rpc = self._rpc(daemon, server)
        if asked is None:
            _log.critical(
                "Server '{section}' running without any HTTP authentication checking",
                section=server.section,
            )
        guard = Guard(
            server, self._secret.value, is_local=is_loopback(self._claimed[key_of(server)].socket)
        )
        return Content(asked, daemon.operations, rpc, daemon, server, guard)

    def _rpc(self, daemon: Daemon, server: ServerConfig) -> Rpc | None:
        try:
            made = (self._make_rpc or _our_own())(daemon, server)
        except Exception:  # noqa: BLE001 (a plug-in that fails may not harm the rest)
            _log.failure(
                "the XML-RPC interfaces of [{section}] cannot be made, calls will fail",
                section=server.section,
                level=Level.CRITICAL,
            )
            return None
        for plugin in daemon.config.rpcinterfaces:
            _log.info("RPC interface '{name}' initialized", name=plugin.name)
        return made

    def _tell(self, text: str) -> None:
        if self._serving:  # standard error is long gone
            _log.info("{text}", text=text)
        else:
            print(text, file=sys.stderr)


def import_rest() -> None:
    """Import what otherwise waits for the first who asks for it: what pages take is large."""
    # An encoding is a module too, imported with its first use.
    import encodings.ascii
    import encodings.idna
    import encodings.latin_1  # noqa: F401
    import xmlrpc.client  # noqa: F401

    from supervisor_tx.web import app, assets, oldpages, parts, streams  # noqa: F401
    from supervisor_tx.web.pages import tailpage  # noqa: F401

    app.application()
    assets.assets()


def _abort_all(connections: Connections) -> None:
    for connection in connections:
        connection.abortConnection()


def _folders(*packages: str) -> Iterator[Path]:
    """Yield where packages are, without importing them."""
    for package in packages:
        found = importlib.util.find_spec(package)
        if found is not None and found.origin is not None:
            yield Path(found.origin).resolve().parent


def _is_public(folder: Path) -> bool:
    """Tell whether any user can read what is in a folder."""
    return all(
        each.stat().st_mode & needed == needed
        for each, needed in ((folder, 0o005), *((above, 0o001) for above in folder.parents))
    )


def _our_own() -> MakeRpc:
    from supervisor_tx.rpc.resource import make_resource

    return make_resource
