"""CPU and memory of real programs."""

from __future__ import annotations

import json
import os
from typing import Any

from tests import requirements
from tests.functional.harness import children, until
from tests.functional.test_http import UNIX, HttpTestCase

#: Two children that do nothing but use CPU.
TWO = "sh -c \"sh -c 'while :; do :; done' & sh -c 'while :; do :; done' & wait\""


class FiguresTests(HttpTestCase):
    def setUp(self) -> None:
        super().setUp()
        requirements.require(os.path.exists("/proc/self/stat"), "needs /proc")

    def get(self, path: str) -> Any:
        """What JSON is answered with."""
        client = self.client()
        client.send(f"GET /api/v1{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        status, _, body = client.answer()
        self.assertEqual(status, 200, body)
        client.close()
        return json.loads(body)

    def figure(self, name: str) -> Any:
        return self.get("/figures")["processes"].get(name) or {}

    def test_tree(self) -> None:
        """What all processes of a program use counts for it, and for no other."""
        daemon = self.started(
            UNIX + f"[program:busy]\ncommand={TWO}\nkillasgroup=true\nstopasgroup=true\n"
            "[program:idle]\ncommand=sleep 1000\n[program:off]\ncommand=true\nautostart=false\n"
        )
        until(lambda: self.figure("busy").get("processes") == 3)
        until(lambda: (self.figure("busy")["cpu"] or 0) > 20)
        found = self.get("/figures")
        self.assertEqual(found["processes"].keys(), {"busy", "idle"})
        idle = found["processes"]["idle"]
        self.assertEqual((idle["cpu"], idle["processes"]), (0.0, 1))
        self.assertGreater(found["processes"]["busy"]["memory"], idle["memory"])
        self.assertGreater(found["daemon"]["memory"], 10 * 1024 * 1024)
        self.assertEqual(found["host"]["cpus"], len(os.sched_getaffinity(daemon.process.pid)))

    def test_comes_and_goes(self) -> None:
        """Children that live for a moment only count as well."""
        self.started(UNIX + "[program:p]\ncommand=sh -c 'while :; do /bin/true; done'\n")
        until(lambda: (self.figure("p").get("cpu") or 0) > 5)
        history = self.get("/processes/p/figures")["history"]
        self.assertGreater(len(history), 1)

    def test_orphans(self) -> None:
        """A process whose parent has ended still belongs to the program that it comes from."""
        daemon = self.started(
            UNIX + '[program:p]\ncommand=sh -c "(sleep 1000 &); exec sleep 1000"\n'
            "stopasgroup=true\n"
        )
        until(lambda: self.figure("p").get("processes") == 2)
        self.assertEqual(children(daemon.pid_of("p")), [])

    def test_followed(self) -> None:
        """They are told along with events, for as long as somebody follows."""
        self.started(UNIX + "[program:p]\ncommand=sleep 1000\n")
        client = self.client()
        client.send(b"GET /api/v1/events?figures=1&config=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(client.head()[0], 200)

        def told(kind: str) -> Any:
            for line in client.file:
                if line.strip() == b"event: " + kind.encode():
                    return json.loads(client.file.readline().partition(b":")[2])
            raise AssertionError("the stream has ended")

        self.assertEqual(told("config"), {"changed": False, "problem": None})
        until(lambda: "p" in told("figures")["processes"])
        with (self.directory / "supervisord.conf").open("a") as config:
            config.write("[program:q]\ncommand=sleep 1000\n")
        self.assertEqual(told("config"), {"changed": True, "problem": None})
