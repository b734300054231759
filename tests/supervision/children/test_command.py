"""What a program's command means, and what is wrong with it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.errors import (
    BadCommand,
    CommandNotExecutable,
    CommandNotFound,
    CommandNotPermitted,
    CommandUnusable,
)
from supervisor_tx.supervision.children.command import DEFAULT_PATH, find_command


class CommandTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(os.path.abspath(self.mktemp()))
        self.folder.mkdir()

    def file(self, name: str, mode: int = 0o755) -> str:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(mode)
        return str(path)

    def assertRefused(self, command: str, path: str | None, kind: type, text: str) -> None:
        error = self.assertRaises(kind, find_command, command, path)
        self.assertEqual(str(error), text)
        self.assertEqual(error.complaint, None)


class WordsTests(CommandTestCase):
    """How a command is split."""

    def test_quotes(self) -> None:
        """Quotes and backslashes are those of a POSIX shell."""
        file = self.file("run")
        found = find_command(rf"""{file} 'a b' "c \"d\"" e\ f ''""", None)
        self.assertEqual(found.argv, (file, "a b", 'c "d"', "e f", ""))

    def test_no_comments(self) -> None:
        """A # is a character like others."""
        file = self.file("run")
        self.assertEqual(find_command(f"{file} a #b", None).argv, (file, "a", "#b"))

    def test_unbalanced(self) -> None:
        """A quote that is not closed is said with Python's words."""
        self.assertRefused(
            "sh -c 'x",
            None,
            BadCommand,
            "can't parse command \"sh -c 'x\": No closing quotation",
        )

    def test_empty(self) -> None:
        """There must be a word."""
        self.assertRefused("  ", None, BadCommand, "command is empty")

    @given(st.text(), st.none() | st.text())
    def test_anything(self, command: str, path: str | None) -> None:
        """Whatever is written there, it is found or refused in words."""
        try:
            find_command(command, path)
        except CommandUnusable as error:
            self.assertTrue(error.spawnerr)


class SlashTests(CommandTestCase):
    """A word with a slash is the file."""

    def test_found(self) -> None:
        """It is taken as it is; PATH does not matter."""
        file = self.file("run")
        found = find_command(f"{file} x", "/nowhere")
        self.assertEqual((found.argv, found.file), ((file, "x"), file))

    def test_missing(self) -> None:
        """A file that does not exist is not found."""
        self.assertRefused("/no/x", None, CommandNotFound, "can't find command '/no/x'")

    def test_directory(self) -> None:
        """A directory cannot be run."""
        path = str(self.folder)
        self.assertRefused(path, None, CommandNotExecutable, f"command at '{path}' is a directory")

    def test_not_executable(self) -> None:
        """A file without any x bit cannot be run, not even by root."""
        file = self.file("run", 0o644)
        self.assertRefused(
            file, None, CommandNotExecutable, f"command at '{file}' is not executable"
        )

    def test_not_for_us(self) -> None:
        """A file that others may execute is told apart."""
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.folder.chmod(0o755)
        file = self.file("run", 0o601)
        text = f"no permission to run command '{file}'"
        if os.geteuid() != 0:
            self.assertRefused(file, None, CommandNotPermitted, text)
            return
        # Root may execute whatever anybody may: ask as nobody.
        os.chown(file, 65534, 0)
        pid = os.fork()
        if pid == 0:  # pragma: no cover
            said = ""
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                find_command(file, None)
            except CommandNotPermitted as error:
                said = str(error)
            finally:
                os._exit(0 if said == text else 1)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)

    def test_impossible_name(self) -> None:
        """A name that no file can have is not found."""
        self.assertRefused("/x\0y", None, CommandNotFound, r"can't find command '/x\x00y'")
        self.assertRefused("/\ud800", None, CommandNotFound, r"can't find command '/\ud800'")


class PathTests(CommandTestCase):
    """A word without a slash is looked for."""

    def look(self, *folders: str) -> str:
        return find_command("run", ":".join(str(self.folder / name) for name in folders)).file

    def test_first(self) -> None:
        """The first usable file wins."""
        first, _ = self.file("a/run"), self.file("b/run")
        self.assertEqual(self.look("none", "a", "b"), first)

    def test_unusable_are_skipped(self) -> None:
        """Directories and files that cannot be executed are passed over."""
        (self.folder / "a" / "run").mkdir(parents=True)
        self.file("b/run", 0o644)
        last = self.file("c/run")
        self.assertEqual(self.look("a", "b", "c"), last)

    def test_none_usable(self) -> None:
        """Where none is usable, the problem of the first that exists is told."""
        file = self.file("a/run", 0o644)
        (self.folder / "b" / "run").mkdir(parents=True)
        self.assertRefused(
            "run",
            f"{self.folder}/a:{self.folder}/b",
            CommandNotExecutable,
            f"command at '{file}' is not executable",
        )

    def test_nowhere(self) -> None:
        """A word that is in no directory is not found."""
        self.assertRefused("run", "/nowhere", CommandNotFound, "can't find command 'run'")

    def test_default(self) -> None:
        """Without any PATH the usual directories are searched."""
        self.assertIn(os.path.dirname(find_command("sh", None).file), DEFAULT_PATH.split(":"))

    def test_current_directory(self) -> None:
        """An empty entry is the current directory, and the file is not looked for again."""
        self.file("run")
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        self.assertEqual(find_command("run", "").file, "./run")
