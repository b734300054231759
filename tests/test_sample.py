from __future__ import annotations

import io
import os
import pwd
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx import sample
from supervisor_tx.config.loader import load
from supervisor_tx.config.model import (
    Config,
    LogConfig,
    ProcessConfig,
    ServerConfig,
    SupervisordConfig,
)
from supervisor_tx.core.levels import Level
from supervisor_tx.values import fields, replace
from tests.requirements import stock

STREAM = ("logfile", *(field.name for field in fields(LogConfig) if field.name != "logfile"))

#: Where the name of an option is not that of a member of the model.
RENAMED = {"uid": "user"}

PROGRAM = {
    *(
        RENAMED.get(field.name, field.name)
        for field in fields(ProcessConfig)
        if field.name not in ("name", "program", "kind", "stdout", "stderr", "socket")
    ),
    *(f"{stream}_{option}" for stream in ("stdout", "stderr") for option in STREAM),
    "process_name",
    "numprocs",
    "numprocs_start",
}
SERVER = {"username", "password"}

#: Every option that there is, by section.
OPTIONS = {
    "unix_http_server": SERVER | {"file", "chmod", "chown", "base_url"},
    "inet_http_server": SERVER | {"port", "allowed_hosts", "base_url"},
    "supervisord": {RENAMED.get(field.name, field.name) for field in fields(SupervisordConfig)},
    "rpcinterface:supervisor": {"supervisor.rpcinterface_factory"},
    "supervisorctl": SERVER | {"serverurl", "prompt", "history_file"},
    "program:name": PROGRAM,
    "eventlistener:listener": {
        "command",
        "events",
        "buffer_size",
        "result_handler",
        "on_protocol_error",
        "priority",
    },
    "fcgi-program:fcgi": {"command", "socket", "socket_owner", "socket_mode", "socket_backlog"},
    "group:group": {"programs", "priority"},
    "include": {"files"},
}

USER = pwd.getpwuid(os.getuid()).pw_name


@dataclass(frozen=True)
class Line:
    """An option in the sample."""

    section: str
    name: str
    value: str
    remark: str
    active: bool

    @property
    def shows_default(self) -> bool:
        return "example" not in self.remark and "default:" not in self.remark


def lines() -> list[Line]:
    found: list[Line] = []
    section = ""
    for text in sample.text().splitlines():
        if match := re.fullmatch(r";?\[(.+)\]", text):
            section = match[1]
        elif match := re.fullmatch(r"(;?)([a-z][\w.]*)=(.*?)(?:\s+; (.*))?", text):
            off, name, value, remark = match.groups()
            found.append(Line(section, name, value, remark or "", not off))
        elif text and not text.startswith("; "):
            assert text == ";", text
    return found


def usable_here(text: str) -> str:
    """Put a user in place of the example that exists wherever the tests run, and who we are."""
    return text.replace("nobody:nogroup", USER).replace("nobody", USER)


def uncommented(keep: set[Line]) -> str:
    """Return a configuration with all sections of the sample, and these options in them."""
    text = io.StringIO()
    section = ""
    for line in lines():
        if line.section != section:
            section = line.section
            text.write(f"[{section}]\n")
        if line in keep:
            text.write(f"{line.name}={line.value}\n")
    return usable_here(text.getvalue())


class SampleTests(SynchronousTestCase):
    def loaded(self, text: str) -> Config:
        path = Path(self.mktemp()).absolute()
        path.write_text(text)
        return load(str(path), environ={})

    def test_prints(self) -> None:
        """The sample is there for whoever installs the package."""
        self.assertIn("[supervisord]\n", sample.text())

    def test_loadable(self) -> None:
        """The sample loads as it is, with nothing to warn of, and starts no program."""
        config = self.loaded(sample.text())
        self.assertEqual(config.groups, ())
        self.assertEqual([m.text for m in config.messages if m.level == Level.WARN], [])
        self.assertEqual([server.file for server in config.servers], ["/tmp/supervisor.sock"])
        self.assertEqual([plugin.name for plugin in config.rpcinterfaces], ["supervisor"])

    def test_complete(self) -> None:
        """Every option of every section stands in it, once, and nothing else."""
        found = [(line.section, line.name) for line in lines()]
        wanted = [(section, name) for section, names in OPTIONS.items() for name in names]
        self.assertEqual(sorted(found), sorted(wanted))

    def test_defaults(self) -> None:
        """What is not said to be an example is the default: left out, it means the same."""
        everything = set(lines())
        defaults = {line for line in everything if line.shows_default and not line.active}
        self.assertGreater(len(defaults), 30)
        # one name for both, since the configuration knows where it comes from
        path = Path(self.mktemp()).absolute()
        models = []
        for keep in (everything, everything - defaults):
            path.write_text(uncommented(keep))
            models.append(replace(load(str(path), environ={}), files=()))
        self.assertEqual(*models)

    def test_active_defaults(self) -> None:
        """So are the numbers and words that are switched on."""
        given = self.loaded(sample.text()).supervisord
        bare = SupervisordConfig(given.logfile, given.pidfile, childlogdir=given.childlogdir)
        self.assertEqual(given, bare)
        [server] = self.loaded(sample.text()).servers
        self.assertEqual(server, ServerConfig(server.section, file=server.file))


class StockTests(SynchronousTestCase):
    def test_loads_with_supervisor(self) -> None:
        """Supervisor 4.3.0 loads it too, as it is and with everything switched on."""
        supervisord = stock("supervisord")
        for text in (sample.text(), uncommented(set(lines()))):
            path = Path(self.mktemp())
            path.write_text(text)
            # refused only after all has been read, before anything is opened or started
            refused = subprocess.run(
                [supervisord, "-n", "-c", str(path), "--minfds=2000000000"],
                capture_output=True,
                check=False,
                text=True,
                timeout=60,
            )
            self.assertEqual(refused.returncode, 2)
            self.assertIn("Error: The minimum number of file descriptors", refused.stderr)
