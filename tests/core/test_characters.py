"""Characters stay whole, wherever a text is cut."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.characters import PIECE, WholeCharacters, texts


class CharactersTests(SynchronousTestCase):
    def test_whole(self) -> None:
        """What ends with a character goes through as it is."""
        for text in ("", "x", "é", "€", "𝄞", "x€"):
            data = text.encode()
            self.assertIs(WholeCharacters().feed(data, is_cut=True), data)

    def test_cut(self) -> None:
        """What is begun of a character waits for the rest of it."""
        for character in "é€𝄞\u0800\uffff\U0010ffff":
            data = character.encode()
            for place in range(1, len(data)):
                text = WholeCharacters()
                self.assertEqual(text.feed(b"x" + data[:place], is_cut=True), b"x")
                self.assertEqual(text.held, data[:place])
                self.assertEqual(text.feed(data[place:] + b"y", is_cut=False), data + b"y")
                self.assertEqual(text.flush(), b"")

    def test_not_cut(self) -> None:
        """Where the writer has ended there, there is nothing to wait for."""
        text = WholeCharacters()
        self.assertEqual(text.feed(b"x\xe2\x82", is_cut=False), b"x\xe2\x82")
        self.assertEqual(text.held, b"")

    def test_no_character(self) -> None:
        """What cannot become a character is not held back."""
        for data in (
            b"\xff",
            b"\xc0",
            b"\xf8\x80",
            b"\x80",
            b"\x80\x80\x80\x80",
            b"\xe2\x82\xac\x80",
        ):
            self.assertIs(WholeCharacters().feed(data, is_cut=True), data)

    def test_end(self) -> None:
        """What never became a character comes out at the end."""
        text = WholeCharacters()
        text.feed(b"x\xf0\x9d", is_cut=True)
        self.assertEqual(text.flush(), b"\xf0\x9d")
        self.assertEqual(text.flush(), b"")

    @given(st.text(max_size=20), st.lists(st.integers(0, 80)))
    def test_any_text(self, text: str, cuts: list[int]) -> None:
        """Each piece of a text is text, and together they are the text."""
        data, characters = text.encode("utf-8", "replace"), WholeCharacters()
        places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        pieces = [
            characters.feed(data[a:b], is_cut=True).decode() for a, b in itertools.pairwise(places)
        ]
        self.assertEqual("".join(pieces).encode(), data)

    @given(st.lists(st.tuples(st.binary(max_size=6), st.booleans())), st.data())
    def test_any_bytes(self, chunks: list[tuple[bytes, bool]], data: st.DataObject) -> None:
        """Nothing is lost or held for long, and at any moment another one can go on."""
        place = data.draw(st.integers(0, len(chunks)))
        text, got = WholeCharacters(), b""
        for number, (chunk, is_cut) in enumerate(chunks):
            if number == place:
                text = WholeCharacters(text.held)
            got += text.feed(chunk, is_cut=is_cut)
            self.assertLessEqual(len(text.held), 3 if is_cut else 0)
        self.assertEqual(got + text.flush(), b"".join(chunk for chunk, _ in chunks))


class TextsTests(SynchronousTestCase):
    @given(st.binary(max_size=8), st.integers(0, 8), st.integers(0, 2))
    def test_pieces(self, data: bytes, before: int, pieces: int) -> None:
        """A long text is the same piece by piece, wherever characters are cut."""
        data = b"x" * (pieces * PIECE - before) + data + "€".encode() * 3
        found = list(texts(data))
        self.assertEqual("".join(found), data.decode("utf-8", "replace"))
        self.assertLessEqual(max(map(len, found)), PIECE + 3)
