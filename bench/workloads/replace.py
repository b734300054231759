"""Kill one of ten children, again and again: until it has been replaced."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from statistics import median

from bench.contestants import Contestant, idle_programs
from bench.results import Figure, Run

NAME = "replace"

REPLACED = Figure("from KILL of one until it is replaced, median", "ms")
WORST = Figure("from KILL of one until it is replaced, worst", "ms")

KILLS = 10


def run(contestant: Contestant, directory: Path, count: int) -> Run:
    del count  # always ten
    with contestant.running(directory, idle_programs(10, "autorestart=true")) as daemon:
        daemon.until_running(10)
        times = []
        # each of them once, so that none has been up for less than a second
        for pid in sorted(daemon.children()):
            old = frozenset(daemon.children())

            def there_is_a_new_one(old: frozenset[int] = old) -> bool:
                return bool(daemon.children() - old)

            began = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            replaced = daemon.until(there_is_a_new_one, 0.0002)
            times.append((replaced - began) * 1e3)
        return {REPLACED: median(times), WORST: max(times)}
