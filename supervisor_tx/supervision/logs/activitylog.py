"""
The activity log: Supervisor's lines, in a file, on standard output and in syslog.

:class:`ActivityLog` is an observer of ``twisted.logger``. What our own loggers say is written as it
is (:mod:`supervisor_tx.activity`); what Twisted itself and other libraries have to say is written
in the same form from *warn* upwards.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache

from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    LogPublisher,
    eventAsText,
    formatEvent,
    globalLogPublisher,
)
from zope.interface import implementer

from supervisor_tx.activity import LEVEL_KEY, Logger, Threshold
from supervisor_tx.config.model import SupervisordConfig
from supervisor_tx.core.levels import CODES, Level
from supervisor_tx.errors import CannotStart
from supervisor_tx.supervision.interfaces import Sink
from supervisor_tx.supervision.logs import sinks
from supervisor_tx.supervision.logs.stream import Streams

#: Bytes that are kept for a standard output, or syslog, that does not take them; then
#: messages are lost.
PATIENCE = 1024 * 1024

_FROM_TWISTED = {
    LogLevel.critical: Level.CRITICAL,
    LogLevel.error: Level.ERROR,
    LogLevel.warn: Level.WARN,
}

_own_log = Logger()


class _Feed:
    """One sink of the activity log. Nobody can be paused here, so what it cannot keep is lost."""

    def __init__(self, sink: Sink, *, prefix_each_line: bool = False) -> None:
        self.sink = sink
        self._prefix_each_line = prefix_each_line
        self._full = False
        self._kept = 0
        self._lost = 0

    def write(self, prefix: bytes, text: bytes) -> None:
        if self._prefix_each_line:
            text = text.rstrip(b"\n").replace(b"\n", b"\n" + prefix)
        line = b"%b%b\n" % (prefix, text)
        if self._full:
            self._kept += len(line)
            if self._kept > PATIENCE:
                self._lost += 1
                return
        if not self.sink.write(line) and not self._full:
            self._full = True
            self._kept = len(line)
            self.sink.when_room(self._has_room)

    def _has_room(self) -> None:
        self._full = False
        self._kept = 0
        if self._lost:
            lost, self._lost = self._lost, 0
            text = f"{lost} messages are missing here: they were not taken in time"
            self.write(_prefix(time.time(), Level.WARN), text.encode())


@implementer(ILogObserver)
class ActivityLog:
    """Writes events as ``<date> <time>,<ms> <LEVEL> <message>`` lines, in local time and UTF-8."""

    def __init__(self, streams: Streams | None = None, syslog: str | None = None) -> None:
        """
        Make a log that is not open.

        ``streams`` and ``syslog``, the path where the system's log listens, are those of the
        process unless given.
        """
        self.level = Level.INFO
        self._streams = streams
        self._syslog = syslog
        #: called with the number of the level and the text of each message that is written
        self.observers: list[Callable[[int, str], None]] = []
        self._feeds: list[_Feed] = []
        self._publisher: LogPublisher | None = None
        self._thread = 0

    def open(self, config: SupervisordConfig, *, stdout: int = 1) -> None:
        """
        Open what the configuration asks for, in place of what is open.

        ``stdout`` is the descriptor for the copy. Raises CannotStart, and changes nothing.
        """
        streams = self._streams or sinks.shared_streams
        copies = []
        if config.nodaemon and not config.silent and sys.__stdout__ is not None:
            with suppress(OSError):  # closed: then nobody wants it
                copies.append(_Feed(streams.open_descriptor(stdout, "standard output")))
        if config.logfile is None:
            sink: Sink = sinks.open_syslog(path=self._syslog or sinks.SYSLOG, streams=streams)
            feeds = [_Feed(sink, prefix_each_line=True)]
        else:
            try:
                sink = sinks.open_sink(
                    config.logfile,
                    config.logfile_maxbytes,
                    config.logfile_backups,
                    streams=streams,
                )
            except OSError as error:
                for copy in copies:
                    copy.sink.close()
                raise CannotStart(
                    f"the activity log {config.logfile} cannot be opened: {sinks.reason(error)}"
                ) from error
            feeds = [_Feed(sink)]
        feeds, self._feeds = self._feeds, feeds + copies
        self._thread = threading.get_ident()
        self.level = Level(config.loglevel)
        self._set_threshold(self.level)
        for feed in feeds:
            feed.sink.close()

    def set_level(self, level: Level) -> None:
        """Write messages of that level and above from now on, until it is opened anew."""
        self.level = level
        self._set_threshold(level)

    def install(self, publisher: LogPublisher = globalLogPublisher) -> None:
        """Take events from now on. Under twistd that is done by naming :func:`observer`."""
        publisher.addObserver(self)
        self.take_over(publisher)

    def take_over(self, publisher: LogPublisher = globalLogPublisher) -> None:
        """It has been added to a publisher, or will be: no need to publish what is not written."""
        self._publisher = publisher
        self._set_threshold(self.level)

    def __call__(self, event: LogEvent) -> None:
        """Write an event, if it is grave enough; never raises."""
        level: Level | None = event.get(LEVEL_KEY) or _FROM_TWISTED.get(
            event.get("log_level", LogLevel.info)
        )
        if level is None or level < self.level or not self._feeds:
            return  # without a level: somebody else's small talk
        if "log_failure" in event:
            text = eventAsText(event, includeTimestamp=False, includeSystem=False).strip("\n")
        else:
            text = _formatted(event)
        if not text and LEVEL_KEY not in event:
            return
        for observer in self.observers:
            observer(int(level), text)
        prefix = _prefix(event.get("log_time", 0.0), level)
        line = text.encode("utf-8", "backslashreplace")
        if threading.get_ident() == self._thread:
            self._write(prefix, line)
        else:
            from twisted.internet import reactor

            reactor.callFromThread(self._write, prefix, line)  # type: ignore[attr-defined]

    def _write(self, prefix: bytes, line: bytes) -> None:
        for feed in self._feeds:
            feed.write(prefix, line)

    def reopen(self) -> None:
        """Go on in files opened by name; the caller logs why, before."""
        for feed in self._feeds:
            feed.sink.reopen()

    def clear(self) -> None:
        """Begin the log file anew; raises OSError where the log is no regular file, or stays."""
        from supervisor_tx.supervision.logs.logfile import LogFile  # it logs through this module

        files = [feed.sink for feed in self._feeds if isinstance(feed.sink, LogFile)]
        if not files:
            raise OSError("the activity log is not a regular file")
        _own_log.info("reopening log file")
        for file in files:
            file.clear()

    def _set_threshold(self, level: int) -> None:
        if self._publisher is globalLogPublisher:
            Threshold.level = level

    def close(self) -> None:
        """Write out what can be written at once, and take nothing more."""
        if self._publisher is not None:
            self._publisher.removeObserver(self)
            self._set_threshold(0)
            self._publisher = None
        feeds, self._feeds = self._feeds, []
        for feed in feeds:
            feed.sink.close()


def _formatted(event: LogEvent) -> str:
    if LEVEL_KEY in event:
        # Ours are plain formats, for which the formatter of Twisted's richer ones takes long.
        with suppress(Exception):
            template: str = event["log_format"]
            return template.format_map(event)
    return formatEvent(event)


@lru_cache(maxsize=2)
def _to_the_second(when: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))


def _prefix(when: float, level: Level) -> bytes:
    second = int(when // 1)  # most lines share it with the one before
    return f"{_to_the_second(second)},{int((when - second) * 1000):03d} {CODES[level]} ".encode()


_daemons_own = ActivityLog()


def activity_log() -> ActivityLog:
    """Return the daemon's activity log."""
    return _daemons_own


def observer() -> ActivityLog:
    """Return the daemon's activity log to twistd, whose ``--logger`` names this function."""
    _daemons_own.take_over()
    return _daemons_own
