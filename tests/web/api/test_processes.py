"""Processes and groups in JSON: what is told of them, and what they are told."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from supervisor_tx.config.model import LogConfig
from supervisor_tx.core.states import SupervisorState
from tests.rpc.stage import group, program
from tests.web.api.stage import ApiTestCase, of_process

NEVER = {"started": None, "started_epoch": None, "stopped": None, "stopped_epoch": None}


def done(*names: str) -> Any:
    """The results of an order that was carried out."""
    return {"results": [{"process": name, "problem": None} for name in names]}


class InfoTests(ApiTestCase):
    def test_never_started(self) -> None:
        """All is told of a process, also where there is nothing to tell."""
        logs = LogConfig(logfile=str(self.directory / "out"))
        self.run_groups(group("web", program("a", stdout=logs), program("b")))
        self.assertEqual(
            self.get(of_process("web:a")),
            {
                "namespec": "web:a",
                "group": "web",
                "name": "a",
                "state": "STOPPED",
                "pid": None,
                **NEVER,
                "spawnerr": None,
                "ending": None,
                "tries": 0,
                "next_try": None,
                "next_try_epoch": None,
                "logs": {"stdout": str(self.directory / "out"), "stderr": None},
                "description": "Not started",
                "uptime": None,
            },
        )

    def test_running(self) -> None:
        """Of one that runs it is told since when, and how long that is."""
        self.run_groups(group("cat"), start=True)
        found = self.get("/processes/cat")
        self.assertEqual((found["state"], found["namespec"]), ("RUNNING", "cat"))
        self.assertEqual(found["pid"], self.child("cat").pid)
        self.assertEqual(
            found["description"],
            f"pid {found['pid']}, uptime 0:00:{found['uptime']:02d}",
        )
        self.assertLess(found["uptime"], 60)
        self.assertEqual(
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(found["started_epoch"])),
            found["started"],
        )

    def test_down(self) -> None:
        """Of one that is down it is told how it ended, and on whose account."""
        self.run_groups(group("cat"), start=True)
        self.post("/processes/cat/stop")
        found = self.get("/processes/cat")
        self.assertEqual(found["state"], "STOPPED")
        self.assertEqual(
            found["ending"],
            {
                "cause": "stopped",
                "code": None,
                "signal": 15,
                "expected": False,
                "by": "unix uid 4",
            },
        )
        self.assertIsNotNone(found["stopped"])

    def test_waiting(self) -> None:
        """Of one that failed it is told when it is tried again."""
        self.run_groups(group("cat"))
        self.post("/processes/cat/start?wait=false")
        self.child("cat").exit(3)
        found = self.get("/processes/cat")
        self.assertEqual((found["state"], found["tries"]), ("BACKOFF", 1))
        self.assertEqual(found["ending"]["code"], 3)
        self.assertIn("Exited too quickly", found["spawnerr"])
        self.assertGreaterEqual(found["next_try_epoch"], found["stopped_epoch"])

    def test_strange_names(self) -> None:
        """Whatever a name has in it, it can be asked for, and is told as it is."""
        for name in ('<b>"x"</b>', "grün", "a%2Fb", "..", "a?b#c;d", "a b", "\u2028"):
            with self.subTest(name=name):
                self.run_groups(group("g", program(name)))
                self.assertEqual(self.get(of_process(f"g:{name}"))["name"], name)
                self.daemon.supervisor.remove("g")

    def test_unknown(self) -> None:
        """What there is not is not found; a group is no process."""
        self.run_groups(group("web", program("a")))
        for name in ("nope", "web", "web:*", "web:", "web:b", ":", "*"):
            found = self.problem("GET", of_process(name), 404)
            self.assertEqual(found["type"], "urn:supervisor-tx:problem:unknown-process")
            self.assertEqual(found["detail"], f"{name}: no such process")
            self.assertIn("list of processes", found["mend"])

    def test_going_down(self) -> None:
        """On the way down there is only the daemon to be asked for."""
        self.run_groups(group("cat"), start=True)
        self.daemon.supervisor.stop(SupervisorState.SHUTDOWN)
        answer = self.ask("GET", "/processes")
        self.assertEqual((answer.code, answer.headers["retry-after"]), (503, "1"))
        self.problem("POST", "/processes/cat/stop", 503)
        self.assertEqual(self.get("/daemon")["state"], "SHUTDOWN")


class ListTests(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.run_groups(group("web", program("b"), program("a")), group("db"), start=True)

    def names(self, **query: str) -> list[str]:
        return [each["namespec"] for each in self.get("/processes", **query)["processes"]]

    def test_all(self) -> None:
        """All processes are told, by group and name, as each by itself."""
        found = self.get("/processes")["processes"]
        self.assertEqual([each["namespec"] for each in found], ["db", "web:a", "web:b"])
        self.assertEqual(found[1], self.get(of_process("web:a")))

    def test_none(self) -> None:
        """There may be none."""
        self.assertEqual(self.names(group="nope"), [])

    def test_filters(self) -> None:
        """Of many, only those are told that are asked for in all ways."""
        self.post("/processes/db/stop")
        self.assertEqual(self.names(state="STOPPED"), ["db"])
        self.assertEqual(self.names(state="STOPPED,RUNNING"), ["db", "web:a", "web:b"])
        self.assertEqual(self.names(group="web"), ["web:a", "web:b"])
        self.assertEqual(self.names(search="B"), ["db", "web:a", "web:b"])
        self.assertEqual(self.names(search=":B"), ["web:b"])
        self.assertEqual(self.names(group="web", state="STOPPED"), [])

    def test_up_to_date(self) -> None:
        """What was told before is not told again where it has changed."""
        self.assertEqual(self.get("/processes")["processes"][0]["state"], "RUNNING")
        self.post("/processes/db/stop")
        self.assertEqual(self.get("/processes")["processes"][0]["state"], "STOPPED")
        self.daemon.supervisor.remove("db")
        self.assertEqual(self.names(), ["web:a", "web:b"])

    def test_groups(self) -> None:
        """Groups are told with their processes, and how many are in which state."""
        web = {
            "name": "web",
            "priority": 999,
            "processes": ["web:b", "web:a"],
            "states": {"RUNNING": 2},
        }
        self.assertEqual(self.get("/groups/web"), web)
        self.assertIn(web, self.get("/groups")["groups"])
        self.problem("GET", "/groups/nope", 404)


class OrderTests(ApiTestCase):
    """Orders to one process."""

    def setUp(self) -> None:
        super().setUp()
        self.run_groups(group("cat"))

    def test_start(self) -> None:
        """A start is answered when it runs, with what it is then."""
        wire = self.begin("POST", "/processes/cat/start")
        self.turn()
        self.assertEqual(wire.heard, b"")
        self.clock.advance(1)
        answer = self.heard(wire, "POST", "/processes/cat/start")
        self.assertEqual(answer.code, 200)
        self.assertEqual(json.loads(answer.body)["state"], "RUNNING")
        found = self.problem("POST", "/processes/cat/start", 409)
        self.assertEqual(found["type"], "urn:supervisor-tx:problem:already-started")

    def test_start_without_waiting(self) -> None:
        """Who does not wait is answered at once, with 202."""
        found = self.post("/processes/cat/start?wait=false", code=202)
        self.assertEqual(found["state"], "STARTING")

    def test_gone(self) -> None:
        """An order is carried out even where nobody waits for the answer any more."""
        wire = self.begin("POST", "/processes/cat/start")
        wire.vanish()
        self.turn()
        self.clock.advance(1)
        self.assertEqual(self.get("/processes/cat")["state"], "RUNNING")
        wire = self.begin("POST", "/processes/cat/restart")
        wire.vanish()
        self.turn()
        self.clock.advance(1)
        self.assertEqual(self.get("/processes/cat")["state"], "RUNNING")
        self.assertEqual(len(self.daemon.spawner.named("cat")), 2)

    def test_start_in_vain(self) -> None:
        """It is told why there is nothing to be started."""
        self.run_groups(
            group("missing", program("missing", command="/no/such")),
            group("folder", program("folder", command="/usr")),
        )
        for name, kind in (("missing", "command-not-found"), ("folder", "command-unusable")):
            found = self.problem("POST", f"/processes/{name}/start", 409)
            self.assertEqual(found["type"], f"urn:supervisor-tx:problem:{kind}")
            self.assertTrue(found["mend"])

    def test_ends_early(self) -> None:
        """One that ends instead of running is told of."""
        wire = self.begin("POST", "/processes/cat/start")
        self.turn()
        self.child("cat").exit(1)
        answer = self.heard(wire, "POST", "/processes/cat/start")
        self.assertEqual(answer.code, 409)

    def test_stop(self) -> None:
        """A stop is answered when it is down."""
        found = self.problem("POST", "/processes/cat/stop", 409)
        self.assertEqual(found["type"], "urn:supervisor-tx:problem:not-running")
        self.run_groups(group("dog"), start=True)
        self.assertEqual(self.post("/processes/dog/stop")["state"], "STOPPED")

    def test_restart(self) -> None:
        """A restart stops it first, if it runs."""
        for count in (1, 2):
            wire = self.begin("POST", "/processes/cat/restart")
            self.turn()
            self.clock.advance(1)
            answer = self.heard(wire, "POST", "/processes/cat/restart")
            self.assertEqual(json.loads(answer.body)["state"], "RUNNING")
            self.assertEqual(len(self.daemon.spawner.named("cat")), count)

    def test_restart_without_waiting(self) -> None:
        """Who does not wait for a restart is answered when it has begun."""
        self.post("/processes/cat/restart?wait=false", code=202)
        self.clock.advance(1)
        self.assertEqual(self.get("/processes/cat")["state"], "RUNNING")
        self.child("cat").obeys = set()
        found = self.post("/processes/cat/restart?wait=false", code=202)
        self.assertEqual(found["state"], "STOPPING")
        self.child("cat").exit(0)
        self.turn()
        self.clock.advance(1)
        self.assertEqual(self.get("/processes/cat")["state"], "RUNNING")

    def test_restart_in_vain(self) -> None:
        """What could not be started again is not stopped."""
        self.post("/actions/start?wait=false", {"names": ["cat"]})
        self.clock.advance(1)
        process = self.process("cat")
        config = program("cat", command="/no/such")
        process.config = config
        self.problem("POST", "/processes/cat/restart", 409)
        self.assertEqual(self.get("/processes/cat")["state"], "RUNNING")

    def test_restart_overtaken(self) -> None:
        """A shutdown in between ends a restart."""
        self.run_groups(group("dog"), start=True)
        self.child("dog").obeys = set()
        wire = self.begin("POST", "/processes/dog/restart")
        self.turn()
        self.daemon.supervisor.stop(SupervisorState.SHUTDOWN)
        self.child("dog").exit(0)
        self.turn()
        self.assertEqual(self.heard(wire, "POST", "/processes/dog/restart").code, 503)
        self.assertEqual(len(self.daemon.spawner.named("dog")), 1)

    def test_signal(self) -> None:
        """A signal goes by its name or its number."""
        self.run_groups(group("dog"), start=True)
        for signal in ("HUP", "SIGHUP", 1):
            self.post("/processes/dog/signal", {"signal": signal})
        self.assertEqual(self.child("dog").signals, ["HUP"] * 3)
        found = self.problem("POST", "/processes/dog/signal", 422, {"signal": "NOPE"})
        self.assertEqual(found["type"], "urn:supervisor-tx:problem:bad-signal")
        self.problem("POST", "/processes/dog/signal", 422, {"signal": 1.5})
        self.post("/processes/dog/stop")
        self.problem("POST", "/processes/dog/signal", 409, {"signal": "HUP"})

    def test_stdin(self) -> None:
        """What is written is written, in UTF-8."""
        self.run_groups(group("dog"), start=True)
        self.post("/processes/dog/stdin", {"chars": "grün\n"})
        self.assertEqual(self.child("dog").stdin, "grün\n".encode())
        self.post("/processes/dog/stop")
        self.problem("POST", "/processes/dog/stdin", 409, {"chars": ""})

    def test_group_is_no_process(self) -> None:
        """An order to one process is none to a group."""
        for action in ("start", "stop", "restart", "clear-logs"):
            self.problem("POST", f"/processes/cat:*/{action}", 404)
        self.problem("POST", "/processes/cat:*/signal", 404, {"signal": "HUP"})


class ManyTests(ApiTestCase):
    """Orders to several processes."""

    def setUp(self) -> None:
        super().setUp()
        self.run_groups(group("web", program("a"), program("b")), group("db"))

    def patient(self, path: str, value: Any = None) -> Any:
        """What is answered to an order that takes a second."""
        body = None if value is None else json.dumps(value).encode()
        headers = {} if value is None else {"Content-Type": "application/json"}
        wire = self.begin("POST", path, body, headers)
        self.turn()
        self.clock.advance(1)
        self.turn()
        answer = self.heard(wire, "POST", path)
        self.assertEqual(answer.code, 200, answer.body)
        return json.loads(answer.body)

    def test_group(self) -> None:
        """A group is started, restarted, signalled and stopped."""
        self.assertEqual(self.patient("/groups/web/start"), done("web:a", "web:b"))
        self.assertEqual(self.patient("/groups/web/start"), {"results": []})
        self.assertEqual(self.patient("/groups/web/restart"), done("web:a", "web:b"))
        self.assertEqual(len(self.daemon.spawner.named("a")), 2)
        self.assertEqual(self.post("/groups/web/signal", {"signal": "HUP"}), done("web:a", "web:b"))
        self.assertEqual(self.post("/groups/web/clear-logs"), done("web:a", "web:b"))
        self.assertEqual(self.post("/groups/web/stop"), done("web:a", "web:b"))
        for action in ("start", "restart", "stop", "clear-logs"):
            self.problem("POST", f"/groups/nope/{action}", 404)

    def test_selection(self) -> None:
        """A selection is of processes, groups, or all there are."""
        for names, found in (
            (["db"], ["db"]),
            (["web:*"], ["web:a", "web:b"]),
            (["web:b", "db", "web:b"], ["web:b", "db"]),
            (["*"], ["web:a", "web:b", "db"]),
        ):
            self.assertEqual(self.patient("/actions/start", {"names": names}), done(*found))
            self.assertEqual(self.post("/actions/stop", {"names": names}), done(*found))

    def test_named(self) -> None:
        """What was named itself, and makes no sense, is told; what is in a group is not."""
        self.patient("/actions/start", {"names": ["db"]})
        found = self.patient("/actions/start", {"names": ["db", "web:*"]})
        problems = {each["process"]: each["problem"] for each in found["results"]}
        self.assertEqual(problems["db"]["type"], "urn:supervisor-tx:problem:already-started")
        self.assertEqual((problems["web:a"], problems["web:b"]), (None, None))
        self.assertEqual(self.patient("/actions/start", {"names": ["*"]}), {"results": []})

    def test_unknown(self) -> None:
        """Nothing is done where one of the names is not known."""
        for action in ("start", "stop", "restart", "clear-logs"):
            self.problem("POST", f"/actions/{action}", 404, {"names": ["db", "nope"]})
        self.assertEqual(self.daemon.spawner.children, [])

    def test_signal(self) -> None:
        """A signal that there is not is told once, and sent to nobody."""
        self.patient("/actions/start", {"names": ["db"]})
        for path, value in (
            ("/actions/signal", {"names": ["*"], "signal": "NOPE"}),
            ("/groups/db/signal", {"signal": "NOPE"}),
        ):
            self.problem("POST", path, 422, value)
        found = self.post("/actions/signal", {"names": ["db", "web:a"], "signal": "HUP"})
        problems = {each["process"]: each["problem"] for each in found["results"]}
        self.assertIsNone(problems["db"])
        self.assertEqual(problems["web:a"]["status"], 409)

    def test_restart(self) -> None:
        """A restart of many leaves running what could not be started again."""
        self.patient("/actions/start", {"names": ["*"]})
        self.process("db").config = program("db", command="/no/such")
        found = self.patient("/actions/restart", {"names": ["*"]})
        problems = {each["process"]: each["problem"] for each in found["results"]}
        self.assertEqual(problems["db"]["status"], 409)
        self.assertEqual((problems["web:a"], problems["web:b"]), (None, None))
        self.assertEqual(len(self.daemon.spawner.named("db")), 1)
        self.assertEqual(len(self.daemon.spawner.named("a")), 2)

    def test_restart_of_what_stops(self) -> None:
        """What is on its way down already is waited for."""
        self.patient("/actions/start", {"names": ["db"]})
        self.child("db").obeys = set()
        self.post("/processes/db/stop?wait=false", code=202)
        wire = self.begin("POST", "/processes/db/restart")
        self.turn()
        self.child("db").exit(0)
        self.turn()
        self.clock.advance(1)
        self.assertEqual(self.heard(wire, "POST", "/processes/db/restart").code, 200)

    def test_without_waiting(self) -> None:
        """Who does not wait is told what has begun."""
        self.post("/actions/start?wait=false", {"names": ["db"]}, 202)
        self.post("/actions/restart?wait=false", {"names": ["*"]}, 202)
        self.clock.advance(1)
        self.turn()
        self.clock.advance(1)
        states = {each["state"] for each in self.get("/processes")["processes"]}
        self.assertEqual(states, {"RUNNING"})
        self.post("/groups/web/stop?wait=false", code=202)


class TimeTests(ApiTestCase):
    def test_form(self) -> None:
        """Times are told in one form."""
        self.run_groups(group("cat"), start=True)
        for found, name in (
            (self.get("/daemon"), "started"),
            (self.get("/processes/cat"), "started"),
        ):
            self.assertTrue(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found[name]))
