"""
Who wants to know when a log file has changed.

Those who follow a log are told after each write of ours, by the name under which it is open. Where
nobody follows, the only cost is to see that :data:`WATCHED` is empty. What others do to a file that
is followed is heard from outside, once the daemon has said where: see :func:`listen`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

#: By the path of a log, as its sink knows it, what to call.
WATCHED: dict[str, list[Callable[[], None]]] = {}


class Outside(Protocol):
    """Where changes by others are heard of."""

    def file(self, path: str, changed: Callable[[], None]) -> Callable[[], None]:
        """Call when a file changes; return what ends that."""


class _Listening:
    """Where we hear of changes by others, and how to end that for each path."""

    def __init__(self, outside: Outside | None) -> None:
        self.outside = outside
        self.ends: dict[str, Callable[[], None]] = {}

    def begin(self, path: str) -> None:
        if self.outside is not None:
            self.ends[path] = self.outside.file(path, partial(tell, path))

    def end(self, path: str) -> None:
        end = self.ends.pop(path, None)
        if end is not None:
            end()


_listening = _Listening(None)


def listen(outside: Outside | None) -> None:
    """Hear of changes by others from there, from now on; None: from nowhere."""
    global _listening
    before, _listening = _listening, _Listening(outside)
    for path in WATCHED:
        before.end(path)
        _listening.begin(path)


def add(path: str, changed: Callable[[], None]) -> None:
    """Call after each change to a file; the call must be quick and never raise."""
    calls = WATCHED.setdefault(path, [])
    calls.append(changed)
    if len(calls) == 1:
        _listening.begin(path)


def remove(path: str, changed: Callable[[], None]) -> None:
    """Call no more."""
    calls = WATCHED[path]
    calls.remove(changed)
    if not calls:
        del WATCHED[path]
        _listening.end(path)


def tell(path: str) -> None:
    """A file was written to, cut or replaced."""
    for changed in WATCHED.get(path, ()):
        changed()
