"""
Clients that cost next to nothing, so that it is the daemon that is measured.

The bytes of a request are made once; of an answer only the length is looked at.
"""

from __future__ import annotations

import multiprocessing
import os
import selectors
import socket
import time
import xmlrpc.client
from pathlib import Path
from typing import Any, Self

#: Where a daemon serves: the path of a unix socket, or host and port.
Address = str | tuple[str, int]

#: Seconds after which an answer is given up.
PATIENCE = 300.0

#: Seconds of calls that are not counted, at first, or half of those that are.
WARMING = 0.3


class GivenUp(Exception):
    """Something did not come true in time, or went wrong."""


def request(method: str, *parameters: Any) -> bytes:
    """Return the bytes that call a method over a connection that stays."""
    body = xmlrpc.client.dumps(parameters, method).encode()
    head = (
        "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


GET_STATE = request("supervisor.getState")
GET_ALL = request("supervisor.getAllProcessInfo")


def served(directory: Path, port: int | None = None) -> str:
    """Return sections for a unix socket there, and for a TCP port, with the usual methods."""
    path = socket_path(directory)
    inet = "" if port is None else f"[inet_http_server]\nport=127.0.0.1:{port}\n"
    return (
        f"[unix_http_server]\nfile={path}\n{inet}"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        f"[supervisorctl]\nserverurl=unix://{path}\n"
    )


def socket_path(directory: Path) -> str:
    """Return where :func:`served` has put the unix socket."""
    return str(directory / "supervisor.sock")


def free_port() -> int:
    """Return a TCP port that nobody has at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Line:
    """One connection that stays, with one call at a time on it."""

    def __init__(self, address: Address) -> None:
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
        else:
            self.socket = socket.socket(socket.AF_INET)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(address)
        except BaseException:
            self.socket.close()
            raise
        self._buffer = bytearray(1 << 20)
        self._room = memoryview(self._buffer)
        self._have = 0
        self._size: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def call(self, request: bytes) -> bytes:
        """Make a call; return the whole answer, head and body; raise GivenUp."""
        self.socket.sendall(request)
        while not self.receive():
            pass
        size = self._size
        assert size is not None
        answer = bytes(self._room[:size])
        self.next()
        if not answer.startswith(b"HTTP/1.1 200 ") or b"<fault>" in answer:
            raise GivenUp(f"a call is answered {answer[:500]!r}")
        return answer

    def receive(self) -> bool:
        """Read once; return whether the answer is whole."""
        try:
            count = self.socket.recv_into(self._room[self._have :])
        except TimeoutError:
            raise GivenUp("a call is not answered") from None
        if not count:
            raise GivenUp("the daemon has closed a connection")
        self._have += count
        if self._size is None:
            self._size = self._measure()
        return self._size is not None and self._have >= self._size

    def next(self) -> None:
        """Be ready for the next call."""
        self._have, self._size = 0, None

    def _measure(self) -> int | None:
        end = self._buffer.find(b"\r\n\r\n", 0, self._have)
        if end < 0:
            return None
        head = bytes(self._room[:end]).lower()
        length = head.index(b"content-length:") + len(b"content-length:")
        size = end + 4 + int(head[length:].split(b"\r\n", 1)[0])
        if size > len(self._buffer):
            grown = bytearray(size)
            grown[: self._have] = self._room[: self._have]
            self._buffer, self._room = grown, memoryview(grown)
        return size


def duration(address: Address, request: bytes, times: int) -> list[float]:
    """Make a call again and again over one connection; return how long each took, in seconds."""
    took = []
    with Line(address) as line:
        line.call(request)
        for _ in range(times):
            began = time.perf_counter()
            line.call(request)
            took.append(time.perf_counter() - began)
    return took


def rate(address: Address, request: bytes, clients: int = 1, seconds: float = 2.0) -> float:
    """
    Return how many calls per second are answered to so many clients, each over one connection.

    They share as many processes as there are processors besides the daemon's.
    """
    if clients == 1:
        return _rate_of_one(address, request, seconds)
    processes = max(1, min(clients, (os.cpu_count() or 1) - 1))
    shares = [len(range(number, clients, processes)) for number in range(processes)]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        jobs = [(address, request, share, seconds) for share in shares]
        return sum(pool.starmap(_rate_of_many, jobs, chunksize=1))


def _rate_of_one(address: Address, request: bytes, seconds: float) -> float:
    with Line(address) as line:
        send, receive, again, clock = line.socket.sendall, line.receive, line.next, time.monotonic
        line.call(request)
        for length in (min(WARMING, seconds / 2), seconds):
            calls, began = 0, clock()
            end = began + length
            while (now := clock()) < end:
                send(request)
                while not receive():
                    pass
                again()
                calls += 1
        return calls / (now - began)


def _rate_of_many(address: Address, request: bytes, clients: int, seconds: float) -> float:
    selector = selectors.DefaultSelector()
    lines = [Line(address) for _ in range(clients)]
    for line in lines:
        line.call(request)
        selector.register(line.socket, selectors.EVENT_READ, line)
    for line in lines:
        line.socket.sendall(request)
    select, clock = selector.select, time.monotonic
    for length in (min(WARMING, seconds / 2), seconds):
        calls, began = 0, clock()
        end = began + length
        while (now := clock()) < end:
            for key, _ in select(PATIENCE):
                line = key.data
                if line.receive():
                    line.next()
                    line.socket.sendall(request)
                    calls += 1
    for line in lines:
        line.socket.close()
    selector.close()
    return calls / (now - began)
