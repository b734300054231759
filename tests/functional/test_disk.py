"""Disks that are full and directories that go away: children go on, and are heard again."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from tests import requirements
from tests.functional.harness import ORDERS, Daemon, FunctionalTestCase, alive, until


class FullDiskTests(FunctionalTestCase):
    """A file system of one megabyte."""

    def setUp(self) -> None:
        super().setUp()
        self.disk = self.directory / "disk"
        self.disk.mkdir()
        self.addCleanup(requirements.small_disk(str(self.disk), 1 << 20))
        self.filler = self.disk / "filler"
        self.filler.write_bytes(bytes(512 << 10))
        os.mkfifo(self.directory / "orders")

    def test_child_log(self) -> None:
        """A child whose log's disk is full goes on; once there is room its output is kept."""
        daemon = self.daemon(
            f"""\
            [program:one]
            command={ORDERS}
            stdout_logfile=%(here)s/disk/one.log
            stdout_logfile_maxbytes=0
            [program:other]
            command=sleep 1000
            """
        )
        self.addCleanup(daemon.kill)
        log = self.disk / "one.log"
        pid = daemon.pid_of("one")
        for number in range(20):
            daemon.order(f"{number} ".ljust(64 << 10, ".") + "\n")
        lost = daemon.wait_for("ERRO cannot write to .*/disk/one.log.*")[0]
        self.assertIn("No space left on device", lost)
        self.assertIn("free some space", lost)
        for number in range(20):
            daemon.order(f"lost {number}\n")
        os.kill(daemon.pid_of("other"), signal.SIGKILL)
        daemon.pid_of("other", 2)  # everything else goes on
        self.assertEqual(len(daemon.lines("ERRO")), 1)
        self.filler.unlink()
        daemon.order("found\n")
        until(lambda: log.read_bytes().endswith(b"found\n"))
        daemon.wait_for(r"INFO .*/disk/one.log can be written to again, \d+ bytes were lost")
        self.assertEqual(daemon.pid_of("one"), pid)
        self.assertTrue(alive(pid))
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.stderr.read_text(), "")

    def test_activity_log(self) -> None:
        """The daemon works without its log, and goes on writing it once there is room."""
        (self.disk / "main.log").write_bytes(bytes(4096))
        with suppress(OSError), open(self.disk / "more", "wb") as more:
            while True:
                more.write(bytes(4096))
        daemon = self.daemon(
            "logfile=%(here)s/disk/main.log\n[program:one]\ncommand=sleep 1000\nstartsecs=0\n"
        )
        self.addCleanup(daemon.kill)
        shown = daemon.wait_for_file("stdout", "spawned: 'one' with pid ")
        self.assertEqual(shown.count("No space left on device"), 1)
        self.filler.unlink()
        os.kill(int(shown.rpartition(" pid ")[2].split()[0]), signal.SIGKILL)
        daemon.logfile = self.disk / "main.log"
        daemon.wait_for(r"main.log can be written to again, \d+ bytes were lost")
        daemon.pid_of("one")
        self.assertEqual(daemon.stop(), 0)
        self.assertIn("stopped: one", daemon.log)


class PipeTests(FunctionalTestCase):
    """Pipes without another end."""

    def test_pidfile(self) -> None:
        """A daemon whose pid cannot be written down runs all the same, and ends."""
        pipe = self.directory / "supervisord.pid"
        os.mkfifo(pipe)
        daemon = self.daemon("[program:one]\ncommand=sleep 1000\nstartsecs=0\n")
        daemon.wait_for("CRIT could not write pidfile .*/supervisord.pid: No such device")
        daemon.pid_of("one")
        self.assertEqual(daemon.stop(), 0)
        self.assertTrue(pipe.is_fifo())

    def test_pidfile_that_is_read(self) -> None:
        """What was written down can be read by another, who keeps the pipe."""
        pipe = self.directory / "supervisord.pid"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        daemon = self.daemon("")
        daemon.wait_for("INFO supervisord started with pid")
        self.assertEqual(os.read(reader, 100), b"%d\n" % daemon.process.pid)
        self.assertEqual(daemon.stop(), 0)
        self.assertTrue(pipe.is_fifo())


class DirectoryTests(FunctionalTestCase):
    """Directories that are removed and made again."""

    def start(self, options: str = "") -> tuple[Daemon, Path]:
        """Start a program with a log in a directory of its own, and remove that."""
        logs = self.directory / "logs"
        logs.mkdir()
        os.mkfifo(self.directory / "orders")
        daemon = self.daemon(
            f"[program:one]\ncommand={ORDERS}\nstdout_logfile=%(here)s/logs/one.log\n{options}"
        )
        daemon.order("before\n")
        daemon.wait_for_file("logs/one.log", "before\n")
        shutil.rmtree(logs)
        return daemon, logs

    def test_reopen(self) -> None:
        """A log that cannot be reopened is, as soon as its directory is there again."""
        daemon, logs = self.start()
        daemon.signal(signal.SIGUSR2)
        daemon.wait_for("ERRO cannot reopen .*/logs/one.log.*make the missing directory")
        daemon.order("lost\n")
        logs.mkdir()
        daemon.signal(signal.SIGUSR2)
        until((logs / "one.log").exists)
        daemon.order("after\n")
        daemon.wait_for_file("logs/one.log", "after\n")
        self.assertEqual(len(daemon.lines("ERRO")), 1)
        self.assertEqual(daemon.stop(), 0)

    def test_rotate(self) -> None:
        """A rotation that is not possible is made up for when it is."""
        daemon, logs = self.start("stdout_logfile_maxbytes=50\nstdout_logfile_backups=1\n")
        for _ in range(3):
            daemon.order(60 * "." + "\n")
        daemon.wait_for("ERRO cannot rotate .*/logs/one.log.*make the missing directory")
        logs.mkdir()
        daemon.order("after\n")
        until((logs / "one.log").exists)
        daemon.order("again\n")
        daemon.wait_for_file("logs/one.log", "again\n")
        self.assertEqual(len(daemon.lines("ERRO")), 1)
        self.assertEqual(daemon.stop(), 0)

    def test_start(self) -> None:
        """A program whose log has no directory is not started, and says so; made, it starts."""
        daemon, logs = self.start()
        os.kill(daemon.pid_of("one"), signal.SIGKILL)
        daemon.wait_for("INFO spawnerr: unknown error making dispatchers for 'one': ENOENT")
        logs.mkdir()
        daemon.pid_of("one", 2)
        daemon.order("after\n")
        daemon.wait_for_file("logs/one.log", "after\n")
        self.assertEqual(daemon.stop(), 0)
