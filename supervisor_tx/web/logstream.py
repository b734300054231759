"""
A log as messages: ``.../logs/.../stream``.

What is in the file is told as text, with the place in the file where it begins and ends, in bytes.
Characters are never cut; bytes that are no UTF-8 are told as U+FFFD. The place to go on from is an
id of the place and of the file, so that a client that comes back is not told the wrong half of
another file: a file is known by its number and by how it begins.
"""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Callable
from contextlib import suppress
from zlib import crc32

from twisted.internet.interfaces import IReactorTime

from supervisor_tx.errors import UnknownProcess
from supervisor_tx.web.follow import Follower, open_log
from supervisor_tx.web.problems import refuse
from supervisor_tx.web.request import Request
from supervisor_tx.web.sse import (
    MOVED,
    UNREADABLE,
    BadQuery,
    Beats,
    EventStream,
    is_read,
    last_event_id,
    message,
    one,
    query,
)

#: Bytes of its beginning that a file is known by.
BEGINNING = 64

#: Pieces of a file that are told to the client before the end of a stream.
LAST_PIECES = 16


def answer(request: Request, find: Callable[[], str | None], beats: Beats) -> None:
    """
    Begin to tell what is written to a log, as a request asks for it, or refuse it.

    ``find`` tells where the log is, None if it is nowhere; it may raise UnknownProcess.
    """
    if not is_read(request):
        return
    try:
        values = query(request, ("offset", "tail", "last_event_id"))
        offset, tail = _number(one(values, "offset")), _number(one(values, "tail"))
        if offset is not None and tail is not None:
            raise BadQuery("offset and tail exclude each other.")
        place = last_event_id(request, values)
        mark = ""
        if place:
            digits, _, mark = place.partition("-")
            offset = _number(digits)
            if offset is None:
                raise BadQuery(f"{place[:40]!r} is no place in a log.")
    except BadQuery as error:
        refuse(request, 400, str(error))
        return
    try:
        stream = LogStream(request, beats, find, offset, tail or 0, mark)
    except OSError as error:
        refuse(request, 404, f"The log cannot be read: {error.strerror or error}.")
    else:
        stream.begin()


def _number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadQuery(f"{text[:40]!r} is no number of bytes.")
    return int(text)


class LogStream(EventStream):
    """A client that follows a log."""

    def __init__(
        self,
        request: Request,
        beats: Beats,
        find: Callable[[], str | None],
        offset: int | None,
        tail: int,
        mark: str,
    ) -> None:
        """Open the file; raise OSError. One that is not there yet is awaited."""
        super().__init__(request, beats)
        self._has_begun = False
        self._find = find
        self._path = find()
        assert self._path is not None
        self._file = TextFollower(self._path, self, beats.clock, offset, tail, mark)

    def known(self) -> str:
        """Return the place to go on from."""
        return self._file.place

    def tell_more(self) -> None:
        """Read on."""
        if self._has_begun:
            self._file.resumeProducing()
        else:
            self._has_begun = True
            self._file.start()

    def pauseProducing(self) -> None:
        """What was sent is not taken yet."""
        super().pauseProducing()
        self._file.pauseProducing()

    def rest(self) -> None:
        """Tell what is in the file."""
        self._file.finish()

    def let_go(self) -> None:
        """Let go of the file."""
        self._file.stopProducing()

    def beat(self) -> None:
        """See whether the log is still where it was: the configuration can be changed."""
        try:
            path = self._find()
        except UnknownProcess:
            path = None
        if path == self._path:
            super().beat()
        elif not self.is_over:
            self.end(MOVED)

    # What the file tells

    def tell(self, offset: int, end: int, text: str) -> None:
        """Tell a piece of it."""
        told = {"offset": offset, "end": end, "text": text}
        self._say(told)

    def tell_turn(self, name: str) -> None:
        """Tell that from now on it is another file, or begins anew."""
        self._say({"offset": 0}, name)

    def tell_missed(self, place: str) -> None:
        """Tell that the place from which to go on is not there any more."""
        self._say({"count": None, "after": place}, "missed")

    def failed(self) -> None:
        """It cannot be read any more."""
        self.end(UNREADABLE)

    def _say(self, told: dict[str, object], name: str = "") -> None:
        data = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        self.say(message(data, name=name, known=self._file.place))


class TextFollower(Follower):
    """Follows a file as text, also one that is not there yet."""

    def __init__(
        self,
        path: str,
        stream: LogStream,
        clock: IReactorTime,
        offset: int | None,
        tail: int,
        mark: str,
    ) -> None:
        """Begin at an offset, if that is where it was, or so many bytes before the end."""
        self._stream = stream
        self._offset, self._tail, self._mark = offset, tail, mark
        #: how the file begins, as far as it matters
        self._beginning = b""
        #: to be told first
        self._first: list[Callable[[], None]] = []
        super().__init__(path, self._tell, stream.failed, clock)
        self._look_at_beginning()

    @property
    def place(self) -> str:
        """The id of where it is."""
        mark = ""
        if self._fd >= 0:
            with suppress(OSError):
                mark = self._mark_of(self._fd, self._position)
        return f"{self._position}-{mark}" if mark else str(self._position)

    def start(self) -> None:
        """Begin to deliver."""
        for tell in self._first:
            tell()
        super().start()

    def finish(self) -> None:
        """Deliver what is there, now, unless it is a lot."""
        with suppress(OSError):
            for _ in range(LAST_PIECES):
                if self._paused or self._stopped or not self._read_piece():
                    break

    # Follower

    def _begin(self) -> tuple[int, int]:
        if self._mark:
            return self._find()
        try:
            fd = open_log(self._path)
        except FileNotFoundError:
            return -1, 0
        size = os.fstat(fd).st_size
        if self._offset is None:
            return fd, _aligned(fd, max(0, size - self._tail))
        if self._offset <= size:
            return fd, self._offset
        self._first.append(self._tell_truncated)
        return fd, 0

    def _find(self) -> tuple[int, int]:
        """Find the file that was followed: under its name, or as its latest backup."""
        assert self._offset is not None
        for path in (self._path, f"{self._path}.1"):
            try:
                fd = open_log(path)
            except OSError:
                continue
            if self._mark_of(fd, self._offset) == self._mark:
                return fd, self._offset
            os.close(fd)
        place = f"{self._offset}-{self._mark}"
        self._first.append(lambda: self._stream.tell_missed(place))
        try:
            return open_log(self._path), 0
        except FileNotFoundError:
            return -1, 0

    def _read_piece(self) -> bool:
        if self._fd < 0:
            try:
                self._fd = open_log(self._path)
            except FileNotFoundError:
                return False
        elif os.pread(self._fd, len(self._beginning), 0) != self._beginning:
            # It was cut, and has grown again beyond where we are.
            self._position = 0
            self._tell_truncated()
        return super()._read_piece()

    def _whole(self, data: bytes, is_last: bool) -> int:
        if is_last:
            return len(data)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        decoder.decode(data[-3:])  # what is not complete yet is in these
        return len(data) - len(decoder.getstate()[0])

    def _tell(self, data: bytes) -> None:
        if len(self._beginning) < BEGINNING:
            self._look_at_beginning()
        text = data.decode("utf-8", "replace")
        self._stream.tell(self._position - len(data), self._position, text)

    def _tell_truncated(self) -> None:
        self._look_at_beginning()
        self._stream.tell_turn("truncated")

    def _tell_rotated(self) -> None:
        self._look_at_beginning()
        self._stream.tell_turn("rotated")

    # What file it is

    def _look_at_beginning(self) -> None:
        length = min(self._position, BEGINNING)
        self._beginning = os.pread(self._fd, length, 0) if length else b""

    def _mark_of(self, fd: int, position: int) -> str:
        """Return what a file is known by to those who have come to a position; empty: to nobody."""
        found = os.fstat(fd)
        if found.st_size < position:
            return ""
        beginning = os.pread(fd, min(position, BEGINNING), 0)
        return f"{crc32(b'%d %d ' % (found.st_dev, found.st_ino) + beginning):08x}"


def _aligned(fd: int, position: int) -> int:
    """Return where the character begins that is at a position."""
    before = os.pread(fd, min(3, position), max(0, position - 3))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(before)
    return position - len(decoder.getstate()[0])
