"""Full pipes for logs, fifty chatty children, downloads of a large log: how long calls take."""

from __future__ import annotations

from pathlib import Path

from bench.contestants import Contestant
from bench.hardship import Chatter, Downloads, SlowDisk, answered, figures
from bench.results import Run
from bench.sizes import Size

NAME = "all-at-once"

FIGURES = figures("with all of these at once")


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    return answered(contestant, directory, size, [SlowDisk(), Chatter(), Downloads()], FIGURES)
