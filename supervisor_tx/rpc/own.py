"""The methods of the namespace ``supervisor_tx``: what Supervisor does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from supervisor_tx import __version__
from supervisor_tx.config.changes import shown
from supervisor_tx.rpc.methods import always
from supervisor_tx.supervision.operations import Operations, Principal
from supervisor_tx.supervision.update import Done


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
