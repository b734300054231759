"""Children for tests: a puppet that does as it is told, and a protocol that remembers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, cast

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from supervisor_tx.errors import SpawnFailed
from supervisor_tx.supervision.children.command import find_command
from supervisor_tx.supervision.children.loop import Loop
from supervisor_tx.supervision.children.spawner import PATIENCE, Spawner
from supervisor_tx.supervision.interfaces import IChildTransport, ISpawner, SpawnOrder
from supervisor_tx.testing import FakeChild, MemorySpawner

reactor = cast("Loop", the_reactor)

#: Reads orders from its stdin, a line each, until that ends. "orphan" leaves a grandchild behind
#: that has its pipes, copies stdin to stdout, and ends when stdin does.
PUPPET = r"""
exec 3<&0
while read -r verb first rest; do
    case $verb in
        say) printf "$rest" >&"$first" ;;
        close) eval "exec $first>&-" ;;
        orphan) (cat <&3; :) & exit 0 ;;
        exit) exit "$first" ;;
        die) kill -"$first" $$ ;;
    esac
done
"""


class Recorder(ProcessProtocol):
    """Remembers what a child's transport told it, in order."""

    def __init__(self, on_connect: Callable[[Any], object] = lambda transport: None) -> None:
        self.news: list[tuple[Any, ...]] = []
        self.data: dict[int, bytes] = {}
        self.failure: SpawnFailed | None = None
        self._on_connect = on_connect
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []

    @property
    def child(self) -> IChildTransport:
        return cast("IChildTransport", self.transport)

    def until(self, happened: Callable[[], bool]) -> Deferred[None]:
        """Fire when something has happened, looked at after each piece of news."""
        if happened():
            return succeed(None)
        fired: Deferred[None] = Deferred()
        self._waiting.append((happened, fired))
        return fired

    def has(self, name: str) -> bool:
        return any(item[0] == name for item in self.news)

    def is_answered(self) -> bool:
        return self.transport is not None or self.failure is not None

    def names(self) -> list[str]:
        return [item[0] for item in self.news]

    def _note(self, *news: Any) -> None:
        self.news.append(news)
        self.look()

    def look(self) -> None:
        waiting, self._waiting = self._waiting, []
        for happened, fired in waiting:
            if happened():
                fired.callback(None)
            else:
                self._waiting.append((happened, fired))

    # What is told

    def connectionMade(self) -> None:
        self._on_connect(self.transport)
        self._note("made")

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        self.data[childFD] = self.data.get(childFD, b"") + data
        self._note("data", childFD, data)

    def childConnectionLost(self, childFD: int) -> None:
        self._note("lost", childFD)

    def processExited(self, reason: Failure) -> None:
        self._note("exited", reason.value)

    def processEnded(self, reason: Failure) -> None:
        self._note("ended", reason.value)

    def failed(self, error: SpawnFailed) -> None:
        self.failure = error
        self._note("failed", error)

    # What the tests ask

    @property
    def end(self) -> Any:
        """The error of processExited: exitCode, signal, status."""
        [end] = [item[1] for item in self.news if item[0] == "exited"]
        return end


async def running() -> None:
    """Return when the reactor runs: it puts in its own signal handlers when trial starts it."""
    turned: Deferred[None] = Deferred()
    reactor.callLater(0, turned.callback, None)
    await turned


def puppet(**options: Any) -> SpawnOrder:
    """Return the order for a puppet."""
    return SpawnOrder("puppet", f"sh -c '{PUPPET}'", dict(os.environ), **options)


def command(*words: str, **options: Any) -> SpawnOrder:
    """Return the order for a program and its arguments, as they are."""
    line = " ".join("'" + word.replace("'", "'\"'\"'") + "'" for word in words)
    options.setdefault("environment", dict(os.environ))
    return SpawnOrder("program", line, **options)


class World:
    """A way to have children; the tests of the contract are run in each."""

    spawner: ISpawner

    def spawn(self, order: SpawnOrder, recorder: Recorder | None = None) -> Recorder:
        """Order a child."""
        recorder = recorder or Recorder()
        self.spawner.spawn(order, recorder, recorder.failed)
        return recorder

    async def start(self, order: SpawnOrder, recorder: Recorder | None = None) -> Recorder:
        """Order a child, and return when it is there."""
        recorder = self.spawn(order, recorder)
        await self.until(recorder, recorder.is_answered)
        return recorder

    async def until(self, recorder: Recorder, happened: Callable[[], bool]) -> None:
        """Return when something has happened."""
        await recorder.until(happened)

    def tell(self, recorder: Recorder, line: str) -> None:
        """Have a puppet do something."""
        recorder.child.writeToChild(0, line.encode("ascii") + b"\n")

    def clean_up(self) -> Deferred[None] | None:
        """Leave nothing behind."""


class RealWorld(World):
    """Children that are processes."""

    def __init__(self) -> None:
        self._recorders: list[Recorder] = []

    def spawn(self, order: SpawnOrder, recorder: Recorder | None = None) -> Recorder:
        recorder = super().spawn(order, recorder)
        self._recorders.append(recorder)
        return recorder

    def own(self, recorder: Recorder) -> None:
        """Clean up after a child that was not spawned here."""
        self._recorders.append(recorder)

    def forget(self, recorder: Recorder) -> None:
        """Leave a child alone at the end."""
        self._recorders.remove(recorder)

    async def end_all(self) -> None:
        """End whatever lives, descendants too."""
        for recorder in self._recorders:
            await recorder.until(recorder.is_answered)
            if recorder.transport is not None:
                self.end(recorder.child)
                recorder.child.loseConnection()
                await recorder.until(partial(recorder.has, "ended"))

    def end(self, child: IChildTransport) -> None:
        """End one, if it lives."""
        with suppress(ProcessExitedAlready):
            child.signalGroup(signal.SIGKILL)


class OurWorld(RealWorld):
    """Children of our spawner, with pidfds or without, on epoll or without."""

    def __init__(
        self,
        pidfds: bool | None,
        child_files: int | None = None,
        epoll: bool = True,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__()
        descriptors = None if epoll else reactor
        self.spawner: Spawner = Spawner(reactor, child_files, pidfds, descriptors, patience)

    def clean_up(self) -> Deferred[None] | None:
        async def end() -> None:
            await self.end_all()
            await self.spawner.stop()
            self.spawner.child_signal.uninstall()

        return Deferred.fromCoroutine(end())


@implementer(ISpawner)
class TwistedSpawner:
    """Twisted's own ``spawnProcess`` behind our interface, as far as it goes."""

    def spawn(
        self,
        order: SpawnOrder,
        protocol: ProcessProtocol,
        failed: Callable[[SpawnFailed], object],
    ) -> None:
        reactor.callLater(0, self._spawn, order, protocol)

    def _spawn(self, order: SpawnOrder, protocol: ProcessProtocol) -> None:
        found = find_command(order.command, order.environment.get("PATH"))
        cast("Any", the_reactor).spawnProcess(
            protocol, found.file, found.argv, order.environment, childFDs={0: "w", 1: "r", 2: "r"}
        )


class TwistedWorld(RealWorld):
    """Children of ``reactor.spawnProcess``: what a ``ProcessProtocol`` is used to."""

    def __init__(self) -> None:
        super().__init__()
        self.spawner: ISpawner = TwistedSpawner()

    def end(self, child: IChildTransport) -> None:
        with suppress(ProcessExitedAlready):
            child.signalProcess("KILL")  # its children have no process group of their own

    def clean_up(self) -> Deferred[None] | None:
        return Deferred.fromCoroutine(self.end_all())


class MemoryWorld(World):
    """Children in memory."""

    verbs: ClassVar[dict[str, Callable[[FakeChild, str, str], None]]] = {
        "say": lambda child, fd, text: child.say(int(fd), _printf(text)),
        "close": lambda child, fd, _: child.close(int(fd)),
        "orphan": lambda child, *_: _orphan(child),
        "exit": lambda child, code, _: child.exit(int(code)),
        "die": lambda child, name, _: child.die(name),
    }

    def __init__(self) -> None:
        self.clock = Clock()
        self.spawner: MemorySpawner = MemorySpawner(self.clock)

    async def until(self, recorder: Recorder, happened: Callable[[], bool]) -> None:
        for _ in range(10):
            if happened():
                return
            self.clock.advance(0)
        raise AssertionError(f"it did not happen: {recorder.news}")

    def tell(self, recorder: Recorder, line: str) -> None:
        child = cast("FakeChild", recorder.transport)
        verb, first, rest = [*line.split(" ", 2), "", ""][:3]
        self.verbs[verb](child, first, rest)


def _orphan(child: FakeChild) -> None:
    child.holds_pipes = True
    child.exit(0)


def _printf(text: str) -> bytes:
    """Understand octal numbers and newlines after a backslash, as printf does."""
    return text.encode("ascii").decode("unicode_escape").encode("latin-1")
