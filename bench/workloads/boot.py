"""Start the daemon with many programs: until all exist, and until all are RUNNING."""

from __future__ import annotations

from pathlib import Path

from bench.contestants import Contestant, descriptors_for, idle_programs
from bench.results import MANY, Figure, Run, Target
from bench.sizes import Size

NAME = "boot"

ALL_RUNNING = Target(ratio=3.5, at=MANY)

EXIST = Figure("from start until {programs} children exist", "ms", target=Target(ratio=4, at=MANY))
RUNNING = Figure("from start until all are RUNNING, startsecs 0", "ms", target=ALL_RUNNING)
RUNNING_1 = Figure("from start until all are RUNNING, startsecs 1", "ms", target=ALL_RUNNING)
CPU = Figure("CPU of daemon and child per child, until RUNNING", "µs")


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    count = size.programs
    descriptors = descriptors_for(count)
    programs = idle_programs(count)
    with contestant.running(directory, programs, descriptors=descriptors) as daemon:
        exist = daemon.until_children(count) - daemon.started
        running_1 = daemon.until_running(count) - daemon.started
        cpu = daemon.cpu_with_children() / count
    programs = idle_programs(count, "startsecs=0")
    with contestant.running(directory, programs, descriptors=descriptors) as daemon:
        running = daemon.until_running(count) - daemon.started
    return {
        EXIST: exist * 1e3,
        RUNNING: running * 1e3,
        RUNNING_1: running_1 * 1e3,
        CPU: cpu * 1e6,
    }
