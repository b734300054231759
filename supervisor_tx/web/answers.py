"""The small answers that are the same everywhere: error pages, and the headers of all answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from supervisor_tx import __version__

SERVER = f"supervisor_tx/{__version__}".encode()

#: By status, as HTTP calls them now.
REASONS: Mapping[int, bytes] = {
    **{int(status): status.phrase.encode() for status in HTTPStatus},
    413: b"Content Too Large",
    416: b"Range Not Satisfiable",
    422: b"Unprocessable Content",
}


def error_page(code: int) -> bytes:
    """Return the body that goes with an error."""
    return (
        b"<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n"
        b"<h1>Error response</h1>\r\n<p>Error code %d.\r\n<p>Message: %b.\r\n</body>\r\n"
        % (code, REASONS[code])
    )


def head(version: bytes, code: int, *fields: bytes) -> bytes:
    """Return the beginning of an answer; ``fields`` are whole header lines without their ends."""
    lines = b"".join(b"%b\r\n" % field for field in fields)
    return b"%b %d %b\r\nServer: %b\r\nDate: %b\r\n%b\r\n" % (
        version,
        code,
        REASONS[code],
        SERVER,
        http_date(int(time.time())),
        lines,
    )


@lru_cache(maxsize=8)
def http_date(when: int) -> bytes:
    """Return a time, in seconds since the epoch, as HTTP writes it."""
    return formatdate(when, usegmt=True).encode()
