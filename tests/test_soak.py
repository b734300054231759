"""What is made of the samples of a soak, and how the bytes in logs are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from bench.calling import GivenUp
from bench.churn import Logs
from bench.hardship import figures
from bench.soak import rows, rst
from bench.steadiness import Sample, Trend, fitted

MIB = 1 << 20


def trend(memories: Sequence[int], limit: float = 64.0) -> Trend:
    """Return samples with so much memory, taken after each hundred things done."""
    return Trend(
        [
            Sample(100 * number, float(number), memory, 20, 4, number / 10)
            for number, memory in enumerate(memories)
        ],
        limit,
    )


class SlopeTests(SynchronousTestCase):
    @given(st.floats(-1e6, 1e6), st.floats(-1e9, 1e9), st.integers(3, 30))
    def test_line(self, slope: float, level: float, count: int) -> None:
        """The slope of a line is its own, and there is no doubt about it."""
        found = fitted([(x, level + slope * x) for x in range(count)])
        for value in found:
            self.assertLess(abs(value - slope), 1e-6 * (1 + abs(slope) + abs(level)))

    def test_spikes(self) -> None:
        """A few points far above the line hardly move it."""
        points = [(float(x), 2.0 * x) for x in range(40)]
        for number in (3, 17, 30):
            points[number] = (points[number][0], 1e6)
        found = fitted(points)
        self.assertEqual(found.value, 2)
        self.assertLess(found.most - found.least, 0.1)

    def test_doubt(self) -> None:
        """What goes up and down may mean a line that does either."""
        found = fitted([(float(x), float(x * 7 % 10)) for x in range(20)])
        self.assertLess(found.least, 0)
        self.assertGreater(found.most, 0)

    def test_too_little(self) -> None:
        """Two points, or two in one place, tell nothing."""
        for points in ([(0.0, 0.0), (1.0, 1.0)], [(0.0, 0.0), (1.0, 1.0), (1.0, 2.0)]):
            self.assertRaises(ValueError, fitted, points)


class VerdictTests(SynchronousTestCase):
    def test_flat(self) -> None:
        """What grew only in the first half is flat."""
        first = [30 * MIB + number * MIB for number in range(20)]
        self.assertEqual(trend(first + 20 * [first[-1]]).verdict, "flat")

    def test_grows(self) -> None:
        """What grows by more than the limit grows, however little that is in one step."""
        self.assertEqual(trend([40 * MIB + 6500 * number for number in range(40)]).verdict, "grows")
        self.assertEqual(trend([40 * MIB + 6300 * number for number in range(40)]).verdict, "flat")

    def test_unsteady(self) -> None:
        """Where the samples allow both, neither is said."""
        memories = [40 * MIB + number * 7 % 10 * MIB for number in range(40)]
        self.assertEqual(trend(memories).verdict, "too unsteady to tell")

    def test_descriptors(self) -> None:
        """A descriptor more at the end than half way is one too many, and so is a thread."""
        steady = trend(20 * [MIB])
        for name, text in (("descriptors", "20 to 21"), ("threads", "4 to 5")):
            last = replace(steady.samples[-1], **{name: getattr(steady.samples[-1], name) + 1})
            found = Trend([*steady.samples[:-1], last], 64.0)
            self.assertEqual(found.verdict, f"{name} grow from {text}")

    def test_plain(self) -> None:
        """What is written can be read."""
        self.assertEqual(Trend.of(trend([1, 2, 3, 4, 5]).plain()), trend([1, 2, 3, 4, 5]))


class ShownTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.found: dict[str, dict[str, Any]] = {
            "trends": {"cycles": trend(11 * [2 * MIB]).plain()},
            "counts": {"cycles": 1000, "calls": 12345},
        }

    def test_rows(self) -> None:
        """Each row has a name of its own, and what was done stands first."""
        self.found["trends"]["lines"] = self.found["trends"]["cycles"]
        names = [name for name, _ in rows(self.found)]
        self.assertEqual(len(set(names)), len(names))
        self.assertEqual(names[0], "cycles")
        texts = dict(rows(self.found))
        self.assertEqual(texts["cycles"], "1,000 in 10 s")
        self.assertEqual(
            texts["cycles: growth over the second half, each cycle"], "0 bytes (0 to 0)"
        )
        self.assertEqual(texts["cycles: CPU of the daemon, each cycle"], "1.00 ms")
        self.assertEqual(texts["cycles: verdict"], "flat")
        self.assertEqual(texts["calls"], "12,345")

    def test_table(self) -> None:
        """The table has a column for each contestant, also where one has counted less."""
        less = {**self.found, "counts": {}}
        both = {"about": {"date": "today"}, "contestants": {"ours": self.found, "theirs": less}}
        lines = list(rst(both))
        self.assertEqual(lines[0], "date today.")
        self.assertEqual(lines[5:8], ["   * -", "     - ours", "     - theirs"])
        self.assertEqual(lines[-3:], ["   * - calls", "     - 12,345", "     - \\-"])


class LogsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.logs = Logs(self.folder)

    def test_counted(self) -> None:
        """Bytes count wherever they are: in the log, its backups, and where it was moved."""
        self.logs.told["a"] = 6
        (self.folder / "a.log").write_bytes(b"x")
        self.logs.move("a", 1)
        self.assertFalse(self.logs.have_all())
        (self.folder / "a.log.1").write_bytes(b"xx")
        (self.folder / "a.log").write_bytes(b"xxx")
        self.assertTrue(self.logs.have_all())
        self.logs.tidy()
        self.assertEqual([path.name for path in self.folder.iterdir()], ["a.log"])
        self.assertTrue(self.logs.have_all())
        self.assertEqual(self.logs.finished, 2)

    def test_too_much(self) -> None:
        """A byte that was not written is found out."""
        self.logs.told["a"] = 1
        (self.folder / "a.log").write_bytes(b"xx")
        self.assertRaises(GivenUp, self.logs.have_all)


class HardshipTests(SynchronousTestCase):
    def test_targets(self) -> None:
        """Only what nearly all calls take has a target."""
        aimed = [kind for (_, kind), figure in figures("x").items() if figure.target is not None]
        self.assertEqual(aimed, 2 * ["99th percentile"])
