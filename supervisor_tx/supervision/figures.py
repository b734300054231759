"""
CPU and memory of all programs, while somebody looks.

One pass over the process table serves all programs and everybody who looks. It is done in slices of
:data:`SLICE` processes, each in a turn of the loop of its own, so that nobody has to wait for more
than one of them. Passes are two seconds apart, or as far as it takes for them to use no more than
:data:`SHARE` of a core. When nobody looks any more there is no timer; what was found is kept, and
goes on where somebody comes back within :data:`KEPT` seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from itertools import islice

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from supervisor_tx.activity import Logger
from supervisor_tx.core.figures import Figure, History, Host, percent
from supervisor_tx.core.processtree import Key, Look, Row, Survey, used
from supervisor_tx.errors import NoFigures
from supervisor_tx.supervision.processtable import ProcessTable, open_table
from supervisor_tx.values import frozen

_log = Logger()

#: Processes to look at in one turn of the loop: one to two milliseconds.
SLICE = 100

#: Seconds between two passes, and between the first two: only then the CPU can be told.
INTERVAL = 2.0
FIRST_INTERVAL = 0.5

#: What part of a core the passes may use.
SHARE = 0.02

#: Seconds for which what was found is good for those who come back.
KEPT = 60.0

#: Seconds for which somebody who asked once counts as one who looks.
LINGER = 10.0


@frozen
class ProcessFigures:
    """What can be told of one process."""

    #: None: it does not run, or cannot be looked at
    now: Figure | None
    #: CPU and memory, the oldest first; see :class:`.History`
    before: tuple[tuple[float | None, int], ...]
    #: why there are no figures; empty otherwise
    problem: str


class Figures:
    """
    The figures of one daemon and its programs.

    ``latest`` has those of the programs that run, by group and name, ``daemon`` the daemon's own;
    ``problem`` says why there are none, and is empty otherwise. All of it changes only just before
    those who watch are called.
    """

    def __init__(
        self,
        clock: IReactorTime,
        roots: Callable[[], Mapping[Key, int]],
        pid: Callable[[], int] = os.getpid,
        open_table: Callable[[], ProcessTable] = open_table,
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        """
        Do nothing yet.

        ``roots`` tells the pids of all programs that run, ``pid`` the daemon's, which is another
        one after a fork. ``open_table`` may raise NoFigures. ``spent`` tells the seconds of CPU
        that we have used: on a machine that is busy otherwise, passes are no rarer.
        """
        self.latest: Mapping[Key, Figure] = {}
        self.daemon: Figure | None = None
        self.host: Host | None = None
        self.problem = ""
        #: seconds between two passes, as things are
        self.interval = INTERVAL
        #: grows with each pass, whatever came of it
        self.version = 0
        self._clock, self._roots, self._pid = clock, roots, pid
        self._open_table, self._spent = open_table, spent
        self._table: ProcessTable | None = None
        self._watchers: dict[object, Callable[[], None]] = {}
        self._histories: dict[Key | None, History] = {}
        self._next: IDelayedCall | None = None
        self._pass: Generator[None, None, None] | None = None
        #: seconds of CPU that the pass at hand has taken so far
        self._cost = 0.0
        #: the last look, and when that was
        self._look: tuple[Look, Row | None, float] | None = None
        #: whether that one was compared with one before
        self._is_compared = False
        #: when the last pass ended
        self._ended = 0.0
        self._lingering: tuple[IDelayedCall, Callable[[], None]] | None = None
        self._waiting: list[Deferred[None]] = []

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """
        Look again and again from now on, and call after each pass; return what ends that.

        It may be ended from within the call, and more than once.
        """
        watcher = object()
        self._watchers[watcher] = changed
        if len(self._watchers) == 1:
            self._begin()

        def unsubscribe() -> None:
            if self._watchers.pop(watcher, None) is not None and not self._watchers:
                self._cease()

        return unsubscribe

    def history(self, group: str, name: str) -> History | None:
        """
        Return the last samples of a program, whether it runs now or not.

        A sample of None and 0 is one when it did not run. None: nothing is known of it.
        """
        return self._histories.get((group, name))

    def glance(self) -> None:
        """
        Look for a while, as somebody asked who may ask again soon.

        What is there already may be shown at once; see :meth:`fresh` too.
        """
        if self._lingering is not None:
            self._lingering[0].reset(LINGER)
            return
        unsubscribe = self.watch(lambda: None)
        self._lingering = self._clock.callLater(LINGER, self._linger_no_more), unsubscribe

    def fresh(self) -> Deferred[None]:
        """
        Glance, and fire when there are figures that are as good as those of one who watches.

        That is at once where somebody does. Fires too where there is a problem.
        """
        self.glance()
        if self._is_fresh:
            return succeed(None)
        done: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(done)
        return done

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to tell, not even why."""
        return not self.latest and self.daemon is None and not self.problem

    @property
    def _is_fresh(self) -> bool:
        if not self._is_compared and not self.problem:
            return False
        return self._clock.seconds() - self._ended <= 2 * self.interval

    def _begin(self) -> None:
        delay = 0.0
        if self._look is not None:
            age = self._clock.seconds() - self._look[2]
            if age > KEPT:
                self._forget()
            else:
                delay = max(0.0, self.interval - age)
        self._next = self._clock.callLater(delay, self._start)

    def _cease(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._pass is not None:
            self._pass.close()
            self._pass = None

    def _forget(self) -> None:
        self._look, self._is_compared = None, False
        self._histories.clear()
        self.latest, self.daemon, self.host = {}, None, None

    def _linger_no_more(self) -> None:
        assert self._lingering is not None
        _, unsubscribe = self._lingering
        self._lingering = None
        unsubscribe()

    # A pass

    def _start(self) -> None:
        self._cost = 0.0
        self._pass = self._survey()
        self._turn()

    def _turn(self) -> None:
        """Do a slice."""
        self._next = None
        assert self._pass is not None
        began = self._spent()
        try:
            next(self._pass)
        except StopIteration:
            self.problem = ""
        except NoFigures as error:
            self._failed(str(error))
        else:
            self._cost += self._spent() - began
            self._next = self._clock.callLater(0, self._turn)
            return
        self._pass = None
        self.version += 1
        self._ended = self._clock.seconds()
        self._cost += self._spent() - began
        self.interval = max(INTERVAL, self._cost / SHARE)
        is_first = self._look is not None and not self._is_compared
        self._next = self._clock.callLater(
            FIRST_INTERVAL if is_first else self.interval, self._start
        )
        self._tell()

    def _survey(self) -> Generator[None, None, None]:
        """Look at all processes; yield after each slice, and change what can be seen at the end."""
        if self._table is None:
            self._table = self._open_table()
        began, before = self._clock.seconds(), self._look
        survey = Survey(None if before is None else before[0])
        roots = dict(self._roots())
        with closing(self._table.rows()) as rows:
            while True:
                some = list(islice(rows, SLICE))
                for row in some:
                    if row is not None:
                        survey.add(row)
                if len(some) < SLICE:
                    break
                yield
        yield
        now = self._roots()
        # not those that ended meanwhile, whose pid may have been another's when it was looked at
        roots = {key: pid for key, pid in roots.items() if now.get(key) == pid}
        look = yield from survey.trees(roots, SLICE)
        yield
        found: dict[Key, Figure] = {}
        seconds = 0.0 if before is None else began - before[2]
        handled = 0
        for key, tree in look.trees.items():
            spent = None if before is None else used(before[0], tree, key)
            found[key] = self._figure(key, percent(spent, seconds), tree.rss, tree.living)
            handled += len(tree.members)
            if handled >= SLICE:
                handled = 0
                yield
        own = survey.find(self._pid())
        self.daemon = None
        if own is not None:
            was = None if before is None else before[1]
            spent = None if was is None else own.cpu - was.cpu
            self.daemon = self._figure(None, percent(spent, seconds), own.rss, 1)
        self.host = self._table.host()
        self.latest, self._look = found, (look, own, began)
        self._is_compared = before is not None
        self._note_absence(found)

    def _figure(self, key: Key | None, cpu: float | None, rss: int, count: int) -> Figure:
        history = self._histories.get(key)
        if history is None:
            history = self._histories[key] = History()
        history.add(cpu, rss)
        return Figure(cpu, rss, count, history)

    def _note_absence(self, found: Mapping[Key, Figure]) -> None:
        """Go on with the histories of those that do not run, until nothing else is in them."""
        for key in [key for key in self._histories if key is not None and key not in found]:
            history = self._histories[key]
            history.add(None, 0)
            if history.is_blank:
                del self._histories[key]

    def _failed(self, why: str) -> None:
        if why != self.problem:
            _log.warn("CPU and memory of processes cannot be told: {why}", why=why)
        self.problem = why
        self.latest, self.daemon, self.host = {}, None, None

    def _tell(self) -> None:
        while self._waiting and self._is_fresh:
            self._waiting.pop(0).callback(None)
        for watcher in list(self._watchers):
            changed = self._watchers.get(watcher)
            if changed is None:  # it left when another was called
                continue
            try:
                changed()
            except Exception:  # noqa: BLE001 (who looks may not harm what is looked at)
                _log.failure("somebody who looks at figures failed")
