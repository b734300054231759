"""
Takes the ANSI escape sequences out of a child's output.

A sequence is ``ESC [`` and everything up to and including the next byte of ``HfABCDRsuJKhlpm``
(Supervisor docs, ``strip_ansi``); other escapes stay. One that is cut between two reads is held
back until its end arrives. So that an ``ESC [`` which never ends does not swallow a log, it counts
as ordinary bytes, with the :data:`LIMIT` bytes after it, once there are that many and still no end.
What comes out does not depend on how the input was cut, and no input takes more than linear time.
"""

from __future__ import annotations

import re

#: Bytes between ``ESC [`` and the end of a sequence, at most; real ones have fewer than 50.
LIMIT = 256

_WITHIN, _END = rb"[^HfABCDRsuJKhlpm]", rb"[HfABCDRsuJKhlpm]"

#: A sequence; or (group 1) one that does not end; or (group 2) one whose end is yet to come. The
#: groups begin after the ESC, which stands first so that the search can run for it.
_SEQUENCE = re.compile(
    rb"\x1b(?:"
    + rb"\[%b{0,%d}+%b" % (_WITHIN, LIMIT, _END)
    + rb"|(\[%b{%d})(?!\Z)" % (_WITHIN, LIMIT)
    + rb"|((?:\[%b{0,%d})?)\Z" % (_WITHIN, LIMIT)
    + rb")"
)


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
        # text, group 1, group 2, text, group 1 ...: faster than a substitution that has to look
        parts = _SEQUENCE.split(data)
        if len(parts) > 1 and parts[-2] is not None:
            self._held = b"\x1b" + parts[-2]
            parts[-2] = None
        if any(parts[1::3]):
            parts[1::3] = [each and b"\x1b" + each for each in parts[1::3]]
        return b"".join(filter(None, parts))

    def flush(self) -> bytes:
        """Return what was held back, unchanged: the output has ended."""
        held, self._held = self._held, b""
        return held

    @property
    def held(self) -> bytes:
        """What is held back: all that there is to remember."""
        return self._held
