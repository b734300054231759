"""Pages that say what went wrong, and what to do."""

from __future__ import annotations

from collections.abc import Mapping

from supervisor_tx.web.answers import REASONS
from supervisor_tx.web.pages.frame import Frame, Page, render
from supervisor_tx.web.pages.stencil import h

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


def error_page(frame: Frame, code: int, what: str = "", remedy: str = "") -> str:
    """Return a page; ``what`` and ``remedy`` take the place of the usual words."""
    usual = _WORDS.get(code, (REASONS[code].decode() + ".", _WORDS[400][1]))
    return render(
        frame,
        Page(
            title=f"{code} {REASONS[code].decode()} – {frame.identifier}",  # noqa: RUF001
            main=h.div(
                h.h1(h.span(str(code), class_="number quiet"), " ", what or usual[0]),
                h.p(remedy or usual[1]),
                h.p(h.a("All processes", href=frame.links.to(""))),
                class_="error",
            ),
            alarm=True,
        ),
    )
