"""Let clients download a large log: how long calls take meanwhile."""

from __future__ import annotations

from pathlib import Path

from bench.contestants import Contestant
from bench.hardship import Downloads, answered, figures
from bench.results import Run
from bench.sizes import Size

NAME = "downloads"

FIGURES = figures("during downloads of a large log")


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    return answered(contestant, directory, size, [Downloads()], FIGURES)
