"""
The spawner: a thread that starts children, and the reactor's side of it.

One thread does, and where a great many are ordered at once a second one helps: to start a child is
mostly to wait until the system has executed its program, on another processor. Where the program is
on a network file system whose server is away, that may be for hours. Then the orders behind it get
another thread.

No thread ends before all is over. To the system it is the parent of the children that it started,
and a child can ask to be sent a signal when its parent ends.
"""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from zope.interface import implementer

from supervisor_tx.activity import Logger
from supervisor_tx.errors import SpawnFailed
from supervisor_tx.supervision.children.childrecord import ChildRecord
from supervisor_tx.supervision.children.descriptors import OPEN_FILES
from supervisor_tx.supervision.children.exits import ChildSignal, ExitWatch, pidfds_work
from supervisor_tx.supervision.children.loop import Agenda, Descriptors, Loop
from supervisor_tx.supervision.children.spawn import Launched, launch
from supervisor_tx.supervision.children.transport import ChildTransport
from supervisor_tx.supervision.interfaces import ISpawner, SpawnOrder
from supervisor_tx.values import frozen

_log = Logger()

Failed = Callable[[SpawnFailed], object]
Result = Launched | SpawnFailed

#: Seconds without any answer, after which the orders that wait get one more thread.
PATIENCE = 5.0

#: Threads at most: so many programs may be stuck.
MOST = 16

#: Orders that make a crowd, whose results are collected in rounds.
CROWD = 8

#: Orders that make a great crowd, which two threads carry out: 3000 children, which have ever more
#: descriptors to close before they execute, are started in five sixths of the time, 1000 on an idle
#: machine in nineteen twentieths, and on a busy one in three quarters.
GREAT_CROWD = 64

#: Seconds from one round to the next. To wake the reactor for each child costs both threads dearly,
#: as they take the interpreter from each other: in rounds 1000 children exist a seventh earlier.
ROUND = 0.005


@frozen(eq=False)
class _Job:
    """An order, and who waits for what comes of it."""

    order: SpawnOrder
    protocol: ProcessProtocol
    failed: Failed
    #: one more than that of the order before
    number: int


@implementer(ISpawner)
class Spawner:
    """
    Starts children in a thread of its own, since that waits for disks and directories.

    The thread begins with the first order, so that a daemon can fork before it. ``child_files`` is
    the soft limit of open files that children get, None: ours; it is set for the whole process.
    ``pidfds`` is whether to have them; None: if they work here. ``descriptors`` is where those of
    children are registered; None: at a poller, if the system has such. ``patience`` is how long,
    in seconds, orders wait for one that does not get on.
    """

    def __init__(
        self,
        loop: Loop,
        child_files: int | None = None,
        pidfds: bool | None = None,
        descriptors: Descriptors | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.agenda = Agenda(loop, descriptors=descriptors)
        self.child_signal = ChildSignal(loop)
        self.exits = ExitWatch(self.agenda, self.child_signal)
        self._loop = loop
        self._pidfds = pidfds
        #: do without pidfds from now on, even where they work: descriptors are few
        self.thrifty = False
        self._patience = patience
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._results: deque[tuple[_Job, Result]] = deque()
        self._told = False
        self._threads: set[threading.Thread] = set()
        #: the second thread, and what it waits for: a great crowd is True, the end False
        self._helper: threading.Thread | None = None
        self._calls_for_help: SimpleQueue[bool] = SimpleQueue()
        self._stopped: Deferred[None] | None = None
        #: the number of the last order, and the jobs whose results are not delivered, by number
        self._given = 0
        self._open: dict[int, _Job] = {}
        self._settling: deque[tuple[int, Callable[[], object]]] = deque()
        #: runs while orders wait behind others
        self._relief: IDelayedCall | None = None
        #: nothing was answered since it was set
        self._stuck = False
        #: orders that the threads have, and those whose results were not collected
        self._under_way = 0
        #: the next round, while there is a crowd
        self._round: IDelayedCall | None = None
        OPEN_FILES.set_child_limit(child_files)

    # From outside, in the reactor's thread

    def spawn(self, order: SpawnOrder, protocol: ProcessProtocol, failed: Failed) -> None:
        """Start a child, soon."""
        self._given += 1
        job = _Job(order, protocol, failed, self._given)
        self._open[job.number] = job
        if self._stopped is not None:
            text = f"'{order.name}' is not spawned: the supervisor is going down"
            self.agenda.add(self._deliver, job, SpawnFailed(text))
            return
        if not self._threads:
            try:
                self._threads.add(self._begin(self._work))
            except RuntimeError:  # no thread: the limit of processes
                text = f"Too many processes in process table to spawn '{order.name}'"
                self.agenda.add(self._deliver, job, SpawnFailed(text))
                return
        self._under_way += 1
        self._jobs.put(job)
        if self._under_way % GREAT_CROWD == 0:
            self._call_for_help()
        self._watch()

    def adopt(self, record: ChildRecord, protocol: ProcessProtocol) -> ChildTransport:
        """Go on with a child that was written down; ``connectionMade`` is not called again."""
        transport = ChildTransport(self.agenda, self.exits, protocol, record)
        transport.resume()
        return transport

    def when_settled(self, then: Callable[[], object]) -> None:
        """Call then when all orders given so far are answered, at once if they are."""
        if not self._open:
            then()
        else:
            self._settling.append((self._given, then))

    def stop(self) -> Deferred[None]:
        """
        Take no more orders; fire when the threads have carried out all that there are, and ended.

        Children are not ended. An exec that the system never lets go on keeps this from firing; it
        does not keep our process from ending.
        """
        if self._stopped is None:
            self._stopped = Deferred()
            if not self._threads:
                self._stopped.callback(None)
            for _ in self._threads:
                self._jobs.put(None)
            self._calls_for_help.put(False)
        return self._stopped

    # In the reactor's thread

    def _begin(self, work: Callable[[bool], None]) -> threading.Thread:
        if self._pidfds is None:
            self._pidfds = pidfds_work()
        thread = threading.Thread(target=work, args=(self._pidfds,), name="spawner")
        thread.daemon = True
        thread.start()
        return thread

    def _call_for_help(self) -> None:
        """Have the second thread carry out orders too, until there are none."""
        if self._helper is None:
            try:
                self._helper = self._begin(self._help)
            except RuntimeError:  # no thread: the first does it all
                return
        self._calls_for_help.put(True)

    def _watch(self) -> None:
        """See that orders which wait for another one do not wait for ever."""
        if len(self._open) <= len(self._threads):
            if self._relief is not None:
                self._relief.cancel()
                self._relief = None
        elif self._relief is None:
            self._stuck = True
            self._relief = self._loop.callLater(self._patience, self._relieve)

    def _relieve(self) -> None:
        self._relief = None
        if self._stuck and len(self._threads) < MOST:
            oldest = next(iter(self._open.values()))
            _log.warn(
                "the start of {name} does not get on, the system has yet to execute its program; "
                "others are started meanwhile",
                name=oldest.order.name,
            )
            try:
                self._threads.add(self._begin(self._work))
            except RuntimeError:  # no thread: it is tried again
                pass
            else:
                if self._stopped is not None:
                    self._jobs.put(None)
        self._watch()

    def _collect(self) -> None:
        """Take the results that there are; go on in rounds while there are many to come."""
        if self._round is None:
            self._told = False  # whatever comes from now on wakes us up
            if self._results and self._under_way > CROWD:
                self._told = True
                self._round = self._loop.callLater(ROUND, self._next_round)
        while self._results:
            self._stuck = False
            self._under_way -= 1
            self.agenda.add(self._deliver, *self._results.popleft())

    def _next_round(self) -> None:
        self._round = None
        self._collect()

    def _deliver(self, job: _Job, result: Result) -> None:
        del self._open[job.number]
        self._watch()
        try:
            if isinstance(result, SpawnFailed):
                job.failed(result)
            else:
                record = ChildRecord(
                    pid=result.pid,
                    pidfd=result.pidfd,
                    descriptors=tuple(result.descriptors.items()),
                )
                ChildTransport(self.agenda, self.exits, job.protocol, record).begin()
        finally:
            first = next(iter(self._open), self._given + 1)
            while self._settling and self._settling[0][0] < first:
                self._settling.popleft()[1]()

    def _ended(self, thread: threading.Thread) -> None:
        assert self._stopped is not None
        thread.join()
        if thread is self._helper:
            self._helper = None
        else:
            self._threads.remove(thread)
        if not self._threads and self._helper is None:
            self._collect()
            if self._round is not None:
                self._round.cancel()
                self._round = None
            # After the results that are on the agenda.
            self.agenda.add(self._stopped.callback, None)

    # In the spawner's threads

    def _work(self, pidfds: bool) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # children inherit the mask of the thread
        while (job := self._jobs.get()) is not None:
            self._carry_out(job, pidfds)
        self._loop.callFromThread(self._ended, threading.current_thread())

    def _help(self, pidfds: bool) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        while self._calls_for_help.get():
            with suppress(Empty):
                while (job := self._jobs.get_nowait()) is not None:
                    self._carry_out(job, pidfds)
                self._jobs.put(None)  # the end, for one that works all the time
        self._loop.callFromThread(self._ended, threading.current_thread())

    def _carry_out(self, job: _Job, pidfds: bool) -> None:
        try:
            result: Result = launch(job.order, OPEN_FILES, pidfds and not self.thrifty)
        except SpawnFailed as error:
            result = error
        except Exception as error:  # noqa: BLE001 - an order must be answered, come what may
            _log.failure("a spawn failed in a way that was not foreseen")
            result = SpawnFailed(f"unknown error to spawn '{job.order.name}': {error!r}")
        self._results.append((job, result))
        if not self._told:
            self._told = True
            self._loop.callFromThread(self._collect)
