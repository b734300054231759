"""Run ``status`` with the client that comes with the daemon: with ten programs and with many."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from statistics import median

from bench.calling import served, socket_path
from bench.contestants import Contestant, GivenUp, descriptors_for, idle_programs
from bench.results import MANY, Figure, Run, Target
from bench.sizes import Size

NAME = "status"

TEN = Figure("status, 10 programs", "ms", target=Target(ratio=1))
ALL = Figure("status, {programs} programs", "ms", target=Target(ratio=2.5, at=MANY))


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    return {
        TEN: _status(contestant, directory, 10, size.repeats),
        ALL: _status(contestant, directory, size.programs, size.repeats),
    }


def _status(contestant: Contestant, directory: Path, count: int, times: int) -> float:
    sections = served(directory) + idle_programs(count, "startsecs=0")
    with contestant.running(directory, sections, descriptors=descriptors_for(count)) as daemon:
        daemon.until_ready(socket_path(directory), count)
        return median(timed(contestant, directory, count) for _ in range(times))


def timed(contestant: Contestant, directory: Path, count: int) -> float:
    """Return how many milliseconds the command takes; raise GivenUp if it does not show all."""
    began = time.perf_counter()
    done = subprocess.run(
        [*contestant.client, "-c", str(directory / "supervisord.conf"), "status"],
        env=contestant.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    took = time.perf_counter() - began
    if done.returncode or done.stdout.count(b" RUNNING ") != count:
        raise GivenUp(f"status says {done.stdout[:300]!r}, {done.stderr[:300]!r}")
    return took * 1e3
