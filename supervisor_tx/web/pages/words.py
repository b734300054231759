"""Times, sizes and endings as people read them."""

from __future__ import annotations

import time
from signal import Signals

from supervisor_tx.supervision import ending
from supervisor_tx.supervision.info import ProcessInfo

#: Between a number and its unit: no line is to end there.
_THIN = "\N{NARROW NO-BREAK SPACE}"


def span(seconds: float) -> str:
    """Return how long: ``42 s``, ``7 min``, ``3 h 12 min``, ``4 d 2 h``; at least nothing."""
    left = max(0, int(seconds))
    if left < 60:
        return _with_unit(left, "s")
    if left < 3600:
        return _with_unit(left // 60, "min")
    if left < 86400:
        return f"{_with_unit(left // 3600, 'h')} {_with_unit(left // 60 % 60, 'min')}"
    return f"{_with_unit(left // 86400, 'd')} {_with_unit(left // 3600 % 24, 'h')}"


def size(number: int) -> str:
    """Return a number of bytes in the unit that suits it."""
    if number < 1024:
        return _with_unit(number, "B")
    value, units = number / 1024, ["KiB", "MiB", "GiB", "TiB"]
    while value >= 1000 and len(units) > 1:
        value /= 1024
        del units[0]
    return _with_unit(f"{value:.1f}" if value < 100 else f"{value:.0f}", units[0])


def percent(value: float) -> str:
    """Return a share of one processor."""
    return _with_unit(f"{value:.1f}" if value < 99.95 else f"{value:.0f}", "%")


def moment(when: float) -> str:
    """Return a time of day, with the day, where the daemon is."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))


def signal_name(number: int) -> str:
    """Return ``TERM`` for 15; a number that has no name as it is."""
    try:
        return Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)


def ended(info: ProcessInfo) -> str:
    """Return how the last run ended; empty where there was none."""
    match info.exit_cause:
        case ending.NEVER:
            return ""
        case ending.SPAWN_ERROR:
            return "could not be executed"
        case ending.UNKNOWN:
            return "nobody knows how"
        case ending.STOPPED:
            by = f" by {info.exit_by}" if info.exit_by else ""
            return f"stopped{by}, {_status(info)}"
        case ending.SHUTDOWN:
            return f"stopped with the daemon, {_status(info)}"
    return _status(info)


def _status(info: ProcessInfo) -> str:
    if info.exit_signal:
        return f"signal {signal_name(info.exit_signal)}"
    return f"exit {info.exit_code}"


def reason(info: ProcessInfo, startsecs: int) -> str:
    """Return why a process is in trouble."""
    if info.exit_cause == ending.SPAWN_ERROR:
        return info.spawnerr
    how = ended(info)
    if info.spawnerr.startswith("Exited too quickly"):
        return f"{how} within {span(startsecs)} of its start" if how else info.spawnerr
    return how or info.spawnerr


def stopping(signal: int, patience: int) -> str:
    """Return what is done to a process that is to end."""
    return f"sent {signal_name(signal)}, KILL after {span(patience)}"


def tries(number: int, most: int) -> str:
    """Return how often it was tried in vain; empty where it was not."""
    if not number:
        return ""
    return f"{min(number, most + 1)} of {most + 1} tries failed"


def _with_unit(number: object, unit: str) -> str:
    return f"{number}{_THIN}{unit}"
