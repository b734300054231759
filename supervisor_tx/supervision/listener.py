"""One process of an event listener pool: its dialogue with us, and the event in its hand."""

from __future__ import annotations

from collections.abc import Callable

from supervisor_tx.activity import Level, Logger
from supervisor_tx.core.backlog import Waiting
from supervisor_tx.core.events import Event, readable
from supervisor_tx.core.listener import Answered, BadResult, BecameReady, Dialogue, News, Violated
from supervisor_tx.core.states import ListenerState, ProcessState
from supervisor_tx.supervision.process import STDIN, SupervisedProcess
from supervisor_tx.values import field, mutable

_log = Logger()

# Looked up once: each look at a member of an enumeration takes 70 ns, and there are some in every
# event that is told.
_DEBUG, _READY, _RUNNING = Level.DEBUG, ListenerState.READY, ProcessState.RUNNING

#: Bytes or characters to show of what a listener should not have said.
SHOWN = 200


@mutable(slots=True)
class Listener:
    """
    Performs one end of the dialogue for one run of a process after the other.

    ``judge`` takes an event and what the listener answered and tells whether that means that it is
    dealt with; whatever it raises ends the dialogue. ``give_back`` is called with an event that is
    not, ``violated`` when the dialogue is over while the process lives.
    """

    process: SupervisedProcess
    judge: Callable[[Event, bytes], bool]
    give_back: Callable[[Waiting], None]
    violated: Callable[[SupervisedProcess], None]
    #: None: no process
    dialogue: Dialogue | None = field(default=None, init=False)
    #: what it was handed and has not answered
    in_hand: Waiting | None = field(default=None, init=False)
    #: events that it was handed, over all runs
    handed: int = field(default=0, init=False)
    #: when it was handed the latest, by the clock of the loop
    handed_at: float = field(default=0.0, init=False)
    #: whether what it said last came at once after it was handed an event
    is_prompt: bool = field(default=False, init=False)
    #: whether it has asked for an event since it was started
    has_asked: bool = field(default=False, init=False)
    #: whether it was said that it has closed its stdin
    is_deaf: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        """The name of the process."""
        return self.process.name

    @property
    def state(self) -> ListenerState | None:
        """Where the dialogue is; None: there is none."""
        return None if self.dialogue is None else self.dialogue.state

    @property
    def is_able(self) -> bool:
        """Whether it takes events, now or when it will have answered and asked for more."""
        process = self.process
        return (
            self.has_asked
            and self.dialogue is not None
            and self.dialogue.state is not ListenerState.UNKNOWN
            and process.state is ProcessState.RUNNING
            and process.transport is not None
            and process.transport.stdin_open
        )

    @property
    def is_waiting(self) -> bool:
        """Whether it can be handed an event now."""
        dialogue = self.dialogue
        return (
            dialogue is not None
            and dialogue.state is _READY
            and self.process.life.state is _RUNNING
            and not self.is_deaf
        )

    def begin(self) -> None:
        """There is a new process, or will be at once."""
        self.dialogue = Dialogue()
        self.has_asked = self.is_deaf = False

    def end(self) -> None:
        """The process is no more. What it had in hand is given back."""
        self.dialogue = None
        self._return()

    def hand(self, event: Waiting, data: bytes) -> bool:
        """Write an event to it, as what is sent; answer whether there was somebody to read it."""
        transport = self.process.transport
        if transport is not None and transport.stdin_open:
            transport.writeToChild(STDIN, data)
        if self.dialogue is None or transport is None or not transport.stdin_open:
            _log.debug(
                "epipe occurred while sending event {serial} to listener {name}, "
                "listener state unchanged",
                serial=event.serial,
                name=self.name,
            )
            self._say_deaf()
            return False
        self.dialogue.handed()
        self.in_hand = event
        self.handed += 1
        if _log.enabled(_DEBUG):
            _log.debug(
                "event {serial} sent to listener {name}", serial=event.serial, name=self.name
            )
        return True

    def _say_deaf(self) -> None:
        if not self.is_deaf:
            self.is_deaf = True
            _log.error(
                "{name}: has closed its standard input, and can be given no events until it is "
                "started anew",
                name=self.name,
            )
            self.violated(self.process)

    def hear(self, data: bytes) -> None:
        """Take what it has said; all of it is understood before it is handed anything."""
        dialogue = self.dialogue
        if dialogue is None:  # a descendant of it that is not meant
            return
        dialogue.receive(data)
        while (news := dialogue.next()) is not None:
            self._take(news)

    def _take(self, news: News) -> None:
        match news:
            case Answered(result):
                self._answered(result)
            case BecameReady():
                self.has_asked = True
                if _log.enabled(_DEBUG):
                    self._log_change(ListenerState.ACKNOWLEDGED)
            case BadResult(line):
                _log.warn(
                    "{name}: bad result line: '{line}'",
                    name=self.name,
                    line=readable(line)[:SHOWN],
                )
                self._over(ListenerState.BUSY, line)
            case Violated(state, said):
                self._over(state, said)

    def _answered(self, result: bytes) -> None:
        dialogue, event = self.dialogue, self.in_hand
        assert dialogue is not None and event is not None
        try:
            accepted = self.judge(event.event, result)
        except BaseException as error:  # noqa: BLE001 (a handler is the work of others)
            _log.warn("{name}: event caused an error", name=self.name)
            _log.error(
                "{name}: the result handler failed with {kind}: {error}; the result was {result}",
                name=self.name,
                kind=type(error).__name__,
                error=error,
                result=_shown(result),
            )
            dialogue.broken()
            self._over(ListenerState.BUSY, None)
            return
        if not accepted:
            _log.warn("{name}: event was rejected", name=self.name)
        dialogue.accepted()
        if _log.enabled(_DEBUG):
            if accepted:
                _log.debug("{name}: event was processed", name=self.name)
            self._log_change(ListenerState.BUSY)
        if accepted:
            self.in_hand = None
        else:
            self._return()

    def _over(self, state: ListenerState, said: bytes | None) -> None:
        """The dialogue is over, because of what it ``said`` in a state; None: we are to blame."""
        if _log.enabled(_DEBUG):
            self._log_change(state)
        _log.warn(
            "{name}: has entered the UNKNOWN state and will no longer receive events, this usually "
            "indicates the process violated the eventlistener protocol",
            name=self.name,
        )
        if said is not None:
            _log.error(
                "{name}: what it wrote to its standard output while it was {state} is {said}",
                name=self.name,
                state=state.name,
                said=_shown(said),
            )
        self._return()
        self.violated(self.process)

    def _return(self) -> None:
        event, self.in_hand = self.in_hand, None
        if event is not None:
            self.give_back(event)

    def _log_change(self, before: ListenerState) -> None:
        if self.dialogue is not None:
            _log.debug(
                "{name}: {before} -> {after}",
                name=self.name,
                before=before.name,
                after=self.dialogue.state.name,
            )


def _shown(said: bytes) -> str:
    more = "" if len(said) <= SHOWN else f" and {len(said) - SHOWN} bytes more"
    return f"{said[:SHOWN]!r}{more}"
