"""
HTTP/1.1 to one daemon, over TCP or a unix socket.

It is written on a bare socket since ``http.client`` takes longer to import than most commands take
to run, and since a follower of a log wants its bytes when they come.
"""

from __future__ import annotations

import socket
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Answers with a longer head are none of a daemon that we know.
_HEAD_LIMIT = 65536


class NotHTTP(Exception):
    """What came back is no HTTP, or the connection ended in the middle of it."""


class Address:
    """Where a daemon listens, by its ``serverurl``."""

    def __init__(self, url: str) -> None:
        """Take ``http://host[:port]`` or ``unix://path``; raise ValueError on anything else."""
        self.url = url
        self.path: str | None = None
        self.host = ""
        self.port = 80
        if url.startswith("unix://"):
            self.path = url.removeprefix("unix://")
        elif url.startswith("http://"):
            self.host, self.port = _host_and_port(url.removeprefix("http://").partition("/")[0])
        else:
            raise ValueError(f"Unknown protocol for serverurl {url}")

    @property
    def name(self) -> str:
        """What goes into the ``Host`` header."""
        if self.path is not None:
            return "localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def connect(self, timeout: float | None = None) -> socket.socket:
        """Return a connection; raise OSError."""
        if self.path is None:
            connection = socket.create_connection((self.host, self.port), timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.connect(self.path)
        except BaseException:
            connection.close()
            raise
        return connection


def _host_and_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or port.endswith("]"):
        return text.strip("[]"), 80
    return host.strip("[]"), int(port) if port else 80


def basic(username: str | None, password: str | None) -> dict[str, str]:
    """Return the header that proves who we are, in one line; nothing unless both are known."""
    if username is None or password is None:
        return {}
    from binascii import b2a_base64

    word = b2a_base64(f"{username}:{password}".encode(), newline=False).decode("ascii")
    return {"Authorization": f"Basic {word}"}


class Answer:
    """The head of an answer; the body is still to be read."""

    def __init__(self, version: str, status: int, reason: str, headers: dict[str, str]) -> None:
        self.version = version
        self.status = status
        self.reason = reason
        #: by names in lower case
        self.headers = headers

    @property
    def closes(self) -> bool:
        """The server will close the connection after it."""
        said = self.headers.get("connection", "").lower()
        return "close" in said or (self.version == "HTTP/1.0" and "keep-alive" not in said)


class Connection:
    """One connection after the other to an address, each kept for as many requests as it lasts."""

    def __init__(self, address: Address, credentials: Mapping[str, str] | None = None) -> None:
        self.address = address
        self.credentials = dict(credentials or {})
        #: seconds by :func:`time.monotonic` when waiting ends with TimeoutError; None: never
        self.deadline: float | None = None
        self._socket: socket.socket | None = None
        self._pending = b""

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request; return the head of its answer. Raises OSError and NotHTTP."""
        head = {"Host": self.address.name, **self.credentials, **(headers or {})}
        if method == "POST":
            head["Content-Length"] = str(len(body))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {head[name]}" for name in head), "", ""]
        try:
            connection = self._connected()
            self._limit(connection)
            connection.sendall("\r\n".join(lines).encode("latin-1") + body)
            return self._head()
        except BaseException:
            self.close()
            raise

    def body(self, answer: Answer) -> bytes:
        """Return the whole body of the latest answer."""
        return b"".join(self.chunks(answer))

    def chunks(self, answer: Answer) -> Iterator[bytes]:
        """Yield the body of the latest answer as it comes; the socket is ours until its end."""
        try:
            if "chunked" in answer.headers.get("transfer-encoding", "").lower():
                yield from self._chunked()
            elif "content-length" in answer.headers:
                yield from self._counted(int(answer.headers["content-length"]))
            else:
                while chunk := self._take():
                    yield chunk
                self.close()
        except BaseException:
            self.close()
            raise
        if answer.closes:
            self.close()

    def fileno(self) -> int:
        """Return the descriptor, for waiting on it."""
        assert self._socket is not None
        return self._socket.fileno()

    def close(self) -> None:
        """Close; the next request connects anew."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._pending = b""

    def _connected(self) -> socket.socket:
        """Return the connection, a new one if the server has closed the old one meanwhile."""
        if self._socket is not None:
            self._socket.setblocking(False)
            try:
                # Whatever there is to read between two answers: this connection is over.
                self._socket.recv(1)
                self.close()
            except BlockingIOError:
                pass
            except OSError:
                self.close()
        if self._socket is None:
            self._socket = self.address.connect(self._left())
        return self._socket

    def _left(self) -> float | None:
        if self.deadline is None:
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def _limit(self, connection: socket.socket) -> None:
        connection.settimeout(self._left())

    def _receive(self) -> bytes:
        assert self._socket is not None
        self._limit(self._socket)
        return self._socket.recv(262144)

    def _head(self) -> Answer:
        while b"\r\n\r\n" not in self._pending:
            data = self._receive()
            if not data or len(self._pending) > _HEAD_LIMIT:
                raise NotHTTP("the connection was closed before an answer came")
            self._pending += data
        head, _, self._pending = self._pending.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        version, _, rest = first.partition(" ")
        status, _, reason = rest.partition(" ")
        if not version.startswith("HTTP/") or not status.isdigit():
            raise NotHTTP(f"not an answer in HTTP: {first!r}")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return Answer(version, int(status), reason, headers)

    def _take(self) -> bytes:
        """Return what is at hand, or else what comes next; nothing at the end."""
        data, self._pending = self._pending, b""
        return data or self._receive()

    def _counted(self, size: int) -> Iterator[bytes]:
        while size > 0:
            data = self._take()
            if not data:
                raise NotHTTP(f"the connection was closed {size} bytes before the end")
            if len(data) > size:
                data, self._pending = data[:size], data[size:]
            size -= len(data)
            yield data

    def _chunked(self) -> Iterator[bytes]:
        while True:
            size = int(self._line().partition(b";")[0], 16)
            if size == 0:
                while self._line():
                    pass
                return
            yield from self._counted(size)
            self._line()

    def _line(self) -> bytes:
        while b"\r\n" not in self._pending:
            data = self._receive()
            if not data:
                raise NotHTTP("the connection was closed within a chunk")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\r\n")
        return line
