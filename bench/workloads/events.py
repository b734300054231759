"""Let one child make 20,000 events, of what it says and of what it logs, for one listener."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.contestants import Contestant, Daemon, GivenUp, descriptors_for, idle_programs
from bench.results import Figure, Run

NAME = "events"

COMMUNICATION = Figure("PROCESS_COMMUNICATION to one listener", "1/s", less=False)
LOG = Figure("PROCESS_LOG to one listener", "1/s", less=False)

EVENTS = 20_000

#: Bytes that each event carries.
SIZE = 64

#: Takes events as fast as they come, and says at the end how many that were, with how many bytes
#: of data, and how long it took from the first to the last.
LISTENER = f"""\
import json, os, sys, time
count = size = 0
os.write(1, b"READY\\n")
while count < {EVENTS}:
    head = b""
    while b"\\n" not in head:
        head += os.read(0, 65536)
    head, _, payload = head.partition(b"\\n")
    length = int(head.rpartition(b":")[2])
    while len(payload) < length:
        payload += os.read(0, 65536)
    if not count:
        began = time.monotonic()
    count += 1
    size += len(payload.partition(b"\\n")[2])
    os.write(1, b"RESULT 2\\nOKREADY\\n")
seconds = time.monotonic() - began
with open(sys.argv[1] + ".new", "w") as file:
    json.dump([count, size, seconds], file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(1000000)
"""

#: What it says or logs, each time.
SAID = "<!--XSUPERVISOR:BEGIN-->" + "x" * SIZE + "<!--XSUPERVISOR:END-->"
LINE = "x" * (SIZE - 1) + "\\n"

#: Waits for a file to be there. Then writes the same thing again and again, each time when the one
#: before was read: so that each line is an event, and because Supervisor's parser gives up on more
#: than 1,300 communications in one read.
SOURCE = f"""\
import array, fcntl, os, sys, termios, time
said = b"%s"
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
waiting = array.array("i", [0])
for _ in range({EVENTS}):
    os.write(1, said)
    while True:
        fcntl.ioctl(1, termios.FIONREAD, waiting)
        if not waiting[0]:
            break
        os.sched_yield()
time.sleep(1000000)
"""


def run(contestant: Contestant, directory: Path, count: int) -> Run:
    del count
    return delivered(contestant, directory, 0)


def delivered(contestant: Contestant, directory: Path, others: int) -> Run:
    """Measure the events of one child, among others that do nothing."""
    return {
        COMMUNICATION: _rate(
            contestant, directory, SAID, "COMMUNICATION", "stdout_capture_maxbytes=1MB", others
        ),
        LOG: _rate(contestant, directory, LINE, "LOG", "stdout_events_enabled=true", others),
    }


def _rate(
    contestant: Contestant, directory: Path, said: str, kind: str, option: str, others: int
) -> float:
    source, listener = directory / f"{kind}.py", directory / "listener.py"
    begin, result = directory / f"{kind}.begin", directory / f"{kind}.result"
    source.write_text(SOURCE % said)
    listener.write_text(LISTENER)
    sections = (
        f"[program:source]\ncommand={sys.executable} -S {source} {begin}\nstdout_logfile=NONE\n"
        f"stderr_logfile=NONE\n{option}\n"
        f"[eventlistener:listener]\ncommand={sys.executable} -S {listener} {result}\n"
        f"events=PROCESS_{kind}\nbuffer_size={2 * EVENTS}\n"
        f"stdout_logfile=NONE\nstderr_logfile=NONE\n"
    )
    if others:
        sections += idle_programs(others)
    with contestant.running(directory, sections, descriptors=descriptors_for(others)) as daemon:
        daemon.until_running(2 + others)
        begin.touch()
        return _read(daemon, result)


def _read(daemon: Daemon, result: Path) -> float:
    daemon.until(result.exists, 0.01)
    count, size, seconds = json.loads(result.read_text())
    if size != count * SIZE:
        raise GivenUp(f"{size} bytes in {count} events, {count * SIZE} were to be there")
    return (count - 1) / float(seconds)
