"""
Processes written down, so that another interpreter can go on with them.

A child belongs to its record, not to our process: what we know of it (state, retries, the rest of a
timer, descriptors, bytes held back by filters) is here as plain values that survive JSON. The clock
is monotonic and the same for all processes of a host, so times by it stay good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol

from supervisor_tx.core.lifecycle import Input, Overdue, Spawn, Stayed, Waited
from supervisor_tx.core.states import ProcessState
from supervisor_tx.supervision.children.child import ChildProtocol
from supervisor_tx.supervision.children.childrecord import ChildRecord
from supervisor_tx.supervision.ending import Ending
from supervisor_tx.supervision.interfaces import IChildTransport
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.values import asdict, field, fields, frozen

#: What a timer may be set for, by name.
TIMERS: Mapping[str, Input] = {
    type(each).__name__: each for each in (Stayed(), Waited(), Overdue())
}

Adopt = Callable[[ChildRecord, ProcessProtocol], IChildTransport]


@frozen(kw_only=True)
class ProcessRecord:
    """One process. All values survive JSON (:meth:`as_dict`, :meth:`from_dict`)."""

    group: str
    name: str
    state: int
    retries: int = 0
    spawned: bool = False
    stop_wanted: bool = False
    may_restart: bool = True
    #: an order was with the spawner; it is given again
    spawning: bool = False
    laststart: float = 0
    laststop: float = 0
    spawnerr: str | None = None
    exitstatus: int | None = None
    has_ended: bool = False
    wait_status: int | None = None
    #: of :class:`Ending`
    last_end: Mapping[str, Any] = field(default_factory=dict)
    #: cause of a stop that is under way, and who asked for it
    stopping: tuple[str, str] | None = None
    #: by the clock
    spawned_at: float = 0
    #: when the timer runs out, by the clock, and the input that it brings; None: not set
    timer: tuple[float, str] | None = None
    #: of :class:`ChildRecord`
    child: Mapping[str, Any] | None = None
    #: by the child's descriptor, as text
    channels: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ProcessRecord:
        """Read what :meth:`as_dict` wrote. Ignores what a newer version added."""
        known = {each.name for each in fields(cls)}
        plain = {name: value for name, value in values.items() if name in known}
        if plain.get("timer") is not None:
            when, then = plain["timer"]
            plain["timer"] = (when, then)
        if plain.get("stopping") is not None:
            cause, by = plain["stopping"]
            plain["stopping"] = (cause, by)
        return cls(**plain)


def write_down(process: SupervisedProcess) -> ProcessRecord:
    """
    Return all that is known of a process.

    Its child's descriptors belong to the record from then on; the process is to be dropped.
    """
    life, transport = process.life, process.transport
    timer: IDelayedCall | None = process.timer
    return ProcessRecord(
        group=process.group,
        name=process.name,
        state=int(life.state),
        retries=life.retries,
        spawned=life.spawned,
        stop_wanted=life.stop_wanted,
        may_restart=life.may_restart,
        spawning=process.spawning,
        laststart=process.laststart,
        laststop=process.laststop,
        spawnerr=process.spawnerr,
        exitstatus=process.exitstatus,
        has_ended=process.has_ended,
        wait_status=process.wait_status,
        last_end=asdict(process.last_end),
        stopping=process.stopping,
        spawned_at=process.spawned_at,
        timer=None if timer is None else (timer.getTime(), type(process.then).__name__),
        child=None if transport is None else transport.record().as_dict(),
        channels={
            str(descriptor): channel.record() for descriptor, channel in process.channels.items()
        },
    )


def take_up(process: SupervisedProcess, record: ProcessRecord, adopt: Adopt) -> None:
    """Bring a process that was just made to where the record is."""
    life = process.life
    life.state = ProcessState(record.state)
    life.retries = record.retries
    life.spawned = record.spawned
    life.stop_wanted = record.stop_wanted
    life.may_restart = record.may_restart
    process.laststart, process.laststop = record.laststart, record.laststop
    process.spawnerr, process.exitstatus = record.spawnerr, record.exitstatus
    process.has_ended, process.wait_status = record.has_ended, record.wait_status
    process.last_end, process.stopping = Ending(**record.last_end), record.stopping
    process.spawned_at = record.spawned_at
    for descriptor, channel in process.channels.items():
        if str(descriptor) in record.channels:
            channel.resume(record.channels[str(descriptor)])
    if record.timer is not None:
        when, then = record.timer
        process.wait(max(0.0, when - process.clock.seconds()), TIMERS[then])
    if record.child is not None:
        child = ChildRecord.from_dict(record.child)
        process.pid = child.pid
        process.hold_socket()
        process.transport = adopt(child, ChildProtocol(process))
        for descriptor, channel in process.channels.items():
            process.transport.resumeChild(descriptor)  # what is still full will pause it again
            channel.begin(process.transport)
    if record.spawning:
        process.perform(Spawn())
