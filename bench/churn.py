"""
What a soak does to a daemon, again and again: everything that comes and goes in one.

In each cycle a program is stopped and started; the configuration on disk is changed, so that a
program is added and another one has a new command; that is put into force, and the first one
removed again; logs are moved away and opened anew, and cleared; clients come, follow logs, events
and pages, and go, some in the middle of a request; a listener is told of all that. The lines are
written by four programs to logs that are rotated all the time, and every byte is counted.
"""

from __future__ import annotations

import signal
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from bench.calling import Line, request, served, socket_path
from bench.contestants import Contestant, Daemon, GivenUp
from bench.steadiness import Sample, Trend

#: What is still called flat: bytes for each cycle, and for each line.
CYCLE_LIMIT, LINE_LIMIT = 64.0, 0.064

#: Lines of so many bytes, as many in one write, and in a cycle for each program.
LINE, AT_ONCE, IN_CYCLE = 100, 40, 40

#: The kinds of programs that write lines, with what each has to go through on its way.
WRITERS: Mapping[str, str] = {
    "plain": "",
    "ansi": "stdout_strip_ansi=true",
    "heard": "stdout_events_enabled=true",
    "watched": "stdout_capture_maxbytes=100KB",
}

#: Size of their logs, and how many old ones there may be until they are counted.
LOG_SIZE, BACKUPS = 256 * 1024, 90

WORKERS = 5

#: Processes of all that.
PROGRAMS = WORKERS + len(WRITERS) + 3

#: Clients that follow something at the same time.
FOLLOWERS = 6

#: Cycles after which all that is ever imported is there.
WARMING = 20

#: Seconds without anything to do after which a daemon is quiet, and how long that is waited for.
QUIET, SETTLING = 0.1, 5.0

#: Writes as many lines as it is told to.
WRITER = f"""\
import os, sys
line = (sys.argv[1][:1] * {LINE - 1}).encode() + b"\\n"
def write(data):
    while data:
        data = data[os.write(1, data):]
for order in sys.stdin:
    lines = int(order)
    while lines:
        some = min(lines, {AT_ONCE})
        write(line * some)
        lines -= some
"""

#: Says something to listeners, as often as it is told to.
SPEAKER = """\
import os, sys
for order in sys.stdin:
    os.write(1, b"<!--XSUPERVISOR:BEGIN-->" + order.encode() * 10 + b"<!--XSUPERVISOR:END-->")
"""

LISTENER = """\
import os
os.write(1, b"READY\\n")
data = b""
while True:
    while b"\\n" not in data:
        data += os.read(0, 65536)
    head, _, data = data.partition(b"\\n")
    length = int(head.rpartition(b":")[2])
    while len(data) < length:
        data += os.read(0, 65536)
    data = data[length:]
    os.write(1, b"RESULT 2\\nOKREADY\\n")
"""

EVENTS = "PROCESS_STATE,PROCESS_LOG,PROCESS_COMMUNICATION,PROCESS_GROUP,REMOTE_COMMUNICATION"

#: What clients follow; the second and the third are there with ours only.
FOLLOWED = (
    "/logtail/plain",
    "/api/v1/events?figures=1&config=1",
    "/api/v1/processes/heard/logs/stdout/stream",
    "/mainlogtail",
)


def sections(directory: Path) -> str:
    """Return the configuration that all cycles begin and end with."""
    for name, text in (("writer", WRITER), ("speaker", SPEAKER), ("listener", LISTENER)):
        (directory / f"{name}.py").write_text(text)
    python = f"{sys.executable} -S -u {directory}"
    programs = (
        f"[supervisord]\nlogfile_maxbytes=200KB\nlogfile_backups=2\n{served(directory)}"
        f"[eventlistener:listener]\ncommand={python}/listener.py\nevents={EVENTS}\n"
        "stdout_logfile=NONE\nstderr_logfile=NONE\nbuffer_size=1000\n"
        f"[program:worker]\ncommand=sleep 1000000\nnumprocs={WORKERS}\nstartsecs=0\n"
        "process_name=%(process_num)d\n"
        f"[program:speaker]\ncommand={python}/speaker.py\nstdout_capture_maxbytes=10KB\n"
    )
    for name, options in WRITERS.items():
        programs += (
            f"[program:{name}]\ncommand={python}/writer.py {name}\nstderr_logfile=NONE\n"
            f"stdout_logfile={directory}/{name}.log\n"
            f"stdout_logfile_maxbytes={LOG_SIZE}\nstdout_logfile_backups={BACKUPS}\n{options}\n"
        )
    return programs + change(0, added=False)


def change(number: int, *, added: bool) -> str:
    """Return what is in the configuration beside that; each number has other commands."""
    extra = "[program:extra]\ncommand=sleep 2000000\nstartsecs=0\n" if added else ""
    return f"[program:changing]\ncommand=sleep {3000000 + number}\nstartsecs=0\n{extra}"


@dataclass
class Logs:
    """The logs of those who write lines: every byte has to arrive in one, once."""

    directory: Path
    #: bytes that each was told to write
    told: Counter[str] = field(default_factory=Counter)
    #: bytes that were counted and are gone since
    counted: Counter[str] = field(default_factory=Counter)
    #: logs that had been rotated or moved away
    finished: int = 0

    def move(self, name: str, number: int) -> None:
        """Take the log away, as logrotate does."""
        with suppress(FileNotFoundError):
            self._log(name).rename(self.directory / f"{name}.log.moved-{number}")

    def have_all(self) -> bool:
        """Tell whether every byte has arrived; raise GivenUp where there are more."""
        missing = 0
        for name, told in self.told.items():
            here = self._size(name)
            if self.counted[name] + here > told:
                raise GivenUp(f"{name} has {self.counted[name] + here} bytes of {told}")
            missing += told - self.counted[name] - here
        return not missing

    def tidy(self) -> None:
        """Remove what is there beside the logs, once :meth:`have_all`."""
        for name in self.told:
            for path in self._files(name):
                if path != self._log(name):
                    self.counted[name] += path.stat().st_size
                    self.finished += 1
                    path.unlink()

    def _size(self, name: str) -> int:
        """Return how much is there, or less while logs are rotated, but never more."""
        sizes: dict[int, int] = {}
        for path in self._files(name):
            with suppress(FileNotFoundError):
                found = path.stat()
                sizes[found.st_ino] = found.st_size
        return sum(sizes.values())

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def _files(self, name: str) -> list[Path]:
        return list(self.directory.glob(f"{name}.log*"))


class Soak:
    """One daemon, and what is done to it."""

    def __init__(
        self, contestant: Contestant, daemon: Daemon, directory: Path, deadline: float
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.trends: dict[str, Trend] = {}
        self._daemon = daemon
        self._proc = Path(f"/proc/{daemon.process.pid}")
        #: descriptors that the daemon had when nobody was there
        self._fewest: float = inf
        self._deadline = deadline
        self._is_ours = contestant.name == "supervisor_tx"
        self._config = directory / "supervisord.conf"
        self._base = self._config.read_text().replace(change(0, added=False), "")
        self._logs = Logs(directory)
        self._unix = socket_path(directory)
        self._followers: deque[socket.socket] = deque()
        self._began = time.monotonic()
        self._line = Line(self._unix)

    def close(self) -> None:
        """Leave."""
        self._leave()
        self._line.socket.close()

    # What is done

    def cycles(self, count: int, samples: int) -> None:
        """Do so many cycles, as far as there is time, and some before to warm up."""
        for number in range(WARMING):
            self._cycle(number)
        self._sampled("cycles", self._cycle, count, samples, CYCLE_LIMIT)

    def lines(self, count: int, samples: int) -> None:
        """Have so many lines written, as far as there is time."""
        in_round = len(WRITERS) * AT_ONCE
        rounds = max(1, count // samples // in_round)

        def some(_: int) -> int:
            for name in WRITERS:
                self._write(name, rounds * AT_ONCE)
            self._until_written()
            return rounds * in_round

        self._sampled("lines", some, count, samples, LINE_LIMIT)

    def _sampled(
        self,
        what: str,
        do: Callable[[int], int],
        count: int,
        samples: int,
        limit: float,
    ) -> None:
        """Do something again and again, as often as it says itself, and look at times."""
        seen = [self._sample(0)]
        done = 0
        while done < count and time.monotonic() < self._deadline:
            until = max(done + 1, count * len(seen) // samples)
            while done < until and time.monotonic() < self._deadline:
                done += do(done)
            seen.append(self._sample(done))
        self.counts[what] = done
        self.counts["logs rotated or moved"] = self._logs.finished
        self.counts["bytes in logs"] = sum(self._logs.counted.values())
        self.trends[what] = Trend(seen, limit)

    def _cycle(self, number: int) -> int:
        worker = f"worker:{number % WORKERS}"
        self._call("stopProcess", worker)
        self._call("startProcess", worker)
        for name in WRITERS:
            self._write(name, IN_CYCLE)
        self._call("sendProcessStdin", "speaker", f"{number}\n")
        self._call("sendRemoteCommEvent", "soak", str(number))
        self._reconfigure(number)
        self._rotate(number, worker)
        self._come_and_go(number)
        return 1

    def _reconfigure(self, number: int) -> None:
        """Have a program added, another one changed, and the first removed again."""
        self._configure(number + 1, added=True)
        if self._is_ours and number % 2:
            self._call("update", space="supervisor_tx")
        else:
            found = self._call("reloadConfig")
            if b"extra" not in found or b"changing" not in found:
                raise GivenUp(f"no change was found: {found!r}")
            self._call("addProcessGroup", "extra")
            self._replace("changing")
        self.counts["programs added"] += 1
        self.counts["programs changed"] += 1
        self._configure(number + 1, added=False)
        self._call("reloadConfig")
        self._call("stopProcess", "extra")
        self._call("removeProcessGroup", "extra")
        self.counts["programs removed"] += 1

    def _replace(self, name: str) -> None:
        """Do what Supervisor's client does about a program that has changed."""
        self._call("stopProcessGroup", name)
        self._call("removeProcessGroup", name)
        self._call("addProcessGroup", name)

    def _rotate(self, number: int, worker: str) -> None:
        self._logs.move(list(WRITERS)[number % len(WRITERS)], number)
        self._daemon.process.send_signal(signal.SIGUSR2)
        self._call("clearProcessLogs", worker)
        self.counts["logs opened anew"] += 1

    def _come_and_go(self, number: int) -> None:
        """Let a client call once, one go away, and others follow something for a while."""
        with Line(self._unix) as line:
            line.call(request("supervisor.getAllProcessInfo"))
        with self._asked(b"POST /RPC2 HTTP/1.1\r\nContent-Length: 1000\r\n\r\n<?xml"):
            self.counts["clients"] += 1
        path = FOLLOWED[number % len(FOLLOWED)] if number % 10 else "/"
        self._followers.append(self._asked(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()))
        for follower in self._followers:
            with suppress(BlockingIOError):
                while follower.recv(65536, socket.MSG_DONTWAIT):
                    pass
        if len(self._followers) > FOLLOWERS:
            self._followers.popleft().close()

    # How

    def _call(self, method: str, *parameters: Any, space: str = "supervisor") -> bytes:
        self.counts["calls"] += 1
        return self._line.call(request(f"{space}.{method}", *parameters))

    def _asked(self, data: bytes) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.connect(self._unix)
        client.sendall(data)
        self.counts["clients"] += 1
        return client

    def _configure(self, number: int, *, added: bool) -> None:
        self._config.write_text(self._base + change(number, added=added))

    def _write(self, name: str, lines: int) -> None:
        self._logs.told[name] += lines * LINE
        self._call("sendProcessStdin", name, f"{lines}\n")

    def _until_written(self) -> None:
        self._daemon.until(self._logs.have_all, 0.01)
        self._logs.tidy()

    def _leave(self) -> None:
        for follower in self._followers:
            follower.close()
        self._followers.clear()

    def _sample(self, done: int) -> Sample:
        """Have everybody leave, wait for all that is under way, and look."""
        self._leave()
        self._until_written()
        self._until_quiet()
        return Sample(
            done,
            time.monotonic() - self._began,
            int(self._daemon.memory() * (1 << 20)),
            self._descriptors(),
            len(list(self._proc.glob("task/*"))),
            self._daemon.cpu(),
        )

    def _until_quiet(self) -> None:
        """Wait until the daemon has let go of its clients, and its listener has heard of all."""
        deadline = time.monotonic() + SETTLING
        while time.monotonic() < deadline:
            before = self._daemon.wakeups()
            time.sleep(QUIET)
            # Supervisor wakes up once a second without a reason
            if self._daemon.wakeups() - before <= 1 and self._descriptors() <= self._fewest:
                break
        self._fewest = min(self._fewest, self._descriptors())

    def _descriptors(self) -> int:
        return len(list(self._proc.glob("fd/*")))
