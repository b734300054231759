"""Who hears of which event, and when the clock ticks."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.events import (
    Event,
    Occurrence,
    RemoteCommunicationEvent,
    TickEvent,
)
from supervisor_tx.supervision.bus import EventBus, Ticker


def unwanted() -> Event:
    raise AssertionError("made although nobody wants it")


class BusTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bus = EventBus()
        self.heard: list[tuple[str, str]] = []

    def subscribe(self, name: str, who: str = "a") -> None:
        self.bus.subscribe(name, lambda each: self.heard.append((who, each.payload.decode())))

    def say(self, text: str) -> None:
        self.bus.publish("REMOTE_COMMUNICATION", lambda: RemoteCommunicationEvent("t", text))

    def test_nobody(self) -> None:
        """An event that nobody wants is not made."""
        self.subscribe("TICK")
        self.bus.publish("REMOTE_COMMUNICATION", unwanted)
        self.assertEqual(self.heard, [])

    def test_kinds(self) -> None:
        """Who subscribes to a type hears of all that is a kind of it, in order of subscription."""
        self.subscribe("EVENT", "first")
        self.subscribe("REMOTE_COMMUNICATION", "second")
        self.say("x")
        self.assertEqual(self.heard, [("first", "type:t\nx"), ("second", "type:t\nx")])

    def test_twice(self) -> None:
        """Who subscribes to a type and to what it is a kind of hears of it twice."""
        self.subscribe("EVENT")
        self.subscribe("REMOTE_COMMUNICATION")
        self.say("x")
        self.assertEqual(len(self.heard), 2)

    def test_unsubscribe(self) -> None:
        """Who has left hears nothing; leaving twice does no harm."""
        calls: list[Occurrence] = []
        self.bus.subscribe("EVENT", calls.append)
        self.bus.unsubscribe("EVENT", calls.append)
        self.bus.unsubscribe("EVENT", calls.append)
        self.bus.publish("TICK_5", unwanted)
        self.assertFalse(self.bus.wants("TICK_5"))

    def test_failure(self) -> None:
        """A subscriber that raises harms nobody."""

        def fail(_: Occurrence) -> None:
            raise errors[-1]

        errors = [RuntimeError("bad plugin"), SystemExit(3)]
        self.bus.subscribe("EVENT", fail)
        self.subscribe("EVENT")
        while errors:
            self.say("x")
            self.assertEqual(len(self.flushLoggedErrors(type(errors.pop()))), 1)
        self.assertEqual(len(self.heard), 2)

    def test_passive(self) -> None:
        """Who is passive hears of what others want, in turn, and has nothing made."""
        heard: list[Occurrence] = []
        self.bus.subscribe("EVENT", heard.append, passive=True)
        self.assertFalse(self.bus.wants("REMOTE_COMMUNICATION"))
        self.bus.publish("REMOTE_COMMUNICATION", unwanted)
        self.subscribe("REMOTE_COMMUNICATION")
        self.say("x")
        self.assertEqual([each.payload for each in heard], [b"type:t\nx"])

    def test_shared(self) -> None:
        """All who hear of an event share one occurrence, written out once."""
        heard: list[Occurrence] = []
        self.bus.subscribe("EVENT", heard.append)
        self.bus.subscribe("REMOTE_COMMUNICATION", heard.append)
        self.say("\u00e9\ud800")
        first, second = heard
        self.assertIs(first, second)
        self.assertIs(first.payload, second.payload)
        self.assertEqual(first.payload, b"type:t\n\xc3\xa9?")
        self.assertEqual(first.characters, 9)

    def test_registered(self) -> None:
        """A type that a plugin registers is a kind of what it says."""
        self.subscribe("TICK")
        self.assertFalse(self.bus.wants("TICK_7"))
        self.bus.register("TICK_7", "TICK")
        self.assertTrue(self.bus.wants("TICK_7"))

    def test_a_type_stays(self) -> None:
        """A known type cannot be made a kind of something else."""
        self.bus.register("TICK_5", "PROCESS_STATE")
        self.subscribe("PROCESS_STATE")
        self.assertFalse(self.bus.wants("TICK_5"))


class TickerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.wall = 3598.5
        self.bus = EventBus()
        self.ticker = Ticker(self.bus, self.clock, lambda: self.wall + self.clock.seconds())
        self.ticks: list[tuple[int, int]] = []

    def hear(self, occurrence: Occurrence) -> None:
        event = occurrence.event
        assert isinstance(event, TickEvent)
        self.ticks.append((event.period, event.when))

    def test_idle(self) -> None:
        """Nothing is scheduled while nobody listens."""
        self.ticker.start()
        self.bus.subscribe("REMOTE_COMMUNICATION", self.hear)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_multiples(self) -> None:
        """Ticks come at the multiples of their periods, the shortest period first."""
        self.ticker.start()
        self.bus.subscribe("TICK", self.hear)
        self.clock.advance(1.4)
        self.assertEqual(self.ticks, [])
        self.clock.advance(0.1)
        self.assertEqual(self.ticks, [(5, 3600), (60, 3600), (3600, 3600)])
        self.clock.advance(5)
        self.assertEqual(self.ticks[3:], [(5, 3605)])

    def test_only_what_is_wanted(self) -> None:
        """There is one wakeup an hour for one tick an hour."""
        self.bus.subscribe("TICK_3600", self.hear)
        self.ticker.start()
        self.clock.advance(1.5)
        self.assertEqual(self.ticks, [(3600, 3600)])
        [call] = self.clock.getDelayedCalls()
        self.assertEqual(call.getTime() - self.clock.seconds(), 3600)

    def test_leaving(self) -> None:
        """The last one who leaves stops the clock, also from within a tick."""

        def once(event: Occurrence) -> None:
            self.hear(event)
            self.bus.unsubscribe("TICK_5", once)

        self.ticker.start()
        self.bus.subscribe("TICK_5", once)
        self.clock.pump([2, 5, 5])
        self.assertEqual(self.ticks, [(5, 3600)])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_back(self) -> None:
        """A clock that is set back ticks too."""
        self.ticker.start()
        self.bus.subscribe("TICK_60", self.hear)
        self.wall -= 600
        self.clock.advance(1.5)
        self.assertEqual(self.ticks, [(60, 3000)])

    def test_early(self) -> None:
        """A timer that is early by the wall clock waits for the rest."""
        self.ticker.start()
        self.bus.subscribe("TICK_5", self.hear)
        self.wall -= 0.25
        self.clock.advance(1.5)
        self.assertEqual(self.ticks, [])
        self.clock.advance(0.25)
        self.assertEqual(self.ticks, [(5, 3600)])

    def test_stopped(self) -> None:
        """A ticker that was stopped leaves no timer."""
        self.ticker.start()
        self.bus.subscribe("TICK_5", self.hear)
        self.ticker.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
