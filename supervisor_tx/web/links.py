"""
Links between pages.

They are relative, so that a proxy can put us below any path of any host. Where the configuration
has a ``base_url`` its path is what all links begin with, for proxies that map more than a prefix;
such a path also works when it arrives here, so that the daemon can be asked directly as well.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

#: What ends the path of a URI, to us; to browsers the last does not.
_MARKS = (b"#", b"?", b";")


class Base:
    """Where a server is, to the browsers that reach it."""

    def __init__(self, base_url: str | None) -> None:
        #: begins and ends with a slash; None: wherever it is reached
        self.path = urlsplit(base_url).path if base_url else None

    def inner(self, uri: bytes) -> bytes:
        """Return a URI as it is to us: without what only the proxy has put before it."""
        if self.path in (None, "/"):
            return uri
        prefix = self.path.encode().rstrip(b"/")
        if not uri.startswith(prefix):
            return uri
        rest = uri[len(prefix) :]
        if rest and rest[:1] not in (b"/", *_MARKS):
            return uri
        return rest if rest.startswith(b"/") else b"/" + rest

    def root(self, uri: bytes) -> str:
        """Return how a page reaches the root; empty: it is in the root itself."""
        if self.path is not None:
            return self.path
        for mark in _MARKS[:2]:
            uri = uri.partition(mark)[0]
        return "../" * uri.lstrip(b"/").count(b"/")


@cache
def base(base_url: str | None) -> Base:
    """Return the one for a URL."""
    return Base(base_url)


class Links:
    """The links of one page."""

    def __init__(self, root: str, asset: Callable[[str], str]) -> None:
        """``asset`` returns where a static file is, below the root."""
        #: to be put before what is below the root
        self.root = root
        self._asset = asset

    def to(self, place: str) -> str:
        """Return the link to what is below the root: ``config``, ``?sort=pid``, empty: it."""
        return f"{self.root or './'}{place}"

    def static(self, name: str) -> str:
        """Return the link to a static file: ``look.css``."""
        return self.to(self._asset(name))
