"""
Events as they happen: ``GET /api/v1/events``.

Nothing is kept for a client that does not keep up. It goes on from what is kept for all; where that
does not suffice, it is told so, and the stream is over. It comes back, by the id that it was told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from supervisor_tx.supervision.broadcast import Broadcast, Interest, Missed
from supervisor_tx.web.alongside import Alongside, ConfigNews, FiguresNews
from supervisor_tx.web.problems import refuse
from supervisor_tx.web.request import Request
from supervisor_tx.web.sse import (
    TOO_SLOW,
    BadQuery,
    Beats,
    EventStream,
    flag,
    is_read,
    last_event_id,
    message,
    query,
)

if TYPE_CHECKING:
    from supervisor_tx.web.site import Served

#: Bytes of events that are sent to one client in one turn of the loop, and one event more.
PIECE = 64 * 1024

#: Makes what is told along with events, and calls when there is news of it.
MakeAlongside: TypeAlias = Callable[[Callable[[], None]], Alongside]


def answer(request: Request, daemon: Served, beats: Beats) -> None:
    """Begin to tell events, as a request asks for them, or refuse it."""
    if not is_read(request):
        return
    broadcast = daemon.broadcast
    also: list[MakeAlongside] = []
    try:
        values = query(request, ("type", "process", "figures", "config", "last_event_id"))
        interest = _interest(values.get("type", []), values.get("process", []), broadcast)
        since = last_event_id(request, values)
        if flag(values, "figures"):
            also.append(lambda changed: FiguresNews(daemon.figures, changed, interest.processes))
        if flag(values, "config"):
            also.append(lambda changed: ConfigNews(daemon.config_watch, changed))
    except BadQuery as error:
        refuse(request, 400, str(error))
        return
    Events(request, beats, broadcast, interest, since, also).begin()


def _interest(types: list[str], names: list[str], broadcast: Broadcast) -> Interest:
    wanted = [name.strip() for each in types for name in each.split(",")]
    chosen = [name if broadcast.knows(name) else name.upper() for name in wanted]
    for name in chosen:
        if not broadcast.knows(name):
            raise BadQuery(f"There is no type of events {name!r}.")
    processes = [name.strip() for each in names for name in each.split(",")]
    for name in processes:
        if not name or name.startswith(":") or name.count(":") > 1:
            raise BadQuery(f"{name!r} is neither a process, group:process, nor group:*.")
    return Interest.of(chosen, processes)


class Events(EventStream):
    """A client that follows events."""

    def __init__(
        self,
        request: Request,
        beats: Beats,
        broadcast: Broadcast,
        interest: Interest,
        since: str,
        also: Iterable[MakeAlongside] = (),
    ) -> None:
        super().__init__(request, beats)
        self._broadcast = broadcast
        self._cursor = broadcast.follow(interest, self.go_on, since)
        #: what was gone before it came; that is no reason to send it away
        self._missed = self._cursor.missed()
        # Not told from within: many hear of the same.
        self._also = [make(lambda: broadcast.rounds.ask(self.go_on)) for make in also]

    def known(self) -> str:
        """Return the id of the last event that was looked at."""
        return self._cursor.id

    def tell_more(self) -> None:
        """Tell what has happened, some of it."""
        if self._tell() and self._cursor.is_behind:
            self._broadcast.rounds.ask(self.go_on)
        for each in self._also:
            if not self.is_paused and (news := each.take()):
                self.say(news)

    def rest(self) -> None:
        """Tell all that has happened."""
        while self._tell() and self._cursor.is_behind:
            pass

    def let_go(self) -> None:
        """Hear of nothing more."""
        for each in self._also:
            each.stop()
        self._broadcast.leave(self._cursor)

    def _tell(self) -> bool:
        """Tell some of what has happened; return whether it makes sense to go on."""
        if self.is_paused:
            return False
        if self._missed is not None:
            self.say(self._gap(self._missed))
            self._missed = None
        elif (missed := self._cursor.missed()) is not None:
            self.say(self._gap(missed))
            self.end(TOO_SLOW)
            return False
        news = self._cursor.take(PIECE)
        if news:
            self.say(b"".join([message(line, known=known) for known, line in news]))
        return not self.is_paused

    def _gap(self, missed: Missed) -> bytes:
        told = {"count": missed.count, "after": missed.after or None}
        return message(json.dumps(told).encode(), name="missed", known=self._cursor.id)
