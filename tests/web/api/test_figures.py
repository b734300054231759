"""CPU and memory, and what is on disk, in JSON."""

from __future__ import annotations

import json
from typing import Any

from supervisor_tx.errors import ConfigError, NoFigures, Problem
from supervisor_tx.supervision.configwatch import ConfigWatch
from supervisor_tx.supervision.figures import FIRST_INTERVAL, INTERVAL
from tests.rpc.stage import NoFolders, group, program
from tests.web.api.stage import ApiTestCase, of_process


class FiguresTests(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.run_groups(group("a"), group("g", program("b")))
        table = self.daemon.table
        daemon = table.fork(table.fork(0))
        self.roots = self.daemon.roots
        self.roots[("a", "a")] = table.fork(daemon)
        self.roots[("g", "b")] = table.fork(daemon)

    def later(self, path: str, seconds: float) -> Any:
        """What a GET is answered with that takes some seconds."""
        wire = self.begin("GET", path)
        self.turn()
        self.assertEqual(wire.heard, b"")
        self.clock.advance(seconds)
        self.turn()
        answer = self.heard(wire, "GET", path)
        self.assertEqual(answer.code, 200, answer.body)
        return json.loads(answer.body)

    def test_all(self) -> None:
        """Who asks first waits for the second look; who asks again is answered at once."""
        wire = self.begin("GET", "/figures")
        self.turn()
        self.daemon.table.work(self.roots["a", "a"], 0.25)
        self.clock.advance(FIRST_INTERVAL)
        self.turn()
        found = json.loads(self.heard(wire, "GET", "/figures").body)
        self.assertEqual(
            found["processes"],
            {
                "a": {"cpu": 50.0, "memory": 4096, "processes": 1},
                "g:b": {"cpu": 0.0, "memory": 4096, "processes": 1},
            },
        )
        self.assertEqual(found["daemon"], {"cpu": 0.0, "memory": 4096, "processes": 1})
        self.assertEqual(found["host"]["load"], [0.1, 0.2, 0.3])
        self.assertEqual((found["problem"], found["interval"]), (None, INTERVAL))
        self.assertEqual(self.get("/figures"), found)

    def test_one(self) -> None:
        """Of one process it is told how it was as well."""
        found = self.later(f"{of_process('g:b')}/figures", FIRST_INTERVAL)
        self.assertEqual(found["now"], {"cpu": 0.0, "memory": 4096, "processes": 1})
        self.assertEqual(
            found["history"], [{"cpu": None, "memory": 4096}, {"cpu": 0.0, "memory": 4096}]
        )
        self.daemon.table.end(self.roots.pop(("g", "b")))
        self.clock.advance(INTERVAL)
        self.turn()
        found = self.get(f"{of_process('g:b')}/figures")
        self.assertIs(found["now"], None)
        self.assertEqual(found["history"][2:], [{"cpu": None, "memory": 0}])
        self.problem("GET", f"{of_process('none')}/figures", 404)

    def test_problem(self) -> None:
        """Where there are none it is told why."""
        self.daemon.table.failure = NoFigures("no /proc here")
        found = self.get("/figures")
        self.assertEqual(found["problem"], "no /proc here")
        self.assertEqual((found["processes"], found["host"], found["daemon"]), ({}, None, None))
        found = self.get(f"{of_process('a')}/figures")
        self.assertEqual(found, {"problem": "no /proc here", "now": None, "history": []})


class ConfigStateTests(ApiTestCase):
    def state(self) -> Any:
        """What is told of a configuration that nobody has looked at before."""
        daemon = self.daemon
        daemon.config_watch = ConfigWatch(daemon, daemon.operations.compare, NoFolders())
        return self.get("/config/state")

    def test_state(self) -> None:
        """It is told whether an update would do something, and why it cannot."""
        self.run_groups(group("a"))
        self.assertEqual(self.state(), {"changed": False, "problem": None})
        self.daemon.on_disk = (group("b"),)
        self.assertEqual(self.state(), {"changed": True, "problem": None})
        self.daemon.mistake = ConfigError([Problem("it is broken", "/conf")])
        self.assertEqual(self.state(), {"changed": True, "problem": "/conf: it is broken"})
