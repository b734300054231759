"""Connections: accepted, counted, known, given up."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import ServerConfig
from supervisor_tx.supervision.operations import Principal
from supervisor_tx.web.connections import (
    AT_ONCE,
    GRACE,
    IDLE,
    RETRY,
    Connection,
    Connections,
    Listener,
)
from supervisor_tx.web.sockets import ClaimedSocket, claim


class FakeReactor(Clock):
    """A clock that keeps who wants to read and write; the test turns the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[Any] = set()
        self.writers: set[Any] = set()

    def addReader(self, reader: Any) -> None:
        self.readers.add(reader)

    def removeReader(self, reader: Any) -> None:
        self.readers.discard(reader)

    def addWriter(self, writer: Any) -> None:
        self.writers.add(writer)

    def removeWriter(self, writer: Any) -> None:
        self.writers.discard(writer)


class Recorder(Protocol):
    """Remembers what it received."""

    is_busy = False

    def __init__(self) -> None:
        self.received = b""
        self.lost = False

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: object = None) -> None:
        self.lost = True


class Exhausted:
    """A listening socket in a process that has no descriptors left."""

    def __init__(self, real: socket.socket) -> None:
        self.real = real
        self.number: int | None = errno.EMFILE

    def fileno(self) -> int:
        return self.real.fileno()

    def accept(self) -> Any:
        if self.number is not None:
            raise OSError(self.number, os.strerror(self.number))
        return self.real.accept()


class ConnectionTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="tx")
        self.addCleanup(folder.cleanup)
        self.path = str(Path(folder.name, "x.sock"))
        self.claimed = claim(ServerConfig("unix_http_server", file=self.path), self.fail)
        self.addCleanup(self.claimed.close)
        self.reactor = FakeReactor()
        self.connections = Connections(self.reactor)
        self.protocols: list[Recorder] = []
        self.listener = self.listen(self.claimed)

    def listen(self, claimed: ClaimedSocket) -> Listener:
        listener = Listener(claimed, self.build, self.connections, self.reactor)
        self.addCleanup(listener.stop)
        return listener

    def build(self) -> Recorder:
        self.protocols.append(Recorder())
        return self.protocols[-1]

    def client(self, *, accept: bool = True) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.settimeout(5)
        client.connect(self.path)
        if accept:
            self.listener.doRead()
        return client

    def latest(self) -> Connection:
        connection: Any = self.protocols[-1].transport
        assert isinstance(connection, Connection)
        self.addCleanup(connection.connectionLost, lost())
        return connection

    def settle(self) -> None:
        """Let what was put off happen."""
        self.reactor.advance(0)


def lost() -> Any:
    from twisted.internet.error import ConnectionDone
    from twisted.python.failure import Failure

    return Failure(ConnectionDone())


class PeerTests(ConnectionTestCase):
    """What is known of a client."""

    def test_unix(self) -> None:
        """The kernel tells who is at the other end of a unix socket."""
        self.client()
        peer = self.latest().peer
        self.assertEqual(peer.principal, Principal("unix", uid=os.getuid()))
        self.assertEqual(peer.name, "localhost:0")
        self.assertEqual(peer.as_user("ann"), Principal("unix", user="ann", uid=os.getuid()))

    def test_inet(self) -> None:
        """Of others the address is known; nothing that they send waits for more."""
        claimed = claim(ServerConfig("inet_http_server", address=("127.0.0.1", 0)), self.fail)
        self.addCleanup(claimed.close)
        listener = self.listen(claimed)
        with socket.create_connection(claimed.socket.getsockname()) as client:
            listener.doRead()
            connection: Any = self.latest()
            port = client.getsockname()[1]
            self.assertEqual(connection.peer.principal, Principal("inet", address="127.0.0.1"))
            self.assertEqual(connection.peer.name, f"127.0.0.1:{port}")
            self.assertEqual(connection.getPeer().port, port)
            self.assertEqual(connection.getHost().port, claimed.socket.getsockname()[1])
            connection.setTcpNoDelay(True)
            self.assertTrue(connection.getTcpNoDelay())
            self.assertTrue(connection.getTcpKeepAlive())


class SendTests(ConnectionTestCase):
    """Sending at once."""

    def test_at_once(self) -> None:
        """What the kernel takes is sent without a turn of the loop, and nobody is asked to wait."""
        client = self.client()
        connection = self.latest()
        connection.send(b"hello")
        self.assertEqual(client.recv(10), b"hello")
        self.assertEqual(self.reactor.writers, set())

    def test_rest(self) -> None:
        """What it does not take follows when it does, in order."""
        client = self.client()
        connection = self.latest()
        connection.send(b"a" * 1000000)
        connection.send(b"b" * 10)
        self.assertEqual(self.reactor.writers, {connection})
        received = b""
        while len(received) < 1000010:
            received += client.recv(65536)
            if connection in self.reactor.writers:
                connection.doWrite()
        self.assertEqual(received, b"a" * 1000000 + b"b" * 10)
        self.assertEqual(self.reactor.writers, set())
        connection.send(b"c")
        self.assertEqual(client.recv(10), b"c")

    def test_gone(self) -> None:
        """Sending to a client that is gone is found out by the loop, not by the sender."""
        client = self.client()
        connection = self.latest()
        client.close()
        connection.send(b"hello")
        self.assertEqual(self.reactor.writers, {connection})
        self.assertIsNotNone(connection.doWrite())
        connection.connectionLost(lost())
        connection.send(b"hello")


class LimitTests(ConnectionTestCase):
    """How many there may be."""

    def setUp(self) -> None:
        super().setUp()
        self.connections.most = 3

    def fill(self) -> list[Connection]:
        found = []
        for _ in range(3):
            self.client()
            found.append(self.latest())
        return found

    def test_wait(self) -> None:
        """Who comes when all places are taken waits until one is free."""
        first = self.fill()[0]
        client = self.client()
        self.assertEqual(len(self.protocols), 3)
        self.assertNotIn(self.listener, self.reactor.readers)
        first.connectionLost(lost())
        self.assertIn(self.listener, self.reactor.readers)
        self.listener.doRead()
        self.assertEqual(len(self.protocols), 4)
        self.latest().send(b"welcome")
        self.assertEqual(client.recv(10), b"welcome")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_strangers(self) -> None:
        """One who never asked for anything goes first, after a while."""
        one, two, three = self.fill()
        one.used()
        self.reactor.advance(GRACE + 1)
        self.client()
        self.settle()
        lost_ones = [protocol.lost for protocol in self.protocols]
        self.assertEqual(lost_ones, [False, True, False, False])
        self.assertEqual(len(self.connections), 3)
        del one, two, three
        self.latest()

    def test_idle(self) -> None:
        """One that was of use is kept for half an hour; one that is in use, for ever."""
        one, two, three = self.fill()
        for each in (one, two, three):
            each.used()
        self.protocols[0].is_busy = True
        self.reactor.advance(IDLE - 1)
        self.client()
        self.assertEqual(len(self.protocols), 3)
        three.used()
        self.reactor.advance(RETRY)  # it is tried again now and then
        self.listener.doRead()
        self.assertEqual(len(self.protocols), 3)
        self.reactor.advance(RETRY)
        self.listener.doRead()
        self.latest()
        self.settle()
        lost_ones = [protocol.lost for protocol in self.protocols]
        self.assertEqual(lost_ones, [False, True, False, False])

    def test_streams(self) -> None:
        """However many are busy all day, there is a place for one who only asks something."""
        self.fill()
        for protocol, has_room in zip(self.protocols, (True, True, False), strict=True):
            protocol.is_busy = True
            self.assertEqual(self.connections.has_room_for_stream(), has_room)

    def test_nobody_left(self) -> None:
        """It is told when the last connection is gone."""
        connections = self.fill()
        told: list[int] = []
        self.connections.when_none(lambda: told.append(1))
        for connection in connections:
            self.assertEqual(told, [])
            connection.connectionLost(lost())
        self.assertEqual(told, [1])
        self.connections.when_none(lambda: told.append(2))
        self.assertEqual(told, [1, 2])


class ListenerTests(ConnectionTestCase):
    """Accepting."""

    def test_some_at_a_time(self) -> None:
        """A crowd is let in by and by."""
        for _ in range(AT_ONCE + 5):
            self.client(accept=False)
        self.listener.doRead()
        self.assertEqual(len(self.protocols), AT_ONCE)
        self.listener.doRead()
        self.assertEqual(len(self.protocols), AT_ONCE + 5)
        for protocol in self.protocols:
            protocol.transport.connectionLost(lost())  # type: ignore[union-attr]

    def test_exhausted(self) -> None:
        """Without descriptors clients wait; it is tried again after a second."""
        broken = Exhausted(self.claimed.socket)
        self.listener._socket = broken  # type: ignore[assignment]
        client = self.client()
        self.assertNotIn(self.listener, self.reactor.readers)
        self.reactor.advance(RETRY)
        self.assertIn(self.listener, self.reactor.readers)
        broken.number = None
        self.listener.doRead()
        self.latest().send(b"welcome")
        self.assertEqual(client.recv(10), b"welcome")

    def test_stopped(self) -> None:
        """One that is stopped is not resumed by anything."""
        self.connections.most = 1
        self.client()
        first = self.latest()
        self.client()
        self.listener.stop()
        self.listener.stop()
        first.connectionLost(lost())
        self.listener.resume()
        self.assertNotIn(self.listener, self.reactor.readers)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.listener.fileno(), -1)
