"""The page that shows the daemon's own log."""

from __future__ import annotations

from twisted.web.template import Tag

from supervisor_tx.web.pages.frame import Frame, Page, render, token
from supervisor_tx.web.pages.logview import LogView, log_view
from supervisor_tx.web.pages.stencil import h


def log_page(frame: Frame, log: LogView) -> str:
    """Return the page."""
    return render(
        frame,
        Page(
            title=f"Log – {frame.identifier}",  # noqa: RUF001
            main=[*log_view(frame, log, h.h1()), _clear(frame)],
            here="log",
            styles=("ansi.css",),
            scripts=("log.js",),
        ),
    )


def _clear(frame: Frame) -> Tag:
    return h.form(
        token(frame),
        h.input(type="hidden", name="back", value="log"),
        h.button("Clear the log", name="daemon", value="clear", class_="grave"),
        method="post",
        action=frame.links.to("actions"),
        class_="acts",
    )
