"""Start the daemon without programs: until it has answered a first call on its unix socket."""

from __future__ import annotations

from pathlib import Path

from bench.calling import served, socket_path
from bench.contestants import Contestant
from bench.results import Figure, Run, Target
from bench.sizes import Size

NAME = "up"

ANSWERED = Figure("from start to the first answer, no programs", "ms", target=Target(ratio=0.5))
CPU = Figure("CPU until then", "ms")
MEMORY = Figure("memory of the daemon (USS), no programs", "MiB")


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    del size
    with contestant.running(directory, served(directory)) as daemon:
        answered = daemon.answers(socket_path(directory))
        return {
            ANSWERED: (answered - daemon.started) * 1e3,
            CPU: daemon.cpu() * 1e3,
            MEMORY: daemon.memory(),
        }
