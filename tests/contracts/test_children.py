"""What every child transport does: ours, its fallback, Twisted's, and the one in memory."""

from __future__ import annotations

import signal
from functools import partial
from typing import Any

from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.trial.unittest import TestCase

from supervisor_tx.errors import CommandNotFound
from tests.children import (
    MemoryWorld,
    OurWorld,
    Recorder,
    TwistedWorld,
    World,
    command,
    puppet,
)

#: Signals that end a process that does nothing about them.
DEADLY = [
    each.name.removeprefix("SIG")
    for each in (
        *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGILL, signal.SIGTRAP),
        *(signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGKILL, signal.SIGUSR1),
        *(signal.SIGSEGV, signal.SIGUSR2, signal.SIGALRM, signal.SIGTERM, signal.SIGXCPU),
        *(signal.SIGVTALRM, signal.SIGPROF, signal.SIGSYS),
    )
]


class ProtocolContract:
    """What a ``ProcessProtocol`` can rely on. Run with every kind of child."""

    timeout = 30

    def make_world(self) -> World:
        raise NotImplementedError

    def setUp(self: Any) -> None:
        self.world = self.make_world()
        self.addCleanup(self.world.clean_up)

    async def test_output(self: Any) -> None:
        """What a child writes arrives with the number of the descriptor."""
        child = await self.world.start(puppet())
        self.world.tell(child, r"say 1 out\n")
        self.world.tell(child, r"say 2 err\n")
        await self.world.until(child, lambda: len(child.data) == 2)
        self.assertEqual(child.data, {1: b"out\n", 2: b"err\n"})

    async def test_bytes(self: Any) -> None:
        """Bytes that are no text pass unchanged."""
        child = await self.world.start(puppet())
        self.world.tell(child, r"say 1 \377\376\303(\n")
        await self.world.until(child, lambda: child.data.get(1, b"").endswith(b"\n"))
        self.assertEqual(child.data[1], b"\xff\xfe\xc3(\n")

    async def test_later(self: Any) -> None:
        """The protocol hears of its child in a later turn than that of the order."""
        child = self.world.spawn(puppet())
        self.assertEqual(child.news, [])
        await self.world.until(child, lambda: child.has("made"))
        self.assertGreater(child.child.pid, 0)

    async def test_exit_codes(self: Any) -> None:
        """An exit code is told: 0 as done, others as terminated."""
        for code in (0, 1, 2, 127, 255):
            child = await self.world.start(puppet())
            self.world.tell(child, f"exit {code}")
            await self.world.until(child, partial(child.has, "exited"))
            self.assertIsInstance(child.end, ProcessTerminated if code else ProcessDone)
            self.assertEqual(
                (child.end.exitCode, child.end.signal, child.end.status), (code, None, code << 8)
            )

    async def test_deaths(self: Any) -> None:
        """A death by a signal is told with its number, for every signal that kills."""
        for name in DEADLY:
            if signal.getsignal(signal.Signals[f"SIG{name}"]) is signal.SIG_IGN:
                continue  # by whoever started the tests, as a shell does with a background job
            child = await self.world.start(puppet())
            self.world.tell(child, f"die {name}")
            await self.world.until(child, partial(child.has, "exited"))
            self.assertIsInstance(child.end, ProcessTerminated)
            self.assertEqual(child.end.exitCode, None, name)
            self.assertEqual(child.end.signal, signal.Signals[f"SIG{name}"], name)

    async def test_order_of_news(self: Any) -> None:
        """First it is made, then it writes, then it exits, and last it has ended: each once."""
        child = await self.world.start(puppet())
        self.world.tell(child, r"say 1 bye\n")
        self.world.tell(child, "exit 0")
        await self.world.until(child, lambda: child.has("ended"))
        names = [name for name in child.names() if name != "lost"]
        self.assertEqual(names, ["made", "data", "exited", "ended"])
        lost = sorted(item[1] for item in child.news if item[0] == "lost")
        self.assertEqual(lost, [0, 1, 2])

    async def test_gone(self: Any) -> None:
        """A child that has exited has no pid and cannot be signalled."""
        child = await self.world.start(puppet())
        self.world.tell(child, "exit 0")
        await self.world.until(child, lambda: child.has("ended"))
        self.assertIsNone(child.child.pid)
        self.assertRaises(ProcessExitedAlready, child.child.signalProcess, "TERM")

    async def test_exit_before_end_of_file(self: Any) -> None:
        """A grandchild that keeps the pipes does not delay the exit, and goes on being heard."""
        child = await self.world.start(puppet())
        self.world.tell(child, "orphan")
        await self.world.until(child, lambda: child.has("exited"))
        self.assertEqual(child.names(), ["made", "exited"])
        child.child.loseConnection()
        await self.world.until(child, lambda: child.has("ended"))
        self.assertEqual(sorted(child.names()[2:]), ["ended", "lost", "lost", "lost"])

    async def test_end_of_file_before_exit(self: Any) -> None:
        """A child may close its outputs and live on."""
        child = await self.world.start(puppet())
        self.world.tell(child, "close 1")
        self.world.tell(child, "close 2")
        await self.world.until(child, lambda: child.names().count("lost") == 2)
        self.assertFalse(child.has("exited"))
        self.world.tell(child, "exit 3")
        await self.world.until(child, lambda: child.has("ended"))
        self.assertEqual(child.end.exitCode, 3)
        self.assertEqual(child.names().count("ended"), 1)

    async def test_pause(self: Any) -> None:
        """A child that is paused is heard when it is resumed."""
        child = await self.world.start(puppet())
        self.pause(child)
        self.world.tell(child, r"say 1 held\n")
        self.world.tell(child, r"say 2 free\n")
        await self.world.until(child, lambda: 2 in child.data)
        self.assertNotIn(1, child.data)
        self.resume(child)
        await self.world.until(child, lambda: 1 in child.data)
        self.assertEqual(child.data[1], b"held\n")

    def pause(self, child: Recorder) -> None:
        child.child.pauseChild(1)

    def resume(self, child: Recorder) -> None:
        child.child.resumeChild(1)


class ChildContract(ProtocolContract):
    """What supervision relies on, beyond what Twisted's own children do."""

    async def test_redirect(self: Any) -> None:
        """With stderr redirected both outputs arrive as one, in order."""
        child = await self.world.start(puppet(redirect_stderr=True))
        for line in ("say 2 a", "say 1 b", "say 2 c"):
            self.world.tell(child, line)
        await self.world.until(child, lambda: len(child.data.get(1, b"")) == 3)
        self.assertEqual(child.data, {1: b"abc"})
        self.world.tell(child, "exit 0")
        await self.world.until(child, lambda: child.has("ended"))
        self.assertEqual(sorted(item[1] for item in child.news if item[0] == "lost"), [0, 1])

    async def test_last_words(self: Any) -> None:
        """What a child had written when it ended comes before its exit, paused or not."""
        child = await self.world.start(puppet())
        child.child.pauseChild(1)
        self.world.tell(child, r"say 1 last\n")
        self.world.tell(child, "exit 0")
        await self.world.until(child, lambda: child.has("ended"))
        self.assertEqual(child.data, {1: b"last\n"})
        self.assertLess(child.names().index("data"), child.names().index("exited"))

    async def test_pause_of_nothing(self: Any) -> None:
        """To pause or resume what is closed does nothing."""
        child = await self.world.start(puppet())
        child.child.closeStdout()
        await self.world.until(child, lambda: child.has("lost"))
        child.child.pauseChild(1)
        child.child.resumeChild(1)
        child.child.resumeChild(2)
        self.world.tell(child, r"say 2 well\n")
        await self.world.until(child, lambda: 2 in child.data)
        self.assertEqual(child.data, {2: b"well\n"})

    async def test_close_is_told_later(self: Any) -> None:
        """To close an end tells the protocol in a later turn, once."""
        child = await self.world.start(puppet())
        child.child.closeStderr()
        child.child.closeStderr()
        self.assertFalse(child.has("lost"))
        await self.world.until(child, lambda: child.has("lost"))
        self.assertEqual(child.news[1:], [("lost", 2)])

    async def test_bad_signal(self: Any) -> None:
        """A signal that does not exist is a ValueError."""
        child = await self.world.start(puppet())
        self.assertRaises(ValueError, child.child.signalProcess, "NONSENSE")

    async def test_group_gone(self: Any) -> None:
        """The group of a child that has exited cannot be signalled."""
        child = await self.world.start(puppet())
        self.world.tell(child, "exit 0")
        await self.world.until(child, lambda: child.has("ended"))
        self.assertRaises(ProcessExitedAlready, child.child.signalGroup, signal.SIGTERM)

    async def test_record(self: Any) -> None:
        """A record names the process, its open descriptors and those that are paused."""
        child = await self.world.start(puppet())
        child.child.pauseChild(2)
        child.child.closeStdin()
        await self.world.until(child, lambda: child.has("lost"))
        record = child.child.record()
        self.assertEqual([pair[0] for pair in record.descriptors], [1, 2])
        self.assertEqual((record.paused, record.reaped), ((2,), False))

    async def test_orders_in_order(self: Any) -> None:
        """Orders are answered in the order given, failures among them."""
        self.fail_one()
        news: list[str] = []
        bad, good = Recorder(), Recorder(lambda _: news.append("good"))
        bad.until(partial(bad.has, "failed")).addCallback(lambda _: news.append("bad failed"))
        self.world.spawn(command("/no/such/program"), bad)
        self.world.spawn(puppet(), good)
        self.assertEqual(news, [])
        await self.world.until(good, partial(good.has, "made"))
        self.assertEqual(news, ["bad failed", "good"])

    def fail_one(self) -> None:
        """Prepare for a failure."""


class PidfdTests(ChildContract, TestCase):
    """Our children, watched by their pidfds."""

    def make_world(self) -> World:
        return OurWorld(pidfds=True)


class SignalTests(ChildContract, TestCase):
    """Our children, watched by SIGCHLD."""

    def make_world(self) -> World:
        return OurWorld(pidfds=False)


class PlainTests(ChildContract, TestCase):
    """Our children on a system that has neither pidfds nor epoll."""

    def make_world(self) -> World:
        return OurWorld(pidfds=False, epoll=False)


class MemoryTests(ChildContract, TestCase):
    """Children in memory."""

    world: MemoryWorld

    def make_world(self) -> World:
        return MemoryWorld()

    def fail_one(self) -> None:
        self.world.spawner.fail_next(CommandNotFound("can't find command '/no/such/program'"))


class TwistedTests(ProtocolContract, TestCase):
    """Children of ``reactor.spawnProcess``."""

    def make_world(self) -> World:
        return TwistedWorld()

    def pause(self, child: Recorder) -> None:
        child.child.pipes[1].pauseProducing()  # type: ignore[attr-defined]

    def resume(self, child: Recorder) -> None:
        child.child.pipes[1].resumeProducing()  # type: ignore[attr-defined]
