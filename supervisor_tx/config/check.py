"""What ``supervisord --check`` says: whether a configuration can be used, and what looks odd."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from supervisor_tx.config import known
from supervisor_tx.config.client import load_client, misplaced
from supervisor_tx.config.commandline import CommandLine
from supervisor_tx.config.ini import Document, Section
from supervisor_tx.config.loader import Surroundings, load_document
from supervisor_tx.config.model import Config
from supervisor_tx.config.options import Context
from supervisor_tx.core.levels import Level
from supervisor_tx.errors import ConfigError


def report(
    path: str,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: CommandLine | None = None,
) -> tuple[int, str]:
    """
    Read a configuration as the daemon would; return the exit status and what to print.

    The status is 2 where there are errors; the text has them all, one per line. It is 0 where there
    are none; then the text has warnings and ends with what was found.
    """
    surroundings = Surroundings(
        os.environ if environ is None else environ,
        CommandLine() if overrides is None else overrides,
    )
    try:
        config, context = load_document(path, surroundings)
    except ConfigError as error:
        return 2, "".join(f"Error: {problem}\n" for problem in error.problems)
    warnings = [
        *unknown_options(context.document),
        *client_problems(context),
        *(m.text for m in config.messages if m.level >= Level.WARN),
    ]
    text = "".join(f"Warning: {text}\n" for text in warnings) + _summary(path, config)
    return 0, text.encode("utf-8", "backslashreplace").decode()  # so that it can be printed


def client_problems(context: Context) -> list[str]:
    """Return a warning for all that is wrong for the client; the daemon does not mind."""
    before = dict(context.problems)
    load_client(context)
    return [
        *(str(problem) for problem in context.problems if problem not in before),
        *map(str, misplaced(context)),
    ]


def _summary(path: str, config: Config) -> str:
    processes = sum(len(group.processes) for group in config.groups)
    counts = ", ".join(
        (
            _count(len(config.groups), "group"),
            _count(processes, "process", "processes"),
            _count(len(config.servers), "server"),
            _count(len(config.rpcinterfaces), "RPC interface"),
        )
    )
    return f"{path} is ok: {counts}\n"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def unknown_options(document: Document) -> list[str]:
    """
    Return a warning for each section and option that nothing reads.

    Real files have them: other programs keep their own options there, and removed ones stay.
    """
    return [text for section in document.sections.values() for text in _unknown_in(section)]


def _unknown_in(section: Section) -> Iterator[str]:
    place = f"{section.origin.file}:{section.origin.line}: [{section.name}]"
    try:
        options = known.options_of(section.name)
    except KeyError:
        hint = _hint(section.name, _sections_like(section.name))
        yield f"{place} is not a section that anything reads{hint}"
        return
    if options is None:
        return
    for option, value in section.options.items():
        if option not in options:
            yield (
                f"{value.origin.file}:{value.origin.line}: [{section.name}] {option} is not an "
                f"option that anything reads{_hint(option, options)}"
            )


def _sections_like(section: str) -> Iterator[str]:
    """Yield the names that a section could have been meant to have."""
    yield from known.SINGLE
    yield from known.SERVERS
    _, colon, name = section.partition(":")
    if colon:
        for kind in known.KINDS:
            yield f"{kind}:{name}"


def _hint(wrong: str, right: Iterable[str]) -> str:
    close = get_close_matches(wrong, sorted(right), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else ""
