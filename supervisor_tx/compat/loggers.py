"""
Logs, as plugins make and use them: records that handlers write to streams and files.

The daemon's own log is :class:`ActivityLogger`. What a plugin adds to its handlers gets a record of
each message that is written there.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from supervisor_tx.core import levels

if TYPE_CHECKING:
    from supervisor_tx.supervision.logs.activitylog import ActivityLog


class LevelsByName:
    """Levels by their names in the code."""

    CRIT = 50
    ERRO = 40
    WARN = 30
    INFO = 20
    DEBG = 10
    TRAC = 5
    BLAT = 3


class LevelsByDescription:
    """Levels by their names in a configuration."""

    critical = LevelsByName.CRIT
    error = LevelsByName.ERRO
    warn = LevelsByName.WARN
    info = LevelsByName.INFO
    debug = LevelsByName.DEBG
    trace = LevelsByName.TRAC
    blather = LevelsByName.BLAT


LOG_LEVELS_BY_NUM = {
    number: name for name, number in vars(LevelsByName).items() if not name.startswith("_")
}


def getLevelNumByDescription(description: str) -> int | None:
    """Return the number of a level by its name in a configuration; None: there is none."""
    return getattr(LevelsByDescription, description, None)


class LogRecord:
    """One message, with what is to be put into it."""

    def __init__(self, level: int, msg: str, **kw: Any) -> None:
        self.level, self.msg, self.kw = level, msg, kw
        self.dictrepr: dict[str, str] | None = None

    def asdict(self) -> dict[str, str]:
        """Return message, level and time, as formats name them."""
        if self.dictrepr is None:
            now = time.time()
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
            self.dictrepr = {
                "message": self.msg % self.kw if self.kw else self.msg,
                "levelname": LOG_LEVELS_BY_NUM[self.level],
                "asctime": f"{stamp},{int(now % 1 * 1000):03d}",
            }
        return self.dictrepr


class Handler:
    """Writes records to a stream, in a format."""

    fmt = "%(message)s"
    level: int = LevelsByName.INFO

    def __init__(self, stream: Any = None) -> None:
        self.stream = stream
        self.closed = False

    def setFormat(self, fmt: str) -> None:
        """Write records so: ``%(asctime)s %(levelname)s %(message)s``."""
        self.fmt = fmt

    def setLevel(self, level: int) -> None:
        """Write records of that level and above."""
        self.level = level

    def flush(self) -> None:
        """Write what is held back."""
        self.stream.flush()

    def close(self) -> None:
        """Write no more."""
        if not self.closed:
            self.closed = True
            self.stream.close()

    def emit(self, record: LogRecord) -> None:
        """Write a record; never raises."""
        try:
            text = self.fmt % record.asdict()
            binary = "b" in getattr(self.stream, "mode", "")
            self.stream.write(text.encode("utf-8", "backslashreplace") if binary else text)
            self.flush()
        except Exception:  # noqa: BLE001 (who writes a log is not to suffer for it)
            self.handleError()

    def handleError(self) -> None:
        """Say that a record could not be written."""
        from supervisor_tx.activity import Logger

        Logger().failure("a plugin's log cannot be written")


class StreamHandler(Handler):
    """Writes to a stream that is there."""

    def __init__(self, strm: Any = None) -> None:
        super().__init__(strm)

    def reopen(self) -> None:
        """Nothing."""

    def remove(self) -> None:
        """Empty the stream, where it can be."""
        clear = getattr(self.stream, "clear", None)
        if clear is not None:
            clear()


class BoundIO:
    """What was written last; what would be too much drives out as much of what came first."""

    def __init__(self, maxbytes: int, buf: bytes = b"") -> None:
        self.maxbytes, self.buf = maxbytes, buf
        self.mode = "b"

    def flush(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Forget all."""
        self.clear()

    def write(self, b: bytes) -> None:
        """Take bytes, and forget as many of the first where they would be too many."""
        if len(self.buf) + len(b) > self.maxbytes:
            self.buf = self.buf[len(b) :]
        self.buf += b

    def getvalue(self) -> bytes:
        """Return what is kept."""
        return self.buf

    def clear(self) -> None:
        """Forget all."""
        self.buf = b""


class FileHandler(Handler):
    """Writes to a file."""

    def __init__(self, filename: str, mode: str = "ab") -> None:
        super().__init__(self._open(filename, mode))
        self.baseFilename, self.mode = filename, mode

    @staticmethod
    def _open(filename: str, mode: str) -> Any:
        return open(filename, mode)

    def reopen(self) -> None:
        """Go on in a file opened by name."""
        self.close()
        self.stream = self._open(self.baseFilename, self.mode)
        self.closed = False

    def remove(self) -> None:
        """Delete the file, if it is there, and write no more."""
        self.close()
        with suppress(FileNotFoundError):
            os.remove(self.baseFilename)


class RotatingFileHandler(FileHandler):
    """Writes to a file, and begins another when it is full."""

    def __init__(
        self,
        filename: str,
        mode: str = "ab",
        maxBytes: int = 512 * 1024 * 1024,
        backupCount: int = 10,
    ) -> None:
        super().__init__(filename, "ab" if maxBytes > 0 else mode)
        self.maxBytes, self.backupCount = maxBytes, backupCount

    def emit(self, record: LogRecord) -> None:
        """Write a record, then see whether the file is full."""
        super().emit(record)
        if self.maxBytes > 0 and self.stream.tell() >= self.maxBytes:
            self.doRollover()

    def doRollover(self) -> None:
        """Number the old files anew, the latest 1, and begin a new one."""
        self.close()
        for number in range(self.backupCount - 1, 0, -1):
            if os.path.exists(f"{self.baseFilename}.{number}"):
                os.replace(f"{self.baseFilename}.{number}", f"{self.baseFilename}.{number + 1}")
        if self.backupCount > 0:
            os.replace(self.baseFilename, f"{self.baseFilename}.1")
        self.stream = self._open(self.baseFilename, "wb")
        self.closed = False


class SyslogHandler(Handler):
    """Writes to the system's log."""

    def close(self) -> None:
        """Nothing is open."""

    def reopen(self) -> None:
        """Nothing is open."""

    def emit(self, record: LogRecord) -> None:
        """Write a record, each line by itself."""
        import syslog

        for line in (self.fmt % record.asdict()).splitlines():
            syslog.syslog(line)


class Logger:
    """Gives messages to its handlers."""

    def __init__(self, level: int | None = None, handlers: list[Any] | None = None) -> None:
        self.level: int = LevelsByName.INFO if level is None else level
        self.handlers: list[Any] = [] if handlers is None else handlers

    def close(self) -> None:
        """Close all handlers."""
        for handler in self.handlers:
            handler.close()

    def addHandler(self, hdlr: Any) -> None:
        """Write there as well."""
        self.handlers.append(hdlr)

    def getvalue(self) -> bytes | str:
        """Return what the first handler that can tell has kept."""
        for handler in self.handlers:
            if hasattr(handler.stream, "getvalue"):
                return handler.stream.getvalue()  # type: ignore[no-any-return]
        raise NotImplementedError

    def log(self, level: int, msg: str, **kw: Any) -> None:
        """Write a message at a level."""
        if level >= self.level:
            record = LogRecord(level, msg, **kw)
            for handler in self.handlers:
                if level >= handler.level:
                    handler.emit(record)

    def critical(self, msg: str, **kw: Any) -> None:
        """Write a message that matters to all."""
        self.log(LevelsByName.CRIT, msg, **kw)

    def error(self, msg: str, **kw: Any) -> None:
        """Write that something went wrong."""
        self.log(LevelsByName.ERRO, msg, **kw)

    def warn(self, msg: str, **kw: Any) -> None:
        """Write that something may be wrong."""
        self.log(LevelsByName.WARN, msg, **kw)

    def info(self, msg: str, **kw: Any) -> None:
        """Write what is going on."""
        self.log(LevelsByName.INFO, msg, **kw)

    def debug(self, msg: str, **kw: Any) -> None:
        """Write a detail."""
        self.log(LevelsByName.DEBG, msg, **kw)

    def trace(self, msg: str, **kw: Any) -> None:
        """Write a small detail."""
        self.log(LevelsByName.TRAC, msg, **kw)

    def blather(self, msg: str, **kw: Any) -> None:
        """Write what hardly anybody wants to know."""
        self.log(LevelsByName.BLAT, msg, **kw)


class ActivityLogger(Logger):
    """The daemon's own log."""

    def __init__(self, log: ActivityLog) -> None:
        self._log = log
        self.handlers: list[Any] = []
        self._telling = False
        log.observers.append(self._observe)

    @property
    def level(self) -> int:
        """The level from which on messages are written."""
        return int(self._log.level)

    @level.setter
    def level(self, level: int) -> None:
        self._log.set_level(levels.Level(level))

    def log(self, level: int, msg: str, **kw: Any) -> None:
        """Write a message at a level."""
        from supervisor_tx.activity import Logger as ActivityWriter

        text = msg % kw if kw else msg
        ActivityWriter("plugin").emit(levels.Level(level), "{text}", text=text)

    def _observe(self, level: int, text: str) -> None:
        """Give what is written to the handlers that plugins have added."""
        if not self.handlers or self._telling:  # what they say themselves is not for them
            return
        self._telling = True
        try:
            record = LogRecord(level, text)
            for handler in list(self.handlers):
                if level >= handler.level:
                    self._tell(handler, record)
        finally:
            self._telling = False

    @staticmethod
    def _tell(handler: Any, record: LogRecord) -> None:
        try:
            handler.emit(record)
        except BaseException:  # noqa: BLE001 (a line may not be lost by what a plugin runs into)
            from supervisor_tx.activity import Logger

            Logger().failure("a plugin's log cannot be written")

    def detach(self) -> None:
        """Hear of no more messages."""
        self._log.observers.remove(self._observe)

    def reopen(self) -> None:
        """Go on in log files opened by name."""
        self._log.reopen()

    def close(self) -> None:
        """Nothing: the daemon closes its log when all is over."""


def getLogger(level: int | None = None) -> Logger:
    """Return a new log without handlers."""
    return Logger(level)


def _add(logger: Logger, handler: Any, fmt: str) -> None:
    handler.setFormat(fmt)
    handler.setLevel(logger.level)
    logger.addHandler(handler)


def handle_boundIO(logger: Logger, fmt: str, maxbytes: int = 2 * 1024 * 1024) -> None:
    """Keep the last bytes of a log in memory."""
    _add(logger, StreamHandler(BoundIO(maxbytes)), fmt)


def handle_stdout(logger: Logger, fmt: str) -> None:
    """Write a log to standard output."""
    _add(logger, StreamHandler(sys.stdout), fmt)


def handle_syslog(logger: Logger, fmt: str) -> None:
    """Write a log to the system's log."""
    _add(logger, SyslogHandler(), fmt)


def handle_file(
    logger: Logger,
    filename: str,
    fmt: str,
    rotating: bool = False,
    maxbytes: int = 0,
    backups: int = 0,
) -> None:
    """Write a log to a file, or to the system's log where that is its name."""
    if filename == "syslog":
        handle_syslog(logger, fmt)
        return
    seekable = not os.path.exists(filename) or os.path.isfile(filename)
    if rotating and seekable:
        _add(logger, RotatingFileHandler(filename, "ab", maxbytes, backups), fmt)
    else:
        _add(logger, FileHandler(filename), fmt)
