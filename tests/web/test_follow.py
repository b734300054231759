"""Following files that grow, shrink, move and vanish."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.supervision.logs import watch
from supervisor_tx.supervision.logs.logfile import LogFile
from supervisor_tx.web.follow import PIECE, TAIL, TRUNCATED, Follower


class FollowTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "log")
        self.clock = Clock()
        self.heard: list[bytes] = []
        self.failures = 0

    def log(self, maxbytes: int = 0, backups: int = 0) -> LogFile:
        log = LogFile(str(self.path), maxbytes, backups)
        self.addCleanup(log.close)
        return log

    def follow(self) -> Follower:
        follower = Follower(str(self.path), self.heard.append, self.failed, self.clock)
        self.addCleanup(follower.stopProducing)
        follower.start()
        return follower

    def failed(self) -> None:
        self.failures += 1

    def take(self) -> bytes:
        """Let the loop turn until nothing is left to do; return what was heard."""
        while self.clock.getDelayedCalls():
            self.clock.advance(0)
        heard = b"".join(self.heard)
        self.heard.clear()
        return heard


class FollowTests(FollowTestCase):
    def test_end_first(self) -> None:
        """It begins with the last kilobyte, or with everything."""
        self.path.write_bytes(b"x" * 10 + b"y" * TAIL)
        self.follow()
        self.assertEqual(self.take(), b"y" * TAIL)
        self.path.write_bytes(b"short")
        self.follow()
        self.assertEqual(self.take(), b"short")

    def test_written(self) -> None:
        """What our log writes is there in the next turn of the loop."""
        log = self.log()
        self.follow()
        log.write(b"one\n")
        self.assertEqual(self.heard, [])
        self.clock.advance(0)
        self.assertEqual(self.take(), b"one\n")
        log.write(b"two\n")
        log.write(b"three\n")
        self.assertEqual(self.take(), b"two\nthree\n")

    def test_other_writers(self) -> None:
        """All logs on one file count, and so does a log that is opened later."""
        self.follow_empty()
        one, two = self.log(), self.log()
        one.write(b"1")
        two.write(b"2")
        self.assertEqual(self.take(), b"12")

    def follow_empty(self) -> Follower:
        self.path.touch()
        return self.follow()

    def test_pieces(self) -> None:
        """Much is read in pieces, and no further than it is wanted."""
        log = self.log()
        follower = self.follow()
        follower._deliver = Reader(self.heard, follower).take
        log.write(b"x" * (2 * PIECE + 5))
        for size in (PIECE, PIECE, 5, 0):
            self.assertEqual(len(self.take()), size)
            follower.resumeProducing()

    def test_paused(self) -> None:
        """A reader that has enough is given no more until it asks."""
        log = self.log()
        follower = self.follow()
        follower.pauseProducing()
        log.write(b"one")
        self.assertEqual(self.take(), b"")
        follower.resumeProducing()
        self.assertEqual(self.take(), b"one")
        log.write(b"two")
        follower.pauseProducing()
        self.assertEqual(self.take(), b"")
        follower.resumeProducing()
        self.assertEqual(self.take(), b"two")

    def test_rotated(self) -> None:
        """Over rotations nothing is lost and nothing comes twice."""
        log = self.log(maxbytes=100, backups=3)
        self.follow()
        sent = heard = b""
        for number in range(200):
            line = b"line %d\n" % number
            log.write(line)
            sent += line
            heard += self.take()
        self.assertEqual(heard, sent)

    def test_rest_of_the_old(self) -> None:
        """What was written just before the file was replaced is read before the new one."""
        log = self.log(maxbytes=100, backups=3)
        self.follow()
        log.write(b"x" * 99)
        log.write(b"the end\n")  # rotates
        log.write(b"the beginning\n")
        self.assertEqual(self.take(), b"x" * 99 + b"the end\nthe beginning\n")

    def test_cleared(self) -> None:
        """A log that is cleared begins anew."""
        log = self.log()
        self.follow()
        log.write(b"old\n")
        self.take()
        log.clear()
        log.write(b"new\n")
        self.assertEqual(self.take(), b"new\n")

    def test_truncated(self) -> None:
        """A file that was cut is said to be, and read from its beginning."""
        log = self.log()
        self.follow()
        log.write(b"a long line\n")
        self.take()
        os.truncate(self.path, 0)
        log.write(b"new\n")
        self.assertEqual(self.take(), TRUNCATED + b"new\n")

    def test_no_backups(self) -> None:
        """A log without backups is cut when it is full."""
        log = self.log(maxbytes=10)
        self.follow()
        log.write(b"123")
        self.assertEqual(self.take(), b"123")
        log.write(b"4567890")
        self.assertEqual(self.take(), TRUNCATED)
        log.write(b"ab")
        self.assertEqual(self.take(), b"ab")

    def test_removed(self) -> None:
        """A file that was removed is followed for as long as somebody writes to it."""
        log = self.log()
        self.follow()
        self.path.unlink()
        log.write(b"one\n")
        self.assertEqual(self.take(), b"one\n")
        log.reopen()
        log.write(b"two\n")
        self.assertEqual(self.take(), b"two\n")

    def test_stopped(self) -> None:
        """When it is stopped nothing is left, however often it is told."""
        log = self.log()
        follower = self.follow()
        log.write(b"one")
        follower.stopProducing()
        follower.stopProducing()
        follower.resumeProducing()
        log.write(b"two")
        self.assertEqual(self.take(), b"")
        self.assertNotIn(str(self.path), watch.WATCHED)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stopped_by_what_it_tells(self) -> None:
        """The one who is told may stop it at that."""
        log = self.log()
        follower = self.follow()
        self.heard = Stopper(follower)  # type: ignore[assignment]
        follower._deliver = self.heard.append
        log.write(b"one")
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_unreadable(self) -> None:
        """If the file cannot be read any more that is the end."""
        log = self.log()
        follower = self.follow()
        log.write(b"one")
        fd, follower._fd = follower._fd, os.open(self.path, os.O_WRONLY)
        self.addCleanup(os.close, fd)
        self.assertEqual((self.take(), self.failures), (b"", 1))

    def test_no_file(self) -> None:
        """What is not there, or no file, cannot be followed."""
        for path in (str(self.path), "/dev/null", str(self.path.parent), "/dev/zero"):
            self.assertRaises(OSError, Follower, path, self.heard.append, self.failed, self.clock)


class Reader:
    """Wants one piece at a time."""

    def __init__(self, heard: list[bytes], follower: Follower) -> None:
        self._heard = heard
        self._follower = follower

    def take(self, data: bytes) -> None:
        self._heard.append(data)
        self._follower.pauseProducing()


class Stopper:
    """Stops a follower as soon as it tells something."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower

    def append(self, data: bytes) -> None:
        self._follower.stopProducing()


class WatchTests(SynchronousTestCase):
    def test_several(self) -> None:
        """All who watch a file are told, and only they."""
        told: list[str] = []
        one, two, other = (lambda name=name: told.append(name) for name in ("one", "two", "other"))
        for path, call in (("a", one), ("a", two), ("b", other)):
            watch.add(path, call)
            self.addCleanup(watch.WATCHED.pop, path, None)
        watch.tell("a")
        self.assertEqual(told, ["one", "two"])
        watch.remove("a", one)
        watch.tell("a")
        watch.tell("c")
        self.assertEqual(told, ["one", "two", "two"])
        watch.remove("a", two)
        watch.remove("b", other)
        self.assertEqual(watch.WATCHED, {})
