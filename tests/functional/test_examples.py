"""The example files of the documentation, used as they are meant to be used."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

from tests import requirements
from tests.functional.harness import TOP, Daemon, FunctionalTestCase, alive, children, until

EXAMPLES = TOP / "docs" / "examples"

#: where the examples expect the package to be installed
INSTALLED = "/opt/supervisor-tx"


class ExamplesTestCase(FunctionalTestCase):
    def installation(self) -> Path:
        """Make a place that looks like an installation, and runs what is tested."""
        place = self.directory / "installed"
        (place / "bin").mkdir(parents=True)
        script = place / "bin" / "supervisord"
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m supervisor_tx "$@"\n')
        script.chmod(0o755)
        return place


class LogrotateTests(ExamplesTestCase):
    """logrotate, run on the logs of a daemon, some of which never rest."""

    CONFIG = """\
        logfile_maxbytes=0
        [program:chatty]
        command=sh -c "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.005; done"
        stopasgroup=true
        stdout_logfile=%(here)s/chatty.log
        stdout_logfile_maxbytes=0
        """

    def setUp(self) -> None:
        super().setUp()
        self.logrotate = requirements.program("logrotate")
        self.running = self.daemon(self.CONFIG)
        self.running.wait_for("success: chatty")

    def rotate(self, text: str) -> None:
        """Rotate the logs of our daemon by the example, now."""
        for there, here in (
            ("/var/log/supervisor", str(self.directory)),
            ("/run/supervisord.pid", str(self.directory / "supervisord.pid")),
        ):
            self.assertIn(there, text)
            text = text.replace(there, here)
        file = self.directory / "logrotate.conf"
        file.write_text(text)
        file.chmod(0o644)
        state = self.directory / "logrotate.state"
        done = subprocess.run(
            [self.logrotate, "--force", "--state", str(state), str(file)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def numbers(self, name: str) -> list[int]:
        lines = self.running.read(name).splitlines()
        for line in lines:
            self.assertRegex(line, r"\Aline \d+\Z")
        return [int(line.split()[1]) for line in lines]

    def test_as_it_stands(self) -> None:
        """All logs are moved away and begun anew, and no line is lost."""
        example = (EXAMPLES / "logrotate.conf").read_text()
        for count in (1, 2):
            self.running.wait_for_file("chatty.log")
            self.rotate(example)
            self.running.wait_for_file("chatty.log")
            for name in ("supervisord.log", "chatty.log"):
                self.assertTrue((self.directory / f"{name}.1").exists())
            self.assertEqual((self.directory / "chatty.log.2.gz").exists(), count == 2)
        self.assertEqual(self.running.stop(), 0)
        subprocess.run(["gzip", "-d", str(self.directory / "chatty.log.2.gz")], check=True)
        found = [
            number
            for name in ("chatty.log.2", "chatty.log.1", "chatty.log")
            for number in self.numbers(name)
        ]
        self.assertEqual(found, list(range(1, len(found) + 1)))

    def test_copytruncate(self) -> None:
        """With copytruncate there is no signal, and each log goes on in the file that was cut."""
        example = re.sub(
            r" +sharedscripts\n.* endscript\n",
            "    copytruncate\n",
            (EXAMPLES / "logrotate.conf").read_text(),
            flags=re.DOTALL,
        ).replace("delaycompress", "nocompress")
        example += "# /run/supervisord.pid\n"
        self.assertNotIn("kill", example)
        log = self.directory / "chatty.log"
        inode = log.stat().st_ino
        self.running.wait_for_file("chatty.log")
        self.rotate(example)
        self.running.wait_for_file("chatty.log")
        self.assertEqual(self.running.stop(), 0)
        self.assertEqual(log.stat().st_ino, inode)
        before, after = self.numbers("chatty.log.1"), self.numbers("chatty.log")
        self.assertEqual(before, list(range(1, len(before) + 1)))
        self.assertLess(before[-1], after[0])  # what came between copy and cut is lost
        self.assertEqual(after, list(range(after[0], after[0] + len(after))))
        self.assertNotIn("logreopen", self.running.log)


def as_systemd() -> None:
    """What systemd does between fork and exec, as far as programs notice it."""
    os.setsid()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # IgnoreSIGPIPE=yes is the default
    os.chdir("/")


class SystemdTests(ExamplesTestCase):
    """The unit, and its command lines as systemd uses them."""

    def setUp(self) -> None:
        super().setUp()
        self.unit = (EXAMPLES / "supervisor-tx.service").read_text()

    def test_verify(self) -> None:
        """systemd has nothing to complain of."""
        analyze = requirements.program("systemd-analyze")
        file = self.directory / "supervisor-tx.service"
        self.assertIn(INSTALLED, self.unit)
        file.write_text(self.unit.replace(INSTALLED, str(self.installation())))
        done = subprocess.run(
            [analyze, "verify", str(file)], capture_output=True, text=True, timeout=60, check=False
        )
        ours = [line for line in done.stderr.splitlines() if "supervisor-tx" in line]
        self.assertEqual((done.returncode, ours), (0, []))

    def test_life(self) -> None:
        """It starts in the foreground, reloads under the same pid, and leaves nothing behind."""
        parser = ConfigParser(interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]  # names are spelt in capitals
        parser.read_string(self.unit)
        service = parser["Service"]
        self.assertEqual((service["Type"], service["KillMode"]), ("exec", "mixed"))
        program, *words = shlex.split(service["ExecStart"])
        self.assertEqual(words[-2:], ["-c", "/etc/supervisord.conf"])
        daemon = self.daemon(
            """\
            [program:one]
            command=sleep 1000
            """,
            command=[program.replace(INSTALLED, str(self.installation())), *words[:-2]],
            preexec=as_systemd,
        )
        first = daemon.pid_of("one")
        daemon.wait_for("success: one")
        environ = {"MAINPID": str(daemon.process.pid), "PATH": os.environ.get("PATH", os.defpath)}
        subprocess.run(["/bin/sh", "-c", service["ExecReload"]], env=environ, check=True)
        second = daemon.pid_of("one", 2)
        daemon.wait_for("success: one", 2)
        self.assertNotEqual(first, second)
        self.assertIsNone(daemon.process.poll())
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(alive(first) or alive(second))
        self.assertEqual(daemon.stdout.read_text() + daemon.stderr.read_text(), "")

    def test_refusal(self) -> None:
        """A configuration with mistakes ends it with the status that is not tried again."""
        self.assertIn("\nRestartPreventExitStatus=2\n", self.unit)
        daemon = self.daemon("[program:one]\n")
        self.assertEqual(daemon.wait(), 2)


class ContainerTests(ExamplesTestCase):
    """The command of the Dockerfile, as process 1 with the configuration that is copied there."""

    def test_life(self) -> None:
        """Everything is shown on standard output, and TERM ends it within docker's ten seconds."""
        requirements.root()
        unshare = requirements.program("unshare")
        dockerfile = (EXAMPLES / "Dockerfile").read_text()
        self.assertIn("\nCOPY docs/examples/container.conf /etc/supervisord.conf\n", dockerfile)
        [command] = re.findall(r"^CMD (\[.*\])$", dockerfile, re.MULTILINE)
        program, *words = json.loads(command)
        self.assertEqual(words[-2:], ["-c", "/etc/supervisord.conf"])
        daemon = InContainer(
            self.directory,
            (EXAMPLES / "container.conf").read_text(),
            command=[
                *(unshare, "--pid", "--fork", "--mount-proc", "--kill-child"),
                program.replace(INSTALLED, str(self.installation())),
                *words[:-2],
            ],
        )
        self.addCleanup(daemon.kill)
        until(lambda: "success: app" in daemon.output, lambda: daemon.output)
        until(lambda: re.search(r"^\S.* \d\d:\d\d:\d\d .*\d{4}$", daemon.output, re.MULTILINE))
        self.assertIn("INFO supervisord started with pid 1\n", daemon.output)
        self.assertNotIn("running as root", daemon.output)
        [first] = children(daemon.process.pid)
        os.kill(first, signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)
        self.assertIn("WARN stopped: app (terminated by SIGTERM)", daemon.output)


class InContainer(Daemon):
    """A daemon on a configuration that is complete, except that its files lie elsewhere."""

    def configure(self, config: str) -> None:
        self.configfile.write_text(config.replace("/run/", f"{self.directory}/"))

    @property
    def output(self) -> str:
        return self.stdout.read_text() + self.stderr.read_text()


class CheckTests(ExamplesTestCase):
    def test_configurations(self) -> None:
        """The configurations in the documentation load without a warning."""
        found = sorted((TOP / "docs").rglob("*.conf"))
        self.assertIn(EXAMPLES / "container.conf", found)
        for file in found:
            if file.name in ("logrotate.conf", "notices.conf"):  # which is tried with its plugin
                continue
            copy = self.directory / "demo"
            shutil.copytree(file.parent, copy)
            done = subprocess.run(
                [sys.executable, "-m", "supervisor_tx", "--check", "-c", str(copy / file.name)],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
                env={**os.environ, "PYTHONPATH": str(TOP), "PORT": "8001"},
            )
            shutil.rmtree(copy)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            warnings = [line for line in done.stdout.splitlines() if line.startswith("Warning")]
            # the demonstration says nothing of the user, and may be run by root
            self.assertEqual([line for line in warnings if "running as root" not in line], [])
