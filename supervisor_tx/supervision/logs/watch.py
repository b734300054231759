"""
Who wants to know when we have written to a file.

Those who follow a log are told after each write of ours, by the name under which it is open. Where
nobody follows, the only cost is to see that :data:`WATCHED` is empty.
"""

from __future__ import annotations

from collections.abc import Callable

#: By the path of a log, as its sink knows it, what to call.
WATCHED: dict[str, list[Callable[[], None]]] = {}


def add(path: str, changed: Callable[[], None]) -> None:
    """Call after each change that we make to a file; the call must be quick and never raise."""
    WATCHED.setdefault(path, []).append(changed)


def remove(path: str, changed: Callable[[], None]) -> None:
    """Call no more."""
    calls = WATCHED[path]
    calls.remove(changed)
    if not calls:
        del WATCHED[path]


def tell(path: str) -> None:
    """A file was written to, cut or replaced."""
    for changed in WATCHED.get(path, ()):
        changed()
