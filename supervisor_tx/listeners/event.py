"""An event as a listener has it: what it says, and the answer to it."""

from __future__ import annotations

from supervisor_tx.core.envelope import fields, result
from supervisor_tx.core.namespec import join

TYPE_CHECKING = False  # typing takes longer to import than all else here together
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: How the daemon begins to tell of output that is not UTF-8.
_UNDECODABLE = "Undecodable: "


class Reject(Exception):
    """Raise it where an event shall be offered again, for a reason that needs no traceback."""


class ListenerEvent:
    """
    One event, and the answer to it.

    What an event of its type does not tell is None, or an empty string. There is one answer to an
    event; it is sent at once.
    """

    __slots__ = ("_answer", "_fields", "_say", "data", "headers", "payload")

    def __init__(
        self,
        headers: Mapping[str, str],
        payload: str = "",
        say: Callable[[bytes], object] | None = None,
    ) -> None:
        """``say`` sends bytes to the daemon; without it, answers are only remembered."""
        #: the words of the line before the payload
        self.headers = headers
        #: all that the event tells
        self.payload = payload
        #: what comes after the first line: output, or what somebody has to say
        self.data = payload.partition("\n")[2]
        self._fields: dict[str, str] | None = None
        self._say = say
        self._answer: bytes | None = None

    @classmethod
    def of(cls, name: str, payload: str = "") -> ListenerEvent:
        """Return an event of this type, to try a listener with."""
        headers = {"ver": "3.0", "server": "supervisor", "serial": "0", "pool": "listener"}
        headers |= {"poolserial": "0", "eventname": name, "len": str(len(payload))}
        return cls(headers, payload)

    def __repr__(self) -> str:
        return f"<{self.name} {self.serial}: {self.payload!r}>"

    # The answer

    @property
    def answer(self) -> bytes | None:
        """The answer that was given; None: there was none yet."""
        return self._answer

    def accept(self) -> None:
        """Have the event taken for dealt with."""
        self.respond(b"OK")

    def reject(self) -> None:
        """Have the event offered again, before all others."""
        self.respond(b"FAIL")

    def respond(self, answer: bytes) -> None:
        """Answer something else; what it means depends on the ``result_handler`` of the pool."""
        if self._answer is not None:
            raise ValueError(f"event {self.serial} was answered already")
        self._answer = answer
        if self._say is not None:
            self._say(result(answer))

    # Where it comes from

    @property
    def name(self) -> str:
        """The name of its type."""
        return self.headers["eventname"]

    def isa(self, kind: str) -> bool:
        """Tell whether its type is this one, or a kind of it, such as PROCESS_STATE."""
        return kind == "EVENT" or f"{self.name}_".startswith(f"{kind}_")

    @property
    def server(self) -> str:
        """The identifier of the daemon."""
        return self.headers.get("server", "")

    @property
    def pool(self) -> str:
        """The name in the section of this listener."""
        return self.headers.get("pool", "")

    @property
    def serial(self) -> int:
        """Its number among all events of this daemon; the same when it is offered again."""
        return int(self.headers.get("serial", -1))

    @property
    def pool_serial(self) -> int:
        """Its number among all events of this pool; the same when it is offered again."""
        return int(self.headers.get("poolserial", -1))

    # What it tells

    @property
    def fields(self) -> Mapping[str, str]:
        """The values of the first line of the payload, where that has any."""
        if self._fields is None:
            line = self.payload.partition("\n")[0]
            if self.name == "REMOTE_COMMUNICATION":  # the type may be anything
                self._fields = {"type": line.removeprefix("type:")}
            else:
                try:
                    self._fields = fields(line)
                except ValueError:
                    self._fields = {}
        return self._fields

    @property
    def process(self) -> str:
        """The name of the process."""
        return self.fields.get("processname", "")

    @property
    def group(self) -> str:
        """The name of its group."""
        return self.fields.get("groupname", "")

    @property
    def namespec(self) -> str:
        """The name by which ``supervisorctl`` knows the process: ``group:process``."""
        return join(self.group, self.process)

    @property
    def from_state(self) -> str | None:
        """The state in which the process was before."""
        return self.fields.get("from_state")

    @property
    def pid(self) -> int | None:
        """The process's number; 0: it has none."""
        return self._number("pid")

    @property
    def tries(self) -> int | None:
        """The failed starts so far."""
        return self._number("tries")

    @property
    def expected(self) -> bool | None:
        """Whether a process that has EXITED did so with one of its ``exitcodes``."""
        number = self._number("expected")
        return None if number is None else bool(number)

    @property
    def channel(self) -> str | None:
        """Where output or data came from: ``stdout`` or ``stderr``."""
        for kind in ("PROCESS_LOG", "PROCESS_COMMUNICATION"):
            if self.isa(kind) and self.name != kind:
                return self.name.rpartition("_")[2].lower()
        return None

    @property
    def when(self) -> int | None:
        """The time of a tick, in seconds since the epoch."""
        return self._number("when")

    @property
    def type(self) -> str | None:
        """What sort of thing a REMOTE_COMMUNICATION is, by whoever sent it."""
        return self.fields.get("type")

    @property
    def output(self) -> bytes:
        """
        The data as the process wrote them.

        What is not UTF-8 arrives in a notation, which is undone here. (A process that writes in
        that very notation cannot be told from it.)
        """
        if self.data.startswith(_UNDECODABLE):
            import ast

            try:
                value = ast.literal_eval(self.data.removeprefix(_UNDECODABLE))
            except (ValueError, SyntaxError):
                pass
            else:
                if isinstance(value, bytes):
                    return value
        return self.data.encode("utf-8", "surrogateescape")

    def _number(self, name: str) -> int | None:
        value = self.fields.get(name)
        return None if value is None else int(value)
