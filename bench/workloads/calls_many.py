"""As calls, with many programs."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from bench.calling import GET_ALL, GET_STATE, duration, rate, served, socket_path
from bench.contestants import Contestant, descriptors_for, idle_programs
from bench.results import MANY, Figure, Run, Target
from bench.sizes import Size

NAME = "calls-many"

STATE = Figure(
    "getState, {programs} programs, unix socket, 1 client",
    "1/s",
    less=False,
    target=Target(ratio=15, at=MANY),
)
STATE_20 = Figure("getState, {programs} programs, unix socket, 20 clients", "1/s", less=False)
ALL = Figure(
    "getAllProcessInfo, {programs} programs, unix socket, one call",
    "ms",
    target=Target(ratio=100, at=MANY),
)


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    count = size.programs
    sections = served(directory) + idle_programs(count, "startsecs=0")
    unix = socket_path(directory)
    with contestant.running(directory, sections, descriptors=descriptors_for(count)) as daemon:
        daemon.until_ready(unix, count)
        return {
            STATE: rate(unix, GET_STATE, seconds=size.calling),
            STATE_20: rate(unix, GET_STATE, 20, size.calling),
            ALL: median(duration(unix, GET_ALL, size.repeats)) * 1e3,
        }
