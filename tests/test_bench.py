"""What the measurements make of their figures; measuring itself is for people to start."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from bench.fitting import Growth, growth
from bench.growth import BOOT, FIGURES
from bench.growth import rst as rst_of_growth
from bench.results import MANY, Comparison, Figure, Target, compared, shown
from bench.sizes import FULL, QUICK
from bench.table import rst

TIME = Figure("time", "ms")
RATE = Figure("rate", "1/s", less=False)


def aimed(target: Target, theirs: list[float], ours: list[float]) -> Comparison:
    """Return a comparison of times that has a target."""
    return Comparison(replace(TIME, target=target), theirs, ours)


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

    def test_draw_of_two(self) -> None:
        """How far two rounds lie apart counts twice: more would lie further apart."""
        self.assertEqual(Comparison(TIME, [10, 11], [8]).verdict, "1.31x")
        self.assertEqual(Comparison(TIME, [10, 11], [9]).verdict, "draw (1.17x)")

    def test_nothing(self) -> None:
        """What costs nothing is without end better than something, and equal to nothing."""
        self.assertEqual(Comparison(TIME, [1], [0]).verdict, "inf")
        self.assertEqual(Comparison(TIME, [0], [0]).verdict, "draw (1.00x)")

    def test_alone(self) -> None:
        """What only one of the two has is not compared."""
        only = aimed(Target(ratio=2), [], [1.0])
        self.assertEqual((only.verdict, only.judged(FULL)), ("-", ""))


class TargetTests(SynchronousTestCase):
    def test_met(self) -> None:
        """A ratio that is reached, and a median that is not exceeded."""
        target = Target(ratio=2, most=5)
        self.assertEqual(aimed(target, [10.0], [5.0]).judged(FULL), "met")
        self.assertEqual(aimed(target, [20.0], [6.0]).judged(FULL), "missed")
        self.assertEqual(aimed(target, [8.0], [5.0]).judged(FULL), "missed")

    def test_within_noise(self) -> None:
        """A ratio that would have been reached in another round, or that is a draw."""
        almost = aimed(Target(ratio=2), [8.0, 9.0, 10.0], [5.0] * 3)
        self.assertEqual(almost.judged(FULL), "within noise")
        draw = aimed(Target(ratio=1.1), [8.0, 9.0, 10.0], [8.0] * 3)
        self.assertEqual(draw.judged(FULL), "within noise")
        as_good = aimed(Target(ratio=1), [8.0, 9.0, 10.0], [8.0] * 3)
        self.assertEqual(as_good.judged(FULL), "met")

    def test_none_at_all(self) -> None:
        """Nothing is reached by nothing only."""
        self.assertEqual(aimed(Target(most=0), [1.0], [0.0, 0.0, 0.1]).judged(FULL), "met")
        self.assertEqual(aimed(Target(most=0), [1.0], [0.1]).judged(FULL), "missed")

    def test_size(self) -> None:
        """What was set for a thousand programs is not judged by a hundred."""
        comparison = aimed(Target(ratio=2, at=MANY), [10.0], [1.0])
        self.assertEqual(comparison.judged(FULL), "met")
        self.assertEqual(comparison.judged(QUICK), "not at this size")

    def test_said(self) -> None:
        """A target is said as a bound of the ratio, and of ours."""
        self.assertEqual(str(Target(ratio=300, most=3)), "≥ 300x, ≤ 3")
        self.assertEqual(str(Target(most=0)), "none at all")


class ShownTests(SynchronousTestCase):
    def test_shown(self) -> None:
        """Medians are shown, with half of the distance of the rounds, noise and target."""
        figure = replace(TIME, target=Target(ratio=1))
        comparisons = compared([{figure: 8.0}, {figure: 10.0}, {figure: 12.0}], [{figure: 2000.0}])
        _, line = shown(comparisons, FULL)
        words = ["time,", "ms", "10", "±20%", "2,000", "0.005x", "1.50x", "≥", "1x", "missed"]
        self.assertEqual(line.split(), words)

    def test_title(self) -> None:
        """A figure says how many programs there were."""
        figure = Figure("{programs} of {crowd}", "ms")
        self.assertEqual(figure.titled(FULL), "1,000 of 5,000, ms")

    def test_table(self) -> None:
        """Each figure that was written is a row."""
        figure = replace(RATE, target=Target(ratio=2))
        figures = [Comparison(figure, [2.0], [6.0]).plain(FULL)]
        results = {"about": {"date": "today"}, "workloads": {"calls": figures}}
        lines = list(rst(results))
        self.assertEqual(lines[0], "date today.")
        row = ["   * - rate, 1/s", "     - 2", "     - 6", "     - 3x", "     - 1.00x"]
        self.assertEqual(lines[-6:], [*row, "     - ≥ 2x: met"])

    def test_dash(self) -> None:
        """What is not there is a dash in a table, too, not the beginning of a list."""
        figures = [Comparison(RATE, [], [6.0]).plain(FULL)]
        results = {"about": {"date": "today"}, "workloads": {"calls": figures}}
        self.assertEqual(list(rst(results))[-5], "     - \\-")


class GrowthTests(SynchronousTestCase):
    def test_exponent(self) -> None:
        """The square of a number grows with the exponent two, whatever it is multiplied by."""
        grown = growth({number: 3.0 * number**2 for number in (10, 100, 1000, 5000)})
        self.assertAlmostEqual(grown.overall or 0, 2)
        self.assertAlmostEqual(grown.at_last or 0, 2)
        self.assertEqual(grown.verdict, "more than linear")

    def test_constant_part(self) -> None:
        """What a constant part hides at small sizes is seen between the two largest."""
        grown = growth({number: 1e5 + 0.1 * number**2 for number in (10, 100, 1000, 5000)})
        self.assertLess(grown.overall or 0, 1.1)
        self.assertGreater(grown.at_last or 0, 1.1)
        self.assertEqual(grown.verdict, "more than linear")

    def test_proportional(self) -> None:
        """What each costs the same is linear."""
        self.assertEqual(growth({10: 20.0, 100: 200.0, 1000: 2000.0}).verdict, "linear")

    def test_nothing(self) -> None:
        """What costs nothing does not grow; of one cost that is not known."""
        self.assertEqual(growth({10: 0.0, 100: 0.0}), Growth(0.0, 0.0))
        self.assertEqual(growth({10: 0.0, 100: 0.1}).verdict, "unclear")

    def test_table(self) -> None:
        """A row has what was measured at each size, the exponents, and what they say."""
        of_it: dict[str, dict[int, list[float]]] = {figure.name: {} for figure in FIGURES}
        of_it[BOOT.name] = {10: [10.0], 100: [100.0]}
        values = {"ours": of_it}
        results = {"about": {"date": "today"}, "sizes": [10, 100], "values": values}
        lines = list(rst_of_growth(results))
        boot = lines.index(f"   * - {BOOT.name}, ms")
        cells = ["10", "100", "1.00", "1.00", "linear"]
        self.assertEqual(lines[boot + 1 : boot + 6], [f"     - {cell}" for cell in cells])
