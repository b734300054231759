"""The small graph of a process's past: a line in a box of fixed size."""

from __future__ import annotations

from collections.abc import Iterable

#: The box, in units of its own, and how many values it has room for.
WIDTH, HEIGHT, MOST = 60, 16, 61

#: The value that reaches the top, unless there are greater ones.
FULL = 10.0


def points(values: Iterable[float | None]) -> tuple[str, float]:
    """
    Return the ``points`` of a polyline, and the value that reaches its top.

    The latest value is at the right edge. What is not known counts as nothing. Where the line is
    level it has no points but those at the ends.
    """
    shown = [value or 0.0 for value in values][-MOST:]
    top = max(FULL, *shown) if shown else FULL
    left, room = WIDTH - len(shown) + 1, HEIGHT - 2
    heights = [HEIGHT - 1 - round(room * value / top, 1) for value in shown]
    kept = [
        f"{left + index},{height:g}"
        for index, height in enumerate(heights)
        if index in (0, len(heights) - 1)
        or height != heights[index - 1]
        or height != heights[index + 1]
    ]
    return " ".join(kept), top
