"""
Files to :class:`~supervisor_tx.config.model.Config`.

One run finds everything that is wrong: each section is read to its end, a wrong value is noted and
its default used to go on with, and at the end there is either a configuration or one
:class:`~supervisor_tx.errors.ConfigError` with all that was noted.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping

from supervisor_tx.config.commandline import CommandLine
from supervisor_tx.config.daemon import load_supervisord, overridden, root_warning
from supervisor_tx.config.documents import read_document
from supervisor_tx.config.expansion import Names
from supervisor_tx.config.groups import load_groups, shared_logs
from supervisor_tx.config.ini import Document
from supervisor_tx.config.model import Config
from supervisor_tx.config.options import Context
from supervisor_tx.config.reading import Unreadable
from supervisor_tx.config.servers import load_rpcinterfaces, load_servers
from supervisor_tx.errors import ConfigError, Problem
from supervisor_tx.values import field, frozen

__all__ = ["Surroundings", "load", "load_document", "read_sections"]


@frozen
class Surroundings:
    """What a configuration depends on besides its text."""

    environ: Mapping[str, str]
    overrides: CommandLine = field(default_factory=CommandLine)
    #: uid of the daemon
    uid: int = field(default_factory=os.getuid)
    host_node_name: str = field(default_factory=platform.node)


def load(
    path: str,
    *,
    environ: Mapping[str, str],
    overrides: CommandLine | None = None,
    patience: float = 10.0,
) -> Config:
    """
    Read a configuration file with all that it includes.

    Environ is what ``%(ENV_X)s`` stands for. Patience is how many seconds to wait where the file is
    a pipe that we inherited; 0 where waiting is out of the question. Raises ConfigError.
    """
    surroundings = Surroundings(environ, CommandLine() if overrides is None else overrides)
    return load_document(path, surroundings, patience)[0]


def load_document(
    path: str, surroundings: Surroundings, patience: float = 10.0
) -> tuple[Config, Context]:
    """Do what :func:`load` does, and return what it was read from too."""
    configfile = os.path.abspath(path)
    here = os.path.dirname(configfile)
    base = Names(here=here, host_node_name=surroundings.host_node_name)
    names = base.environment(surroundings.environ)
    try:
        document, messages, problems = read_document(path, names, patience)
    except Unreadable as error:
        raise ConfigError([error.problem]) from error
    context = Context(document, names, surroundings.uid, messages=messages)
    config = read_sections(context, configfile, here, surroundings.overrides)
    found = list(context.problems)
    if problems:
        # Something could not be understood, so that what seems to be missing may well be there.
        found = [problem for problem in found if problem.value is not None]
    if problems or found:
        raise ConfigError(_in_order([*problems, *found], document))
    return config, context


def read_sections(context: Context, configfile: str, here: str, overrides: CommandLine) -> Config:
    """Return what the sections of the document say; what is wrong goes to the context."""
    section = context.document.sections.get("supervisord")
    if section is None:
        file = context.document.file
        text = ".ini file does not include supervisord section"
        raise ConfigError([Problem(text, file)])
    supervisord = overridden(load_supervisord(context.options(section)), overrides)
    root_warning(supervisord, context)
    context.environment = supervisord.environment
    context.names = context.names.environment(supervisord.environment)
    rpcinterfaces = load_rpcinterfaces(context)
    groups = load_groups(
        context,
        plugins=any(
            plugin.factory and not plugin.factory.startswith("supervisor.")
            for plugin in rpcinterfaces
        ),
    )
    servers = load_servers(context)
    for text in shared_logs(groups):
        context.warn(text)
    return Config(
        configfile,
        here,
        supervisord,
        groups=groups,
        servers=servers,
        rpcinterfaces=rpcinterfaces,
        messages=tuple(context.messages),
        includes=context.document.patterns,
        files=tuple(
            (os.path.abspath(path), state) for path, state in context.document.states.items()
        ),
    )


def _in_order(problems: Iterable[Problem], document: Document) -> list[Problem]:
    """Sort by file, in the order read, and line."""
    rank = {file: number for number, file in enumerate(document.files)}
    return sorted(
        problems, key=lambda problem: (rank.get(problem.file or "", len(rank)), problem.line or 0)
    )
