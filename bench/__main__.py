"""
``python -m bench``: workloads on stock Supervisor and on this, by turns, in one run.

Each workload is done A B A B ... A: stock once more than ours, so that it comes first and last and
what changes with time favours nobody. Shown are medians, half of how far the rounds lie apart, how
many times better ours is, how much one of the two differs from itself (noise; a ratio within it is
a draw), and the target, if there is one. Absolute figures depend on the machine; the ratios are
what counts, and only where nothing else was running.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

from bench import machine
from bench.contestants import Contestant, GivenUp, install_stock, ours, stock
from bench.results import Run, compared, shown
from bench.sizes import FULL, QUICK, Size
from bench.table import rst
from bench.workloads import (
    all_at_once,
    answers,
    boot,
    calls,
    calls_many,
    chatter,
    crowd,
    downloads,
    event_latency,
    events,
    events_among_idle,
    events_through,
    followers,
    idle,
    log,
    log_among_idle,
    log_lines,
    mass_kill,
    memory,
    orders,
    page,
    slow_disk,
    status,
    stop,
    up,
)
from bench.workloads import (
    replace as replacing,
)


class Workload(Protocol):
    """What :mod:`bench.workloads` says that each module has."""

    NAME: str

    def run(self, contestant: Contestant, directory: Path, size: Size) -> Run: ...


WORKLOADS: Sequence[Workload] = (
    up,
    boot,
    crowd,
    stop,
    mass_kill,
    answers,
    replacing,
    orders,
    calls,
    calls_many,
    status,
    followers,
    event_latency,
    events,
    events_among_idle,
    events_through,
    idle,
    memory,
    log,
    log_lines,
    log_among_idle,
    page,
    slow_disk,
    chatter,
    downloads,
    all_at_once,
)


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    names = [workload.NAME for workload in WORKLOADS]
    for name in arguments.workloads:
        if name not in names:
            parser.error(f"no workload is called {name!r}; there are {', '.join(names)}")
    machine.prepare()
    size = QUICK if arguments.quick else FULL
    if arguments.count:
        size = replace(size, programs=arguments.count)
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    began = time.monotonic()
    about: dict[str, Any] = {"programs": size.programs, "rounds": rounds, **machine.about()}
    rows: dict[str, list[dict[str, Any]]] = {}
    results = {"about": about, "size": asdict(size), "workloads": rows}
    failed = False
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        environment = arguments.stock
        if environment is None:
            environment = Path(scratch, "stock")
            install_stock(environment)
        pair = stock(environment), ours(Path(scratch, "ours"))
        print(", ".join(f"{key} {value}" for key, value in about.items()))
        for workload in WORKLOADS:
            if arguments.workloads and workload.NAME not in arguments.workloads:
                continue
            print(f"\n{workload.NAME}: {(workload.__doc__ or '').strip()}", flush=True)
            workload_began = time.monotonic()
            try:
                comparisons = compared(*_by_turns(workload, pair, Path(scratch), size, rounds))
            except GivenUp as error:
                print(f"  given up: {error}", flush=True)
                failed = True
                continue
            except Exception:  # noqa: BLE001  one mistake must not cost what others take an hour for
                traceback.print_exc()
                failed = True
                continue
            print("\n".join(shown(comparisons, size)), flush=True)
            print(f"  ({time.monotonic() - workload_began:.0f} seconds)", flush=True)
            rows[workload.NAME] = [each.plain(size) for each in comparisons]
            about["load after"] = machine.load()
            about["minutes"] = f"{(time.monotonic() - began) / 60:.1f}"
            if arguments.json is not None:
                arguments.json.write_text(json.dumps(results, indent=2) + "\n")
            if arguments.table is not None:
                arguments.table.write_text("\n".join(rst(results)) + "\n")
    print(f"\nThat took {time.monotonic() - began:.0f} seconds.")
    return 1 if failed else 0


def _by_turns(
    workload: Workload,
    pair: tuple[Contestant, Contestant],
    scratch: Path,
    size: Size,
    rounds: int,
) -> tuple[list[Run], list[Run]]:
    """Return the runs of the first, one more than there are rounds, and those of the second."""
    rounds = min(rounds, getattr(workload, "MOST_ROUNDS", rounds))
    runs: tuple[list[Run], list[Run]] = ([], [])
    for turn in range(2 * rounds + 1):
        contestant = pair[turn % 2]
        with tempfile.TemporaryDirectory(dir=scratch) as directory:
            try:
                run = workload.run(contestant, Path(directory), size)
            except GivenUp as error:
                raise GivenUp(f"{contestant.name}: {error}") from None
        runs[turn % 2].append(run)
    return runs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    names = [workload.NAME for workload in WORKLOADS]
    parser.add_argument("workloads", nargs="*", metavar="workload", help=", ".join(names))
    parser.add_argument(
        "--quick", action="store_true", help="100 programs, less of everything, 1 round"
    )
    parser.add_argument("-n", "--count", type=int, help="programs; default: 1000")
    parser.add_argument("--rounds", type=int, help="times that ours is measured; default: 3")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="write a table for the documentation there too"
    )
    parser.add_argument(
        "--stock",
        type=Path,
        help="a virtual environment with stock Supervisor; default: one is made for the time",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
