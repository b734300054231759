"""The methods of the namespace ``supervisor_tx``: what Supervisor does not have."""

from __future__ import annotations

from supervisor_tx import __version__
from supervisor_tx.rpc.methods import always
from supervisor_tx.supervision.operations import Principal


class OwnMethods:
    """What is ours alone."""

    @always
    def getVersion(self, who: Principal) -> str:
        """
        Return the version of this daemon.

        @return string result  the version of supervisor_tx
        """
        return __version__
