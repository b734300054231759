"""
The real daemon as a process of its own, on a configuration written for one test.

Tests wait for conditions: :func:`until` looks again and again, and fails after a time that only a
daemon that hangs would need.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from textwrap import dedent
from typing import TypeVar
from unittest import TestCase

from tests.requirements import stock

T = TypeVar("T")

#: Seconds until a condition that has not come true counts as never coming true.
PATIENCE = 60.0

#: The command of a program that writes what it is told by :meth:`Daemon.order`.
ORDERS = 'sh -c "exec cat <>%(here)s/orders"'

TOP = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], T | None], what: str | Callable[[], str] = "") -> T:
    """Wait until condition returns something true; return that."""
    deadline = time.monotonic() + PATIENCE
    while True:
        if result := condition():
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"never came true: {what() if callable(what) else what}")
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def written(pid: int) -> int:
    """How many bytes a process has written so far."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar:"))


def children(pid: int) -> list[int]:
    """All children of a process, zombies too, by whichever of its threads."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # the thread has ended
            found += [int(child) for child in (task / "children").read_text().split()]
    return sorted(found)


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Daemon:
    """One daemon in the foreground, with its directory, its log and its programs."""

    def __init__(
        self,
        directory: Path,
        config: str,
        *,
        arguments: Iterable[str] = (),
        command: Iterable[str] = (sys.executable, "-m", "supervisor_tx", "-n"),
        environ: Mapping[str, str] | None = None,
        preexec: Callable[[], None] | None = None,
        stdout: int | None = None,
    ) -> None:
        self.directory = directory
        self.configfile = directory / "supervisord.conf"
        self.logfile = directory / "supervisord.log"
        self.configure(config)
        self.stdout = directory / "stdout"
        self.stderr = directory / "stderr"
        with open(self.stdout, "wb") as out, open(self.stderr, "wb") as err:
            self.process = subprocess.Popen(
                [*command, "-c", str(self.configfile), *arguments],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=out if stdout is None else stdout,
                stderr=err,
                env={**os.environ, "PYTHONPATH": str(TOP), **(environ or {})},
                preexec_fn=preexec,  # noqa: PLW1509 (before any thread)
            )

    def configure(self, config: str) -> None:
        """Write the configuration, after a ``[supervisord]`` with files in the directory."""
        self.configfile.write_text(
            dedent(
                """\
                [supervisord]
                logfile=%(here)s/supervisord.log
                pidfile=%(here)s/supervisord.pid
                childlogdir=%(here)s
                """
            )
            + dedent(config)
        )

    @property
    def log(self) -> str:
        """The activity log so far."""
        return self.logfile.read_text() if self.logfile.exists() else ""

    def lines(self, pattern: str) -> list[re.Match[str]]:
        """All that matches in the activity log, line by line."""
        return list(re.finditer(pattern, self.log, re.MULTILINE))

    def wait_for(self, pattern: str, count: int = 1) -> re.Match[str]:
        """Wait until the pattern stands in the activity log so often; return the latest match."""

        def found() -> re.Match[str] | None:
            matches = self.lines(pattern)
            if len(matches) >= count:
                return matches[-1]
            status = self.process.poll()
            assert status is None, f"ended with {status}: {self.tell()}"
            return None

        return until(found, lambda: f"{pattern!r} ({count} times) in {self.tell()}")

    def pid_of(self, process: str, count: int = 1) -> int:
        """Wait until a process was spawned so often; return its latest pid."""
        match = self.wait_for(rf"spawned: '{re.escape(process)}' with pid (\d+)", count)
        return int(match[1])

    def read(self, name: str) -> str:
        """What one of the files in its directory holds; nothing while there is none."""
        file = self.directory / name
        return file.read_text(errors="surrogateescape") if file.exists() else ""

    def wait_for_file(self, name: str, text: str = "\n") -> str:
        """Wait until one of the files in its directory holds a text; return all of it."""

        def found() -> str:
            if text in (read := self.read(name)):
                return read
            status = self.process.poll()
            assert status is None, f"ended with {status}: {self.tell()}"
            return ""

        return until(found, lambda: f"{text!r} in {name}: {self.read(name)!r}; {self.tell()}")

    def order(self, text: str, fifo: str = "orders") -> None:
        """Have a program that copies a FIFO write something, in one piece; wait until it reads."""

        def opened() -> int | None:
            try:
                return os.open(self.directory / fifo, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                return None

        fd = until(opened, lambda: f"somebody reads {fifo}; {self.tell()}")
        os.set_blocking(fd, True)
        with open(fd, "w") as orders:
            orders.write(text)

    def tell(self) -> str:
        """Everything that it said."""
        out, err = (file.read_text(errors="replace") for file in (self.stdout, self.stderr))
        return f"{self.log}\n-- stdout --\n{out}\n-- stderr --\n{err}"

    def signal(self, number: int) -> None:
        """Send a signal to the daemon."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end; return the exit status."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"does not end: {self.tell()}") from None

    def stop(self) -> int:
        """Send TERM and wait."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it, whatever state it is in, and all processes that it ever told of."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for match in self.lines(r"spawned: '.*' with pid (\d+)"):
            pid = int(match[1])
            if _is_ours(pid, str(self.directory)):
                os.kill(pid, signal.SIGKILL)


def _is_ours(pid: int, directory: str) -> bool:
    """Tell whether a pid still is a child that was started in a daemon's directory."""
    try:
        return os.readlink(f"/proc/{pid}/cwd") == directory
    except OSError:
        return False


class FunctionalTestCase(TestCase):
    """A test with a directory of its own, and daemons that do not outlive it."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="supervisor-tx-")).resolve()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def daemon(self, config: str, **options: object) -> Daemon:
        """Start a daemon on a configuration."""
        daemon = Daemon(self.directory, config, **options)  # type: ignore[arg-type]
        self.addCleanup(daemon.kill)
        return daemon

    def both(
        self, config: str, files: Mapping[str, str] | None = None, **options: object
    ) -> tuple[Daemon, Daemon]:
        """Start stock Supervisor and ours on one configuration, each in a directory of its own."""
        daemons = []
        for name, command in (
            ("stock", (stock("supervisord"), "-n")),
            ("ours", (sys.executable, "-m", "supervisor_tx", "-n")),
        ):
            directory = self.directory / name
            directory.mkdir()
            for file, text in (files or {}).items():
                (directory / file).write_text(text)
            daemon = Daemon(directory, config, command=command, **options)  # type: ignore[arg-type]
            self.addCleanup(daemon.kill)
            daemons.append(daemon)
        return daemons[0], daemons[1]
