"""
For programs that run under the daemon: event listeners, and those that call it back.

Functions, and the objects ``listener`` and ``pcomm``, have the names and the behaviour of
``supervisor.childutils`` (Supervisor docs, "Events"). Their streams are those of the process when
this module is imported. :class:`Listener` and :class:`events` are ours, and do more.

This is imported by programs that are started often and should be there at once: what is not always
needed is imported late.
"""

from __future__ import annotations

import sys
import time

from supervisor_tx.listeners.event import ListenerEvent, Reject
from supervisor_tx.listeners.framework import Listener
from supervisor_tx.listeners.iterator import events

TYPE_CHECKING = False  # typing takes longer to import than all else here together
if TYPE_CHECKING:
    import xmlrpc.client
    from collections.abc import Mapping
    from typing import IO, Protocol

    from supervisor_tx.compat.xmlrpc import SupervisorTransport

    class _Words(Protocol):
        """A stream that takes text."""

        def write(self, text: str, /) -> object:
            """Write text."""

        def flush(self) -> object:
            """Let it go."""


__all__ = [
    "EventListenerProtocol",
    "Listener",
    "ListenerEvent",
    "ProcessCommunicationsProtocol",
    "Reject",
    "eventdata",
    "events",
    "getRPCInterface",
    "getRPCTransport",
    "get_asctime",
    "get_headers",
    "listener",
    "pcomm",
]


def getRPCTransport(env: Mapping[str, str]) -> SupervisorTransport:
    """Return what brings calls to the daemon whose child has this environment; raise KeyError."""
    from supervisor_tx.compat.xmlrpc import SupervisorTransport

    return SupervisorTransport(
        env.get("SUPERVISOR_USERNAME", ""),
        env.get("SUPERVISOR_PASSWORD", ""),
        env["SUPERVISOR_SERVER_URL"],
    )


def getRPCInterface(env: Mapping[str, str]) -> xmlrpc.client.ServerProxy:
    """Return the methods of the daemon whose child has this environment; raise KeyError."""
    import xmlrpc.client

    # the address is never looked at, but there must be one
    return xmlrpc.client.ServerProxy("http://127.0.0.1", getRPCTransport(env))


def get_headers(line: str) -> dict[str, str]:
    """Take ``key:value`` words apart; raise ValueError where a word is anything else."""
    return dict([_pair(word) for word in line.split()])


def _pair(word: str) -> tuple[str, str]:
    key, value = word.split(":")
    return key, value


def eventdata(payload: str) -> tuple[dict[str, str], str]:
    """Return the words of the first line, and what follows it; raise ValueError without one."""
    line, data = payload.split("\n", 1)
    return get_headers(line), data


def get_asctime(now: float | None = None) -> str:
    """Return a time, or the time that it is, as the daemon's log has it."""
    if now is None:
        now = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    return f"{stamp},{int((now - int(now)) * 1000):03d}"


class ProcessCommunicationsProtocol:
    """What a program does to have something said in an event: it goes between two tokens."""

    begin_token = b"<!--XSUPERVISOR:BEGIN-->"
    end_token = b"<!--XSUPERVISOR:END-->"

    def send(self, msg: bytes | str, fp: IO[bytes] = sys.stdout.buffer) -> None:
        """Say it on a stream of bytes; text is sent as UTF-8."""
        fp.write(self.begin_token)
        fp.write(msg.encode() if isinstance(msg, str) else msg)
        fp.write(self.end_token)
        fp.flush()

    def stdout(self, msg: bytes | str) -> None:
        """Say it on standard output, after what was printed there."""
        sys.stdout.flush()
        self.send(msg, sys.stdout.buffer)

    def stderr(self, msg: bytes | str) -> None:
        """Say it on standard error, after what was printed there."""
        sys.stderr.flush()
        self.send(msg, sys.stderr.buffer)


pcomm = ProcessCommunicationsProtocol()


class EventListenerProtocol:
    """The listener's end of the protocol of events."""

    def wait(
        self, stdin: IO[str] = sys.stdin, stdout: _Words = sys.stdout
    ) -> tuple[dict[str, str], str]:
        """Say that we are ready, and wait for an event; return its headers and payload."""
        self.ready(stdout)
        headers = get_headers(stdin.readline())
        return headers, stdin.read(int(headers["len"]))

    def ready(self, stdout: _Words = sys.stdout) -> None:
        """Ask for an event."""
        self._say("READY\n", stdout)

    def ok(self, stdout: _Words = sys.stdout) -> None:
        """Accept the event in hand."""
        self.send("OK", stdout)

    def fail(self, stdout: _Words = sys.stdout) -> None:
        """Reject the event in hand: it will be offered again."""
        self.send("FAIL", stdout)

    def send(self, data: str, stdout: _Words = sys.stdout) -> None:
        """Answer something else; what it means depends on the result handler."""
        self._say(f"RESULT {len(data)}\n{data}", stdout)

    @staticmethod
    def _say(text: str, stdout: _Words) -> None:
        stdout.write(text)
        stdout.flush()


listener = EventListenerProtocol()
