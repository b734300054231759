"""
Answers: values in, bytes out.

The bytes are those that Python's ``xmlrpc.client`` would send, blank by blank, with two differences
that only matter where that fails: characters that XML cannot carry become U+FFFD, and a number may
have more than 32 bits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from supervisor_tx.core.characters import texts
from supervisor_tx.rpc.faults import Fault

_HEAD = b"<?xml version='1.0'?>\n<methodResponse>\n"
_BEFORE = _HEAD + b"<params>\n<param>\n"
_AFTER = b"</param>\n</params>\n</methodResponse>\n"
_BEFORE_FAULT = _HEAD + b"<fault>\n"
_AFTER_FAULT = b"</fault>\n</methodResponse>\n"

#: Parts and bytes of an answer that is not put together: copying 1 MiB takes a quarter of a
#: millisecond, and an answer may have 64.
MANY = 32
LONG = 1 << 20

#: What XML 1.0 has no way to say.
_UNSAYABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

TRUE = b"<value><boolean>1</boolean></value>\n"
FALSE = b"<value><boolean>0</boolean></value>\n"


class Fragment:
    """A value that is marshalled already, in one or more parts, ``<value>`` and all."""

    __slots__ = ("parts",)

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts


def answer(value: Any) -> bytes:
    """Return the answer with a value; raises TypeError for what has no XML-RPC type."""
    return b"".join(_answer(value))


def reply(value: Any) -> bytes | Sequence[bytes]:
    """Return the answer with a value, one that is long in the parts that it is made of."""
    parts = _answer(value)
    if len(parts) > MANY and sum(map(len, parts)) > LONG:
        return parts
    return b"".join(parts)


def fault_answer(fault: Fault) -> bytes:
    """Return the answer that is a fault."""
    parts = [_BEFORE_FAULT]
    _write(fault_struct(fault), parts)
    parts.append(_AFTER_FAULT)
    return b"".join(parts)


def fault_struct(fault: Fault) -> dict[str, Any]:
    """Return a fault as the struct that it is sent as."""
    return {"faultCode": fault.code, "faultString": fault.text}


def value(value: Any) -> bytes:
    """Return a value with its tags."""
    parts: list[bytes] = []
    _write(value, parts)
    return b"".join(parts)


def escape(text: str) -> bytes:
    """Return text as it stands within an element."""
    if _UNSAYABLE.search(text):
        text = _UNSAYABLE.sub("\ufffd", text)
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    return text.encode()


def log_text(data: bytes) -> Fragment:
    """Return bytes of a log as a string; what is no UTF-8 becomes U+FFFD."""
    return Fragment(b"<value><string>", *map(escape, texts(data)), b"</string></value>\n")


def _answer(value: Any) -> list[bytes]:
    parts = [_BEFORE]
    _write(value, parts)
    parts.append(_AFTER)
    return parts


def _write(value: Any, parts: list[bytes]) -> None:
    if isinstance(value, str):
        parts.append(b"<value><string>%b</string></value>\n" % escape(value))
    elif value is True:
        parts.append(TRUE)
    elif value is False:
        parts.append(FALSE)
    elif isinstance(value, int):
        parts.append(b"<value><int>%d</int></value>\n" % value)
    elif isinstance(value, Fragment):
        parts.extend(value.parts)
    elif isinstance(value, Mapping):
        parts.append(b"<value><struct>\n")
        _write_members(value.items(), parts)
        parts.append(b"</struct></value>\n")
    elif isinstance(value, list | tuple):
        parts.append(b"<value><array><data>\n")
        for each in value:
            _write(each, parts)
        parts.append(b"</data></array></value>\n")
    elif value is None:
        raise TypeError("a method returned nothing, and XML-RPC has no word for that")
    else:  # a date, a double, bytes: seldom, and Python knows how
        import xmlrpc.client

        text = xmlrpc.client.dumps((value,))
        start, end = text.index("<value>"), text.rindex("</value>") + len("</value>\n")
        parts.append(text[start:end].encode())


def _write_members(members: Iterable[tuple[Any, Any]], parts: list[bytes]) -> None:
    for name, value in members:
        if not isinstance(name, str):
            raise TypeError("names of members are text")
        parts.append(b"<member>\n<name>%b</name>\n" % escape(name))
        _write(value, parts)
        parts.append(b"</member>\n")
