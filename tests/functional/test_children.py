"""Children that misbehave: the daemon and their neighbours live on, and what they wrote is kept."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

from tests import requirements
from tests.functional.harness import ORDERS, Daemon, FunctionalTestCase, alive, until, written

#: Those that stop a process or go on with it, and two that the C library keeps for itself.
NOT_DEADLY = {
    *(signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCONT),
    *(32, 33),
}


def pipes(pid: int) -> int:
    """How many pipes join a process to others."""
    ends: Counter[str] = Counter()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            name = os.readlink(link)
        except OSError:  # closed meanwhile
            continue
        ends[name] += name.startswith("pipe:")
    return sum(count == 1 for count in ends.values())  # it has both ends of one of its own


class EndTests(FunctionalTestCase):
    """How children end."""

    def test_exit_at_once(self) -> None:
        """One that ends as soon as it starts is started about once a second, and all is logged."""
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c "cut -d' ' -f1 /proc/uptime"
            stdout_logfile=%(here)s/one.log
            startsecs=0
            autorestart=true
            """
        )
        daemon.wait_for(r"exited: one \(exit status 0; expected\)", 3)
        starts = [float(line) for line in daemon.read("one.log").split()[:3]]
        self.assertEqual(len(starts), 3)
        for earlier, later in pairwise(starts):
            # the child notes its start in hundredths, a moment after it
            self.assertGreaterEqual(later - earlier, 0.9)

    def test_signals(self) -> None:
        """A death by any signal is told in Supervisor's words."""
        numbers = sorted(set(range(1, 65)) - NOT_DEADLY)
        both = self.both(
            "".join(
                f"[program:s{number}]\ncommand=sh -c 'sleep 1.2; ulimit -c 0; kill -{number} $$'\n"
                "autorestart=false\nstartsecs=0\n"
                for number in numbers
            )
        )
        told = []
        for daemon in both:
            for number in numbers:
                daemon.wait_for(rf"exited: s{number} \(")
            told.append(sorted(match[0] for match in daemon.lines(r"\w+ exited: .*")))
        theirs, ours = told
        self.assertEqual(ours, theirs)
        self.assertIn("WARN exited: s9 (terminated by SIGKILL; not expected)", ours)

    def test_core(self) -> None:
        """That a core was dumped is told."""
        pattern = Path("/proc/sys/kernel/core_pattern").read_text()
        requirements.require(pattern[0] not in "|/", "needs cores in the working directory")
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c 'ulimit -c unlimited; kill -QUIT $$'
            directory=%(here)s
            autorestart=false
            startsecs=0
            """
        )
        daemon.wait_for(r"exited: one \(terminated by SIGQUIT \(core dumped\); not expected\)")

    def test_stopped_child(self) -> None:
        """One that has stopped itself does not heed TERM, and is killed after stopwaitsecs."""
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c 'echo $$; kill -STOP $$'
            stdout_logfile=%(here)s/one.log
            stopwaitsecs=1
            """
        )
        pid = int(daemon.wait_for_file("one.log"))
        stat = Path(f"/proc/{pid}/stat")
        until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
        daemon.wait_for("success: one")
        asked = time.monotonic()
        self.assertEqual(daemon.stop(), 0)
        self.assertGreaterEqual(time.monotonic() - asked, 1)
        self.assertEqual(
            [match[0] for match in daemon.lines("(WARN|INFO) (killing|exited|stopped|spawned).*")],
            [
                f"INFO spawned: 'one' with pid {pid}",
                f"WARN killing 'one' ({pid}) with SIGKILL",
                "WARN stopped: one (terminated by SIGKILL)",
            ],
        )

    def test_group_of_the_deaf(self) -> None:
        """With killasgroup, KILL reaches the descendants of one that ignores TERM."""
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c "trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000"
            stdout_logfile=%(here)s/one.log
            stopwaitsecs=0
            stopasgroup=true
            killasgroup=true
            """
        )
        descendant = int(daemon.wait_for_file("one.log"))
        self.assertEqual(daemon.stop(), 0)
        self.assertTrue(daemon.lines("killing 'one'"))
        until(lambda: not alive(descendant))


class PipeTests(FunctionalTestCase):
    """What children do to the pipes that they were given."""

    def test_double_fork(self) -> None:
        """A grandchild that keeps the pipes keeps neither the end of its parent nor our ends."""
        daemon = self.daemon(
            """\
            [program:many]
            command=sh -c "echo before; (sleep 1000 & echo $! >>%(here)s/grandchildren); echo after"
            process_name=%(process_num)d
            numprocs=10
            stdout_logfile=%(here)s/%(process_num)d.log
            startsecs=0
            """
        )
        self.addCleanup(self.end_grandchildren, daemon)
        daemon.wait_for(r"exited: \d \(exit status 0; expected\)", 10)
        for number in range(10):
            self.assertEqual(daemon.read(f"{number}.log"), "before\nafter\n")
        self.assertEqual(len(daemon.read("grandchildren").split()), 10)
        until(lambda: pipes(daemon.process.pid) == 0)
        self.assertEqual(daemon.stop(), 0)

    def end_grandchildren(self, daemon: Daemon) -> None:
        for pid in daemon.read("grandchildren").split():
            os.kill(int(pid), signal.SIGKILL)

    def test_close_everything(self) -> None:
        """One that closes its pipes lives on, costs nothing, and is heard again when restarted."""
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c "echo $$; exec 0<&- 1>&- 2>&-; exec sleep 1000"
            stdout_logfile=%(here)s/one.log
            """
        )
        daemon.wait_for("success: one")
        first = daemon.pid_of("one")
        self.assertTrue(alive(first))
        until(lambda: pipes(daemon.process.pid) <= 1)  # that nobody reads its stdin is told to none
        before = cpu_ticks(daemon.process.pid)
        os.kill(first, signal.SIGTERM)
        second = daemon.pid_of("one", 2)
        daemon.wait_for("success: one", 2)
        self.assertEqual(daemon.read("one.log").split(), [str(first), str(second)])
        # two seconds passed; a pipe that is looked at in vain would have taken them all
        self.assertLess(cpu_ticks(daemon.process.pid) - before, os.sysconf("SC_CLK_TCK") // 2)
        self.assertEqual(daemon.stop(), 0)

    def test_bytes(self) -> None:
        """Bytes that are no text stand in the log as they were written."""
        daemon = self.daemon(
            """\
            loglevel=debug
            [program:one]
            command=sh -c "printf '\\\\377\\\\376\\\\303(\\\\000\\\\r\\\\n'"
            stdout_logfile=%(here)s/one.log
            startsecs=0
            """
        )
        daemon.wait_for("exited: one")
        data = b"\xff\xfe\xc3(\0\r\n"
        self.assertEqual((self.directory / "one.log").read_bytes(), data)
        self.assertIn(f"DEBG 'one' stdout output:\nUndecodable: {data!r}\n", daemon.log)

    def test_floods(self) -> None:
        """Two that flood do not keep a quiet one from being heard, nor the daemon from ending."""
        os.mkfifo(self.directory / "orders")
        daemon = self.daemon(
            f"""\
            [program:flood]
            command=yes
            process_name=flood%(process_num)d
            numprocs=2
            stdout_logfile=%(here)s/flood%(process_num)d.log
            stdout_logfile_maxbytes=1MB
            stdout_logfile_backups=0
            [program:quiet]
            command={ORDERS}
            stdout_logfile=%(here)s/quiet.log
            """
        )
        floods = [daemon.pid_of(f"flood{number}") for number in range(2)]
        daemon.pid_of("quiet")
        until(lambda: all(written(pid) > 1 << 20 for pid in floods))
        passed = []
        for number in range(20):
            before = sum(written(pid) for pid in floods)
            daemon.order(f"line {number}\n")
            daemon.wait_for_file("quiet.log", f"line {number}\n")
            passed.append(sum(written(pid) for pid in floods) - before)
        # each turn of the loop takes a bounded amount from each
        self.assertLess(sorted(passed)[10], 64 << 20)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(len(daemon.lines("stopped: flood. .*SIGTERM")), 2)


def cpu_ticks(pid: int) -> int:
    """The time that a process has spent on a processor, in clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
