"""Kill children, one after the other: how long until a listener has read of each that it is."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from statistics import median

from bench.calling import served, socket_path
from bench.contestants import Contestant, Daemon
from bench.results import Figure, Run
from bench.sizes import Size

NAME = "event-latency"

MEDIAN = Figure("from the kill to the listener that reads of it, median", "ms")
WORST = Figure("from the kill to the listener that reads of it, worst", "ms")

#: Writes down the time at which it reads of each event.
LISTENER = """\
import os, sys, time
file = open(sys.argv[1], "ab", buffering=0)
while True:
    os.write(1, b"READY\\n")
    os.read(0, 65536)
    file.write(b"%d\\n" % time.monotonic_ns())
    os.write(1, b"RESULT 2\\nOK")
"""


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    listener, times = directory / "listener.py", directory / "times"
    listener.write_text(LISTENER)
    times.touch()
    sections = served(directory) + (
        f"[eventlistener:listener]\ncommand={sys.executable} -S {listener} {times}\n"
        "events=PROCESS_STATE_EXITED\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
        "[program:victim]\ncommand=sleep 1000000\nprocess_name=%(program_name)s_%(process_num)d\n"
        f"numprocs={size.latencies}\nstdout_logfile=NONE\nstderr_logfile=NONE\nautorestart=false\nstartsecs=0\n"
    )
    with contestant.running(directory, sections) as daemon:
        daemon.until_ready(socket_path(directory), 1 + size.latencies)
        daemon.until_children(1 + size.latencies)
        victims = _victims(daemon)
        delays = [_delay(daemon, times, number, pid) for number, pid in enumerate(victims)]
    return {MEDIAN: median(delays), WORST: max(delays)}


def _victims(daemon: Daemon) -> list[int]:
    names = {pid: Path(f"/proc/{pid}/comm").read_text() for pid in daemon.children()}
    return [pid for pid, name in names.items() if name == "sleep\n"]


def _delay(daemon: Daemon, times: Path, number: int, pid: int) -> float:
    """Return milliseconds."""
    began = time.monotonic_ns()
    os.kill(pid, signal.SIGKILL)
    daemon.until(lambda: times.read_bytes().count(b"\n") > number, 0.001)
    return (int(times.read_bytes().split(b"\n")[number]) - began) / 1e6
