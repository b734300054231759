"""A changed file put into force by one call, seen from outside."""

from __future__ import annotations

import socket
import xmlrpc.client
from typing import Any

from tests.functional.harness import Daemon, FunctionalTestCase, alive

HEAD = """\
[inet_http_server]
port=127.0.0.1:{port}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""


class UpdateTests(FunctionalTestCase):
    """``supervisor_tx.update`` beside Supervisor's own way."""

    def setUp(self) -> None:
        super().setUp()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.head = HEAD.format(port=port)
        self.server = xmlrpc.client.ServerProxy(f"http://127.0.0.1:{port}/RPC2")
        self.addCleanup(self.server("close"))

    def start(self, config: str) -> Daemon:
        """Start a daemon that can be called, and wait until it is there."""
        daemon = self.daemon(self.head + config)
        daemon.wait_for("RPC interface 'supervisor' initialized")
        return daemon

    def update(self, dry_run: bool = False) -> list[tuple[Any, ...]]:
        """Call it, and return action, group, process and options of each step."""
        steps: Any = self.server.supervisor_tx.update(dry_run)
        self.assertEqual([step["problem"] for step in steps], [""] * len(steps))
        return [
            (
                step["action"],
                step["group"],
                step["process"],
                [reason["option"] for reason in step["reasons"]],
            )
            for step in steps
        ]

    def test_only_what_changed(self) -> None:
        """One member of a group is started anew, its neighbour keeps its pid."""
        group = "[group:g]\nprograms=a,b\n"
        a, b = ("[program:a]\ncommand=sleep 1000\n", "[program:b]\ncommand=sleep 2000\n")
        daemon = self.start(group + a + b)
        daemon.wait_for("success", 2)
        first, other = daemon.pid_of("a"), daemon.pid_of("b")
        daemon.configure(self.head + group + a.replace("1000", "3000") + b + "priority=5\n")
        plan = [("restart", "g", "a", ["command"]), ("change", "g", "b", ["priority"])]
        self.assertEqual(self.update(dry_run=True), plan)
        self.assertTrue(alive(first))
        self.assertEqual(self.update(), plan)
        self.assertNotEqual(daemon.pid_of("a", 2), first)
        self.assertFalse(alive(first))
        self.assertTrue(alive(other))
        self.assertEqual(self.update(), [])

    def test_broken(self) -> None:
        """A configuration that cannot be read is a fault, and nothing is touched."""
        daemon = self.start("[program:a]\ncommand=sleep 1000\n")
        daemon.wait_for("success: a")
        daemon.configure(self.head + "[program:a]\ncommand=sleep 1\nstartsecs=soon\n")
        for dry_run in (True, False):
            with self.assertRaises(xmlrpc.client.Fault) as caught:
                self.update(dry_run)
            self.assertEqual(caught.exception.faultCode, 92)
            self.assertIn("soon", caught.exception.faultString)
        self.assertTrue(alive(daemon.pid_of("a")))

    def test_daemons_own(self) -> None:
        """What only a reload can change is told, not done."""
        self.start("").configure(self.head)
        daemon = self.directory / "supervisord.conf"
        daemon.write_text(
            daemon.read_text().replace("[supervisord]", "[supervisord]\nloglevel=debug", 1)
        )
        self.assertEqual(self.update(), [("at reload", "", "", ["loglevel"])])

    def test_mode(self) -> None:
        """What the client's update is to do can be asked."""
        self.start("")
        self.assertEqual(self.server.supervisor_tx.getUpdateMode(), "classic")
