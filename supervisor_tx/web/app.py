"""
The application that answers all URLs but the few that :mod:`supervisor_tx.web.site` knows itself.

It is a Klein one, with the routes of pages and of JSON. Klein takes time and memory to import, so
this module is imported by the first request that needs it. Modules that have routes have a function
``add_to(app)``; a handler is a function of the request, a :class:`.Request`, and of what stands for
the variable segments of its URL, and most answer by :meth:`.Request.respond`. What a handler
answers itself, later perhaps, it makes known by returning :data:`UNDER_WAY`::

    @app.route("/processes/<segment:namespec>", methods=["GET"])
    def process(request: Request, namespec: str) -> UnderWay:
        request.respond(200, b"text/html; charset=utf-8", page)
        return UNDER_WAY
"""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from klein import Klein
from klein.interfaces import IKleinRequest
from klein.resource import KleinResource
from twisted.python.components import getAdapterFactory, registerAdapter
from twisted.python.failure import Failure
from twisted.web import resource, server
from twisted.web.iweb import IRequest
from werkzeug.exceptions import BadHost, HTTPException, MethodNotAllowed
from werkzeug.routing import BaseConverter

from supervisor_tx.activity import Logger
from supervisor_tx.web.request import Request

_log = Logger()


_READING = (b"GET", b"HEAD")


# What Klein keeps of a request of twisted.web.server it keeps of ours too.
registerAdapter(getAdapterFactory(server.Request, IKleinRequest, None), Request, IKleinRequest)


class UnderWay(resource.Resource):
    """Stands for an answer that somebody else gives."""

    isLeaf = True

    def render(self, request: Any) -> int:
        """Do nothing."""
        return server.NOT_DONE_YET


#: What a handler returns that has answered, or will.
UNDER_WAY = UnderWay()


class Segment(BaseConverter):
    """One segment of a path, whatever is in it; also what was sent as ``%2F``."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Return the text that is meant."""
        return value.replace("%2F", "/").replace("%25", "%")

    def to_url(self, value: Any) -> str:
        """Return the text as it stands in a URL."""
        return quote(str(value), safe=":")


def answer(request: Request) -> None:
    """Have a request answered, now or later."""
    request.prepath, request.postpath = [], _segments(request.uri)
    try:
        b"/".join(request.postpath).decode()
        request.getRequestHostname().decode("ascii")
        request.render(application())
    except (UnicodeDecodeError, BadHost):
        request.refuse(400)


@cache
def application() -> KleinResource:
    """Return the application, with all its routes."""
    app = Klein()
    # What differs by a slash is another URL, and is not found.
    app.url_map.merge_slashes = False
    app.url_map.converters["segment"] = Segment
    app.handle_errors(HTTPException)(_refuse)
    app.handle_errors(Exception)(_fail)
    from supervisor_tx.web.api import answering
    from supervisor_tx.web.pages import routes

    answering.add_to(app)
    routes.add_to(app)
    return app.resource()


def _segments(uri: bytes) -> list[bytes]:
    """Split the path of a URI; slashes at its beginning count as one, as Supervisor has it."""
    path = uri
    for mark in (b"#", b"?", b";"):
        path = path.partition(mark)[0]
    path = path.lstrip(b"/")
    if b"%" not in path:
        return path.split(b"/")
    return [
        unquote_to_bytes(each).replace(b"%", b"%25").replace(b"/", b"%2F")
        for each in path.split(b"/")
    ]


def _refuse(request: IRequest, failure: Failure) -> UnderWay:
    assert isinstance(request, Request)
    error: Any = failure.value
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted({*(error.valid_methods or ()), "OPTIONS"})).encode()
        if request.method == b"OPTIONS":
            request.respond(204, b"", b"", b"Allow: " + allowed)
        else:
            request.refuse(405, b"Allow: " + allowed)
    elif error.code == 404 and request.method not in _READING and not request.is_for_program:
        request.refuse(400)  # as Supervisor does
    else:
        request.refuse(error.code)
    return UNDER_WAY


def _fail(request: IRequest, failure: Failure) -> UnderWay:
    assert isinstance(request, Request)
    transport: Any = request.transport
    _log.error(
        "{peer}:Server Error:{traceback}",
        peer=transport.peer.name,
        traceback=failure.getTraceback(),
    )
    if not request.startedWriting:
        request.refuse(500)
    elif not request.gone:
        transport.abortConnection()
    return UNDER_WAY
