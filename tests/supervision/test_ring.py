"""The latest events, and what is still known of those before."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.events import (
    Event,
    ProcessGroupEvent,
    ProcessStateEvent,
    RemoteCommunicationEvent,
)
from supervisor_tx.core.facts import LONGEST
from supervisor_tx.core.states import ProcessState
from supervisor_tx.supervision.ring import OVERHEAD, Ring, Topic, topic_of


def said(text: str) -> Event:
    return RemoteCommunicationEvent("t", text)


def everything(_: Topic) -> bool:
    return True


class RingTests(SynchronousTestCase):
    def ring(self, most: int = 100, most_bytes: int = 1 << 20) -> Ring:
        return Ring(most, most_bytes)

    def fill(self, ring: Ring, *texts: str) -> None:
        for text in texts:
            ring.add(said(text), 1.0, ring.last + 1)

    def texts(self, ring: Ring, after: int = 0) -> list[Any]:
        return [json.loads(ring.text(entry))["data"] for entry in ring.after(after)]

    def test_numbers(self) -> None:
        """Events are numbered from 1, and are found by the number before them."""
        ring = self.ring()
        self.assertEqual((ring.before, ring.last, self.texts(ring)), (0, 0, []))
        self.fill(ring, "a", "b", "c")
        self.assertEqual([entry.number for entry in ring.after(1)], [2, 3])
        self.assertEqual(self.texts(ring, 1), ["b", "c"])
        self.assertEqual(self.texts(ring, 3), [])

    def test_long_way(self) -> None:
        """From far back they come in the same order."""
        ring = self.ring()
        numbers = [str(number) for number in range(90)]
        self.fill(ring, *numbers)
        self.assertEqual(self.texts(ring, 0), numbers)
        self.assertEqual(self.texts(ring, 33), numbers[33:])

    def test_number(self) -> None:
        """There are never more than it has room for; the oldest go."""
        ring = self.ring(most=3)
        self.fill(ring, "a", "b", "c", "d", "e")
        self.assertEqual((len(ring), ring.before), (3, 2))
        self.assertEqual(self.texts(ring, 0), ["c", "d", "e"])

    def test_bytes(self) -> None:
        """Nor are there more bytes; one event is there, whatever its size."""
        ring = self.ring(most_bytes=3 * (OVERHEAD + 100))
        self.fill(ring, *["x" * 99] * 5)
        self.assertEqual(len(ring), 3)
        self.fill(ring, "y" * 5000)
        self.assertEqual(self.texts(ring, 0), ["y" * 5000])
        self.fill(ring, "z")
        self.assertEqual(self.texts(ring, 0), ["z"])

    def test_bytes_of_text(self) -> None:
        """Once JSON was made, that is what counts: it can be longer."""
        ring = self.ring(most_bytes=3 * (OVERHEAD + 100))
        self.fill(ring, "\0" * 99)
        self.assertEqual(self.texts(ring), ["\0" * 99])
        self.fill(ring, "a", "b", "c")
        self.assertEqual(self.texts(ring), ["a", "b", "c"])

    def test_huge(self) -> None:
        """What nobody will be told is not kept either."""
        ring = self.ring(most_bytes=8 * LONGEST)
        self.fill(ring, "a", "x" * (100 * LONGEST))
        self.assertEqual(len(ring), 2)

    def test_broken(self) -> None:
        """An event of a plugin that cannot be told is as if it had not been."""
        ring = self.ring()

        class Broken:
            name = "BROKEN"

            def payload(self) -> str:
                raise RuntimeError("a plugin")

        self.assertRaises(RuntimeError, ring.add, Broken(), 1.0, 1)
        self.fill(ring, "a")
        self.assertEqual((ring.last, self.texts(ring)), (1, ["a"]))

    def test_once(self) -> None:
        """JSON is made once for all."""
        ring = self.ring()
        self.fill(ring, "a")
        [entry] = ring.after(0)
        self.assertIs(ring.text(entry), ring.text(entry))

    def test_gone(self) -> None:
        """That something is gone concerns only those who would have been told of it."""
        ring = self.ring(most=2)
        stopped = ProcessStateEvent("p", "g", ProcessState.STOPPING, ProcessState.STOPPED)
        ring.add(stopped, 1.0, 1)
        self.fill(ring, "a", "b", "c")

        def states(topic: Topic) -> bool:
            return topic == Topic("PROCESS_STATE_STOPPED", "g", "p")

        self.assertTrue(ring.is_missing(0, everything))
        self.assertTrue(ring.is_missing(1, everything))
        self.assertFalse(ring.is_missing(2, everything))
        self.assertTrue(ring.is_missing(0, states))
        self.assertFalse(ring.is_missing(1, states))

    def test_too_many_topics(self) -> None:
        """With more topics than can be known, something may be gone of each."""
        small = Ring(1, 1 << 20, most_topics=5)
        for number in range(10):
            small.add(ProcessGroupEvent(str(number), added=True), 1.0, number)

        def never(_: Topic) -> bool:
            return False

        self.assertTrue(small.is_missing(0, never))
        self.assertFalse(small.is_missing(8, never))

    def test_topic(self) -> None:
        """An event is about a process, a group, or the daemon."""
        running = ProcessStateEvent("p", "g", ProcessState.STARTING, ProcessState.RUNNING)
        self.assertEqual(topic_of(running), ("PROCESS_STATE_RUNNING", "g", "p"))
        self.assertEqual(
            topic_of(ProcessGroupEvent("g", added=False)), ("PROCESS_GROUP_REMOVED", "g", None)
        )
        self.assertEqual(topic_of(said("x")), ("REMOTE_COMMUNICATION", None, None))
