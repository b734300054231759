"""Pools of event listeners: who is handed what, what comes back, and what is lost."""

from __future__ import annotations

import errno

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import PoolConfig
from supervisor_tx.core.events import Event
from supervisor_tx.core.lifecycle import AutoRestart, Start
from supervisor_tx.core.states import ListenerState as L
from supervisor_tx.core.states import ProcessState as S
from supervisor_tx.core.states import SupervisorState
from supervisor_tx.supervision import ending
from tests.logs import Messages
from tests.supervision.stage import Stage

READY = b"READY\n"
OK = b"RESULT 2\nOK"
FAIL = b"RESULT 4\nFAIL"

OUT_OF_SERVICE = (
    "has entered the UNKNOWN state and will no longer receive events, "
    "this usually indicates the process violated the eventlistener protocol"
)
WHAT_IT_WROTE = "what it wrote to its standard output"


class HandOutTests(SynchronousTestCase):
    def test_first(self) -> None:
        """A listener that runs and has asked is handed the oldest event, as it will be read."""
        stage = Stage()
        stage.start()
        stage.say(READY)
        stage.send("x", "y")
        self.assertEqual(
            stage.child().stdin,
            b"ver:3.0 server:server serial:0 pool:pool poolserial:0 "
            b"eventname:REMOTE_COMMUNICATION len:8\ntype:t\nx",
        )
        stage.say(OK + READY)
        self.assertEqual(stage.got(), ["x", "y"])

    def test_not_running(self) -> None:
        """One that has asked is not handed anything before it has stayed up for startsecs."""
        stage = Stage()
        stage.supervisor.start()
        stage.clock.advance(0)
        stage.say(READY)
        stage.send("x")
        self.assertEqual(stage.got(), [])
        stage.clock.advance(1)
        stage.clock.advance(0)
        self.assertEqual(stage.got(), ["x"])

    def test_not_asked(self) -> None:
        """One that has not asked is handed nothing, and gets it all when it asks."""
        stage = Stage()
        stage.start()
        stage.send("x", "y")
        self.assertEqual(stage.got(), [])
        stage.say(READY)
        self.assertEqual(stage.got(), ["x"])

    def test_one_read(self) -> None:
        """All that was read is understood before anything is handed out."""
        stage = Stage()
        stage.start()
        stage.send("x")
        stage.say(READY + b"z")
        self.assertEqual(stage.got(), [])
        listener = stage.pool.listener("a")
        assert listener is not None
        self.assertIs(listener.state, L.UNKNOWN)

    def test_order_of_processes(self) -> None:
        """The first of those that have asked is handed the event, in order of configuration."""
        stage = Stage("a", "b", "c")
        stage.start()
        for name in "cb":
            stage.say(READY, name)
        stage.send("x", "y", "z")
        self.assertEqual([stage.got(name) for name in "abc"], [[], ["x"], ["y"]])

    def test_overlap(self) -> None:
        """A pool that has subscribed twice to an event gets it twice, with the same serials."""
        stage = Stage(events=("EVENT", "REMOTE_COMMUNICATION"))
        stage.start()
        stage.say(READY)
        stage.send("x")
        while stage.pool.backlog:
            stage.say(OK + READY)
        *_, first, second = stage.child().stdin.split(b"ver:3.0 ")
        self.assertEqual(first, second)
        self.assertEqual(stage.got()[-3:], ["PROCESS_STATE_RUNNING", "x", "x"])

    def test_serials(self) -> None:
        """Events are numbered over all pools, and within each; what nobody wants has no number."""
        stage = Stage()
        other = stage.make(
            PoolConfig("other", -1, stage.pool.config.processes, events=("PROCESS_GROUP",))
        )
        stage.send("x")
        stage.supervisor.add(other)
        stage.send("y")
        self.assertEqual(
            [(each.serial, each.pool_serial) for each in stage.pool.backlog], [(0, 0), (2, 1)]
        )
        self.assertEqual([(each.serial, each.pool_serial) for each in other.backlog], [(1, 0)])

    def test_its_own_group(self) -> None:
        """A pool hears that it was added, and not that it was removed."""
        stage = Stage(events=("PROCESS_GROUP",))
        pool = stage.pool
        self.assertEqual([each.payload for each in pool.backlog], [b"groupname:pool\n"])
        stage.supervisor.remove("pool")
        self.assertEqual(len(pool.backlog), 1)
        self.assertFalse(stage.bus.wants("PROCESS_GROUP_ADDED"))

    def test_descendant(self) -> None:
        """What is said when the process has ended is nobody's."""
        stage = Stage()
        stage.send("x")
        stage.pool.hear("a", READY)
        stage.pool.hear("who", READY)
        self.assertEqual(len(stage.pool.backlog), 1)

    def test_closed_stdin(self) -> None:
        """A listener that cannot be told is passed over, said so once, and nothing is lost."""
        stage = Stage("a", "b")
        stage.start()
        messages = Messages(self)
        for name in "ab":
            stage.say(READY, name)
        stage.child("a").close(0)
        stage.send("x")
        stage.say(OK + READY, "b")
        stage.send("y", "z")
        self.assertEqual(stage.got("b"), ["x", "y"])
        self.assertEqual(len(stage.pool.backlog), 1)
        said = [text for text in messages.all if "standard input" in text]
        self.assertEqual(len(said), 1)
        self.assertTrue(said[0].startswith("ERRO a: has closed its standard input"))


class AwakeTests(SynchronousTestCase):
    """Whether the loop is kept awake: then there is something to do in its next turn."""

    def setUp(self) -> None:
        self.stage = Stage()
        self.stage.start()
        self.stage.send("x", "y", "z")
        self.stage.say(READY)

    def is_awake(self) -> bool:
        return bool(self.stage.clock.getDelayedCalls())

    def test_at_once(self) -> None:
        """It is when there is more to tell to one that has answered at once."""
        self.assertFalse(self.is_awake())  # nothing is known of it yet
        self.stage.child().say(1, OK + READY)
        self.assertEqual(self.stage.got(), ["x", "y"])
        self.assertTrue(self.is_awake())
        self.stage.clock.advance(0)
        self.assertFalse(self.is_awake())

    def test_slow(self) -> None:
        """It is not for one that takes its time."""
        self.stage.clock.advance(0.001)
        self.stage.child().say(1, OK + READY)
        self.assertEqual(self.stage.got(), ["x", "y"])
        self.assertFalse(self.is_awake())

    def test_nothing_left(self) -> None:
        """It is not when there is nothing more to tell: then nobody waits for the answer."""
        self.stage.say(OK + READY)
        self.stage.child().say(1, OK + READY)
        self.assertEqual(self.stage.got(), ["x", "y", "z"])
        self.assertFalse(self.is_awake())


class ReturnTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.stage = Stage("a", "b")
        self.stage.start()
        self.messages = Messages(self)

    def test_rejected(self) -> None:
        """A rejected event is offered again before all others, with the same serials."""
        self.stage.say(READY)
        self.stage.send("x", "y")
        self.stage.say(FAIL)
        self.stage.say(READY, "b")
        self.assertEqual(self.stage.got("b"), ["x"])
        self.assertEqual(self.stage.child("a").stdin, self.stage.child("b").stdin)
        self.assertIn("WARN a: event was rejected", self.messages.all)
        self.assertEqual(self.stage.pool.stats().returned, 1)

    def test_rejected_while_another_waits(self) -> None:
        """A rejected event is handed at once to another one that has asked."""
        self.stage.say(READY)
        self.stage.send("x")
        self.stage.say(READY, "b")
        self.stage.say(FAIL)
        self.assertEqual(self.stage.got("b"), ["x"])

    def test_died(self) -> None:
        """An event in the hand of a listener that ends is given to another one."""
        self.stage.say(READY)
        self.stage.send("x", "y")
        self.stage.child("a").die("KILL")
        self.stage.say(READY, "b")
        self.stage.say(OK + READY, "b")
        self.assertEqual(self.stage.got("b"), ["x", "y"])

    def test_died_after_its_answer(self) -> None:
        """An answer that was complete counts, whatever happens to the listener then."""
        self.stage.say(READY)
        self.stage.send("x")
        self.stage.say(OK)
        self.stage.child("a").die("KILL")
        self.assertEqual(len(self.stage.pool.backlog), 0)

    def test_restarted(self) -> None:
        """The next run of a listener begins a dialogue of its own."""
        self.stage.say(b"READ")
        self.stage.child("a").die("KILL")
        self.stage.clock.advance(0)
        self.stage.clock.advance(1)
        self.stage.send("x")
        self.stage.say(b"Y\n")
        self.assertEqual(self.stage.got("a"), [])

    def test_cannot_be_killed(self) -> None:
        """One that cannot be signalled keeps what it has in hand, and its answer counts."""
        self.stage.say(READY)
        self.stage.send("x")
        self.stage.child().refuses_signals = PermissionError(errno.EPERM, "no")
        self.stage.pool.processes["a"].stop()
        self.assertIs(self.stage.pool.processes["a"].state, S.UNKNOWN)
        self.stage.say(READY, "b")
        self.assertEqual(self.stage.got("b"), [])
        self.stage.say(OK + READY)
        self.stage.send("y")
        self.assertEqual((self.stage.got("a"), self.stage.got("b")), (["x"], ["y"]))
        self.assertEqual(self.stage.pool.stats().processed, 1)

    def test_cannot_be_killed_and_dies(self) -> None:
        """When that one ends after all, what it had in hand is given to another one."""
        self.stage.say(READY)
        self.stage.send("x")
        self.stage.child().refuses_signals = PermissionError(errno.EPERM, "no")
        self.stage.pool.processes["a"].stop()
        self.stage.child().die("KILL")
        self.stage.say(READY, "b")
        self.assertEqual(self.stage.got("b"), ["x"])

    def test_garbage(self) -> None:
        """What a listener may not say takes it out of service; its event goes to another one."""
        self.stage.say(READY)
        self.stage.send("x")
        self.stage.say(b"RESULT\xff zwei\nOK")
        self.stage.say(READY, "b")
        self.stage.say(READY)
        self.stage.send("y")
        self.assertEqual((self.stage.got("a"), self.stage.got("b")), (["x"], ["x"]))
        self.assertEqual(
            [text for text in self.messages.all if text[:4] != "DEBG"],
            [
                r"WARN a: bad result line: 'Undecodable: b'RESULT\xff zwei''",
                f"WARN a: {OUT_OF_SERVICE}",
                f"ERRO a: {WHAT_IT_WROTE} while it was BUSY is b'RESULT\\xff zwei'",
            ],
        )


class HandlerTests(SynchronousTestCase):
    def test_handler(self) -> None:
        """A handler of one's own is given events and results, and says what comes of them."""
        judged: list[tuple[str, bytes]] = []

        def handler(event: Event, result: bytes) -> bool:
            judged.append((event.name, result))
            return result == b"fine"

        stage = Stage(handler=handler)
        stage.start()
        stage.say(READY)
        stage.send("x")
        stage.say(OK + READY)
        stage.say(b"RESULT 4\nfine" + READY)
        self.assertEqual(stage.got(), ["x", "x"])
        self.assertEqual(
            judged, [("REMOTE_COMMUNICATION", b"OK"), ("REMOTE_COMMUNICATION", b"fine")]
        )
        self.assertEqual(stage.pool.stats().processed, 1)

    def test_failure(self) -> None:
        """A handler that fails takes the listener out of service, and the event is kept."""

        def fail(event: Event, result: bytes) -> bool:
            raise error

        for error in (RuntimeError("no disk"), SystemExit("no disk")):
            stage = Stage(handler=fail)
            stage.start()
            messages = Messages(self)
            stage.say(READY)
            stage.send("x")
            stage.say(OK + READY)
            self.assertEqual(len(stage.pool.backlog), 1)
            self.assertIn("WARN a: event caused an error", messages.all)
            name = type(error).__name__
            self.assertEqual(
                [text for text in messages.all if text.startswith("ERRO")],
                [f"ERRO a: the result handler failed with {name}: no disk; the result was b'OK'"],
            )
            listener = stage.pool.listener("a")
            assert listener is not None
            self.assertIs(listener.state, L.UNKNOWN)


class LossTests(SynchronousTestCase):
    def test_configured(self) -> None:
        """With buffer_size the oldest goes for each that is too many, and that is said each."""
        stage = Stage(buffer_size=2)
        messages = Messages(self)
        stage.send("a", "b", "c", "d")
        self.assertEqual([each.serial for each in stage.pool.backlog], [2, 3])
        self.assertEqual(
            messages.all,
            [
                "ERRO pool pool event buffer overflowed, discarding event 0",
                "ERRO pool pool event buffer overflowed, discarding event 1",
            ],
        )
        self.assertEqual(stage.pool.stats().discarded, 2)

    def test_put_back(self) -> None:
        """An event that comes back to a full backlog displaces the oldest there."""
        stage = Stage(buffer_size=2)
        stage.start()
        stage.say(READY)
        stage.send("a")
        stage.send("b", "c")
        stage.say(FAIL)
        self.assertEqual([each.serial for each in stage.pool.backlog], [0, 2])

    def test_burst(self) -> None:
        """Without buffer_size bytes count; a burst of losses is told when it begins and ends."""
        stage = Stage()
        stage.start()
        stage.pool.backlog.most_bytes = 4000
        messages = Messages(self)
        stage.send(*(f"{number:100}" for number in range(20)))
        kept = [each.serial for each in stage.pool.backlog]
        self.assertEqual(kept, list(range(11, 20)))
        overflowed = "ERRO pool pool event buffer overflowed, discarding event 0"
        self.assertEqual(messages.all, [overflowed])
        stage.say(READY)
        for _ in kept:
            stage.say(OK + READY)
        told = [text for text in messages.all if text.startswith("ERRO")]
        self.assertEqual(
            told,
            [
                overflowed,
                "ERRO pool pool has room for events again: 11 were discarded, from 0 to 10",
            ],
        )
        self.assertEqual(len(stage.got()), 9)

    def test_end_of_a_burst(self) -> None:
        """What was discarded until the pool is let go of is told then."""
        stage = Stage()
        messages = Messages(self)
        stage.pool.backlog.most_bytes = 1000
        stage.send(*"abcdef")
        stage.supervisor.remove("pool")
        self.assertEqual(
            messages.all[-1], "ERRO pool pool is no more: 3 were discarded, from 0 to 2"
        )

    def test_huge(self) -> None:
        """An event that is larger than all that may wait is kept all the same, alone."""
        stage = Stage()
        stage.pool.backlog.most_bytes = 4000
        stage.send("a", "b" * 5000)
        self.assertEqual([each.serial for each in stage.pool.backlog], [1])


class ProtocolErrorTests(SynchronousTestCase):
    def test_ignored(self) -> None:
        """A listener that breaks the protocol is left alone, unless it is told otherwise."""
        stage = Stage()
        stage.start()
        stage.say(b"hello world\n")
        self.assertEqual(stage.child().signals, [])

    def test_restarted(self) -> None:
        """With on_protocol_error=restart it is ended, and its autorestart starts it anew."""
        stage = Stage(on_protocol_error="restart")
        stage.start()
        stage.say(READY)
        stage.send("x")
        stage.say(b"what?\n")
        self.assertEqual(len(stage.spawner.children), 2)
        stage.clock.advance(1)
        stage.say(READY)
        self.assertEqual(stage.got(), ["x"])

    def test_polite(self) -> None:
        """One that answers the signal with an exit that is expected is started anew as well."""
        stage = Stage(on_protocol_error="restart", obeys=())
        stage.start()
        stage.say(b"hello world\n")
        self.assertEqual(stage.child().signals, ["TERM"])
        stage.child().exit(0)
        self.assertIs(stage.pool.processes["a"].state, S.EXITED)
        stage.clock.advance(0)
        stage.clock.advance(0)
        self.assertEqual(len(stage.spawner.children), 2)
        self.assertEqual(stage.clock.getDelayedCalls()[1:], [])  # but for its startsecs

    def test_stubborn(self) -> None:
        """One that does not obey is killed after stopwaitsecs."""
        stage = Stage(
            on_protocol_error="restart",
            obeys=("KILL",),
            program={"stopwaitsecs": 3, "stopasgroup": True, "killasgroup": True},
        )
        stage.start()
        stage.say(b"hello world\n")
        stage.clock.advance(2.9)
        self.assertEqual(stage.child().group_signals, ["TERM"])
        stage.clock.advance(0.1)
        self.assertEqual(stage.spawner.children[0].group_signals, ["TERM", "KILL"])
        stage.clock.advance(0)
        stage.clock.advance(0)
        self.assertEqual(len(stage.spawner.children), 2)

    def test_stopped(self) -> None:
        """One that somebody stops meanwhile stays down."""
        stage = Stage(on_protocol_error="restart", obeys=())
        stage.start()
        stage.say(b"hello world\n")
        stage.pool.processes["a"].stop()
        stage.child().exit(0)
        stage.clock.advance(0)
        self.assertEqual(len(stage.spawner.children), 1)
        self.assertEqual(stage.clock.getDelayedCalls(), [])

    def test_stopped_by_somebody(self) -> None:
        """One that somebody stops meanwhile is killed when that stop is overdue, once."""
        stage = Stage(on_protocol_error="restart", obeys=(), program={"stopwaitsecs": 5})
        stage.start()
        messages = Messages(self)
        stage.say(b"hello world\n")
        stage.clock.advance(4)
        stage.pool.processes["a"].stop()
        stage.clock.advance(4.9)
        self.assertEqual(stage.child().signals, ["TERM", "TERM"])
        stage.clock.advance(0.1)
        self.assertEqual(stage.child().signals, ["TERM", "TERM", "KILL"])
        self.assertEqual(len([each for each in messages.all if "killing 'a'" in each]), 1)

    def test_not_too_often(self) -> None:
        """One that counts as up at once is started once in a second at most, and so for ever."""
        for autorestart in AutoRestart:
            program = {"startsecs": 0, "autorestart": autorestart}
            stage = Stage(on_protocol_error="restart", program=program)
            stage.supervisor.start()
            stage.clock.advance(0)
            for count in (1, 2, 3):
                stage.say(b"Welcome to this listener\n")
                stage.clock.pump([0, 0.9, 0])
                self.assertEqual(len(stage.spawner.children), count)
                stage.clock.pump([0.1, 0])

    def test_stopped_while_it_waits(self) -> None:
        """One that is to be started anew in a moment can be stopped, and that leaves no timer."""
        stage = Stage(on_protocol_error="restart", program={"startsecs": 0})
        stage.supervisor.start()
        stage.clock.advance(0)
        stage.say(b"hello world\n")
        self.assertEqual(len(stage.clock.getDelayedCalls()), 1)
        stage.pool.processes["a"].stop()
        self.assertEqual(stage.clock.getDelayedCalls(), [])

    def test_quick(self) -> None:
        """One that does so as soon as it is started is given up in the end."""
        stage = Stage(on_protocol_error="restart", program={"startretries": 1})
        stage.supervisor.start()
        for _ in range(5):
            stage.clock.advance(0)
            if stage.child().alive:
                stage.child().say(1, b"Welcome to this listener\n")
            stage.clock.advance(0)
            stage.clock.advance(1)
        self.assertIs(stage.pool.processes["a"].state, S.FATAL)
        self.assertEqual(len(stage.spawner.children), 2)


class EndTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.stage = Stage("a", "b", obeys=(), program={"stopwaitsecs": 5})
        self.stage.start()

    def stop(self) -> None:
        self.stage.supervisor.stop(SupervisorState.SHUTDOWN)
        self.stage.clock.advance(0)

    def signals(self) -> list[list[str]]:
        return [self.stage.child(name).signals for name in "ab"]

    def test_nothing_to_tell(self) -> None:
        """Listeners that know everything are stopped at once."""
        self.stage.say(READY)
        self.stop()
        self.assertEqual(self.signals(), [["TERM"], ["TERM"]])

    def test_drained(self) -> None:
        """Listeners are told what they have yet to hear, and stopped then."""
        self.stage.say(READY)
        self.stage.send("x", "y")
        self.stop()
        self.stage.say(OK + READY)
        self.assertEqual((self.stage.got(), self.signals()), (["x", "y"], [[], []]))
        self.stage.say(OK)
        self.assertEqual(self.signals(), [["TERM"], ["TERM"]])

    def test_overdue(self) -> None:
        """They are given stopwaitsecs for that."""
        self.stage.say(READY)
        self.stage.send("x", "y")
        self.stop()
        self.stage.clock.advance(4.9)
        self.assertEqual(self.signals(), [[], []])
        self.stage.clock.advance(0.1)
        self.assertEqual(self.signals(), [["TERM"], ["TERM"]])

    def test_nobody_to_tell(self) -> None:
        """Where no listener ever asked, or all that did are out of service, nobody waits."""
        self.stage.send("x")
        self.stage.say(READY)
        self.stop()
        self.assertEqual(self.signals(), [[], []])
        self.stage.say(b"nonsense\n")
        self.assertEqual(self.signals(), [["TERM"], ["TERM"]])

    def test_dies_meanwhile(self) -> None:
        """Where the last one that can be told ends, the rest is stopped."""
        self.stage.say(READY)
        self.stage.send("x")
        self.stop()
        self.stage.child("a").die("KILL")
        self.assertEqual(self.stage.child("b").signals, ["TERM"])

    def test_not_restarted(self) -> None:
        """A listener that breaks the protocol in a shutdown is not started anew."""
        stage = Stage("a", "b", on_protocol_error="restart", obeys=())
        stage.start()
        stage.say(READY, "b")
        stage.send("x")
        stage.supervisor.stop(SupervisorState.SHUTDOWN)
        stage.say(b"nonsense\n")
        self.assertEqual(stage.child("a").signals, [])

    def test_stopped_alone(self) -> None:
        """One that is stopped by itself is not waited for; what comes is kept for its next run."""
        self.stage.say(READY)
        self.stage.send("x")
        process = self.stage.pool.processes["a"]
        process.stop(ending.STOPPED, "somebody")
        self.assertEqual(self.stage.child("a").signals, ["TERM"])
        self.stage.child("a").die("TERM")
        self.stage.send("y")
        process.feed(Start())
        self.stage.clock.advance(0)
        self.stage.clock.advance(1)
        self.stage.say(READY)
        self.stage.say(OK + READY)
        self.assertEqual(self.stage.got(), ["x", "y"])

    def test_closed(self) -> None:
        """A pool that is let go of hears nothing and leaves no timer."""
        self.stage.say(READY)
        self.stage.send("x")
        for name in "ab":
            self.stage.child(name).exit(0)
        self.stage.supervisor.remove("pool")
        self.stage.clock.advance(0)
        self.assertEqual(self.stage.clock.getDelayedCalls(), [])
        self.assertFalse(self.stage.bus.wants("REMOTE_COMMUNICATION"))


class ChangeTests(SynchronousTestCase):
    def test_settle(self) -> None:
        """A pool goes on under another configuration; what is too much now goes."""
        stage = Stage()
        stage.send("a", "b", "c")
        before = stage.pool.config
        stage.pool.settle(
            PoolConfig("pool", 5, before.processes, events=("TICK_5",), buffer_size=1)
        )
        stage.send("d")
        self.assertEqual([each.serial for each in stage.pool.backlog], [2])
        self.assertTrue(stage.bus.wants("TICK_5"))
        self.assertEqual(stage.pool.priority, 5)

    def test_place(self) -> None:
        """A pool that hears of the same as before stays before those who subscribed after it."""
        stage = Stage()
        serials: list[int | None] = []
        stage.bus.subscribe("EVENT", lambda occurrence: serials.append(occurrence.serial))
        stage.pool.settle(stage.pool.config)
        stage.send("x")
        self.assertEqual(serials, [0])

    def test_fewer(self) -> None:
        """What is known of a process goes with it; one of the same name begins anew."""
        stage = Stage("a", "b")
        stage.start()
        stage.say(READY)
        stage.send("x")
        stage.say(OK)
        stage.child().exit(0)
        process = stage.pool.processes.pop("a")
        stage.pool.settle(stage.pool.config)
        self.assertIsNone(stage.pool.listener("a"))
        stage.pool.processes["a"] = process
        self.assertEqual([each.handed for each in stage.pool.stats().listeners], [0, 0])

    def test_stats(self) -> None:
        """A pool tells how it keeps up."""
        stage = Stage("a", "b", buffer_size=7)
        stage.start()
        stage.say(READY)
        stage.send("x", "y")
        stats = stage.pool.stats()
        self.assertEqual((stats.waiting, stats.buffer_size, stats.buffer_bytes), (1, 7, None))
        self.assertEqual(
            (stats.accepted, stats.processed, stats.events), (2, 0, stage.pool.config.events)
        )
        a, b = stats.listeners
        self.assertEqual((a.name, a.listener_state, a.in_hand, a.handed), ("a", L.BUSY, 0, 1))
        self.assertEqual((b.listener_state, b.in_hand, b.handed), (L.ACKNOWLEDGED, None, 0))
