"""A changed configuration put into force, with children in memory."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import (
    Config,
    FcgiSocketConfig,
    GroupConfig,
    LogConfig,
    ProcessConfig,
    SupervisordConfig,
)
from supervisor_tx.core.states import ProcessState as S
from supervisor_tx.core.states import SupervisorState
from supervisor_tx.errors import ConfigError, Problem, ShuttingDown
from supervisor_tx.supervision.assembly import Assembly
from supervisor_tx.supervision.group import ProcessGroup
from supervisor_tx.supervision.logs.autolog import AutoLogs
from supervisor_tx.supervision.pool import Exchange
from supervisor_tx.supervision.principal import Principal
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.supervision.service import Supervisor
from supervisor_tx.supervision.update import Done, Updater
from supervisor_tx.testing import FakeChild, MemorySpawner
from supervisor_tx.values import replace
from tests.logs import public_folder

WHO = Principal("internal")
NO_LOG = LogConfig(logfile=None)


def program(name: str, **options: Any) -> ProcessConfig:
    """A program that writes no logs."""
    return ProcessConfig(
        name=name,
        program=name,
        **{"command": f"/bin/{name}", "stdout": NO_LOG, "stderr": NO_LOG, **options},
    )


class FakeDaemon:
    """As much of a daemon as an update needs."""

    def __init__(self, clock: Clock, directory: str) -> None:
        self.clock = clock
        self.spawner = MemorySpawner(clock, obeys={"TERM"})
        self.directory = directory
        self.on_disk: list[GroupConfig] = []
        self.broken = False
        self.supervisor = Supervisor(clock)
        self.config = self.configured = self.read_config()
        self.assembly = Assembly(
            clock=clock,
            spawner=self.spawner,
            config=self.config,
            environ={},
            auto=AutoLogs(directory, "test"),
            announce=self.supervisor.changed,
            exchange=Exchange(self.supervisor.bus, clock, "test"),
        )

    def read_config(self) -> Config:
        if self.broken:
            raise ConfigError([Problem("it is broken", "/conf")])
        return Config(
            "/conf",
            "/",
            SupervisordConfig(logfile="/log", pidfile="/pid", loglevel=20),
            groups=tuple(self.on_disk),
        )

    def activate(self, config: GroupConfig) -> ProcessGroup:
        group = self.assembly.group(config)
        self.supervisor.add(group)
        return group


class UpdateTests(SynchronousTestCase):
    """One daemon, and what its configuration becomes."""

    def setUp(self) -> None:
        self.clock = Clock()
        directory = self.mktemp()
        os.mkdir(directory)
        self.directory = os.path.abspath(directory)
        self.daemon = FakeDaemon(self.clock, self.directory)
        self.updater = Updater(self.daemon)
        self.addCleanup(self.end)

    def end(self) -> None:
        """Let all children end, and close what they shared."""
        for child in self.daemon.spawner.children:
            if child.alive:
                child.die("KILL")
        for group in self.daemon.supervisor.groups.values():
            group.quiesce()
            group.close()

    def begin(self, *groups: GroupConfig) -> None:
        """Run these groups."""
        for group in groups:
            self.daemon.activate(group).autostart()
        self.daemon.on_disk = list(groups)
        self.turn()
        self.clock.advance(1)

    def turn(self) -> None:
        for _ in range(5):
            self.clock.advance(0)

    def apply(self, *groups: GroupConfig) -> Deferred[list[Done]]:
        """Update to these groups, and let the loop turn."""
        self.daemon.on_disk = list(groups)
        done: Deferred[list[Done]] = Deferred.fromCoroutine(self.updater.apply(WHO))
        self.turn()
        return done

    def child(self, name: str) -> FakeChild:
        """The latest child of a process."""
        return self.daemon.spawner.named(name)[-1]

    def process(self, name: str, group: str = "g") -> SupervisedProcess:
        return self.daemon.supervisor.groups[group].processes[name]

    def starts(self) -> list[str]:
        """Names of all processes that were ever started, in order."""
        return [order.name for order in self.daemon.spawner.orders]

    def test_untouched(self) -> None:
        """A member that did not change goes on when another one is started anew."""
        one, two = program("one"), program("two")
        self.begin(GroupConfig("g", 999, (one, two)))
        done = self.apply(GroupConfig("g", 999, (one, replace(two, command="/bin/zwei"))))
        [result] = self.successResultOf(done)
        self.assertEqual((result.step.process, result.problem), ("two", None))
        self.assertEqual(self.starts(), ["one", "two", "two"])
        self.assertEqual(self.child("two").order.command, "/bin/zwei")
        self.assertEqual(self.child("one").signals, [])

    def test_dry_run(self) -> None:
        """A plan touches nothing."""
        self.begin(GroupConfig("g", 999, (program("one"),)))
        self.daemon.on_disk = []
        [step] = self.updater.plan()
        self.assertEqual((step.action.value, step.group), ("remove group", "g"))
        self.assertIs(self.process("one").state, S.RUNNING)

    def test_live(self) -> None:
        """What concerns a process's life changes under it."""
        one = program("one")
        self.begin(GroupConfig("g", 999, (one,)))
        self.apply(GroupConfig("g", 7, (replace(one, stopsignal=2, stopwaitsecs=3),)))
        self.assertEqual(self.starts(), ["one"])
        self.assertEqual(self.daemon.supervisor.groups["g"].priority, 7)
        self.process("one").stop()
        self.assertEqual(self.child("one").signals, ["INT"])
        self.clock.advance(3)
        self.assertEqual(self.child("one").signals, ["INT", "KILL"])

    def test_logs_move(self) -> None:
        """A process that runs goes on in another log, without a byte lost."""
        first, second = (os.path.join(self.directory, name) for name in ("first", "second"))
        one = program("one", stdout=LogConfig(logfile=first))
        self.begin(GroupConfig("g", 999, (one,)))
        self.child("one").say(1, b"before")
        self.apply(GroupConfig("g", 999, (replace(one, stdout=LogConfig(logfile=second)),)))
        self.child("one").say(1, b"after")
        with open(first, "rb") as old, open(second, "rb") as new:
            self.assertEqual((old.read(), new.read()), (b"before", b"after"))

    def test_log_cannot_move(self) -> None:
        """A new log that cannot be opened is told, and the old one goes on."""
        first = os.path.join(self.directory, "first")
        one = program("one", stdout=LogConfig(logfile=first))
        self.begin(GroupConfig("g", 999, (one,)))
        missing = LogConfig(logfile=os.path.join(self.directory, "no", "such"))
        done = self.apply(GroupConfig("g", 999, (replace(one, stdout=missing),)))
        [result] = self.successResultOf(done)
        self.assertIn("No such file", result.problem or "")
        self.child("one").say(1, b"goes on")
        with open(first, "rb") as log:
            self.assertEqual(log.read(), b"goes on")

    def test_stopped_ones_stay_stopped(self) -> None:
        """A process that somebody stopped takes its new command when it is started."""
        one = program("one")
        self.begin(GroupConfig("g", 999, (one,)))
        self.process("one").stop()
        self.turn()
        self.apply(GroupConfig("g", 999, (replace(one, command="/bin/eins"),)))
        self.assertEqual(self.starts(), ["one"])
        self.assertIs(self.process("one").state, S.STOPPED)
        self.assertEqual(self.process("one").config.command, "/bin/eins")

    def test_members_come_and_go(self) -> None:
        """More processes are started, fewer are stopped, and the order is that of the file."""
        one, two, three = (program(name) for name in ("one", "two", "three"))
        self.begin(GroupConfig("g", 999, (one, two)))
        self.apply(GroupConfig("g", 999, (three, one)))
        self.assertEqual(list(self.daemon.supervisor.groups["g"].processes), ["three", "one"])
        self.assertFalse(self.child("two").alive)
        self.assertTrue(self.child("three").alive)

    def test_groups_come_and_go(self) -> None:
        """A group is down before one that is new is started."""
        self.begin(GroupConfig("old", 999, (program("one"),)))
        self.child("one").obeys = ()
        done = self.apply(GroupConfig("new", 999, (program("two"),)))
        self.assertNoResult(done)
        self.assertEqual(self.starts(), ["one"])
        self.child("one").die("TERM")
        self.turn()
        self.successResultOf(done)
        self.assertEqual(self.starts(), ["one", "two"])
        self.assertEqual(list(self.daemon.supervisor.groups), ["new"])

    def test_socket(self) -> None:
        """Processes of an fcgi program share the new socket as they shared the old."""
        directory = str(public_folder(self))  # a socket's path is short

        def socket(name: str) -> FcgiSocketConfig:
            path = os.path.join(directory, name)
            return FcgiSocketConfig(f"unix://{path}", path)

        def group(name: str) -> GroupConfig:
            members = (
                replace(program(f"p{n}"), program="p", socket=socket(name)) for n in range(2)
            )
            return GroupConfig("g", 999, tuple(members))

        self.begin(group("a"))
        self.apply(group("b"))
        orders = self.daemon.spawner.orders
        self.assertEqual(self.starts(), ["p0", "p1", "p0", "p1"])
        self.assertEqual(orders[2].stdin, orders[3].stdin)
        self.assertTrue(os.path.exists(os.path.join(directory, "b")))

    def test_redirection(self) -> None:
        """Another number of channels is taken with the new child."""
        one = program("one")
        self.begin(GroupConfig("g", 999, (one,)))
        self.apply(GroupConfig("g", 999, (replace(one, redirect_stderr=True),)))
        self.assertTrue(self.child("one").order.redirect_stderr)
        self.assertEqual(list(self.process("one").channels), [1])

    def test_broken(self) -> None:
        """A configuration that cannot be read touches nothing."""
        self.begin(GroupConfig("g", 999, (program("one"),)))
        self.daemon.broken = True
        self.failureResultOf(self.apply(), ConfigError)
        self.assertIs(self.process("one").state, S.RUNNING)

    def test_shutdown_overtakes(self) -> None:
        """A shutdown in the middle of an update ends it."""
        self.begin(GroupConfig("old", 999, (program("one"),)))
        self.child("one").obeys = ()
        done = self.apply(GroupConfig("new", 999, (program("two"),)))
        self.daemon.supervisor.stop(SupervisorState.SHUTDOWN)
        self.child("one").die("TERM")
        self.turn()
        self.failureResultOf(done, ShuttingDown)
        self.assertEqual(self.starts(), ["one"])

    def test_one_at_a_time(self) -> None:
        """A second update waits for the first and finds nothing left to do."""
        one = program("one")
        self.begin(GroupConfig("g", 999, (one,)))
        self.child("one").obeys = ()
        changed = GroupConfig("g", 999, (replace(one, command="/bin/eins"),))
        first, second = self.apply(changed), self.apply(changed)
        self.child("one").die("TERM")
        self.turn()
        self.assertEqual(len(self.successResultOf(first)), 1)
        self.assertEqual(self.successResultOf(second), [])
        self.assertEqual(self.starts(), ["one", "one"])
