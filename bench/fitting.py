"""How fast something grows: the exponent of a power law, found in measured values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

#: What an exponent may be, at most, and still be called linear.
LINEAR = 1.1


@dataclass(frozen=True)
class Growth:
    """
    Exponents of a cost, by the number of programs; None: it was measured too seldom to tell.

    A cost that is proportional to the number has 1, one that stays as it is has 0. A constant part
    makes the exponent over all sizes smaller than that of the part that grows, and weighs least at
    the largest size: so the exponent between the two largest is looked at, too.
    """

    #: by least squares, from the logarithms of all sizes and costs
    overall: float | None
    #: between the two largest sizes
    at_last: float | None

    @property
    def verdict(self) -> str:
        """Whether both are at most 1.1, or why that is not said."""
        if self.overall is None or self.at_last is None:
            return "unclear"
        return "linear" if max(self.overall, self.at_last) <= LINEAR else "more than linear"


def growth(costs: Mapping[int, float]) -> Growth:
    """Return how a cost grows with a number; where it is zero, but not always, it is left out."""
    if costs and not any(costs.values()):
        return Growth(0.0, 0.0)
    points = sorted((log(number), log(cost)) for number, cost in costs.items() if cost > 0)
    if len(points) < 2:
        return Growth(None, None)
    return Growth(_slope(points), _slope(points[-2:]))


def _slope(points: list[tuple[float, float]]) -> float:
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    above = sum((x - middle_x) * (y - middle_y) for x, y in points)
    return above / sum((x - middle_x) ** 2 for x, _ in points)
