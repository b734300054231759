"""Events that wait: their order, their limits, and how they are written down."""

from __future__ import annotations

import json
import sys
from collections import deque

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core import events
from supervisor_tx.core.backlog import OVERHEAD, Backlog, Serials, Waiting
from supervisor_tx.core.eventrecord import (
    ToldEvent,
    read_event,
    read_waiting,
    write_event,
    write_waiting,
)
from supervisor_tx.core.states import ProcessState

#: one of each class
EVENTS: list[events.Event] = [
    events.ProcessStateEvent("p", "g", ProcessState.STARTING, ProcessState.RUNNING, 12, 3, True),
    events.ProcessLogEvent("p", "g", 12, "stdout", b"caf\xc3\xa9 \xff"),
    events.ProcessCommunicationEvent("p", "g", 12, "stderr", b""),
    events.RemoteCommunicationEvent("t:", "\n\u00e9"),
    events.SupervisorStateEvent("RUNNING"),
    events.TickEvent(5, 1234567890),
    events.ProcessGroupEvent("g", added=False),
]


def waiting(serial: int, size: int = 1) -> Waiting:
    return Waiting(events.TickEvent(5, serial), serial, serial, b"x" * size, size)


class BacklogTests(SynchronousTestCase):
    @given(
        st.none() | st.integers(1, 5),
        st.lists(st.sampled_from(["add", "add", "take", "put back"]) | st.integers(0, 3000)),
    )
    def test_model(self, most: int | None, steps: list[str | int]) -> None:
        """It is a queue of which the head goes where there is no room."""
        backlog = Backlog(most, 2000)
        model: deque[Waiting] = deque()
        hand: list[Waiting] = []
        serial = 0

        def room_for(event: Waiting) -> list[Waiting]:
            gone = []
            while model and (
                sum(each.size for each in model) + event.size > 2000
                if most is None
                else len(model) >= most
            ):
                gone.append(model.popleft())
            return gone

        for step in steps:
            if step == "take":
                if model:
                    hand.append(model.popleft())
                    self.assertIs(backlog.take(), hand[-1])
            elif step == "put back":
                if hand:
                    event = hand.pop()
                    gone = room_for(event)
                    model.appendleft(event)
                    self.assertEqual(backlog.put_back(event), gone)
            else:
                event = waiting(serial, step if isinstance(step, int) else 1)
                serial += 1
                gone = room_for(event)
                model.append(event)
                self.assertEqual(backlog.add(event), gone)
            self.assertEqual(list(backlog), list(model))
            self.assertEqual(backlog.size, sum(each.size for each in model))

    def test_limit(self) -> None:
        """What is too much under another limit goes, the oldest first."""
        backlog = Backlog(None, 10 * (OVERHEAD + 1))
        every = [waiting(number) for number in range(10)]
        for each in every:
            self.assertEqual(backlog.add(each), [])
        self.assertEqual(backlog.fullness, 1.0)
        self.assertEqual(backlog.limit(4), every[:6])
        self.assertEqual((len(backlog), backlog.fullness), (4, 1.0))

    def test_limit_of_one(self) -> None:
        """The latest is kept under any limit, as it would be if it came now."""
        backlog = Backlog(5, 10)
        every = [waiting(number) for number in range(2)]
        for each in every:
            backlog.add(each)
        self.assertEqual(backlog.limit(None), every[:1])

    def test_empty(self) -> None:
        """There is nothing to take where there is nothing."""
        self.assertRaises(IndexError, Backlog().take)


class SerialTests(SynchronousTestCase):
    def test_end(self) -> None:
        """Serials begin anew after the largest word of the machine."""
        serials = Serials(sys.maxsize - 1)
        self.assertEqual([serials.next() for _ in range(4)], [sys.maxsize - 1, sys.maxsize, 0, 1])


class RecordTests(SynchronousTestCase):
    def test_events(self) -> None:
        """Each kind of event comes back as it was."""
        for event in EVENTS:
            record = json.loads(json.dumps(write_event(event)))
            self.assertEqual(read_event(record), event)

    def test_plugin(self) -> None:
        """Of an event of a plugin it is known what listeners read."""

        class Theirs:
            name = "THEIRS"

            def payload(self) -> str:
                return "a:b"

        found = read_event(json.loads(json.dumps(write_event(Theirs()))))
        self.assertEqual(found, ToldEvent("THEIRS", "a:b"))
        self.assertEqual((found.name, found.payload()), ("THEIRS", "a:b"))

    def test_waiting(self) -> None:
        """An event on its way comes back as it would have been sent."""
        event = Waiting(EVENTS[1], 7, 3, b"\xc3\xa9\xff", 2)
        self.assertEqual(read_waiting(json.loads(json.dumps(write_waiting(event)))), event)
