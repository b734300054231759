"""
Faults: their numbers, and which error becomes which.

Source: Supervisor docs, "XML-RPC API". The text of a fault is its name, and what it is about where
there is something to add.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum

from supervisor_tx import errors
from supervisor_tx.errors import SupervisorError


class FaultCode(IntEnum):
    """The numbers of faults, by their names."""

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


class Fault(Exception):
    """An answer that says what went wrong; ``text`` is all that the client reads."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = int(code)
        self.text = text


def fault(code: FaultCode, about: str | None = None) -> Fault:
    """Return a fault by its number, with what it is about: ``BAD_NAME: nope``."""
    return Fault(code, code.name if about is None else f"{code.name}: {about}")


def incorrect_parameters() -> Fault:
    """Return the fault for a wrong number of arguments, or a wrong type."""
    return fault(FaultCode.INCORRECT_PARAMETERS)


def fault_of(error: SupervisorError) -> Fault:
    """Return the fault that an error becomes; what has none of its own has FAILED."""
    for kind in type(error).__mro__:
        found = FAULTS.get(kind)
        if found is not None:
            code, about = found
            return fault(code, about(error))
    return fault(FaultCode.FAILED, str(error))


def _nothing(_: object) -> None:
    return None


def _name(error: errors.ProcessRefusal) -> str:
    return error.name


#: For each error the fault, and what it is about.
FAULTS: Mapping[type, tuple[FaultCode, Callable[..., str | None]]] = {
    errors.ShuttingDown: (FaultCode.SHUTDOWN_STATE, _nothing),
    errors.UnknownProcess: (FaultCode.BAD_NAME, _name),
    errors.BadSignal: (FaultCode.BAD_SIGNAL, lambda error: str(error.signal)),
    errors.CommandNotFound: (FaultCode.NO_FILE, str),
    errors.CommandUnusable: (FaultCode.NOT_EXECUTABLE, str),
    errors.AlreadyStarted: (FaultCode.ALREADY_STARTED, _name),
    errors.StateUnknown: (
        FaultCode.FAILED,
        lambda error: f"{error.name} is in an unknown process state",
    ),
    errors.StartFailed: (FaultCode.SPAWN_ERROR, _name),
    errors.EndedAbnormally: (FaultCode.ABNORMAL_TERMINATION, _name),
    errors.NotRunning: (FaultCode.NOT_RUNNING, _name),
    errors.SignalRefused: (FaultCode.FAILED, lambda error: error.text),
    errors.StdinClosed: (FaultCode.NO_FILE, _name),
    errors.BadRange: (FaultCode.BAD_ARGUMENTS, _nothing),
    errors.NoLogFile: (FaultCode.NO_FILE, lambda error: error.path),
    errors.LogFailed: (FaultCode.FAILED, lambda error: error.text or None),
    errors.AlreadyAdded: (FaultCode.ALREADY_ADDED, _name),
    errors.StillRunning: (FaultCode.STILL_RUNNING, _name),
    errors.ConfigError: (FaultCode.CANT_REREAD, str),
}
