"""A client that reads server-sent events, for tests."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from tests.web.wire import Answer, Wire, answers, request


class Message(NamedTuple):
    """One message: the kind, the id if it has one, and what it tells."""

    name: str
    known: str
    data: Any


def unchunked(data: bytes) -> tuple[bytes, bool]:
    """Return what chunks hold, and whether the last one was among them."""
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            assert data == b"\r\n", data
            return body, True
        assert data[length : length + 2] == b"\r\n", data
        body += data[:length]
        data = data[length + 2 :]
    return body, False


def messages(body: bytes) -> list[Message]:
    """Read a stream as a browser does; comments, and what only tells an id, are left out."""
    assert not body or body.endswith(b"\n\n"), body
    found = []
    for block in body.decode().split("\n\n"):
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            assert name not in fields, block
            fields[name] = value.removeprefix(" ")
        if "data" in fields:
            data = json.loads(fields["data"])
            found.append(Message(fields.get("event", ""), fields.get("id", ""), data))
    return found


class Reader:
    """A client on a connection in memory."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        #: the whole answer has come
        self.is_over = False

    def begin(self, uri: str, version: str = "1.1", method: str = "GET", **fields: str) -> Answer:
        """Ask for a stream; return the beginning of the answer."""
        self.wire.say(request(method, uri, version, **fields))
        head, end, rest = self.wire.heard.partition(b"\r\n\r\n")
        [answer] = answers(head + end, "HEAD")
        if "content-length" in answer.headers:
            self.wire.heard = b""
            return answer._replace(body=rest)
        self.wire.heard = rest
        return answer

    def raw(self) -> bytes:
        """Return what has come since the last time."""
        body, over = unchunked(self.wire.take())
        self.is_over = self.is_over or over
        return body

    def take(self) -> list[Message]:
        """Return the messages that have come since the last time."""
        return messages(self.raw())
