"""Let many children do nothing for a while: what that costs the daemon."""

from __future__ import annotations

import time
from pathlib import Path

from bench.calling import served, socket_path
from bench.contestants import Contestant, descriptors_for, idle_programs
from bench.results import MANY, Figure, Run, Target
from bench.sizes import Size

NAME = "idle"

CPU = Figure("{programs} idle: CPU of the daemon per second", "ms")
WAKEUPS = Figure(
    "{programs} idle: wakeups of the daemon per second", "1", target=Target(most=0, at=MANY)
)
MEMORY = Figure(
    "{programs} idle: memory of the daemon (USS)", "MiB", target=Target(ratio=1 / 1.7, at=MANY)
)


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    count = size.programs
    programs = served(directory) + idle_programs(count, "startsecs=0")
    with contestant.running(directory, programs, descriptors=descriptors_for(count)) as daemon:
        daemon.until_ready(socket_path(directory), count)
        daemon.until_settled()
        cpu, wakeups = daemon.cpu(), daemon.wakeups()
        time.sleep(size.watching)
        return {
            CPU: (daemon.cpu() - cpu) / size.watching * 1e3,
            WAKEUPS: (daemon.wakeups() - wakeups) / size.watching,
            MEMORY: daemon.memory(),
        }
