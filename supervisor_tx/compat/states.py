"""States by name and number, as plain classes and tuples (Supervisor docs, "Subprocesses")."""

from __future__ import annotations

from enum import IntEnum

from supervisor_tx.core import states


class ProcessStates:
    """States of a process."""

    STOPPED = 0
    STARTING = 10
    RUNNING = 20
    BACKOFF = 30
    STOPPING = 40
    EXITED = 100
    FATAL = 200
    UNKNOWN = 1000


class SupervisorStates:
    """What the daemon is about."""

    FATAL = 2
    RUNNING = 1
    RESTARTING = 0
    SHUTDOWN = -1


class EventListenerStates:
    """What an event listener is about."""

    READY = 10
    BUSY = 20
    ACKNOWLEDGED = 30
    UNKNOWN = 40


STOPPED_STATES = (
    ProcessStates.STOPPED,
    ProcessStates.EXITED,
    ProcessStates.FATAL,
    ProcessStates.UNKNOWN,
)
RUNNING_STATES = (ProcessStates.RUNNING, ProcessStates.BACKOFF, ProcessStates.STARTING)
SIGNALLABLE_STATES = (ProcessStates.RUNNING, ProcessStates.STARTING, ProcessStates.STOPPING)


def getProcessStateDescription(code: int) -> str | None:
    """Return the name of a process's state; None: there is none of that number."""
    return _name(states.ProcessState, code)


def getSupervisorStateDescription(code: int) -> str | None:
    """Return the name of a state of the daemon; None: there is none of that number."""
    return _name(states.SupervisorState, code)


def getEventListenerStateDescription(code: int) -> str | None:
    """Return the name of a listener's state; None: there is none of that number."""
    for name, number in vars(EventListenerStates).items():
        if name.isupper() and number == code:
            return name
    return None


def _name(kind: type[IntEnum], code: int) -> str | None:
    return next((state.name for state in kind if state.value == code), None)
