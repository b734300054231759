"""Call getState and getAllProcessInfo with ten programs, as often as they are answered."""

from __future__ import annotations

from pathlib import Path

from bench.calling import GET_ALL, GET_STATE, free_port, rate, served, socket_path
from bench.contestants import Contestant, idle_programs
from bench.results import Figure, Run, Target
from bench.sizes import Size

NAME = "calls"

STATE = Figure(
    "getState, 10 programs, unix socket, 1 client", "1/s", less=False, target=Target(ratio=1.3)
)
STATE_20 = Figure(
    "getState, 10 programs, unix socket, 20 clients", "1/s", less=False, target=Target(ratio=2)
)
ALL = Figure(
    "getAllProcessInfo, 10 programs, unix socket, 1 client",
    "1/s",
    less=False,
    target=Target(ratio=1.5),
)
ALL_TCP = Figure(
    "getAllProcessInfo, 10 programs, persistent TCP, 1 client",
    "1/s",
    less=False,
    target=Target(ratio=50),
)

PROGRAMS = 10


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    port = free_port()
    sections = served(directory, port) + idle_programs(PROGRAMS, "startsecs=0")
    unix = socket_path(directory)
    with contestant.running(directory, sections) as daemon:
        daemon.until_ready(unix, PROGRAMS)
        return {
            STATE: rate(unix, GET_STATE, seconds=size.calling),
            STATE_20: rate(unix, GET_STATE, 20, size.calling),
            ALL: rate(unix, GET_ALL, seconds=size.calling),
            ALL_TCP: rate(("127.0.0.1", port), GET_ALL, seconds=size.calling),
        }
