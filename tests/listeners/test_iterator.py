"""Loops over events, in both forms, with a daemon in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.envelope import BadEnvelope
from supervisor_tx.core.states import ListenerState
from supervisor_tx.listeners.event import ListenerEvent
from supervisor_tx.listeners.iterator import events
from tests.listeners.memory import MemoryDaemon

Body = Callable[[ListenerEvent], object]


def loop(daemon: MemoryDaemon, body: Body, **options: float) -> None:
    for event in events(line=daemon, **options):
        body(event)


def async_loop(daemon: MemoryDaemon, body: Body, **options: float) -> None:
    async def main() -> None:
        async for event in events(line=daemon, **options):
            await asyncio.sleep(0)
            body(event)

    with asyncio.Runner() as runner:
        runner.run(main())


LOOPS = (loop, async_loop)

TICKS = (("TICK_5", "when:5"), ("TICK_5", "when:10"), ("TICK_60", "when:60"))


def nothing(event: ListenerEvent) -> None:
    """Have it accepted."""


class LoopTests(SynchronousTestCase):
    def test_accepted(self) -> None:
        """What the loop says nothing about is accepted, and nothing else is said."""
        for run in LOOPS:
            daemon, seen = MemoryDaemon(*TICKS), list[ListenerEvent]()
            run(daemon, seen.append)
            self.assertEqual([event.when for event in seen], [5, 10, 60])
            self.assertEqual(daemon.answers, [(0, b"OK"), (1, b"OK"), (2, b"OK")])
            self.assertEqual((daemon.violations, daemon.pauses), ([], []))
            self.assertEqual(daemon.dialogue.state, ListenerState.READY)
            self.assertFalse(daemon.open)

    def test_own_answers(self) -> None:
        """An answer that the loop gives is the only one."""
        for run in LOOPS:
            daemon = MemoryDaemon(*TICKS)
            run(daemon, lambda event: event.respond(event.payload.encode()))
            self.assertEqual(daemon.answers, [(0, b"when:5"), (1, b"when:10"), (2, b"when:60")])
            self.assertEqual((daemon.violations, daemon.pauses), ([], []))

    def test_rejected(self) -> None:
        """A rejected event comes again, later and later, until one is accepted."""
        for run in LOOPS:
            daemon = MemoryDaemon(*TICKS, offers=4)

            def body(event: ListenerEvent, daemon: MemoryDaemon = daemon) -> None:
                if event.serial in (0, 2) and len(daemon.answers) < 10:
                    event.reject()

            run(daemon, body, retry=2.0, longest=5.0)
            self.assertEqual([number for number, _ in daemon.answers], [0, 0, 0, 0, 1, 2, 2, 2, 2])
            if run is loop:  # the other waits for the descriptors, of which there are none here
                self.assertEqual(daemon.pauses, [2.0, 4.0, 5.0, 5.0, 2.0, 4.0, 5.0, 5.0])

    def test_at_once(self) -> None:
        """Or at once, where that is wanted."""
        daemon = MemoryDaemon(*TICKS, offers=200)
        loop(daemon, ListenerEvent.reject, retry=0)
        self.assertEqual((len(daemon.answers), daemon.pauses), (600, []))

    def test_left(self) -> None:
        """A loop that is left has not answered, and has given back the line."""
        for run in LOOPS:
            daemon = MemoryDaemon(*TICKS)

            def body(event: ListenerEvent) -> None:
                if event.serial == 1:
                    raise LookupError

            self.assertRaises(LookupError, run, daemon, body)
            self.assertEqual(daemon.answers, [(0, b"OK")])
            self.assertEqual(daemon.dialogue.state, ListenerState.BUSY)
            self.assertFalse(daemon.open)

    def test_ends_anywhere(self) -> None:
        """The loop ends quietly wherever the input ends; half an event is none."""
        full = MemoryDaemon(("TICK_5", "when:5"), sizes=[1] * 1000)
        loop(full, nothing)
        for run in LOOPS:
            for size in range(90):
                daemon, seen = MemoryDaemon(TICKS[0], line_ends_after=size), list[object]()
                run(daemon, seen.append)
                whole = size >= len(
                    "ver:3.0 server:supervisor serial:0 pool:pool poolserial:0"
                    " eventname:TICK_5 len:6\nwhen:5"
                )
                self.assertEqual((len(seen), len(daemon.answers)), (whole, whole), size)
                self.assertEqual(daemon.violations, [])

    def test_garbage(self) -> None:
        """What is no event ends the program with an error, and is not answered."""

        class Garbage(MemoryDaemon):
            def read(self) -> bytes:
                return b"hello world\n"

        for run in LOOPS:
            daemon = Garbage()
            self.assertRaises(BadEnvelope, run, daemon, nothing)
            self.assertEqual(daemon.answers, [])
            self.assertFalse(daemon.open)

    @given(
        st.lists(st.text(st.characters(codec="utf-8"))),
        st.lists(st.integers(1, 100)),
        st.sampled_from(LOOPS),
    )
    def test_both_ends(self, data: list[str], sizes: list[int], run: Callable[..., None]) -> None:
        """Both ends understand each other, whatever is said and however it is cut."""
        sent = [("REMOTE_COMMUNICATION", f"type:t\n{each}") for each in data]
        daemon, seen = MemoryDaemon(*sent, sizes=sizes), list[str]()
        run(daemon, lambda event: seen.append(event.data))
        self.assertEqual(seen, data)
        self.assertEqual(daemon.answers, [(number, b"OK") for number in range(len(data))])
        self.assertEqual(daemon.violations, [])
