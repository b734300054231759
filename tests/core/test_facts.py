"""What events tell, as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.events import (
    Event,
    ProcessCommunicationEvent,
    ProcessGroupEvent,
    ProcessLogEvent,
    ProcessStateEvent,
    RemoteCommunicationEvent,
    SupervisorStateEvent,
    TickEvent,
)
from supervisor_tx.core.facts import LONGEST, as_json, facts
from supervisor_tx.core.states import ProcessState


@dataclass
class PluginEvent:
    """An event of somebody else."""

    name: str
    text: str

    def payload(self) -> str:
        return self.text


def told(event: Event, when: float = 1.5) -> Any:
    """What a program reads."""
    line = as_json(event.name, when, facts(event))
    assert b"\n" not in line
    return json.loads(line)


class FactsTests(SynchronousTestCase):
    def state(self, now: ProcessState) -> dict[str, Any]:
        event = ProcessStateEvent("p", "g", ProcessState.STARTING, now, 12, 3, True)
        found: dict[str, Any] = told(event)
        common = {
            "type": f"PROCESS_STATE_{now.name}",
            "when": 1.5,
            "group": "g",
            "process": "p",
            "from_state": "STARTING",
            "state": now.name,
        }
        self.assertEqual(found, {**found, **common})
        return {name: value for name, value in found.items() if name not in common}

    def test_states(self) -> None:
        """Each change of state tells what listeners are told of it."""
        expected: dict[ProcessState, dict[str, Any]] = {
            ProcessState.STARTING: {"tries": 3},
            ProcessState.BACKOFF: {"tries": 3},
            ProcessState.RUNNING: {"pid": 12},
            ProcessState.STOPPING: {"pid": 12},
            ProcessState.STOPPED: {"pid": 12},
            ProcessState.EXITED: {"pid": 12, "expected": True},
            ProcessState.FATAL: {},
            ProcessState.UNKNOWN: {},
        }
        self.assertEqual({state: self.state(state) for state in ProcessState}, expected)

    def test_others(self) -> None:
        """So do all the others."""
        for event, expected in (
            (SupervisorStateEvent("STOPPING"), {"state": "STOPPING"}),
            (TickEvent(60, 3600), {"period": 60, "tick": 3600}),
            (ProcessGroupEvent("g", added=True), {"group": "g"}),
            (RemoteCommunicationEvent("t", "a\nb"), {"kind": "t", "data": "a\nb"}),
            (PluginEvent("THEIRS", "x:1"), {"payload": "x:1"}),
            (
                ProcessLogEvent("p", "g", 7, "stderr", "ä\r\n".encode()),
                {"group": "g", "process": "p", "pid": 7, "channel": "stderr", "data": "ä\r\n"},
            ),
            (
                ProcessCommunicationEvent("p", "g", 7, "stdout", b"x"),
                {"group": "g", "process": "p", "pid": 7, "channel": "stdout", "data": "x"},
            ),
        ):
            self.assertEqual(told(event), {"type": event.name, "when": 1.5, **expected})

    def test_no_text(self) -> None:
        """Bytes that are no UTF-8 are replaced, one by one."""
        event = ProcessLogEvent("p", "g", 7, "stdout", b"a\xff\xfeb")
        self.assertEqual(told(event)["data"], "a\ufffd\ufffdb")

    def test_long(self) -> None:
        """Of what is very long the end is left out, and that is told."""
        found = told(RemoteCommunicationEvent("t" * (LONGEST + 1), "d" * (LONGEST + 20)))
        self.assertEqual((len(found["kind"]), found["kind_cut"]), (LONGEST, 1))
        self.assertEqual((len(found["data"]), found["data_cut"]), (LONGEST, 20))

    @given(st.text(st.characters()), st.binary())
    def test_anything(self, text: str, data: bytes) -> None:
        """Whatever is said, it is one line of JSON."""
        found = told(RemoteCommunicationEvent(text, text))
        self.assertEqual(found["data"], text)
        found = told(ProcessLogEvent("p", "g", 1, "stdout", data))
        self.assertEqual(found["data"], data.decode("utf-8", "replace"))
