"""
Where a configuration is on disk: its files as they are, and the folders where others may appear.

A look at them costs a ``stat`` each. It tells whether it is worth while to read them again, and is
meant for threads where disks may be slow.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

#: Of a file: device, inode, size, and the time of the last change in nanoseconds. None: no file.
State: TypeAlias = tuple[int, int, int, int] | None


@dataclass(frozen=True, slots=True)
class Sources:
    """A configuration's files, and all folders in which something may change what it says."""

    files: tuple[tuple[str, State], ...]
    folders: frozenset[str]


def find(configfile: str, patterns: Iterable[str], others: Iterable[str] = ()) -> Sources:
    """
    Look at a main file, at what matches patterns, and at other files.

    All paths are absolute. Never raises: what cannot be looked at is as good as absent.
    """
    patterns = tuple(patterns)
    paths = [configfile, *(path for pattern in patterns for path in _glob(pattern)), *others]
    files = tuple((path, _state(path)) for path in dict.fromkeys(paths))
    places = [
        *(os.path.dirname(path) for path, _ in files),
        # behind symbolic links it is the file that is edited
        *(os.path.dirname(os.path.realpath(path)) for path, _ in files),
        *(folder for pattern in patterns for folder in _folders(os.path.dirname(pattern))),
    ]
    return Sources(files, frozenset(_existing(place) for place in dict.fromkeys(places)))


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


def _state(path: str) -> State:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
