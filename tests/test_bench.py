"""What the measurements make of their figures; measuring itself is for people to start."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from bench.results import Comparison, Figure, compared, shown
from bench.table import rst

TIME = Figure("time", "ms")
RATE = Figure("rate", "1/s", less=False)


class ComparisonTests(SynchronousTestCase):
    def test_less_is_better(self) -> None:
        """Half of the time is twice as good."""
        self.assertEqual(Comparison(TIME, [9, 10, 11], [5, 5, 5]).verdict, "2x")

    def test_more_is_better(self) -> None:
        """Half of the rate is half as good."""
        self.assertEqual(Comparison(RATE, [10], [5]).verdict, "0.5x")

    def test_draw(self) -> None:
        """Where one differs as much from itself, nothing is said."""
        self.assertEqual(Comparison(TIME, [8, 10, 12], [9, 9, 9]).verdict, "draw (1.11x)")

    def test_nothing(self) -> None:
        """What costs nothing is without end better than something, and equal to nothing."""
        self.assertEqual(Comparison(TIME, [1], [0]).verdict, "inf")
        self.assertEqual(Comparison(TIME, [0], [0]).verdict, "draw (1.00x)")

    def test_shown(self) -> None:
        """Medians are shown, with half of the distance of the rounds."""
        runs = {"a": [{TIME: 8.0}, {TIME: 10.0}, {TIME: 12.0}], "b": [{TIME: 2000.0}]}
        _, line = shown(runs, compared(runs))
        self.assertEqual(line.split(), ["time,", "ms", "10", "±20%", "2,000", "0.005x"])


class TableTests(SynchronousTestCase):
    def test_rows(self) -> None:
        """Each figure that was written is a row."""
        figures = [Comparison(RATE, [2.0], [6.0]).plain()]
        results = {"about": {"date": "today"}, "workloads": {"calls": figures}}
        lines = list(rst(results))
        self.assertEqual(lines[0], "date today.")
        row = ["   * - rate, 1/s", "     - 2", "     - 6", "     - 3x"]
        self.assertEqual(lines[-4:], row)
