"""Whole runs under Supervisor and under us: the order of starts and stops, sockets, the end."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from itertools import groupby

from tests import requirements
from tests.functional.harness import Daemon, FunctionalTestCase, free_port

#: Name, and the priority of its group.
GROUPS = {"a": 5, "b": 1, "c": 999, "d": 999, "g": 3, "h": 7}
MEMBERS = {"x": "g", "y": "g", "z": "g", "many-2": "h", "many-3": "h", "alone": "h"}

ORDER = """\
[program:c]
command=sleep 1000
[program:a]
command=sleep 1000
priority=5
[program:d]
command=sleep 1000
[program:b]
command=sleep 1000
priority=1
[program:z]
command=sleep 1000
priority=2
[program:x]
command=sleep 1000
priority=9
[program:y]
command=sleep 1000
priority=5
[group:h]
programs=many,alone
priority=7
[program:alone]
command=sleep 1000
[program:many]
command=sleep 1000
process_name=%(program_name)s-%(process_num)d
numprocs=2
numprocs_start=2
[group:g]
programs=z,x,y
priority=3
"""


class OrderTests(FunctionalTestCase):
    """Priorities of programs and groups."""

    def test_order(self) -> None:
        """Starts come in the same order; at the end each level is down before the next is told."""
        both = self.both(ORDER)
        for daemon in both:
            daemon.wait_for("success", 10)
            self.assertEqual(daemon.stop(), 0)
        starts, levels = [], []
        for daemon in both:
            starts.append([match[1] for match in daemon.lines(r"spawned: '(.+)'")])
            stops = [match[1] for match in daemon.lines(r"stopped: (\S+)")]
            by_level = groupby(stops, lambda name: GROUPS[MEMBERS.get(str(name), str(name))])
            levels.append([(priority, sorted(names)) for priority, names in by_level])
        self.assertEqual(starts[1], starts[0])
        self.assertEqual(levels[1], levels[0])
        self.assertEqual([priority for priority, _ in levels[1]], [999, 7, 5, 3, 1])

    def test_signals_that_end(self) -> None:
        """TERM, INT and QUIT end the daemon with 0, the same words and the same files."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            self.directory = self.directory / number.name
            self.directory.mkdir()
            told, left = [], []
            for daemon in self.both(
                "[program:one]\ncommand=sleep 1000\n[unix_http_server]\nfile=%(here)s/s\n"
                "[program:off]\ncommand=sleep 1000\nautostart=false\n"
            ):
                daemon.wait_for("success: one")
                self.assertTrue((daemon.directory / "s").is_socket())
                daemon.signal(number)
                self.assertEqual(daemon.wait(), 0)
                told.append([line[0] for line in daemon.lines("WARN .*|INFO (waiting|stopped).*")])
                left.append(sorted(name[:10] for name in os.listdir(daemon.directory)))
                self.assertEqual(daemon.stdout.read_text(), daemon.log)
            with self.subTest(signal=number.name):
                self.assertEqual(told[1], told[0])
                self.assertEqual(left[1], left[0])


class FcgiTests(FunctionalTestCase):
    """Sockets for fcgi programs."""

    def runs(self, config: str) -> Iterator[Daemon]:
        """Run one after the other, each to its end."""
        for name, command in (
            ("stock", (requirements.stock("supervisord"), "-n")),
            ("ours", (sys.executable, "-m", "supervisor_tx", "-n")),
        ):
            directory = self.directory / name
            directory.mkdir()
            daemon = Daemon(directory, config, command=command)
            self.addCleanup(daemon.kill)
            yield daemon
            self.assertEqual(daemon.stop(), 0)

    def check(self, socket_options: str, address: str | tuple[str, int], family: int) -> None:
        """Look at a socket, what two processes make of it, and what is told of it."""
        seen = []
        for daemon in self.runs(
            f'[fcgi-program:one]\ncommand={sys.executable} -c "{ACCEPT}"\nnumprocs=2\n'
            "process_name=%(process_num)d\nstdout_logfile=%(here)s/log\nstartsecs=0\n"
            f"autorestart=false\n{socket_options}"
        ):
            path = address
            if isinstance(address, str):
                path = str(daemon.directory / address)
            daemon.wait_for("spawned", 2)
            answers = []
            for _ in range(2):
                with socket.socket(family) as client:
                    client.settimeout(60)
                    client.connect(path)
                    answers.append(client.recv(100))
            daemon.wait_for("exited", 2)
            told = [match[0] for match in daemon.lines("(Creating|Closing) socket .*")]
            after: object = None
            if isinstance(path, str):
                status = os.stat(path)
                after = oct(status.st_mode), status.st_uid, status.st_gid
            told = [line.replace(str(daemon.directory), "HERE") for line in told]
            seen.append((answers, told, after))
        self.assertEqual(seen[1], seen[0])
        self.assertEqual(len(set(seen[1][0])), 1, seen)

    def test_unix(self) -> None:
        """A unix socket: owner, mode, backlog, and the file that stays behind."""
        requirements.root()
        self.check(
            "socket=unix://%(here)s/sock\nsocket_owner=daemon:games\nsocket_mode=0640\n"
            "socket_backlog=3\n",
            "sock",
            socket.AF_UNIX,
        )

    def test_unix_defaults(self) -> None:
        """A unix socket without any option."""
        self.check("socket=unix://%(here)s/sock\n", "sock", socket.AF_UNIX)

    def test_tcp(self) -> None:
        """A TCP socket."""
        port = free_port()
        address = ("127.0.0.1", port)
        self.check(f"socket=tcp://127.0.0.1:{port}\n", address, socket.AF_INET)


#: An fcgi program that tells its first client what its descriptor 0 is, and ends.
ACCEPT = (
    "import os, socket; listener = socket.socket(fileno=0); client, _ = listener.accept(); "
    "client.sendall(repr((listener.family, listener.type, listener.getsockname() and 1, "
    "os.get_blocking(0))).encode())"
)
