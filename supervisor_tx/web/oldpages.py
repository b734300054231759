"""
What the addresses of Supervisor's own pages did, and still do.

``index.html?action=stop&processname=web`` stops a process and leads to the status page with a line
of text; ``tail.html?processname=web`` shows the end of a log. The lines are Supervisor's, word by
word, for scripts that read them. Links of this kind are in bookmarks and scripts, so they need no
token, but from pages of others they do nothing; see :meth:`.Guard.check_link`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from urllib.parse import quote

from twisted.internet.defer import ensureDeferred
from twisted.python.failure import Failure

from supervisor_tx.activity import Logger
from supervisor_tx.core.characters import texts
from supervisor_tx.errors import (
    AlreadyStarted,
    CommandNotFound,
    CommandUnusable,
    EndedAbnormally,
    NoLogFile,
    StartFailed,
    SupervisorError,
    UnknownProcess,
)
from supervisor_tx.rpc.faults import fault_of
from supervisor_tx.supervision.operations import STDOUT, Operations, Principal
from supervisor_tx.web.answers import error_page
from supervisor_tx.web.forms import fields
from supervisor_tx.web.headers import PAGE
from supervisor_tx.web.refusals import HTML, refuse
from supervisor_tx.web.request import Request
from supervisor_tx.web.safety import FIELD, Refused

_log = Logger()

#: Bytes of a log that are shown at least, and at most.
LEAST, MOST = 1024, 4 * 1024 * 1024

#: What keeps a browser from remembering where an action led.
_FORGET = (
    b"Pragma: no-cache",
    b"Cache-Control: no-cache",
    b"Expires: Thu, 01 Jan 1970 00:00:00 GMT",
)

#: What went wrong with a start, in the words of the page. The first that fits counts.
_STARTS: Mapping[type[SupervisorError], str] = {
    CommandNotFound: "no such file",
    CommandUnusable: "file not executable",
    AlreadyStarted: "already started",
    StartFailed: "spawn error",
    EndedAbnormally: "abnormal termination",
}


class UnknownAction(SupervisorError):
    """There is no such action, or it needs the name of a process."""

    def __init__(self, action: str) -> None:
        super().__init__(
            f"There is no action {action}, or it needs a processname. There are refresh, stopall "
            "and restartall, and with a processname start, stop, restart and clearlog."
        )


def answer(request: Request) -> bool:
    """Answer a request if it is for one of these; return whether it is."""
    place = request.place.lstrip(b"/")
    if place in (b"", b"index.html") and request.method in (b"GET", b"POST"):
        return _act(request)
    if place == b"tail.html" and request.method in (b"GET", b"HEAD", b"POST"):
        _tail(request)
        return True
    return False


# Actions


def _act(request: Request) -> bool:
    asked = fields(request)
    action, name = asked.get("action", ("",))[0], asked.get("processname", ("",))[0]
    if not action:
        if request.method == b"POST":  # there is nothing to do but to show the page
            request.respond(303, HTML, b"", b"Location: " + _home(request), *PAGE)
            return True
        return False
    content = request.site.content
    try:
        content.guard.check_link(request)
    except Refused as refused:
        form = {"action": action, "processname": name, FIELD: content.guard.token(request)}
        refuse(request, refused, form=form)
        return True
    done = ensureDeferred(carry_out(content.daemon.operations, request.who, action, name))
    done.addCallback(lambda message: _lead_on(request, message))
    done.addErrback(_failed, request)
    return True


async def carry_out(operations: Operations, who: Principal, action: str, name: str) -> str:
    """Do what a link says; return the line of text for the page. Raises UnknownAction."""
    if action == "refresh":
        return f"Page refreshed at {time.ctime()}"
    if action in ("stopall", "restartall"):
        try:
            await operations.stop_all(who)
            if action == "restartall":
                await operations.start_all(who)
        except SupervisorError as error:
            return f"ERROR: {_fault(error)}"
        return f"All {'restarted' if action == 'restartall' else 'stopped'} at {time.ctime()}"
    if not name:
        raise UnknownAction(action)
    try:
        operations.process(who, name)
    except UnknownProcess:
        return f"No such process named {name}"
    except SupervisorError as error:
        return f"ERROR: {_fault(error)}"
    if action not in _ACTIONS:
        raise UnknownAction(action)
    return await _ACTIONS[action](operations, who, name)


async def _start(operations: Operations, who: Principal, name: str) -> str:
    try:
        await operations.start_process(who, name)
    except SupervisorError as error:
        for kind, text in _STARTS.items():
            if isinstance(error, kind):
                return f"ERROR: Process {name}: {text}"
        return f"ERROR: Process {name}: {_fault(error)}"
    return f"Process {name} started"


async def _stop(operations: Operations, who: Principal, name: str) -> str:
    try:
        await operations.stop_process(who, name)
    except SupervisorError as error:
        return _fault(error)
    return f"Process {name} stopped"


async def _restart(operations: Operations, who: Principal, name: str) -> str:
    for order in (operations.stop_process, operations.start_process):
        with suppress(SupervisorError):
            await order(who, name)
    return f"Process {name} restarted"


async def _clear(operations: Operations, who: Principal, name: str) -> str:
    try:
        operations.clear_logs(who, name)
    except SupervisorError as error:
        return _fault(error)
    return f"Log for {name} cleared"


_ACTIONS: Mapping[str, Callable[[Operations, Principal, str], Awaitable[str]]] = {
    "start": _start,
    "stop": _stop,
    "restart": _restart,
    "clearlog": _clear,
}


def _fault(error: SupervisorError) -> str:
    fault = fault_of(error)
    return f"unexpected rpc fault [{fault.code}] {fault.text}"


def _lead_on(request: Request, message: str) -> None:
    place = _home(request) + b"?message=" + quote(message, errors="replace").encode()
    request.respond(301, b"text/html", error_page(301), b"Location: " + place, *_FORGET)


def _home(request: Request) -> bytes:
    links = request.site.content.links(request)
    return links.to("").encode()


# The end of a log


def _tail(request: Request) -> None:
    asked = fields(request)
    name, limit = asked.get("processname", ("",))[0], _limit(asked.get("limit", ("",))[0])
    ensureDeferred(_show_end(request, name, limit)).addErrback(_failed, request)


async def _show_end(request: Request, name: str, limit: int) -> None:
    from supervisor_tx.web.pages import frame, tailpage

    operations: Operations = request.site.content.daemon.operations
    if name:
        link = f"tail.html?processname={quote(name, safe='', errors='replace')}&limit={limit}"
        text = await read_end(operations, request.who, name, limit)
    else:
        name, text, link = "None", "No process name found", ""
    # MOST bytes of plain text take 60 ms, of what is no text two seconds, and of colours 13.
    make = operations.daemon.in_thread
    page = await make(tailpage.tail_page, frame.frame_of(request), name, text, link)
    request.respond(200, HTML, page.encode("utf-8", "replace"), *PAGE)


async def read_end(operations: Operations, who: Principal, name: str, limit: int) -> str:
    """Return the last bytes of a process's stdout log, or a line about why they are not there."""
    try:
        data = await operations.read_log(who, name, STDOUT, -limit, 0)
    except NoLogFile:
        return f"No file for {name}"
    except SupervisorError as error:
        return f"ERROR: {_fault(error)}"
    return await operations.daemon.in_thread(_text, data)


def _text(data: bytes) -> str:
    return "".join(texts(data))


def _limit(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else LEAST
    return min(max(number, LEAST), MOST)


def _failed(failure: Failure, request: Request) -> None:
    if failure.check(UnknownAction):
        refuse(request, Refused(str(failure.value), "Nothing was done."), 400)
        return
    _log.error("Web interface error:{traceback}", traceback=failure.getTraceback())
    request.refuse(500)
