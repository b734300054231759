"""
Which processes the words of a command mean.

A pattern (``worker_?``, ``web:w*``) means what it matches; but first a word is a name, and as such
it is left to the daemon, which knows ``group:*`` too.
"""

from __future__ import annotations

from supervisor_tx.core import namespec
from supervisor_tx.ctl.render import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    Infos = Sequence[Mapping[str, Any]]


def expanded(words: Iterable[str], processes: Callable[[], Infos]) -> list[str]:
    """
    Return the words, patterns replaced by the names that they match, in the order of those.

    Processes are asked for once, if there is a pattern at all. A pattern without a match stays, so
    that it is told as the name of nothing. One without a colon is for the process's own name.
    """
    words = list(words)
    if not any(map(_is_pattern, words)):
        return words
    infos = processes()
    found: list[str] = []
    for word in words:
        if not _is_pattern(word) or any(word in _names(info) for info in infos):
            found.append(word)
        else:
            found += [name_of(info) for info in infos if _matches(word, info)] or [word]
    return list(dict.fromkeys(found))


def _is_pattern(word: str) -> bool:
    group, process = namespec.split(word)
    return any(sign in f"{group}{process or ''}" for sign in "*?[")


def _names(info: Mapping[str, Any]) -> tuple[str, str]:
    return name_of(info), f"{info['group']}:{info['name']}"


def _matches(word: str, info: Mapping[str, Any]) -> bool:
    from fnmatch import fnmatchcase

    group, colon, process = word.partition(":")
    if not colon:
        return fnmatchcase(info["name"], word)
    return fnmatchcase(info["group"], group) and fnmatchcase(info["name"], process or "*")
