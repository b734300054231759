"""What the machine refuses or takes away: the daemon goes on, says so, and recovers."""

from __future__ import annotations

import os
import pwd
import resource
import signal
from contextlib import suppress
from glob import glob
from pathlib import Path

from tests import requirements
from tests.functional.harness import Daemon, FunctionalTestCase, children, until

#: What must not stand in the log.
CRASH = "CRIT (?!Supervisor is running as root)|Traceback"


class CrowdTests(FunctionalTestCase):
    """Many at once."""

    def test_mass_kill(self) -> None:
        """A thousand programs that are killed at once are all replaced, and nothing is lost."""
        count = 1000
        daemon = self.daemon(
            f"""\
            [program:many]
            command=sh -c "echo started $$; exec cat"
            process_name=%(process_num)d
            numprocs={count}
            stdout_logfile=%(here)s/%(process_num)d.log
            redirect_stderr=true
            """
        )
        daemon.wait_for("success", count)
        first = {match[1]: int(match[2]) for match in spawns(daemon)}
        for pid in first.values():
            os.kill(pid, signal.SIGKILL)
        daemon.wait_for("success", 2 * count)
        exits = [match[1] for match in daemon.lines(r"WARN (exited: .*)")]
        self.assertEqual(
            sorted(exits),
            sorted(f"exited: {name} (terminated by SIGKILL; not expected)" for name in first),
        )
        second = {match[1]: int(match[2]) for match in spawns(daemon)[count:]}
        self.assertEqual(len(spawns(daemon)), 2 * count)
        self.assertEqual(second.keys(), first.keys())
        for name, pid in second.items():
            self.assertEqual(daemon.read(f"{name}.log"), f"started {first[name]}\nstarted {pid}\n")
        self.assertEqual(children(daemon.process.pid), sorted(second.values()))
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(len(daemon.lines("stopped: ")), count)


def spawns(daemon: Daemon) -> list[tuple[str, str, str]]:
    """All starts, as matches with the name and the pid."""
    return daemon.lines(r"spawned: '(\d+)' with pid (\d+)")  # type: ignore[return-value]


class ShortageTests(FunctionalTestCase):
    """Too few descriptors, too few processes."""

    def test_descriptors(self) -> None:
        """Without descriptors a start is put off; when there are some again, it succeeds."""
        self.check_descriptors("NONE")

    def test_descriptors_and_logs(self) -> None:
        """So it is where each process has logs of its own, whether it runs or not."""
        self.check_descriptors("AUTO")

    def check_descriptors(self, logfile: str) -> None:
        count = 40

        def lower() -> None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (120, 120))

        daemon = self.daemon(
            f"""\
            minfds=100
            [program:many]
            command=sleep 1000
            process_name=%(process_num)d
            numprocs={count}
            autorestart=false
            startretries=1000
            stdout_logfile={logfile}
            stderr_logfile={logfile}
            [program:hopeless]
            command=sleep 1000
            process_name=hopeless%(process_num)d
            numprocs={count}
            autorestart=false
            priority=1000
            startretries=1
            """,
            preexec=lower,
        )

        # Who gets a place is a matter of luck, but there are not enough for half of all.
        def settled() -> bool:
            lucky = daemon.lines("spawned: 'hopeless")
            return len(daemon.lines("gave up: hopeless")) == count - len(lucky)

        daemon.wait_for(r"INFO spawnerr: too many open files to spawn 'hopeless\d+'", 2)
        daemon.wait_for("gave up: hopeless")
        until(settled, daemon.tell)
        # where all open their logs at once, hardly anybody may get further at first
        spawned = r"spawned: '(\w+)' with pid (\d+)"
        until(lambda: len(daemon.lines(spawned)) > 2, daemon.tell)
        running = {match[1]: int(match[2]) for match in daemon.lines(spawned)}
        self.assertLess(len(running), 35, daemon.tell())
        waiting = {str(number) for number in range(count)} - running.keys()
        for name in waiting:
            daemon.wait_for(f"INFO spawnerr: too many open files to spawn '{name}'")
        for pid in running.values():
            os.kill(pid, signal.SIGTERM)
        for name in running:
            daemon.wait_for(rf"exited: {name} \(terminated by SIGTERM; not expected\)")
        # how many fit depends on what else is being opened at that moment
        daemon.wait_for(f"success: ({'|'.join(waiting)}) ", min(len(waiting), len(running) // 2))
        self.assertFalse(daemon.lines(CRASH))
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.stderr.read_text(), "")

    def test_not_one_descriptor(self) -> None:
        """With none left at all, signals are answered, exits handled, logs written as they are."""
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c "while [ ! -e now ]; do sleep 0.05; done; echo done"
            directory=%(here)s
            stdout_logfile=%(here)s/one.log
            autorestart=false
            startsecs=0
            [program:two]
            command=sleep 1000
            startretries=1000
            """
        )
        daemon.wait_for("success: ", 2)
        pid = daemon.process.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
        (self.directory / "one.log").rename(self.directory / "old.log")
        daemon.signal(signal.SIGUSR2)
        daemon.wait_for("ERRO cannot reopen .*/one.log.*raise the limit of open files")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("ERRO the restart is refused.*")
        os.kill(daemon.pid_of("two"), signal.SIGKILL)
        daemon.wait_for("INFO spawnerr: too many open files to spawn 'two'")
        (self.directory / "now").touch()
        daemon.wait_for(r"exited: one \(exit status 0; expected\)")
        self.assertEqual(daemon.read("old.log"), "done\n")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (100, hard))
        daemon.wait_for("success: two", 2)
        self.assertFalse(daemon.lines(CRASH))
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.stderr.read_text(), "")

    def test_processes(self) -> None:
        """Where the system refuses to fork, a start is put off too."""
        requirements.root()
        self.directory.chmod(0o777)
        count = 30
        daemon = self.daemon(
            f"""\
            minprocs=1
            user={idle_user()}
            [program:many]
            command=sleep 1000
            process_name=%(process_num)d
            numprocs={count}
            autorestart=false
            startretries=1000
            """,
            preexec=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (20, 20)),
        )
        daemon.wait_for("INFO spawnerr: Too many processes in process table to spawn '")
        daemon.wait_for("success", 10)
        running = {match[1]: int(match[2]) for match in spawns(daemon)}
        waiting = {str(number) for number in range(count)} - running.keys()
        self.assertGreaterEqual(len(waiting), 10)
        for pid in running.values():
            os.kill(pid, signal.SIGTERM)
        for name in waiting:
            daemon.wait_for(f"success: {name} ")
        self.assertFalse(daemon.lines(CRASH))
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.stderr.read_text(), "")

    def test_no_thread(self) -> None:
        """Where not even a thread can be had, nothing starts, and the daemon is there."""
        requirements.root()
        self.directory.chmod(0o777)
        daemon = self.daemon(
            f"minprocs=1\nuser={idle_user()}\n[program:one]\ncommand=sleep 1000\nstartretries=0\n",
            preexec=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (1, 1)),
        )
        daemon.wait_for("INFO spawnerr: Too many processes in process table to spawn 'one'")
        daemon.wait_for("gave up: one")
        self.assertEqual(daemon.stop(), 0)


def idle_user() -> str:
    """Return the name of an ordinary user without a process, whose limit nobody else fills."""
    busy = set()
    for process in glob("/proc/[0-9]*"):
        with suppress(FileNotFoundError):  # it has ended
            busy.add(Path(process).stat().st_uid)
    return next(user.pw_name for user in pwd.getpwall() if user.pw_uid not in busy)
