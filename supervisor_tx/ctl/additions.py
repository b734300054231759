"""The commands that Supervisor's client does not have."""

from __future__ import annotations

from supervisor_tx.ctl import calls
from supervisor_tx.ctl.controller import GENERIC, INVALID_ARGS, SHUTDOWN_STATE, UNKNOWN_METHOD
from supervisor_tx.ctl.controller import INSUFFICIENT_PRIVILEGES as UNAVAILABLE
from supervisor_tx.ctl.controller import UNIMPLEMENTED_FEATURE as SOME_DOWN
from supervisor_tx.ctl.plugin import ControllerPluginBase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

_CANT_REREAD: Final = 92
_BAD_NAME: Final = 10

HELP: Final = {
    "completion": (
        "completion bash|zsh|fish\tPrint a script that makes a shell complete actions and names",
    ),
    "events": (
        "events [<pool> ...]\tSay how event listeners keep up: what waits, what is in hand",
    ),
    "plan": ("plan\t\t\tSay what an update would do, and why; do nothing",),
    "watch": (
        "watch [-n <seconds>] [<name> ...]\tShow the status again and again",
        "\t\t\t\t\tCtrl-C ends that",
    ),
    "why": ("why <name> [...]\tSay how a process ended, and what it said last",),
}


class Additions(ControllerPluginBase):
    """What is new; plug-ins that have a command of the same name go before it."""

    takes_modes = True
    built_in = True

    def do_help(self, arg: str) -> None:
        if not arg:
            super().do_help(arg)
        elif arg in HELP:
            self._explain(arg)

    def _explain(self, command: str) -> None:
        for line in HELP[command]:
            self.ctl.output(line)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Find ``help_<command>``."""
        command = name.removeprefix("help_")
        if command == name or command not in HELP:
            raise AttributeError(name)
        return lambda: self._explain(command)

    def _err(self, text: str, status: int = GENERIC) -> None:
        self.ctl.output(text)
        self.ctl.exitstatus = status

    def do_why(self, arg: str) -> None:
        if not self.ctl.upcheck():
            self.ctl.exitstatus = UNAVAILABLE
            return
        words = arg.split()
        if not words:
            self._err("Error: why requires a process name", INVALID_ARGS)
            self._explain("why")
            return
        from supervisor_tx.ctl import why
        from supervisor_tx.ctl.render import is_down
        from supervisor_tx.ctl.selection import expanded

        supervisor = self.ctl.get_supervisor()
        names = why.members(expanded(words, supervisor.getAllProcessInfo), supervisor)
        for number, name in enumerate(names):
            try:
                info = supervisor.getProcessInfo(name)
            except calls.Fault as fault:
                if fault.faultCode != _BAD_NAME:
                    raise
                self._err(f"{name}: ERROR (no such process)", UNAVAILABLE)
                continue
            channel, text = why.last_words(supervisor, name, info)
            lines = why.lines(info, channel, text)
            blank = "\n" if number else ""
            self.ctl.tell(
                blank + "\n".join(lines), {**info, "last_words": text, "last_words_of": channel}
            )
            if is_down(info):
                self.ctl.exitstatus = SOME_DOWN

    def do_events(self, arg: str) -> None:
        if not self.ctl.upcheck():
            self.ctl.exitstatus = UNAVAILABLE
            return
        from supervisor_tx.ctl import events

        try:
            found: list[dict[str, Any]] = self.ctl.get_server_proxy("supervisor_tx").getEventStats()
        except calls.Fault as fault:
            if fault.faultCode == UNKNOWN_METHOD:
                self._err(
                    "ERROR: this daemon does not tell how event listeners keep up (it is not "
                    "supervisor_tx)"
                )
            elif fault.faultCode == SHUTDOWN_STATE:
                self._err("ERROR: supervisor shutting down")
            else:
                raise
            return
        pools, unknown = events.chosen(found, arg.split())
        for name in unknown:
            self._err(f"{name}: ERROR (no such pool of event listeners)")
        if self.ctl.modes.json:
            for pool in pools:
                self.ctl.tell("", pool)
        elif pools:
            self.ctl.output("\n".join(events.lines(pools)))
        elif not unknown:
            self.ctl.output("There are no event listeners")

    def do_plan(self, arg: str) -> None:
        if arg:
            self._err("Error: plan accepts no arguments", INVALID_ARGS)
            self._explain("plan")
            return
        from supervisor_tx.ctl import plan

        try:
            steps: list[dict[str, Any]] = self.ctl.get_server_proxy("supervisor_tx").update(True)
        except calls.Fault as fault:
            if fault.faultCode == UNKNOWN_METHOD:
                self._err(
                    "ERROR: this daemon has no plans (it is not supervisor_tx); "
                    "reread says which groups have changed"
                )
            elif fault.faultCode == SHUTDOWN_STATE:
                self._err("ERROR: supervisor shutting down")
            elif fault.faultCode == _CANT_REREAD:
                self._err(f"ERROR: {fault.faultString}")
            else:
                raise
            return
        for step in steps:
            self.ctl.tell("\n".join(plan.planned(step)), step)
        if not steps:
            self.ctl.output("Nothing to do")

    def do_watch(self, arg: str) -> None:
        if not self.ctl.upcheck():
            self.ctl.exitstatus = UNAVAILABLE
            return
        from supervisor_tx.ctl import watch

        try:
            seconds, names = watch.arguments(arg.split())
        except ValueError as error:
            self._err(f"Error: {error}", INVALID_ARGS)
            self._explain("watch")
            return
        if not self.ctl.stdout.isatty() or self.ctl.modes.json:
            self.ctl.options.plugins[0].do_status(" ".join(names))
            return
        watch.watch(self.ctl, seconds, names)

    def do_completion(self, arg: str) -> None:
        from supervisor_tx.ctl import shells

        if arg == "names":  # what the scripts ask for
            shells.print_names(self.ctl)
        elif arg == "groups":
            shells.print_groups(self.ctl)
        elif arg in shells.SHELLS:
            self.ctl.output(shells.script(arg, self.ctl.vocab).removesuffix("\n"))
        else:
            self._err("Error: completion requires the name of a shell", INVALID_ARGS)
            self._explain("completion")
