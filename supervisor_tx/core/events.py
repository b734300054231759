"""
Events: the names of their types, which is a kind of which, and what each tells.

Source: Supervisor docs, "Event Types". The classes are the events that we send ourselves; plugins
may send others, under names that they register.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from supervisor_tx.core.states import ProcessState
from supervisor_tx.values import frozen

#: Each type by its name, with the name of the type that it is a kind of.
PARENTS: Mapping[str, str | None] = {
    "EVENT": None,
    "PROCESS_STATE": "EVENT",
    "PROCESS_STATE_STARTING": "PROCESS_STATE",
    "PROCESS_STATE_RUNNING": "PROCESS_STATE",
    "PROCESS_STATE_BACKOFF": "PROCESS_STATE",
    "PROCESS_STATE_STOPPING": "PROCESS_STATE",
    "PROCESS_STATE_EXITED": "PROCESS_STATE",
    "PROCESS_STATE_STOPPED": "PROCESS_STATE",
    "PROCESS_STATE_FATAL": "PROCESS_STATE",
    "PROCESS_STATE_UNKNOWN": "PROCESS_STATE",
    "PROCESS_COMMUNICATION": "EVENT",
    "PROCESS_COMMUNICATION_STDOUT": "PROCESS_COMMUNICATION",
    "PROCESS_COMMUNICATION_STDERR": "PROCESS_COMMUNICATION",
    "PROCESS_LOG": "EVENT",
    "PROCESS_LOG_STDOUT": "PROCESS_LOG",
    "PROCESS_LOG_STDERR": "PROCESS_LOG",
    "REMOTE_COMMUNICATION": "EVENT",
    "SUPERVISOR_STATE_CHANGE": "EVENT",
    "SUPERVISOR_STATE_CHANGE_RUNNING": "SUPERVISOR_STATE_CHANGE",
    "SUPERVISOR_STATE_CHANGE_STOPPING": "SUPERVISOR_STATE_CHANGE",
    "TICK": "EVENT",
    "TICK_5": "TICK",
    "TICK_60": "TICK",
    "TICK_3600": "TICK",
    "PROCESS_GROUP": "EVENT",
    "PROCESS_GROUP_ADDED": "PROCESS_GROUP",
    "PROCESS_GROUP_REMOVED": "PROCESS_GROUP",
}

#: Seconds between two ticks of each type, by its name; each is a multiple of the one before.
TICKS: Mapping[str, int] = {"TICK_5": 5, "TICK_60": 60, "TICK_3600": 3600}

#: The types of event for what is written to each output.
PROCESS_LOGS: Mapping[str, str] = {
    "stdout": "PROCESS_LOG_STDOUT",
    "stderr": "PROCESS_LOG_STDERR",
}
PROCESS_COMMUNICATIONS: Mapping[str, str] = {
    "stdout": "PROCESS_COMMUNICATION_STDOUT",
    "stderr": "PROCESS_COMMUNICATION_STDERR",
}

#: The type of event for each new state of a process.
PROCESS_STATES: Mapping[ProcessState, str] = {
    state: f"PROCESS_STATE_{state.name}" for state in ProcessState
}


class Event(Protocol):
    """Something that happened, of which everybody may hear."""

    @property
    def name(self) -> str:
        """The name of its type."""

    def payload(self) -> str:
        """Return what event listeners read."""


class Occurrence:
    """
    An event that has happened, as all who hear of it share it.

    What listeners read is written out once, when the first of them wants it.
    """

    __slots__ = ("_payload", "characters", "event", "pool_serials", "serial")

    #: characters of the payload, which is what the protocol calls its length
    characters: int

    def __init__(self, event: Event) -> None:
        self.event = event
        #: its number among all events that pools have accepted; None: no pool has
        self.serial: int | None = None
        #: its number within each pool that has accepted it, by the pool's name
        self.pool_serials: dict[str, int] = {}
        self._payload: bytes | None = None

    @property
    def name(self) -> str:
        """The name of its type."""
        return self.event.name

    @property
    def payload(self) -> bytes:
        """What event listeners read, in UTF-8."""
        if self._payload is None:
            text = self.event.payload()
            self.characters = len(text)
            # a character for a character, so that they are as many as is said
            self._payload = text.encode("utf-8", "replace")
        return self._payload


@frozen
class ProcessStateEvent:
    """A process has changed its state; what it carries is true of the moment after the change."""

    process: str
    group: str
    was: ProcessState
    now: ProcessState
    #: 0: there is none
    pid: int = 0
    #: failed starts so far
    tries: int = 0
    #: of EXITED: whether the status is one of ``exitcodes``
    expected: bool = False

    @property
    def name(self) -> str:
        """The name of its type."""
        return PROCESS_STATES[self.now]

    def payload(self) -> str:
        """Return what event listeners read."""
        head = f"processname:{self.process} groupname:{self.group} from_state:{self.was.name}"
        match self.now:
            case ProcessState.STARTING | ProcessState.BACKOFF:
                return f"{head} tries:{self.tries}"
            case ProcessState.EXITED:
                return f"{head} expected:{int(self.expected)} pid:{self.pid}"
            case ProcessState.FATAL | ProcessState.UNKNOWN:
                return head
            case _:
                return f"{head} pid:{self.pid}"


@frozen
class ProcessLogEvent:
    """A piece of a process's output."""

    process: str
    group: str
    pid: int
    #: stdout or stderr
    channel: str
    data: bytes

    @property
    def name(self) -> str:
        """The name of its type."""
        return PROCESS_LOGS[self.channel]

    def payload(self) -> str:
        """Return what event listeners read."""
        return (
            f"processname:{self.process} groupname:{self.group} pid:{self.pid} "
            f"channel:{self.channel}\n{readable(self.data)}"
        )


@frozen
class ProcessCommunicationEvent:
    """What a process has said to event listeners, between the tokens for it."""

    process: str
    group: str
    pid: int
    #: stdout or stderr
    channel: str
    data: bytes

    @property
    def name(self) -> str:
        """The name of its type."""
        return PROCESS_COMMUNICATIONS[self.channel]

    def payload(self) -> str:
        """Return what event listeners read."""
        return (
            f"processname:{self.process} groupname:{self.group} pid:{self.pid}\n"
            f"{readable(self.data)}"
        )


@frozen
class RemoteCommunicationEvent:
    """What a client has to say; neither part is looked at."""

    type: str
    data: str

    @property
    def name(self) -> str:
        """The name of its type."""
        return "REMOTE_COMMUNICATION"

    def payload(self) -> str:
        """Return what event listeners read."""
        return f"type:{self.type}\n{self.data}"


@frozen
class SupervisorStateEvent:
    """The daemon begins to run, or to stop."""

    #: RUNNING or STOPPING
    state: str

    @property
    def name(self) -> str:
        """The name of its type."""
        return f"SUPERVISOR_STATE_CHANGE_{self.state}"

    def payload(self) -> str:
        """Return what event listeners read: nothing."""
        return ""


@frozen
class TickEvent:
    """So many seconds of wall-clock time are over."""

    period: int
    #: seconds since the epoch, a multiple of the period
    when: int

    @property
    def name(self) -> str:
        """The name of its type."""
        return f"TICK_{self.period}"

    def payload(self) -> str:
        """Return what event listeners read."""
        return f"when:{self.when}"


@frozen
class ProcessGroupEvent:
    """A group has become active, or is so no more."""

    group: str
    added: bool

    @property
    def name(self) -> str:
        """The name of its type."""
        return "PROCESS_GROUP_ADDED" if self.added else "PROCESS_GROUP_REMOVED"

    def payload(self) -> str:
        """Return what event listeners read."""
        return f"groupname:{self.group}\n"


def readable(data: bytes) -> str:
    """Return output as text; what is not UTF-8 is told of as Python writes bytes."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return f"Undecodable: {data!r}"
