"""
The grammar of ``environment=``: ``KEY="value",KEY2=value2``.

The text is cut into words as a shell would, and the words are taken four at a time: a key, ``=``,
a value, and a separator that may be anything. Supervisor 4.3.0 takes quotes off the ends of words
only; its development version reads as POSIX shells do, with escapes and with quotes inside words.
A text that the one understands keeps that meaning here; the other's rules are for the rest.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from supervisor_tx.config.datatypes import datatype

_MORE_WORD_CHARACTERS = "/.+-():"


@datatype(
    'KEY="value",KEY2="value 2": quote what has other characters than letters, digits and _/.+-():'
)
def environment(text: str) -> dict[str, str]:
    """Return the variables in the order written; of two of one name the later."""
    try:
        return dict(_pairs(text, posix=False))
    except ValueError as error:
        try:
            return dict(_pairs(text, posix=True))
        except ValueError:
            raise error from None


def _pairs(text: str, *, posix: bool) -> Iterator[tuple[str, str]]:
    words = shlex.shlex(text, posix=posix)
    words.wordchars += _MORE_WORD_CHARACTERS
    rest = iter(list(words))  # all of them: an open quote at the end is an error at once
    for key in rest:
        value = next(rest, None) == "=" and next(rest, None)
        if not isinstance(value, str):
            raise ValueError(f"Unexpected end of key/value pairs in value '{text}'")
        yield key, value if posix else _unquoted(value)
        next(rest, None)


def _unquoted(word: str) -> str:
    return word.strip("'\"")
