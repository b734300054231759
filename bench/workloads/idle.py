"""Let many children do nothing for ten seconds: what that costs the daemon."""

from __future__ import annotations

import time
from pathlib import Path

from bench.contestants import Contestant, descriptors_for, idle_programs
from bench.results import Figure, Run

NAME = "idle"

CPU = Figure("CPU of the daemon per second", "ms")
WAKEUPS = Figure("wakeups of the daemon per second", "1")
MEMORY = Figure("memory of the daemon (USS)", "MiB")

SETTLING = 3.0
WATCHED = 10.0


def run(contestant: Contestant, directory: Path, count: int) -> Run:
    programs = idle_programs(count)
    with contestant.running(directory, programs, descriptors=descriptors_for(count)) as daemon:
        daemon.until_running(count)
        time.sleep(SETTLING)
        cpu, wakeups = daemon.cpu(), daemon.wakeups()
        time.sleep(WATCHED)
        return {
            CPU: (daemon.cpu() - cpu) / WATCHED * 1e3,
            WAKEUPS: (daemon.wakeups() - wakeups) / WATCHED,
            MEMORY: daemon.memory(),
        }
