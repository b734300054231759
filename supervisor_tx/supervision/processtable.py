"""
The process table of this machine, a row at a time.

On Linux it is read from ``/proc`` here: one small file for each process tells all that is needed.
psutil reads three of them and makes an object, which takes six times as long (250 ms for 3,000
processes, where this takes 40), and what is looked at every two seconds should cost next to
nothing. On other systems psutil knows the way; it is imported when first needed.

Who may not be looked at (``hidepid``, another user's processes on macOS), who vanishes meanwhile,
is not in the table. That is nobody's error.
"""

from __future__ import annotations

import errno
import os
import platform
from collections.abc import Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from supervisor_tx.core.figures import Host
from supervisor_tx.core.processtree import Row
from supervisor_tx.errors import NoFigures

if TYPE_CHECKING:
    import psutil

#: Errors that are about us, not about the process that was looked at.
OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


class ProcessTable(Protocol):
    """What processes there are."""

    def rows(self) -> Generator[Row | None, None, None]:
        """
        Yield a row for each process, None for one that cannot be looked at.

        Each step looks at one process only. To be closed where it is not read to its end. Raises
        NoFigures.
        """

    def host(self) -> Host:
        """Tell of the machine."""


def open_table() -> ProcessTable:
    """Return the table of this machine; raise NoFigures where there is none to be had."""
    if platform.system() == "Linux":
        return LinuxTable()
    return PsutilTable()


class LinuxTable:
    """The table of a Linux machine, or of the container that we are in."""

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc
        self._tick = 1 / os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGESIZE")

    def rows(self) -> Generator[Row | None, None, None]:
        """Yield what ``/proc/PID/stat`` says of each process."""
        try:
            entries = os.scandir(self._proc)
        except OSError as error:
            raise NoFigures(f"{self._proc} cannot be read: {error.strerror}") from error
        seen = False
        with entries:
            for entry in entries:
                if entry.name.isdigit():
                    row = self._row(entry.name)
                    seen = seen or row is not None
                    yield row
        if not seen:
            raise NoFigures(f"{self._proc} tells of no process")

    def _row(self, pid: str) -> Row | None:
        try:
            fd = os.open(f"{self._proc}/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
            try:
                data = os.read(fd, 4096)
            finally:
                os.close(fd)
        except OSError as error:
            if error.errno in OURS:
                raise NoFigures(f"{self._proc}/{pid} cannot be read: {error.strerror}") from error
            return None
        return parse_stat(int(pid), data, self._tick, self._page)

    def host(self) -> Host:
        """Tell what ``/proc/meminfo`` says."""
        memory: dict[str, int] = {}
        with suppress(OSError, ValueError), open(f"{self._proc}/meminfo", encoding="ascii") as info:
            for line in info:
                name, _, value = line.partition(":")
                if name in ("MemTotal", "MemAvailable"):
                    memory[name] = int(value.split()[0]) * 1024
        return Host(_cpus(), _load(), memory.get("MemTotal"), memory.get("MemAvailable"))


def parse_stat(pid: int, data: bytes, tick: float, page: int) -> Row | None:
    """
    Return the row that a ``stat`` file stands for (``proc_pid_stat(5)``); None: it is none.

    ``tick`` is how many seconds a clock tick has, ``page`` how many bytes a page.
    """
    # The name is in parentheses, and may have any of them in itself.
    fields = data.rpartition(b")")[2].split()
    try:
        return Row(
            pid,
            int(fields[1]),
            int(fields[2]),
            int(fields[3]),
            int(fields[19]) * tick,
            (int(fields[11]) + int(fields[12])) * tick,
            (int(fields[13]) + int(fields[14])) * tick,
            int(fields[21]) * page,
            fields[0] in (b"Z", b"X"),
        )
    except (IndexError, ValueError):  # it ended while it was read
        return None


class PsutilTable:
    """The table of a machine that psutil knows."""

    def __init__(self) -> None:
        """Raise NoFigures where psutil is not installed."""
        try:
            import psutil
        except ImportError as error:
            raise NoFigures(
                "psutil is needed on this system to tell CPU and memory of processes "
                "and is not installed"
            ) from error
        self._psutil = psutil

    def rows(self) -> Generator[Row | None, None, None]:
        """Yield what can be told of each process."""
        try:
            pids = self._psutil.pids()
        except (OSError, self._psutil.Error) as error:
            raise NoFigures(f"the processes cannot be listed: {error}") from error
        for pid in pids:
            try:
                yield self._row(self._psutil.Process(pid))
            except (OSError, self._psutil.Error):
                yield None

    def _row(self, process: psutil.Process) -> Row:
        with process.oneshot():
            times = process.cpu_times()
            return Row(
                process.pid,
                process.ppid(),
                os.getpgid(process.pid),
                os.getsid(process.pid),
                process.create_time(),
                times.user + times.system,
                getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0),
                process.memory_info().rss,
                process.status() == self._psutil.STATUS_ZOMBIE,
            )

    def host(self) -> Host:
        """Tell what psutil says."""
        total = available = None
        with suppress(OSError, RuntimeError, self._psutil.Error):
            memory = self._psutil.virtual_memory()
            total, available = memory.total, memory.available
        return Host(_cpus(), _load(), total, available)


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _load() -> tuple[float, float, float] | None:
    try:
        return os.getloadavg()
    except OSError:
        return None
