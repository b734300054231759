"""Payloads of events, as event listeners read them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.events import (
    PARENTS,
    PROCESS_STATES,
    TICKS,
    Event,
    ProcessCommunicationEvent,
    ProcessGroupEvent,
    ProcessLogEvent,
    ProcessStateEvent,
    RemoteCommunicationEvent,
    SupervisorStateEvent,
    TickEvent,
    readable,
)
from supervisor_tx.core.states import ProcessState as S


def changed(now: S) -> ProcessStateEvent:
    return ProcessStateEvent("p", "g", S.STARTING, now, pid=7, tries=2, expected=True)


class PayloadTests(SynchronousTestCase):
    def test_states(self) -> None:
        """Each state tells of what matters in it."""
        head = "processname:p groupname:g from_state:STARTING"
        expected = {
            S.STARTING: f"{head} tries:2",
            S.BACKOFF: f"{head} tries:2",
            S.RUNNING: f"{head} pid:7",
            S.STOPPING: f"{head} pid:7",
            S.STOPPED: f"{head} pid:7",
            S.EXITED: f"{head} expected:1 pid:7",
            S.FATAL: head,
            S.UNKNOWN: head,
        }
        self.assertEqual({state: changed(state).payload() for state in S}, expected)

    def test_output(self) -> None:
        """Output comes after a line that tells whose it is."""
        said = ProcessCommunicationEvent("p", "g", 7, "stderr", b"a\nb")
        self.assertEqual(said.payload(), "processname:p groupname:g pid:7\na\nb")
        self.assertEqual(said.name, "PROCESS_COMMUNICATION_STDERR")
        logged = ProcessLogEvent("p", "g", 7, "stdout", "é\n".encode())
        self.assertEqual(logged.payload(), "processname:p groupname:g pid:7 channel:stdout\né\n")
        self.assertEqual(logged.name, "PROCESS_LOG_STDOUT")

    def test_bytes(self) -> None:
        """What is not UTF-8 is told of as a whole."""
        self.assertEqual(readable(b"ok \xff"), "Undecodable: b'ok \\xff'")

    def test_others(self) -> None:
        """Remote events, ticks, groups and the daemon itself."""
        events: list[tuple[Event, str, str]] = [
            (RemoteCommunicationEvent("a:b", "c\n"), "REMOTE_COMMUNICATION", "type:a:b\nc\n"),
            (TickEvent(60, 120), "TICK_60", "when:120"),
            (ProcessGroupEvent("g", added=True), "PROCESS_GROUP_ADDED", "groupname:g\n"),
            (ProcessGroupEvent("g", added=False), "PROCESS_GROUP_REMOVED", "groupname:g\n"),
            (SupervisorStateEvent("STOPPING"), "SUPERVISOR_STATE_CHANGE_STOPPING", ""),
        ]
        for event, name, payload in events:
            self.assertEqual((event.name, event.payload()), (name, payload))

    def test_names(self) -> None:
        """Every name that an event of ours can have is a type."""
        for name in [*PROCESS_STATES.values(), *TICKS]:
            self.assertIn(name, PARENTS)
