"""What children say to event listeners is told from what they log, however it was cut."""

from __future__ import annotations

import itertools
import json
from base64 import b64decode
from collections.abc import Iterable

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.capture import (
    BEGIN,
    END,
    Capture,
    Captured,
    Communication,
    ForLog,
    GivenUp,
    Piece,
)

#: rich in tokens, parts of them, escapes and characters
PIECES = st.sampled_from(
    [
        BEGIN,
        END,
        BEGIN[:5],
        BEGIN[5:],
        BEGIN[:-1],
        BEGIN[:17],
        END[17:],
        END[:-1],
        b"<",
        b">",
        b"<!-",
        b"text",
        b"\n",
        "é€𝄞".encode(),
        b"\xff",
        b"\x1b[1m",
        b"\x1b[",
        b"x" * 30,
    ]
)
OUTPUT = st.lists(PIECES | st.binary(max_size=3), max_size=30).map(b"".join)
MAXIMA = st.integers(1, 60)


def said(*pieces: Piece) -> list[Piece]:
    """Put pieces together that belong together: how they were cut is the reader's business."""
    joined: list[Piece] = []
    for piece in pieces:
        match joined and joined[-1], piece:
            case ForLog(before), ForLog(data):
                joined[-1] = ForLog(before + data)
            case Captured(before), Captured(data):
                joined[-1] = Captured(before + data)
            case _:
                joined.append(piece)
    return joined


def split(chunks: Iterable[bytes], maxbytes: int = 1000, *, strip: bool = False) -> list[Piece]:
    capture = Capture(maxbytes, strip_ansi=strip)
    pieces = [piece for chunk in chunks for piece in capture.feed(chunk)]
    return said(*pieces, *capture.flush())


def model(data: bytes) -> list[Piece]:
    """Split the whole, as one would say it; nothing is too long."""
    pieces: list[Piece] = []
    while data:
        log, begin, data = data.partition(BEGIN)
        if log:
            pieces.append(ForLog(log))
        if begin:
            captured, end, data = data.partition(END)
            if captured:
                pieces.append(Captured(captured))
            pieces.append(Communication(captured) if end else GivenUp(len(captured)))
    return pieces


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    cuts = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(cuts)]


def held(capture: Capture) -> tuple[bytes, bytes]:
    """What it remembers: what may be a token, and what was captured."""
    record = capture.record()
    return b64decode(record["held"]), b64decode(record["captured"])


class SplitTests(SynchronousTestCase):
    def test_one(self) -> None:
        """What stands between the tokens is a communication, the rest is for the log."""
        self.assertEqual(
            Capture(100).feed(b"a" + BEGIN + b"b" + END + b"c"),
            [ForLog(b"a"), Captured(b"b"), Communication(b"b"), ForLog(b"c")],
        )

    def test_nothing(self) -> None:
        """Without a token all is for the log, at once, however short, and not even copied."""
        capture = Capture(100)
        for data in (b"x", b"\n", b"a" * 1000, b"1 < 2 <!-- comment --> <p>", b"-"):
            (piece,) = capture.feed(data)
            assert isinstance(piece, ForLog)
            self.assertIs(piece.data, data)
        self.assertEqual(capture.flush(), [])

    def test_several(self) -> None:
        """Any number of them, empty ones too, come in order with what lies between."""
        data = BEGIN + b"1" + END + BEGIN + END + b"log" + BEGIN + b"2" + END
        self.assertEqual(
            Capture(100).feed(data),
            [
                Captured(b"1"),
                Communication(b"1"),
                Communication(b""),
                ForLog(b"log"),
                Captured(b"2"),
                Communication(b"2"),
            ],
        )

    def test_very_many(self) -> None:
        """A hundred thousand of them in one read are no more than that."""
        pieces = Capture(100).feed((BEGIN + b"x" + END) * 100_000)
        self.assertEqual(pieces.count(Communication(b"x")), 100_000)
        self.assertEqual(len(pieces), 200_000)

    def test_only_the_other_token(self) -> None:
        """Communications do not nest: a token that is not awaited is a text like any other."""
        for data in (
            END + b"x",
            BEGIN + b"a" + BEGIN + b"b" + END + b"c",
            BEGIN + END + END + BEGIN + BEGIN + END,
        ):
            self.assertEqual(split([data]), model(data))

    def test_every_cut(self) -> None:
        """Tokens may be cut at any byte, and be cut more than once."""
        data = b"a<" + BEGIN + b"<<!--b" + END + b"<c"
        whole = split([data])
        self.assertEqual(whole, model(data))
        for first in range(len(data) + 1):
            for second in range(first, len(data) + 1):
                self.assertEqual(split(cut(data, (first, second))), whole)
        self.assertEqual(split(data[i : i + 1] for i in range(len(data))), whole)

    def test_what_is_held_back(self) -> None:
        """Only the beginning of the token that is awaited waits for more."""
        capture = Capture(100)
        self.assertEqual(capture.feed(b"one <!--XSUP"), [ForLog(b"one ")])
        self.assertEqual(capture.feed(b"ERVISOR:END-->"), [ForLog(END)])
        self.assertEqual(capture.feed(b"two <"), [ForLog(b"two ")])
        self.assertEqual(capture.feed(BEGIN), [ForLog(b"<")])
        self.assertEqual(capture.feed(BEGIN[:-1]), [Captured(BEGIN[:-1])])
        self.assertEqual(capture.feed(END[:-1]), [])
        self.assertEqual(capture.feed(b"x"), [Captured(END[:-1] + b"x")])

    def test_end_of_output(self) -> None:
        """What was held back is for the log when no more comes."""
        capture = Capture(100)
        capture.feed(b"x" + BEGIN[:-1])
        self.assertEqual(capture.flush(), [ForLog(BEGIN[:-1])])
        self.assertEqual(capture.flush(), [])

    def test_end_within(self) -> None:
        """A communication without an end is none; how much of it there was is told."""
        capture = Capture(3)
        capture.feed(BEGIN + b"12345" + END[:4])
        self.assertEqual(capture.flush(), [Captured(END[:4]), GivenUp(9)])
        self.assertEqual(capture.feed(b"x" + END), [ForLog(b"x" + END)])
        self.assertEqual(held(capture), (b"", b""))
        capture.feed(BEGIN)
        self.assertEqual(capture.flush(), [GivenUp(0)])

    def test_clear(self) -> None:
        """To clear is to forget what came so far, not that a communication goes on."""
        capture = Capture(100)
        capture.clear()
        capture.feed(BEGIN + b"one" + END[:5])
        capture.clear()
        self.assertEqual(capture.feed(END[5:]), [Communication(b"")])
        capture.feed(BEGIN + b"one")
        capture.clear()
        self.assertEqual(capture.feed(b"two" + END), [Captured(b"two"), Communication(b"two")])


class MaximumTests(SynchronousTestCase):
    def test_exact(self) -> None:
        """The last bytes of a communication are kept, so many as is said and not one more."""
        for maxbytes in (1, 2, 9, 10, 11):
            for chunks in ([b"0123456789"], [b"0123", b"456789"], [b"%d" % i for i in range(10)]):
                capture = Capture(maxbytes)
                for chunk in (BEGIN, *chunks):
                    capture.feed(chunk)
                    self.assertLessEqual(len(held(capture)[1]), maxbytes)
                self.assertEqual(capture.feed(END), [Communication(b"0123456789"[-maxbytes:])])

    def test_all_is_told(self) -> None:
        """What does not fit is told as it comes nevertheless."""
        pieces = Capture(2).feed(BEGIN + b"12345" + END)
        self.assertEqual(pieces, [Captured(b"12345"), Communication(b"45")])

    def test_whole_characters(self) -> None:
        """The cut leaves no part of a character behind where the rest is text."""
        for maxbytes, left in ((9, "é€𝄞"), (8, "€𝄞"), (7, "€𝄞"), (6, "𝄞"), (4, "𝄞"), (3, "")):
            (*_, last) = Capture(maxbytes).feed(BEGIN + "xé€𝄞".encode() + END)
            self.assertEqual(last, Communication(left.encode()))

    def test_no_characters(self) -> None:
        """What is no text, or was not cut, is left as it is."""
        for maxbytes, data, left in (
            (3, b"x\x80\x80\xff", b"\x80\x80\xff"),
            (4, b"x\x80\x80\x80\x80", b"\x80\x80\x80\x80"),
            (9, b"\x80text", b"\x80text"),
        ):
            (*_, last) = Capture(maxbytes).feed(BEGIN + data + END)
            self.assertEqual(last, Communication(left))

    @given(OUTPUT, MAXIMA, st.lists(st.integers(0, 300)), st.booleans())
    def test_bounded(self, data: bytes, maxbytes: int, cuts: list[int], strip: bool) -> None:
        """Never more is remembered than the maximum and the beginning of a token."""
        capture = Capture(maxbytes, strip_ansi=strip)
        for chunk in cut(data, cuts):
            capture.feed(chunk)
            token, captured = held(capture)
            within = capture.record()["within"]
            self.assertTrue((END if within else BEGIN).startswith(token))
            self.assertLess(len(token), len(END if within else BEGIN))
            self.assertLessEqual(len(captured), maxbytes if within else 0)


class StripTests(SynchronousTestCase):
    def test_strip(self) -> None:
        """Escape sequences are taken out of communications, and do not count."""
        data = BEGIN + b"\x1b[1mab\x1b[0m" + END + b"\x1b[1mlog"
        (*_, last, log) = Capture(2, strip_ansi=True).feed(data)
        self.assertEqual(last, Communication(b"ab"))
        self.assertEqual(log, ForLog(b"\x1b[1mlog"))
        (*_, last, log) = Capture(2).feed(data)
        self.assertEqual(last, Communication(b"0m"))

    def test_cut(self) -> None:
        """One that is cut is taken out too, and one that does not end is not."""
        capture = Capture(100, strip_ansi=True)
        self.assertEqual(capture.feed(BEGIN + b"a\x1b[3"), [Captured(b"a")])
        self.assertEqual(capture.feed(b"1m"), [])
        self.assertEqual(
            capture.feed(b"\x1b[4" + END), [Captured(b"\x1b[4"), Communication(b"a\x1b[4")]
        )
        capture.feed(BEGIN + b"a\x1b[")
        self.assertEqual(capture.flush(), [Captured(b"\x1b["), GivenUp(3)])

    def test_token_within_a_sequence(self) -> None:
        """The tokens come first: a token ends the escape sequence in which it stands."""
        (*_, last) = Capture(100, strip_ansi=True).feed(BEGIN + b"a\x1b[3" + END)
        self.assertEqual(last, Communication(b"a\x1b[3"))


class AnyOutputTests(SynchronousTestCase):
    @given(OUTPUT)
    @example(BEGIN + END[:-1] + END)
    @example(BEGIN[:-1] + BEGIN)
    def test_model(self, data: bytes) -> None:
        """It does what the definition says: nothing is lost, added or put out of order."""
        self.assertEqual(split([data]), model(data))

    @given(OUTPUT, MAXIMA, st.lists(st.integers(0, 300)), st.booleans())
    def test_cuts_do_not_matter(
        self, data: bytes, maxbytes: int, cuts: list[int], strip: bool
    ) -> None:
        """Any cutting of the output gives the same as the whole."""
        self.assertEqual(
            split(cut(data, cuts), maxbytes, strip=strip), split([data], maxbytes, strip=strip)
        )

    @given(OUTPUT, MAXIMA, st.integers(0, 300), st.booleans())
    def test_record(self, data: bytes, maxbytes: int, place: int, strip: bool) -> None:
        """At any moment another one can go on."""
        before, after = (Capture(maxbytes, strip_ansi=strip) for _ in range(2))
        pieces = before.feed(data[:place])
        after.resume(json.loads(json.dumps(before.record())))
        pieces += after.feed(data[place:])
        pieces += after.flush()
        self.assertEqual(said(*pieces), split([data], maxbytes, strip=strip))

    def test_smaller_maximum(self) -> None:
        """One that goes on with less room keeps no more than that."""
        before, after = Capture(100), Capture(2)
        before.feed(BEGIN + b"12345")
        after.resume(before.record())
        self.assertEqual(after.feed(END), [Communication(b"45")])
