"""As calls, with many programs."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from bench.calling import GET_ALL, GET_STATE, duration, rate, served, socket_path
from bench.contestants import Contestant, descriptors_for, idle_programs
from bench.results import Figure, Run

NAME = "calls-many"

STATE = Figure("getState, unix socket, 1 client", "1/s", less=False)
STATE_20 = Figure("getState, unix socket, 20 clients", "1/s", less=False)
ALL = Figure("getAllProcessInfo, unix socket, one call", "ms")

CALLS = 7


def run(contestant: Contestant, directory: Path, count: int) -> Run:
    sections = served(directory) + idle_programs(count)
    unix = socket_path(directory)
    with contestant.running(directory, sections, descriptors=descriptors_for(count)) as daemon:
        daemon.until_running(count)
        daemon.answers(unix)
        return {
            STATE: rate(unix, GET_STATE),
            STATE_20: rate(unix, GET_STATE, 20),
            ALL: median(duration(unix, GET_ALL, CALLS)) * 1e3,
        }
