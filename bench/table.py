"""
``python -m bench.table FILE``: the figures that ``python -m bench --json FILE`` has written.

Printed is reStructuredText for the documentation.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.results import HEAD

#: A dash alone would begin a list.
DASH = r"\-"

WIDTHS = (38, 13, 13, 13, 9, 14)


def main(path: str) -> None:
    results = json.loads(Path(path).read_text())
    print("\n".join(rst(results)))


def rst(results: Mapping[str, Any]) -> Iterator[str]:
    """Return the lines of a table, and what its figures depend on."""
    yield from conditions(results["about"])
    yield ""
    rows = [
        row
        for workload, figures in results["workloads"].items()
        for row in (
            (f"**{workload}**", *[""] * (len(HEAD) - 1)),
            *((figure["figure"], *_joined(figure["cells"])) for figure in figures),
        )
    ]
    yield from list_table(("", *_joined(HEAD)), WIDTHS, rows)


def _joined(cells: Sequence[str]) -> tuple[str, ...]:
    """Return them with the target and whether it is reached in one, which is less wide."""
    *others, target, judged = cells
    return *others, f"{target}: {judged}" if judged else target


def conditions(about: Mapping[str, Any]) -> Iterator[str]:
    """Return what figures depend on, as a paragraph."""
    yield ", ".join(f"{key} {value}" for key, value in about.items()) + "."


def list_table(
    head: Sequence[str], widths: Iterable[int], rows: Iterable[Sequence[str]]
) -> Iterator[str]:
    """Return the lines of a table."""
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield f"   :widths: {' '.join(map(str, widths))}"
    yield ""
    for row in (head, *rows):
        first, *others = row
        yield f"   * - {first}".rstrip()
        for cell in others:
            yield f"     - {DASH if cell == '-' else cell}".rstrip()


if __name__ == "__main__":
    main(sys.argv[1])
