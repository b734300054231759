"""
``python -m bench``: workloads on stock Supervisor and on this, by turns, in one run.

Each workload is done A B A B ...; shown are medians, and how many times better ours is. Absolute
figures depend on the machine; the ratios are what counts, and only where nothing else was running.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bench.contestants import Contestant, GivenUp, install_stock, ours, stock
from bench.results import Run, shown
from bench.workloads import boot, idle, log, log_among_idle, mass_kill, replace, stop


class Workload(Protocol):
    """What :mod:`bench.workloads` says that each module has."""

    NAME: str

    def run(self, contestant: Contestant, directory: Path, count: int) -> Run: ...


WORKLOADS: Sequence[Workload] = (boot, stop, mass_kill, replace, idle, log, log_among_idle)


def main() -> int:
    arguments = _parser().parse_args()
    count = arguments.count or (100 if arguments.quick else 1000)
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        environment = arguments.stock
        if environment is None:
            environment = Path(scratch, "stock")
            install_stock(environment)
        contestants = (stock(environment), ours())
        print(
            f"{count} children, {rounds} rounds; Python {platform.python_version()}, "
            f"{platform.system()} {platform.release()}, {os.cpu_count()} CPUs"
        )
        failed = False
        for workload in WORKLOADS:
            if arguments.workloads and workload.NAME not in arguments.workloads:
                continue
            print(f"\n{workload.NAME}: {workload.__doc__}", flush=True)
            try:
                runs = _by_turns(workload, contestants, Path(scratch), count, rounds)
            except GivenUp as error:
                print(f"  given up: {error}")
                failed = True
                continue
            print("\n".join(shown(runs)), flush=True)
    return 1 if failed else 0


def _by_turns(
    workload: Workload, contestants: Sequence[Contestant], scratch: Path, count: int, rounds: int
) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {contestant.name: [] for contestant in contestants}
    for _ in range(rounds):
        for contestant in contestants:
            with tempfile.TemporaryDirectory(dir=scratch) as directory:
                try:
                    run = workload.run(contestant, Path(directory), count)
                except GivenUp as error:
                    raise GivenUp(f"{contestant.name}: {error}") from None
            runs[contestant.name].append(run)
    return runs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    names = [workload.NAME for workload in WORKLOADS]
    parser.add_argument("workloads", nargs="*", metavar="workload", help=", ".join(names))
    parser.add_argument("-n", "--count", type=int, help="children; default: 1000")
    parser.add_argument("--rounds", type=int, help="times that each is measured; default: 3")
    parser.add_argument("--quick", action="store_true", help="100 children, 1 round")
    parser.add_argument(
        "--stock",
        type=Path,
        help="a virtual environment with stock Supervisor; default: one is made for the time",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
