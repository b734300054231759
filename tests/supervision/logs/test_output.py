"""A child's output on its way into its logs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.protocol import ProcessProtocol
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import AUTO, LogConfig, ProcessConfig, SupervisordConfig
from supervisor_tx.core.capture import BEGIN, END
from supervisor_tx.core.events import Occurrence
from supervisor_tx.supervision.bus import EventBus
from supervisor_tx.supervision.interfaces import Channel, SpawnOrder
from supervisor_tx.supervision.logs.activitylog import ActivityLog
from supervisor_tx.supervision.logs.autolog import AutoLogs
from supervisor_tx.supervision.logs.output import PIPE_PAGE, OutputChannel, make_channels
from supervisor_tx.supervision.logs.outputevents import OutputEvents
from supervisor_tx.supervision.logs.stream import Streams
from supervisor_tx.testing import FakeChild
from tests.logs import HandReactor, Messages, quiet
from tests.supervision.logs.test_stream import FLOOD, drain
from tests.supervision.logs.test_syslog import LogDaemon


class Events:
    """Hears events, as their names and payloads."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str]] = []

    def __call__(self, occurrence: Occurrence) -> None:
        self.all.append((occurrence.name, occurrence.payload.decode()))


class ChannelCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.path = self.folder / "p.log"
        self.syslog = os.path.relpath(self.folder / "syslog")
        self.reactor = HandReactor()
        self.streams = Streams(self.reactor)
        self.auto = AutoLogs(str(self.folder), "sup")
        self.bus = EventBus()
        self.messages = Messages(self)
        self.dropped: list[OutputChannel] = []

    def make(self, logfile: Any = "", **options: Any) -> OutputChannel:
        """Make a channel, with a log file of the test's unless told."""
        log = {
            name: options.pop(name)
            for name in (
                "syslog", "logfile_maxbytes", "logfile_backups", "capture_maxbytes",
                "events_enabled",
            )
            if name in options
        }  # fmt: skip
        name = options.pop("channel", "stdout")
        channel = OutputChannel(
            "p",
            name,
            LogConfig(logfile=str(self.path) if logfile == "" else logfile, **log),
            self.auto,
            events=OutputEvents(self.bus, "p", "g", name),
            streams=self.streams,
            syslog=self.syslog,
            **options,
        )
        self.addCleanup(self.close, channel)
        return channel

    def close(self, channel: OutputChannel) -> None:
        if channel not in self.dropped:
            channel.close()

    def open(self, logfile: Any = "", **options: Any) -> OutputChannel:
        channel = self.make(logfile, **options)
        channel.open()
        return channel

    def child(self) -> FakeChild:
        return FakeChild(SpawnOrder("p", "p", {}), ProcessProtocol(), 17, self.reactor)


class LogTests(ChannelCase):
    def test_bytes(self) -> None:
        """Bytes go to the file as they come, and over all runs."""
        channel: Channel = self.open()
        channel.received(b"one\xff")
        channel.received(b"\x1b[1mtwo")
        channel.ended()
        channel.open()
        channel.received(b"three")
        channel.ended()
        self.assertEqual(self.path.read_bytes(), b"one\xff\x1b[1mtwothree")

    def test_nowhere(self) -> None:
        """Without a log output is read and thrown away."""
        channel = self.open(None)
        channel.received(b"x")
        self.assertIsNone(channel.logfile)
        self.assertEqual(os.listdir(self.folder), [])

    def test_cannot_be_opened(self) -> None:
        """A log that cannot be opened is an exception at each spawn, until it can be."""
        channel = self.make(str(self.folder / "sub" / "x.log"))
        for _ in range(2):
            with self.assertRaises(FileNotFoundError):
                channel.open()
            channel.ended()
        (self.folder / "sub").mkdir()
        channel.open()

    def test_strip(self) -> None:
        """Escape sequences are stripped where that is wanted, also one cut between two reads."""
        channel = self.open(strip_ansi=True)
        for data in (b"a\x1b[", b"31", b"mb\x1b[", b"4"):
            channel.received(data)
        self.assertEqual(self.path.read_bytes(), b"ab")
        channel.ended()
        self.assertEqual(self.path.read_bytes(), b"ab\x1b[4")

    def test_rotate(self) -> None:
        """A log is rotated as its options say."""
        channel = self.open(logfile_maxbytes=2, logfile_backups=1)
        channel.received(b"one")
        self.assertEqual(sorted(os.listdir(self.folder)), ["p.log", "p.log.1"])

    def test_syslog(self) -> None:
        """Lines go to syslog too, or only there; the last one need not be complete."""
        daemon = LogDaemon(self.syslog)
        self.addCleanup(daemon.close)
        for logfile in ("", None):
            channel = self.open(logfile, syslog=True)
            channel.received(b"one\ntwo")
            self.assertEqual(daemon.lines(), [b"p one"])
            channel.ended()
            self.assertEqual(daemon.lines(), [b"p two"])
        self.assertEqual(self.path.read_bytes(), b"one\ntwo")

    def test_reopen(self) -> None:
        """A log is reopened by name; one that is not open is left alone."""
        channel = self.open()
        self.path.unlink()
        channel.reopen()
        channel.received(b"x")
        self.assertEqual(self.path.read_bytes(), b"x")
        channel.ended()
        self.path.unlink()
        channel.reopen()
        self.assertFalse(self.path.exists())

    def test_clear(self) -> None:
        """A log is cleared while it is open, not when the process is stopped."""
        channel = self.open()
        channel.received(b"x")
        channel.clear()
        self.assertEqual(self.path.read_bytes(), b"")
        channel.received(b"y")
        channel.ended()
        channel.clear()
        self.assertEqual(self.path.read_bytes(), b"y")

    def test_cannot_be_cleared(self) -> None:
        """A log that cannot be cleared is an exception."""
        channel = self.open()
        self.path.unlink()
        self.path.mkdir()
        with self.assertRaises(OSError):
            channel.clear()


class AutoTests(ChannelCase):
    def test_life(self) -> None:
        """An AUTO log is there from the beginning, is kept over all runs and stays at the end."""
        channel = self.make(AUTO)
        path = channel.logfile
        assert path is not None
        self.assertTrue(os.path.exists(path))
        for data in (b"one", b"two"):
            channel.open()
            channel.received(data)
            channel.ended()
            self.assertEqual(channel.logfile, path)
            AutoLogs(str(self.folder), "sup").clean_up()
        channel.close()
        self.assertEqual(Path(path).read_bytes(), b"onetwo")

    def test_taken_away(self) -> None:
        """One that was removed between two runs is made again, with the same name."""
        channel = self.make(AUTO)
        path = Path(str(channel.logfile))
        path.unlink()
        channel.open()
        channel.received(b"x")
        self.assertEqual(path.read_bytes(), b"x")

    def test_no_folder(self) -> None:
        """Where it cannot be made that is told, and is an exception at each spawn."""
        self.folder.rmdir()
        channel = self.make(AUTO)
        self.assertIn("WARN cannot make the AUTO log for the stdout of p", self.messages.all[0])
        with self.assertRaises(FileNotFoundError):
            channel.open()
        self.folder.mkdir()
        channel.open()
        channel.received(b"x")
        self.assertEqual(Path(str(channel.logfile)).read_bytes(), b"x")

    def test_folder_gone(self) -> None:
        """A folder that went away between two runs is an exception too, and no log is forgotten."""
        channel = self.make(AUTO)
        path = Path(str(channel.logfile))
        path.unlink()
        self.folder.rmdir()
        with self.assertRaises(FileNotFoundError):
            channel.open()
        self.folder.mkdir()
        channel.open()
        self.assertTrue(path.exists())


class HearTests(ChannelCase):
    def test_as_it_comes(self) -> None:
        """Who listens to a listener gets its bytes as they come, after the log has them."""
        heard: list[tuple[bytes, bytes]] = []
        channel = self.open(
            is_protocol=True,
            strip_ansi=True,
            hear=lambda data: heard.append((data, self.path.read_bytes())),
        )
        channel.received(b"READY\n\x1b[")
        channel.received(b"1m\xff")
        channel.ended()
        self.assertEqual(
            heard, [(b"READY\n\x1b[", b"READY\n\x1b["), (b"1m\xff", b"READY\n\x1b[1m\xff")]
        )

    def test_fails(self) -> None:
        """A listener's output is logged even where nobody can make sense of it."""

        def hear(data: bytes) -> None:
            raise ValueError(data)

        channel = self.open(is_protocol=True, hear=hear)
        channel.received(b"one")
        channel.received(b"two")
        self.assertEqual(self.path.read_bytes(), b"onetwo")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)

    def test_whose(self) -> None:
        """It is an event listener's stdout that is listened to, and nothing else."""
        heard: list[bytes] = []
        for kind, expected in (("eventlistener", [b"1"]), ("program", [])):
            heard.clear()
            log = LogConfig(logfile=None)
            config = ProcessConfig(
                program="p", name="p", kind=kind, command="p", stdout=log, stderr=log
            )
            channels = make_channels(config, self.auto, hear=heard.append)
            for descriptor, channel in channels.items():
                channel.open()
                channel.received(str(descriptor).encode())
                channel.close()
            self.assertEqual(heard, expected)


class FullTests(ChannelCase):
    def setUp(self) -> None:
        super().setUp()
        quiet(self)  # a megabyte of output is no message for trial's workers to carry
        self.reader, self.writer = os.pipe()
        self.addCleanup(os.close, self.reader)
        self.addCleanup(os.close, self.writer)
        self.name = f"/dev/fd/{self.writer}"

    def drain(self) -> bytes:
        got = b""
        while self.reactor.getWriters():
            got += drain(self.reader)
            self.reactor.turn()
        return got + drain(self.reader)

    def test_pause(self) -> None:
        """A child is paused while its log is full, and resumed when there is room."""
        channel, child = self.open(self.name), self.child()
        channel.begin(child)
        channel.received(b"x")
        self.assertEqual(child.paused, set())
        channel.received(FLOOD)
        channel.received(b"y")
        self.assertEqual(child.paused, {1})
        self.assertEqual(self.drain(), b"x" + FLOOD + b"y")
        self.assertEqual(child.paused, set())

    def test_only_who_feeds_it(self) -> None:
        """Another child with the same log goes on until it writes itself."""
        one, two = (self.open(self.name, channel="stderr") for _ in range(2))
        first, second = self.child(), self.child()
        one.begin(first)
        two.begin(second)
        one.received(FLOOD)
        self.assertEqual((first.paused, second.paused), ({2}, set()))
        two.received(b"me too")
        self.assertEqual((first.paused, second.paused), ({2}, {2}))
        self.assertEqual(self.drain(), FLOOD + b"me too")
        self.assertEqual((first.paused, second.paused), (set(), set()))

    def test_both_full(self) -> None:
        """With two logs a child goes on when both have room."""
        daemon = LogDaemon(self.syslog)
        self.addCleanup(daemon.close)
        channel, child = self.open(self.name, syslog=True), self.child()
        channel.begin(child)
        channel.received(FLOOD[:16_000])
        self.assertEqual(child.paused, {1})
        channel.received(FLOOD)
        drain(self.reader)
        lines = len(daemon.lines())
        while len(self.reactor.getWriters()) == 2:
            drain(self.reader)
            self.reactor.turn()
        self.assertEqual(child.paused, {1})
        while self.reactor.getWriters():
            lines += len(daemon.lines())
            self.reactor.turn()
        self.assertEqual(child.paused, set())
        self.assertEqual(lines + len(daemon.lines()), len(FLOOD + FLOOD[:16_000]) // 8)

    def test_next_run(self) -> None:
        """What an earlier run has left does not stop the next child before it writes."""
        channel, first, second = self.open(self.name), self.child(), self.child()
        channel.begin(first)
        channel.received(FLOOD)
        channel.ended()
        channel.open()
        channel.begin(second)
        self.assertEqual(second.paused, set())
        channel.received(b"x")
        self.assertEqual(second.paused, {1})
        self.assertEqual(self.drain(), FLOOD + b"x")
        self.assertEqual((first.paused, second.paused), ({1}, set()))

    def test_full_before_the_child_is_there(self) -> None:
        """A child whose log is full already begins paused."""
        channel, child = self.open(self.name), self.child()
        channel.received(FLOOD)
        channel.begin(child)
        self.assertEqual(child.paused, {1})
        self.drain()
        self.assertEqual(child.paused, set())


class DebugTests(ChannelCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = ActivityLog()
        self.addCleanup(self.log.close)

    def at(self, level: int) -> None:
        path = str(self.folder / "a.log")
        self.log.open(SupervisordConfig(logfile=path, pidfile="", loglevel=level))
        self.log.install()

    def test_copy(self) -> None:
        """At debug there is a copy in the activity log, whether there is a log or not."""
        self.at(10)
        for logfile in ("", None):
            channel = self.open(logfile, channel="stderr", strip_ansi=True)
            channel.received("é\x1b[1m\n".encode())
            self.assertEqual(self.messages.all.pop(), "DEBG 'p' stderr output:\né\n")

    def test_undecodable(self) -> None:
        """Bytes that are no text are shown as such, the log gets them unchanged."""
        self.at(10)
        self.open().received(b"a\xff")
        self.assertEqual(self.messages.all, ["DEBG 'p' stdout output:\nUndecodable: b'a\\xff'"])
        self.assertEqual(self.path.read_bytes(), b"a\xff")

    def test_protocol(self) -> None:
        """A listener's stdout is shown as bytes, and neither stripped nor sent to syslog."""
        self.at(10)
        channel = self.open(is_protocol=True, strip_ansi=True, syslog=True)
        channel.received(b"READY\n\x1b[1m")
        self.assertEqual(self.messages.all, ["DEBG 'p' stdout output:\nb'READY\\n\\x1b[1m'"])
        self.assertEqual(self.path.read_bytes(), b"READY\n\x1b[1m")

    def test_not_at_info(self) -> None:
        """At info there is none."""
        self.at(20)
        self.open().received(b"x")
        self.assertEqual(self.messages.all, [])


class RecordTests(ChannelCase):
    def resumed(self, channel: OutputChannel, logfile: Any = "", **options: Any) -> OutputChannel:
        record = json.loads(json.dumps(channel.record()))
        again = self.make(logfile, **options)
        again.resume(record)
        self.dropped.append(channel)  # what was open belongs to the other one
        return again

    @given(st.lists(st.sampled_from([b"a", b"\x1b", b"[", b"1", b"m", b"\n", b"xyz"])), st.data())
    def test_round_trip(self, chunks: list[bytes], data: st.DataObject) -> None:
        """At any moment another channel can go on, and nothing shows."""
        self.path.unlink(missing_ok=True)
        cut = data.draw(st.integers(0, len(chunks)))
        before = self.open(strip_ansi=True)
        for chunk in chunks[:cut]:
            before.received(chunk)
        after = self.resumed(before, strip_ansi=True)
        for chunk in chunks[cut:]:
            after.received(chunk)
        after.ended()
        got = self.path.read_bytes()
        self.path.unlink()
        straight = self.open(strip_ansi=True)
        for chunk in chunks:
            straight.received(chunk)
        straight.ended()
        self.assertEqual(got, self.path.read_bytes())

    @given(
        st.lists(
            st.sampled_from(
                [
                    BEGIN,
                    END,
                    BEGIN[:9],
                    BEGIN[9:],
                    END[9:],
                    b"a",
                    b"\x1b[",
                    b"1m",
                    b"x" * PIPE_PAGE + b"\xe2",
                    b"x" * PIPE_PAGE + b"\x1b[1m\xe2\x82",
                    b"\x82\xac",
                    b"\xac",
                ]
            )
        ),
        st.data(),
    )
    def test_filters(self, chunks: list[bytes], data: st.DataObject) -> None:
        """Whatever is held back for tokens, events, colours and characters is taken along."""
        options: dict[str, Any] = {
            "capture_maxbytes": PIPE_PAGE + 5,
            "events_enabled": True,
            "strip_ansi": True,
        }
        cut = data.draw(st.integers(0, len(chunks)))
        runs = []
        for move in (True, False):
            self.path.unlink(missing_ok=True)
            self.bus.subscribe("EVENT", events := Events())
            channel = self.open(**options)
            channel.begin(self.child())
            for number, chunk in enumerate(chunks):
                if move and number == cut:
                    channel = self.resumed(channel, **options)
                    channel.begin(self.child())
                channel.received(chunk)
            channel.ended()
            self.bus.unsubscribe("EVENT", events)
            runs.append((events.all, self.path.read_bytes()))
        self.assertEqual(*runs)

    def test_syslog(self) -> None:
        """The beginning of a line is taken along."""
        daemon = LogDaemon(self.syslog)
        self.addCleanup(daemon.close)
        channel = self.open(None, syslog=True)
        channel.received(b"one\nt")
        self.resumed(channel, None, syslog=True).received(b"wo\n")
        self.addCleanup(channel.ended)
        self.assertEqual(daemon.lines(), [b"p one", b"p two"])

    def test_auto(self) -> None:
        """An AUTO log keeps its name, running or not, and no other one is left behind."""
        for running in (True, False):
            channel = self.make(AUTO)
            if running:
                channel.open()
                channel.received(b"one")
            path = channel.logfile
            again = self.resumed(channel, AUTO)
            self.assertEqual(again.logfile, path)
            if not running:
                again.open()
            again.received(b"two")
            self.assertEqual(Path(str(path)).read_bytes(), b"onetwo" if running else b"two")
            again.close()
        self.assertEqual(len(os.listdir(self.folder)), 2)

    def test_stream(self) -> None:
        """A log that is no file is opened again."""
        fifo = str(self.folder / "fifo")
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        channel = self.open(fifo)
        channel.received(b"one")
        self.resumed(channel, fifo).received(b"two")
        self.addCleanup(channel.ended)
        self.assertEqual(drain(reader), b"onetwo")

    def test_log_gone(self) -> None:
        """A log that cannot be opened again is told; the child's output is still read."""
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        channel = self.open(str(fifo))
        fifo.unlink()
        fifo.mkdir()
        self.messages.all.clear()
        again = self.resumed(channel, str(fifo))
        self.addCleanup(channel.ended)
        again.received(b"x")
        self.assertIn("ERRO the stdout of p cannot be written", self.messages.all[0])


class MakeTests(ChannelCase):
    def test_program(self) -> None:
        """A program has two channels, or one where stderr is redirected."""
        for redirect in (False, True):
            config = ProcessConfig("p", "x", redirect_stderr=redirect)
            channels = make_channels(config, self.auto)
            self.assertEqual(sorted(channels), [1] if redirect else [1, 2])
            for channel in channels.values():
                channel.close()
        self.assertEqual(len(os.listdir(self.folder)), 3)

    def test_listener(self) -> None:
        """The stdout of a listener is a protocol, its stderr is not."""
        log = LogConfig(logfile=str(self.path))
        config = ProcessConfig("p", "x", kind="eventlistener", stdout=log, stderr=log)
        channels = make_channels(config, self.auto, strip_ansi=True)
        for channel in channels.values():
            channel.open()
            channel.received(b"\x1b[1mx")
            channel.close()
        self.assertEqual(self.path.read_bytes(), b"\x1b[1mxx")

    def test_events(self) -> None:
        """What a process says is told on the bus, but not the stdout of a listener."""
        log = LogConfig(logfile=None, events_enabled=True, capture_maxbytes=9)
        for kind, expected in (("program", ["STDOUT", "STDERR"]), ("eventlistener", ["STDERR"])):
            self.bus.subscribe("EVENT", events := Events())
            config = ProcessConfig("x", "x", kind=kind, stdout=log, stderr=log)
            for channel in make_channels(config, self.auto, group="g", bus=self.bus).values():
                channel.open()
                channel.received(b"x")
                channel.received(BEGIN + b"y" + END)
                channel.close()
            self.bus.unsubscribe("EVENT", events)
            head = "processname:x groupname:g pid:0"
            self.assertEqual(
                events.all,
                [
                    each
                    for name in expected
                    for each in (
                        (f"PROCESS_LOG_{name}", f"{head} channel:{name.lower()}\nx"),
                        (f"PROCESS_LOG_{name}", f"{head} channel:{name.lower()}\ny"),
                        (f"PROCESS_COMMUNICATION_{name}", f"{head}\ny"),
                    )
                ],
            )
