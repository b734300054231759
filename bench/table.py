"""
``python -m bench.table FILE``: the figures that ``python -m bench --json FILE`` has written.

Printed is reStructuredText for the documentation.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.results import Comparison, Figure, text

HEAD = ("", "Supervisor", "supervisor_tx", "ratio")


def main(path: str) -> None:
    results = json.loads(Path(path).read_text())
    print("\n".join(rst(results)))


def rst(results: Mapping[str, Any]) -> Iterator[str]:
    """Return the lines of a table, and what its figures depend on."""
    yield ", ".join(f"{key} {value}" for key, value in results["about"].items()) + "."
    yield ""
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield "   :widths: 52 18 18 12"
    yield ""
    yield from _row(HEAD)
    for workload, figures in results["workloads"].items():
        yield from _row((f"**{workload}**", "", "", ""))
        for plain in figures:
            figure = Figure(plain["figure"], plain["unit"], plain["less_is_better"])
            each = Comparison(figure, plain["stock"], plain["ours"])
            name = figure.name if figure.unit == "1" else f"{figure.name}, {figure.unit}"
            yield from _row((name, text(each.theirs), text(each.ours), each.verdict))


def _row(cells: Sequence[str]) -> Iterator[str]:
    for number, cell in enumerate(cells):
        yield f"   {'-' if number else '* -'} {cell}".replace("   - ", "     - ").rstrip()


if __name__ == "__main__":
    main(sys.argv[1])
