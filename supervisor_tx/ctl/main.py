"""The console script ``supervisorctl``."""

from __future__ import annotations

import os
import sys

from supervisor_tx.ctl.options import ClientOptions, Refused, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: The exit status of a program that SIGINT ended, as shells count.
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Do one action, or read actions in a shell; return the exit status."""
    program, *arguments = sys.argv if argv is None else argv
    options = ClientOptions(program)
    try:
        if options.realize(arguments):
            sys.stdout.write(usage(program))
            return 0
    except Refused as error:
        sys.stderr.write(f"Error: {error}\nFor help, use {program} -h\n")
        return 2
    status = 0
    try:
        status = run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough. Nothing more may be written, at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def run(options: ClientOptions) -> int:
    """Do what the options say; return the exit status, which is 0 for a session in the shell."""
    from supervisor_tx.ctl.additions import Additions
    from supervisor_tx.ctl.commands import DefaultControllerPlugin
    from supervisor_tx.ctl.controller import Controller

    options.plugin_factories.insert(0, ("default", DefaultControllerPlugin, {}))
    # Ours come last: a plug-in of somebody else keeps a command that we have invented too.
    options.plugin_factories.append(("supervisor_tx", Additions, {}))
    options.interactive = options.interactive or not options.args
    controller = Controller(options)
    try:
        controller.exec_cmdloop(options.args, options)
    except SystemExit:
        return 0
    return controller.exitstatus if options.args else 0


if __name__ == "__main__":
    sys.exit(main())
