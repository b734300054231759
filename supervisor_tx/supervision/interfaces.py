"""
What the parts of supervision ask of each other.

A process asks a spawner for a child and gets its news through a Twisted ``ProcessProtocol``; the
child's output goes through a channel into sinks. Each of these has more than one implementation
(the real one, its fallback, the one in memory), held to one contract by ``tests/contracts``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from zope.interface import Attribute, Interface

from supervisor_tx.errors import SpawnFailed
from supervisor_tx.supervision.children.childrecord import ChildRecord
from supervisor_tx.values import frozen


@frozen
class SpawnOrder:
    """What to execute, in Supervisor's terms. Looked up and checked where it is carried out."""

    #: of the process, for messages
    name: str
    #: as configured: still one string, to be split as a POSIX shell would
    command: str
    #: all of the child's environment
    environment: Mapping[str, str]
    directory: str | None = None
    umask: int | None = None
    #: None, or our own: no switch
    uid: int | None = None
    #: the listening socket to be the child's descriptor 0, ours to keep; None: a pipe
    stdin: int | None = None
    redirect_stderr: bool = False
    reset_signals: bool = False


class IChildTransport(IProcessTransport):
    """
    A child process, with what supervision needs beyond Twisted's interface.

    Before ``processExited`` it delivers all that was in the child's pipes when it ended, paused or
    not. ``signalProcess`` and ``signalGroup`` raise ``ProcessExitedAlready`` for one that is gone
    and let other OSErrors through.
    """

    pid = Attribute("pid; None once the process was reaped")
    stdin_open = Attribute("whether there is a pipe to its stdin, as far as we have noticed")
    backlog = Attribute("bytes that were taken for its stdin and not yet written")

    def signalGroup(number: int) -> None:
        """Send a signal to the child's process group."""

    def pauseChild(childFD: int) -> None:
        """Read no more from the child's descriptor until resumed: its pipe fills up."""

    def resumeChild(childFD: int) -> None:
        """Read on. Harmless where it was not paused or is closed."""

    def record() -> ChildRecord:
        """Return a :class:`ChildRecord`: all that it takes to go on in another interpreter."""


class ISpawner(Interface):
    """Starts children, without ever blocking its caller."""

    def spawn(
        order: SpawnOrder,
        protocol: ProcessProtocol,
        failed: Callable[[SpawnFailed], None],
    ) -> None:
        """
        Start a child, soon. Then call, in a later turn of the loop, either
        ``protocol.makeConnection(transport)`` with an IChildTransport, once the exec has succeeded,
        or ``failed(error)``. Orders are begun in the order given; of a great many, several may be
        under way at a time.
        """


class Sink(Protocol):
    """
    Where bytes of a log end up: a file, a stream, syslog.

    It never raises and never blocks. What cannot be written is dropped, reported once and counted.
    """

    def write(self, data: bytes) -> bool:
        """
        Take data, always; answer whether it has room for more.

        False is *full*: the data are kept, and whoever feeds it should pause until
        :meth:`when_room` calls back.
        """

    def when_room(self, resume: Callable[[], None]) -> None:
        """Call resume once, in a later turn, when a full sink has room again."""

    def reopen(self) -> None:
        """Close and open by name again; a no-op where that means nothing."""

    def close(self) -> None:
        """Write out what can be written without waiting, and let go."""


class Channel(Protocol):
    """One of a process's outputs, on its way into sinks; it outlives the single child."""

    @property
    def logfile(self) -> str | None:
        """The path of its log file; None: it has none."""

    def open(self) -> None:
        """Make ready for a child's output; raises OSError where a log cannot be opened."""

    def begin(self, transport: IChildTransport) -> None:
        """There is a child: this is the one to pause while a sink is full."""

    def received(self, data: bytes) -> None:
        """Take output of the child. Never raises."""

    def ended(self) -> None:
        """No more will come from this child: write what is held back."""

    def reopen(self) -> None:
        """Open files anew, by name."""

    def clear(self) -> None:
        """Remove the log file and begin it anew, if it is open; raises OSError."""

    def close(self) -> None:
        """Let go of everything: the process is no longer ours to run."""

    def record(self) -> Mapping[str, Any]:
        """Return what it knows, as plain values that survive JSON."""

    def resume(self, record: Mapping[str, Any]) -> None:
        """Go on from where a record is; like :meth:`open` for a child that lives already."""
