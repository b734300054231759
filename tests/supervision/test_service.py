"""Groups together: their start, and their end level by level."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import GroupConfig, ProcessConfig
from supervisor_tx.core.lifecycle import Stop
from supervisor_tx.core.states import ProcessState as S
from supervisor_tx.core.states import SupervisorState
from supervisor_tx.supervision.group import ProcessGroup
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.supervision.service import Supervisor
from supervisor_tx.testing import MemorySpawner
from tests.supervision.test_process import MemoryChannel


def program(name: str, **options: Any) -> ProcessConfig:
    """A program that only needs a name."""
    return ProcessConfig(name=name, command=f"/bin/{name}", program=name, **options)


class SupervisorTests(SynchronousTestCase):
    """Several groups under one roof."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.spawner = MemorySpawner(self.clock)
        self.supervisor = Supervisor(self.clock)

    def group(self, name: str, *processes: ProcessConfig, priority: int = 999) -> ProcessGroup:
        """Add a group."""
        config = GroupConfig(name, priority, processes)
        group = ProcessGroup(config)
        for each in processes:
            group.processes[each.name] = SupervisedProcess(
                config=each,
                group=name,
                clock=self.clock,
                spawner=self.spawner,
                environment={},
                channels={1: MemoryChannel(), 2: MemoryChannel()},
                announce=self.supervisor.changed,
            )
        self.supervisor.add(group)
        return group

    def start(self) -> None:
        """Start all, and let them stay for a second."""
        self.supervisor.start()
        self.clock.advance(0)
        self.clock.advance(1)

    def signalled(self) -> set[str]:
        """Names of the processes that were sent a signal and live."""
        return {
            child.order.name for child in self.spawner.children if child.signals and child.alive
        }

    def end(self, *names: str) -> None:
        """Let children end, and the loop turn."""
        for name in names:
            self.spawner.named(name)[-1].die("TERM")
        self.clock.advance(0)

    def test_start_order(self) -> None:
        """Groups start as they were added, processes as they are configured, not by priority."""
        self.group("a", program("a2", priority=2), program("a1", priority=1))
        self.group("b", program("b", autostart=False), program("c"))
        self.start()
        self.assertEqual([order.name for order in self.spawner.orders], ["a2", "a1", "c"])

    def test_a_name_is_taken(self) -> None:
        """Of two groups with one name the first is the one."""
        first = self.group("a", program("x"))
        self.group("a", program("y"))
        self.assertIs(self.supervisor.groups["a"], first)

    def test_levels(self) -> None:
        """Groups stop by descending priority; those of one priority stop together."""
        self.group("early", program("early"), priority=1)
        self.group("left", program("left"), priority=5)
        self.group("right", program("right"), priority=5)
        self.start()
        down = self.supervisor.stop(SupervisorState.SHUTDOWN)
        self.assertEqual(self.signalled(), {"left", "right"})
        self.end("left")
        self.assertEqual(self.signalled(), {"right"})
        self.end("right")
        self.assertEqual(self.signalled(), {"early"})
        self.assertNoResult(down)
        self.end("early")
        self.successResultOf(down)

    def test_order_in_a_group(self) -> None:
        """Within a group the higher priority number is signalled first, equal ones backwards."""
        group = self.group("g", program("p1", priority=1), program("q1"), program("q2"))
        self.start()
        order: list[str] = []
        for process in group.processes.values():
            process.announce = lambda process, _: order.append(process.name)
        self.supervisor.stop(SupervisorState.SHUTDOWN)
        self.assertEqual(order, ["q2", "q1", "p1"])

    def test_nothing_to_stop(self) -> None:
        """With nothing running it is down at once, and no timer is left."""
        self.group("a", program("a", autostart=False))
        self.successResultOf(self.supervisor.stop(SupervisorState.SHUTDOWN))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_no_timer_is_left(self) -> None:
        """When all is down nothing is waited for."""
        self.group("a", program("a"))
        self.start()
        self.supervisor.stop(SupervisorState.SHUTDOWN)
        self.clock.advance(7)
        self.end("a")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_second_request(self) -> None:
        """A second request hurries nobody, and hears of the end too."""
        self.group("a", program("a"))
        self.start()
        first = self.supervisor.stop(SupervisorState.SHUTDOWN)
        second = self.supervisor.stop(SupervisorState.SHUTDOWN)
        self.assertEqual(self.spawner.children[0].signals, ["TERM"])
        self.end("a")
        self.successResultOf(first)
        self.successResultOf(second)
        self.successResultOf(self.supervisor.stop(SupervisorState.SHUTDOWN))

    def test_shutdown_overrides_restart(self) -> None:
        """A shutdown during a restart makes it one; a restart during a shutdown changes nothing."""
        self.group("a", program("a"))
        self.start()
        self.supervisor.stop(SupervisorState.RESTARTING)
        self.assertIs(self.supervisor.state, SupervisorState.RESTARTING)
        self.supervisor.stop(SupervisorState.SHUTDOWN)
        self.supervisor.stop(SupervisorState.RESTARTING)
        self.assertIs(self.supervisor.state, SupervisorState.SHUTDOWN)

    def test_backoff(self) -> None:
        """A failed start that waits is given up when it is its turn, and waits for no timer."""
        group = self.group("a", program("a"))
        self.supervisor.start()
        self.clock.advance(0)
        self.spawner.children[0].exit(1)
        self.assertIs(group.processes["a"].state, S.BACKOFF)
        self.successResultOf(self.supervisor.stop(SupervisorState.SHUTDOWN))
        self.assertIs(group.processes["a"].state, S.FATAL)

    def test_given_up_at_its_turn(self) -> None:
        """
        Where all that a level had to do was to give up, the next one is waited for all the same.

        The one after that is not told before its time, and nothing is down before all is.
        """
        self.group("early", program("early"), priority=1)
        self.group("middle", program("middle"), priority=2)
        self.group("late", program("late", startretries=9), priority=3)
        self.start()
        self.spawner.named("late")[0].exit(1)
        self.clock.advance(0)
        self.spawner.named("late")[1].exit(1)
        down = self.supervisor.stop(SupervisorState.SHUTDOWN)
        self.clock.advance(0)
        self.assertEqual(self.signalled(), {"middle"})
        self.end("middle")
        self.assertEqual(self.signalled(), {"early"})
        self.assertNoResult(down)
        self.end("early")
        self.successResultOf(down)

    def test_ends_on_its_own(self) -> None:
        """A process that ends during a shutdown before its turn stays ended."""
        self.group("early", program("early"), priority=1)
        self.group("late", program("late"), priority=2)
        self.start()
        down = self.supervisor.stop(SupervisorState.SHUTDOWN)
        self.spawner.named("early")[0].exit(1)
        self.end("late")
        self.successResultOf(down)
        self.assertEqual(len(self.spawner.orders), 2)

    def test_stop_while_spawning(self) -> None:
        """A process whose spawn is under way is waited for and stopped."""
        self.group("a", program("a"))
        self.supervisor.start()
        down = self.supervisor.stop(SupervisorState.SHUTDOWN)
        self.assertNoResult(down)
        self.clock.advance(0)
        self.assertEqual(self.signalled(), {"a"})
        self.end("a")
        self.successResultOf(down)

    def test_stopped_by_hand(self) -> None:
        """What is being stopped already is only waited for."""
        group = self.group("a", program("a"))
        self.start()
        group.processes["a"].feed(Stop())
        down = self.supervisor.stop(SupervisorState.SHUTDOWN)
        self.assertEqual(self.spawner.children[0].signals, ["TERM"])
        self.end("a")
        self.successResultOf(down)

    def test_events(self) -> None:
        """Who listens hears of groups, of the daemon and of each change of state, in order."""
        heard: list[tuple[str, str]] = []
        for name in ("SUPERVISOR_STATE_CHANGE", "PROCESS_STATE", "PROCESS_GROUP"):
            self.supervisor.bus.subscribe(
                name, lambda e: heard.append((e.name, e.payload.decode()))
            )
        self.group("a", program("x"))
        self.start()
        self.supervisor.stop(SupervisorState.SHUTDOWN)
        child = self.spawner.children[0]
        pid = child.pid
        child.exit(0)
        self.clock.advance(0)
        self.supervisor.remove("a")
        head = "processname:x groupname:a from_state:"
        self.assertEqual(
            heard,
            [
                ("PROCESS_GROUP_ADDED", "groupname:a\n"),
                ("SUPERVISOR_STATE_CHANGE_RUNNING", ""),
                ("PROCESS_STATE_STARTING", f"{head}STOPPED tries:0"),
                ("PROCESS_STATE_RUNNING", f"{head}STARTING pid:{pid}"),
                ("SUPERVISOR_STATE_CHANGE_STOPPING", ""),
                ("PROCESS_STATE_STOPPING", f"{head}RUNNING pid:{pid}"),
                ("PROCESS_STATE_STOPPED", f"{head}STOPPING pid:{pid}"),
                ("PROCESS_GROUP_REMOVED", "groupname:a\n"),
            ],
        )
