"""What tests of logs share: messages seen, and streams driven by hand."""

from __future__ import annotations

import select
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from supervisor_tx import activity
from supervisor_tx.activity import LEVEL_KEY, Level


class _Test(Protocol):
    def addCleanup(self, f: Callable[..., Any], /, *args: Any) -> Any: ...


@implementer(ILogObserver)
class Messages:
    """The messages of our own loggers, as ``LEVEL text``, while a test runs."""

    def __init__(self, test: _Test) -> None:
        self.all: list[str] = []
        globalLogPublisher.addObserver(self)
        test.addCleanup(globalLogPublisher.removeObserver, self)

    def __call__(self, event: LogEvent) -> None:
        level: Level | None = event.get(LEVEL_KEY)
        if level is not None:
            self.all.append(f"{level.code} {formatEvent(event)}")

    def above(self, level: Level) -> list[str]:
        """Return those of a level and above."""
        codes = {each.code for each in Level if each >= level}
        return [message for message in self.all if message[:4] in codes]


def quiet(test: _Test) -> None:
    """Let nothing below INFO be said while a test runs, as under a daemon by default."""
    threshold = activity.Threshold
    test.addCleanup(setattr, threshold, "level", threshold.level)
    threshold.level = Level.INFO


def public_folder(test: _Test) -> Path:
    """Make a folder that any user can get to."""
    folder = Path(tempfile.mkdtemp())
    test.addCleanup(shutil.rmtree, folder)
    folder.chmod(0o755)
    return folder


class HandReactor(MemoryReactorClock):
    """A reactor that waits for nothing: :meth:`turn` is one turn of its loop."""

    def __init__(self) -> None:
        super().__init__()
        self.called: list[Callable[[], None]] = []

    def callFromThread(self, function: Callable[..., Any], *args: Any) -> None:
        self.called.append(lambda: function(*args))

    def turn(self) -> None:
        """Let every writer write whose descriptor has room, and make the calls that are due."""
        self.advance(0)
        called, self.called = self.called, []
        for call in called:
            call()
        writers = list(self.getWriters())
        if writers:
            poll = select.poll()
            for writer in writers:
                poll.register(writer.fileno(), select.POLLOUT)
            ready = dict(poll.poll(0))
            for writer in writers:
                state = ready.get(writer.fileno(), 0)
                if state & (select.POLLERR | select.POLLHUP):
                    self.removeWriter(writer)
                    writer.connectionLost(None)
                elif state:
                    writer.doWrite()
