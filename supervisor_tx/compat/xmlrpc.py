"""
Faults for methods of plugins, and the transport of XML-RPC clients.

Plugins give their own faults names by setting attributes of :class:`Faults`.
"""

from __future__ import annotations

import base64
import http.client
import socket
import xmlrpc.client
from typing import Any

from supervisor_tx.rpc.faults import Fault, FaultCode

__all__ = [
    "Faults",
    "RPCError",
    "SupervisorTransport",
    "UnixStreamHTTPConnection",
    "capped_int",
    "getFaultDescription",
    "gettags",
]


class Faults:
    """The numbers of faults."""

    UNKNOWN_METHOD = 1
    INCORRECT_PARAMETERS = 2
    BAD_ARGUMENTS = 3
    SIGNATURE_UNSUPPORTED = 4
    SHUTDOWN_STATE = 6
    BAD_NAME = 10
    BAD_SIGNAL = 11
    NO_FILE = 20
    NOT_EXECUTABLE = 21
    FAILED = 30
    ABNORMAL_TERMINATION = 40
    SPAWN_ERROR = 50
    ALREADY_STARTED = 60
    NOT_RUNNING = 70
    SUCCESS = 80
    ALREADY_ADDED = 90
    STILL_RUNNING = 91
    CANT_REREAD = 92


assert {each.name: each.value for each in FaultCode}.items() <= vars(Faults).items()


def getFaultDescription(code: int) -> str:
    """Return the name of a fault; UNKNOWN where it has none."""
    for name, number in vars(Faults).items():
        if not name.startswith("_") and number == code:
            return name
    return "UNKNOWN"


class RPCError(Fault):
    """What a method raises to answer a fault; ``extra`` is what it is about."""

    def __init__(self, code: int, extra: object = None) -> None:
        name = getFaultDescription(code)
        super().__init__(code, name if extra is None else f"{name}: {extra}")
        self.args = (code,) if extra is None else (code, extra)

    def __str__(self) -> str:
        """Return the number and all that the client reads."""
        return f"code={self.code!r}, text={self.text!r}"


def capped_int(value: int | float) -> int:
    """Return the nearest whole number that XML-RPC can carry."""
    return max(xmlrpc.client.MININT, min(xmlrpc.client.MAXINT, int(value)))


def gettags(comment: str) -> list[tuple[int, str | None, str | None, str | None, str]]:
    """
    Take a documentation apart at its ``@param`` and ``@return`` lines.

    For each: its line counted from 0, the word behind the ``@``, type, name and text. What comes
    before the first is the first entry, with None for word, type and name.
    """
    tags: list[tuple[int, str | None, str | None, str | None, list[str]]] = []
    tags.append((0, None, None, None, []))
    for number, line in enumerate(comment.splitlines()):
        text = line.strip()
        if text.startswith("@"):
            word, kind, name, *rest = [*text.split(None, 3), "", "", "", ""][:4]
            tags.append((number, word[1:], kind, name, rest if rest[0] else []))
        elif text:
            tags[-1][4].append(text)
    return [(*tag[:4], "\n".join(tag[4])) for tag in tags]


class UnixStreamHTTPConnection(http.client.HTTPConnection):
    """HTTP to a unix socket, whose path is ``socketfile``."""

    socketfile: str

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.socketfile)


class SupervisorTransport(xmlrpc.client.Transport):
    """
    Brings calls to a daemon at ``http://host:port`` or ``unix://path``.

    The connection is kept, and made anew after an answer that is none. For
    ``ServerProxy("http://127.0.0.1", transport=...)``.
    """

    def __init__(
        self,
        username: str | None = None,
        password: str | None = None,
        serverurl: str | None = None,
    ) -> None:
        super().__init__()
        self.username, self.password, self.serverurl = username, password, serverurl
        self.verbose = False
        self.connection: Any = None
        if serverurl is None or not serverurl.startswith(("http://", "unix://")):
            raise ValueError(f"Unknown protocol for serverurl {serverurl}")

    def close(self) -> None:
        """Close the connection."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def request(
        self, host: Any, handler: str, request_body: Any, verbose: bool = False
    ) -> tuple[Any, ...]:
        """Send a call; return what it answers. Raises Fault, ProtocolError or OSError."""
        if self.connection is None:
            self.connection = self._connect()
        headers = {"User-Agent": self.user_agent, "Content-Type": "text/xml", "Accept": "text/xml"}
        if self.username is not None and self.password is not None:
            word = base64.b64encode(f"{self.username}:{self.password}".encode()).decode("ascii")
            headers["Authorization"] = f"Basic {word}"
        try:
            self.connection.request("POST", handler, request_body, headers)
            answer = self.connection.getresponse()
            body = answer.read()
        except BaseException:
            self.close()
            raise
        if answer.status != 200:
            self.close()
            raise xmlrpc.client.ProtocolError(
                f"{host}{handler}", answer.status, answer.reason, dict(answer.getheaders())
            )
        parser, unmarshaller = self.getparser()
        parser.feed(body)
        parser.close()
        return unmarshaller.close()

    def _connect(self) -> http.client.HTTPConnection:
        url = self.serverurl or ""
        if url.startswith("unix://"):
            connection = UnixStreamHTTPConnection("localhost")
            connection.socketfile = url.removeprefix("unix://")
            return connection
        return http.client.HTTPConnection(url.removeprefix("http://").partition("/")[0])
