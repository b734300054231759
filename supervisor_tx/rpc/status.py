"""
Process infos, kept marshalled.

Most of what is told of a process changes seldom; ``now`` and the time that it is up change each
second. So there is a piece for each process that is made anew when something has happened to it,
and a whole answer that is put together anew once a second, or when something has happened at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from weakref import WeakKeyDictionary

from supervisor_tx.core.states import ProcessState
from supervisor_tx.rpc import marshal
from supervisor_tx.rpc.marshal import Fragment
from supervisor_tx.supervision.info import ProcessInfo, describe, uptime
from supervisor_tx.supervision.process import SupervisedProcess

#: What fits an ``int`` of XML-RPC, which is how times are sent.
LEAST, MOST = -(1 << 31), (1 << 31) - 1


def clamp(number: int) -> int:
    """Return the number nearest to it that an ``int`` of XML-RPC can hold."""
    return max(LEAST, min(MOST, number))


@dataclass(eq=False)
class _Entry:
    """One process: its struct, with two holes."""

    process: SupervisedProcess
    version: int = -1
    head: bytes = b""
    middle: bytes = b""
    tail: bytes = b""
    #: when it started, if it is told how long it is up
    since: int | None = None
    #: the whole struct, and the second for which it is right
    text: bytes = b""
    second: int | None = None

    def refresh(self) -> None:
        """Describe the process anew."""
        self.version = self.process.version
        info = describe(self.process)
        self.since = info.start if info.state is ProcessState.RUNNING else None
        self.head, self.middle, self.tail = _pieces(info)
        self.second = None

    def render(self, second: int) -> bytes:
        """Return the struct as it is in that second."""
        if second != self.second:
            self.second = second
            up = b"" if self.since is None else _uptime(second - self.since)
            self.text = b"%b%d%b%b%b" % (self.head, clamp(second), self.middle, up, self.tail)
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


@dataclass(eq=False)
class StatusCache:
    """The infos of the processes of one daemon."""

    now: Callable[[], float] = time.time
    _entries: WeakKeyDictionary[SupervisedProcess, _Entry] = field(
        default_factory=WeakKeyDictionary, init=False
    )
    #: those of the last list that was asked for
    _listed: Sequence[SupervisedProcess] = field(default=(), init=False)
    _listed_entries: list[_Entry] = field(default_factory=list, init=False)
    _second: int | None = field(default=None, init=False)
    _all: Fragment = field(default_factory=lambda: Fragment(b""), init=False)

    def one(self, process: SupervisedProcess) -> Fragment:
        """Return the struct of a process."""
        entry = self._entry(process)
        if entry.version != process.version:
            entry.refresh()
        return Fragment(entry.render(int(self.now())))

    def all(self, processes: Sequence[SupervisedProcess]) -> Fragment:
        """Return the array of the structs of many; the same sequence is known by its identity."""
        second = int(self.now())
        fresh = second == self._second
        if processes is not self._listed:
            self._listed = processes
            self._listed_entries = [self._entry(process) for process in processes]
            fresh = False
        for entry in self._listed_entries:
            if entry.version != entry.process.version:
                entry.refresh()
                fresh = False
        if not fresh:
            self._second = second
            structs = b"".join([entry.render(second) for entry in self._listed_entries])
            self._all = Fragment(b"<value><array><data>\n%b</data></array></value>\n" % structs)
        return self._all

    def _entry(self, process: SupervisedProcess) -> _Entry:
        entry = self._entries.get(process)
        if entry is None:
            entry = self._entries[process] = _Entry(process)
        return entry
