"""Kill one of a hundred children, then another: until each has been replaced."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from random import Random
from statistics import median, quantiles

from bench.calling import served, socket_path
from bench.contestants import Contestant, descriptors_for, idle_programs
from bench.results import Figure, Run, Target
from bench.sizes import Size

NAME = "replace"

REPLACED = Figure(
    "from KILL of one until it is replaced, median", "ms", target=Target(ratio=300, most=3)
)
#: Of as many as are killed in ``size.killing`` seconds: with Supervisor about a dozen.
P99 = Figure("from KILL of one until it is replaced, p99", "ms")

PROGRAMS = 100


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    programs = served(directory) + idle_programs(PROGRAMS, "autorestart=true")
    with contestant.running(directory, programs, descriptors=descriptors_for(PROGRAMS)) as daemon:
        daemon.until_ready(socket_path(directory), PROGRAMS)
        times: list[float] = []
        end = time.monotonic() + size.killing
        pauses = Random(1)
        # each of them once, so that none has been up for less than a second
        for pid in sorted(daemon.children())[: size.kills]:
            # at any moment of what the daemon does, not just when it is awake from the one before
            time.sleep(pauses.uniform(0.02, 0.2))
            old = frozenset(daemon.children())

            def there_is_a_new_one(old: frozenset[int] = old) -> bool:
                return bool(daemon.children() - old)

            began = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            # one child is little work, and there are two processors
            replaced = daemon.until(there_is_a_new_one, 0.0001, share=0.5)
            times.append((replaced - began) * 1e3)
            if replaced > end and len(times) > 1:
                break
        return {REPLACED: median(times), P99: quantiles(times, n=100, method="inclusive")[98]}
