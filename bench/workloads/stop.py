"""Send TERM to a daemon with many children: until it has ended."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from bench.calling import served, socket_path
from bench.contestants import PATIENCE, Contestant, descriptors_for, idle_programs
from bench.results import MANY, Figure, Run, Target
from bench.sizes import Size

NAME = "stop"

HUNDRED = Figure("from TERM until the daemon has ended, 100 children", "ms")
ALL = Figure(
    "from TERM until the daemon has ended, {programs} children",
    "ms",
    target=Target(ratio=25, at=MANY),
)


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    figures = {HUNDRED: _stopped(contestant, directory, 100)}
    if size.programs != 100:
        figures[ALL] = _stopped(contestant, directory, size.programs)
    return figures


def _stopped(contestant: Contestant, directory: Path, count: int) -> float:
    """Return milliseconds."""
    programs = served(directory) + idle_programs(count, "startsecs=0")
    with contestant.running(directory, programs, descriptors=descriptors_for(count)) as daemon:
        daemon.until_ready(socket_path(directory), count)
        daemon.until_children(count)
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        return (daemon.until_ended(PATIENCE) - began) * 1e3
