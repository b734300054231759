"""AUTO logs: their names, their locks, and what a start clears away."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.supervision.logs.autolog import AutoLogs
from supervisor_tx.supervision.logs.logfile import LogFile
from tests import requirements
from tests.logs import Messages, public_folder


class AutoCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.messages = Messages(self)
        self.auto = AutoLogs(str(self.folder), "super.visor")

    def create(self, maxbytes: int = 0, backups: int = 0) -> LogFile:
        log = self.auto.create("p", "stdout", maxbytes, backups)
        self.addCleanup(log.close)
        return log

    def names(self) -> set[str]:
        return set(os.listdir(self.folder))

    def make(self, *names: str) -> None:
        for name in names:
            (self.folder / name).touch()


class CreateTests(AutoCase):
    def test_name(self) -> None:
        """The name tells process, channel and identifier, and ends in eight random characters."""
        path = self.create().path
        self.assertRegex(path, rf"^{self.folder}/p-stdout---super\.visor-[a-z0-9_]{{8}}\.log$")
        self.assertEqual(self.names(), {os.path.basename(path)})

    def test_private(self) -> None:
        """It is readable for its owner only, also what comes after a rotation."""
        log = self.create(1, 1)
        log.write(b"x")
        for name in self.names():
            self.assertEqual((self.folder / name).stat().st_mode & 0o777, 0o600)

    def test_taken(self) -> None:
        """A name that is taken is left alone, another one is chosen."""
        letters: Iterator[str] = iter("a" * 8 + "b" * 8)
        self.make("p-stdout---super.visor-aaaaaaaa.log")
        auto = AutoLogs(str(self.folder), "super.visor", lambda _: next(letters))
        log = auto.create("p", "stdout", 0, 0)
        self.addCleanup(log.close)
        self.assertTrue(log.path.endswith("-bbbbbbbb.log"))

    def test_folder_gone(self) -> None:
        """Without the folder there is an exception."""
        self.folder.rmdir()
        with self.assertRaises(FileNotFoundError):
            self.create()

    def test_resume(self) -> None:
        """One that was written down is gone on with."""
        log = self.auto.create("p", "stdout", 0, 0)
        log.write(b"one")
        again = self.auto.resume(log.record(), 0, 0)
        self.addCleanup(again.close)
        again.write(b"two")
        self.assertEqual(Path(log.path).read_bytes(), b"onetwo")
        AutoLogs(str(self.folder), "super.visor").clean_up()
        self.assertTrue(again.has_name())

    def test_resume_closed(self) -> None:
        """So is one that was closed between two runs, because descriptors are few."""
        log = self.create()
        log.close()
        again = self.auto.resume(log.record(), 0, 0)
        self.addCleanup(again.close)
        again.renew()
        again.write(b"two")
        self.assertEqual(Path(log.path).read_bytes(), b"two")


class CleanUpTests(AutoCase):
    def test_left_behind(self) -> None:
        """What an earlier daemon of this identifier has left is removed, backups too."""
        log = self.auto.create("p", "stdout", 1, 2)
        for text in (b"1", b"2", b"3"):
            log.write(text)
        log.close()
        self.assertEqual(len(self.names()), 3)
        self.auto.clean_up()
        self.assertEqual(self.names(), set())
        self.assertEqual(self.messages.all, [])

    def test_exact_names(self) -> None:
        """Nothing else is touched, however alike its name is."""
        kept = {
            "p-stdout---superxvisor-aaaaaaaa.log",
            "p-stdout---super.visor-aaaaaaaa.log.old",
            "p-stdout---super.visor-aaaaaaaa.log.1.gz",
            "p-stdout---super.visor-aaaaaaa.log",
            "p-stdout---super.visor-AAAAAAAA.log",
            "p-stdout---super.visor2-aaaaaaaa.log",
            "x.log",
        }
        self.make(*kept)
        self.make("p-stdout---super.visor-aaaaaaaa.log", "q-stderr---super.visor-0_0_0_0_.log.17")
        self.auto.clean_up()
        self.assertEqual(self.names(), kept)

    def test_another_living_daemon(self) -> None:
        """The logs of a daemon that lives are its own, backups too, also while it rotates."""
        log = self.create(1, 2)
        for text in (b"1", b"2", b"3"):
            log.write(text)
        before = self.names()
        self.assertEqual(len(before), 3)
        another = AutoLogs(str(self.folder), "super.visor")
        another.clean_up()
        self.assertEqual(self.names(), before)
        os.rename(log.path, log.path + ".1")  # between the two steps of a rotation
        another.clean_up()
        self.assertEqual(self.names(), before - {os.path.basename(log.path)})
        self.assertEqual(self.messages.all, [])

    def test_links_and_folders(self) -> None:
        """A link is removed, not followed; a folder of that name is told."""
        target = self.folder / "target"
        target.touch()
        link = self.folder / "p-stdout---super.visor-aaaaaaaa.log"
        link.symlink_to(target)
        folder = self.folder / "q-stdout---super.visor-aaaaaaaa.log"
        folder.mkdir()
        self.auto.clean_up()
        self.assertEqual(self.names(), {"target", folder.name})
        self.assertEqual(self.messages.all, [f"WARN Failed to clean up '{folder}'"])

    def test_not_ours(self) -> None:
        """A file that we may not look into could be in use: it is told and stays."""
        requirements.root()
        self.folder = public_folder(self)
        self.auto = AutoLogs(str(self.folder), "super.visor")
        name = "p-stdout---super.visor-aaaaaaaa.log"
        self.make(name)
        (self.folder / name).chmod(0o600)
        self.folder.chmod(0o777)
        os.seteuid(65534)
        try:
            self.auto.clean_up()
        finally:
            os.seteuid(0)
        self.assertEqual(self.names(), {name})
        self.assertEqual(self.messages.all, [f"WARN Failed to clean up '{self.folder / name}'"])

    def test_folder_gone(self) -> None:
        """A folder that cannot be listed is told."""
        self.folder.rmdir()
        self.auto.clean_up()
        self.assertEqual(self.messages.all, ["WARN Could not clear childlog dir"])

    def test_seen_before_it_was_locked(self) -> None:
        """Where another daemon is about to clear away a log not yet locked, another one is made."""
        cleaner: list[int] = []

        class Slow(AutoLogs):
            """Loses the race once."""

            def _open(self, path: str, *args: Any) -> LogFile:
                if not cleaner:
                    cleaner.append(os.open(path, os.O_RDONLY))
                    fcntl.flock(cleaner[0], fcntl.LOCK_EX)
                return super()._open(path, *args)

        log = Slow(str(self.folder), "super.visor").create("p", "stdout", 0, 0)
        self.addCleanup(log.close)
        self.assertEqual(len(self.names()), 2)
        os.close(cleaner[0])
        self.auto.clean_up()
        self.assertEqual(self.names(), {os.path.basename(log.path)})
