"""Events for plugins: who is told, in which order, and what of."""

from __future__ import annotations

from typing import Any

from supervisor_tx.compat import events
from supervisor_tx.core import events as core
from supervisor_tx.core.lifecycle import AutoRestart
from supervisor_tx.core.states import SupervisorState
from tests.compat.stage import CompatTestCase, group, program


class Own(events.Event):
    """What a plugin tells."""

    def __init__(self, text: str = "text") -> None:
        self.text = text

    def payload(self) -> str:
        return f"said:{self.text}"


class Finer(Own):
    """A kind of it."""


class EventTestCase(CompatTestCase):
    """A test that may register types."""

    def register(self, name: str, kind: type) -> None:
        events.register(name, kind)
        self.addCleanup(delattr, events.EventTypes, name)


class HearTests(EventTestCase):
    """What plugins hear of."""

    def test_states(self) -> None:
        """Each change of a process's state is told when it has happened, with its payload."""
        heard = self.hear(
            events.ProcessStateEvent,
            tell=lambda event: (type(event).__name__, event.process.state, event.payload()),
        )
        self.run_groups(group("web", program("web", autorestart=AutoRestart.NEVER)), start=True)
        self.child("web").exit(3)
        head = "processname:web groupname:web from_state:"
        self.assertEqual(
            heard,
            [
                ("ProcessStateStartingEvent", 10, f"{head}STOPPED tries:0"),
                ("ProcessStateRunningEvent", 20, f"{head}STARTING pid:1001"),
                ("ProcessStateExitedEvent", 100, f"{head}RUNNING expected:0 pid:1001"),
            ],
        )

    def test_attributes(self) -> None:
        """An event has the process, the number of the state before, and whether it was expected."""
        heard = self.hear(events.ProcessStateExitedEvent)
        self.run_groups(group("web"), start=True)
        self.child("web").exit(3)
        (event,) = heard
        self.assertIs(event.process, self.view("web"))
        self.assertEqual((event.from_state, event.expected), (20, False))

    def test_kinds(self) -> None:
        """Who subscribes to STARTING or BACKOFF is told of the two, and of nothing else."""
        heard = self.hear(
            events.ProcessStateStartingOrBackoffEvent, tell=lambda event: type(event).__name__
        )
        self.run_groups(group("web"))
        self.ask("supervisor.startProcess", "web", False)
        self.turn()
        self.child("web").exit(1)
        self.assertEqual(heard, ["ProcessStateStartingEvent", "ProcessStateBackoffEvent"])

    def test_everything(self) -> None:
        """Who subscribes to Event is told of each event once, groups and the daemon included."""
        heard = self.hear(events.Event, tell=lambda event: type(event).__name__)
        self.run_groups(group("web"))
        self.daemon.supervisor.start()
        self.remote("hello")
        self.daemon.supervisor.remove("web")
        self.daemon.supervisor.stop(SupervisorState.SHUTDOWN)
        self.turn()
        self.assertEqual(
            heard,
            [
                "ProcessGroupAddedEvent",
                "SupervisorRunningEvent",
                "RemoteCommunicationEvent",
                "ProcessGroupRemovedEvent",
                "SupervisorStoppingEvent",
            ],
        )

    def test_values(self) -> None:
        """Events carry what they are about: texts, bytes, groups, the time, the daemon."""
        self.run_groups(group("web"))
        heard = self.hear(events.Event)
        bus = self.daemon.supervisor.bus
        for event in (
            core.RemoteCommunicationEvent("kind", "data"),
            core.TickEvent(60, 120),
            core.ProcessLogEvent("web", "web", 5, "stderr", b"\xff"),
            core.ProcessCommunicationEvent("web", "web", 5, "stdout", b"said"),
            core.ProcessGroupEvent("web", added=False),
        ):
            bus.tell(event)
        remote, tick, log, said, removed = heard
        self.assertEqual((remote.type, remote.data), ("kind", "data"))
        self.assertEqual((type(tick), tick.when), (events.Tick60Event, 120))
        self.assertIs(tick.supervisord, self.supervisord)
        self.assertEqual((log.channel, log.pid, log.data), ("stderr", 5, b"\xff"))
        self.assertIs(log.process, self.view("web"))
        self.assertEqual((said.channel, said.data), ("stdout", b"said"))
        self.assertEqual((type(removed), removed.group), (events.ProcessGroupRemovedEvent, "web"))

    def test_payloads(self) -> None:
        """An event of ours has the same payload for plugins as for listeners."""
        self.run_groups(group("web"))
        heard = self.hear(events.Event)
        told = (
            core.RemoteCommunicationEvent("kind", "data"),
            core.TickEvent(5, 120),
            core.ProcessLogEvent("web", "web", 5, "stdout", b"a\xffb"),
            core.ProcessCommunicationEvent("web", "web", 5, "stderr", "€".encode()),
            core.ProcessGroupEvent("web", added=True),
            core.SupervisorStateEvent("RUNNING"),
        )
        for event in told:
            self.daemon.supervisor.bus.tell(event)
        self.assertEqual([each.payload() for each in heard], [each.payload() for each in told])

    def test_gone(self) -> None:
        """An event of a process that was removed since still tells whose it was."""
        heard = self.hear(events.ProcessLogEvent)
        self.daemon.supervisor.bus.tell(core.ProcessLogEvent("web", "old", 5, "stdout", b"x"))
        (event,) = heard
        self.assertEqual(event.process.config.name, "web")
        self.assertEqual(event.process.group.config.name, "old")
        self.assertEqual(event.payload(), "processname:web groupname:old pid:5 channel:stdout\nx")

    def test_not_wanted(self) -> None:
        """While plugins want no events, none are made for them."""
        bus = self.daemon.supervisor.bus
        heard = self.hear(events.TickEvent)
        self.assertTrue(bus.wants("TICK_5"))
        self.assertFalse(bus.wants("PROCESS_LOG_STDOUT"))
        events.clear()
        self.assertFalse(bus.wants("TICK_5"))
        self.assertEqual(heard, [])

    def test_unsubscribe(self) -> None:
        """Who has unsubscribed is told no more; what was not subscribed cannot be."""
        heard: list[Any] = []
        events.subscribe(events.Event, heard.append)
        self.remote("one")
        events.unsubscribe(events.Event, heard.append)
        self.remote("two")
        self.assertEqual([event.data for event in heard], ["one"])
        self.assertRaises(ValueError, events.unsubscribe, events.Event, heard.append)

    def test_order(self) -> None:
        """Plugins are told in the order in which they subscribed, each once for each class."""
        heard: list[str] = []
        kind = events.RemoteCommunicationEvent
        events.subscribe(kind, lambda _: heard.append("first"))
        events.subscribe(kind, lambda _: heard.append("second"))
        events.subscribe(events.Event, lambda _: heard.append("third"))
        self.remote("x")
        self.assertEqual(heard, ["first", "second", "third"])

    def test_broken(self) -> None:
        """A subscriber that raises is logged, and the next is told all the same."""

        def broken(event: Any) -> None:
            raise KeyError(event.data)

        events.subscribe(events.Event, broken)
        heard = self.hear(events.Event)
        self.remote("x")
        self.assertEqual(len(heard), 1)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_within(self) -> None:
        """Who unsubscribes while it is told is told no more, and no one is left out."""
        heard: list[str] = []

        def once(event: Any) -> None:
            heard.append("once")
            events.unsubscribe(events.Event, once)

        events.subscribe(events.Event, once)
        events.subscribe(events.Event, lambda event: heard.append(event.data))
        self.remote("x")
        self.remote("y")
        self.assertEqual(heard, ["once", "x", "y"])

    def test_new_daemon(self) -> None:
        """When the daemon starts anew, all subscriptions are dropped."""
        heard = self.hear(events.Event)
        events.attach(None)
        events.attach(self.bridge)
        self.remote("x")
        self.assertEqual((heard, events.callbacks), ([], []))


class PoolTests(EventTestCase):
    """Plugins and event listeners together."""

    def test_serials(self) -> None:
        """An event that a pool has accepted before bears its numbers."""
        self.run_pool("REMOTE_COMMUNICATION")
        heard = self.hear(events.RemoteCommunicationEvent)
        self.remote("x")
        self.remote("y")
        self.assertEqual(
            [(event.serial, event.pool_serials) for event in heard],
            [(0, {"pool": 0}), (1, {"pool": 1})],
        )

    def test_no_serials(self) -> None:
        """An event that no pool wants has none."""
        heard = self.hear(events.RemoteCommunicationEvent)
        self.remote("x")
        self.assertFalse(hasattr(heard[0], "serial"))

    def test_sent(self) -> None:
        """What a plugin sends reaches plugins at once, and pools that name its type."""
        self.register("OWN", Own)
        self.run_pool("OWN")
        heard = self.hear(Own)
        event = Own("hello")
        events.notify(event)
        self.assertEqual(heard, [event])
        self.clock.advance(0)
        ((headers, payload),) = self.told()
        self.assertEqual((headers["eventname"], payload), ("OWN", "said:hello"))

    def test_sent_once(self) -> None:
        """A plugin hears once of what a plugin sends, also of one of our types."""
        heard = self.hear(events.Event)
        events.notify(events.RemoteCommunicationEvent("t", "d"))
        self.assertEqual(len(heard), 1)

    def test_ours(self) -> None:
        """A plugin may send events of our types to listeners."""
        self.run_pool("REMOTE_COMMUNICATION")
        events.notify(events.RemoteCommunicationEvent("t", "d"))
        self.clock.advance(0)
        ((headers, payload),) = self.told()
        self.assertEqual((headers["eventname"], payload), ("REMOTE_COMMUNICATION", "type:t\nd"))

    def test_registered_later(self) -> None:
        """A pool that names a type which is registered later is told of it from then on."""
        self.run_pool("OWN")
        events.notify(Own("too soon"))
        self.register("OWN", Own)
        events.notify(Own("in time"))
        self.clock.advance(0)
        self.assertEqual([payload for _, payload in self.told()], ["said:in time"])

    def test_all(self) -> None:
        """A pool that wants EVENT is told of what plugins send."""
        self.register("OWN", Own)
        self.run_pool("EVENT")
        events.notify(Own())
        for _ in range(4):
            self.say(b"RESULT 2\nOKREADY\n")
        self.assertEqual(
            [headers["eventname"] for headers, _ in self.told()],
            ["PROCESS_GROUP_ADDED", "PROCESS_STATE_STARTING", "PROCESS_STATE_RUNNING", "OWN"],
        )

    def test_parent(self) -> None:
        """A type whose class is a kind of another's is told to who wants that one."""
        self.register("OWN", Own)
        self.register("OWN_FINER", Finer)
        self.run_pool("OWN")
        events.notify(Finer("x"))
        self.clock.advance(0)
        ((headers, _),) = self.told()
        self.assertEqual(headers["eventname"], "OWN_FINER")

    def test_without_name(self) -> None:
        """An event of a class that was not registered is for plugins only."""
        self.run_pool("EVENT")
        before = self.child("ear").stdin
        heard = self.hear(Own)
        events.notify(Own())
        self.clock.advance(0)
        self.assertEqual((len(heard), self.child("ear").stdin), (1, before))

    def test_in_hand(self) -> None:
        """A listener has a state and, while it is busy, an event with its numbers."""
        self.run_pool("REMOTE_COMMUNICATION")
        view = self.view("ear", "pool")
        self.assertEqual((view.listener_state, view.event), (10, None))
        self.remote("x")
        self.assertEqual(view.listener_state, 20)
        self.assertIsInstance(view.event, events.RemoteCommunicationEvent)
        self.assertEqual(
            (view.event.data, view.event.serial, view.event.pool_serials), ("x", 0, {"pool": 0})
        )
        self.say(b"RESULT 2\nOK")
        self.assertEqual((view.listener_state, view.event), (30, None))
        self.child("ear").exit(0)
        self.assertIsNone(view.listener_state)

    def test_no_listener(self) -> None:
        """A process that is no event listener has no such state."""
        self.run_groups(group("web", program("web")), start=True)
        self.assertEqual((self.view("web").listener_state, self.view("web").event), (None, None))
