"""
Logs as the bytes that they are: whole or in part, in pieces, however long they are.

What is sent is what was there when it was asked for; what is written meanwhile is not waited for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from supervisor_tx.activity import Logger
from supervisor_tx.errors import LogFailed, NoLogFile
from supervisor_tx.supervision.logs.logreading import open_log
from supervisor_tx.values import frozen
from supervisor_tx.web.answers import http_date
from supervisor_tx.web.problems import refuse
from supervisor_tx.web.request import Request

_log = Logger()

#: Bytes to read at once.
PIECE = 256 * 1024

_RANGE = re.compile(rb"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")

InThread = Callable[..., Deferred[Any]]


@frozen
class OpenLog:
    """A file that is open to be read."""

    descriptor: int
    size: int
    #: seconds since the epoch
    modified: int

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)


def open_for(path: str | None) -> OpenLog:
    """Open a log; raise NoLogFile or LogFailed."""
    if path is None:
        raise NoLogFile
    try:
        descriptor = open_log(path)
    except (FileNotFoundError, NotADirectoryError):
        raise NoLogFile(path) from None
    except (OSError, ValueError) as error:
        raise LogFailed(f"{path} cannot be read: {error}") from error
    found = os.fstat(descriptor)
    return OpenLog(descriptor, found.st_size, int(found.st_mtime))


def part(header: bytes | None, size: int) -> tuple[int, int] | None:
    """
    Return the first byte that a ``Range`` asks for, and the one after the last.

    None: the whole is asked for, or what is not understood, or there is nothing at all. Raises
    ValueError where there is nothing of the kind.
    """
    match = (
        None if header is None or not size else _RANGE.fullmatch(header.strip().replace(b" ", b""))
    )
    if match is None:
        return None
    first, last, from_end = match.groups()
    if from_end is not None:
        if not int(from_end):
            raise ValueError("nothing is asked for")
        return max(0, size - int(from_end)), size
    begin, end = int(first), int(last) + 1 if last else size
    if end <= begin:
        if last:  # the wrong way round: that is no range
            return None
        raise ValueError("it begins beyond the end")
    if begin >= size:
        raise ValueError("it begins beyond the end")
    return begin, min(end, size)


def send(
    request: Request,
    log: OpenLog,
    asked: tuple[int, int] | None,
    in_thread: InThread,
    *fields: bytes,
) -> None:
    """
    Answer a request with a log, and close it in the end.

    ``asked`` are the offset and the length that its query asks for, which go before a ``Range``.
    """
    code, begin, end = 200, 0, log.size
    fields = (
        b"Content-Type: application/octet-stream",
        b"Accept-Ranges: bytes",
        b"Last-Modified: " + http_date(log.modified),
        *fields,
    )
    if asked is not None:
        offset, length = asked
        begin = max(0, log.size + offset) if offset < 0 else min(offset, log.size)
        end = min(log.size, begin + length)
    else:
        try:
            found = part(_range(request, log.modified), log.size)
        except ValueError:
            log.close()
            refuse(
                request,
                416,
                f"There is no such range: the log has {log.size} bytes.",
                b"Content-Range: bytes */%d" % log.size,
            )
            return
        if found is not None:
            code, (begin, end) = 206, found
            fields = (*fields, b"Content-Range: bytes %d-%d/%d" % (begin, end - 1, log.size))
    if request.begin(code, end - begin, *fields):
        _Sender(request, log.descriptor, begin, end, in_thread).start()
    else:
        log.close()


def _range(request: Request, modified: int) -> bytes | None:
    """Return the range that is asked for, unless only of a log that is not this any more."""
    header: bytes | None = request.getHeader(b"range")
    condition = request.getHeader(b"if-range")
    if header is None or condition is None:
        return header
    try:
        when = parsedate_to_datetime(condition.decode("latin-1")).timestamp()
    except (ValueError, OverflowError):
        return None
    return header if when == modified else None


@implementer(IPushProducer)
class _Sender:
    """Sends a part of a file, as fast as the client takes it."""

    def __init__(
        self, request: Request, descriptor: int, begin: int, end: int, in_thread: InThread
    ) -> None:
        self._request = request
        self._descriptor = descriptor
        self._position, self._end = begin, end
        self._in_thread = in_thread
        self._is_paused = self._is_reading = self._is_over = False

    def start(self) -> None:
        """Begin to send."""
        self._request.notifyFinish().addBoth(lambda _: self.stopProducing())
        self._request.registerProducer(self, streaming=True)
        self._read()

    # IPushProducer

    def pauseProducing(self) -> None:
        """Read no more for now."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """Read on."""
        self._is_paused = False
        self._read()

    def stopProducing(self) -> None:
        """The client is gone, or has it all."""
        self._is_over = True
        self._let_go()

    def _read(self) -> None:
        if self._is_paused or self._is_reading or self._is_over:
            return
        wanted = min(PIECE, self._end - self._position)
        if not wanted:
            self._request.unregisterProducer()
            self._request.finish()
            return
        self._is_reading = True
        reading = self._in_thread(os.pread, self._descriptor, wanted, self._position)
        reading.addCallbacks(self._send, self._fail)

    def _send(self, data: bytes) -> None:
        self._is_reading = False
        if self._is_over:
            self._let_go()
        elif not data:  # it was cut meanwhile, and we have promised more
            self._break_off()
        else:
            self._position += len(data)
            self._request.send(data)
            self._read()

    def _fail(self, failure: Failure) -> None:
        self._is_reading = False
        if self._is_over:
            self._let_go()
            return
        _log.warn("a log could not be read on: {error}", error=failure.value)
        self._break_off()

    def _break_off(self) -> None:
        """Have the client know that something is missing."""
        transport: Any = self._request.transport
        transport.abortConnection()

    def _let_go(self) -> None:
        if not self._is_reading and self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
