"""A child's pipes and signals: the transport that its protocol sees."""

from __future__ import annotations

import array
import base64
import errno
import fcntl
import os
import select
import signal
import termios
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IAddress, IReadDescriptor, IWriteDescriptor
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from supervisor_tx.activity import Logger
from supervisor_tx.supervision.children.childrecord import ChildRecord
from supervisor_tx.supervision.children.exits import ExitWatch, Watch, ending
from supervisor_tx.supervision.children.loop import Agenda
from supervisor_tx.supervision.children.signals import signal_number
from supervisor_tx.supervision.interfaces import IChildTransport

_log = Logger()

#: Bytes per read: of a pipe as it comes, and of one whose reads were full so many times in a row.
READ_SIZE = 1 << 16
LARGE_READ_SIZE = 1 << 18
FULL_READS = 8


@implementer(IReadDescriptor)
class OutputPipe:
    """
    Our end of one of the child's outputs, read once per turn of the loop.

    The pipe and the reads grow when the child floods it. Not before: there is a quota of pipe pages
    for each user, and large reads of little cost twice the time.
    """

    __slots__ = ("_full_reads", "_transport", "child_fd", "fd", "paused", "size")

    def __init__(self, transport: ChildTransport, child_fd: int, fd: int, size: int) -> None:
        self._transport = transport
        self.child_fd = child_fd
        self.fd = fd
        self.size = size
        self.paused = False
        self._full_reads = 0

    def fileno(self) -> int:
        return self.fd

    def logPrefix(self) -> str:
        return "child"

    def doRead(self) -> Any:
        try:
            data = os.read(self.fd, self.size)
        except BlockingIOError:
            return None
        except OSError:
            return CONNECTION_LOST
        if not data:
            return CONNECTION_LOST  # the reactor then calls connectionLost
        if len(data) < self.size:
            self._full_reads = 0
        elif self.size < LARGE_READ_SIZE:
            self._full_reads += 1
            if self._full_reads == FULL_READS:
                self._grow()
        self._transport.deliver(self.child_fd, data)
        return None

    def _grow(self) -> None:
        self.size = LARGE_READ_SIZE
        with suppress(OSError, AttributeError):  # over the quota, or not Linux: just as it was
            fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, LARGE_READ_SIZE)

    def read_available(self) -> None:
        """
        Deliver what is in the pipe now, paused or not, and not what others add meanwhile.

        Close it where there are no others.
        """
        waiting = array.array("i", [0])
        with suppress(OSError):
            fcntl.ioctl(self.fd, termios.FIONREAD, waiting)
        left = waiting[0]
        while left > 0 and self.fd >= 0:
            try:
                data = os.read(self.fd, left)
            except OSError:
                break
            if not data:
                break
            left -= len(data)
            self._transport.deliver(self.child_fd, data)
        if self.fd >= 0 and _poll(self.fd) & (select.POLLIN | select.POLLHUP) == select.POLLHUP:
            self._transport.close_ends([self.child_fd])

    def connectionLost(self, reason: Failure) -> None:
        self._transport.close_ends([self.child_fd])


@implementer(IReadDescriptor, IWriteDescriptor)
class InputPipe:
    """Our end of the child's stdin: written to at once, and the rest when there is room."""

    __slots__ = ("_transport", "backlog", "closing", "fd")

    child_fd = 0

    def __init__(self, transport: ChildTransport, fd: int) -> None:
        self._transport = transport
        self.fd = fd
        self.backlog = bytearray()
        #: to be closed when the backlog is written
        self.closing = False

    def fileno(self) -> int:
        return self.fd

    def logPrefix(self) -> str:
        return "child"

    def write(self, data: bytes) -> None:
        """Take data; drop them once closed."""
        if self.closing or self.fd < 0 or not data:
            return
        if self.backlog:
            self.backlog += data
            return
        try:
            written = os.write(self.fd, data)
        except BlockingIOError:
            written = 0
        except OSError:  # EPIPE: nobody will ever read it
            self._transport.close_ends([0])
            return
        if written < len(data):
            self.backlog += memoryview(data)[written:]
            self._transport.descriptors.addWriter(self)

    def doWrite(self) -> Any:
        try:
            with memoryview(self.backlog) as view:
                written = os.write(self.fd, view[:LARGE_READ_SIZE])
        except BlockingIOError:
            return None
        except OSError:
            return CONNECTION_LOST
        del self.backlog[:written]
        if not self.backlog:
            self._transport.descriptors.removeWriter(self)
            if self.closing:
                self._transport.close_ends([0])
        return None

    def doRead(self) -> Any:
        # Some reactors say in this way that the other end was closed.
        return CONNECTION_LOST if self.is_broken() else None

    def is_broken(self) -> bool:
        """Return whether nobody has the other end any more."""
        return bool(_poll(self.fd) & (select.POLLERR | select.POLLHUP))

    def connectionLost(self, reason: Failure) -> None:
        self._transport.close_ends([0])


@implementer(IChildTransport)
class ChildTransport:
    """
    A child process that runs already, made by a spawner or taken up from a record.

    ``processExited`` comes when the process has ended, after all that it had written by then; our
    ends stay open for its descendants until :meth:`loseConnection`. ``processEnded`` comes when it
    has ended and all ends are closed. News of ends that we close ourselves come in a later turn.
    A protocol that raises is logged.
    """

    def __init__(
        self, agenda: Agenda, exits: ExitWatch, protocol: ProcessProtocol, record: ChildRecord
    ) -> None:
        self.descriptors = agenda.descriptors
        self.pid: int | None = None if record.reaped else record.pid
        self._agenda = agenda
        self._exits = exits
        self._protocol = protocol
        self._first_pid = record.pid
        self._started = record.started
        self._pidfd = record.pidfd
        self._status = record.status
        self._exited = record.reaped
        self._ended = False
        self._begun = False
        self._watch: Watch | None = None
        #: closed on our side, and the protocol was not told yet
        self._untold = 0
        sizes = dict(record.read_sizes)
        self._input: InputPipe | None = None
        self._outputs: dict[int, OutputPipe] = {}
        for child_fd, fd in record.descriptors:
            if child_fd == 0:
                self._input = InputPipe(self, fd)
                self._input.backlog += record.backlog_bytes
                self._input.closing = record.closing
            else:
                pipe = OutputPipe(self, child_fd, fd, sizes.get(child_fd, READ_SIZE))
                pipe.paused = child_fd in record.paused
                self._outputs[child_fd] = pipe

    # Begin and hand over

    def begin(self) -> None:
        """Tell the protocol of its transport, then of everything that happens."""
        self._tell(self._protocol.makeConnection, self)
        self._register()

    def resume(self) -> None:
        """Go on where a record was written: as :meth:`begin`, but the protocol is told nothing."""
        self._protocol.transport = self
        self._protocol.connected = 1
        for fd in self._our_descriptors():
            os.set_inheritable(fd, False)
            os.set_blocking(fd, False)
        gone = not self._exited and not self._is_ours()
        self._register(watch=not gone)
        if gone:
            self._agenda.add(self._child_ended, None)
        elif self._exited:
            self._agenda.add(self._after_exit)

    def _is_ours(self) -> bool:
        # A pidfd is the process itself. A pid may be that of another by now.
        started = self._started
        return self._pidfd is not None or started is None or start_time(self._first_pid) == started

    def _register(self, watch: bool = True) -> None:
        self._begun = True
        for pipe in self._outputs.values():
            if not pipe.paused:
                self.descriptors.addReader(pipe)
        if self._input is not None and self._input.backlog:
            self.descriptors.addWriter(self._input)
        if watch and not self._exited:
            self._watch = self._exits.watch(self._first_pid, self._pidfd, self._child_ended)

    def record(self) -> ChildRecord:
        """Return all that it takes to go on. The descriptors stay ours until :meth:`release`."""
        entry = self._input
        descriptors = {child_fd: pipe.fd for child_fd, pipe in self._outputs.items()}
        if entry is not None:
            descriptors[0] = entry.fd
        backlog = b"" if entry is None else bytes(entry.backlog)
        return ChildRecord(
            pid=self._first_pid,
            started=None if self._exited else start_time(self._first_pid),
            pidfd=self._pidfd,
            descriptors=tuple(sorted(descriptors.items())),
            backlog=base64.b64encode(backlog).decode("ascii"),
            closing=entry is not None and entry.closing,
            paused=tuple(fd for fd, pipe in sorted(self._outputs.items()) if pipe.paused),
            read_sizes=tuple(
                (fd, pipe.size)
                for fd, pipe in sorted(self._outputs.items())
                if pipe.size != READ_SIZE
            ),
            reaped=self._exited,
            status=self._status,
        )

    def release(self) -> ChildRecord:
        """Return the record and forget the child, its descriptors being left open for others."""
        record = self.record()
        if self._watch is not None:
            self._watch.stop()
        for pipe in self._outputs.values():
            self.descriptors.removeReader(pipe)
        if self._input is not None:
            self.descriptors.removeReader(self._input)
            self.descriptors.removeWriter(self._input)
        self._outputs, self._input, self._pidfd = {}, None, None
        self._exited = self._ended = True
        self.pid = None
        return record

    def _our_descriptors(self) -> list[int]:
        fds = [pipe.fd for pipe in self._outputs.values()]
        if self._input is not None:
            fds.append(self._input.fd)
        return fds if self._pidfd is None else [*fds, self._pidfd]

    # News

    def deliver(self, child_fd: int, data: bytes) -> None:
        """Pass output on to the protocol."""
        try:
            self._protocol.childDataReceived(child_fd, data)
        except BaseException:  # noqa: BLE001 - one child may not harm the rest
            self._say_failed()

    def _child_ended(self, status: int | None) -> None:
        for pipe in tuple(self._outputs.values()):
            pipe.read_available()
        self.pid, self._status, self._exited = None, status, True
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        self._tell(self._protocol.processExited, ending(status))
        self._after_exit()

    def _after_exit(self) -> None:
        """Find out when the last descendant closes its stdin; nothing else tells."""
        if self._input is not None:
            if self._input.is_broken():
                self.close_ends([0])
            else:
                self.descriptors.addReader(self._input)
        self._finish()

    def _finish(self) -> None:
        open_ends = self._outputs or self._input is not None or self._untold
        if self._exited and not open_ends and not self._ended:
            self._ended = True
            self._tell(self._protocol.processEnded, ending(self._status))

    def _tell(self, news: Callable[..., object], *args: Any) -> None:
        try:
            news(*args)
        except BaseException:  # noqa: BLE001 - one child may not harm the rest
            self._say_failed()

    def _say_failed(self) -> None:
        _log.failure("the protocol of the child with pid {pid} failed", pid=self._first_pid)

    # Closing

    def close_ends(self, child_fds: Iterable[int]) -> None:
        """Close our ends now, with what was not written, and tell the protocol in a later turn."""
        closed = []
        for child_fd in child_fds:
            pipe = self._outputs.pop(child_fd, None) if child_fd else self._input
            if pipe is None:
                continue
            self.descriptors.removeReader(pipe)
            if isinstance(pipe, InputPipe):
                self._input = None
                self.descriptors.removeWriter(pipe)
                pipe.backlog.clear()
            os.close(pipe.fd)
            pipe.fd = -1
            closed.append(child_fd)
        if closed:
            self._untold += 1
            self._agenda.add(self._tell_closed, closed)

    def _tell_closed(self, child_fds: list[int]) -> None:
        self._untold -= 1
        for child_fd in child_fds:
            self._tell(self._protocol.childConnectionLost, child_fd)
        self._finish()

    def closeChildFD(self, descriptor: int) -> None:
        """Close our end; stdin after all that was written to it, unless the child has ended."""
        entry = self._input
        if descriptor == 0 and entry is not None and entry.backlog and not self._exited:
            entry.closing = True
        else:
            self.close_ends([descriptor])

    def closeStdin(self) -> None:
        """Close our end of its stdin, after all that was written to it."""
        self.closeChildFD(0)

    def closeStdout(self) -> None:
        """Close our end of its stdout."""
        self.closeChildFD(1)

    def closeStderr(self) -> None:
        """Close our end of its stderr."""
        self.closeChildFD(2)

    def loseConnection(self) -> None:
        """Close all our ends. A child that lives gets what was written to it first."""
        self.closeChildFD(0)
        self.close_ends(tuple(self._outputs))

    # To the child

    def writeToChild(self, childFD: int, data: bytes) -> None:
        """Write to its stdin; dropped where that is closed. KeyError for other descriptors."""
        if childFD != 0:
            raise KeyError(childFD)
        if self._input is not None:
            self._input.write(data)

    def write(self, data: bytes) -> None:
        """Write to its stdin."""
        self.writeToChild(0, data)

    def writeSequence(self, seq: Iterable[bytes]) -> None:
        """Write to its stdin."""
        self.writeToChild(0, b"".join(seq))

    @property
    def stdin_open(self) -> bool:
        """Whether there is a pipe to its stdin, as far as we have noticed."""
        return self._input is not None and not self._input.closing

    @property
    def backlog(self) -> int:
        """Bytes that were taken for its stdin and not yet written."""
        return 0 if self._input is None else len(self._input.backlog)

    def pauseChild(self, childFD: int) -> None:
        """Read no more from the child's descriptor until resumed: its pipe fills up."""
        pipe = self._outputs.get(childFD)
        if pipe is not None and not pipe.paused:
            pipe.paused = True
            self.descriptors.removeReader(pipe)

    def resumeChild(self, childFD: int) -> None:
        """Read on."""
        pipe = self._outputs.get(childFD)
        if pipe is not None and pipe.paused:
            pipe.paused = False
            if self._begun:
                self.descriptors.addReader(pipe)

    def signalProcess(self, signalID: str | int) -> None:
        """
        Send a signal by number or name, with or without ``SIG``; ValueError for an unknown name.

        Raises ProcessExitedAlready for a child that is gone, and lets other OSErrors through.
        """
        number = signal_number(signalID)
        if self.pid is None:
            raise ProcessExitedAlready
        try:
            self._send(self.pid, number)
        except ProcessLookupError:
            raise ProcessExitedAlready from None

    def _send(self, pid: int, number: int) -> None:
        if self._pidfd is not None:
            try:
                signal.pidfd_send_signal(self._pidfd, number)
            except ProcessLookupError:
                raise
            except OSError as error:
                if error.errno not in (errno.ENOSYS, errno.EPERM):
                    raise
                # A sandbox may forbid just this call. Ours alone to reap, the pid is still its own.
            else:
                return
        os.kill(pid, number)

    def signalGroup(self, number: int) -> None:
        """Send a signal to its process group; the same errors."""
        if self.pid is None:
            raise ProcessExitedAlready
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            raise ProcessExitedAlready from None

    # ITransport

    def getPeer(self) -> IAddress:
        """A child has no address."""
        raise NotImplementedError("a child process has no address")

    def getHost(self) -> IAddress:
        """A child has no address."""
        raise NotImplementedError("a child process has no address")

    def __repr__(self) -> str:
        state = "ended" if self._exited else "alive"
        return f"<ChildTransport pid {self._first_pid} {state}>"


def _poll(fd: int) -> int:
    """Return the poll flags of a descriptor at this moment."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return sum(flags for _, flags in poll.poll(0))


def start_time(pid: int) -> int | None:
    """Return when the kernel started a process, in clock ticks since boot; None: it cannot say."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None
