"""Logs that are no regular files, on real pipes, FIFOs, terminals and sockets."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import pty
import select
import socket
import subprocess
import sys
import tty
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from supervisor_tx.supervision.interfaces import Sink
from supervisor_tx.supervision.logs import stream
from supervisor_tx.supervision.logs.logfile import LogFile
from supervisor_tx.supervision.logs.losses import Losses
from supervisor_tx.supervision.logs.sinks import open_sink
from supervisor_tx.supervision.logs.stream import Stream, Streams, StreamSink, descriptor_of
from tests import requirements
from tests.logs import HandReactor, Messages, public_folder

#: more than any pipe takes
FLOOD = b"".join(b"%07d\n" % number for number in range(40_000))


def drain(fd: int) -> bytes:
    """Read all that is there."""
    chunks = []
    while select.select([fd], [], [], 0)[0]:
        try:
            chunk = os.read(fd, 1 << 20)
        except OSError as error:
            if error.errno == errno.EIO:  # the other side of a terminal is gone
                break
            raise
        if not chunk:
            break
        chunks.append(chunk)
    return b"".join(chunks)


def is_nonblocking(fd: int) -> bool:
    return bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK)


class StreamCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = HandReactor()
        self.streams = Streams(self.reactor)
        self.messages = Messages(self)

    def pipe(self) -> tuple[int, int]:
        pair = os.pipe()
        for fd in pair:
            self.addCleanup(self.close, fd)
        return pair

    def close(self, fd: int) -> None:
        try:
            os.close(fd)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise

    def open(self, path: str) -> Sink:
        sink = open_sink(path, streams=self.streams)
        self.addCleanup(sink.close)
        return sink

    def open_descriptor(self, fd: int) -> StreamSink:
        sink = self.streams.open_descriptor(fd, f"descriptor {fd}")
        self.addCleanup(sink.close)
        return sink


class PipeTests(StreamCase):
    def test_description_of_our_own(self) -> None:
        """A descriptor stays blocking for those who share it, though we never wait."""
        reader, writer = self.pipe()
        sink = self.open(f"/dev/fd/{writer}")
        self.assertTrue(sink.write(b"hello"))
        self.assertFalse(sink.write(FLOOD))
        self.assertFalse(is_nonblocking(writer))
        self.assertEqual(drain(reader)[:5], b"hello")

    def test_full_then_drained(self) -> None:
        """A full pipe is written on when it has room, and all is in order; then it calls back."""
        reader, writer = self.pipe()
        sink = self.open_descriptor(writer)
        self.assertFalse(sink.write(FLOOD))
        self.assertFalse(sink.write(b"the end"))
        calls: list[str] = []
        sink.when_room(lambda: calls.append("room"))
        got = b""
        while not calls:
            got += drain(reader)
            self.reactor.turn()
        self.assertEqual(got + drain(reader), FLOOD + b"the end")
        self.assertEqual(self.reactor.getWriters(), [])
        self.reactor.turn()
        self.assertEqual(calls, ["room"])
        self.assertTrue(sink.write(b"more"))

    def test_one_stream_for_one_pipe(self) -> None:
        """Two writers to one pipe never mix within a chunk, by whatever name they opened it."""
        reader, writer = self.pipe()
        other = os.dup(writer)
        self.addCleanup(os.close, other)
        one, two = self.open(f"/dev/fd/{writer}"), self.open(f"/proc/self/fd/{other}")
        chunks = [b"%d" % number * 9_000 + b"\n" for number in range(10)]
        for number, chunk in enumerate(chunks):
            (one, two)[number % 2].write(chunk)
        got = b""
        while len(got) < sum(map(len, chunks)):
            got += drain(reader)
            self.reactor.turn()
        self.assertEqual(got, b"".join(chunks))

    def test_only_the_last_one_closes(self) -> None:
        """A stream lives as long as somebody uses it, and until all is written."""
        reader, writer = self.pipe()
        one, two = (self.streams.open_descriptor(writer, "x") for _ in range(2))
        os.close(writer)
        one.close()
        one.close()
        two.write(b"still here")
        two.write(FLOOD)
        two.close()
        got = b""
        while not got.endswith(FLOOD[-8:]):
            got += drain(reader)
            self.reactor.turn()
        self.assertEqual(got, b"still here" + FLOOD)
        self.assertEqual(os.read(reader, 1), b"")  # nobody has it open any more

    def test_reader_gone(self) -> None:
        """Without a reader what is written is dropped and counted, told once; nobody is stopped."""
        reader, writer = self.pipe()
        sink = self.open_descriptor(writer)
        self.assertFalse(sink.write(FLOOD))
        calls: list[str] = []
        sink.when_room(lambda: calls.append("room"))
        os.close(reader)
        self.reactor.turn()
        self.assertEqual(calls, ["room"])
        self.assertTrue(sink.write(b"lost"))
        self.assertTrue(sink.write(b"too"))
        self.assertEqual(len(self.messages.all), 1)
        self.assertIn("Broken pipe", self.messages.all[0])
        self.assertEqual(self.reactor.getWriters(), [])

    def test_bounded(self) -> None:
        """However much comes, no more than the bound is kept."""
        reader, writer = self.pipe()
        sink = self.open_descriptor(writer)
        chunk = b"x" * (1 << 20)
        for _ in range(40):
            self.assertFalse(sink.write(chunk))
        self.assertEqual(len(self.messages.all), 1)
        self.assertIn("its reader is too far behind", self.messages.all[0])
        got = 0
        while self.reactor.getWriters():
            got += len(drain(reader))
            self.reactor.turn()
        got += len(drain(reader))
        self.assertLessEqual(got, stream.MOST + len(chunk))
        self.assertGreater(got, stream.MOST - len(chunk))
        lost = int(self.messages.all[1].split()[-4])
        self.assertEqual(got + lost, 40 << 20)

    @given(st.lists(st.integers(1, 70_000), max_size=8), st.lists(st.integers(1, 50_000)))
    def test_any_order(self, writes: list[int], reads: list[int]) -> None:
        """However writes and reads come, what comes out is what went in."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        sink = self.streams.open_descriptor(writer, "x")
        os.close(writer)
        sent, got, steps = b"", b"", list(reads)
        for number, size in enumerate(writes):
            data = bytes([number]) * size
            sent += data
            sink.write(data)
            if steps:
                with contextlib.suppress(BlockingIOError):
                    got += os.read(reader, steps.pop())
            self.reactor.turn()
        sink.close()
        while len(got) < len(sent):
            got += drain(reader)
            self.reactor.turn()
        self.assertEqual(got, sent)
        os.close(reader)


class FifoTests(StreamCase):
    def setUp(self) -> None:
        super().setUp()
        folder = Path(self.mktemp())
        folder.mkdir()
        self.path = str(folder / "fifo")
        os.mkfifo(self.path)

    def read(self) -> int:
        fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(self.close, fd)
        return fd

    def test_reader_comes_later(self) -> None:
        """A FIFO that nobody reads costs what is written; it works as soon as somebody does."""
        sink = self.open(self.path)
        self.assertTrue(sink.write(b"lost"))
        reader = self.read()
        sink.write(b"seen")
        self.assertEqual(drain(reader), b"seen")
        self.assertEqual(
            self.messages.all,
            [
                (
                    f"ERRO cannot write to {self.path}, what it should take is dropped: "
                    "No such device or address; to mend it, start its reader"
                ),
                f"INFO {self.path} can be written to again, 4 bytes were lost",
            ],
        )

    def test_reader_comes_again(self) -> None:
        """A reader may be restarted."""
        first = self.read()
        sink = self.open(self.path)
        sink.write(b"one")
        self.assertEqual(drain(first), b"one")
        os.close(first)
        sink.write(b"lost")
        second = self.read()
        sink.write(b"two")
        self.assertEqual(drain(second), b"two")

    def test_reopen(self) -> None:
        """A reopened FIFO is the one that has the name now; the same one sees no end."""
        reader = self.read()
        sink = self.open(self.path)
        sink.reopen()
        sink.write(b"same")
        self.assertEqual(drain(reader), b"same")
        with self.assertRaises(BlockingIOError):
            os.read(reader, 1)
        os.unlink(self.path)
        os.mkfifo(self.path)
        second = self.read()
        sink.reopen()
        sink.write(b"other")
        self.assertEqual(drain(second), b"other")
        self.assertEqual(drain(reader), b"")

    def test_not_allowed(self) -> None:
        """One that we may not open is an error at once."""
        requirements.root()
        self.path = str(public_folder(self) / "fifo")
        os.mkfifo(self.path)
        os.chmod(self.path, 0)
        os.seteuid(65534)
        try:
            with self.assertRaises(PermissionError):
                open_sink(self.path, streams=self.streams)
        finally:
            os.seteuid(0)


class OtherFilesTests(StreamCase):
    def test_which_kind(self) -> None:
        """A regular file, or none yet, is a log file; descriptors and devices are streams."""
        folder = Path(self.mktemp())
        folder.mkdir()
        self.assertIsInstance(self.open(str(folder / "new")), LogFile)
        self.assertIsInstance(self.open(str(folder / "new")), LogFile)
        for path in ("/dev/null", "/dev/fd/2"):
            self.assertIsInstance(self.open(path), StreamSink)
        link = folder / "link"
        link.symlink_to("/dev/stdout")
        self.assertEqual(descriptor_of(str(link)), 1)
        self.assertEqual(descriptor_of("/dev/stderr"), 2)
        self.assertEqual(descriptor_of("/proc/self/fd/17"), 17)
        self.assertIsNone(descriptor_of(str(folder)))
        (folder / "loop").symlink_to("loop")
        self.assertIsNone(descriptor_of(str(folder / "loop")))

    def test_unusable_names(self) -> None:
        """Names that no file can have raise OSError too."""
        for path in ("a\0b", "\ud800"):
            with self.assertRaises(OSError):
                open_sink(path, streams=self.streams)
        with self.assertRaises(OSError):
            open_sink("/dev/fd/99999", streams=self.streams)

    def test_device(self) -> None:
        """A device takes what is written; a full one is reported."""
        self.assertTrue(self.open("/dev/null").write(FLOOD))
        self.assertTrue(self.open("/dev/full").write(b"x"))
        self.assertIn("ERRO cannot write to /dev/full", self.messages.all[0])

    def test_regular_file_by_descriptor(self) -> None:
        """Where /dev/stdout is a file, its position is shared with who opened it."""
        path = Path(self.mktemp())
        fd = os.open(path, os.O_WRONLY | os.O_CREAT)
        self.addCleanup(os.close, fd)
        os.write(fd, b"shell\n")
        self.open(f"/dev/fd/{fd}").write(b"ours\n")
        os.write(fd, b"shell\n")
        self.assertEqual(path.read_bytes(), b"shell\nours\nshell\n")

    def test_terminal(self) -> None:
        """A terminal stays blocking for the shell; when it hangs up, that is told once."""
        screen, terminal = pty.openpty()
        self.addCleanup(self.close, screen)
        self.addCleanup(self.close, terminal)
        tty.setraw(terminal)
        sink = self.open(f"/dev/fd/{terminal}")
        sink.write(b"hello")
        self.assertEqual(drain(screen), b"hello")
        self.assertFalse(sink.write(FLOOD))
        self.assertFalse(is_nonblocking(terminal))
        os.close(screen)
        self.reactor.turn()
        sink.write(b"lost")
        self.assertEqual(len(self.messages.all), 1)

    def test_socket(self) -> None:
        """A socket cannot be opened again; it is still written without waiting."""
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        sink = self.open(f"/proc/self/fd/{ours.fileno()}")
        self.assertFalse(is_nonblocking(ours.fileno()))
        sink.write(b"hello")
        self.assertEqual(theirs.recv(100), b"hello")
        self.assertFalse(sink.write(FLOOD))
        self.assertFalse(is_nonblocking(ours.fileno()))
        got = b""
        while len(got) < len(FLOOD):
            got += drain(theirs.fileno())
            self.reactor.turn()
        self.assertEqual(got, FLOOD)
        ours.close()


class ForeignPipeTests(StreamCase):
    """A pipe that root has made and that we may not open again, as in a container with user=."""

    def test_not_ours_to_open(self) -> None:
        """It is written without waiting, and without a change for those who share it."""
        requirements.root()
        reader, writer = self.pipe()
        os.fchmod(writer, 0o600)
        os.seteuid(65534)
        try:
            with self.assertRaises(PermissionError):
                os.close(os.open(f"/proc/self/fd/{writer}", os.O_WRONLY | os.O_NONBLOCK))
            sink = self.open_descriptor(writer)
        finally:
            os.seteuid(0)
        self.assertFalse(sink.write(FLOOD))
        self.assertFalse(is_nonblocking(writer))
        got = b""
        while len(got) < len(FLOOD):
            got += drain(reader)
            self.reactor.turn()
        self.assertEqual(got, FLOOD)


class ThreadTests(TestCase):
    """The last resort, with a real reactor, since a thread has to wait."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.messages = Messages(self)
        self.reader, self.writer = os.pipe()
        self.losses = Losses(f"the pipe of {self.id()}")
        medium = stream._Thread(os.dup(self.writer), reactor, self.losses)
        self.stream = Stream(self.losses, reactor, lambda: medium, by_name=False)
        self.sink = StreamSink(self.stream)
        self.addCleanup(self.clean_up)

    def clean_up(self) -> None:
        for fd in (self.reader, self.writer):
            if fd >= 0:
                os.close(fd)
        self.sink.close()

    async def read(self, size: int) -> bytes:
        from twisted.internet.threads import deferToThread

        got = b""
        while len(got) < size:
            got += await deferToThread(os.read, self.reader, 1 << 20)
        return got

    async def test_order(self) -> None:
        """What does not fit is kept, all comes out in order, and then there is room."""
        self.assertTrue(self.sink.write(b"first"))
        while self.sink.write(FLOOD):
            pass
        has_room: Deferred[None] = Deferred()
        self.sink.when_room(lambda: has_room.callback(None))
        got = await self.read(5 + len(FLOOD))
        self.assertEqual(got[: 5 + len(FLOOD)], b"first" + FLOOD)
        while not has_room.called:
            got += await self.read(1)
        self.assertEqual(set(got[5:].split(b"\n")), set(FLOOD.split(b"\n")))

    async def test_reader_gone(self) -> None:
        """A reader that is gone is told once, and the stream takes on."""
        os.close(self.reader)
        self.reader = -1
        for _ in range(5):
            self.sink.write(b"lost")
            while self.losses.lost % 4 or not self.losses.lost:
                from twisted.internet import reactor, task

                await task.deferLater(reactor, 0)
        ours = [message[:4] for message in self.messages.all if self.losses.where in message]
        self.assertEqual(ours, ["ERRO"])


class RecordTests(StreamCase):
    def test_round_trip(self) -> None:
        """What a stream has yet to write is written by another one, once that is opened."""
        reader, writer = self.pipe()
        self.open_descriptor(writer).write(FLOOD)
        record = json.loads(json.dumps(self.streams.record()))
        self.reactor = HandReactor()
        self.streams = Streams(self.reactor)
        self.streams.resume(record)
        sink = self.open_descriptor(writer)
        sink.write(b"more")
        got = b""
        while self.reactor.getWriters():
            got += drain(reader)
            self.reactor.turn()
        self.assertEqual(got + drain(reader), FLOOD + b"more")
        self.assertEqual(self.streams.record(), [])


class AtTheEndTests(SynchronousTestCase):
    def test_stuck(self) -> None:
        """A reader that does not read at all is not waited for."""
        streams = Streams(HandReactor())
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        streams.open_descriptor(writer, "x").write(FLOOD)
        streams.finish(0)
        streams.finish(0.01)
        self.assertEqual(len(drain(reader)), 65536)

    def run_python(self, script: str) -> bytes:
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        )
        return done.stdout

    def test_reactor_stopped(self) -> None:
        """That the reactor drops everything when it stops is no reason to lose what is kept."""
        output = self.run_python(
            "from twisted.internet import reactor\n"
            "from supervisor_tx.supervision.logs.stream import shared_streams\n"
            "def run():\n"
            "    shared_streams.open_descriptor(1, 'x').write(b'x' * 5_000_000)\n"
            "    reactor.stop()\n"
            "reactor.callWhenRunning(run)\n"
            "reactor.run()\n"
        )
        self.assertEqual(len(output), 5_000_000)

    def test_slow_reader(self) -> None:
        """What a slow reader has not yet taken is written when the process ends."""
        output = self.run_python(
            "import sys\n"
            "from supervisor_tx.supervision.logs.stream import shared_streams\n"
            "sink = shared_streams.open_descriptor(1, 'x')\n"
            "sink.write(b'x' * 5_000_000)\n"
            "sink.close()\n"
        )
        self.assertEqual(len(output), 5_000_000)

    def test_thread_is_given_a_moment(self) -> None:
        """What a thread has yet to write is written when the process ends."""
        script = (
            "import os\n"
            "from supervisor_tx.supervision.logs import stream\n"
            "from supervisor_tx.supervision.logs.losses import Losses\n"
            "medium = stream._Thread(os.dup(1), None, Losses('x'))\n"
            "for number in range(100): medium.write(b'%d\\n' % number)\n"
        )
        output = self.run_python(script)
        self.assertEqual(output.split(), [b"%d" % number for number in range(100)])
