"""Escape sequences are taken out, however the output was cut."""

from __future__ import annotations

import itertools
import re

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.ansi import LIMIT, AnsiStripper

ENDINGS = b"HfABCDRsuJKhlpm"

#: rich in escapes, their ends and what looks like them
PIECES = st.sampled_from(
    [
        b"\x1b",
        b"[",
        b"\x1b[",
        b"\x1b[0m",
        b"\x1b[1;31m",
        b"\x1b]0;",
        b"m",
        b"H",
        b"1;2",
        b"\n",
        b"text",
        b"\xff",
        b" " * LIMIT,
        b"0" * (LIMIT - 1),
        b"\x1b[" + b"9" * (LIMIT + 1),
    ]
)
OUTPUT = st.lists(PIECES | st.binary(max_size=5), max_size=30).map(b"".join)


def stripped(*chunks: bytes) -> bytes:
    stripper = AnsiStripper()
    return b"".join(map(stripper.feed, chunks)) + stripper.flush()


def model(data: bytes) -> bytes:
    """Strip byte by byte, as one would say it."""
    out = bytearray()
    at = 0
    while at < len(data):
        if data.startswith(b"\x1b[", at):
            end = next(
                (i for i in range(at + 2, min(at + 3 + LIMIT, len(data))) if data[i] in ENDINGS),
                None,
            )
            if end is not None:
                at = end + 1
                continue
            out += data[at : at + 2 + LIMIT]
            at += 2 + LIMIT
            continue
        out.append(data[at])
        at += 1
    return bytes(out)


class AnsiTests(SynchronousTestCase):
    def test_colours(self) -> None:
        """Colours and cursor movements go, the text stays."""
        self.assertEqual(
            stripped(b"\x1b[1;31mred\x1b[0m and\x1b[2K\x1b[1A plain"), b"red and plain"
        )

    def test_every_ending(self) -> None:
        """Each of fifteen letters ends a sequence."""
        for ending in ENDINGS:
            self.assertEqual(stripped(b"a\x1b[5" + bytes([ending]) + b"b"), b"ab")

    def test_other_letters(self) -> None:
        """Any other byte belongs to the sequence, a newline too."""
        self.assertEqual(stripped(b"a\x1b[2Gx\nyKb"), b"ab")

    def test_other_escapes(self) -> None:
        """What does not begin with ESC [ stays."""
        self.assertEqual(stripped(b"\x1b]0;title\x07\x1bM\x1b"), b"\x1b]0;title\x07\x1bM\x1b")

    def test_nothing_to_strip(self) -> None:
        """A chunk without an escape is handed on as it is, not copied."""
        chunk = b"plain" * 100
        self.assertIs(AnsiStripper().feed(chunk), chunk)

    def test_cut(self) -> None:
        """A sequence that is cut between two reads is removed, and text is not held back."""
        stripper = AnsiStripper()
        self.assertEqual(stripper.feed(b"one\x1b"), b"one")
        self.assertEqual(stripper.feed(b"[3"), b"")
        self.assertEqual(stripper.held, b"\x1b[3")
        self.assertEqual(stripper.feed(b"1mtwo"), b"two")
        self.assertEqual(stripper.held, b"")

    def test_never_ends(self) -> None:
        """A sequence that does not end is released unchanged, at the limit or at the end."""
        stripper = AnsiStripper()
        endless = b"\x1b[" + b"0" * LIMIT
        self.assertEqual(stripper.feed(endless), b"")
        self.assertEqual(stripper.feed(b"0"), endless + b"0")
        self.assertEqual(stripper.feed(b"\x1b[12"), b"")
        self.assertEqual(stripper.flush(), b"\x1b[12")
        self.assertEqual(stripper.flush(), b"")

    def test_record(self) -> None:
        """Another stripper goes on from what was held back."""
        first = AnsiStripper()
        first.feed(b"x\x1b[3")
        self.assertEqual(AnsiStripper(first.held).feed(b"1my"), b"y")

    @given(OUTPUT)
    @example(b"\x1b\x1b[0m[1m")
    def test_model(self, data: bytes) -> None:
        """It does what the definition says."""
        self.assertEqual(stripped(data), model(data))

    @given(OUTPUT, st.lists(st.integers(0, 600)))
    @example(b"\x1b\x1b[0m[1m", [6])
    def test_cuts_do_not_matter(self, data: bytes, cuts: list[int]) -> None:
        """Any cutting of the output gives the same as the whole."""
        places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        chunks = [data[a:b] for a, b in itertools.pairwise(places)]
        self.assertEqual(stripped(*chunks), stripped(data))

    @given(OUTPUT)
    def test_bounded(self, data: bytes) -> None:
        """Never more than one unfinished sequence is held back."""
        stripper = AnsiStripper()
        stripper.feed(data)
        self.assertLessEqual(len(stripper.held), LIMIT + 2)
        self.assertTrue(re.fullmatch(rb"(?s)|\x1b|\x1b\[.*", stripper.held))
