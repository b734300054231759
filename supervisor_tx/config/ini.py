"""
Text to sections, in which each option knows its file and line.

The grammar is that of the standard library's ``RawConfigParser``, which Supervisor's files are
written for: this module feeds it line by line and writes down where it was when it took up a key.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from configparser import MissingSectionHeaderError, ParsingError, RawConfigParser
from functools import partial
from typing import Any, cast

from supervisor_tx.config.reading import State
from supervisor_tx.errors import Problem
from supervisor_tx.values import field, frozen, mutable

#: The section whose options show through in every other one.
DEFAULT = "DEFAULT"


@frozen
class Origin:
    """Where something stands: the file, by the path it was opened with, and the line, from 1."""

    file: str
    line: int


@frozen
class Value:
    """The text of an option as written: comments are off, continuation lines are joined by LF."""

    text: str
    origin: Origin
    #: what ``%(here)s`` stands for in it
    here: str


@mutable(eq=True, slots=True)
class Section:
    """A section's options by name, in lower case; ``origin`` is its first header."""

    name: str
    origin: Origin
    options: dict[str, Value] = field(default_factory=dict)


@mutable(eq=True, slots=True)
class Document:
    """The sections of a file, or of a file and what it includes, in the order of first mention."""

    #: path of the main file, as it was given
    file: str
    sections: dict[str, Section] = field(default_factory=dict)
    defaults: dict[str, Value] = field(default_factory=dict)
    #: all files, in the order read
    files: list[str] = field(default_factory=list)
    #: how they were when they were read
    states: dict[str, State] = field(default_factory=dict)
    #: what it includes, as patterns with a folder in front
    patterns: tuple[str, ...] = ()

    def find(self, section: Section, option: str) -> Value | None:
        """Return what holds for an option of the section: its own value or that of [DEFAULT]."""
        value = section.options.get(option)
        return self.defaults.get(option) if value is None else value

    def options(self, section: Section) -> Mapping[str, Value]:
        """Return all that :meth:`find` finds."""
        return {**self.defaults, **section.options}

    def merge(self, later: Document) -> None:
        """Take over another file's sections; where both have an option, the later one holds."""
        self.files += later.files
        self.states |= later.states
        self.defaults |= later.defaults
        for name, section in later.sections.items():
            known = self.sections.setdefault(name, section)
            if known is not section:
                known.options |= section.options


class _Noting(dict[str, Any]):
    """One of the parser's dictionaries; ``lines`` tells where each key was set."""

    def __init__(self, reader: _Reader) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}
        self._reader = reader

    def __setitem__(self, key: str, value: Any) -> None:
        # An option comes as the list of its lines so far, and later once more as one text.
        if isinstance(value, (list, _Noting)):
            self.lines[key] = self._reader.line
        if isinstance(value, _Noting):
            self._reader.sections[key] = (value, self._reader.line)
        super().__setitem__(key, value)


class _Reader:
    """One run of the parser over one text."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self.line = 0
        self.sections: dict[str, tuple[_Noting, int]] = {}
        self.parser = RawConfigParser(
            dict_type=cast("type[dict[str, str]]", partial(_Noting, self)),
            strict=False,
            inline_comment_prefixes=(";", "#"),
        )

    def read(self, file: str) -> list[Problem]:
        """
        Parse; return what is wrong with single lines. All others are understood.

        Raises MissingSectionHeaderError, with nothing understood.
        """
        try:
            self.parser.read_file(self._feed(), file)
        except MissingSectionHeaderError:
            raise
        except ParsingError as error:
            return [
                Problem(
                    f"Source contains parsing errors: {self._lines[number - 1].strip()!r}",
                    file,
                    number,
                    accepts="option = value, [section], a comment or an indented continuation",
                )
                for number, _ in error.errors
            ]
        return []

    def _feed(self) -> Iterator[str]:
        for number, line in enumerate(self._lines, start=1):
            self.line = number
            yield line


def _read(lines: list[str], file: str) -> tuple[_Reader, list[Problem]]:
    reader = _Reader(lines)
    try:
        return reader, reader.read(file)
    except MissingSectionHeaderError as error:
        problem = Problem(
            f"File contains no section headers before {lines[error.lineno - 1].strip()!r}",
            file,
            error.lineno,
            accepts="a header such as [supervisord] first",
        )
        start = error.lineno
    # The rest may have more to tell: start over, blind to all above the next header.
    while start < len(lines) and not lines[start].lstrip().startswith("["):
        start += 1
    reader = _Reader([*["\n"] * start, *lines[start:]])
    try:
        return reader, [problem, *reader.read(file)]
    except MissingSectionHeaderError:
        return _Reader(()), [problem]


def parse(text: str, file: str, here: str) -> tuple[Document, list[Problem]]:
    """
    Parse one file's text.

    The document has all that could be understood, also where there are problems.
    """
    reader, problems = _read(list(io.StringIO(text, newline=None)), file)

    def values(options: _Noting) -> dict[str, Value]:
        return {
            option: Value(text, Origin(file, options.lines[option]), here)
            for option, text in options.items()
        }

    document = Document(file, files=[file])
    for name, (options, line) in reader.sections.items():
        document.sections[name] = Section(name, Origin(file, line), values(options))
    defaults = reader.parser.defaults()
    assert isinstance(defaults, _Noting)
    document.defaults = values(defaults)
    return document, problems
