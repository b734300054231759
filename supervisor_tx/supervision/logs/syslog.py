"""
Lines to the system's log, in the form of ``syslog(3)`` with facility *user*, priority *info*.

What the C library does not give: it never waits. A log daemon that is behind makes the sink *full*,
one that is away costs what is written meanwhile; it is looked for again with each line.
"""

from __future__ import annotations

import errno
import socket
import time
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from supervisor_tx.supervision.logs.losses import Losses
from supervisor_tx.supervision.logs.stream import Stream, Streams, shared_streams

#: Where syslog daemons listen.
PATH = "/dev/log"

#: Bytes of one user's lines that are kept for a log daemon that is behind, and a chunk.
MOST = 1024 * 1024

#: Bytes of one message: what is longer is cut. Log daemons take no more than that, or less.
LONGEST = 32 * 1024

#: Who speaks.
IDENT = "supervisord"

#: facility user (1), priority info (6)
_PRIORITY = 1 << 3 | 6
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class SyslogSink:
    """Takes text in chunks of any size and sends its lines, each with a prefix of the user's."""

    def __init__(self, stream: Stream, prefix: bytes = b"", held: bytes = b"") -> None:
        """Share a connection; ``held`` is what an earlier sink had yet to send."""
        self._stream = stream
        self._prefix = prefix
        #: the beginning of a line whose end is yet to come
        self._partial = held
        #: lines that the log daemon has yet to take, and their bytes
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._is_full = False
        self._callbacks: list[Callable[[], None]] = []
        self._open = True
        stream.users += 1

    @property
    def held(self) -> bytes:
        """What it has yet to send."""
        return b"".join(line + b"\n" for line in self._lines) + self._partial

    def write(self, data: bytes) -> bool:
        """Send all lines that are complete; newlines at the end of a chunk count as one."""
        text = self._partial + data if self._partial else data
        if text.endswith(b"\n"):
            self._partial = b""
            self._add(text.rstrip(b"\n"))
        else:
            lines, newline, self._partial = text.rpartition(b"\n")
            if newline:
                self._add(lines)
            while len(self._partial) >= LONGEST:
                self._add(self._partial[:LONGEST])
                self._partial = self._partial[LONGEST:]
        return not self._is_full

    def when_room(self, resume: Callable[[], None]) -> None:
        if self._is_full:
            self._callbacks.append(resume)
        else:
            self._stream.when_room(resume)

    def reopen(self) -> None:
        """Do nothing: there is no file."""

    def close(self) -> None:
        """Send what is held back, if need be later, and let go."""
        if self._open:
            self._open = False
            partial, self._partial = self._partial, b""
            if partial:
                self._add(partial)
            if not self._is_full:
                self._stream.release()

    def _add(self, text: bytes) -> None:
        if self._size > MOST:  # whoever writes was told long ago that it is full
            self._stream.drop(len(text))
            return
        self._lines += text.replace(b"\0", b" ").split(b"\n")
        self._size += len(text)
        if not self._is_full:
            self._send()

    def _send(self) -> None:
        """Send lines until the log daemon takes no more."""
        header = _header(int(time.time())) + self._prefix
        while self._lines:
            line = self._lines.popleft()
            if len(line) > LONGEST:
                self._lines.appendleft(line[LONGEST:])
                line = line[:LONGEST]
            if not self._stream.write(header + line + b"\0"):
                self._is_full = True
                self._stream.when_room(self._go_on)
                return
        self._size = 0

    def _go_on(self) -> None:
        self._is_full = False
        self._send()
        if self._is_full:
            return
        callbacks, self._callbacks = self._callbacks, []
        for resume in callbacks:
            resume()
        if not self._open:
            self._stream.release()


class _Connection:
    """A connection to a log daemon. Takes messages with a zero byte at their end."""

    is_prompt = True

    def __init__(self, path: str, reactor: Any) -> None:
        self._reactor = reactor
        self._socket, self._has_datagrams = _connect(path)

    def write(self, data: bytes | memoryview) -> int:
        if self._has_datagrams:
            self._socket.send(data[:-1])
            return len(data)
        return self._socket.send(data)

    def wait(self, stream: Stream) -> None:
        self._reactor.addWriter(stream)

    def stop_waiting(self, stream: Stream) -> None:
        self._reactor.removeWriter(stream)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()


def open_syslog(
    prefix: bytes = b"",
    *,
    held: bytes = b"",
    path: str = PATH,
    streams: Streams = shared_streams,
) -> SyslogSink:
    """Share the process's connection to the system's log. That it cannot be had is no error."""

    def open_stream(gone: Callable[[], None]) -> Stream:
        reactor = streams.reactor
        return Stream(
            Losses(f"syslog ({path})", remedy="start the syslog daemon"),
            reactor,
            lambda: _Connection(path, reactor),
            may_fail=lambda _: True,
            gone=gone,
        )

    return SyslogSink(streams.share(("syslog", path), open_stream), prefix, held)


def _connect(path: str) -> tuple[socket.socket, bool]:
    """Connect, with datagrams if it has them; return whether it has."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        connection = socket.socket(socket.AF_UNIX, kind)
        connection.setblocking(False)
        try:
            connection.connect(path)
        except OSError as error:
            connection.close()
            if error.errno != errno.EPROTOTYPE or kind is socket.SOCK_STREAM:
                raise
        else:
            return connection, kind is socket.SOCK_DGRAM
    raise AssertionError


@lru_cache(maxsize=2)
def _header(when: int) -> bytes:
    local = time.localtime(when)
    return (
        f"<{_PRIORITY}>{_MONTHS[local.tm_mon - 1]} {local.tm_mday:2d} "
        f"{local.tm_hour:02d}:{local.tm_min:02d}:{local.tm_sec:02d} {IDENT}: "
    ).encode()
