"""
XML-RPC by name: ``proxy.supervisor.getState()``.

It behaves as a ``ServerProxy`` of ``xmlrpc.client`` does, for plug-ins that expect one, and raises
that module's errors, which is imported when the first error comes up and not before: it takes
longer to import than a status takes to be fetched.
"""

from __future__ import annotations

from xml.parsers import expat

from supervisor_tx.ctl.wire import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any
    from xmlrpc.client import Fault, ProtocolError

__all__ = ["Fault", "ProtocolError", "Proxy", "dumps", "loads"]

_HEADERS = {"Content-Type": "text/xml", "User-Agent": "supervisor_tx", "Accept": "text/xml"}


def __getattr__(name: str) -> Any:
    """Import an error when an ``except`` clause wants to know it."""
    if name not in ("Fault", "ProtocolError"):
        raise AttributeError(name)
    import xmlrpc.client

    return getattr(xmlrpc.client, name)


class Proxy:
    """A daemon, or one of its namespaces, or a method of it."""

    def __init__(self, connection: Connection, name: str = "") -> None:
        self._connection = connection
        self._name = name

    def __getattr__(self, name: str) -> Proxy:
        if name.startswith("__"):
            raise AttributeError(name)
        return Proxy(self._connection, f"{self._name}.{name}" if self._name else name)

    def __call__(self, *arguments: Any) -> Any:
        """Call the method; raise Fault, ProtocolError, OSError or NotHTTP."""
        if not self._name:
            return self._of_itself(*arguments)
        body = dumps(self._name, arguments)
        answer = self._connection.request("POST", "/RPC2", body, _HEADERS)
        content = self._connection.body(answer)
        if answer.status != 200:
            self._connection.close()
            import xmlrpc.client

            raise xmlrpc.client.ProtocolError(
                "127.0.0.1/RPC2", answer.status, answer.reason, answer.headers
            )
        return loads(content)

    def _of_itself(self, word: str) -> Callable[[], None]:
        """Return what ``ServerProxy`` answers when it is itself called: the way to close it."""
        if word != "close":
            raise AttributeError(f"Attribute {word!r} not found")
        return self._connection.close

    def __repr__(self) -> str:
        return f"<Proxy of {self._name or 'the daemon'} at {self._connection.address.url}>"


def dumps(method: str, arguments: Iterable[Any]) -> bytes:
    """Return a call as XML; raise TypeError where an argument has no form in XML-RPC."""
    parts = ["<?xml version='1.0'?>\n<methodCall>\n<methodName>", _escaped(method)]
    parts.append("</methodName>\n<params>\n")
    for argument in arguments:
        parts.append("<param>\n")
        _dump(argument, parts)
        parts.append("</param>\n")
    parts.append("</params>\n</methodCall>\n")
    return "".join(parts).encode("utf-8", "surrogateescape")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _dump(value: Any, parts: list[str]) -> None:
    if isinstance(value, bool):
        inner = f"<boolean>{value:d}</boolean>"
    elif isinstance(value, int):
        inner = f"<int>{int(value)}</int>"
    elif isinstance(value, str):
        inner = f"<string>{_escaped(value)}</string>"
    elif isinstance(value, float):
        inner = f"<double>{value!r}</double>"
    elif isinstance(value, bytes | bytearray):
        from binascii import b2a_base64

        inner = f"<base64>\n{b2a_base64(value).decode('ascii')}</base64>"
    elif isinstance(value, list | tuple):
        parts.append("<value><array><data>\n")
        for item in value:
            _dump(item, parts)
        parts.append("</data></array></value>\n")
        return
    elif isinstance(value, dict):
        parts.append("<value><struct>\n")
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError("dictionary key must be string")
            parts.append(f"<member>\n<name>{_escaped(key)}</name>\n")
            _dump(item, parts)
            parts.append("</member>\n")
        parts.append("</struct></value>\n")
        return
    else:
        raise TypeError(f"cannot marshal {type(value)} objects")
    parts.append(f"<value>{inner}</value>\n")


def loads(body: bytes) -> Any:
    """Return the value of an answer; raise Fault, or ProtocolError's sibling for what is none."""
    reader = _Reader()
    reader.parse(body)
    value = reader.value()
    if reader.failed:
        import xmlrpc.client

        raise xmlrpc.client.Fault(**value)
    return value


class _Reader:
    """The values of one answer, put together as expat meets their ends."""

    def __init__(self) -> None:
        self.failed = False
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._text: list[str] = []
        self._bare = False
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._doctype

    def parse(self, body: bytes) -> None:
        """Read a whole document; raise ExpatError."""
        self._parser.Parse(body, True)

    def value(self) -> Any:
        """Return the one value that there was; raise ResponseError."""
        if len(self._stack) != 1:
            import xmlrpc.client

            raise xmlrpc.client.ResponseError
        return self._stack[0]

    def _doctype(self, *_: object) -> None:
        raise ValueError("an answer in XML-RPC has no document type, and no entities")

    def _start(self, tag: str, _: object) -> None:
        if tag in ("array", "struct"):
            self._marks.append(len(self._stack))
        self._text.clear()
        self._bare = tag == "value"

    def _end(self, tag: str) -> None:
        if tag == "value":
            if self._bare:  # text without a type
                self._stack.append("".join(self._text))
                self._bare = False
        elif tag in ("string", "name"):
            self._stack.append("".join(self._text))
            self._bare = False
        elif tag in ("int", "i4", "i8", "i1", "i2", "biginteger"):
            self._stack.append(int("".join(self._text)))
            self._bare = False
        elif tag == "boolean":
            self._stack.append("".join(self._text).strip() == "1")
            self._bare = False
        elif tag in ("array", "struct"):
            self._gather(tag)
        elif tag == "fault":
            self.failed = True
        elif tag in ("double", "nil", "base64", "dateTime.iso8601"):
            self._stack.append(_rare(tag, "".join(self._text)))
            self._bare = False
        self._text.clear()

    def _gather(self, tag: str) -> None:
        mark = self._marks.pop()
        items = self._stack[mark:]
        if tag == "struct":
            self._stack[mark:] = [dict(zip(items[::2], items[1::2], strict=True))]
        else:
            self._stack[mark:] = [items]
        self._bare = False


def _rare(tag: str, text: str) -> Any:
    if tag == "double":
        return float(text)
    if tag == "nil":
        return None
    import xmlrpc.client

    if tag == "base64":
        binary = xmlrpc.client.Binary()
        binary.decode(text.encode("ascii"))
        return binary
    return xmlrpc.client.DateTime(text.strip())
