"""The one place that decides which kind of sink a log becomes."""

from __future__ import annotations

import errno
import os
import stat

from supervisor_tx.supervision.interfaces import Sink
from supervisor_tx.supervision.logs.logfile import LogFile
from supervisor_tx.supervision.logs.losses import reason
from supervisor_tx.supervision.logs.stream import Streams, descriptor_of, shared_streams
from supervisor_tx.supervision.logs.syslog import PATH as SYSLOG
from supervisor_tx.supervision.logs.syslog import SyslogSink, open_syslog

__all__ = ["SYSLOG", "SyslogSink", "open_sink", "open_syslog", "reason", "shared_streams"]


def open_sink(
    path: str,
    maxbytes: int = 0,
    backups: int = 0,
    *,
    streams: Streams = shared_streams,
) -> Sink:
    """
    Open a log by its configured name; raises OSError.

    What is not a regular file (``/dev/stdout``, a FIFO, a terminal) is shared by all that write to
    it, and never rotated.
    """
    try:
        fd = descriptor_of(path)
        if fd is not None:
            return streams.open_descriptor(fd, path)
        if _is_stream(path):
            return streams.open_path(path)
        return LogFile(path, maxbytes, backups)
    except ValueError as error:  # a zero byte, or what is no character
        raise OSError(errno.EINVAL, str(error), path) from error


def _is_stream(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False  # not there yet, or opening it will tell
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
