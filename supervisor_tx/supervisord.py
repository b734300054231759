"""
The console script ``supervisord``: Supervisor's command line around our daemon.

Nothing heavy is imported before it is needed: mistakes on the command line and in the configuration
are answered without Twisted, and TLS is kept out of the reactor's import (it would cost a third of
the memory of a small daemon, and is not used). The garbage collector stays off from here until all
is started: nearly all that the start makes stays, and there is nothing to be found in it.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager

TYPE_CHECKING = False  # typing takes time, too
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from supervisor_tx import cmdline


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; return the exit status."""
    gc.disable()
    from supervisor_tx import SUPERVISOR_VERSION, cmdline
    from supervisor_tx.cmdline import Action
    from supervisor_tx.errors import SupervisorError

    program, *arguments = sys.argv if argv is None else argv
    _fill_standard_descriptors()
    try:
        called = cmdline.parse(arguments)
        match called.action:
            case Action.HELP:
                print(cmdline.usage(program), end="")
                return 0
            case Action.VERSION:
                print(SUPERVISOR_VERSION)
                return 0
            case Action.CHECK:
                return _check(program, called)
            case Action.RUN:
                return _run(program, called)
    except SupervisorError as error:
        print(cmdline.refusal(program, error), end="", file=sys.stderr)
        return 2


def _fill_standard_descriptors() -> None:
    """Let nothing of ours become descriptor 0, 1 or 2 where we were started without."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.dup(descriptor)
    os.close(descriptor)


def _check(program: str, called: cmdline.Invocation) -> int:
    from supervisor_tx.config import check
    from supervisor_tx.config.search import require_config

    path = require_config(called.configuration, program)
    status, text = check.report(path, overrides=called.commandline)
    print(text, end="", file=sys.stderr if status else sys.stdout)
    return status


def _run(program: str, called: cmdline.Invocation) -> int:
    from supervisor_tx.config.search import require_config

    path = require_config(called.configuration, program)
    with _lean_imports():
        from twisted.internet import reactor
        from twisted.logger import globalLogBeginner

        from supervisor_tx.boot import ConfigSource, prepare
        from supervisor_tx.supervision.background import daemonize
        from supervisor_tx.supervision.clock import make_time_monotonic

    make_time_monotonic(reactor)
    finish = _profiled(called.profile)
    daemon = prepare(ConfigSource(path, called.commandline), reactor)
    # Our observer hears of everything, also what was said so far; standard output stays as it is.
    globalLogBeginner.beginLoggingTo([daemon.log], redirectStandardIO=False)
    daemon.log.take_over()
    daemon.at_end.append(finish)
    if not daemon.config.supervisord.nodaemon:
        daemonize(reactor, daemon.config.supervisord)
    daemon.start()
    running: Any = reactor
    running.callWhenRunning(_collect_from_now_on)  # when the daemon has started what it starts
    running.addSystemEventTrigger("before", "shutdown", daemon.stop)
    running.run()
    return 0


def _profiled(options: cmdline.Profile | None) -> Callable[[], None]:
    """Begin to profile, if that is asked for; return what is to be called at the end."""
    if options is None:
        return lambda: None
    from supervisor_tx.profiling import Profiler

    return Profiler(options).finish


@contextmanager
def _lean_imports() -> Iterator[None]:
    """
    Import Twisted without OpenSSL.

    The reactor imports TLS if it can, 12 MiB that no small daemon uses.
    """
    kept_out = "OpenSSL" not in sys.modules
    if kept_out:
        sys.modules["OpenSSL"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if kept_out:
            del sys.modules["OpenSSL"]


def _collect_from_now_on() -> None:
    """Collect garbage, but do not look for it in what was made until now."""
    gc.freeze()
    gc.enable()
