"""How the last run of a process ended, and on whose account."""

from __future__ import annotations

from typing import Final

from supervisor_tx.values import frozen

#: It never ran, and never failed to start either.
NEVER: Final = ""
#: It ended by itself, with an exit code.
EXIT: Final = "exit"
#: It was ended by a signal that was not meant to stop it: from outside, or by its own fault.
SIGNAL: Final = "signal"
#: It ended, and nobody knows how: something else took its status.
UNKNOWN: Final = "unknown"
#: There was no process: the program could not be executed.
SPAWN_ERROR: Final = "spawn-error"
#: A stop was asked for.
STOPPED: Final = "stopped"
#: The daemon was going down, or about to start anew.
SHUTDOWN: Final = "shutdown"


@frozen
class Ending:
    """The end of a run. For a process that runs it is that of the run before."""

    #: None: not by exiting, or unknown
    code: int | None = None
    #: None: not by a signal, or unknown
    signal: int | None = None
    #: it exited after ``startsecs``, with one of ``exitcodes``
    expected: bool = False
    #: one of the words above
    cause: str = NEVER
    #: of STOPPED: who asked for it
    by: str = ""
