"""
The plugin ``twistd supervisor``: twistd's options around Supervisor's, and the one service.

twistd forks, logs and writes a pid file in ways of its own; Supervisor's users expect theirs. So
this module answers for all of that in ``postOptions``, the one place that twistd calls before it
does any of it: mistakes end there, with status 2 and no traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.python import usage

from supervisor_tx import SUPERVISOR_VERSION, cmdline
from supervisor_tx.boot import ConfigSource, Daemon, prepare
from supervisor_tx.cmdline import Action
from supervisor_tx.config import check, datatypes
from supervisor_tx.config.commandline import CommandLine
from supervisor_tx.config.search import require_config
from supervisor_tx.errors import CannotStart, SupervisorError
from supervisor_tx.profiling import Profiler
from supervisor_tx.supervision.clock import make_time_monotonic
from supervisor_tx.values import fields


class Options(usage.Options):
    """What follows ``twistd supervisor``; the same as for ``supervisord``, but for ``-n``."""

    optParameters: ClassVar[list[list[Any]]] = [
        [option.long, option.short or None, None, option.help.replace("\n", " ")]
        for option in cmdline.OPTIONS
        if option.argument is not None
    ]
    optFlags: ClassVar[list[list[Any]]] = [
        [option.long, option.short or None, option.help.replace("\n", " ")]
        for option in cmdline.OPTIONS
        if option.argument is None
        and option.long != "nodaemon"
        and option.action not in (Action.HELP, Action.VERSION)
    ]
    parent: usage.Options
    daemon: Daemon

    def opt_version(self) -> None:
        """Show the version of Supervisor that this is."""
        print(SUPERVISOR_VERSION)
        sys.exit(0)

    opt_v = opt_version

    def opt_help(self) -> None:
        """Show this text."""
        print(self)
        sys.exit(0)

    opt_h = opt_help

    def postOptions(self) -> None:
        """Prepare the daemon; end the program with status 2 where that is not possible."""
        program = sys.argv[0]
        try:
            # usage.Options says 0 and 1 of a flag
            given = {name: bool(v) if isinstance(v, int) else v for name, v in self.items()}
            called = cmdline.from_texts(given)
            path = require_config(called.configuration, program)
            if called.action is Action.CHECK:
                status, text = check.report(path, overrides=called.commandline)
                print(text, end="", file=sys.stderr if status else sys.stdout)
                sys.exit(status)
            self.daemon = self._prepare(path, called)
        except SupervisorError as error:
            print(cmdline.refusal(f"{program} supervisor", error), end="", file=sys.stderr)
            sys.exit(2)

    def _prepare(self, path: str, called: cmdline.Invocation) -> Daemon:
        from twisted.internet import reactor

        make_time_monotonic(reactor)
        source = ConfigSource(
            path,
            with_twistd_options(called.commandline, self.parent),
            without_pidfile=self.parent["pidfile"] == "" and called.commandline.pidfile is None,
        )
        daemon = prepare(source, reactor)
        if called.profile is not None:
            daemon.at_end.append(Profiler(called.profile).finish)
        settings = daemon.config.supervisord
        ours = {
            "logger": "supervisor_tx.supervision.logs.activitylog.observer",
            "no_save": True,
            "nodaemon": settings.nodaemon,
            "pidfile": "",
            # the user was switched already, before the logs were opened
            "uid": None,
            "gid": None,
            # Supervisor applies these to a daemon only, never in the foreground
            "umask": None if settings.nodaemon else settings.umask,
            "rundir": "." if settings.nodaemon else settings.directory or ".",
        }
        self.parent.update(ours)
        return daemon


setattr(Options, "opt_?", Options.opt_help)


class DaemonService(Service):
    """The daemon, as twistd starts and stops it."""

    name = "supervisor"

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def startService(self) -> None:
        """Start what is to start by itself."""
        super().startService()
        self._daemon.start()

    def stopService(self) -> Deferred[None]:
        """Stop everything; fire when all is down."""
        super().stopService()
        return self._daemon.stop()


def makeService(options: Options) -> DaemonService:
    """Return the daemon that the options have prepared."""
    return DaemonService(options.daemon)


def with_twistd_options(overrides: CommandLine, parent: Mapping[str, Any]) -> CommandLine:
    """
    Take what stands before ``supervisor`` on the command line for what stands behind it.

    twistd has options of its own for the same things; where both are given ours win.
    """
    given: dict[str, Any] = {}
    if parent["nodaemon"] or parent["debug"]:
        given["nodaemon"] = True
    if parent["pidfile"] not in ("", "twistd.pid"):
        given["pidfile"] = _converted("--pidfile", datatypes.existing_dirpath, parent["pidfile"])
    if parent["logfile"] is not None:
        path = "/dev/stdout" if parent["logfile"] == "-" else parent["logfile"]
        given["logfile"] = _converted("--logfile", datatypes.existing_dirpath, path)
    if parent["rundir"] != ".":
        given["directory"] = _converted("--rundir", datatypes.existing_directory, parent["rundir"])
    if parent["umask"] is not None:
        given["umask"] = parent["umask"]
    if parent["uid"] is not None:
        given["user"] = parent["uid"]
    own = {each.name: getattr(overrides, each.name) for each in fields(overrides)}
    return CommandLine(**given | {name: value for name, value in own.items() if value is not None})


def _converted(flag: str, convert: Callable[[str], str], text: str) -> str:
    try:
        return convert(text)
    except ValueError as error:
        raise CannotStart(f"invalid value for {flag} {text!r}: {error}") from None
