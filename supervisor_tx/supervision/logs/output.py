"""One output of a child, from its pipe into its logs."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

from supervisor_tx.activity import Level, Logger
from supervisor_tx.config.model import AUTO, LogConfig, ProcessConfig
from supervisor_tx.core.ansi import AnsiStripper
from supervisor_tx.core.capture import Capture, Captured, Communication, ForLog, GivenUp, Piece
from supervisor_tx.core.characters import WholeCharacters
from supervisor_tx.supervision.bus import EventBus
from supervisor_tx.supervision.interfaces import IChildTransport, Sink
from supervisor_tx.supervision.logs import sinks
from supervisor_tx.supervision.logs.autolog import AutoLogs
from supervisor_tx.supervision.logs.logfile import LogFile
from supervisor_tx.supervision.logs.outputevents import OutputEvents
from supervisor_tx.supervision.logs.stream import Streams, shared_streams

_log = Logger()

ChannelName = Literal["stdout", "stderr"]

# Looked up once: each look at a member of an enumeration takes 70 ns.
_DEBUG = Level.DEBUG

#: Bytes of a read that may end where a pipe's page does, rather than where the child's write did.
PIPE_PAGE = 4096


class OutputChannel:
    """
    The stdout or stderr of a process, over all its runs.

    Bytes go through the filters that are used into none, one or two sinks. Where a sink is full,
    the child is paused until all have room. What is captured goes to listeners in place of sinks.
    """

    def __init__(
        self,
        process: str,
        channel: ChannelName,
        log: LogConfig,
        auto: AutoLogs,
        *,
        strip_ansi: bool = False,
        is_protocol: bool = False,
        hear: Callable[[bytes], None] | None = None,
        events: OutputEvents | None = None,
        streams: Streams = shared_streams,
        syslog: str = sinks.SYSLOG,
    ) -> None:
        """
        Make the channel; an AUTO log is made at once.

        ``is_protocol``: it is an event listener's stdout, bytes that are no text; ``hear`` gets
        them as they come, after the log. It has none of the other filters, and no ``events``; those
        are how others are told, as far as the configuration wants that. ``syslog`` is where the
        system's log listens.
        """
        self.process = process
        self.channel = channel
        self._log_config = log
        self._auto = auto
        self._is_protocol = is_protocol
        self._hear = hear
        strip_ansi = strip_ansi and not is_protocol
        self._stripper = AnsiStripper() if strip_ansi else None
        self._capture: Capture | None = None
        if log.capture_maxbytes and not is_protocol:
            self._capture = Capture(log.capture_maxbytes, strip_ansi=strip_ansi)
        self._events = events
        self._tells_log = log.events_enabled and not is_protocol
        #: of the texts that PROCESS_LOG events tell: the log, and the communication at hand
        self._log_text, self._captured_text = WholeCharacters(), WholeCharacters()
        self._is_filtered = bool(strip_ansi or hear or self._capture or self._tells_log)
        #: of the child that lives; 0: there is none yet
        self._pid = 0
        self._uses_syslog = log.syslog and not is_protocol
        self._streams = streams
        self._syslog_path = syslog
        self._descriptor = 1 if channel == "stdout" else 2
        #: the AUTO log, which is open over all runs unless descriptors are few
        self._auto_log: LogFile | None = None
        self._file: Sink | None = None
        self._syslog: sinks.SyslogSink | None = None
        #: what to write to
        self._sinks: tuple[Sink, ...] = ()
        #: those that are full
        self._full: list[Sink] = []
        self._transport: IChildTransport | None = None
        if log.logfile is AUTO:
            try:
                self._create_auto_log()
                self._rest_auto_log()
            except OSError as error:  # it is tried again when there is something to log
                _log.warn(
                    "cannot make the AUTO log for the {channel} of {process} in {directory}: {why}",
                    channel=channel,
                    process=process,
                    directory=auto.directory,
                    why=sinks.reason(error),
                )

    @property
    def logfile(self) -> str | None:
        """The path of its log file; None: it has none."""
        if self._auto_log is not None:
            return self._auto_log.path
        logfile = self._log_config.logfile
        return logfile if isinstance(logfile, str) else None

    # supervision.interfaces.Channel

    def open(self) -> None:
        """Open its logs, to be appended to; raises OSError."""
        self._let_go()
        config = self._log_config
        if config.logfile is AUTO:
            if self._auto_log is None:
                self._create_auto_log()
            elif not self._auto_log.has_name():
                self._auto_log.renew()
        elif isinstance(config.logfile, str):
            self._open_file(config.logfile)
        if self._uses_syslog:
            self._open_syslog(b"")
        self._collect()

    def begin(self, transport: IChildTransport) -> None:
        """Pause and resume this child from now on."""
        self._transport = transport
        self._pid = transport.pid or 0
        if self._full:
            transport.pauseChild(self._descriptor)

    def received(self, data: bytes) -> None:
        """Take output; never raises."""
        if self._is_filtered:
            self._filter(data)
        else:
            self._deliver(data)

    def ended(self) -> None:
        """Write what is held back, and let go of what is opened for each run."""
        if self._capture is not None:
            self._sort(self._capture.flush(), is_cut=False)
        if self._stripper is not None and (rest := self._stripper.flush()):
            self._deliver(rest)
            if self._tells_log:
                self._tell(self._log_text, rest, is_cut=False)
        self._tell_rest(self._log_text)
        self._let_go()

    def reopen(self) -> None:
        """Open files anew, by name; failures are reported."""
        for sink in self._sinks:
            sink.reopen()

    def clear(self) -> None:
        """
        Remove the log file and begin it anew, if it is open; raises OSError.

        What was captured of a communication that goes on is forgotten.
        """
        if self._capture is not None:
            self._capture.clear()
        for sink in self._sinks:
            if isinstance(sink, LogFile):
                sink.clear()

    def close(self) -> None:
        """Let go of everything, the AUTO log too, which stays behind."""
        self._let_go()
        if self._auto_log is not None:
            self._auto_log.close()

    def record(self) -> Mapping[str, Any]:
        """Return what it knows; the descriptors in it belong to the record."""
        record: dict[str, Any] = {}
        if self._stripper is not None:
            record["ansi"] = _encode(self._stripper.held)
        if self._capture is not None:
            record["capture"] = self._capture.record()
        if self._tells_log:
            record["texts"] = [_encode(t.held) for t in (self._log_text, self._captured_text)]
        if isinstance(self._file, LogFile):
            record["file"] = self._file.record()
        if self._auto_log is not None:
            record["auto"] = self._auto_log.record()
        if self._syslog is not None:
            record["syslog"] = _encode(self._syslog.held)
        record["open"] = bool(self._sinks)
        return record

    def resume(self, record: Mapping[str, Any]) -> None:
        """Go on from a record, as after :meth:`open` where a child lives."""
        config = self._log_config
        limits = config.logfile_maxbytes, config.logfile_backups
        if self._stripper is not None:
            self._stripper = AnsiStripper(_decode(record.get("ansi", "")))
        if self._capture is not None and "capture" in record:
            self._capture.resume(record["capture"])
        if self._tells_log and "texts" in record:
            self._log_text, self._captured_text = (
                WholeCharacters(_decode(held)) for held in record["texts"]
            )
        if "auto" in record:
            if self._auto_log is not None:  # made a moment ago, for nothing
                with suppress(OSError):
                    os.unlink(self._auto_log.path)
                self._auto_log.close()
            self._auto_log = self._auto.resume(record["auto"], *limits)
        if not record["open"]:
            return
        if "file" in record:
            self._file = LogFile.resume(record["file"], *limits)
        elif isinstance(config.logfile, str):
            try:
                self._open_file(config.logfile)
            except OSError as error:  # the child lives, its output must be read
                _log.error(
                    "the {channel} of {process} cannot be written to {path}: {why}",
                    channel=self.channel,
                    process=self.process,
                    path=config.logfile,
                    why=sinks.reason(error),
                )
        if self._uses_syslog:
            self._open_syslog(_decode(record.get("syslog", "")))
        self._collect()

    def _filter(self, data: bytes) -> None:
        """Send output through whatever is used of what there is."""
        is_cut = len(data) >= PIPE_PAGE
        if self._capture is None:
            self._write(data, is_cut=is_cut)
        else:
            self._sort(self._capture.feed(data), is_cut=is_cut)
        if self._hear is not None:
            self._say(self._hear, data)

    def _sort(self, pieces: Sequence[Piece], *, is_cut: bool) -> None:
        """Send each piece where it belongs; ``is_cut``: the last may have been cut anywhere."""
        for piece in pieces:
            match piece:
                case ForLog(data):
                    self._write(data, is_cut=is_cut and piece is pieces[-1])
                case Captured(data):
                    if _log.enabled(_DEBUG):
                        self._copy(data)
                    if self._tells_log:
                        is_last = piece is pieces[-1]
                        self._tell(self._captured_text, data, is_cut=is_cut and is_last)
                case Communication(data):
                    if self._tells_log:
                        self._tell_rest(self._captured_text)
                    self._communicate(data)
                case GivenUp(size):
                    self._tell_rest(self._captured_text)
                    _log.warn(
                        "the {channel} of {process} ended within a communication: the {size} bytes "
                        "of it so far are not sent",
                        channel=self.channel,
                        process=self.process,
                        size=size,
                    )

    def _write(self, data: bytes, *, is_cut: bool) -> None:
        """Write output to the log, and tell of it."""
        if self._stripper is not None:
            data = self._stripper.feed(data)
        if data:
            self._deliver(data)
            if self._tells_log:
                self._tell(self._log_text, data, is_cut=is_cut)

    def _tell(self, text: WholeCharacters, data: bytes, *, is_cut: bool) -> None:
        """Send the next piece of a text as an event."""
        data = text.feed(data, is_cut=is_cut)
        if data and self._events is not None:
            self._events.logged(self._pid, data)

    def _tell_rest(self, text: WholeCharacters) -> None:
        rest = text.flush()
        if rest and self._events is not None:
            self._events.logged(self._pid, rest)

    def _communicate(self, data: bytes) -> None:
        if self._events is not None:
            self._events.communicated(self._pid, data)
        if _log.enabled(_DEBUG):
            _log.debug(
                "'{process}' {channel} emitted a comm event",
                process=self.process,
                channel=self.channel,
            )

    def _deliver(self, data: bytes) -> None:
        if _log.enabled(_DEBUG):
            self._copy(data)
        for sink in self._sinks:
            if not sink.write(data) and sink not in self._full:
                self._pause(sink)

    def _say(self, hear: Callable[[bytes], None], data: bytes) -> None:
        try:
            hear(data)
        except Exception:  # noqa: BLE001 (who listens may not harm the child)
            _log.failure("what {process} said could not be handled", process=self.process)

    def _copy(self, data: bytes) -> None:
        if self._is_protocol:
            text = repr(data)
        else:
            try:
                text = data.decode()
            except UnicodeDecodeError:
                text = f"Undecodable: {data!r}"
        _log.debug(
            "'{process}' {channel} output:\n{text}",
            process=self.process,
            channel=self.channel,
            text=text,
        )

    def _pause(self, sink: Sink) -> None:
        full = self._full
        if not full and self._transport is not None:
            self._transport.pauseChild(self._descriptor)
        full.append(sink)
        sink.when_room(lambda: self._has_room(sink, full))

    def _has_room(self, sink: Sink, full: list[Sink]) -> None:
        full.remove(sink)
        if full is not self._full or full or self._transport is None:
            return  # of an earlier run, or another one is still full
        self._transport.resumeChild(self._descriptor)

    def _create_auto_log(self) -> None:
        config = self._log_config
        self._auto_log = self._auto.create(
            self.process, self.channel, config.logfile_maxbytes, config.logfile_backups
        )

    def _rest_auto_log(self) -> None:
        """Do without it until the next run, where descriptors are few."""
        if self._auto_log is not None and not self._auto.stay_open:
            self._auto_log.close()

    def _open_file(self, path: str) -> None:
        config = self._log_config
        self._file = sinks.open_sink(
            path, config.logfile_maxbytes, config.logfile_backups, streams=self._streams
        )

    def _open_syslog(self, held: bytes) -> None:
        self._syslog = sinks.open_syslog(
            f"{self.process} ".encode("utf-8", "backslashreplace"),
            held=held,
            path=self._syslog_path,
            streams=self._streams,
        )

    def _collect(self) -> None:
        every = (self._file, self._auto_log, self._syslog)
        self._sinks = tuple(sink for sink in every if sink is not None)

    def _let_go(self) -> None:
        for sink in (self._file, self._syslog):
            if sink is not None:
                sink.close()
        self._file = self._syslog = self._transport = None
        self._pid = 0
        self._rest_auto_log()
        self._sinks = ()
        self._full = []


def make_channels(
    config: ProcessConfig,
    auto: AutoLogs,
    *,
    strip_ansi: bool = False,
    hear: Callable[[bytes], None] | None = None,
    group: str = "",
    bus: EventBus | None = None,
    keep: Mapping[int, OutputChannel] | None = None,
) -> dict[int, OutputChannel]:
    """
    Make the channels of a process, by the child's descriptor, and its AUTO logs.

    ``hear`` gets what an event listener says on its stdout; what else processes say is told on the
    bus, as that of one of the group. Channels in ``keep`` are taken as they are.
    """
    keep = keep or {}
    is_listener = config.kind == "eventlistener"

    def events(channel: ChannelName) -> OutputEvents | None:
        return None if bus is None else OutputEvents(bus, config.name, group, channel)

    channels = {
        1: keep.get(1)
        or OutputChannel(
            config.name,
            "stdout",
            config.stdout,
            auto,
            strip_ansi=strip_ansi,
            is_protocol=is_listener,
            hear=hear if is_listener else None,
            events=events("stdout"),
        )
    }
    if not config.redirect_stderr:
        channels[2] = keep.get(2) or OutputChannel(
            config.name,
            "stderr",
            config.stderr,
            auto,
            strip_ansi=strip_ansi,
            events=events("stderr"),
        )
    return channels


def _encode(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _decode(text: str) -> bytes:
    return b64decode(text)
