"""
What keeps others from changing something through somebody's browser.

A browser sends what any page tells it to, wherever that page comes from, and adds the password that
its user has entered here, or comes from the machine or the network that is let in without one. So
whatever a browser asks for that changes something has to show that one of our own pages wanted it,
by two things that are independent of each other:

* It *says so*. See :mod:`.provenance`: the browser itself tells where a request comes from. On a
  unix socket there is a proxy between, which may have changed the name that could be compared;
  there only ``Sec-Fetch-Site`` counts, and ``Origin`` where ``base_url`` is known.
* It *brings a token* that only who can read our pages can have. No page from elsewhere can.

The token is a random number, and its HMAC under a key that the daemon keeps (:mod:`.secret`); the
HMAC is also over the server's section, its user and its password. So nothing has to be remembered:
tokens are good in all tabs, after a restart, and until somebody changes the password. Each page has
another one, so that nothing can be guessed from the length of what is compressed on its way. The
key is not made from the password: who finds a token in a saved page could try passwords with it.
Neither is there a cookie, which would be sent to, and could be set by, whatever else is served on
any port of this host, by the programs that run here for instance.

Who is no browser brings no token: a page cannot make a browser look like curl.

What this stops:

* Forms, links, images and scripts of other sites (cross-site request forgery), those served on
  another port of the same host included.
* Names of strangers that lead here (DNS rebinding), see :mod:`.hosts`: on a server that only this
  machine reaches and that has no password always, elsewhere with ``allowed_hosts``.
* Our pages in somebody's frame (clickjacking), by the headers in :mod:`.headers`.
* To make somebody work under another user's name (login CSRF): there is no login to be forged, as
  the browser itself asks for the password, and a server has one user.
* Pages that a browser opens before anybody asked for them.

What it does not stop: who can read our pages, by password, by the network or as a user of this
machine; who can listen to or change what is not encrypted on its way, or controls the proxy; an
extension of the browser; and somebody who is talked into pressing the button, or into opening a
link of the old kind (``?action=stop``) from a program that is no browser, such as one for mail. A
script that gives itself out to be a browser has to bring a token as well.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable

from supervisor_tx.activity import Logger
from supervisor_tx.config.model import ServerConfig
from supervisor_tx.errors import SupervisorError
from supervisor_tx.web.forms import field
from supervisor_tx.web.hosts import hosts_of
from supervisor_tx.web.provenance import Asked, Provenance, header, is_ahead, provenance
from supervisor_tx.web.request import Request

_log = Logger()

#: The header that a script on our pages sends the token in, and the field of forms.
HEADER, FIELD = b"x-supervisor-token", "token"

#: Bytes of the random number, and of the HMAC.
_NONCE, _MAC = 16, 32

#: Names that were refused and are told of in the log, each once.
_TOLD = 20


class Refused(SupervisorError):
    """A request is not answered as it was meant: why not, and what to do about it."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(f"{reason} {mend}")
        self.reason = reason
        self.mend = mend


class UnknownHost(Refused):
    """The name that was asked for may be somebody else's; who reads this may be as well."""


class Guard:
    """Watches over one server."""

    def __init__(self, server: ServerConfig, key: Callable[[], bytes], *, is_local: bool) -> None:
        """``is_local``: only this machine reaches it."""
        self._server = server
        self._key = key
        self._hosts = hosts_of(server, is_local=is_local)
        self._told: set[str] = set()

    def provenance(self, request: Asked) -> Provenance:
        """Tell where a request comes from."""
        return provenance(
            request,
            behind_proxy=self._server.file is not None,
            base_url=self._server.base_url,
        )

    def is_foreign(self, request: Asked) -> bool:
        """Tell whether a page from elsewhere has made a browser send a request."""
        return self.provenance(request) is Provenance.FOREIGN

    # Whatever is asked

    def check_host(self, request: Request) -> None:
        """Raise UnknownHost where the name that was asked for may be somebody else's."""
        if self._hosts is None:
            return
        for value in request.requestHeaders.getRawHeaders(b"host", ()):
            host = value.decode("latin-1")
            if self._hosts.admit(host):
                continue
            if not self._server.allowed_hosts and _comes_by_proxy(request):
                continue
            self._tell(host)
            raise UnknownHost(
                f"This server is not known by the name {host}.",
                f"Set allowed_hosts={host.partition(':')[0]} in [{self._server.section}] if it is "
                "to be reached by it, or ask for it by its address.",
            )

    def _tell(self, host: str) -> None:
        if host in self._told or len(self._told) >= _TOLD:
            return
        self._told.add(host)
        _log.warn(
            "[{section}] refuses requests for the host {host}; if it is to be reached by this name "
            "it belongs into allowed_hosts",
            section=self._server.section,
            host=host[:100],
        )

    # What changes something

    def check(self, request: Request) -> None:
        """Raise Refused where a request that changes something may come from somebody else."""
        where = self.provenance(request)
        if where is Provenance.TOOL:
            return
        if where is Provenance.FOREIGN:
            raise self._foreign()
        if not self._is_token(self._token_of(request)):
            raise Refused(
                "What your browser sent did not come with the token of a page of this daemon.",
                "Go back, load the page again, and do it once more.",
            )

    def check_link(self, request: Request) -> None:
        """
        Raise Refused where a link of Supervisor's pages must not do at once what it says.

        Those have no token. They work from our own pages, for who types them, and in scripts.
        """
        where = self.provenance(request)
        if self._is_token(self._token_of(request)) and where is not Provenance.FOREIGN:
            return
        if is_ahead(request):
            raise Refused("Your browser asked for this in advance.", "Nothing was done.")
        if where is Provenance.FOREIGN:
            raise self._foreign()
        if where is Provenance.UNKNOWN:
            raise Refused(
                "Your browser does not say where this link comes from.", "Nothing was done."
            )

    def is_cross_site(self, request: Request) -> bool:
        """
        Tell whether a browser sends a call on behalf of a page that is not from here.

        Calls have no token: who sends an origin at all must be known to be us.
        """
        where = self.provenance(request)
        return where is Provenance.FOREIGN or (
            where is Provenance.UNKNOWN and header(request, b"origin") is not None
        )

    def token(self, request: Request) -> str:
        """Return what a form on the page that answers this request has to send back."""
        nonce = secrets.token_bytes(_NONCE)
        return urlsafe_b64encode(nonce + self._mac(nonce)).decode()

    def _is_token(self, token: bytes) -> bool:
        try:
            data = urlsafe_b64decode(token)
        except (NotBase64, ValueError):
            return False
        if len(data) != _NONCE + _MAC:
            return False
        return hmac.compare_digest(data[_NONCE:], self._mac(data[:_NONCE]))

    def _mac(self, nonce: bytes) -> bytes:
        server = self._server
        about = repr(("form", server.section, server.username or "", server.password or ""))
        return hmac.digest(self._key(), nonce + about.encode(), "sha256")

    def _token_of(self, request: Request) -> bytes:
        return request.getHeader(HEADER) or field(request, FIELD).encode("utf-8", "replace")

    def _foreign(self) -> Refused:
        mend = "Nothing was done. Do it on a page of this daemon."
        if self._server.base_url is None:
            mend += (
                " If that is what you did, a proxy hides by which name it is reached: set base_url "
                f"in [{self._server.section}] to the address that your browser shows."
            )
        else:
            mend += f" They are below {self._server.base_url}."
        return Refused("A page from another site made your browser send this.", mend)


def _comes_by_proxy(request: Request) -> bool:
    """Tell whether a proxy has sent this: no browser speaks HTTP/1.0, no page can set ``Via``."""
    return request.clientproto == b"HTTP/1.0" or request.requestHeaders.hasHeader(b"via")
