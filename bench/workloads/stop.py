"""Send TERM to a daemon with many children: until it has ended."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from bench.contestants import PATIENCE, Contestant, descriptors_for, idle_programs
from bench.results import Figure, Run

NAME = "stop"

STOPPED = Figure("from TERM until the daemon has ended", "ms")


def run(contestant: Contestant, directory: Path, count: int) -> Run:
    programs = idle_programs(count)
    with contestant.running(directory, programs, descriptors=descriptors_for(count)) as daemon:
        daemon.until_running(count)
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.wait(PATIENCE)
        return {STOPPED: (time.monotonic() - began) * 1e3}
