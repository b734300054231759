"""How we learn that a child has ended."""

from __future__ import annotations

from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.python.failure import Failure

from supervisor_tx.core.exitstatus import ExitStatus


def ending(status: int | None) -> Failure:
    """
    Return what ``processExited`` is called with: a failure with ``exitCode``, ``signal``, ``status``.

    All three are None where nobody knows how the child ended.
    """
    end = ExitStatus.from_wait(status)
    if end.code == 0:
        return Failure(ProcessDone(status))
    return Failure(ProcessTerminated(end.code, end.signal, status))
