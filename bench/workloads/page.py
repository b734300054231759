"""Fetch the status page of many processes; then leave 20 of them open while nothing changes."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from bench.calling import PATIENCE, served, socket_path
from bench.contestants import Contestant, GivenUp, descriptors_for, idle_programs
from bench.results import Figure, Run
from bench.sizes import Size

NAME = "page"

FIRST = Figure("status page of {programs}, first byte, median", "ms")
WHOLE = Figure("status page of {programs}, whole, median", "ms")
LENGTH = Figure("status page of {programs}", "KiB")
OPEN = Figure("CPU of the daemon per second with 20 pages open", "ms")

PAGES = 20

#: Seconds after which their beginnings have been sent.
SETTLING = 1.0

#: What a page of ours follows; Supervisor's pages do not change by themselves.
STREAM = (
    b"GET /api/v1/events?figures=1&config=1&type=PROCESS_STATE HTTP/1.1\r\nHost: localhost\r\n\r\n"
)


def run(contestant: Contestant, directory: Path, size: Size) -> Run:
    count = size.programs
    sections = served(directory) + idle_programs(count, "startsecs=0")
    unix = socket_path(directory)
    with contestant.running(directory, sections, descriptors=descriptors_for(count)) as daemon:
        daemon.until_ready(unix, count)
        _fetched(unix)  # imports what pages take
        fetches = [_fetched(unix) for _ in range(size.repeats)]
        figures = {
            FIRST: median(first for first, _, _ in fetches),
            WHOLE: median(whole for _, whole, _ in fetches),
            LENGTH: fetches[-1][2] / 1024,
        }
        with ExitStack() as stack:
            opened = [stack.enter_context(_open(unix)) for _ in range(PAGES)]
            if not all(opened):
                return figures
            time.sleep(SETTLING)
            cpu = daemon.cpu()
            time.sleep(size.watching)
            figures[OPEN] = (daemon.cpu() - cpu) / size.watching * 1e3
    return figures


def _fetched(unix: str) -> tuple[float, float, int]:
    """Return milliseconds to the first byte and to the last, and the number of bytes."""
    with socket.socket(socket.AF_UNIX) as page:
        page.settimeout(PATIENCE)
        page.connect(unix)
        began = time.monotonic()
        page.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        data = page.recv(65536)
        first = time.monotonic()
        if b" 200 " not in data[:20]:
            raise GivenUp(f"no page: {data[:200]!r}")
        size = len(data)
        while data := page.recv(1 << 20):
            size += len(data)
        return (first - began) * 1e3, (time.monotonic() - began) * 1e3, size


@contextmanager
def _open(unix: str) -> Iterator[bool]:
    """Follow what an open page follows; tell whether there is anything to follow."""
    with socket.socket(socket.AF_UNIX) as page:
        page.settimeout(PATIENCE)
        page.connect(unix)
        page.sendall(STREAM)
        yield b" 200 " in page.recv(65536)[:20]
