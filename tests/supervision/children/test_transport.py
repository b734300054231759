"""Real children on our transport: their pipes, their signals, and their records."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from functools import partial
from typing import Any, cast

from twisted.internet.error import ProcessExitedAlready
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from supervisor_tx.supervision.children.childrecord import ChildRecord
from supervisor_tx.supervision.children.transport import (
    LARGE_READ_SIZE,
    READ_SIZE,
    ChildTransport,
    start_time,
)
from supervisor_tx.supervision.interfaces import IChildTransport
from supervisor_tx.values import replace
from tests import requirements
from tests.children import OurWorld, Recorder, command, puppet, running

#: Writes so many bytes of a known pattern and ends.
BURST = "import os, sys; sys.stdout.buffer.write(bytes(range(256)) * 4 * int(sys.argv[1]))"


class FailingEarly(Recorder):
    """Has a bad start."""

    def connectionMade(self) -> None:
        raise ZeroDivisionError

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        raise SystemExit(3)


class FailingLate(Recorder):
    """Has a bad end."""

    def processExited(self, reason: Failure) -> None:
        raise ZeroDivisionError

    def childConnectionLost(self, childFD: int) -> None:
        raise ZeroDivisionError


class TransportTests:
    """Run with pidfds and without."""

    timeout = 60
    pidfds: bool
    epoll: bool

    def setUp(self: Any) -> None:
        self.world = OurWorld(self.pidfds, epoll=self.epoll)
        self.addCleanup(self.world.clean_up)

    def descriptors(self: Any) -> list[str]:
        requirements.require(os.path.isdir("/proc/self/fd"), "needs /proc")
        return sorted(os.listdir("/proc/self/fd"))

    # Output

    async def test_interface(self: Any) -> None:
        """It is a child transport, and has no addresses."""
        child = await self.world.start(puppet())
        verifyObject(IChildTransport, child.child)
        self.assertRaises(NotImplementedError, child.child.getPeer)
        self.assertRaises(NotImplementedError, child.child.getHost)

    async def test_burst(self: Any) -> None:
        """A mebibyte written just before the exit arrives whole, before the exit is told."""
        child = await self.world.start(command(sys.executable, "-c", BURST, "1024"))
        await child.until(partial(child.has, "exited"))
        self.assertEqual(child.data[1], bytes(range(256)) * 4096)

    async def test_burst_while_paused(self: Any) -> None:
        """What fits into the pipe is not lost where it is paused, and the exit is told."""
        child = Recorder(lambda transport: transport.pauseChild(1))
        await self.world.start(command(sys.executable, "-c", BURST, "60"), child)
        await child.until(partial(child.has, "ended"))
        self.assertEqual(child.data[1], bytes(range(256)) * 4 * 60)
        self.assertEqual(child.names().count("data"), 1)

    async def test_pause_holds_the_child(self: Any) -> None:
        """A child that floods a paused pipe waits, and loses nothing."""
        child = Recorder(lambda transport: transport.pauseChild(1))
        await self.world.start(command(sys.executable, "-c", BURST, "1024"), child)
        other = await self.world.start(command("echo", "other"))
        await other.until(partial(other.has, "ended"))
        self.assertEqual((child.has("exited"), child.data), (False, {}))
        child.child.resumeChild(1)
        await child.until(partial(child.has, "exited"))
        self.assertEqual(child.data[1], bytes(range(256)) * 4096)

    async def test_flood(self: Any) -> None:
        """A flood is read in ever larger pieces, and starves neither timers nor other children."""
        flood = await self.world.start(command("yes"))
        sizes: list[int] = []
        flood.childDataReceived = lambda fd, data: sizes.append(len(data))
        other = await self.world.start(puppet())
        for number in range(20):
            self.world.tell(other, f"say 1 {number}.")
            await running()
            await other.until(lambda n=number: other.data.get(1, b"").endswith(f"{n}.".encode()))
        while max(sizes, default=0) <= READ_SIZE:
            await running()
        self.assertLessEqual(max(sizes), LARGE_READ_SIZE)
        self.assertEqual(flood.child.record().read_sizes, ((1, LARGE_READ_SIZE),))

    async def test_failing_protocol(self: Any) -> None:
        """A protocol that raises is logged each time, and its child and others go on."""
        bad = FailingEarly()
        good = await self.world.start(puppet())
        self.world.spawn(command("echo", "hello"), bad)
        await bad.until(partial(bad.has, "ended"))
        self.world.tell(good, "say 1 well")
        await good.until(lambda: 1 in good.data)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError, SystemExit)), 2)

    async def test_failing_at_the_end(self: Any) -> None:
        """A protocol that raises at the exit still hears of the end."""
        child = FailingLate()
        await self.world.start(command("true"), child)
        await child.until(partial(child.has, "ended"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 4)

    async def test_grandchild(self: Any) -> None:
        """A grandchild is read after the exit, and its end of the pipes is noticed."""
        child = await self.world.start(puppet())
        self.world.tell(child, "orphan")
        await child.until(partial(child.has, "exited"))
        child.child.write(b"still there")
        await child.until(lambda: child.data.get(1) == b"still there")
        child.child.closeStdin()
        await child.until(partial(child.has, "ended"))
        self.assertEqual(sorted(item[1] for item in child.news if item[0] == "lost"), [0, 1, 2])

    # Stdin

    async def test_stdin(self: Any) -> None:
        """A large input is written as the child reads it, then its end."""
        data = os.urandom(1_000_000)
        child = await self.world.start(command("cat"))
        child.child.writeSequence([data[:10], data[10:]])
        child.child.write(b"!")
        self.assertGreater(child.child.backlog, 0)
        child.child.closeStdin()
        child.child.write(b"after the end")
        await child.until(partial(child.has, "ended"))
        self.assertEqual(child.data[1], data + b"!")
        self.assertEqual((child.end.exitCode, child.child.backlog), (0, 0))

    async def test_nobody_reads(self: Any) -> None:
        """A child that has closed its stdin is noticed at the next write, and only there."""
        child = await self.world.start(command("sh", "-c", "exec 0<&-; echo closed; exec sleep 99"))
        await child.until(lambda: 1 in child.data)
        child.child.write(b"hello")
        await child.until(partial(child.has, "lost"))
        child.child.write(b"hello")
        self.assertEqual(child.news[2:], [("lost", 0)])

    async def test_closed_while_waiting(self: Any) -> None:
        """So is one that closes it with input still to be written."""
        child = await self.world.start(command("sh", "-c", "read x; exec 0<&-; exec sleep 99"))
        child.child.write(b"x\n" + bytes(1_000_000))
        await child.until(partial(child.has, "lost"))
        self.assertEqual(child.news[1:], [("lost", 0)])
        self.assertEqual(child.child.backlog, 0)

    async def test_other_descriptors(self: Any) -> None:
        """Only stdin can be written."""
        child = await self.world.start(puppet())
        self.assertRaises(KeyError, child.child.writeToChild, 1, b"x")

    async def test_backlog_of_the_dead(self: Any) -> None:
        """What a child had not read when it ended is dropped, and keeps nothing open."""
        child = await self.world.start(command("sleep", "99"))
        child.child.write(bytes(1_000_000))
        child.child.closeStdin()
        child.child.signalProcess("KILL")
        await child.until(partial(child.has, "ended"))
        self.assertEqual(child.end.signal, signal.SIGKILL)

    # Signals

    async def test_signals(self: Any) -> None:
        """A signal is taken by number and by either name."""
        for which in (15, "TERM", "SIGTERM", signal.SIGTERM):
            child = await self.world.start(command("sleep", "99"))
            child.child.signalProcess(which)
            await child.until(partial(child.has, "exited"))
            self.assertEqual(child.end.signal, 15)

    async def test_stopped(self: Any) -> None:
        """A child that is stopped, by itself or by us, has not ended; it can be continued."""
        child = await self.world.start(command("sh", "-c", "kill -STOP $$; echo on; read x"))
        while state(child.child.pid) != "T":
            await running()
        self.assertEqual(child.names(), ["made"])
        child.child.signalProcess("CONT")
        await child.until(lambda: 1 in child.data)
        child.child.signalProcess("STOP")
        child.child.signalProcess("KILL")
        await child.until(partial(child.has, "exited"))
        self.assertEqual(child.end.signal, signal.SIGKILL)

    async def test_group(self: Any) -> None:
        """A signal to the group reaches the grandchildren; one to the process does not."""
        script = "trap 'echo got' USR1; {}; while :; do read x; done"
        inner = f"({script.format('echo ready')}) <&3"
        child = await self.world.start(
            command("sh", "-c", f"exec 3<&0; {inner} & {script.format('echo ready')}")
        )
        await child.until(lambda: child.data.get(1, b"").count(b"ready") == 2)
        child.child.signalGroup(signal.SIGUSR1)
        child.child.write(b"\n" * 4)
        await child.until(lambda: child.data[1].count(b"got") == 2)
        child.child.signalGroup(signal.SIGKILL)
        await child.until(partial(child.has, "ended"))

    async def test_refused(self: Any) -> None:
        """An error that does not mean that it is gone comes through."""
        child = await self.world.start(puppet())
        self.assertRaises(OSError, child.child.signalProcess, 12345)
        self.assertRaises(OSError, child.child.signalGroup, 12345)

    async def test_stolen(self: Any) -> None:
        """A child that another part of the program reaped has ended, nobody knows how."""
        child = await self.world.start(command("sleep", "99"))
        pid = child.child.pid
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(take(pid), 9)
        self.assertRaises(ProcessExitedAlready, child.child.signalProcess, "TERM")
        self.assertRaises(ProcessExitedAlready, child.child.signalGroup, 15)
        await child.until(partial(child.has, "ended"))
        self.assertEqual((child.end.exitCode, child.end.signal), (None, None))

    # Many

    async def test_many(self: Any) -> None:
        """200 children at once: each says its own, ends its own way, and leaves nothing."""
        await running()
        gc.collect()  # what earlier tests have left
        before = self.descriptors()
        children = [
            self.world.spawn(command("sh", "-c", f"echo {number}; exit {number}"))
            for number in range(200)
        ]
        for number, child in enumerate(children):
            await child.until(partial(child.has, "ended"))
            self.assertEqual(child.data, {1: f"{number}\n".encode()})
            self.assertEqual(child.end.exitCode, number)
        self.assertEqual(self.descriptors(), before)

    async def test_all_killed(self: Any) -> None:
        """200 children that are killed at once are all told."""
        children = [await self.world.start(command("sleep", "99")) for _ in range(200)]
        for child in children:
            child.child.signalProcess("KILL")
        for child in children:
            await child.until(partial(child.has, "ended"))
            self.assertEqual(child.end.signal, signal.SIGKILL)

    # Records

    async def hand_over(self: Any, child: Recorder, **changes: Any) -> Recorder:
        """Drop a child's transport, go through JSON, and go on in another world."""
        old = cast("ChildTransport", child.transport)
        record = ChildRecord.from_dict(json.loads(json.dumps(old.release().as_dict())))
        for _, fd in record.descriptors:
            os.set_inheritable(fd, True)  # as over an exec
        self.world.forget(child)
        world = OurWorld(self.pidfds, epoll=self.epoll)
        self.addCleanup(world.clean_up)
        successor = Recorder()
        successor.data = child.data
        world.spawner.adopt(replace(record, **changes), successor)
        world.own(successor)
        self.world = world
        return successor

    async def test_handed_over(self: Any) -> None:
        """Another transport goes on: nothing is lost of what is said and written meanwhile."""
        child = await self.world.start(puppet())
        pid = child.child.pid
        child.child.pauseChild(1)
        self.world.tell(child, "say 1 before.")
        self.world.tell(child, "say 2 ready")
        await child.until(lambda: 2 in child.data)
        heir = await self.hand_over(child)
        self.assertEqual(heir.child.pid, pid)
        self.world.tell(heir, "say 1 after")
        self.world.tell(heir, "say 2 !")
        await heir.until(lambda: heir.data[2] == b"ready!")
        self.assertNotIn(1, heir.data)  # still paused
        heir.child.resumeChild(1)
        await heir.until(lambda: heir.data.get(1) == b"before.after")
        self.world.tell(heir, "exit 3")
        await heir.until(partial(heir.has, "ended"))
        self.assertEqual(heir.end.exitCode, 3)
        self.assertFalse(heir.has("made"))
        self.assertEqual([name for name in heir.names() if name == "exited"], ["exited"])

    async def test_backlog_handed_over(self: Any) -> None:
        """Input that was not written yet is written, and then the end."""
        data = os.urandom(500_000)
        child = await self.world.start(command("cat"))
        child.child.pauseChild(1)
        child.child.write(data)
        child.child.closeStdin()
        self.assertGreater(child.child.backlog, 0)
        heir = await self.hand_over(child)
        heir.child.resumeChild(1)
        await heir.until(partial(heir.has, "ended"))
        self.assertEqual((heir.data[1], heir.end.exitCode), (data, 0))

    async def test_ended_meanwhile(self: Any) -> None:
        """A child that ended while nobody had it is told with its status and its last words."""
        child = await self.world.start(puppet())
        child.child.pauseChild(1)
        self.world.tell(child, "say 1 last")
        self.world.tell(child, "exit 7")
        os.waitid(os.P_PID, child.child.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222
        heir = await self.hand_over(child)
        await heir.until(partial(heir.has, "ended"))
        self.assertEqual((heir.data[1], heir.end.exitCode), (b"last", 7))

    async def test_grandchild_handed_over(self: Any) -> None:
        """Pipes that outlive their child are handed over too; its end is not told again."""
        child = await self.world.start(puppet())
        self.world.tell(child, "orphan")
        await child.until(partial(child.has, "exited"))
        heir = await self.hand_over(child)
        self.assertIsNone(heir.child.pid)
        heir.child.write(b"still there")
        await heir.until(lambda: heir.data.get(1) == b"still there")
        heir.child.loseConnection()
        await heir.until(partial(heir.has, "ended"))
        self.assertNotIn("exited", heir.names())

    async def test_another_with_its_pid(self: Any) -> None:
        """A pid that is by now that of another process is not taken for the child."""
        child = await self.world.start(command("sleep", "99"))
        pid, started = child.child.pid, start_time(child.child.pid)
        requirements.require(started is not None, "needs /proc")
        assert started is not None
        if self.pidfds:
            os.close(child.child.record().pidfd)
        heir = await self.hand_over(child, started=started + 1, pidfd=None)
        await heir.until(partial(heir.has, "exited"))
        self.assertEqual((heir.end.exitCode, heir.end.signal), (None, None))
        self.assertRaises(ProcessExitedAlready, heir.child.signalProcess, "KILL")
        os.kill(pid, signal.SIGKILL)
        heir.child.loseConnection()
        self.assertEqual(take(pid), 9)

    async def test_record_is_plain(self: Any) -> None:
        """A record survives JSON, and ignores what a later version adds."""
        child = await self.world.start(puppet())
        record = child.child.record()
        text = json.dumps({**record.as_dict(), "colour": "blue"})
        self.assertEqual(ChildRecord.from_dict(json.loads(text)), record)
        self.assertEqual(record.started, start_time(child.child.pid))
        self.assertLess(record.started, time.monotonic() * os.sysconf("SC_CLK_TCK") * 1000)


class PidfdTransportTests(TransportTests, TestCase):
    """With pidfds and epoll."""

    pidfds = epoll = True


class PlainTransportTests(TransportTests, TestCase):
    """With what every system has."""

    pidfds = epoll = False


def take(pid: int) -> int:
    """Wait for a child and return its status word."""
    return os.waitpid(pid, 0)[1]


def state(pid: int) -> str:
    """Return the kernel's letter for what a process does."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()[0].decode()
