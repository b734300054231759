"""What was measured, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One kind of figure that a workload gives."""

    name: str
    unit: str
    #: less of it is better
    less: bool = True


Run = Mapping[Figure, float]


@dataclass(frozen=True)
class Comparison:
    """One figure of the two contestants, over all rounds."""

    figure: Figure
    theirs: Sequence[float]
    ours: Sequence[float]

    @property
    def ratio(self) -> float | None:
        """How many times better our median is than theirs; None: that cannot be said."""
        if not self.theirs or not self.ours:
            return None
        theirs, ours = median(self.theirs), median(self.ours)
        better, base = (theirs, ours) if self.figure.less else (ours, theirs)
        if base == 0:
            return 1.0 if better == 0 else None
        return better / base

    @property
    def noise(self) -> float:
        """How many times worse the same contestant can be in another round; 1 for one round."""
        return max((_noise(values) for values in (self.theirs, self.ours)), default=1.0)

    @property
    def verdict(self) -> str:
        """The ratio, or that it is no more than noise."""
        ratio = self.ratio
        if ratio is None:
            return "-" if not self.theirs or not self.ours else "inf"
        if 1 / self.noise <= ratio <= self.noise:
            return f"draw ({ratio:.2f}x)"
        return f"{ratio:.3g}x"

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "figure": self.figure.name,
            "unit": self.figure.unit,
            "less_is_better": self.figure.less,
            "stock": list(self.theirs),
            "ours": list(self.ours),
            "ratio": self.ratio,
            "noise": self.noise,
        }


def compared(runs: Mapping[str, Sequence[Run]]) -> list[Comparison]:
    """Put the rounds of the first contestant and the second side by side."""
    first, second = runs.values()
    return [
        Comparison(figure, _values(figure, first), _values(figure, second)) for figure in second[0]
    ]


def shown(names: Iterable[str], comparisons: Iterable[Comparison]) -> Iterable[str]:
    """
    Return lines with the median of each figure, and how far the rounds lie apart.

    The ratio says how many times better the second contestant is. It is a draw where each of them
    differs as much from itself.
    """
    yield f"{'':54}" + "".join(f"{name:>22}" for name in names) + f"{'ratio':>16}"
    for each in comparisons:
        line = f"  {f'{each.figure.name}, {each.figure.unit}':52}"
        yield line + f"{text(each.theirs):>22}{text(each.ours):>22}{each.verdict:>16}"


def _values(figure: Figure, runs: Sequence[Run]) -> list[float]:
    return [run[figure] for run in runs if figure in run]


def _noise(values: Sequence[float]) -> float:
    return max(values) / min(values) if values and min(values) > 0 else 1.0


def text(values: Sequence[float]) -> str:
    """Return the median, and half of how far the values lie apart as a part of it."""
    if not values:
        return "-"
    middle = median(values)
    said = f"{middle:,.0f}" if middle >= 1000 else f"{middle:.3g}"
    if len(values) > 1 and middle:
        said += f" ±{(max(values) - min(values)) / 2 / middle:.0%}"
    return said
