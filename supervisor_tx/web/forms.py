"""What a form or a link has sent along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from supervisor_tx.web.request import Request

#: Bytes of a form; a selection of thousands of processes has fewer.
MOST = 1 << 20

#: Fields of a form.
MOST_FIELDS = 20_000

Fields = Mapping[str, Sequence[str]]


def fields(request: Request) -> Fields:
    """
    Return the fields of a query and of the form that was posted, which come before those.

    What is no UTF-8 in them becomes U+FFFD. A body that is no form has no fields.
    """
    found = _parsed(request.uri.partition(b"#")[0].partition(b"?")[2])
    if request.method == b"POST":
        kind = (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
        # A script may leave out what kind of body it sends, as Supervisor allows it.
        if kind in (b"application/x-www-form-urlencoded", b"text/plain", b""):
            found = {**found, **_parsed(request.body)}
    return found


def field(request: Request, name: str) -> str:
    """Return the first value of a field; empty: it is not there."""
    return fields(request).get(name, ("",))[0]


def _parsed(text: bytes) -> dict[str, list[str]]:
    if not text or len(text) > MOST:
        return {}
    try:
        return parse_qs(
            text.decode("utf-8", "replace").strip("\r\n"),
            errors="replace",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        return {}
