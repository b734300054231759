"""What the methods of our own answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.states import ListenerState, ProcessState
from supervisor_tx.rpc.own import OwnMethods
from supervisor_tx.supervision.operations import BY_SIGNAL, Operations
from supervisor_tx.supervision.pool import ListenerStats, PoolStats
from tests.rpc.stage import RpcTestCase, group


@dataclass
class Told:
    """Operations of which only one is asked for."""

    pools: list[PoolStats]

    def event_stats(self, who: object) -> list[PoolStats]:
        """Return what there is."""
        return self.pools


def stats(**facts: Any) -> PoolStats:
    """Return what is known of a pool."""
    none = dict.fromkeys(("accepted", "processed", "returned", "discarded"), 0)
    known = {"waiting": 0, "waiting_bytes": 0, "buffer_size": None, "buffer_bytes": 1000}
    return PoolStats(
        **{"name": "p", "events": ("EVENT",), "listeners": (), **none, **known, **facts}
    )


class EventStatsTests(SynchronousTestCase):
    def ask(self, pool: PoolStats) -> dict[str, Any]:
        methods = OwnMethods(cast(Operations, Told([pool])))
        (answer,) = methods.getEventStats(BY_SIGNAL)
        return dict(answer)

    def test_nothing(self) -> None:
        """What there is not is told in words and numbers that XML-RPC has."""
        idle = ListenerStats("a", None, ProcessState.FATAL, None, None, 0)
        busy = ListenerStats("b", 12, ProcessState.RUNNING, ListenerState.BUSY, 0, 3)
        answer = self.ask(stats(listeners=(idle, busy)))
        self.assertEqual(
            answer["listeners"],
            [
                {"name": "a", "pid": 0, "statename": "FATAL", "listener_state": "", "serial": -1,
                 "handed": 0},
                {"name": "b", "pid": 12, "statename": "RUNNING", "listener_state": "BUSY",
                 "serial": 0, "handed": 3},
            ],
        )  # fmt: skip
        self.assertEqual((answer["buffer_size"], answer["buffer_bytes"]), (0, 1000))

    def test_large(self) -> None:
        """No number is larger than those of XML-RPC are."""
        huge = 2**40
        names = ("waiting_bytes", "buffer_size", "accepted", "processed", "returned", "discarded")
        answer = self.ask(stats(**dict.fromkeys(names, huge)))
        self.assertEqual({answer[name] for name in names}, {2**31 - 1})


class ShutdownTests(RpcTestCase):
    def test_shutdown(self) -> None:
        """How pools keep up is told while they are told the rest, too."""
        self.run_groups(group("a"), start=True)
        self.call("supervisor.shutdown")
        self.assertEqual(self.success("supervisor_tx.getEventStats"), [])
