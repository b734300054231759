"""The spawner's thread, and the reactor that it must never hold up."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import shutil
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from supervisor_tx.errors import SpawnFailed
from supervisor_tx.supervision.children.descriptors import OPEN_FILES
from supervisor_tx.supervision.children.spawner import CROWD, GREAT_CROWD, ROUND, Spawner
from supervisor_tx.supervision.interfaces import ISpawner
from supervisor_tx.testing import MemorySpawner
from tests import requirements
from tests.children import OurWorld, Recorder, command, puppet, reactor, running


class SpawnerTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.world = OurWorld(pidfds=True)
        self.addCleanup(self.world.clean_up)

    def threads(self) -> int:
        return sum(thread.name == "spawner" for thread in threading.enumerate())

    async def test_interface(self) -> None:
        """Both spawners are spawners."""
        verifyObject(ISpawner, self.world.spawner)
        verifyObject(ISpawner, MemorySpawner(reactor))  # type: ignore[arg-type]

    async def test_thread(self) -> None:
        """The thread begins with the first order and ends with stop."""
        self.assertEqual(self.threads(), 0)
        await self.world.start(command("true"))
        self.assertEqual(self.threads(), 1)
        await self.world.spawner.stop()
        self.assertEqual(self.threads(), 0)

    async def test_thrifty(self) -> None:
        """Where descriptors are few, the end of a child is heard of without a pidfd."""
        self.world.spawner.thrifty = True
        child = await self.world.start(command("sh", "-c", "exit 3"))
        self.assertIsNone(child.child.record().pidfd)
        await child.until(partial(child.has, "ended"))
        self.assertIn("exited", child.names())

    async def test_stop_unused(self) -> None:
        """A spawner that was never used stops at once."""
        spawner = Spawner(reactor)
        await spawner.stop()

    async def test_stop_carries_out(self) -> None:
        """Orders that it has are carried out; later ones are refused, in a later turn."""
        early = self.world.spawn(command("echo", "early"))
        stopped = self.world.spawner.stop()
        late = self.world.spawn(command("echo", "late"))
        self.assertIs(self.world.spawner.stop(), stopped)
        self.assertEqual(late.news, [])
        await stopped
        await early.until(partial(early.has, "ended"))
        self.assertEqual(early.data, {1: b"early\n"})
        await late.until(partial(late.has, "failed"))
        self.assertIn("going down", str(late.failure))

    async def test_settled(self) -> None:
        """Who waits for the orders given so far need not wait for later ones."""
        seen: list[str] = []
        settled = self.world.spawner.when_settled
        settled(partial(seen.append, "none"))
        self.assertEqual(seen, ["none"])
        first = Recorder(lambda _: seen.append("first"))
        second = Recorder(lambda _: seen.append("second"))
        self.world.spawn(command("true"), first)
        settled(partial(seen.append, "after first"))
        self.world.spawn(command("true"), second)
        settled(partial(seen.append, "after second"))
        await second.until(partial(second.has, "made"))
        await running()
        self.assertEqual(seen, ["none", "first", "after first", "second", "after second"])

    async def test_failing_callback(self) -> None:
        """A failure that is not taken well is logged; the spawner goes on."""
        seen: list[str] = []

        def bad(_: object) -> None:
            raise ZeroDivisionError

        self.world.spawner.spawn(command("/no/such"), Recorder(), bad)
        self.world.spawner.when_settled(partial(seen.append, "settled"))
        good = await self.world.start(puppet())
        self.assertTrue(good.has("made"))
        self.assertEqual(seen, ["settled"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_files(self) -> None:
        """Children get the limit of open files that the spawner was given, and we keep ours."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        requirements.require(hard >= 900 or hard < 0, "needs a hard limit of 900 open files")
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (900, hard))
        self.addCleanup(OPEN_FILES.set_child_limit, None)
        world = OurWorld(True, child_files=64)
        self.addCleanup(world.clean_up)
        children = [world.spawn(command("sh", "-c", "ulimit -Sn; read x")) for _ in range(100)]
        for child in children:
            await child.until(partial(child.has, "data"))
            self.assertEqual(child.data, {1: b"64\n"})
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 900)

    def program(self) -> str:
        """Return a program of our own that does nothing."""
        folder = os.path.abspath(self.mktemp())
        os.mkdir(folder)
        program = os.path.join(folder, "program")
        shutil.copy(requirements.program("true"), program)
        return program

    def hold(self, program: str) -> int:
        """
        Let the system hold up each exec of a program; return the descriptor that tells of them.

        What does so is a file system watcher that must permit the exec.
        """
        requirements.root()
        libc = ctypes.CDLL(None, use_errno=True)
        watcher: int = libc.fanotify_init(FAN_CLASS_CONTENT, os.O_RDONLY)
        requirements.require(watcher >= 0, "needs fanotify")
        self.addCleanup(os.close, watcher)
        marked = libc.fanotify_mark(
            watcher,
            FAN_MARK_ADD,
            ctypes.c_uint64(FAN_OPEN_EXEC_PERM),
            AT_FDCWD,
            os.fsencode(program),
        )
        requirements.require(marked == 0, "needs fanotify permission events")
        return watcher

    def wait_for_exec(self, watcher: int) -> int:
        """Return when a spawner's thread is in its exec; only this thread waits here."""
        poll = select.poll()
        poll.register(watcher, select.POLLIN)
        self.assertTrue(poll.poll(30_000))
        file: int = struct.unpack("=IBBHQii", os.read(watcher, 24))[5]
        return file

    def permit(self, watcher: int, file: int) -> None:
        """Let the exec go on."""
        os.write(watcher, struct.pack("=iI", file, FAN_ALLOW))
        os.close(file)

    async def test_slow_exec(self) -> None:
        """
        An exec that the system holds up does not hold up the reactor.

        It is let go only after the reactor has turned.
        """
        program = self.program()
        watcher = self.hold(program)
        child = self.world.spawn(command(program))
        file = self.wait_for_exec(watcher)
        for _ in range(20):
            await running()
        self.assertEqual(child.news, [])
        self.permit(watcher, file)
        await child.until(partial(child.has, "exited"))
        self.assertEqual(child.end.exitCode, 0)

    async def test_stuck(self) -> None:
        """Programs that the system does not get to execute do not keep others from being run."""
        world = OurWorld(True, patience=0)
        self.addCleanup(world.clean_up)
        programs = [self.program(), self.program()]
        watchers = [self.hold(program) for program in programs]
        stuck = [world.spawn(command(program)) for program in programs]
        settled: list[str] = []
        world.spawner.when_settled(partial(settled.append, "settled"))
        files = [self.wait_for_exec(watchers[0])]
        other = await world.start(command("true"))
        await other.until(partial(other.has, "exited"))
        files.append(self.wait_for_exec(watchers[1]))
        self.assertEqual([each.news for each in stuck], [[], []])
        self.assertEqual(settled, [])
        stopped = world.spawner.stop()
        for child, watcher, file in zip(stuck, watchers, files, strict=True):
            self.permit(watcher, file)
            await child.until(partial(child.has, "exited"))
        self.assertEqual(settled, ["settled"])
        await stopped
        self.assertEqual(self.threads(), 0)

    async def test_great_crowd(self) -> None:
        """A great many orders are carried out by two threads. They stay, as parents of children."""
        crowd = [self.world.spawn(command("sh", "-c", "exit 3")) for _ in range(3 * GREAT_CROWD)]
        self.assertEqual(self.threads(), 2)
        for each in crowd:
            await each.until(partial(each.has, "ended"))
            self.assertEqual(each.end.exitCode, 3)
        self.assertEqual(self.threads(), 2)
        await self.world.spawner.stop()
        self.assertEqual(self.threads(), 0)

    async def test_great_crowd_stopped(self) -> None:
        """To stop, both threads first carry out all that was ordered."""
        crowd = [self.world.spawn(command("true")) for _ in range(GREAT_CROWD)]
        await self.world.spawner.stop()
        self.assertEqual(self.threads(), 0)
        self.assertTrue(all(each.has("made") for each in crowd))

    async def test_stuck_after_crowd(self) -> None:
        """A thread that waits for the next great crowd does not count as one that could help."""
        world = OurWorld(True, patience=0)
        self.addCleanup(world.clean_up)
        for each in [world.spawn(command("true")) for _ in range(GREAT_CROWD)]:
            await each.until(partial(each.has, "ended"))
        program = self.program()
        watcher = self.hold(program)
        stuck = world.spawn(command(program))
        file = self.wait_for_exec(watcher)
        other = await world.start(command("true"))
        await other.until(partial(other.has, "exited"))
        self.assertEqual(stuck.news, [])
        self.permit(watcher, file)
        await stuck.until(partial(stuck.has, "exited"))

    def order_crowd(self, loop: HandLoop) -> tuple[Spawner, list[int]]:
        """Order many programs that do not exist; return the numbers of those that are answered."""
        spawner = Spawner(loop, pidfds=False, descriptors=loop)
        answered: list[int] = []

        def failed(number: int, error: SpawnFailed) -> None:
            answered.append(number)

        for number in range(MANY):
            spawner.spawn(command("/no/such"), Recorder(), partial(failed, number))
        return spawner, answered

    def test_crowd(self) -> None:
        """However many orders there are, the thread wakes the reactor for the first result only."""
        loop = HandLoop()
        spawner, answered = self.order_crowd(loop)
        loop.call_from_thread()
        stopped = spawner.stop()
        loop.call_from_thread()
        loop.pump([0, 0])
        self.successResultOf(stopped)
        self.assertEqual(answered, list(range(MANY)))
        self.assertEqual(loop.getDelayedCalls(), [])

    def test_rounds(self) -> None:
        """The other results are collected round by round, the last few as they come."""
        loop = HandLoop()
        spawner, answered = self.order_crowd(loop)
        loop.call_from_thread()
        while len(answered) < MANY:
            loop.advance(ROUND)
            with contextlib.suppress(Empty):
                loop.call_from_thread(patience=0.001)
        self.assertEqual(answered, list(range(MANY)))
        spawner.stop()
        loop.call_from_thread()

    def test_no_thread(self) -> None:
        """Where there can be no thread, orders fail in words."""
        requirements.root()
        done = subprocess.run(
            [sys.executable, "-c", NO_THREAD],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.assertEqual(
            (done.stdout, done.stderr),
            ("Too many processes in process table to spawn 'program'\n", ""),
        )

    def test_ignored_sigchld(self) -> None:
        """A daemon that was started with SIGCHLD ignored still learns how its children end."""
        done = subprocess.run(
            [sys.executable, "-c", IGNORED],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
            preexec_fn=partial(signal.signal, signal.SIGCHLD, signal.SIG_IGN),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.assertEqual((done.stdout, done.stderr), ("7\n", ""))


#: Orders that are a crowd.
MANY = CROWD + 20


class HandLoop(Clock):
    """A loop whose time, and whose calls from threads, come by hand. Nothing is ever readable."""

    def __init__(self) -> None:
        super().__init__()
        self._wanted: SimpleQueue[Callable[[], object]] = SimpleQueue()

    def callFromThread(self, callable: Callable[..., object], *args: Any) -> None:
        self._wanted.put(partial(callable, *args))

    def call_from_thread(self, patience: float = 30) -> None:
        """Do what a thread wants next; wait so many seconds for it."""
        self._wanted.get(timeout=patience)()

    def addReader(self, reader: object) -> None: ...

    removeReader = addWriter = removeWriter = addReader


FAN_CLASS_CONTENT = 4
FAN_MARK_ADD = 1
FAN_OPEN_EXEC_PERM = 0x40000
FAN_ALLOW = 1
AT_FDCWD = -100

#: As nobody, with no process left: a spawner cannot even begin its thread.
NO_THREAD = """
import os, resource
from twisted.internet import reactor
from supervisor_tx.supervision.children.spawner import Spawner
from tests.children import Recorder, command
os.setgroups([]); os.setgid(65534); os.setuid(65534)
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
def failed(error):
    print(error)
    reactor.stop()
reactor.callWhenRunning(Spawner(reactor).spawn, command("true"), Recorder(), failed)
reactor.run()
"""

#: Tells the exit code of a child.
IGNORED = """
from twisted.internet import reactor
from tests.children import OurWorld, Recorder, command
from supervisor_tx.supervision.children.exits import StrangerReaper
class Printer(Recorder):
    def processExited(self, reason):
        print(reason.value.exitCode)
        reactor.stop()
def start():
    world = OurWorld(None)
    StrangerReaper(reactor, world.spawner, print, print).install()
    world.spawn(command("sh", "-c", "exit 7"), Printer())
reactor.callWhenRunning(start)
reactor.run()
"""
