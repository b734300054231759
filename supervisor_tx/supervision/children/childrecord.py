"""What it takes to go on with a child in another interpreter."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from supervisor_tx.values import asdict, fields, frozen


@frozen(kw_only=True)
class ChildRecord:
    """
    A child transport, written down. All values survive JSON (:meth:`as_dict`, :meth:`from_dict`).

    The descriptors belong to whoever holds the record: an adopting transport takes them over.
    """

    pid: int
    #: when the kernel started it, in clock ticks since boot: a pid alone may have been used again
    started: int | None = None
    #: None where exits come from SIGCHLD, or once it was reaped
    pidfd: int | None = None
    #: (the child's descriptor, ours), those that are open
    descriptors: tuple[tuple[int, int], ...] = ()
    #: accepted for the child's stdin and not yet written, in base64
    backlog: str = ""
    #: stdin is to be closed once the backlog was written
    closing: bool = False
    #: the child's descriptors that are not to be read for now
    paused: tuple[int, ...] = ()
    #: (the child's descriptor, bytes per read), where it grew
    read_sizes: tuple[tuple[int, int], ...] = ()
    #: it was reaped, with this status word (None: unknown); only its pipes are left
    reaped: bool = False
    status: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ChildRecord:
        """Read what :meth:`as_dict` wrote. Ignores what a newer version added."""
        known = {f.name for f in fields(cls)}
        plain = {name: value for name, value in values.items() if name in known}
        return cls(**{name: _frozen(value) for name, value in plain.items()})

    @property
    def backlog_bytes(self) -> bytes:
        """The backlog as bytes."""
        return base64.b64decode(self.backlog)


def _frozen(value: Any) -> Any:
    """JSON knows no tuples: make them of its lists."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value
