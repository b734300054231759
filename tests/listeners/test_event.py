"""Events as listeners have them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.events import (
    PARENTS,
    ProcessCommunicationEvent,
    ProcessGroupEvent,
    ProcessLogEvent,
    ProcessStateEvent,
    RemoteCommunicationEvent,
    SupervisorStateEvent,
    TickEvent,
)
from supervisor_tx.core.events import Event as Sent
from supervisor_tx.core.states import ProcessState
from supervisor_tx.listeners.event import ListenerEvent


def heard(sent: Sent) -> ListenerEvent:
    """Return an event as it arrives."""
    return ListenerEvent.of(sent.name, sent.payload())


class TypesTests(SynchronousTestCase):
    def test_states(self) -> None:
        """Of a change of state all that is told can be asked for, and the rest is None."""
        for state in ProcessState:
            sent = ProcessStateEvent(
                "web_0", "web", ProcessState.STARTING, state, pid=7, tries=2, expected=True
            )
            event = heard(sent)
            self.assertEqual(event.name, f"PROCESS_STATE_{state.name}")
            self.assertTrue(event.isa("PROCESS_STATE"))
            self.assertEqual((event.process, event.group), ("web_0", "web"))
            self.assertEqual((event.namespec, event.from_state), ("web:web_0", "STARTING"))
            tries = state in (ProcessState.STARTING, ProcessState.BACKOFF)
            no_pid = tries or state in (ProcessState.FATAL, ProcessState.UNKNOWN)
            self.assertEqual(event.tries, 2 if tries else None)
            self.assertEqual(event.pid, None if no_pid else 7)
            self.assertEqual(event.expected, True if state is ProcessState.EXITED else None)
            self.assertEqual((event.channel, event.when, event.type), (None, None, None))

    def test_unexpected(self) -> None:
        """An exit that nobody expected is no expected one."""
        sent = ProcessStateEvent("a", "a", ProcessState.RUNNING, ProcessState.EXITED, pid=1)
        self.assertIs(heard(sent).expected, False)
        self.assertEqual(heard(sent).namespec, "a")

    @given(st.binary(), st.sampled_from(["stdout", "stderr"]))
    def test_output(self, data: bytes, channel: str) -> None:
        """Output and communications arrive as the process has written them, and as text."""
        for sent in (
            ProcessLogEvent("p", "g", 7, channel, data),
            ProcessCommunicationEvent("p", "g", 7, channel, data),
        ):
            event = heard(sent)
            self.assertEqual((event.process, event.pid, event.channel), ("p", 7, channel))
            self.assertEqual(event.output, data)

    def test_strange_output(self) -> None:
        """What only begins as if it were not UTF-8 is what it is."""
        for data in (b"Undecodable: x", b"Undecodable: 'x'", b"Undecodable: b'", b"Undecodable: ("):
            event = heard(ProcessLogEvent("p", "g", 7, "stdout", data))
            self.assertEqual((event.output, event.data), (data, data.decode()))

    def test_remote(self) -> None:
        """A REMOTE_COMMUNICATION has a type, whatever that is, and data, whatever they are."""
        event = heard(RemoteCommunicationEvent("a b:c", "x:y\nz"))
        self.assertEqual((event.type, event.data, event.output), ("a b:c", "x:y\nz", b"x:y\nz"))

    def test_others(self) -> None:
        """So have ticks their time, groups their name, and changes of the daemon nothing."""
        self.assertEqual(heard(TickEvent(60, 120)).when, 120)
        group = heard(ProcessGroupEvent("web", added=True))
        self.assertEqual((group.name, group.group), ("PROCESS_GROUP_ADDED", "web"))
        event = heard(SupervisorStateEvent("RUNNING"))
        self.assertEqual((dict(event.fields), event.data), ({}, ""))

    def test_strangers(self) -> None:
        """Payloads of a plugin's events may have any shape."""
        event = ListenerEvent.of("THEIRS", "no names here\nmore")
        self.assertEqual((dict(event.fields), event.data), ({}, "more"))

    def test_kinds(self) -> None:
        """Each event is of its type, and of all types that this is a kind of, and of no other."""
        for name in PARENTS:
            kinds = {name}
            parent = PARENTS[name]
            while parent is not None:
                kinds.add(parent)
                parent = PARENTS[parent]
            event = ListenerEvent.of(name)
            self.assertEqual({kind for kind in PARENTS if event.isa(kind)}, kinds)

    def test_header(self) -> None:
        """It says where it comes from."""
        event = ListenerEvent(
            {"server": "s", "serial": "4", "pool": "p", "poolserial": "2", "eventname": "TICK_5"}
        )
        self.assertEqual((event.server, event.pool), ("s", "p"))
        self.assertEqual((event.serial, event.pool_serial), (4, 2))
        self.assertEqual(repr(event), "<TICK_5 4: ''>")


class AnswerTests(SynchronousTestCase):
    def test_said(self) -> None:
        """An answer is sent at once."""
        for answer, said in (
            (ListenerEvent.accept, b"RESULT 2\nOK"),
            (ListenerEvent.reject, b"RESULT 4\nFAIL"),
            (lambda event: event.respond(b"\xff"), b"RESULT 1\n\xff"),
        ):
            sent: list[bytes] = []
            answer(ListenerEvent({"eventname": "TICK_5"}, "", sent.append))
            self.assertEqual(sent, [said])

    def test_once(self) -> None:
        """There is one answer, which is remembered."""
        event = ListenerEvent.of("TICK_5", "when:5")
        self.assertIsNone(event.answer)
        event.accept()
        self.assertEqual(event.answer, b"OK")
        self.assertRaises(ValueError, event.reject)
        self.assertEqual(event.answer, b"OK")
