"""What a program that is in trouble has said last: most often that tells what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from supervisor_tx.errors import LogFailed
from supervisor_tx.supervision import ending
from supervisor_tx.supervision.logs import logreading
from supervisor_tx.supervision.process import STDERR, STDOUT, SupervisedProcess
from supervisor_tx.web.pages import sgr

#: Programs that are listened to for one page, and bytes of the end of a log that are read.
MOST, BYTES = 12, 2048

#: What stands behind such a path is shared with others, whose words these might be.
SHARED = ("/dev/", "/proc/")

#: Characters that are shown.
LONGEST = 300

#: By group and name, the paths of logs that may have it, the likeliest first.
Places = Mapping[tuple[str, str], tuple[str, ...]]


def places(processes: Iterable[SupervisedProcess]) -> Places:
    """Return where to look for the last words of some processes."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for process in processes:
        if len(found) == MOST:
            break
        # Of a program that could not be executed the reason says it all.
        if process.last_end.cause != ending.SPAWN_ERROR:
            logs = (process.logfile(STDERR), process.logfile(STDOUT))
            own = (path for path in logs if path and not path.startswith(SHARED))
            found[process.group, process.name] = tuple(own)
    return found


def read(places: Places) -> Mapping[tuple[str, str], str]:
    """Return the last line of each that has one; in a thread, as disks may be slow."""
    said = {}
    for key, paths in places.items():
        for path in paths:
            if line := _last_line(path):
                said[key] = line
                break
    return said


def _last_line(path: str) -> str:
    try:
        data = logreading.tail(path, 0, BYTES).data
    except LogFailed:
        return ""
    text = "".join(piece for piece, _ in sgr.pieces(data.decode("utf-8", "replace")))
    lines = text.split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return last if len(last) <= LONGEST else f"{last[:LONGEST]}…"
