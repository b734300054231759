"""What our client does that Supervisor's does not, with the daemons of both."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.functional.harness import PATIENCE, TOP, Daemon, FunctionalTestCase, until
from tests.requirements import program, require, root, stock

HEAD = """\
[unix_http_server]
file=%(here)s/control.sock
chmod=0777
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/control.sock
history_file=%(here)s/history
"""

PROGRAMS = """\
[program:cat]
command=cat
startsecs=0
stdout_logfile=%(here)s/cat.out
[program:off]
command=sleep 1000
autostart=false
[program:crash]
command=sh -c 'echo "what a pity" >&2; exit 3'
startsecs=0
autorestart=false
[program:w]
command=sleep 1000
startsecs=0
numprocs=2
process_name=%(program_name)s_%(process_num)d
"""

#: Takes its time to end.
SLOW = """\
[program:slow]
command=sh -c "trap '' TERM; echo > ready; while :; do sleep 0.1; done"
directory=%(here)s
stopwaitsecs=30
startsecs=0
"""

CLIENT = (sys.executable, "-m", "supervisor_tx.ctl", "-c", "supervisord.conf")


class ClientTestCase(FunctionalTestCase):
    def start(self, config: str = HEAD + PROGRAMS, server: str = "ours") -> Daemon:
        """Start a daemon, and wait until it can be asked."""
        command = (sys.executable, "-m", "supervisor_tx", "-n")
        if server == "stock":
            command = (stock("supervisord"), "-n")  # type: ignore[assignment]
        daemon = self.daemon(config, command=command)
        until(lambda: self.run_client("pid").returncode == 0)
        return daemon

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(TOP), **more}

    def run_client(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run our client until it ends."""
        return subprocess.run(
            [*CLIENT, *words],
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
            env=self.environment(),
            **options,
        )

    def says(self, *words: str, status: int = 0) -> str:
        """Run our client, check how it ended, and return what it printed."""
        done = self.run_client(*words)
        self.assertEqual((done.returncode, done.stderr), (status, ""), (words, done.stdout))
        return done.stdout

    def document(self, *words: str, status: int = 0) -> Any:
        """Run our client, and return the one document that it printed."""
        found = json.loads(self.says(*words, status=status))
        self.assertEqual(found["exit_status"], status)
        return found


class DocumentTests(ClientTestCase):
    def test_documents(self) -> None:
        """Each action answers by one JSON document, and ends as it does without."""
        self.start()
        infos = self.document("status", "--json", status=3)["results"]
        self.assertEqual([each["name"] for each in infos[:2]], ["cat", "crash"])
        self.assertEqual(
            self.document("--json", "status", "cat")["results"][0]["statename"], "RUNNING"
        )
        (result,) = self.document("status", "--json", "nix", status=4)["results"]
        self.assertEqual((result["ok"], result["outcome"]), (False, "no such process"))
        results = self.document("start", "cat", "off", "--json", "nix", status=1)["results"]
        self.assertEqual(
            [(each["name"], each["ok"], each["outcome"]) for each in results],
            [
                ("cat", False, "already started"),
                ("off", True, "started"),
                ("nix", False, "no such process"),
            ],
        )
        self.assertEqual(len(self.document("avail", "--json")["results"]), 5)
        self.assertEqual(
            self.document("reread", "--json")["messages"], ["No config updates to processes"]
        )
        self.assertEqual(self.document("plan", "--json")["results"], [])
        self.assertEqual(self.document("version", "--json")["results"], [{"version": "4.3.0"}])
        self.assertEqual(len(self.document("pid", "--json", "all")["results"]), 5)
        self.assertEqual(self.document("stop", "w:*", "--json")["results"][0]["outcome"], "stopped")
        self.assertEqual(self.document("tail", "--json", "cat")["results"][0]["text"], "")
        self.assertEqual(
            self.document("why", "crash", "--json", status=3)["results"][0]["exit_code"], 3
        )
        self.assertTrue(self.document("tail", "-f", "cat", "--json", status=2)["messages"])
        self.assertTrue(self.document("--json", "fg", "cat", status=2)["messages"])
        self.assertTrue(self.document("--json", "help")["messages"])
        self.assertEqual(self.document("shutdown", "--json")["results"], [{"outcome": "shut down"}])

    def test_without_a_daemon(self) -> None:
        """An error is part of the document, with what explains it."""
        (self.directory / "supervisord.conf").write_text(HEAD)
        found = self.document("status", "--json", status=4)
        self.assertRegex(found["messages"][0], r"no such file\Z")
        self.assertRegex(found["hints"][0], "There is no socket")


class OrderTests(ClientTestCase):
    def test_patterns(self) -> None:
        """A pattern stands for what it matches, to either daemon."""
        for server in ("ours", "stock"):
            daemon = self.start(server=server)
            lines = self.says("status", "w_?").splitlines()
            self.assertEqual([line.split()[0] for line in lines], ["w:w_0", "w:w_1"])
            self.assertEqual(self.says("stop", "w:w_[1]", "c*t"), "w:w_1: stopped\ncat: stopped\n")
            self.assertEqual(self.says("stop", "x?", status=1), "x?: ERROR (no such process)\n")
            self.assertEqual(
                self.says("start", "w_*"), "w:w_0: ERROR (already started)\nw:w_1: started\n"
            )
            daemon.kill()
            daemon.wait()

    def test_waiting(self) -> None:
        """Orders can be given without waiting, or with a limit to that."""
        daemon = self.start(HEAD + PROGRAMS + SLOW)
        daemon.wait_for_file("ready")
        self.assertEqual(self.says("start", "--no-wait", "off"), "off: starting\n")
        self.assertEqual(
            self.says("stop", "--timeout", "0.3", "slow", status=1),
            "slow: ERROR (still STOPPING after 0.3 s)\n",
        )
        self.assertEqual(
            self.says("stop", "--no-wait", "w:*"), "w:w_0: stopping\nw:w_1: stopping\n"
        )
        self.assertEqual(
            self.says("--timeout", "30", "restart", "cat"), "cat: stopped\ncat: started\n"
        )
        self.assertEqual(
            self.says("--timeout", "30", "start", "cat", "off"),
            "cat: ERROR (already started)\noff: ERROR (already started)\n",
        )
        self.assertRegex(
            self.says("start", "--timeout", "never", "cat", status=2), "--timeout never"
        )

    def test_a_plan(self) -> None:
        """plan says what update would do, and update does only that where it is to be minimal."""
        config = HEAD + PROGRAMS.replace(
            "[program:cat]", "[program:new]\ncommand=cat\n[program:cat]"
        )
        minimal = "[supervisord]\nupdate_mode=minimal\n"
        daemon = self.start(minimal + HEAD + PROGRAMS)
        pid = self.says("pid", "w:w_0")
        daemon.configure(minimal + config.replace("numprocs=2", "numprocs=1"))
        planned = self.says("plan")
        self.assertRegex(planned, r"new: will be added\n")
        self.assertRegex(planned, r"w:w_1: will be stopped and removed\n")
        self.assertEqual(self.says("status", "w:w_1").split()[1], "RUNNING")
        done = self.says("update")
        self.assertRegex(done, r"new: added process group\n")
        self.assertRegex(done, r"w:w_1: removed process\n")
        self.assertEqual(self.says("pid", "w:w_0"), pid)
        self.assertEqual(self.says("plan"), "Nothing to do\n")
        daemon.configure("[program:x]\ncommand=x\nstartsecs=y\n" + HEAD)
        self.assertRegex(self.says("plan", status=1), r"\AERROR: CANT_REREAD: ")

    def test_no_plan(self) -> None:
        """Supervisor's own daemon has no plans, and that is said."""
        self.start(server="stock")
        self.assertRegex(self.says("plan", status=1), "ERROR: this daemon has no plans")

    def test_why(self) -> None:
        """why says how a process ended, and what it printed last."""
        for server in ("ours", "stock"):
            daemon = self.start(server=server)
            daemon.wait_for("exited: crash")
            text = self.says("why", "crash", status=3)
            self.assertRegex(text, r"\Acrash: EXITED\n")
            self.assertIn("with exit code 3", text)
            self.assertIn("    what a pity\n", text)
            self.assertRegex(self.says("why", "cat"), "runs: +as process")
            self.assertRegex(self.says("why", "nix", status=4), "no such process")
            daemon.kill()
            daemon.wait()

    def test_events(self) -> None:
        """events tells of pools and listeners, and that Supervisor's own daemon tells nothing."""
        silent = "[eventlistener:{}]\ncommand=cat\nevents=EVENT\nautostart=false\n"
        self.start(HEAD + silent.format("one") + silent.format("other") + "buffer_size=3\n")
        pools, listeners = self.says("events").split("\n\n")
        self.assertRegex(pools, r"(?m)^one +\d+ .* 32 MiB .* EVENT$")
        self.assertRegex(pools, r"(?m)^other +\d+ +\d+ +3 ")
        self.assertRegex(listeners, r"(?m)^other:other +STOPPED +- +- +0 +-$")
        self.assertNotIn("one", self.says("events", "other"))
        self.assertEqual(
            self.says("events", "x", status=1), "x: ERROR (no such pool of event listeners)\n"
        )
        (one,) = self.document("events", "one", "--json")["results"]
        self.assertEqual(
            (one["name"], one["listeners"][0]["statename"], one["processed"]), ("one", "STOPPED", 0)
        )

    def test_no_events(self) -> None:
        """Where there are no listeners, no daemon or Supervisor's own, events says that."""
        daemon = self.start()
        self.assertEqual(self.says("events"), "There are no event listeners\n")
        self.assertEqual(self.document("events", "--json")["results"], [])
        daemon.stop()
        self.assertEqual(self.run_client("events").returncode, 4)
        self.start(server="stock")
        self.assertRegex(self.says("events", status=1), "ERROR: this daemon does not tell how")

    def test_a_table_for_a_pipe(self) -> None:
        """Where nobody sees it move, watch is a status."""
        self.start()
        self.assertRegex(self.says("watch", "w:*"), r"\Aw:w_0 +RUNNING .*\nw:w_1 +RUNNING .*\n\Z")


class OutputTests(ClientTestCase):
    def test_interrupted(self) -> None:
        """Ctrl-C ends an action as a signal does, and silently."""
        daemon = self.start(HEAD + PROGRAMS + SLOW)
        daemon.wait_for_file("ready")
        process = subprocess.Popen(
            [*CLIENT, "stop", "slow"],
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment(),
        )
        until(lambda: "STOPPING" in self.run_client("status", "slow").stdout)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.communicate(timeout=PATIENCE), (b"", b""))
        self.assertEqual(process.returncode, -signal.SIGINT)

    def test_nobody_reads(self) -> None:
        """A reader that has enough, and a closed standard output, are no errors."""
        programs = "".join(f"[program:p{n}]\ncommand=cat\nautostart=false\n" for n in range(2000))
        self.start(HEAD + programs)
        for words in ("status | head -1 | cut -c1-3; test ${PIPESTATUS[0]} = 3", "status p1 >&-"):
            done = subprocess.run(
                [program("bash"), "-c", f"{' '.join(CLIENT)} {words}"],
                cwd=self.directory,
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE,
                env=self.environment(),
            )
            self.assertEqual(done.stderr, "")
            self.assertEqual(
                (done.stdout, done.returncode), ("p0 \n", 0) if "|" in words else ("", 3)
            )


class EncodingTests(ClientTestCase):
    def test_ascii(self) -> None:
        """What the encoding of standard output has not is shown by its number, after a warning."""
        daemon = self.start(
            HEAD + "[program:p]\ncommand=printf '%%s' caf\u00e9\nstdout_logfile=%(here)s/log\n"
        )
        daemon.wait_for_file("log", "caf")
        for encoding, shown in (("ascii", "caf\\xe9\n"), ("utf-8", "caf\u00e9\n")):
            environment = self.environment(PYTHONIOENCODING=encoding)
            command = [*CLIENT, "tail", "-5", "p"]
            done = subprocess.run(
                command,
                cwd=self.directory,
                capture_output=True,
                env=environment,
                check=False,
                timeout=PATIENCE,
            )
            output = done.stdout.decode()
            self.assertEqual(
                (done.returncode, output.startswith("Warning: ")), (0, encoding == "ascii")
            )
            self.assertEqual(output.splitlines(keepends=True)[-1][-len(shown) :], shown)


class CauseTests(ClientTestCase):
    """An error of the connection keeps its first line, on standard output; the rest explains it."""

    def explained(self, *words: str, **options: Any) -> tuple[str, str]:
        done = self.run_client(*words, **options)
        return done.stdout, done.stderr

    def test_no_socket(self) -> None:
        daemon = self.daemon(HEAD + PROGRAMS)
        until(lambda: self.run_client("pid").returncode == 0)
        daemon.stop()
        output, errors = self.explained("pid")
        self.assertEqual(output, f"unix://{self.directory}/control.sock no such file\n")
        self.assertIn("no daemon has opened one there", errors)
        self.assertIn(f"in its log, {self.directory}/supervisord.log.", errors)

    def test_a_stale_socket(self) -> None:
        daemon = self.daemon(HEAD + PROGRAMS)
        until(lambda: self.run_client("pid").returncode == 0)
        daemon.process.kill()
        daemon.process.wait()
        output, errors = self.explained("pid")
        self.assertEqual(output, f"unix://{self.directory}/control.sock refused connection\n")
        self.assertIn("is stale: the daemon that made it is gone", errors)
        self.assertIn(f"its pid was {daemon.process.pid}, and no process has that now", errors)

    def test_a_foreign_socket(self) -> None:
        """A socket that this user may not use: whose it is."""
        root()
        self.directory.chmod(0o755)
        daemon = self.daemon(HEAD.replace("0777", "0700") + PROGRAMS)
        until(lambda: self.run_client("pid").returncode == 0)
        require(os.access(sys.executable, os.X_OK), "needs a Python that others may run")
        done = subprocess.run(
            [sys.executable, "-c", NOBODY, str(TOP), str(self.directory)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            cwd=self.directory,
        )
        self.assertRegex(done.stdout, r"\Aerror: <class 'PermissionError'>, .*\n\Z", done.stderr)
        self.assertRegex(
            done.stderr, r"This user \(uid 65534\) may not use .*; it belongs to uid 0, mode 0700"
        )
        daemon.stop()

    def test_a_password(self) -> None:
        """None, half of one, a wrong one."""
        self.daemon(HEAD.replace("chmod", "username=u\npassword=p\nchmod") + PROGRAMS)
        until(lambda: self.run_client("-u", "u", "-p", "p", "pid").returncode == 0)
        for words, reason in (
            ((), "wants a password, and no user name was given"),
            (("-u", "u"), "wants a password, and no password was given"),
            (("-u", "u", "-p", "x"), "does not take this password of 'u'"),
        ):
            output, errors = self.explained(*words, "pid")
            self.assertRegex(output, r"\AServer requires authentication\nerror: .*\n\Z")
            self.assertIn(reason, errors)
            self.assertIn("in [supervisorctl] of supervisord.conf", errors)

    def test_shutting_down(self) -> None:
        daemon = self.start(HEAD + PROGRAMS + SLOW)
        daemon.wait_for_file("ready")
        self.run_client("shutdown")
        output, errors = self.explained("pid")
        self.assertRegex(output, r"\Aerror: <class 'xmlrpc.client.Fault'>, <Fault 6: .*\n\Z")
        self.assertIn("The daemon is shutting down", errors)

    def test_something_else(self) -> None:
        """What answers is no daemon."""
        (self.directory / "supervisord.conf").write_text(HEAD)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(self.directory / "control.sock"))
            listening.listen()
            process = subprocess.Popen(
                [*CLIENT, "pid"],
                cwd=self.directory,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=self.environment(),
            )
            connection, _ = listening.accept()
            connection.recv(65536)
            connection.sendall(b"220 mail.example ESMTP\r\n\r\n")
            connection.close()
            _, errors = process.communicate(timeout=PATIENCE)
        self.assertIn("is no supervisord", errors)
        self.assertEqual(process.returncode, 1)


#: Our client, as a user who may do nothing; the code is read before.
NOBODY = """\
import contextlib, io, os, sys
sys.path.insert(0, sys.argv[1])
from supervisor_tx.ctl import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    main.main(["supervisorctl", "-s", "unix:///none", "avail"])
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.exit(main.main(["supervisorctl", "-s", f"unix://{sys.argv[2]}/control.sock", "avail"]))
"""


class Terminal:
    """Our client with a terminal around it."""

    def __init__(
        self, case: ClientTestCase, *words: str, command: Sequence[str] = CLIENT, **env: str
    ) -> None:
        self.shown = ""
        pid, self._terminal = pty.fork()
        if pid == 0:
            os.chdir(case.directory)
            env = case.environment(TERM="xterm", **env)
            env.pop("NO_COLOR", None)
            os.execve(command[0], [*command, *words], env)
        self.pid = pid
        case.addCleanup(self.end)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until something is shown; forget all up to there."""

        def found() -> re.Match[str] | None:
            if select.select([self._terminal], (), (), 0.05)[0]:
                with suppress(OSError):  # it ended
                    self.shown += os.read(self._terminal, 65536).decode(errors="replace")
            return re.search(pattern, self.shown)

        match = until(found, lambda: f"{pattern!r} in {self.shown!r}")
        self.shown = self.shown[match.end() :]
        return match

    def wait(self) -> int:
        """Wait for its end; return the exit status."""

        def ended() -> tuple[int] | None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return (status,) if pid else None

        (status,) = until(ended, "the end of the client")
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def end(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._terminal)


class TerminalTests(ClientTestCase):
    def test_the_shell(self) -> None:
        """Words are completed, Ctrl-C ends a wait, Ctrl-D the shell; history is kept."""
        daemon = self.start(HEAD + PROGRAMS + SLOW)
        daemon.wait_for_file("ready")
        shell = Terminal(self)
        shell.wait_for(r"w:w_1 .*\r\n.*supervisor> ")
        shell.type("sig\tCONT ca\t\r")
        shell.wait_for(r"signal CONT cat *\r\ncat: signalled\r\n.*supervisor> ")
        shell.type("stop slow\r")
        until(lambda: "STOPPING" in self.run_client("status", "slow").stdout)
        shell.type("\x03")
        shell.wait_for(r"supervisor> ")
        shell.type("status off\r")
        shell.wait_for(r"\x1b\[2mSTOPPED\x1b\[0m   Not started")
        shell.type("\x04")
        self.assertEqual(shell.wait(), 0)
        self.assertIn("signal CONT cat", (self.directory / "history").read_text())

    def test_following(self) -> None:
        """tail -f goes on until Ctrl-C; fg shows and sends."""
        self.start()
        shell = Terminal(self, "fg", "cat")
        shell.wait_for("Press Ctrl-C to exit <==")
        shell.type("hello\r")
        shell.wait_for(r"hello\r\n.*hello\r\n")
        shell.type("\x03")
        shell.wait_for("Exiting foreground")
        self.assertEqual(shell.wait(), 0)
        shell = Terminal(self, "tail", "-f", "cat")
        shell.wait_for(r"hello\r\n")
        shell.type("\x03")
        self.assertEqual(shell.wait(), 0)
        shell = Terminal(self, "fg", "cat")
        shell.wait_for("Press Ctrl-C to exit <==")
        self.says("stop", "cat")
        shell.wait_for("Process got killed\r\nExiting foreground")
        self.assertEqual(shell.wait(), 0)

    def test_a_table(self) -> None:
        """watch draws the table again and again, and leaves the last one behind."""
        self.start()
        table = Terminal(self, "watch", "-n", "0.1", "w:*", "off")
        table.wait_for(r"w:w_0 +\x1b\[32mRUNNING")
        self.says("stop", "w:w_0")
        table.wait_for(r"w:w_0 +\x1b\[2mSTOPPED")
        table.type("\x03")
        table.wait_for(r"\x1b\[\?1049l.*STOPPED")
        self.assertEqual(table.wait(), 0)

    def test_without_colours(self) -> None:
        """NO_COLOR is honoured; colours are not asked for elsewhere."""
        self.start()
        self.assertNotIn("\x1b", self.says("status", status=3))
        self.assertIn("\x1b", self.says("--color", "always", "status", status=3))


class CompletionTests(ClientTestCase):
    """The scripts for shells, in the shells."""

    def script(self, shell: str) -> str:
        """Write the script of a shell, and a command for it to complete; return its path."""
        path = self.directory / f"completion.{shell}"
        path.write_text(self.says("completion", shell))
        command = self.directory / "supervisorctl"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m supervisor_tx.ctl "$@"\n')
        command.chmod(0o755)
        return str(path)

    def ran(self, *words: str) -> list[str]:
        path = f"{self.directory}:{os.environ['PATH']}"
        done = subprocess.run(
            words,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            env=self.environment(PATH=path),
            stdin=subprocess.DEVNULL,
        )
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash(self) -> None:
        bash = program("bash")
        self.start()
        script = self.script("bash")

        def complete(line: str) -> list[str]:
            return self.ran(bash, "--norc", "-c", BASH, "bash", script, line)

        self.assertEqual(complete("supervisorctl sta"), ["start", "status"])
        self.assertEqual(complete("supervisorctl -c supervisord.conf stop c"), ["cat", "crash"])
        self.assertEqual(complete("supervisorctl -i stop w:w_"), ["w_0", "w_1"])
        self.assertEqual(complete("supervisorctl update w"), ["w"])
        self.assertEqual(complete("supervisorctl completion "), ["bash", "zsh", "fish"])
        self.assertEqual(complete("supervisorctl --no"), ["--no-wait"])
        self.assertEqual(complete("supervisorctl -c su"), [])

    def test_zsh(self) -> None:
        zsh = program("zsh")
        self.start()
        script = self.script("zsh")
        shell = Terminal(
            self, command=(zsh, "-f", "-i"), PATH=f"{self.directory}:{os.environ['PATH']}"
        )
        shell.type(
            f"autoload -U compinit; compinit -u -D; source {script}; PS1='now> '; echo rea'dy'\r"
        )
        shell.wait_for("ready\r\n")
        shell.wait_for("now> ")
        shell.type("supervisorctl -c supervisord.conf signal CONT w:w_\t\t")
        shell.wait_for("w:w_0")
        shell.wait_for("w:w_1")
        shell.type("\x15supervisorctl compl\tz\t\r")
        shell.wait_for("#compdef supervisorctl")

    def test_fish(self) -> None:
        fish = program("fish")
        self.start()
        script = self.script("fish")

        def complete(line: str) -> list[str]:
            return sorted(
                self.ran(fish, "--no-config", "-c", f"source {script}; complete -C '{line}'")
            )

        self.assertEqual(complete("supervisorctl sta"), ["start", "status"])
        self.assertEqual(complete("supervisorctl -c supervisord.conf stop c"), ["cat", "crash"])
        self.assertEqual(complete("supervisorctl -i stop w:w_"), ["w:w_0", "w:w_1"])
        self.assertEqual(complete("supervisorctl update w"), ["w"])


#: Has bash complete a line, given behind the script, as it does when Tab is pressed.
BASH = """\
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
COMP_WORDS=($2) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_supervisorctl
printf '%s\\n' "${COMPREPLY[@]}"
"""


class PluginTests(ClientTestCase):
    def test_a_plugin(self) -> None:
        """A plug-in's commands are there, before our new ones, and with the client's means."""
        package = self.directory / "ourplug.py"
        package.write_text(PLUGIN)
        config = (
            HEAD + "[ctlplugin:mine]\nsupervisor.ctl_factory=ourplug:make\nword=%%d\n" + PROGRAMS
        )
        self.start(config)
        self.assertEqual(self.says("hail", "cat"), "%d cat 20\ncat: started\nTrue default\n")
        self.assertEqual(self.says("watch"), "mine\n")
        self.assertEqual(self.says("help", "hail"), "*** No help on hail\nhail: be friendly\n")
        self.assertRegex(
            self.says("help"), r"\nmine commands \(type help <topic>\):\n=+\nfails  hail  watch\n"
        )
        self.assertEqual(self.says("fails", status=1), "caught 10\n")

    def environment(self, **more: str) -> dict[str, str]:
        found = super().environment(**more)
        return {**found, "PYTHONPATH": f"{found['PYTHONPATH']}:{self.directory}"}

    def test_a_bad_plugin(self) -> None:
        """A plug-in that cannot be imported is named."""
        Path(self.directory, "supervisord.conf").write_text(
            HEAD + "[ctlplugin:mine]\nsupervisor.ctl_factory=nowhere:make\n"
        )
        done = self.run_client("status")
        self.assertEqual(done.returncode, 2)
        self.assertIn("nowhere:make cannot be resolved within [ctlplugin:mine]", done.stderr)


PLUGIN = """\
import xmlrpc.client
from supervisor_tx.ctl.plugin import ControllerPluginBase
class Plugin(ControllerPluginBase):
    def __init__(self, ctl, word):
        super().__init__(ctl)
        self.word = word
    def do_hail(self, arg):
        info = self.ctl.get_supervisor().getProcessInfo(arg)
        self.ctl.output("%s %s %s" % (self.word, info["name"], info["state"]))
        default = self.ctl.options.plugins[0]
        result = {"name": arg, "group": arg, "status": 80, "description": ""}
        self.ctl.output(default._startresult(result))
        self.ctl.output("%s %s" % (self.ctl.upcheck(), default.name))
    def help_hail(self):
        self.ctl.output("hail: be friendly")
    def do_watch(self, arg):
        self.ctl.output("mine")
    def do_fails(self, arg):
        try:
            self.ctl.get_server_proxy("supervisor").getProcessInfo("nix")
        except xmlrpc.client.Fault as fault:
            self.ctl.output("caught %d" % fault.faultCode)
            self.ctl.set_exitstatus_from_xmlrpc_fault(fault.faultCode)
def make(ctl, **options):
    return Plugin(ctl, **options)
"""
