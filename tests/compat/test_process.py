"""Processes and groups, as plugins see and change them."""

from __future__ import annotations

import signal

from supervisor_tx.compat.datatypes import RestartUnconditionally, RestartWhenExitUnexpected
from supervisor_tx.compat.options import EventListenerPoolConfig, ProcessConfig
from supervisor_tx.compat.process import EventListenerPool, Subprocess
from supervisor_tx.compat.states import ProcessStates
from supervisor_tx.core.lifecycle import AutoRestart
from tests.compat.stage import CompatTestCase, group, program


class LookTests(CompatTestCase):
    """What is to be seen."""

    def test_running(self) -> None:
        """A process that runs has a pid, a state and the time of its start."""
        self.clock.advance(50)
        self.run_groups(group("web"), start=True)
        view = self.view("web")
        self.assertEqual((view.pid, view.state, view.get_state()), (1001, 20, 20))
        self.assertEqual((view.exitstatus, view.spawnerr, view.backoff), (None, None, 0))
        self.assertGreater(view.laststart, 0)
        self.assertEqual(view.laststop, 0)
        self.assertEqual((view.killing, view.administrative_stop, view.system_stop), (False,) * 3)

    def test_ended(self) -> None:
        """One that has ended has no pid, but a status and the time of its end."""
        self.run_groups(group("web", program("web", autorestart=AutoRestart.NEVER)), start=True)
        view = self.view("web")
        self.child("web").exit(3)
        self.assertEqual((view.pid, view.state, view.exitstatus), (0, ProcessStates.EXITED, 3))
        self.assertGreater(view.laststop, 0)
        self.assertFalse(view.administrative_stop)

    def test_failing(self) -> None:
        """One that fails to start counts its tries, says when the next is, and is given up."""
        self.run_groups(group("web", program("web", startretries=1)))
        view = self.view("web")
        self.assertEqual(view.delay, 0)
        self.ask("supervisor.startProcess", "web", False)
        self.turn()
        self.child("web").exit(1)
        self.assertEqual((view.state, view.backoff), (ProcessStates.BACKOFF, 1))
        self.assertGreater(view.delay, 0)
        self.clock.advance(1)
        self.turn()
        self.child("web").exit(1)
        self.turn()
        self.assertEqual((view.state, view.system_stop), (ProcessStates.FATAL, True))

    def test_stopping(self) -> None:
        """One that is told to stop is being killed, by somebody's order."""
        self.daemon.spawner.obeys = ()
        self.run_groups(group("web"), start=True)
        view = self.view("web")
        self.ask("supervisor.stopProcess", "web")
        self.assertEqual((view.state, view.killing), (ProcessStates.STOPPING, True))
        self.assertTrue(view.administrative_stop)
        self.child("web").exit(0)
        self.assertEqual((view.killing, view.administrative_stop), (False, True))

    def test_same(self) -> None:
        """It is the same object at each look, so that what a plugin adds to it stays."""
        self.run_groups(group("web"))
        self.view("web").mine = 1  # type: ignore[attr-defined]
        self.view("web").config.mine = 2
        self.group("web").mine = 3  # type: ignore[attr-defined]
        self.assertEqual(
            (
                self.view("web").mine,  # type: ignore[attr-defined]
                self.view("web").config.mine,
                self.group("web").mine,  # type: ignore[attr-defined]
            ),
            (1, 2, 3),
        )
        self.assertIs(self.view("web").group, self.group("web"))
        self.assertIs(self.view("web").config, self.group("web").config.process_configs[0])

    def test_group(self) -> None:
        """A group has its processes by name, in order, and tells which of them are not stopped."""
        self.run_groups(group("web", program("a"), program("b"), priority=5))
        self.success("supervisor.startProcess", "web:b", False)
        view = self.group("web")
        self.assertEqual(list(view.processes), ["a", "b"])
        self.assertEqual([each.config.name for each in view.get_unstopped_processes()], ["b"])
        self.assertEqual((view.config.name, view.config.priority), ("web", 5))

    def test_order(self) -> None:
        """Groups, and configurations of processes, are in the order of their priorities."""
        self.run_groups(group("late", priority=9), group("early", priority=1))
        groups = [self.group("late"), self.group("early")]
        self.assertEqual([each.config.name for each in sorted(groups)], ["early", "late"])
        first = ProcessConfig(self.supervisord.options, name="x", priority=1)
        second = ProcessConfig(self.supervisord.options, name="a", priority=2)
        self.assertEqual(sorted([second, first]), [first, second])

    def test_pool(self) -> None:
        """A pool of event listeners tells what it wants and how much it keeps."""
        self.run_pool("TICK_5", "PROCESS_STATE", buffer_size=7)
        pool = self.group("pool")
        config = pool.config
        assert isinstance(config, EventListenerPoolConfig)
        self.assertIsInstance(pool, EventListenerPool)
        self.assertEqual(config.buffer_size, 7)
        self.assertEqual(
            [each.__name__ for each in config.pool_events], ["Tick5Event", "ProcessStateEvent"]
        )


class OrderTests(CompatTestCase):
    """What can be done with them."""

    def test_spawn(self) -> None:
        """It is started, and has a pid a moment later."""
        self.run_groups(group("web"))
        self.view("web").spawn()
        self.turn()
        self.assertEqual((self.view("web").pid, self.view("web").state), (1001, 10))

    def test_stop(self) -> None:
        """It is stopped as its configuration says, and stays down; that is no error."""
        self.run_groups(group("web", program("web", autorestart=AutoRestart.ALWAYS)), start=True)
        self.assertIsNone(self.view("web").stop())
        self.turn()
        self.assertEqual(self.child("web").signals, ["TERM"])
        self.assertEqual(self.view("web").state, ProcessStates.STOPPED)
        self.assertEqual(self.process("web").last_end.by, "a plugin")

    def test_kill(self) -> None:
        """It is stopped with the signal that is named, this time only."""
        self.daemon.spawner.obeys = ("HUP", "TERM")
        self.run_groups(group("web"), start=True)
        self.assertIsNone(self.view("web").kill(signal.SIGHUP))
        self.turn()
        self.assertEqual(self.child("web").signals, ["HUP"])
        self.view("web").spawn()
        self.clock.advance(1)
        self.turn()
        self.view("web").stop()
        self.turn()
        self.assertEqual(self.child("web").signals, ["TERM"])

    def test_kill_again(self) -> None:
        """What does not stop can be killed once more."""
        self.daemon.spawner.obeys = ()
        self.run_groups(group("web"), start=True)
        view = self.view("web")
        view.stop()
        self.assertIsNone(view.kill(signal.SIGKILL))
        self.assertEqual(self.child("web").signals, ["TERM", "KILL"])

    def test_signal(self) -> None:
        """A signal is sent without an intent to stop it."""
        self.run_groups(group("web"), start=True)
        self.assertIsNone(self.view("web").signal(signal.SIGUSR1))
        self.assertEqual(self.child("web").signals, ["USR1"])
        self.assertEqual(self.view("web").state, ProcessStates.RUNNING)

    def test_nothing_there(self) -> None:
        """What is down can be neither stopped nor signalled; the answer says so."""
        self.run_groups(group("web"))
        view = self.view("web")
        self.assertEqual(view.stop(), "attempted to kill web with no pid")
        self.assertEqual(view.kill(15), "attempted to kill web with no pid")
        self.assertEqual(view.signal(10), "attempted to send web sig 10 but it is not running")
        self.assertRaises(OSError, view.write, b"x")

    def test_write(self) -> None:
        """Text and bytes are written to its standard input."""
        self.run_groups(group("web"), start=True)
        self.view("web").write("€")
        self.view("web").write(b"\xff")
        self.assertEqual(self.child("web").stdin, "€".encode() + b"\xff")

    def test_write_closed(self) -> None:
        """A standard input that is closed is EPIPE."""
        self.run_groups(group("web"), start=True)
        self.child("web").close(0)
        self.assertRaises(BrokenPipeError, self.view("web").write, b"x")

    def test_give_up(self) -> None:
        """It is FATAL, which is an event and is shown to clients."""
        self.run_groups(group("web"))
        self.view("web").give_up()
        self.assertEqual(self.call("supervisor.getProcessInfo", "web")["statename"], "FATAL")
        self.assertFalse(self.view("web").change_state(ProcessStates.FATAL))

    def test_false_state(self) -> None:
        """What has a process cannot be said to be down, nor what has none to run."""
        self.run_groups(group("web"))
        self.assertRaises(ValueError, self.view("web").change_state, ProcessStates.RUNNING)
        self.view("web").spawn()
        self.turn()
        self.assertRaises(ValueError, self.view("web").change_state, ProcessStates.STOPPED)

    def test_put(self) -> None:
        """What a plugin writes into a process is what clients read."""
        self.run_groups(group("web"))
        self.ask("supervisor.getAllProcessInfo")
        view = self.view("web")
        view.spawnerr, view.laststart, view.laststop = "who knows", 7, 9
        view.exitstatus, view.backoff = 4, 2
        info = self.call("supervisor.getAllProcessInfo")[0]
        self.assertEqual(
            (info["spawnerr"], info["start"], info["stop"], info["exitstatus"]),
            ("who knows", 7, 9, 4),
        )
        self.assertEqual(view.backoff, 2)

    def test_stop_all(self) -> None:
        """All of a group is stopped, the last first."""
        self.run_groups(group("web", program("a"), program("b")), start=True)
        self.group("web").stop_all()
        self.turn()
        self.assertEqual([each.state for each in self.group("web").processes.values()], [0, 0])

    def test_execv(self) -> None:
        """It tells which file would be executed, with which arguments."""
        self.run_groups(group("web", program("web", command="/bin/sh -c 'true 1'")))
        self.assertEqual(
            self.view("web").get_execv_args(), ("/bin/sh", ["/bin/sh", "-c", "true 1"])
        )

    def test_nothing_to_do(self) -> None:
        """What Supervisor's loop calls may be called, and does nothing."""
        self.run_groups(group("web"), start=True)
        view = self.view("web")
        view.transition()
        view.finish(1001, 0)
        view.group.transition()
        view.group.before_remove()
        view.group.after_setuid()
        view.group.config.after_setuid()
        view.config.create_autochildlogs()
        self.assertEqual((view.state, view.pid), (ProcessStates.RUNNING, 1001))


class ConfigTests(CompatTestCase):
    """Configurations of what runs."""

    def test_command(self) -> None:
        """A new command is used at the next start, and not before."""
        self.run_groups(group("web"), start=True)
        self.view("web").config.command = "/bin/sh -c other"
        self.assertEqual(len(self.daemon.spawner.orders), 1)
        self.success("supervisor.stopProcess", "web")
        self.success("supervisor.startProcess", "web", False)
        self.assertEqual(self.daemon.spawner.orders[-1].command, "/bin/sh -c other")

    def test_environment(self) -> None:
        """Variables can be put in and taken out, for the next start."""
        self.run_groups(group("web", program("web", environment={"A": "1", "B": "2"})))
        environment = self.view("web").config.environment
        environment["C"] = "3"
        del environment["A"]
        self.assertEqual(environment, {"B": "2", "C": "3"})
        copied = environment.copy()
        copied["D"] = "4"
        self.success("supervisor.startProcess", "web", False)
        given = self.daemon.spawner.orders[-1].environment
        self.assertEqual([given.get(name) for name in "ABCD"], [None, "2", "3", None])

    def test_autorestart(self) -> None:
        """It is False or one of two classes, and can be set to any of them."""
        self.run_groups(group("web"))
        config = self.view("web").config
        self.assertIs(config.autorestart, RestartWhenExitUnexpected)
        for value in (RestartUnconditionally, False):
            config.autorestart = value
            self.assertIs(config.autorestart, value)
        self.assertIs(self.process("web").config.autorestart, AutoRestart.NEVER)

    def test_in_force(self) -> None:
        """What a plugin has changed counts as configured, so that an update leaves it alone."""
        self.run_groups(group("web"))
        self.view("web").config.startsecs = 7
        self.group("web").config.priority = 3
        self.assertEqual(self.supervisord.diff_to_active(), ([], [], []))
        self.assertEqual(self.group("web").config.priority, 3)
        self.assertEqual(self.daemon.supervisor.groups["web"].priority, 3)

    def test_name(self) -> None:
        """The name of a process that is supervised cannot be changed."""
        self.run_groups(group("web"))
        self.assertRaises(AttributeError, setattr, self.view("web").config, "name", "other")
        self.assertRaises(AttributeError, getattr, self.view("web").config, "no_such_option")

    def test_equal(self) -> None:
        """Configurations are equal where all their options are."""
        one, other = (
            ProcessConfig(self.supervisord.options, name="x", command="y", exitcodes=[1])
            for _ in range(2)
        )
        self.assertEqual(one, other)
        other.stopsignal = 9
        self.assertNotEqual(one, other)
        self.assertNotEqual(one, "x")
        self.assertEqual(one.exitcodes, [1])


class MemberTests(CompatTestCase):
    """Processes that plugins put into groups and take out."""

    def made(self, name: str = "new", **options: object) -> Subprocess:
        config = ProcessConfig(
            self.supervisord.options,
            **{
                "name": name,
                "command": "/bin/sh -c true",
                "stdout_logfile": None,
                "stderr_logfile": None,
                **options,
            },
        )
        return config.make_process(self.group("web"))

    def test_put_in(self) -> None:
        """A process that is put in is supervised, and started unless it is not to be."""
        self.run_groups(group("web"))
        self.group("web").processes["new"] = new = self.made()
        self.group("web").processes["idle"] = self.made("idle", autostart=False)
        self.assertEqual(len(self.group("web").processes), 3)
        self.turn()
        self.clock.advance(1)
        self.assertEqual(new.state, ProcessStates.RUNNING)
        self.assertEqual(self.view("idle", "web").state, ProcessStates.STOPPED)
        self.assertEqual(self.call("supervisor.getProcessInfo", "web:new")["statename"], "RUNNING")
        self.assertIs(self.view("new", "web"), new)

    def test_not_yet(self) -> None:
        """One that was only made is nobody's."""
        self.run_groups(group("web"))
        self.made()
        self.turn()
        self.assertEqual(list(self.group("web").processes), ["web"])
        self.assertEqual(self.daemon.spawner.orders, [])

    def test_configs(self) -> None:
        """The list of the group's configurations is the same list, and follows."""
        self.run_groups(group("web"))
        configs = self.group("web").config.process_configs
        self.group("web").processes["new"] = self.made()
        self.assertIs(self.group("web").config.process_configs, configs)
        self.assertEqual([each.name for each in configs], ["web", "new"])

    def test_take_out(self) -> None:
        """One that is down can be taken out; clients know it no more."""
        self.run_groups(group("web", program("a"), program("b")))
        del self.group("web").processes["a"]
        self.assertEqual(list(self.group("web").processes), ["b"])
        self.assertEqual(self.call("supervisor.getProcessInfo", "web:a")[0], 10)
        self.assertRaises(KeyError, self.group("web").processes.pop, "a")

    def test_still_running(self) -> None:
        """One that runs cannot be taken out."""
        self.run_groups(group("web"), start=True)
        self.assertRaises(ValueError, self.group("web").processes.pop, "web")
        self.assertEqual(self.view("web").state, ProcessStates.RUNNING)

    def test_replace(self) -> None:
        """One of a name that is there takes its place."""
        self.run_groups(group("web"))
        self.group("web").processes["web"] = new = self.made("web")
        self.assertIs(self.view("web"), new)
        self.assertEqual(len(self.group("web").processes), 1)
