"""
Static files: style sheets, scripts and pictures.

They are read once, when the first of them is asked for, and compressed then. Their address has a
hash of all of them in it: browsers may keep them for ever, and modules that import each other by
relative names belong together. A name is looked up in a table and never in a directory.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from supervisor_tx.values import frozen
from supervisor_tx.web.headers import NO_SNIFFING
from supervisor_tx.web.links import Links
from supervisor_tx.web.request import Request

#: What files are served as, by the ends of their names; others are not served.
TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".png": b"image/png",
    ".woff2": b"font/woff2",
    ".txt": b"text/plain; charset=utf-8",
}

#: What is compressed already.
_DENSE = (".png", ".woff2")

#: Supervisor's files that others may link to, and which of ours does for them.
OLD = {
    b"stylesheets/supervisor.css": "look.css",
    b"images/icon.png": "icon.svg",
    b"favicon.ico": "icon.svg",
}

#: Of an answer that never changes, and is no secret.
_FOR_EVER = b"Cache-Control: public, max-age=31536000, immutable"


@frozen
class Asset:
    """One file."""

    kind: bytes
    body: bytes
    #: the same, compressed; None: that does not pay
    packed: bytes | None
    #: in its quotes
    tag: bytes


class Assets:
    """All of them."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        digest = hashlib.sha256()
        for name, body in sorted(files.items()):
            digest.update(b"%d %b %d " % (len(name.encode()), name.encode(), len(body)))
            digest.update(body)
        #: of all files together
        self.version = digest.hexdigest()[:16]
        self._files = {name: _asset(name, body) for name, body in files.items()}

    def place(self, name: str) -> str:
        """Return where a file is, below the root of the server."""
        return f"static/{self.version}/{name}"

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def answer(self, request: Request, path: bytes, links: Links) -> bool:
        """
        Answer a request for what is below the root at this path, if that is one of the files.

        Old and wrong addresses lead to where the file is now.
        """
        if request.method not in (b"GET", b"HEAD"):
            return False
        first, _, rest = path.partition(b"/")
        version, _, name = rest.rpartition(b"/")
        wanted = OLD.get(path) or (name.decode("latin-1") if first == b"static" else "")
        asset = self._files.get(wanted)
        if asset is None or b"/" in version:
            return False
        if first == b"static" and version.decode("latin-1") == self.version:
            _respond(request, asset)
        else:
            request.respond(
                302,
                b"text/plain",
                b"",
                b"Location: " + links.to(self.place(wanted)).encode(),
                b"Cache-Control: no-store",
            )
        return True


@cache
def assets() -> Assets:
    """Return our own."""
    folder = resources.files("supervisor_tx.web").joinpath("static")
    return Assets(
        {
            each.name: each.read_bytes()
            for each in folder.iterdir()
            if each.is_file() and _end(each.name) in TYPES
        }
    )


def _respond(request: Request, asset: Asset) -> None:
    fields = [
        b"ETag: " + asset.tag,
        _FOR_EVER,
        NO_SNIFFING,
        b"Cross-Origin-Resource-Policy: same-origin",
    ]
    if asset.packed is not None:
        fields.append(b"Vary: Accept-Encoding")
    if _knows(request, asset):
        request.respond(304, asset.kind, b"", *fields)
    elif asset.packed is not None and _takes_gzip(request):
        request.respond(200, asset.kind, asset.packed, *fields, b"Content-Encoding: gzip")
    else:
        request.respond(200, asset.kind, asset.body, *fields)


def _asset(name: str, body: bytes) -> Asset:
    packed = None if _end(name) in _DENSE else gzip.compress(body, 9, mtime=0)
    if packed is not None and len(packed) >= len(body):
        packed = None
    # Weak: it is the same file, compressed or not.
    tag = b'W/"%b"' % hashlib.sha256(body).hexdigest()[:16].encode()
    return Asset(TYPES[_end(name)], body, packed, tag)


def _end(name: str) -> str:
    return name[name.rfind(".") :] if "." in name else ""


def _knows(request: Request, asset: Asset) -> bool:
    known = request.getHeader(b"if-none-match")
    if known is None:
        return False
    tags = {tag.strip() for tag in known.split(b",")}
    return bool(tags & {asset.tag, asset.tag.removeprefix(b"W/"), b"*"})


def _takes_gzip(request: Request) -> bool:
    for each in (request.getHeader(b"accept-encoding") or b"").lower().split(b","):
        coding, _, weight = each.partition(b";")
        if coding.strip() in (b"gzip", b"x-gzip"):
            return weight.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return False
