"""
The line between a listener and the daemon: the standard streams, kept for the protocol alone.

Whatever else the program, its libraries or its children write to standard output would break the
protocol, and whatever they read from standard input would be missing from an event. So the line has
descriptors of its own. While it is open standard output leads where standard error leads, and
standard input is empty.
"""

from __future__ import annotations

import os
import select
import signal
import sys

TYPE_CHECKING = False  # see event.py
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Protocol, Self

    class Line(Protocol):
        """What events come from and answers go to."""

        def read(self) -> bytes:
            """Return what has arrived, waiting for it; nothing: nothing more will arrive."""

        def write(self, data: bytes) -> None:
            """Send; where nobody is left who could read it, that is no error."""

        def pause(self, seconds: float) -> bool:
            """Let time pass, unless the end comes; tell whether another event may be asked for."""

        def filenos(self) -> tuple[int, ...]:
            """Return what can be read from, if need be, when :meth:`read` need not wait."""


#: Bytes that are read at once, at most.
_MOST = 64 * 1024


class StandardStreams:
    """
    The line of a program that the daemon has started.

    It ends with the input, or with the signal TERM: an event that has been read is dealt with and
    answered before that.
    """

    def __init__(self) -> None:
        self._stdout = sys.stdout
        self._in, self._out = os.dup(0), os.dup(1)
        self._stop_read, self._stop_write = os.pipe()
        #: what TERM did before; None: we do not know, or do not handle it
        self._before: Callable[[int, FrameType | None], object] | int | None = None

    def __enter__(self) -> Self:
        """Take the streams."""
        if sys.stdout is not None:
            sys.stdout = sys.stderr
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        try:
            self._before = signal.signal(signal.SIGTERM, lambda number, frame: self._stop())
        except ValueError:
            self._before = None  # signals are the main thread's business, and this is another
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give them back."""
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
        if self._stdout is not None:
            self._stdout.flush()  # what was printed before the line was open, and is not said on it
        os.dup2(self._in, 0)
        os.dup2(self._out, 1)
        sys.stdout = self._stdout
        for fd in (self._in, self._out, self._stop_read, self._stop_write):
            os.close(fd)

    def filenos(self) -> tuple[int, ...]:
        """Return what becomes readable when events arrive, and when they end."""
        return self._in, self._stop_read

    def read(self) -> bytes:
        """Return what has arrived, waiting for it; nothing: nothing more will arrive."""
        readable, _, _ = select.select(self.filenos(), (), ())
        return b"" if self._stop_read in readable else os.read(self._in, _MOST)

    def write(self, data: bytes) -> None:
        """Send all of it."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._out, rest) :]
        except BrokenPipeError:  # without a daemon there will be no more events
            self._stop()

    def pause(self, seconds: float) -> bool:
        """Let time pass, unless something arrives; tell whether that is not the end."""
        readable, _, _ = select.select(self.filenos(), (), (), seconds)
        return self._stop_read not in readable

    def _stop(self) -> None:
        os.write(self._stop_write, b"x")
