"""
Keeps characters whole that are cut between two reads, or between two pieces of a long text.

Characters are those of UTF-8. Only the beginning of one is held back, which is at most three bytes;
what is no UTF-8 goes through as it is.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterator

#: Bytes of a long text that are decoded at once. Whoever does something to it in a thread keeps all
#: other threads waiting for no longer than one such piece takes: bytes that are no text take up to
#: 0.2 µs each, so that 256 KiB at once would take 50 ms.
PIECE = 1 << 14


def texts(data: bytes) -> Iterator[str]:
    """Decode a long text piece by piece; what is no UTF-8 becomes U+FFFD."""
    decode = getincrementaldecoder("utf-8")("replace").decode
    for start in range(0, len(data), PIECE):
        yield decode(data[start : start + PIECE])
    yield decode(b"", final=True)


class WholeCharacters:
    """The pieces of one text, of which some are cut at an arbitrary byte."""

    __slots__ = ("_held",)

    def __init__(self, held: bytes = b"") -> None:
        """Begin, or go on with what an earlier one had held back."""
        self._held = held

    def feed(self, data: bytes, *, is_cut: bool) -> bytes:
        """Return the next piece; of one that is cut not what is begun of its last character."""
        if self._held:
            data = self._held + data
            self._held = b""
        if is_cut and (begun := _begun(data)):
            self._held = data[-begun:]
            return data[:-begun]
        return data

    def flush(self) -> bytes:
        """Return what was held back: there is no more to come."""
        held, self._held = self._held, b""
        return held

    @property
    def held(self) -> bytes:
        """What is held back: all that there is to remember."""
        return self._held


def _begun(data: bytes) -> int:
    """Return how many bytes at the end of data are a character's beginning and not all of it."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:  # it is not within a character, or this is where it begins
            return back if back < _length(byte) else 0
    return 0


def _length(first: int) -> int:
    """Return how many bytes a character has by its first one; 0: no character begins so."""
    if 0xC2 <= first < 0xE0:
        return 2
    if 0xE0 <= first < 0xF0:
        return 3
    if 0xF0 <= first < 0xF5:
        return 4
    return 0
