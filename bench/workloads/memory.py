"""Start the daemon with more programs, and with more logs: what each adds to its memory."""

from __future__ import annotations

import time
from pathlib import Path

from bench.calling import served, socket_path
from bench.contestants import Contestant, descriptors_for, idle_programs
from bench.results import Figure, Run
from bench.sizes import Size

NAME = "memory"

#: It is the same each time.
MOST_ROUNDS = 1

PROCESS = Figure("memory of the daemon (USS) for each process, no logs", "bytes")
LOG = Figure("memory of the daemon (USS) for each open log", "bytes")

#: Seconds after which what was needed to start the last child has been given back.
SETTLING = 0.3

FILES = "stdout_logfile={0}/%(process_num)d.out\nstderr_logfile={0}/%(process_num)d.err"


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    many, few = size.programs, size.programs // 10
    # by the slope from few to many: what a daemon without programs takes is not divided among them
    memory_of_few = _memory(contestant, directory, idle_programs(few, "startsecs=0"), few)
    memory_of_many = _memory(contestant, directory, idle_programs(many, "startsecs=0"), many)
    logged = idle_programs(many, "startsecs=0", FILES.format(directory))
    memory_with_logs = _memory(contestant, directory, logged, many)
    return {
        PROCESS: (memory_of_many - memory_of_few) / (many - few) * 2**20,
        LOG: (memory_with_logs - memory_of_many) / (2 * many) * 2**20,
    }


def _memory(contestant: Contestant, directory: Path, programs: str, count: int) -> float:
    """Return MiB."""
    programs += served(directory)
    with contestant.running(directory, programs, descriptors=descriptors_for(count, 5)) as daemon:
        daemon.until_ready(socket_path(directory), count)
        time.sleep(SETTLING)
        return daemon.memory()
