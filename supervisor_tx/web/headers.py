"""The headers that tell a browser what it may do with an answer."""

from __future__ import annotations

#: No guessing what an answer is: a log is text, whatever the programs write into it.
NO_SNIFFING = b"X-Content-Type-Options: nosniff"

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    # Scripts make elements, and never text into them.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}

#: Of everything: nobody else may frame it, fetch it into a page of theirs, or keep it.
_ALL = (
    NO_SNIFFING,
    b"Cache-Control: no-store",
    b"Cross-Origin-Resource-Policy: same-origin",
    # Without a referrer the browser would send the origin "null" with our own forms.
    b"Referrer-Policy: same-origin",
    b"X-Frame-Options: DENY",
)

#: Of pages: only scripts and styles from files of ours, nothing that is written into the page.
PAGE = (
    *_ALL,
    b"Content-Security-Policy: "
    + "; ".join(f"{name} {value}" for name, value in _POLICY.items()).encode(),
    b"Cross-Origin-Opener-Policy: same-origin",
    b"Permissions-Policy: camera=(), display-capture=(), geolocation=(), microphone=()",
)

#: Of JSON, streams and other data: if a browser shows it after all it may do nothing.
DATA = (
    *_ALL,
    b"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; sandbox",
)


def attachment(name: str) -> bytes:
    """Return the header by which a browser saves an answer under a name, and does not show it."""
    plain = "".join(
        each if each.isascii() and (each.isalnum() or each in "._-") else "_" for each in name
    )
    return f'Content-Disposition: attachment; filename="{plain or "log"}"'.encode()
