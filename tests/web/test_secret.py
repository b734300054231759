"""The secret that outlives a daemon."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.web.secret import SIZE, Secret
from tests.logs import Messages


class SecretTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.pidfile = str(self.directory / "d.pid")
        self.file = self.directory / "d.key"
        self.elsewhere = self.directory / "elsewhere"

    def secret(self, pidfile: str | None = None) -> Secret:
        made = Secret()
        made.keep_beside(self.pidfile if pidfile is None else pidfile)
        return made

    def test_kept(self) -> None:
        """The next daemon has the same; only its user can read it."""
        value = self.secret().value()
        self.assertEqual(len(value), SIZE)
        self.assertEqual(self.secret().value(), value)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(os.listdir(self.directory), ["d.key"])

    def test_unused(self) -> None:
        """Nothing is left behind by one that nobody needed."""
        self.secret()
        self.assertEqual(os.listdir(self.directory), [])

    def test_each_its_own(self) -> None:
        """Two daemons have two, even in one directory."""
        other = self.secret(str(self.directory / "other"))
        self.assertNotEqual(self.secret().value(), other.value())
        self.assertEqual(sorted(os.listdir(self.directory)), ["d.key", "other.key"])

    def test_without_pidfile(self) -> None:
        """Without a pid file it lasts as long as the daemon."""
        secret = self.secret("")
        self.assertEqual(secret.value(), secret.value())
        self.assertNotEqual(secret.value(), self.secret("").value())

    def test_moved(self) -> None:
        """It goes along to another pid file, also to none and back."""
        secret = self.secret()
        value = secret.value()
        secret.keep_beside(str(self.directory / "new.pid"))
        secret.keep_beside("")
        self.assertEqual(secret.value(), value)
        self.assertEqual(self.secret(str(self.directory / "new.pid")).value(), value)

    def test_of_no_use(self) -> None:
        """What others could have read or written, or is broken, is replaced."""
        for spoil in (
            lambda: self.write(self.file, b"x" * SIZE, 0o640),
            lambda: self.write(self.file, b"x" * (SIZE - 1)),
            lambda: self.file.symlink_to(self.write(self.elsewhere, b"x" * SIZE)),
            lambda: os.mkfifo(self.file, 0o600),
        ):
            if os.path.lexists(self.file):
                self.file.unlink()
            spoil()
            value = self.secret().value()
            self.assertNotEqual(value, b"x" * SIZE)
            self.assertFalse(self.file.is_symlink())
            self.assertEqual(self.secret().value(), value)
        self.assertEqual(self.elsewhere.read_bytes(), b"x" * SIZE)

    def write(self, path: Path, data: bytes, mode: int = 0o600) -> Path:
        path.write_bytes(data)
        path.chmod(mode)
        return path

    def test_cannot_be_kept(self) -> None:
        """Where it cannot be kept a line says so, and it lasts as long as the daemon."""
        self.file.mkdir()
        messages = Messages(self)
        secret = self.secret()
        value = secret.value()
        [line] = messages.all
        self.assertIn(f"WARN the key of the web pages cannot be kept in {self.file} (", line)
        self.assertEqual(secret.value(), value)
        self.assertEqual(os.listdir(self.directory), ["d.key"])
        nowhere = self.secret(str(self.directory / "gone" / "d.pid"))
        self.assertEqual(nowhere.value(), nowhere.value())
