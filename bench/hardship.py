"""
Whether a daemon can be reached while it has a hard time.

Troubles are put together as one likes. While they go on, one client calls by turns ``getState`` and
``getAllProcessInfo`` at a steady pace; what counts is how long each call takes. One that is not
answered within ``size.patience`` counts as so long, and is the last.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Protocol

from bench.calling import GET_ALL, GET_STATE, GivenUp, Line, request, served, socket_path
from bench.contestants import Contestant, idle_programs
from bench.results import Figure, Run, Target
from bench.sizes import Size

#: What is called by turns, and seconds from one call to the next.
CALLS = {"getState": GET_STATE, "getAllProcessInfo": GET_ALL}
PACE = 0.002

#: For how many times as long as where calls are only counted.
LONGER = 4

#: Seconds of trouble before the first call.
SETTLING = 0.5

#: Seconds until a client asks again for what is not to be had.
PATIENCE = 5.0

#: Milliseconds within which 99 of 100 calls are to be answered.
TARGET = Target(most=50)

IDLE = 10

Figures = Mapping[tuple[str, str], Figure]


class Trouble(Protocol):
    """One thing that makes life hard."""

    def sections(self, directory: Path, size: Size) -> str:
        """Return programs that it takes, which do nothing yet; files may be made."""

    def going_on(self, directory: Path) -> Any:
        """Return a context for as long as which it goes on."""


def figures(what: str) -> Figures:
    """Return the figures of a workload, by the method called and the statistic."""
    return {
        (method, kind): Figure(f"{method} {what}, {kind}", "ms", target=target)
        for method in CALLS
        for kind, target in (("median", None), ("99th percentile", TARGET), ("longest", None))
    }


def answered(
    contestant: Contestant,
    directory: Path,
    size: Size,
    troubles: Sequence[Trouble],
    named: Figures,
) -> Run:
    """Call while all of that goes on; return how long it took."""
    sections = served(directory) + idle_programs(IDLE)
    sections += "".join(trouble.sections(directory, size) for trouble in troubles)
    unix = socket_path(directory)
    with ExitStack() as stack:
        daemon = stack.enter_context(contestant.running(directory, sections))
        daemon.answers(unix)
        for trouble in troubles:
            stack.enter_context(trouble.going_on(directory))
        time.sleep(SETTLING)
        took = _paced(unix, size.calling * LONGER, size.patience)
    run = {}
    for method, values in took.items():
        run[named[method, "median"]] = median(values)
        run[named[method, "99th percentile"]] = quantiles(
            [*values, *values[:1]], n=100, method="inclusive"
        )[98]
        run[named[method, "longest"]] = max(values)
    return run


def _paced(unix: str, seconds: float, patience: float) -> dict[str, list[float]]:
    """Call by turns, at a steady pace; return milliseconds."""
    took: dict[str, list[float]] = {method: [] for method in CALLS}
    with Line(unix) as line:
        line.socket.settimeout(patience)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for method, call in CALLS.items():
                began = time.perf_counter()
                try:
                    line.call(call)
                except GivenUp:
                    if time.perf_counter() - began < patience:
                        raise
                    for values in took.values():
                        values.append(patience * 1e3)
                    return took
                ended = time.perf_counter()
                took[method].append((ended - began) * 1e3)
                time.sleep(max(0.0, began + PACE - ended))
    return took


class SlowDisk:
    """
    Logs in pipes: of two programs, and of the daemon itself, in ones that nobody empties; of a
    third program in one that is emptied slowly. All have more to say than is taken.
    """

    #: bytes that are taken at once from the slow one, and seconds between
    SIP, PAUSE = 4096, 0.02

    NAMES = ("stuck", "stuck_too", "slow")

    def sections(self, directory: Path, size: Size) -> str:
        del size
        for name in ("main", *self.NAMES):
            os.mkfifo(directory / f"{name}.fifo")
        # all that is called for is logged, so that there is much to log
        sections = f"[supervisord]\nlogfile={directory}/main.fifo\nloglevel=trace\n"
        for name in self.NAMES:
            sections += _flooding(name, directory, f"stdout_logfile={directory}/{name}.fifo")
        # at once: Supervisor cannot be started before somebody has the other end
        self._ends = {
            name: os.open(directory / f"{name}.fifo", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            for name in ("main", *self.NAMES)
        }
        return sections

    @contextmanager
    def going_on(self, directory: Path) -> Iterator[None]:
        try:
            with _others((self._sip, self._ends["slow"])):
                _begin(directory, *self.NAMES)
                yield
        finally:
            for fd in self._ends.values():
                os.close(fd)

    def _sip(self, fd: int) -> None:
        while True:
            with suppress(BlockingIOError):
                os.read(fd, self.SIP)
            time.sleep(self.PAUSE)


class Chatter:
    """Fifty programs that write lines of 100 bytes as fast as they can, to rotated logs."""

    CHILDREN = 50

    def sections(self, directory: Path, size: Size) -> str:
        del size
        return _flooding(
            "chatty",
            directory,
            f"numprocs={self.CHILDREN}\nprocess_name=%(program_name)s_%(process_num)d\n"
            f"stdout_logfile={directory}/chatty-%(process_num)d.log\n"
            "stdout_logfile_backups=1\nstdout_logfile_maxbytes=5MB",
        )

    @contextmanager
    def going_on(self, directory: Path) -> Iterator[None]:
        _begin(directory, "chatty")
        yield


class Downloads:
    """
    Clients that read a large log (1 GiB in a full run) again and again.

    One gets it as the page does, one too, but no more than 1 MB in a second, one as JSON, one by
    XML-RPC, 64 MiB in each answer, and one follows it from its beginning. Supervisor has XML-RPC
    only.
    """

    NAME = "large"
    LOG = f"/api/v1/processes/{NAME}/logs/stdout"

    #: bytes in one answer, of JSON and of XML-RPC
    JSON, XML = 1 << 20, 1 << 26

    def sections(self, directory: Path, size: Size) -> str:
        log = directory / f"{self.NAME}.log"
        with open(log, "wb") as file:
            file.writelines((b"x" * 63 + b"\n") * (1 << 14) for _ in range(size.flood >> 20))
        self._size = size.flood
        return (
            f"[program:{self.NAME}]\ncommand=sleep 1000000\nstdout_logfile={log}\n"
            "stdout_logfile_maxbytes=0\nstderr_logfile=NONE\n"
        )

    @contextmanager
    def going_on(self, directory: Path) -> Iterator[None]:
        unix = socket_path(directory)
        with _others(
            (_downloaded, unix, f"{self.LOG}?download=1"),
            (_downloaded, unix, f"{self.LOG}?download=1", 1e6),
            (_downloaded, unix, f"{self.LOG}/stream?offset=0"),
            (self._read_json, unix),
            (self._read_xml, unix),
        ):
            yield

    def _read_json(self, unix: str) -> None:
        for offset in range(0, self._size, self.JSON):
            _downloaded(unix, f"{self.LOG}?offset={offset}&length={self.JSON}")

    def _read_xml(self, unix: str) -> None:
        with Line(unix) as line:
            for offset in range(0, self._size, self.XML):
                line.call(request("supervisor.readProcessStdoutLog", self.NAME, offset, self.XML))


def _flooding(name: str, directory: Path, options: str) -> str:
    """Return a program that writes lines as fast as it can, from when it is told to."""
    begin = directory / f"{name}.begin"
    script = f"until [ -e {begin} ]; do sleep 0.05; done; exec yes {'x' * 99}"
    return f"[program:{name}]\ncommand=sh -c '{script}'\nstderr_logfile=NONE\n{options}\n"


def _begin(directory: Path, *names: str) -> None:
    for name in names:
        (directory / f"{name}.begin").touch()


@contextmanager
def _others(*jobs: tuple[Any, ...]) -> Iterator[None]:
    """Have calls made again and again, each in a process of its own."""
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_again, args=job, daemon=True) for job in jobs]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def _again(do: Callable[..., None], *arguments: Any) -> None:
    while True:
        do(*arguments)


def _downloaded(unix: str, path: str, rate: float | None = None) -> None:
    """Read an answer to its end, no more than so many bytes in a second."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(unix)
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        client.sendall(head.encode())
        room = bytearray(1 << 16)
        began, have = time.monotonic(), 0
        while count := client.recv_into(room):
            have += count
            if rate is not None:
                time.sleep(max(0.0, began + have / rate - time.monotonic()))
    if have < 1000:  # it is not to be had
        time.sleep(PATIENCE)
