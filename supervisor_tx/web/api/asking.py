"""What a request asks for: the values of its query and its body, and the form of the answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from supervisor_tx.errors import InvalidArgument, SupervisorError
from supervisor_tx.web.request import Request

JSON, BYTES = "application/json", "application/octet-stream"

#: Bytes of a body. What is sent to a process may be long.
MOST_BODY = 17 * 1024 * 1024


class BadRequest(SupervisorError):
    """A request is wrong as such: its status, and what is wrong."""

    def __init__(self, code: int, text: str, *fields: bytes) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.fields = fields


def query(request: Request) -> dict[str, str]:
    """Return the query; of a name that is given again, all values with commas between them."""
    raw = request.uri.partition(b"#")[0].partition(b"?")[2]
    if not raw:
        return {}
    try:
        pairs = parse_qsl(
            raw.decode(),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=1000,
        )
    except ValueError:
        raise BadRequest(
            400, "The query cannot be read; it is to be name=value&name=value."
        ) from None
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def members(request: Request) -> dict[str, Any]:
    """Return the members of the object that is the body; none where there is no body."""
    body = request.body
    if not body.strip():
        return {}
    kind = (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind != JSON.encode():
        raise BadRequest(
            415,
            f"The body has to be JSON; send it with Content-Type: {JSON}.",
            b"Accept: " + JSON.encode(),
        )
    if len(body) > MOST_BODY:
        raise BadRequest(413, f"The body may have {MOST_BODY} bytes.")
    try:
        found = json.loads(body.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadRequest(400, f"The body is no JSON: {error}.") from None
    if not isinstance(found, dict):
        raise InvalidArgument("body", "an object is expected")
    return found


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no number")


def wanted(request: Request, offered: Sequence[str]) -> str:
    """Return which of the forms that are offered suits best; raise BadRequest where none does."""
    header = request.requestHeaders.getRawHeaders(b"accept")
    if not header:
        return offered[0]
    qualities = _ranges(b",".join(header).decode("latin-1"))
    best = max(offered, key=lambda form: _quality(form, qualities))
    if _quality(best, qualities) <= 0:
        raise BadRequest(406, f"There is {' and '.join(offered)}, and nothing that was asked for.")
    return best


def _ranges(header: str) -> list[tuple[str, float]]:
    found = []
    for each in header.split(","):
        kind, *parameters = (part.strip().lower() for part in each.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if kind:
            found.append((kind, quality))
    return found


def _quality(form: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Return how much a form is wanted; what says it most exactly counts."""
    known = dict(reversed(ranges))
    for kind in (form, f"{form.partition('/')[0]}/*", "*/*"):
        if kind in known:
            return known[kind]
    return 0.0
