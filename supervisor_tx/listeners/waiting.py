"""Waiting for a line within asyncio, which is imported here and nowhere else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supervisor_tx.listeners.line import Line


async def readable(line: Line, seconds: float | None = None) -> None:
    """Return when a line need not be waited for, or, at the latest, after so many seconds."""
    loop = asyncio.get_running_loop()
    arrived = loop.create_future()
    watched: list[int] = []
    try:
        for fd in line.filenos():
            try:
                loop.add_reader(fd, _wake, arrived)
            except PermissionError:  # it is a file, which is never waited for
                return
            watched.append(fd)
        if watched:
            await asyncio.wait([arrived], timeout=seconds)
    finally:
        for fd in watched:
            loop.remove_reader(fd)


def _wake(arrived: asyncio.Future[None]) -> None:
    if not arrived.done():
        arrived.set_result(None)
