"""
Plugins that were written for Supervisor, unmodified, in our daemon and our client.

They stand in one environment with stock Supervisor, which they depend on, and with us: what they
import by its name must be ours in our processes, and the same calls must be answered alike.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

from tests import requirements
from tests.functional.harness import PATIENCE, TOP, Daemon, FunctionalTestCase
from tests.functional.rpc import Client

CONFIG = """\
[unix_http_server]
file=%(here)s/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[rpcinterface:twiddler]
supervisor.rpcinterface_factory=supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface
[rpcinterface:cache]
supervisor.rpcinterface_factory=supervisor_cache.rpcinterface:make_cache_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/s
[ctlplugin:wildcards]
supervisor.ctl_factory = supervisorwildcards.controllerplugin:make_wildcards_controllerplugin
[ctlplugin:serialrestart]
supervisor.ctl_factory = {serialrestart}
[ctlplugin:cache]
supervisor.ctl_factory = supervisor_cache.controllerplugin:make_cache_controllerplugin
[program:cat]
command=cat
[group:web]
programs=a1,a2,other
[program:a1]
command=cat
startsecs=0
[program:a2]
command=cat
startsecs=0
[program:other]
command=cat
startsecs=0
""".replace(
    "{serialrestart}",
    "supervisorserialrestart.controllerplugin:make_serialrestart_controllerplugin",
)

CAT = {"command": "/bin/cat"}

#: Calls, in this order, whose answers are the same to the letter.
CALLS: tuple[tuple[Any, ...], ...] = (
    ("twiddler.getAPIVersion",),
    ("twiddler.getGroupNames",),
    ("twiddler.log", "hello"),
    ("twiddler.log", "hello", "warn"),
    ("twiddler.log", "hello", "nope"),
    ("twiddler.log",),
    ("twiddler._update", "x"),
    ("twiddler.addProgramToGroup", "cat", "new", {**CAT, "startsecs": "0"}),
    ("twiddler.addProgramToGroup", "cat", "new", CAT),
    ("twiddler.addProgramToGroup", "no", "new", CAT),
    (
        "twiddler.addProgramToGroup",
        "cat",
        "many",
        {
            **CAT,
            "numprocs": "2",
            "autostart": "false",
            "process_name": "%(program_name)s_%(process_num)d",
        },
    ),
    ("supervisor.startProcess", "cat:many_1"),
    ("twiddler.removeProcessFromGroup", "cat", "many_1"),
    ("twiddler.removeProcessFromGroup", "cat", "many_0"),
    ("twiddler.removeProcessFromGroup", "cat", "nobody"),
    ("supervisor.startProcess", "cat:many_0"),
    ("supervisor.stopProcess", "cat:many_1"),
    ("twiddler.removeProcessFromGroup", "cat", "many_1"),
    ("cache.getAPIVersion",),
    ("cache.store", "key", "value"),
    ("cache.store", "", "value"),
    ("cache.store", "list", [1, "two", {"three": 3}]),
    ("cache.fetch", "key"),
    ("cache.fetch", "list"),
    ("cache.fetch", "none"),
    ("cache.getKeys",),
    ("cache.getCount",),
    ("cache.delete", "key"),
    ("cache.clear",),
    ("cache.getCount",),
    ("system.methodSignature", "cache.getKeys"),
    ("system.methodHelp", "cache.getKeys"),
    ("system.methodSignature", "twiddler.log"),
)

#: Lines for the client, whose answers and exit statuses are the same to the letter.
LINES = (
    "mstop a*",
    "status web:*",
    "mstart a*",
    "mrestart *2",
    "mstop nothing*",
    "serialrestart web:a1 web:a2",
    "serialrestart web:*",
    "serialrestart nothing",
    "cache_store key value",
    "cache_fetch key",
    "cache_keys",
    "cache_count",
    "cache_delete key",
    "cache_clear",
    "help mstop",
    "help serialrestart",
)


class PluginTests(FunctionalTestCase):
    """The daemon and the client of both, with the same plugins."""

    def start(self, name: str, main: str) -> Daemon:
        """Start a daemon from the environment of the plugins, by the module of its main."""
        self.python = requirements.plugins()
        directory = self.directory / name
        directory.mkdir()
        daemon = Daemon(
            directory,
            CONFIG,
            command=(self.python, "-c", f"from {main} import main; main()", "-n"),
            environ={"PYTHONPATH": str(TOP)},
        )
        self.addCleanup(daemon.kill)
        return daemon

    def both(self, *_: Any, **__: Any) -> tuple[Daemon, Daemon]:
        """Start Supervisor's daemon and ours."""
        daemons = (
            self.start("stock", "supervisor.supervisord"),
            self.start("ours", "supervisor_tx.supervisord"),
        )
        for daemon in daemons:
            daemon.wait_for("success", 4)
            daemon.wait_for("RPC interface 'cache' initialized")
        return daemons

    def test_interfaces(self) -> None:
        """supervisor_twiddler and supervisor_cache answer each call as under Supervisor."""
        theirs, ours = (Client(daemon.directory / "s") for daemon in self.both())
        for call in CALLS:
            with self.subTest(call=call):
                self.assertEqual(ours.call(*call), theirs.call(*call))

    def test_removed_and_added(self) -> None:
        """What a plugin adds is a process like any other."""
        daemon = self.start("ours", "supervisor_tx.supervisord")
        daemon.wait_for("RPC interface 'twiddler' initialized")
        client = Client(daemon.directory / "s")
        client.call("twiddler.addProgramToGroup", "cat", "new", CAT)
        daemon.wait_for("success: new entered RUNNING state")
        self.assertEqual(
            client.call("supervisor.getProcessInfo", "cat:new")["statename"], "RUNNING"
        )
        self.assertEqual(daemon.stop(), 0)
        self.assertTrue(daemon.lines("stopped: new"))

    def test_client(self) -> None:
        """supervisor-wildcards and supervisor-serialrestart do in our client what they do there."""
        theirs, ours = self.both()
        for line in LINES:
            with self.subTest(line=line):
                self.assertEqual(
                    self.control(ours, "supervisor_tx.ctl.main", line),
                    self.control(theirs, "supervisor.supervisorctl", line),
                )

    def control(self, daemon: Daemon, main: str, line: str) -> tuple[int, list[str]]:
        """Run a client on a line; return its status and its lines, without pids and times."""
        done = subprocess.run(
            (
                self.python,
                "-c",
                f"import sys; from {main} import main; sys.exit(main())",
                "-c",
                str(daemon.configfile),
                *line.split(),
            ),
            cwd=daemon.directory,
            env={**os.environ, "PYTHONPATH": str(TOP)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        text = re.sub(r"pid \d+, uptime [\d:]+", "pid N", done.stdout + done.stderr)
        text = re.sub(r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M", "THEN", text)
        return done.returncode, sorted(text.splitlines())  # supervisor-wildcards keeps a set

    def test_not_there(self) -> None:
        """A plugin that cannot be imported keeps the daemon from starting, with its name."""
        self.python = requirements.plugins()
        daemon = Daemon(
            self.directory,
            "[rpcinterface:x]\nsupervisor.rpcinterface_factory=no_such_module:make\n",
            command=(self.python, "-m", "supervisor_tx", "-n"),
            environ={"PYTHONPATH": str(TOP)},
        )
        self.assertEqual(daemon.wait(), 2)
        said = daemon.stderr.read_text()
        self.assertIn("no_such_module:make cannot be resolved within [rpcinterface:x]", said)
        self.assertNotIn("Traceback", said)
