"""Logs as messages: text with its place, over everything that can happen to a file."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.supervision.logs import watch
from supervisor_tx.supervision.logs.logfile import LogFile
from supervisor_tx.web.follow import PIECE
from supervisor_tx.web.logstream import BEGINNING, LAST_PIECES
from supervisor_tx.web.sse import KEEP_ALIVE, STUCK
from tests.web.stream import Message, Reader
from tests.web.test_events import FakeDaemon
from tests.web.wire import World, request

URI = "/api/v1/processes/group:p/logs/stdout/stream"


class LogStreamTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "log")
        self.world = World(daemon=FakeDaemon())
        self.world.logs.paths["group:p", 1] = str(self.path)

    def log(self, maxbytes: int = 0, backups: int = 0) -> LogFile:
        log = LogFile(str(self.path), maxbytes, backups)
        self.addCleanup(log.close)
        return log

    def connect(self) -> Reader:
        reader = Reader(self.world.connect())
        self.addCleanup(reader.wire.vanish)
        return reader

    def follow(self, query: str = "", **fields: str) -> Reader:
        """Begin to follow, on a new connection."""
        reader = self.connect()
        self.assertEqual(reader.begin(URI + query, **fields).code, 200)
        return reader

    def told(self, reader: Reader) -> list[Any]:
        """Return what was told since the last time: texts, and the kinds of what else there is."""
        self.world.turn()
        return [name or data["text"] for name, _, data in reader.take()]

    def messages(self, reader: Reader) -> list[Message]:
        self.world.turn()
        return reader.take()


class AnswerTests(LogStreamTestCase):
    def test_message(self) -> None:
        """A message has the place of its text, and an id to go on from after it."""
        self.path.write_bytes(b"old\n")
        log, reader = self.log(), self.connect()
        answer = reader.begin(URI)
        self.assertEqual(answer.headers["content-type"], "text/event-stream")
        self.assertRegex(reader.raw(), rb"\Aretry: 2000\nid: 4-[0-9a-f]{8}\n\n\Z")
        log.write(b"n\xc3\xa4w\n")
        [message] = self.messages(reader)
        self.assertEqual(message.data, {"offset": 4, "end": 9, "text": "näw\n"})
        self.assertRegex(message.known, r"\A9-[0-9a-f]{8}\Z")

    def test_addresses(self) -> None:
        """Each log has its address; names may be written with percent signs."""
        self.path.touch()
        self.world.logs.paths["a/b:c d", 2] = self.world.logs.main = str(self.path)
        for uri in (
            "/api/v1/logs/main/stream",
            "/api/v1/processes/a%2Fb%3Ac%20d/logs/stderr/stream",
            "/api/v1/processes/group%3Ap/logs/stdout/stream",
        ):
            self.assertEqual(self.connect().begin(uri).code, 200, uri)

    def test_not_found(self) -> None:
        """What is no log of anybody is not found, and the answer says why."""
        self.world.logs.paths["none", 1] = None
        self.world.logs.paths["device", 1] = "/dev/null"
        for uri, word in (
            ("/api/v1/logs/main/stream", "no file"),
            ("/api/v1/processes/other/logs/stdout/stream", "'other'"),
            ("/api/v1/processes/%FF/logs/stdout/stream", "no process"),
            ("/api/v1/processes/none/logs/stdout/stream", "no log file for its stdout"),
            ("/api/v1/processes/device/logs/stdout/stream", "no regular file"),
            ("/api/v1/processes/group:p/logs/stdin/stream", "and no other"),
        ):
            answer = self.connect().begin(uri)
            self.assertEqual(answer.code, 404, uri)
            self.assertEqual(answer.headers["content-type"], "application/problem+json")
            self.assertIn(word, json.loads(answer.body)["detail"])

    def test_bad_queries(self) -> None:
        """What makes no sense is refused."""
        self.path.touch()
        for query in (
            "offset=x", "offset=-1", "tail=-1", "offset=1&tail=1", "offset=1&offset=2", "lines=5",
            "offset=" + "9" * 30, "tail=%C2%B2", "last_event_id=x", "last_event_id=-1",
        ):  # fmt: skip
            answer = self.connect().begin(f"{URI}?{query}")
            self.assertEqual(answer.code, 400, query)
            self.assertEqual(json.loads(answer.body)["status"], 400)
        self.assertEqual(watch.WATCHED, {})

    def test_too_many(self) -> None:
        """So many may follow something that others can still ask; the rest give up their places."""
        self.path.touch()
        self.world.site.has_room_for_stream = lambda: False
        for uri in (URI, "/api/v1/events"):
            client = self.connect()
            answer = client.begin(uri)
            self.assertEqual((answer.code, answer.headers["retry-after"]), (503, "5"))
            self.assertTrue(client.wire.closed)
        client = self.connect()
        self.assertEqual(client.begin("/logtail/group:p").code, 503)
        self.assertTrue(client.wire.closed)

    def test_methods(self) -> None:
        """A log can only be read; HEAD leaves nothing behind."""
        self.path.touch()
        self.assertEqual(self.connect().begin(URI, method="POST").code, 405)
        self.assertEqual(self.connect().begin(URI, method="HEAD").code, 200)
        self.assertEqual(watch.WATCHED, {})
        self.assertEqual(self.world.clock.getDelayedCalls(), [])


class PlaceTests(LogStreamTestCase):
    """Where it begins."""

    def test_end(self) -> None:
        """By default it begins with what comes next."""
        self.path.write_bytes(b"old")
        reader = self.follow()
        self.assertEqual(self.told(reader), [])

    def test_tail(self) -> None:
        """It may begin with so many bytes of the end, and never within a character."""
        self.path.write_bytes("xä€😀".encode())
        for tail, text in (
            (0, None), (1, "😀"), (4, "😀"), (5, "€😀"), (7, "€😀"), (8, "ä€😀"), (10, "xä€😀"),
            (99, "xä€😀"),
        ):  # fmt: skip
            reader = self.follow(f"?tail={tail}")
            self.assertEqual(self.told(reader), [text] if text else [], tail)

    def test_offset(self) -> None:
        """It may begin anywhere; beyond the end it has to begin from the beginning."""
        self.path.write_bytes(b"0123456789")
        self.assertEqual(self.told(self.follow("?offset=0")), ["0123456789"])
        self.assertEqual(self.told(self.follow("?offset=7")), ["789"])
        self.assertEqual(self.told(self.follow("?offset=10")), [])
        reader = self.follow("?offset=11")
        truncated, text = self.messages(reader)
        self.assertEqual((truncated.name, truncated.data), ("truncated", {"offset": 0}))
        self.assertEqual(text.data["offset"], 0)
        self.assertEqual(self.told(self.follow(Last_Event_ID="7")), ["789"])

    def test_half_a_character(self) -> None:
        """With half a character at the end it begins before that."""
        self.path.write_bytes(b"a\xe2\x82")
        log, reader = self.log(), self.follow()
        self.assertEqual(self.told(reader), [])
        log.write(b"\xac")
        self.assertEqual(self.told(reader), ["€"])

    def test_not_yet(self) -> None:
        """A log that is not there yet is awaited."""
        reader = self.follow("?tail=1000")
        self.assertEqual(reader.raw(), b"retry: 2000\nid: 0\n\n")
        self.log().write(b"first\n")
        self.assertEqual(self.told(reader), ["first\n"])

    def last(self, reader: Reader) -> str:
        """Return the id of the last message, and vanish."""
        known = self.messages(reader)[-1].known
        reader.wire.vanish()
        return known

    def test_back(self) -> None:
        """Who comes back is told what was written meanwhile."""
        log, reader = self.log(), self.follow()
        log.write(b"one\n")
        known = self.last(reader)
        log.write(b"two\n")
        reader = self.follow(Last_Event_ID=known)
        self.assertEqual(self.told(reader), ["two\n"])
        log.write(b"three\n")
        self.assertEqual(self.told(reader), ["three\n"])

    def test_back_after_rotation(self) -> None:
        """If the file was moved away meanwhile, its rest is told, and then the new one."""
        log, reader = self.log(maxbytes=20, backups=2), self.follow()
        log.write(b"one\n")
        known = self.last(reader)
        log.write(b"two, and the end\n")
        log.write(b"new\n")
        self.assertEqual(
            self.told(self.follow(Last_Event_ID=known)), ["two, and the end\n", "rotated", "new\n"]
        )

    def test_back_too_late(self) -> None:
        """If it is gone altogether that is told, and it goes on with what there is."""
        log, reader = self.log(), self.follow()
        log.write(b"one\n")
        known = self.last(reader)
        for text in (b"other\n", b"o\n"):
            log.clear()
            log.write(text)
            missed, rest = self.messages(self.follow(Last_Event_ID=known))
            self.assertEqual(missed.name, "missed")
            self.assertEqual(missed.data, {"count": None, "after": known})
            self.assertEqual(rest.data["text"], text.decode())
        self.path.unlink()
        self.assertEqual(self.told(self.follow(Last_Event_ID=known)), ["missed"])


class FollowingTests(LogStreamTestCase):
    def test_characters(self) -> None:
        """Characters that come in pieces are told whole; what is no UTF-8 is told as U+FFFD."""
        log, reader = self.log(), self.follow()
        text = "ä€😀"
        for byte in text.encode():
            log.write(bytes([byte]))
            self.world.turn()
        self.assertEqual("".join(self.told(reader)), text)
        log.write(b"a\xffb\xe2\x82\n")
        self.assertEqual(self.told(reader), ["a\ufffdb\ufffd\n"])

    def test_characters_in_large(self) -> None:
        """So it is where a piece of the file ends."""
        text = "€" * PIECE
        self.path.write_text(text)
        found = self.messages(self.follow("?offset=0"))
        self.assertEqual("".join(message.data["text"] for message in found), text)
        self.assertGreater(len(found), 2)
        ends = [0, *(message.data["end"] for message in found)]
        self.assertEqual([message.data["offset"] for message in found], ends[:-1])

    @settings(deadline=None, max_examples=50)
    @given(st.lists(st.one_of(st.binary(max_size=9), st.text(max_size=9).map(str.encode))))
    def test_anything(self, pieces: list[bytes]) -> None:
        """Whatever is written, in whatever pieces, is told as if it had come at once."""
        self.path.write_bytes(b"")
        log, reader = self.log(), self.follow()
        told: list[Message] = []
        for piece in pieces:
            log.write(piece)
            told += self.messages(reader)
        log.write(b"\n")  # nothing is half any more
        told += self.messages(reader)
        text = "".join(message.data["text"] for message in told)
        self.assertEqual(text, (b"".join(pieces) + b"\n").decode("utf-8", "replace"))
        self.assertEqual(told[-1].data["end"], self.path.stat().st_size)
        log.close()
        reader.wire.vanish()

    def test_rotation(self) -> None:
        """Over rotations nothing is lost, and each is told."""
        log, reader = self.log(maxbytes=100, backups=3), self.follow()
        heard: list[str] = []
        for number in range(100):
            log.write(b"line %d\n" % number)
            heard += self.told(reader)
        lines = [each for each in heard if each != "rotated"]
        self.assertEqual("".join(lines), "".join(f"line {number}\n" for number in range(100)))
        self.assertGreater(heard.count("rotated"), 5)

    def test_half_a_character_at_the_end(self) -> None:
        """Half a character that is never completed is told when the file is over."""
        log, reader = self.log(), self.follow()
        log.write(b"a\xe2\x82")
        self.assertEqual(self.told(reader), ["a"])
        self.path.rename(self.path.with_suffix(".1"))
        log.reopen()
        log.write(b"b")
        self.assertEqual(self.told(reader), ["\ufffd", "rotated", "b"])

    def test_truncated(self) -> None:
        """A file that was cut is told from its beginning."""
        log, reader = self.log(), self.follow()
        log.write(b"a long line\n")
        self.told(reader)
        os.truncate(self.path, 0)
        log.write(b"new\n")
        [truncated, new] = self.messages(reader)
        self.assertEqual((truncated.name, truncated.data), ("truncated", {"offset": 0}))
        self.assertEqual(new.data, {"offset": 0, "end": 4, "text": "new\n"})

    def test_truncated_and_grown(self) -> None:
        """Also when it is larger again by the time that it is looked at."""
        for size in (4, 10 * BEGINNING):
            self.path.write_bytes(b"")
            log, reader = self.log(), self.follow()
            log.write(b"x" * size)
            self.told(reader)
            os.truncate(self.path, 0)
            log.write(b"y" * (2 * size))
            self.assertEqual(self.told(reader), ["truncated", "y" * (2 * size)])

    def test_slow(self) -> None:
        """Nothing is read for a reader that does not keep up, until it does."""
        log, reader = self.log(), self.follow()
        reader.wire.channel.pauseProducing()
        log.write(b"one\n")
        log.write(b"two\n")
        reader.take()
        self.assertEqual(self.told(reader), [])
        reader.wire.channel.resumeProducing()
        self.assertEqual(self.told(reader), ["one\ntwo\n"])

    def test_stuck(self) -> None:
        """One that does not read for a long time is cut off, and nothing is left of it."""
        self.log()
        reader = self.follow()
        reader.wire.channel.pauseProducing()
        self.world.clock.pump([KEEP_ALIVE] * int(STUCK // KEEP_ALIVE + 1))
        self.assertTrue(reader.wire.aborted)
        self.assertEqual(watch.WATCHED, {})
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_alive(self) -> None:
        """Now and then there is a sign of life, with the place."""
        self.log().write(b"abc")
        reader = self.follow()
        begin = reader.raw().partition(b"\n")[2]
        self.world.clock.advance(KEEP_ALIVE)
        self.world.turn()
        self.assertEqual(reader.raw(), b": alive\n" + begin)

    def test_moved(self) -> None:
        """If by the configuration the log is another one, or none, it ends soon."""
        for path in ("/other/log", None):
            self.world.logs.paths["group:p", 1] = str(self.path)
            self.log()
            reader = self.follow()
            reader.take()
            if path is None:
                del self.world.logs.paths["group:p", 1]
            else:
                self.world.logs.paths["group:p", 1] = path
            self.world.clock.advance(KEEP_ALIVE)
            [end] = self.messages(reader)
            self.assertEqual((end.name, end.data), ("end", {"reason": "moved"}))
            self.assertTrue(reader.wire.closed)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_unreadable(self) -> None:
        """If it cannot be read any more that is the end."""
        log, reader = self.log(), self.follow()
        reader.take()
        [stream] = [call.__self__ for call in watch.WATCHED[str(self.path)]]  # type: ignore[attr-defined]
        fd, stream._fd = stream._fd, os.open(self.path, os.O_WRONLY)
        self.addCleanup(os.close, fd)
        log.write(b"x")
        [end] = self.messages(reader)
        self.assertEqual((end.name, end.data), ("end", {"reason": "unreadable"}))
        self.assertTrue(reader.wire.closed)
        self.assertEqual(watch.WATCHED, {})

    def test_farewell(self) -> None:
        """At the end what has been written is told, unless it is very much."""
        log, reader = self.log(), self.follow()
        log.write(b"last words\n")
        reader.wire.channel.bid_farewell()
        text, end = reader.take()
        self.assertEqual((text.data["text"], end.name), ("last words\n", "end"))
        self.assertTrue(reader.wire.closed)
        self.assertEqual(watch.WATCHED, {})
        self.assertEqual(self.world.clock.getDelayedCalls(), [])
        reader = self.follow()
        log.write(b"x" * (PIECE * (LAST_PIECES + 3)))
        reader.wire.channel.bid_farewell()
        self.assertLess(len(reader.take()), LAST_PIECES + 3)

    def test_restart(self) -> None:
        """At a restart it ends, for its path may be another one afterwards; others go on."""
        self.log()
        reader = self.follow()
        plain = self.world.connect()
        self.addCleanup(plain.vanish)
        plain.say(request("GET", "/logtail/group:p"))
        for wire in (reader.wire, plain):
            wire.channel.restarted()
        self.assertEqual(self.told(reader), ["end"])
        self.assertTrue(reader.is_over)
        self.assertFalse(plain.take().endswith(b"0\r\n\r\n"))
