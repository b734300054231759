"""
How we learn that a child has ended.

Where the system has them, a pidfd per child becomes readable: no other child is looked at, and no
other part of the program can take the news away. Elsewhere SIGCHLD says that *some* child has
ended, and those that we watch are asked one by one. Both are behind :class:`ExitWatch`.

Nobody here waits for just any child, since some belong to others: to a spawn that is still under
way, to Twisted's own ``spawnProcess``. Children that belong to nobody (inherited over an exec, or
orphans that come to us as PID 1) are left to :class:`StrangerReaper`, which looks before it takes.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType
from typing import Any, Protocol

from twisted.internet import process as twisted_process
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from supervisor_tx.core.exitstatus import ExitStatus, wait_status
from supervisor_tx.supervision.children.loop import Agenda, Loop

Ended = Callable[[int | None], object]

#: Children that are asked one after the other, before others have their turn on the agenda.
ASKED_A_TIME = 50


def ending(status: int | None) -> Failure:
    """
    Return what ``processExited`` is called with.

    It wraps a Twisted error with ``exitCode``, ``signal`` and ``status``, all None where nobody
    knows how the child ended.
    """
    end = ExitStatus.from_wait(status)
    if end.code == 0:
        return Failure(ProcessDone(status))
    return Failure(ProcessTerminated(end.code, end.signal, status))


def pidfds_work() -> bool:
    """Return whether we can have pidfds and wait on them; a sandbox may forbid either."""
    try:
        pidfd = os.pidfd_open(os.getpid())
    except (OSError, AttributeError):
        return False
    try:
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
    except ChildProcessError:  # of course: we are not our own child
        return True
    except OSError:
        return False
    finally:
        os.close(pidfd)
    return True


class ChildSignal:
    """
    SIGCHLD, told to subscribers in the reactor's thread: one call for any number of signals.

    It goes on to whoever handled it before, so that Twisted's own processes are reaped too. To be
    installed after the reactor has started, since that installs a handler of its own.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._subscribers: list[Callable[[], object]] = []
        self._previous: Callable[[int, FrameType | None], Any] | int | None = None
        self._installed = False
        self._told = False

    def subscribe(self, subscriber: Callable[[], object]) -> None:
        """Have subscriber called when some child has ended."""
        if subscriber not in self._subscribers:
            self._subscribers.append(subscriber)

    def unsubscribe(self, subscriber: Callable[[], object]) -> None:
        """Call it no more."""
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)

    def install(self) -> None:
        """Take the signal, from the main thread."""
        if not self._installed:
            self._previous = signal.signal(signal.SIGCHLD, self._caught)
            signal.siginterrupt(signal.SIGCHLD, False)
            self._installed = True

    def uninstall(self) -> None:
        """
        Give the signal back to who had it before, unless somebody else has taken it.

        Does nothing while there are subscribers.
        """
        if self._installed and not self._subscribers:
            self._installed = False
            if signal.getsignal(signal.SIGCHLD) == self._caught:
                previous = signal.SIG_DFL if self._previous is None else self._previous
                signal.signal(signal.SIGCHLD, previous)

    def _caught(self, number: int, frame: FrameType | None) -> None:
        if not self._told:
            self._told = True
            self._loop.callFromThread(self._tell)
        if callable(self._previous):
            self._previous(number, frame)

    def _tell(self) -> None:
        self._told = False
        for subscriber in tuple(self._subscribers):
            subscriber()


class Watch(Protocol):
    """One child that is being watched."""

    def check(self) -> None:
        """Ask now whether it has ended, for whoever knows that something has."""

    def stop(self) -> None:
        """Watch no more; the pidfd is its owner's to close."""


@implementer(IReadDescriptor)
class PidfdWatch:
    """Waits for one child by its pidfd."""

    def __init__(self, watch: ExitWatch, pid: int, pidfd: int, ended: Ended) -> None:
        self._watch, self._pid, self._pidfd, self._ended = watch, pid, pidfd, ended
        self._active = True
        watch.descriptors.addReader(self)

    def fileno(self) -> int:
        return self._pidfd

    def logPrefix(self) -> str:
        return "pidfd"

    def doRead(self) -> None:
        # A thousand may end in one turn: only note it now.
        self._watch.descriptors.removeReader(self)
        self._watch.agenda.add(self.check)

    def connectionLost(self, reason: Failure) -> None:
        self._watch.agenda.add(self.check)

    def check(self) -> None:
        if not self._active:
            return
        try:
            info = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            status = None
        else:
            if info is None:
                # A debugger has it first. SIGCHLD comes when it is really over.
                self._watch.ask_on_signal(self._pid, self)
                return
            status = siginfo_status(info)
        self.stop()
        self._ended(status)

    def stop(self) -> None:
        if self._active:
            self._active = False
            self._watch.descriptors.removeReader(self)
            self._watch.forget(self._pid, self)


class SignalWatch:
    """Waits for one child by its pid, which stays its own until it is reaped, and we do that."""

    def __init__(self, watch: ExitWatch, pid: int, ended: Ended) -> None:
        self._watch, self._pid, self._ended = watch, pid, ended
        self._active = True
        watch.ask_on_signal(pid, self)
        # It may have ended before we began to listen.
        watch.agenda.add(self.check)

    def check(self) -> None:
        if not self._active:
            return
        try:
            pid, word = os.waitpid(self._pid, os.WNOHANG)
        except ChildProcessError:
            status = None
        else:
            if pid == 0:
                return
            status = word
        self.stop()
        self._ended(status)

    def stop(self) -> None:
        if self._active:
            self._active = False
            self._watch.forget(self._pid, self)


class ExitWatch:
    """
    All children that we wait for, by pid.

    Each child's ``ended`` is called once, with its status word or None, from the agenda: a few
    milliseconds per turn of the loop, however many end together.
    """

    def __init__(self, agenda: Agenda, child_signal: ChildSignal) -> None:
        self.agenda = agenda
        self.descriptors = agenda.descriptors
        self._signal = child_signal
        self._watched: dict[int, Watch] = {}
        self._on_signal: dict[int, Watch] = {}
        #: those of a round that were not asked yet
        self._to_ask: deque[Watch] = deque()
        #: a signal came meanwhile: those asked before may have ended since
        self._ask_again = False

    def watch(self, pid: int, pidfd: int | None, ended: Ended) -> Watch:
        """Wait for a child; with None for a pidfd, by SIGCHLD."""
        watch: Watch
        if pidfd is not None:
            watch = PidfdWatch(self, pid, pidfd, ended)
        else:
            watch = SignalWatch(self, pid, ended)
        self._watched[pid] = watch
        return watch

    def knows(self, pid: int) -> bool:
        """Return whether the pid is of a child that we wait for."""
        return pid in self._watched

    def check(self, pid: int) -> None:
        """Ask for one child now."""
        self._watched[pid].check()

    def ask_on_signal(self, pid: int, watch: Watch) -> None:
        """Ask this one whenever SIGCHLD comes."""
        self._on_signal[pid] = watch
        self._signal.subscribe(self._ask_all)
        self._signal.install()

    def forget(self, pid: int, watch: Watch) -> None:
        """Wait no more for a child; where its pid is another's by now, that one stays."""
        for table in (self._watched, self._on_signal):
            if table.get(pid) is watch:
                del table[pid]
        if not self._on_signal:
            self._signal.unsubscribe(self._ask_all)

    def _ask_all(self) -> None:
        """Ask each of them, soon: one round for all signals that come before it begins."""
        if self._to_ask:
            self._ask_again = True
        else:
            self._begin_round()

    def _begin_round(self) -> None:
        self._ask_again = False
        self._to_ask.extend(self._on_signal.values())
        if self._to_ask:
            self.agenda.add(self._ask_some)

    def _ask_some(self) -> None:
        try:
            for _ in range(min(ASKED_A_TIME, len(self._to_ask))):
                self._to_ask.popleft().check()
        finally:
            if self._to_ask:
                self.agenda.add(self._ask_some)
            elif self._ask_again:
                self._begin_round()


def siginfo_status(info: os.waitid_result) -> int:
    """Return the status word for what ``waitid`` tells."""
    if info.si_code == os.CLD_EXITED:
        return wait_status(info.si_status)
    return wait_status(-info.si_status, info.si_code == os.CLD_DUMPED)


class Nursery(Protocol):
    """What a stranger is told from: those that we know, and those that may just be coming."""

    agenda: Agenda
    exits: ExitWatch
    child_signal: ChildSignal

    def when_settled(self, then: Callable[[], object]) -> None:
        """Call then when all spawns ordered so far are known by their pid, at once if they are."""


class StrangerReaper:
    """
    Reaps children that are nobody's, and tells of each: ``reaped(pid, status word)``.

    It looks at who has ended without taking the news, and takes it only from a child that neither
    we nor Twisted's ``spawnProcess`` know, and that cannot come from a spawn under way. (A child
    that some library waits for in a way of its own cannot be told from a stranger.) ``failed`` is
    called with the OSError if looking or waiting fails. Where the system cannot look without taking
    (no ``waitid``), strangers stay zombies.
    """

    def __init__(
        self,
        loop: Loop,
        nursery: Nursery,
        reaped: Callable[[int, int], object],
        failed: Callable[[OSError], object],
    ) -> None:
        self._loop = loop
        self._nursery = nursery
        self._reaped = reaped
        self._failed = failed
        self._installed = False
        #: a zombie that was seen while spawns were under way, and could come from one of them
        self._suspect: int | None = None
        self._cleared = False
        self._scheduled = False

    def install(self) -> None:
        """Listen to SIGCHLD, and reap those that have ended already."""
        if not self._installed and hasattr(os, "waitid"):
            self._installed = True
            self._nursery.child_signal.subscribe(self.look)
            self._nursery.child_signal.install()
            self.look()

    def uninstall(self) -> None:
        """Reap no more, and give SIGCHLD back."""
        if self._installed:
            self._installed = False
            self._nursery.child_signal.unsubscribe(self.look)
            self._nursery.child_signal.uninstall()

    def look(self) -> None:
        """Look who has ended, soon."""
        if not self._scheduled:
            self._scheduled = True
            self._nursery.agenda.add(self._look)

    def _look(self) -> None:
        self._scheduled = False
        if not self._installed:
            return
        # Good for this look only: later, the pid could be that of another process.
        cleared, self._cleared = self._suspect if self._cleared else None, False
        try:
            info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:  # there is no child at all
            return
        except OSError as error:
            self._failed(error)
            return
        if info is None:
            return
        pid = info.si_pid
        handlers: Mapping[Any, Any] = twisted_process.reapProcessHandlers
        if self._nursery.exits.knows(pid):
            # It hides those behind it. Where it stays, a debugger holds it: SIGCHLD comes again.
            self._nursery.exits.check(pid)
            if not self._nursery.exits.knows(pid):
                self.look()
        elif pid in handlers:
            handlers[pid].reapProcess()
            if pid not in handlers:
                self.look()
        elif pid == cleared:
            self._take(pid)
        else:
            self._suspect = pid
            self._nursery.when_settled(partial(self._settled, pid))

    def _settled(self, pid: int) -> None:
        if pid == self._suspect:
            self._cleared = True
            self.look()

    def _take(self, pid: int) -> None:
        try:
            taken, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass  # somebody did wait for it
        except OSError as error:
            self._failed(error)
            return
        else:
            if taken:
                self._reaped(pid, status)
        self.look()
