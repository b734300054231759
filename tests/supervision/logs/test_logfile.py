"""Logs in regular files, on real file systems."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import shutil
import signal
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.activity import Level
from supervisor_tx.supervision.logs.logfile import LogFile
from supervisor_tx.supervision.logs.losses import SPACING, Losses
from tests import requirements
from tests.logs import Messages, public_folder


class FileCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.path = self.folder / "x.log"
        self.messages = Messages(self)

    def open(self, maxbytes: int = 0, backups: int = 0, **options: object) -> LogFile:
        log = LogFile(str(self.path), maxbytes, backups, **options)  # type: ignore[arg-type]
        self.addCleanup(log.close)
        return log

    def texts(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


class AppendTests(FileCase):
    def test_append(self) -> None:
        """A log that exists is continued."""
        self.path.write_bytes(b"old\n")
        log = self.open()
        self.assertTrue(log.write(b"new\n"))
        self.assertEqual(self.path.read_bytes(), b"old\nnew\n")
        self.assertEqual(log.position, 8)

    def test_mode(self) -> None:
        """A new file has the rights that the umask leaves."""
        before = os.umask(0o027)
        self.addCleanup(os.umask, before)
        self.open()
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o640)

    def test_descriptor(self) -> None:
        """The descriptor is not for children."""
        self.assertFalse(os.get_inheritable(self.open().record()["fd"]))

    def test_cannot_be_opened(self) -> None:
        """A folder, and a file in a folder that is not there, are told by the exception."""
        with self.assertRaises(IsADirectoryError):
            LogFile(str(self.folder))
        with self.assertRaises(FileNotFoundError):
            LogFile(str(self.folder / "no" / "x.log"))

    def test_not_a_regular_file(self) -> None:
        """Something else in its place is refused, without waiting for anything."""
        os.mkfifo(self.path)
        with self.assertRaises(OSError):
            LogFile(str(self.path))
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        with self.assertRaisesRegex(OSError, "no longer a regular file"):
            LogFile(str(self.path))


class RotationTests(FileCase):
    def test_the_write_that_fills(self) -> None:
        """The file is moved aside after the write with which it reached maxbytes, not before."""
        log = self.open(10, 2)
        log.write(b"123456789")
        self.assertEqual(self.texts(), {"x.log": b"123456789"})
        log.write(b"0")
        self.assertEqual(self.texts(), {"x.log": b"", "x.log.1": b"1234567890"})

    def test_what_was_there_counts(self) -> None:
        """A continued file is rotated by its size."""
        self.path.write_bytes(b"123456789")
        self.open(10, 1).write(b"0")
        self.assertEqual(self.texts(), {"x.log": b"", "x.log.1": b"1234567890"})

    def test_no_backups(self) -> None:
        """Without backups the file is begun anew, by its name."""
        log = self.open(4, 0)
        log.write(b"gone")
        log.write(b"new")
        self.assertEqual(self.texts(), {"x.log": b"new"})
        self.path.rename(self.folder / "moved")
        log.write(b"er")
        log.write(b"x")
        self.assertEqual(self.texts(), {"moved": b"newer", "x.log": b"x"})

    def test_never(self) -> None:
        """Nothing happens with maxbytes 0."""
        log = self.open(0, 3)
        log.write(b"x" * 100_000)
        self.assertEqual(list(self.texts()), ["x.log"])

    def test_truncated_by_somebody(self) -> None:
        """A file that was truncated from outside counts from there."""
        log = self.open(10, 1)
        log.write(b"12345678")
        os.truncate(self.path, 0)
        log.write(b"12345678")
        self.assertEqual(self.texts(), {"x.log": b"12345678"})

    def test_vanished(self) -> None:
        """Files that were taken away are not missed."""
        log = self.open(4, 3)
        for text in (b"aaaa", b"bbbb", b"cccc"):
            log.write(text)
        (self.folder / "x.log.2").unlink()
        log.write(b"dddd")
        self.assertEqual(
            self.texts(),
            {"x.log": b"", "x.log.1": b"dddd", "x.log.2": b"cccc", "x.log.3": b"aaaa"},
        )
        self.path.unlink()
        log.write(b"eeee")
        self.assertEqual(self.texts()["x.log.2"], b"dddd")
        log.write(b"f")
        self.assertEqual(self.path.read_bytes(), b"f")
        self.assertEqual(self.messages.all, [])

    @given(
        st.integers(1, 12),
        st.integers(0, 4),
        st.lists(st.binary(min_size=1, max_size=15) | st.just(b"reopen"), max_size=30),
    )
    def test_model(self, maxbytes: int, backups: int, chunks: list[bytes]) -> None:
        """What is in the files is what was written, but for what fell off the end."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        log = LogFile(str(folder / "x"), maxbytes, backups)
        files: list[bytes] = [b""]  # the newest first
        for chunk in chunks:
            if chunk == b"reopen":
                log.close()
                log = LogFile(str(folder / "x"), maxbytes, backups)
                continue
            log.write(chunk)
            files[0] += chunk
            if len(files[0]) >= maxbytes:
                files.insert(0, b"")
                del files[backups + 1 :]
        log.close()
        names = ["x", *(f"x.{number}" for number in range(1, len(files)))]
        self.assertEqual(
            {path.name: path.read_bytes() for path in folder.iterdir()},
            dict(zip(names, files, strict=True)),
        )
        shutil.rmtree(folder)

    def test_folder_gone(self) -> None:
        """Without its folder it goes on in the open file, says so once, and recovers by itself."""
        log = self.open(4, 2)
        log.write(b"aaaa")
        moved = self.folder.rename(self.folder.with_suffix(".moved"))
        for text in (b"bbbb", b"cc", b"dd"):
            log.write(text)
        self.assertEqual(len(self.messages.all), 1)
        self.assertIn(
            f"ERRO cannot rotate {self.path}, so it goes on as it is: No such file",
            self.messages.all[0],
        )
        self.assertEqual((moved / "x.log").read_bytes(), b"bbbbccdd")
        self.folder.mkdir()
        log.write(b"ee")
        self.assertEqual((moved / "x.log").read_bytes(), b"bbbbccddee")
        log.write(b"ff")
        self.assertEqual(self.texts(), {"x.log": b"ff"})

    def test_obstacle(self) -> None:
        """A folder in the way of a backup: the file grows until it is gone."""
        log = self.open(2, 2)
        log.write(b"aa")
        (self.folder / "x.log.2" / "in the way").mkdir(parents=True)
        for text in (b"bb", b"cc"):
            log.write(text)
        self.assertEqual(self.path.read_bytes(), b"bbcc")
        self.assertEqual((self.folder / "x.log.1").read_bytes(), b"aa")
        self.assertEqual(len(self.messages.all), 1)
        shutil.rmtree(self.folder / "x.log.2")
        log.write(b"dd")
        self.assertEqual(self.texts(), {"x.log": b"", "x.log.1": b"bbccdd", "x.log.2": b"aa"})

    def test_write_protected_folder(self) -> None:
        """A folder that takes no new files: the file grows until it does."""
        requirements.root()
        self.folder = public_folder(self)
        self.path = self.folder / "x.log"
        log = self.open(2, 1)
        os.seteuid(65534)
        try:
            log.write(b"aa")
            log.write(b"bb")
        finally:
            os.seteuid(0)
        self.assertEqual(self.texts(), {"x.log": b"aabb"})
        self.assertIn("give the daemon's user the right", self.messages.all[0])
        log.write(b"cc")
        self.assertEqual(self.texts(), {"x.log": b"", "x.log.1": b"aabbcc"})


class ReopenTests(FileCase):
    def test_reopen(self) -> None:
        """After a reopen it writes to the file that has the name then."""
        log = self.open()
        log.write(b"old")
        self.path.rename(self.folder / "moved")
        log.write(b"er")
        log.reopen()
        log.write(b"new")
        self.assertEqual(self.texts(), {"moved": b"older", "x.log": b"new"})

    def test_reopen_without_a_folder(self) -> None:
        """What cannot be reopened goes on as it was, and is reopened when it can be."""
        log = self.open()
        moved = self.folder.rename(self.folder.with_suffix(".moved"))
        log.reopen()
        log.write(b"one")
        self.assertEqual((moved / "x.log").read_bytes(), b"one")
        self.assertEqual(len(self.messages.above(Level.ERROR)), 1)
        self.folder.mkdir()
        log.write(b"two")
        self.assertEqual(self.path.read_bytes(), b"two")

    def test_clear(self) -> None:
        """A cleared log begins anew, also where somebody has removed it."""
        log = self.open()
        log.write(b"old")
        log.clear()
        log.write(b"new")
        self.assertEqual(self.path.read_bytes(), b"new")
        self.path.unlink()
        log.clear()
        self.assertEqual(self.path.read_bytes(), b"")

    def test_cannot_be_cleared(self) -> None:
        """A failed clearing is told by the exception; the log is still open."""
        log = self.open()
        moved = self.folder.rename(self.folder.with_suffix(".moved"))
        with self.assertRaises(FileNotFoundError):
            log.clear()
        log.write(b"on")
        self.assertEqual((moved / "x.log").read_bytes(), b"on")


class TroubleTests(FileCase):
    def test_full_disk(self) -> None:
        """A full disk costs what does not fit, is told once, and so is its end, with the count."""
        self.addCleanup(requirements.small_disk(str(self.folder), 16 * 4096))
        log = self.open()
        other = self.folder / "other"
        other.write_bytes(b"x" * (10 * 4096))
        self.assertTrue(log.write(b"y" * 5 * 4096))
        for _ in range(3):
            self.assertTrue(log.write(b"z" * 4096))
        self.assertEqual(log.lost, 3 * 4096 - 1 * 4096)
        self.assertEqual(
            self.messages.all,
            [
                (
                    f"ERRO cannot write to {self.path}, what it should take is dropped: "
                    "No space left on device; to mend it, free some space on its file system"
                )
            ],
        )
        other.unlink()
        log.write(b"end")
        self.assertEqual(
            self.messages.all[1:],
            [f"INFO {self.path} can be written to again, {2 * 4096} bytes were lost"],
        )
        self.assertEqual(self.path.read_bytes(), b"y" * 5 * 4096 + b"z" * 4096 + b"end")
        log.close()

    def test_partial_write(self) -> None:
        """What still fits is written, and only the rest is lost."""
        self.addCleanup(requirements.small_disk(str(self.folder), 4 * 4096))
        log = self.open()
        log.write(b"a" * 3 * 4096)
        log.write(b"b" * 3 * 4096)
        self.assertEqual(self.path.read_bytes(), b"a" * 3 * 4096 + b"b" * 4096)
        self.assertEqual(log.lost, 2 * 4096)
        log.close()

    def test_rotation_makes_room(self) -> None:
        """On a full disk a rotation that drops a file ends the trouble."""
        self.addCleanup(requirements.small_disk(str(self.folder), 4 * 4096))
        log = self.open(3 * 4096, 0)
        (self.folder / "other").write_bytes(b"x" * 4096)
        log.write(b"a" * 4 * 4096)
        self.assertEqual(log.lost, 4096)
        log.write(b"b")
        self.assertEqual(self.path.read_bytes(), b"b")
        self.assertEqual(log.lost, 0)
        log.close()

    def test_no_inode_for_a_fresh_file(self) -> None:
        """A rotation for which there is no inode loses nothing, and shifts the backups once."""
        self.addCleanup(requirements.small_disk(str(self.folder), 64 * 4096))
        log = self.open(4, 4)
        for text in (b"1111", b"2222"):
            log.write(text)
        others: list[Path] = []
        while True:
            try:
                others.append(self.folder / str(len(others)))
                others[-1].touch()
            except OSError:
                break
        for text in (b"aaaa", b"bb", b"cc"):
            log.write(text)
        self.assertEqual(self.path.read_bytes(), b"aaaabbcc")
        self.assertEqual(len(self.messages.all), 1)
        for other in others[:-1]:
            other.unlink()
        log.write(b"dd")
        log.close()
        self.assertEqual(
            self.texts(),
            {"x.log": b"", "x.log.1": b"aaaabbccdd", "x.log.2": b"2222", "x.log.3": b"1111"},
        )

    def test_file_size_limit(self) -> None:
        """A file as large as the limit allows takes no more, until it is rotated."""
        self.assertEqual(signal.getsignal(signal.SIGXFSZ), signal.SIG_IGN)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        size = 64 * 1024 * 1024  # out of the way of the test runner's own log; most of it is a hole
        log = self.open()
        os.truncate(self.path, size - 10)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            log.write(b"b" * 20)
            log.write(b"c" * 20)
            self.path.rename(self.folder / "moved")
            log.reopen()
            log.write(b"d" * 20)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        with (self.folder / "moved").open("rb") as moved:
            moved.seek(size - 12)
            self.assertEqual(moved.read(), b"\0\0" + b"b" * 10)
        self.assertEqual(self.path.read_bytes(), b"d" * 20)
        self.assertEqual([message[:4] for message in self.messages.all], ["ERRO", "INFO"])
        self.assertIn("30 bytes were lost", self.messages.all[1])

    def test_works_by_turns(self) -> None:
        """A sink that works and fails by turns is reported at most once in a while."""
        now = 0.0
        losses = Losses("x", seconds=lambda: now)
        for _ in range(100):
            now += SPACING / 5
            losses.add(OSError(28, "No space left on device"), 1)
            losses.over()
        told = [int(message.split()[-4]) for message in self.messages.all if "lost" in message]
        self.assertEqual(told, [1] + [5] * 19)
        self.assertEqual(len(self.messages.above(Level.ERROR)), 21)
        self.assertEqual(losses.lost, 4)


class RecordTests(FileCase):
    def test_round_trip(self) -> None:
        """Another one goes on with the same descriptor, also of a file that was moved."""
        log = LogFile(str(self.path), 10, 1)
        log.write(b"1234")
        self.path.rename(self.folder / "moved")
        record = json.loads(json.dumps(log.record()))
        again = LogFile.resume(record, 10, 1)
        self.addCleanup(again.close)
        again.write(b"5")
        self.assertEqual(self.texts(), {"moved": b"12345"})
        self.assertEqual(again.position, 5)

    def test_in_the_middle_of_a_rotation(self) -> None:
        """A rotation under way is completed by the next one."""
        log = LogFile(str(self.path), 4, 2)
        moved = self.folder.rename(self.folder.with_suffix(".moved"))
        log.write(b"aaaa")
        again = LogFile.resume(json.loads(json.dumps(log.record())), 4, 2)
        self.addCleanup(again.close)
        self.folder.mkdir()
        again.write(b"b")
        self.assertEqual((moved / "x.log").read_bytes(), b"aaaab")
        self.assertEqual(self.texts(), {"x.log": b""})
        self.assertEqual(len(self.messages.all), 1)


class LockTests(FileCase):
    def is_locked(self, path: Path) -> bool:
        fd = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(fd)

    def test_lock_follows(self) -> None:
        """The file in use is locked, whatever rotates or reopens it; one that is done is not."""
        log = self.open(4, 1, locked=True)
        self.assertTrue(self.is_locked(self.path))
        log.write(b"aaaa")
        self.assertTrue(self.is_locked(self.path))
        self.assertFalse(self.is_locked(self.folder / "x.log.1"))
        log.clear()
        self.assertTrue(self.is_locked(self.path))
        log.close()
        self.assertFalse(self.is_locked(self.path))

    def test_not_in_its_own_way(self) -> None:
        """Its own lock does not keep it from being reopened, or begun anew without backups."""
        log = self.open(4, 0, locked=True)
        log.reopen()
        log.write(b"aaa")
        log.reopen()
        self.assertEqual(self.path.read_bytes(), b"aaa")
        log.write(b"b")
        log.write(b"cc")
        self.assertEqual(self.path.read_bytes(), b"cc")
        self.assertTrue(self.is_locked(self.path))
        self.assertEqual(self.messages.all, [])

    def test_locked_by_another(self) -> None:
        """A file that another one has locked is not ours to open."""
        self.open(locked=True)
        with self.assertRaises(BlockingIOError):
            LogFile(str(self.path), locked=True)

    def test_closed_while_forking(self) -> None:
        """Closed is unlocked, though a child that is just being made has the descriptor too."""
        log = self.open(locked=True)
        self.addCleanup(os.close, os.dup(log.record()["fd"]))
        log.close()
        self.assertFalse(self.is_locked(self.path))
        log.renew()
        log.write(b"x")
        self.assertEqual(self.path.read_bytes(), b"x")

    def test_planted(self) -> None:
        """What others put in the place of a locked file is neither written to nor cut."""
        other = self.folder / "other"
        other.write_bytes(b"precious")
        for plant in (os.symlink, os.link):
            log = self.open(4, 0, locked=True)
            self.path.unlink()
            plant(other.absolute(), self.path)
            log.reopen()
            log.write(b"aaaa")
            with self.assertRaises(OSError):
                log.renew()
            self.assertEqual(other.read_bytes(), b"precious")
            self.path.unlink()
            log.write(b"b")
            self.assertEqual(self.path.read_bytes(), b"b")
            log.close()
            self.path.unlink()

    def test_owned_by_another(self) -> None:
        """A file of another user is not gone on with."""
        requirements.root()
        log = self.open(locked=True)
        self.path.unlink()
        self.path.touch()
        os.chown(self.path, 65534, -1)
        log.reopen()
        log.write(b"secret")
        self.assertEqual(self.path.read_bytes(), b"")
        self.assertEqual(len(self.messages.above(Level.ERROR)), 1)


class CloseTests(FileCase):
    def test_close_fails(self) -> None:
        """That the system refuses the last bytes when it is closed is reported, and no more."""
        log = self.open()
        os.close(log.record()["fd"])  # as if its file system had found out that it is full
        log.close()
        self.assertEqual(len(self.messages.above(Level.ERROR)), 1)
