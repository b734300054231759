"""What is told of a process, and of what is configured."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping

from supervisor_tx.config.model import AUTO, Config, GroupConfig, LogConfig, ProcessConfig
from supervisor_tx.core.lifecycle import AutoRestart, Waited
from supervisor_tx.core.states import ProcessState, SupervisorState
from supervisor_tx.supervision.group import ProcessGroup
from supervisor_tx.supervision.process import STDERR, STDOUT, SupervisedProcess
from supervisor_tx.values import frozen


@frozen
class ProcessInfo:
    """
    What is known of one process, at the moment of asking.

    Times are whole seconds since the epoch, 0 for never. What is about its end is about the end of
    its last run, so for a process that runs that of the run before, and stays until the next.
    """

    name: str
    group: str
    state: ProcessState
    #: 0: there is none
    pid: int
    start: int
    stop: int
    #: why the last start failed, or a bad exit; empty: nothing of the kind
    spawnerr: str
    #: the exit code, -1 for a signal; 0 while it runs and where the last end was too early
    exitstatus: int
    #: empty: it has none
    stdout_logfile: str
    stderr_logfile: str
    #: Supervisor's words for the state; of a running process without the time that it is up
    description: str
    #: exit code of the last end; -1 where there was none: a signal, a failed start, never ended
    exit_code: int
    #: number of the signal that ended it; 0 where none did
    exit_signal: int
    #: it ended by itself after startsecs with one of exitcodes, or was stopped and exited so
    exit_expected: bool
    #: one of the words of :mod:`supervisor_tx.supervision.ending`
    exit_cause: str
    #: who asked for the stop that ended it; empty where nobody did
    exit_by: str
    #: failed starts in a row
    tries: int
    #: when it will be started again by itself; 0: it will not, as things are
    next_try: int


@frozen
class DaemonInfo:
    """What is known of the daemon, at the moment of asking."""

    state: SupervisorState
    pid: int
    #: seconds since the epoch
    started: float
    #: whole seconds, whatever became of the clock
    uptime: int
    #: what it runs by
    config: Config


def describe(process: SupervisedProcess) -> ProcessInfo:
    """Tell what is known of a process."""
    last = process.last_end
    return ProcessInfo(
        name=process.name,
        group=process.group,
        state=process.state,
        pid=process.pid or 0,
        start=int(process.laststart),
        stop=int(process.laststop),
        spawnerr=process.spawnerr or "",
        exitstatus=process.exitstatus or 0,
        stdout_logfile=process.logfile(STDOUT) or "",
        stderr_logfile=process.logfile(STDERR) or "",
        description=_description(process),
        exit_code=-1 if last.code is None else last.code,
        exit_signal=last.signal or 0,
        exit_expected=last.expected,
        exit_cause=last.cause,
        exit_by=last.by,
        tries=process.life.retries,
        next_try=_next_try(process),
    )


def uptime(seconds: int) -> str:
    """Return ``0:00:05``, ``1 day, 2:03:04``; never less than nothing."""
    days, rest = divmod(max(0, seconds), 86400)
    clock = f"{rest // 3600}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    if not days:
        return clock
    return f"{days} day{'' if days == 1 else 's'}, {clock}"


def _description(process: SupervisedProcess) -> str:
    match process.state:
        case ProcessState.RUNNING:
            return f"pid {process.pid}, uptime "
        case ProcessState.FATAL | ProcessState.BACKOFF:
            return process.spawnerr or f'unknown error (try "tail {process.name}")'
        case ProcessState.STOPPED | ProcessState.EXITED:
            if not process.laststart:
                return "Not started"
            return time.strftime("%b %d %I:%M %p", time.localtime(process.laststop))
        case _:
            return ""


def _next_try(process: SupervisedProcess) -> int:
    if process.timer is None or not isinstance(process.then, Waited):
        return 0
    left = process.timer.getTime() - process.clock.seconds()
    return math.ceil(process.now() + max(0.0, left))


ConfigInfo = Mapping[str, str | int | bool | list[int]]


def config_info(
    configured: Iterable[GroupConfig], active: Mapping[str, ProcessGroup]
) -> list[ConfigInfo]:
    """
    Return Supervisor's struct for each configured process, sorted by its name.

    ``none`` stands for what is not set. An AUTO log is ``auto``, except where what is configured is
    the very thing that is active: then its path is known.
    """
    return sorted(_config_infos(configured, active), key=lambda each: str(each["name"]))


def _config_infos(
    configured: Iterable[GroupConfig], active: Mapping[str, ProcessGroup]
) -> Iterator[ConfigInfo]:
    for group in configured:
        running = active.get(group.name)
        same = running is not None and running.config is group
        for config in group.processes:
            process = running.processes.get(config.name) if same and running is not None else None
            yield _config_info(config, group, running is not None, process)


def _config_info(
    config: ProcessConfig, group: GroupConfig, inuse: bool, process: SupervisedProcess | None
) -> ConfigInfo:
    stderr_file = "none"
    if not config.redirect_stderr:
        stderr_file = _logfile(config.stderr, process, STDERR)
    return {
        "autostart": config.autostart,
        "autorestart": _AUTORESTART[config.autorestart],
        "directory": config.directory or "none",
        "uid": "none" if config.uid is None else config.uid,
        "command": config.command,
        "exitcodes": list(config.exitcodes),
        "group": group.name,
        "group_prio": group.priority,
        "inuse": inuse,
        "killasgroup": config.killasgroup,
        "name": config.name,
        "process_prio": config.priority,
        "redirect_stderr": config.redirect_stderr,
        "startretries": config.startretries,
        "startsecs": config.startsecs,
        **_log_info("stdout", config.stdout, _logfile(config.stdout, process, STDOUT)),
        "stopsignal": config.stopsignal,
        "stopwaitsecs": config.stopwaitsecs,
        **_log_info("stderr", config.stderr, stderr_file),
        "serverurl": config.serverurl or "none",
    }


_AUTORESTART: Mapping[AutoRestart, bool | str] = {
    AutoRestart.NEVER: False,
    AutoRestart.UNEXPECTED: "unexpected",
    AutoRestart.ALWAYS: True,
}


def _logfile(log: LogConfig, process: SupervisedProcess | None, descriptor: int) -> str:
    if log.logfile is AUTO:
        return (process and process.logfile(descriptor)) or "auto"
    return log.logfile or "none"


def _log_info(channel: str, log: LogConfig, logfile: str) -> ConfigInfo:
    return {
        f"{channel}_capture_maxbytes": log.capture_maxbytes,
        f"{channel}_events_enabled": log.events_enabled,
        f"{channel}_logfile": logfile,
        f"{channel}_logfile_backups": log.logfile_backups,
        f"{channel}_logfile_maxbytes": log.logfile_maxbytes,
        f"{channel}_syslog": log.syslog,
    }
