"""Who is measured: how to start each, and how to look at it from outside, by ``/proc``."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import supervisor_tx
from bench.calling import GET_STATE, Address, GivenUp, Line

#: Seconds after which something that does not come true is given up.
PATIENCE = 300.0

STOCK_VERSION = "4.3.0"

__all__ = [
    "PATIENCE",
    "STOCK_VERSION",
    "Contestant",
    "Daemon",
    "GivenUp",
    "descriptors_for",
    "idle_programs",
    "install_stock",
    "ours",
    "stock",
]

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Contestant:
    """A supervisor that reads a ``supervisord.conf``."""

    name: str
    command: tuple[str, ...]
    #: the command that talks to a daemon
    client: tuple[str, ...]
    #: added to the environment
    environment: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def running(
        self, directory: Path, programs: str, *, descriptors: int = 1024
    ) -> Iterator[Daemon]:
        """Start it on these sections; whatever is left of it at the end is killed."""
        config = directory / "supervisord.conf"
        log = directory / "supervisord.log"
        config.write_text(
            f"[supervisord]\nnodaemon=true\nsilent=true\nlogfile={log}\nlogfile_maxbytes=0\n"
            f"pidfile={directory / 'supervisord.pid'}\nchildlogdir={directory}\n"
            f"minfds={descriptors}\n{programs}"
        )
        log.unlink(missing_ok=True)  # of a run before, which must not be counted
        started = time.monotonic()
        process = subprocess.Popen(
            [*self.command, "-n", "-c", str(config)],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **self.environment},
        )
        daemon = Daemon(process, started, log)
        try:
            yield daemon
        finally:
            daemon.end()


def ours(scratch: Path) -> Contestant:
    """Return this one, as pip would install it: a copy there, compiled to bytecode."""
    package = Path(supervisor_tx.__file__).resolve().parent
    shutil.copytree(package, scratch / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(scratch)], check=True)
    command = (sys.executable, "-m", "supervisor_tx")
    return Contestant(
        "supervisor_tx", command, (*command[:-1], "supervisor_tx.ctl"), {"PYTHONPATH": str(scratch)}
    )


def stock(environment: Path) -> Contestant:
    """Return stock Supervisor, installed there already."""
    scripts = environment / "bin"
    return Contestant(
        f"Supervisor {STOCK_VERSION}",
        (str(scripts / "supervisord"),),
        (str(scripts / "supervisorctl"),),
    )


def install_stock(environment: Path) -> None:
    """Make a virtual environment with stock Supervisor in it."""
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    pip = [str(environment / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, f"supervisor=={STOCK_VERSION}"], check=True)


class Daemon:
    """A running contestant."""

    def __init__(self, process: subprocess.Popen[bytes], started: float, log: Path) -> None:
        self.process = process
        #: by the monotonic clock
        self.started = started
        self._log = log
        self._proc = Path(f"/proc/{process.pid}")

    def until(self, condition: Callable[[], bool], pause: float = 0.002) -> float:
        """Wait until condition holds; return the time at which it did, by the monotonic clock."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if self.process.poll() is not None:
                raise GivenUp(f"the daemon ended with {self.process.returncode}")
            if time.monotonic() > deadline:
                raise GivenUp("it takes too long")
            time.sleep(pause)
        return time.monotonic()

    def answers(self, address: Address) -> float:
        """Wait until it answers there; return the time at which it had, by the monotonic clock."""

        def answered() -> bool:
            try:
                with Line(address) as line:
                    line.call(GET_STATE)
            except (FileNotFoundError, ConnectionRefusedError):
                return False
            return True

        return self.until(answered, 0.0005)

    def children(self) -> set[int]:
        """Return the pids of its children, whichever of its threads started them."""
        pids: set[int] = set()
        for children in self._proc.glob("task/*/children"):
            try:
                pids.update(map(int, children.read_text().split()))
            except OSError:  # the thread has just ended
                continue
        return pids

    def until_children(self, count: int, *, other_than: frozenset[int] = frozenset()) -> float:
        """Wait until it has so many children, and all of them execute their program."""
        own_name = self._proc.joinpath("comm").read_text()
        # a look at 1000 children takes a quarter of a millisecond of somebody's CPU time
        when = self.until(lambda: len(self.children() - other_than) >= count, 0.01)
        for pid in self.children() - other_than:

            def executed(pid: int = pid) -> bool:
                return _name(pid) != own_name

            when = self.until(executed, 0.0005)
        return when

    def until_running(self, count: int) -> float:
        """Wait until so many processes were said to be RUNNING."""
        seen = _Counter(self._log, b" entered RUNNING state")
        return self.until(lambda: seen.count() >= count, 0.005)

    def cpu(self) -> float:
        """Return the CPU time that it has used itself, in seconds."""
        return _cpu(self.process.pid)

    def cpu_with_children(self) -> float:
        """Return the CPU time that it and its present children have used, in seconds."""
        return sum(map(_cpu, self.children()), self.cpu())

    def wakeups(self) -> int:
        """Return how often its threads have gone to sleep, and so were woken up or will be."""
        total = 0
        for status in self._proc.glob("task/*/status"):
            for line in status.read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches"):
                    total += int(line.split()[1])
        return total

    def memory(self) -> float:
        """Return the MiB that are its own and would be free if it ended (USS)."""
        rollup = self._proc.joinpath("smaps_rollup").read_text()
        kilobytes = sum(
            int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_")
        )
        return kilobytes / 1024

    def end(self) -> None:
        """End it and its children, as hard as it takes."""
        if self.process.poll() is not None:
            return
        children = self.children()
        self.process.kill()
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()


class _Counter:
    """Counts a text in a file that grows."""

    def __init__(self, path: Path, text: bytes) -> None:
        self._path, self._text = path, text
        self._position = self._count = 0

    def count(self) -> int:
        if self._path.exists():
            with open(self._path, "rb") as file:
                file.seek(self._position)
                whole_lines = file.read().rpartition(b"\n")[0]
            self._position += len(whole_lines)
            self._count += whole_lines.count(self._text)
        return self._count


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


def idle_programs(count: int, options: str = "") -> str:
    """Return sections for processes that do nothing, without logs."""
    return (
        "[program:idle]\ncommand=sleep 1000000\nprocess_name=%(program_name)s_%(process_num)d\n"
        f"numprocs={count}\nstdout_logfile=NONE\nstderr_logfile=NONE\n{options}\n"
    )


def descriptors_for(count: int) -> int:
    """Return a minfds with which so many children can have their pipes, if that is allowed."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = 1024 + 4 * count
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
