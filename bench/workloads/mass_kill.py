"""Kill all children at once: until all have been replaced."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from bench.calling import served, socket_path
from bench.contestants import Contestant, descriptors_for, idle_programs
from bench.results import MANY, Figure, Run, Target
from bench.sizes import Size

NAME = "mass-kill"

REPLACED = Figure(
    "from KILL of {programs} until all are replaced", "ms", target=Target(ratio=4, at=MANY)
)


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    count = size.programs
    programs = served(directory) + idle_programs(count, "autorestart=true")
    with contestant.running(directory, programs, descriptors=descriptors_for(count)) as daemon:
        daemon.until_ready(socket_path(directory), count)
        # they have run for a second: less than that would be waited for
        old = frozenset(daemon.children())
        began = time.monotonic()
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        replaced = daemon.until_children(count, other_than=old)
        return {REPLACED: (replaced - began) * 1e3}
