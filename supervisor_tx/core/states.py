"""
States of processes and of the daemon, with the numbers that go over the wire.

Source: Supervisor docs, "Subprocesses" and "XML-RPC API".
"""

from enum import IntEnum


class ProcessState(IntEnum):
    """Where one process is in its life."""

    STOPPED = 0
    STARTING = 10
    RUNNING = 20
    BACKOFF = 30
    STOPPING = 40
    EXITED = 100
    FATAL = 200
    UNKNOWN = 1000


#: Nothing runs, and nothing will without a request (or, in EXITED, the restart policy).
STOPPED_STATES = frozenset(
    {ProcessState.STOPPED, ProcessState.EXITED, ProcessState.FATAL, ProcessState.UNKNOWN}
)

#: Counts as started: a start is refused, a stop has something to do.
RUNNING_STATES = frozenset({ProcessState.STARTING, ProcessState.RUNNING, ProcessState.BACKOFF})

#: There is, or there will be at once, a process that can take a signal.
SIGNALLABLE_STATES = frozenset({ProcessState.STARTING, ProcessState.RUNNING, ProcessState.STOPPING})


class SupervisorState(IntEnum):
    """What the daemon is about. FATAL has a number but is never entered."""

    FATAL = 2
    RUNNING = 1
    RESTARTING = 0
    SHUTDOWN = -1


class ListenerState(IntEnum):
    """Where an event listener is in its dialogue with the daemon."""

    #: it can be handed an event
    READY = 10
    #: it has an event
    BUSY = 20
    #: it was started, or has answered, and has yet to ask for an event
    ACKNOWLEDGED = 30
    #: it has said what it should not have; it is not listened to until it is started anew
    UNKNOWN = 40
