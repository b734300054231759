"""Logs that are no regular files: a standard output whose reader is slow, stuck or gone."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from collections.abc import Callable

from tests.functional.harness import (
    ORDERS,
    Daemon,
    FunctionalTestCase,
    alive,
    children,
    until,
    written,
)

#: More than a pipe holds, and more than a pipe and all that is kept for it.
LINES = 200_000

CONFIG = f"""\
silent=true
[program:flood]
command=sh -c "seq {LINES}; exec sleep 1000"
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
stopwaitsecs=5
[program:file]
command={ORDERS}
stdout_logfile=%(here)s/file.log
"""


class StandardOutputTests(FunctionalTestCase):
    """Children that log to ``/dev/stdout``, which is a pipe."""

    def setUp(self) -> None:
        super().setUp()
        os.mkfifo(self.directory / "orders")
        self.reading, writing = os.pipe()
        self.addCleanup(self.close_reader)
        try:
            self.stuck_daemon = self.daemon(CONFIG, stdout=writing)
        finally:
            os.close(writing)

    def close_reader(self) -> None:
        """Be gone."""
        if self.reading >= 0:
            os.close(self.reading)
            self.reading = -1

    def waiting(self) -> int:
        """How many bytes wait in the pipe."""
        answer = fcntl.ioctl(self.reading, termios.FIONREAD, bytes(4))
        return int(struct.unpack("i", answer)[0])

    def get_stuck(self) -> tuple[Daemon, int]:
        """Wait until nothing more fits anywhere; return the daemon, and the pid of its child."""
        daemon = self.stuck_daemon
        shell = daemon.pid_of("flood")
        daemon.pid_of("file")
        pids = children(shell) or until(lambda: children(shell))
        until(lambda: self.waiting() >= 60_000)
        until(at_rest(pids[0]))
        return daemon, pids[0]

    def test_stuck(self) -> None:
        """While nobody reads, only the children that write there wait; then all bytes arrive."""
        daemon, writer = self.get_stuck()
        for number in range(3):
            daemon.order(f"line {number}\n")
            daemon.wait_for_file("file.log", f"line {number}\n")
        self.assertTrue(alive(writer))
        expected = "".join(f"{number}\n" for number in range(1, LINES + 1)).encode()
        received = b""
        while len(received) < len(expected):
            more = os.read(self.reading, 1 << 20)
            self.assertTrue(more, "closed")
            received += more
        self.assertEqual(received, expected)
        self.assertEqual(daemon.lines("WARN|ERRO"), [])
        self.assertEqual(daemon.stop(), 0)

    def test_end_while_stuck(self) -> None:
        """It ends although nobody reads."""
        daemon, writer = self.get_stuck()
        self.assertEqual(daemon.stop(), 0)
        self.assertTrue(daemon.lines("stopped: flood"))
        until(lambda: not alive(writer))  # which was no process of ours, and is told by its pipe

    def test_gone(self) -> None:
        """When the reader goes away, the children go on, and that is said once."""
        daemon, writer = self.get_stuck()
        self.close_reader()
        until(lambda: not alive(writer))  # seq has written everything
        daemon.wait_for("ERRO cannot write to /dev/stdout.*")
        daemon.order("line\n")
        daemon.wait_for_file("file.log", "line\n")
        self.assertEqual(len(daemon.lines("ERRO")), 1)
        self.assertEqual(daemon.lines("exited: flood"), [])
        self.assertEqual(daemon.stop(), 0)


class ForegroundTests(FunctionalTestCase):
    """The copy of the activity log in the foreground."""

    def test_stuck(self) -> None:
        """That nobody reads it holds up nothing, and the file has everything."""
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        # so small a pipe that a few dozen lines fill it
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        daemon = self.daemon(
            "[program:many]\ncommand=sleep 1000\nnumprocs=60\nprocess_name=%(process_num)d\n"
            "startsecs=0\n",
            stdout=writing,
        )
        os.close(writing)
        daemon.wait_for("success: ", 60)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(len(daemon.lines("stopped: ")), 60)

    def test_gone(self) -> None:
        """That its reader is gone neither."""
        reading, writing = os.pipe()
        os.close(reading)
        daemon = self.daemon("[program:one]\ncommand=sleep 1000\n", stdout=writing)
        os.close(writing)
        daemon.wait_for("success: one")
        self.assertEqual(daemon.stop(), 0)
        self.assertTrue(daemon.lines("stopped: one"))
        self.assertEqual(daemon.stderr.read_text(), "")


def at_rest(pid: int) -> Callable[[], bool]:
    """Return what tells whether a process has written nothing in the latest thirty looks."""
    looks = [-1]

    def look() -> bool:
        looks.append(written(pid))
        return len(looks) > 30 and len(set(looks[-30:])) == 1

    return look
