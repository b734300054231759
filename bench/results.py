"""What was measured, how two contestants compare, and what was to be reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.sizes import Size

#: Where targets were set for a number of programs: what a size must have for them to count.
MANY = ("programs", 1000)
CROWD = ("crowd", 5000)


@dataclass(frozen=True)
class Target:
    """What ours is to reach, in the same run."""

    #: how many times better than stock, at least
    ratio: float | None = None
    #: its own median, at most, in the figure's unit
    most: float | None = None
    #: the size that it was set for, and means nothing without; None: any
    at: tuple[str, int] | None = None

    def counts(self, size: Size) -> bool:
        """Return whether it was set for this size."""
        return self.at is None or getattr(size, self.at[0]) == self.at[1]

    def __str__(self) -> str:
        said = []
        if self.ratio is not None:
            said.append(f"≥ {self.ratio:.3g}x")
        if self.most is not None:
            said.append(f"≤ {self.most:g}" if self.most else "none at all")
        return ", ".join(said)


@dataclass(frozen=True)
class Figure:
    """One kind of figure that a workload gives."""

    #: may have {programs} or {crowd} in it, for the numbers of a size
    name: str
    #: "1" for a number of times each second
    unit: str
    #: less of it is better
    less: bool = True
    target: Target | None = None

    def titled(self, size: Size) -> str:
        """Return its name at this size, and its unit."""
        unit = "" if self.unit == "1" else f", {self.unit}"
        return self.name.format(programs=f"{size.programs:,}", crowd=f"{size.crowd:,}") + unit


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
        """How many times another round of the same is better or worse, with who differs more."""
        return max(_noise(self.theirs), _noise(self.ours))

    @property
    def verdict(self) -> str:
        """The ratio, or that it is no more than noise."""
        ratio = self.ratio
        if ratio is None:
            return "-" if not self.theirs or not self.ours else "inf"
        return f"draw ({ratio:.2f}x)" if self.draw else _times(ratio)

    @property
    def draw(self) -> bool:
        """Whether the ratio is no more than noise."""
        ratio = self.ratio
        return ratio is not None and 1 / self.noise <= ratio <= self.noise

    def judged(self, size: Size) -> str:
        """Return whether the target is reached, or why that is not said; "" without target."""
        target = self.figure.target
        if target is None or not self.theirs or not self.ours:
            return ""
        if not target.counts(size):
            return "not at this size"
        if target.most is not None and median(self.ours) > target.most:
            return "missed"
        ratio = self.ratio
        if target.ratio is None or ratio is None:
            return "met"
        if ratio >= target.ratio and (target.ratio <= 1 or not self.draw):
            return "met"
        return "within noise" if ratio * self.noise >= target.ratio else "missed"

    def plain(self, size: Size) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "figure": self.figure.titled(size),
            "less_is_better": self.figure.less,
            "stock": list(self.theirs),
            "ours": list(self.ours),
            "ratio": self.ratio,
            "noise": self.noise,
            "noise_of_stock": _noise(self.theirs),
            "cells": self.cells(size),
        }

    def cells(self, size: Size) -> list[str]:
        """Return what a table has behind its name; :data:`HEAD` says what that is."""
        target = self.figure.target
        noise = ""
        if self.theirs and self.ours:
            noise = f"{self.noise:.2f}x" if self.noise < 100 else _times(self.noise)
        return [
            text(self.theirs),
            text(self.ours),
            self.verdict,
            noise,
            "" if target is None else str(target),
            self.judged(size),
        ]


HEAD = ("Supervisor", "supervisor_tx", "ratio", "noise", "target", "")
WIDTHS = (15, 15, 17, 9, 16, 17)


def compared(theirs: Sequence[Run], ours: Sequence[Run]) -> list[Comparison]:
    """Put the rounds of the two side by side."""
    return [
        Comparison(figure, _values(figure, theirs), _values(figure, ours)) for figure in ours[0]
    ]


def shown(comparisons: Iterable[Comparison], size: Size) -> Iterable[str]:
    """
    Return lines with the median of each figure, and half of how far the rounds lie apart.

    The ratio says how many times better ours is. It is a draw where one of the two differs as much
    from itself.
    """
    yield f"{'':70}" + "".join(map(str.rjust, HEAD, WIDTHS)).rstrip()
    for each in comparisons:
        cells = "".join(map(str.rjust, each.cells(size), WIDTHS))
        yield f"  {each.figure.titled(size):68}{cells}".rstrip()


def text(values: Sequence[float]) -> str:
    """Return the median, and half of how far the values lie apart as a part of it."""
    if not values:
        return "-"
    middle = median(values)
    said = f"{middle:,.0f}" if middle >= 1000 else f"{middle:.3g}"
    if len(values) > 1 and middle:
        said += f" ±{(max(values) - min(values)) / 2 / middle:.0%}"
    return said


def _values(figure: Figure, runs: Sequence[Run]) -> list[float]:
    return [run[figure] for run in runs if figure in run]


def _noise(values: Sequence[float]) -> float:
    """
    Return how many times the largest is the smallest; 1 for a single one.

    Of three runs or four that is at least twice the error of the ratio of two medians. Two runs are
    likely to lie nearer to each other than more would, so that their distance counts twice.
    """
    if len(values) < 2 or min(values) <= 0:
        return 1.0
    distance: float = max(values) / min(values)
    return distance**2 if len(values) == 2 else distance


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}x" if ratio >= 1000 else f"{ratio:.3g}x"
