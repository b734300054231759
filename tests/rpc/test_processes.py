"""Starting, stopping and signalling, as clients ask for it and are answered."""

from __future__ import annotations

import errno
from typing import Any

from supervisor_tx.activity import Level
from supervisor_tx.core.lifecycle import AutoRestart
from supervisor_tx.core.states import ProcessState as S
from supervisor_tx.errors import SpawnFailed
from tests.logs import Messages
from tests.rpc.stage import RpcTestCase, group, ok, program, result_list


class StartTests(RpcTestCase):
    def test_waits_until_it_runs(self) -> None:
        """A start is answered when the process is RUNNING."""
        self.run_groups(group("a"))
        asked = self.ask("supervisor.startProcess", "a")
        self.turn()
        self.clock.advance(0.9)
        self.assertNoResult(asked)
        self.clock.advance(0.1)
        self.assertEqual(self.result(asked), True)

    def test_without_waiting(self) -> None:
        """Without wait it is answered as soon as there is a process."""
        self.run_groups(group("a"))
        asked = self.ask("supervisor.startProcess", "a", False)
        self.assertNoResult(asked)
        self.clock.advance(0)
        self.assertEqual(self.result(asked), True)
        self.assertIs(self.process("a").state, S.STARTING)

    def test_everything_is_true_or_not(self) -> None:
        """Any value does for wait: an empty text is false, a zero too, the word no is true."""
        self.run_groups(group("a"), group("b"), group("c"))
        self.assertEqual(self.success("supervisor.startProcess", "a", ""), True)
        self.assertEqual(self.success("supervisor.startProcess", "b", 0), True)
        self.assertNoResult(self.ask("supervisor.startProcess", "c", "no"))

    def test_startsecs_of_nothing(self) -> None:
        """With startsecs=0 it runs as soon as there is a process."""
        self.run_groups(group("a", program("a", startsecs=0)))
        self.assertEqual(self.success("supervisor.startProcess", "a"), True)
        self.assertIs(self.process("a").state, S.RUNNING)

    def test_unknown(self) -> None:
        """A name that nothing has is returned as it came."""
        self.run_groups(group("g", program("a")))
        for name in ("nope", "a", "g", "g:nope", "nope:*", "nope:", " g:a", "", ":", "g:a:b"):
            with self.subTest(name):
                expected = (10, f"BAD_NAME: {name}")
                self.assertEqual(self.call("supervisor.startProcess", name), expected)
                self.assertEqual(self.call("supervisor.stopProcess", name), expected)
                self.assertEqual(self.call("supervisor.signalProcess", name, "HUP"), expected)

    def test_already_started(self) -> None:
        """What counts as started is not started again, a failed start that waits included."""
        self.run_groups(group("g", program("a")))
        self.ask("supervisor.startProcess", "g:a")
        expected = (60, "ALREADY_STARTED: g:a")
        self.assertEqual(self.call("supervisor.startProcess", "g:a"), expected)
        self.turn()
        self.child("a").exit(1)
        self.assertIs(self.process("g:a").state, S.BACKOFF)
        self.assertEqual(self.call("supervisor.startProcess", "g:a"), expected)
        self.clock.advance(1)
        self.turn()
        self.clock.advance(1)
        self.assertIs(self.process("g:a").state, S.RUNNING)
        self.assertEqual(self.call("supervisor.startProcess", "g:a"), expected)

    def test_the_command_comes_first(self) -> None:
        """A command that cannot be run is reported even of a process that runs."""
        (self.directory / "plain").write_text("")
        plain = str(self.directory / "plain")
        cases = (
            ("/no/such", 20, "NO_FILE: can't find command '/no/such'"),
            ("no-such-command", 20, "NO_FILE: can't find command 'no-such-command'"),
            ("/", 21, "NOT_EXECUTABLE: command at '/' is a directory"),
            (plain, 21, f"NOT_EXECUTABLE: command at {plain!r} is not executable"),
            ("'", 21, "NOT_EXECUTABLE: can't parse command \"'\": No closing quotation"),
            ("", 21, "NOT_EXECUTABLE: command is empty"),
        )
        for number, (command, code, text) in enumerate(cases):
            with self.subTest(command):
                name = f"a{number}"
                self.run_groups(group(name, program(name, command=command, autostart=True)))
                self.turn()
                self.assertEqual(self.call("supervisor.startProcess", name), (code, text))
                self.assertIs(self.process(name).state, S.STARTING)
                self.daemon.supervisor.groups.clear()

    def test_spawn_fails(self) -> None:
        """A program that cannot be executed is a SPAWN_ERROR, with and without waiting."""
        for wait in (True, False):
            with self.subTest(wait):
                name = f"a{wait}"
                self.run_groups(group("g", program(name)))
                self.daemon.spawner.fail_next(SpawnFailed("no fork", "couldn't exec"))
                expected = (50, f"SPAWN_ERROR: g:{name}")
                self.assertEqual(
                    self.success("supervisor.startProcess", f"g:{name}", wait), expected
                )
                self.daemon.supervisor.groups.clear()

    def test_ends_too_early(self) -> None:
        """A process that ends before startsecs is a SPAWN_ERROR, given up or not."""
        for retries in (0, 3):
            with self.subTest(retries):
                name = f"a{retries}"
                self.run_groups(group(name, program(name, startretries=retries)))
                asked = self.ask("supervisor.startProcess", name)
                self.turn()
                self.child(name).exit(0)
                self.assertEqual(self.result(asked), (50, f"SPAWN_ERROR: {name}"))

    def test_is_stopped_meanwhile(self) -> None:
        """A process that somebody stops while another waits for its start ends abnormally."""
        self.run_groups(group("a"))
        asked = self.ask("supervisor.startProcess", "a")
        self.turn()
        self.ask("supervisor.stopProcess", "a")
        self.assertEqual(self.result(asked), (40, "ABNORMAL_TERMINATION: a"))

    def test_ends_after_startsecs(self) -> None:
        """An end after startsecs that is told together with it is abnormal, if it is expected."""
        self.run_groups(group("a", program("a", autorestart=AutoRestart.NEVER)))
        asked = self.ask("supervisor.startProcess", "a")
        self.turn()
        process = self.process("a")
        process.spawned_at -= 1  # the timer is late
        self.child("a").exit(0)
        self.assertEqual(self.result(asked), (40, "ABNORMAL_TERMINATION: a"))

    def test_while_it_stops(self) -> None:
        """What is being stopped is not started; that is no fault to those who do not wait."""
        self.daemon.spawner.obeys = ()
        self.run_groups(group("a"), start=True)
        self.ask("supervisor.stopProcess", "a")
        self.assertEqual(self.call("supervisor.startProcess", "a", False), True)
        expected = (40, "ABNORMAL_TERMINATION: a")
        self.assertEqual(self.call("supervisor.startProcess", "a"), expected)
        self.assertEqual(len(self.daemon.spawner.children), 1)

    def test_unknown_state(self) -> None:
        """A process that could not be killed is not started."""
        self.run_groups(group("g", program("a")), start=True)
        self.child("a").refuses_signals = PermissionError(errno.EPERM, "no")
        self.ask("supervisor.stopProcess", "g:a")
        self.assertIs(self.process("g:a").state, S.UNKNOWN)
        expected = (30, "FAILED: g:a is in an unknown process state")
        self.assertEqual(self.call("supervisor.startProcess", "g:a"), expected)

    def test_gone_while_looked_up(self) -> None:
        """A group that is removed, or a daemon that goes down, while a command is looked up."""
        self.run_groups(group("a"), group("b"))
        self.daemon.waiting = []
        asked = self.ask("supervisor.startProcess", "a")
        self.assertEqual(self.call("supervisor.removeProcessGroup", "a"), True)
        self.daemon.work()
        self.assertEqual(self.result(asked), (10, "BAD_NAME: a"))
        asked = self.ask("supervisor.startProcess", "b")
        both = self.ask("supervisor.startAllProcesses")
        self.assertEqual(self.call("supervisor.shutdown"), True)
        self.daemon.work()
        self.assertEqual(self.result(asked), (6, "SHUTDOWN_STATE"))
        self.assertEqual(self.result(both), result_list(("b", "b", 6, "SHUTDOWN_STATE")))
        self.assertEqual(self.daemon.spawner.orders, [])

    def test_two_at_once(self) -> None:
        """Of two who start the same process at the same time the second is told."""
        self.run_groups(group("a"))
        self.daemon.waiting = []
        first = self.ask("supervisor.startProcess", "a", False)
        second = self.ask("supervisor.startProcess", "a", False)
        self.daemon.work()
        self.turn()
        self.assertEqual(self.result(first), True)
        self.assertEqual(self.result(second), (60, "ALREADY_STARTED: a"))


class ManyTests(RpcTestCase):
    """Groups, and all."""

    def test_order_of_start(self) -> None:
        """Processes start by priority, those of the group of lower priority first."""
        self.run_groups(
            group("late", program("l"), priority=2),
            group("early", program("e9", priority=9), program("e1", priority=1), priority=1),
        )
        asked = self.ask("supervisor.startAllProcesses")
        self.turn()
        self.assertEqual([order.name for order in self.daemon.spawner.orders], ["e1", "e9", "l"])
        self.clock.advance(1)
        self.assertEqual(self.result(asked), ok("early:e1", "early:e9", "late:l"))

    def test_order_of_answers(self) -> None:
        """What is settled at once comes first, by priority, then the rest as it comes."""
        self.run_groups(
            group(
                "g",
                program("slow", priority=1, startsecs=3),
                program("quick", priority=2),
                program("at-once", priority=3, startsecs=0),
                program("missing", priority=4, command="/no/such"),
                program("broken", priority=5),
            )
        )
        asked = self.ask("supervisor.startProcessGroup", "g")
        self.turn()
        self.child("broken").exit(1)
        self.clock.advance(1)
        self.clock.advance(2)
        self.assertEqual(
            self.result(asked),
            result_list(
                ("at-once", "g", 80, "OK"),
                ("missing", "g", 20, "NO_FILE: can't find command '/no/such'"),
                ("broken", "g", 50, "SPAWN_ERROR: g:broken"),
                ("quick", "g", 80, "OK"),
                ("slow", "g", 80, "OK"),
            ),
        )

    def test_without_waiting(self) -> None:
        """Without wait all is settled at once, by priority."""
        self.run_groups(
            group("g", program("b", priority=2), program("a", priority=1)), group("other")
        )
        self.assertEqual(self.success("supervisor.startProcess", "g:*", False), ok("g:a", "g:b"))
        self.assertEqual(self.success("supervisor.startProcess", "g:", False), [])
        self.assertIs(self.process("other").state, S.STOPPED)

    def test_only_what_makes_sense(self) -> None:
        """Only those that do not run are started, only those that run are stopped."""
        self.run_groups(group("a"), group("b"))
        self.ask("supervisor.startProcess", "a", False)
        self.turn()
        self.assertEqual(self.success("supervisor.startAllProcesses", False), ok("b"))
        self.ask("supervisor.stopProcess", "a")
        self.assertEqual(self.success("supervisor.stopAllProcesses"), ok("b"))
        self.assertEqual(self.success("supervisor.stopAllProcesses"), [])

    def test_about_to_start_again(self) -> None:
        """Who waits for the next start when all is stopped is not told of, and stays down."""
        looping = program("a", startsecs=0, autorestart=AutoRestart.ALWAYS)
        self.run_groups(group("a", looping), group("b"), start=True)
        for _ in range(2):  # the first time it is started again at once
            self.child("a").exit(0)
            self.turn()
        self.assertIs(self.process("a").state, S.EXITED)
        self.assertEqual(self.success("supervisor.stopAllProcesses"), ok("b"))
        self.clock.advance(5)
        self.assertIs(self.process("a").state, S.EXITED)

    def test_very_many(self) -> None:
        """A great many are begun some in each turn of the loop, in order, and all are told."""
        names = [f"p{number:03}" for number in range(120)]
        self.run_groups(group("g", *(program(name) for name in names)))
        asked = self.ask("supervisor.startAllProcesses", False)
        self.assertEqual(len(self.daemon.spawner.orders), 25)
        self.turn()
        self.assertEqual([order.name for order in self.daemon.spawner.orders], names)
        self.assertEqual(self.result(asked), ok(*(f"g:{name}" for name in names)))

    def test_ends_together(self) -> None:
        """Processes that end at the same time, in whatever order, are told by priority."""
        self.daemon.spawner.obeys = ()
        self.run_groups(group("g", program("b"), program("a", priority=1)), start=True)
        asked = self.ask("supervisor.stopAllProcesses")
        self.assertEqual(self.child("a").signals, ["TERM"])
        self.child("b").die("TERM")
        self.clock.advance(0.09)
        self.child("a").die("TERM")
        self.assertEqual(self.result(asked), ok("g:a", "g:b"))

    def test_stop_order(self) -> None:
        """Stopping goes by ascending priority too; the answers are as they come."""
        self.daemon.spawner.obeys = ()
        self.run_groups(group("g", program("b", priority=2), program("a", priority=1)), start=True)
        asked = self.ask("supervisor.stopProcess", "g:*")
        self.child("b").die("TERM")
        self.clock.advance(0.2)
        self.assertNoResult(asked)
        self.child("a").die("TERM")
        self.assertEqual(self.result(asked), ok("g:b", "g:a"))

    def test_names_of_groups(self) -> None:
        """The methods for groups take the name of a group and nothing else."""
        self.run_groups(group("g", program("a")))
        for method in ("startProcessGroup", "stopProcessGroup"):
            for name in ("nope", "g:a", "g:*", ""):
                expected = (10, f"BAD_NAME: {name}")
                self.assertEqual(self.call(f"supervisor.{method}", name), expected)
        expected = (10, "BAD_NAME: g:*")
        self.assertEqual(self.call("supervisor.signalProcessGroup", "g:*", "HUP"), expected)

    def test_nothing_there(self) -> None:
        """Without processes there is nothing to do, and nothing to wait for."""
        for method in ("startAllProcesses", "stopAllProcesses", "clearAllProcessLogs"):
            self.assertEqual(self.call(f"supervisor.{method}"), [])
        self.assertEqual(self.call("supervisor.signalAllProcesses", "HUP"), [])


class StopTests(RpcTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.daemon.spawner.obeys = ()

    def test_waits_until_it_is_down(self) -> None:
        """A stop is answered when the process has ended."""
        self.run_groups(group("a"), start=True)
        asked = self.ask("supervisor.stopProcess", "a")
        self.clock.advance(5)
        self.assertNoResult(asked)
        self.child("a").die("TERM")
        self.assertEqual(self.result(asked), True)

    def test_without_waiting(self) -> None:
        """Without wait it is answered when the signal was sent."""
        self.run_groups(group("a"), start=True)
        self.assertEqual(self.call("supervisor.stopProcess", "a", False), True)
        self.assertEqual(self.child("a").signals, ["TERM"])

    def test_not_running(self) -> None:
        """What does not run cannot be stopped; what is being stopped does not run."""
        self.run_groups(group("g", program("a")))
        expected = (70, "NOT_RUNNING: g:a")
        self.assertEqual(self.call("supervisor.stopProcess", "g:a"), expected)
        self.success("supervisor.startProcess", "g:a", False)
        self.ask("supervisor.stopProcess", "g:a")
        self.assertEqual(self.call("supervisor.stopProcess", "g:a"), expected)

    def test_backoff(self) -> None:
        """A failed start that waits is stopped at once."""
        self.run_groups(group("a"))
        self.ask("supervisor.startProcess", "a")
        self.turn()
        self.child("a").exit(1)
        self.assertEqual(self.call("supervisor.stopProcess", "a"), True)
        self.assertIs(self.process("a").state, S.STOPPED)

    def test_while_it_is_spawned(self) -> None:
        """A process that is just being spawned is stopped when it is there."""
        self.run_groups(group("a"))
        self.ask("supervisor.startProcess", "a")
        asked = self.ask("supervisor.stopProcess", "a")
        self.assertNoResult(asked)
        self.turn()
        self.child("a").die("TERM")
        self.assertEqual(self.result(asked), True)

    def test_refused(self) -> None:
        """A signal that the kernel refuses is a FAILED that says why."""
        self.run_groups(group("a"), start=True)
        self.child("a").refuses_signals = PermissionError(errno.EPERM, "not permitted")
        code, text = self.call("supervisor.stopProcess", "a")
        self.assertEqual(code, 30)
        self.assertIn("FAILED: unknown problem killing a (1001):", text)
        self.assertIn("not permitted", text)

    def test_somebody_leaves(self) -> None:
        """A client that goes away changes nothing: the stop goes on, others are answered."""
        self.run_groups(group("a"), start=True)
        asked = self.ask("supervisor.stopProcess", "a")
        asked.addErrback(lambda _: None)
        asked.cancel()
        self.child("a").die("TERM")
        self.assertIs(self.process("a").state, S.STOPPED)
        self.assertEqual(self.process("a").watchers, [])
        self.turn()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_tells_who_is_waited_for(self) -> None:
        """The log names what is waited for, at once and every two seconds, for all who wait."""
        self.run_groups(group("g", program("a", stopwaitsecs=100)), start=True)
        log = Messages(self)
        asked = [self.ask("supervisor.stopProcess", "g:a")]
        self.assertEqual(log.above(Level.INFO), ["INFO waiting for a to stop"])
        self.clock.pump([1.9, 0.2, 1.8])
        self.assertEqual(log.above(Level.INFO), ["INFO waiting for a to stop"] * 2)
        self.child("a").die("TERM")
        self.assertEqual(self.result(asked[0]), True)
        self.turn()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_is_quiet_where_nobody_waits(self) -> None:
        """Nothing is said of stops that nobody waits for, or that are over at once."""
        self.run_groups(group("a"), start=True)
        self.run_groups(group("c"))
        log = Messages(self)
        self.call("supervisor.stopProcess", "a", False)
        self.daemon.spawner.fail_next(SpawnFailed("no fork"))
        self.success("supervisor.startProcess", "c", False)
        self.assertEqual(self.call("supervisor.stopProcess", "c"), True)
        self.assertEqual([line for line in log.all if "waiting" in line], [])


class SignalTests(RpcTestCase):
    def test_names_and_numbers(self) -> None:
        """A signal is a name with or without SIG in any case, or a number, or that as text."""
        self.daemon.spawner.obeys = ()
        self.run_groups(group("a"), start=True)
        for signal in ("HUP", "SIGHUP", "hup", 1, "1", 1.0, True):
            self.assertEqual(self.call("supervisor.signalProcess", "a", signal), True)
        self.assertEqual(self.child("a").signals, ["HUP"] * 7)
        self.assertEqual(self.child("a").group_signals, [])

    def test_bad_signals(self) -> None:
        """What is no signal is returned as it came; it counts more than whether it runs."""
        self.run_groups(group("a"))
        for signal in ("NOPE", "", 99, -1, "SIG", "1.5"):
            expected = (11, f"BAD_SIGNAL: {signal}")
            self.assertEqual(self.call("supervisor.signalProcess", "a", signal), expected)

    def test_not_running(self) -> None:
        """What does not run takes no signal; what is being stopped does."""
        self.daemon.spawner.obeys = ()
        self.run_groups(group("g", program("a")))
        expected = (70, "NOT_RUNNING: g:a")
        self.assertEqual(self.call("supervisor.signalProcess", "g:a", "HUP"), expected)
        self.success("supervisor.startProcess", "g:a", False)
        self.call("supervisor.stopProcess", "g:a", False)
        self.assertEqual(self.call("supervisor.signalProcess", "g:a", "HUP"), True)

    def test_refused(self) -> None:
        """A signal that the kernel refuses is a FAILED that says why, and the state is unknown."""
        self.run_groups(group("a"), start=True)
        self.child("a").refuses_signals = PermissionError(errno.EPERM, "not permitted")
        code, text = self.call("supervisor.signalProcess", "a", "HUP")
        self.assertEqual(code, 30)
        self.assertIn("FAILED: unknown problem sending sig a (1001):", text)
        self.assertIs(self.process("a").state, S.UNKNOWN)

    def test_many(self) -> None:
        """Of many only those that can take one are signalled; each gets its own answer."""
        self.daemon.spawner.obeys = ()
        self.run_groups(group("g", program("b"), program("a", priority=1), program("c")))
        self.success("supervisor.startProcess", "g:a", False)
        self.success("supervisor.startProcess", "g:b", False)
        expected: Any = ok("g:a", "g:b")
        self.assertEqual(self.call("supervisor.signalProcess", "g:*", "HUP"), expected)
        self.assertEqual(self.call("supervisor.signalProcessGroup", "g", 1), expected)
        self.assertEqual(self.call("supervisor.signalAllProcesses", "1"), expected)
        expected = result_list(
            ("a", "g", 11, "BAD_SIGNAL: NOPE"), ("b", "g", 11, "BAD_SIGNAL: NOPE")
        )
        self.assertEqual(self.call("supervisor.signalAllProcesses", "NOPE"), expected)
