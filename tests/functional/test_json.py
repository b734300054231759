"""The interface in JSON of a real daemon: what it promises, it does."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests import requirements
from tests.functional.harness import Daemon, FunctionalTestCase, free_port, until

CONFIG = """\
[inet_http_server]
port=127.0.0.1:{port}
username=ann
password=secret
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:cat]
command=cat
startsecs=0
stopwaitsecs=1
[program:many]
command=cat
process_name=%(process_num)d
numprocs=3
startsecs=0
stopwaitsecs=1
[program:missing]
command=/no/such/program
autostart=false
[eventlistener:ear]
command=cat
events=TICK_3600
startsecs=0
stopwaitsecs=1
"""

#: MiB of a log that nobody may want to hold in memory.
LARGE = 1024


class JsonTestCase(FunctionalTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.port = free_port()
        self.server = self.started()

    def started(self) -> Daemon:
        daemon = self.daemon(CONFIG.replace("{port}", str(self.port)))
        daemon.wait_for("success: ear")
        daemon.wait_for("success: 2")
        return daemon

    def ask(
        self, method: str, path: str, value: Any = None, **headers: str
    ) -> http.client.HTTPResponse:
        """Ask for something; return the answer, of which only the head is read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.addCleanup(connection.close)
        fields = {name.replace("_", "-"): text for name, text in headers.items()}
        fields.setdefault("Authorization", "Basic YW5uOnNlY3JldA==")
        body = None
        if value is not None:
            body = json.dumps(value)
            fields["Content-Type"] = "application/json"
        connection.request(method, f"/api/v1{path}", body, fields)
        response = connection.getresponse()
        self.addCleanup(response.close)
        return response

    def get(self, path: str) -> Any:
        response = self.ask("GET", path)
        self.assertEqual(response.status, 200)
        return json.load(response)

    def post(self, path: str, value: Any = None) -> Any:
        response = self.ask("POST", path, value)
        self.assertIn(response.status, (200, 202))
        return json.load(response)


class PromiseTests(JsonTestCase):
    def test_schemathesis(self) -> None:
        """Whatever fits the description is answered as described, and nothing is a defect."""
        try:
            import schemathesis  # noqa: F401
        except ImportError:
            requirements.require(False, "needs schemathesis")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run"),
                f"http://127.0.0.1:{self.port}/api/v1/openapi.json",
                *("--auth", "ann:secret", "--no-color", "--seed", "1", "--max-examples", "12"),
                *("--request-timeout", "60", "--generation-database", "none"),
                # These have no end, and those make one to everything.
                *("--exclude-path-regex", "/stream$|/events$|^/daemon/(shutdown|restart)$"),
            ],
            cwd=self.directory,
            env={**os.environ, "PYTHONWARNINGS": ""},  # those of others are theirs
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout[-20_000:] + done.stderr[-5_000:])
        self.assertRegex(done.stdout, r"Tested: *3\d")
        self.assertEqual(self.server.lines("Traceback|a defect|Server Error"), [])
        self.assertEqual(self.get("/daemon")["state"], "RUNNING")


class LifeTests(JsonTestCase):
    def test_orders(self) -> None:
        """Processes are started, stopped and restarted for real."""
        pid = self.get("/processes/cat")["pid"]
        restarted = self.post("/processes/cat/restart")
        self.assertEqual(restarted["state"], "RUNNING")
        self.assertNotEqual(restarted["pid"], pid)
        found = self.post("/actions/stop", {"names": ["many:*", "cat"]})
        self.assertEqual([each["problem"] for each in found["results"]], [None] * 4)
        states = {each["namespec"]: each["state"] for each in self.get("/processes")["processes"]}
        self.assertEqual(states.pop("missing"), "STOPPED")
        self.assertEqual(states.pop("ear"), "RUNNING")
        self.assertEqual(set(states.values()), {"STOPPED"})
        response = self.ask("POST", "/processes/missing/start")
        self.assertEqual(response.status, 409)
        self.assertEqual(response.headers["Content-Type"], "application/problem+json")

    def test_restart_and_shutdown(self) -> None:
        """The daemon starts anew, and ends, when it is told to."""
        pid = self.get("/processes/cat")["pid"]
        self.assertEqual(self.post("/daemon/restart")["state"], "RESTARTING")
        self.server.wait_for("success: 2", 2)
        until(lambda: self.get("/daemon")["state"] == "RUNNING")
        self.assertNotEqual(self.get("/processes/cat")["pid"], pid)
        self.assertEqual(self.post("/daemon/shutdown")["state"], "SHUTDOWN")
        self.assertEqual(self.server.wait(), 0)

    def test_update(self) -> None:
        """A changed configuration is planned, then put into force."""
        config = self.server.configfile.read_text()
        self.server.configfile.write_text(config.replace("numprocs=3", "numprocs=2"))
        plan = self.get("/config/plan")["steps"]
        self.assertEqual([(each["action"], each["process"]) for each in plan], [("remove", "2")])
        self.assertEqual(self.post("/config/apply")["steps"], plan)
        self.assertEqual(self.get("/groups/many")["processes"], ["many:0", "many:1"])
        self.server.configfile.write_text(config + "startsecs=soon\n")
        response = self.ask("GET", "/config/plan")
        self.assertEqual(response.status, 409)
        [problem] = json.load(response)["problems"]
        self.assertEqual((problem["option"], problem["value"]), ("startsecs", "soon"))

    def test_password(self) -> None:
        """Without the password nothing is told."""
        response = self.ask("GET", "/daemon", Authorization="")
        self.assertEqual(response.status, 401)
        self.assertEqual(response.headers["WWW-Authenticate"], 'Basic realm="default"')


class LogTests(JsonTestCase):
    def log(self) -> Path:
        return Path(self.get("/processes/cat")["logs"]["stdout"])

    def test_pieces(self) -> None:
        """What a program has written can be read piece by piece."""
        self.post("/processes/cat/stdin", {"chars": "grün\n" * 10})
        until(lambda: self.get("/processes/cat/logs/stdout")["size"] == 60)
        text, end = "", 0
        while end < 60:
            piece = self.get(f"/processes/cat/logs/stdout?offset={end}&length=7")
            text, end = text + piece["text"], piece["end"]
        self.assertEqual(text, "grün\n" * 10)
        self.post("/processes/cat/clear-logs")
        self.assertEqual(self.get("/processes/cat/logs/stdout")["size"], 0)

    def test_large(self) -> None:
        """A log that is larger than memory should be is sent whole, and never held."""
        with self.log().open("r+b") as file:
            file.truncate(LARGE << 20)
        self.get("/daemon")
        before = self.memory()
        response = self.ask("GET", "/processes/cat/logs/stdout", Accept="application/octet-stream")
        self.assertEqual(response.headers["Content-Length"], str(LARGE << 20))
        size = most = 0
        while data := response.read(1 << 20):
            size += len(data)
            if size % (64 << 20) == 0:
                most = max(most, self.memory())
        self.assertEqual(size, LARGE << 20)
        self.assertLess(most - before, 64 << 10, "KiB")
        response = self.ask(
            "GET",
            "/processes/cat/logs/stdout",
            Accept="application/octet-stream",
            Range=f"bytes={(LARGE << 20) - 5}-",
        )
        self.assertEqual((response.status, response.read()), (206, b"\0" * 5))

    def memory(self) -> int:
        """KiB that the daemon has in memory."""
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        match = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert match is not None
        return int(match[1])
