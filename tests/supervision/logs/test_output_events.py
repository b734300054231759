"""What event listeners hear of a child's output."""

from __future__ import annotations

import os
from typing import Any

from supervisor_tx.activity import Level
from supervisor_tx.core.capture import BEGIN, END
from supervisor_tx.core.events import Occurrence, ProcessCommunicationEvent, ProcessLogEvent
from supervisor_tx.supervision.logs.output import PIPE_PAGE
from tests.logs import quiet
from tests.supervision.logs.test_output import ChannelCase, Events
from tests.supervision.logs.test_stream import FLOOD, drain


class EventCase(ChannelCase):
    def setUp(self) -> None:
        super().setUp()
        #: what was told, of logs as bytes, of communications in a tuple
        self.told: list[Any] = []
        for name in ("PROCESS_LOG", "PROCESS_COMMUNICATION"):
            self.bus.subscribe(name, self.hear)

    def hear(self, occurrence: Occurrence) -> None:
        match occurrence.event:
            case ProcessLogEvent(data=data):
                self.told.append(data)
            case ProcessCommunicationEvent(data=data):
                self.told.append((data,))


class LogEventTests(EventCase):
    def test_each_read(self) -> None:
        """What was read is told, as what it is of which child."""
        self.bus.subscribe("EVENT", events := Events())
        channel = self.open(events_enabled=True, channel="stderr")
        channel.begin(self.child())
        channel.received(b"one")
        channel.received("tw\xf6".encode())
        head = "processname:p groupname:g pid:17 channel:stderr\n"
        self.assertEqual(
            events.all,
            [("PROCESS_LOG_STDERR", head + "one"), ("PROCESS_LOG_STDERR", head + "tw\xf6")],
        )

    def test_not_wanted(self) -> None:
        """By default nothing is told, and of a listener's stdout never."""
        self.open().received(b"x")
        self.open(is_protocol=True, events_enabled=True, capture_maxbytes=10).received(
            BEGIN + b"x" + END
        )
        self.assertEqual(self.told, [])
        self.assertEqual(self.path.read_bytes(), b"x" + BEGIN + b"x" + END)

    def test_no_child(self) -> None:
        """What is logged where there is no child is told too; the last one's pid is forgotten."""
        self.bus.subscribe("EVENT", events := Events())
        channel = self.open(events_enabled=True)
        channel.begin(self.child())
        channel.ended()
        channel.open()
        channel.received(b"supervisor: no such file\n")
        self.assertIn(" pid:0 ", events.all[0][1])

    def test_without_a_log(self) -> None:
        """It is told where nothing is logged, too."""
        self.open(None, events_enabled=True).received(b"x")
        self.assertEqual(self.told, [b"x"])

    def test_strip(self) -> None:
        """What is told is what the log gets, and nothing where that is nothing."""
        channel = self.open(events_enabled=True, strip_ansi=True)
        for data in (b"a\x1b[1mb", b"\x1b[0m", b"c\x1b[", b"4"):
            channel.received(data)
        self.assertEqual(self.told, [b"ab", b"c"])
        channel.ended()
        self.assertEqual(self.told, [b"ab", b"c", b"\x1b[4"])

    def test_character_that_was_cut(self) -> None:
        """A character that the pipe has cut is told whole, and is in the log at once."""
        channel = self.open(events_enabled=True)
        data = b"x" * (PIPE_PAGE - 1) + "\u20ac".encode()
        channel.received(data[:PIPE_PAGE])
        self.assertEqual(self.path.read_bytes(), data[:PIPE_PAGE])
        channel.received(data[PIPE_PAGE:] + b"y")
        self.assertEqual(self.told, [data[: PIPE_PAGE - 1], "\u20acy".encode()])
        self.assertEqual(self.path.read_bytes(), data + b"y")

    def test_character_that_is_none(self) -> None:
        """What the child itself has cut is told at once, and what stays incomplete at the end."""
        channel = self.open(events_enabled=True)
        channel.received(b"\xe2\x82")
        channel.received(b"x" * PIPE_PAGE + b"\xe2\x82")
        self.assertEqual(self.told, [b"\xe2\x82", b"x" * PIPE_PAGE])
        channel.ended()
        self.assertEqual(self.told[2:], [b"\xe2\x82"])

    def test_who_hears_fails(self) -> None:
        """A subscriber that fails does not harm the log."""

        def fail(occurrence: Occurrence) -> None:
            raise ValueError(occurrence)

        self.bus.subscribe("PROCESS_LOG_STDOUT", fail)
        self.open(events_enabled=True).received(b"x")
        self.assertEqual((self.told, self.path.read_bytes()), ([b"x"], b"x"))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class CaptureTests(EventCase):
    def test_communication(self) -> None:
        """What stands between the tokens is told, and not logged; the tokens are neither."""
        self.bus.subscribe("EVENT", events := Events())
        for channel in ("stdout", "stderr"):
            output = self.open(capture_maxbytes=100, channel=channel)
            output.begin(self.child())
            output.received(b"a" + BEGIN + b"one" + END + b"b" + BEGIN + b"tw")
            output.received("\xf6".encode() + END[:5])
            output.received(END[5:] + b"c")
        name, head = "PROCESS_COMMUNICATION_", "processname:p groupname:g pid:17\n"
        self.assertEqual(
            events.all,
            [(name + c, head + data) for c in ("STDOUT", "STDERR") for data in ("one", "tw\xf6")],
        )
        self.assertEqual(self.path.read_bytes(), b"abcabc")

    def test_not_wanted(self) -> None:
        """By default tokens are bytes like others."""
        self.open().received(BEGIN + b"x" + END)
        self.assertEqual(self.path.read_bytes(), BEGIN + b"x" + END)
        self.assertEqual(self.told, [])

    def test_maximum(self) -> None:
        """The last so many bytes are told."""
        channel = self.open(capture_maxbytes=3)
        channel.received(BEGIN + b"1234")
        channel.received(b"5" + END)
        self.assertEqual(self.told, [(b"345",)])

    def test_told_as_it_comes(self) -> None:
        """What is captured is told as output too, where that is wanted, before the whole."""
        channel = self.open(capture_maxbytes=3, events_enabled=True)
        channel.received(b"a" + BEGIN + b"12345")
        channel.received(b"6" + END + b"b")
        self.assertEqual(self.told, [b"a", b"12345", b"6", (b"456",), b"b"])
        self.assertEqual(self.path.read_bytes(), b"ab")

    def test_strip(self) -> None:
        """Escape sequences are stripped from the log and from what is captured, each by itself."""
        channel = self.open(capture_maxbytes=9, events_enabled=True, strip_ansi=True)
        channel.received(b"a\x1b[3" + BEGIN + b"b\x1b[" + END + b"1mc" + BEGIN + b"\x1b[1md" + END)
        self.assertEqual(self.path.read_bytes(), b"ac")
        self.assertEqual(self.told, [b"a", b"b", b"\x1b[", (b"b\x1b[",), b"c", b"d", (b"d",)])

    def test_character_that_was_cut(self) -> None:
        """A captured character that the pipe has cut is told whole, and before the token."""
        channel = self.open(capture_maxbytes=PIPE_PAGE, events_enabled=True)
        text = b"x" * PIPE_PAGE
        channel.received(BEGIN + text + b"\xe2\x82")
        channel.received(b"\xac" + END + text + b"\xe2\x82")
        channel.received(BEGIN + text + b"\xc3")
        self.assertEqual(self.told[:3], [text, "\u20ac".encode(), (text[3:] + "\u20ac".encode(),)])
        self.assertEqual(self.told[3:], [text, text])
        channel.received(END + b"\xac")
        self.assertEqual(self.told[5:], [b"\xc3", (text[1:] + b"\xc3",), "\u20ac".encode()])

    def test_end_within(self) -> None:
        """A communication that the end of the child cuts off is not told; that is said."""
        channel = self.open(capture_maxbytes=3, strip_ansi=True)
        channel.received(b"a" + BEGIN + b"1234\x1b[" + END[:3])
        channel.ended()
        (line,) = self.messages.above(Level.WARN)
        self.assertEqual(
            line,
            "WARN the stdout of p ended within a communication: "
            "the 9 bytes of it so far are not sent",
        )
        channel.open()
        channel.received(b"b" + END + BEGIN + b"5" + END)
        self.assertEqual(self.told, [(b"5",)])
        self.assertEqual(self.path.read_bytes(), b"ab" + END)

    def test_end_in_what_may_be_a_token(self) -> None:
        """What was held back goes to the log at the end, in order."""
        channel = self.open(capture_maxbytes=3, strip_ansi=True, events_enabled=True)
        channel.received(b"a\x1b[" + BEGIN[:5])
        self.assertEqual(self.path.read_bytes(), b"a")
        channel.ended()
        self.assertEqual(self.path.read_bytes(), b"a\x1b[" + BEGIN[:5])
        self.assertEqual(b"".join(self.told), b"a\x1b[" + BEGIN[:5])
        self.assertEqual(self.messages.above(Level.WARN), [])

    def test_clear(self) -> None:
        """To clear the log is to forget as well what was captured so far."""
        channel = self.open(capture_maxbytes=9)
        channel.received(b"log" + BEGIN + b"one")
        channel.clear()
        channel.received(b"two" + END)
        self.assertEqual(self.told, [(b"two",)])
        self.assertEqual(self.path.read_bytes(), b"")

    def test_debug(self) -> None:
        """At debug the log tells of what is captured and of communications, at info of neither."""
        channel = self.open(capture_maxbytes=9)
        channel.received(b"a" + BEGIN + b"\xff" + END)
        self.assertEqual(
            self.messages.all,
            [
                "DEBG 'p' stdout output:\na",
                "DEBG 'p' stdout output:\nUndecodable: b'\\xff'",
                "DEBG 'p' stdout emitted a comm event",
            ],
        )
        quiet(self)
        self.messages.all.clear()
        channel.received(b"a" + BEGIN + b"b" + END)
        self.assertEqual(self.messages.all, [])

    def test_full(self) -> None:
        """A log that is full stops no communication on its way."""
        quiet(self)
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        channel, child = self.open(f"/dev/fd/{writer}", capture_maxbytes=9), self.child()
        channel.begin(child)
        channel.received(BEGIN + b"1" + END + FLOOD + BEGIN + b"2" + END + b"x" + BEGIN)
        self.assertEqual((self.told, child.paused), ([(b"1",), (b"2",)], {1}))
        got = b""
        while self.reactor.getWriters():
            got += drain(reader)
            self.reactor.turn()
        self.assertEqual(got + drain(reader), FLOOD + b"x")
        self.assertEqual(child.paused, set())
        channel.received(b"3" + END)
        self.assertEqual(self.told[2:], [(b"3",)])
