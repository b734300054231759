r"""
What event listeners say, at the daemon's end of the line.

A listener says ``READY\n`` on its standard output when it wants an event. It is handed one, and
then says ``RESULT <length>\n`` and that many bytes, which are its answer; after that it says
``READY\n`` again. What it is handed is the business of :mod:`supervisor_tx.core.envelope`.

Each state takes what it can from the front of what has arrived, and leaves the rest to the next:

* ACKNOWLEDGED waits for the six bytes of ``READY\n``. Fewer are kept, whatever they are; six
  others end the dialogue.
* READY takes nothing. A listener that says anything before it has an event ends the dialogue.
* BUSY waits for a line. The first seven bytes of it are never looked at; the rest is a number, as
  :class:`int` reads one, so with blanks, a sign, underscores. Then it waits for the answer. An
  empty answer is only complete when the next byte has arrived. A line without a number, or with
  one below 0 or above :data:`LONGEST_RESULT`, ends the dialogue, and so does a line of
  :data:`LONGEST_LINE` bytes which has not ended.
* UNKNOWN is the end of the dialogue. All that arrives is thrown away. Only a new process begins a
  new dialogue.

So what happens does not depend on how the bytes were cut, and what is kept is bounded.

Source: Supervisor docs, "Event Listener States", and what Supervisor 4.3.0 was seen to do. It never
finishes with a length below 0, and knows no longest line or answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from supervisor_tx.core.states import ListenerState as S
from supervisor_tx.values import asdict, frozen

#: Bytes that may come without the line end that must follow a length.
LONGEST_LINE = 64 * 1024

#: Bytes of an answer.
LONGEST_RESULT = 16 * 1024 * 1024

_READY = b"READY\n"

# Looked up once: each look at a member of an enumeration takes 70 ns, and there are some in every
# event that is told.
_ACKNOWLEDGED, _BUSY = S.ACKNOWLEDGED, S.BUSY

#: bytes before the number, which nobody reads
_WORD = len(b"RESULT ")


@frozen
class BecameReady:
    """It can be handed an event, unless it goes on talking."""


@frozen
class Answered:
    """It has dealt with its event; whoever hears this must say what comes of it."""

    result: bytes


@frozen
class BadResult:
    """Its answer cannot be understood: the dialogue is over, and its event is not dealt with."""

    #: where the length should be, without the line end
    line: bytes


@frozen
class Violated:
    """It has said what it may not say in the state in which it was: the dialogue is over."""

    state: S
    #: what had arrived and could not be understood
    data: bytes


_BECAME_READY = BecameReady()

News: TypeAlias = BecameReady | Answered | BadResult | Violated


@frozen
class DialogueRecord:
    """A dialogue written down. All values survive JSON (:meth:`as_dict`, :meth:`from_dict`)."""

    state: int = S.ACKNOWLEDGED
    #: bytes that wait for more, each as the character of the same number
    held: str = ""
    #: length of the answer that these are the beginning of; None: its line is yet to end
    length: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DialogueRecord:
        """Read what :meth:`as_dict` gave."""
        return cls(**values)


class Dialogue:
    """
    One dialogue: it begins and ends with a process.

    ::

        dialogue.receive(data)
        while (news := dialogue.next()) is not None:
            match news:
                case Answered(result):
                    dialogue.accepted()  # or broken()

    All that has arrived is to be read in this way before an event is handed out.
    """

    __slots__ = ("_answered", "_held", "_length", "_state")

    def __init__(self, record: DialogueRecord | None = None) -> None:
        """Begin, or go on where one was written down."""
        record = record or DialogueRecord()
        self._state = S(record.state)
        self._held = bytearray(record.held, "latin-1")
        self._length = record.length
        self._answered = False

    @property
    def state(self) -> S:
        """Where it is."""
        return self._state

    def record(self) -> DialogueRecord:
        """Return all that there is to remember."""
        assert not self._answered
        return DialogueRecord(int(self._state), self._held.decode("latin-1"), self._length)

    def handed(self) -> None:
        """Take note that the listener, which was READY, was handed an event."""
        assert self._state is S.READY and not self._held
        self._state = _BUSY

    def receive(self, data: bytes) -> None:
        """Take what was read from the listener."""
        if self._state is not S.UNKNOWN:
            self._held += data

    def next(self) -> News | None:
        """Return what is to be learnt next from what was received; None: more must arrive."""
        assert not self._answered
        if not self._held:
            return None
        if self._state is _BUSY:
            return self._look_for_result()
        if self._state is _ACKNOWLEDGED:
            return self._look_for_ready()
        return self._violated()

    def accepted(self) -> None:
        """Say that the answer was understood, whether it was good or bad."""
        self._judged(_ACKNOWLEDGED)

    def broken(self) -> None:
        """Say that the answer could not be dealt with: the dialogue is over."""
        self._judged(S.UNKNOWN)
        self._held.clear()

    def _judged(self, state: S) -> None:
        assert self._answered
        self._answered = False
        self._state = state

    def _look_for_ready(self) -> News | None:
        if len(self._held) < len(_READY):
            return None
        if not self._held.startswith(_READY):
            return self._violated()
        del self._held[: len(_READY)]
        self._state = S.READY
        return _BECAME_READY

    def _look_for_result(self) -> News | None:
        held, length, begin = self._held, self._length, 0
        if length is None:
            end = held.find(b"\n", 0, LONGEST_LINE)
            if end < 0:
                return self._bad(LONGEST_LINE) if len(held) >= LONGEST_LINE else None
            length = _number(held[_WORD:end])
            if length is None:
                return self._bad(end)
            begin = end + 1
        end = begin + length
        if len(held) < (end if length else begin + 1):
            del held[:begin]
            self._length = length
            return None
        result = bytes(held[begin:end])
        del held[:end]
        self._length = None
        self._answered = True
        return Answered(result)

    def _bad(self, end: int) -> BadResult:
        line = bytes(self._held[:end])
        self._end()
        return BadResult(line)

    def _violated(self) -> Violated:
        news = Violated(self._state, bytes(self._held))
        self._end()
        return news

    def _end(self) -> None:
        self._state = S.UNKNOWN
        self._held.clear()


def _number(text: bytearray) -> int | None:
    """Return the length that text says; None where it says none that could be waited for."""
    try:
        number = int(text)
    except ValueError:
        return None
    return number if 0 <= number <= LONGEST_RESULT else None
