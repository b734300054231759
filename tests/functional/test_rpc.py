"""Calls to the real daemon that stock Supervisor is not asked."""

from __future__ import annotations

import os
import signal
import socket
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.functional.harness import Daemon, FunctionalTestCase, alive, until
from tests.functional.rpc import Client

HEAD = """\
[unix_http_server]
file=%(here)s/control.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""


class CallTests(FunctionalTestCase):
    def begin(self, config: str) -> tuple[Daemon, Client]:
        """Start a daemon; return it and a client once there is a socket."""
        daemon = self.daemon(HEAD + config)
        socket_file = daemon.directory / "control.sock"
        until(socket_file.exists, daemon.tell)
        return daemon, Client(socket_file)

    def vanish(self, path: Path, method: str, *params: Any) -> None:
        """Send a call and go away before it is answered."""
        body = xmlrpc.client.dumps(params, method).encode()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(
                b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b"
                % (len(body), body)
            )

    def test_from_the_first_moment(self) -> None:
        """Who finds the socket is answered, from the very start on."""
        daemon = self.daemon(HEAD + "[program:a]\ncommand=sleep 1000\n")
        client = Client(daemon.directory / "control.sock")
        until(client.path.exists, daemon.tell)
        self.assertEqual(
            client.call("supervisor.getState"), {"statecode": 1, "statename": "RUNNING"}
        )
        found = client.call("supervisor.getProcessInfo", "a")
        self.assertIn(found["statename"], ("STARTING", "RUNNING"))

    def test_clients_that_vanish(self) -> None:
        """What somebody asked for who has gone is carried out, and others are answered."""
        daemon, client = self.begin(
            "[program:a]\ncommand=sleep 1000\nautostart=false\nstartsecs=2\n"
            "[program:b]\ncommand=sh -c \"trap '' TERM; echo up; while :; do sleep 0.1; done\"\n"
            "stopwaitsecs=1\nstdout_logfile=%(here)s/b.log\n"
        )
        daemon.wait_for_file("b.log", "up")
        for _ in range(20):
            self.vanish(client.path, "supervisor.stopProcess", "b")
            self.vanish(client.path, "supervisor.startProcess", "a")
            self.vanish(client.path, "supervisor.readLog", 0, 0)
        self.assertEqual(client.call("supervisor.getState")["statecode"], 1)
        daemon.wait_for("success: a ")
        daemon.wait_for("stopped: b ")
        self.assertEqual(len(daemon.lines("spawned: 'a'")), 1)
        self.assertEqual(len(daemon.lines("raised an unexpected exception|callback error")), 0)

    def test_restart(self) -> None:
        """A restart is answered, keeps the pid, and starts from what the file says by then."""
        daemon, client = self.begin("[program:a]\ncommand=sleep 1000\n")
        first = daemon.pid_of("a")
        daemon.configure(HEAD + "[program:b]\ncommand=sleep 1000\n")
        self.assertEqual(client.call("supervisor.restart"), True)
        daemon.pid_of("b")
        self.assertFalse(alive(first))
        answer = until(
            lambda: [
                each
                for each in [client.call("supervisor.getAllProcessInfo")]
                if isinstance(each, list)
            ],
            daemon.tell,
        )
        self.assertEqual([each["name"] for each in answer[0]], ["b"])
        self.assertEqual(client.call("supervisor.getPID"), daemon.process.pid)

    def test_refused_restart(self) -> None:
        """A restart from a broken configuration is refused, and nothing stops."""
        daemon, client = self.begin("[program:a]\ncommand=sleep 1000\n")
        pid = daemon.pid_of("a")
        daemon.configure("[program:a]\nautostart=perhaps\n")
        kind, code, text = client.call("supervisor.restart")
        self.assertEqual((kind, code), ("fault", 92))
        self.assertIn("[program:a]", text)
        self.assertEqual(client.call("supervisor.getState")["statecode"], 1)
        self.assertTrue(alive(pid))

    def test_shutdown(self) -> None:
        """A shutdown with nothing to stop is answered before all is gone."""
        daemon, client = self.begin("")
        client.call("supervisor.getState")
        self.assertEqual(client.call("supervisor.shutdown"), True)
        self.assertEqual(daemon.wait(), 0)
        self.assertFalse(client.path.exists())

    def test_how_it_ended(self) -> None:
        """The end of a real child is told by code or signal, with its cause."""
        _, client = self.begin(
            "[program:exits]\ncommand=sh -c 'sleep 1.2; exit 7'\nautorestart=false\n"
            "[program:dies]\ncommand=sh -c 'sleep 1.2; kill -KILL $$'\nautorestart=false\n"
            "[program:stops]\ncommand=sleep 1000\n"
            "[program:fails]\ncommand=sleep 1000\ndirectory=/no/such\nstartretries=0\n"
        )

        def told(name: str) -> tuple[Any, ...]:
            found = client.call("supervisor.getProcessInfo", name)
            return tuple(
                found[key] for key in ("exit_code", "exit_signal", "exit_expected", "exit_cause")
            )

        until(lambda: told("exits") == (7, 0, False, "exit"))
        until(lambda: told("dies") == (-1, signal.SIGKILL, False, "signal"))
        until(lambda: told("fails") == (-1, 0, False, "spawn-error"))
        self.assertEqual(told("stops"), (-1, 0, False, ""))
        self.assertEqual(client.call("supervisor.stopProcess", "stops"), True)
        self.assertEqual(told("stops"), (-1, signal.SIGTERM, False, "stopped"))
        found = client.call("supervisor.getProcessInfo", "stops")
        self.assertIn(f"uid {os.getuid()}", found["exit_by"])

    def test_long_input(self) -> None:
        """Megabytes for a program's standard input are kept and arrive whole."""
        daemon, client = self.begin(
            "[program:a]\ncommand=sh -c 'read line; sleep 0.5; head -c 6000000 | wc -c; sleep 9'\n"
            "stdout_logfile=%(here)s/a.log\n"
        )
        daemon.wait_for("success: a |spawned: 'a'")
        self.assertEqual(client.call("supervisor.sendProcessStdin", "a", "go\n"), True)
        for _ in range(3):
            text = "x" * 2_000_000
            self.assertEqual(client.call("supervisor.sendProcessStdin", "a", text), True)
        daemon.wait_for_file("a.log", "6000000")

    def test_others_are_answered(self) -> None:
        """A flood of bad and huge requests keeps nobody from an answer."""
        _, client = self.begin("[program:a]\ncommand=sleep 1000\n")
        deep = b"<methodCall>" + b"<value><array><data>" * 100_000
        wide = (
            b"<methodCall><methodName>a</methodName><params><param><value><array><data>"
            + b"<value/>" * 500_000
        )
        many = xmlrpc.client.dumps(
            ([{"methodName": "supervisor.getAllProcessInfo"}] * 2000,), "system.multicall"
        ).encode()
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(client.post, body) for body in (deep, wide, b"<" * 10**6) * 3]
            long = [pool.submit(client.ask, many) for _ in range(2)]
            for _ in range(20):
                self.assertEqual(client.call("supervisor.getState")["statecode"], 1)
            self.assertEqual({each.result()[0] for each in asked}, {400})
            self.assertEqual({len(each.result()) for each in long}, {2000})
