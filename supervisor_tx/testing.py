r"""
Children in memory, for the tests of whatever supervises: ours and those of plug-in authors.

A :class:`MemorySpawner` takes orders like the real one and answers them on the clock that it was
given: ``clock.advance(0)`` is the "later turn of the loop" in which a spawn completes. What a child
does is told by the test (:meth:`FakeChild.say`, :meth:`~FakeChild.exit`, :meth:`~FakeChild.die`)
and reaches the protocol within that call.

    spawner = MemorySpawner(clock)
    process.start()
    clock.advance(0)
    [child] = spawner.children
    child.say(1, b"ready\n")
    child.die("KILL")
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Collection, Iterable

from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from zope.interface import implementer

from supervisor_tx.core.exitstatus import wait_status
from supervisor_tx.errors import SpawnFailed
from supervisor_tx.supervision.children.childrecord import ChildRecord
from supervisor_tx.supervision.children.exits import ending
from supervisor_tx.supervision.children.signals import short_name, signal_number
from supervisor_tx.supervision.interfaces import IChildTransport, ISpawner, SpawnOrder
from supervisor_tx.values import field, mutable


@implementer(IChildTransport)
class FakeChild:
    """
    A child that does what the test says, and remembers what was done to it.

    It survives every signal unless the test lets it :meth:`die`, or its spawner's ``obeys`` names
    the signal: then it dies in the next turn of the clock.
    """

    def __init__(
        self,
        order: SpawnOrder,
        protocol: ProcessProtocol,
        pid: int,
        clock: IReactorTime,
        obeys: Collection[str] = (),
    ) -> None:
        self.order = order
        self.protocol = protocol
        self.pid: int | None = pid
        #: every signal, in order: ("TERM", False) to the process, ("KILL", True) to its group
        self.sent: list[tuple[str, bool]] = []
        #: what was written to its stdin
        self.stdin = b""
        #: how much of that it is said not to have read
        self.backlog = 0
        #: its descriptors that are open on our side
        self.open = {1} if order.redirect_stderr else {1, 2}
        if order.stdin is None:
            self.open.add(0)
        #: its descriptors that are paused
        self.paused: set[int] = set()
        #: its first pid, also when it is gone
        self.first_pid = pid
        #: an error for the next signal, instead of taking it
        self.refuses_signals: OSError | None = None
        self.obeys = obeys
        #: whether a descendant keeps its pipes open when it ends
        self.holds_pipes = False
        self._clock = clock
        self._held: dict[int, bytes] = {}
        self._status: int | None = None
        self._exited = False
        self._ended = False

    # What the test has it do

    def say(self, childFD: int, data: bytes) -> None:
        """Write to descriptor 1 or 2; to 1, where the order redirects 2. Held back while paused."""
        childFD = 1 if childFD == 2 and self.order.redirect_stderr else childFD
        if childFD in self.paused:
            self._held[childFD] = self._held.get(childFD, b"") + data
        elif childFD in self.open:
            self.protocol.childDataReceived(childFD, data)

    def close(self, childFD: int) -> None:
        """Close one of its descriptors, and live on."""
        self._deliver_held([childFD])
        self._lose(childFD)

    def exit(self, code: int = 0) -> None:
        """End with an exit code."""
        self._end(wait_status(code))

    def die(self, number: int | str, *, core_dumped: bool = False) -> None:
        """End by a signal, whoever sent it: ``die("KILL")``."""
        self._end(wait_status(-signal_number(number), core_dumped))

    def vanish(self) -> None:
        """End in a way that nobody can tell, as where another part of the program reaps it."""
        self._end(None)

    def _end(self, status: int | None) -> None:
        if self._exited:
            raise AssertionError(f"{self!r} has ended already")
        self._deliver_held(sorted(self._held))
        self.pid, self._status, self._exited = None, status, True
        self.protocol.processExited(ending(status))
        if not self.holds_pipes:
            for childFD in sorted(self.open):
                self._lose(childFD)
        self._finish()

    # What was done to it

    @property
    def signals(self) -> list[str]:
        """The signals that were sent to the process alone: ``["TERM", "KILL"]``."""
        return [name for name, group in self.sent if not group]

    @property
    def group_signals(self) -> list[str]:
        """The signals that were sent to its process group."""
        return [name for name, group in self.sent if group]

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return not self._exited

    # IProcessTransport, IChildTransport

    @property
    def stdin_open(self) -> bool:
        """Whether its stdin is a pipe that is open."""
        return 0 in self.open

    def signalProcess(self, signalID: str | int) -> None:
        """Note the signal."""
        self._signal(signalID, False)

    def signalGroup(self, number: int) -> None:
        """Note the signal."""
        self._signal(number, True)

    def _signal(self, which: str | int, group: bool) -> None:
        number = signal_number(which)
        if self._exited:
            raise ProcessExitedAlready
        if self.refuses_signals is not None:
            raise self.refuses_signals
        name = short_name(number)
        self.sent.append((name, group))
        if name in self.obeys:
            self._clock.callLater(0, self._obey, number)

    def _obey(self, number: int) -> None:
        if not self._exited:
            self.die(number)

    def pauseChild(self, childFD: int) -> None:
        """Hold back what it says there."""
        if childFD in self.open:
            self.paused.add(childFD)

    def resumeChild(self, childFD: int) -> None:
        """Deliver what was held back, in the next turn of the clock."""
        if childFD in self.paused:
            self.paused.remove(childFD)
            self._clock.callLater(0, self._deliver_unless_paused, childFD)

    def _deliver_unless_paused(self, childFD: int) -> None:
        if childFD not in self.paused:
            self._deliver_held([childFD])

    def _deliver_held(self, descriptors: Iterable[int]) -> None:
        for childFD in descriptors:
            data = self._held.pop(childFD, b"")
            if data and childFD in self.open:
                self.protocol.childDataReceived(childFD, data)

    def record(self) -> ChildRecord:
        """Return a record with no real descriptor in it."""
        return ChildRecord(
            pid=self.first_pid,
            descriptors=tuple((childFD, -1) for childFD in sorted(self.open)),
            backlog=base64.b64encode(b"").decode(),
            paused=tuple(sorted(self.paused)),
            reaped=self._exited,
            status=self._status,
        )

    def writeToChild(self, childFD: int, data: bytes) -> None:
        """Take data for its stdin; drop them where that is closed."""
        if childFD != 0:
            raise KeyError(childFD)
        if 0 in self.open:
            self.stdin += data

    def write(self, data: bytes) -> None:
        """Take data for its stdin."""
        self.writeToChild(0, data)

    def writeSequence(self, seq: Iterable[bytes]) -> None:
        """Take data for its stdin."""
        self.writeToChild(0, b"".join(seq))

    def closeStdin(self) -> None:
        """Close our end of its stdin."""
        self.closeChildFD(0)

    def closeStdout(self) -> None:
        """Close our end of its stdout."""
        self.closeChildFD(1)

    def closeStderr(self) -> None:
        """Close our end of its stderr."""
        self.closeChildFD(2)

    def closeChildFD(self, descriptor: int) -> None:
        """Close our end; the protocol hears of it in the next turn of the clock."""
        if descriptor in self.open:
            self._clock.callLater(0, self._lose, descriptor)

    def loseConnection(self) -> None:
        """Close all our ends; the protocol hears of it in the next turn of the clock."""
        for childFD in sorted(self.open):
            self.closeChildFD(childFD)

    def _lose(self, childFD: int) -> None:
        if childFD in self.open:
            self.open.remove(childFD)
            self.paused.discard(childFD)
            self.protocol.childConnectionLost(childFD)
            self._finish()

    def _finish(self) -> None:
        if self._exited and not self.open and not self._ended:
            self._ended = True
            self.protocol.processEnded(ending(self._status))

    def getPeer(self) -> IAddress:
        """A child has no address."""
        raise NotImplementedError("a child process has no address")

    def getHost(self) -> IAddress:
        """A child has no address."""
        raise NotImplementedError("a child process has no address")

    def __repr__(self) -> str:
        state = "alive" if self.alive else "ended"
        return f"<FakeChild {self.order.name!r} pid {self.first_pid} {state}>"


@implementer(ISpawner)
@mutable
class MemorySpawner:
    """
    A spawner that makes every child in memory, ``exec_seconds`` after it was asked to.

    With the default of 0 a spawn completes at the next ``clock.advance(0)``, never in the call.
    """

    clock: IReactorTime
    #: how long an exec takes
    exec_seconds: float = 0
    #: names of signals that children die of by themselves, such as ``{"TERM", "KILL"}``
    obeys: Collection[str] = ()
    #: all that ever lived, in order
    children: list[FakeChild] = field(default_factory=list, init=False)
    #: all orders, in order, those that failed too
    orders: list[SpawnOrder] = field(default_factory=list, init=False)
    _failures: deque[SpawnFailed] = field(default_factory=deque, init=False)
    _next_pid: int = field(default=1001, init=False)

    def fail_next(self, error: SpawnFailed) -> None:
        """Let the next order fail with error; called again, the one after that too."""
        self._failures.append(error)

    def named(self, name: str) -> list[FakeChild]:
        """All children that a process had, in order."""
        return [child for child in self.children if child.order.name == name]

    def spawn(
        self,
        order: SpawnOrder,
        protocol: ProcessProtocol,
        failed: Callable[[SpawnFailed], None],
    ) -> None:
        """Make a child, later."""
        self.orders.append(order)
        if self._failures:
            self.clock.callLater(self.exec_seconds, failed, self._failures.popleft())
        else:
            self.clock.callLater(self.exec_seconds, self._make, order, protocol)

    def _make(self, order: SpawnOrder, protocol: ProcessProtocol) -> None:
        child = FakeChild(order, protocol, self._next_pid, self.clock, self.obeys)
        self._next_pid += 1
        self.children.append(child)
        protocol.makeConnection(child)
