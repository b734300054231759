"""A pool of event listeners in memory, on a clock."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from twisted.internet.task import Clock

from supervisor_tx.config.model import PoolConfig, ProcessConfig
from supervisor_tx.core.envelope import Envelopes
from supervisor_tx.core.events import RemoteCommunicationEvent
from supervisor_tx.supervision.bus import EventBus
from supervisor_tx.supervision.pool import Exchange, ListenerPool, ResultHandler
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.supervision.service import Supervisor
from supervisor_tx.testing import FakeChild, MemorySpawner
from tests.supervision.test_process import MemoryChannel


class HeardChannel(MemoryChannel):
    """A log of which a pool hears as well."""

    def __init__(self, pool: ListenerPool, name: str) -> None:
        super().__init__()
        self.pool, self._name = pool, name

    def received(self, data: bytes) -> None:
        super().received(data)
        self.pool.hear(self._name, data)


class Stage:
    """A daemon with one pool, whose children are told by the test what to say."""

    def __init__(
        self,
        *names: str,
        handler: ResultHandler | None = None,
        clock: Clock | None = None,
        obeys: Collection[str] = ("TERM", "KILL"),
        program: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.clock = clock or Clock()
        self.spawner = MemorySpawner(self.clock, obeys=obeys)
        self.supervisor = Supervisor(self.clock)
        self.bus: EventBus = self.supervisor.bus
        handlers = {} if handler is None else {"the:handler": handler}
        self.exchange = Exchange(self.bus, self.clock, "server", find_handler=handlers.__getitem__)
        if handler is not None:
            options["result_handler"] = "the:handler"
        options.setdefault("events", ("REMOTE_COMMUNICATION",))
        self.pool = self.make(
            PoolConfig(
                "pool",
                -1,
                tuple(
                    ProcessConfig(
                        name=name, command=f"/bin/{name}", kind="eventlistener", **(program or {})
                    )
                    for name in names or ("a",)
                ),
                **options,
            )
        )
        self.supervisor.add(self.pool)

    def make(self, config: PoolConfig) -> ListenerPool:
        """Make a pool that hears of nothing yet."""
        pool = ListenerPool(config, exchange=self.exchange, announce=self.supervisor.changed)
        for each in config.processes:
            pool.processes[each.name] = SupervisedProcess(
                config=each,
                group=config.name,
                clock=self.clock,
                spawner=self.spawner,
                environment={},
                channels={1: HeardChannel(pool, each.name), 2: MemoryChannel()},
                announce=pool.changed,
            )
        return pool

    def start(self) -> None:
        """Start everything, and let it stay up."""
        self.supervisor.start()
        self.clock.advance(0)
        self.clock.advance(1)

    def child(self, name: str = "a") -> FakeChild:
        """The latest child of a process."""
        return self.spawner.named(name)[-1]

    def say(self, data: bytes, name: str = "a") -> None:
        """Have a listener say something; then comes another turn of the loop."""
        self.child(name).say(1, data)
        self.clock.advance(0)

    def send(self, *texts: str) -> None:
        """Let events happen; then comes another turn of the loop."""
        for text in texts:
            self.bus.publish("REMOTE_COMMUNICATION", partial(RemoteCommunicationEvent, "t", text))
        self.clock.advance(0)

    def got(self, name: str = "a") -> list[str]:
        """What a listener was sent in its latest run: the data of remote events, else names."""
        envelopes = Envelopes()
        envelopes.receive(self.child(name).stdin)
        found = []
        while (event := envelopes.next()) is not None:
            headers, payload = event
            found.append(payload.partition("\n")[2] or headers["eventname"])
        return found
