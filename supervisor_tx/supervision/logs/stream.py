"""
Logs that are no regular files: pipes, FIFOs, terminals, devices, sockets.

They can be full, and then nobody waits: what was not taken is kept, the writer is told *full* and
is called back. All writers to one such file share one :class:`Stream`, so that what they write is
never mixed within a chunk and keeps its order.

To write without waiting needs O_NONBLOCK, which belongs to the open file description, and that is
shared with whoever else has inherited it: the shell that started us would find its terminal
non-blocking. So we take a description of our own where we can. In this order:

1. a name (a FIFO, a device) is opened, a descriptor (``/dev/stdout``) is opened again by way of
   ``/proc``;
2. a socket cannot be opened again, but asked at each write not to wait;
3. so can a pipe, on new Linux kernels: needed where we may not open it again, as when root has made
   the pipe and we are somebody else;
4. a thread waits in our place.
"""

from __future__ import annotations

import atexit
import errno
import os
import re
import select
import socket
import stat
import threading
import time
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypedDict

from twisted.internet.interfaces import IWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from supervisor_tx.supervision.logs.losses import Losses

#: Bytes that are kept for a full stream at most. Its writers pause long before, but those that have
#: ended leave all that was in their pipes.
MOST = 16 * 1024 * 1024

#: Seconds that readers who are behind are given when the process ends.
AT_THE_END = 2.0

#: Bytes that a writer thread takes ahead.
AHEAD = 64 * 1024

_FLAGS = os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

_DESCRIPTOR_NAME = re.compile(r"(?:/dev/fd|/proc/self/fd|/proc/thread-self/fd)/(\d+)")
_STANDARD_NAMES = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


class Medium(Protocol):
    """How bytes get into one open file without waiting."""

    def write(self, data: bytes | memoryview) -> int:
        """Write some of the data; raises BlockingIOError where that means waiting, or OSError."""

    def wait(self, stream: Stream) -> None:
        """Call the stream's ``doWrite`` when there is room."""

    def stop_waiting(self, stream: Stream) -> None:
        """Call it no more."""

    def fileno(self) -> int: ...

    #: whether what :meth:`write` took is written, and not only promised
    is_prompt: bool

    def close(self) -> None:
        """Let go of it; a thread may have something left to write."""


class _Descriptor:
    """A file of which we have a description of our own, or a regular one: that never waits."""

    is_prompt = True

    def __init__(self, fd: int, reactor: Any) -> None:
        self._fd = fd
        self._reactor = reactor

    def write(self, data: bytes | memoryview) -> int:
        return os.write(self._fd, data)

    def wait(self, stream: Stream) -> None:
        self._reactor.addWriter(stream)

    def stop_waiting(self, stream: Stream) -> None:
        self._reactor.removeWriter(stream)

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        with suppress(OSError):  # the last writes to a file on a network failed: too late for us
            os.close(self._fd)


class _SharedPipe(_Descriptor):
    """A pipe whose description others use too; the kernel is asked at each write not to wait."""

    def write(self, data: bytes | memoryview) -> int:
        return os.pwritev(self._fd, [data], -1, os.RWF_NOWAIT)


class _Socket(_Descriptor):
    """A socket whose description others use too."""

    def __init__(self, fd: int, reactor: Any) -> None:
        super().__init__(fd, reactor)
        self._socket = socket.socket(fileno=fd)

    def write(self, data: bytes | memoryview) -> int:
        return self._socket.send(data, socket.MSG_DONTWAIT)

    def close(self) -> None:
        self._socket.close()


class _Thread:
    """A file that can only be written by waiting, and the thread that waits."""

    is_prompt = False

    def __init__(self, fd: int, reactor: Any, losses: Losses) -> None:
        self._fd = fd
        self._reactor = reactor
        self._news = threading.Condition()
        self._queue: deque[bytes] = deque()
        self._size = 0
        self._waiting: Stream | None = None
        self._closing = False
        self._failing = False
        self._thread: threading.Thread | None = None
        #: told in the reactor's thread
        self._losses = losses

    def write(self, data: bytes | memoryview) -> int:
        with self._news:
            if self._size >= AHEAD:
                raise BlockingIOError(errno.EAGAIN, "the thread is behind")
            self._queue.append(bytes(data))
            self._size += len(data)
            self._news.notify()
        self._ensure_thread()
        return len(data)

    def wait(self, stream: Stream) -> None:
        with self._news:
            self._waiting = stream
            if self._size < AHEAD:
                self._tell_room()

    def stop_waiting(self, stream: Stream) -> None:
        with self._news:
            self._waiting = None

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        with self._news:
            runs = self._thread is not None and self._thread.is_alive()
            has_more = bool(self._queue)
            self._closing = True
            self._news.notify()
        if not runs and has_more:
            self._ensure_thread()
        elif not runs:
            os.close(self._fd)

    def _ensure_thread(self) -> None:
        """Start it; again where it was left behind in the parent of a fork."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)
            self._thread.start()
            atexit.register(self.finish)

    def _tell_room(self) -> None:
        if self._waiting is not None:
            stream, self._waiting = self._waiting, None
            self._reactor.callFromThread(stream.doWrite)

    def _run(self) -> None:
        while True:
            with self._news:
                while not self._queue and not self._closing:
                    self._news.wait()
                if not self._queue:
                    break
                data = self._queue[0]
            self._write_all(data)
            with self._news:
                self._queue.popleft()
                self._size -= len(data)
                if not self._queue:
                    self._tell_room()
                    self._news.notify_all()
        os.close(self._fd)
        atexit.unregister(self.finish)

    def finish(self, seconds: float = AT_THE_END) -> None:
        """Let it catch up at the end of the process, no longer than that: it may be stuck."""
        with self._news:
            self._news.wait_for(lambda: not self._queue, seconds)

    def _write_all(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:  # somebody else made it so
                poll = select.poll()
                poll.register(self._fd, select.POLLOUT)
                poll.poll()
            except OSError as error:
                self._failing = True
                self._reactor.callFromThread(self._losses.add, error, len(rest))
                return
        if self._failing:
            self._failing = False
            self._reactor.callFromThread(self._losses.over)


@implementer(IWriteDescriptor)
class Stream:
    """One file that several sinks may feed, and what it has not yet taken."""

    def __init__(
        self,
        losses: Losses,
        reactor: Any,
        open_medium: Callable[[], Medium],
        *,
        by_name: bool = True,
        may_fail: Callable[[OSError], bool] = lambda _: False,
        gone: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Open it. One that was opened ``by_name`` is opened again after an error.

        Raises OSError, except where ``may_fail`` says that it is enough to report it and to try
        again at each write. ``gone`` is called when the last user has let go and all is written.
        """
        self.users = 0
        self._reactor = reactor
        self._open_medium = open_medium
        self._by_name = by_name
        self._gone = gone
        self._losses = losses
        self._kept: deque[bytes | memoryview] = deque()
        self._size = 0
        self._callbacks: list[Callable[[], None]] = []
        self._medium: Medium | None = None
        self._ended = False
        try:
            self._open()
        except OSError as error:
            if not may_fail(error):
                raise
            self._losses.add(error, 0)

    @property
    def backlog(self) -> int:
        """Bytes that it has yet to take."""
        return self._size

    @property
    def kept(self) -> Iterable[bytes | memoryview]:
        """What it has yet to take, in the chunks that came."""
        return self._kept

    def finish(self, seconds: float) -> None:
        """Write on, at the end of the process; a thread is given so many seconds to catch up."""
        if isinstance(self._medium, _Thread):
            self._medium.finish(seconds)
        self.doWrite()

    @property
    def lost(self) -> int:
        """Bytes that were dropped since it last worked."""
        return self._losses.lost

    def write(self, data: bytes) -> bool:
        """Take data; False: full. See :class:`~supervisor_tx.supervision.interfaces.Sink`."""
        if self._size:
            if self._size + len(data) > MOST:
                self.drop(len(data))
            else:
                self._keep(data)
            return False
        self._keep(data)
        return self._push() and not self._size

    def when_room(self, resume: Callable[[], None]) -> None:
        if self._size:
            self._callbacks.append(resume)
        else:
            self._reactor.callLater(0, resume)

    def drop(self, count: int) -> None:
        """Note that so many bytes were not even offered, because it has been full for too long."""
        self._losses.add(OSError(errno.ENOBUFS, "its reader is too far behind"), count)

    def reopen(self) -> None:
        """Open what has the name now. Not with bytes left to write, and not a descriptor."""
        if not self._by_name or self._size:
            return
        try:
            medium = self._open_medium()
        except OSError as error:
            self._drop_medium()
            self._losses.add(error, 0)
            return
        if self._medium is not None and _is_same(self._medium, medium):
            medium.close()  # so that a FIFO's reader does not see an end
        else:
            self._drop_medium()
            self._medium = medium

    def release(self) -> None:
        """One user less; the last one's bytes are still written."""
        self.users -= 1
        if not self.users and not self._size:
            self._end()

    # IWriteDescriptor

    def fileno(self) -> int:
        return self._medium.fileno() if self._medium is not None else -1

    def doWrite(self) -> None:
        if self._push() and not self._size:  # news of itself may have filled it again
            self._drained()

    def connectionLost(self, reason: Failure) -> None:
        """Its reader is gone, the next write tells more; or the reactor: then nothing changes."""
        self.doWrite()

    def logPrefix(self) -> str:
        return self._losses.where

    def _open(self) -> Medium:
        self._medium = medium = self._open_medium()
        return medium

    def _keep(self, data: bytes) -> None:
        if data:
            self._kept.append(data)
            self._size += len(data)

    def _push(self) -> bool:
        """Write as much as it takes; answer whether that was all, or wait for more room."""
        wrote = 0
        try:
            while self._kept:
                data = self._kept[0]
                written = self._write(data)
                wrote += written
                self._size -= written
                if written == len(data):
                    self._kept.popleft()
                else:
                    self._kept[0] = memoryview(data)[written:]
        except OSError as error:
            if isinstance(error, BlockingIOError) and self._medium is not None:
                self._medium.wait(self)
                return False
            self._broke(error)
            return True
        if self._losses.going_on and wrote and self._medium is not None and self._medium.is_prompt:
            self._losses.over()
        return True

    def _write(self, data: bytes | memoryview) -> int:
        if self._medium is not None:
            try:
                return self._medium.write(data)
            except BlockingIOError:
                raise
            except OSError:  # the file of that name may be another one by now
                if not self._by_name:
                    raise
                self._drop_medium()
        return self._open().write(data)

    def _broke(self, error: OSError) -> None:
        count, self._size = self._size, 0
        self._kept.clear()
        if self._by_name:
            self._drop_medium()
        elif self._medium is not None:
            self._medium.stop_waiting(self)
        self._losses.add(error, count)

    def _drained(self) -> None:
        if self._medium is not None:
            self._medium.stop_waiting(self)
        callbacks, self._callbacks = self._callbacks, []
        for resume in callbacks:
            resume()
        if not self.users and not self._size:
            self._end()

    def _drop_medium(self) -> None:
        medium = self._medium
        if medium is not None:
            medium.stop_waiting(self)
            medium.close()
            self._medium = None

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._drop_medium()
            self._gone()


class StreamSink:
    """One user's share in a :class:`Stream`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._open = True
        stream.users += 1

    def write(self, data: bytes) -> bool:
        return self._stream.write(data)

    def when_room(self, resume: Callable[[], None]) -> None:
        self._stream.when_room(resume)

    def reopen(self) -> None:
        self._stream.reopen()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._stream.release()


class StreamRecord(TypedDict):
    """What one stream has yet to write, chunk by chunk in base64."""

    identity: Sequence[int | str]
    kept: list[str]


class Streams:
    """All streams of a process, found by the file that they write to."""

    def __init__(self, reactor: Any = None) -> None:
        """Make it; without a reactor the global one is used, once there is something to open."""
        self._reactor = reactor
        self._streams: dict[tuple[int | str, ...], Stream] = {}
        #: what streams that were written down had yet to write
        self._inherited: dict[tuple[int | str, ...], list[bytes]] = {}

    def open_path(self, path: str) -> StreamSink:
        """
        Open a file that is not a regular one and not a name of one of our descriptors.

        A FIFO that nobody reads is not an error: it is tried again at each write. Raises OSError
        for what else is wrong.
        """

        def open_stream(gone: Callable[[], None]) -> Stream:
            reactor = self.reactor
            return Stream(
                Losses(path),
                reactor,
                lambda: _Descriptor(os.open(path, _FLAGS), reactor),
                may_fail=lambda error: error.errno == errno.ENXIO,
                gone=gone,
            )

        return StreamSink(self.share(_identity(os.stat(path)), open_stream))

    def open_descriptor(self, fd: int, where: str) -> StreamSink:
        """Write to what one of our descriptors stands for, without changing it for others."""

        def open_stream(gone: Callable[[], None]) -> Stream:
            reactor = self.reactor
            losses = Losses(where)
            return Stream(
                losses,
                reactor,
                lambda: _open_again(fd, reactor, losses),
                by_name=False,
                gone=gone,
            )

        return StreamSink(self.share(_identity(os.fstat(fd)), open_stream))

    def share(
        self, identity: tuple[int | str, ...], open_stream: Callable[[Callable[[], None]], Stream]
    ) -> Stream:
        """Return the stream of that identity; open it, with what to call at its end, if need be."""
        stream = self._streams.get(identity)
        if stream is None:
            stream = open_stream(lambda: self._forget(identity))
            self._streams[identity] = stream
            for data in self._inherited.pop(identity, ()):
                stream.write(data)
        return stream

    def finish(self, seconds: float) -> None:
        """
        Wait until all is written, but no longer than that: at the end of the process.

        Nothing else is left to be done then, and a reader that is only slow gets everything.
        """
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            behind = {
                stream.fileno(): stream for stream in self._streams.values() if stream.backlog
            }
            if not behind or left <= 0:
                return
            poll = select.poll()
            for fd in behind:
                poll.register(fd, select.POLLOUT)
            for fd, _ in poll.poll(left * 1000):
                behind[fd].finish(left)

    def record(self) -> list[StreamRecord]:
        """Return what is yet to be written, as plain values that survive JSON."""
        return [
            {"identity": identity, "kept": [b64encode(data).decode() for data in stream.kept]}
            for identity, stream in self._streams.items()
            if stream.backlog
        ]

    def resume(self, records: Iterable[StreamRecord]) -> None:
        """Write what is in the records, each once its stream is opened."""
        for record in records:
            kept = [b64decode(text) for text in record["kept"]]
            self._inherited[tuple(record["identity"])] = kept

    @property
    def reactor(self) -> Any:
        """The reactor that they use."""
        if self._reactor is None:
            from twisted.internet import reactor

            self._reactor = reactor
        return self._reactor

    def _forget(self, identity: tuple[int | str, ...]) -> None:
        del self._streams[identity]


#: Those of this process.
shared_streams = Streams()
atexit.register(shared_streams.finish, AT_THE_END)


def _identity(status: os.stat_result) -> tuple[int | str, ...]:
    """Which file it is, whatever its name."""
    return (status.st_dev, status.st_ino, status.st_rdev)


def descriptor_of(path: str) -> int | None:
    """Tell which of our descriptors a path stands for: ``/dev/stdout``, or a link to it."""
    for _ in range(40):
        if path in _STANDARD_NAMES:
            return _STANDARD_NAMES[path]
        match = _DESCRIPTOR_NAME.fullmatch(path)
        if match:
            return int(match[1])
        try:
            path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
        except OSError:
            break
    return None


def _is_same(one: Medium, other: Medium) -> bool:
    return os.path.samestat(os.fstat(one.fileno()), os.fstat(other.fileno()))


def _open_again(fd: int, reactor: Any, losses: Losses) -> Medium:
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):  # shares its position with whoever else writes there
        return _Descriptor(os.dup(fd), reactor)
    if stat.S_ISSOCK(mode):
        return _Socket(os.dup(fd), reactor)
    try:
        return _Descriptor(os.open(f"/proc/self/fd/{fd}", _FLAGS), reactor)
    except OSError:  # not ours to open, nobody reads, or no such file system
        pass
    if stat.S_ISFIFO(mode) and _can_write_nowait(fd):
        return _SharedPipe(os.dup(fd), reactor)
    return _Thread(os.dup(fd), reactor, losses)


def _can_write_nowait(fd: int) -> bool:
    try:
        os.pwritev(fd, [b""], -1, os.RWF_NOWAIT)
    except BlockingIOError:
        return True
    except (OSError, AttributeError):
        return False
    return True
