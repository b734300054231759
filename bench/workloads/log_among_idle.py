"""As log, with many other children that do nothing."""

from __future__ import annotations

from pathlib import Path

from bench.contestants import Contestant
from bench.results import MANY, Figure, Run, Target
from bench.sizes import Size
from bench.workloads.log import flooded

NAME = "log-among-idle"

RATE = Figure(
    "one child flooding among {programs}", "MB/s", less=False, target=Target(ratio=20, at=MANY)
)
CPU = Figure("one child flooding among {programs}: CPU of the daemon per GB", "s")


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    rate, cpu = flooded(contestant, directory, size.flood, size.programs - 1)
    return {RATE: rate, CPU: cpu}
