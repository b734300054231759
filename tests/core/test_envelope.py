"""Events as they are handed to listeners, written and read."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.envelope import (
    LONGEST_HEADER,
    BadEnvelope,
    Envelopes,
    envelope,
    fields,
    result,
)


def written(name: str, payload: str, serial: int = 17, pool: str = "el") -> bytes:
    return envelope(
        server="supervisor",
        serial=serial,
        pool=pool,
        pool_serial=3,
        name=name,
        characters=len(payload),
        payload=payload.encode(),
    )


def read(*pieces: bytes | str) -> list[tuple[dict[str, str], str]]:
    """Return all events that can be read from these pieces."""
    envelopes = Envelopes()
    found = []
    for piece in pieces:
        envelopes.receive(piece)
        while (each := envelopes.next()) is not None:
            found.append(each)
    return found


class WriteTests(SynchronousTestCase):
    def test_envelope(self) -> None:
        """An event is a line of words, and a payload to which nothing is added."""
        self.assertEqual(
            written("PROCESS_STATE_STARTING", "processname:el groupname:el from_state:STOPPED"),
            b"ver:3.0 server:supervisor serial:17 pool:el poolserial:3"
            b" eventname:PROCESS_STATE_STARTING len:46\n"
            b"processname:el groupname:el from_state:STOPPED",
        )

    def test_characters(self) -> None:
        """The length is in characters, whatever they take in bytes."""
        self.assertTrue(written("REMOTE_COMMUNICATION", "type:ä\n☃𝄞").endswith(
            b" len:9\ntype:\xc3\xa4\n\xe2\x98\x83\xf0\x9d\x84\x9e"
        ))  # fmt: skip

    def test_names(self) -> None:
        """A name that is no UTF-8 arrives as the bytes that it is."""
        self.assertIn(b" pool:\xff ", written("TICK_5", "", pool="\udcff"))

    def test_result(self) -> None:
        """An answer says its length in bytes."""
        self.assertEqual(result(b"OK"), b"RESULT 2\nOK")
        self.assertEqual(result("ä".encode()), b"RESULT 2\n\xc3\xa4")
        self.assertEqual(result(b""), b"RESULT 0\n")


class FieldsTests(SynchronousTestCase):
    def test_words(self) -> None:
        """Each word has a name, up to the first colon."""
        self.assertEqual(fields("a:1 b: c:x:y"), {"a": "1", "b": "", "c": "x:y"})
        self.assertEqual(fields(""), {})

    def test_blanks(self) -> None:
        """A value may have blanks in it."""
        self.assertEqual(fields("name:my  program group:g"), {"name": "my  program", "group": "g"})

    def test_nameless(self) -> None:
        """A line that begins with anything else is refused."""
        self.assertRaises(ValueError, fields, "hello a:1")


names = st.text(st.characters(codec="utf-8", exclude_characters="\n :"), max_size=6)
payloads = st.lists(st.text(st.characters(codec="utf-8"), max_size=30), max_size=4)


class ReadTests(SynchronousTestCase):
    @given(payloads, names, st.lists(st.integers(0, 700)))
    @example(["☃𝄞ä", "", "\n"], "", [])
    def test_cuts(self, payloads: list[str], name: str, cuts: list[int]) -> None:
        """Events are read as they were written, however the bytes of them were cut."""
        data = b"".join(written("TICK_5", each, pool=name) for each in payloads)
        expected = [
            (
                fields(
                    f"ver:3.0 server:supervisor serial:17 pool:{name} poolserial:3"
                    f" eventname:TICK_5 len:{len(each)}"
                ),
                each,
            )
            for each in payloads
        ]
        places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
        self.assertEqual(read(*(data[a:b] for a, b in pairwise(places))), expected)
        self.assertEqual(read(*(bytes([byte]) for byte in data)), expected)
        self.assertEqual(read(data), expected)

    @given(st.text(st.characters(codec="utf-8")))
    def test_text(self, payload: str) -> None:
        """They can be read from text as well."""
        text = written("TICK_5", payload).decode()
        self.assertEqual([found[1] for found in read(text)], [payload])
        self.assertEqual([found[1] for found in read(*text)], [payload])

    def test_part(self) -> None:
        """Of an event there is all or nothing."""
        data = written("TICK_5", "ä")
        for length in range(len(data) + 1):
            self.assertEqual(len(read(data[:length])), length == len(data))

    def test_blanks(self) -> None:
        """The identifier of a daemon may have blanks in it."""
        data = written("TICK_5", "x").replace(b"server:supervisor", b"server:my supervisor")
        self.assertEqual(read(data)[0][0]["server"], "my supervisor")

    def test_no_event(self) -> None:
        """What cannot be an event is refused."""
        for line in (b"", b"hello", b"ver:3.0", b"ver:3.0 len:x", b"len:-1", b"\xff\x00\r"):
            error = self.assertRaises(BadEnvelope, read, line + b"\nabc")
            self.assertEqual(error.data, line)

    def test_no_text(self) -> None:
        """So is a payload that is no UTF-8."""
        self.assertRaises(BadEnvelope, read, b"len:3\na\xffb")

    def test_endless(self) -> None:
        """So is a header that does not end."""
        envelopes = Envelopes()
        envelopes.receive(b"x" * (LONGEST_HEADER - 1))
        self.assertIsNone(envelopes.next())
        envelopes.receive(b"x")
        self.assertRaises(BadEnvelope, envelopes.next)

    def test_long(self) -> None:
        """A payload of many megabytes is read piece by piece."""
        payload = "ä" * 5_000_000
        data = written("PROCESS_LOG_STDOUT", payload)
        pieces = (data[place : place + 65536] for place in range(0, len(data), 65536))
        self.assertEqual([found[1] for found in read(*pieces)], [payload])
