"""Names that a server answers to."""

from __future__ import annotations

import socket

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import ServerConfig
from supervisor_tx.web.hosts import hosts_of, is_loopback, name_of

ALWAYS = (
    *(
        "",
        "localhost",
        "LOCALHOST:9001",
        "localhost.",
        "app.localhost",
        "127.0.0.1",
        "10.0.0.5:9001",
    ),
    *("[::1]", "[::1]:9001", "[fe80::1%25eth0]:9001", " 127.0.0.1 "),
)

NEVER = ("evil.example", "evil.example:9001", "localhost.evil.example", "127.0.0.1.evil.example")


class HostTests(SynchronousTestCase):
    def test_open_and_local(self) -> None:
        """What only this machine reaches, without a password, has names that nobody can buy."""
        hosts = hosts_of(ServerConfig("x", address=("127.0.0.1", 1)), is_local=True)
        assert hosts is not None
        own = socket.gethostname()
        for host in (*ALWAYS, "app", "app:9001", own, f"{own}:1", f"{own.upper()}."):
            self.assertTrue(hosts.admit(host), host)
        for host in NEVER:
            self.assertFalse(hosts.admit(host), host)

    def test_its_own(self) -> None:
        """The name that it listens by is right, and that of base_url."""
        server = ServerConfig(
            "x", address=("sup.example", 1), base_url="https://proxy.example:1/s/"
        )
        hosts = hosts_of(server, is_local=True)
        assert hosts is not None
        for host in ("sup.example", "proxy.example", "Proxy.example:80"):
            self.assertTrue(hosts.admit(host), host)
        self.assertFalse(hosts.admit("other.example"))

    def test_not_looked_at(self) -> None:
        """Nobody is refused who has to know a password, or could come without a browser anyway."""
        for server, is_local in (
            (ServerConfig("x", address=("127.0.0.1", 1), username="u", password="p"), True),
            (ServerConfig("x", address=("", 1)), False),
            (ServerConfig("x", file="/s"), False),
            (ServerConfig("x", file="/s", base_url="https://a.example/"), False),
        ):
            self.assertIsNone(hosts_of(server, is_local=is_local))

    def test_configured(self) -> None:
        """With allowed_hosts there are these, addresses, and nothing more; password or not."""
        server = ServerConfig(
            *("x", ("", 1)),
            username="u",
            password="p",
            allowed_hosts=("sup.example", "*.lab.example"),
            base_url="https://proxy.example/",
        )
        hosts = hosts_of(server, is_local=False)
        assert hosts is not None
        right = (
            "sup.example",
            "SUP.example:1",
            "a.lab.example",
            "a.b.lab.example",
            "proxy.example",
        )
        for host in (*ALWAYS, *right):
            self.assertTrue(hosts.admit(host), host)
        for host in (*NEVER, "a.sup.example", "lab.example", "alab.example", "app"):
            self.assertFalse(hosts.admit(host), host)

    def test_any(self) -> None:
        """An asterisk is any name."""
        server = ServerConfig("x", address=("127.0.0.1", 1), allowed_hosts=("*",))
        hosts = hosts_of(server, is_local=True)
        assert hosts is not None
        for host in (*ALWAYS, *NEVER):
            self.assertTrue(hosts.admit(host), host)

    def test_name(self) -> None:
        """The port does not belong to the name, brackets and case neither."""
        for host, name in (
            ("A.example:80", "a.example"),
            ("a.example.", "a.example"),
            ("a.example.:80", "a.example"),
            ("[::1]:80", "::1"),
            ("[::1", "::1"),
            (":80", ""),
        ):
            self.assertEqual(name_of(host), name)

    def test_loopback(self) -> None:
        """It is known which sockets only this machine reaches."""
        for family, address, expected in (
            (socket.AF_INET, "127.0.0.1", True),
            (socket.AF_INET, "127.1.2.3", True),
            (socket.AF_INET, "", False),
            (socket.AF_INET6, "::1", True),
            (socket.AF_INET6, "::", False),
        ):
            with self.subTest(address=address), socket.socket(family) as listening:
                listening.bind((address, 0))
                self.assertEqual(is_loopback(listening), expected)
        with socket.socket(socket.AF_UNIX) as listening:
            self.assertFalse(is_loopback(listening))
