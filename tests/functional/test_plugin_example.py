"""The plugin that the documentation shows: all kinds in one, for Supervisor and for us at once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from tests.functional.harness import PATIENCE, TOP, Daemon, FunctionalTestCase
from tests.functional.rpc import Client
from tests.requirements import stock

EXAMPLES = TOP / "docs" / "examples"

#: A listener that wants each event twice before it accepts it.
HERALD = """\
import importlib.util
import sys

with open("herald.heard", "a") as file:
    file.write("supervisor: %s\\n" % importlib.util.find_spec("supervisor"))

asked = 0
while True:
    sys.stdout.write("READY\\n")
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line:
        break
    headers = dict(word.split(":") for word in line.split())
    payload = sys.stdin.read(int(headers["len"]))
    with open("herald.heard", "a") as file:
        file.write(headers["eventname"] + " " + headers["serial"] + " " + payload + "\\n")
    asked += 1
    answer = "LATER" if asked % 2 else "anything"
    sys.stdout.write("RESULT %d\\n%s" % (len(answer), answer))
    sys.stdout.flush()
"""

CONFIG = """\
[unix_http_server]
file=%(here)s/s
[supervisorctl]
serverurl=unix://%(here)s/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:hopeless]
command=false
startretries=0
""" + (EXAMPLES / "notices.conf").read_text().replace(
    "/usr/local/bin/herald", f"{sys.executable} -S herald.py"
)

#: Calls, whose answers are the same.
CALLS: tuple[tuple[Any, ...], ...] = (
    ("notices.send", "one"),
    ("notices.send", ""),
    ("notices.send",),
    ("notices.send", 5),
    ("notices._heard", 5),
    ("notices.getGivenUp",),
    ("system.methodSignature", "notices.send"),
    ("system.methodHelp", "notices.getGivenUp"),
)

#: Lines for the client, whose answers and statuses are the same.
LINES = ("notice two words", "notice", "help notice", "noticed")


class ExampleTests(FunctionalTestCase):
    """Both daemons with their clients."""

    def start(self) -> tuple[Daemon, Daemon]:
        files = {"notices.py": (EXAMPLES / "notices.py").read_text(), "herald.py": HERALD}
        return self.both(CONFIG, files, environ={"PYTHONPATH": f"{TOP}:."})

    def control(self, daemon: Daemon, line: str) -> tuple[int, str, str]:
        """Run the client that goes with a daemon; return its status and what it says."""
        client = [sys.executable, "-m", "supervisor_tx.ctl"]
        if daemon.directory.name == "stock":
            client = [stock("supervisorctl")]
        done = subprocess.run(
            [*client, "-c", str(daemon.configfile), *line.split()],
            cwd=daemon.directory,
            env={**os.environ, "PYTHONPATH": f"{TOP}:{daemon.directory}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def test_the_same(self) -> None:
        """Its methods, its event, its result handler and its action do the same in both."""
        answers, said, heard = [], [], []
        for daemon in self.start():
            daemon.wait_for("success: herald")
            daemon.wait_for("gave up: hopeless")
            client = Client(daemon.directory / "s")
            answers.append([client.call(*call) for call in CALLS])
            said.append([self.control(daemon, line) for line in LINES])
            daemon.wait_for_file("herald.heard", "two words\nNOTICE 1 text:two words\n")
            heard.append(daemon.read("herald.heard"))
            daemon.stop()
        self.assertEqual(answers[1], answers[0])
        self.assertEqual(said[1], said[0])
        self.assertEqual(heard[1], heard[0])
        self.assertTrue(heard[1].startswith("supervisor: None\n"))  # ours is not for children
        self.assertEqual(answers[1][0], True)
        self.assertEqual(answers[1][1], ("fault", 1001, "EMPTY_NOTICE"))
        self.assertEqual(answers[1][5], ["hopeless"])
        self.assertEqual(said[1][0], (0, "notice: sent\n", ""))


POOL = """\
[unix_http_server]
file=%(here)s/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[eventlistener:x]
command=cat
events=REMOTE_COMMUNICATION
"""

#: What cannot be resolved.
WRONG = ("no_such_module:judge", "os:no_such_name")


class MissingHandlerTests(FunctionalTestCase):
    """Result handlers that are not there."""

    def test_start(self) -> None:
        """Neither daemon starts; ours says why as well."""
        for wrong in WRONG:
            with self.subTest(wrong=wrong):
                folder = self.directory
                self.directory = folder / wrong.partition(":")[0]
                self.directory.mkdir()
                said = []
                for daemon in self.both(f"{POOL}result_handler={wrong}\n"):
                    self.assertEqual(daemon.wait(), 2)
                    said.append(daemon.stderr.read_text().splitlines()[0])
                self.directory = folder
                self.assertEqual(
                    said[0], f"Error: {wrong} cannot be resolved within [eventlistener:x]"
                )
                self.assertTrue(said[1].startswith(f"{said[0]}: "), said[1])

    def test_reread(self) -> None:
        """Both refuse to read such a configuration, with one fault, and go on."""
        for daemon in self.both(POOL):
            daemon.wait_for("spawned: 'x'")
            client = Client(daemon.directory / "s")
            for wrong in WRONG:
                daemon.configure(f"{POOL}result_handler={wrong}\n")
                code, text = client.call("supervisor.reloadConfig")[1:]
                self.assertEqual(code, 92)
                self.assertIn(f"{wrong} cannot be resolved within [eventlistener:x]", text)
            daemon.configure(POOL)
            self.assertEqual(client.call("supervisor.reloadConfig"), [[[], [], []]])
            self.assertEqual(daemon.stop(), 0)
