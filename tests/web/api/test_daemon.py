"""The daemon, its configuration and its events in JSON."""

from __future__ import annotations

import os

from supervisor_tx import __version__
from supervisor_tx.config.model import PoolConfig
from supervisor_tx.core.states import SupervisorState
from supervisor_tx.errors import CannotStart, ConfigError, Problem
from supervisor_tx.supervision.process import SupervisedProcess
from tests.rpc.stage import MemoryDaemon, group, program
from tests.web.api.stage import ApiTestCase

MISTAKE = ConfigError(
    [Problem("it is broken", "/conf", 3, "program:x", "startsecs", "soon", "a whole number")]
)


class ReopeningDaemon(MemoryDaemon):
    """A daemon that counts how often it was to open its logs anew."""

    reopened = 0

    def reopen_logs(self) -> None:
        self.reopened += 1


class DaemonTests(ApiTestCase):
    daemon: ReopeningDaemon
    kind = ReopeningDaemon

    def test_info(self) -> None:
        """It is told what it is, since when, and what it runs by."""
        found = self.get("/daemon")
        self.assertEqual((found["version"], found["supervisor_version"]), (__version__, "4.3.0"))
        self.assertEqual((found["state"], found["pid"]), ("RUNNING", os.getpid()))
        self.assertEqual((found["config_file"], found["identifier"]), ("/conf", "test"))
        self.assertLess(found["uptime"], 60)
        self.assertEqual(found["logs"], {"main": str(self.daemon.logfile)})

    def test_shutdown(self) -> None:
        """A shutdown is answered before it has happened."""
        self.assertEqual(self.post("/daemon/shutdown", code=202)["state"], "SHUTDOWN")
        self.assertIs(self.daemon.supervisor.state, SupervisorState.SHUTDOWN)
        self.post("/daemon/shutdown", code=202)
        self.problem("POST", "/daemon/restart", 503)

    def test_restart(self) -> None:
        """So is a restart, which is refused where it could not be started again."""
        self.daemon.mistake = MISTAKE
        self.problem("POST", "/daemon/restart", 409)
        self.daemon.mistake = CannotStart("the port is taken")
        found = self.problem("POST", "/daemon/restart", 409)
        self.assertEqual(found["type"], "urn:supervisor-tx:problem:cannot-start")
        self.assertIs(self.daemon.supervisor.state, SupervisorState.RUNNING)
        self.daemon.mistake = None
        self.assertEqual(self.post("/daemon/restart", code=202)["state"], "RESTARTING")

    def test_reopen_logs(self) -> None:
        """Logs are opened anew, as after a rotation from outside."""
        self.assertEqual(self.post("/daemon/reopen-logs"), {"done": True})
        self.assertEqual(self.daemon.reopened, 1)


class ConfigTests(ApiTestCase):
    def change(self) -> None:
        """Change one program of two, add a third, and take away the fourth."""
        self.run_groups(group("a"), group("b"), group("d"), start=True)
        self.daemon.on_disk = (
            group("a"),
            group("b", program("b", command="/bin/sh -c false")),
            group("c", program("c", autostart=True)),
        )

    def test_plan(self) -> None:
        """It is told what an update would do, and why, and nothing is done."""
        self.change()
        steps = self.get("/config/plan")["steps"]
        self.assertEqual(
            [(each["action"], each["group"], each["process"]) for each in steps],
            [("remove group", "d", None), ("restart", "b", "b"), ("add group", "c", None)],
        )
        self.assertEqual(
            steps[1]["reasons"],
            [
                {
                    "process": "b",
                    "option": "command",
                    "old": "/bin/sh -c true",
                    "new": "/bin/sh -c false",
                }
            ],
        )
        self.assertEqual(len(self.get("/processes")["processes"]), 3)

    def test_apply(self) -> None:
        """An update does that, and tells what has come of it."""
        self.change()
        before: SupervisedProcess = self.process("a")
        steps = self.post("/config/apply")["steps"]
        self.assertEqual([each["problem"] for each in steps], [None] * 3)
        names = [each["name"] for each in self.get("/processes")["processes"]]
        self.assertEqual(names, ["a", "b", "c"])
        self.assertIs(self.process("a"), before)
        self.assertEqual(self.get("/config/plan"), {"steps": []})

    def test_apply_fails(self) -> None:
        """What cannot be had is told with its step, and keeps nothing else from being done."""
        self.change()
        self.daemon.refuses_group = CannotStart("the disk is full")
        steps = self.post("/config/apply")["steps"]
        self.assertEqual([each["problem"] for each in steps], [None, None, "the disk is full"])

    def test_apply_without_waiting(self) -> None:
        """Who does not wait is told the plan."""
        self.change()
        self.child("b").obeys = set()
        steps = self.post("/config/apply?wait=false", code=202)["steps"]
        self.assertEqual([each["action"] for each in steps][1], "restart")
        self.child("b").exit(0)
        self.turn()
        self.assertEqual(self.get("/config/plan"), {"steps": []})

    def test_broken(self) -> None:
        """All that is wrong is told, with its line; nothing is done."""
        self.daemon.mistake = MISTAKE
        for method, path in (
            ("GET", "/config/plan"),
            ("POST", "/config/apply"),
            ("POST", "/config/apply?wait=false"),
            ("POST", "/config/reread"),
        ):
            found = self.problem(method, path, 409)
            self.assertEqual(found["type"], "urn:supervisor-tx:problem:config-error")
            self.assertEqual(
                found["problems"],
                [
                    {
                        "message": "it is broken",
                        "file": "/conf",
                        "line": 3,
                        "section": "program:x",
                        "option": "startsecs",
                        "value": "soon",
                        "accepts": "a whole number",
                    }
                ],
            )

    def test_reread(self) -> None:
        """As in supervisorctl, groups are compared, and then can be added and removed."""
        self.change()
        self.assertEqual(
            self.post("/config/reread"), {"added": ["c"], "changed": ["b"], "removed": ["d"]}
        )
        self.assertEqual(self.post("/groups/c/add")["states"], {"STARTING": 1})
        self.problem("POST", "/groups/c/add", 409)
        self.problem("POST", "/groups/nope/add", 404)
        self.problem("POST", "/groups/d/remove", 409)
        self.post("/groups/d/stop")
        self.assertEqual(self.post("/groups/d/remove"), {"done": True})
        self.problem("POST", "/groups/d/remove", 404)

    def test_add_fails(self) -> None:
        """It is told why a group cannot be had."""
        self.change()
        self.post("/config/reread")
        self.daemon.refuses_group = CannotStart("the disk is full")
        found = self.problem("POST", "/groups/c/add", 409)
        self.assertEqual(found["detail"], "the disk is full")

    def test_options(self) -> None:
        """The options of all configured processes are told, with Supervisor's words."""
        self.change()
        found = self.get("/config/processes")["processes"]
        self.assertEqual([each["name"] for each in found], ["a", "b", "d"])
        self.assertEqual(found[0]["stdout_logfile"], "none")


class EventTests(ApiTestCase):
    def test_stats(self) -> None:
        """It is told how listeners keep up."""
        self.assertEqual(self.get("/events/stats"), {"pools": []})
        listener = program("ear", kind="eventlistener")
        self.run_groups(PoolConfig("ear", -1, (listener,), events=("TICK",)), start=True)
        [pool] = self.get("/events/stats")["pools"]
        self.assertEqual((pool["name"], pool["events"], pool["waiting"]), ("ear", ["TICK"], 0))
        [listener_stats] = pool["listeners"]
        self.assertEqual(
            (listener_stats["process"], listener_stats["listener_state"]), ("ear", "ACKNOWLEDGED")
        )

    def test_remote(self) -> None:
        """Listeners can be told something, during a shutdown too."""
        self.daemon.supervisor.stop(SupervisorState.SHUTDOWN)
        self.post("/events/remote", {"kind": "deploy", "data": "v2"})
        self.assertEqual(self.daemon.remote_events, [("deploy", "v2")])
        self.problem("POST", "/events/remote", 422, {"kind": "deploy"})
