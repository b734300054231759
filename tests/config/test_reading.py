from __future__ import annotations

import os
import socket

from supervisor_tx.config.reading import Unreadable, read_text
from tests.config.loading import LoadingCase


class ReadTests(LoadingCase):
    def refusal(self, path: str, patience: float = 0.0) -> Unreadable:
        error = self.assertRaises(Unreadable, read_text, path, patience)
        assert isinstance(error, Unreadable)
        return error

    def test_text(self) -> None:
        """The text comes as it is, in UTF-8, without a byte order mark."""
        self.assertEqual(read_text(self.write("a\r\n\N{EURO SIGN}")), "a\r\n\N{EURO SIGN}")
        self.assertEqual(read_text(self.write(b"\xef\xbb\xbf[a]")), "[a]")

    def test_not_utf8(self) -> None:
        """Bytes that are not UTF-8 are told with their line."""
        error = self.refusal(self.write(b"[a]\nx=1\ny=caf\xe9\nz=\xff\n"))
        self.assertEqual(
            str(error),
            f"{self.path}:3: not UTF-8: the bytes b'\\xe9' (and on 1 more lines); "
            "expected text in UTF-8",
        )

    def test_missing(self) -> None:
        """A file that is not there is told as Supervisor tells it."""
        error = self.refusal(self.path)
        self.assertEqual(error.problem.message, f"could not find config file {self.path}")
        self.assertTrue(error.absent)

    def test_directory(self) -> None:
        """A directory is refused."""
        error = self.refusal(str(self.directory))
        self.assertIn(f"could not read config file {self.directory}: it is a dir", str(error))
        self.assertTrue(error.directory)

    def test_fifo(self) -> None:
        """A FIFO that nobody writes is refused rather than waited for."""
        os.mkfifo(self.path)
        self.assertIn("it is a FIFO, not a regular file", str(self.refusal(self.path)))

    def test_devices(self) -> None:
        """A device is refused, whether it has an end or not."""
        for device in ("/dev/zero", "/dev/null"):
            self.assertIn("it is a device", str(self.refusal(device)))

    def test_socket(self) -> None:
        """A socket cannot be read."""
        with socket.socket(socket.AF_UNIX) as listening:
            here = os.getcwd()
            os.chdir(self.directory)  # the names of sockets are short
            try:
                listening.bind("supervisord.conf")
            finally:
                os.chdir(here)
            self.assertIn(f"could not read config file {self.path}: ", str(self.refusal(self.path)))

    def test_impossible_name(self) -> None:
        """A path that cannot be one is refused."""
        for path in ("a\0b", "x" * 5000):
            self.assertIn("could not read config file", str(self.refusal(path)))

    def test_unreadable(self) -> None:
        """Who may not read a file is told so."""
        self.write("[a]")
        os.chmod(self.path, 0)
        if os.access(self.path, os.R_OK):  # root: permissions do not stop it, but a loop does
            os.unlink(self.path)
            os.symlink(self.path, self.path)
        self.assertIn(f"could not read config file {self.path}: ", str(self.refusal(self.path)))


class PipeTests(LoadingCase):
    """A pipe that we were handed, as the shell's ``<(...)`` does."""

    def setUp(self) -> None:
        super().setUp()
        self.ours, self.theirs = os.pipe()
        self.addCleanup(os.close, self.ours)
        self.path = f"/dev/fd/{self.ours}"
        if not os.path.exists(self.path):
            self.skipTest("needs /dev/fd")

    def test_written(self) -> None:
        """What was written comes out, to its end."""
        os.write(self.theirs, b"[a]\n" * 1000)
        os.close(self.theirs)
        self.assertEqual(read_text(self.path), "[a]\n" * 1000)

    def test_silent(self) -> None:
        """A pipe that nothing comes out of is given up."""
        self.addCleanup(os.close, self.theirs)
        error = self.assertRaises(Unreadable, read_text, self.path, 0.01)
        self.assertIn("nothing came out of the pipe within 0.01 seconds", str(error))
