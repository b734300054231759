"""
``python -m bench``: workloads on stock Supervisor and on this, by turns, in one run.

Each workload is done A B A B ...; shown are medians, half of how far the rounds lie apart, and how
many times better ours is. Absolute figures depend on the machine; the ratios are what counts, and
only where nothing else was running. A ratio is called a draw where one of the two differs as much
from itself, between two rounds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import supervisor_tx
from bench.contestants import STOCK_VERSION, Contestant, GivenUp, install_stock, ours, stock
from bench.results import Run, compared, shown
from bench.workloads import (
    answers,
    boot,
    calls,
    calls_many,
    event_latency,
    events,
    events_among_idle,
    followers,
    idle,
    log,
    log_among_idle,
    log_lines,
    mass_kill,
    orders,
    page,
    replace,
    status,
    stop,
    up,
)
from twisted import __version__ as twisted_version


class Workload(Protocol):
    """What :mod:`bench.workloads` says that each module has."""

    NAME: str

    def run(self, contestant: Contestant, directory: Path, count: int) -> Run: ...


WORKLOADS: Sequence[Workload] = (
    up,
    boot,
    stop,
    mass_kill,
    answers,
    replace,
    orders,
    calls,
    calls_many,
    status,
    followers,
    event_latency,
    events,
    events_among_idle,
    idle,
    log,
    log_lines,
    log_among_idle,
    page,
)


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    names = [workload.NAME for workload in WORKLOADS]
    for name in arguments.workloads:
        if name not in names:
            parser.error(f"no workload is called {name!r}; there are {', '.join(names)}")
    count = arguments.count or (100 if arguments.quick else 1000)
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    about = _about(count, rounds)
    rows: dict[str, list[dict[str, Any]]] = {}
    failed = False
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        environment = arguments.stock
        if environment is None:
            environment = Path(scratch, "stock")
            install_stock(environment)
        contestants = (stock(environment), ours(Path(scratch, "ours")))
        print(", ".join(f"{key} {value}" for key, value in about.items()))
        for workload in WORKLOADS:
            if arguments.workloads and workload.NAME not in arguments.workloads:
                continue
            print(f"\n{workload.NAME}: {(workload.__doc__ or '').strip()}", flush=True)
            try:
                runs = _by_turns(workload, contestants, Path(scratch), count, rounds)
            except GivenUp as error:
                print(f"  given up: {error}", flush=True)
                failed = True
                continue
            comparisons = compared(runs)
            print("\n".join(shown(runs, comparisons)), flush=True)
            rows[workload.NAME] = [comparison.plain() for comparison in comparisons]
    if arguments.json is not None:
        text = json.dumps({"about": about, "workloads": rows}, indent=2)
        arguments.json.write_text(text + "\n")
    return 1 if failed else 0


def _about(count: int, rounds: int) -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC",
        "children": count,
        "rounds": rounds,
        "CPUs": f"{os.cpu_count()} x {_processor()}",
        "load before": f"{os.getloadavg()[0]:.1f}",
        platform.system(): platform.release().partition("-")[0],
        "Python": platform.python_version(),
        "Twisted": twisted_version,
        "Supervisor": STOCK_VERSION,
        "supervisor_tx": supervisor_tx.__version__,
    }


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(": ")[2]
    return platform.machine()


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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument(
        "--stock",
        type=Path,
        help="a virtual environment with stock Supervisor; default: one is made for the time",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
