"""Call getState and getAllProcessInfo with ten programs, as often as they are answered."""

from __future__ import annotations

from pathlib import Path

from bench.calling import GET_ALL, GET_STATE, free_port, rate, served, socket_path
from bench.contestants import Contestant, idle_programs
from bench.results import Figure, Run

NAME = "calls"

STATE = Figure("getState, unix socket, 1 client", "1/s", less=False)
STATE_20 = Figure("getState, unix socket, 20 clients", "1/s", less=False)
ALL = Figure("getAllProcessInfo, unix socket, 1 client", "1/s", less=False)
ALL_TCP = Figure("getAllProcessInfo, persistent TCP, 1 client", "1/s", less=False)

PROGRAMS = 10


def run(contestant: Contestant, directory: Path, count: int) -> Run:
    del count  # always ten
    port = free_port()
    sections = served(directory, port) + idle_programs(PROGRAMS)
    unix = socket_path(directory)
    with contestant.running(directory, sections) as daemon:
        daemon.until_running(PROGRAMS)
        daemon.answers(unix)
        return {
            STATE: rate(unix, GET_STATE),
            STATE_20: rate(unix, GET_STATE, 20),
            ALL: rate(unix, GET_ALL),
            ALL_TCP: rate(("127.0.0.1", port), GET_ALL),
        }
