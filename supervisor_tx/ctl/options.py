"""
What the client was told: its command line, before its configuration file, before its defaults.

Of the file it reads ``[supervisorctl]`` and ``[ctlplugin:x]``, and no ``[include]`` (Supervisor
docs, "[supervisorctl] Section Settings"). The daemon's loader could do this too, but takes longer
to import than a status takes to be fetched.
"""

from __future__ import annotations

import os
import sys

from supervisor_tx.config.search import find_config
from supervisor_tx.core.getopt import BadOption, Grammar
from supervisor_tx.ctl.plugin import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from configparser import RawConfigParser
    from typing import Any, Final

    from supervisor_tx.ctl.controller import Controller

#: The option of a ``[ctlplugin:x]`` that says what it is made by.
CTL_FACTORY: Final = "supervisor.ctl_factory"

DEFAULT_URL: Final = "http://localhost:9001"


class Refused(Exception):
    """The client cannot begin; the text says why and is shown after ``Error:``."""


#: Long name, letters, argument in the usage text, explanation; the last five are not Supervisor's.
_OPTIONS: Final = (
    ("configuration", "c", "FILE", "read this configuration file, rather than search for one"),
    ("help", "h?", "", "show this text"),
    ("interactive", "i", "", "ask questions, as the shell does, also where an action is given"),
    (
        "serverurl",
        "s",
        "URL",
        f"where the daemon listens, as http://host:port or unix:///path\n(default {DEFAULT_URL})",
    ),
    ("username", "u", "NAME", "the user name that the daemon wants"),
    ("password", "p", "PASSWORD", "the password that the daemon wants"),
    ("history_file", "r", "FILE", "keep what is typed into the shell in this file"),
    ("json", "", "", "answer an action by one JSON document"),
    ("wait", "", "", "start, stop and restart: answer when it is done (so they do anyway)"),
    ("no-wait", "", "", "start, stop and restart: do not wait until it is done"),
    ("timeout", "", "SECONDS", "start, stop and restart: wait no longer than this"),
    ("color", "", "WHEN", "colour states: auto (on a terminal), always or never"),
)
_OURS: Final = frozenset({"json", "wait", "no-wait", "timeout", "color"})
_GRAMMAR: Final = Grammar(
    letters={letter: bool(each[2]) for each in _OPTIONS for letter in each[1]},
    longs={each[0]: bool(each[2]) for each in _OPTIONS},
    ours=_OURS,
)
_LONG: Final = {f"-{letter}": each[0] for each in _OPTIONS for letter in each[1]}


class Modes:
    """How an action is to be done and told, beyond what Supervisor knows."""

    def __init__(self) -> None:
        self.json = False
        self.wait = True
        #: seconds; None: for ever
        self.timeout: float | None = None

    def copy(self) -> Modes:
        """Return the same modes, to be changed for one action."""
        other = Modes()
        other.json, other.wait, other.timeout = self.json, self.wait, self.timeout
        return other

    def take(self, name: str, text: str | None) -> None:
        """Set one, by the name of its option; raise ValueError."""
        if name == "json":
            self.json = True
        elif name in ("wait", "no-wait"):
            self.wait = name == "wait"
        else:
            self.timeout = float(text or "")
            if not 0 < self.timeout < float("inf"):
                raise ValueError(f"{text!r} is not a number of seconds above 0")
            self.wait = True


class ClientOptions:
    """The client's options; plug-ins read them as ``controller.options``."""

    def __init__(self, progname: str = "supervisorctl") -> None:
        self.progname = progname
        self.serverurl = DEFAULT_URL
        self.username: str | None = None
        self.password: str | None = None
        self.prompt = "supervisor"
        self.history_file: str | None = None
        self.interactive = False
        self.configfile: str | None = None
        self.here: str | None = None
        #: the words of the action
        self.args: list[str] = []
        #: name of a plug-in, its factory, what else its section has
        self.plugin_factories: list[tuple[str, Callable[..., Any], dict[str, str]]] = []
        self.plugins: list[Any] = []
        self.modes = Modes()
        self.color = "auto"
        #: of ``[supervisord]`` in the file, to say where to look when the daemon does not answer
        self.daemon: dict[str, str] = {}

    def realize(self, arguments: Sequence[str]) -> bool:
        """
        Read the words behind the program's name, and the configuration file.

        Return whether the usage text is asked for. Raises Refused.
        """
        given: dict[str, str] = {}
        try:
            words, self.args = _GRAMMAR.split(arguments)
        except BadOption as error:
            raise Refused(str(error)) from None
        for flag, text in words:
            name = _LONG.get(flag) or flag.removeprefix("--")
            if name == "help":
                return True
            if name in given and name not in _OURS:
                raise Refused(f"conflicting command line option {flag!r}")
            given[name] = text or ""
            self._take(name, flag, text)
        self._read_file(given)
        return False

    def get_plugins(self, controller: Controller) -> list[Any]:
        """Have the plug-ins made, for one controller."""
        plugins = []
        for name, factory, keywords in self.plugin_factories:
            plugin = factory(controller, **keywords)
            plugin.name = name
            plugins.append(plugin)
        return plugins

    def _take(self, name: str, flag: str, text: str | None) -> None:
        try:
            if name in ("json", "wait", "no-wait", "timeout"):
                self.modes.take(name, text)
            elif name == "interactive":
                self.interactive = True
            elif name == "serverurl":
                self.serverurl = _checked_url(text or "")
            elif name == "color":
                if text not in ("auto", "always", "never"):
                    raise ValueError("it is one of auto, always and never")
                self.color = text
            elif name == "history_file":
                self.history_file = _path(text or "")
            elif name == "configuration":
                self.configfile = text
            else:
                setattr(self, name, text)
        except ValueError as error:
            raise Refused(f"invalid value for {flag} {text!r}: {error}") from None

    def _read_file(self, given: dict[str, str]) -> None:
        """Take what the file has and the command line has not."""
        path = self.configfile
        if path is None:
            path = find_config(self.progname)
            if path is None:
                return
        elif not os.path.exists(path):
            raise Refused(f"could not find config file {path}")
        self.configfile = path
        self.here = os.path.dirname(os.path.abspath(path))
        parser = _parse(path)
        if "supervisorctl" not in parser:
            raise Refused(f".ini file does not include supervisorctl section (file: {path!r})")
        reader = _Section(parser, "supervisorctl", self.here)
        if (url := reader.get("serverurl")) is not None and "serverurl" not in given:
            self.serverurl = reader.convert("serverurl", _url, url)
        for name in ("username", "password", "prompt"):
            if (text := reader.get(name)) is not None and name not in given:
                setattr(self, name, text)
        if (text := reader.get("history_file")) and "history_file" not in given:
            self.history_file = _path(text)
        if "supervisord" in parser:
            self.daemon = {
                name: parser["supervisord"][name]
                for name in ("logfile", "pidfile")
                if name in parser["supervisord"]
            }
        for section in parser.sections():
            if section.startswith("ctlplugin:"):
                self._add_plugin(section.partition(":")[2], _Section(parser, section, self.here))

    def _add_plugin(self, name: str, section: _Section) -> None:
        spec = section.get(CTL_FACTORY)
        if spec is None:
            raise Refused(f"section [{section.name}] does not specify a {CTL_FACTORY}")
        try:
            factory = resolve(spec)
        except Exception as error:
            raise Refused(
                f"{spec} cannot be resolved within [{section.name}]: "
                f"{type(error).__name__}: {error}"
            ) from error
        keywords = {key: section.get(key) or "" for key in section.names() if key != CTL_FACTORY}
        self.plugin_factories.append((name, factory, keywords))


class _Section:
    """One section's options, expanded."""

    def __init__(self, parser: RawConfigParser, name: str, here: str) -> None:
        self.name = name
        self._options = parser[name]
        self._here = here

    def names(self) -> list[str]:
        return list(self._options)

    def get(self, option: str) -> str | None:
        """Return an option, or None; raise Refused."""
        text = self._options.get(option)
        return text if text is None or "%" not in text else self.convert(option, self._expand, text)

    def convert(self, option: str, kind: Callable[[str], str], text: str) -> str:
        """Return the text as the kind of value that it is; raise Refused."""
        try:
            return kind(text)
        except ValueError as error:
            raise Refused(f"[{self.name}] {option}: {error}") from None

    def _expand(self, text: str) -> str:
        from supervisor_tx.config.expansion import Names, expand

        names = Names(here=self._here).environment(os.environ)
        return expand(text, names, f"{self.name}.option")


def _parse(path: str) -> RawConfigParser:
    from configparser import Error, RawConfigParser

    parser = RawConfigParser(strict=False, inline_comment_prefixes=(";", "#"))
    try:
        with open(path, encoding="utf-8-sig") as file:
            parser.read_file(file, path)
    except OSError as error:
        raise Refused(f"could not read config file {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Refused(f"could not read config file {path}: not UTF-8: {error}") from None
    except Error as error:
        raise Refused(str(error)) from None
    return parser


def _checked_url(text: str) -> str:
    """Return the URL; which schemes there are is for the connection to say."""
    scheme, found, rest = text.partition("://")
    if not scheme or not found or not rest:
        raise ValueError(f"value {text!r} is not a URL")
    return text


def _url(text: str) -> str:
    """Return the URL; the path of a socket is made absolute, as it is shown."""
    text = _checked_url(text)
    return f"unix://{_path(text[7:])}" if text.startswith("unix://") else text


def _path(text: str) -> str:
    return os.path.abspath(os.path.expanduser(text))


def usage(program: str) -> str:
    """Return the usage text, for a program called by this name."""
    lines = [
        "supervisorctl -- say what the daemon is to do with its programs.",
        "",
        f"Usage: {program} [options] [action [arguments]]",
        "",
        "Options:",
    ]
    for long, letters, argument, explanation in _OPTIONS:
        flags = "/".join([*(f"-{letter}" for letter in letters), f"--{long}"])
        lead = f"{flags}{' ' if argument else ''}{argument} -- "
        lines.append(lead + explanation.replace("\n", "\n" + " " * len(lead)))
    lines += [
        "",
        "Without an action a shell reads actions, one a line. The action help lists them all.",
        "",
    ]
    return "\n".join(lines)


def colorful(when: str) -> bool:
    """Tell whether standard output takes colours (see no-color.org)."""
    if when != "auto":
        return when == "always"
    return (
        not os.environ.get("NO_COLOR")
        and os.environ.get("TERM", "dumb") != "dumb"
        and sys.stdout.isatty()
    )
