"""All servers together: claimed, opened, kept over restarts, closed."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import Config, PluginConfig, ServerConfig, SupervisordConfig
from supervisor_tx.errors import CannotStart
from supervisor_tx.supervision.daemon import Daemon
from supervisor_tx.web.servers import FAREWELL, Servers
from supervisor_tx.web.sockets import AlreadyListening
from tests.web.test_connections import FakeReactor
from tests.web.wire import FakeLogs, FakeRpc, answers, post, request


@dataclass
class FakeDaemon:
    """What servers need of a daemon."""

    config: Config
    operations: FakeLogs = field(default_factory=FakeLogs)


class ServersTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="tx")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.reactor = FakeReactor()
        self.rpc = FakeRpc()
        self.servers = Servers(self.reactor, self.make_rpc)
        self.addCleanup(self.close)

    def make_rpc(self, daemon: object, server: ServerConfig) -> FakeRpc:
        if server.section.endswith("broken"):
            raise ValueError("a plug-in's mistake")
        return self.rpc

    def close(self) -> None:
        self.servers.close()
        self.turn()
        self.reactor.advance(FAREWELL)
        self.turn()

    def unix(self, name: str = "x", section: str = "", **options: Any) -> ServerConfig:
        return ServerConfig(
            f"unix_http_server:{section or name}", file=str(self.folder / name), **options
        )

    def config(self, *servers: ServerConfig) -> Config:
        return Config(
            configfile="c",
            here="/",
            supervisord=SupervisordConfig(logfile=None, pidfile="p"),
            servers=servers,
            rpcinterfaces=(PluginConfig("supervisor", "x"),),
        )

    def open(self, *servers: ServerConfig) -> None:
        config = self.config(*servers)
        self.servers.claim(config)
        self.servers.open(cast(Daemon, FakeDaemon(config)))

    def turn(self) -> None:
        """Turn the loop until nothing moves any more."""
        for _ in range(5):
            self.reactor.advance(0)
            for reader in list(self.reactor.readers):
                self.handle(reader, "doRead")
            for writer in list(self.reactor.writers):
                self.handle(writer, "doWrite")

    def handle(self, descriptor: Any, what: str) -> None:
        if descriptor.fileno() >= 0 and (why := getattr(descriptor, what)()):
            descriptor.connectionLost(_failure(why))

    def client(self, name: str = "x") -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.connect(str(self.folder / name))
        client.setblocking(False)
        return client

    def ask(self, client: socket.socket, data: bytes) -> int:
        client.send(data)
        self.turn()
        [answer] = answers(client.recv(65536))
        return answer.code

    def get(self, client: socket.socket) -> int:
        return self.ask(client, request("GET", "/ok.html"))

    def left(self) -> list[str]:
        return sorted(os.listdir(self.folder))


def _failure(why: Any) -> Any:
    from twisted.python.failure import Failure

    return Failure(why)


class ClaimTests(ServersTestCase):
    """Taking addresses."""

    def test_early_client(self) -> None:
        """A client that comes between claim and opening is answered then."""
        config = self.config(self.unix())
        self.servers.claim(config)
        client = self.client()
        self.servers.open(cast(Daemon, FakeDaemon(config)))
        self.assertEqual(self.get(client), 200)

    def test_all_or_nothing(self) -> None:
        """If one address cannot be had, none is taken."""
        (self.folder / "b").write_text("precious")
        with self.assertRaises(CannotStart):
            self.servers.claim(self.config(self.unix("a"), self.unix("b")))
        self.assertEqual(self.left(), ["b"])

    def test_same_place_twice(self) -> None:
        """Two servers cannot be at the same place."""
        with self.assertRaises(AlreadyListening):
            self.servers.claim(self.config(self.unix("a", "one"), self.unix("a", "two")))
        self.assertEqual(self.left(), [])

    def test_restarts_that_do_not_take_place(self) -> None:
        """What was claimed for a restart that another one has overtaken is given back."""
        self.open(self.unix("a"))
        self.servers.claim(self.config(self.unix("a"), self.unix("b")))
        self.servers.claim(self.config(self.unix("a"), self.unix("c")))
        self.assertEqual(self.left(), ["a", "c"])

    def test_ended_before_it_was_opened(self) -> None:
        """What was claimed and never opened is given back in the end."""
        self.servers.claim(self.config(self.unix("a")))
        self.successResultOf(self.servers.close())
        self.assertEqual(self.left(), [])


class RestartTests(ServersTestCase):
    """Opening again."""

    def test_kept(self) -> None:
        """A server that stays goes on, with the mode and the password that it has now."""
        self.open(self.unix())
        client = self.client()
        self.assertEqual(self.get(client), 200)
        self.open(self.unix(chmod=0o640, username="u", password="p"))
        self.assertEqual(self.get(client), 401)
        self.assertEqual(stat.S_IMODE(os.lstat(self.folder / "x").st_mode), 0o640)

    def test_gone(self) -> None:
        """One that goes takes its idle clients along; the others stay."""
        self.open(self.unix("a"), self.unix("b"))
        one, two = self.client("a"), self.client("b")
        self.assertEqual((self.get(one), self.get(two)), (200, 200))
        self.open(self.unix("b"))
        self.turn()
        self.assertEqual(one.recv(10), b"")
        self.assertEqual(self.get(two), 200)
        self.assertEqual(self.left(), ["b"])

    def test_taken_from_us(self) -> None:
        """If somebody else has our file by now, a restart is refused, and theirs is left alone."""
        self.open(self.unix())
        client = self.client()
        (self.folder / "x").unlink()
        with socket.socket(socket.AF_UNIX) as theirs:
            theirs.bind(str(self.folder / "x"))
            theirs.listen()
            with self.assertRaises(AlreadyListening):
                self.servers.claim(self.config(self.unix()))
            self.assertEqual(self.get(client), 200)
        self.open(self.unix())  # now it is stale
        self.assertEqual(self.get(client), 200)
        self.assertEqual(self.get(self.client()), 200)

    def test_broken_plugin(self) -> None:
        """Interfaces that cannot be made spoil the calls of their server only."""
        self.open(self.unix("a", "broken"), self.unix("b"))
        self.assertEqual(self.ask(self.client("a"), post()), 500)
        self.assertEqual(self.get(self.client("a")), 200)
        self.assertEqual(self.ask(self.client("b"), post()), 200)
        self.flushLoggedErrors(ValueError)


class CloseTests(ServersTestCase):
    """The end."""

    def test_idle(self) -> None:
        """With idle clients only it is at once."""
        self.open(self.unix())
        client = self.client()
        self.assertEqual(self.get(client), 200)
        done = self.servers.close()
        self.assertEqual(self.left(), [])
        self.turn()
        self.successResultOf(done)
        self.assertEqual(client.recv(10), b"")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_answers_under_way(self) -> None:
        """An answer that is not sent yet is sent first."""
        self.open(self.unix())
        client = self.client()
        client.send(post(body=b"late"))
        self.turn()
        done = self.servers.close()
        self.turn()
        self.assertNoResult(done)
        self.rpc.late[0].callback(b"<late/>")
        self.turn()
        self.successResultOf(done)
        self.assertIn(b"<late/>", client.recv(65536))

    def test_nobody_reads(self) -> None:
        """Clients that do not take their answers are waited for, but not for ever."""
        self.open(self.unix())
        client = self.client()
        client.send(post(body=b"long 5000000"))
        self.turn()
        done = self.servers.close()
        self.turn()
        self.assertNoResult(done)
        self.reactor.advance(FAREWELL)
        self.turn()
        self.successResultOf(done)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
