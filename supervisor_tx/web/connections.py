"""
Connections of clients: how they are accepted, how many there may be, what is known of them.

Nothing here costs anything while a client says nothing: no timer runs, nothing is looked at. There
is a highest number of connections, so that clients cannot take the descriptors that children need.
When it is reached, those go that never asked for anything they might have, and those that nobody
used for half an hour; where there are none of these, new clients wait in the kernel's queue.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from typing import Any

from twisted.internet import tcp
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress, IDelayedCall, IReadDescriptor
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from supervisor_tx.activity import Logger
from supervisor_tx.supervision.children.descriptors import keep_high
from supervisor_tx.supervision.operations import Principal
from supervisor_tx.values import field, frozen, mutable
from supervisor_tx.web.sockets import ClaimedSocket

_log = Logger()

#: Seconds that a connection may be idle before it can be closed, and only if there are too many.
IDLE = 30 * 60.0

#: Seconds that a new client has to ask for something, if there are too many.
GRACE = 10.0

#: Connections that are accepted in one turn of the loop.
AT_ONCE = 32

#: Seconds after which it is tried again to accept where that was not possible.
RETRY = 1.0

#: Errors of accept that are about us and not about the one client.
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@frozen
class Peer:
    """Who is at the other end, as far as the kernel knows."""

    principal: Principal
    address: IAddress
    #: ``host:port``, as it is logged
    name: str

    def as_user(self, user: str | None) -> Principal:
        """Return who asks, with the name that they have proved to have."""
        one = self.principal
        return one if user is None else Principal(one.way, user, one.uid, one.address)


def peer_of(accepted: socket.socket, address: Any) -> Peer:
    """Ask the kernel who has connected; ``address`` is what accept has returned."""
    if accepted.family == socket.AF_UNIX:
        principal = Principal("unix", uid=_uid(accepted))
        return Peer(principal, UNIXAddress(None), "localhost:0")
    host, port = address[:2]
    kind = IPv6Address if accepted.family == socket.AF_INET6 else IPv4Address
    return Peer(Principal("inet", address=host), kind("TCP", host, port), f"{host}:{port}")


def _uid(accepted: socket.socket) -> int | None:
    try:
        found = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", found)[1])
    except (AttributeError, OSError, struct.error):  # only Linux tells it in this way
        return None


def _own_address(accepted: socket.socket, peer: Peer) -> IAddress:
    if isinstance(peer.address, UNIXAddress):
        return peer.address
    host, port = accepted.getsockname()[:2]
    kind = IPv6Address if accepted.family == socket.AF_INET6 else IPv4Address
    return kind("TCP", host, port)


class Connection(tcp.Connection):
    """A connection of a client, as a transport that can send at once."""

    reactor: Any

    def __init__(
        self, accepted: socket.socket, protocol: Protocol, peer: Peer, reactor: Any
    ) -> None:
        super().__init__(accepted, protocol, reactor)
        self.peer = peer
        self._own_address = _own_address(accepted, peer)
        #: when it was last of use, by the reactor's clock
        self.since: float = reactor.seconds()
        #: whether it ever asked for something that it might have
        self.is_known = False
        #: whether data wait to be sent
        self._waits_to_write = False
        self._lost: list[Callable[[Connection], None]] = []
        self.logstr = f"HTTP,{peer.name}"
        self.connected = 1
        if accepted.family != socket.AF_UNIX:
            self.setTcpKeepAlive(True)  # or a client whose machine is gone stays for ever
        self.startReading()

    def send(self, data: bytes) -> None:
        """Write data in this very moment, as far as the kernel takes them; the rest later."""
        if not self._waits_to_write and self.connected and not self.disconnecting:
            sent = self.writeSomeData(data)
            if isinstance(sent, int):  # else the reactor will find out by itself
                if sent == len(data):
                    return
                data = data[sent:]
        self.write(data)

    @property
    def is_busy(self) -> bool:
        """Whether something that was asked for is being answered."""
        return bool(getattr(self.protocol, "is_busy", False))

    def used(self) -> None:
        """Note that it asked for something that it might have."""
        self.is_known = True
        self.since = self.reactor.seconds()

    def when_lost(self, call: Callable[[Connection], None]) -> None:
        """Call when it is gone."""
        self._lost.append(call)

    # FileDescriptor

    def startWriting(self) -> None:
        self._waits_to_write = True
        super().startWriting()

    def stopWriting(self) -> None:
        self._waits_to_write = False
        super().stopWriting()

    def connectionLost(self, reason: Failure) -> None:
        """It is gone."""
        super().connectionLost(reason)
        calls, self._lost = self._lost, []
        for call in calls:
            call(self)

    # ITransport

    def getPeer(self) -> IAddress:
        """Return the address of the client."""
        return self.peer.address

    def getHost(self) -> IAddress:
        """Return our own address."""
        return self._own_address

    def setTcpNoDelay(self, enabled: bool) -> None:
        if self.socket.family != socket.AF_UNIX:
            super().setTcpNoDelay(enabled)


@mutable
class Connections:
    """All connections of the daemon, whichever server they came to."""

    reactor: Any
    #: the highest number of them
    most: int = 1024
    _open: dict[Connection, None] = field(default_factory=dict, init=False)
    #: listeners that wait for a place
    _waiting: list[Listener] = field(default_factory=list, init=False)
    _when_none: list[Callable[[], None]] = field(default_factory=list, init=False)

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Any:
        return iter(list(self._open))

    @property
    def is_full(self) -> bool:
        """Whether there is no place for one more."""
        return len(self._open) >= self.most

    def has_room_for_stream(self) -> bool:
        """
        Tell whether one more may stay busy for as long as it likes.

        An eighth of the places is for those who only want an answer: however many follow something,
        the daemon can be asked and told things.
        """
        busy = sum(connection.is_busy for connection in self._open)
        return busy <= self.most - max(1, self.most // 8)

    def has_room(self) -> bool:
        """Tell whether there is a place for one who waits; make one if that hurts nobody."""
        if not self.is_full:
            return True
        now = self.reactor.seconds()
        for connection in self._open:  # the oldest first
            if connection.is_busy:
                continue
            if now - connection.since > (IDLE if connection.is_known else GRACE):
                del self._open[connection]
                connection.abortConnection()
                return True
        return False

    def add(self, connection: Connection) -> None:
        """Count one more, until it is lost."""
        self._open[connection] = None
        connection.when_lost(self._lost)

    def wait(self, listener: Listener) -> None:
        """Call ``resume`` of a listener when there may be a place."""
        self._waiting.append(listener)

    def forget(self, listener: Listener) -> None:
        """A listener waits no more."""
        if listener in self._waiting:
            self._waiting.remove(listener)

    def when_none(self, call: Callable[[], None]) -> None:
        """Call once, as soon as there is no connection."""
        if self._open:
            self._when_none.append(call)
        else:
            call()

    def _lost(self, connection: Connection) -> None:
        self._open.pop(connection, None)
        waiting, self._waiting = self._waiting, []
        for listener in waiting:
            listener.resume()
        if not self._open:
            calls, self._when_none = self._when_none, []
            for call in calls:
                call()


@implementer(IReadDescriptor)
class Listener:
    """Accepts the clients of one listening socket."""

    def __init__(
        self,
        claimed: ClaimedSocket,
        build: Callable[[], Protocol],
        connections: Connections,
        reactor: Any,
    ) -> None:
        self.claimed = claimed
        self._socket = claimed.socket
        self._build = build
        self._connections = connections
        self._reactor = reactor
        self._retry: IDelayedCall | None = None
        self._open = True
        self._complained = False
        reactor.addReader(self)

    def fileno(self) -> int:
        """Return the number of the listening socket's descriptor."""
        return self._socket.fileno() if self._open else -1

    def logPrefix(self) -> str:
        """Return a name for messages."""
        return "HTTP"

    def connectionLost(self, reason: Failure) -> None:
        """The reactor stops, or cannot watch the socket any more."""
        self.stop()

    def doRead(self) -> None:
        """Accept those who wait, some at a time."""
        if not self._connections.has_room():
            self._pause()
            return
        for _ in range(AT_ONCE):
            try:
                accepted, address = self._socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._complain(error)
                    self._pause()
                    return
                continue  # that client is gone already
            self._complained = False
            self._serve(accepted, address)
            if self._connections.is_full:
                return  # whether there is another one, the next turn will tell

    def _serve(self, accepted: socket.socket, address: Any) -> None:
        family, kind, number = accepted.family, accepted.type, accepted.proto
        accepted = socket.socket(family, kind, number, keep_high(accepted.detach()))
        peer = peer_of(accepted, address)
        protocol = self._build()
        connection = Connection(accepted, protocol, peer, self._reactor)
        self._connections.add(connection)
        protocol.makeConnection(connection)

    def stop(self) -> None:
        """Accept no more; the socket stays as it is."""
        if not self._open:
            return
        self._reactor.removeReader(self)
        self._connections.forget(self)
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._open = False

    def resume(self) -> None:
        """Try again."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._connections.forget(self)
        if self._open:
            self._reactor.addReader(self)

    def _pause(self) -> None:
        """The kernel keeps those who wait."""
        self._reactor.removeReader(self)
        if self._retry is not None:
            return
        self._connections.wait(self)
        self._retry = self._reactor.callLater(RETRY, self._retried)

    def _retried(self) -> None:
        self._retry = None
        self.resume()

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            _log.error(
                "clients have to wait, they cannot be accepted: {reason}",
                reason=os.strerror(error.errno or 0),
            )
