"""
Events for plugins of the daemon: who wants to hear of which class, and the classes.

A plugin subscribes a callable to a class, and is called with each event that is an instance of it.
All subscriptions are dropped when the daemon starts anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from supervisor_tx.core import events as core
from supervisor_tx.core.states import ProcessState

#: Classes with what to call, in order of subscription.
callbacks: list[tuple[type, Callable[[Any], Any]]] = []


class Daemonside(Protocol):
    """The other end: where events come from and go to."""

    def look(self) -> None:
        """Who listens has changed."""

    def publish(self, event: Any) -> None:
        """Tell others of an event that a plugin sends."""


#: The daemon that we are in, if we are in one.
_daemonsides: list[Daemonside] = []


def attach(daemonside: Daemonside | None) -> None:
    """Begin anew, on behalf of a daemon; None: of nobody."""
    callbacks.clear()
    _daemonsides[:] = [] if daemonside is None else [daemonside]
    _look()  # types may be registered already, by modules that were imported before


def subscribe(type: type, callback: Callable[[Any], Any]) -> None:
    """Call with each instance of the class from now on."""
    callbacks.append((type, callback))
    _look()


def unsubscribe(type: type, callback: Callable[[Any], Any]) -> None:
    """Call no more; raise ValueError where it was not subscribed."""
    callbacks.remove((type, callback))
    _look()


def clear() -> None:
    """Drop all subscriptions."""
    callbacks.clear()
    _look()


def _look() -> None:
    for daemonside in _daemonsides:
        daemonside.look()


def notify(event: Any) -> None:
    """Tell all who want to hear of it: plugins at once, then event listeners."""
    deliver(event)
    for daemonside in _daemonsides:
        daemonside.publish(event)


def deliver(event: Any) -> None:
    """Tell the plugins; one that raises is logged, and harms nobody."""
    for kind, callback in tuple(callbacks):
        if not isinstance(event, kind):
            continue
        try:
            callback(event)
        except BaseException:  # noqa: BLE001 (a subscriber may not harm what it hears of)
            from supervisor_tx.activity import Logger

            name = getattr(callback, "__qualname__", repr(callback))
            Logger().failure("{name}, which a plugin has subscribed, failed", name=name)


class Event:
    """Something that happened."""


class _WithOutput(Event):
    """Something that a process has written."""

    channel: ClassVar[str | None] = None

    def __init__(self, process: Any, pid: int, data: bytes) -> None:
        self.process, self.pid, self.data = process, pid, data

    def _bytes(self) -> bytes:
        data: bytes | str = self.data
        return data.encode() if isinstance(data, str) else data


class ProcessLogEvent(_WithOutput):
    """A piece of a process's output."""

    def payload(self) -> str:
        """Return what event listeners read."""
        name, group = _names(self.process)
        channel = str(self.channel)
        return core.ProcessLogEvent(name, group, self.pid, channel, self._bytes()).payload()


class ProcessLogStdoutEvent(ProcessLogEvent):
    """Of its standard output."""

    channel = "stdout"


class ProcessLogStderrEvent(ProcessLogEvent):
    """Of its standard error."""

    channel = "stderr"


class ProcessCommunicationEvent(_WithOutput):
    """What a process has said to event listeners."""

    def payload(self) -> str:
        """Return what event listeners read."""
        name, group = _names(self.process)
        channel = str(self.channel)
        return core.ProcessCommunicationEvent(
            name, group, self.pid, channel, self._bytes()
        ).payload()


class ProcessCommunicationStdoutEvent(ProcessCommunicationEvent):
    """On its standard output."""

    channel = "stdout"


class ProcessCommunicationStderrEvent(ProcessCommunicationEvent):
    """On its standard error."""

    channel = "stderr"


class RemoteCommunicationEvent(Event):
    """What a client has to say."""

    def __init__(self, type: str, data: str) -> None:
        self.type, self.data = type, data

    def payload(self) -> str:
        """Return what event listeners read."""
        return core.RemoteCommunicationEvent(self.type, self.data).payload()


class SupervisorStateChangeEvent(Event):
    """The daemon begins to run, or to stop."""

    def payload(self) -> str:
        """Return what event listeners read: nothing."""
        return ""


class SupervisorRunningEvent(SupervisorStateChangeEvent):
    """It begins to run."""


class SupervisorStoppingEvent(SupervisorStateChangeEvent):
    """It begins to stop."""


class EventRejectedEvent:
    """A listener has rejected an event."""

    def __init__(self, process: Any, event: Any) -> None:
        self.process, self.event = process, event


class ProcessStateEvent(Event):
    """
    A process has changed its state.

    ``from_state`` is the number of the state before. The payload is that of the moment when the
    event was made.
    """

    #: the state after it; None: a subclass of others, of which only names are told
    state: ClassVar[ProcessState | None] = None

    def __init__(self, process: Any, from_state: int, expected: bool = True) -> None:
        self.process, self.from_state, self.expected = process, from_state, expected
        name, group = _names(process)
        was = ProcessState(from_state)
        if self.state is None:
            self._payload = f"processname:{name} groupname:{group} from_state:{was.name}"
            return
        self._payload = core.ProcessStateEvent(
            name,
            group,
            was,
            self.state,
            pid=getattr(process, "pid", 0) or 0,
            tries=int(getattr(process, "backoff", 0)),
            expected=expected,
        ).payload()

    def tell(self, payload: str) -> None:
        """Have another payload: what was true when it happened."""
        self._payload = payload

    def payload(self) -> str:
        """Return what event listeners read."""
        return self._payload


class ProcessStateFatalEvent(ProcessStateEvent):
    """It will not be tried again."""

    state = ProcessState.FATAL


class ProcessStateUnknownEvent(ProcessStateEvent):
    """It could not be killed."""

    state = ProcessState.UNKNOWN


class ProcessStateStartingOrBackoffEvent(ProcessStateEvent):
    """It is on its way up, for now."""


class ProcessStateBackoffEvent(ProcessStateStartingOrBackoffEvent):
    """A start has failed, and there will be another."""

    state = ProcessState.BACKOFF


class ProcessStateStartingEvent(ProcessStateStartingOrBackoffEvent):
    """It starts."""

    state = ProcessState.STARTING


class ProcessStateExitedEvent(ProcessStateEvent):
    """It has ended by itself."""

    state = ProcessState.EXITED


class ProcessStateRunningEvent(ProcessStateEvent):
    """It has stayed up for startsecs."""

    state = ProcessState.RUNNING


class ProcessStateStoppingEvent(ProcessStateEvent):
    """It was told to stop."""

    state = ProcessState.STOPPING


class ProcessStateStoppedEvent(ProcessStateEvent):
    """It has ended, as it was told."""

    state = ProcessState.STOPPED


class ProcessGroupEvent(Event):
    """Something about a group, by its name."""

    def __init__(self, group: str) -> None:
        self.group = group

    def payload(self) -> str:
        """Return what event listeners read."""
        return core.ProcessGroupEvent(self.group, added=True).payload()


class ProcessGroupAddedEvent(ProcessGroupEvent):
    """It has become active."""


class ProcessGroupRemovedEvent(ProcessGroupEvent):
    """It is active no more."""


class TickEvent(Event):
    """So many seconds are over."""

    period: ClassVar[int] = 0

    def __init__(self, when: int, supervisord: Any) -> None:
        self.when, self.supervisord = when, supervisord

    def payload(self) -> str:
        """Return what event listeners read."""
        return core.TickEvent(self.period, self.when).payload()


class Tick5Event(TickEvent):
    """Five seconds."""

    period = 5


class Tick60Event(TickEvent):
    """A minute."""

    period = 60


class Tick3600Event(TickEvent):
    """An hour."""

    period = 3600


TICK_EVENTS = [Tick5Event, Tick60Event, Tick3600Event]


class EventTypes:
    """The classes by the names of their types."""

    EVENT = Event
    PROCESS_STATE = ProcessStateEvent
    PROCESS_STATE_STOPPED = ProcessStateStoppedEvent
    PROCESS_STATE_EXITED = ProcessStateExitedEvent
    PROCESS_STATE_STARTING = ProcessStateStartingEvent
    PROCESS_STATE_STOPPING = ProcessStateStoppingEvent
    PROCESS_STATE_BACKOFF = ProcessStateBackoffEvent
    PROCESS_STATE_FATAL = ProcessStateFatalEvent
    PROCESS_STATE_RUNNING = ProcessStateRunningEvent
    PROCESS_STATE_UNKNOWN = ProcessStateUnknownEvent
    PROCESS_COMMUNICATION = ProcessCommunicationEvent
    PROCESS_COMMUNICATION_STDOUT = ProcessCommunicationStdoutEvent
    PROCESS_COMMUNICATION_STDERR = ProcessCommunicationStderrEvent
    PROCESS_LOG = ProcessLogEvent
    PROCESS_LOG_STDOUT = ProcessLogStdoutEvent
    PROCESS_LOG_STDERR = ProcessLogStderrEvent
    REMOTE_COMMUNICATION = RemoteCommunicationEvent
    SUPERVISOR_STATE_CHANGE = SupervisorStateChangeEvent
    SUPERVISOR_STATE_CHANGE_RUNNING = SupervisorRunningEvent
    SUPERVISOR_STATE_CHANGE_STOPPING = SupervisorStoppingEvent
    TICK = TickEvent
    TICK_5 = Tick5Event
    TICK_60 = Tick60Event
    TICK_3600 = Tick3600Event
    PROCESS_GROUP = ProcessGroupEvent
    PROCESS_GROUP_ADDED = ProcessGroupAddedEvent
    PROCESS_GROUP_REMOVED = ProcessGroupRemovedEvent


def types() -> dict[str, type]:
    """Return all classes by the names of their types, those of plugins included."""
    return {name: each for name, each in vars(EventTypes).items() if not name.startswith("_")}


def getEventNameByType(requested: type) -> str | None:
    """Return the name of the type that has this class; None: it has none."""
    return next((name for name, each in types().items() if each is requested), None)


def register(name: str, event: type) -> None:
    """Give a class a name that event listeners can subscribe to."""
    setattr(EventTypes, name, event)
    _look()


def _names(process: Any) -> tuple[str, str]:
    group = getattr(process, "group", None)
    return process.config.name, "" if group is None else group.config.name
