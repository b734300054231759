"""
Tells what a child says to event listeners from what it says to its log.

What stands between :data:`BEGIN` and :data:`END` is a communication, the rest is for the log, in
order; the tokens are for neither (Supervisor docs, "Capture Mode"). Communications do not nest:
within one only the other token counts. A token may be cut anywhere between two reads; what comes
out, put together, does not depend on how the input was cut. Nothing is held back but what may be
the beginning of the awaited token, fewer bytes than it has; and of a communication no more than its
last so many bytes. No input takes more than linear time.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, TypeAlias

from supervisor_tx.core.ansi import AnsiStripper
from supervisor_tx.values import frozen

BEGIN, END = b"<!--XSUPERVISOR:BEGIN-->", b"<!--XSUPERVISOR:END-->"


@frozen
class ForLog:
    """Bytes from outside of communications."""

    data: bytes


@frozen
class Captured:
    """Bytes from within a communication, as they came; not its end yet."""

    data: bytes


@frozen
class Communication:
    """A communication has ended: this is the last of it, or all."""

    data: bytes


@frozen
class GivenUp:
    """The output has ended within a communication, after so many bytes of it."""

    size: int


Piece: TypeAlias = ForLog | Captured | Communication | GivenUp


class Capture:
    """Splits one stream of output."""

    __slots__ = ("_captured", "_held", "_is_within", "_maxbytes", "_size", "_stripper")

    def __init__(self, maxbytes: int, *, strip_ansi: bool = False) -> None:
        """
        Begin outside of a communication.

        Of each the last ``maxbytes`` are kept, at least 1. Escape sequences are taken out of them
        before they are counted, if that is wanted, and out of nothing else.
        """
        self._maxbytes = maxbytes
        self._stripper = AnsiStripper() if strip_ansi else None
        self._is_within = False
        #: what may be the beginning of a token
        self._held = b""
        #: the last of the communication at hand; most come in one piece, which is not copied
        self._captured: bytes | bytearray = b""
        #: bytes of it so far, those too that are not kept
        self._size = 0

    def feed(self, data: bytes) -> list[Piece]:
        """Return what is certain of the output so far, in order; no piece of it is empty bytes."""
        if self._held:
            data = self._held + data
            self._held = b""
        pieces: list[Piece] = []
        at, token = 0, END if self._is_within else BEGIN
        while (found := data.find(token, at)) >= 0:
            if at < found:
                self._take(data[at:found], pieces)
            at = found + len(token)
            if self._is_within:
                self._communicate(pieces)
                self._is_within, token = False, BEGIN
            else:
                self._is_within, token = True, END
        if at < len(data):
            end = _before_beginning(data, at, token)
            if end < len(data):
                self._held = data[end:]
            self._take(data[at:end], pieces)
        return pieces

    def flush(self) -> list[Piece]:
        """Return what was held back: the output has ended. What comes then is another's."""
        pieces: list[Piece] = []
        held, self._held = self._held, b""
        self._take(held, pieces)
        if self._is_within:
            self._end_stripping(pieces)
            pieces.append(GivenUp(self._size))
            self._is_within = False
            self.clear()
        return pieces

    def clear(self) -> None:
        """Forget what was captured so far of the communication at hand, which goes on."""
        self._captured = b""  # and the memory with it
        self._size = 0

    def record(self) -> Mapping[str, Any]:
        """Return all that there is to remember, as plain values that survive JSON."""
        return {
            "within": self._is_within,
            "held": _encode(self._held),
            "captured": _encode(self._captured),
            "size": self._size,
            "ansi": _encode(self._stripper.held if self._stripper is not None else b""),
        }

    def resume(self, record: Mapping[str, Any]) -> None:
        """Go on from a record."""
        self._is_within = record["within"]
        self._held = b64decode(record["held"])
        self._captured = b64decode(record["captured"])[-self._maxbytes :]
        self._size = record["size"]
        if self._stripper is not None:
            self._stripper = AnsiStripper(b64decode(record["ansi"]))

    def _take(self, data: bytes, pieces: list[Piece]) -> None:
        if not self._is_within:
            if data:
                pieces.append(ForLog(data))
            return
        self._keep(data if self._stripper is None else self._stripper.feed(data), pieces)

    def _keep(self, data: bytes, pieces: list[Piece]) -> None:
        if not data:
            return
        pieces.append(Captured(data))
        self._size += len(data)
        last = data[-self._maxbytes :]
        if not self._captured:
            self._captured = last
            return
        if isinstance(self._captured, bytes):
            self._captured = bytearray(self._captured)
        self._captured += last
        del self._captured[: -self._maxbytes]

    def _communicate(self, pieces: list[Piece]) -> None:
        if self._stripper is not None:
            self._end_stripping(pieces)
        data = bytes(self._captured)
        if self._size > len(data):
            data = _from_whole_character(data)
        pieces.append(Communication(data))
        self._captured, self._size = b"", 0

    def _end_stripping(self, pieces: list[Piece]) -> None:
        if self._stripper is not None:
            self._keep(self._stripper.flush(), pieces)


def _before_beginning(data: bytes, at: int, token: bytes) -> int:
    """Return where, from ``at`` on, data end in the beginning of a token; their end if nowhere."""
    # a token has its first byte nowhere else
    last = data.rfind(token[:1], max(at, len(data) - len(token) + 1))
    return last if last >= 0 and token.startswith(data[last:]) else len(data)


def _from_whole_character(data: bytes) -> bytes:
    """Leave out what a cut has left of the first character, where the rest is text."""
    start = 0
    while start < min(3, len(data)) and data[start] & 0xC0 == 0x80:
        start += 1
    try:
        data[start:].decode("utf-8")
    except UnicodeDecodeError:
        return data
    return data[start:]


def _encode(data: bytes | bytearray) -> str:
    return b64encode(data).decode("ascii")
