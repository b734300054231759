"""The small graph of a process's past: a line in a box of fixed size."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

#: The box, in units of its own, and how many values it has room for.
WIDTH, HEIGHT, MOST = 60, 16, 61

#: The value that reaches the top, unless there are greater ones.
FULL = 10.0

#: Where the line is that means nothing.
_BOTTOM = HEIGHT - 1


def points(values: Sequence[float]) -> tuple[str, float]:
    """
    Return the ``points`` of a polyline, and the value that reaches its top.

    The latest value is at the right edge. NaN counts as nothing. Where the line is level it has no
    points but those at the ends.
    """
    shown = values[-MOST:]
    left = WIDTH - len(shown) + 1
    if all(value == 0 or isnan(value) for value in set(shown)):  # most of a thousand are idle
        ends = sorted({left, WIDTH}) if shown else []
        return " ".join(f"{x},{_BOTTOM}" for x in ends), FULL
    known = [0.0 if isnan(value) else value for value in shown]
    top = max(FULL, *known)
    heights = [_BOTTOM - round((HEIGHT - 2) * value / top, 1) for value in known]
    kept = [
        f"{left + index},{height:g}"
        for index, height in enumerate(heights)
        if index in (0, len(heights) - 1)
        or height != heights[index - 1]
        or height != heights[index + 1]
    ]
    return " ".join(kept), round(top, 1)
