"""Children that the daemon never started: as PID 1, as a subreaper, inherited over an exec."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

from tests import requirements
from tests.functional.harness import Daemon, FunctionalTestCase, alive, children, until

PR_SET_CHILD_SUBREAPER = 36

OURS = (sys.executable, "-m", "supervisor_tx", "-n")

#: One that leaves two orphans behind, which end later and differently, and one that lives on.
ORPHANS = """\
[program:parent]
command=sh -c "(sleep 1; exit 3) & (sleep 1; kill -KILL $(cut -d' ' -f4 /proc/self/stat)) & exit"
startsecs=0
autorestart=false
[program:server]
command=sleep 1000
"""


def become_subreaper() -> None:
    """In the child, before the daemon is executed."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class StrangerTests(FunctionalTestCase):
    """Strangers are reaped, told of, and never an error."""

    def zombies(self, daemon: int) -> list[int]:
        """The children that have ended and are not reaped."""
        return [pid for pid in children(daemon) if not alive(pid)]

    def check_orphans(self, daemon: Daemon, pid: int) -> None:
        """Orphans are reaped; TERM ends what was started, and the daemon with 0."""
        daemon.wait_for("success: server")
        daemon.wait_for(r"INFO reaped unknown pid \d+ \(exit status 3\)")
        daemon.wait_for(r"INFO reaped unknown pid \d+ \(terminated by SIGKILL\)")
        until(lambda: not self.zombies(pid))
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)
        self.assertTrue(daemon.lines("WARN stopped: server"))
        self.assertFalse(daemon.lines("CRIT waitpid|Traceback"))

    def test_pid_1(self) -> None:
        """As PID 1 of a container it reaps all orphans."""
        requirements.root()
        unshare = requirements.program("unshare")
        daemon = self.daemon(
            ORPHANS,
            command=(unshare, "--pid", "--fork", "--mount-proc", "--kill-child", *OURS),
        )
        daemon.wait_for("INFO supervisord started with pid 1$")
        [pid] = children(daemon.process.pid)
        [server] = until(lambda: [c for c in children(pid) if cmdline(c) == ["sleep", "1000"]])
        self.check_orphans(daemon, pid)
        self.assertFalse(alive(server))

    def test_end_of_pid_1(self) -> None:
        """Processes that it never started end with it, as the kernel sees to."""
        requirements.root()
        unshare = requirements.program("unshare")
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c "setsid sleep 1001 & setsid sleep 1001 & exec cat"
            """,
            command=(unshare, "--pid", "--fork", "--mount-proc", "--kill-child", *OURS),
        )
        daemon.wait_for("success: one")
        [pid] = children(daemon.process.pid)
        child = until(lambda: next((e for e in children(pid) if cmdline(e) == ["cat"]), None))
        strangers = until(lambda: sleepers if len(sleepers := children(child)) == 2 else [])
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)
        until(lambda: not any(alive(each) for each in (child, *strangers)))

    def test_subreaper(self) -> None:
        """Where it was made a subreaper it does the same."""
        daemon = self.daemon(ORPHANS, preexec=become_subreaper)
        self.check_orphans(daemon, daemon.process.pid)

    def test_inherited(self) -> None:
        """A child that it had before it became the daemon is reaped, whenever that ends."""
        daemon = self.daemon(
            "[program:server]\ncommand=sleep 1000\n",
            command=(
                "sh",
                "-c",
                'true & sh -c "while [ ! -e told ]; do sleep 0.05; done; exit 4" & exec "$0" "$@"',
                *OURS,
            ),
        )
        daemon.wait_for(r"INFO reaped unknown pid \d+ \(exit status 0\)")
        daemon.wait_for("success: server")
        (self.directory / "told").touch()
        daemon.wait_for(r"INFO reaped unknown pid \d+ \(exit status 4\)")
        until(lambda: not self.zombies(daemon.process.pid))
        self.assertEqual(children(daemon.process.pid), [daemon.pid_of("server")])
        self.assertEqual(daemon.stop(), 0)

    def test_storm_of_strangers(self) -> None:
        """Many orphans that end among many children: each is told of as what it is."""
        daemon = self.daemon(
            """\
            [program:many]
            command=sh -c "(sleep 0.1; exit 5) & (sleep 0.1; exit 5) & exit 6"
            process_name=%(process_num)d
            numprocs=100
            startsecs=0
            autorestart=false
            """,
            preexec=become_subreaper,
        )
        daemon.wait_for(r"reaped unknown pid \d+ \(exit status 5\)", 200)
        daemon.wait_for(r"exited: \d+ \(exit status 6; not expected\)", 100)
        until(lambda: not children(daemon.process.pid))
        self.assertEqual(len(daemon.lines("reaped|exited")), 300)
        self.assertEqual(daemon.stop(), 0)


def cmdline(pid: int) -> list[str]:
    """Return the arguments of a process."""
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
