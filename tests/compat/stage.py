"""A daemon in memory, as plugins see it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.logger import globalLogPublisher

from supervisor_tx.compat import events
from supervisor_tx.compat.bridge import Bridge
from supervisor_tx.compat.process import ProcessGroupBase, Subprocess
from supervisor_tx.compat.supervisord import Supervisor
from supervisor_tx.config.model import PoolConfig, ProcessConfig, ServerConfig
from supervisor_tx.core.envelope import Envelopes
from supervisor_tx.core.events import RemoteCommunicationEvent
from supervisor_tx.supervision.logs.activitylog import ActivityLog
from tests.rpc.stage import NO_LOG, RpcTestCase, group, program


class NoServers:
    """No server listens."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1

    def listening(self, server: ServerConfig) -> None:
        return None


class CompatTestCase(RpcTestCase):
    """A test with a daemon in memory and a plugin's view of it."""

    def setUp(self) -> None:
        super().setUp()
        self.log = ActivityLog()
        self.daemon.log = self.log  # type: ignore[attr-defined]
        self.servers = NoServers()
        self.supervisord: Any = Supervisor(self.daemon, self.servers)  # type: ignore[arg-type]
        self.bridge = Bridge(self.daemon.supervisor.bus, self.supervisord)
        events.attach(self.bridge)
        self.addCleanup(events.attach, None)

    def open_log(self) -> None:
        """Have the activity log written, to where the daemon's configuration says."""
        self.log.open(self.daemon.config.supervisord)
        globalLogPublisher.addObserver(self.log)
        self.addCleanup(globalLogPublisher.removeObserver, self.log)

    def logged(self) -> list[str]:
        """The lines of the activity log, without their times."""
        return [line[24:] for line in self.daemon.logfile.read_text().splitlines()]

    def view(self, name: str, group: str | None = None) -> Subprocess:
        """A process as plugins see it."""
        found: Subprocess = self.group(group or name).processes[name]
        return found

    def group(self, name: str) -> ProcessGroupBase:
        """A group as plugins see it."""
        found: ProcessGroupBase = self.supervisord.process_groups[name]
        return found

    def hear(self, *kinds: type, tell: Callable[[Any], Any] | None = None) -> list[Any]:
        """Subscribe to classes; return the list to which their events are added."""
        heard: list[Any] = []
        for kind in kinds:
            events.subscribe(kind, lambda event: heard.append(tell(event) if tell else event))
        return heard

    def remote(self, text: str) -> None:
        """Have a client send an event."""
        self.daemon.supervisor.bus.publish(
            "REMOTE_COMMUNICATION", partial(RemoteCommunicationEvent, "t", text)
        )
        self.clock.advance(0)

    def run_pool(self, *types: str, **options: Any) -> None:
        """Activate a pool of one listener, and let that become ready."""
        listener = ProcessConfig(
            name="ear", command="/bin/sh", kind="eventlistener", stdout=NO_LOG, stderr=NO_LOG
        )
        self.run_groups(PoolConfig("pool", -1, (listener,), events=types, **options))
        self.clock.advance(1)
        self.say(b"READY\n")

    def say(self, data: bytes) -> None:
        """Have the listener say something."""
        self.child("ear").say(1, data)
        self.clock.advance(0)

    def told(self) -> list[tuple[dict[str, str], str]]:
        """The events that the listener was sent, as headers and payloads."""
        envelopes, found = Envelopes(), []
        envelopes.receive(self.child("ear").stdin)
        while (event := envelopes.next()) is not None:
            found.append(event)
        return found


__all__ = ["CompatTestCase", "NoServers", "group", "program"]
