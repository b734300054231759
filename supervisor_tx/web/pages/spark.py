"""The small graph of a process's past: a line in a box of fixed size."""

from __future__ import annotations

from collections.abc import Iterable

#: The box, in units of its own, and how many values it has room for.
WIDTH, HEIGHT, MOST = 60, 16, 61


def points(values: Iterable[float | None], full: float = 10.0) -> str:
    """
    Return the ``points`` of a polyline, the latest value at the right edge.

    ``full`` is the value that reaches the top, unless there are greater ones. What is not known
    counts as nothing.
    """
    shown = [value or 0.0 for value in values][-MOST:]
    top = max(full, *shown) if shown else full
    left = WIDTH - len(shown) + 1
    room = HEIGHT - 2
    return " ".join(
        f"{left + index},{HEIGHT - 1 - round(room * value / top, 1):g}"
        for index, value in enumerate(shown)
    )
