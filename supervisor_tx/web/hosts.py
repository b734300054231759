"""
The names that a server answers to.

Whoever owns a domain can have its name lead anywhere, to this machine too, and change that while a
browser shows a page of that domain ("DNS rebinding"). To the browser the page and we are then one
origin. What gives it away is the name that the browser asks for.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from supervisor_tx.config.model import ServerConfig
from supervisor_tx.values import frozen


@frozen
class Hosts:
    """Names of a server, in lower case; an address is nobody's to redirect, and always right."""

    #: ``*.example.com``: all below example.com; ``*``: any
    names: frozenset[str]
    #: names without a dot are right too: nobody can buy one
    plain: bool = False

    def admit(self, host: str) -> bool:
        """Tell whether the value of a ``Host`` header is right; without a name it is."""
        name = name_of(host)
        if not name or name == "localhost" or name.endswith(".localhost") or _is_address(name):
            return True
        if name in self.names or "*" in self.names or (self.plain and "." not in name):
            return True
        _, *parents = _tails(name)
        return any(f"*.{parent}" in self.names for parent in parents)


def hosts_of(server: ServerConfig, *, is_local: bool) -> Hosts | None:
    """
    Return the names of a server; None: any.

    ``is_local``: only this machine reaches it. If such a server asks for no password either, a
    browser is the one way in for a stranger. Then only names are right that no stranger can have,
    if the configuration does not say which are.
    """
    if server.file is not None:  # a proxy stands in front, and has looked
        return None
    base = urlsplit(server.base_url).hostname if server.base_url else None
    known = {base} if base else set()
    if server.allowed_hosts:
        return Hosts(frozenset(known.union(server.allowed_hosts)))
    if server.username or not is_local:
        return None
    assert server.address is not None
    return Hosts(frozenset({*known, *_own_names(), server.address[0]}), plain=True)


def name_of(host: str) -> str:
    """Return the name in a ``Host`` header, in lower case and without the port."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0].rstrip(".") if ":" in host else host.rstrip(".")


def is_loopback(listening: socket.socket) -> bool:
    """Tell whether only this machine reaches a socket that listens."""
    if listening.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    return ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback


def _own_names() -> Iterable[str]:
    name = socket.gethostname().lower()
    return (name, f"{name.partition('.')[0]}.local")


def _tails(name: str) -> Iterable[str]:
    while name:
        yield name
        name = name.partition(".")[2]


def _is_address(name: str) -> bool:
    try:
        ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
