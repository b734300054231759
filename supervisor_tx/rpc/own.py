"""The methods of the namespace ``supervisor_tx``: what Supervisor does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from supervisor_tx import __version__
from supervisor_tx.config.changes import shown
from supervisor_tx.rpc.methods import always, asks
from supervisor_tx.supervision.operations import Operations, Principal
from supervisor_tx.supervision.pool import PoolStats
from supervisor_tx.supervision.update import Done

#: What is told of a pool, for the help.
POOL = """\
Each pool is a struct: name, events (an array of the types that it has subscribed to),
waiting and waiting_bytes (events that no listener has yet), buffer_size (events that may
wait; 0: they are limited by buffer_bytes instead), and counts since the pool was made:
accepted, processed, returned (rejected, or in hand when their listener failed or ended),
discarded (there was no room for them). listeners is an array of structs: name, pid (0:
there is no process), statename, listener_state (READY, BUSY, ACKNOWLEDGED, UNKNOWN; empty:
there is no process), serial (of the event in hand, -1: none), handed (events that it was
handed)."""


class OwnMethods:
    """What is ours alone."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    @always
    def getVersion(self, who: Principal) -> str:
        """
        Return the version of this daemon.

        @return string result  the version of supervisor_tx
        """
        return __version__

    def getUpdateMode(self, who: Principal) -> str:
        """
        Return what the client's update is to do, as the configuration says.

        @return string result  classic (as Supervisor: changed groups are stopped, removed and
                               added) or minimal (what update of this namespace does)
        """
        return self._operations.daemon.config.supervisord.update_mode

    @always
    @asks("event_stats", "array result  the pools, in the order of groups", more=POOL)
    def getEventStats(self, who: Principal) -> list[Mapping[str, Any]]:
        return [_pool(stats) for stats in self._operations.event_stats(who)]

    def update(
        self, who: Principal, dry_run: bool = False
    ) -> list[Mapping[str, Any]] | Deferred[list[Mapping[str, Any]]]:
        """
        Put a changed configuration into force, touching only what has changed.

        Each step is a struct of strings: action (remove group, replace group, remove, restart,
        at next start, change, add, add group, at reload), group, process (empty: the group as
        such), problem (empty: there was none), and an array of reasons, each a struct of
        process, option, old and new.

        @param boolean dry_run  do nothing, only say what would be done
        @return array result  the steps, in order
        """
        if dry_run:
            return [_step(Done(step)) for step in self._operations.plan(who)]
        return ensureDeferred(self._update(who))

    async def _update(self, who: Principal) -> list[Mapping[str, Any]]:
        return [_step(done) for done in await self._operations.update(who)]


#: The largest number that XML-RPC has.
_LARGEST = 2**31 - 1


def _pool(stats: PoolStats) -> Mapping[str, Any]:
    return {
        "name": stats.name,
        "events": list(stats.events),
        "waiting": stats.waiting,
        "waiting_bytes": min(stats.waiting_bytes, _LARGEST),
        "buffer_size": min(stats.buffer_size or 0, _LARGEST),
        "buffer_bytes": stats.buffer_bytes or 0,
        "accepted": min(stats.accepted, _LARGEST),
        "processed": min(stats.processed, _LARGEST),
        "returned": min(stats.returned, _LARGEST),
        "discarded": min(stats.discarded, _LARGEST),
        "listeners": [
            {
                "name": each.name,
                "pid": each.pid or 0,
                "statename": each.state.name,
                "listener_state": "" if each.listener_state is None else each.listener_state.name,
                "serial": -1 if each.in_hand is None else min(each.in_hand, _LARGEST),
                "handed": min(each.handed, _LARGEST),
            }
            for each in stats.listeners
        ],
    }


def _step(done: Done) -> Mapping[str, Any]:
    step = done.step
    return {
        "action": step.action.value,
        "group": step.group,
        "process": step.process or "",
        "problem": done.problem or "",
        "reasons": [
            {
                "process": reason.process or "",
                "option": reason.option,
                "old": shown(reason.old),
                "new": shown(reason.new),
            }
            for reason in step.reasons
        ],
    }
