"""Our limit of open files, and that of children."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.supervision.children.descriptors import OpenFileLimit
from tests import requirements

NOFILE = resource.RLIMIT_NOFILE


class OpenFileLimitTests(SynchronousTestCase):
    def setUp(self) -> None:
        soft, hard = resource.getrlimit(NOFILE)
        requirements.require(hard >= 600 or hard < 0, "needs a hard limit of 600 open files")
        self.addCleanup(resource.setrlimit, NOFILE, (soft, hard))
        resource.setrlimit(NOFILE, (600, hard))
        self.limit = OpenFileLimit()

    def null(self) -> int:
        return os.open("/dev/null", os.O_RDONLY)

    @property
    def soft(self) -> int:
        return resource.getrlimit(NOFILE)[0]

    def test_nothing_to_do(self) -> None:
        """Without a limit for children, or with ours, descriptors stay where they are."""
        fd = self.null()
        self.addCleanup(os.close, fd)
        self.assertEqual(self.limit.keep_high(fd), fd)
        self.limit.set_child_limit(600)
        self.assertEqual(self.limit.keep_high(fd), fd)
        with self.limit.lowered():
            self.assertEqual(self.soft, 600)

    def test_moved(self) -> None:
        """A descriptor moves above the children's limit, and its old number is free."""
        self.limit.set_child_limit(300)
        fd = self.null()
        high = self.limit.keep_high(fd)
        self.addCleanup(os.close, high)
        self.assertGreaterEqual(high, 300)
        self.assertTrue(fcntl.fcntl(high, fcntl.F_GETFD) & fcntl.FD_CLOEXEC)
        self.assertRaises(OSError, os.fstat, fd)
        self.assertEqual(self.limit.keep_high(high), high)

    def test_full(self) -> None:
        """With no number left up there it stays where it is."""
        self.limit.set_child_limit(598)
        fds = [self.limit.keep_high(self.null()) for _ in range(4)]
        for fd in fds:
            self.addCleanup(os.close, fd)
        self.assertEqual(sorted(fd for fd in fds if fd >= 598), [598, 599])

    def test_lowered(self) -> None:
        """The children's limit is in force while one is forked, whatever happens then."""
        self.limit.set_child_limit(300)
        seen = []
        with contextlib.suppress(RuntimeError), self.limit.lowered():
            seen.append(self.soft)
            raise RuntimeError
        self.assertEqual(seen, [300])
        self.assertEqual(self.soft, 600)

    def test_moved_meanwhile(self) -> None:
        """A descriptor can be moved while a child is forked, and the limit stays low."""
        self.limit.set_child_limit(300)
        with self.limit.lowered():
            fd = self.limit.keep_high(self.null())
            self.assertEqual(self.soft, 300)
        self.addCleanup(os.close, fd)
        self.assertGreaterEqual(fd, 300)
        self.assertEqual(self.soft, 600)

    def test_confirmed(self) -> None:
        """A child that may have been forked at that very moment gets its limit once more."""
        requirements.require(hasattr(resource, "prlimit"), "needs prlimit")
        self.limit.set_child_limit(300)
        with self.limit.lowered() as since:
            os.close(self.limit.keep_high(self.null()))
        self.limit.confirm(os.getpid(), since)
        self.assertEqual(self.soft, 300)
        resource.setrlimit(NOFILE, (600, resource.getrlimit(NOFILE)[1]))
        with self.limit.lowered() as since:
            pass
        self.limit.confirm(os.getpid(), since)
        self.assertEqual(self.soft, 600)

    def test_two_at_a_time(self) -> None:
        """While several are forked, the limit stays low until the last one is."""
        self.limit.set_child_limit(300)
        first, second = self.limit.lowered(), self.limit.lowered()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        self.assertEqual(self.soft, 300)
        second.__exit__(None, None, None)
        self.assertEqual(self.soft, 600)

    def test_raised(self) -> None:
        """Our own limit is raised, never lowered, and not beyond the hard one."""
        self.assertEqual(self.limit.raise_own(500), 600)
        self.assertEqual(self.limit.raise_own(610), 610)
        self.assertEqual(self.soft, 610)
        hard = resource.getrlimit(NOFILE)[1]
        if hard > 0:
            self.assertEqual(self.limit.raise_own(hard + 1), hard)

    def test_raised_meanwhile(self) -> None:
        """Raised while a child is forked, it is raised when that is over."""
        self.limit.set_child_limit(300)
        with self.limit.lowered():
            self.assertEqual(self.limit.raise_own(610), 610)
            self.assertEqual(self.soft, 300)
        self.assertEqual(self.soft, 610)
