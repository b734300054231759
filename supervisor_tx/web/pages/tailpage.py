"""The end of a log, at the address that Supervisor has for it."""

from __future__ import annotations

from supervisor_tx.web.pages.frame import Frame, Page, render
from supervisor_tx.web.pages.stencil import h


def tail_page(frame: Frame, name: str, text: str, link: str) -> str:
    """Return the page; ``link`` leads to the same again, and is empty where there is nothing."""
    title = f"Supervisor tail of process {name}"
    refresh = h.p(h.a("Refresh", href=link)) if link else ""
    # Browsers pass over one line end there.
    main = h.div(h.h1(title), refresh, h.pre("\n", text, class_="log"))
    return render(frame, Page(title=title, main=main))
