"""Programs under the real daemon: their start, their end, and what the activity log says."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.functional.harness import Daemon, FunctionalTestCase, alive, until
from tests.functional.rpc import Client

#: Lives until it is told to end.
SLEEPER = "sleep 1000"

SUCCESS = (
    "INFO success: one entered RUNNING state, "
    "process has stayed up for > than 1 seconds (startsecs)"
)


class LifeTests(FunctionalTestCase):
    """One program and its life."""

    def test_start_and_shutdown(self) -> None:
        """A start, a success and a stop read as in Supervisor, and the daemon ends with 0."""
        daemon = self.daemon(f"[program:one]\ncommand={SLEEPER}\n")
        daemon.wait_for("success: one")
        self.assertEqual(daemon.stop(), 0)
        lines = [line.split(" ", 2)[2] for line in daemon.log.splitlines()]
        pid = daemon.pid_of("one")
        self.assertEqual(
            lines[-6:],
            [
                f"INFO supervisord started with pid {daemon.process.pid}",
                f"INFO spawned: 'one' with pid {pid}",
                SUCCESS,
                "WARN received SIGTERM indicating exit request",
                "INFO waiting for one to die",
                "WARN stopped: one (terminated by SIGTERM)",
            ],
        )
        self.assertFalse(alive(pid))
        self.assertFalse((self.directory / "supervisord.pid").exists())

    def test_replaced(self) -> None:
        """A child that is killed is replaced at once."""
        daemon = self.daemon(f"[program:one]\ncommand={SLEEPER}\n")
        daemon.wait_for("success: one")
        os.kill(daemon.pid_of("one"), signal.SIGKILL)
        daemon.wait_for(r"exited: one \(terminated by SIGKILL; not expected\)")
        daemon.pid_of("one", 2)
        daemon.wait_for("success: one", 2)

    def test_expected_exit(self) -> None:
        """An exit with an expected code is final."""
        daemon = self.daemon("[program:one]\ncommand=sh -c 'exit 3'\nstartsecs=0\nexitcodes=0,3\n")
        daemon.wait_for(r"INFO exited: one \(exit status 3; expected\)")
        daemon.stop()
        self.assertEqual(len(daemon.lines("spawned")), 1)

    def test_gives_up(self) -> None:
        """A program that ends too early is tried again startretries times."""
        daemon = self.daemon("[program:one]\ncommand=false\nstartretries=1\n")
        daemon.wait_for("INFO gave up: one entered FATAL state, too many start retries too quickly")
        self.assertEqual(len(daemon.lines(r"WARN exited: one \(exit status 1; not expected\)")), 2)

    def test_killed(self) -> None:
        """A program that ignores TERM is killed after stopwaitsecs."""
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c "trap '' TERM; echo ready; while :; do sleep 0.1; done"
            stdout_logfile=%(here)s/one.log
            stopwaitsecs=1
            """
        )
        daemon.pid_of("one")
        log = self.directory / "one.log"
        until(lambda: log.exists() and log.read_text())
        self.assertEqual(daemon.stop(), 0)
        daemon_lines = [match[0] for match in daemon.lines("killing.*|stopped.*")]
        pid = daemon.pid_of("one")
        self.assertEqual(
            daemon_lines,
            [f"killing 'one' ({pid}) with SIGKILL", "stopped: one (terminated by SIGKILL)"],
        )

    def test_second_term_does_not_hurry(self) -> None:
        """A second TERM does not take stopwaitsecs from a program."""
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c "trap 'echo told; sleep 1; echo done; exit 0' TERM; echo ready;
                while :; do sleep 0.05; done"
            stdout_logfile=%(here)s/one.log
            """
        )
        log = self.directory / "one.log"
        until(lambda: log.exists() and "ready" in log.read_text())
        daemon.signal(signal.SIGTERM)
        until(lambda: "told" in log.read_text())
        daemon.signal(signal.SIGTERM)
        daemon.signal(signal.SIGINT)
        self.assertEqual(daemon.wait(), 0)
        self.assertIn("done", log.read_text())

    def test_impatience(self) -> None:
        """However often it is told to end, it ends with 0 and leaves no pid file behind."""
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.daemon(f"[program:one]\ncommand={SLEEPER}\nstartsecs=0\n")
            daemon.wait_for("success: one")

            def ended(daemon: Daemon = daemon, number: int = number) -> bool:
                daemon.signal(number)
                return daemon.process.poll() is not None

            until(ended)
            self.assertEqual(daemon.wait(), 0)
            self.assertFalse((self.directory / "supervisord.pid").exists())
            daemon.logfile.unlink()

    def test_group_kill(self) -> None:
        """With stopasgroup the children of a program end with it."""
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c "sleep 1000 & echo $! > %(here)s/grandchild; wait"
            stopasgroup=true
            """
        )
        file = self.directory / "grandchild"
        until(lambda: file.exists() and file.read_text())
        grandchild = int(file.read_text())
        daemon.stop()
        until(lambda: not alive(grandchild))

    def test_missing_command(self) -> None:
        """A command that is not there is said in the log, without a fork."""
        daemon = self.daemon("[program:one]\ncommand=/no/such/program\nstartretries=0\n")
        daemon.wait_for("INFO spawnerr: can't find command '/no/such/program'")
        daemon.wait_for("gave up: one")
        self.assertEqual(daemon.lines("spawned"), [])

    def test_exec_failure(self) -> None:
        """A program that cannot be executed leaves Supervisor's two lines in its stderr log."""
        script = self.directory / "script"
        script.write_bytes(b"\x00\x01 not a program")
        script.chmod(0o755)
        daemon = self.daemon(
            f"""\
            [program:one]
            command={script}
            stderr_logfile=%(here)s/one.err
            startretries=0
            """
        )
        daemon.wait_for("gave up: one")
        self.assertEqual(
            (self.directory / "one.err").read_text(),
            f"supervisor: couldn't exec {script}: ENOEXEC\n"
            "supervisor: child process was not spawned\n",
        )

    def test_environment(self) -> None:
        """A child sees the daemon's environment, ours, and what is configured, in that order."""
        daemon = self.daemon(
            """\
            environment=A="global",B="global"
            [program:one]
            command=env
            environment=B="own",SUPERVISOR_ENABLED="no"
            stdout_logfile=%(here)s/one.log
            startsecs=0
            [group:many]
            programs=one
            """,
            environ={"A": "inherited", "INHERITED": "yes"},
        )
        daemon.wait_for("exited: one")
        seen = dict(
            line.split("=", 1) for line in (self.directory / "one.log").read_text().splitlines()
        )
        self.assertEqual((seen["A"], seen["B"], seen["INHERITED"]), ("global", "own", "yes"))
        self.assertEqual(seen["SUPERVISOR_ENABLED"], "no")
        self.assertEqual(seen["SUPERVISOR_PROCESS_NAME"], "one")
        self.assertEqual(seen["SUPERVISOR_GROUP_NAME"], "many")
        self.assertNotIn("SUPERVISOR_SERVER_URL", seen)

    def test_descriptors(self) -> None:
        """A child has the descriptors 0, 1 and 2, and no other."""
        daemon = self.daemon(
            """\
            [program:one]
            command=ls /proc/self/fd
            stdout_logfile=%(here)s/one.log
            startsecs=0
            [program:other]
            command=sleep 1000
            priority=1
            """
        )
        daemon.wait_for("exited: one")
        # the fourth is the directory that ls reads
        self.assertEqual((self.directory / "one.log").read_text().split(), ["0", "1", "2", "3"])

    def test_priorities(self) -> None:
        """Programs start by ascending priority and stop by descending, each level in its turn."""
        daemon = self.daemon(
            "".join(
                f"[program:p{n}]\ncommand=sleep 1000\npriority={n}\nstartsecs=0\n"
                for n in (3, 1, 2)
            )
        )
        daemon.wait_for("success", 3)
        self.assertEqual(
            [match[1] for match in daemon.lines("spawned: '(p.)'")], ["p1", "p2", "p3"]
        )
        daemon.stop()
        self.assertEqual([match[1] for match in daemon.lines("stopped: (p.)")], ["p3", "p2", "p1"])

    def test_last_words(self) -> None:
        """A megabyte written just before the exit is in the log, to the last byte."""
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c "head -c 1000000 /dev/zero; echo end"
            stdout_logfile=%(here)s/one.log
            startsecs=0
            """
        )
        daemon.wait_for("exited: one")
        data = (self.directory / "one.log").read_bytes()
        self.assertEqual((len(data), data[-4:]), (1000004, b"end\n"))

    def test_grandchild_keeps_the_pipe(self) -> None:
        """A program that leaves a grandchild with its pipe has ended all the same."""
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c "sleep 1000 & echo $! > %(here)s/grandchild; exit 0"
            startsecs=0
            """
        )
        daemon.wait_for("exited: one")
        os.kill(int((self.directory / "grandchild").read_text()), signal.SIGKILL)

    def test_fcgi(self) -> None:
        """The processes of an fcgi program share a listening socket on descriptor 0."""
        daemon = self.daemon(
            """\
            [fcgi-program:one]
            command=sh -c "ls -l /proc/self/fd/0; exec sleep 1000"
            socket=unix://%(here)s/one.sock
            process_name=%(program_name)s_%(process_num)d
            numprocs=2
            stdout_logfile=%(here)s/%(process_num)d.log
            [group:many]
            programs=one
            """
        )
        logs = [self.directory / "0.log", self.directory / "1.log"]
        until(lambda: all(log.exists() and log.read_text() for log in logs))
        inodes = {log.read_text().split()[-1] for log in logs}
        self.assertEqual(len(inodes), 1)
        self.assertIn("socket:[", inodes.pop())
        self.assertEqual((self.directory / "one.sock").stat().st_mode & 0o777, 0o700)
        daemon.stop()
        self.assertTrue(daemon.lines("Closing socket unix://"))


class SignalTests(FunctionalTestCase):
    """What the daemon does when it is sent a signal."""

    def test_reload(self) -> None:
        """HUP starts everything anew, from the new configuration, under the same pid."""
        daemon = self.daemon(f"[program:one]\ncommand={SLEEPER}\n")
        daemon.wait_for("success: one")
        first = daemon.pid_of("one")
        daemon.configure(f"[program:two]\ncommand={SLEEPER}\n")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("WARN received SIGHUP indicating restart request")
        daemon.wait_for("success: two")
        self.assertFalse(alive(first))
        self.assertEqual(
            (self.directory / "supervisord.pid").read_text(), f"{daemon.process.pid}\n"
        )
        self.assertEqual(daemon.stop(), 0)

    def test_configured_after_reload(self) -> None:
        """What HUP has started anew is from then on what groups are added from."""
        server = (
            "[unix_http_server]\nfile=%(here)s/s\n[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        )
        daemon = self.daemon(f"{server}[program:one]\ncommand={SLEEPER}\n")
        daemon.wait_for("success: one")
        daemon.configure(f"{server}[program:two]\ncommand={SLEEPER}\n")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("success: two")
        client = Client(self.directory / "s")
        infos = client.call("supervisor.getAllConfigInfo")
        self.assertEqual([(info["name"], info["inuse"]) for info in infos], [("two", True)])
        client.call("supervisor.stopProcess", "two")
        self.assertIs(client.call("supervisor.removeProcessGroup", "two"), True)
        self.assertIs(client.call("supervisor.addProcessGroup", "two"), True)

    def test_broken_reload(self) -> None:
        """HUP with a broken configuration is refused, and nothing stops."""
        daemon = self.daemon(f"[program:one]\ncommand={SLEEPER}\n")
        daemon.wait_for("success: one")
        pid = daemon.pid_of("one")
        daemon.configure(f"[program:one]\ncommand={SLEEPER}\nstartsecs=soon\n")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("ERRO .*refused.*startsecs.*soon")
        self.assertTrue(alive(pid))
        daemon.configure(f"[program:two]\ncommand={SLEEPER}\n")
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("success: two")

    def test_reopen(self) -> None:
        """USR2 goes on in new files of the old names."""
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c "while :; do echo tick; sleep 0.05; done"
            stdout_logfile=%(here)s/one.log
            """
        )
        log = self.directory / "one.log"
        until(lambda: log.exists() and log.stat().st_size)
        log.rename(self.directory / "old.log")
        daemon.logfile.rename(self.directory / "old-main.log")
        daemon.signal(signal.SIGUSR2)
        until(lambda: log.exists() and log.stat().st_size)
        self.assertIn(
            "INFO received SIGUSR2 indicating log reopen request",
            (self.directory / "old-main.log").read_text(),
        )
        until(daemon.logfile.exists)

    def test_hangup_during_shutdown(self) -> None:
        """HUP during a shutdown is ignored."""
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c "trap 'sleep 0.5; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
            stdout_logfile=%(here)s/one.log
            """
        )
        log = self.directory / "one.log"
        until(lambda: log.exists() and log.read_text())
        daemon.signal(signal.SIGTERM)
        daemon.wait_for("waiting for one to die")
        daemon.signal(signal.SIGHUP)
        self.assertEqual(daemon.wait(), 0)
        self.assertTrue(
            daemon.lines(r"WARN ignored SIGHUP indicating restart request \(shutdown in progress\)")
        )

    def test_two_on_one_pid_file(self) -> None:
        """The pid file belongs to the latest; the end of the first leaves it alone."""
        config = f"[program:one]\ncommand={SLEEPER}\n"
        first = self.daemon(config)
        first.wait_for("supervisord started")
        second = self.daemon(config, arguments=["-l", str(self.directory / "second.log")])
        pidfile = self.directory / "supervisord.pid"
        until(lambda: pidfile.read_text() == f"{second.process.pid}\n")
        first.stop()
        self.assertEqual(pidfile.read_text(), f"{second.process.pid}\n")
        second.stop()
        self.assertFalse(pidfile.exists())


class IdleTests(FunctionalTestCase):
    """A daemon with nothing to do."""

    def test_no_wakeups(self) -> None:
        """An idle daemon sleeps: none of its threads is woken in two seconds."""
        daemon = self.daemon(
            "[program:many]\ncommand=sleep 1000\nnumprocs=20\n"
            "process_name=%(program_name)s_%(process_num)02d\n"
        )
        daemon.wait_for("success", 20)

        def switches() -> list[str]:
            tasks = Path(f"/proc/{daemon.process.pid}/task").iterdir()
            return [
                line
                for task in sorted(tasks)
                for line in (task / "status").read_text().splitlines()
                if "ctxt_switches" in line
            ]

        import time

        def rests() -> bool:
            before = switches()
            time.sleep(2)
            return before == switches()

        until(rests)
