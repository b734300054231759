"""
Pools against a model: whatever listeners do, in whatever order.

The model knows for each listener what it may be handed, and for the pool what waits. It is handed
out by the documented rules and nothing else, so that no event is lost or doubled, and no listener
gets a second one while it has one.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.lifecycle import AutoRestart, Start
from supervisor_tx.core.states import ListenerState as L
from supervisor_tx.supervision import poolrecord
from tests.logs import quiet
from tests.supervision.stage import HeardChannel, Stage

NAMES = ("a", "b", "c")


@dataclass
class Modelled:
    """What is known of one listener."""

    alive: bool = True
    reads: bool = True
    state: L = L.ACKNOWLEDGED
    #: what it was sent in this run
    got: list[str] = field(default_factory=list)
    in_hand: str | None = None
    #: what it has begun to say, and what is left of it
    rest: bytes = b""


class PoolMachine(RuleBasedStateMachine):
    """Listeners that say this and that, and die; and events."""

    @initialize(size=st.none() | st.integers(1, 4))
    def begin(self, size: int | None) -> None:
        self.stage = Stage(
            *NAMES,
            buffer_size=size,
            program={"startsecs": 0, "autorestart": AutoRestart.NEVER},
        )
        self.stage.start()
        self.size = size
        self.number = 0
        self.discarded = 0
        self.backlog: deque[str] = deque()
        self.listeners = {name: Modelled() for name in NAMES}

    # The model's rules

    def make_room(self) -> None:
        while self.size is not None and len(self.backlog) >= self.size:
            self.backlog.popleft()
            self.discarded += 1

    def hand_out(self) -> None:
        while self.backlog:
            for each in self.listeners.values():
                if each.alive and each.reads and each.state is L.READY:
                    each.in_hand = self.backlog.popleft()
                    each.got.append(each.in_hand)
                    each.state = L.BUSY
                    break
            else:
                return

    def give_back(self, listener: Modelled) -> None:
        if listener.in_hand is not None:
            self.make_room()
            self.backlog.appendleft(listener.in_hand)
            listener.in_hand = None

    def break_off(self, listener: Modelled) -> None:
        listener.state = L.UNKNOWN
        listener.rest = b""
        self.give_back(listener)

    def understand(self, listener: Modelled, data: bytes) -> None:
        """Take what was said in one read, of the few things that are said here."""
        while data and listener.state is not L.UNKNOWN:
            if listener.state is L.ACKNOWLEDGED and data.startswith(b"READY\n"):
                data = data[6:]
                listener.state = L.READY
            elif listener.state is L.BUSY and data.startswith(b"RESULT 2\nOK"):
                data = data[11:]
                listener.state, listener.in_hand = L.ACKNOWLEDGED, None
            elif listener.state is L.BUSY and data.startswith(b"RESULT 4\nFAIL"):
                data = data[13:]
                listener.state = L.ACKNOWLEDGED
                self.give_back(listener)
            elif len(data) < 6 and listener.state is not L.READY:
                listener.rest = data
                return
            else:
                self.break_off(listener)
        listener.rest = b""

    # What happens

    @rule(count=st.integers(1, 6))
    def events(self, count: int) -> None:
        """Some happen in one turn of the loop."""
        texts = [str(self.number + each) for each in range(count)]
        self.number += count
        for text in texts:
            self.make_room()
            self.backlog.append(text)
        self.stage.send(*texts)
        self.hand_out()

    @rule(
        name=st.sampled_from(NAMES),
        words=st.lists(
            st.sampled_from([b"READY\n", b"RESULT 2\nOK", b"RESULT 4\nFAIL", b"no\nsuch\nword\n"]),
            min_size=1,
            max_size=4,
        ),
    )
    def speak(self, name: str, words: list[bytes]) -> None:
        """A listener says words in one read, be it its turn or not."""
        self.say(name, b"".join(words))

    @rule(name=st.sampled_from(NAMES), accept=st.booleans(), ask=st.booleans())
    def behave(self, name: str, accept: bool, ask: bool) -> None:
        """A listener does what it is to do next."""
        listener = self.listeners[name]
        if listener.rest:
            return
        if listener.state is L.ACKNOWLEDGED:
            self.say(name, b"READY\n")
        elif listener.state is L.BUSY:
            answer = b"RESULT 2\nOK" if accept else b"RESULT 4\nFAIL"
            self.say(name, answer + b"READY\n" * ask)

    @rule(name=st.sampled_from(NAMES), size=st.integers(1, 5))
    def ask_in_pieces(self, name: str, size: int) -> None:
        """A listener asks for an event in two reads."""
        listener = self.listeners[name]
        if listener.state is L.ACKNOWLEDGED and not listener.rest:
            self.say(name, b"READY\n"[:size])
            self.say(name, b"READY\n"[size:])

    def say(self, name: str, data: bytes) -> None:
        listener = self.listeners[name]
        if listener.alive:
            self.understand(listener, listener.rest + data)
            self.stage.say(data, name)
            self.hand_out()

    @rule(name=st.sampled_from(NAMES))
    def die(self, name: str) -> None:
        """A listener ends."""
        listener = self.listeners[name]
        if listener.alive:
            listener.alive = False
            self.give_back(listener)
            self.stage.child(name).die("KILL")
            self.stage.clock.advance(0)
            self.hand_out()

    @rule(name=st.sampled_from(NAMES))
    def start(self, name: str) -> None:
        """A listener that has ended is started."""
        if not self.listeners[name].alive:
            self.listeners[name] = Modelled()
            self.listeners = {each: self.listeners[each] for each in NAMES}
            self.stage.pool.processes[name].feed(Start())
            self.stage.clock.advance(0)
            self.stage.clock.advance(1)

    @rule(name=st.sampled_from(NAMES))
    def close_stdin(self, name: str) -> None:
        """A listener does not want to hear any more."""
        listener = self.listeners[name]
        if listener.alive and listener.reads:
            listener.reads = False
            self.stage.child(name).close(0)

    @precondition(lambda self: hasattr(self, "stage"))
    @rule()
    def take_up(self) -> None:
        """The pool is written down, and another one goes on where it was."""
        stage, old = self.stage, self.stage.pool
        record = json.loads(json.dumps(poolrecord.write_down(old)))
        new = stage.make(old.config)
        new.processes, old.processes = old.processes, {}
        old.close()
        for process in new.processes.values():
            process.announce = new.changed
            channel = process.channels[1]
            assert isinstance(channel, HeardChannel)
            channel.pool = new
        poolrecord.take_up(new, record)
        new.activated()
        stage.pool = stage.supervisor.groups["pool"] = new

    # What is true at any time

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "stage"):
            return
        waiting = [each.payload.decode().partition("\n")[2] for each in self.stage.pool.backlog]
        assert waiting == list(self.backlog)
        for name, listener in self.listeners.items():
            found = self.stage.pool.listeners[name]
            assert self.stage.got(name) == listener.got
            assert found.state == (listener.state if listener.alive else None)
            in_hand = None if found.in_hand is None else found.in_hand.payload.decode()
            assert in_hand == (None if listener.in_hand is None else f"type:t\n{listener.in_hand}")
        stats = self.stage.pool.stats()
        hands = sum(each.in_hand is not None for each in self.listeners.values())
        assert stats.discarded == self.discarded
        assert stats.accepted == self.number
        assert self.number == stats.processed + stats.discarded + len(self.backlog) + hands


class PoolModelTests(SynchronousTestCase):
    def test_pool(self) -> None:
        """A pool does what its model does."""
        quiet(self)
        case = PoolMachine.TestCase
        case.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
        case("runTest").debug()
