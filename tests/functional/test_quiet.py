"""What the daemon does not do: wake up for nothing, or wait for one child while others need it."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import requirements
from tests.functional.harness import PATIENCE, FunctionalTestCase, until

FAN_CLASS_CONTENT = 4
FAN_CLOEXEC = 1
FAN_NONBLOCK = 2
FAN_MARK_ADD = 1
FAN_OPEN_EXEC_PERM = 0x00040000
FAN_ALLOW = 1
AT_FDCWD = -100


class IdleTests(FunctionalTestCase):
    """An idle daemon, under strace."""

    def follow_and_leave(self, what: str) -> None:
        """Be told something for a moment: when nobody is any more it must cost nothing."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.directory / "s"))
            client.sendall(f"GET /api/v1/{what} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            self.assertIn(b"200 OK", client.recv(1000))

    def test_no_system_call(self) -> None:
        """With programs that run and have nothing to say, it makes not a single system call."""
        strace = requirements.program("strace")
        daemon = self.daemon(
            "[program:many]\ncommand=sleep 1000\nnumprocs=10\nprocess_name=%(process_num)d\n"
            "[program:off]\ncommand=sleep 1000\nautostart=false\n"
            '[program:closed]\ncommand=sh -c "exec 0<&- 1>&- 2>&-; exec sleep 1000"\n'
            "[unix_http_server]\nfile=%(here)s/s\n"
        )
        daemon.wait_for("success", 11)
        self.follow_and_leave("events?type=EVENT&figures=true&config=true")
        self.follow_and_leave("logs/main/stream")
        trace = self.directory / "trace"
        pid = str(daemon.process.pid)
        tracer = subprocess.Popen(
            [strace, "-f", "-p", pid, "-o", str(trace)], stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(tracer.wait)
        self.addCleanup(tracer.kill)
        assert tracer.stderr is not None
        self.addCleanup(tracer.stderr.close)
        attached = tracer.stderr.readline()
        requirements.require("attached" in attached, f"needs to trace: {attached}")

        def calls() -> int:
            lines = trace.read_text().splitlines()
            # a call that is under way when it is attached is written as soon as that is seen
            return sum("<detached" not in line for line in lines)

        def rests() -> bool:
            before = calls()
            time.sleep(3)
            return calls() == before

        until(rests, trace.read_text)
        before = calls()
        os.kill(daemon.pid_of("0"), signal.SIGTERM)
        daemon.pid_of("0", 2)
        self.assertGreater(calls(), before)  # it would have been seen


class HeldExecTests(FunctionalTestCase):
    """A program that the system takes its time to execute, as from a slow network file system."""

    @contextmanager
    def held(self, path: Path) -> Iterator[int]:
        """Keep whoever executes a file waiting, until told; yield the listener's descriptor."""
        requirements.root()
        libc = ctypes.CDLL(None, use_errno=True)
        flags = FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK
        listener = libc.fanotify_init(flags, os.O_RDONLY)
        requirements.require(listener >= 0, "needs fanotify")
        try:
            marked = libc.fanotify_mark(
                listener,
                FAN_MARK_ADD,
                ctypes.c_uint64(FAN_OPEN_EXEC_PERM),
                AT_FDCWD,
                os.fsencode(path),
            )
            requirements.require(marked == 0, "needs fanotify with permission events")
            yield listener
        finally:
            os.close(listener)

    def let_go(self, listener: int) -> None:
        """Allow what is waiting."""
        ready, _, _ = select.select([listener], [], [], PATIENCE)
        assert ready, "nobody executes it"
        length, _, _, _, _, fd, _ = struct.unpack("=IBBHQii", os.read(listener, 24))
        assert length == 24
        os.write(listener, struct.pack("=iI", fd, FAN_ALLOW))
        os.close(fd)

    def test_others_live(self) -> None:
        """While an exec is held up, exits of others are handled, signals heard, output logged."""
        script = self.directory / "slow"
        script.write_text("#!/bin/sh\nexec sleep 1000\n")
        script.chmod(0o755)
        with self.held(script) as listener:
            daemon = self.daemon(
                f"""\
                [program:early]
                command=sh -c "while [ ! -e now ]; do sleep 0.05; done; echo done; exit 3"
                stdout_logfile=%(here)s/early.log
                directory=%(here)s
                autorestart=false
                priority=1
                [program:slow]
                command={script}
                priority=2
                """
            )
            daemon.wait_for("success: early")
            ready, _, _ = select.select([listener], [], [], PATIENCE)
            self.assertTrue(ready)
            (self.directory / "now").touch()
            daemon.wait_for(r"exited: early \(exit status 3; not expected\)")
            self.assertEqual(daemon.read("early.log"), "done\n")
            daemon.signal(signal.SIGUSR2)
            daemon.wait_for("supervisord logreopen")
            self.assertEqual(daemon.lines("spawned: 'slow'"), [])
            self.let_go(listener)
            daemon.wait_for("success: slow")
            self.assertEqual(daemon.stop(), 0)

    def test_end_while_held(self) -> None:
        """TERM during a held exec: the child is stopped as soon as it is there."""
        script = self.directory / "slow"
        script.write_text("#!/bin/sh\nexec sleep 1000\n")
        script.chmod(0o755)
        with self.held(script) as listener:
            daemon = self.daemon(f"[program:slow]\ncommand={script}\n")
            ready, _, _ = select.select([listener], [], [], PATIENCE)
            self.assertTrue(ready)
            daemon.signal(signal.SIGTERM)
            daemon.wait_for("WARN received SIGTERM indicating exit request")
            daemon.wait_for("waiting for slow to die")
            self.let_go(listener)
            self.assertEqual(daemon.wait(), 0)
            self.assertTrue(daemon.lines("stopped: slow"))
