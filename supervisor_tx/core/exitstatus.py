"""
How a process ended, from the status word that ``waitpid`` gives.

The word is kept as it is, since Twisted's ``ProcessTerminated.status`` carries it too; None stands
for a process whose end was taken by somebody else, so that nobody knows how it was.
"""

from __future__ import annotations

import os
from signal import Signals

from supervisor_tx.values import frozen


@frozen
class ExitStatus:
    """The end of a process: exactly one of code and signal, or neither where it is unknown."""

    code: int | None
    signal: int | None
    core_dumped: bool = False

    @classmethod
    def from_wait(cls, status: int | None) -> ExitStatus:
        """Take a status word apart; one that is no end at all (stopped, continued) is unknown."""
        if status is not None and os.WIFEXITED(status):
            return cls(os.WEXITSTATUS(status), None)
        if status is not None and os.WIFSIGNALED(status):
            return cls(None, os.WTERMSIG(status), os.WCOREDUMP(status))
        return cls(None, None)


def wait_status(code: int, core_dumped: bool = False) -> int:
    """
    Return the status word of an exit code, or, where code is negative, of a death by -code.

    This is ``Popen.returncode``'s way to say it, with the core dump beside it.
    """
    if code >= 0:
        return (code & 0xFF) << 8
    return -code | (0x80 if core_dumped else 0)


def signal_name(number: int) -> str:
    """Return ``SIGTERM`` for 15; ``signal 40`` for one without a name."""
    if number == Signals.__members__.get("SIGPOLL"):
        return "SIGPOLL"  # as Supervisor; Python says SIGIO, which is the same
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"


def status_text(status: int | None) -> str:
    """Return Supervisor's words for a status word: ``exit status 1``, ``terminated by SIGKILL``."""
    end = ExitStatus.from_wait(status)
    if end.code is not None:
        return f"exit status {end.code}"
    if end.signal is not None:
        return f"terminated by {signal_name(end.signal)}" + " (core dumped)" * end.core_dumped
    return f"unknown termination cause 0x{0xFFFF if status is None else status & 0xFFFF:04x}"
