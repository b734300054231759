"""What event listeners hear of a child's output."""

from __future__ import annotations

from supervisor_tx.core.events import (
    PROCESS_COMMUNICATIONS,
    PROCESS_LOGS,
    ProcessCommunicationEvent,
    ProcessLogEvent,
)
from supervisor_tx.supervision.bus import EventBus


class OutputEvents:
    """The events of one output of one process, made only if somebody wants to hear of them."""

    __slots__ = ("_bus", "_channel", "_communication", "_group", "_log", "_process")

    def __init__(self, bus: EventBus, process: str, group: str, channel: str) -> None:
        """``channel`` is stdout or stderr."""
        self._bus = bus
        self._process, self._group, self._channel = process, group, channel
        self._log = PROCESS_LOGS[channel]
        self._communication = PROCESS_COMMUNICATIONS[channel]

    def logged(self, pid: int, data: bytes) -> None:
        """Tell that a child has written something; pid 0: it is about one that never was."""
        if self._bus.wants(self._log):
            self._bus.tell(ProcessLogEvent(self._process, self._group, pid, self._channel, data))

    def communicated(self, pid: int, data: bytes) -> None:
        """Tell what a child has said to event listeners."""
        if self._bus.wants(self._communication):
            self._bus.tell(
                ProcessCommunicationEvent(self._process, self._group, pid, self._channel, data)
            )
