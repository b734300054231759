"""Pages that say what went wrong, and what to do."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.web.template import Flattenable, Tag

from supervisor_tx.web.answers import REASONS
from supervisor_tx.web.headers import PAGE
from supervisor_tx.web.pages.frame import HTML, Frame, Page, frame_of, render
from supervisor_tx.web.pages.stencil import flat, h
from supervisor_tx.web.request import Request

#: What is wrong, and what to do about it, by status.
_WORDS: Mapping[int, tuple[str, str]] = {
    400: (
        "This request cannot be understood.",
        "Check the address, or go on from the page of all processes.",
    ),
    401: (
        "This server asks for a user name and a password.",
        "Load the page again and enter those of the server's section in the configuration.",
    ),
    403: (
        "This was refused, and nothing was done.",
        "Go back, load the page again, and do it once more.",
    ),
    404: (
        "There is nothing at this address.",
        "Perhaps a process was renamed or removed. Look for it among all processes.",
    ),
    405: (
        "This address does not take requests of that kind.",
        "Go on from the page of all processes.",
    ),
    500: (
        "The daemon has run into a defect of its own.",
        "Your processes are not affected. The activity log has the details; please report them.",
    ),
    503: (
        "The daemon is shutting down, or about to start anew.",
        "Processes are being stopped. Load this page again in a moment.",
    ),
}


def answer(request: Request, code: int, *fields: bytes, what: str = "", remedy: str = "") -> None:
    """Refuse a request with a page; ``fields`` are further lines of the header."""
    # Who may not ask is told no names, and gets no style sheet.
    if hasattr(request, "who"):
        page = error_page(frame_of(request), code, what, remedy)
    else:
        page = plain_page(code)
    request.respond(code, HTML, page.encode("utf-8", "replace"), *PAGE, *fields)


def plain_page(code: int, what: str = "", remedy: str = "") -> str:
    """Return a page that needs nothing else, and tells nothing of the daemon."""
    usual = _words(code)
    title = h.title(f"{code} {REASONS[code].decode()}")
    scheme = h.meta(name="color-scheme", content="light dark")
    head = h.head(h.meta(charset="utf-8"), scheme, title)
    body = h.body(h.main(h.h1(what or usual[0]), h.p(remedy or usual[1])))
    return f"<!DOCTYPE html>\n{flat(h.html(head, body, lang='en'))}"


def button(form: Mapping[str, str]) -> Tag:
    """Return a form that sends these fields to the address of the page, if somebody wants that."""
    label = " ".join(value for name, value in form.items() if name != "token" and value)
    return h.form(
        [h.input(type="hidden", name=name, value=value) for name, value in form.items()],
        h.p("If it is what you want: ", h.button(label)),
        method="post",
    )


def _words(code: int) -> tuple[str, str]:
    return _WORDS.get(code, (f"{REASONS[code].decode()}.", _WORDS[400][1]))


def error_page(
    frame: Frame, code: int, what: str = "", remedy: str = "", more: Flattenable = ""
) -> str:
    """Return a page; ``what`` and ``remedy`` take the place of the usual words."""
    usual = _words(code)
    return render(
        frame,
        Page(
            title=f"{code} {REASONS[code].decode()} – {frame.identifier}",  # noqa: RUF001
            main=h.div(
                h.h1(h.span(str(code), class_="number quiet"), " ", what or usual[0]),
                h.p(remedy or usual[1]),
                more,
                h.p(h.a("All processes", href=frame.links.to(""))),
                class_="error",
            ),
            alarm=True,
        ),
    )
