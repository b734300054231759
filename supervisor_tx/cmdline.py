"""
The daemon's command line: one table of options, for the console script and for twistd.

The console script reads it as Supervisor does (Supervisor docs, "Running Supervisor"), with
:mod:`supervisor_tx.core.getopt`. All words are read before any is looked at, so a wrong option is
found even behind ``--help``; then they are taken in order.

What Supervisor does not have is marked as ours, and never makes a prefix ambiguous that Supervisor
takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from supervisor_tx.config import datatypes
from supervisor_tx.config.commandline import CommandLine
from supervisor_tx.core.getopt import BadOption, Grammar
from supervisor_tx.errors import CannotStart
from supervisor_tx.values import field, fields, frozen


class Action(Enum):
    """What the program is asked to do."""

    RUN = "run"
    CHECK = "check"
    HELP = "help"
    VERSION = "version"


@frozen
class Profile:
    """How to sort what the profiler has found, in the words of :mod:`pstats`."""

    sort: tuple[str, ...] = ()
    #: list who called each function, rather than the functions
    callers: bool = False


@frozen
class Invocation:
    """A command line that was understood."""

    action: Action = Action.RUN
    #: what beats the file
    commandline: CommandLine = field(default_factory=CommandLine)
    #: the file, as given; None: search for it
    configuration: str | None = None
    #: None: without the profiler
    profile: Profile | None = None


@frozen
class Option:
    """One line of the table."""

    long: str
    help: str
    #: what the argument is, in the usage text; None where it takes none
    argument: str | None = None
    #: letters that mean the same
    short: str = ""
    #: from the text of the argument to its value; raises ValueError
    convert: Callable[[str], object] = str
    #: of :class:`CommandLine`, or of :class:`Invocation` where it has one of that name
    member: str = ""
    #: what it asks for in place of running
    action: Action | None = None
    #: not an option of Supervisor
    ours: bool = False

    @property
    def flags(self) -> str:
        """How the usage text shows it: ``-m/--umask UMASK``."""
        names = [*(f"-{letter}" for letter in self.short), f"--{self.long}"]
        return "/".join(names) + (f" {self.argument}" if self.argument else "")


def _profile(text: str) -> Profile:
    from pstats import Stats  # slow to import, and hardly ever wanted

    words = [word for word in text.strip().split(",") if word]
    keys = Stats.sort_arg_dict_default
    for word in words:
        if word not in keys and word != "callers":
            raise ValueError(f"{word!r} is none of callers, {', '.join(sorted(keys))}")
    return Profile(tuple(word for word in words if word != "callers"), "callers" in words)


OPTIONS: Final = (
    Option(
        "configuration",
        "read this configuration file, rather than search for one",
        "FILE",
        "c",
        member="configuration",
    ),
    Option("nodaemon", "stay in the foreground", short="n", member="nodaemon"),
    Option(
        "silent",
        "in the foreground, do not copy the activity log to standard output",
        short="s",
        member="silent",
    ),
    Option("help", "show this text", short="h?", action=Action.HELP),
    Option(
        "version", "show the version of Supervisor that this is", short="v", action=Action.VERSION
    ),
    Option(
        "user",
        "become this user (a name or a uid) before anything is started",
        "USER",
        "u",
        datatypes.user,
        "user",
    ),
    Option(
        "umask", "set this umask when daemonising (octal)", "UMASK", "m", datatypes.umask, "umask"
    ),
    Option(
        "directory",
        "change to this directory when daemonising",
        "DIRECTORY",
        "d",
        datatypes.existing_directory,
        "directory",
    ),
    Option(
        "logfile",
        "write the activity log to this file",
        "FILE",
        "l",
        datatypes.existing_dirpath,
        "logfile",
    ),
    Option(
        "logfile_maxbytes",
        "rotate the activity log at this size, such as 50MB (0: never)",
        "BYTES",
        "y",
        datatypes.byte_size,
        "logfile_maxbytes",
    ),
    Option(
        "logfile_backups",
        "keep this many rotated activity logs",
        "NUMBER",
        "z",
        datatypes.integer,
        "logfile_backups",
    ),
    Option(
        "loglevel",
        "log what is at least as grave as critical, error, warn, info,\ndebug, trace or blather",
        "LEVEL",
        "e",
        datatypes.loglevel,
        "loglevel",
    ),
    Option(
        "pidfile",
        "write the pid of the daemon to this file",
        "FILE",
        "j",
        datatypes.existing_dirpath,
        "pidfile",
    ),
    Option(
        "identifier",
        "the name of this daemon among others",
        "NAME",
        "i",
        datatypes.string,
        "identifier",
    ),
    Option(
        "childlogdir",
        "put the programs' automatic logs into this directory",
        "DIRECTORY",
        "q",
        datatypes.existing_directory,
        "childlogdir",
    ),
    Option(
        "nocleanup",
        "leave automatic logs of earlier runs alone at the start",
        short="k",
        member="nocleanup",
    ),
    Option(
        "minfds",
        "refuse to start with fewer file descriptors than this",
        "NUMBER",
        "a",
        datatypes.integer,
        "minfds",
    ),
    Option("strip_ansi", "take ANSI escape sequences out of logs", short="t", member="strip_ansi"),
    Option(
        "minprocs",
        "refuse to start with fewer processes than this",
        "NUMBER",
        convert=datatypes.integer,
        member="minprocs",
    ),
    Option(
        "profile_options",
        "run under the profiler; at the end show its figures, sorted by\n"
        "these keys (such as cumulative,calls; callers: who called what)",
        "KEYS",
        convert=_profile,
        member="profile",
    ),
    Option(
        "check",
        "look for mistakes in the configuration file, and start nothing",
        action=Action.CHECK,
        ours=True,
    ),
)

_BY_FLAG: Final[Mapping[str, Option]] = {f"--{option.long}": option for option in OPTIONS} | {
    f"-{letter}": option for option in OPTIONS for letter in option.short
}
_GRAMMAR: Final = Grammar(
    letters={letter: bool(option.argument) for option in OPTIONS for letter in option.short},
    longs={option.long: bool(option.argument) for option in OPTIONS},
    ours={option.long for option in OPTIONS if option.ours},
)

#: An option, how it was called (in full), and the text of its argument where it takes one.
_Word = tuple[Option, str, str | None]


def parse(arguments: Sequence[str]) -> Invocation:
    """
    Understand a command line without its first word, as Supervisor would.

    Raises CannotStart in Supervisor's words.
    """
    try:
        words, positional = _GRAMMAR.split(arguments)
    except BadOption as error:
        raise CannotStart(str(error)) from None
    if positional:
        raise CannotStart(f"positional arguments are not supported: {positional!r}")
    return _take((_BY_FLAG[flag], flag, text) for flag, text in words)


def from_texts(texts: Mapping[str, str | bool | None]) -> Invocation:
    """
    Understand options that somebody else has parsed: long names and texts (or True), as they came.

    None, False and names that are no option of ours are passed over. Raises CannotStart.
    """
    return _take(
        (option, f"--{option.long}", text if isinstance(text, str) else None)
        for option in OPTIONS
        if (text := texts.get(option.long)) is not None and text is not False
    )


def usage(program: str) -> str:
    """Return the usage text, for a program called by this name."""
    lines = [
        "supervisord -- start programs, and keep them running.",
        "",
        f"Usage: {program} [options]",
        "",
        "Options:",
    ]
    for option in OPTIONS:
        lead = f"{option.flags} -- "
        lines.append(lead + option.help.replace("\n", "\n" + " " * len(lead)))
    return "\n".join(lines) + "\n"


def refusal(program: str, reason: object) -> str:
    """Return what goes to standard error when the program exits with 2."""
    return f"Error: {reason}\nFor help, use {program} -h\n"


def _take(words: Iterable[_Word]) -> Invocation:
    """Give options their meaning, one after the other; the first question that is met wins."""
    values: dict[str, Any] = {}
    action = Action.RUN
    for option, flag, text in words:
        if option.action in (Action.HELP, Action.VERSION):
            return Invocation(option.action)
        key = option.member or option.long
        if key in values:
            raise CannotStart(f"conflicting command line option {flag!r}")
        if option.action is not None:
            action = option.action
        values[key] = True if text is None else _converted(option, flag, text)
    return Invocation(
        action,
        configuration=values.pop("configuration", None),
        profile=values.pop("profile", None),
        commandline=CommandLine(**{k: v for k, v in values.items() if k in _OVERRIDES}),
    )


_OVERRIDES: Final = frozenset(each.name for each in fields(CommandLine))


def _converted(option: Option, flag: str, text: str) -> object:
    try:
        return option.convert(text)
    except ValueError as error:
        raise CannotStart(f"invalid value for {flag} {text!r}: {error}") from None
