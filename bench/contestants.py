"""Who is measured: how to start each, and how to look at it from outside, by ``/proc``."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import supervisor_tx
from bench.calling import GET_STATE, Address, GivenUp, Line

#: Seconds after which something that does not come true is given up.
PATIENCE = 300.0

#: Descriptors that a daemon needs besides those for its children.
SPARE = 128

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
    #: seconds after all of its children have started when nothing of that is left to be done
    settling: float = 1.0

    @property
    def environment(self) -> dict[str, str]:
        """Ours without what makes every Python different, such as PYTHONDONTWRITEBYTECODE."""
        return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

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
            env=self.environment,
        )
        daemon = Daemon(process, started, log, self.settling)
        try:
            yield daemon
        finally:
            daemon.end()


def ours(environment: Path) -> Contestant:
    """
    Return this one, as pip would install it, into an environment that is made for it.

    What it needs is taken from where this runs. What an editable installation, or other packages
    that are there, add to the start of every Python is not.
    """
    package = Path(supervisor_tx.__file__).resolve().parent
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    output = subprocess.run([python, "-c", where], check=True, stdout=subprocess.PIPE, text=True)
    site = Path(output.stdout.strip())
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, site / package.name, ignore=unwanted)
    subprocess.run([python, "-m", "compileall", "-q", str(site)], check=True)
    needed = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site / "needed.pth").write_text("\n".join(needed) + "\n")
    return Contestant(
        "supervisor_tx",
        _script(python, "supervisord", "supervisor_tx.supervisord"),
        _script(python, "supervisorctl", "supervisor_tx.ctl.main"),
        settling=5.5,  # it cleans up once, five seconds after it has started children
    )


def _script(python: Path, name: str, module: str) -> tuple[str]:
    """Make what pip makes of a console script; return the command."""
    script = python.with_name(name)
    script.write_text(f"#!{python}\nimport sys\nfrom {module} import main\nsys.exit(main())\n")
    script.chmod(0o755)
    return (str(script),)


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

    def __init__(
        self, process: subprocess.Popen[bytes], started: float, log: Path, settling: float
    ) -> None:
        self.process = process
        #: by the monotonic clock
        self.started = started
        self._log, self._settling = log, settling
        self._proc = Path(f"/proc/{process.pid}")

    def until(
        self,
        condition: Callable[[], bool],
        pause: float = 0.002,
        patience: float = PATIENCE,
        share: float = 0.05,
    ) -> float:
        """
        Wait until condition holds; return the time at which it did, by the monotonic clock.

        The pause between two looks is so long, at least, that looking takes that share of the time
        of a processor: it must not take it from those who are looked at.
        """
        deadline = time.monotonic() + patience
        spent = time.thread_time()
        while not condition():
            if self.process.poll() is not None:
                raise GivenUp(f"the daemon ended with {self.process.returncode}")
            if time.monotonic() > deadline:
                raise GivenUp("it takes too long")
            time.sleep(max(pause, (time.thread_time() - spent) * (1 / share - 1)))
            spent = time.thread_time()
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

    def until_children(
        self, count: int, *, other_than: frozenset[int] = frozenset(), patience: float = PATIENCE
    ) -> float:
        """Wait until it has so many children, and all of them execute their program."""
        own_name = self._proc.joinpath("comm").read_text()
        executed: set[int] = set()

        def all_there() -> bool:
            present = self.children() - other_than
            executed.intersection_update(present)
            executed.update(pid for pid in present - executed if _name(pid) not in ("", own_name))
            return len(executed) >= count

        return self.until(all_there, 0.005, patience)

    def until_running(self, count: int, patience: float = PATIENCE) -> float:
        """Wait until so many processes were said to be RUNNING."""
        seen = _Counter(self._log, b" entered RUNNING state")
        return self.until(lambda: seen.count() >= count, 0.005, patience)

    def until_ready(self, address: Address, count: int) -> None:
        """
        Wait until it answers, and so many processes were said to be RUNNING.

        It is called again and again, for Supervisor looks at its processes with each call, and else
        once in a second: what is not measured need not take long.
        """
        self.answers(address)
        seen = _Counter(self._log, b" entered RUNNING state")
        with Line(address) as line:

            def ready() -> bool:
                line.call(GET_STATE)
                return seen.count() >= count

            self.until(ready, 0.02)

    def until_ended(self, patience: float = PATIENCE) -> float:
        """Wait until it has ended; return the time at which it had, by the monotonic clock."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise GivenUp("it takes too long to end") from None
        return time.monotonic()

    def until_settled(self) -> None:
        """Wait until nothing is left to be done of the start of its children."""
        time.sleep(self._settling)

    def cpu(self) -> float:
        """Return the CPU time that it has used itself, in seconds."""
        return _cpu(self.process.pid)

    def cpu_with_children(self) -> float:
        """Return what it, its present children and those that have ended have used, in seconds."""
        ended = sum(map(int, _stat(self.process.pid)[13:15])) / _TICKS
        return sum(map(_cpu, self.children()), self.cpu() + ended)

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
    """Return the seconds of CPU that a process has used, 0 if it has ended."""
    try:
        ticks = sum(map(int, _stat(pid)[11:13])) / _TICKS
        tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
        exactly = sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
    except OSError:
        return 0.0
    # Ticks of 10 ms count threads that have ended, too; a child's few milliseconds are none.
    return max(exactly, ticks)


def _stat(pid: int) -> list[str]:
    """Return what proc(5) tells, from its third field on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


NO_LOGS = "stdout_logfile=NONE\nstderr_logfile=NONE"


def idle_programs(count: int, options: str = "", logs: str = NO_LOGS) -> str:
    """Return sections for processes that do nothing."""
    return (
        "[program:idle]\ncommand=sleep 1000000\nprocess_name=%(program_name)s_%(process_num)d\n"
        f"numprocs={count}\n{logs}\n{options}\n"
    )


def descriptors_for(count: int, each: int = 3) -> int:
    """
    Return a minfds with which Supervisor can have so many children; raise GivenUp if it may not.

    It wants three descriptors for each without log files, and closes as many as are allowed for
    each that it starts. Ours wants one more, and raises its limit itself as far as it needs.
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    needed = SPARE + (each + 1) * count
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise GivenUp(f"{count} programs take {needed} open files, {hard} are allowed (ulimit -Hn)")
    return max(1024, SPARE + each * count)
