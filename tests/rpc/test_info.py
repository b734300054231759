"""What is told of processes, of the configuration and of the daemon."""

from __future__ import annotations

import gc
import os
import time
import weakref
import xmlrpc.client
from typing import Any

from supervisor_tx import SUPERVISOR_VERSION, __version__
from supervisor_tx.config.model import AUTO, LogConfig, PluginConfig
from supervisor_tx.core.lifecycle import AutoRestart
from supervisor_tx.core.states import ProcessState as S
from supervisor_tx.errors import CannotStart, SpawnFailed
from supervisor_tx.rpc import marshal
from supervisor_tx.rpc.resource import MAIN_FACTORY
from supervisor_tx.rpc.status import StatusCache
from supervisor_tx.supervision.info import uptime
from supervisor_tx.supervision.process import SupervisedProcess
from tests.rpc.stage import BROKEN, RpcTestCase, group, program

NOON = 1_700_000_000

#: What is told of a process that never ran.
NEVER = {
    "description": "Not started",
    "start": 0,
    "stop": 0,
    "state": 0,
    "statename": "STOPPED",
    "spawnerr": "",
    "exitstatus": 0,
    "logfile": "",
    "stdout_logfile": "",
    "stderr_logfile": "",
    "pid": 0,
    "exit_code": -1,
    "exit_signal": 0,
    "exit_expected": False,
    "exit_cause": "",
    "exit_by": "",
    "tries": 0,
    "next_try": 0,
}


class InfoTests(RpcTestCase):
    """Info of processes, at noon."""

    def run_groups(self, *groups: Any, start: bool = False) -> None:
        super().run_groups(*groups, start=False)
        for each in self.processes():
            each.now = self.now
        if start:
            self.success("supervisor.startAllProcesses", False)
            self.clock.advance(1)

    def processes(self) -> list[SupervisedProcess]:
        groups = self.daemon.supervisor.groups.values()
        return [process for each in groups for process in each.processes.values()]

    def now(self) -> float:
        return NOON + self.clock.seconds()

    def info(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("supervisor.getProcessInfo", name)
        now = found.pop("now")
        self.assertLess(abs(now - time.time()), 5)
        return found

    def told(self, name: str) -> dict[str, Any]:
        """What is told of a process, as far as it is not what is told of one that never ran."""
        found = self.info(name)
        self.assertEqual(found.keys(), NEVER.keys() | {"name", "group"})
        return {key: value for key, value in found.items() if NEVER.get(key) != value}

    def test_never_ran(self) -> None:
        """Of a process that never ran there is little to tell."""
        self.run_groups(group("g", program("a")))
        self.assertEqual(self.info("g:a"), {"name": "a", "group": "g", **NEVER})

    def test_running(self) -> None:
        """Of one that runs there are pid and start, and how long it is up, on each question."""
        self.run_groups(group("a"), start=True)
        status = StatusCache(self.now)
        process = self.process("a")

        def description() -> Any:
            params, _ = xmlrpc.client.loads(
                b"<params><param>" + marshal.value(status.one(process)) + b"</param></params>"
            )
            found: Any = params[0]
            return found["description"], found["start"], found["now"]

        self.assertEqual(description(), ("pid 1001, uptime 0:00:01", NOON, NOON + 1))
        self.clock.advance(86400 + 3 * 3600 + 4 * 60 + 5 - 1)
        self.assertEqual(
            description(), ("pid 1001, uptime 1 day, 3:04:05", NOON, NOON + 86400 + 11045)
        )

    def test_uptime(self) -> None:
        """Time that it is up is in days, hours, minutes and seconds, and never negative."""
        for seconds, text in (
            (-5, "0:00:00"),
            (59, "0:00:59"),
            (3600, "1:00:00"),
            (86399, "23:59:59"),
            (86400, "1 day, 0:00:00"),
            (2 * 86400 + 1, "2 days, 0:00:01"),
        ):
            self.assertEqual(uptime(seconds), text)

    def test_starting(self) -> None:
        """While it starts it has a pid as soon as there is one."""
        self.run_groups(group("a"))
        self.ask("supervisor.startProcess", "a")
        self.assertEqual(self.told("a")["statename"], "STARTING")
        self.assertEqual(self.told("a").get("pid"), None)
        self.turn()
        told = self.told("a")
        self.assertEqual((told["pid"], told["description"], told["start"]), (1001, "", NOON))

    def test_exited(self) -> None:
        """An end is told by code, whether it was expected, and as what it was."""
        for code, expected in ((0, True), (3, False)):
            with self.subTest(code):
                self.run_groups(group("a", program("a", autorestart=AutoRestart.NEVER)), start=True)
                self.child("a").exit(code)
                stop = int(self.now())
                told = self.told("a")
                when = time.strftime("%b %d %I:%M %p", time.localtime(stop))
                self.assertEqual(told.pop("start"), stop - 1)
                self.assertEqual(
                    {key: told.get(key, NEVER.get(key)) for key in (*told, "exitstatus")},
                    {
                        "name": "a",
                        "group": "a",
                        "description": when,
                        "stop": stop,
                        "state": 100,
                        "statename": "EXITED",
                        "exit_code": code,
                        "exitstatus": code,
                        "exit_cause": "exit",
                        **(
                            {"exit_expected": True} if expected else {"spawnerr": "Bad exit code 3"}
                        ),
                    },
                )
                self.daemon.supervisor.groups.clear()
                self.daemon.supervisor.generation += 1

    def test_signal(self) -> None:
        """A death by a signal is told by the signal's number, beside Supervisor's -1."""
        self.run_groups(group("a", program("a", autorestart=AutoRestart.NEVER)), start=True)
        self.child("a").die("SEGV")
        told = self.told("a")
        self.assertEqual((told["exit_signal"], told["exitstatus"]), (11, -1))
        self.assertEqual((told["exit_cause"], told.get("exit_code")), ("signal", None))

    def test_vanished(self) -> None:
        """An end that nobody knows is told as that."""
        self.run_groups(group("a", program("a", autorestart=AutoRestart.NEVER)), start=True)
        self.child("a").vanish()
        self.assertEqual(self.told("a")["exit_cause"], "unknown")

    def test_stopped(self) -> None:
        """A stop is told with who asked for it, and stays told while the process runs again."""
        self.run_groups(group("a"), start=True)
        self.success("supervisor.stopProcess", "a")
        told = self.told("a")
        self.assertNotIn("statename", told)
        self.assertEqual(
            (told["exit_cause"], told["exit_by"], told["exit_signal"]),
            ("stopped", "unix uid 1000", 15),
        )
        self.success("supervisor.startProcess", "a", False)
        told = self.told("a")
        self.assertEqual((told["statename"], told["exit_cause"]), ("STARTING", "stopped"))

    def test_shutdown(self) -> None:
        """What ends because the daemon does is told so."""
        self.run_groups(group("a"), start=True)
        process = self.process("a")
        self.call("supervisor.shutdown")
        self.turn()
        self.assertEqual((process.last_end.cause, process.last_end.by), ("shutdown", ""))

    def test_failed_starts(self) -> None:
        """A failed start is told with its reason, the number of tries and when the next is due."""
        self.run_groups(group("a", program("a", startretries=1)))
        self.daemon.spawner.fail_next(SpawnFailed("no fork"))
        self.success("supervisor.startProcess", "a")
        told = self.told("a")
        self.assertEqual((told["description"], told["spawnerr"]), ("no fork", "no fork"))
        self.assertEqual((told["exit_cause"], told["tries"]), ("spawn-error", 1))
        self.assertEqual(told["next_try"], NOON + 1)
        self.clock.advance(1)
        self.turn()
        self.child("a").exit(0)
        told = self.told("a")
        self.assertEqual(told["statename"], "FATAL")
        self.assertEqual(told["description"], "Exited too quickly (process log may have details)")
        self.assertEqual(told["exit_code"], 0)
        for absent in ("exit_expected", "tries", "next_try", "exitstatus"):
            self.assertNotIn(absent, told)

    def test_waits_for_its_restart(self) -> None:
        """A process that ended soon after its start and will be started again says when."""
        self.run_groups(group("a", program("a", startsecs=0, autorestart=AutoRestart.ALWAYS)))
        self.success("supervisor.startProcess", "a")
        self.clock.advance(0.25)
        self.child("a").exit(0)
        told = self.told("a")
        self.assertEqual((told["statename"], told["next_try"]), ("EXITED", NOON + 1))

    def test_beyond_32_bits(self) -> None:
        """Times that no int of XML-RPC can hold are told as the nearest that one can."""
        self.run_groups(group("a"))
        self.process("a").laststart, self.process("a").laststop = 2.0**40, -(2.0**40)
        self.process("a").version += 1
        found = self.call("supervisor.getProcessInfo", "a")
        self.assertEqual((found["start"], found["stop"]), (2**31 - 1, -(2**31)))

    def test_log_files(self) -> None:
        """Log files are told by their paths; what is redirected has none."""
        logs = {"stdout": LogConfig(logfile="/o"), "stderr": LogConfig(logfile="/e")}
        self.run_groups(
            group("a", program("a", **logs)), group("b", program("b", redirect_stderr=True, **logs))
        )
        for name, stderr in (("a", "/e"), ("b", "")):
            info = self.info(name)
            self.assertEqual((info["logfile"], info["stdout_logfile"]), ("/o", "/o"))
            self.assertEqual(info["stderr_logfile"], stderr)

    def test_all(self) -> None:
        """All processes come sorted by group and name, whatever comes, goes and happens."""
        self.run_groups(group("b", program("y"), program("x")), group("a"), start=True)

        def names() -> list[str]:
            return [
                f"{each['group']}:{each['name']} {each['statename']}"
                for each in self.call("supervisor.getAllProcessInfo")
            ]

        self.assertEqual(names(), ["a:a RUNNING", "b:x RUNNING", "b:y RUNNING"])
        self.success("supervisor.stopProcess", "a")
        self.assertEqual(names(), ["a:a STOPPED", "b:x RUNNING", "b:y RUNNING"])
        self.call("supervisor.removeProcessGroup", "a")
        self.assertEqual(names(), ["b:x RUNNING", "b:y RUNNING"])
        self.call("supervisor.addProcessGroup", "a")
        self.assertEqual(names(), ["a:a STOPPED", "b:x RUNNING", "b:y RUNNING"])
        single = [self.call("supervisor.getProcessInfo", name) for name in ("a", "b:x", "b:y")]
        every = self.call("supervisor.getAllProcessInfo")
        for each in (*single, *every):
            del each["now"], each["description"]
        self.assertEqual(every, single)

    def test_nothing_is_kept(self) -> None:
        """What was told of a process keeps nothing of it when its group is gone."""
        self.run_groups(group("a"), group("b"))
        self.call("supervisor.getAllProcessInfo")
        self.call("supervisor.getProcessInfo", "a")
        gone = weakref.ref(self.process("a"))
        self.call("supervisor.removeProcessGroup", "a")
        self.call("supervisor.getAllProcessInfo")
        gc.collect()
        self.assertIsNone(gone())

    def test_group_is_no_process(self) -> None:
        """Only processes have an info."""
        self.run_groups(group("g", program("a")))
        for name in ("g", "g:*", "g:", "nope"):
            expected = (10, f"BAD_NAME: {name}")
            self.assertEqual(self.call("supervisor.getProcessInfo", name), expected)

    def test_names_with_everything(self) -> None:
        """Names and texts with markup and control characters arrive, as far as XML can carry."""
        self.run_groups(group("<&>", program("ä\x01\x1b")))
        self.daemon.spawner.fail_next(SpawnFailed("bad \x00 thing & <more>"))
        self.success("supervisor.startProcess", "<&>:*")
        [found] = self.call("supervisor.getAllProcessInfo")
        self.assertEqual((found["group"], found["name"]), ("<&>", "ä\ufffd\ufffd"))
        self.assertEqual(found["spawnerr"], "bad \ufffd thing & <more>")
        self.assertEqual(found["description"], found["spawnerr"])


class ConfigInfoTests(RpcTestCase):
    def test_everything(self) -> None:
        """Each option has its member; what is not set is none."""
        self.run_groups(group("g", program("a"), priority=5))
        [found] = self.call("supervisor.getAllConfigInfo")
        log = {
            "capture_maxbytes": 0,
            "events_enabled": False,
            "logfile": "none",
            "logfile_backups": 10,
            "logfile_maxbytes": 50 * 1024 * 1024,
            "syslog": False,
        }
        self.assertEqual(
            found,
            {
                "autostart": False,
                "autorestart": "unexpected",
                "directory": "none",
                "uid": "none",
                "command": "/bin/sh -c true",
                "exitcodes": [0],
                "group": "g",
                "group_prio": 5,
                "inuse": True,
                "killasgroup": False,
                "name": "a",
                "process_prio": 999,
                "redirect_stderr": False,
                "startretries": 3,
                "startsecs": 1,
                "stopsignal": 15,
                "stopwaitsecs": 10,
                "serverurl": "none",
                **{f"stdout_{key}": value for key, value in log.items()},
                **{f"stderr_{key}": value for key, value in log.items()},
            },
        )

    def test_values(self) -> None:
        """What is set is told; autorestart is a word or a truth."""
        self.run_groups(
            group(
                "a",
                program("a", uid=0, directory="/d", autorestart=AutoRestart.ALWAYS, exitcodes=()),
                program("b", serverurl="http://x", autorestart=AutoRestart.NEVER),
            )
        )
        a, b = self.call("supervisor.getAllConfigInfo")
        self.assertEqual((a["uid"], a["directory"], a["autorestart"]), (0, "/d", True))
        self.assertEqual((a["exitcodes"], b["autorestart"]), ([], False))
        self.assertEqual(b["serverurl"], "http://x")

    def test_what_was_last_read(self) -> None:
        """It tells of what was last read, sorted by process, and what of it is in use."""
        self.run_groups(group("b"), group("c"))
        self.daemon.on_disk = (group("z", program("a")), group("b"), group("g", program("b")))
        self.call("supervisor.reloadConfig")
        found = self.call("supervisor.getAllConfigInfo")
        self.assertEqual(
            [(each["name"], each["group"], each["inuse"]) for each in found],
            [("a", "z", False), ("b", "b", True), ("b", "g", False)],
        )

    def test_auto(self) -> None:
        """An AUTO log is its path until the configuration is read again, then the word auto."""
        log = {"stdout": LogConfig(logfile=AUTO), "stderr": LogConfig(logfile=AUTO)}
        self.run_groups(group("a", program("a", **log)))
        [found] = self.call("supervisor.getAllConfigInfo")
        info = self.call("supervisor.getProcessInfo", "a")
        self.assertTrue(os.path.exists(found["stdout_logfile"]))
        self.assertEqual(found["stderr_logfile"], info["stderr_logfile"])
        self.daemon.on_disk = (group("a", program("a", redirect_stderr=True, **log)),)
        self.call("supervisor.reloadConfig")
        [found] = self.call("supervisor.getAllConfigInfo")
        self.assertEqual((found["stdout_logfile"], found["stderr_logfile"]), ("auto", "none"))


class GroupTests(RpcTestCase):
    """Groups that come and go."""

    def test_reload(self) -> None:
        """The names of groups that were added, changed and removed, in one array in an array."""
        self.run_groups(group("a"), group("b"), group("c"))
        self.assertEqual(self.call("supervisor.reloadConfig"), [[[], [], []]])
        self.daemon.on_disk = (group("d"), group("a"), group("b", priority=1))
        self.assertEqual(self.call("supervisor.reloadConfig"), [[["d"], ["b"], ["c"]]])
        self.assertEqual(list(self.daemon.supervisor.groups), ["a", "b", "c"])

    def test_broken(self) -> None:
        """A broken configuration is refused, and what was read before stays."""
        self.run_groups(group("a"))
        self.daemon.mistake = BROKEN
        expected = (92, f"CANT_REREAD: {BROKEN}")
        self.assertEqual(self.call("supervisor.reloadConfig"), expected)
        self.assertEqual(self.call("supervisor.restart"), expected)
        self.assertEqual(len(self.call("supervisor.getAllConfigInfo")), 1)
        self.assertEqual(self.call("supervisor.getState"), {"statecode": 1, "statename": "RUNNING"})

    def test_restart_that_cannot_be(self) -> None:
        """A restart that would fail for another reason is refused in the same way."""
        self.daemon.mistake = CannotStart("no such port")
        self.assertEqual(self.call("supervisor.restart"), (92, "CANT_REREAD: no such port"))

    def test_add(self) -> None:
        """A group is added from what was last read, and what is to start by itself starts."""
        self.run_groups(group("a"))
        self.daemon.on_disk = (group("a"), group("b", program("b", autostart=True), program("c")))
        self.assertEqual(self.call("supervisor.addProcessGroup", "b"), (10, "BAD_NAME: b"))
        self.call("supervisor.reloadConfig")
        self.assertEqual(self.call("supervisor.addProcessGroup", "b"), True)
        self.assertIs(self.process("b:b").state, S.STARTING)
        self.assertIs(self.process("b:c").state, S.STOPPED)
        self.assertEqual(self.call("supervisor.addProcessGroup", "b"), (90, "ALREADY_ADDED: b"))
        self.assertEqual(self.call("supervisor.addProcessGroup", "a"), (90, "ALREADY_ADDED: a"))
        self.daemon.on_disk = ()
        self.call("supervisor.reloadConfig")
        self.assertEqual(self.call("supervisor.addProcessGroup", "a"), (10, "BAD_NAME: a"))

    def test_add_fails(self) -> None:
        """A group that cannot be made is a FAILED, and is not there."""
        self.run_groups(group("a"))
        self.call("supervisor.removeProcessGroup", "a")
        self.daemon.refuses_group = CannotStart("no socket")
        self.assertEqual(self.call("supervisor.addProcessGroup", "a"), (30, "FAILED: no socket"))
        self.assertEqual(self.call("supervisor.getAllProcessInfo"), [])

    def test_remove(self) -> None:
        """A group is removed when nothing of it runs, and can be added again."""
        self.run_groups(group("a", program("a"), program("b")))
        self.success("supervisor.startProcess", "a:b", False)
        self.assertEqual(self.call("supervisor.removeProcessGroup", "a"), (91, "STILL_RUNNING: a"))
        self.success("supervisor.stopProcess", "a:b")
        self.assertEqual(self.call("supervisor.removeProcessGroup", "a"), True)
        self.assertEqual(self.call("supervisor.removeProcessGroup", "a"), (10, "BAD_NAME: a"))
        self.assertEqual(self.call("supervisor.addProcessGroup", "a"), True)

    def test_remove_what_waits(self) -> None:
        """A process that would be started again is not, once its group is removed."""
        self.run_groups(
            group("a", program("a", startsecs=0, autorestart=AutoRestart.ALWAYS)), start=True
        )
        self.child("a").exit(0)
        self.clock.advance(0.5)
        self.daemon.spawner.named("a")[-1].exit(0)
        self.assertEqual(self.call("supervisor.removeProcessGroup", "a"), True)
        count = len(self.daemon.spawner.orders)
        self.clock.advance(5)
        self.assertEqual(len(self.daemon.spawner.orders), count)


class DaemonTests(RpcTestCase):
    def test_who_it_is(self) -> None:
        """Versions, name, pid and state."""
        for method, answer in (
            ("getAPIVersion", "3.0"),
            ("getVersion", "3.0"),
            ("getSupervisorVersion", SUPERVISOR_VERSION),
            ("getIdentification", "test"),
            ("getPID", os.getpid()),
            ("getState", {"statecode": 1, "statename": "RUNNING"}),
        ):
            self.assertEqual(self.call(f"supervisor.{method}"), answer)
        self.assertEqual(self.call("supervisor_tx.getVersion"), __version__)

    def test_remote_events(self) -> None:
        """An event is passed on, numbers as text; what is no text at all is refused."""
        events: tuple[Any, ...] = (("type", "data"), ("", ""), (5, 1.5), ("a:b\n", "ä\n\n"))
        for given in events:
            self.assertEqual(self.call("supervisor.sendRemoteCommEvent", *given), True)
        self.assertEqual(
            self.daemon.remote_events,
            [("type", "data"), ("", ""), ("5", "1.5"), ("a:b\n", "ä\n\n")],
        )
        events = (("a", None), ([], "b"), ({}, {}))
        for given in events:
            expected = (2, "INCORRECT_PARAMETERS")
            self.assertEqual(self.call("supervisor.sendRemoteCommEvent", *given), expected)

    def test_going_down(self) -> None:
        """During a shutdown and a restart nothing is answered but what needs no processes."""
        for order in ("shutdown", "restart"):
            with self.subTest(order):
                self.daemon.supervisor.groups.clear()
                self.daemon.supervisor.state = type(self.daemon.supervisor.state).RUNNING
                self.run_groups(group("a"), start=True)
                self.daemon.spawner.children[-1].obeys = ()
                self.assertEqual(self.call(f"supervisor.{order}"), True)
                table = self.resource
                arguments = {"string": "nope", "int": 0, "boolean": True, "array": []}
                for name in table.names():
                    types = self.call("system.methodSignature", name)
                    result = self.call(name, *(arguments[each] for each in types[1:]))
                    if name.startswith("supervisor_tx."):
                        continue
                    refused = result == (6, "SHUTDOWN_STATE")
                    free = name.startswith("system.") or name == "supervisor.sendRemoteCommEvent"
                    self.assertEqual(refused, not free, name)

    def test_arguments_count_first(self) -> None:
        """During a shutdown a wrong number of arguments is still a wrong number of arguments."""
        self.run_groups(group("a"))
        self.call("supervisor.shutdown")
        self.assertEqual(self.call("supervisor.getState", 1), (2, "INCORRECT_PARAMETERS"))
        self.assertEqual(self.call("supervisor.startProcess", []), (6, "SHUTDOWN_STATE"))

    def test_without_the_section(self) -> None:
        """Without our section there is only system; under another name it has that name."""
        self.daemon.plugins = ()
        self.run_groups(group("a"))
        self.assertEqual(
            {name.split(".")[0] for name in self.call("system.listMethods")}, {"system"}
        )
        self.assertEqual(self.call("supervisor.getState"), (1, "UNKNOWN_METHOD"))
        self.assertEqual(self.call("supervisor_tx.getVersion"), (1, "UNKNOWN_METHOD"))
        self.daemon.plugins = (PluginConfig("own", MAIN_FACTORY), PluginConfig("x", "a:b"))
        self.run_groups()
        self.assertEqual(self.call("own.getIdentification"), "test")
        self.assertEqual(self.call("supervisor.getState"), (1, "UNKNOWN_METHOD"))
