"""
What becomes of each error on its way out: the fault of XML-RPC, the status of HTTP, and the words.

There is one row for each class of :mod:`supervisor_tx.errors` that a client may meet; a class that
has none is told as its nearest ancestor that has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum

from supervisor_tx import errors
from supervisor_tx.errors import SupervisorError
from supervisor_tx.values import frozen


class FaultCode(IntEnum):
    """The numbers of faults, by their names (Supervisor docs, "XML-RPC API")."""

    UNKNOWN_METHOD = 1
    INCORRECT_PARAMETERS = 2
    BAD_ARGUMENTS = 3
    SIGNATURE_UNSUPPORTED = 4
    SHUTDOWN_STATE = 6
    BAD_NAME = 10
    BAD_SIGNAL = 11
    NO_FILE = 20
    NOT_EXECUTABLE = 21
    FAILED = 30
    ABNORMAL_TERMINATION = 40
    SPAWN_ERROR = 50
    ALREADY_STARTED = 60
    NOT_RUNNING = 70
    SUCCESS = 80
    ALREADY_ADDED = 90
    STILL_RUNNING = 91
    CANT_REREAD = 92


@frozen
class Refusal:
    """How one class of errors is told."""

    #: what programs know it by
    slug: str
    #: what it is, whatever it is about
    title: str
    #: what to do about it
    mend: str
    #: of HTTP
    status: int
    fault: FaultCode
    #: what XML-RPC adds to the name of the fault; None: nothing
    about: Callable[..., str | None] = str


def refusal(error: SupervisorError | type[SupervisorError]) -> Refusal:
    """Return how an error is told."""
    kind = error if isinstance(error, type) else type(error)
    return next(REFUSALS[each] for each in kind.__mro__ if each in REFUSALS)


def _nothing(_: object) -> None:
    return None


def _name(error: errors.ProcessRefusal) -> str:
    return error.name


_F = FaultCode

REFUSALS: Mapping[type, Refusal] = {
    SupervisorError: Refusal(
        "failed",
        "It cannot be done",
        "The activity log may say more.",
        409,
        _F.FAILED,
    ),
    errors.InvalidArgument: Refusal(
        "invalid-argument",
        "An argument is not valid",
        "Send what is described in the documentation of this operation.",
        422,
        _F.INCORRECT_PARAMETERS,
        _nothing,
    ),
    errors.ShuttingDown: Refusal(
        "shutting-down",
        "The daemon is going down or starting anew",
        "Ask again when it runs; after a shutdown it has to be started first.",
        503,
        _F.SHUTDOWN_STATE,
        _nothing,
    ),
    errors.UnknownProcess: Refusal(
        "unknown-process",
        "There is no process or group of that name",
        "Look at the list of processes; a new program is known after an update.",
        404,
        _F.BAD_NAME,
        _name,
    ),
    errors.BadSignal: Refusal(
        "bad-signal",
        "There is no such signal",
        "Give the name of a signal, such as HUP, or its number.",
        422,
        _F.BAD_SIGNAL,
        lambda error: str(error.signal),
    ),
    errors.CommandNotFound: Refusal(
        "command-not-found",
        "The command of the program does not exist",
        "Mend command, or PATH, in the configuration and update.",
        409,
        _F.NO_FILE,
    ),
    errors.CommandUnusable: Refusal(
        "command-unusable",
        "The command of the program cannot be run",
        "Mend command in the configuration and update, or the permissions of the file.",
        409,
        _F.NOT_EXECUTABLE,
    ),
    errors.AlreadyStarted: Refusal(
        "already-started",
        "The process is started already",
        "Nothing has to be done; to start it anew, restart it.",
        409,
        _F.ALREADY_STARTED,
        _name,
    ),
    errors.StateUnknown: Refusal(
        "state-unknown",
        "The process could not be killed",
        "See to its pid by hand; the activity log has what the system said.",
        409,
        _F.FAILED,
        lambda error: f"{error.name} is in an unknown process state",
    ),
    errors.StartFailed: Refusal(
        "start-failed",
        "The process could not be started",
        "Its spawnerr says why; its stderr log may say more.",
        409,
        _F.SPAWN_ERROR,
        _name,
    ),
    errors.EndedAbnormally: Refusal(
        "ended-abnormally",
        "The process has ended instead of running",
        "Look at how it ended, and at the end of its logs.",
        409,
        _F.ABNORMAL_TERMINATION,
        _name,
    ),
    errors.NotRunning: Refusal(
        "not-running",
        "The process does not run",
        "Start it first, if it is to run.",
        409,
        _F.NOT_RUNNING,
        _name,
    ),
    errors.SignalRefused: Refusal(
        "signal-refused",
        "The system does not let the daemon signal the process",
        "Run the daemon as a user who may, or see to the process by hand.",
        409,
        _F.FAILED,
        lambda error: error.text,
    ),
    errors.StdinClosed: Refusal(
        "stdin-closed",
        "The process has closed its standard input",
        "It cannot be told anything this way until it is restarted.",
        409,
        _F.NO_FILE,
        _name,
    ),
    errors.StdinFull: Refusal(
        "stdin-full",
        "The process does not read its standard input",
        "Send it again when it has read what waits for it.",
        409,
        _F.FAILED,
    ),
    errors.BadRange: Refusal(
        "bad-range",
        "Offset and length make no sense together",
        "With a negative offset the length has to be 0.",
        422,
        _F.BAD_ARGUMENTS,
        _nothing,
    ),
    errors.NoLogFile: Refusal(
        "no-log-file",
        "There is no log file",
        "Configure one, or start the process: the file is made with its first start.",
        404,
        _F.NO_FILE,
        lambda error: error.path,
    ),
    errors.LogFailed: Refusal(
        "log-failed",
        "A log cannot be used",
        "It has to be a regular file; see to it, its permissions and its disk.",
        409,
        _F.FAILED,
        lambda error: error.text or None,
    ),
    errors.AlreadyAdded: Refusal(
        "already-added",
        "The group is active",
        "Nothing has to be done; an update brings what has changed of it into force.",
        409,
        _F.ALREADY_ADDED,
        _name,
    ),
    errors.StillRunning: Refusal(
        "still-running",
        "A process of the group runs",
        "Stop the group first.",
        409,
        _F.STILL_RUNNING,
        _name,
    ),
    errors.CannotStart: Refusal(
        "cannot-start",
        "What the configuration asks for cannot be had",
        "Mend what the text names, and ask again; nothing has been stopped.",
        409,
        _F.FAILED,
    ),
    errors.ConfigError: Refusal(
        "config-error",
        "The configuration on disk cannot be used",
        "Mend the lines that are named, and ask again; what runs is as it was.",
        409,
        _F.CANT_REREAD,
    ),
    errors.NoFigures: Refusal(
        "no-figures",
        "There are no figures of what processes use",
        "The text says what is missing.",
        503,
        _F.FAILED,
    ),
}
