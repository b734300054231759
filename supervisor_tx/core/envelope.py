r"""
How an event is handed to a listener, written and read.

``ver:3.0 server:supervisor serial:21 pool:el poolserial:10 eventname:TICK_5 len:15\n`` and a
payload. The length is in *characters* of the payload, which is sent as UTF-8: a listener that reads
text has always relied on it. Nothing follows the payload.

Source: Supervisor docs, "Event Notification Protocol", and what Supervisor 4.3.0 was seen to send.

This module is for the daemon and for programs that must start fast: it imports next to nothing.
"""

from __future__ import annotations

import codecs

#: What a listener says when it wants an event.
READY = b"READY\n"

#: Bytes of a header that is still waited for.
LONGEST_HEADER = 64 * 1024

#: Of a header: a name may have come from a file or a command line that is no UTF-8.
_ERRORS = "surrogateescape"


class BadEnvelope(ValueError):
    """What has arrived is no event; ``data`` is where its header, or its payload, should be."""

    def __init__(self, data: bytes) -> None:
        super().__init__(f"this is no event: {data!r}")
        self.data = data


def envelope(
    *,
    server: str,
    serial: int,
    pool: str,
    pool_serial: int,
    name: str,
    characters: int,
    payload: bytes,
) -> bytes:
    """Return what is written to a listener; ``characters`` is the length of the payload as text."""
    return (
        f"ver:3.0 server:{server} serial:{serial} pool:{pool} poolserial:{pool_serial}"
        f" eventname:{name} len:{characters}\n"
    ).encode("utf-8", _ERRORS) + payload


def result(answer: bytes) -> bytes:
    """Return what a listener says to answer: what an answer means, its pool decides."""
    return b"RESULT %d\n%b" % (len(answer), answer)


def fields(line: str) -> dict[str, str]:
    """
    Return the values of a line of ``name:value`` words.

    Values are written as they are. A word without a colon belongs to the value before it, so a
    name may have blanks in it.
    """
    found: dict[str, str] = {}
    last = None
    for word in line.split(" "):
        name, colon, value = word.partition(":")
        if colon:
            last = name
            found[name] = value
        elif last is not None:
            found[last] += f" {word}"
        elif word:
            raise ValueError(f"not name:value: {word!r}")
    return found


class Envelopes:
    """
    Reads events, however the bytes of them were cut.

    ::

        envelopes.receive(data)
        while (found := envelopes.next()) is not None:
            headers, payload = found
    """

    __slots__ = ("_decoder", "_headers", "_held", "_missing", "_parts")

    def __init__(self) -> None:
        self._held = bytearray()
        #: of the event whose payload is being read
        self._headers: dict[str, str] | None = None
        self._parts: list[str] = []
        self._missing = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def receive(self, data: bytes | str) -> None:
        """Take what was read, as bytes or as text."""
        self._held += data.encode("utf-8", _ERRORS) if isinstance(data, str) else data

    def next(self) -> tuple[dict[str, str], str] | None:
        """
        Return headers and payload of the next event; None: more must arrive.

        Raises BadEnvelope where there should be an event and is none; nothing after that would
        make sense.
        """
        if self._headers is None and not self._read_headers():
            return None
        while self._missing and self._held:
            # as many bytes as characters are missing are never too many
            data = bytes(self._held[: self._missing])
            try:
                text = self._decoder.decode(data)
            except UnicodeDecodeError:
                raise BadEnvelope(data) from None
            del self._held[: self._missing]
            self._parts.append(text)
            self._missing -= len(text)
        if self._missing:
            return None
        assert self._headers is not None
        found = self._headers, "".join(self._parts)
        self._headers = None
        self._parts.clear()
        return found

    def _read_headers(self) -> bool:
        end = self._held.find(b"\n", 0, LONGEST_HEADER)
        if end < 0:
            if len(self._held) >= LONGEST_HEADER:
                raise BadEnvelope(bytes(self._held[:LONGEST_HEADER]))
            return False
        line = bytes(self._held[:end])
        try:
            headers = fields(line.decode("utf-8", _ERRORS))
            length = int(headers["len"])
        except (KeyError, ValueError):
            raise BadEnvelope(line) from None
        if length < 0:
            raise BadEnvelope(line)
        del self._held[: end + 1]
        self._headers, self._missing = headers, length
        return True
