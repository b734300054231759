"""
Lines that a person types, or a script pipes in.

From a terminal they come with editing, history and completion; else they are read here, and not by
``input()``, so that what was read too early is still there for whoever reads next.
"""

from __future__ import annotations

import contextlib
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

#: What a word to be completed ends at: names contain ':', '*' and '-'.
_DELIMITERS = " \t\n"


class Lines:
    """Standard input, line by line."""

    def __init__(self, stdout: TextIO) -> None:
        self._stdout = stdout
        self._pending = b""
        self._ended = False

    @property
    def edited(self) -> bool:
        """A person sits at a terminal."""
        return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()

    @property
    def waiting(self) -> bool:
        """Whether the next line, or the end, is here already."""
        return self._ended or b"\n" in self._pending

    def fileno(self) -> int:
        return 0

    def ask(self, prompt: str) -> str:
        """Show the prompt; return a line without its end. Raises EOFError at the end."""
        if self.edited:
            return input(prompt)
        self._stdout.write(prompt)
        self._stdout.flush()
        while not self.waiting:
            self.read()
        return self.take()

    def read(self) -> None:
        """Read once, and wait for that if nothing is there."""
        data = os.read(0, 65536)
        self._pending += data
        self._ended = not data

    def take(self) -> str:
        """Return a line that waits, without its end. Raises EOFError."""
        line, end, rest = self._pending.partition(b"\n")
        if not end and not line:
            raise EOFError
        self._pending = rest
        return line.decode("utf-8", "surrogateescape")


class Editing:
    """Editing of lines for as long as a shell runs: completion, and history kept in a file."""

    def __init__(self, complete: Callable[[str, int], str | None], history: str | None) -> None:
        self._complete = complete
        self._history = history

    def __enter__(self) -> None:
        try:
            import readline
        except ImportError:  # Python can be built without
            return
        readline.set_completer(self._complete)
        readline.set_completer_delims(_DELIMITERS)
        libedit = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
        if self._history:
            with contextlib.suppress(OSError):
                readline.read_history_file(self._history)

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ImportError, OSError):
            import readline

            readline.set_completer(None)
            if self._history:
                readline.write_history_file(self._history)
