"""Which URL shows which page, and what its forms do."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import Any
from urllib.parse import quote, urlencode

from klein import Klein
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.python.failure import Failure

from supervisor_tx import __version__
from supervisor_tx.activity import Logger
from supervisor_tx.config.model import ServerConfig
from supervisor_tx.errors import ConfigError, LogFailed, NoLogFile, SupervisorError
from supervisor_tx.supervision.logs import paging
from supervisor_tx.supervision.logs.paging import LogPage
from supervisor_tx.supervision.operations import Operations
from supervisor_tx.supervision.refusals import refusal
from supervisor_tx.values import replace
from supervisor_tx.web.app import UNDER_WAY, UnderWay
from supervisor_tx.web.forms import field, fields
from supervisor_tx.web.headers import DATA, PAGE
from supervisor_tx.web.pages import actions, errorpage, lastwords
from supervisor_tx.web.pages.configpage import ConfigData, config_page, problems_of
from supervisor_tx.web.pages.frame import HTML, Frame, frame_of
from supervisor_tx.web.pages.logpage import log_page
from supervisor_tx.web.pages.logview import LogView
from supervisor_tx.web.pages.processpage import CHANNELS, process_data, process_page
from supervisor_tx.web.pages.status import ORDERS, Figures, Rows, Status, View, arrange, only
from supervisor_tx.web.pages.statuspage import Host, rows_page, status_page
from supervisor_tx.web.pages.table import Moment
from supervisor_tx.web.request import Request
from supervisor_tx.web.safety import Refused

_log = Logger()

#: Seconds that a form waits for what it has asked for, before the page is shown all the same.
PATIENCE = 3.0

#: Where a form may lead back to: to a page of ours, and nowhere else.
_CHARACTERS = r"[\w.~!$&'()*+,;=:@%-]"
_BACK = re.compile(rf"(?:processes/{_CHARACTERS}+|config|log|)(?:\?{_CHARACTERS}*)?", re.ASCII)

_rows = Rows()


def add_to(app: Klein) -> None:
    """Add the routes of all pages."""
    for path, handler in (
        ("/", status),
        ("/index.html", status),
        ("/rows", some_rows),
        ("/processes/<segment:name>", process),
        ("/config", config),
        ("/log", main_log),
    ):
        app.route(path, methods=["GET"], endpoint=f"page {path}")(_explaining(handler))
    app.route("/actions", methods=["POST"], endpoint="page actions")(_explaining(act))


def _explaining(handler: Callable[..., Coroutine[Any, Any, UnderWay]]) -> Callable[..., Any]:
    """Return a handler that shows a page where something cannot be done."""

    @wraps(handler)
    async def explain(request: Request, **segments: str) -> UnderWay:
        try:
            return await handler(request, **segments)
        except Refused as error:
            errorpage.answer(request, 403, what=error.reason, remedy=error.mend)
        except SupervisorError as error:
            found = refusal(error)
            errorpage.answer(request, found.status, what=f"{found.title}.", remedy=found.mend)
        return UNDER_WAY

    return explain


async def status(request: Request) -> UnderWay:
    """Show all processes."""
    shared = frame_of(request)
    moment = await _moment(request, shared)
    since, shown = _since(request), _arranged(request, moment, field(request, "filter"))
    return show(request, status_page(shared, shown, await _host(request), moment, since))


async def some_rows(request: Request) -> UnderWay:
    """Show some of all processes, to the script of the page that has the others."""
    shared = frame_of(request)
    moment = await _moment(request, shared)
    names = set(fields(request).get("process", ()))
    shown = only(_arranged(request, moment, ""), names)
    return show(request, rows_page(shared, shown, await _host(request), moment))


async def _moment(request: Request, shared: Frame) -> Moment:
    operations = _operations(request)
    troubled = (
        each for each in operations.processes(request.who) if _rows.of(each).needs_attention
    )
    said: Mapping[tuple[str, str], str] = {}
    if places := lastwords.places(troubled):
        said = await operations.daemon.in_thread(lastwords.read, places)
    return Moment(time.time(), _figures(request), shared.links.root, said)


def _arranged(request: Request, moment: Moment, wanted: str) -> Status:
    order = field(request, "sort")
    view = View(wanted, order if order in ORDERS else "name")
    rows = [_rows.of(each) for each in _operations(request).processes(request.who)]
    return arrange(rows, view, moment.figures)


async def process(request: Request, name: str) -> UnderWay:
    """Show one process, and one of its logs."""
    operations = _operations(request)
    found = operations.process(request.who, name)
    now, since = time.time(), _since(request)
    row = _rows.of(found)
    figure = _figures(request).get(row.key)
    data = process_data(found, row, figure if row.pid else None)
    channel = field(request, "log")
    if channel not in data.channels:
        channel = data.channels[0] if data.channels else ""
    log = None
    if channel and field(request, "part") != "head":  # which is all that its script asks for
        place = f"api/v1/processes/{quote(row.namespec, safe=':')}/logs/{channel}"
        path = operations.log_path(request.who, row.namespec, CHANNELS[channel])
        log = await _log_view(request, f"Log of {channel}", {"log": channel}, place, path)
    frame = frame_of(request)
    if log is None:
        return show(request, process_page(frame, data, log, now, since))
    # A log may change its colour with each character: to write that down takes long.
    making = operations.daemon.in_thread(process_page, frame, data, log, now, since)
    return show(request, await making)


async def config(request: Request) -> UnderWay:
    """Show what is to be said of the configuration."""
    operations, since = _operations(request), _since(request)
    operations.check_running()
    daemon = operations.daemon
    try:
        # Not operations.plan: a long configuration takes its time, and this is only looked at.
        data = ConfigData(operations.compare(await daemon.in_thread(daemon.read_config)))
    except ConfigError as error:
        data = problems_of(error)
    data = replace(data, servers=[_server(server) for server in daemon.config.servers])
    host = await _host(request)
    return show(request, config_page(frame_of(request), data, host, time.time(), since))


async def main_log(request: Request) -> UnderWay:
    """Show the activity log."""
    path = _operations(request).main_log_path(request.who)
    log = await _log_view(request, "Activity log", {}, "api/v1/logs/main", path)
    making = _operations(request).daemon.in_thread(log_page, frame_of(request), log)
    return show(request, await making)


async def act(request: Request) -> UnderWay:
    """Do what a form asks for, and show the page that it was on."""
    is_script = request.getHeader(b"accept") == b"application/json"
    try:
        request.site.content.guard.check(request)
    except Refused as error:
        if not is_script:
            raise
        return _tell(request, actions.Told(str(error), ok=False), 403)
    form = fields(request)
    doing = ensureDeferred(_act(request, form))
    told = await _at_most(request, doing)
    if is_script:
        return _tell(request, told)
    back = field(request, "back")
    if not _BACK.fullmatch(back):
        back = ""
    mark = "&" if "?" in back else "?"
    place = f"{frame_of(request).links.to(back)}{mark}{urlencode({'message': told.message})}"
    request.respond(303, HTML, b"", b"Location: " + place.encode("ascii", "replace"), *PAGE)
    return UNDER_WAY


def _tell(request: Request, told: actions.Told, code: int = 200) -> UnderWay:
    """Tell the script of a page what has come of a form."""
    answer = json.dumps({"message": told.text, "ok": told.ok}).encode()
    request.respond(code, b"application/json", answer, *DATA)
    return UNDER_WAY


async def _act(request: Request, form: actions.Form) -> actions.Told:
    operations = _operations(request)
    try:
        if "daemon" in form:
            return actions.to_daemon(operations, request.who, form["daemon"][0])
        if "config" in form:
            return await actions.apply(operations, request.who)
        return await actions.carry_out(operations, request.who, actions.read(form))
    except SupervisorError as error:
        return actions.Told(str(error), ok=False)


def _at_most(request: Request, doing: Deferred[actions.Told]) -> Deferred[actions.Told]:
    """Return what has come of it, or after a while that it goes on."""
    told: Deferred[actions.Told] = Deferred()

    def answer(result: actions.Told | Failure) -> None:
        if not told.called:
            timer.cancel()
            told.callback(result)
        elif isinstance(result, Failure):
            _log.failure("an action of a page failed", result)

    timer = request.site.content.daemon.clock.callLater(
        PATIENCE, told.callback, actions.Told("It is under way.")
    )
    doing.addBoth(answer)
    return told


async def _log_view(
    request: Request, heading: str, query: Mapping[str, str], place: str, path: str | None
) -> LogView:
    """Read the page of a log that is asked for."""
    wanted = field(request, "find")
    page, problem = None, ""
    try:
        page = await _operations(request).daemon.in_thread(_read, path, wanted, _place(request))
    except NoLogFile:
        if path is None:
            problem = "It has no log file."
        else:  # what is written is shown when it is
            page = LogPage(b"", 0, 0)
    except LogFailed as error:
        problem = f"The log cannot be read: {error}"
    return LogView(
        heading=heading,
        query=query,
        download=f"{place}?download=true",
        stream=f"{place}/stream",
        page=page,
        problem=problem,
        wanted=wanted,
        is_part=bool(_place(request)[0]),
        path=path or "",
    )


def _place(request: Request) -> tuple[str, int | None]:
    """Return from where on a log is asked for: the word for that, and the place in bytes."""
    for word in ("from", "to", "before", "after"):
        text = field(request, word)
        if text.isascii() and text.isdigit() and len(text) < 19:
            return word, int(text)
    return "", None


def _read(path: str | None, wanted: str, place: tuple[str, int | None]) -> LogPage:
    word, number = place
    if wanted:
        return paging.find(path, wanted, number, forwards=word == "after")
    if word == "from" and number is not None:
        return paging.after(path, number)
    return paging.before(path, number if word == "to" else None)


def show(request: Request, page: str, code: int = 200) -> UnderWay:
    """Answer with a page."""
    request.respond(code, HTML, page.encode("utf-8", "replace"), *PAGE)
    return UNDER_WAY


def _operations(request: Request) -> Operations:
    operations: Operations = request.site.content.daemon.operations
    return operations


def _figures(request: Request) -> Figures:
    """Return the figures that there are, and have more made for who looks on."""
    daemon: Any = request.site.content.daemon
    daemon.figures.glance()
    latest: Figures = daemon.figures.latest
    return latest


def _since(request: Request) -> str:
    """
    Return the id of the latest event: what a page shows is true of the moment after it.

    To be asked before anything that is waited for: what happens then is told after that event.
    """
    return request.site.content.daemon.broadcast.latest()


async def _host(request: Request) -> Host:
    operations = _operations(request)
    info = operations.daemon_info(request.who)
    state = await operations.config_state(request.who)
    return Host(
        version=__version__,
        pid=info.pid,
        since=info.started,
        configfile=info.config.configfile,
        is_changed=state.changed,
        is_broken=bool(state.problem),
    )


def _server(server: ServerConfig) -> tuple[str, bool]:
    if server.address is None:
        return f"unix://{server.file}", server.username is not None
    host, port = server.address
    host = f"[{host}]" if ":" in host else host or "*"
    return f"http://{host}:{port}", server.username is not None
