"""
Event listener pools: processes that are handed events, one at a time each.

A pool keeps what it has subscribed to in a backlog, and gives the oldest event to the first of its
processes that is RUNNING and has said READY. What comes back (rejected, or in hand when its
listener ended) goes to the head again. Nothing looks for work here: an event that comes, a listener
that says something and a process that changes its state each lead to what can be done then.

At a shutdown a pool whose turn has come is given the time of its ``stopwaitsecs`` to tell its
listeners what it has yet to tell; only then are they stopped.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import TypeAlias

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from supervisor_tx.activity import Logger
from supervisor_tx.config.model import GroupConfig, PoolConfig
from supervisor_tx.core.backlog import Backlog, Serials, Waiting
from supervisor_tx.core.envelope import envelope
from supervisor_tx.core.events import Event, Occurrence
from supervisor_tx.core.exitstatus import signal_name
from supervisor_tx.core.lifecycle import START_SPACING, Announce, Signal, Waited
from supervisor_tx.core.states import SIGNALLABLE_STATES, ListenerState, ProcessState
from supervisor_tx.supervision.bus import EventBus
from supervisor_tx.supervision.group import ProcessGroup
from supervisor_tx.supervision.listener import Listener
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.supervision.vigil import AT_ONCE, Vigil
from supervisor_tx.values import field, frozen, mutable

_log = Logger()

#: Takes an event and a listener's result for it; tells whether it is accepted, or else to be
#: offered again. What it raises takes the listener out of service.
ResultHandler: TypeAlias = Callable[[Event, bytes], bool]


def accept_ok(event: Event, result: bytes) -> bool:
    """Accept what the listener calls OK, and nothing else."""
    return result == b"OK"


@mutable
class Exchange:
    """What all pools of a daemon share."""

    bus: EventBus
    clock: IReactorTime
    #: of the daemon, as listeners are told
    identifier: str
    #: goes on when the daemon starts anew
    serials: Serials = field(default_factory=Serials)
    #: returns what a ``result_handler`` names; raises CannotStart
    find_handler: Callable[[str], ResultHandler] = lambda _: accept_ok
    vigil: Vigil = field(init=False)

    def __post_init__(self) -> None:
        self.vigil = Vigil(self.clock)


@frozen
class ListenerStats:
    """One process of a pool, at the moment."""

    name: str
    #: of the process; None: there is none
    pid: int | None
    state: ProcessState
    #: None: there is no process to talk to
    listener_state: ListenerState | None
    #: serial of the event in hand
    in_hand: int | None
    #: events that it was handed, over all its runs
    handed: int


@frozen
class PoolStats:
    """A pool at the moment, with counts since it was made active."""

    name: str
    events: tuple[str, ...]
    #: events that wait, and the bytes that they count for
    waiting: int
    waiting_bytes: int
    #: events that may wait; None: they are limited by bytes
    buffer_size: int | None
    #: bytes that may wait, where the number is not limited
    buffer_bytes: int | None
    accepted: int
    processed: int
    #: rejected, or in hand when their listener failed or ended
    returned: int
    discarded: int
    listeners: tuple[ListenerStats, ...]


@mutable
class ListenerPool(ProcessGroup):
    """The group of an ``[eventlistener:x]``."""

    config: PoolConfig
    exchange: Exchange = field(kw_only=True)
    #: what changes of state are told to, besides
    announce: Callable[[SupervisedProcess, Announce], None] = field(kw_only=True)
    #: events that wait for a listener
    backlog: Backlog = field(init=False)
    accepted: int = field(default=0, init=False)
    processed: int = field(default=0, init=False)
    returned: int = field(default=0, init=False)
    discarded: int = field(default=0, init=False)
    serials: Serials = field(default_factory=Serials, init=False)
    _handler: ResultHandler = field(init=False)
    listeners: dict[str, Listener] = field(default_factory=dict, init=False)
    _subscribed: tuple[str, ...] = field(default=(), init=False)
    #: a turn of the loop in which events are handed out
    _turn: IDelayedCall | None = field(default=None, init=False)
    #: when listeners are stopped that have not dealt with everything
    draining: IDelayedCall | None = field(default=None, init=False)
    #: processes that are to be killed, by name
    killing: dict[str, IDelayedCall] = field(default_factory=dict, init=False)
    #: of a burst in which events are discarded: their number, and the first and last serial
    burst: tuple[int, int, int] | None = field(default=None, init=False)
    going_down: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._handler = self._find_handler(self.config)
        self.backlog = Backlog(self.config.buffer_size)

    def _find_handler(self, config: PoolConfig) -> ResultHandler:
        name = config.result_handler
        return accept_ok if name is None else self.exchange.find_handler(name)

    # As a group

    def activated(self) -> None:
        """Hear of events from now on."""
        self._subscribe(self.config.events)

    def settle(self, config: GroupConfig) -> None:
        """Go on under another configuration; raises CannotStart."""
        assert isinstance(config, PoolConfig)
        self._handler = self._find_handler(config)
        super().settle(config)
        gone = [name for name in self.listeners if name not in self.processes]
        for name in gone:
            del self.listeners[name]
        if config.events != self._subscribed:  # else it keeps its place before those who came later
            self._subscribe(config.events)
        self._discard(self.backlog.limit(config.buffer_size))

    def quiesce(self) -> None:
        """Let nothing start by itself any more."""
        self.going_down = True
        super().quiesce()

    def stop_all(self) -> None:
        """Stop everything, when all events were dealt with or ``stopwaitsecs`` have passed."""
        if self.draining is not None:
            return
        if self._is_settled():
            super().stop_all()
            return
        seconds = max(each.config.stopwaitsecs for each in self.processes.values())
        self._drain(seconds)

    def resume_timers(self, draining: float | None, killing: Mapping[str, float]) -> None:
        """Go on with what was to happen in so many seconds, and hand out what is there."""
        if draining is not None:
            self._drain(max(0.0, draining))
        for name, seconds in killing.items():
            if name in self.processes:
                self._kill_in(max(0.0, seconds), self.processes[name])
        self._hand_out_soon()

    def close(self) -> None:
        """Hear no more, and let go of logs and timers; all processes must be stopped."""
        self._subscribe(())
        self.going_down = True
        if self.burst is not None:
            self._report_burst("pool {pool} is no more")
        for call in (self._turn, self.draining, *self.killing.values()):
            if call is not None:
                call.cancel()
        self._turn = self.draining = None
        self.killing.clear()
        super().close()

    def listener(self, name: str) -> Listener | None:
        """Return what is known of a process as a listener; None: it never ran."""
        return self.listeners.get(name)

    def stats(self) -> PoolStats:
        """Tell how things are."""
        backlog = self.backlog
        return PoolStats(
            name=self.name,
            events=self.config.events,
            waiting=len(backlog),
            waiting_bytes=backlog.size,
            buffer_size=backlog.most,
            buffer_bytes=backlog.most_bytes if backlog.most is None else None,
            accepted=self.accepted,
            processed=self.processed,
            returned=self.returned,
            discarded=self.discarded,
            listeners=tuple(self._listener_stats(each) for each in self.processes.values()),
        )

    def _listener_stats(self, process: SupervisedProcess) -> ListenerStats:
        listener = self.listeners.get(process.name)
        return ListenerStats(
            name=process.name,
            pid=process.pid,
            state=process.state,
            listener_state=None if listener is None else listener.state,
            in_hand=None
            if listener is None or listener.in_hand is None
            else listener.in_hand.serial,
            handed=0 if listener is None else listener.handed,
        )

    # What comes in

    def accept(self, occurrence: Occurrence) -> None:
        """Take an event, to be handed to a listener when its turn comes."""
        payload = occurrence.payload
        number = occurrence.serial
        if number is None:
            number = occurrence.serial = self.exchange.serials.next()
        name = self.config.name
        serial = occurrence.pool_serials.get(name)
        if serial is None:
            serial = occurrence.pool_serials[name] = self.serials.next()
        self.accepted += 1
        backlog = self.backlog
        is_first = not backlog
        gone = backlog.add(
            Waiting(occurrence.event, number, serial, payload, occurrence.characters)
        )
        if gone:
            self._discard(gone)
        if is_first:  # else nobody is ready, or it is known
            self._hand_out_soon()

    def hear(self, name: str, data: bytes) -> None:
        """Take what a listener has said."""
        listener = self.listeners.get(name)
        if listener is None:
            return
        listener.is_prompt = self.exchange.clock.seconds() - listener.handed_at < AT_ONCE
        listener.hear(data)
        if self._turn is not None:  # others are ready too
            self._hand_out()
        elif self.backlog and listener.is_waiting:
            self._hand_to(listener)
        if self.draining is not None:
            self._look_whether_settled()

    def changed(self, process: SupervisedProcess, change: Announce) -> None:
        """Hear of each change of state of each of its processes."""
        self.announce(process, change)
        listener = self.listeners.get(process.name)
        if change.now is ProcessState.STARTING:
            if listener is None or listener.process is not process:
                listener = self.listen_to(process)
            listener.begin()
        elif change.now in _ENDED and listener is not None:
            listener.end()
        if process.name in self.killing:
            self._spare(process, change.now)
        self._hand_out_soon()
        self._look_whether_settled()

    def listen_to(self, process: SupervisedProcess) -> Listener:
        """Begin to take one of its processes for a listener."""
        listener = Listener(process, self._judge, self._give_back, self._violated)
        self.listeners[process.name] = listener
        return listener

    def _judge(self, event: Event, result: bytes) -> bool:
        accepted = self._handler(event, result)
        self.processed += accepted
        return accepted

    def _give_back(self, event: Waiting) -> None:
        self.returned += 1
        _log.debug(
            "rebuffering event {serial} for pool {pool} (buf size={count}, max={most})",
            serial=event.serial,
            pool=self.name,
            count=len(self.backlog),
            most=self.backlog.most,
        )
        self._discard(self.backlog.put_back(event))
        self._hand_out_soon()

    # What goes out

    def _hand_out_soon(self) -> None:
        """Hand out in a turn of its own: we may be in the middle of something."""
        if self._turn is None and self.backlog and self._ready() is not None:
            self._turn = self.exchange.clock.callLater(0, self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        self._hand_out()

    def _hand_out(self) -> None:
        while self.backlog and (listener := self._ready()) is not None:
            self._hand_to(listener)

    def _hand_to(self, listener: Listener) -> None:
        """Hand it the oldest; where it cannot be told, it is not ready any more."""
        event = self.backlog.take()
        sent = envelope(
            server=self.exchange.identifier,
            serial=event.serial,
            pool=self.config.name,
            pool_serial=event.pool_serial,
            name=event.event.name,
            characters=event.characters,
            payload=event.payload,
        )
        if not listener.hand(event, sent):
            self.backlog.put_back(event)
            return
        exchange = self.exchange
        listener.handed_at = exchange.clock.seconds()
        if listener.is_prompt and self.backlog:  # so the answer is urgent, and will be there soon
            exchange.vigil.keep()
        if self.burst is not None and self.backlog.fullness <= 0.5:
            self._report_burst()

    def _ready(self) -> Listener | None:
        """Return the first, in order of configuration, that can be handed an event."""
        for name in self.processes:
            listener = self.listeners.get(name)
            if listener is not None and listener.is_waiting:
                return listener
        return None

    # What is lost

    def _discard(self, events: list[Waiting]) -> None:
        """Say what had to go: each, where the number is configured; else once in a burst."""
        for event in events:
            self.discarded += 1
            if self.burst is None or self.config.buffer_size is not None:
                _log.error(
                    "pool {pool} event buffer overflowed, discarding event {serial}",
                    pool=self.name,
                    serial=event.serial,
                )
            if self.config.buffer_size is None:
                count, first, _ = self.burst or (0, event.serial, 0)
                self.burst = count + 1, first, event.serial

    def _report_burst(self, why: str = "pool {pool} has room for events again") -> None:
        assert self.burst is not None
        (count, first, last), self.burst = self.burst, None
        _log.error(
            why + ": {count} were discarded, from {first} to {last}",
            pool=self.name,
            count=count,
            first=first,
            last=last,
        )

    # Listeners that break the protocol

    def _violated(self, process: SupervisedProcess) -> None:
        if self.config.on_protocol_error != "restart" or self.going_down:
            return
        if process.name in self.killing or process.state not in SIGNALLABLE_STATES:
            return
        config = process.config
        _log.warn(
            "{name}: is ended with {signal} and started anew (on_protocol_error)",
            name=process.name,
            signal=signal_name(config.stopsignal),
        )
        self._kill_in(config.stopwaitsecs, process)
        process.perform(Signal(config.stopsignal, to_group=config.stopasgroup))

    def _kill_in(self, seconds: float, process: SupervisedProcess) -> None:
        call = self.exchange.clock.callLater(seconds, self._kill, process)
        self.killing[process.name] = call

    def _kill(self, process: SupervisedProcess) -> None:
        config = process.config
        _log.warn("killing '{name}' ({pid}) with SIGKILL", name=process.name, pid=process.pid)
        self._kill_in(config.stopwaitsecs, process)
        process.perform(Signal(signal.SIGKILL, to_group=config.killasgroup))

    def _spare(self, process: SupervisedProcess, now: ProcessState) -> None:
        """It is to be killed no more where it has ended, or others see to its end."""
        if now is ProcessState.RUNNING:
            return
        self.killing.pop(process.name).cancel()
        if now is ProcessState.EXITED and not self.going_down:
            # Its own timer, so that whatever else is decided about it, now or later, holds.
            uptime = self.exchange.clock.seconds() - process.spawned_at
            process.wait(max(0.0, START_SPACING - uptime), then=Waited())

    # The end

    def _is_settled(self) -> bool:
        """Whether there is nothing to tell, or nobody to tell it to."""
        listeners = self.listeners.values()
        has_work = bool(self.backlog) or any(each.in_hand is not None for each in listeners)
        return not has_work or not any(each.is_able for each in listeners)

    def _look_whether_settled(self) -> None:
        if self.draining is not None and self._is_settled():
            self.draining.cancel()
            self._stop_draining()

    def _drain(self, seconds: float) -> None:
        self.draining = self.exchange.clock.callLater(seconds, self._stop_draining)

    def _stop_draining(self) -> None:
        self.draining = None
        super().stop_all()

    def _subscribe(self, events: tuple[str, ...]) -> None:
        bus = self.exchange.bus
        for name in self._subscribed:
            bus.unsubscribe(name, self.accept)
        for name in events:
            bus.subscribe(name, self.accept)
        self._subscribed = events


#: States in which there is no process any more. In UNKNOWN there may be one, which goes on with
#: what it has in hand.
_ENDED = frozenset(
    {ProcessState.STOPPED, ProcessState.EXITED, ProcessState.FATAL, ProcessState.BACKOFF}
)
