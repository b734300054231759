"""A child's descriptors and end, as plain calls to the process that owns it."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from supervisor_tx.supervision.interfaces import IChildTransport


class ChildOwner(Protocol):
    """Whoever is told of a child's life."""

    def child_spawned(self, transport: IChildTransport) -> None:
        """There is a pid, and the program runs."""

    def child_said(self, descriptor: int, data: bytes) -> None:
        """It wrote to its descriptor 1 or 2."""

    def child_ended(self, status: int | None) -> None:
        """
        It is gone; all that it wrote was said before.

        ``status`` is the word that ``waitpid`` gives, None where nobody knows.
        """


class ChildProtocol(ProcessProtocol):
    """Passes on what happens to one child; decides nothing."""

    def __init__(self, owner: ChildOwner) -> None:
        self._owner = owner

    def connectionMade(self) -> None:
        self._owner.child_spawned(self.transport)  # type: ignore[arg-type]

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        self._owner.child_said(childFD, data)

    def processExited(self, reason: Failure) -> None:  # not Ended: grandchildren may hold the pipes
        assert self.transport is not None
        self.transport.loseConnection()
        end = reason.value
        assert isinstance(end, ProcessDone | ProcessTerminated)
        self._owner.child_ended(end.status)
