"""Stop and start one process after the other, then a hundred by one call."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from bench.calling import Line, request, served, socket_path
from bench.contestants import Contestant, descriptors_for, idle_programs
from bench.results import Figure, Run, Target
from bench.sizes import Size

NAME = "orders"

START = Figure("startProcess, startsecs 0, median", "ms")
STOP = Figure("stopProcess, median", "ms")
STOP_ALL = Figure("stopAllProcesses, 100 children, median", "ms", target=Target(ratio=30))

PROGRAMS = 100


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    sections = served(directory) + idle_programs(PROGRAMS, "startsecs=0")
    unix = socket_path(directory)
    with contestant.running(directory, sections, descriptors=descriptors_for(PROGRAMS)) as daemon:
        daemon.until_ready(unix, PROGRAMS)
        daemon.until_children(PROGRAMS)
        starts, stops = [], []
        with Line(unix) as line:
            for number in range(size.kills):
                name = f"idle:idle_{number}"
                stops.append(_timed(line, request("supervisor.stopProcess", name)))
                starts.append(_timed(line, request("supervisor.startProcess", name)))
            stop_alls = []
            for _ in range((size.repeats + 1) // 2):
                line.call(request("supervisor.startAllProcesses"))
                daemon.until_children(PROGRAMS)
                stop_alls.append(_timed(line, request("supervisor.stopAllProcesses")))
        return {START: median(starts), STOP: median(stops), STOP_ALL: median(stop_alls)}


def _timed(line: Line, call: bytes) -> float:
    began = time.perf_counter()
    line.call(call)
    return (time.perf_counter() - began) * 1e3
