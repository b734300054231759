"""A configuration file together with what its ``[include]`` names, as one document."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable

from supervisor_tx.config.expansion import Names, expand
from supervisor_tx.config.ini import Document, parse
from supervisor_tx.config.model import Message
from supervisor_tx.config.reading import Unreadable, read_file
from supervisor_tx.core.levels import Level
from supervisor_tx.errors import Problem


def read_document(
    path: str, names: Names, patience: float = 0.0
) -> tuple[Document, list[Message], list[Problem]]:
    """
    Read the file and its includes.

    Names are those that ``[include] files`` may use; ``here`` among them is the directory of the
    file. The document has all that could be understood, also where there are problems. Raises
    Unreadable where the main file cannot be read.
    """
    here = str(names["here"])
    text, state = read_file(path, patience)
    document, problems = parse(text, path, here)
    document.states[path] = state
    messages: list[Message] = []
    include = document.sections.get("include")
    if include is None:
        return document, messages, problems
    files = document.find(include, "files")
    if files is None:
        text = ".ini file has [include] section, but no files setting"
        origin = include.origin
        problems.append(Problem(text, origin.file, origin.line, include.name, "files"))
        return document, messages, problems
    try:
        patterns = expand(files.text, names, "include.files").split()
    except ValueError as error:
        origin = files.origin
        problem = Problem(str(error), origin.file, origin.line, include.name, "files", files.text)
        problems.append(problem)
        return document, messages, problems
    document.patterns = tuple(os.path.join(here, pattern) for pattern in patterns)
    for file in _matches(document.patterns, messages):
        try:
            text, state = read_file(file)
        except Unreadable as error:
            # Supervisor passes over what it cannot open. That is right for a directory or a link to
            # nothing; programs in a file that is there must not go missing unnoticed.
            if error.directory or error.absent:
                messages.append(Message(Level.WARN, f'Nothing included from "{file}": {error}'))
            else:
                problems.append(error.problem)
            continue
        document.states[file] = state
        included, more = parse(text, file, os.path.dirname(os.path.abspath(file)))
        included.sections.pop("include", None)  # it has no effect there
        document.merge(included)
        problems += more
        messages.append(Message(Level.INFO, f'Included extra file "{file}" during parsing'))
    return document, messages, problems


def _matches(patterns: Iterable[str], messages: list[Message]) -> Iterable[str]:
    for pattern in patterns:
        try:
            found = sorted(glob.glob(pattern))
        except ValueError:  # a NUL in it
            found = []
        if not found:
            messages.append(Message(Level.WARN, f'No file matches via include "{pattern}"'))
        yield from found
