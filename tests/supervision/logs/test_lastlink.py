"""Files that are gone with their last name, on real file systems."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.supervision.logs import lastlink
from supervisor_tx.supervision.logs.lastlink import MOST, SMALL
from supervisor_tx.supervision.logs.logfile import LogFile


def descriptors() -> list[str]:
    """Return what is open, once all is closed that was to be."""
    for thread in threading.enumerate():
        if thread.name == "closing":
            thread.join()
    names = []
    for number in os.listdir("/dev/fd"):
        try:
            names.append(os.readlink(f"/dev/fd/{number}"))
        except OSError:  # the one by which they were listed
            continue
    return names


class LastLinkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    def left(self) -> list[str]:
        return [name for name in descriptors() if name.startswith(str(self.folder))]

    def gone(self, number: int, size: int) -> int:
        """Return the descriptor of a file that has no name any more."""
        path = self.folder / str(number)
        path.write_bytes(bytes(size))
        fd = os.open(path, os.O_WRONLY)
        path.unlink()
        return fd

    def test_replaced(self) -> None:
        """A file that loses its name is closed in the end, large or small; there need be none."""
        old, new = self.folder / "old", self.folder / "new"
        for size in (1, SMALL + 1):
            old.write_bytes(bytes(size))
            new.write_bytes(b"new")
            lastlink.replace(str(new), str(old))
            self.assertEqual(old.read_bytes(), b"new")
            self.assertEqual(self.left(), [])
        lastlink.replace(str(old), str(new))
        self.assertEqual(os.listdir(self.folder), ["new"])

    def test_not_replaced(self) -> None:
        """Where there is nothing to take its name, or that is not possible, it is as it was."""
        old, folder = self.folder / "old", self.folder / "folder"
        old.write_bytes(bytes(SMALL + 1))
        folder.mkdir()
        with self.assertRaises(FileNotFoundError):
            lastlink.replace(str(self.folder / "new"), str(old))
        with self.assertRaises(OSError):
            lastlink.replace(str(old), str(folder))
        self.assertEqual(old.stat().st_size, SMALL + 1)
        self.assertEqual(self.left(), [])

    def test_many(self) -> None:
        """However many come at once, all are closed."""
        for number in range(3 * MOST):
            lastlink.close(self.gone(number, SMALL + 1))
        self.assertEqual(self.left(), [])

    def test_after_a_fork(self) -> None:
        """A child of a fork, in which there is no thread, closes its files too."""
        for number in range(MOST):
            lastlink.close(self.gone(number, SMALL + 1))
        pid = os.fork()
        if not pid:
            status = 1
            try:
                lastlink.close(self.gone(MOST, SMALL + 1))
                status = len(self.left())
            finally:
                os._exit(status)
        self.assertEqual(os.waitpid(pid, 0), (pid, 0))

    def test_logs(self) -> None:
        """Logs that are rotated, and one that is cleared, leave nothing open."""
        log = LogFile(str(self.folder / "x.log"), SMALL + 1, 1)
        for _ in range(4):
            log.write(bytes(SMALL + 1))
        log.write(bytes(SMALL))
        log.clear()
        log.write(b"rest")
        self.assertEqual(self.left(), [str(self.folder / "x.log")])
        self.assertEqual((self.folder / "x.log").read_bytes(), b"rest")
        self.assertEqual((self.folder / "x.log.1").stat().st_size, SMALL + 1)
        log.close()
        self.assertEqual(self.left(), [])
