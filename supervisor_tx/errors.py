"""What we raise on purpose, under one :class:`SupervisorError`."""

from __future__ import annotations

from collections.abc import Iterable

from supervisor_tx.values import frozen


class SupervisorError(Exception):
    """Something that was foreseen, said in words for the person who must mend it."""


class UnexpectedInput(SupervisorError):
    """A process was told something that its state has no answer to; it did not change."""

    def __init__(self, state: object, what: object) -> None:
        super().__init__(f"{what!r} means nothing to a process that is {state!s}")
        self.state = state
        self.what = what


class CannotStart(SupervisorError):
    """The daemon refuses to start; the text says why and is shown after ``Error:``."""


@frozen
class Problem:
    """One thing that is wrong in a configuration; what is not known of it is None."""

    message: str
    #: path of the file, as it was given
    file: str | None = None
    #: counted from 1
    line: int | None = None
    #: whole name, without the brackets
    section: str | None = None
    option: str | None = None
    #: as written, before expansion
    value: str | None = None
    #: what would have been right, to go after "expected"
    accepts: str | None = None

    def __str__(self) -> str:
        """``web.conf:12: [program:web] startsecs: <message>; expected a whole number``."""
        file = "" if self.file is None else self.file
        place = file if self.line is None else f"{file}:{self.line}"
        head = f"{place}: " if place else ""
        where = " ".join(
            part
            for part in ("" if self.section is None else f"[{self.section}]", self.option)
            if part
        )
        tail = f"; expected {self.accepts}" if self.accepts else ""
        text = f"{head}{where}{': ' if where else ''}{self.message.rstrip()}{tail}"
        return text.replace("\r", "\\r").replace("\n", "\\n")


class ConfigError(CannotStart):
    """A configuration cannot be used; ``problems`` has all that was found wrong, in order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SpawnFailed(SupervisorError):
    """
    A process could not be started.

    The text becomes the process's ``spawnerr``. ``complaint`` is what a forked child would have
    said on its standard error, without the line end ("couldn't exec /x: ENOEXEC"); it goes to the
    program's stderr log. None where Supervisor finds the fault before it forks.
    """

    def __init__(self, spawnerr: str, complaint: str | None = None) -> None:
        super().__init__(spawnerr)
        self.spawnerr = spawnerr
        self.complaint = complaint


class CommandUnusable(SpawnFailed):
    """The command of a program cannot be run, found out before a fork."""


class BadCommand(CommandUnusable):
    """The command is empty or its quoting is broken."""


class CommandNotFound(CommandUnusable):
    """No file of that name exists."""


class CommandNotExecutable(CommandUnusable):
    """The file is a directory, or nobody may execute it."""


class CommandNotPermitted(CommandUnusable):
    """The file is executable, but not for us."""


class ProcessRefusal(SupervisorError):
    """A request that a process (or group) cannot meet in the state that it is in."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name


class UnknownProcess(ProcessRefusal):
    """There is no process or group of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "no such process")


class AlreadyStarted(ProcessRefusal):
    """A start was asked for a process that counts as started."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "already started")


class NotRunning(ProcessRefusal):
    """A stop or a signal was asked for a process that does not run."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "not running")


class StateUnknown(ProcessRefusal):
    """A start was asked for a process that could not be killed."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "is in an unknown process state")


class SignalRefused(ProcessRefusal):
    """The kernel did not let us signal the process; ``text`` says what it had against it."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, text)
        self.text = text


class StartFailed(ProcessRefusal):
    """A start was asked for and came to nothing: no process, or one that ended too early."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "could not be started")


class EndedAbnormally(ProcessRefusal):
    """A start was waited for, and the process was stopped or ended instead of running."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "is not running after its start")


class StdinClosed(ProcessRefusal):
    """The process has no standard input that we could write to."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "its standard input is closed")


class StdinFull(ProcessRefusal):
    """The process does not read its standard input, and enough is waiting there."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "it does not read its standard input, and enough is waiting there")


class AlreadyAdded(ProcessRefusal):
    """The group is active."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "is active")


class StillRunning(ProcessRefusal):
    """A group cannot be removed while one of its processes runs."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "a process of it runs")


class BadSignal(SupervisorError):
    """There is no such signal; ``signal`` is what was asked for."""

    def __init__(self, signal: object) -> None:
        super().__init__(f"there is no signal {signal}")
        self.signal = signal


class NoLogFile(SupervisorError):
    """There is no log file. ``path`` is where it should be, None where none is configured."""

    def __init__(self, path: str | None = None) -> None:
        super().__init__("no log file is configured" if path is None else f"no file {path}")
        self.path = path


class LogFailed(SupervisorError):
    """A log file could not be read or cleared; ``text`` may say more."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text or "the log file cannot be used")
        self.text = text


class BadRange(SupervisorError):
    """An offset and a length that make no sense together."""

    def __init__(self) -> None:
        super().__init__("offset and length make no sense together")


class InvalidArgument(SupervisorError):
    """An argument that is missing, not known, or no such value as it has to be."""

    def __init__(self, member: str, text: str) -> None:
        super().__init__(f"{member}: {text}")
        self.member = member
        self.text = text


class ShuttingDown(SupervisorError):
    """The daemon is on its way down, or about to start anew, and takes no more orders."""

    def __init__(self) -> None:
        super().__init__("the daemon is shutting down")


class NoFigures(SupervisorError):
    """What processes use cannot be told on this machine, or not now; the text says why."""
