"""
XML-RPC calls: bytes in, name and arguments out.

The parser is expat without documents types: where there is a ``<!DOCTYPE`` there may be entities,
and it is refused. Nothing is recursive, and how much a call may hold is bounded. The types are
those of the specification, with Supervisor's reading of them: ``base64`` is text, whatever is of
another type (``nil``, ``i8``) is its text, and None where there is none.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from xml.parsers import expat

#: Values that one call may hold, and how deep they may lie in each other.
MOST_VALUES = 200_000
MOST_DEPTH = 100

#: Characters of a number.
MOST_DIGITS = 1000


class Unmarshallable(Exception):
    """It is no XML-RPC call."""


class Call(NamedTuple):
    """A call."""

    #: empty: there was none
    method: str
    params: tuple[Any, ...]


def parse(body: bytes) -> Call:
    """Read a call; raise Unmarshallable."""
    return _Reader().read(body)


def _boolean(text: str) -> bool:
    return text.strip() == "1"


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError("too many digits")
    return int(text)


def _base64(text: str) -> str:
    return binascii.a2b_base64(text.encode("ascii")).decode("utf-8")


def _datetime(text: str) -> datetime:
    return datetime.strptime(text.strip(), "%Y%m%dT%H:%M:%S")


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    "int": _integer,
    "i4": _integer,
    "boolean": _boolean,
    "string": str,
    "double": float,
    "dateTime.iso8601": _datetime,
    "base64": _base64,
}

#: What may be directly within what. A type that is not here is one that we do not know.
_WITHIN: Mapping[str, tuple[str, ...]] = {
    "methodCall": ("",),
    "methodName": ("methodCall",),
    "params": ("methodCall",),
    "param": ("params",),
    "value": ("param", "data", "member"),
    "array": ("value",),
    "data": ("array",),
    "struct": ("value",),
    "member": ("struct",),
    "name": ("member",),
    **dict.fromkeys(_SCALARS, ("value",)),
}

_NOTHING: Any = object()


class _Reader:
    """Takes one call apart."""

    def __init__(self) -> None:
        self._path = [""]
        self._text: list[str] = []
        #: containers that are open: a list for params and data, a dict for struct
        self._open: list[list[Any] | dict[str, Any]] = []
        #: names of members that are open
        self._names: list[str | None] = []
        #: of each value that is open, what it is so far
        self._values: list[Any] = []
        self._method: str | None = None
        self._params: list[Any] | None = None
        self._count = 0

    def read(self, body: bytes) -> Call:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(body, True)
        except (expat.ExpatError, ValueError, OverflowError, LookupError) as error:
            raise Unmarshallable(str(error)) from error
        return Call(self._method or "", tuple(self._params or ()))

    def _doctype(self, *_: object) -> None:
        raise Unmarshallable("a document type is not allowed")

    def _start(self, tag: str, _: object) -> None:
        within = self._path[-1]
        allowed = _WITHIN.get(tag, ("value",))
        if within not in allowed:
            raise Unmarshallable(f"<{tag}> within <{within}>")
        if within == "value" and self._values[-1] is not _NOTHING:
            raise Unmarshallable("a value of two types")
        if len(self._path) > 3 * MOST_DEPTH:
            raise Unmarshallable("too deep")
        self._path.append(tag)
        self._text.clear()
        match tag:
            case "value":
                self._count += 1
                if self._count > MOST_VALUES:
                    raise Unmarshallable("too many values")
                self._values.append(_NOTHING)
            case "struct":
                self._open.append({})
            case "array" | "params":
                self._open.append([])
            case "member":
                self._names.append(None)

    def _end(self, tag: str) -> None:
        self._path.pop()
        text = "".join(self._text)
        self._text.clear()
        match tag:
            case "value":
                value = self._values.pop()
                self._place(text if value is _NOTHING else value)
            case "struct" | "array":
                self._values[-1] = self._open.pop()
            case "member":
                self._names.pop()
            case "name":
                self._names[-1] = text
            case "methodName":
                self._method = text
            case "params":
                params = self._open.pop()
                assert isinstance(params, list)
                self._params = params
            case "methodCall" | "param" | "data":
                pass
            case _:
                convert = _SCALARS.get(tag)
                self._values[-1] = (text or None) if convert is None else convert(text)

    def _place(self, value: Any) -> None:
        """Put a value where it belongs."""
        container = self._open[-1]
        if isinstance(container, list):
            container.append(value)
        else:
            name = self._names[-1]
            if name is None:
                raise Unmarshallable("a member without a name")
            container[name] = value
