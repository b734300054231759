"""
One connection, as HTTP: what of twisted.web's channel is otherwise here.

* An idle connection may stay as long as it likes. A request that has begun must go on: each minute
  has to bring the rest of it, or at least :data:`PROGRESS` bytes.
* What is refused is refused before its body is taken. The answer is sent at once, the rest of what
  the client still sends is dropped, and soon after the connection is closed: closed at once, the
  kernel would take the answer back from a client that is still sending.
* HTTP/1.0 clients may keep their connection too.
* Who asks many things at once lets others have their turn in between; who does not read the answers
  is not listened to until they are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from supervisor_tx.web.answers import error_page, head

if TYPE_CHECKING:
    from supervisor_tx.web.request import Request

#: Seconds in which a request has to make progress.
DEADLINE = 60.0

#: Bytes of a request that are progress.
PROGRESS = 64 * 1024

#: Requests of one connection that are answered before others have their turn.
AT_ONCE = 16

#: Bytes that a client may send ahead while it waits for an answer, and is still listened to.
AHEAD = 16 * 1024

#: Seconds that a client may go on sending what nobody wants.
LINGER = 5.0


class Channel(HTTPChannel):
    """A connection of a client."""

    #: twisted.web's own timeout: none
    timeOut = None
    site: Any
    requestFactory: Any
    transport: Any
    callLater: Any

    def __init__(self) -> None:
        super().__init__()
        #: a request is being answered
        self._answering = False
        #: a request was answered while the latest data were looked at
        self._answered = False
        #: bytes that came while a request was being answered
        self._ahead = 0
        #: requests that were answered since others had their turn
        self._in_a_row = 0
        self._rest: IDelayedCall | None = None
        #: in the middle of what ends a request
        self._finishing = False
        #: much waits to be sent
        self._is_full = False
        #: nothing that comes counts any more
        self._deaf = False
        #: bytes since the deadline was set
        self._progress = 0
        self._deadline: IDelayedCall | None = None
        self._lingering: IDelayedCall | None = None

    # What comes

    def dataReceived(self, data: bytes) -> None:
        """Take what the client sends."""
        if self._deaf:
            return
        if self._answering:
            self._ahead += len(data)
        if not self._finishing:
            self._in_a_row = 0
        self._take(data)

    def _take(self, data: bytes) -> None:
        self._answered = False
        super().dataReceived(data)
        if self._answering or self._answered or self._deaf or self.paused:
            self._stop_deadline()
        elif self._deadline is not None:
            self._progress += len(data)
        elif data.strip(b"\r\n"):  # a request has begun
            self._progress = len(data)
            self._deadline = self.callLater(DEADLINE, self._overdue)

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line of the header is longer than any should be."""
        self.refuse(400)

    def allHeadersReceived(self) -> None:
        """Refuse what can be refused by its header; take the body of the rest."""
        request: Request = self.requests[-1]
        if self.length != 0 and (code := request.why_not(self.length)):
            self.refuse(code, request)
            return
        super().allHeadersReceived()

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        """Tell whether the connection stays open after the request."""
        values = request.requestHeaders.getRawHeaders(b"connection") or ()
        words = {word.strip().lower() for value in values for word in value.split(b",")}
        if version == b"HTTP/1.1":
            return b"close" not in words
        if b"keep-alive" in words:
            request.keep_alive = True
            return True
        return False

    # What goes

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered; a stream is an answer that takes its time."""
        return self._answering

    def answering(self) -> None:
        """A request is complete, and its answer has begun."""
        self._answering = True

    def requestDone(self, request: Any) -> None:
        """Its answer is sent: the connection is free for the next."""
        self._answering = False
        self._answered = True
        self._ahead = 0
        self._in_a_row += 1
        self._finishing = True
        super().requestDone(request)  # takes what came meanwhile
        self._finishing = False
        if self._in_a_row >= AT_ONCE and self._rest is None and not self._deaf:
            self._rest = self.callLater(0, self._rested)
            self._listen_or_not()

    def send(self, data: bytes) -> None:
        """Send data at once where the transport can do that."""
        getattr(self.transport, "send", self.transport.write)(data)

    def refuse(self, code: int, request: Request | None = None) -> None:
        """Answer with an error, listen no more, and close."""
        if self._deaf:
            return
        if request is not None:
            request.dropped = True
        self.site.log_refusal(self.transport.peer, code)
        body = error_page(code)
        fields = [b"Content-Type: text/html", b"Content-Length: %d" % len(body)]
        if code == 401:
            fields.insert(0, b'WWW-Authenticate: Basic realm="default"')
        self.send(head(b"HTTP/1.1", code, b"Connection: close", *fields) + body)
        self._deaf = True
        self._stop_deadline()
        self.transport.unregisterProducer()
        self.transport.loseWriteConnection()
        self._lingering = self.callLater(LINGER, self._give_up)

    def bid_farewell(self) -> None:
        """Close as soon as what has been asked is answered; a stream ends here."""
        self.persistent = False
        if self._deaf:
            return
        if self._answering:
            self.requests[0].end_stream("shutdown")
        else:
            self.loseConnection()

    def restarted(self) -> None:
        """End a stream whose client can take it up again, with what is served from now on."""
        if self._answering and self.requests[0].is_resumable:
            self.requests[0].end_stream("restart")

    # A client that asks more than it should

    def pauseProducing(self) -> None:
        """Too much waits to be sent: read no requests either."""
        self._is_full = True
        super().pauseProducing()
        self._listen_or_not()

    def resumeProducing(self) -> None:
        """All is sent: go on with what has been read already."""
        self._is_full = False
        super().resumeProducing()
        self._listen_or_not()

    def _rested(self) -> None:
        """Others have had their turn."""
        self._rest = None
        self._in_a_row = 0
        self._listen_or_not()

    def _listen_or_not(self) -> None:
        self.paused = self._is_full or self._rest is not None
        if self._deaf:
            return
        if self.paused:
            self.transport.pauseProducing()
        elif self._ahead <= AHEAD:
            self.transport.resumeProducing()  # also while it waits: to notice when it goes
            self._take(b"")

    # The end

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is closed, by whomever."""
        self._stop_deadline()
        self._deaf = True
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        super().connectionLost(reason)

    def _overdue(self) -> None:
        self._deadline = None
        if self._progress < PROGRESS:
            self.refuse(408, self.requests[-1] if self.requests else None)
            return
        self._progress = 0
        self._deadline = self.callLater(DEADLINE, self._overdue)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._lingering = None
        self.transport.abortConnection()
