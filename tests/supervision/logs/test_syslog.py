"""Lines to a log daemon, on a socket of the test's own."""

from __future__ import annotations

import itertools
import os
import re
import socket
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.supervision.logs import syslog
from supervisor_tx.supervision.logs.stream import Streams
from supervisor_tx.supervision.logs.syslog import SyslogSink, open_syslog
from tests.logs import HandReactor, Messages

HEADER = re.compile(rb"<14>[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d supervisord: ")


class LogDaemon:
    """Listens as a log daemon does."""

    def __init__(self, path: str, kind: int = socket.SOCK_DGRAM) -> None:
        self.socket = socket.socket(socket.AF_UNIX, kind)
        self.socket.bind(path)
        self.is_stream = kind == socket.SOCK_STREAM
        self.connection: socket.socket | None = None
        if self.is_stream:
            self.socket.listen()
        self.socket.setblocking(False)

    def close(self) -> None:
        self.socket.close()
        if self.connection is not None:
            self.connection.close()

    def raw(self) -> list[bytes]:
        """Return what has come, message by message."""
        got: list[bytes] = []
        try:
            if not self.is_stream:
                while True:
                    got.append(self.socket.recv(1 << 20))
            if self.connection is None:
                self.connection, _ = self.socket.accept()
                self.connection.setblocking(False)
            while chunk := self.connection.recv(1 << 20):
                got.append(chunk)
        except BlockingIOError:
            pass
        return b"".join(got).split(b"\0")[:-1] if self.is_stream else got

    def lines(self) -> list[bytes]:
        """Return what has come, without the headers, which are all as they should be."""
        lines = []
        for message in self.raw():
            header = HEADER.match(message)
            assert header, message
            lines.append(message[header.end() :])
        return lines


class SyslogCase(SynchronousTestCase):
    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.path = os.path.relpath(folder / "log")  # such names must be short
        self.reactor = HandReactor()
        self.streams = Streams(self.reactor)
        self.messages = Messages(self)

    def listen(self, kind: int = socket.SOCK_DGRAM) -> LogDaemon:
        daemon = LogDaemon(self.path, kind)
        self.addCleanup(daemon.close)
        return daemon

    def open(self, prefix: bytes = b"p ", held: bytes = b"") -> SyslogSink:
        sink = open_syslog(prefix, held=held, path=self.path, streams=self.streams)
        self.addCleanup(sink.close)
        return sink


class LineTests(SyslogCase):
    def test_lines(self) -> None:
        """Each line is a message with the prefix; newlines at the end of a chunk count as one."""
        daemon = self.listen()
        sink = self.open()
        sink.write(b"one\ntwo\n\nthree\n\n\n")
        sink.write(b"\n")
        self.assertEqual(daemon.lines(), [b"p one", b"p two", b"p ", b"p three", b"p "])

    def test_partial_line(self) -> None:
        """A line that comes in parts is one message; the end of the output ends it."""
        daemon = self.listen()
        sink = self.open()
        sink.write(b"one\npar")
        self.assertEqual(daemon.lines(), [b"p one"])
        sink.write(b"ti")
        sink.write(b"al\nrest")
        self.assertEqual(daemon.lines(), [b"p partial"])
        sink.close()
        sink.close()
        self.assertEqual(daemon.lines(), [b"p rest"])

    def test_any_bytes(self) -> None:
        """Bytes that are no text pass; a zero byte would end the message and becomes a blank."""
        daemon = self.listen()
        self.open().write(b"a\xffb\0c\r\n")
        self.assertEqual(daemon.lines(), [b"p a\xffb c\r"])

    def test_long_lines(self) -> None:
        """What is longer than a message may be is cut, and not kept until its end comes."""
        daemon = self.listen()
        sink = self.open()
        sink.write(b"x" * (syslog.LONGEST + 5) + b"\n")
        self.assertEqual(daemon.lines(), [b"p " + b"x" * syslog.LONGEST, b"p xxxxx"])
        sink.write(b"y" * (2 * syslog.LONGEST + 5))
        self.assertEqual(daemon.lines(), [b"p " + b"y" * syslog.LONGEST] * 2)
        self.assertEqual(sink.held, b"yyyyy")

    @given(
        st.lists(st.sampled_from([b"a", b"bc", b"\n", b"d\ne\n"])).map(b"".join),
        st.lists(st.integers(0, 60)),
    )
    def test_cuts(self, data: bytes, cuts: list[int]) -> None:
        """However the output is cut, every line that has something in it arrives whole."""
        daemon = LogDaemon(self.path)
        sink = open_syslog(b"p ", path=self.path, streams=self.streams)
        places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        got = []
        for begin, end in itertools.pairwise(places):
            if data[begin:end]:
                sink.write(data[begin:end])
            got += daemon.lines()
        sink.close()
        while self.reactor.getWriters():
            got += daemon.lines()
            self.reactor.turn()
        got += daemon.lines()
        daemon.close()
        os.unlink(self.path)
        self.assertEqual(
            [line for line in got if line != b"p "],
            [b"p " + line for line in data.split(b"\n") if line],
        )

    def test_record(self) -> None:
        """Another sink goes on with a line that has begun."""
        daemon = self.listen()
        first = self.open()
        first.write(b"par")
        self.open(held=first.held).write(b"tial\n")
        self.assertEqual(daemon.lines(), [b"p partial"])

    def test_byte_stream(self) -> None:
        """A log daemon that listens for byte streams gets the same, each with a zero at its end."""
        daemon = self.listen(socket.SOCK_STREAM)
        self.open().write(b"one\ntwo\n")
        self.assertEqual(daemon.lines(), [b"p one", b"p two"])


class TroubleTests(SyslogCase):
    def test_nobody_listens(self) -> None:
        """Without a log daemon lines are dropped and counted, and it is found when it is there."""
        sink = self.open()
        self.assertTrue(sink.write(b"lost\n"))
        self.assertTrue(sink.write(b"too\n"))
        daemon = self.listen()
        sink.write(b"seen\n")
        self.assertEqual(daemon.lines(), [b"p seen"])
        self.assertEqual(
            self.messages.all[0],
            f"ERRO cannot write to syslog ({self.path}), what it should take is dropped: "
            "No such file or directory; to mend it, start the syslog daemon",
        )
        self.assertEqual([message[:4] for message in self.messages.all], ["ERRO", "INFO"])

    def test_restarted(self) -> None:
        """A log daemon may be restarted: not one line is lost."""
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            first = self.listen(kind)
            sink = self.open()
            sink.write(b"one\n")
            self.assertEqual(first.lines(), [b"p one"])
            first.close()
            os.unlink(self.path)
            second = self.listen(kind)
            sink.write(b"two\n")
            self.assertEqual(second.lines(), [b"p two"])
            self.assertEqual(self.messages.all, [])
            sink.close()
            second.close()
            os.unlink(self.path)

    def test_behind(self) -> None:
        """A log daemon that is behind makes it full; what was kept comes in order."""
        daemon = self.listen()
        sink = self.open()
        sent = 0
        while sink.write(b"%d\n" % sent):
            sent += 1
        sink.write(b"%d\n" % (sent + 1))
        calls: list[str] = []
        sink.when_room(lambda: calls.append("room"))
        got: list[bytes] = []
        while not calls:
            got += daemon.lines()
            self.reactor.turn()
        got += daemon.lines()
        self.assertEqual(got, [b"p %d" % number for number in range(sent + 2)])

    def test_closed_behind(self) -> None:
        """A sink that is closed while the log daemon is behind still sends what it has."""
        daemon = self.listen()
        sink = self.open()
        sink.write(b"".join(b"%d\n" % number for number in range(500)) + b"the end")
        sink.close()
        got = daemon.lines()
        while self.reactor.getWriters():
            self.reactor.turn()
            got += daemon.lines()
        self.assertEqual(got, [*(b"p %d" % number for number in range(500)), b"p the end"])

    def test_bounded(self) -> None:
        """It keeps a mebibyte for a log daemon that is behind, then it drops."""
        daemon = self.listen()
        sink = self.open()
        line = b"x" * 1000 + b"\n"
        for _ in range(3000):
            sink.write(line)
        got = len(daemon.lines())
        while self.reactor.getWriters():
            self.reactor.turn()
            got += len(daemon.lines())
        self.assertLess(got * 1000, 2 * syslog.MOST)
        self.assertGreater(got * 1000, syslog.MOST / 2)
        self.assertEqual(len(self.messages.all), 2)
