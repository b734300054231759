"""
Templates as text.

A page is a tree of :mod:`twisted.web.template`, which escapes whatever is put into it. What is
needed a thousand times, the row of a process, is flattened once, with holes in it; to fill them is
a join of strings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from twisted.internet.defer import Deferred
from twisted.web.template import Flattenable, Tag, flattenString

#: What a hole looks like in between. These characters are nobody's: Unicode leaves them to us.
_BEGIN, _END = "\ue000", "\ue001"
_HOLE = re.compile(f"{_BEGIN}([a-z_]+){_END}")


class _Tags:
    """Makes elements: ``h.p("text", class_="note")``; those of SVG too."""

    def __getattr__(self, name: str) -> Tag:
        """Return a new element of that name; an underscore at its end is not part of it."""
        return Tag(name.removesuffix("_"))


h = _Tags()


def hole(name: str) -> str:
    """Return what stands in a template, as text or in an attribute, for a value to come."""
    return f"{_BEGIN}{name}{_END}"


def flat(template: Flattenable) -> str:
    """Return a template as text; there may be nothing in it that has to be waited for."""
    done: list[bytes] = []
    flattening: Deferred[bytes] = flattenString(None, template)
    flattening.addCallback(done.append)
    if not done:
        problems: list[object] = []
        flattening.addErrback(problems.append)
        raise ValueError(f"this cannot be flattened at once: {problems}")
    return done[0].decode("utf-8", "replace")


class Stencil:
    """A template to be filled in many times."""

    def __init__(self, template: Flattenable, end: str = "") -> None:
        """
        Flatten a template that has a :func:`hole` wherever a value goes.

        ``end`` is what is left out at its end, for others to put more in before.
        """
        parts = _HOLE.split(flat(template).removesuffix(end))
        self._parts = parts
        self._names = parts[1::2]

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text with all holes filled; what goes in is escaped."""
        escaped = {name: escape(value) if value else "" for name, value in values.items()}
        parts = self._parts.copy()
        parts[1::2] = [escaped[name] for name in self._names]
        return "".join(parts)
