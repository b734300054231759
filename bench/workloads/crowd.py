"""Start the daemon with very many programs: until all exist."""

from __future__ import annotations

from pathlib import Path

from bench.contestants import Contestant, descriptors_for, idle_programs
from bench.results import CROWD, Figure, Run, Target
from bench.sizes import Size

NAME = "crowd"

#: Once for ours, twice for Supervisor, which takes a minute.
MOST_ROUNDS = 1

EXIST = Figure("from start until {crowd} children exist", "ms", target=Target(ratio=12, at=CROWD))

#: Two descriptors for each less, one of them with Supervisor, so that they fit where 20,000 are
#: allowed to a process.
OPTIONS = "redirect_stderr=true"


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    programs = idle_programs(size.crowd, OPTIONS)
    descriptors = descriptors_for(size.crowd, 2)
    with contestant.running(directory, programs, descriptors=descriptors) as daemon:
        exist = daemon.until_children(size.crowd) - daemon.started
    return {EXIST: exist * 1e3}
