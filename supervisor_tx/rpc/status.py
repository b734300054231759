"""
Process infos, kept marshalled.

Most of what is told of a process changes seldom; ``now`` and the time that it is up change each
second. So there is a piece for each process: made anew when something has happened to it, and
mended in these two places when it is asked for in another second. An answer is a join of pieces.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from weakref import WeakKeyDictionary

from supervisor_tx.core.states import ProcessState
from supervisor_tx.rpc import marshal
from supervisor_tx.rpc.marshal import Fragment
from supervisor_tx.supervision.info import ProcessInfo, describe, uptime
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.values import field, mutable

#: What fits an ``int`` of XML-RPC, which is how times are sent.
LEAST, MOST = -(1 << 31), (1 << 31) - 1


def clamp(number: int) -> int:
    """Return the number nearest to it that an ``int`` of XML-RPC can hold."""
    return max(LEAST, min(MOST, number))


@mutable
class _Entry:
    """
    One process: its struct, and where in it is what changes by the second.

    It keeps nothing alive, for the process is its key.
    """

    version: int = -1
    #: when it started, if it is told how long it is up
    since: int | None = None
    #: the struct, right for one second
    text: bytes = b""
    second: int | None = None
    #: where in it ``now`` is, and the time that it is up
    now: tuple[int, int] = (0, 0)
    up: tuple[int, int] = (0, 0)

    def refresh(self, process: SupervisedProcess) -> None:
        """Describe the process anew."""
        self.version = process.version
        info = describe(process)
        self.since = info.start if info.state is ProcessState.RUNNING else None
        head, middle, tail = _pieces(info)
        self.now = (len(head), len(head))
        self.up = (len(head) + len(middle), len(head) + len(middle))
        self.text = b"%b%b%b" % (head, middle, tail)
        self.second = None

    def render(self, second: int) -> bytes:
        """Return the struct as it is in that second."""
        if second == self.second:
            return self.text
        self.second = second
        text = self.text
        now = b"%d" % clamp(second)
        up = b"" if self.since is None else _uptime(second - self.since)
        middle = text[self.now[1] : self.up[0]]
        begin = self.now[0]
        self.text = b"%b%b%b%b%b" % (text[:begin], now, middle, up, text[self.up[1] :])
        self.now = (begin, begin + len(now))
        begin += len(now) + len(middle)
        self.up = (begin, begin + len(up))
        return self.text


@lru_cache(maxsize=64)
def _uptime(seconds: int) -> bytes:
    return uptime(seconds).encode()


def _pieces(info: ProcessInfo) -> tuple[bytes, bytes, bytes]:
    """Return the parts of a struct before, between and after ``now`` and the end of its words."""
    head = b"<value><struct>\n" + _members(
        name=info.name, group=info.group, start=clamp(info.start), stop=clamp(info.stop)
    )
    middle = _members(
        state=int(info.state),
        statename=info.state.name,
        spawnerr=info.spawnerr,
        exitstatus=info.exitstatus,
        logfile=info.stdout_logfile,
        stdout_logfile=info.stdout_logfile,
        stderr_logfile=info.stderr_logfile,
        pid=info.pid,
    )
    tail = _members(
        exit_code=info.exit_code,
        exit_signal=info.exit_signal,
        exit_expected=info.exit_expected,
        exit_cause=info.exit_cause,
        exit_by=info.exit_by,
        tries=info.tries,
        next_try=clamp(info.next_try),
    )
    return (
        head + b"<member>\n<name>now</name>\n<value><int>",
        b"</int></value>\n</member>\n%b<member>\n<name>description</name>\n<value><string>%b"
        % (middle, marshal.escape(info.description)),
        b"</string></value>\n</member>\n%b</struct></value>\n" % tail,
    )


def _members(**members: object) -> bytes:
    return b"".join(
        b"<member>\n<name>%b</name>\n%b</member>\n" % (name.encode(), marshal.value(value))
        for name, value in members.items()
    )


@mutable
class StatusCache:
    """The infos of the processes of one daemon."""

    now: Callable[[], float] = time.time
    _entries: WeakKeyDictionary[SupervisedProcess, _Entry] = field(
        default_factory=WeakKeyDictionary, init=False
    )
    #: those of the last list that was asked for
    _listed: Sequence[SupervisedProcess] = field(default=(), init=False)
    _listed_entries: list[_Entry] = field(default_factory=list, init=False)

    def one(self, process: SupervisedProcess) -> Fragment:
        """Return the struct of a process."""
        entry = self._entry(process)
        if entry.version != process.version:
            entry.refresh(process)
        return Fragment(entry.render(int(self.now())))

    def all(self, processes: Sequence[SupervisedProcess]) -> Fragment:
        """Return the array of the structs of many; the same sequence is known by its identity."""
        if processes is not self._listed:
            self._listed = processes
            self._listed_entries = [self._entry(process) for process in processes]
        second = int(self.now())
        parts = [b"<value><array><data>\n"]
        for process, entry in zip(processes, self._listed_entries, strict=True):
            if entry.version != process.version:
                entry.refresh(process)
            parts.append(entry.render(second))
        parts.append(b"</data></array></value>\n")
        return Fragment(*parts)

    def _entry(self, process: SupervisedProcess) -> _Entry:
        entry = self._entries.get(process)
        if entry is None:
            entry = self._entries[process] = _Entry()
        return entry
