"""
Takes the ANSI escape sequences out of a child's output.

A sequence is ``ESC [`` and everything up to and including the next byte of ``HfABCDRsuJKhlpm``
(Supervisor docs, ``strip_ansi``); other escapes stay. One that is cut between two reads is held
back until its end arrives. So that an ``ESC [`` which never ends does not swallow a log, it counts
as ordinary bytes once more than :data:`LIMIT` bytes have followed it. What comes out does not
depend on how the input was cut.
"""

from __future__ import annotations

import re

#: Bytes between ``ESC [`` and the end of a sequence, at most; real ones have fewer than 50.
LIMIT = 256

_BEGIN = b"\x1b["
_SEQUENCE = re.compile(rb"\x1b\[[^HfABCDRsuJKhlpm]{0,%d}[HfABCDRsuJKhlpm]" % LIMIT)
#: the beginning of one whose end is yet to come
_UNFINISHED = re.compile(rb"\x1b(?:\[[^HfABCDRsuJKhlpm]{0,%d})?\Z" % LIMIT)


class AnsiStripper:
    """Strips one stream of output."""

    __slots__ = ("_held",)

    def __init__(self, held: bytes = b"") -> None:
        """Begin, or go on with what an earlier one had held back."""
        self._held = held

    def feed(self, data: bytes) -> bytes:
        """Return what is certain of the output so far; often the very same object."""
        if self._held:
            data = self._held + data
            self._held = b""
        if b"\x1b" not in data:
            return data
        unfinished = _UNFINISHED.search(data, max(0, len(data) - LIMIT - len(_BEGIN)))
        if unfinished:
            self._held = data[unfinished.start() :]
            data = data[: unfinished.start()]
        return _SEQUENCE.sub(b"", data)

    def flush(self) -> bytes:
        """Return what was held back, unchanged: the output has ended."""
        held, self._held = self._held, b""
        return held

    @property
    def held(self) -> bytes:
        """What is held back: all that there is to remember."""
        return self._held
