"""A process table for tests, which is what the test says."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator

from supervisor_tx.core.figures import Host
from supervisor_tx.core.processtree import Row


class FakeTable:
    """
    Processes in memory: ``processes`` by their pids, None for one that may not be looked at.

    It is read while it changes, as the real one is: a row is what it is when its turn comes.
    """

    def __init__(self) -> None:
        self.processes: dict[int, Row | None] = {}
        self.failure: Exception | None = None
        #: how many were looked at so far
        self.looks = 0
        #: how many are reading it
        self.readers = 0
        #: called before each row
        self.when_read: Callable[[int], None] = lambda pid: None
        self._clock = 0

    def fork(self, parent: int, pid: int | None = None, *, leads: bool = True) -> int:
        """Add a process, and return its pid; it begins a group unless it is told not to."""
        self._clock += 1
        pid = max(self.processes, default=0) + 1 if pid is None else pid
        above = self.processes.get(parent)
        group = pid if leads or above is None else above.group
        session = pid if above is None else above.session
        self.processes[pid] = Row(pid, parent, group, session, self._clock, 0.0, 0.0, 4096)
        return pid

    def work(self, pid: int, seconds: float) -> None:
        """Let a process use CPU."""
        row = self.processes[pid]
        assert row is not None
        self.processes[pid] = row._replace(cpu=row.cpu + seconds)

    def end(self, pid: int) -> None:
        """Let a process end, and its parent wait for it; its children go to init."""
        row = self.processes.pop(pid)
        assert row is not None
        for child in list(self.processes.values()):
            if child is not None and child.parent == pid:
                self.processes[child.pid] = child._replace(parent=1)
        parent = self.processes.get(row.parent)
        if parent is not None:
            reaped = parent.reaped + row.cpu + row.reaped
            self.processes[parent.pid] = parent._replace(reaped=reaped)

    # ProcessTable

    def rows(self) -> Generator[Row | None, None, None]:
        self.readers += 1
        try:
            if self.failure is not None:
                raise self.failure
            for pid in list(self.processes):
                self.looks += 1
                self.when_read(pid)
                yield self.processes.get(pid)
        finally:
            self.readers -= 1

    def host(self) -> Host:
        return Host(os.cpu_count() or 1, (0.1, 0.2, 0.3), 2**30, 2**29)
