"""The console script ``supervisorctl``."""

from __future__ import annotations

import os
import signal
import sys

from supervisor_tx.ctl.options import ClientOptions, Refused, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Do one action, or read actions in a shell; return the exit status."""
    program, *arguments = sys.argv if argv is None else argv
    _open_missing()
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
        # Whoever runs us shall see that it was a signal; Python would add a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BrokenPipeError:
        # Whoever read our output has enough. Nothing more may be written, at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _open_missing() -> None:
    """Have something to write to, where we were started with descriptors that are closed."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (kept)


def run(options: ClientOptions) -> int:
    """Do what the options say; return the exit status, which is 0 for a session in the shell."""
    from supervisor_tx.ctl.additions import Additions
    from supervisor_tx.ctl.commands import DefaultControllerPlugin
    from supervisor_tx.ctl.controller import Controller, OutputGone

    options.plugin_factories.insert(0, ("default", DefaultControllerPlugin, {}))
    # Ours come last: a plug-in of somebody else keeps a command that we have invented too.
    options.plugin_factories.append(("supervisor_tx", Additions, {}))
    options.interactive = options.interactive or not options.args
    controller = Controller(options)
    try:
        controller.exec_cmdloop(options.args, options)
    except OutputGone:
        pass
    except SystemExit:
        return 0
    return controller.exitstatus if options.args else 0


if __name__ == "__main__":
    sys.exit(main())
