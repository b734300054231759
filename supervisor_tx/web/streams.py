"""Which URLs are streams of messages, and what answers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote_to_bytes

from supervisor_tx.errors import UnknownProcess
from supervisor_tx.supervision.operations import STDERR, STDOUT
from supervisor_tx.web import events, logstream
from supervisor_tx.web.problems import refuse
from supervisor_tx.web.request import Request

if TYPE_CHECKING:
    from supervisor_tx.web.site import Site

Answer: TypeAlias = "Callable[[Site, Request], None]"

_CHANNELS = {b"stdout": STDOUT, b"stderr": STDERR}


def find(uri: bytes) -> Answer | None:
    """Return what answers a URI; None: it is no stream."""
    stream = _find(uri)
    if stream is None:
        return None

    def answer(site: Site, request: Request) -> None:
        if site.has_room_for_stream():
            stream(site, request)
        else:
            request.channel.persistent = False  # its place is needed
            refuse(
                request,
                503,
                "As many as can be follow something already.",
                b"Retry-After: 5",
                b"Connection: close",
            )

    return answer


def _find(uri: bytes) -> Answer | None:
    path = uri
    for mark in (b"#", b"?", b";"):
        path = path.partition(mark)[0]
    match [unquote_to_bytes(each) for each in path.split(b"/")[1:]]:
        case [b"api", b"v1", b"events"]:
            return _events
        case [b"api", b"v1", b"logs", b"main", b"stream"]:
            return _main_log
        case [b"api", b"v1", b"processes", name, b"logs", channel, b"stream"]:
            return lambda site, request: _log(site, request, name, channel)
    return None


def _events(site: Site, request: Request) -> None:
    events.answer(request, site.content.daemon, site.beats)


def _main_log(site: Site, request: Request) -> None:
    def find() -> str | None:
        return site.content.logs.main_log_path(request.who)

    if find() is None:
        refuse(request, 404, "The activity log is no file.")
    else:
        logstream.answer(request, find, site.beats)


def _log(site: Site, request: Request, name: bytes, channel: bytes) -> None:
    process = name.decode("utf-8", "surrogateescape")
    if channel not in _CHANNELS:
        refuse(request, 404, "A process has the logs stdout and stderr, and no other.")
        return

    def find() -> str | None:
        return site.content.logs.log_path(request.who, process, _CHANNELS[channel])

    try:
        path = find()
    except UnknownProcess:
        refuse(request, 404, f"There is no process {process!r}.")
        return
    if path is None:
        refuse(request, 404, f"{process} has no log file for its {channel.decode()}.")
    else:
        logstream.answer(request, find, site.beats)
