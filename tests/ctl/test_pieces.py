from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.ctl import events, modes, plan, render, watch, why
from supervisor_tx.ctl.completion import processes
from supervisor_tx.ctl.options import Modes
from supervisor_tx.ctl.selection import expanded


def info(name: str, group: str | None = None, **more: Any) -> dict[str, Any]:
    """A struct as daemons send it."""
    return {
        "name": name,
        "group": group or name,
        "state": 20,
        "statename": "RUNNING",
        "description": "pid 1, uptime 0:00:01",
        "pid": 1,
        "start": 100,
        "stop": 0,
        "now": 160,
        "spawnerr": "",
        "exitstatus": 0,
        "stdout_logfile": "/out",
        "stderr_logfile": "",
        **more,
    }


ENDED: Mapping[str, Any] = {
    "state": 100, "statename": "EXITED", "pid": 0, "stop": 150, "exit_cause": "exit",
    "exit_code": 3, "exit_signal": 0, "exit_expected": False, "exit_by": "", "tries": 0,
    "next_try": 0,
}  # fmt: skip

FEW = [info("cat"), info("w_0", "w"), info("w_1", "w"), info("w_10", "w"), info("w*", "odd")]


class SelectionTests(SynchronousTestCase):
    def expand(self, *words: str) -> list[str]:
        return expanded(words, lambda: FEW)

    def test_patterns(self) -> None:
        """A pattern means what it matches: names, or groups and names where it has a colon."""
        self.assertEqual(self.expand("w_?"), ["w:w_0", "w:w_1"])
        self.assertEqual(self.expand("w:w_1*"), ["w:w_1", "w:w_10"])
        self.assertEqual(self.expand("c[aeiou]t"), ["cat"])
        self.assertEqual(self.expand("?:*"), ["w:w_0", "w:w_1", "w:w_10"])

    def test_names_first(self) -> None:
        """A word that is a name is no pattern, and neither is a whole group."""
        self.assertEqual(self.expand("odd:w*", "w:*", "cat"), ["odd:w*", "w:*", "cat"])

    def test_nothing_matches(self) -> None:
        """A pattern without a match stays as it is, to be told as an error."""
        self.assertEqual(self.expand("x?", "cat"), ["x?", "cat"])

    def test_no_questions(self) -> None:
        """Without a pattern nobody is asked for processes."""

        def fail() -> list[dict[str, Any]]:
            raise AssertionError

        self.assertEqual(expanded(["cat", "w:*", "w:"], fail), ["cat", "w:*", "w:"])


class ModeTests(SynchronousTestCase):
    def taken(self, command: str, argument: str) -> tuple[bool, bool, float | None, str]:
        found, rest = modes.extract(command, argument, Modes())
        return found.json, found.wait, found.timeout, rest

    def test_words(self) -> None:
        """Words that say how may stand anywhere among the arguments."""
        self.assertEqual(self.taken("start", "a --no-wait b"), (False, False, None, "a b"))
        self.assertEqual(self.taken("stop", "--timeout 2.5 a"), (False, True, 2.5, "a"))
        self.assertEqual(self.taken("restart", "--timeout=2 a --json"), (True, True, 2.0, "a"))
        self.assertEqual(self.taken("start", "--no-wait --wait a"), (False, True, None, "a"))

    def test_other_words(self) -> None:
        """A word that is no mode of the command is left to it."""
        self.assertEqual(self.taken("status", "--wait --x"), (False, True, None, "--wait --x"))
        self.assertEqual(self.taken("help", "--json"), (False, True, None, "--json"))

    def test_mistakes(self) -> None:
        """A time that is none is refused."""
        for argument in (
            "a --timeout",
            "--timeout x a",
            "--timeout=-1",
            "--timeout=inf",
            "--json=1",
        ):
            self.assertRaises(ValueError, modes.extract, "start", argument, Modes())


class RenderTests(SynchronousTestCase):
    def test_widths(self) -> None:
        """Columns are as wide as the longest name needs; colours do not move them."""
        infos = [info("a" * 40), info("b", state=0, statename="STOPPED", description="")]
        plain = list(render.statuses(infos))
        self.assertEqual(plain[1], f"{'b':<43}{'STOPPED':<10}")
        colored = list(render.statuses(infos, color=True))
        self.assertIn("\x1b[32mRUNNING\x1b[0m   pid 1", colored[0])
        self.assertEqual([line.replace("\x1b[32m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")
                          for line in colored], plain)  # fmt: skip

    def test_unknown_results(self) -> None:
        """A result that nobody foresaw is told in the daemon's words."""
        result = {"name": "a", "group": "a", "status": 77, "description": "ODD: a"}
        line, record = render.outcome("start", result, "started")
        self.assertEqual(line, "a: ERROR (ODD: a)")
        self.assertFalse(record["ok"])


class CompletionTests(SynchronousTestCase):
    def test_names(self) -> None:
        """Names become whole; of a group there are all, and each once a colon was typed."""
        self.assertEqual(processes(FEW, "c"), ["cat "])
        self.assertEqual(processes(FEW, "cat:"), ["cat:* ", "cat:cat "])
        self.assertEqual(processes(FEW, "w:w_1"), ["w:w_1 ", "w:w_10 "])
        self.assertEqual(processes(FEW, "w"), ["w:* ", "w:w_0 ", "w:w_1 ", "w:w_10 "])


class WhyTests(SynchronousTestCase):
    def told(self, **more: Any) -> str:
        return "\n".join(why.lines(info("a", **{**ENDED, **more}), "", ""))

    def test_how_it_ended(self) -> None:
        """Each way to end has its words."""
        for members, words in (
            ({}, "by itself, with exit code 3, which was not expected"),
            ({"exit_code": 0, "exit_expected": True}, "with exit code 0, which was expected"),
            ({"exit_cause": "signal", "exit_code": -1, "exit_signal": 11}, "by signal SIGSEGV"),
            ({"exit_cause": "signal", "exit_code": -1, "exit_signal": 99}, "by signal 99"),
            ({"exit_cause": "spawn-error", "exit_code": -1}, "could not be executed"),
            ({"exit_cause": "unknown", "exit_code": -1}, "something else has taken"),
            ({"exit_cause": "stopped", "exit_by": "unix uid 0", "exit_signal": 15, "exit_code": -1},
             "it was stopped by unix uid 0, and ended by signal SIGTERM"),
            ({"exit_cause": "shutdown", "exit_signal": 9, "exit_code": -1},
             "the daemon was going down, and it ended by signal SIGKILL"),
        ):  # fmt: skip
            self.assertIn(words, self.told(**members))

    def test_what_comes_next(self) -> None:
        """A failed start says how often it failed, and when it is tried again."""
        text = self.told(state=30, statename="BACKOFF", tries=2, next_try=163, spawnerr="no such")
        self.assertIn("2 failed in a row", text)
        self.assertIn("in 3 seconds", text)
        self.assertIn("no such", text)
        self.assertIn("start it with: start a", self.told())

    def test_supervisors_own(self) -> None:
        """Where the daemon does not send it all, that is said."""
        text = "\n".join(
            why.lines(info("a", state=100, statename="EXITED", pid=0, stop=150), "", "")
        )
        self.assertIn("with exit code 0", text)
        self.assertIn("known only where the daemon is supervisor_tx", text)

    def test_last_words(self) -> None:
        """The end of stderr is shown, or of stdout where stderr has none."""

        class Logs:
            def readProcessStderrLog(self, *_: object) -> str:
                return " \n"

            def readProcessStdoutLog(self, *_: object) -> str:
                return "\n".join(str(number) for number in range(5000))

        channel, text = why.last_words(Logs(), "a", info("a", stderr_logfile="/err"))
        self.assertEqual(
            (channel, text.split("\n")), ("stdout", [str(n) for n in range(4990, 5000)])
        )
        self.assertEqual(why.last_words(None, "a", info("a", stdout_logfile="")), ("", ""))

    def test_words_of_others(self) -> None:
        """What stands where all print to may be anybody's."""
        paths = {"stdout_logfile": "/dev/stdout", "stderr_logfile": "/proc/self/fd/2"}
        self.assertEqual(why.last_words(None, "a", info("a", **paths)), ("", ""))


class PlanTests(SynchronousTestCase):
    STEP: Mapping[str, Any] = {
        "action": "restart",
        "group": "w",
        "process": "w_0",
        "problem": "",
        "reasons": [{"process": "w_0", "option": "command", "old": "a", "new": "b"}],
    }

    def test_steps(self) -> None:
        """A step says what, and why; done, what was done, or what kept it from being done."""
        self.assertEqual(
            plan.planned(self.STEP), ["w:w_0: will be restarted", "    command: a -> b"]
        )
        self.assertEqual(plan.done(self.STEP), "w:w_0: restarted")
        self.assertEqual(plan.done({**self.STEP, "problem": "no"}), "w:w_0: ERROR (no)")

    def test_unknown_steps(self) -> None:
        """A kind of step that a later daemon has is told in its own word."""
        step = {**self.STEP, "action": "polish", "group": "", "process": "", "reasons": []}
        self.assertEqual(plan.planned(step), ["supervisord: polish"])
        self.assertEqual(plan.done(step), "supervisord: polish")


class EventsTests(SynchronousTestCase):
    POOL: Mapping[str, Any] = {
        "name": "mail", "events": ["TICK_5", "EVENT"], "waiting": 2, "waiting_bytes": 1536,
        "buffer_size": 0, "buffer_bytes": 1 << 25, "accepted": 9, "processed": 6, "returned": 0,
        "discarded": 0,
        "listeners": [
            {"name": "a", "pid": 12, "statename": "RUNNING", "listener_state": "BUSY", "serial": 0,
             "handed": 7},
            {"name": "b", "pid": 0, "statename": "FATAL", "listener_state": "", "serial": -1,
             "handed": 0},
        ],
    }  # fmt: skip

    def test_tables(self) -> None:
        """Pools are told of in one table, their listeners in another."""
        few = {**self.POOL, "name": "p", "waiting_bytes": 0, "buffer_size": 10, "listeners": []}
        self.assertEqual(
            "\n".join(events.lines([self.POOL, few])),
            """\
POOL  WAITING  BYTES    ROOM    ACCEPTED  PROCESSED  RETURNED  DISCARDED  EVENTS
mail  2        1.5 KiB  32 MiB  9         6          0         0          TICK_5,EVENT
p     2        0        10      9         6          0         0          TICK_5,EVENT

LISTENER  STATE    DIALOGUE  IN HAND  HANDED  PID
mail:a    RUNNING  BUSY      0        7       12
mail:b    FATAL    -         -        0       -""",
        )

    def test_chosen(self) -> None:
        """Pools are chosen by name, and told in the daemon's order; strange names are told."""
        pools = [{**self.POOL, "name": name} for name in "cab"]
        self.assertEqual(events.chosen(pools, []), (pools, []))
        self.assertEqual(events.chosen(pools, ["b", "x", "c"]), ([pools[0], pools[2]], ["x"]))


class WatchTests(SynchronousTestCase):
    def test_arguments(self) -> None:
        """The seconds between two looks may be given before names."""
        self.assertEqual(watch.arguments([]), (1.0, []))
        self.assertEqual(watch.arguments(["-n", "2", "a"]), (2.0, ["a"]))
        self.assertEqual(watch.arguments(["-n0.5"]), (0.5, []))
        for words in (["-n"], ["-n", "0"], ["-nx"], ["-n", "nan"], ["-n", "inf"]):
            self.assertRaises(ValueError, watch.arguments, words)
