"""Why a process is in the state that it is in: how it ended, and what it said last."""

from __future__ import annotations

import time

from supervisor_tx.core import namespec
from supervisor_tx.ctl import calls
from supervisor_tx.ctl.render import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Final

    Info = Mapping[str, Any]

#: Bytes that are read of a log for its last lines, and how many of these are shown.
_BYTES: Final = 4096
_LINES: Final = 10

#: What stands behind such a path is shared with others, whose words these might be.
_SHARED: Final = ("/dev/", "/proc/")

#: Members that Supervisor's own daemon does not send.
_EXTRA: Final = ("exit_cause", "exit_code", "exit_signal", "exit_expected", "tries", "next_try")


def members(words: Iterable[str], supervisor: Any) -> list[str]:
    """Return names of processes: for ``group:*`` all of that group, for ``all`` all."""
    names: list[str] = []
    for word in words:
        group, process = namespec.split(word)
        if process is not None and word != "all":
            names.append(word)
            continue
        infos = supervisor.getAllProcessInfo()
        found = [name_of(info) for info in infos if word == "all" or info["group"] == group]
        names += found or [word]
    return names


def last_words(supervisor: Any, name: str, info: Info) -> tuple[str, str]:
    """Return a channel, and the end of its log: stderr's, or stdout's where that has nothing."""
    for channel in ("stderr", "stdout"):
        path = info[f"{channel}_logfile"]
        if not path or path.startswith(_SHARED):
            continue
        read = getattr(supervisor, f"readProcess{channel.capitalize()}Log")
        try:
            text: str = read(name, -_BYTES, 0)
        except (calls.Fault, calls.ProtocolError):  # no file yet, or bytes that are no text
            continue
        if text.strip():
            return channel, _end(text)
    return "", ""


def _end(text: str) -> str:
    lines = text.rstrip("\n").split("\n")
    if len(lines) > 1 and len(text.encode()) >= _BYTES:
        lines = lines[1:]  # most likely the end of a line only
    return "\n".join(lines[-_LINES:])


def lines(info: Info, channel: str, text: str) -> list[str]:
    """Return all that is to be told of a process, as lines."""
    said = [f"{name_of(info)}: {info['statename']}"]
    said += [f"  {label + ':':<12}{value}" for label, value in _facts(info)]
    if channel:
        said.append(f"  last lines of {channel} ({info[f'{channel}_logfile']}):")
        said += [f"    {line}" for line in text.split("\n")]
    else:
        said.append("  it has printed nothing that was kept")
    return said


def _facts(info: Info) -> Iterator[tuple[str, str]]:
    now = info["now"]
    if info["pid"]:
        yield "runs", f"as process {info['pid']}, since {_moment(info['start'], now)}"
    elif not info["start"]:
        yield "ended", "it was never started"
    if info["stop"] and info["start"]:
        before = "the run before, " if info["pid"] else ""
        yield "ended", before + _moment(info["stop"], now)
    if all(member in info for member in _EXTRA):
        yield from _of_ours(info, now)
    else:
        yield from _of_supervisor(info)
    if info["spawnerr"]:
        yield "reason", info["spawnerr"]


def _of_ours(info: Info, now: int) -> Iterator[tuple[str, str]]:
    if how := _how(info):
        yield "how", how
    if info["tries"]:
        yield "tries", f"{info['tries']} failed in a row"
    if info["next_try"]:
        yield "next try", f"in {max(0, info['next_try'] - now)} seconds"
    elif info["statename"] in ("EXITED", "FATAL", "STOPPED"):
        yield "next try", f"none by itself; start it with: start {name_of(info)}"


def _how(info: Info) -> str:
    cause, by = info["exit_cause"], info.get("exit_by") or ""
    if cause == "":
        return ""
    if cause == "spawn-error":
        return "the program could not be executed"
    if cause == "unknown":
        return "something else has taken its exit status"
    if info["exit_signal"]:
        how = f"by signal {_signal(info['exit_signal'])}"
    else:
        expected = "expected" if info["exit_expected"] else "not expected"
        how = f"with exit code {info['exit_code']}, which was {expected}"
    if cause == "stopped":
        return f"it was stopped{f' by {by}' if by else ''}, and ended {how}"
    if cause == "shutdown":
        return f"the daemon was going down, and it ended {how}"
    return f"by itself, {how}" if not info["exit_signal"] else how


def _of_supervisor(info: Info) -> Iterator[tuple[str, str]]:
    if info["statename"] == "EXITED":  # else Supervisor says 0 for whatever it was
        how = "by a signal" if info["exitstatus"] == -1 else f"with exit code {info['exitstatus']}"
        yield "how", how
    yield "more", "signal, retries and next try are known only where the daemon is supervisor_tx"


def _signal(number: int) -> str:
    from signal import Signals

    try:
        return Signals(number).name
    except ValueError:
        return str(number)


def _moment(when: int, now: int) -> str:
    """Return a time of day, with the day, and how long ago it was."""
    day = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
    ago = max(0, now - when)
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if ago >= 2 * unit or unit == 1:
            number = ago // unit
            return f"{day} ({number} {name}{'' if number == 1 else 's'} ago)"
    return day
