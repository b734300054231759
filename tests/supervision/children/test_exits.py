"""How we learn that a child has ended, and what we do about those that are nobody's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from supervisor_tx.core.exitstatus import ExitStatus, signal_name, status_text, wait_status
from supervisor_tx.supervision.children.exits import (
    ASKED_A_TIME,
    ChildSignal,
    ExitWatch,
    StrangerReaper,
    ending,
    pidfds_work,
    siginfo_status,
)
from supervisor_tx.supervision.children.loop import Agenda
from tests import requirements
from tests.children import OurWorld, Recorder, TwistedWorld, command, puppet, reactor, running


def child_that(script: str) -> int:
    """Start a shell script and forget about it; return its pid."""
    process = subprocess.Popen(["sh", "-c", script])
    process.returncode = 0  # Python shall not wait for it
    return process.pid


def ended(pid: int) -> None:
    """Return when a child has ended; it stays a zombie."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def take(pid: int) -> int:
    """Wait for a child and return its status word."""
    return os.waitpid(pid, 0)[1]


class WordsTests(SynchronousTestCase):
    """What is said of an end."""

    def test_texts(self) -> None:
        """The words are Supervisor's."""
        for status, text in {
            wait_status(0): "exit status 0",
            wait_status(255): "exit status 255",
            wait_status(-15): "terminated by SIGTERM",
            wait_status(-11, core_dumped=True): "terminated by SIGSEGV (core dumped)",
            wait_status(-40): "terminated by signal 40",
            0x137F: "unknown termination cause 0x137f",
            None: "unknown termination cause 0xffff",
        }.items():
            self.assertEqual(status_text(status), text)

    def test_failures(self) -> None:
        """A protocol gets the same facts as with Twisted's own processes."""
        end: Any = ending(wait_status(3)).value
        self.assertEqual((end.exitCode, end.signal, end.status), (3, None, 0x300))
        end = ending(wait_status(-9)).value
        self.assertEqual((end.exitCode, end.signal, end.status), (None, 9, 9))
        end = ending(None).value
        self.assertEqual((end.exitCode, end.signal, end.status), (None, None, None))

    def test_waitid(self) -> None:
        """What waitid tells becomes the word that waitpid would have given."""
        for script in ("exit 0", "exit 7", "kill -9 $$", "kill -SEGV $$"):
            pid = child_that(script)
            info = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            assert info is not None
            word = os.waitpid(pid, 0)[1]
            self.assertEqual(siginfo_status(info), word, script)
            self.assertEqual(ExitStatus.from_wait(word).signal is None, script.startswith("exit"))

    def test_names(self) -> None:
        """A signal has its name, or else its number."""
        self.assertEqual((signal_name(15), signal_name(40)), ("SIGTERM", "signal 40"))


class WatchTestCase(TestCase):
    """With a watch of our own on a real reactor."""

    timeout = 30

    async def setUp(self) -> None:  # type: ignore[override]
        await running()
        self.agenda = Agenda(reactor)
        self.child_signal = ChildSignal(reactor)
        self.exits = ExitWatch(self.agenda, self.child_signal)
        self.addCleanup(self.child_signal.uninstall)

    def watch(self, pid: int, pidfd: int | None) -> Deferred[int | None]:
        told: Deferred[int | None] = Deferred()
        self.exits.watch(pid, pidfd, told.callback)
        return told


class PidfdTests(WatchTestCase):
    """By a pidfd."""

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        requirements.require(pidfds_work(), "needs pidfds")

    def pidfd(self, pid: int) -> int:
        pidfd = os.pidfd_open(pid)
        self.addCleanup(os.close, pidfd)
        return pidfd

    async def test_status(self) -> None:
        """The status is told, and the child is reaped and forgotten."""
        pid = child_that("exit 7")
        told = self.watch(pid, self.pidfd(pid))
        self.assertTrue(self.exits.knows(pid))
        self.assertEqual(await told, wait_status(7))
        self.assertFalse(self.exits.knows(pid))
        self.assertRaises(ChildProcessError, os.waitpid, pid, 0)

    async def test_taken(self) -> None:
        """A status that somebody else took is unknown."""
        pid = child_that("exit 7")
        pidfd = self.pidfd(pid)
        take(pid)
        self.assertEqual(await self.watch(pid, pidfd), None)

    async def test_stopped_watching(self) -> None:
        """Where nobody watches any more, nothing is taken, though it is asked."""
        pid, other = child_that("exit 7"), child_that("exit 8")
        told: list[int | None] = []
        watch = self.exits.watch(pid, self.pidfd(pid), told.append)
        watch.stop()
        watch.check()
        await self.watch(other, self.pidfd(other))
        self.assertEqual(told, [])
        self.assertEqual(take(pid), wait_status(7))

    async def test_told_once(self) -> None:
        """It is told once, also where it is asked for at the same time."""
        pid = child_that("exit 7")
        told: list[int | None] = []
        done: Deferred[None] = Deferred()
        watch = self.exits.watch(pid, self.pidfd(pid), told.append)
        ended(pid)
        watch.check()
        watch.check()
        reactor.callLater(0, lambda: self.agenda.add(done.callback, None))
        await done
        self.assertEqual(told, [wait_status(7)])


class SignalTests(WatchTestCase):
    """By SIGCHLD."""

    async def test_status(self) -> None:
        """The status is told, and the child is reaped and forgotten."""
        pid = child_that("exit 7")
        self.assertEqual(await self.watch(pid, None), wait_status(7))
        self.assertFalse(self.exits.knows(pid))
        self.assertRaises(ChildProcessError, os.waitpid, pid, 0)

    async def test_before(self) -> None:
        """A child that had ended before anybody listened is told too."""
        pid = child_that("exit 7")
        ended(pid)
        self.assertEqual(await self.watch(pid, None), wait_status(7))

    async def test_taken(self) -> None:
        """A status that somebody else took is unknown."""
        pid = child_that("exit 7")
        take(pid)
        self.assertEqual(await self.watch(pid, None), None)

    async def test_only_ours(self) -> None:
        """The child of somebody else is left alone."""
        other = child_that("exit 3")
        pid = child_that("exit 7")
        await self.watch(pid, None)
        self.assertEqual(take(other), wait_status(3))

    async def test_signal_is_given_back(self) -> None:
        """The handler that was there before is called too, and is there again at the end."""
        seen: list[int] = []
        before = signal.signal(signal.SIGCHLD, lambda number, _: seen.append(number))
        self.addCleanup(signal.signal, signal.SIGCHLD, before)
        handler = signal.getsignal(signal.SIGCHLD)
        self.child_signal.install()
        await self.watch(child_that("exit 0"), None)
        self.child_signal.uninstall()
        self.assertIn(signal.SIGCHLD, seen)
        self.assertIs(signal.getsignal(signal.SIGCHLD), handler)

    def test_taken_over(self) -> None:
        """A handler that somebody put in after us stays."""
        before = signal.getsignal(signal.SIGCHLD)
        self.addCleanup(signal.signal, signal.SIGCHLD, before)
        self.child_signal.install()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        self.child_signal.uninstall()
        self.assertEqual(signal.getsignal(signal.SIGCHLD), signal.SIG_IGN)


class HandLoop(Clock):
    """A loop whose time goes on by hand."""

    def callFromThread(self, callable: Callable[..., object], *args: Any) -> None:
        self.callLater(0, callable, *args)

    def addReader(self, reader: object) -> None: ...

    removeReader = addWriter = removeWriter = addReader


class Asked:
    """A child that counts how often it is asked; when it is for the first time, another ends."""

    times = 0

    def check(self) -> None:
        self.times += 1
        if self.times == 1:
            signal.raise_signal(signal.SIGCHLD)

    def stop(self) -> None: ...


class Broken(Asked):
    """One that cannot be asked."""

    def check(self) -> None:
        super().check()
        raise ZeroDivisionError


class RoundTests(SynchronousTestCase):
    """Children without pidfds, when a great many end."""

    def test_rounds(self) -> None:
        """Signals that come during a round make one more, and a child that fails stops none."""
        loop = HandLoop()
        child_signal = ChildSignal(loop)
        self.addCleanup(child_signal.uninstall)
        # A budget of nothing: one item of the agenda in each turn.
        watch = ExitWatch(Agenda(loop, budget=0, descriptors=loop), child_signal)
        children = [Broken(), *(Asked() for _ in range(ASKED_A_TIME * 3))]
        for pid, child in enumerate(children):
            watch.ask_on_signal(pid, child)
            self.addCleanup(watch.forget, pid, child)
        signal.raise_signal(signal.SIGCHLD)
        loop.advance(0)
        # The signals of the first round make a second, those of its very end a third.
        self.assertEqual({child.times for child in children}, {3})
        signal.raise_signal(signal.SIGCHLD)
        loop.advance(0)
        self.assertEqual({child.times for child in children}, {4})
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 4)


class Nursery:
    """Spawns that are under way until the test says otherwise."""

    def __init__(self, agenda: Agenda, exits: ExitWatch, child_signal: ChildSignal) -> None:
        self.agenda, self.exits, self.child_signal = agenda, exits, child_signal
        self.busy = False
        self.waiting: list[Callable[[], object]] = []

    def when_settled(self, then: Callable[[], object]) -> None:
        if self.busy:
            self.waiting.append(then)
        else:
            then()

    def settle(self) -> None:
        waiting, self.waiting = self.waiting, []
        for then in waiting:
            then()


class StrangerTests(WatchTestCase):
    """Children that are nobody's."""

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.nursery = Nursery(self.agenda, self.exits, self.child_signal)
        self.reaped: dict[int, int] = {}
        self.errors: list[OSError] = []
        self.reaper = StrangerReaper(reactor, self.nursery, self.took, self.errors.append)
        self.addCleanup(self.reaper.uninstall)
        self.waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []

    def took(self, pid: int, status: int) -> None:
        self.assertNotIn(pid, self.reaped)
        self.reaped[pid] = status
        for happened, told in tuple(self.waiting):
            if happened():
                self.waiting.remove((happened, told))
                told.callback(None)

    async def until_reaped(self, *pids: int) -> None:
        wanted = set(pids)
        told: Deferred[None] = Deferred()
        if not wanted <= set(self.reaped):
            self.waiting.append((lambda: wanted <= set(self.reaped), told))
            await told

    async def turns(self, number: int = 3) -> None:
        """Let the loop turn a few times."""
        for _ in range(number):
            await running()

    async def test_reaped(self) -> None:
        """A stranger that ends is reaped, and told with its status."""
        self.reaper.install()
        pid = child_that("exit 7")
        await self.until_reaped(pid)
        self.assertEqual(self.reaped, {pid: wait_status(7)})
        self.assertRaises(ChildProcessError, os.waitpid, pid, 0)

    async def test_at_start(self) -> None:
        """Those that had ended before are reaped at the start: the handler was not there yet."""
        pids = [child_that("kill -9 $$") for _ in range(3)]
        for pid in pids:
            ended(pid)
        self.reaper.install()
        await self.until_reaped(*pids)
        self.assertEqual(set(self.reaped.values()), {9})

    async def test_many(self) -> None:
        """Signals come together where many end at once: all are reaped."""
        self.reaper.install()
        pids = [child_that("exit 0") for _ in range(30)]
        await self.until_reaped(*pids)
        self.assertEqual(len(self.reaped), 30)

    async def test_spawn_under_way(self) -> None:
        """What could come from a spawn under way is left until that is known."""
        self.nursery.busy = True
        self.reaper.install()
        pid = child_that("exit 7")
        ended(pid)
        await self.turns()
        self.assertEqual(self.reaped, {})
        self.assertTrue(self.nursery.waiting)
        # It was ours: now it is known.
        told = self.watch(pid, None)
        self.nursery.settle()
        self.assertEqual(await told, wait_status(7))
        self.assertEqual(self.reaped, {})

    async def test_stranger_while_spawning(self) -> None:
        """A stranger does not wait for ever while there are always spawns under way."""
        self.nursery.busy = True
        self.reaper.install()
        pid = child_that("exit 7")
        ended(pid)
        await self.turns()
        self.nursery.settle()  # those known when it was seen; others may have begun
        await self.until_reaped(pid)

    async def test_ours(self) -> None:
        """Our own children are left to their watch, and hide no stranger."""
        pids = [child_that("exit 7") for _ in range(3)]
        stranger = child_that("exit 8")
        for pid in (*pids, stranger):
            ended(pid)
        told = [self.watch(pid, None) for pid in pids]
        self.reaper.install()
        for each in told:
            self.assertEqual(await each, wait_status(7))
        await self.until_reaped(stranger)
        self.assertEqual(list(self.reaped), [stranger])

    async def test_ours_by_pidfd(self) -> None:
        """The same with pidfds."""
        requirements.require(pidfds_work(), "needs pidfds")
        pid, stranger = child_that("exit 7"), child_that("exit 8")
        ended(pid)
        ended(stranger)
        pidfd = os.pidfd_open(pid)
        self.addCleanup(os.close, pidfd)
        told = self.watch(pid, pidfd)
        self.reaper.install()
        self.assertEqual(await told, wait_status(7))
        await self.until_reaped(stranger)
        self.assertEqual(list(self.reaped), [stranger])

    async def test_twisteds(self) -> None:
        """Children of Twisted's own spawnProcess get their status."""
        self.reaper.install()
        world = TwistedWorld()
        for _ in range(5):
            child = await world.start(puppet())
            world.tell(child, "exit 5")
            await child.until(partial(child.has, "ended"))
            self.assertEqual(child.end.exitCode, 5)
        self.assertEqual(self.reaped, {})

    async def test_uninstalled(self) -> None:
        """After uninstall nothing is taken."""
        self.reaper.install()
        self.reaper.uninstall()
        pid = child_that("exit 7")
        ended(pid)
        self.reaper.look()
        await self.turns()
        self.assertEqual(take(pid), wait_status(7))


class SpawnerAndStrangersTests(TestCase):
    """Both at once, as in the daemon."""

    timeout = 60

    async def crowd(self, pidfds: bool) -> None:
        """Very short children and strangers, mixed: each is told to whom it belongs."""
        await running()
        world = OurWorld(pidfds)
        strangers: dict[int, int] = {}
        done: Deferred[None] = Deferred()
        pids: set[int] = set()

        def reaped(pid: int, status: int) -> None:
            strangers[pid] = status
            if len(strangers) == 50:
                done.callback(None)

        reaper = StrangerReaper(reactor, world.spawner, reaped, self.fail)
        reaper.install()
        self.addCleanup(world.clean_up)
        self.addCleanup(reaper.uninstall)
        children: list[Recorder] = []
        for _ in range(50):
            children.append(world.spawn(command("sh", "-c", "exit 7")))
            pids.add(child_that("exit 8"))
        for child in children:
            await child.until(partial(child.has, "exited"))
            self.assertEqual(child.end.exitCode, 7)
        await done
        self.assertEqual(set(strangers), pids)
        self.assertEqual(set(strangers.values()), {wait_status(8)})

    async def test_pidfds(self) -> None:
        """With pidfds."""
        requirements.require(pidfds_work(), "needs pidfds")
        await self.crowd(True)

    async def test_signal(self) -> None:
        """With SIGCHLD."""
        await self.crowd(False)


class SubreaperTests(TestCase):
    """A daemon to which orphans come."""

    timeout = 30

    def test_orphans(self) -> None:
        """A subreaper, like PID 1, reaps the orphans of its children."""
        requirements.require(sys.platform.startswith("linux"), "needs Linux")
        done = subprocess.run(
            [sys.executable, "-c", SUBREAPER],
            capture_output=True,
            text=True,
            timeout=25,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.assertEqual((done.stdout, done.stderr), ("exit status 9\n", ""))


#: Becomes a subreaper and has a child whose orphan ends with 9.
SUBREAPER = """
import ctypes
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
from twisted.internet import reactor
from supervisor_tx.core.exitstatus import status_text
from supervisor_tx.supervision.children.exits import StrangerReaper
from tests.children import OurWorld, command

def reaped(pid, status):
    print(status_text(status))
    reactor.stop()

world = OurWorld(True)
reaper = StrangerReaper(reactor, world.spawner, reaped, print)

def start():
    reaper.install()
    # The grandchild ends only when its parent has.
    world.spawn(command("sh", "-c", "(while kill -0 $$; do :; done; exit 9) 2>/dev/null &"))

reactor.callWhenRunning(start)
reactor.run()
"""
