"""Logs in JSON and as bytes: pieces, ranges, and what cannot be had."""

from __future__ import annotations

import os
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import LogConfig
from supervisor_tx.core.states import SupervisorState
from supervisor_tx.web.api.downloads import PIECE, part
from tests.rpc.stage import NO_LOG, MemoryDaemon, P, T, group, program
from tests.web.api.stage import ApiTestCase
from tests.web.wire import Answer

STDOUT, STDERR, MAIN = "/processes/cat/logs/stdout", "/processes/cat/logs/stderr", "/logs/main"


class LogTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.directory / "cat.log"
        self.path.write_bytes(b"")
        log = LogConfig(logfile=str(self.path))
        self.run_groups(group("cat", program("cat", stdout=log, stderr=NO_LOG)))

    def write(self, data: bytes) -> None:
        self.path.write_bytes(data)

    def piece(self, path: str = STDOUT, **query: Any) -> tuple[int, int, int, str]:
        found = self.get(path, **query)
        return found["offset"], found["end"], found["size"], found["text"]


class PieceTests(LogTestCase):
    def test_pieces(self) -> None:
        """A piece has its place with it, by which to go on."""
        self.write(b"0123456789")
        queries: tuple[tuple[dict[str, int], tuple[int, int, int, str]], ...] = (
            ({}, (0, 10, 10, "0123456789")),
            ({"offset": 3}, (3, 10, 10, "3456789")),
            ({"offset": 3, "length": 2}, (3, 5, 10, "34")),
            ({"offset": -3}, (7, 10, 10, "789")),
            ({"offset": -3, "length": 1}, (7, 8, 10, "7")),
            ({"offset": -99, "length": 4}, (0, 4, 10, "0123")),
            ({"offset": 10}, (10, 10, 10, "")),
            ({"offset": 99}, (10, 10, 10, "")),
        )
        for query, piece in queries:
            self.assertEqual(self.piece(STDOUT, **query), piece, query)
        self.assertEqual(self.get(STDOUT)["path"], str(self.path))

    def test_characters(self) -> None:
        """No character is cut in two; what is none is told as such."""
        text = "aé€😀z"
        self.write(text.encode())
        size = len(text.encode())
        for length in range(1, size + 1):
            offset, read = 0, ""
            while offset < size:
                begin, offset, _, more = self.piece(offset=offset, length=length)
                self.assertGreater(offset, begin)
                read += more
            self.assertEqual(read, text)
        for back in range(1, size + 1):
            self.assertNotIn("\ufffd", self.piece(offset=-back)[3])
            self.assertTrue(text.endswith(self.piece(offset=-back)[3]))
        self.write(b"\xff\xfea\x80\x80\x80\x80\x80\xe2\x82")
        self.assertEqual(self.piece()[:3], (0, 10, 10))
        self.assertIn("\ufffda\ufffd", self.piece()[3])
        self.assertEqual(self.piece(length=1)[1], 1)

    def test_bounds(self) -> None:
        """A piece has a limit, and there is no piece of nothing."""
        for query in ("length=0", "length=1048577", "offset=x", "offset=1.5", "length=-1"):
            self.problem("GET", f"{STDOUT}?{query}", 422)
        self.write(b"x" * (2 << 20))
        self.assertEqual(self.piece(length=1 << 20)[1], 1 << 20)
        self.assertEqual(self.piece()[1], 65536)

    def test_missing(self) -> None:
        """What there is no log of is not found, with the reason."""
        self.assertIn("is configured", self.problem("GET", STDERR, 404)["detail"])
        self.path.unlink()
        self.assertIn(str(self.path), self.problem("GET", STDOUT, 404)["detail"])
        self.assertEqual(self.problem("GET", "/processes/cat/logs/x", 422)["member"], "channel")
        self.problem("GET", "/processes/nope/logs/stdout", 404)
        self.path.mkdir()
        self.assertIn("regular", self.problem("GET", STDOUT, 409)["detail"])

    def test_main(self) -> None:
        """The activity log is told in the same way, on the way down too."""
        self.daemon.logfile.write_bytes(b"one\ntwo\n")
        self.daemon.supervisor.stop(SupervisorState.SHUTDOWN)
        self.assertEqual(self.piece(MAIN, offset=-4), (4, 8, 8, "two\n"))
        self.write(b"x")
        self.assertEqual(self.piece()[3], "x")

    def test_clear(self) -> None:
        """It is begun anew where that is asked for."""
        self.problem("POST", f"{MAIN}/clear", 404)
        self.daemon.logfile.write_bytes(b"one\n")
        self.assertEqual(self.post(f"{MAIN}/clear"), {"done": True})
        self.assertEqual(self.daemon.logfile.read_bytes(), b"")
        self.daemon.logfile.unlink()
        self.daemon.logfile.mkdir()
        self.problem("POST", f"{MAIN}/clear", 409)


class DownloadTests(LogTestCase):
    def load(self, path: str = STDOUT, method: str = "GET", **headers: str) -> Answer:
        headers.setdefault("Accept", "application/octet-stream")
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(method, path, headers=fields)

    def test_whole(self) -> None:
        """All of it is sent as it is, however long it is, to be saved."""
        data = os.urandom(2 * PIECE + 5)
        self.write(data)
        for answer in (self.load(), self.load(f"{STDOUT}?download=true", Accept="*/*")):
            self.assertEqual((answer.code, answer.body == data), (200, True))
            self.assertEqual(answer.headers["content-type"], "application/octet-stream")
            self.assertIn('filename="cat.log"', answer.headers["content-disposition"])
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")

    def test_empty(self) -> None:
        """There may be nothing in it."""
        self.assertEqual((self.load().code, self.load().body), (200, b""))
        self.assertEqual(self.load(Range="bytes=0-5").code, 200)

    def test_head(self) -> None:
        """It is told how long it is."""
        self.write(b"12345")
        answer = self.load(method="HEAD")
        self.assertEqual((answer.headers["content-length"], answer.body), ("5", b""))
        self.assertEqual(answer.headers["accept-ranges"], "bytes")

    def test_ranges(self) -> None:
        """A part of it can be had."""
        self.write(b"0123456789")
        for asked, code, body, told in (
            ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
            ("bytes=8-", 206, b"89", "bytes 8-9/10"),
            ("bytes=-3", 206, b"789", "bytes 7-9/10"),
            ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
            ("bytes=1-2,4-5", 200, b"0123456789", None),
            ("lines=1-2", 200, b"0123456789", None),
            ("bytes=4-2", 200, b"0123456789", None),
        ):
            answer = self.load(Range=asked)
            self.assertEqual((answer.code, answer.body), (code, body), asked)
            self.assertEqual(answer.headers.get("content-range"), told)
        answer = self.load(Range="bytes=10-")
        self.assertEqual((answer.code, answer.headers["content-range"]), (416, "bytes */10"))

    def test_conditions(self) -> None:
        """A part is sent only of the log that is meant."""
        self.write(b"0123456789")
        os.utime(self.path, (1000, 1000))
        same, other = formatdate(1000, usegmt=True), formatdate(2000, usegmt=True)
        self.assertEqual(self.load().headers["last-modified"], same)
        self.assertEqual(self.load(Range="bytes=1-1", If_Range=same).code, 206)
        for condition in (other, '"tag"', "x"):
            self.assertEqual(self.load(Range="bytes=1-1", If_Range=condition).code, 200)

    def test_query(self) -> None:
        """The piece that its query asks for can be had as bytes too, without a limit."""
        self.write(b"0123456789")
        for query, body in (
            ("offset=-3", b"789"),
            ("offset=2&length=3", b"234"),
            ("length=3", b"012"),
            ("offset=99", b""),
        ):
            answer = self.load(f"{STDOUT}?{query}", Range="bytes=0-0")
            self.assertEqual((answer.code, answer.body), (200, body))

    def test_missing(self) -> None:
        """What is not there is told as a problem."""
        self.assertEqual(self.load(STDERR).code, 404)
        self.path.unlink()
        self.assertEqual(self.load().code, 404)
        self.path.mkdir()
        self.assertEqual(self.load().code, 409)

    def test_main(self) -> None:
        """The activity log is sent in the same way."""
        self.daemon.logfile.write_bytes(b"one\ntwo\n")
        self.assertEqual(self.load(MAIN).body, b"one\ntwo\n")

    def test_json_rather(self) -> None:
        """Who would rather have JSON gets that."""
        answer = self.load(Accept="application/octet-stream;q=0.5, application/json")
        self.assertEqual(answer.headers["content-type"], "application/json")


class FailingDaemon(MemoryDaemon):
    """A daemon whose disk may fail."""

    failing: OSError | None = None

    def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        def attempt() -> T:
            if self.failing is not None:
                raise self.failing
            return work(*args, **kwargs)

        return super().in_thread(attempt)


class SlowTests(LogTestCase):
    """Clients that take their time, and disks that do."""

    daemon: FailingDaemon
    kind = FailingDaemon

    def begin_download(self) -> None:
        self.data = os.urandom(3 * PIECE)
        self.write(self.data)
        self.daemon.waiting = []
        self.wire = self.begin("GET", STDOUT, headers={"Accept": "application/octet-stream"})
        self.daemon.waiting.pop(0)()
        self.assertTrue(self.wire.heard.endswith(b"\r\n\r\n"))
        self.wire.take()

    def test_paused(self) -> None:
        """What the client does not take is not read."""
        self.begin_download()
        self.wire.producer.pauseProducing()
        self.daemon.work()
        self.assertEqual(len(self.wire.heard), PIECE)
        self.wire.producer.resumeProducing()
        self.daemon.work()
        self.assertEqual(self.wire.heard, self.data)
        self.wire.say(b"GET /ok.html HTTP/1.1\r\n\r\n")
        self.assertTrue(self.wire.heard.endswith(b"OK"))

    def test_gone(self) -> None:
        """A client that goes has nothing left open."""
        self.begin_download()
        before = len(os.listdir("/proc/self/fd"))
        self.wire.vanish()
        self.daemon.work()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before - 1)
        self.daemon.waiting = []
        wire = self.begin("GET", STDOUT, headers={"Accept": "application/octet-stream"})
        wire.vanish()
        self.daemon.work()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before - 1)

    def test_cut(self) -> None:
        """Where the log is cut meanwhile, the client is not left to believe it has it all."""
        self.begin_download()
        os.truncate(self.path, 10)
        self.daemon.work()
        self.assertTrue(self.wire.aborted)

    def test_broken(self) -> None:
        """Neither is it where the disk fails."""
        self.begin_download()
        self.daemon.failing = OSError("the disk is gone")
        self.daemon.work()
        self.assertTrue(self.wire.aborted)


class DefectTests(LogTestCase):
    """What nobody has foreseen."""

    daemon: FailingDaemon
    kind = FailingDaemon

    def test_told(self) -> None:
        """It is told to the client as our own fault, and in the log."""
        self.daemon.failing = OSError("nobody has thought of that")
        for accept in ("application/json", "application/octet-stream"):
            answer = self.ask("GET", STDOUT, headers={"Accept": accept})
            self.assertEqual(answer.code, 500)
            self.assertNotIn(b"nobody has thought", answer.body)


class RangeTests(SynchronousTestCase):
    def test_parts(self) -> None:
        """A range is read as HTTP has it."""
        for header, size, found in (
            (None, 10, None),
            (b"", 10, None),
            (b"bytes=0-0", 10, (0, 1)),
            (b"bytes = 0 - 0", 10, (0, 1)),
            (b"bytes=-99", 10, (0, 10)),
            (b"bytes=-", 10, None),
            (b"bytes=" + b"9" * 30 + b"-", 10, None),
        ):
            self.assertEqual(part(header, size), found, header)
        for header in (b"bytes=10-", b"bytes=-0", b"bytes=10-20"):
            self.assertRaises(ValueError, part, header, 10)
