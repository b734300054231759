"""What every process table promises, whatever it reads."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Callable
from contextlib import closing

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.processtree import Row
from supervisor_tx.supervision.processtable import LinuxTable, ProcessTable, PsutilTable
from tests import requirements
from tests.functional.harness import until
from tests.processes import FakeTable


class TableContract:
    """Mixed into a test case that says how processes come, work and go."""

    table: ProcessTable

    assertEqual: Callable[..., None]
    assertNotIn: Callable[..., None]
    assertTrue: Callable[..., None]
    assertFalse: Callable[..., None]
    assertGreater: Callable[..., None]
    assertGreaterEqual: Callable[..., None]
    addCleanup: Callable[..., None]

    @property
    def here(self) -> int:
        """A process that lives as long as the test."""
        raise NotImplementedError

    def fork(self, *, leads: bool) -> int:
        """Start a process that uses CPU, and return its pid."""
        raise NotImplementedError

    def work(self, pid: int) -> None:
        """Let one use some CPU."""
        raise NotImplementedError

    def end(self, pid: int) -> None:
        """End one and wait for it."""
        raise NotImplementedError

    def read(self) -> dict[int, Row]:
        rows = [row for row in self.table.rows() if row is not None]
        found = {row.pid: row for row in rows}
        self.assertEqual(len(rows), len(found))
        return found

    def test_there(self) -> None:
        """Each process is there once, with its parent, its group and its session."""
        follower, leader = self.fork(leads=False), self.fork(leads=True)
        found = self.read()
        here = found[self.here]
        self.assertEqual(found[follower][1:4], (self.here, here.group, here.session))
        self.assertEqual(found[leader][1:4], (self.here, leader, here.session))
        self.assertGreater(found[leader].rss, 0)
        self.assertFalse(found[leader].zombie)

    def test_same(self) -> None:
        """It is the same the next time, and began no earlier than those before it."""
        one = self.fork(leads=True)
        two = self.fork(leads=True)
        first, second = self.read(), self.read()
        self.assertTrue(first[one].is_same(second[one]))
        self.assertFalse(first[one].is_same(second[two]))
        self.assertGreaterEqual(first[two].started, first[one].started)
        self.assertGreaterEqual(first[one].started, first[self.here].started)

    def test_work(self) -> None:
        """What it uses shows with itself, and when it has ended with who waited for it."""
        pid = self.fork(leads=True)
        before = self.read()
        self.work(pid)
        after = self.read()
        self.assertGreater(after[pid].cpu, before[pid].cpu)
        self.end(pid)
        last = self.read()
        self.assertNotIn(pid, last)
        self.assertGreaterEqual(
            last[self.here].reaped - before[self.here].reaped, after[pid].cpu - 1e-6
        )

    def test_given_up(self) -> None:
        """A table may be left in the middle, and read again."""
        with closing(self.table.rows()) as rows:
            next(rows)
        self.assertTrue(self.here in self.read())

    def test_vanishing(self) -> None:
        """A process that ends while the table is read ends that for nobody."""
        pids = [self.fork(leads=True) for _ in range(5)]
        with closing(self.table.rows()) as rows:
            next(rows)
            for pid in pids:
                self.end(pid)
            left = [row.pid for row in rows if row is not None]
        self.assertEqual(set(left) & set(pids), set())

    def test_host(self) -> None:
        """It tells of the machine."""
        host = self.table.host()
        self.assertGreater(host.cpus, 0)
        assert host.memory_total is not None
        assert host.memory_available is not None
        self.assertGreater(host.memory_total, host.memory_available)
        assert host.load is not None
        self.assertEqual(len(host.load), 3)


class FakeTableTests(TableContract, SynchronousTestCase):
    def setUp(self) -> None:
        self.table: FakeTable = FakeTable()
        self.table.fork(0)
        self._here = self.table.fork(1)

    @property
    def here(self) -> int:
        return self._here

    def fork(self, *, leads: bool) -> int:
        return self.table.fork(self._here, leads=leads)

    def work(self, pid: int) -> None:
        self.table.work(pid, 0.25)

    def end(self, pid: int) -> None:
        self.table.end(pid)


class LinuxTableTests(TableContract, SynchronousTestCase):
    def setUp(self) -> None:
        requirements.require(os.path.exists("/proc/self/stat"), "needs /proc")
        self.table = self.make_table()
        self.running: dict[int, subprocess.Popen[bytes]] = {}

    def make_table(self) -> ProcessTable:
        return LinuxTable()

    @property
    def here(self) -> int:
        return os.getpid()

    def fork(self, *, leads: bool) -> int:
        command = ["sh", "-c", "while :; do :; done"]
        process = subprocess.Popen(command, process_group=0 if leads else None)
        self.running[process.pid] = process
        self.addCleanup(self.end, process.pid)
        return process.pid

    def work(self, pid: int) -> None:
        before = self.read()[pid].cpu
        until(lambda: self.read()[pid].cpu > before + 0.02)

    def end(self, pid: int) -> None:
        process = self.running.pop(pid, None)
        if process is not None:
            process.kill()
            process.wait()


class PsutilTableTests(LinuxTableTests):
    def make_table(self) -> ProcessTable:
        requirements.require(importlib.util.find_spec("psutil") is not None, "needs psutil")
        return PsutilTable()
