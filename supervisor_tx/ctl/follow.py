"""
Logs as they grow, and a process in the foreground.

One loop waits for the log streams and for what is typed; the process itself is asked after once a
second, since a stream does not end with it.
"""

from __future__ import annotations

import codecs
import select
import sys

from supervisor_tx.ctl import calls
from supervisor_tx.ctl.wire import Address, Connection, NotHTTP, basic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final

    from supervisor_tx.ctl.controller import Controller

#: Seconds between two looks at the process in the foreground.
_LOOK: Final = 1.0

_NOT_RUNNING: Final = 70


class _Stream:
    """One log, from the connection to the terminal."""

    def __init__(self, controller: Controller, path: str) -> None:
        options = controller.options
        self._controller = controller
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.connection = Connection(
            Address(options.serverurl), basic(options.username, options.password)
        )
        self._path = path
        self._chunks: Iterator[bytes] | None = None

    def open(self) -> bool:
        """Connect; tell why that is not possible."""
        from urllib.parse import quote

        where = f"{self._controller.options.serverurl}{self._path}"
        try:
            place = quote(self._path, safe="/:*")
            answer = self.connection.request("GET", place, headers={"Accept": "*/*"})
        except (OSError, NotHTTP) as error:
            print(f"{where} Cannot connect, error: {type(error)} ({error})", file=sys.stderr)
            return False
        if answer.status != 200:
            print(f"{where} Cannot read, status code {answer.status}", file=sys.stderr)
            self.connection.close()
            return False
        self._chunks = self.connection.chunks(answer)
        return True

    def show(self) -> bool:
        """Print what comes next, waiting for it; return whether there may be more."""
        assert self._chunks is not None
        try:
            data = next(self._chunks, b"")
        except (OSError, NotHTTP):
            return False
        self._controller.write(self._decoder.decode(data))
        self._controller.stdout.flush()
        return bool(data)


def follow(controller: Controller, path: str) -> None:
    """Print one log until it ends, or until Ctrl-C."""
    stream = _Stream(controller, path)
    try:
        if stream.open():
            while stream.show():
                pass
    except KeyboardInterrupt:
        controller.output("")
    finally:
        stream.connection.close()


def foreground(controller: Controller, name: str) -> None:
    """Print what a process prints and send it what is typed, until Ctrl-C or its end."""
    paths = [f"/logtail/{name}/{channel}" for channel in ("stdout", "stderr")]
    streams = [_Stream(controller, path) for path in paths]
    try:
        _exchange(controller, name, [stream for stream in streams if stream.open()])
    except (KeyboardInterrupt, EOFError):
        controller.output("Exiting foreground")
    finally:
        for stream in streams:
            stream.connection.close()


def _exchange(controller: Controller, name: str, streams: list[_Stream]) -> None:
    lines = controller.lines
    while True:
        waiting = [stream.connection for stream in streams]
        patience = 0 if lines.waiting else _LOOK
        watched: list[Any] = [lines, *waiting]
        ready = select.select(watched, (), (), patience)[0]
        for stream in list(streams):
            if stream.connection in ready and not stream.show():
                streams.remove(stream)
        if lines in ready and not lines.waiting:
            lines.read()
        if lines.waiting and not _send(controller, name, lines.take()):
            return
        if not ready and not _lives(controller, name):
            _over(controller)
            return


def _send(controller: Controller, name: str, line: str) -> bool:
    """Send a line to the process; return whether it is still there."""
    try:
        controller.get_supervisor().sendProcessStdin(name, f"{line}\n")
    except calls.Fault as fault:
        if fault.faultCode == _NOT_RUNNING:
            _over(controller)
        else:
            controller.output(f"ERROR: {fault}")
            controller.output("Exiting foreground")
        return False
    return True


def _over(controller: Controller) -> None:
    controller.output("Process got killed")
    controller.output("Exiting foreground")


def _lives(controller: Controller, name: str) -> bool:
    info = controller.get_supervisor().getProcessInfo(name)
    return info["statename"] in ("RUNNING", "STARTING", "BACKOFF", "STOPPING")
