"""
What one server serves: who may ask, and what answers which URL.

Supervisor's rules for URLs: whatever *begins* with ``/RPC2``, ``/logtail`` or ``/mainlogtail`` goes
there, whatever follows. Everything is behind the same password.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from supervisor_tx.activity import Level, Logger
from supervisor_tx.config.model import Config, ServerConfig
from supervisor_tx.errors import UnknownProcess
from supervisor_tx.supervision.operations import STDERR, STDOUT, Operations, Principal
from supervisor_tx.values import frozen
from supervisor_tx.web.answers import http_date
from supervisor_tx.web.auth import Credentials
from supervisor_tx.web.channel import Channel
from supervisor_tx.web.connections import Peer
from supervisor_tx.web.follow import Follower
from supervisor_tx.web.headers import NO_SNIFFING
from supervisor_tx.web.links import Base, Links, base
from supervisor_tx.web.request import Request
from supervisor_tx.web.safety import Guard, Refused

if TYPE_CHECKING:
    from supervisor_tx.supervision.broadcast import Broadcast
    from supervisor_tx.supervision.configwatch import ConfigWatch
    from supervisor_tx.supervision.figures import Figures
    from supervisor_tx.web.sse import Beats

_log = Logger()

#: A process's outputs by the names that URLs have for them.
_CHANNELS = {b"stdout": STDOUT, b"stderr": STDERR}

#: Characters of a request's body to show in a message about it.
SHOWN = 2000


class BadRequest(Exception):
    """What came is no call; the one who raises it has logged why."""


#: The body of an answer, one that is long in parts.
Answer: TypeAlias = bytes | Sequence[bytes]


class Rpc(Protocol):
    """What answers XML-RPC calls."""

    def answer(self, body: bytes, who: Principal) -> Answer | Deferred[Answer]:
        """Return the answer to a call, now or later; raise BadRequest."""


class Served(Protocol):
    """The daemon, as far as those need it who answer for it."""

    config: Config

    @property
    def clock(self) -> IReactorTime:
        """What durations are counted by."""

    @property
    def operations(self) -> Operations:
        """What can be asked of it."""

    @property
    def broadcast(self) -> Broadcast:
        """What tells events."""

    @property
    def figures(self) -> Figures:
        """What tells CPU and memory."""

    @property
    def config_watch(self) -> ConfigWatch:
        """What tells whether the configuration has changed."""


class Logs(Protocol):
    """Where the logs are that can be followed."""

    def log_path(self, who: Principal, name: str, channel: int) -> str | None:
        """Return the path of the log of its descriptor 1 or 2; raise UnknownProcess."""

    def main_log_path(self, who: Principal) -> str | None:
        """Return the path of the activity log; None: it is no file."""


@frozen
class Content:
    """What a server serves, until the next restart of the daemon."""

    credentials: Credentials | None
    logs: Logs
    #: None: it could not be made
    rpc: Rpc | None
    #: what pages and JSON are about
    daemon: Served
    #: the section that makes the server
    server: ServerConfig
    guard: Guard

    def links(self, request: Request) -> Links:
        """Return the links of a page that answers a request."""
        from supervisor_tx.web.assets import assets

        return Links(self.base.root(request.uri), assets().place)

    @property
    def base(self) -> Base:
        """Where the server is, to those who reach it."""
        return base(self.server.base_url)


class Site:
    """The factory of one server's connections."""

    def __init__(self, content: Content, reactor: Any) -> None:
        self.reactor = reactor
        self.content = content
        #: bytes of bodies of requests that are not complete
        self.held = 0
        #: tells whether one more client may follow something
        self.has_room_for_stream: Callable[[], bool] = lambda: True

    @cached_property
    def beats(self) -> Beats:
        """What looks after the clients that follow something."""
        from supervisor_tx.web.sse import Beats

        return Beats(self.reactor)

    def channel(self) -> Channel:
        """Return what a new connection is served by."""
        channel = Channel()
        channel.factory = channel.site = self
        channel.requestFactory = Request
        channel.callLater = self.reactor.callLater
        return channel

    def log(self, request: Any) -> None:
        """Write a line about a request that was answered, at level trace."""
        if not _log.enabled(Level.TRACE):
            return
        peer: Peer = request.transport.peer
        line = (
            f"{peer.name} - - [{time.strftime('%d/%b/%Y:%H:%M:%S %z')}] "
            f'"{_text(request.method)} {_text(request.uri)} {_text(request.clientproto)}" '
            f"{request.code} {request.sentLength}"
        )
        level = Level.ERROR if "error" in line.lower() else Level.TRACE
        _log.emit(level, "{line}", line=line)

    def log_refusal(self, peer: Peer, code: int) -> None:
        """Write a line about a request that was refused before it was complete."""
        _log.trace(
            "{peer} - - refused with {code} before the request was complete",
            peer=peer.name,
            code=code,
        )

    # Requests

    def admits(self, request: Request) -> bool:
        """Tell whether the one who asks may ask."""
        asked = self.content.credentials
        return asked is None or asked.admit(request.getHeader(b"authorization"))

    def answer(self, request: Request) -> None:
        """Answer a complete request, now or later."""
        if not self.admits(request):
            request.channel.persistent = False
            request.refuse(401, b"Connection: close", b'WWW-Authenticate: Basic realm="default"')
            return
        asked = self.content.credentials
        transport: Any = request.transport
        request.who = transport.peer.as_user(None if asked is None else asked.username)
        transport.used()
        request.uri = self.content.base.inner(request.uri)
        request.place = request.read_place()
        try:
            self.content.guard.check_host(request)
            self._handler(request)(request)
        except Refused as refused:
            _refuse(request, refused)
        except Exception:  # noqa: BLE001 (whatever a request runs into is for its client alone)
            self._broken(Failure(), request)

    def _handler(self, request: Request) -> Callable[[Request], None]:
        place = request.place
        if place.startswith(b"/RPC2"):
            return self._call
        if place.startswith(b"/logtail"):
            return self._follow_process
        if place.startswith(b"/mainlogtail"):
            return self._follow_main
        if place.startswith(b"/api/"):
            # Not by Klein: a program that only follows what happens shall not cost what pages do.
            from supervisor_tx.web import streams

            if (stream := streams.find(request.uri)) is not None:
                return partial(stream, self)
        return self._page

    def _page(self, request: Request) -> None:
        if b"/" + request.place.lstrip(b"/") == b"/ok.html" and request.method in (b"GET", b"POST"):
            request.respond(200, b"text/plain", b"OK")
            return
        from supervisor_tx.web import oldpages
        from supervisor_tx.web.assets import assets

        place = request.place.lstrip(b"/")
        if oldpages.answer(request) or assets().answer(request, place, self.content.links(request)):
            return
        self._by_application(request)

    def _by_application(self, request: Request) -> None:
        """
        Have the application answer; with the first request it has to be imported.

        It is large, so that is done in a thread: children are not to wait for it.
        """
        daemon = self.content.daemon
        if _loaded:
            _loaded[0](request)
            return
        loading = daemon.operations.daemon.in_thread(load_application)
        loading.addCallback(lambda answer: None if request.gone else answer(request))
        loading.addErrback(self._broken, request)

    def _broken(self, failure: Failure, request: Request) -> None:
        """Answer a request that has run into a defect of ours."""
        transport: Any = request.transport
        _log.error(
            "{peer}:Server Error:{traceback}",
            peer=transport.peer.name,
            traceback=failure.getTraceback(),
        )
        if request.startedWriting:
            transport.abortConnection()
        else:
            request.refuse(500)

    # XML-RPC

    def _call(self, request: Request) -> None:
        headers = request.requestHeaders
        if request.method != b"POST":
            request.refuse(400)
        elif not headers.hasHeader(b"content-length") and not headers.hasHeader(
            b"transfer-encoding"
        ):
            request.refuse(411)
        elif self.content.guard.is_cross_site(request):
            request.refuse(403)
        elif self.content.rpc is None:
            request.refuse(500)
        else:
            self._ask(request, self.content.rpc)

    def _ask(self, request: Request, rpc: Rpc) -> None:
        body = request.body
        try:
            answer = rpc.answer(body, request.who)
        except BadRequest:
            request.refuse(400)
        except Exception:  # noqa: BLE001 (as above)
            _log.critical(
                "Handling XML-RPC request with data '{data}' raised an unexpected exception: "
                "{traceback}",
                data=_text(body[:SHOWN]),
                traceback=traceback.format_exc(),
            )
            request.refuse(500)
        else:
            if isinstance(answer, Deferred):
                answer.addCallback(self._answered, request).addErrback(_answer_failed, request)
            else:
                self._answered(answer, request)

    def _answered(self, answer: Answer, request: Request) -> None:
        if isinstance(answer, bytes):
            request.respond(200, b"text/xml", answer)
        else:
            from supervisor_tx.web import parts  # seldom needed

            parts.respond(request, 200, b"text/xml", answer, self.reactor)

    # Logs

    def _follow_process(self, request: Request) -> None:
        if request.method != b"GET":
            request.refuse(400)
            return
        name, *rest = request.place.split(b"/")[2:] or [b""]
        channel = _CHANNELS.get(rest.pop(0) if rest else b"stdout")
        path = None
        if not rest and channel is not None:
            try:
                path = self.content.logs.log_path(request.who, _text(name), channel)
            except UnknownProcess:
                path = None
        self._follow(request, path, b"X-Accel-Buffering: no")

    def _follow_main(self, request: Request) -> None:
        if request.method != b"GET":
            request.refuse(400)
            return
        self._follow(request, self.content.logs.main_log_path(request.who))

    def _follow(self, request: Request, path: str | None, *fields: bytes) -> None:
        if not self.has_room_for_stream():
            request.channel.persistent = False  # its place is needed
            request.refuse(503, b"Connection: close")
            return
        try:
            follower = (
                None
                if path is None
                else Follower(path, request.send, request.end_stream, self.reactor)
            )
        except OSError:
            follower = None
        if follower is None:
            request.refuse(404)
            return
        request.stream(
            b"Last-Modified: " + http_date(follower.modified),
            b"Content-Type: text/plain;charset=utf-8",
            NO_SNIFFING,
            *fields,
        )
        request.registerProducer(follower, streaming=True)
        request.notifyFinish().addBoth(lambda _: follower.stopProducing())
        follower.start()


#: What answers for the application, when that has been imported.
_loaded: list[Callable[[Request], None]] = []


def load_application() -> Callable[[Request], None]:
    """Import the application and put it together; return what answers for it."""
    from supervisor_tx.web import app

    app.application()
    _loaded[:] = [app.answer]
    return app.answer


def _answer_failed(failure: Failure, request: Request) -> None:
    if failure.check(BadRequest):
        request.refuse(400)
        return
    _log.error("XML-RPC response callback error:{traceback}", traceback=failure.getTraceback())
    request.refuse(500)


def _refuse(request: Request, refused: Refused) -> None:
    from supervisor_tx.web.refusals import refuse

    refuse(request, refused)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
