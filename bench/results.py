"""What was measured, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """One kind of figure that a workload gives."""

    name: str
    unit: str
    #: less of it is better
    less: bool = True


Run = Mapping[Figure, float]


def shown(runs: Mapping[str, Sequence[Run]]) -> Iterable[str]:
    """
    Return lines with the median of each figure, of the first contestant and the second.

    The ratio says how many times better the second is.
    """
    (first, first_runs), (second, second_runs) = runs.items()
    yield f"{'':52}{first:>20}{second:>20}{'ratio':>10}"
    for figure in second_runs[0]:
        theirs, ours = (
            [run[figure] for run in some if figure in run] for some in (first_runs, second_runs)
        )
        line = f"  {f'{figure.name}, {figure.unit}':50}"
        line += f"{_median(theirs):>20}{_median(ours):>20}"
        if theirs and ours:
            line += f"{ratio(figure, median(theirs), median(ours)):>10}"
        yield line


def ratio(figure: Figure, theirs: float, ours: float) -> str:
    """Return how many times better ours is than theirs."""
    better, base = (theirs, ours) if figure.less else (ours, theirs)
    if base == 0:
        return "=" if better == 0 else "inf"
    return f"{better / base:.3g}x"


def _median(values: Sequence[float]) -> str:
    if not values:
        return "-"
    value = median(values)
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
