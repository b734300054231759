"""
Where a request comes from, as far as its headers tell: from a page of ours, from one of somebody
else's, or from no browser at all.

What a page makes a browser send carries headers that the page can neither set nor leave out. The
browser writes ``Sec-Fetch-Site`` where the connection is safe in its eyes (https, or the machine
itself), ``Origin`` with each POST, and ``Referer`` if the page that it comes from lets it.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol
from urllib.parse import urlsplit

from twisted.web.http_headers import Headers


class Asked(Protocol):
    """A request, as far as it is looked at here."""

    @property
    def requestHeaders(self) -> Headers:
        """Its headers."""


class Provenance(Enum):
    """What a request was sent by."""

    #: a page of ours, or somebody at the browser: an address that was typed, a bookmark
    OWN = "own"
    #: a page from elsewhere
    FOREIGN = "foreign"
    #: a browser that does not say for whom, or a proxy has changed what there is to compare with
    UNKNOWN = "unknown"
    #: no browser: a script, curl, a client library
    TOOL = "tool"


#: Headers of which each is sent by browsers only.
_OF_BROWSERS = (b"cookie", b"sec-fetch-dest", b"sec-fetch-user", b"upgrade-insecure-requests")

#: What the ``User-Agent`` of all browsers begins with.
_BROWSERS = (b"mozilla/", b"opera/")

#: What says that nobody has asked yet: the browser guesses what will be asked for next.
_AHEAD = (b"sec-purpose", b"purpose", b"x-moz")


def header(request: Asked, name: bytes) -> bytes | None:
    """Return the value of a header, in lower case; of several, what is equal to none of them."""
    values = request.requestHeaders.getRawHeaders(name)
    if not values:
        return None
    return values[0].strip().lower() if len(values) == 1 else b", ".join((b"", *values)).lower()


def provenance(request: Asked, *, behind_proxy: bool, base_url: str | None = None) -> Provenance:
    """
    Tell where a request comes from.

    ``behind_proxy``: the name in ``Host`` may be one that only a proxy has for us, so that to
    differ from it means nothing, unless it is known by ``base_url`` what it ought to be.
    """
    site = header(request, b"sec-fetch-site")
    if site is not None:
        return Provenance.OWN if site in (b"same-origin", b"none") else Provenance.FOREIGN
    source = header(request, b"origin")
    if source is None:
        source = header(request, b"referer")
    if source is not None:
        if _is_own(request, source, base_url):
            return Provenance.OWN
        return Provenance.UNKNOWN if behind_proxy and base_url is None else Provenance.FOREIGN
    return Provenance.UNKNOWN if _looks_like_browser(request) else Provenance.TOOL


def is_ahead(request: Asked) -> bool:
    """Tell whether a browser only fetches in advance what might be asked for."""
    return any(b"prefetch" in (header(request, name) or b"") for name in _AHEAD)


def _is_own(request: Asked, source: bytes, base_url: str | None) -> bool:
    try:
        parts = urlsplit(source)
    except ValueError:
        return False
    if not parts.netloc or parts.scheme not in (b"http", b"https"):
        return False  # among them the origin "null", which anybody may have
    if base_url is not None:
        base = urlsplit(base_url.encode())
        if (base.scheme, base.netloc) == (parts.scheme, parts.netloc):
            return True
    # A page from elsewhere cannot add the second: not without asking, and we never answer that.
    return parts.netloc in (header(request, b"host"), header(request, b"x-forwarded-host"))


def _looks_like_browser(request: Asked) -> bool:
    if any(request.requestHeaders.hasHeader(name) for name in _OF_BROWSERS):
        return True
    if (header(request, b"accept-language") or b"*") != b"*":
        return True
    return (header(request, b"user-agent") or b"").startswith(_BROWSERS)
