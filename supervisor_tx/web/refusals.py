"""What a client is told that may not do what it asked for, in the form that it understands."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from supervisor_tx.web.headers import DATA, PAGE
from supervisor_tx.web.request import Request
from supervisor_tx.web.safety import Refused

HTML = b"text/html; charset=utf-8"
TEXT = b"text/plain; charset=utf-8"


def refuse(
    request: Request, refused: Refused, code: int = 403, form: Mapping[str, str] | None = None
) -> None:
    """
    Tell why a request is refused, and what can be done about it.

    ``form`` is what a button on the page sends to the same address: for what somebody may do who
    sees what it is. Whoever gets it must not be able to read it for somebody else.
    """
    if request.uri.lstrip(b"/").startswith(b"api/"):
        from supervisor_tx.web import problems

        problems.refuse(request, code, str(refused), *DATA)
    elif takes_html(request):
        body = [f"<p>{escape(refused.reason)}</p>", f"<p>{escape(refused.mend)}</p>"]
        if form is not None:
            body.append(_form(form))
        request.respond(code, HTML, page("Refused", "".join(body)), *PAGE)
    else:
        request.respond(code, TEXT, f"{refused}\n".encode(), *DATA)


def takes_html(request: Request) -> bool:
    """Tell whether a client says that it shows pages."""
    return b"text/html" in (request.getHeader(b"accept") or b"").lower()


def page(title: str, body: str) -> bytes:
    """Return a page that needs nothing else; ``body`` is HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title></head><body><main><h1>{escape(title)}</h1>{body}"
        "</main></body></html>\n"
    ).encode("utf-8", "replace")


def _form(form: Mapping[str, str]) -> str:
    label = " ".join(value for name, value in form.items() if name != "token" and value)
    inputs = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in form.items()
    )
    return (
        f'<form method="post"><p>If it is what you want: {inputs}'
        f"<button>{escape(label)}</button></p></form>"
    )
