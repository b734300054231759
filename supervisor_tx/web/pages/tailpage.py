"""The end of a log, at the address that Supervisor has for it."""

from __future__ import annotations

from supervisor_tx.web.pages.frame import Frame, Page, render
from supervisor_tx.web.pages.logview import lines
from supervisor_tx.web.pages.stencil import h


def tail_page(frame: Frame, name: str, text: str, link: str) -> str:
    """Return the page; ``link`` leads to the same again, and is empty where there is nothing."""
    title = f"Supervisor tail of process {name}"
    refresh = h.p(h.a("Refresh", href=link)) if link else ""
    # Browsers pass over one line end there.
    log = h.pre("\n", lines(text), id="log", tabindex="0", role="region")
    main = h.div(h.h1(title, id="log-heading"), refresh, log(**{"aria-labelledby": "log-heading"}))
    return render(frame, Page(title=title, main=main, styles=("ansi.css",)))
