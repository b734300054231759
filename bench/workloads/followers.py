"""Follow one log by /logtail, 20 times at once: how long a line takes from the child to each."""

from __future__ import annotations

import re
import selectors
import socket
import sys
import time
from pathlib import Path
from statistics import median, quantiles

from bench.calling import PATIENCE, served, socket_path
from bench.contestants import Contestant, GivenUp, idle_programs
from bench.results import Figure, Run

NAME = "followers"

MEDIAN = Figure("20 followers, from the child to each, median", "ms")
P99 = Figure("20 followers, from the child to each, 99th percentile", "ms")

FOLLOWERS = 20
LINES = 200
INTERVAL = 0.021

_STAMP = re.compile(rb"<(\d+)>")

#: Writes the time, by the clock that all processes share, again and again.
WRITER = f"""\
import os, time
while True:
    os.write(1, b"<%d>\\n" % time.monotonic_ns())
    time.sleep({INTERVAL})
"""


def run(contestant: Contestant, directory: Path, count: int) -> Run:
    del count
    writer, log = directory / "writer.py", directory / "writer.log"
    writer.write_text(WRITER)
    sections = (
        f"[program:writer]\ncommand={sys.executable} -S {writer}\n"
        f"stdout_logfile={log}\nstdout_logfile_maxbytes=0\n"
    )
    sections = served(directory) + sections + idle_programs(10)
    unix = socket_path(directory)
    with contestant.running(directory, sections) as daemon:
        daemon.until_running(11)
        daemon.answers(unix)
        delays = _delays(unix)
    return {MEDIAN: median(delays), P99: quantiles(delays, n=100)[98]}


def _delays(unix: str) -> list[float]:
    """Return milliseconds, of every line to every follower."""
    delays: list[float] = []
    began = time.monotonic_ns()
    with selectors.DefaultSelector() as selector:
        for _ in range(FOLLOWERS):
            follower = socket.socket(socket.AF_UNIX)
            follower.connect(unix)
            follower.sendall(b"GET /logtail/writer HTTP/1.1\r\nHost: localhost\r\n\r\n")
            selector.register(follower, selectors.EVENT_READ)
        try:
            while len(delays) < FOLLOWERS * LINES:
                ready = selector.select(PATIENCE)
                if not ready:
                    raise GivenUp("nothing more to follow")
                for key, _ in ready:
                    follower = key.fileobj  # type: ignore[assignment]
                    data = follower.recv(65536)
                    now = time.monotonic_ns()
                    if not data:
                        raise GivenUp("a follower is let down")
                    stamps = map(int, _STAMP.findall(data))
                    # not what was there before it came
                    delays += [(now - stamp) / 1e6 for stamp in stamps if stamp > began]
        finally:
            for key in list(selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]
    return delays
