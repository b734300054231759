"""Let one child write a gigabyte to its log, as fast as it can: until all of it is in the file."""

from __future__ import annotations

from pathlib import Path

from bench.calling import served, socket_path
from bench.contestants import Contestant, Daemon, GivenUp, descriptors_for, idle_programs
from bench.results import Figure, Run, Target
from bench.sizes import Size

NAME = "log"

RATE = Figure("one child flooding", "MB/s", less=False, target=Target(ratio=1))
CPU = Figure("one child flooding: CPU of the daemon per GB", "s")

BLOCK = 64 * 1024


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    rate, cpu = flooded(contestant, directory, size.flood, 0)
    return {RATE: rate, CPU: cpu}


def flooded(
    contestant: Contestant, directory: Path, total: int, others: int
) -> tuple[float, float]:
    """
    Measure one child that writes so many bytes, among others that do nothing.

    Return MB per second, and seconds of CPU per GB.
    """
    log, begin = directory / "flood.log", directory / "begin"
    flood = served(directory) + (
        f"[program:flood]\ncommand=sh -c 'until [ -e {begin} ]; do sleep 0.01; done;"
        f"dd if=/dev/zero bs={BLOCK} count={total // BLOCK} status=none; exec sleep 1000000'\n"
        f"stdout_logfile={log}\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\nstartsecs=0\n"
    )
    if others:
        flood += idle_programs(others, "startsecs=0")
    try:
        with contestant.running(directory, flood, descriptors=descriptors_for(others)) as daemon:
            daemon.until_ready(socket_path(directory), 1 + others)
            daemon.until_children(1 + others)
            return _measured(daemon, log, begin, total)
    finally:
        log.unlink(missing_ok=True)


def _measured(daemon: Daemon, log: Path, begin: Path, total: int) -> tuple[float, float]:
    cpu = daemon.cpu()
    begin.touch()
    began = daemon.until(lambda: _size(log) > 0, 0.0005)
    ended = daemon.until(lambda: _size(log) >= total)
    if _size(log) != total:
        raise GivenUp(f"{_size(log)} bytes in the log, {total} written")
    return total / (ended - began) / 1e6, (daemon.cpu() - cpu) / (total / 1e9)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
