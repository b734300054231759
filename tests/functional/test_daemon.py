"""The daemon as a whole: how it is started, what it refuses, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests import requirements
from tests.functional.harness import PATIENCE, TOP, FunctionalTestCase, alive, until

SUPERVISORD = (sys.executable, "-m", "supervisor_tx")
TWISTD = (sys.executable, "-m", "twisted", "supervisor")
CONFIG = """\
[supervisord]
logfile=%(here)s/supervisord.log
pidfile=%(here)s/supervisord.pid
childlogdir=%(here)s
umask=027
directory=%(here)s/work
[program:one]
command=sh -c "umask; pwd; exec sleep 1000"
stdout_logfile=%(here)s/one.log
"""


def twistd(*arguments: str) -> tuple[str, ...]:
    """The command line of twistd, with options of its own and then ours."""
    start = "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
    return (sys.executable, "-c", start, *arguments)


class StartTests(FunctionalTestCase):
    """Ways to start it, in the foreground and in the background."""

    def setUp(self) -> None:
        super().setUp()
        (self.directory / "work").mkdir()
        self.config = self.directory / "supervisord.conf"
        self.config.write_text(CONFIG)
        self.log = self.directory / "supervisord.log"
        self.pidfile = self.directory / "supervisord.pid"

    def call(self, *command: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, in the directory."""
        done = subprocess.run(
            command,
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": str(TOP)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def in_background(self) -> int:
        """Return the pid of the daemon in the background, which ends with the test."""
        until(self.pidfile.exists)
        pid = int(until(self.pidfile.read_text) or "0")
        self.addCleanup(self._end, pid)
        until(lambda: "success: one" in self.log.read_text(), self.log.read_text)
        return pid

    def _end(self, pid: int) -> None:
        if alive(pid):
            os.kill(pid, signal.SIGTERM)
            until(lambda: not alive(pid))

    def litter(self) -> set[str]:
        """What the directory holds that nobody asked for."""
        expected = {"work", "supervisord.conf", "supervisord.log", "supervisord.pid", "one.log"}
        return {name for name in os.listdir(self.directory) if "---" not in name} - expected

    def check_background(self, pid: int) -> None:
        """A daemon in the background has a session, no terminal, its directory and its umask."""
        self.assertEqual(os.getsid(pid), os.getpgid(pid))
        self.assertNotEqual(os.getsid(pid), os.getsid(0))
        for fd in (0, 1, 2):
            self.assertEqual(os.readlink(f"/proc/{pid}/fd/{fd}"), "/dev/null")
        self.assertEqual(
            (self.directory / "one.log").read_text().split(),
            ["0027", str(self.directory / "work")],
        )
        self.assertEqual(self.litter(), set())
        os.kill(pid, signal.SIGTERM)
        until(lambda: not alive(pid))
        self.assertFalse(self.pidfile.exists())
        self.assertIn("stopped: one", self.log.read_text())

    def test_script_in_the_background(self) -> None:
        """``supervisord -c conf`` daemonises, and its first process ends with 0."""
        done = self.call(*SUPERVISORD, "-c", "supervisord.conf")
        self.assertEqual((done.stdout, done.stderr), ("", ""))
        pid = self.in_background()
        self.assertIn("INFO daemonizing the supervisord process", self.log.read_text())
        self.check_background(pid)

    def test_twistd_in_the_background(self) -> None:
        """``twistd supervisor -c conf`` does the same."""
        done = self.call(*twistd("supervisor", "-c", "supervisord.conf"))
        self.assertEqual((done.stdout, done.stderr), ("", ""))
        self.check_background(self.in_background())

    def test_twistd_in_the_foreground(self) -> None:
        """``twistd -n supervisor -c conf``: on stdout only the log, and status 0 at TERM."""
        daemon = self.daemon(
            "[program:one]\ncommand=sleep 1000\n", command=twistd("-n", "supervisor")
        )
        daemon.wait_for("success: one")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.stdout.read_text(), daemon.log)
        self.assertEqual(daemon.stderr.read_text(), "")
        self.assertEqual(self.litter() - {"stdout", "stderr"}, set())

    def test_twistd_options(self) -> None:
        """twistd's own options for the same things mean what ours mean; an empty pid file: none."""
        daemon = self.daemon(
            "[program:one]\ncommand=sleep 1000\n",
            command=twistd("-n", "--pidfile=", "--logfile=other.log", "supervisor"),
        )
        other = self.directory / "other.log"
        until(lambda: other.exists() and "success: one" in other.read_text())
        self.assertFalse(self.pidfile.exists())
        self.assertFalse(self.log.exists())
        self.assertEqual(daemon.stop(), 0)

    def test_nodaemon_in_the_file(self) -> None:
        """``nodaemon=true`` in the file keeps twistd in the foreground too."""
        daemon = self.daemon("nodaemon=true\nsilent=true\n", command=twistd("supervisor"))
        daemon.wait_for("supervisord started with pid")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.stdout.read_text(), "")

    def test_bad_configuration(self) -> None:
        """Everything that is wrong is said in one run, with status 2, and nothing is touched."""
        self.config.write_text(
            CONFIG + "startsecs=soon\nstopsignal=NOPE\n[program:two]\npriority=high\ncommand=x\n"
        )
        for command in (SUPERVISORD, twistd("supervisor"), (*SUPERVISORD, "--check")):
            with self.subTest(command=command):
                done = self.call(*command, "-c", "supervisord.conf", expect=2)
                self.assertEqual(done.stdout, "")
                for part in ("soon", "NOPE", "high", "supervisord.conf:10", "program:two"):
                    self.assertIn(part, done.stderr)
                self.assertNotIn("Traceback", done.stderr)
                self.assertEqual(set(os.listdir(self.directory)), {"work", "supervisord.conf"})

    def test_missing_configuration(self) -> None:
        """A file that is not there is said in Supervisor's words."""
        done = self.call(*SUPERVISORD, "-c", "/no/such/file", expect=2)
        self.assertIn("Error: could not find config file /no/such/file\n", done.stderr)

    def test_check(self) -> None:
        """``--check`` starts nothing, and hints at options that nobody reads."""
        self.config.write_text(CONFIG + "autorestrat=true\n")
        done = self.call(*SUPERVISORD, "--check", "-c", "supervisord.conf")
        self.assertIn("autorestart", done.stdout)
        self.assertFalse(self.log.exists())

    def test_version(self) -> None:
        """Both ways to ask for the version answer as Supervisor does."""
        self.assertEqual(self.call(*SUPERVISORD, "-v").stdout, "4.3.0\n")
        self.assertEqual(self.call(*twistd("supervisor", "--version")).stdout, "4.3.0\n")

    def test_profile(self) -> None:
        """``--profile_options`` prints the profiler's figures at the end."""
        daemon = self.daemon("", arguments=["--profile_options", "cumulative,calls"])
        daemon.wait_for("supervisord started with pid")
        daemon.stop()
        self.assertIn("Ordered by: cumulative time, call count", daemon.stdout.read_text())

    def test_no_log_directory(self) -> None:
        """An activity log that cannot be opened is said before anything starts."""
        (self.directory / "supervisord.log").mkdir()
        done = self.call(*SUPERVISORD, "-c", "supervisord.conf", expect=2)
        self.assertIn("supervisord.log", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_user(self) -> None:
        """With ``user=`` the daemon and its files belong to that user."""
        requirements.root()
        self.directory.chmod(0o777)
        (self.directory / "work").chmod(0o777)
        daemon = self.daemon("user=nobody\n[program:one]\ncommand=sleep 1000\n")
        daemon.wait_for("success: one")
        uid = Path(f"/proc/{daemon.process.pid}").stat().st_uid
        self.assertEqual(self.log.stat().st_uid, uid)
        self.assertEqual(Path(f"/proc/{daemon.pid_of('one')}").stat().st_uid, uid)
        self.assertIn(f"Set uid to user {uid} succeeded", daemon.log)

    def test_closed_descriptors(self) -> None:
        """Started without descriptors 0, 1 and 2 it puts nothing of its own in their place."""
        daemon = self.daemon("", preexec=lambda: os.closerange(0, 3))
        daemon.wait_for("supervisord started with pid")
        for fd in (0, 1, 2):
            self.assertEqual(os.readlink(f"/proc/{daemon.process.pid}/fd/{fd}"), "/dev/null")

    def test_limits(self) -> None:
        """minfds raises the soft limit of the children, and of nobody else's."""
        import resource

        def lower() -> None:
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))

        daemon = self.daemon(
            "minfds=700\n[program:one]\ncommand=sh -c 'ulimit -Sn'\nstartsecs=0\n"
            "stdout_logfile=%(here)s/one.log\n[program:many]\ncommand=sleep 1000\nnumprocs=120\n"
            "process_name=%(program_name)s_%(process_num)d\n",
            preexec=lower,
        )
        daemon.wait_for("success", 121)
        self.assertIn("INFO Increased RLIMIT_NOFILE limit to 700", daemon.log)
        self.assertEqual((self.directory / "one.log").read_text(), "700\n")

    def test_few_descriptors(self) -> None:
        """As many programs as three pipes each allow do run, and their end is noticed."""
        import resource

        daemon = self.daemon(
            "minfds=100\n[program:many]\ncommand=sleep 1000\nnumprocs=130\nstartsecs=0\n"
            "process_name=%(program_name)s_%(process_num)d\nautorestart=false\n"
            "stdout_logfile=NONE\nstderr_logfile=NONE\n",
            preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500)),
        )
        daemon.wait_for("success", 130)
        os.kill(daemon.pid_of("many_129"), signal.SIGKILL)
        daemon.wait_for(r"exited: many_129 \(terminated by SIGKILL; not expected\)")

    def test_too_many_files_asked(self) -> None:
        """A minfds that the system does not allow is refused in Supervisor's words."""
        self.config.write_text(CONFIG.replace("umask=027", "minfds=99999999999"))
        done = self.call(*SUPERVISORD, "-c", "supervisord.conf", expect=2)
        self.assertIn("The minimum number of file descriptors required to run", done.stderr)
