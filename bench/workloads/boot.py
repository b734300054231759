"""Start the daemon with many programs: until all exist, and until all are RUNNING (startsecs 1)."""

from __future__ import annotations

from pathlib import Path

from bench.contestants import Contestant, descriptors_for, idle_programs
from bench.results import Figure, Run

NAME = "boot"

EXIST = Figure("from start until all children exist", "ms")
RUNNING = Figure("from start until all are RUNNING", "ms")
CPU = Figure("CPU of daemon and child per child, until RUNNING", "us")


def run(contestant: Contestant, directory: Path, count: int) -> Run:
    programs = idle_programs(count)
    with contestant.running(directory, programs, descriptors=descriptors_for(count)) as daemon:
        exist = daemon.until_children(count)
        running = daemon.until_running(count)
        return {
            EXIST: (exist - daemon.started) * 1e3,
            RUNNING: (running - daemon.started) * 1e3,
            CPU: daemon.cpu_with_children() / count * 1e6,
        }
