"""A client and its connection, in memory."""

from __future__ import annotations

from email.parser import BytesParser
from typing import Any, NamedTuple

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IConsumer, IPushProducer, ITransport
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from supervisor_tx.config.model import ServerConfig
from supervisor_tx.errors import UnknownProcess
from supervisor_tx.supervision.operations import Principal
from supervisor_tx.web import site
from supervisor_tx.web.auth import Credentials
from supervisor_tx.web.connections import Peer
from supervisor_tx.web.safety import Guard
from supervisor_tx.web.site import BadRequest, Content, Site, load_application

#: What tokens are made with.
KEY = b"k" * 32

CALL = b"<methodCall><methodName>x.y</methodName></methodCall>"


class Answer(NamedTuple):
    """One answer of a server."""

    version: str
    code: int
    reason: str
    headers: dict[str, str]
    body: bytes


def post(uri: str = "/RPC2", body: bytes = CALL, version: str = "1.1", **headers: str) -> bytes:
    """Return a whole request that calls something."""
    headers.setdefault("Content_Length", str(len(body)))
    return request("POST", uri, version, **headers) + body


def request(method: str, uri: str, version: str = "1.1", **headers: str) -> bytes:
    """Return a request without a body; an underscore in the name of a header is a dash."""
    lines = [f"{method} {uri} HTTP/{version}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def answers(data: bytes, method: str = "POST") -> list[Answer]:
    """Split what a server has said into its answers."""
    found = []
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, head
        status, _, fields = head.partition(b"\r\n")
        version, code, *reason = status.decode().split(" ", 2)
        parsed = BytesParser().parsebytes(fields, headersonly=True)
        headers = {name.lower(): str(value) for name, value in parsed.items()}
        length = 0 if method == "HEAD" else int(headers.get("content-length", 0))
        found.append(Answer(version, int(code), "".join(reason), headers, data[:length]))
        data = data[length:]
    return found


class FakeRpc:
    """Answers calls with what was called, or as the body says."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, Principal]] = []
        self.late: list[Deferred[site.Answer]] = []

    def answer(self, body: bytes, who: Principal) -> site.Answer | Deferred[site.Answer]:
        """Fail, answer late or at once."""
        self.calls.append((body, who))
        if body == b"bad":
            raise BadRequest
        if body == b"broken":
            raise ValueError("a defect")
        if body == b"late":
            self.late.append(Deferred())
            return self.late[-1]
        if body.startswith(b"long "):
            return b"x" * int(body[5:])
        if body.startswith(b"parts "):
            return [b"%05d" % number for number in range(int(body[6:]))]
        return b"<answer/>"


class FakeLogs:
    """Logs by name and descriptor; the activity log is ``main``."""

    def __init__(self) -> None:
        self.paths: dict[tuple[str, int], str | None] = {}
        self.main: str | None = None

    def log_path(self, who: Principal, name: str, channel: int) -> str | None:
        """Return the path of a process's log."""
        try:
            return self.paths[name, channel]
        except KeyError:
            raise UnknownProcess(name) from None

    def main_log_path(self, who: Principal) -> str | None:
        """Return the path of the activity log."""
        return self.main


@implementer(ITransport, IPushProducer, IConsumer)
class Wire:
    """A connection to a site; the other end is the test."""

    disconnecting = False

    def __init__(self, site: Site, principal: Principal | None = None) -> None:
        self.peer = Peer(principal or Principal("unix", uid=4), UNIXAddress(None), "localhost:0")
        #: all that the server has said and that was not asked for yet
        self.heard = b""
        #: the server sends no more; it may still listen
        self.half_closed = False
        self.closed = False
        self.aborted = False
        #: the server reads
        self.reading = True
        #: how often it was of use
        self.uses = 0
        self.producer: Any = None
        self.channel: Any = site.channel()
        self.channel.makeConnection(self)

    # The client

    def say(self, data: bytes) -> None:
        """Send data, in one piece."""
        self.channel.dataReceived(data)

    def ask(self, data: bytes, method: str = "POST") -> Answer:
        """Send a request, and return its one answer."""
        self.say(data)
        [answer] = answers(self.take(), method)
        return answer

    def take(self) -> bytes:
        """Return what was said since the last time."""
        heard, self.heard = self.heard, b""
        return heard

    def vanish(self) -> None:
        """Close the connection."""
        self._lose()

    # The transport

    def send(self, data: bytes) -> None:
        self.write(data)

    def write(self, data: bytes) -> None:
        assert not self.closed
        if not self.half_closed:
            self.heard += data

    def writeSequence(self, data: Any) -> None:
        self.write(b"".join(data))

    def used(self) -> None:
        self.uses += 1

    def loseConnection(self) -> None:
        self.disconnecting = True
        self._lose()

    def loseWriteConnection(self) -> None:
        self.half_closed = True

    def abortConnection(self) -> None:
        self.aborted = True
        self._lose()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True

    def stopProducing(self) -> None:
        self.loseConnection()

    def getPeer(self) -> UNIXAddress:
        return UNIXAddress(None)

    def getHost(self) -> UNIXAddress:
        return UNIXAddress(None)

    def _lose(self) -> None:
        if not self.closed:
            self.closed = True
            if self.producer is not None:
                self.producer.stopProducing()
            self.channel.connectionLost(Failure(ConnectionDone()))


class World:
    """A site, its clock, and what it serves."""

    kind = Site

    def __init__(
        self,
        username: str | None = None,
        password: str = "",
        daemon: Any = None,
        server: ServerConfig | None = None,
        is_local: bool = False,
    ) -> None:
        """
        ``daemon`` is what pages and JSON are about; without one they only are not found. The
        application is imported already.

        ``server`` is the section, of a unix socket if there is none; ``is_local``: only this
        machine reaches it.
        """
        self.clock = Clock() if daemon is None else daemon.clock
        self.rpc = FakeRpc()
        self.logs = FakeLogs()
        asked = None if username is None else Credentials(username, password)
        server = server or ServerConfig("unix_http_server", file="/run/supervisor.sock")
        guard = Guard(server, lambda: KEY, is_local=is_local)
        content = Content(asked, self.logs, self.rpc, daemon, server, guard)
        self.site = self.kind(content, self.clock)
        load_application()

    def turn(self) -> None:
        """Turn the loop until nothing is left to be done at once."""
        while any(call.getTime() <= self.clock.seconds() for call in self.clock.getDelayedCalls()):
            self.clock.advance(0)

    def connect(self, principal: Principal | None = None) -> Wire:
        """Return a new connection."""
        return Wire(self.site, principal)
