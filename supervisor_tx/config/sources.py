"""
Where a configuration is on disk: its files as they are, and the folders where others may appear.

A look at them costs a ``stat`` each. It tells whether it is worth while to read them again, and is
meant for threads where disks may be slow.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from functools import cache

from supervisor_tx.config.reading import State, state_of
from supervisor_tx.values import frozen


@frozen
class Sources:
    """A configuration's files, and all folders in which something may change what it says."""

    #: with None for those that are not there
    files: tuple[tuple[str, State | None], ...]
    folders: frozenset[str]


def find(configfile: str, patterns: Iterable[str], others: Iterable[str] = ()) -> Sources:
    """
    Look at a main file, at what matches patterns, and at other files.

    All paths are absolute. Never raises: what cannot be looked at is as good as absent.
    """
    patterns = tuple(patterns)
    paths = [configfile, *(path for pattern in patterns for path in _glob(pattern)), *others]
    files: dict[str, State | None] = {}
    places: set[str] = set()
    real = cache(os.path.realpath)
    for path in dict.fromkeys(paths):
        files[path], is_link = _state(path)
        folder = os.path.dirname(path)
        # behind symbolic links it is the file that is edited
        places |= {folder, real(folder), os.path.dirname(real(path)) if is_link else folder}
    for pattern in patterns:
        places.update(_folders(os.path.dirname(pattern)))
    return Sources(tuple(files.items()), frozenset(map(_existing, places)))


def _folders(pattern: str) -> Iterator[str]:
    """Yield the folders that match, and those above where more of them may appear."""
    while True:
        yield from _glob(pattern) if glob.has_magic(pattern) else (pattern,)
        if not glob.has_magic(pattern):
            return
        pattern = os.path.dirname(pattern)


def _existing(folder: str) -> str:
    """Return a folder, or the nearest one above that is there."""
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return folder


def _glob(pattern: str) -> list[str]:
    try:
        return sorted(glob.glob(pattern))
    except (OSError, ValueError):
        return []


def _state(path: str) -> tuple[State | None, bool]:
    """Return the state of a file, and whether it is behind a symbolic link."""
    is_link = False
    try:
        found = os.lstat(path)
        if is_link := stat.S_ISLNK(found.st_mode):
            found = os.stat(path)
    except (OSError, ValueError):
        return None, is_link
    return state_of(found), is_link
