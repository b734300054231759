"""Let fifty children write lines of 100 bytes to their logs, as fast as they can."""

from __future__ import annotations

import time
from pathlib import Path

from bench.calling import served, socket_path
from bench.contestants import Contestant, GivenUp
from bench.results import Figure, Run, Target
from bench.sizes import Size

NAME = "log-lines"

RATE = Figure("50 children, lines of 100 bytes", "MB/s", less=False, target=Target(ratio=1))
CPU = Figure("50 children, lines of 100 bytes: CPU of the daemon per GB", "s")

CHILDREN = 50
LINE = b"x" * 99 + b"\n"


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    begin = directory / "begin"
    # yes(1) writes whole blocks of lines; what a pipe takes at once is the kernel's choice
    script = (
        f"until [ -e {begin} ]; do sleep 0.01; done; "
        f"yes {LINE.decode().strip()} | head -n {size.lines}; exec sleep 1000000"
    )
    sections = served(directory) + (
        f"[program:lines]\ncommand=sh -c '{script}'\nnumprocs={CHILDREN}\nstartsecs=0\n"
        "process_name=%(program_name)s_%(process_num)d\nstderr_logfile=NONE\n"
        f"stdout_logfile={directory}/lines-%(process_num)d.log\nstdout_logfile_maxbytes=0\n"
    )
    logs = [directory / f"lines-{number}.log" for number in range(CHILDREN)]
    total = CHILDREN * size.lines * len(LINE)
    with contestant.running(directory, sections) as daemon:
        daemon.until_ready(socket_path(directory), CHILDREN)
        daemon.until_children(CHILDREN)
        cpu = daemon.cpu()
        # Not from the first byte: beside fifty that write it may be seen late.
        began = time.monotonic()
        begin.touch()
        ended = daemon.until(lambda: sum(map(_size, logs)) >= total, 0.005)
        cpu = daemon.cpu() - cpu
    whole = LINE * size.lines
    if any(log.read_bytes() != whole for log in logs):
        raise GivenUp("not each log has in it what was written")
    return {RATE: total / (ended - began) / 1e6, CPU: cpu / (total / 1e9)}


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
