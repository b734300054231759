"""
Whether something stays as it is: samples, the line that fits them best, and a verdict.

Looked at is the second half only. In the first one a daemon fills what it keeps by design, as much
as there is room for: histories, the latest events, caches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil, floor, sqrt
from statistics import median
from typing import Any, NamedTuple

#: Standard deviations to each side that make 95 %.
CONFIDENT = 1.96


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen of a daemon from outside, each time in the same situation."""

    #: cycles, or lines, that were done by then
    done: int
    #: seconds since the first sample
    seconds: float
    #: bytes that would be free if it ended (USS)
    memory: int
    descriptors: int
    threads: int
    #: seconds of CPU that it has used since it was started
    cpu: float


class Slope(NamedTuple):
    """How steep a line is, and between what that lies with a confidence of 95 %."""

    value: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Trend:
    """A number of samples, and how many bytes for each thing done are still called flat."""

    samples: Sequence[Sample]
    limit: float

    @property
    def half(self) -> Sequence[Sample]:
        """The samples of the second half."""
        middle = self.samples[-1].done / 2
        return [sample for sample in self.samples if sample.done >= middle]

    @property
    def slope(self) -> Slope:
        """Bytes that the memory grew by for each thing done, over the second half."""
        return fitted([(sample.done, sample.memory) for sample in self.half])

    @property
    def verdict(self) -> str:
        """
        Tell whether it is flat.

        So it is called where even the steepest line that may be meant rises by less than the
        limit, and where at the end there are no more descriptors and threads than in the middle.
        """
        for name in ("descriptors", "threads"):
            counts = [getattr(sample, name) for sample in self.half]
            if counts[-1] > counts[0]:
                return f"{name} grow from {counts[0]} to {counts[-1]}"
        if self.slope.most < self.limit:
            return "flat"
        return "grows" if self.slope.least > self.limit else "too unsteady to tell"

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "limit": self.limit,
            "slope": self.slope._asdict(),
            "verdict": self.verdict,
            "samples": [asdict(sample) for sample in self.samples],
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Trend:
        """Read what :meth:`plain` has written."""
        return cls([Sample(**each) for each in plain["samples"]], plain["limit"])


def fitted(points: Sequence[tuple[float, float]]) -> Slope:
    """
    Return the slope of the line through points, in order: the median of those of all pairs.

    A point that lies far above all others, because a buffer was in use just then, hardly moves it
    (Theil and Sen; the interval is that of Kendall's test). Raises ValueError where there are fewer
    than three, or two in one place.
    """
    count = len(points)
    if count < 3:
        raise ValueError("a line and how sure that is take three samples")
    if len({x for x, _ in points}) < count:
        raise ValueError("nothing was done between two samples")
    slopes = sorted(
        (later[1] - sooner[1]) / (later[0] - sooner[0])
        for number, later in enumerate(points)
        for sooner in points[:number]
    )
    half_width = CONFIDENT * sqrt(count * (count - 1) * (2 * count + 5) / 18) / 2
    middle = (len(slopes) - 1) / 2
    least = max(0, floor(middle - half_width))
    most = min(len(slopes) - 1, ceil(middle + half_width))
    return Slope(median(slopes), slopes[least], slopes[most])
