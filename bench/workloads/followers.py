"""Follow one log, 20 times at once: how long a line takes from the child to each."""

from __future__ import annotations

import re
import selectors
import socket
import sys
import time
from pathlib import Path
from statistics import median, quantiles
from typing import cast

from bench.calling import PATIENCE, served, socket_path
from bench.contestants import Contestant, GivenUp, idle_programs
from bench.results import Figure, Run, Target
from bench.sizes import Size

NAME = "followers"

MEDIAN = Figure(
    "20 followers by /logtail, from the child to each, median",
    "ms",
    target=Target(ratio=25, most=2),
)
P99 = Figure("20 followers by /logtail, from the child to each, p99", "ms")
PAGE_MEDIAN = Figure("20 followers as in the page, from the child to each, median", "ms")
PAGE_P99 = Figure("20 followers as in the page, from the child to each, p99", "ms")

#: What pages of ours follow; Supervisor's follow /logtail.
STREAM = "/api/v1/processes/writer/logs/stdout/stream"

FOLLOWERS = 20
INTERVAL = 0.021

_STAMP = re.compile(rb"<(\d+)>")

#: Writes the time, by the clock that all processes share, again and again.
WRITER = f"""\
import os, time
while True:
    os.write(1, b"<%d>\\n" % time.monotonic_ns())
    time.sleep({INTERVAL})
"""


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    writer, log = directory / "writer.py", directory / "writer.log"
    writer.write_text(WRITER)
    sections = (
        f"[program:writer]\ncommand={sys.executable} -S {writer}\n"
        f"stdout_logfile={log}\nstdout_logfile_maxbytes=0\nstartsecs=0\n"
    )
    sections = served(directory) + sections + idle_programs(10, "startsecs=0")
    unix = socket_path(directory)
    with contestant.running(directory, sections) as daemon:
        daemon.until_ready(unix, 11)
        delays = _delays(unix, "/logtail/writer", size.followed)
        figures = {MEDIAN: median(delays), P99: quantiles(delays, n=100)[98]}
        if _is_there(unix, STREAM):
            delays = _delays(unix, STREAM, size.followed)
            figures |= {PAGE_MEDIAN: median(delays), PAGE_P99: quantiles(delays, n=100)[98]}
    return figures


def _is_there(unix: str, path: str) -> bool:
    with _asked(unix, path) as follower:
        return b" 200 " in follower.recv(65536)[:20]


def _asked(unix: str, path: str) -> socket.socket:
    follower = socket.socket(socket.AF_UNIX)
    follower.settimeout(PATIENCE)
    follower.connect(unix)
    follower.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return follower


def _delays(unix: str, path: str, lines: int) -> list[float]:
    """Return milliseconds, of every line to every follower."""
    delays: list[float] = []
    began = time.monotonic_ns()
    with selectors.DefaultSelector() as selector:
        for _ in range(FOLLOWERS):
            selector.register(_asked(unix, path), selectors.EVENT_READ)
        try:
            while len(delays) < FOLLOWERS * lines:
                ready = selector.select(PATIENCE)
                if not ready:
                    raise GivenUp("nothing more to follow")
                for key, _ in ready:
                    follower = cast(socket.socket, key.fileobj)
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
