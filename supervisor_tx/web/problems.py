"""
Errors for programs: JSON that says what is wrong, where, and how to mend it (RFC 9457).

What an operation refuses has a type of its own and a member ``mend``, both from
:mod:`supervisor_tx.supervision.refusals`. What is wrong with a request as such is of no special
type: its status says it all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from supervisor_tx.errors import ConfigError, InvalidArgument, SupervisorError
from supervisor_tx.supervision.refusals import refusal
from supervisor_tx.values import asdict
from supervisor_tx.web.answers import REASONS
from supervisor_tx.web.headers import DATA
from supervisor_tx.web.request import Request

TYPE = b"application/problem+json"

#: What the types of problems begin with.
PREFIX = "urn:supervisor-tx:problem:"

#: What there is to say of a status that is the same whatever was asked for.
GENERAL: Mapping[int, str] = {
    400: "The request cannot be understood. Its URL has to be UTF-8, its host a name.",
    401: "A user name and a password are asked for, by Basic authentication.",
    403: "It may not be asked for in this way.",
    404: "There is nothing at this URL. What there is stands in /api/v1/openapi.json.",
    405: "This cannot be done with it; Allow says what can.",
    500: "The daemon has a defect; its activity log says where.",
}


def problem(code: int, detail: str, **members: object) -> bytes:
    """Return the body that goes with a status; ``members`` are further ones, of whoever answers."""
    told = {"type": "about:blank", "title": REASONS[code].decode(), "status": code}
    return json.dumps({**told, "detail": detail, **members}).encode()


def refuse(request: Request, code: int, detail: str, *fields: bytes, **members: object) -> None:
    """Answer a request with an error; ``fields`` are further lines of the header."""
    request.respond(code, TYPE, problem(code, detail, **members), *fields, *DATA)


def told(error: SupervisorError) -> dict[str, Any]:
    """Return what a client is told of an error, as values of JSON."""
    found = refusal(error)
    made: dict[str, Any] = {
        "type": f"{PREFIX}{found.slug}",
        "title": found.title,
        "status": found.status,
        "detail": shown(str(error)),
        "mend": found.mend,
    }
    if isinstance(error, InvalidArgument):
        made["member"] = shown(error.member)
    if isinstance(error, ConfigError):
        made["problems"] = [asdict(each) for each in error.problems]
    return made


def refuse_error(request: Request, error: SupervisorError) -> None:
    """Answer a request with what an operation has refused it for."""
    made = told(error)
    fields = (b"Retry-After: 1",) if made["status"] == 503 else ()
    request.respond(made["status"], TYPE, json.dumps(made).encode(), *fields, *DATA)


def shown(text: str) -> str:
    """Return text as it can be sent: halves of characters become U+FFFD."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
