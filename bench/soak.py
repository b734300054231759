"""
``python -m bench.soak``: 10,000 cycles, then 10,000,000 lines; whether memory stays as it is.

What a cycle is, :mod:`bench.churn` tells. At intervals all clients leave, and it is waited until
every byte is in the logs. Then the daemon is looked at from outside: its memory (USS), descriptors,
threads, CPU. Whether they grow is judged by the second half, see :mod:`bench.steadiness`. The exit
status is 0 where all is flat.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench import machine
from bench.calling import socket_path
from bench.churn import PROGRAMS, Soak, sections
from bench.contestants import Contestant, install_stock, ours, stock
from bench.steadiness import Trend


def main() -> int:
    arguments = _parser().parse_args()
    if arguments.read is None:
        results = _measured(arguments)
    else:
        results = json.loads(arguments.read.read_text())
    for name, found in results["contestants"].items():
        print(f"\n{name}")
        print("\n".join(shown(found)))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    if arguments.rst is not None:
        arguments.rst.write_text("\n".join(rst(results)) + "\n")
    verdicts = [
        trend["verdict"]
        for found in results["contestants"].values()
        for trend in found["trends"].values()
    ]
    return 0 if set(verdicts) == {"flat"} else 1


def _measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """Soak all that are asked for; return what was found, as JSON has it."""
    results: dict[str, Any] = {"about": machine.about(), "contestants": {}}
    with tempfile.TemporaryDirectory(prefix="soak-", dir=arguments.scratch) as scratch:
        for contestant in _contestants(arguments, Path(scratch)):
            found = _soaked(contestant, Path(scratch), arguments)
            results["contestants"][contestant.name] = found
    return results


def _contestants(arguments: argparse.Namespace, scratch: Path) -> Iterator[Contestant]:
    yield ours(scratch / "ours")
    if arguments.stock is not None:
        yield stock(arguments.stock)
    elif arguments.compare:
        install_stock(scratch / "stock")
        yield stock(scratch / "stock")


def _soaked(contestant: Contestant, scratch: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    print(f"{contestant.name} ...", flush=True)
    deadline = time.monotonic() + arguments.minutes * 60
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        programs = sections(Path(directory))
        with contestant.running(Path(directory), programs) as daemon:
            daemon.until_running(PROGRAMS)
            daemon.answers(socket_path(Path(directory)))
            soak = Soak(contestant, daemon, Path(directory), deadline)
            soak.cycles(arguments.cycles, arguments.samples)
            soak.lines(arguments.lines, arguments.samples)
            soak.close()
            return {
                "counts": dict(soak.counts),
                "trends": {name: trend.plain() for name, trend in soak.trends.items()},
            }


#: What each row says of a trend, for people: of cycles by the piece, of lines by the million.
UNITS = {"cycles": (1, "cycle"), "lines": (1_000_000, "million lines")}


def rows(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return what was found of one daemon, as names and texts."""
    for what, plain in found["trends"].items():
        trend = Trend.of(plain)
        times, unit = UNITS[what]
        slope, least, most = (each * times for each in trend.slope)
        first, middle, last = trend.samples[0], trend.half[0], trend.samples[-1]
        yield what, f"{last.done:,} in {last.seconds - first.seconds:,.0f} s"
        yield (
            f"{what}: memory (USS) before, half way, after",
            ", ".join(f"{each.memory / (1 << 20):.2f}" for each in (first, middle, last)) + " MiB",
        )
        yield (
            f"{what}: growth over the second half, each {unit}",
            f"{slope:,.0f} bytes ({least:,.0f} to {most:,.0f})",
        )
        yield (
            f"{what}: descriptors and threads, half way and after",
            f"{middle.descriptors} and {middle.threads}, {last.descriptors} and {last.threads}",
        )
        yield (
            f"{what}: CPU of the daemon, each {unit}",
            f"{(last.cpu - first.cpu) / last.done * times * 1e3:,.2f} ms",
        )
        yield f"{what}: verdict", trend.verdict
    for name, count in found["counts"].items():
        if name not in found["trends"]:
            yield name, f"{count:,}"


def shown(found: Mapping[str, Any]) -> Iterator[str]:
    """Return lines about one daemon."""
    for name, text in rows(found):
        yield f"  {name:60}{text}"


def rst(results: Mapping[str, Any]) -> Iterator[str]:
    """Return a table for the documentation, and what its figures depend on."""
    yield ", ".join(f"{key} {value}" for key, value in results["about"].items()) + "."
    yield ""
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield ""
    found = {name: dict(rows(each)) for name, each in results["contestants"].items()}
    yield from _row("", *found)
    for name in next(iter(found.values())):
        yield from _row(name, *(texts.get(name, "\\-") for texts in found.values()))


def _row(first: str, *others: str) -> Iterator[str]:
    yield f"   * - {first}".rstrip()
    yield from (f"     - {text}" for text in others)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.soak", description=__doc__)
    parser.add_argument("--cycles", type=int, default=10_000, help="default: 10000")
    parser.add_argument("--lines", type=int, default=10_000_000, help="default: 10000000")
    parser.add_argument("--samples", type=int, default=100, help="looks at each; default: 100")
    parser.add_argument(
        "--minutes", type=float, default=30, help="end by then in any case; default: 30"
    )
    parser.add_argument("--compare", action="store_true", help="Supervisor too, for comparison")
    parser.add_argument("--stock", type=Path, metavar="VENV", help="where Supervisor is already")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there")
    parser.add_argument("--rst", type=Path, metavar="FILE", help="write a table there")
    parser.add_argument(
        "--read", type=Path, metavar="FILE", help="do nothing but show what --json has written"
    )
    parser.add_argument("--scratch", type=Path, help="where logs are to be; they take 200 MB")
    return parser


if __name__ == "__main__":
    sys.exit(main())
