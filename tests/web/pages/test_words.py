"""Times, sizes, endings and graphs as people read them."""

from __future__ import annotations

import math
import signal

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.states import ProcessState
from supervisor_tx.supervision import ending
from supervisor_tx.supervision.info import ProcessInfo
from supervisor_tx.values import replace
from supervisor_tx.web.pages import spark, words
from supervisor_tx.web.pages.stencil import Stencil, flat, h, hole

ENDED = ProcessInfo(
    name="web",
    group="web",
    state=ProcessState.EXITED,
    pid=0,
    start=1,
    stop=2,
    spawnerr="",
    exitstatus=0,
    stdout_logfile="",
    stderr_logfile="",
    description="",
    exit_code=-1,
    exit_signal=0,
    exit_expected=False,
    exit_cause=ending.NEVER,
    exit_by="",
    tries=0,
    next_try=0,
)


def plain(told: str) -> str:
    """The words, with ordinary blanks."""
    return told.replace("\N{NARROW NO-BREAK SPACE}", " ")


class NumberTests(SynchronousTestCase):
    def test_spans(self) -> None:
        """A span has the two units that matter, and is never negative."""
        for seconds, told in (
            (-5, "0 s"),
            (59.9, "59 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (3600, "1 h 0 min"),
            (86399, "23 h 59 min"),
            (86400, "1 d 0 h"),
            (90 * 86400 + 7200, "90 d 2 h"),
        ):
            self.assertEqual(plain(words.span(seconds)), told)

    def test_sizes(self) -> None:
        """A size has three or four digits and the unit that suits it."""
        for number, told in (
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (102_400, "100 KiB"),
            (1_023_000, "999 KiB"),
            (1_048_576, "1.0 MiB"),
            (5 << 40, "5.0 TiB"),
            (5000 << 40, "5000 TiB"),
        ):
            self.assertEqual(plain(words.size(number)), told)

    def test_percent(self) -> None:
        """A share of a processor has a decimal where that says something."""
        told = [plain(words.percent(value)) for value in (0, 0.04, 12.34, 99.96, 400)]
        self.assertEqual(told, ["0.0 %", "0.0 %", "12.3 %", "100 %", "400 %"])

    def test_signals(self) -> None:
        """A signal goes by its name, if it has one."""
        self.assertEqual(words.signal_name(signal.SIGKILL), "KILL")
        self.assertEqual(words.signal_name(250), "250")


class EndingTests(SynchronousTestCase):
    def test_ended(self) -> None:
        """How a run ended is told in a few words."""
        for cause, changes, told in (
            (ending.NEVER, {}, ""),
            (ending.EXIT, {"exit_code": 3}, "exit 3"),
            (ending.SIGNAL, {"exit_signal": 11}, "signal SEGV"),
            (ending.SPAWN_ERROR, {}, "could not be executed"),
            (ending.UNKNOWN, {}, "nobody knows how"),
            (ending.STOPPED, {"exit_code": 0, "exit_by": "ann"}, "stopped by ann, exit 0"),
            (ending.STOPPED, {"exit_signal": 15}, "stopped, signal TERM"),
            (ending.SHUTDOWN, {"exit_code": 0}, "stopped with the daemon, exit 0"),
        ):
            info = replace(ENDED, exit_cause=cause, **changes)
            self.assertEqual(words.ended(info), told)

    def test_reasons(self) -> None:
        """What is wrong is said by what is known, not by the general words for it."""
        quick = replace(
            ENDED,
            exit_cause=ending.EXIT,
            exit_code=3,
            spawnerr="Exited too quickly (process log may have details)",
        )
        self.assertEqual(plain(words.reason(quick, 5)), "exit 3 within 5 s of its start")
        missing = replace(ENDED, exit_cause=ending.SPAWN_ERROR, spawnerr="can't find command 'x'")
        self.assertEqual(words.reason(missing, 5), "can't find command 'x'")
        unknown = replace(ENDED, spawnerr="unknown problem")
        self.assertEqual(words.reason(unknown, 5), "unknown problem")

    def test_tries(self) -> None:
        """The tries that may fail are one more than there are retries."""
        told = [words.tries(number, 3) for number in (0, 2, 4, 5)]
        self.assertEqual(
            told, ["", "2 of 4 tries failed", "4 of 4 tries failed", "4 of 4 tries failed"]
        )


class GraphTests(SynchronousTestCase):
    def test_place(self) -> None:
        """The latest value is at the right edge; what reaches the top is told."""
        self.assertEqual(spark.points([0.0, 10.0, 5.0]), ("58,15 59,1 60,8", 10.0))
        self.assertEqual(spark.points([200.0, math.nan]), ("59,1 60,15", 200.0))
        self.assertEqual(spark.points([]), ("", 10.0))

    def test_level(self) -> None:
        """A level line has no points but those at its ends."""
        self.assertEqual(spark.points([0.0] * 60)[0], "1,15 60,15")
        self.assertEqual(spark.points([math.nan, *([0.0] * 70)])[0], "0,15 60,15")
        self.assertEqual(spark.points([0.0])[0], "60,15")
        self.assertEqual(spark.points([0, 0, 0, 10, 0, 0, 0])[0], "54,15 56,15 57,1 58,15 60,15")

    @given(st.lists(st.just(math.nan) | st.floats(0, 6400), max_size=100))
    def test_box(self, values: list[float]) -> None:
        """All points are in the box, from the left to the right."""
        points = [point.split(",") for point in spark.points(values)[0].split()]
        across = [int(x) for x, _ in points]
        self.assertEqual(across, sorted(set(across)))
        self.assertTrue(all(0 <= x <= spark.WIDTH for x in across))
        self.assertTrue(all(1 <= float(y) <= spark.HEIGHT - 1 for _, y in points))


class StencilTests(SynchronousTestCase):
    def test_fill(self) -> None:
        """What goes into a hole is escaped, as text and in attributes, and is not looked into."""
        stencil = Stencil(h.p(hole("said"), title=hole("said"), class_="x"))
        hostile = '"><script>&' + hole("said")
        told = "&quot;&gt;&lt;script&gt;&amp;" + hole("said")
        self.assertEqual(stencil.fill({"said": hostile}), f'<p title="{told}" class="x">{told}</p>')

    def test_missing(self) -> None:
        """A value that is forgotten is a mistake."""
        self.assertRaises(KeyError, Stencil(h.p(hole("said"))).fill, {})

    def test_end(self) -> None:
        """The end of a template may be left out, for what comes between."""
        self.assertEqual(Stencil(h.tbody(h.tr()), end="</tbody>").fill({}), "<tbody><tr></tr>")

    def test_defect(self) -> None:
        """What cannot be made into text at once is no template."""
        self.assertRaises(ValueError, flat, h.p(Deferred()))
