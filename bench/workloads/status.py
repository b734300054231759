"""Run ``status`` with the client that comes with the daemon: with ten programs and with many."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from statistics import median

from bench.calling import served, socket_path
from bench.contestants import Contestant, GivenUp, descriptors_for, idle_programs
from bench.results import Figure, Run

NAME = "status"

TEN = Figure("status, 10 programs", "ms")
MANY = Figure("status, many programs", "ms")

TIMES = 7


def run(contestant: Contestant, directory: Path, count: int) -> Run:
    return {
        TEN: _status(contestant, directory, 10),
        MANY: _status(contestant, directory, count),
    }


def _status(contestant: Contestant, directory: Path, count: int) -> float:
    sections = served(directory) + idle_programs(count)
    with contestant.running(directory, sections, descriptors=descriptors_for(count)) as daemon:
        daemon.until_running(count)
        daemon.answers(socket_path(directory))
        return median(_timed(contestant, directory, count) for _ in range(TIMES))


def _timed(contestant: Contestant, directory: Path, count: int) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        [*contestant.client, "-c", str(directory / "supervisord.conf"), "status"],
        env={**os.environ, **contestant.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    took = time.perf_counter() - began
    if done.returncode or done.stdout.count(b" RUNNING ") != count:
        raise GivenUp(f"status says {done.stdout[:300]!r}, {done.stderr[:300]!r}")
    return took * 1e3
