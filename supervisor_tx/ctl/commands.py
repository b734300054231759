"""
The commands of Supervisor's client, with its lines and its exit statuses.

Source: Supervisor docs, "Running supervisorctl"; the words were compared with those of its client.
"""

from __future__ import annotations

import errno
import sys

from supervisor_tx.core import namespec
from supervisor_tx.ctl import calls, render
from supervisor_tx.ctl.controller import (
    GENERIC,
    INVALID_ARGS,
    SHUTDOWN_STATE,
    UNKNOWN_METHOD,
)
from supervisor_tx.ctl.controller import INSUFFICIENT_PRIVILEGES as UNAVAILABLE
from supervisor_tx.ctl.controller import NOT_RUNNING as NO_PROCESS
from supervisor_tx.ctl.controller import UNIMPLEMENTED_FEATURE as SOME_DOWN
from supervisor_tx.ctl.helps import HELP
from supervisor_tx.ctl.options import colorful
from supervisor_tx.ctl.plugin import ControllerPluginBase
from supervisor_tx.ctl.render import (
    ALREADY_STARTED,
    BAD_NAME,
    FAILED,
    NO_FILE,
    NOT_RUNNING,
    OUTCOMES,
)
from supervisor_tx.ctl.selection import expanded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Final

    Info = dict[str, Any]

ALREADY_ADDED: Final = 90
STILL_RUNNING: Final = 91
CANT_REREAD: Final = 92

#: No fault: an order that was not carried out in the time it was given.
OVERDUE: Final = -1

#: How each order is given to one process, to a group, to all.
METHODS: Final[Mapping[str, tuple[str, str | None, str]]] = {
    "start": ("startProcess", "startProcessGroup", "startAllProcesses"),
    "stop": ("stopProcess", "stopProcessGroup", "stopAllProcesses"),
    "signal": ("signalProcess", "signalProcessGroup", "signalAllProcesses"),
    "clear": ("clearProcessLogs", None, "clearAllProcessLogs"),
}

#: How much of a log is shown unless told: bytes.
_TAIL: Final = 1600

FOLLOWING: Final = "==> Press Ctrl-C to exit <=="


class DefaultControllerPlugin(ControllerPluginBase):
    """All that Supervisor's client can do; other plug-ins borrow from it."""

    name = "default"
    #: words such as ``--json`` are not arguments of its commands
    takes_modes = True

    # Help

    def do_help(self, arg: str) -> None:
        if arg in HELP:
            self._explain(arg)
        elif not arg or not any(
            hasattr(plugin, f"help_{arg}")
            for plugin in self.ctl.options.plugins
            if getattr(plugin, "built_in", False)
        ):
            super().do_help(arg)

    def _explain(self, command: str) -> None:
        for line in HELP[command]:
            self.ctl.output(line)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Find ``help_<command>``."""
        command = name.removeprefix("help_")
        if command == name or command not in HELP:
            raise AttributeError(name)
        return lambda: self._explain(command)

    def _usage(self, command: str, complaint: str, status: int = GENERIC) -> None:
        self.ctl.output(complaint)
        self.ctl.exitstatus = status
        self._explain(command)

    def _accepts_nothing(self, command: str, arg: str) -> bool:
        """Tell whether there was no argument; complain about one."""
        if arg:
            self._usage(command, f"Error: {command} accepts no arguments")
        return not arg

    # Results as text, also for other plug-ins

    def _startresult(self, result: Mapping[str, Any]) -> str:
        return render.outcome("start", result, "started")[0]

    def _stopresult(self, result: Mapping[str, Any]) -> str:
        return render.outcome("stop", result, "stopped")[0]

    def _signalresult(self, result: Mapping[str, Any], success: str = "signalled") -> str:
        return render.outcome("signal", result, success)[0]

    def _clearresult(self, result: Mapping[str, Any]) -> str:
        return render.outcome("clear", result, "cleared")[0]

    def _show_statuses(self, process_infos: Iterable[Info]) -> None:
        infos = list(process_infos)
        lines = render.statuses(infos, color=colorful(self.ctl.options.color))
        for info, line in zip(infos, lines, strict=True):
            self.ctl.tell(line, info)
            if render.is_down(info):
                self.ctl.exitstatus = SOME_DOWN

    # What there is

    def do_status(self, arg: str) -> None:
        if not self.ctl.upcheck():
            self.ctl.exitstatus = UNAVAILABLE
            return
        supervisor = self.ctl.get_supervisor()
        words = arg.split()
        everything: list[Info] = []
        if not words or "all" in words or any(":" in word or "*" in word for word in words):
            everything = supervisor.getAllProcessInfo()
        if not words or "all" in words:
            self._show_statuses(everything)
            return
        shown: list[Info] = []
        for word in expanded(words, lambda: everything or supervisor.getAllProcessInfo()):
            group, process = namespec.split(word)
            if process is None:
                members = [info for info in everything if info["group"] == group]
                if not members:
                    self._complain(group, None, "no such group", UNAVAILABLE)
                shown += members
                continue
            try:
                shown.append(supervisor.getProcessInfo(word))
            except calls.Fault as fault:
                if fault.faultCode != BAD_NAME:
                    raise
                self._complain(group, process, "no such process", UNAVAILABLE, word)
        self._show_statuses(shown)

    def _complain(
        self, group: str, process: str | None, what: str, status: int, name: str | None = None
    ) -> None:
        """Say that a word means nothing."""
        record = {"group": group, "name": process, "ok": False, "outcome": what}
        self.ctl.tell(f"{name or group}: ERROR ({what})", record)
        self.ctl.exitstatus = status

    def do_pid(self, arg: str) -> None:
        supervisor = self.ctl.get_supervisor()
        if not self.ctl.upcheck():
            return
        words = arg.split()
        if not words:
            pid = supervisor.getPID()
            self.ctl.tell(str(pid), {"name": None, "pid": pid})
            return
        if "all" in words:
            for info in supervisor.getAllProcessInfo():
                self._tell_pid(info)
            return
        for word in expanded(words, supervisor.getAllProcessInfo):
            try:
                info = supervisor.getProcessInfo(word)
            except calls.Fault as fault:
                if fault.faultCode != BAD_NAME:
                    raise
                record = {"name": word, "ok": False, "outcome": "no such process"}
                self.ctl.tell(f"No such process {word}", record)
                self.ctl.exitstatus = GENERIC
                continue
            self._tell_pid(info)
            if info["pid"] == 0:
                self.ctl.exitstatus = NO_PROCESS

    def _tell_pid(self, info: Info) -> None:
        record = {"name": info["name"], "group": info["group"], "pid": info["pid"]}
        self.ctl.tell(str(info["pid"]), record)

    def do_version(self, arg: str) -> None:
        if not self._accepts_nothing("version", arg) or not self.ctl.upcheck():
            return
        version = self.ctl.get_supervisor().getSupervisorVersion()
        self.ctl.tell(version, {"version": version})

    def do_avail(self, arg: str) -> None:
        if not self._accepts_nothing("avail", arg):
            return
        try:
            configs = self.ctl.get_supervisor().getAllConfigInfo()
        except calls.Fault as fault:
            if fault.faultCode != SHUTDOWN_STATE:
                raise
            self._refused("supervisor shutting down")
            return
        for config in configs:
            self.ctl.tell(render.available(config), config)

    def _refused(self, text: str, status: int = GENERIC) -> None:
        self.ctl.output(f"ERROR: {text}")
        self.ctl.exitstatus = status

    # Orders

    def do_start(self, arg: str) -> None:
        if self._ready("start", arg, "a process name", INVALID_ARGS):
            more, success = ((), "started") if self.ctl.modes.wait else ((False,), "starting")
            self._give("start", arg.split(), more, success, INVALID_ARGS)

    def do_stop(self, arg: str) -> None:
        if self._ready("stop", arg, "a process name"):
            more, success = ((), "stopped") if self.ctl.modes.wait else ((False,), "stopping")
            self._give("stop", arg.split(), more, success)

    def do_restart(self, arg: str) -> None:
        if self._ready("restart", arg, "a process name"):
            modes = self.ctl.modes
            self.ctl.modes = modes.copy()
            self.ctl.modes.wait = True  # what still stops cannot be started
            self.do_stop(arg)
            self.ctl.modes = modes
            self.do_start(arg)

    def do_signal(self, arg: str) -> None:
        words = arg.split()
        if self._ready("signal", " ".join(words[1:]), "a signal name and a process name"):
            self._give("signal", words[1:], (words[0],), "signalled")

    def do_clear(self, arg: str) -> None:
        if self._ready("clear", arg, "a process name"):
            self._give("clear", arg.split(), (), "cleared")

    def _ready(self, order: str, arg: str, needs: str, status: int = GENERIC) -> bool:
        """Tell whether an order can be given: to whom, and through whom."""
        if not self.ctl.upcheck():
            return False
        if not arg:
            self._usage(order, f"Error: {order} requires {needs}", status)
        return bool(arg)

    def _give(
        self,
        order: str,
        words: list[str],
        more: tuple[Any, ...],
        success: str,
        unknown_group: int = GENERIC,
    ) -> None:
        """Give an order to what each word means, one after the other, and tell the results."""
        one, group_method, everything = METHODS[order]
        supervisor = self.ctl.get_supervisor()
        words = expanded(words, supervisor.getAllProcessInfo)
        if "all" in words:
            self._tell(order, self._call(order, None, None, everything, *more), success)
            return
        for word in words:
            group, process = namespec.split(word)
            whole = process is None and group_method is not None
            try:
                if whole:
                    results = self._call(order, group, None, group_method, group, *more)
                else:
                    results = self._call(order, group, process, one, word, *more)
            except calls.Fault as fault:
                if whole and fault.faultCode == BAD_NAME:
                    self._complain(group, None, "no such group", unknown_group)
                    continue
                known = fault.faultCode in OUTCOMES[order] or fault.faultCode == FAILED
                if not known or (fault.faultCode == FAILED and order == "start"):
                    raise
                results = [_result(group, process, fault.faultCode, fault.faultString)]
            self._tell(order, results, success)

    def _call(
        self, order: str, group: str | None, process: str | None, method: str | None, *args: Any
    ) -> list[Info]:
        """Call a method that gives an order; return its results as a list, also for one process."""
        seconds = self.ctl.modes.timeout if order in ("start", "stop") else None
        try:
            with self.ctl.patience(seconds):
                answer = getattr(self.ctl.get_supervisor(), str(method))(*args)
        except TimeoutError:
            if seconds is None:
                raise
            return self._overdue(order, group, process, seconds)
        if isinstance(answer, list):
            return answer
        return [_result(group, process, render.SUCCESS, "OK")]

    def _overdue(
        self, order: str, group: str | None, process: str | None, seconds: float
    ) -> list[Info]:
        """Return how far an order came that we waited for long enough."""
        results = []
        for info in self.ctl.get_supervisor().getAllProcessInfo():
            if group not in (None, info["group"]) or process not in (None, info["name"]):
                continue
            done = info["statename"] == "RUNNING" if order == "start" else render.is_down(info)
            code = render.SUCCESS if done else OVERDUE
            text = f"still {info['statename']} after {seconds:g} s"
            results.append(_result(info["group"], info["name"], code, text))
        return results

    def _tell(self, order: str, results: Iterable[Info], success: str) -> None:
        for result in results:
            line, record = render.outcome(order, result, success)
            self.ctl.tell(line, record)
            ignored = {"start": ALREADY_STARTED, "stop": NOT_RUNNING}.get(order)
            self.ctl.set_exitstatus_from_xmlrpc_fault(result["status"], ignored)

    # What is active

    def do_reread(self, arg: str) -> None:
        if not self._accepts_nothing("reread", arg):
            return
        try:
            result = self.ctl.get_supervisor().reloadConfig()[0]
        except calls.Fault as fault:
            if fault.faultCode == SHUTDOWN_STATE:
                self._refused("supervisor shutting down")
            elif fault.faultCode == CANT_REREAD:
                self._refused(fault.faultString)
            else:
                raise
            return
        found = render.changes(result)
        for name, change in found:
            self.ctl.tell(f"{name}: {change}", {"group": name, "change": change})
        if not found:
            self.ctl.output("No config updates to processes")

    def do_add(self, arg: str) -> None:
        supervisor = self.ctl.get_supervisor()
        for name in arg.split():
            try:
                supervisor.addProcessGroup(name)
            except calls.Fault as fault:
                if fault.faultCode == SHUTDOWN_STATE:
                    self._refused("shutting down")
                elif fault.faultCode == ALREADY_ADDED:
                    self._refused("process group already active", self.ctl.exitstatus)
                elif fault.faultCode == BAD_NAME:
                    self._refused(f"no such process/group: {name}")
                else:
                    raise
            else:
                self._tell_group(name, "added process group")

    def do_remove(self, arg: str) -> None:
        supervisor = self.ctl.get_supervisor()
        for name in arg.split():
            try:
                supervisor.removeProcessGroup(name)
            except calls.Fault as fault:
                if fault.faultCode == STILL_RUNNING:
                    self._refused(f"process/group still running: {name}")
                elif fault.faultCode == BAD_NAME:
                    self._refused(f"no such process/group: {name}")
                else:
                    raise
            else:
                self._tell_group(name, "removed process group")

    def _tell_group(self, name: str, what: str) -> None:
        self.ctl.tell(f"{name}: {what}", {"group": name, "outcome": what})

    def do_update(self, arg: str) -> None:
        supervisor = self.ctl.get_supervisor()
        if not arg.split() and self._updates_minimally():
            return
        try:
            added, changed, removed = supervisor.reloadConfig()[0]
        except calls.Fault as fault:
            if fault.faultCode != SHUTDOWN_STATE:
                raise
            self._refused("already shutting down")
            return
        wanted = set(arg.split())
        if "all" in wanted:
            wanted.clear()
        if wanted:
            known = {info["group"] for info in supervisor.getAllProcessInfo()} | set(added)
            for name in sorted(wanted - known):
                self._refused(f"no such group: {name}")
        for name in removed:
            if not wanted or name in wanted:
                self._drop(name)
        for name in changed:
            if not wanted or name in wanted:
                supervisor.stopProcessGroup(name)
                self._tell_group(name, "stopped")
                supervisor.removeProcessGroup(name)
                supervisor.addProcessGroup(name)
                self._tell_group(name, "updated process group")
        for name in added:
            if not wanted or name in wanted:
                supervisor.addProcessGroup(name)
                self._tell_group(name, "added process group")

    def _updates_minimally(self) -> bool:
        """Have the daemon apply only what changed, where its configuration wants that."""
        ours = self.ctl.get_server_proxy("supervisor_tx")
        try:
            if ours.getUpdateMode() != "minimal":
                return False
        except calls.Fault as fault:
            if fault.faultCode not in (UNKNOWN_METHOD, SHUTDOWN_STATE):
                raise
            return False
        from supervisor_tx.ctl import plan

        for step in ours.update():
            self.ctl.tell(plan.done(step), step)
            if step["problem"]:
                self.ctl.exitstatus = GENERIC
        return True

    def _drop(self, name: str) -> None:
        """Stop a group that is not configured any more, and take it out."""
        supervisor = self.ctl.get_supervisor()
        results = supervisor.stopProcessGroup(name)
        self._tell_group(name, "stopped")
        if any(result["status"] == FAILED for result in results):
            self._tell_group(name, "has problems; not removing")
            self.ctl.exitstatus = GENERIC
            return
        supervisor.removeProcessGroup(name)
        self._tell_group(name, "removed process group")

    # The daemon as a whole

    def do_shutdown(self, arg: str) -> None:
        if not self._accepts_nothing("shutdown", arg) or not self._sure("shut", "process down"):
            return
        url = self.ctl.options.serverurl
        try:
            self.ctl.get_supervisor().shutdown()
        except calls.Fault as fault:
            if fault.faultCode != SHUTDOWN_STATE:
                raise
            self._refused("already shutting down", self.ctl.exitstatus)
        except OSError as error:
            if error.errno == errno.ECONNREFUSED:
                self._refused(f"{url} refused connection (already shut down?)")
            elif error.errno == errno.ENOENT:
                self._refused(f"{url} no such file (already shut down?)")
            else:
                raise
            self.ctl.diagnose(error)
        else:
            self.ctl.tell("Shut down", {"outcome": "shut down"})

    def do_reload(self, arg: str) -> None:
        if not self._accepts_nothing("reload", arg) or not self._sure("restart", "process"):
            return
        try:
            self.ctl.get_supervisor().restart()
        except calls.Fault as fault:
            if fault.faultCode == SHUTDOWN_STATE:
                self._refused("already shutting down")
            elif fault.faultCode == CANT_REREAD:
                self._refused(fault.faultString)
            else:
                raise
        else:
            self.ctl.tell("Restarted supervisord", {"outcome": "restarted"})

    def _sure(self, verb: str, rest: str) -> bool:
        """Ask whether that is meant, where there is somebody to ask."""
        if not self.ctl.options.interactive:
            return True
        answer = self.ctl.lines.ask(f"Really {verb} the remote supervisord {rest} y/N? ")
        return answer.lower().startswith("y")

    def do_open(self, arg: str) -> None:
        url = arg.strip()
        if not url.startswith(("http://", "unix://")):
            self._refused("url must be http:// or unix://")
            return
        self.ctl.options.serverurl = url
        status = self.ctl.exitstatus
        self.do_status("")
        self.ctl.exitstatus = status

    # Logs

    def do_tail(self, arg: str) -> None:
        if not self.ctl.upcheck():
            return
        words = arg.split()
        if not words:
            self._usage("tail", "Error: too few arguments")
            return
        if len(words) > 3:
            self._usage("tail", "Error: too many arguments")
            return
        modifier = words.pop(0) if words[0].startswith("-") else None
        channel = "stdout"
        if len(words) > 1:
            channel = words.pop().lower()
            if channel not in ("stdout", "stderr"):
                self._erred(f"bad channel {channel!r}")
                return
        if not words:
            self._erred("tail requires process name")
            return
        name = words[0]
        length = 0 if modifier == "-f" else _length(modifier)
        if length is None:
            self._erred(f"bad argument {modifier}")
            return
        self._warn_of_encoding()
        if modifier == "-f":
            self._follow(f"/logtail/{name}/{channel}")
            return
        supervisor = self.ctl.get_supervisor()
        read = getattr(supervisor, f"readProcess{channel.capitalize()}Log")
        self._show_log(name, {"name": name, "channel": channel}, lambda: read(name, -length, 0))

    def do_maintail(self, arg: str) -> None:
        if not self.ctl.upcheck():
            return
        words = arg.split()
        if len(words) > 1:
            self._usage("maintail", "Error: too many arguments")
            return
        modifier = words[0] if words else None
        if modifier == "-f":
            self._follow("/mainlogtail")
            return
        length = _length(modifier)
        if length is None:
            self._erred(f"bad argument {modifier}")
            return
        read = self.ctl.get_supervisor().readLog
        self._show_log("supervisord", {"name": None}, lambda: read(-length, 0))

    def _warn_of_encoding(self) -> None:
        """Say that not every text can be shown, where that is so."""
        encoding = self.ctl.stdout.encoding
        if not encoding.lower().startswith("utf"):
            self.ctl.output(
                f"Warning: sys.stdout.encoding is set to {encoding}, so Unicode output may fail. "
                "Check your LANG and PYTHONIOENCODING environment settings."
            )

    def _erred(self, text: str) -> None:
        self.ctl.output(f"Error: {text}")
        self.ctl.exitstatus = GENERIC

    def _show_log(self, name: str, record: Mapping[str, Any], read: Callable[[], str]) -> None:
        try:
            text = read()
        except calls.Fault as fault:
            said = {
                NO_FILE: "no log file",
                FAILED: "unknown error reading log",
                BAD_NAME: "no such process name",
            }.get(fault.faultCode)
            if said is None:
                raise
            outcome = {**record, "ok": False, "outcome": said}
            self.ctl.tell(f"{name}: ERROR ({said})", outcome)
            self.ctl.exitstatus = GENERIC
        else:
            self.ctl.tell(text, {**record, "text": text})

    def _follow(self, path: str) -> None:
        """Print a log as it grows, until Ctrl-C."""
        if self._shows_json():
            return
        from supervisor_tx.ctl.follow import follow

        self.ctl.output(FOLLOWING)
        self.ctl.stdout.flush()
        follow(self.ctl, path)

    def do_fg(self, arg: str) -> None:
        if not self.ctl.upcheck():
            return
        words = arg.split()
        if not words:
            self._usage("fg", "ERROR: no process name supplied")
            return
        if len(words) > 1:
            self._refused("too many process names supplied")
            return
        name = words[0]
        try:
            info = self.ctl.get_supervisor().getProcessInfo(name)
        except calls.Fault as fault:
            if fault.faultCode != BAD_NAME:
                self._refused(str(fault))
                return
            self._refused("bad process name supplied")
            return
        if info["statename"] != "RUNNING":
            self._refused("process not running")
            return
        if self._shows_json():
            return
        from supervisor_tx.ctl.follow import foreground

        self.ctl.output(FOLLOWING)
        self.ctl.stdout.flush()
        foreground(self.ctl, name)

    def _shows_json(self) -> bool:
        """Tell whether a document is asked for, and complain, where there would be no end to it."""
        if self.ctl.modes.json:
            self._refused("this has no end, and no JSON document", INVALID_ARGS)
        return self.ctl.modes.json

    # The shell

    def do_exit(self, _: str) -> None:
        self.ctl.output("")
        sys.exit(0)

    def do_quit(self, arg: str) -> None:
        self.do_exit(arg)


def _result(group: str | None, process: str | None, status: int, description: str) -> Info:
    return {"group": group, "name": process, "status": status, "description": description}


def _length(modifier: str | None) -> int | None:
    """Return how many bytes a word such as ``-100`` asks for; None: it is no such word."""
    if modifier is None:
        return _TAIL
    try:
        return int(modifier[1:]) if modifier.startswith("-") else None
    except ValueError:
        return None
