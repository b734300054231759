"""As log, with many other children that do nothing."""

from __future__ import annotations

from pathlib import Path

from bench.contestants import Contestant
from bench.results import Run
from bench.workloads.log import flooded

NAME = "log-among-idle"


def run(contestant: Contestant, directory: Path, count: int) -> Run:
    return flooded(contestant, directory, count - 1)
