"""A program's command: which file it names, and whether it can be run."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from functools import lru_cache

from supervisor_tx.errors import (
    BadCommand,
    CommandNotExecutable,
    CommandNotFound,
    CommandNotPermitted,
    CommandUnusable,
)
from supervisor_tx.values import frozen

#: Where commands are looked for when there is no PATH at all.
DEFAULT_PATH = "/bin:/usr/bin:/usr/local/bin"


@frozen
class Command:
    """What to execute: the words as written, and the file that the first one means."""

    argv: tuple[str, ...]
    file: str


def find_command(command: str, path: str | None) -> Command:
    """
    Split a command as a POSIX shell would and find its file; raise a CommandUnusable.

    ``path`` is the PATH of the program's effective environment, None where it has none. Looks with
    our own rights and from our own directory, as Supervisor does; it asks the file system, which
    may be slow. Of the entries of the path the first usable one is taken; where none is usable, the
    error is about the first that exists.
    """
    argv = split_command(command)
    word = argv[0]
    if "/" in word:
        _check(word, word)
        return Command(argv, word)
    problem: CommandUnusable | None = None
    for file in _candidates(word, path):
        try:
            _check(file, word)
        except CommandNotFound:
            continue
        except CommandUnusable as error:
            problem = problem or error
        else:
            return Command(argv, file)
    raise problem or CommandNotFound(f"can't find command {word!r}")


# A program's processes mostly share one.
@lru_cache(maxsize=128)
def split_command(command: str) -> tuple[str, ...]:
    """Return the words of a command, at least one; raise BadCommand."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise BadCommand(f"can't parse command {command!r}: {error}") from None
    if not words:
        raise BadCommand("command is empty")
    return tuple(words)


def _candidates(word: str, path: str | None) -> Iterator[str]:
    for directory in (DEFAULT_PATH if path is None else path).split(os.pathsep):
        # An empty entry is the current directory; with a slash nobody looks it up again.
        yield os.path.join(directory or ".", word)


def _check(file: str, word: str) -> None:
    try:
        mode = os.stat(file).st_mode
        permitted = os.access(file, os.X_OK)
    except (OSError, ValueError):  # ValueError: no file has such a name (NUL, lone surrogate)
        raise CommandNotFound(f"can't find command {word!r}") from None
    if stat.S_ISDIR(mode):
        raise CommandNotExecutable(f"command at {file!r} is a directory")
    if not mode & 0o111:
        raise CommandNotExecutable(f"command at {file!r} is not executable")
    if not permitted:
        raise CommandNotPermitted(f"no permission to run command {file!r}")
