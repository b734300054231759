"""Histories and percentages."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.figures import SAMPLES, History, percent


class HistoryTests(SynchronousTestCase):
    @given(
        st.lists(
            st.tuples(
                st.none() | st.integers(0, 10**6).map(lambda tenths: tenths / 10),
                st.integers(0, 2**50),
            ),
            max_size=3 * SAMPLES,
        )
    )
    def test_last(self, samples: list[tuple[float | None, int]]) -> None:
        """It has the last samples in their order, and not more than so many."""
        history = History()
        for cpu, rss in samples:
            history.add(cpu, rss)
        kept = list(history)
        self.assertEqual(len(history), len(kept))
        expected = samples[-SAMPLES:]
        self.assertEqual([rss for _, rss in kept], [rss for _, rss in expected])
        self.assertEqual(
            [None if math.isnan(cpu) else round(cpu, 1) for cpu in history.cpu],
            [cpu for cpu, _ in kept],
        )
        for (found, _), (cpu, _) in zip(kept, expected, strict=True):
            if cpu is None:
                self.assertIs(found, None)
            else:  # kept in four bytes
                assert found is not None
                self.assertAlmostEqual(found, cpu, delta=cpu * 1e-6 + 0.05)

    def test_blank(self) -> None:
        """It is blank when nothing ran in any sample."""
        history = History()
        history.add(0.0, 10)
        for _ in range(SAMPLES - 1):
            history.add(None, 0)
            self.assertFalse(history.is_blank)
        history.add(None, 0)
        self.assertTrue(history.is_blank)


class PercentTests(SynchronousTestCase):
    def test_table(self) -> None:
        """Seconds of CPU in so many seconds, in percent of one core, as far as they are known."""
        for used, seconds, expected in (
            (1.0, 2.0, 50.0),
            (8.0, 2.0, 400.0),
            (0.0, 2.0, 0.0),
            (0.01, 3.0, 0.3),
            (None, 2.0, None),
            (1.0, 0.0, None),
        ):
            self.assertEqual(percent(used, seconds), expected)
