"""
``pidproxy``: run a command that leaves a daemon behind, and pass signals on to that daemon.

For programs that insist on going to the background and write a pid file: supervisord runs and
signals the proxy; the proxy runs the command, and sends each signal that it gets to the process
that the pid file names at that moment.

All signals of interest are blocked and taken with sigwait, one after the other: nothing
interrupts anything, and nothing has to be polled.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Final

#: After these the proxy has nothing left to do.
_LAST: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
_PASSED_ON: Final = _LAST | {signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2}


def main() -> int:
    """Run the proxy; return its exit status."""
    if len(sys.argv) < 3:
        print(_USAGE.format(program=sys.argv[0]))
        return 1
    pidfile, command = sys.argv[1], sys.argv[2:]
    # with the default action some systems drop it before sigwait can see it
    signal.signal(signal.SIGCHLD, lambda *_: None)
    waited_for = _PASSED_ON | {signal.SIGCHLD}
    old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, waited_for)
    try:
        pid = os.posix_spawn(os.path.abspath(command[0]), command, os.environ, setsigmask=old_mask)
    except OSError as error:
        _say(f"Can't run {command[0]}: {error.strerror}")
        return 127
    while True:
        number = signal.sigwait(waited_for)
        if number == signal.SIGCHLD:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return 0
            continue
        _pass_on(pidfile, number)
        if number in _LAST:
            return 0


def _pass_on(pidfile: str, number: int) -> None:
    try:
        with open(pidfile, encoding="ascii", errors="replace") as file:
            pid = int(file.read().strip())
        if pid <= 0:
            raise ValueError("would be a whole process group, or everybody")
    except (OSError, ValueError):
        _say(f"Can't read child pidfile {pidfile}!")
        return
    try:
        os.kill(pid, number)
    except (OSError, OverflowError) as error:
        _say(f"Can't signal process {pid} of {pidfile}: {error}")


def _say(text: str) -> None:
    print(text, flush=True)


_USAGE: Final = """\
pidproxy -- run a command, and pass signals on to the process that its pid file names.

For a program that goes to the background by itself: let supervisord run pidproxy, and pidproxy run
the program. The signals TERM, INT, QUIT, HUP, USR1 and USR2 are passed on.

Usage: {program} <pid file> <command> [<argument> ...]
"""

if __name__ == "__main__":
    sys.exit(main())
