"""
Command lines as Supervisor's programs read them, which is how getopt reads.

Options end at the first word that is none, or at ``--``; a long one may be cut to a prefix that no
other has; letters without argument may stand together. This is the standard library's getopt but
for one thing: options that Supervisor does not have never make a prefix ambiguous that it takes.
Next to nothing is imported, since the client's start is waited for.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    #: How an option was called, ``-c`` or ``--configuration`` in full, and its argument, if any.
    Word = tuple[str, str | None]


class BadOption(Exception):
    """The words are no command line of this program; the text says why, as Supervisor would."""


class Grammar:
    """Which options there are."""

    def __init__(
        self,
        letters: Mapping[str, bool],
        longs: Mapping[str, bool],
        ours: Container[str] = (),
    ) -> None:
        """
        Take the letters and the long names, each with whether it takes an argument.

        Ours are the long names that Supervisor does not have.
        """
        self._letters = letters
        self._longs = longs
        self._ours = ours

    def split(self, arguments: Sequence[str]) -> tuple[list[Word], list[str]]:
        """Tell options from the words behind them. Raises BadOption."""
        words: list[Word] = []
        rest = list(arguments)
        while rest and rest[0].startswith("-") and rest[0] != "-":
            word = rest.pop(0)
            if word == "--":
                break
            if word.startswith("--"):
                words.append(self._long(word[2:], rest))
            else:
                words.extend(self._short(word[1:], rest))
        return words, rest

    def _long(self, word: str, rest: list[str]) -> Word:
        start, equals, text = word.partition("=")
        name = self._named(start)
        flag = f"--{name}"
        if not self._longs[name]:
            if equals:
                raise BadOption(f"option {flag} must not have an argument")
            return flag, None
        return flag, text if equals else _next(flag, rest)

    def _named(self, start: str) -> str:
        if start in self._longs:
            return start
        found = [name for name in self._longs if name.startswith(start)]
        found = [name for name in found if name not in self._ours] or found
        if not found:
            raise BadOption(f"option --{start} not recognized")
        if len(found) > 1:
            raise BadOption(f"option --{start} not a unique prefix")
        return found[0]

    def _short(self, letters: str, rest: list[str]) -> Iterator[Word]:
        while letters:
            letter, letters = letters[0], letters[1:]
            flag = f"-{letter}"
            if letter not in self._letters:
                raise BadOption(f"option {flag} not recognized")
            if self._letters[letter]:
                yield flag, letters or _next(flag, rest)
                return
            yield flag, None


def _next(flag: str, rest: list[str]) -> str:
    if not rest:
        raise BadOption(f"option {flag} requires argument")
    return rest.pop(0)
