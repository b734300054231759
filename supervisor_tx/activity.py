"""
What the daemon has to say, for its activity log.

Every module logs through a :class:`Logger` of its own, with a format and named fields. The events
are ordinary events of ``twisted.logger``; the activity log
(:mod:`supervisor_tx.supervision.logs.activitylog`) writes them as lines in Supervisor's format.

While no activity log is installed, as in tests and in tools, the events just go where Twisted
sends them.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from twisted.logger import LogLevel, globalLogPublisher
from twisted.python.failure import Failure

from supervisor_tx.core.levels import Level

__all__ = ["LEVEL_KEY", "Level", "Logger", "Threshold"]

#: The key of an event that marks it as one of ours, with its :class:`Level`.
LEVEL_KEY = "activity_level"

_TO_TWISTED = {
    Level.CRITICAL: LogLevel.critical,
    Level.ERROR: LogLevel.error,
    Level.WARN: LogLevel.warn,
    Level.INFO: LogLevel.info,
    Level.DEBUG: LogLevel.debug,
    Level.TRACE: LogLevel.debug,
    Level.BLATHER: LogLevel.debug,
}


class Threshold:
    """The level of the process-wide activity log; zero lets everything through."""

    level: int = 0


class Logger:
    """
    Says something in the activity log: ``_log.info("spawned: {name}", name=...)``.

    Formats are those of ``str.format`` with named fields only. No method ever raises.
    """

    __slots__ = ("namespace",)

    def __init__(self, namespace: str | None = None) -> None:
        #: the dotted name of the module that logs; by default the one that makes the logger
        self.namespace = namespace or sys._getframe(1).f_globals["__name__"]

    def enabled(self, level: Level) -> bool:
        """Tell whether a message of that level would be written: where making it is expensive."""
        return level >= Threshold.level

    def critical(self, format: str, /, **fields: Any) -> None:
        self.emit(Level.CRITICAL, format, **fields)

    def error(self, format: str, /, **fields: Any) -> None:
        self.emit(Level.ERROR, format, **fields)

    def warn(self, format: str, /, **fields: Any) -> None:
        self.emit(Level.WARN, format, **fields)

    def info(self, format: str, /, **fields: Any) -> None:
        self.emit(Level.INFO, format, **fields)

    def debug(self, format: str, /, **fields: Any) -> None:
        self.emit(Level.DEBUG, format, **fields)

    def trace(self, format: str, /, **fields: Any) -> None:
        self.emit(Level.TRACE, format, **fields)

    def blather(self, format: str, /, **fields: Any) -> None:
        self.emit(Level.BLATHER, format, **fields)

    def failure(
        self,
        format: str,
        /,
        failure: Failure | None = None,
        level: Level = Level.CRITICAL,
        **fields: Any,
    ) -> None:
        """Log a failure, by default the exception being handled, with its traceback."""
        self.emit(level, format, log_failure=failure or Failure(), **fields)

    def emit(self, level: Level, format: str, /, **fields: Any) -> None:
        """Log a message of a level that is known only now."""
        if level < Threshold.level:
            return
        globalLogPublisher(
            fields
            | {
                LEVEL_KEY: level,
                "log_format": format,
                "log_level": _TO_TWISTED[level],
                "log_namespace": self.namespace,
                "log_source": None,
                "log_time": time.time(),
            }
        )
