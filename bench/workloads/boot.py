"""Start the daemon with many programs: until all exist, and until all are RUNNING."""

from __future__ import annotations

from pathlib import Path

from bench.contestants import Contestant, Daemon, descriptors_for, idle_programs
from bench.results import Figure, Run

NAME = "boot"

EXIST = Figure("from start until all children exist", "ms")
RUNNING = Figure("from start until all are RUNNING, startsecs 0", "ms")
RUNNING_1 = Figure("from start until all are RUNNING, startsecs 1", "ms")
CPU = Figure("CPU of daemon and child per child, until RUNNING", "us")


def run(contestant: Contestant, directory: Path, count: int) -> Run:
    descriptors = descriptors_for(count)
    programs = idle_programs(count)
    with contestant.running(directory, programs, descriptors=descriptors) as daemon:
        exist = daemon.until_children(count) - daemon.started
        running_1 = _running(daemon, count)
        cpu = daemon.cpu_with_children() / count
    programs = idle_programs(count, "startsecs=0")
    with contestant.running(directory, programs, descriptors=descriptors) as daemon:
        running = _running(daemon, count)
    return {
        EXIST: exist * 1e3,
        RUNNING: running * 1e3,
        RUNNING_1: running_1 * 1e3,
        CPU: cpu * 1e6,
    }


def _running(daemon: Daemon, count: int) -> float:
    return daemon.until_running(count) - daemon.started
