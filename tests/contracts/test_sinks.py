"""What every sink promises, whatever it writes to."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.supervision.interfaces import Sink
from supervisor_tx.supervision.logs.logfile import LogFile
from supervisor_tx.supervision.logs.sinks import open_sink, open_syslog
from supervisor_tx.supervision.logs.stream import Streams
from tests.logs import HandReactor, Messages
from tests.supervision.logs.test_stream import FLOOD, drain
from tests.supervision.logs.test_syslog import LogDaemon


class SinkContract:
    """
    Mixed into a test case that says how to :meth:`open` a sink, what to :meth:`read` behind it,
    and how to :meth:`break_it`.
    """

    reactor: HandReactor
    streams: Streams
    messages: Messages
    #: what comes out where a line goes in
    line: Callable[[bytes], bytes] = staticmethod(lambda line: line)

    assertEqual: Callable[..., None]
    assertTrue: Callable[..., None]
    mktemp: Callable[[], str]
    addCleanup: Callable[..., None]

    def setUp(self) -> None:
        self.reactor = HandReactor()
        self.streams = Streams(self.reactor)
        self.messages = Messages(self)
        self.got = b""
        self.prepare()

    def prepare(self) -> None:
        """Make what the sink is opened on."""

    def open(self) -> Sink:
        raise NotImplementedError

    def read(self) -> bytes:
        """Return what came out since the last time."""
        raise NotImplementedError

    def break_it(self) -> None:
        """Make the next writes fail."""
        raise NotImplementedError

    def drained(self) -> bytes:
        """Read until nothing more comes."""
        got = self.read()
        while self.reactor.getWriters():
            self.reactor.turn()
            got += self.read()
        return got

    def test_order(self) -> None:
        """What goes in comes out, in order."""
        sink = self.open()
        self.addCleanup(sink.close)
        for line in (b"one\n", b"two\n", b"three\n"):
            self.assertTrue(sink.write(line))
        self.assertEqual(self.drained(), b"".join(map(self.line, (b"one\n", b"two\n", b"three\n"))))

    def test_takes_always(self) -> None:
        """It takes a flood at once, and calls back once, in a later turn, if that made it full."""
        sink = self.open()
        self.addCleanup(sink.close)
        calls: list[str] = []
        if not sink.write(FLOOD):
            sink.when_room(lambda: calls.append("room"))
            self.assertEqual(calls, [])
            got = self.drained()
            self.assertEqual(calls, ["room"])
            self.assertTrue(sink.write(b"more\n"))
        else:
            got = self.drained()
            sink.write(b"more\n")
        whole = b"".join(map(self.line, FLOOD.splitlines(keepends=True)))
        self.assertEqual(got + self.drained(), whole + self.line(b"more\n"))

    def test_reopen(self) -> None:
        """A reopening loses nothing."""
        sink = self.open()
        self.addCleanup(sink.close)
        sink.write(b"one\n")
        sink.reopen()
        sink.write(b"two\n")
        self.assertEqual(self.drained(), self.line(b"one\n") + self.line(b"two\n"))

    def test_failing(self) -> None:
        """A write that fails is dropped and answered with taken; it is told once."""
        sink = self.open()
        self.addCleanup(sink.close)
        self.break_it()
        for _ in range(3):
            self.assertTrue(sink.write(b"lost\n"))
        self.assertEqual(len(self.messages.all), 1)
        self.assertEqual(self.messages.all[0][:20], "ERRO cannot write to")

    def test_close(self) -> None:
        """What was taken is written, also if that takes longer than the sink is open."""
        sink = self.open()
        sink.write(FLOOD)
        sink.close()
        whole = b"".join(map(self.line, FLOOD.splitlines(keepends=True)))
        self.assertEqual(self.drained(), whole)
        self.assertEqual(self.reactor.getWriters(), [])


class LogFileContract(SinkContract, SynchronousTestCase):
    def prepare(self) -> None:
        self.path = Path(self.mktemp())
        self.offset = 0

    def open(self) -> Sink:
        return open_sink(str(self.path), streams=self.streams)

    def read(self) -> bytes:
        data = self.path.read_bytes()[self.offset :]
        self.offset += len(data)
        return data

    def test_failing(self) -> None:
        """A write that fails is dropped and answered with taken; it is told once."""
        sink = open_sink(str(self.path), streams=self.streams)
        assert isinstance(sink, LogFile)
        os.dup2(os.open("/dev/full", os.O_WRONLY), sink.record()["fd"])
        self.addCleanup(sink.close)
        for _ in range(3):
            self.assertTrue(sink.write(b"lost\n"))
        self.assertEqual(len(self.messages.all), 1)


class PipeContract(SinkContract, SynchronousTestCase):
    def prepare(self) -> None:
        self.reader, self.writer = os.pipe()
        self.addCleanup(os.close, self.writer)
        self.addCleanup(self.close_reader)

    def close_reader(self) -> None:
        reader, self.reader = self.reader, -1
        if reader >= 0:
            os.close(reader)

    def open(self) -> Sink:
        return open_sink(f"/dev/fd/{self.writer}", streams=self.streams)

    def read(self) -> bytes:
        return drain(self.reader)

    def break_it(self) -> None:
        self.close_reader()


class FifoContract(PipeContract):
    def prepare(self) -> None:
        self.path = self.mktemp()
        os.mkfifo(self.path)
        self.reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(self.close_reader)

    def open(self) -> Sink:
        return open_sink(self.path, streams=self.streams)


class SocketContract(SinkContract, SynchronousTestCase):
    def prepare(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)

    def open(self) -> Sink:
        return open_sink(f"/dev/fd/{self.ours.fileno()}", streams=self.streams)

    def read(self) -> bytes:
        return drain(self.theirs.fileno())

    def break_it(self) -> None:
        self.theirs.close()


class SyslogContract(SinkContract, SynchronousTestCase):
    kind = socket.SOCK_DGRAM
    line = staticmethod(lambda line: b"p " + line)

    def prepare(self) -> None:
        self.path = os.path.relpath(self.mktemp())
        self.daemon = LogDaemon(self.path, self.kind)
        self.addCleanup(self.daemon.close)

    def open(self) -> Sink:
        return open_syslog(b"p ", path=self.path, streams=self.streams)

    def read(self) -> bytes:
        return b"".join(line + b"\n" for line in self.daemon.lines())

    def break_it(self) -> None:
        self.daemon.close()


class SyslogByteStreamContract(SyslogContract):
    kind = socket.SOCK_STREAM
