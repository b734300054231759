"""Reading a process table where not everything is as it should be."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.processtree import Row
from supervisor_tx.errors import NoFigures
from supervisor_tx.supervision.processtable import LinuxTable, parse_stat
from tests import requirements

#: What follows the name: state, parent, group, session, ... as in proc_pid_stat(5).
REST = b"S 2 3 4 0 -1 4194304 99 0 0 0 150 50 20 5 20 0 1 0 1234 3133440 373 18446744073709551615"


class StatTests(SynchronousTestCase):
    def parsed(self, data: bytes) -> Row | None:
        return parse_stat(7, data, tick=0.01, page=4096)

    def test_fields(self) -> None:
        """Times are in seconds, memory is in bytes."""
        row = self.parsed(b"7 (cat) " + REST)
        self.assertEqual(row, Row(7, 2, 3, 4, 12.34, 2.0, 0.25, 373 * 4096, False))

    def test_zombie(self) -> None:
        """A process that has ended is told from one that has not."""
        for state, zombie in ((b"Z", True), (b"X", True), (b"R", False), (b"D", False)):
            row = self.parsed(b"7 (cat) " + REST.replace(b"S", state, 1))
            assert row is not None
            self.assertEqual(row.zombie, zombie)

    @given(st.binary(max_size=16))
    def test_names(self, name: bytes) -> None:
        """A process may be called anything."""
        self.assertEqual(self.parsed(b"7 (" + name + b") " + REST), self.parsed(b"7 (cat) " + REST))

    @given(st.binary(max_size=200) | st.integers(0, len(REST) - 25).map(lambda n: REST[:n]))
    def test_nonsense(self, data: bytes) -> None:
        """What is no such line, or the first part of one, is no process."""
        self.assertIs(self.parsed(b"7 (cat) " + data), None)


class LinuxTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.proc = Path(folder.name)
        self.table = LinuxTable(str(self.proc))

    def process(self, name: str, data: bytes = b"7 (cat) " + REST) -> Path:
        folder = self.proc / name
        folder.mkdir()
        (folder / "stat").write_bytes(data)
        return folder

    def test_no_proc(self) -> None:
        """Without /proc, or with an empty one, there are no figures, and it is said why."""
        for path, why in ((self.proc / "no", "No such file"), (self.proc, "tells of no process")):
            with self.assertRaisesRegex(NoFigures, why):
                list(LinuxTable(str(path)).rows())

    def test_others(self) -> None:
        """What is no process in /proc is passed over, and one that is gone is None."""
        self.process("7")
        self.process("self")
        (self.proc / "8").mkdir()
        self.process("9", b"")
        (self.proc / "version").write_text("Linux")
        found = list(self.table.rows())
        self.assertEqual([row.pid for row in found if row is not None], [7])
        self.assertEqual(len(found), 3)

    def test_out_of_descriptors(self) -> None:
        """Where we have no descriptor left processes are not taken for ended."""
        self.process("7")
        self.process("8")
        rows = self.table.rows()
        next(rows)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
        try:
            with self.assertRaisesRegex(NoFigures, "Too many open files"):
                next(rows)
            with self.assertRaisesRegex(NoFigures, "Too many open files"):
                next(self.table.rows())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        self.assertEqual(len(list(self.table.rows())), 2)

    def test_host_without_meminfo(self) -> None:
        """Memory that nothing tells of is None."""
        host = self.table.host()
        self.assertEqual((host.memory_total, host.memory_available), (None, None))
        (self.proc / "meminfo").write_text(
            "MemTotal:  2048 kB\nMemFree: 3 kB\nMemAvailable: 1 kB\n"
        )
        host = self.table.host()
        self.assertEqual((host.memory_total, host.memory_available), (2048 * 1024, 1024))

    def test_bad_meminfo(self) -> None:
        """So is memory of which nonsense is told."""
        (self.proc / "meminfo").write_bytes(b"MemTotal: lots\n\xff")
        self.assertIs(self.table.host().memory_total, None)


class ChoiceTests(SynchronousTestCase):
    def said(self, program: str) -> str:
        """What a program says that may import ours."""
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def test_without_psutil(self) -> None:
        """Where psutil is needed and missing that is said in words, to who looks."""
        said = self.said(
            "import sys; sys.modules['psutil'] = None\n"
            "import platform; platform.system = lambda: 'Darwin'\n"
            "from supervisor_tx.errors import NoFigures\n"
            "from supervisor_tx.supervision.processtable import open_table\n"
            "try: open_table()\n"
            "except NoFigures as error: print(error)\n"
        )
        self.assertIn("psutil is needed on this system", said)
        self.assertIn("not installed", said)

    def test_not_imported(self) -> None:
        """On Linux psutil is not even imported."""
        requirements.require(sys.platform == "linux", "needs Linux")
        said = self.said(
            "import sys, supervisor_tx.supervision.daemon\n"
            "from supervisor_tx.supervision.processtable import open_table\n"
            "print(type(open_table()).__name__, 'psutil' in sys.modules)\n"
        )
        self.assertEqual(said, "LinuxTable False\n")
