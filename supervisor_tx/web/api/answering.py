"""Requests for JSON, and their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import iscoroutine
from typing import Any

from klein import Klein
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.python.failure import Failure

from supervisor_tx.activity import Logger
from supervisor_tx.errors import SupervisorError
from supervisor_tx.supervision.description import arguments
from supervisor_tx.supervision.operations import Operations
from supervisor_tx.web import refusals
from supervisor_tx.web.api import downloads, openapi
from supervisor_tx.web.api.asking import BYTES, JSON, BadRequest, members, query, wanted
from supervisor_tx.web.api.routes import DOWNLOAD, ROOT, ROUTES, WAIT, Context, Route
from supervisor_tx.web.app import UNDER_WAY, UnderWay
from supervisor_tx.web.headers import DATA, attachment
from supervisor_tx.web.problems import refuse, refuse_error
from supervisor_tx.web.request import Request
from supervisor_tx.web.safety import Refused

_log = Logger()


def add_to(app: Klein) -> None:
    """Add the routes of JSON."""
    for route in ROUTES:
        path = route.path
        for each in route.segments:
            path = path.replace(f"{{{each}}}", f"<segment:{each}>")
        app.route(ROOT + path, methods=[route.method], endpoint=route.name)(_handler(route))
    app.route(f"{ROOT}/openapi.json", methods=["GET"])(_describe)


def _describe(request: Request) -> UnderWay:
    """Send the description of all this."""

    def answer() -> None:
        wanted(request, (JSON,))
        arguments((), query(request), text=True, where="query")
        _send(request, 200, openapi.encoded(request.site.content.base.path or "/"))

    return _guarded(request, answer)


def _handler(route: Route) -> Callable[..., UnderWay]:
    """Return what does what is asked for, and answers now or later."""

    def handle(request: Request, **segments: str) -> UnderWay:
        return _guarded(request, lambda: _perform(route, request, segments))

    return handle


def _guarded(request: Request, answer: Callable[[], None]) -> UnderWay:
    """Tell the client what keeps it from having an answer."""
    try:
        answer()
    except SupervisorError as error:
        _refuse(request, error)
    return UNDER_WAY


def _perform(route: Route, request: Request, segments: Mapping[str, str]) -> None:
    form = wanted(request, (JSON, BYTES) if route.is_log else (JSON,))
    if route.operation.changes:
        request.site.content.guard.check(request)
    operations: Operations = request.site.content.daemon.operations
    given = _given(route, request, segments)
    context = Context(operations, request.who, given)
    if route.is_log and (given.pop(DOWNLOAD.name, False) or form == BYTES):
        _download(route, request, context)
        return
    route.check(context)
    status = 202 if given.get(WAIT, True) is False else route.status
    result = route.operation.function(operations, request.who, **given)
    if iscoroutine(result):
        result = ensureDeferred(result)
    if not isinstance(result, Deferred):
        _send(request, status, route.show(result, context))
        return
    # Not given to Klein: it would call everything off when the client is gone.
    if route.is_log:  # text of any length, and bytes that are no text take long
        result.addCallback(lambda found: operations.daemon.in_thread(route.show, found, context))
    else:
        result.addCallback(route.show, context)
    result.addCallback(lambda shown: _send(request, status, shown))
    result.addErrback(_failed, request)


def _given(route: Route, request: Request, segments: Mapping[str, str]) -> dict[str, Any]:
    """Return what a request gives the operation; raise InvalidArgument or BadRequest."""
    in_path = {route.segments[name].name: text for name, text in segments.items()}
    found = arguments(route.segments.values(), in_path, text=True, where="path")
    found |= arguments(route.in_query, query(request), text=True, where="query")
    if route.method == "POST":
        found |= arguments(route.in_body, members(request), where="body")
    return found


def _download(route: Route, request: Request, context: Context) -> None:
    operations = context.operations
    given = dict(context.given)
    asked = None
    if "offset" in given or "length" in given:
        asked = given.get("offset", 0), given.get("length", 1 << 62)
    if "name" in given:
        path = operations.log_path(context.who, given["name"], given["channel"])
    else:
        path = operations.main_log_path(context.who)
    opening = operations.daemon.in_thread(downloads.open_for, path)

    def opened(log: downloads.OpenLog) -> None:
        if request.gone:
            log.close()
            return
        name = path.rpartition("/")[2] if path else ""
        downloads.send(request, log, asked, operations.daemon.in_thread, attachment(name), *DATA)

    opening.addCallback(opened).addErrback(_failed, request)


def _send(request: Request, status: int, body: bytes) -> None:
    request.respond(status, JSON.encode(), body, *DATA)


def _failed(failure: Failure, request: Request) -> None:
    error = failure.value
    if isinstance(error, SupervisorError):
        _refuse(request, error)
        return
    _log.error("an answer in JSON failed:{traceback}", traceback=failure.getTraceback())
    if request.startedWriting:
        transport: Any = request.transport
        if not request.gone:
            transport.abortConnection()
    else:
        refuse(request, 500, "The daemon has a defect; its activity log says where.")


def _refuse(request: Request, error: SupervisorError) -> None:
    if isinstance(error, BadRequest):
        refuse(request, error.code, error.text, *error.fields)
    elif isinstance(error, Refused):
        refusals.refuse(request, error)
    else:
        refuse_error(request, error)
