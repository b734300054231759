"""As events, with many other children that do nothing."""

from __future__ import annotations

from pathlib import Path

from bench.contestants import Contestant
from bench.results import Run
from bench.workloads.events import delivered

NAME = "events-among-idle"


def run(contestant: Contestant, directory: Path, count: int) -> Run:
    return delivered(contestant, directory, count - 2)
