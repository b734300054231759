"""
What children need of a reactor, and how their work is spread over its turns.

A reactor handles all that is ready before it does anything else. A thousand children that end at
once, or fifty that flood their pipes, are ready thousands of times: so children are waited for on
a poller of their own, one descriptor to the reactor, that handles them for a few milliseconds per
turn; and news that cost more are put on an agenda that does the same.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall, IReadDescriptor, IWriteDescriptor
from twisted.internet.main import CONNECTION_LOST
from twisted.python.failure import Failure
from zope.interface import implementer

from supervisor_tx.activity import Logger

_log = Logger()

#: Seconds of one turn of the loop that may be spent on what is ready to be read or written.
POLL_BUDGET = 0.002

#: Descriptors that are handled before the time is looked at. All that the kernel was asked for has
#: to be, or it would pass over the same ones again and again; a full pipe takes 75 to 300 µs.
AT_ONCE = 8

#: Seconds of one turn that may be spent on the agenda.
AGENDA_BUDGET = 0.004


class Descriptors(Protocol):
    """Where descriptors are registered: a reactor, or a :class:`Poller` in front of one."""

    def addReader(self, reader: IReadDescriptor) -> None: ...

    def removeReader(self, reader: IReadDescriptor) -> None: ...

    def addWriter(self, writer: IWriteDescriptor) -> None: ...

    def removeWriter(self, writer: IWriteDescriptor) -> None: ...


class Loop(Descriptors, Protocol):
    """The part of a reactor that children need: descriptors, time, calls from a thread."""

    def seconds(self) -> float: ...

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: Any
    ) -> IDelayedCall: ...

    def callFromThread(self, callable: Callable[..., object], *args: Any) -> None: ...


def poller(loop: Loop) -> Descriptors:
    """Return a poller in front of loop where the system has such, else loop itself."""
    return Poller(loop) if hasattr(select, "epoll") else loop


@implementer(IReadDescriptor)
class Poller:
    """
    Many descriptors behind one, handled in turn for a bounded time per turn of the loop.

    Nobody is forgotten: the kernel gives those that were not reached first the next time. Takes
    what a reactor takes, and calls it as a reactor does. While it has nothing, the loop does not
    see it. Its own descriptor is there from the start: when children come there may be none left.
    """

    def __init__(self, loop: Loop, budget: float = POLL_BUDGET) -> None:
        self._loop = loop
        self._budget = budget
        self._readers: dict[int, Any] = {}
        self._writers: dict[int, Any] = {}
        self._epoll = select.epoll()

    # As a reactor

    def addReader(self, reader: IReadDescriptor) -> None:
        """Call reader.doRead when there is something to read, or the other end is gone."""
        self._add(reader.fileno(), self._readers, reader)

    def addWriter(self, writer: IWriteDescriptor) -> None:
        """Call writer.doWrite when there is room, or the other end is gone."""
        self._add(writer.fileno(), self._writers, writer)

    def removeReader(self, reader: IReadDescriptor) -> None:
        """Call it no more. Harmless where it was not added; to be called before it is closed."""
        self._remove(reader.fileno(), self._readers)

    def removeWriter(self, writer: IWriteDescriptor) -> None:
        """Call it no more."""
        self._remove(writer.fileno(), self._writers)

    def _add(self, fd: int, table: dict[int, Any], descriptor: object) -> None:
        if fd in table:
            return
        if not self._readers and not self._writers:
            self._loop.addReader(self)
        known = fd in self._readers or fd in self._writers
        table[fd] = descriptor
        if known:
            self._epoll.modify(fd, self._mask(fd))
        else:
            self._epoll.register(fd, self._mask(fd))

    def _remove(self, fd: int, table: dict[int, Any]) -> None:
        if table.pop(fd, None) is None:
            return
        mask = self._mask(fd)
        if mask:
            self._epoll.modify(fd, mask)
            return
        self._epoll.unregister(fd)
        if not self._readers and not self._writers:
            self._loop.removeReader(self)

    def _mask(self, fd: int) -> int:
        return select.EPOLLIN * (fd in self._readers) | select.EPOLLOUT * (fd in self._writers)

    # To the reactor

    def fileno(self) -> int:
        return self._epoll.fileno()

    def logPrefix(self) -> str:
        return "children"

    def connectionLost(self, reason: Failure) -> None:
        """Never happens: there is no other end."""

    def doRead(self) -> None:
        seconds = self._loop.seconds
        end = seconds() + self._budget
        while self._readers or self._writers:
            ready = self._epoll.poll(0, AT_ONCE)
            for fd, event in ready:
                self._handle(fd, event)
            if not ready or seconds() >= end:
                return

    def _handle(self, fd: int, event: int) -> None:
        # What came before may have closed it: then it is in neither table.
        gone = select.EPOLLHUP | select.EPOLLERR
        descriptor = self._readers.get(fd)
        if descriptor is not None and event & (select.EPOLLIN | gone):
            self._call(descriptor, descriptor.doRead)
        descriptor = self._writers.get(fd)
        if descriptor is not None and event & (select.EPOLLOUT | gone):
            self._call(descriptor, descriptor.doWrite)

    def _call(self, descriptor: Any, do: Callable[[], object]) -> None:
        try:
            if do() is None:
                return
        except BaseException:  # noqa: BLE001 - one child may not harm the rest
            _log.failure("a child's descriptor failed")
        self.removeReader(descriptor)
        self.removeWriter(descriptor)
        descriptor.connectionLost(LOST)


LOST = Failure(CONNECTION_LOST)


class Agenda:
    """
    Work that comes in crowds, done in the order in which it came, a few milliseconds per turn.

    A thousand children that end at once make a thousand items; what else the loop has to do is done
    between them. An item that raises is logged and harms no other.
    """

    def __init__(
        self, loop: Loop, budget: float = AGENDA_BUDGET, descriptors: Descriptors | None = None
    ) -> None:
        self.loop = loop
        #: where the children's descriptors are registered
        self.descriptors = poller(loop) if descriptors is None else descriptors
        #: seconds of one turn of the loop that may be spent here
        self.budget = budget
        self._items: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._scheduled = False

    def add(self, work: Callable[..., object], *args: Any) -> None:
        """Have work done in a later turn of the loop, from the reactor's thread only."""
        self._items.append((work, args))
        if not self._scheduled:
            self._scheduled = True
            self.loop.callLater(0, self._turn)

    def _turn(self) -> None:
        items, seconds = self._items, self.loop.seconds
        end = seconds() + self.budget
        try:
            while items:
                work, args = items.popleft()
                try:
                    work(*args)
                except BaseException:  # noqa: BLE001 - one child may not harm the rest
                    _log.failure("a child's news could not be handled")
                if seconds() >= end:
                    break
        finally:
            self._scheduled = bool(items)
            if items:
                self.loop.callLater(0, self._turn)
