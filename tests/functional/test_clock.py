"""A wall clock that is set while the daemon runs, forward and back."""

from __future__ import annotations

import signal
from datetime import datetime, timedelta
from pathlib import Path

from tests import requirements
from tests.functional.harness import Daemon, FunctionalTestCase

#: Each program tells when it was started, by a clock that nobody sets.
CONFIG = """\
environment=LD_PRELOAD=""
[program:steady]
command=sh -c "cut -d' ' -f1 /proc/uptime; exec sleep 1000"
stdout_logfile=%(here)s/steady.log
startsecs=3
[program:failing]
command=sh -c "cut -d' ' -f1 /proc/uptime; exit 1"
stdout_logfile=%(here)s/failing.log
startretries=2
startsecs=5
[program:deaf]
command=sh -c "trap '' TERM; while :; do sleep 0.1; done"
stopwaitsecs=2
"""

#: The clock of the children has hundredths.
GRAIN = 0.02


def uptime() -> float:
    """Seconds since the machine was started."""
    return float(Path("/proc/uptime").read_text().split()[0])


def moment(daemon: Daemon, pattern: str) -> datetime:
    """When a line was written, as it says itself."""
    return datetime.fromisoformat(daemon.lines(rf"^(\S+ \S+),\d+ .*{pattern}")[0][1])


class ClockTests(FunctionalTestCase):
    """Whatever the clock shows, what takes a time takes that time."""

    def start(self) -> Daemon:
        """Start the daemon under a clock that the test can set."""
        library = requirements.library("libfaketimeMT.so.1")
        self.step(0)
        return self.daemon(
            CONFIG,
            environ={
                "LD_PRELOAD": library,
                "FAKETIME_TIMESTAMP_FILE": str(self.directory / "clock"),
                "FAKETIME_NO_CACHE": "1",
                "DONT_FAKE_MONOTONIC": "1",
            },
        )

    def step(self, seconds: int) -> None:
        """Set the daemon's clock, so much away from the right time."""
        new = self.directory / "clock.new"
        new.write_text(f"{seconds:+d}")
        new.replace(self.directory / "clock")

    def check(self, first: int, second: int) -> None:
        """Set the clock in each of the waits, first this way, then that."""
        daemon = self.start()
        for name in ("steady", "failing", "deaf"):
            daemon.pid_of(name)
        daemon.wait_for("exited: failing")
        self.step(first)
        daemon.wait_for("exited: failing", 2)
        self.step(second)
        daemon.wait_for("success: steady")
        self.assertGreaterEqual(uptime() + GRAIN, float(daemon.read("steady.log")) + 3)
        daemon.wait_for("gave up: failing")
        starts = [float(line) for line in daemon.read("failing.log").split()]
        self.assertEqual(len(starts), 3)
        self.assertGreaterEqual(starts[1] - starts[0] + GRAIN, 1)
        self.assertGreaterEqual(starts[2] - starts[1] + GRAIN, 2)
        self.step(first)
        asked = uptime()
        daemon.signal(signal.SIGTERM)
        daemon.wait_for("waiting for .*deaf.* to die")
        self.step(second)
        self.assertEqual(daemon.wait(), 0)
        self.assertGreaterEqual(uptime() - asked + GRAIN, 2)
        self.assertTrue(daemon.lines("WARN stopped: deaf .terminated by SIGKILL"))
        self.assertEqual(daemon.stderr.read_text(), "")
        # what is shown to people is the wall clock's
        spawned, gave_up = moment(daemon, "spawned: 'steady'"), moment(daemon, "gave up: failing")
        self.assertLess(abs(gave_up - spawned - timedelta(seconds=second)), timedelta(minutes=5))

    def test_forward(self) -> None:
        """An hour forward, and then two back."""
        self.check(3600, -3600)

    def test_back(self) -> None:
        """An hour back, and then two forward."""
        self.check(-3600, 3600)
