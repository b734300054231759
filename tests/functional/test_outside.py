"""Files that others change while somebody looks."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

from tests.functional.harness import Daemon, until
from tests.functional.test_http import UNIX, StreamTestCase

SLEEPER = "[program:p]\ncommand=sleep 1000\nstdout_logfile=%(here)s/p.log\n"


def instances(daemon: Daemon) -> int:
    """How many instances of inotify a daemon has."""
    folder = f"/proc/{daemon.process.pid}/fd"
    found = 0
    for name in os.listdir(folder):
        with suppress(FileNotFoundError):
            found += "inotify" in os.readlink(f"{folder}/{name}")
    return found


class FollowedLogTests(StreamTestCase):
    """Logs that are followed, and that others write to."""

    def test_written_by_others(self) -> None:
        """What somebody else appends is there at once, also after the log was cut."""
        self.started(UNIX + SLEEPER)
        log = self.directory / "p.log"
        until(log.exists)
        client = self.follow("/logtail/p")
        with log.open("a") as other:
            for line in (b"one\n", b"two\n"):
                os.write(other.fileno(), line)
                self.text(client, line)
            shutil.copy(log, self.directory / "p.log.1")
            os.truncate(log, 0)
            self.text(client, b"==> File truncated <==\n")
            os.write(other.fileno(), b"three\n")
            self.text(client, b"three\n")

    def test_replaced(self) -> None:
        """So it is when the file is moved away and another takes its place."""
        self.started(UNIX + SLEEPER)
        log = self.directory / "p.log"
        until(log.exists)
        client = self.follow("/logtail/p")
        log.rename(self.directory / "p.log.1")
        log.write_text("in the new one\n")
        self.text(client, b"in the new one\n")
        with log.open("a") as other:
            other.write("and more\n")
        self.text(client, b"and more\n")

    def test_nothing_is_left(self) -> None:
        """All who follow share one descriptor, and the last one who goes takes it along."""
        daemon = self.started(UNIX + SLEEPER)
        until((self.directory / "p.log").exists)
        self.assertEqual(instances(daemon), 0)
        clients = [self.follow("/logtail/p") for _ in range(3)] + [self.follow("/mainlogtail")]
        until(lambda: instances(daemon) == 1)
        for client in clients:
            client.close()
        until(lambda: instances(daemon) == 0)
