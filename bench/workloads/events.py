"""Let one child make many events, of what it says and what it logs; then tell a listener."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.calling import served, socket_path
from bench.contestants import Contestant, GivenUp, descriptors_for, idle_programs
from bench.results import Figure, Run, Target
from bench.sizes import Size

NAME = "events"

KINDS = ("COMMUNICATION", "LOG")
MADE = {kind: Figure(f"PROCESS_{kind} of one child, made", "1/s", less=False) for kind in KINDS}
TOLD = {
    kind: Figure(
        f"PROCESS_{kind}, told to one listener", "1/s", less=False, target=Target(ratio=1.5)
    )
    for kind in KINDS
}

#: Bytes that each event carries.
SIZE = 64

#: Takes one event, within the loop of a listener; leaves its payload.
TAKE = """\
    head = b""
    while b"\\n" not in head:
        head += os.read(0, 65536)
    head, _, payload = head.partition(b"\\n")
    length = int(head.rpartition(b":")[2])
    while len(payload) < length:
        payload += os.read(0, 65536)
"""

#: Waits for a file to be there, then takes events as fast as they come. Says at the end how many
#: that were, with how many bytes of data, and how long it took from the first to the last.
LISTENER = f"""\
import json, os, sys, time
begin, result, events = sys.argv[1:]
while not os.path.exists(begin):
    time.sleep(0.01)
count = size = 0
os.write(1, b"READY\\n")
while count < int(events):
{TAKE}    if not count:
        began = time.monotonic()
    count += 1
    size += len(payload.partition(b"\\n")[2])
    os.write(1, b"RESULT 2\\nOKREADY\\n")
seconds = time.monotonic() - began
with open(result + ".new", "w") as file:
    json.dump([count, size, seconds], file)
os.rename(result + ".new", result)
time.sleep(1000000)
"""

#: What it says or logs, each time.
SAID = "<!--XSUPERVISOR:BEGIN-->" + "x" * SIZE + "<!--XSUPERVISOR:END-->"
LINE = "x" * (SIZE - 1) + "\\n"

#: Waits for a file to be there. Then writes the same thing again and again, each time when the one
#: before was read: so that each line is an event, and because Supervisor's parser gives up on more
#: than 1,300 communications in one read. Says how long that took.
SOURCE = """\
import array, fcntl, os, sys, termios, time
begin, result, events = sys.argv[1:]
while not os.path.exists(begin):
    time.sleep(0.01)
waiting = array.array("i", [0])
began = time.monotonic()
for _ in range(int(events)):
    os.write(1, b"%s")
    while True:
        fcntl.ioctl(1, termios.FIONREAD, waiting)
        if not waiting[0]:
            break
        os.sched_yield()
seconds = time.monotonic() - began
with open(result + ".new", "w") as file:
    file.write(str(seconds))
os.rename(result + ".new", result)
time.sleep(1000000)
"""

SOURCES = {
    "COMMUNICATION": (SOURCE % SAID, "stdout_capture_maxbytes=1MB"),
    "LOG": (SOURCE % LINE, "stdout_events_enabled=true"),
}


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    figures: dict[Figure, float] = {}
    for kind in KINDS:
        figures[MADE[kind]], figures[TOLD[kind]] = rates(contestant, directory, kind, size.events)
    return figures


def rates(
    contestant: Contestant, directory: Path, kind: str, events: int, others: int = 0
) -> tuple[float, float]:
    """
    Measure the events of one child, among others that do nothing.

    Return how many were made per second, and how many were told.
    """
    made, told = _seconds(contestant, directory, kind, events, others)
    return events / made, events / told


def _seconds(
    contestant: Contestant, directory: Path, kind: str, events: int, others: int
) -> tuple[float, float]:
    """Return how long it took to make the events, and then how long to tell them."""
    script, option = SOURCES[kind]
    source, listener = directory / f"{kind}.py", directory / "listener.py"
    begin, made = directory / f"{kind}.begin", directory / f"{kind}.made"
    tell, told = directory / f"{kind}.tell", directory / f"{kind}.told"
    source.write_text(script)
    listener.write_text(LISTENER)
    sections = served(directory) + (
        f"[program:source]\ncommand={sys.executable} -S {source} {begin} {made} {events}\n"
        f"stdout_logfile=NONE\nstderr_logfile=NONE\nstartsecs=0\n{option}\n"
        f"[eventlistener:listener]\ncommand={sys.executable} -S {listener} {tell} {told} {events}\n"
        f"events=PROCESS_{kind}\nstartsecs=0\nbuffer_size={2 * events}\n"
        f"stdout_logfile=NONE\nstderr_logfile=NONE\n"
    )
    if others:
        sections += idle_programs(others, "startsecs=0")
    with contestant.running(directory, sections, descriptors=descriptors_for(others)) as daemon:
        daemon.until_ready(socket_path(directory), 2 + others)
        daemon.until_children(2 + others)
        begin.touch()
        daemon.until(made.exists, 0.01)
        tell.touch()
        daemon.until(told.exists, 0.01)
    count, size, seconds = json.loads(told.read_text())
    if size != count * SIZE:
        raise GivenUp(f"{size} bytes in {count} events, {count * SIZE} were to be there")
    return float(made.read_text()), float(seconds)
