"""``pidproxy`` around a command that leaves a daemon behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import supervisor_tx.pidproxy

#: Runs a daemon that writes its pid file and names the signals it gets, and waits for its end.
COMMAND = """
import os, signal, sys
pidfile = sys.argv[1]
numbers = {getattr(signal, "SIG" + name) for name in ("TERM", "INT", "QUIT", "HUP", "USR1", "USR2")}
print("mask", *sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())), flush=True)
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
daemon = os.fork()
if daemon:
    os.waitpid(daemon, 0)
    print("command ends", flush=True)
else:
    os.setsid()
    with open(pidfile, "w") as file:
        file.write(str(os.getpid()) + chr(10))
    print("ready", flush=True)
    while (number := signal.sigwait(numbers)) != signal.SIGUSR2:
        print(signal.Signals(number).name, flush=True)
    print("daemon ends", flush=True)
"""


class Proxy:
    """A running pidproxy, and the lines that it and all below it have printed."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, supervisor_tx.pidproxy.__file__, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self.process.stdout is not None
        self.output = self.process.stdout
        self._buffer = b""

    def line(self) -> str:
        """Return the next line; the empty string at the end of all output."""
        while b"\n" not in self._buffer:
            if not select.select([self.output], [], [], 60)[0]:
                raise AssertionError(f"silence after {self._buffer!r}")
            data = os.read(self.output.fileno(), 4096)
            if not data:
                return ""
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.output.close()


class PidproxyTests(SynchronousTestCase):
    #: pid of the daemon, as long as it lives
    daemon: int | None = None

    def proxy(self, *arguments: str) -> Proxy:
        proxy = Proxy(*arguments)
        self.addCleanup(proxy.end)
        return proxy

    def with_daemon(self) -> Proxy:
        """Return a proxy whose daemon waits for signals; USR2 ends that one."""
        self.pidfile = Path(self.mktemp())
        proxy = self.proxy(str(self.pidfile), sys.executable, "-c", COMMAND, str(self.pidfile))
        self.addCleanup(self.end_daemon)
        self.assertEqual(proxy.line(), "mask")
        self.assertEqual(proxy.line(), "ready")
        self.daemon = int(self.pidfile.read_text())
        return proxy

    def end_daemon(self) -> None:
        if self.daemon is not None:
            os.kill(self.daemon, signal.SIGUSR2)
            self.daemon = None

    def test_passes_signals_on(self) -> None:
        """HUP and USR1 reach the process in the pid file, and the proxy goes on."""
        proxy = self.with_daemon()
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGHUP):
            proxy.process.send_signal(number)
            self.assertEqual(proxy.line(), number.name)
        self.assertIsNone(proxy.process.poll())

    def test_last_signals(self) -> None:
        """TERM, INT and QUIT are passed on, and the proxy ends with 0."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            proxy = self.with_daemon()
            proxy.process.send_signal(number)
            self.assertEqual(proxy.line(), number.name)
            self.assertEqual(proxy.process.wait(60), 0)
            self.end_daemon()
            self.assertEqual([proxy.line(), proxy.line()], ["daemon ends", "command ends"])

    def test_end_of_the_command(self) -> None:
        """The proxy ends, at once and with 0, when its command has ended."""
        proxy = self.with_daemon()
        proxy.process.send_signal(signal.SIGUSR2)
        self.daemon = None
        self.assertEqual([proxy.line(), proxy.line()], ["daemon ends", "command ends"])
        self.assertEqual(proxy.process.wait(60), 0)

    def test_status_of_the_command(self) -> None:
        """However the command ends, the status is 0, as with Supervisor's pidproxy."""
        self.assertEqual(self.proxy("none", "/bin/false").process.wait(60), 0)

    def test_pid_file_is_read_each_time(self) -> None:
        """A new pid in the file is the one that gets the next signal."""
        proxy = self.with_daemon()
        other = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        self.pidfile.write_text(f"{other.pid}\n")
        proxy.process.send_signal(signal.SIGUSR1)
        self.assertEqual(other.wait(60), -signal.SIGUSR1)

    def test_unusable_pid_file(self) -> None:
        """A pid file that is missing, or holds no pid, is reported; the proxy goes on."""
        proxy = self.with_daemon()
        complaint = f"Can't read child pidfile {self.pidfile}!"
        for content in ("", "word\n", "0\n", "-1\n", None):
            if content is None:
                self.pidfile.unlink()
            else:
                self.pidfile.write_text(content)
            proxy.process.send_signal(signal.SIGHUP)
            self.assertEqual(proxy.line(), complaint)
        proxy.process.send_signal(signal.SIGTERM)
        self.assertEqual(proxy.line(), complaint)
        self.assertEqual(proxy.process.wait(60), 0)

    def test_nobody_there(self) -> None:
        """A pid that is nobody's is reported; the proxy goes on."""
        proxy = self.with_daemon()
        gone = subprocess.Popen(["/bin/true"])
        gone.wait()
        for pid in (gone.pid, 10**30):
            self.pidfile.write_text(str(pid))
            proxy.process.send_signal(signal.SIGHUP)
            self.assertIn(f"Can't signal process {pid} of {self.pidfile}", proxy.line())
        self.assertIsNone(proxy.process.poll())

    def test_command_that_cannot_run(self) -> None:
        """A command that does not exist is reported, and the status is 127."""
        proxy = self.proxy("none", "/no/such/command")
        self.assertEqual(proxy.line(), "Can't run /no/such/command: No such file or directory")
        self.assertEqual(proxy.process.wait(60), 127)

    def test_no_search(self) -> None:
        """The command is a path: PATH is not searched."""
        self.assertIn("Can't run sh: ", self.proxy("none", "sh").line())

    def test_usage(self) -> None:
        """Without pid file and command it says what it wants, with status 1."""
        for arguments in ((), ("pidfile",)):
            proxy = self.proxy(*arguments)
            self.assertTrue(proxy.line().startswith("pidproxy -- "))
            self.assertEqual(proxy.process.wait(60), 1)
