"""Let logs be pipes that are full: how long calls take meanwhile."""

from __future__ import annotations

from pathlib import Path

from bench.contestants import Contestant
from bench.hardship import SlowDisk, answered, figures
from bench.results import Run
from bench.sizes import Size

NAME = "slow-disk"

FIGURES = figures("with full pipes for logs")


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    return answered(contestant, directory, size, [SlowDisk()], FIGURES)
