"""How pools of event listeners keep up, as tables."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    Pool = Mapping[str, Any]

_POOL: Final = (
    "POOL", "WAITING", "BYTES", "ROOM", "ACCEPTED", "PROCESSED", "RETURNED", "DISCARDED", "EVENTS",
)  # fmt: skip
_LISTENER: Final = ("LISTENER", "STATE", "DIALOGUE", "IN HAND", "HANDED", "PID")

#: What stands for nothing.
_NONE: Final = "-"


def chosen(pools: Sequence[Pool], names: Sequence[str]) -> tuple[list[Pool], list[str]]:
    """Return the pools of these names, all where there are none, and the names that none has."""
    known = {pool["name"] for pool in pools}
    return (
        [pool for pool in pools if not names or pool["name"] in names],
        [name for name in names if name not in known],
    )


def lines(pools: Sequence[Pool]) -> list[str]:
    """Return a table of pools, and one of their listeners."""
    listeners = [_listener(pool, each) for pool in pools for each in pool["listeners"]]
    return [*_table(_POOL, [_pool(pool) for pool in pools]), "", *_table(_LISTENER, listeners)]


def _pool(pool: Pool) -> list[str]:
    counts = ("accepted", "processed", "returned", "discarded")
    room = str(pool["buffer_size"]) if pool["buffer_size"] else _bytes(pool["buffer_bytes"])
    return [
        pool["name"],
        str(pool["waiting"]),
        _bytes(pool["waiting_bytes"]),
        room,
        *(str(pool[each]) for each in counts),
        ",".join(pool["events"]),
    ]


def _listener(pool: Pool, listener: Mapping[str, Any]) -> list[str]:
    return [
        f"{pool['name']}:{listener['name']}",
        listener["statename"],
        listener["listener_state"] or _NONE,
        _NONE if listener["serial"] < 0 else str(listener["serial"]),
        str(listener["handed"]),
        str(listener["pid"] or _NONE),
    ]


def _bytes(number: int) -> str:
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if number >= unit:
            return f"{number / unit:.1f} {name}".replace(".0 ", " ")
    return str(number)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with columns as wide as need be."""
    every = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    return [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in every
    ]
