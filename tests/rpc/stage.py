"""A daemon in memory, and calls to it as they come from a client."""

from __future__ import annotations

import os
import xmlrpc.client
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import (
    Config,
    GroupConfig,
    LogConfig,
    PluginConfig,
    ProcessConfig,
    ServerConfig,
    SupervisordConfig,
)
from supervisor_tx.core.states import SupervisorState
from supervisor_tx.errors import ConfigError, LogFailed, NoLogFile, Problem, SupervisorError
from supervisor_tx.rpc.resource import MAIN_FACTORY, Resource, make_resource
from supervisor_tx.supervision.assembly import Assembly
from supervisor_tx.supervision.broadcast import Broadcast
from supervisor_tx.supervision.configwatch import ConfigWatch
from supervisor_tx.supervision.figures import Figures
from supervisor_tx.supervision.group import ProcessGroup
from supervisor_tx.supervision.logs.autolog import AutoLogs
from supervisor_tx.supervision.operations import Operations, Principal
from supervisor_tx.supervision.pool import Exchange
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.supervision.service import Supervisor
from supervisor_tx.testing import FakeChild, MemorySpawner
from supervisor_tx.web.site import Answer
from tests.processes import FakeTable

P = ParamSpec("P")
T = TypeVar("T")

WHO = Principal("unix", uid=1000)
SERVER = ServerConfig("unix_http_server", file="/run/supervisor.sock")
NO_LOG = LogConfig(logfile=None)

#: A command that can be run wherever there is a shell.
COMMAND = "/bin/sh -c true"


def whole(answer: Answer) -> bytes:
    """Return an answer that may be in parts."""
    return answer if isinstance(answer, bytes) else b"".join(answer)


def program(name: str, **options: Any) -> ProcessConfig:
    """A program that writes no logs."""
    return ProcessConfig(
        name=name,
        program=name,
        **{"command": COMMAND, "stdout": NO_LOG, "stderr": NO_LOG, "autostart": False, **options},
    )


def group(name: str, *members: ProcessConfig, priority: int = 999) -> GroupConfig:
    """A group; of one program of its name, if no members are given."""
    return GroupConfig(name, priority, members or (program(name),))


class NoFolders:
    """Tells of changes in no folder."""

    def folder(
        self, path: str, changed: Callable[[], None], lost: Callable[[], None]
    ) -> Callable[[], None] | None:
        return None


class MemoryDaemon:
    """As much of a daemon as can be asked, on a clock."""

    def __init__(self, clock: Clock, directory: Path) -> None:
        self.clock = clock
        self.directory = directory
        self.spawner = MemorySpawner(clock, obeys={"TERM"})
        self.on_disk: tuple[GroupConfig, ...] = ()
        self.mistake: SupervisorError | None = None
        self.plugins: tuple[PluginConfig, ...] = (PluginConfig("supervisor", MAIN_FACTORY),)
        self.supervisor = Supervisor(clock)
        self.config = self.configured = self.read_config()
        self.operations = Operations(self)
        self.broadcast = Broadcast(clock)
        self.table = FakeTable()
        self.roots: dict[tuple[str, str], int] = {}
        self.figures = Figures(clock, lambda: self.roots, lambda: 1, lambda: self.table)
        self.config_watch = ConfigWatch(self, self.operations.compare, NoFolders())
        self.assembly = Assembly(
            clock=clock,
            spawner=self.spawner,
            config=self.config,
            environ={"PATH": os.defpath},
            auto=AutoLogs(str(directory), "test"),
            announce=self.supervisor.changed,
            exchange=Exchange(self.supervisor.bus, clock, "test"),
        )
        self.remote_events: list[tuple[str, str]] = []
        self.refuses_group: SupervisorError | None = None
        #: work that waits for :meth:`work`; None: it is done at once
        self.waiting: list[Callable[[], object]] | None = None

    @property
    def logfile(self) -> Path:
        return self.directory / "main.log"

    def read_config(self) -> Config:
        if self.mistake is not None:
            raise self.mistake
        return Config(
            "/conf",
            "/",
            SupervisordConfig(logfile=str(self.logfile), pidfile="/pid", identifier="test"),
            groups=self.on_disk,
            rpcinterfaces=self.plugins,
        )

    def begin_shutdown(self) -> None:
        self.supervisor.stop(SupervisorState.SHUTDOWN)

    def begin_restart(self) -> None:
        self.read_config()
        self.supervisor.stop(SupervisorState.RESTARTING)

    def reopen_logs(self) -> None:
        raise AssertionError("no client can ask for this")

    def clear_log(self) -> None:
        if not self.logfile.exists():
            raise NoLogFile
        if self.logfile.is_dir():
            raise LogFailed
        self.logfile.write_bytes(b"")

    def activate(self, config: GroupConfig) -> ProcessGroup:
        if self.refuses_group is not None:
            raise self.refuses_group
        made = self.assembly.group(config)
        self.supervisor.add(made)
        return made

    def remote_event(self, kind: str, data: str) -> None:
        self.remote_events.append((kind, data))

    def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        if self.waiting is None:
            return maybeDeferred(work, *args, **kwargs)
        done: Deferred[None] = Deferred()
        self.waiting.append(lambda: done.callback(None))
        return done.addCallback(lambda _: work(*args, **kwargs))

    def work(self) -> None:
        """Do what waits in threads."""
        while self.waiting:
            self.waiting.pop(0)()


class DaemonTestCase(SynchronousTestCase):
    """A test with a daemon in memory."""

    #: what the daemon is made by
    kind = MemoryDaemon

    def setUp(self) -> None:
        self.clock = Clock()
        directory = Path(self.mktemp())
        directory.mkdir()
        self.directory = directory.resolve()
        self.daemon = self.kind(self.clock, self.directory)
        self.addCleanup(self.close)

    def close(self) -> None:
        for each in self.daemon.supervisor.groups.values():
            each.close()

    def run_groups(self, *groups: GroupConfig, start: bool = False) -> None:
        """Activate groups, as the daemon's start would; with start, run all that is in them."""
        self.daemon.on_disk = groups
        self.daemon.config = self.daemon.configured = self.daemon.read_config()
        for each in groups:
            self.daemon.activate(each).autostart()
        if start:
            self.start_all()
            self.clock.advance(1)
        self.turn()

    def start_all(self) -> None:
        """Ask for the start of everything, and do not wait for it."""
        raise NotImplementedError("it depends on what the test asks by")

    def turn(self) -> None:
        """Let the loop turn until nothing is left for its next turn."""
        for _ in range(5):
            self.clock.advance(0)

    def process(self, name: str) -> SupervisedProcess:
        return self.daemon.operations.process(WHO, name)

    def child(self, name: str) -> FakeChild:
        """The last child of a process."""
        return self.daemon.spawner.named(name)[-1]


class RpcTestCase(DaemonTestCase):
    """A test with a daemon in memory and a client."""

    @property
    def resource(self) -> Resource:
        return make_resource(self.daemon, SERVER)

    def start_all(self) -> None:
        self.success("supervisor.startAllProcesses", False)

    def ask(self, method: str, *params: Any) -> Deferred[bytes]:
        """Send a call."""
        body = xmlrpc.client.dumps(params, method, allow_none=True).encode()
        return self.post(body)

    def post(self, body: bytes) -> Deferred[bytes]:
        """Send what may be a call."""
        try:
            answer = self.resource.answer(body, WHO)
        except Exception:  # noqa: BLE001 (for the test to look at)
            return fail()
        return answer.addCallback(whole) if isinstance(answer, Deferred) else succeed(whole(answer))

    def result(self, asked: Deferred[bytes]) -> Any:
        """What a client makes of an answer that is there; a fault as code and text."""
        body = self.successResultOf(asked)
        try:
            ((value,), _) = xmlrpc.client.loads(body)
        except xmlrpc.client.Fault as fault:
            return fault.faultCode, fault.faultString
        return value

    def call(self, method: str, *params: Any) -> Any:
        """Call a method that is answered at once."""
        return self.result(self.ask(method, *params))

    def success(self, method: str, *params: Any) -> Any:
        """Call a method, and let the loop turn until it is answered."""
        asked = self.ask(method, *params)
        self.turn()
        return self.result(asked)


def result_list(*entries: tuple[str, str, int, str]) -> list[Mapping[str, Any]]:
    """The result list with entries of name, group, status and description."""
    return [
        {"name": name, "group": group, "status": status, "description": description}
        for name, group, status, description in entries
    ]


def ok(*names: str) -> list[Mapping[str, Any]]:
    """The result list in which all went well: names as ``group:name``, or of both."""
    return result_list(
        *((name.rpartition(":")[2], name.partition(":")[0], 80, "OK") for name in names)
    )


BROKEN = ConfigError([Problem("it is broken", "/conf", 3)])
