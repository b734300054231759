"""What is told of the CPU and memory of programs and of the machine, and how it has been lately."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator

from supervisor_tx.values import frozen

#: Samples that a history has at most.
SAMPLES = 60


class History:
    """
    The last samples of one program, the oldest first.

    At most :data:`SAMPLES` of them, of twelve bytes each. A sample is the CPU in percent of one
    core, None where that was not known, and the memory in bytes; None and 0 where nothing ran.
    """

    __slots__ = ("_cpu", "_first", "_rss")

    def __init__(self) -> None:
        self._cpu = array("f")
        self._rss = array("Q")
        #: the place of the oldest
        self._first = 0

    def add(self, cpu: float | None, rss: int) -> None:
        """Take in a sample, in place of the oldest where there are enough."""
        percent = math.nan if cpu is None else cpu
        if len(self._cpu) < SAMPLES:
            self._cpu.append(percent)
            self._rss.append(rss)
        else:
            self._cpu[self._first] = percent
            self._rss[self._first] = rss
            self._first = (self._first + 1) % SAMPLES

    @property
    def is_blank(self) -> bool:
        """Whether nothing ran in any of the samples."""
        return not any(self._rss) and all(map(math.isnan, self._cpu))

    @property
    def cpu(self) -> array[float]:
        """The CPU of all samples, the oldest first; NaN where it was not known."""
        return self._cpu[self._first :] + self._cpu[: self._first]

    def __len__(self) -> int:
        return len(self._cpu)

    def __iter__(self) -> Iterator[tuple[float | None, int]]:
        for number in range(len(self._cpu)):
            place = (self._first + number) % SAMPLES
            cpu = self._cpu[place]
            yield None if math.isnan(cpu) else round(cpu, 1), self._rss[place]


@frozen
class Figure:
    """
    What a program's processes use together.

    The CPU is in percent of one core, so that four busy processes are 400; None: it was looked at
    once only. The memory is the sum of what each has in RAM; shared pages count for each.
    """

    cpu_percent: float | None
    rss_bytes: int
    #: how many there are
    processes: int
    history: History

    def looks_like(self, other: Figure) -> bool:
        """Tell whether all numbers are the same."""
        return (
            self.cpu_percent == other.cpu_percent
            and self.rss_bytes == other.rss_bytes
            and self.processes == other.processes
        )


@frozen
class Host:
    """The machine. None, where the system does not tell."""

    #: processors that there are for us
    cpus: int
    #: of the last minute, five minutes, quarter of an hour
    load: tuple[float, float, float] | None
    #: in bytes; available is what can be had without swapping
    memory_total: int | None
    memory_available: int | None


def percent(used: float | None, seconds: float) -> float | None:
    """Return how much of one core some seconds of CPU are; one decimal is all that can be told."""
    if used is None or seconds <= 0:
        return None
    return round(100 * used / seconds, 1)
