"""Following events: what is heard of, in which order, and what was missed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.events import (
    Event,
    ProcessGroupEvent,
    ProcessLogEvent,
    ProcessStateEvent,
    RemoteCommunicationEvent,
    SupervisorStateEvent,
    TickEvent,
)
from supervisor_tx.core.states import ProcessState
from supervisor_tx.supervision.broadcast import (
    AT_ONCE,
    MOST_KEPT,
    MOST_LIVE,
    Broadcast,
    Cursor,
    Interest,
    Missed,
)
from supervisor_tx.supervision.bus import EventBus

PIECE = 1 << 16


class BroadcastTestCase(SynchronousTestCase):
    most_kept, most_live = MOST_KEPT, MOST_LIVE

    def setUp(self) -> None:
        self.clock = Clock()
        self.broadcast = Broadcast(
            self.clock,
            self.clock.seconds,
            "boot",
            most_kept=self.most_kept,
            most_live=self.most_live,
        )
        self.bus = EventBus()
        self.broadcast.attach(self.bus)
        self.calls = 0

    def called(self) -> None:
        self.calls += 1

    def follow(self, *types: str, processes: tuple[str, ...] = (), since: str = "") -> Cursor:
        return self.broadcast.follow(Interest.of(types, processes), self.called, since)

    def publish(self, event: Event) -> None:
        self.bus.publish(event.name, lambda: event)

    def say(self, *texts: str) -> None:
        for text in texts:
            self.publish(RemoteCommunicationEvent("t", text))

    def change(self, process: str, group: str = "g") -> None:
        self.publish(ProcessStateEvent(process, group, ProcessState.STARTING, ProcessState.RUNNING))

    def log(self, data: bytes, process: str = "p") -> None:
        self.publish(ProcessLogEvent(process, "g", 1, "stdout", data))

    def take(self, cursor: Cursor, size: int = PIECE) -> list[tuple[str, Any]]:
        """Return what is next: ids, and what identifies the events."""
        taken = []
        for known, line in cursor.take(size):
            told = json.loads(line)
            taken.append((known, told.get("data") or told.get("process") or told["type"]))
        return taken


class HearingTests(BroadcastTestCase):
    def test_nobody(self) -> None:
        """Before there was a follower no event is made for any."""
        for name in self.bus.types:
            self.assertFalse(self.bus.wants(name))

    def test_history(self) -> None:
        """A follower who names no types hears what makes up history, in order and with ids."""
        cursor = self.follow()
        self.publish(ProcessGroupEvent("g", added=True))
        self.publish(SupervisorStateEvent("RUNNING"))
        self.change("p")
        self.say("x")
        self.assertEqual(
            self.take(cursor),
            [
                ("boot-1", "PROCESS_GROUP_ADDED"),
                ("boot-2", "SUPERVISOR_STATE_CHANGE_RUNNING"),
                ("boot-3", "p"),
                ("boot-4", "x"),
            ],
        )
        self.assertEqual(self.take(cursor), [])

    def test_latest(self) -> None:
        """Who takes down the latest id, and follows later, hears of all that came after."""
        latest = self.broadcast.latest()
        self.say("a")
        self.assertEqual(self.take(self.follow(since=latest)), [("boot-1", "a")])
        self.assertEqual(self.broadcast.latest(), "boot-1")

    def test_called(self) -> None:
        """It is called later, once for all that happened."""
        self.follow()
        self.say("a", "b")
        self.assertEqual(self.calls, 0)
        self.clock.advance(0)
        self.clock.advance(0)
        self.assertEqual(self.calls, 1)
        self.say("c")
        self.clock.pump([0, 0])
        self.assertEqual(self.calls, 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_left(self) -> None:
        """Who has left is not called, but history goes on for when he comes back."""
        cursor = self.follow()
        self.say("a")
        self.broadcast.leave(cursor)
        self.broadcast.leave(cursor)
        self.say("b")
        self.clock.pump([0, 0])
        self.assertEqual(self.calls, 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.take(self.follow(since="boot-0")), [("boot-1", "a"), ("boot-2", "b")])

    def test_no_ticks(self) -> None:
        """History has no clock tick, but has the ticks of others."""
        self.follow()
        self.assertFalse(self.bus.wants("TICK_5"))
        self.bus.subscribe("TICK_5", lambda _: None)
        self.publish(TickEvent(5, 10))
        cursor = self.follow("TICK_5", since="boot-0")
        self.assertEqual(self.take(cursor), [("boot-1", "TICK_5")])

    def test_ticks_asked_for(self) -> None:
        """Who asks for ticks has the clock tick, once for each, until he leaves."""
        cursor = self.follow("TICK_5")
        self.assertTrue(self.bus.wants("TICK_5"))
        self.assertFalse(self.bus.wants("TICK_60"))
        self.publish(TickEvent(5, 10))
        self.assertEqual(self.take(cursor), [("boot-1", "TICK_5")])
        self.broadcast.leave(cursor)
        self.assertFalse(self.bus.wants("TICK_5"))

    def test_live(self) -> None:
        """Output is made and told only for those who ask, without ids, in order with the rest."""
        plain = self.follow()
        self.assertFalse(self.bus.wants("PROCESS_LOG_STDOUT"))
        cursor = self.follow("PROCESS_LOG", "REMOTE_COMMUNICATION")
        self.say("a")
        self.log(b"1")
        self.say("b")
        self.log(b"2")
        self.assertEqual(
            self.take(cursor), [("boot-1", "a"), ("", "1"), ("boot-2", "b"), ("", "2")]
        )
        self.assertEqual(self.take(plain), [("boot-1", "a"), ("boot-2", "b")])
        self.broadcast.leave(cursor)
        self.assertFalse(self.bus.wants("PROCESS_LOG_STDOUT"))

    def test_live_wakes_nobody_else(self) -> None:
        """Those who did not ask for output are not even called."""
        self.follow()
        other = self.broadcast.follow(Interest.of(["PROCESS_LOG"], ()), lambda: None)
        self.log(b"1")
        self.clock.pump([0, 0])
        self.assertEqual((self.calls, len(other.take(PIECE))), (0, 1))

    def test_overlapping(self) -> None:
        """However types overlap, within a follower and between them, an event is told once."""
        one = self.follow("PROCESS_LOG", "PROCESS_LOG_STDOUT", "EVENT")
        two = self.follow("PROCESS_LOG_STDOUT")
        self.log(b"1")
        self.say("a")
        self.publish(TickEvent(5, 10))
        self.assertEqual(self.take(one), [("", "1"), ("boot-1", "a"), ("boot-2", "TICK_5")])
        self.assertEqual(self.take(two), [("", "1")])
        self.broadcast.leave(one)
        self.log(b"2")
        self.assertEqual(self.take(two), [("", "2")])

    def test_plugins(self) -> None:
        """The types of plugins can be followed too."""
        self.bus.register("THEIRS", "EVENT")
        cursor = self.follow("THEIRS")
        self.publish(Theirs("x"))
        [(known, line)] = cursor.take(PIECE)
        self.assertEqual((known, json.loads(line)["payload"]), ("", "x"))

    def test_processes(self) -> None:
        """Who names processes hears of those only, of their groups, and of the daemon."""
        cursor = self.follow(processes=("g:p", "all:*", "self"))
        for process, group in (("p", "g"), ("q", "g"), ("x", "all"), ("self", "self"), ("p", "h")):
            self.change(process, group)
        self.publish(ProcessGroupEvent("g", added=True))
        self.publish(ProcessGroupEvent("h", added=True))
        self.say("a")
        found = [what for _, what in self.take(cursor)]
        self.assertEqual(found, ["p", "x", "self", "PROCESS_GROUP_ADDED", "a"])

    def test_restart(self) -> None:
        """Over a restart of the daemon ids go on, and so do the followers."""
        cursor = self.follow("REMOTE_COMMUNICATION", "PROCESS_LOG")
        self.say("a")
        self.bus = EventBus()
        self.broadcast.attach(self.bus)
        self.say("b")
        self.log(b"1")
        self.assertEqual(self.take(cursor), [("boot-1", "a"), ("boot-2", "b"), ("", "1")])
        self.assertEqual(cursor.missed(), None)

    def test_pieces(self) -> None:
        """Much is given out in pieces."""
        cursor = self.follow()
        self.say(*["x" * 100] * 50)
        first = cursor.take(1000)
        self.assertLess(len(first), 12)
        self.assertTrue(cursor.is_behind)
        self.assertEqual(len(cursor.take(1 << 20)), 50 - len(first))
        self.assertFalse(cursor.is_behind)

    def test_looking(self) -> None:
        """Much that is not wanted is looked at in pieces too."""
        cursor = self.follow("PROCESS_STATE")
        self.say(*["x"] * AT_ONCE)
        self.change("p")
        self.assertEqual(self.take(cursor), [])
        self.assertTrue(cursor.is_behind)
        self.assertEqual(self.take(cursor), [(f"boot-{AT_ONCE + 1}", "p")])


class MissedTests(BroadcastTestCase):
    most_kept, most_live = 3, 2

    def test_back_in_time(self) -> None:
        """Who comes back in time misses nothing."""
        cursor = self.follow()
        self.say("a")
        self.take(cursor)
        self.broadcast.leave(cursor)
        self.say("b", "c", "d")
        cursor = self.follow(since=cursor.id)
        self.assertIsNone(cursor.missed())
        self.assertEqual([what for _, what in self.take(cursor)], ["b", "c", "d"])

    def test_too_late(self) -> None:
        """Who comes too late is told how many events are gone, and then all that are left."""
        self.follow()
        self.say("a", "b", "c", "d", "e", "f")
        cursor = self.follow(since="boot-1")
        self.assertEqual(cursor.missed(), Missed(2, "boot-1"))
        self.assertEqual(cursor.id, "boot-3")
        self.assertIsNone(cursor.missed())
        self.assertEqual([what for _, what in self.take(cursor)], ["d", "e", "f"])

    def test_not_asked_for(self) -> None:
        """What is gone is not missed by those who did not ask for it."""
        self.follow()
        self.change("p")
        self.say("a", "b", "c", "d")
        self.assertIsNone(self.follow("PROCESS_STATE", since="boot-1").missed())
        self.assertIsNone(self.follow("TICK", since="boot-0").missed())
        self.assertEqual(self.follow("PROCESS_STATE", since="boot-0").missed(), Missed(2, "boot-0"))
        self.assertIsNone(self.follow("PROCESS_STATE", processes=("q",), since="boot-0").missed())

    def test_other_boot(self) -> None:
        """With an id that is none of ours nobody knows; then all that are left are told."""
        self.follow()
        self.say("a")
        for since in (
            "other-1", "boot-2", "boot", "boot-", "boot--1", "1", "boot-x", "boot-²", "boot-1 ",
            "boot-" + "9" * 5000,
        ):  # fmt: skip
            cursor = self.follow(since=since)
            self.assertEqual(cursor.missed(), Missed(None, ""), since)
            self.assertEqual(self.take(cursor), [("boot-1", "a")])

    def test_slow(self) -> None:
        """Who is too slow has missed something, once; nothing was kept for him."""
        cursor = self.follow()
        self.say("a", "b", "c")
        self.assertIsNone(cursor.missed())
        self.say("d")
        self.assertEqual(cursor.missed(), Missed(1, "boot-0"))
        self.assertIsNone(cursor.missed())
        self.assertEqual(len(self.take(cursor)), 3)

    def test_slow_live(self) -> None:
        """So it is with what is not kept at all."""
        cursor = self.follow("PROCESS_LOG", processes=("g:p",))
        self.log(b"1", "q")
        self.log(b"2")
        self.log(b"3")
        self.assertIsNone(cursor.missed())
        self.assertEqual([what for _, what in self.take(cursor, 1)], ["2"])
        for data in (b"4", b"5", b"6"):
            self.log(data)
        self.assertEqual(cursor.missed(), Missed(2, "boot-0"))
        self.assertEqual([what for _, what in self.take(cursor)], ["5", "6"])

    def test_live_of_others(self) -> None:
        """What floods others is nothing to who did not ask for it."""
        cursor = self.follow()
        self.follow("PROCESS_LOG")
        for _ in range(5):
            self.log(b"x")
        self.assertIsNone(cursor.missed())

    def test_live_is_not_repeated(self) -> None:
        """Who comes back is told history; output only from now on."""
        cursor = self.follow("EVENT")
        self.say("a")
        self.log(b"1")
        self.broadcast.leave(cursor)
        again = self.follow("EVENT", since="boot-0")
        self.assertEqual(self.take(again), [("boot-1", "a")])


class RecordTests(BroadcastTestCase):
    most_kept = 3

    def taken_up(self) -> None:
        """Go on in another interpreter."""
        record = json.loads(json.dumps(self.broadcast.record()))
        self.broadcast = Broadcast(self.clock, self.clock.seconds, most_kept=self.most_kept)
        self.broadcast.resume(record)
        self.bus = EventBus()
        self.broadcast.attach(self.bus)

    def test_history(self) -> None:
        """Who comes back finds everything, and is told of what is gone, as before."""
        self.follow()
        self.change("p")
        self.say("a", "b\udcff", "c")
        self.taken_up()
        cursor = self.follow(since="boot-1")
        self.assertIsNone(cursor.missed())
        self.assertEqual([what for _, what in self.take(cursor)], ["a", "b\udcff", "c"])
        self.assertIsNone(self.follow("REMOTE_COMMUNICATION", since="boot-0").missed())
        self.assertEqual(self.follow(since="boot-0").missed(), Missed(1, "boot-0"))
        self.say("d")
        self.assertEqual(self.take(cursor), [("boot-5", "d")])

    def test_hearing(self) -> None:
        """Where somebody has followed it hears of everything at once, else of nothing."""
        self.taken_up()
        self.assertFalse(self.bus.wants("REMOTE_COMMUNICATION"))
        self.follow()
        self.taken_up()
        self.say("a")
        self.assertEqual(self.take(self.follow(since="boot-0")), [("boot-1", "a")])


class Model(RuleBasedStateMachine):
    """Followers that come, go, read and do not read, beside a list of all that has happened."""

    MOST = 6

    def __init__(self) -> None:
        super().__init__()
        clock = Clock()
        self.bus = EventBus()
        self.broadcast = Broadcast(clock, clock.seconds, "boot", most_kept=self.MOST)
        self.broadcast.attach(self.bus)
        self.broadcast.latest()
        #: the process that each event is about, by the number of the event
        self.happened: list[str] = []
        #: for each follower what he wants, and the number up to which he was told
        self.followers: list[tuple[Cursor, str, int]] = []

    @rule(process=st.sampled_from("abc"), times=st.integers(1, 3))
    def happen(self, process: str, times: int) -> None:
        """Something happens to a process."""
        for _ in range(times):
            self.happened.append(process)
            event = ProcessStateEvent(process, "g", ProcessState.STARTING, ProcessState.RUNNING)
            self.bus.tell(event)

    @rule(wanted=st.sampled_from(["", "a", "b", "c"]), back=st.integers(0, 12))
    def come(self, wanted: str, back: int) -> None:
        """Somebody comes, or comes back."""
        since = max(0, len(self.happened) - back)
        interest = Interest.of((), [f"g:{wanted}"] if wanted else [])
        cursor = self.broadcast.follow(interest, lambda: None, self.broadcast.id_of(since))
        self.followers.append((cursor, wanted, since))

    @precondition(lambda self: self.followers)
    @rule(data=st.data(), size=st.sampled_from([1, 200, 100_000]))
    def read(self, data: st.DataObject, size: int) -> None:
        """One of them reads: he is told the next that he wants, or that he has missed some."""
        index = data.draw(st.integers(0, len(self.followers) - 1))
        cursor, wanted, told = self.followers[index]
        gone = max(told, len(self.happened) - self.MOST)
        lost = [each for each in self.happened[told:gone] if wanted in ("", each)]
        missed = cursor.missed()
        assert missed == (Missed(gone - told, f"boot-{told}") if lost else None)
        news = [(known, json.loads(line)["process"]) for known, line in cursor.take(size)]
        expected = [
            (f"boot-{number}", process)
            for number, process in enumerate(self.happened[gone:], gone + 1)
            if wanted in ("", process)
        ]
        assert news == expected[: len(news)]
        assert news or not expected
        assert cursor.is_behind or news == expected
        self.followers[index] = cursor, wanted, int(cursor.id.rpartition("-")[2])

    @precondition(lambda self: self.followers)
    @rule(data=st.data())
    def go(self, data: st.DataObject) -> None:
        """One of them goes."""
        index = data.draw(st.integers(0, len(self.followers) - 1))
        self.broadcast.leave(self.followers.pop(index)[0])


class ModelTests(SynchronousTestCase):
    def test_model(self) -> None:
        """Whatever happens, nobody misses anything without being told, or is told it twice."""
        run_state_machine_as_test(
            Model, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
        )


class Theirs:
    """An event of a plugin."""

    name = "THEIRS"

    def __init__(self, text: str) -> None:
        self._text = text

    def payload(self) -> str:
        return self._text
