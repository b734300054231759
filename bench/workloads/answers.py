"""Kill all children at once and call getState until all are replaced: the longest wait."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from bench.calling import GET_STATE, Line, served, socket_path
from bench.contestants import PATIENCE, Contestant, GivenUp, descriptors_for, idle_programs
from bench.results import MANY, Figure, Run, Target
from bench.sizes import Size

NAME = "answers"

WORST = Figure(
    "longest getState from KILL of {programs} until replaced",
    "ms",
    target=Target(ratio=20, most=30, at=MANY),
)

#: Seconds between two calls, and between two looks at the children.
PAUSE, LOOK = 0.003, 0.05


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    count = size.programs
    sections = served(directory) + idle_programs(count, "autorestart=true")
    unix = socket_path(directory)
    with contestant.running(directory, sections, descriptors=descriptors_for(count)) as daemon:
        daemon.until_ready(unix, count)  # for a second: less than that would be waited for
        old = frozenset(daemon.children())
        worst = 0.0
        with Line(unix) as line:
            line.call(GET_STATE)
            began = look = time.monotonic()
            for pid in old:
                os.kill(pid, signal.SIGKILL)
            while True:
                called = time.monotonic()
                if called - began > PATIENCE:
                    raise GivenUp("the children are not replaced")
                line.call(GET_STATE)
                answered = time.monotonic()
                worst = max(worst, answered - called)
                if answered - look > LOOK:
                    if len(daemon.children() - old) >= count:
                        return {WORST: worst * 1e3}
                    look = time.monotonic()
                time.sleep(PAUSE)
