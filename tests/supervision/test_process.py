"""A supervised process, with children in memory and time by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import FcgiSocketConfig, ProcessConfig
from supervisor_tx.core.lifecycle import Announce, AutoRestart, Quiesce, Start, Stop
from supervisor_tx.core.states import ProcessState as S
from supervisor_tx.errors import NotRunning, SignalRefused, SpawnFailed
from supervisor_tx.supervision.interfaces import Channel, IChildTransport
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.supervision.record import ProcessRecord, take_up, write_down
from supervisor_tx.supervision.sockets import SharedSocket
from supervisor_tx.testing import FakeChild, MemorySpawner
from tests.logs import public_folder

NOON = 1_700_000_000.0


class MemoryChannel:
    """A log in memory."""

    def __init__(self) -> None:
        self.text = b""
        self.is_open = False
        self.refuses: OSError | None = None
        self.reopened = 0
        self.cleared = 0
        self.logfile: str | None = None

    def open(self) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.is_open = True

    def begin(self, transport: IChildTransport) -> None:
        assert self.is_open
        self.transport = transport

    def received(self, data: bytes) -> None:
        assert self.is_open
        self.text += data

    def ended(self) -> None:
        self.is_open = False

    def reopen(self) -> None:
        self.reopened += 1

    def clear(self) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.cleared += self.is_open

    def close(self) -> None:
        self.is_open = False

    def record(self) -> dict[str, Any]:
        return {"text": self.text.decode(), "is_open": self.is_open}

    def resume(self, record: Mapping[str, Any]) -> None:
        self.text = record["text"].encode()
        self.is_open = record["is_open"]


class World:
    """One process and everything around it."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.spawner = MemorySpawner(self.clock)
        self.changes: list[tuple[Announce, int | None]] = []
        self.options = options
        self.process = self.make()

    def make(self) -> SupervisedProcess:
        config = ProcessConfig(**{"name": "web", "command": "/bin/web", **self.options})
        self.stdout, self.stderr = MemoryChannel(), MemoryChannel()
        channels: dict[int, Channel] = (
            {1: self.stdout} if config.redirect_stderr else {1: self.stdout, 2: self.stderr}
        )
        return SupervisedProcess(
            config=config,
            group="web",
            clock=self.clock,
            spawner=self.spawner,
            environment={"A": "1"},
            channels=channels,
            announce=lambda process, change: self.changes.append((change, process.pid)),
            now=lambda: NOON + self.clock.seconds(),
        )

    def start(self) -> FakeChild:
        """Start it and let the spawn complete."""
        self.process.feed(Start())
        self.clock.advance(0)
        return self.child

    @property
    def child(self) -> FakeChild:
        """The latest child."""
        return self.spawner.children[-1]

    def run(self) -> FakeChild:
        """Start it and let it stay for startsecs."""
        child = self.start()
        self.clock.advance(self.process.config.startsecs)
        assert self.process.state is S.RUNNING
        return child

    @property
    def states(self) -> list[S]:
        """The states entered so far."""
        return [change.now for change, _ in self.changes]


class StartTests(SynchronousTestCase):
    """What a start does, and what is seen of it."""

    def test_order(self) -> None:
        """The spawner is told all that the configuration says."""
        world = World(
            directory="/srv", umask=0o27, uid=33, redirect_stderr=True, reset_signals=True
        )
        world.start()
        [order] = world.spawner.orders
        self.assertEqual(order.command, "/bin/web")
        self.assertEqual(order.environment, {"A": "1"})
        self.assertEqual((order.directory, order.umask, order.uid), ("/srv", 0o27, 33))
        self.assertTrue(order.redirect_stderr and order.reset_signals)
        self.assertIsNone(order.stdin)

    def test_running(self) -> None:
        """It runs once it has stayed for startsecs, counted from the spawn."""
        world = World(startsecs=5)
        world.spawner.exec_seconds = 3
        world.process.feed(Start())
        world.clock.advance(3)
        self.assertEqual(world.process.pid, world.child.pid)
        world.clock.advance(4.9)
        self.assertEqual(world.process.state, S.STARTING)
        world.clock.advance(0.1)
        self.assertEqual(world.process.state, S.RUNNING)
        self.assertEqual(world.process.laststart, NOON + 3)

    def test_output(self) -> None:
        """What it writes goes to the log of its channel."""
        world = World()
        child = world.start()
        child.say(1, b"out")
        child.say(2, b"err")
        self.assertEqual((world.stdout.text, world.stderr.text), (b"out", b"err"))

    def test_spawn_refused(self) -> None:
        """A spawn that fails is told in spawnerr and, in two lines, in the stderr log."""
        world = World(startretries=0)
        error = SpawnFailed("couldn't exec /bin/web: ENOEXEC", "couldn't exec /bin/web: ENOEXEC")
        world.spawner.fail_next(error)
        world.process.feed(Start())
        world.clock.advance(0)
        self.assertEqual(world.states, [S.STARTING, S.BACKOFF, S.FATAL])
        self.assertEqual(world.process.spawnerr, "couldn't exec /bin/web: ENOEXEC")
        self.assertEqual(
            world.stderr.text,
            b"supervisor: couldn't exec /bin/web: ENOEXEC\n"
            b"supervisor: child process was not spawned\n",
        )

    def test_complaint_follows_redirection(self) -> None:
        """With redirect_stderr the two lines go to the stdout log."""
        world = World(redirect_stderr=True)
        world.spawner.fail_next(SpawnFailed("no", "no"))
        world.process.feed(Start())
        world.clock.advance(0)
        self.assertIn(b"supervisor: no\n", world.stdout.text)

    def test_log_refused(self) -> None:
        """A log that cannot be opened is a failed start, and no child is made."""
        world = World()
        world.stdout.refuses = IsADirectoryError(21, "Is a directory", "/var/log/web")
        world.process.feed(Start())
        world.clock.advance(0)
        self.assertEqual(world.process.state, S.BACKOFF)
        self.assertIn("making dispatchers for 'web': EISDIR", world.process.spawnerr or "")
        self.assertEqual(world.spawner.orders, [])

    def test_spawnerr_is_forgotten(self) -> None:
        """The next spawn that succeeds clears spawnerr."""
        world = World()
        world.spawner.fail_next(SpawnFailed("no"))
        world.process.feed(Start())
        world.clock.advance(0)
        world.clock.advance(1)
        world.clock.advance(0)
        self.assertIsNone(world.process.spawnerr)
        self.assertEqual(world.process.state, S.STARTING)


class EndTests(SynchronousTestCase):
    """How an end is told."""

    def test_too_quick(self) -> None:
        """An end before startsecs has a reason and no status."""
        world = World()
        world.start().exit(0)
        self.assertEqual(world.process.state, S.BACKOFF)
        self.assertEqual(
            world.process.spawnerr, "Exited too quickly (process log may have details)"
        )
        self.assertIsNone(world.process.exitstatus)

    def test_expected(self) -> None:
        """An expected end leaves no reason."""
        world = World()
        world.run().exit(0)
        self.assertEqual((world.process.exitstatus, world.process.spawnerr), (0, None))

    def test_unexpected(self) -> None:
        """Supervisor tells -1 for every signal."""
        world = World(autorestart=AutoRestart.NEVER)
        world.run().exit(3)
        self.assertEqual((world.process.exitstatus, world.process.spawnerr), (3, "Bad exit code 3"))
        world.run().die("KILL")
        self.assertEqual(
            (world.process.exitstatus, world.process.spawnerr), (-1, "Bad exit code -1")
        )

    def test_pid(self) -> None:
        """Whoever hears of the end still sees the pid; afterwards there is none."""
        world = World()
        child = world.run()
        pid = child.pid
        child.exit(0)
        self.assertEqual(world.changes[-1][1], pid)
        self.assertIsNone(world.process.pid)

    def test_output_at_the_end(self) -> None:
        """The log is closed after the last output."""
        world = World()
        child = world.run()
        child.say(1, b"last words")
        child.exit(0)
        self.assertEqual(world.stdout.text, b"last words")
        self.assertFalse(world.stdout.is_open)

    def test_replaced_at_once(self) -> None:
        """One that was up for long is replaced in the same turn of the loop."""
        world = World()
        child = world.run()
        world.clock.advance(60)
        child.exit(1)
        self.assertEqual(len(world.spawner.orders), 2)

    def test_socket_outlives_a_restart(self) -> None:
        """One that is replaced at once leaves its listening socket to the next, and no gap."""
        world = World()
        path = str(public_folder(self) / "s")  # short: the kernel takes 107 bytes
        world.process.socket = SharedSocket(FcgiSocketConfig(f"unix://{path}", path))
        child = world.run()
        inode = os.stat(path).st_ino
        world.clock.advance(60)
        child.exit(1)
        world.clock.advance(0)
        self.assertEqual(os.stat(path).st_ino, inode)
        self.assertEqual(world.process.socket.users, 1)
        world.process.feed(Quiesce())
        world.child.exit(1)
        self.assertEqual(world.process.socket.users, 0)

    def test_no_fork_storm(self) -> None:
        """One that ends at once is started once a second, however often it ends."""
        world = World(startsecs=0, autorestart=AutoRestart.ALWAYS)
        world.process.feed(Start())
        for _ in range(100):
            world.clock.advance(0.1)
            if world.process.pid is not None:
                world.child.exit(0)
        self.assertIn(len(world.spawner.orders), (9, 10, 11))


class StopTests(SynchronousTestCase):
    """Signals."""

    def test_overdue(self) -> None:
        """A child that outlives stopwaitsecs is sent KILL."""
        world = World(stopwaitsecs=10)
        child = world.run()
        world.process.feed(Stop())
        world.clock.pump([9.9, 0.1])
        self.assertEqual(child.signals, ["TERM", "KILL"])
        child.die("KILL")
        self.assertEqual(world.process.state, S.STOPPED)
        world.clock.advance(100)
        self.assertEqual(child.signals, ["TERM", "KILL"])

    def test_group(self) -> None:
        """stopasgroup and killasgroup reach the process group."""
        world = World(stopasgroup=True, killasgroup=True, stopwaitsecs=1)
        child = world.run()
        world.process.feed(Stop())
        world.clock.advance(1)
        self.assertEqual((child.signals, child.group_signals), ([], ["TERM", "KILL"]))

    def test_gone_before_signal(self) -> None:
        """A child that is gone already is no error; its end is told in time."""
        world = World()
        child = world.run()
        child.refuses_signals = ProcessLookupError(3, "No such process")
        child.exit(0)
        world.process.feed(Stop())
        self.assertEqual(world.process.state, S.EXITED)

    def test_refused(self) -> None:
        """A child that we may not signal makes the state unknown."""
        world = World()
        child = world.run()
        child.refuses_signals = PermissionError(1, "Operation not permitted")
        world.process.feed(Stop())
        self.assertEqual(world.states[-2:], [S.STOPPING, S.UNKNOWN])

    def test_signal(self) -> None:
        """A plain signal changes nothing but what the child makes of it."""
        world = World()
        with self.assertRaises(NotRunning):
            world.process.signal(1)
        child = world.run()
        world.process.signal(1)
        self.assertEqual((child.signals, world.process.state), (["HUP"], S.RUNNING))

    def test_signal_refused(self) -> None:
        """A plain signal that is refused is told to whoever sent it."""
        world = World()
        child = world.run()
        child.refuses_signals = PermissionError(1, "Operation not permitted")
        with self.assertRaises(SignalRefused):
            world.process.signal(1)
        self.assertEqual(world.process.state, S.UNKNOWN)

    def test_subscriber_stops_it(self) -> None:
        """A subscriber may ask for something else from within the news."""
        world = World()

        def stop_at_once(process: SupervisedProcess, change: Announce) -> None:
            if change.now is S.RUNNING:
                process.feed(Stop())

        world.process.announce = stop_at_once
        child = world.start()
        world.clock.advance(1)
        self.assertEqual(world.process.state, S.STOPPING)
        self.assertEqual(child.signals, ["TERM"])

    def test_subscriber_fails(self) -> None:
        """A subscriber that fails does not harm the process."""
        world = World()

        def fail(process: SupervisedProcess, change: Announce) -> None:
            raise RuntimeError("subscriber")

        world.process.announce = fail
        world.process.feed(Start())
        world.clock.advance(0)
        self.assertEqual(world.process.pid, world.child.pid)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


class RecordTests(SynchronousTestCase):
    """Written down and taken up again, a process goes on as if nothing had been."""

    def interrupted(self, world: World) -> World:
        """The same process in what could be another interpreter."""
        record = ProcessRecord.from_dict(
            json.loads(json.dumps(write_down(world.process).as_dict()))
        )
        children = {child.pid: child for child in world.spawner.children}
        for call in list(world.clock.getDelayedCalls()):
            call.cancel()
        world.process = world.make()

        def adopt(child: Any, protocol: Any) -> FakeChild:
            children[child.pid].protocol = protocol
            protocol.transport = children[child.pid]
            return children[child.pid]

        take_up(world.process, record, adopt)
        return world

    def test_starting(self) -> None:
        """What is left of startsecs is waited for."""
        world = World(startsecs=5)
        world.start()
        world.clock.advance(4)
        world = self.interrupted(world)
        world.clock.advance(0.9)
        self.assertEqual(world.process.state, S.STARTING)
        world.clock.advance(0.1)
        self.assertEqual(world.process.state, S.RUNNING)

    def test_running(self) -> None:
        """Output before and after, the end and the restart all arrive."""
        world = World()
        child = world.run()
        child.say(1, b"before, ")
        world = self.interrupted(world)
        child.say(1, b"after")
        self.assertEqual(world.stdout.text, b"before, after")
        self.assertEqual(world.process.pid, child.pid)
        child.exit(1)
        world.clock.advance(0)
        self.assertEqual(world.states[-2:], [S.EXITED, S.STARTING])

    def test_paused(self) -> None:
        """A child that was paused is read again, and its logs know whom to pause."""
        world = World()
        child = world.run()
        child.pauseChild(1)
        world = self.interrupted(world)
        self.assertEqual(child.paused, set())
        self.assertIs(world.stdout.transport, child)

    def test_stopping(self) -> None:
        """A stop that is under way is carried through."""
        world = World(stopwaitsecs=10)
        child = world.run()
        world.process.feed(Stop())
        world.clock.advance(4)
        world = self.interrupted(world)
        world.clock.advance(6)
        self.assertEqual(child.signals, ["TERM", "KILL"])
        child.die("KILL")
        self.assertEqual(world.process.state, S.STOPPED)

    def test_backing_off(self) -> None:
        """The count of failed starts and the wait go on."""
        world = World(startretries=1)
        world.start().exit(1)
        world = self.interrupted(world)
        world.clock.advance(1)
        world.clock.advance(0)
        world.child.exit(1)
        self.assertEqual(world.process.state, S.FATAL)

    def test_spawning(self) -> None:
        """An order that was not yet carried out is given again."""
        world = World()
        world.process.feed(Start())
        world = self.interrupted(world)
        world.clock.advance(0)
        self.assertEqual(world.process.pid, world.child.pid)

    def test_going_down(self) -> None:
        """That the daemon goes down is remembered."""
        world = World(autorestart=AutoRestart.ALWAYS)
        child = world.run()
        world.process.feed(Quiesce())
        world = self.interrupted(world)
        child.exit(0)
        self.assertEqual(world.process.state, S.EXITED)
