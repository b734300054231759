"""What a client is told that may not do what it asked for, in the form that it understands."""

from __future__ import annotations

from collections.abc import Mapping

from supervisor_tx.web.headers import DATA, PAGE
from supervisor_tx.web.request import Request
from supervisor_tx.web.safety import Refused, UnknownHost

HTML = b"text/html; charset=utf-8"
TEXT = b"text/plain; charset=utf-8"


def refuse(
    request: Request, refused: Refused, code: int = 403, form: Mapping[str, str] | None = None
) -> None:
    """
    Tell why a request is refused, and what can be done about it.

    ``form`` is what a button on the page sends to the same address: for what somebody may do who
    sees what it is.
    """
    if request.is_for_program:
        from supervisor_tx.web import problems

        problems.refuse(request, code, str(refused))
    elif not request.shows_pages:
        request.respond(code, TEXT, f"{refused}\n".encode("utf-8", "replace"), *DATA)
    else:
        request.respond(code, HTML, _page(request, refused, code, form), *PAGE)


def _page(request: Request, refused: Refused, code: int, form: Mapping[str, str] | None) -> bytes:
    from supervisor_tx.web.pages import errorpage, frame

    if isinstance(refused, UnknownHost):
        # A page of somebody else may read this: nothing of ours is in it, and no token.
        page = errorpage.plain_page(code, refused.reason, refused.mend)
    else:
        more = "" if form is None else errorpage.button(form)
        page = errorpage.error_page(
            frame.frame_of(request), code, refused.reason, refused.mend, more
        )
    return page.encode("utf-8", "replace")
