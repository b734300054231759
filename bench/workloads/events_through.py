"""Let programs make events while a listener takes them: how many get through."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from bench.calling import served, socket_path
from bench.contestants import Contestant, GivenUp, descriptors_for, idle_programs
from bench.results import MANY, Figure, Run, Target
from bench.sizes import Size
from bench.workloads.events import KINDS, LINE, SAID, SIZE, TAKE

NAME = "events-through"

ALONE = {
    kind: Figure(
        f"PROCESS_{kind}, from the program to the listener",
        "1/s",
        less=False,
        target=Target(ratio=1.5),
    )
    for kind in KINDS
}
AMONG_MANY = Target(ratio=25, at=MANY)
AMONG = {
    kind: Figure(
        f"PROCESS_{kind} among {{programs}}, from the program to the listener",
        "1/s",
        less=False,
        target=AMONG_MANY,
    )
    for kind in KINDS
}

#: What is said or logged, what is needed for it to be an event, how many programs do that, and how
#: many times each does before it waits until the listener has read of it all. What is logged is one
#: event per read, so only one line of each program may be on its way.
MEANS = {
    "COMMUNICATION": (SAID, "stdout_capture_maxbytes=1MB", 2, 50),
    "LOG": (LINE, "stdout_events_enabled=true", 10, 1),
}

#: Waits at a FIFO each time before it writes: so it neither runs ahead nor looks again and again.
SOURCE = """\
import os, sys
fifo, times = sys.argv[1:]
go = os.open(fifo, os.O_RDONLY)
while os.read(go, 1):
    os.write(1, b"%s" * int(times))
while True:
    os.read(0, 1)
"""

#: Waits for a file to be there. Then lets all programs begin, and each go on when all is there that
#: it has written, until there are as many events as are wanted. Says how many that were, with how
#: many bytes of data, and how long it took from when the first program was let go.
LISTENER = f"""\
import json, os, sys, time
begin, result, fifos, programs, times, events = sys.argv[1:]
times = int(times)
go = [os.open(fifos + str(each), os.O_WRONLY) for each in range(int(programs))]
left = [0] * len(go)
while not os.path.exists(begin):
    time.sleep(0.01)
os.write(1, b"READY\\n")
count = size = asked = 0
began = time.monotonic()
for each in go:
    os.write(each, b".")
    asked += times
while count < asked:
{TAKE}    words, _, data = payload.partition(b"\\n")
    os.write(1, b"RESULT 2\\nOKREADY\\n")
    count += 1
    size += len(data)
    each = int(words[len("processname:source_"):words.index(b" ")])
    left[each] += 1
    if left[each] == times and asked < int(events):
        left[each] = 0
        asked += times
        os.write(go[each], b".")
seconds = time.monotonic() - began
with open(result + ".new", "w") as file:
    json.dump([count, size, seconds], file)
os.rename(result + ".new", result)
while True:
    os.read(0, 65536)
"""


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    figures: dict[Figure, float] = {}
    for kind in KINDS:
        figures[ALONE[kind]] = _rate(contestant, directory / kind, kind, size.events)
        if AMONG_MANY.counts(size):
            # a tenth, for Supervisor manages less than a twentieth of them among so many
            events, place = size.events // 10, directory / f"{kind}-among"
            figures[AMONG[kind]] = _rate(contestant, place, kind, events, size.programs)
    return figures


def _rate(
    contestant: Contestant, directory: Path, kind: str, events: int, programs: int = 0
) -> float:
    """Return the events per second of a few programs, among others that do nothing."""
    said, option, sources, times = MEANS[kind]
    directory.mkdir()
    source, listener = directory / "source.py", directory / "listener.py"
    begin, result = directory / "begin", directory / "result"
    source.write_text(SOURCE % said)
    listener.write_text(LISTENER)
    for each in range(sources):
        os.mkfifo(directory / f"go{each}")
    sections = served(directory) + (
        f"[program:source]\nprocess_name=source_%(process_num)d\nnumprocs={sources}\n"
        f"command={sys.executable} -S {source} {directory}/go%(process_num)d {times}\n"
        f"stdout_logfile=NONE\nstderr_logfile=NONE\nstartsecs=0\n{option}\n"
        f"[eventlistener:listener]\ncommand={sys.executable} -S {listener} {begin} {result} "
        f"{directory}/go {sources} {times} {events}\n"
        f"events=PROCESS_{kind}\nstartsecs=0\nbuffer_size={2 * sources * times}\n"
        f"stdout_logfile=NONE\nstderr_logfile=NONE\n"
    )
    others = max(0, programs - sources - 1)
    if others:
        sections += idle_programs(others, "startsecs=0")
    count = sources + 1 + others
    with contestant.running(directory, sections, descriptors=descriptors_for(count)) as daemon:
        daemon.until_ready(socket_path(directory), count)
        daemon.until_children(count)
        begin.touch()
        daemon.until(result.exists, 0.01)
    read, size, seconds = json.loads(result.read_text())
    if size != read * SIZE:
        raise GivenUp(f"{size} bytes in {read} events, {read * SIZE} were to be there")
    return int(read) / float(seconds)
