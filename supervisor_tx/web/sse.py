"""
Server-sent events: an answer without an end, in messages (HTML Living Standard, section 9.2).

What is the same for all of them: how a message looks; that a client that is told nothing for a
while is told so, or those in between take the connection for dead; that nothing is read or made for
a client that does not keep up, and that one that is stuck is cut off; and the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer

from supervisor_tx.activity import Logger
from supervisor_tx.supervision.rounds import Rounds
from supervisor_tx.web.headers import DATA
from supervisor_tx.web.problems import refuse
from supervisor_tx.web.request import Request

_log = Logger()

#: Seconds between two signs of life.
KEEP_ALIVE = 20.0

#: Seconds that a client may take to read what it was sent. There may be KEEP_ALIVE more.
STUCK = 60.0

#: Milliseconds after which a client that has lost its connection is to come back.
RETRY = 2000

#: Why a stream is over.
SHUTDOWN, RESTART, TOO_SLOW, UNREADABLE = "shutdown", "restart", "too slow", "unreadable"
MOVED = "moved"


class BadQuery(Exception):
    """What follows the question mark makes no sense; the text says why."""


def message(data: bytes, *, name: str = "", known: str = "") -> bytes:
    """
    Return a message; data are one line.

    ``name`` is the kind of message, if it is no ordinary one. ``known`` is the id by which a client
    goes on after it.
    """
    head = f"event: {name}\n" if name else ""
    if known:
        head += f"id: {known}\n"
    return b"%bdata: %b\n\n" % (head.encode(), data)


def mark(known: str) -> bytes:
    """Return what only tells the id to go on by."""
    return b"id: %b\n\n" % known.encode()


def query(request: Request, names: Iterable[str]) -> Mapping[str, list[str]]:
    """
    Return the values of each parameter that a request has; raise BadQuery.

    No other names are allowed: a filter that is misspelt must not look like none at all.
    """
    text = request.uri.partition(b"#")[0].partition(b"?")[2].decode("utf-8", "replace")
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as error:
        raise BadQuery(f"The query cannot be read: {error}.") from error
    allowed = tuple(names)
    for name, value in pairs:
        if name not in allowed:
            raise BadQuery(f"There is no parameter {name!r}; there are: {', '.join(allowed)}.")
        found.setdefault(name, []).append(value)
    return found


def one(values: Mapping[str, list[str]], name: str) -> str:
    """Return the value of a parameter that may be given once; empty: it is not."""
    given = values.get(name, [])
    if len(given) > 1:
        raise BadQuery(f"{name} can be given only once.")
    return given[0] if given else ""


def flag(values: Mapping[str, list[str]], name: str) -> bool:
    """Return whether a parameter says yes; raise BadQuery."""
    given = one(values, name)
    if given not in ("", "0", "1", "false", "true"):
        raise BadQuery(f"{name} is true or false.")
    return given in ("1", "true")


def last_event_id(request: Request, values: Mapping[str, list[str]]) -> str:
    """Return the id to go on after, which clients send in a header when they come back."""
    header: bytes | None = request.getHeader(b"last-event-id")
    # The header is newer: a browser comes back by the URL that it began with.
    return one(values, "last_event_id") if header is None else header.decode("utf-8", "replace")


def is_read(request: Request) -> bool:
    """Tell whether a request only reads; answer it otherwise."""
    if request.method in (b"GET", b"HEAD"):
        return True
    refuse(request, 405, "A stream can only be read.", b"Allow: GET, HEAD")
    return False


class Beats:
    """Gives all streams a sign of life now and then; without streams it does nothing."""

    def __init__(self, clock: IReactorTime) -> None:
        self.clock = clock
        self._streams: dict[EventStream, None] = {}
        self._rounds = Rounds(clock)
        self._next: IDelayedCall | None = None

    def add(self, stream: EventStream) -> None:
        """Look after one more."""
        self._streams[stream] = None
        if self._next is None:
            self._next = self.clock.callLater(KEEP_ALIVE, self._beat)

    def remove(self, stream: EventStream) -> None:
        """It is over."""
        self._streams.pop(stream, None)
        self._rounds.drop(stream.beat)
        if not self._streams and self._next is not None:
            self._next.cancel()
            self._next = None

    def _beat(self) -> None:
        self._next = self.clock.callLater(KEEP_ALIVE, self._beat)
        for stream in self._streams:
            self._rounds.ask(stream.beat)


@implementer(IPushProducer)
class EventStream:
    """A client that is told things for as long as it likes."""

    def __init__(self, request: Request, beats: Beats) -> None:
        self._request = request
        self._beats = beats
        #: since when it does not read, by the clock; None: it does
        self._stuck_since: float | None = None
        self.is_over = False

    def begin(self) -> None:
        """Answer the request."""
        request = self._request
        if not request.stream(
            b"Content-Type: text/event-stream",
            b"X-Accel-Buffering: no",
            *DATA,
            goodbye=self._say_goodbye,
        ):
            self.stopProducing()
            return
        request.registerProducer(self, streaming=True)
        request.notifyFinish().addBoth(lambda _: self.stopProducing())
        self._beats.add(self)
        self.say(b"retry: %d\n%b" % (RETRY, mark(self.known())))
        self.go_on()

    # For those who know what there is to tell

    def known(self) -> str:
        """Return the id by which a client goes on from here."""
        raise NotImplementedError

    def tell_more(self) -> None:
        """Tell what there is to tell; there may be more than at the last time."""
        raise NotImplementedError

    def rest(self) -> None:
        """Tell all that there is, now, as far as it is taken."""
        raise NotImplementedError

    def let_go(self) -> None:
        """It is over."""
        raise NotImplementedError

    def say(self, data: bytes) -> None:
        """Send whole messages."""
        self._request.send(data)

    @property
    def is_paused(self) -> bool:
        """Whether nothing is to be sent now."""
        return self.is_over or self._stuck_since is not None

    def end(self, why: str) -> None:
        """Tell that it is over, and close the connection."""
        if not self.is_over:
            self._request.channel.persistent = False
            self._request.end_stream(why)

    def go_on(self) -> None:
        """Tell what there is to tell; whatever goes wrong is for this client alone."""
        try:
            self.tell_more()
        except Exception:  # noqa: BLE001 (as that says)
            _log.failure("a client that follows something cannot be told any more")
            self._abort()

    # IPushProducer

    def pauseProducing(self) -> None:
        """What was sent is not taken yet."""
        if self._stuck_since is None:
            self._stuck_since = self._beats.clock.seconds()

    def resumeProducing(self) -> None:
        """All of it is taken."""
        self._stuck_since = None
        self.go_on()

    def stopProducing(self) -> None:
        """It is over."""
        if not self.is_over:
            self.is_over = True
            self._beats.remove(self)
            self.let_go()

    # How it goes

    def beat(self) -> None:
        """Give a sign of life, or cut off a client that has given none."""
        if self.is_over:
            return
        if self._stuck_since is None:
            self.say(b": alive\n" + mark(self.known()))
        elif self._beats.clock.seconds() - self._stuck_since >= STUCK:
            self._abort()

    def _abort(self) -> None:
        transport: Any = self._request.transport
        transport.abortConnection()

    def _say_goodbye(self, why: str) -> None:
        if why in (SHUTDOWN, RESTART):
            self.rest()
        if not self.is_over:
            self.say(message(b'{"reason":"%b"}' % why.encode(), name="end"))
