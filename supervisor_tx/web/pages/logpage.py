"""The page that shows the daemon's own log."""

from __future__ import annotations

from supervisor_tx.web.pages.frame import Frame, Page, render
from supervisor_tx.web.pages.logview import LogView, log_view
from supervisor_tx.web.pages.stencil import h


def log_page(frame: Frame, log: LogView) -> str:
    """Return the page."""
    return render(
        frame,
        Page(
            title=f"Log – {frame.identifier}",  # noqa: RUF001
            main=list(log_view(frame, log, h.h1())),
            here="log",
            styles=("ansi.css",),
            scripts=("log.js",),
        ),
    )
