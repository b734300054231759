"""
``python -m bench.growth``: what 10, 100, 1,000 and 5,000 programs cost, and how that grows.

One daemon at a time goes through its whole life: boot, doing nothing, a few status commands, all
of its children killed at once, TERM. Supervisor does so once for each size, which takes it some
minutes at 5,000; what takes longer than is allowed is left out. Growth is told as exponents, see
:mod:`bench.fitting`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench import machine
from bench.calling import served, socket_path
from bench.contestants import (
    Contestant,
    GivenUp,
    descriptors_for,
    idle_programs,
    install_stock,
    ours,
    stock,
)
from bench.fitting import growth
from bench.results import Figure, text
from bench.table import conditions, list_table
from bench.workloads.status import timed

SIZES = (10, 100, 1000, 5000)

BOOT = Figure("from start until all children exist", "ms")
CPU = Figure("CPU of the idle daemon per second", "ms")
WAKEUPS = Figure("wakeups of the idle daemon per second", "1")
MEMORY = Figure("memory of the idle daemon (USS)", "MiB")
STATUS = Figure("command status", "ms")
REPLACED = Figure("from KILL of all until all are replaced", "ms")
ENDED = Figure("from TERM until the daemon has ended", "ms")

FIGURES = (BOOT, CPU, WAKEUPS, MEMORY, STATUS, REPLACED, ENDED)

#: Seconds for which an idle daemon is watched.
WATCHED = 5.0

STATUSES = 3

#: So that 5,000 fit where 20,000 descriptors are allowed to a process: it is two for each less.
OPTIONS = "redirect_stderr=true\nautorestart=true"

#: By the names of figures; of each the values by number of programs.
Values = dict[str, dict[int, list[float]]]


def main() -> int:
    arguments = _parser().parse_args()
    machine.prepare()
    about: dict[str, Any] = {"rounds": arguments.rounds, **machine.about()}
    began = time.monotonic()
    values: dict[str, Values] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        contestants = [ours(Path(scratch, "ours"))]
        if not arguments.without_stock:
            environment = arguments.stock
            if environment is None:
                environment = Path(scratch, "stock")
                install_stock(environment)
            contestants.append(stock(environment))
        print(", ".join(f"{key} {value}" for key, value in about.items()))
        results = {"about": about, "sizes": arguments.sizes, "values": values}
        for turn in range(arguments.rounds):
            for contestant in contestants if turn == 0 else contestants[:1]:
                of_it = values.setdefault(contestant.name, {each.name: {} for each in FIGURES})
                for count in arguments.sizes:
                    _add(contestant, count, of_it, Path(scratch), arguments.patience)
                    about["load after"] = machine.load()
                    about["minutes"] = f"{(time.monotonic() - began) / 60:.1f}"
                    if arguments.json is not None:
                        arguments.json.write_text(json.dumps(results, indent=2) + "\n")
    print("\n".join(shown(results)))
    if arguments.table is not None:
        arguments.table.write_text("\n".join(rst(results)) + "\n")
    if arguments.plot is not None:
        from bench.plot import plot

        plot(results, arguments.plot)
    return 0


def _add(
    contestant: Contestant, count: int, values: Values, scratch: Path, patience: float
) -> None:
    """Add one value to each figure, as far as the daemon comes."""
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        try:
            for figure, value in _measured(contestant, Path(directory), count, patience):
                print(f"{contestant.name}, {count}: {figure.name}: {value:.4g}", flush=True)
                values[figure.name].setdefault(count, []).append(value)
        except GivenUp as error:
            print(f"{contestant.name}, {count}: given up: {error}", flush=True)


def _measured(
    contestant: Contestant, directory: Path, count: int, patience: float
) -> Iterator[tuple[Figure, float]]:
    sections = served(directory) + idle_programs(count, OPTIONS)
    descriptors = descriptors_for(count, 2)
    with contestant.running(directory, sections, descriptors=descriptors) as daemon:
        exist = daemon.until_children(count, patience=patience)
        yield BOOT, (exist - daemon.started) * 1e3
        daemon.until_running(count, patience)
        daemon.answers(socket_path(directory))
        daemon.until_settled()
        cpu, wakeups = daemon.cpu(), daemon.wakeups()
        time.sleep(WATCHED)
        yield CPU, (daemon.cpu() - cpu) / WATCHED * 1e3
        yield WAKEUPS, (daemon.wakeups() - wakeups) / WATCHED
        yield MEMORY, daemon.memory()
        yield STATUS, median(timed(contestant, directory, count) for _ in range(STATUSES))
        old = frozenset(daemon.children())
        began = time.monotonic()
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        replaced = daemon.until_children(count, other_than=old, patience=patience)
        yield REPLACED, (replaced - began) * 1e3
        daemon.until_running(2 * count, patience)
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        yield ENDED, (daemon.until_ended(patience) - began) * 1e3


def rows(results: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Return a head, then for each contestant its name and what it costs, as a table has them."""
    sizes: Sequence[int] = results["sizes"]
    yield "", *(f"{size:,}" for size in sizes), "exponent", "at the last step", ""
    for name, values in results["values"].items():
        yield f"**{name}**", *[""] * (len(sizes) + 3)
        for figure in FIGURES:
            by_size = {int(size): each for size, each in values[figure.name].items()}
            grown = growth({size: median(each) for size, each in by_size.items()})
            unit = "" if figure.unit == "1" else f", {figure.unit}"
            yield (
                figure.name + unit,
                *(text(by_size.get(size, ())) for size in sizes),
                *(
                    "-" if each is None else f"{each:.2f}"
                    for each in (grown.overall, grown.at_last)
                ),
                grown.verdict if by_size else "",
            )


def rst(results: Mapping[str, Any]) -> Iterator[str]:
    """Return the lines of a table for the documentation, and what its figures depend on."""
    yield from conditions(results["about"])
    yield ""
    head, *others = rows(results)
    widths = (34, *[12] * len(results["sizes"]), 10, 10, 14)
    yield from list_table(head, widths, others)


def shown(results: Mapping[str, Any]) -> Iterator[str]:
    """Return the lines of a table for a terminal."""
    yield ""
    for first, *others in rows(results):
        yield f"{first:42}" + "".join(f"{each:>18}" for each in others).rstrip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.growth", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, help="of ours; default: 3")
    parser.add_argument("--without-stock", action="store_true", help="measure only ours")
    parser.add_argument("--stock", type=Path, help="as with python -m bench")
    parser.add_argument(
        "--patience", type=float, default=300.0, help="seconds for each step; default: 300"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="write a table for the documentation there too"
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw it (.svg, .png): needs matplotlib"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
