"""
One request, and the short way to its answer.

It is an ordinary request of twisted.web, and as much of that of ``twisted.web.server`` as resources
need: that module takes 15 ms to import, and 2 MiB. What matters most, an answer that is ready as
bytes, takes a way of its own: header and body in one write, which is done at once.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from twisted.python.components import Componentized
from twisted.python.failure import Failure
from twisted.web import http

from supervisor_tx.supervision.operations import Principal
from supervisor_tx.web.answers import error_page, head

if TYPE_CHECKING:
    from twisted.web.resource import IResource

    from supervisor_tx.web.channel import Channel
    from supervisor_tx.web.site import Site

#: The longest body, in bytes. It is held in memory.
MOST_BODY = 64 * 1024 * 1024

#: Bytes that are taken from anybody; more, only from those who may ask.
SMALL_BODY = 64 * 1024

#: Bytes of bodies, of all requests to a server that are not complete.
MOST_BODIES = 4 * MOST_BODY


class Request(http.Request, Componentized):
    """A request to one of the servers."""

    channel: Channel
    site: Site
    content: Any
    #: who asks; known once it is complete and admitted
    who: Principal
    #: the decoded path, without query
    place: bytes = b""
    #: an HTTP/1.0 client wants to keep the connection
    keep_alive = False
    #: refused before it was complete; nothing of it counts any more
    dropped = False
    #: the client is gone
    gone = False
    #: bytes of the body that count as held by the server
    _held = 0

    #: its answer is a stream
    _streams = False
    #: what to do before the stream ends; it hears why
    _goodbye: Callable[[str], None] | None = None

    #: for resources: the segments of the path behind them, and before them
    prepath: list[bytes]
    postpath: list[bytes]

    def __init__(self, channel: Channel, queued: object = False) -> None:
        http.Request.__init__(self, channel, queued)
        Componentized.__init__(self)

    # While it comes in

    def why_not(self, length: int | None) -> int:
        """Return the status to refuse it with before its body is taken, or 0."""
        if length is not None and length > MOST_BODY:
            return 413
        is_small = length is not None and length <= SMALL_BODY
        if is_small and not self.requestHeaders.hasHeader(b"expect"):
            return 0
        site: Site = self.channel.site
        return 0 if site.admits(self) else 401

    def gotLength(self, length: int | None) -> None:
        """Keep the body in memory, however long."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Take a part of the body."""
        if self.dropped:
            return
        site: Site = self.channel.site
        self._held += len(data)
        site.held += len(data)
        if self._held > MOST_BODY:
            self._drop(413)
        elif site.held > MOST_BODIES:
            self._drop(503)
        else:
            self.content.write(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """It is complete: answer it."""
        if self.dropped:
            return
        self._release()
        self.method, self.uri, self.clientproto = command, path, version
        self.channel.answering()
        self.site = self.channel.site
        self.site.answer(self)

    def connectionLost(self, reason: Failure) -> None:
        """The client is gone."""
        self.gone = True
        self._release()
        super().connectionLost(reason)

    def _drop(self, code: int) -> None:
        self._release()
        self.content = BytesIO()
        self.channel.refuse(code, self)

    def _release(self) -> None:
        self.channel.site.held -= self._held
        self._held = 0

    # What is asked

    def read_place(self) -> bytes:
        """Return the decoded path of the URI, without parameters, query and fragment."""
        path = self.uri
        for mark in (b"#", b"?", b";"):
            path = path.partition(mark)[0]
        return unquote_to_bytes(path) if b"%" in path else path

    def getRequestHostname(self) -> bytes:
        """Return the host that was asked for, without the port; on a unix socket any will do."""
        host: bytes = self.getHeader(b"host") or b"localhost"
        if host.startswith(b"["):  # IPv6
            return host[1:].partition(b"]")[0]
        return host.partition(b":")[0]

    @property
    def body(self) -> bytes:
        """All of the body."""
        return bytes(self.content.getvalue())

    # The answer

    def render(self, resource: IResource) -> None:
        """Have a resource answer, which sees to all of that itself."""
        resource.render(self)

    def respond(self, code: int, content_type: bytes, body: bytes, *fields: bytes) -> None:
        """
        Send the whole answer; to a client that is gone: nothing.

        With 204 and 304, which never have a body, its type and length are left out.
        """
        if self.gone:
            return
        if self.keep_alive:
            fields = (*fields, b"Connection: Keep-Alive")
        if code not in (204, 304):
            fields = (
                b"Content-Type: " + content_type,
                b"Content-Length: %d" % len(body),
                *fields,
            )
        answer = head(self.clientproto, code, *fields)
        if self.method != b"HEAD":
            answer += body
        self.code = code
        self.startedWriting = 1
        self.sentLength = len(answer)
        self.channel.send(answer)
        self.finish()

    def refuse(self, code: int, *fields: bytes) -> None:
        """Send an error page, for people one that says what to do, or to a program a problem."""
        if self.is_for_program:
            from supervisor_tx.web import problems

            problems.refuse(self, code, problems.GENERAL[code], *fields)
        elif self.shows_pages:
            from supervisor_tx.web.pages import errorpage

            errorpage.answer(self, code, *fields)
        else:
            self.respond(code, b"text/html", error_page(code), *fields)

    @property
    def is_for_program(self) -> bool:
        """Whether it asks for what only programs read."""
        return self.uri.lstrip(b"/").startswith(b"api/")

    @property
    def shows_pages(self) -> bool:
        """Whether it comes from what shows pages, and asks for one."""
        if self.uri.startswith((b"/RPC2", b"/logtail", b"/mainlogtail")):
            return False
        return b"text/html" in (self.getHeader(b"accept") or b"").lower()

    def stream(self, *fields: bytes, goodbye: Callable[[str], None] | None = None) -> bool:
        """
        Begin an answer whose end nobody knows; see :meth:`send`.

        Return whether there is to be more of it: to HEAD the beginning is all. With ``goodbye``,
        which is called before the end, with the reason, it is a stream that a client takes up
        again: such a stream ends at a restart too.
        """
        self.chunked = self.clientproto == b"HTTP/1.1"
        if self.chunked:
            fields = (*fields, b"Transfer-Encoding: chunked")
        else:
            self.channel.persistent = False  # the end of the connection is that of the answer
        answer = head(self.clientproto, 200, *fields)
        self.startedWriting = 1
        self.sentLength = len(answer)
        self.channel.send(answer)
        if self.method == b"HEAD":
            self.chunked = False
            self.finish()
            return False
        self._streams = True
        self._goodbye = goodbye
        return True

    def begin(self, code: int, length: int, *fields: bytes) -> bool:
        """
        Begin an answer of a known length, to be sent by :meth:`send`.

        Return whether there is to be more of it: to HEAD the beginning is all.
        """
        if self.gone:
            return False
        self.chunked = 0
        if self.keep_alive:
            fields = (*fields, b"Connection: Keep-Alive")
        answer = head(self.clientproto, code, *fields, b"Content-Length: %d" % length)
        self.code = code
        self.startedWriting = 1
        self.sentLength = len(answer)
        self.channel.send(answer)
        if self.method == b"HEAD":
            self.finish()
            return False
        return True

    def send(self, data: bytes) -> None:
        """Send a piece of a stream, or of an answer that has begun."""
        if self.gone:
            return
        self.sentLength += len(data)
        self.channel.send(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    @property
    def _is_open(self) -> bool:
        return not self.gone and not self.finished

    @property
    def is_resumable(self) -> bool:
        """Whether the answer is a stream that its client takes up again."""
        return self._goodbye is not None

    def end_stream(self, why: str = "") -> None:
        """Send the end of a stream, if that is what the answer is."""
        if not self._streams or self.gone:
            return
        goodbye, self._goodbye = self._goodbye, None
        if goodbye is not None:
            goodbye(why)
        if self._is_open:
            self.unregisterProducer()
            self.finish()
