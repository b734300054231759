"""
Pools written down, so that another interpreter can go on with them.

What is here is the pool's own: its processes have records of their own (:mod:`.record`), which are
to be taken up first. No event is lost by it, and none is told twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supervisor_tx.core.backlog import Serials
from supervisor_tx.core.eventrecord import read_waiting, write_waiting
from supervisor_tx.core.listener import Dialogue, DialogueRecord
from supervisor_tx.supervision.listener import Listener
from supervisor_tx.supervision.pool import ListenerPool


def write_down(pool: ListenerPool) -> dict[str, Any]:
    """Return all that is known of a pool, as plain values that survive JSON."""
    now = pool.exchange.clock.seconds()
    return {
        "backlog": [write_waiting(each) for each in pool.backlog],
        "serial": pool.serials.following,
        "counts": [pool.accepted, pool.processed, pool.returned, pool.discarded],
        "burst": pool.burst,
        "going_down": pool.going_down,
        "draining": None if pool.draining is None else pool.draining.getTime() - now,
        "killing": {name: call.getTime() - now for name, call in pool.killing.items()},
        "listeners": {name: _write(each) for name, each in pool.listeners.items()},
    }


def take_up(pool: ListenerPool, record: Mapping[str, Any]) -> None:
    """Bring a pool that was just made, with its processes, to where the record is."""
    for each in record["backlog"]:
        pool.backlog.put_in(read_waiting(each))
    pool.serials = Serials(record["serial"])
    pool.accepted, pool.processed, pool.returned, pool.discarded = record["counts"]
    burst = record["burst"]
    pool.burst = None if burst is None else (burst[0], burst[1], burst[2])
    pool.going_down = record["going_down"]
    for name, values in record["listeners"].items():
        if name in pool.processes:
            _read(pool.listen_to(pool.processes[name]), values)
    pool.resume_timers(record["draining"], record["killing"])


def _write(listener: Listener) -> dict[str, Any]:
    dialogue, in_hand = listener.dialogue, listener.in_hand
    return {
        "dialogue": None if dialogue is None else dialogue.record().as_dict(),
        "in_hand": None if in_hand is None else write_waiting(in_hand),
        "handed": listener.handed,
        "has_asked": listener.has_asked,
        "is_deaf": listener.is_deaf,
    }


def _read(listener: Listener, record: Mapping[str, Any]) -> None:
    if record["dialogue"] is not None:
        listener.dialogue = Dialogue(DialogueRecord.from_dict(record["dialogue"]))
    if record["in_hand"] is not None:
        listener.in_hand = read_waiting(record["in_hand"])
    listener.handed = record["handed"]
    listener.has_asked, listener.is_deaf = record["has_asked"], record["is_deaf"]
