"""
Logs page by page, for people: whole lines, towards the beginning or the end, or from a place where
some text stands. However long a log is, a page of it is read, and no more.
"""

from __future__ import annotations

import os

from supervisor_tx.errors import LogFailed, NoLogFile
from supervisor_tx.supervision.logs.logreading import open_log, read_at
from supervisor_tx.values import frozen

#: Bytes of a page, at most.
PAGE = 32 * 1024

#: Bytes that one search looks at, before it asks whether to go on.
SEARCHED = 256 * 1024 * 1024

_PIECE = 1 << 20


@frozen
class LogPage:
    """Some lines of a log, and where in it they stand; places are counted in bytes."""

    data: bytes
    begin: int
    size: int
    #: where the text was found that was looked for; None: it was not, or nothing was looked for
    found: int | None = None
    #: how far the search has come where it was given up; None: it has come to the end
    searched: int | None = None

    @property
    def end(self) -> int:
        """Where the next page begins."""
        return self.begin + len(self.data)


def before(path: str | None, end: int | None = None) -> LogPage:
    """
    Return the lines before a place; None: the last ones.

    Raises NoLogFile or LogFailed, as all that follows.
    """
    with _Log(path) as log:
        return log.before(log.size if end is None else end)


def after(path: str | None, begin: int) -> LogPage:
    """Return the lines that begin at a place."""
    with _Log(path) as log:
        return log.after(begin)


def find(
    path: str | None,
    text: str,
    place: int | None = None,
    *,
    forwards: bool = False,
    most: int = SEARCHED,
) -> LogPage:
    """
    Return the page with the nearest place where a text stands.

    It is looked for from a place (None: the end, or with ``forwards`` the beginning) on. Letters of
    ASCII may be of either case, unless there is a capital one in the text. Where it is not found,
    the page is the last. After ``most`` bytes it is given up.
    """
    with _Log(path) as log:
        start = place if place is not None else (0 if forwards else log.size)
        found, searched = log.find(text, max(0, min(start, log.size)), forwards, most)
        if found is None:
            page = log.before(log.size)
        else:
            page = log.after(log.line_begin(max(0, found - PAGE // 4), found))
        return LogPage(page.data, page.begin, page.size, found, searched)


class _Log:
    """An open log."""

    def __init__(self, path: str | None) -> None:
        if path is None:
            raise NoLogFile
        try:
            self._fd = open_log(path)
        except (FileNotFoundError, NotADirectoryError):
            raise NoLogFile(path) from None
        except (OSError, ValueError) as error:
            raise LogFailed from error
        self.size = os.fstat(self._fd).st_size

    def __enter__(self) -> _Log:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        os.close(self._fd)
        if isinstance(error, OSError):
            raise LogFailed from error

    def before(self, end: int) -> LogPage:
        """Return the lines before a place."""
        end = max(0, min(end, self.size))
        begin = max(0, end - PAGE)
        data = read_at(self._fd, begin, end - begin)
        if begin:
            cut = _first_line(data)
            begin, data = begin + cut, data[cut:]
        return LogPage(data, begin, self.size)

    def after(self, begin: int) -> LogPage:
        """Return the lines that begin at a place."""
        begin = max(0, min(begin, self.size))
        data = read_at(self._fd, begin, PAGE)
        if begin + len(data) < self.size:
            data = data[: data.rfind(b"\n") + 1] or data
        return LogPage(data, begin, self.size)

    def line_begin(self, begin: int, end: int) -> int:
        """Return where the first whole line between two places begins; if there is none, begin."""
        if not begin:
            return 0
        return begin + _first_line(read_at(self._fd, begin, end - begin))

    def find(
        self, text: str, place: int, forwards: bool, most: int
    ) -> tuple[int | None, int | None]:
        """Return where the text stands, and how far the search has come if it was given up."""
        ignore_case = text == text.lower()
        wanted = text.encode("utf-8", "surrogateescape")
        if not wanted:
            return None, None
        overlap = len(wanted) - 1
        searched = 0
        while searched < most:
            begin = place if forwards else max(0, place - _PIECE)
            end = min(self.size, (place + _PIECE if forwards else place) + overlap)
            data = read_at(self._fd, begin, end - begin)
            if ignore_case:
                data = data.lower()
            found = data.find(wanted) if forwards else data.rfind(wanted)
            if found >= 0:
                return begin + found, None
            place = begin + _PIECE if forwards else begin
            searched += _PIECE
            if place <= 0 or place >= self.size:
                return None, None
        return None, place


def _first_line(data: bytes) -> int:
    """Return where the first whole line begins; where there is none, all is a piece of one."""
    cut = data.find(b"\n") + 1
    return cut if cut < len(data) else 0
