"""Event listeners that misbehave, and events that are many or big: nobody else is hurt by them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.functional.harness import Daemon, FunctionalTestCase, until
from tests.functional.listener import ACCEPT, READY
from tests.functional.rpc import Client

CONTROL = """\
[unix_http_server]
file=%(here)s/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

SCRIPTS = Path(__file__).parent

#: What becomes of a listener in the eyes of the daemon, and how many events it was handed.
ENDS = {
    "garbage": ("UNKNOWN", 0),
    "binary": ("UNKNOWN", 0),
    "asks_twice": ("UNKNOWN", 0),
    "answers_first": ("UNKNOWN", 0),
    "silent": ("ACKNOWLEDGED", 0),
    "half_asks": ("ACKNOWLEDGED", 0),
    "half_answers": ("BUSY", 1),
    "no_answer": ("BUSY", 1),
    "gibberish": ("UNKNOWN", 1),
    "endless_line": ("UNKNOWN", 1),
    "endless_answer": ("UNKNOWN", 1),
    "too_much": ("UNKNOWN", 1),
    "floods": ("UNKNOWN", 0),
    "deaf": ("BUSY", 1),
    "closes_stdin": ("READY", 0),
    "closes_stdout": ("BUSY", 1),
    "closes_stdout_first": ("ACKNOWLEDGED", 0),
}

#: Those whose first event was accepted before they went wrong.
ACCEPTED = {"too_much"}

#: What was said of them that they should not have said, as the log shows it.
SAID = {
    "garbage": "ACKNOWLEDGED is b'hello?\\n'",
    "binary": "ACKNOWLEDGED is " + repr(bytes(range(128, 256))),
    "asks_twice": "READY is b'READY\\n'",
    "answers_first": "ACKNOWLEDGED is b'RESULT 2\\nOKREADY\\n'",
    "gibberish": "BUSY is b'gibberish'",
    "too_much": "ACKNOWLEDGED is b'RESULT 2\\nOK'",
}

EVENTS = [f"event {number} \u00e4\u00f6\u00fc" for number in range(20)]


def pool(name: str, how: str, *options: str, script: str = "unruly") -> str:
    """Return the section of a pool, which hears of what is sent from outside."""
    lines = (
        f"[eventlistener:{name}]",
        f"command={sys.executable} -S {SCRIPTS}/{script}.py {how} %(here)s",
        "events=REMOTE_COMMUNICATION",
        "startsecs=0",
        "stopwaitsecs=1",
        "stdout_logfile=NONE",
        *options,
    )
    return "".join(f"{line}\n" for line in lines)


def good(name: str, *options: str) -> str:
    """Return the section of a pool that does as it should."""
    return pool(name, "text", *options, script="listener")


class Stage:
    """The daemon, and what can be asked of it at any time."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.client = Client(daemon.directory / "s")

    def call(self, method: str, *params: Any) -> Any:
        """Call a method."""
        return self.client.call(method, *params)

    def send(self, data: Iterable[str], kind: str = "test") -> None:
        """Have events sent, in one request."""
        calls = [
            {"methodName": "supervisor.sendRemoteCommEvent", "params": [kind, each]}
            for each in data
        ]
        answers = self.call("system.multicall", calls)
        assert answers == [True] * len(calls), answers

    def stats(self) -> dict[str, dict[str, Any]]:
        """How the pools are, by their names."""
        return {pool["name"]: pool for pool in self.call("supervisor_tx.getEventStats")}

    def heard(self, name: str, folder: str = "") -> list[str]:
        """The data of all events that a listener has read so far, in order; the last may be cut."""
        file = self.daemon.directory / folder / f"{name}.heard"
        text = file.read_bytes().decode(errors="replace") if file.exists() else ""
        return re.findall(r"len:\d+\ntype:test\n(.*?)(?=ver:3\.0 |\Z)", text, re.DOTALL)

    def wait_for(self, expected: list[str], *names: str) -> None:
        """Wait until listeners have read these events, and no others."""
        for name in names:
            until(
                lambda name=name: self.heard(name) == expected,  # type: ignore[misc]
                lambda name=name: f"{name}: {self.heard(name)}; {self.daemon.tell()}",  # type: ignore[misc]
            )

    def wait_for_hand(self, name: str, serial: int) -> None:
        """Wait until a pool's only listener has an event in hand."""
        until(
            lambda: self.stats()[name]["listeners"][0]["serial"] == serial,
            lambda: f"{self.stats()}; {self.daemon.tell()}",
        )

    def wait_for_processed(self, name: str, count: int) -> None:
        """Wait until a pool's listeners have accepted so many events."""
        until(
            lambda: self.stats()[name]["processed"] == count,
            lambda: f"{self.stats()}; {self.daemon.tell()}",
        )

    def memory(self) -> int:
        """Return the most memory that the daemon ever had, in bytes."""
        status = Path(f"/proc/{self.daemon.process.pid}/status").read_text()
        match = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert match
        return int(match[1]) * 1024


class ListenersCase(FunctionalTestCase):
    """A test of what happens to listeners of our daemon."""

    def start(self, config: str) -> Stage:
        """Start the daemon."""
        stage = Stage(self.daemon(CONTROL + config))
        stage.daemon.wait_for("INFO spawned")
        return stage


class BadListenerTests(ListenersCase):
    """Listeners that do what they should not."""

    def test_unruly(self) -> None:
        """
        Others hear of everything at once, and so does the next run of those that misbehaved.

        The processes live on, as with Supervisor; what they did wrong is told once.
        """
        stage = self.start(
            "".join(pool(name, name) for name in ENDS)
            + good("good")
            + pool("mended", "garbage", "on_protocol_error=restart", "startsecs=1")
        )
        lost = [name for name, (state, _) in ENDS.items() if state == "UNKNOWN"]
        for name in lost:
            if ENDS[name][1] == 0:
                stage.daemon.wait_for(f"WARN {name}: has entered the UNKNOWN state")
        stage.send(EVENTS)
        stage.wait_for(EVENTS, "good", "mended")
        for name in lost:
            stage.daemon.wait_for(f"WARN {name}: has entered the UNKNOWN state")
        stage.daemon.wait_for("ERRO closes_stdin: has closed its standard input")
        until(
            lambda: all(
                stage.stats()[name]["listeners"][0]["listener_state"] == state
                for name, (state, _) in ENDS.items()
            ),
            lambda: f"{stage.stats()}",
        )
        stats = stage.stats()
        for name, (state, handed) in ENDS.items():
            with self.subTest(listener=name):
                process = stats[name]["listeners"][0]
                self.assertEqual((process["listener_state"], process["handed"]), (state, handed))
                self.assertEqual(process["statename"], "RUNNING")
                in_hand = int(process["serial"] >= 0)
                self.assertEqual(in_hand, int(state == "BUSY"))
                self.assertEqual(stats[name]["waiting"] + in_hand, len(EVENTS) - (name in ACCEPTED))
                self.assertEqual(stats[name]["discarded"], 0)
                for text in ("has entered the UNKNOWN state", "what it wrote"):
                    told = stage.daemon.lines(f"{name}: {text}")
                    self.assertEqual(len(told), int(state == "UNKNOWN"))
                if name in SAID:
                    self.assertIn(f"{name}: what it wrote to its", stage.daemon.log)
                    self.assertIn(f"while it was {SAID[name]}", stage.daemon.log)
        for name in ENDS:
            self.assertIs(stage.call("supervisor.signalProcess", name, "KILL"), True)
        stage.wait_for(EVENTS, *(name for name in ENDS if name not in ACCEPTED))
        stage.wait_for(EVENTS[1:], *ACCEPTED)
        self.assertEqual(stage.daemon.stop(), 0)

    def test_killed_at_each_byte(self) -> None:
        """An event is given to the next run until its answer was complete, and then to nobody."""
        dialogue = READY + ACCEPT + READY
        complete = len(READY + ACCEPT)
        names = {f"cut{size}": size for size in range(len(dialogue) + 1)}
        stage = self.start(
            "".join(pool(name, f"cut:{size}") for name, size in names.items())
            + pool("half", "reads_half")
            + good("good")
        )
        events = ["\u20ac" * 100_000, "second"]
        stage.send(events)
        stage.wait_for(events, "half", "good")
        stage.wait_for(events, *(name for name, size in names.items() if size < complete))
        stage.wait_for(events[1:], *(name for name, size in names.items() if size >= complete))
        until(
            lambda: all(pool["processed"] == 2 for pool in stage.stats().values()),
            lambda: f"{stage.stats()}",
        )
        for name, pool_stats in stage.stats().items():
            with self.subTest(pool=name):
                returned = name == "half" or len(READY) <= names.get(name, 0) < complete
                if name != f"cut{len(dialogue)}":  # may have been handed the second one
                    self.assertEqual(pool_stats["returned"], int(returned))
                self.assertEqual((pool_stats["waiting"], pool_stats["discarded"]), (0, 0))
        self.assertEqual(stage.daemon.stop(), 0)


class ManyEventsTests(ListenersCase):
    """Events that are more, or bigger, than somebody can take."""

    def test_burst(self) -> None:
        """
        Ten thousand events wait for a listener that is busy, and none is lost.

        A buffer_size keeps the latest, and the log tells of each that had to go.
        """
        stage = self.start(good("slow") + good("small", "buffer_size=50") + good("quick"))
        for name in ("slow", "small"):
            os.mkfifo(stage.daemon.directory / f"{name}.fifo")
            stage.send([f"hold {name}.fifo"], name)
        stage.wait_for_hand("slow", 0)
        stage.wait_for_hand("small", 1)
        events = [f"event {number}" for number in range(10_000)]
        for start in range(0, len(events), 1000):
            stage.send(events[start : start + 1000])
        stage.wait_for(events, "quick")
        stats = stage.stats()
        self.assertEqual(stats["slow"]["waiting"], len(events) + 1)
        self.assertEqual((stats["small"]["waiting"], stats["small"]["discarded"]), (50, 9950))
        for name in ("slow", "small"):
            stage.daemon.order("", f"{name}.fifo")
        stage.wait_for(events, "slow")
        stage.wait_for(events[-50:], "small")
        self.assertEqual(stage.stats()["slow"]["discarded"], 0)
        gone = stage.daemon.lines("ERRO pool small event buffer overflowed, discarding event (.*)")
        self.assertEqual([int(match[1]) for match in gone], list(range(2, 9952)))
        self.assertEqual(stage.daemon.stop(), 0)

    def test_big(self) -> None:
        """
        Events of ten megabytes reach who reads them, while somebody else never reads.

        What is kept for that one is bounded. When it is started anew it gets the event that it had
        not read, and after it the latest, whole.
        """
        stage = self.start(pool("deaf", "deaf") + good("good"))
        events = [f"{number} " + "\u00e4" * 5_000_000 for number in range(20)]
        before = stage.memory()
        stage.send(events[:1])
        stage.wait_for_hand("deaf", 0)
        for number, event in enumerate(events[1:], 2):
            stage.send([event])
            stage.wait_for_processed("good", number)
        stats = stage.stats()["deaf"]
        self.assertEqual((stats["waiting"], stats["discarded"]), (3, 16))
        self.assertLess(stats["waiting_bytes"], stats["buffer_bytes"])
        self.assertLess(stage.memory() - before, sum(len(event.encode()) for event in events))
        self.assertEqual(stage.heard("good"), events)
        self.assertEqual(len(stage.daemon.lines("ERRO pool deaf event buffer overflowed")), 1)
        self.assertIs(stage.call("supervisor.signalProcess", "deaf", "KILL"), True)
        stage.wait_for_processed("deaf", 3)
        self.assertEqual(stage.heard("deaf"), [events[0], *events[-2:]])
        self.assertEqual(stage.stats()["deaf"]["discarded"], 17)
        self.assertEqual(stage.daemon.stop(), 0)
