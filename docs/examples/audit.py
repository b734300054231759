"""
Writes all that happens to a file, one JSON object in a line.

    [eventlistener:audit]
    command=python3 /etc/supervisor/audit.py /var/log/supervisor/audit.jsonl
    events=PROCESS_STATE,PROCESS_GROUP,SUPERVISOR_STATE_CHANGE,REMOTE_COMMUNICATION

An event is accepted when it is written, and with --sync when it is on the disk; while the disk is
full, events wait in the daemon. What the daemon had to discard meanwhile is missing from the
numbers of a pool's events; a line says so. For that the pool must have one process. The file may
be moved away at any time, as logrotate does it.
"""

from __future__ import annotations

import argparse
import json
import os
from datetime import UTC, datetime

from supervisor_tx.childutils import ListenerEvent, events


class Trail:
    """A file that only grows."""

    def __init__(self, path: str, sync: bool = False) -> None:
        self.path, self.sync = path, sync
        self.last: int | None = None

    def add(self, event: ListenerEvent) -> None:
        """Write an event; raise OSError where that is not possible."""
        lines = b""
        if self.last is not None and event.pool_serial > self.last + 1:
            lines += line({"event": "missed", "count": event.pool_serial - self.last - 1})
        head = {"event": event.name, "serial": event.serial}
        data = {"data": event.data} if event.data else {}
        lines += line(head | dict(event.fields) | data | head)
        self.write(lines)
        self.last = event.pool_serial

    def write(self, data: bytes) -> None:
        """Append data, or nothing at all."""
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            before = os.fstat(file).st_size
            try:
                while data:
                    data = data[os.write(file, data) :]
                if self.sync:
                    os.fsync(file)
            except OSError:
                os.ftruncate(file, before)
                raise
        finally:
            os.close(file)


def line(values: dict[str, object]) -> bytes:
    """Return a line of the trail; the time is that of writing."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": time} | values | {"time": time}).encode() + b"\n"


def main() -> None:
    """Listen, as the command line says."""
    parser = argparse.ArgumentParser(description="an event listener; started by supervisord")
    parser.add_argument("path", help="the file that is written to")
    parser.add_argument("--sync", action="store_true", help="wait for the disk each time")
    arguments = parser.parse_args()
    trail = Trail(arguments.path, arguments.sync)
    for event in events():
        try:
            trail.add(event)
        except OSError as error:
            print(error)  # to the log of standard error, as all that is printed
            event.reject()


if __name__ == "__main__":
    main()
