"""As events, with many other children that do nothing."""

from __future__ import annotations

from pathlib import Path

from bench.contestants import Contestant
from bench.results import MANY, Figure, Run, Target
from bench.sizes import Size
from bench.workloads.events import KINDS, rates

NAME = "events-among-idle"

MADE = {
    kind: Figure(f"PROCESS_{kind} of one child among {{programs}}, made", "1/s", less=False)
    for kind in KINDS
}
TOLD = {
    kind: Figure(
        f"PROCESS_{kind} among {{programs}}, told to one listener",
        "1/s",
        less=False,
        target=Target(ratio=25, at=MANY),
    )
    for kind in KINDS
}


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    figures: dict[Figure, float] = {}
    others = size.programs - 2
    for kind in KINDS:
        made, told = rates(contestant, directory, kind, size.events, others)
        figures[MADE[kind]], figures[TOLD[kind]] = made, told
    return figures
