"""Following events by HTTP: what is told, to whom, and what becomes of slow readers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

import supervisor_tx
from supervisor_tx.core.events import (
    Event,
    ProcessLogEvent,
    ProcessStateEvent,
    RemoteCommunicationEvent,
    SupervisorStateEvent,
)
from supervisor_tx.core.states import ProcessState
from supervisor_tx.supervision.broadcast import Broadcast
from supervisor_tx.supervision.bus import EventBus
from supervisor_tx.web.events import PIECE
from supervisor_tx.web.sse import KEEP_ALIVE, STUCK
from tests.web.stream import Message, Reader, messages
from tests.web.wire import World, request


class FakeDaemon:
    """A daemon that only tells events."""

    def __init__(self, most_kept: int = 5) -> None:
        self.clock = Clock()
        self.broadcast = Broadcast(
            self.clock, lambda: 1.5, "boot", most_kept=most_kept, most_live=3
        )
        self.bus = EventBus()
        self.broadcast.attach(self.bus)


class EventsTestCase(SynchronousTestCase):
    most_kept = 5

    def setUp(self) -> None:
        self.daemon = FakeDaemon(self.most_kept)
        self.world = World(daemon=self.daemon)
        self.reader = self.connect()

    def connect(self) -> Reader:
        reader = Reader(self.world.connect())
        self.addCleanup(reader.wire.vanish)
        return reader

    def follow(self, query: str = "", version: str = "1.1", **fields: str) -> Reader:
        """Begin to follow, on a new connection."""
        reader = self.connect()
        answer = reader.begin(f"/api/v1/events{query}", version, **fields)
        self.assertEqual(answer.code, 200)
        return reader

    def publish(self, event: Event) -> None:
        self.daemon.bus.publish(event.name, lambda: event)

    def say(self, *texts: str) -> None:
        for text in texts:
            self.publish(RemoteCommunicationEvent("t", text))
        self.world.turn()

    def log(self, data: bytes) -> None:
        self.publish(ProcessLogEvent("p", "g", 1, "stdout", data))
        self.world.turn()

    def said(self, reader: Reader) -> list[tuple[str, Any]]:
        """Return ids and data of what clients have said, and kinds of what else was told."""
        return [(known, name or data["data"]) for name, known, data in reader.take()]


class AnswerTests(EventsTestCase):
    def test_head(self) -> None:
        """The answer is a stream, which nobody on the way is to keep or collect."""
        answer = self.reader.begin("/api/v1/events")
        self.assertEqual(answer.headers["content-type"], "text/event-stream")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertEqual(answer.headers["x-accel-buffering"], "no")
        self.assertEqual(answer.headers["transfer-encoding"], "chunked")
        self.assertEqual(self.reader.raw(), b"retry: 2000\nid: boot-0\n\n")

    def test_message(self) -> None:
        """An event is a message with an id and a line of JSON."""
        reader = self.follow()
        reader.take()
        self.publish(ProcessStateEvent("p", "g", ProcessState.STARTING, ProcessState.RUNNING, 12))
        self.world.turn()
        self.assertEqual(
            reader.raw(),
            b'id: boot-1\ndata: {"type":"PROCESS_STATE_RUNNING","when":1.5,"group":"g",'
            b'"process":"p","from_state":"STARTING","state":"RUNNING","pid":12}\n\n',
        )

    def test_one_zero(self) -> None:
        """A client of HTTP/1.0 gets it as it is."""
        answer = self.reader.begin("/api/v1/events", "1.0")
        self.assertNotIn("transfer-encoding", answer.headers)
        self.say("a\nb")
        [message] = messages(self.reader.wire.take())
        self.assertEqual(message.data["data"], "a\nb")

    def test_only_head(self) -> None:
        """HEAD is told what it would be, and nobody follows."""
        answer = self.reader.begin("/api/v1/events", method="HEAD")
        self.assertEqual((answer.code, answer.headers["transfer-encoding"]), (200, "chunked"))
        self.assertEqual(self.reader.wire.take(), b"")
        self.assertEqual(self.world.clock.getDelayedCalls(), [])
        self.assertEqual(self.reader.wire.ask(request("GET", "/ok.html")).body, b"OK")

    def test_other_methods(self) -> None:
        """Nothing else can be done with it."""
        for method in ("POST", "PUT", "DELETE"):
            answer = self.reader.begin("/api/v1/events", method=method)
            self.assertEqual((answer.code, answer.headers["allow"]), (405, "GET, HEAD"))
            self.assertEqual(answer.headers["content-type"], "application/problem+json")

    def test_bad_filters(self) -> None:
        """What makes no sense is refused, with the reason."""
        for query, word in (
            ("type=PROCESS_STATES", "PROCESS_STATES"), ("type=", "''"), ("types=TICK", "'types'"),
            ("process=", "''"), ("process=a:b:c", "a:b:c"), ("process=:b", ":b"),
            ("type=TICK&process=a,,b", "''"), ("last_event_id=a&last_event_id=b", "only once"),
            ("type=%ff", "read"), ("%00=", "\\x00"),
        ):  # fmt: skip
            answer = self.reader.begin(f"/api/v1/events?{query}")
            self.assertEqual(answer.code, 400, query)
            self.assertEqual(answer.headers["content-type"], "application/problem+json")
            problem = json.loads(answer.body)
            self.assertEqual((problem["status"], problem["title"]), (400, "Bad Request"))
            self.assertIn(word, problem["detail"])
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_filters(self) -> None:
        """Types and processes can be several, in one parameter or more, in any case."""
        reader = self.follow("?type=process_state_running,TICK_5&type=TICK_60&process=g:p,h:*")
        reader.take()
        self.say("nobody wants this")
        for process, group in (("p", "g"), ("q", "g"), ("x", "h")):
            for state in (ProcessState.RUNNING, ProcessState.STOPPING):
                self.publish(ProcessStateEvent(process, group, ProcessState.STARTING, state))
            self.world.turn()
        self.assertEqual([message.data["process"] for message in reader.take()], ["p", "x"])

    def test_behind_the_password(self) -> None:
        """It is for those only who may ask."""
        world = World("u", "p", daemon=self.daemon)
        reader = Reader(world.connect())
        self.assertEqual(reader.begin("/api/v1/events").code, 401)
        reader = Reader(world.connect())
        self.addCleanup(reader.wire.vanish)
        self.assertEqual(reader.begin("/api/v1/events", Authorization="Basic dTpw").code, 200)


class CostTests(SynchronousTestCase):
    def test_no_klein(self) -> None:
        """What is needed for it is little: nothing of what makes pages."""
        program = (
            "import sys; from supervisor_tx.web import site, sse, streams; "
            "print([name for name in ('klein', 'werkzeug', 'OpenSSL') if name in sys.modules])"
        )
        path = Path(supervisor_tx.__file__).parents[1]
        printed = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(path)!r}); {program}"],
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertIn(printed.stdout.strip(), ("[]", "['OpenSSL']"))


class FollowingTests(EventsTestCase):
    def test_together(self) -> None:
        """What happens together is told together, and later than it happens."""
        reader = self.follow()
        reader.take()
        self.publish(RemoteCommunicationEvent("t", "a"))
        self.publish(RemoteCommunicationEvent("t", "b"))
        self.assertEqual(reader.wire.heard, b"")
        self.world.turn()
        self.assertEqual(reader.wire.heard.count(b"\r\n"), 2)
        self.assertEqual(self.said(reader), [("boot-1", "a"), ("boot-2", "b")])

    def test_back(self) -> None:
        """Who comes back by its last id is told what happened meanwhile, then the rest."""
        reader = self.follow()
        self.say("a")
        self.assertEqual(self.said(reader), [("boot-1", "a")])
        reader.wire.vanish()
        self.say("b", "c")
        for query, fields in (
            ("", {"Last_Event_ID": "boot-1"}),
            ("?last_event_id=boot-1", {}),
            ("?last_event_id=boot-0", {"Last_Event_ID": "boot-1"}),
        ):
            reader = self.follow(query, **fields)
            self.assertEqual(self.said(reader), [("boot-2", "b"), ("boot-3", "c")])
        self.say("d")
        self.assertEqual(self.said(reader), [("boot-4", "d")])

    def test_too_late(self) -> None:
        """Who comes too late is told so first, and by which id to come back from then on."""
        self.follow()
        self.say(*"abcdefgh")
        reader = self.follow(Last_Event_ID="boot-1")
        [first, *rest] = reader.take()
        self.assertEqual(first, Message("missed", "boot-3", {"count": 2, "after": "boot-1"}))
        self.assertEqual([each.data["data"] for each in rest], list("defgh"))
        self.assertFalse(reader.is_over)

    def test_other_boot(self) -> None:
        """Who comes back after the daemon has gone has missed nobody knows what."""
        self.follow()
        self.say("a")
        reader = self.follow(Last_Event_ID="other-7")
        [first, second] = reader.take()
        self.assertEqual(first, Message("missed", "boot-0", {"count": None, "after": None}))
        self.assertEqual((second.known, second.data["data"]), ("boot-1", "a"))

    def test_live(self) -> None:
        """Output has no id: it is not told again."""
        reader = self.follow("?type=PROCESS_LOG,REMOTE_COMMUNICATION")
        reader.take()
        self.say("a")
        self.log(b"out\n")
        self.assertEqual(self.said(reader), [("boot-1", "a"), ("", "out\n")])
        self.assertFalse(self.follow().take())

    def test_alive(self) -> None:
        """Now and then there is a sign of life, with the id that is the latest by then."""
        reader = self.follow("?type=PROCESS_STATE")
        reader.take()
        self.say("not asked for")
        self.assertEqual(reader.wire.heard, b"")
        self.world.clock.advance(KEEP_ALIVE)
        self.world.turn()
        self.assertEqual(reader.raw(), b": alive\nid: boot-1\n\n")
        self.world.clock.advance(KEEP_ALIVE)
        self.world.turn()
        self.assertEqual(reader.raw(), b": alive\nid: boot-1\n\n")

    def test_nobody_left(self) -> None:
        """When the last one has gone no timer is left."""
        readers = [self.follow() for _ in range(3)]
        for reader in readers:
            self.assertNotEqual(self.world.clock.getDelayedCalls(), [])
            reader.wire.vanish()
        self.say("a")
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_many(self) -> None:
        """All are told, however many there are."""
        readers = [self.follow() for _ in range(300)]
        self.say("a")
        for reader in readers:
            self.assertEqual(self.said(reader), [("boot-1", "a")])

    def test_defect(self) -> None:
        """If one of them cannot be told something, that is its own affair."""
        broken, other = self.follow(), self.follow()

        def fail(_: bytes) -> None:
            raise RuntimeError("a defect")

        broken.wire.channel.send = fail
        self.say("a")
        self.assertEqual(self.said(other), [("boot-1", "a")])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertTrue(broken.wire.aborted)
        self.say("b")
        self.assertEqual(self.said(other), [("boot-2", "b")])

    def test_connection_goes_on(self) -> None:
        """After the end of a stream the connection can be asked for something else."""
        reader = self.follow()
        reader.wire.channel.restarted()
        [end] = reader.take()
        self.assertEqual((end.name, end.data), ("end", {"reason": "restart"}))
        self.assertTrue(reader.is_over)
        self.assertEqual(reader.wire.ask(request("GET", "/ok.html")).body, b"OK")
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_farewell(self) -> None:
        """At the end it is told all that has happened, and that it is the end."""
        reader = self.follow()
        reader.take()
        self.publish(SupervisorStateEvent("STOPPING"))
        reader.wire.channel.bid_farewell()
        stopping, end = reader.take()
        self.assertEqual(stopping.data["state"], "STOPPING")
        self.assertEqual((end.name, end.data), ("end", {"reason": "shutdown"}))
        self.assertTrue(reader.is_over and reader.wire.closed)


class SlowTests(EventsTestCase):
    def slow(self, query: str = "") -> Reader:
        """Follow, and then take nothing."""
        reader = self.follow(query)
        reader.take()
        reader.wire.channel.pauseProducing()
        return reader

    def wake(self, reader: Reader) -> None:
        """Take what has come."""
        reader.wire.channel.resumeProducing()
        self.world.turn()

    def test_nothing_is_sent(self) -> None:
        """A slow reader is told nothing until it reads, and then everything."""
        reader = self.slow()
        self.say("a", "b")
        self.assertEqual(reader.wire.heard, b"")
        self.wake(reader)
        self.assertEqual(self.said(reader), [("boot-1", "a"), ("boot-2", "b")])

    def test_too_slow(self) -> None:
        """If what it has missed is gone by then, it is told so and sent away; it can come back."""
        reader = self.slow()
        self.say(*"abcdefg")
        self.wake(reader)
        missed, end = reader.take()
        self.assertEqual(missed, Message("missed", "boot-2", {"count": 2, "after": "boot-0"}))
        self.assertEqual((end.name, end.data), ("end", {"reason": "too slow"}))
        self.assertTrue(reader.is_over and reader.wire.closed)
        reader = self.follow(Last_Event_ID=missed.known)
        self.assertEqual([what for _, what in self.said(reader)], list("cdefg"))

    def test_too_slow_for_output(self) -> None:
        """So it is with output, of which hardly any is kept."""
        reader = self.slow("?type=PROCESS_LOG")
        for data in (b"1", b"2", b"3"):
            self.log(data)
        self.wake(reader)
        self.assertEqual(self.said(reader), [("", "1"), ("", "2"), ("", "3")])
        reader.wire.channel.pauseProducing()
        for data in (b"1", b"2", b"3", b"4"):
            self.log(data)
        self.wake(reader)
        self.assertEqual([message.name for message in reader.take()], ["missed", "end"])
        self.assertTrue(reader.wire.closed)

    def test_stuck(self) -> None:
        """One that does not read for a long time is cut off."""
        reader, other = self.slow(), self.follow()
        for _ in range(int(STUCK // KEEP_ALIVE)):
            self.assertFalse(reader.wire.aborted)
            self.world.clock.advance(KEEP_ALIVE)
            self.world.turn()
        self.assertTrue(reader.wire.aborted)
        self.assertEqual(reader.wire.take(), b"")
        self.assertFalse(other.wire.aborted)

    def test_not_stuck(self) -> None:
        """One that reads now and then is not."""
        reader = self.slow()
        for _ in range(10):
            self.world.clock.advance(KEEP_ALIVE)
            self.wake(reader)
            reader.wire.channel.pauseProducing()
        self.assertFalse(reader.wire.aborted)

    def test_farewell(self) -> None:
        """At the end one that does not read is told no more than that."""
        reader = self.slow()
        self.say("a")
        reader.wire.channel.bid_farewell()
        self.assertEqual([message.name for message in reader.take()], ["end"])


class PiecesTests(EventsTestCase):
    most_kept = 1000

    def test_pieces(self) -> None:
        """Much is sent in pieces, and no more when the reader has enough."""
        self.follow()
        text = "x" * 10_000
        self.say(*[text] * 20)
        reader = self.connect()
        reader.begin("/api/v1/events", Last_Event_ID="boot-0")
        self.assertLess(len(reader.wire.heard), PIECE + 2 * len(text))
        reader.wire.channel.pauseProducing()
        first = reader.take()
        self.world.turn()
        self.assertEqual(reader.take(), [])
        reader.wire.channel.resumeProducing()
        self.world.turn()
        self.assertEqual(len(first) + len(reader.take()), 20)
