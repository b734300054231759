"""The spawner: one thread that starts children, and the reactor's side of it."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from zope.interface import implementer

from supervisor_tx.activity import Logger
from supervisor_tx.errors import SpawnFailed
from supervisor_tx.supervision.childrecord import ChildRecord
from supervisor_tx.supervision.descriptors import OPEN_FILES
from supervisor_tx.supervision.exits import ChildSignal, ExitWatch, pidfds_work
from supervisor_tx.supervision.interfaces import ISpawner, SpawnOrder
from supervisor_tx.supervision.loop import Agenda, Descriptors, Loop
from supervisor_tx.supervision.spawn import Launched, launch
from supervisor_tx.supervision.transport import ChildTransport

_log = Logger()

Failed = Callable[[SpawnFailed], object]
Result = Launched | SpawnFailed


@implementer(ISpawner)
class Spawner:
    """
    Starts children in a thread of its own, since that waits for disks and directories.

    The thread begins with the first order, so that a daemon can fork before it. ``child_files`` is
    the soft limit of open files that children get, None: ours; it is set for the whole process.
    ``pidfds`` is whether to have them; None: if they work here. ``descriptors`` is where those of
    children are registered; None: at a poller, if the system has such.
    """

    def __init__(
        self,
        loop: Loop,
        child_files: int | None = None,
        pidfds: bool | None = None,
        descriptors: Descriptors | None = None,
    ) -> None:
        self.agenda = Agenda(loop, descriptors=descriptors)
        self.child_signal = ChildSignal(loop)
        self.exits = ExitWatch(self.agenda, self.child_signal)
        self._loop = loop
        self._pidfds = pidfds
        self._orders: SimpleQueue[SpawnOrder | None] = SimpleQueue()
        #: who waits for the orders that are with the thread, in their order
        self._waiting: deque[tuple[ProcessProtocol, Failed]] = deque()
        self._results: deque[Result] = deque()
        self._told = False
        self._thread: threading.Thread | None = None
        self._stopped: Deferred[None] | None = None
        #: how many orders were given, and how many results delivered
        self._given = self._delivered = 0
        self._settling: deque[tuple[int, Callable[[], object]]] = deque()
        OPEN_FILES.set_child_limit(child_files)

    # From outside, in the reactor's thread

    def spawn(self, order: SpawnOrder, protocol: ProcessProtocol, failed: Failed) -> None:
        """Start a child, soon."""
        self._given += 1
        if self._stopped is not None:
            text = f"'{order.name}' is not spawned: the supervisor is going down"
            self.agenda.add(self._deliver, SpawnFailed(text), protocol, failed)
            return
        if self._thread is None:
            try:
                self._begin()
            except RuntimeError:  # no thread: the limit of processes
                text = f"Too many processes in process table to spawn '{order.name}'"
                self.agenda.add(self._deliver, SpawnFailed(text), protocol, failed)
                return
        self._waiting.append((protocol, failed))
        self._orders.put(order)

    def adopt(self, record: ChildRecord, protocol: ProcessProtocol) -> ChildTransport:
        """Go on with a child that was written down; ``connectionMade`` is not called again."""
        transport = ChildTransport(self.agenda, self.exits, protocol, record)
        transport.resume()
        return transport

    def when_settled(self, then: Callable[[], object]) -> None:
        """Call then when all orders given so far are answered, at once if they are."""
        if self._delivered == self._given:
            then()
        else:
            self._settling.append((self._given, then))

    def stop(self) -> Deferred[None]:
        """
        Take no more orders; fire when the thread has carried out those that it has, and ended.

        Children are not ended. An exec that the system never lets go on keeps this from firing; it
        does not keep our process from ending.
        """
        if self._stopped is None:
            self._stopped = Deferred()
            if self._thread is None:
                self._stopped.callback(None)
            else:
                self._orders.put(None)
        return self._stopped

    # In the reactor's thread

    def _begin(self) -> None:
        if self._pidfds is None:
            self._pidfds = pidfds_work()
        thread = threading.Thread(target=self._work, args=(self._pidfds,), name="spawner")
        thread.daemon = True
        thread.start()
        self._thread = thread

    def _collect(self) -> None:
        self._told = False
        while self._results:
            self.agenda.add(self._deliver, self._results.popleft(), *self._waiting.popleft())

    def _deliver(self, result: Result, protocol: ProcessProtocol, failed: Failed) -> None:
        self._delivered += 1
        try:
            if isinstance(result, SpawnFailed):
                failed(result)
            else:
                record = ChildRecord(
                    pid=result.pid,
                    pidfd=result.pidfd,
                    descriptors=tuple(result.descriptors.items()),
                )
                ChildTransport(self.agenda, self.exits, protocol, record).begin()
        finally:
            while self._settling and self._settling[0][0] <= self._delivered:
                self._settling.popleft()[1]()

    def _ended(self) -> None:
        assert self._stopped is not None
        assert self._thread is not None
        self._thread.join()
        self._collect()
        # After the results that are on the agenda.
        self.agenda.add(self._stopped.callback, None)

    # In the spawner's thread

    def _work(self, pidfds: bool) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # children inherit the mask of the thread
        while (order := self._orders.get()) is not None:
            try:
                result: Result = launch(order, OPEN_FILES, pidfds)
            except SpawnFailed as error:
                result = error
            except Exception as error:  # noqa: BLE001 - an order must be answered, come what may
                _log.failure("a spawn failed in a way that was not foreseen")
                result = SpawnFailed(f"unknown error to spawn '{order.name}': {error!r}")
            self._results.append(result)
            if not self._told:
                self._told = True
                self._loop.callFromThread(self._collect)
        self._loop.callFromThread(self._ended)
