"""Let fifty children write as much as they can: how long calls take meanwhile."""

from __future__ import annotations

from pathlib import Path

from bench.contestants import Contestant
from bench.hardship import Chatter, answered, figures
from bench.results import Run
from bench.sizes import Size

NAME = "chatter"

FIGURES = figures("beside 50 chatty children")


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    return answered(contestant, directory, size, [Chatter()], FIGURES)
