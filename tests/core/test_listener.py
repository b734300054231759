"""What listeners say, however it is cut."""

from __future__ import annotations

import json
from typing import TypeAlias

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.listener import (
    LONGEST_LINE,
    LONGEST_RESULT,
    Answered,
    BadResult,
    BecameReady,
    Dialogue,
    DialogueRecord,
    News,
    Violated,
)
from supervisor_tx.core.states import ListenerState as S

#: How a pool might take an answer.
ACCEPTED, BROKEN = True, False

Heard: TypeAlias = "list[News]"


class Pool:
    """
    Hands an event to a listener whenever it is READY at the end of a read.

    Answers that begin with ``!`` cannot be dealt with.
    """

    def __init__(self, dialogue: Dialogue | None = None) -> None:
        self.dialogue = dialogue or Dialogue()
        self.heard: Heard = []

    def reads(self, data: bytes) -> None:
        self.dialogue.receive(data)
        while (news := self.dialogue.next()) is not None:
            self.heard.append(news)
            if isinstance(news, Answered):
                if news.result.startswith(b"!"):
                    self.dialogue.broken()
                else:
                    self.dialogue.accepted()

    def hands_out(self) -> bool:
        if self.dialogue.state is not S.READY:
            return False
        self.dialogue.handed()
        return True


def busy() -> Pool:
    pool = Pool()
    pool.reads(b"READY\n")
    pool.hands_out()
    pool.heard.clear()
    return pool


def said(data: bytes) -> tuple[Heard, S]:
    """Return what is heard when a listener that has an event says this, and where that leads."""
    pool = busy()
    pool.reads(data)
    return pool.heard, pool.dialogue.state


class AcknowledgedTests(SynchronousTestCase):
    def test_ready(self) -> None:
        """A listener that says so is READY."""
        pool = Pool()
        self.assertEqual(pool.dialogue.state, S.ACKNOWLEDGED)
        pool.reads(b"READY\n")
        self.assertEqual(pool.heard, [BecameReady()])
        self.assertEqual(pool.dialogue.state, S.READY)

    def test_less(self) -> None:
        """Five bytes are not judged, whatever they are."""
        for data in (b"READY", b"ready", b"\n\n\n\n\n", b"\xff\x00", b""):
            pool = Pool()
            pool.reads(data)
            self.assertEqual((pool.heard, pool.dialogue.state), ([], S.ACKNOWLEDGED))

    def test_other(self) -> None:
        """Six others end the dialogue, and are told with all that came with them."""
        for data in (b"ready\n", b"READY YES\n", b"READY\r\n", b"\nREADY\n", b"\x00" * 6):
            pool = Pool()
            pool.reads(data)
            self.assertEqual(pool.heard, [Violated(S.ACKNOWLEDGED, data)])
            self.assertEqual(pool.dialogue.state, S.UNKNOWN)

    def test_more(self) -> None:
        """Who says more than READY before an event has come is not handed one."""
        pool = Pool()
        pool.reads(b"READY\nxyz")
        self.assertEqual(pool.heard, [BecameReady(), Violated(S.READY, b"xyz")])
        self.assertFalse(pool.hands_out())

    def test_later(self) -> None:
        """The same holds for what comes later."""
        pool = Pool()
        pool.reads(b"READY\n")
        pool.reads(b"READY\n")
        self.assertEqual(pool.heard, [BecameReady(), Violated(S.READY, b"READY\n")])


class BusyTests(SynchronousTestCase):
    def test_answer(self) -> None:
        """An answer is told as it is, and leads back to ACKNOWLEDGED."""
        self.assertEqual(said(b"RESULT 2\nOK"), ([Answered(b"OK")], S.ACKNOWLEDGED))
        self.assertEqual(said(b"RESULT 4\nFAIL"), ([Answered(b"FAIL")], S.ACKNOWLEDGED))
        self.assertEqual(said(b"RESULT 3\n\xff\n\x00"), ([Answered(b"\xff\n\x00")], S.ACKNOWLEDGED))

    def test_word(self) -> None:
        """The seven bytes before the length are never looked at."""
        for word in (b"RESULTS", b"XXXXXXX", b"\xff\xfe\x00\t\r  "):
            self.assertEqual(said(word + b"2\nOK"), ([Answered(b"OK")], S.ACKNOWLEDGED))

    def test_numbers(self) -> None:
        """A length may be written in each way in which Python reads one from bytes."""
        for number in (b" 2", b"2 ", b"2\r", b"+2", b"0_2", b"\t2\x0b\x0c", b"000000002"):
            self.assertEqual(
                said(b"RESULT " + number + b"\nOK"), ([Answered(b"OK")], S.ACKNOWLEDGED), number
            )

    def test_no_numbers(self) -> None:
        """In any other case the dialogue is over, and the line is told."""
        for line in (
            *(b"", b"2", b"RESULT", b"RESULT ", b"RESULT 2.0", b"RESULT 0x2", b"RESULT 2\x00"),
            *(b"RESULT \xd9\xa2", b"RESULT 2\xc2\xa0", b"RESULT 2\x1c", b"RESULT 1 2"),
            *(b"RESULT -1", b"RESULT " + b"9" * 5000, b"RESULT %d" % (LONGEST_RESULT + 1)),
        ):
            self.assertEqual(said(line + b"\nOK"), ([BadResult(line)], S.UNKNOWN), line)

    def test_empty(self) -> None:
        """An empty answer is complete as soon as something follows it."""
        for zero in (b"0", b"-0"):
            self.assertEqual(said(b"RESULT " + zero + b"\n"), ([], S.BUSY))
            self.assertEqual(
                said(b"RESULT " + zero + b"\nREADY\n"), ([Answered(b""), BecameReady()], S.READY)
            )

    def test_next(self) -> None:
        """What follows an answer is judged as if it had come alone."""
        self.assertEqual(said(b"RESULT 2\nOKREADY\n"), ([Answered(b"OK"), BecameReady()], S.READY))
        self.assertEqual(said(b"RESULT 2\nOKREAD"), ([Answered(b"OK")], S.ACKNOWLEDGED))
        self.assertEqual(
            said(b"RESULT 2\nOK\nREADY\n"),
            ([Answered(b"OK"), Violated(S.ACKNOWLEDGED, b"\nREADY\n")], S.UNKNOWN),
        )
        self.assertEqual(
            said(b"RESULT 2\nOKREADY\nx"),
            ([Answered(b"OK"), BecameReady(), Violated(S.READY, b"x")], S.UNKNOWN),
        )

    def test_broken(self) -> None:
        """Where an answer cannot be dealt with, nothing that follows it counts."""
        self.assertEqual(said(b"RESULT 1\n!READY\n"), ([Answered(b"!")], S.UNKNOWN))

    def test_longest_line(self) -> None:
        """A line without an end is waited for up to a limit."""
        pool = busy()
        line = b"RESULT " + b" " * (LONGEST_LINE - 8)
        pool.reads(line)
        self.assertEqual(pool.heard, [])
        pool.reads(b"222")
        self.assertEqual(pool.heard, [BadResult(line + b"2")])
        self.assertEqual(said(line + b"\nOK"), ([BadResult(line)], S.UNKNOWN))
        self.assertEqual(
            said(b"RESULT " + b"2".rjust(LONGEST_LINE - 8) + b"\nOK"),
            ([Answered(b"OK")], S.ACKNOWLEDGED),
        )

    def test_longest_answer(self) -> None:
        """The longest answer that is understood is understood."""
        answer = b"x" * LONGEST_RESULT
        self.assertEqual(
            said(b"RESULT %d\n" % LONGEST_RESULT + answer), ([Answered(answer)], S.ACKNOWLEDGED)
        )


class UnknownTests(SynchronousTestCase):
    def test_nothing(self) -> None:
        """Whatever is said after a violation is thrown away, and not kept."""
        pool = Pool()
        pool.reads(b"hello world\n")
        pool.heard.clear()
        pool.reads(b"READY\n")
        pool.reads(b"x" * 100_000)
        self.assertEqual((pool.heard, pool.dialogue.state), ([], S.UNKNOWN))
        self.assertEqual(pool.dialogue.record(), DialogueRecord(S.UNKNOWN))


class MisuseTests(SynchronousTestCase):
    def test_handed(self) -> None:
        """Only a listener that is READY can be handed an event."""
        self.assertRaises(AssertionError, Dialogue().handed)
        self.assertRaises(AssertionError, busy().dialogue.handed)

    def test_verdict(self) -> None:
        """An answer wants exactly one verdict, before anything else."""
        dialogue = busy().dialogue
        self.assertRaises(AssertionError, dialogue.accepted)
        dialogue.receive(b"RESULT 2\nOK")
        self.assertEqual(dialogue.next(), Answered(b"OK"))
        self.assertRaises(AssertionError, dialogue.next)
        self.assertRaises(AssertionError, dialogue.record)
        dialogue.accepted()
        self.assertRaises(AssertionError, dialogue.broken)


#: Things that listeners say, good and bad.
words = st.sampled_from(
    [
        *(b"READY\n", b"READY\n", b"RESULT 2\nOK", b"RESULT 2\nOK", b"RESULT 4\nFAIL"),
        *(b"RESULT 0\n", b"RESULT 1\n!", b"RESULT -1\n", b"RESULT 2", b"RESULT 3\n", b"\n"),
        *(b"RESULT 99999999999\n", b"RESULT x\n", b"XXXXXXX2\n", b"READY", b"OK", b"\xff\x00"),
    ]
)
#: In a dialogue an event is handed out where there is None.
dialogues = st.lists(st.one_of(words, st.none(), st.binary(max_size=9)), max_size=12)
Piece: TypeAlias = "bytes | None"


def heard(pieces: list[Piece]) -> tuple[Heard, DialogueRecord]:
    pool = Pool()
    for piece in pieces:
        if piece is None:
            pool.hands_out()
        else:
            pool.reads(piece)
    return pool.heard, pool.dialogue.record()


def joined(pieces: list[Piece]) -> list[Piece]:
    """Return the same, with as few reads as possible."""
    out: list[Piece] = []
    for piece in pieces:
        if piece is not None and out and out[-1] is not None:
            out[-1] += piece
        else:
            out.append(piece)
    return out


def single(pieces: list[Piece]) -> list[Piece]:
    """Return the same byte by byte."""
    out: list[Piece] = []
    for piece in pieces:
        out.extend([None] if piece is None else [bytes([byte]) for byte in piece])
    return out


def without_data(news: Heard) -> list[object]:
    """Return what does not depend on how much came with the byte that was wrong."""
    return [(Violated, each.state) if isinstance(each, Violated) else each for each in news]


class AnyDialogueTests(SynchronousTestCase):
    @given(dialogues)
    @example([b"READY\n", None, b"RESULT 2\nOKREADY\n", None, b"RESULT 0\n", b"R"])
    def test_cuts(self, pieces: list[Piece]) -> None:
        """What happens does not depend on how the bytes between two events were cut."""
        whole, whole_record = heard(joined(pieces))
        for cut in (pieces, single(pieces)):
            news, record = heard(cut)
            self.assertEqual(without_data(news), without_data(whole))
            self.assertEqual(record, whole_record)

    @given(dialogues)
    def test_record(self, pieces: list[Piece]) -> None:
        """A dialogue goes on where it was written down, after any byte."""
        pool = Pool()
        for piece in single(pieces):
            record = json.loads(json.dumps(pool.dialogue.record().as_dict()))
            pool.dialogue = Dialogue(DialogueRecord.from_dict(record))
            if piece is None:
                pool.hands_out()
            else:
                pool.reads(piece)
        news, record = heard(single(pieces))
        self.assertEqual((pool.heard, pool.dialogue.record()), (news, record))

    @given(dialogues)
    def test_order(self, pieces: list[Piece]) -> None:
        """There is at most one answer to an event, and nothing after the end of a dialogue."""
        pool = Pool()
        handed = 0
        for piece in pieces:
            if piece is None:
                handed += pool.hands_out()
            else:
                pool.reads(piece)
            answers = sum(isinstance(each, Answered | BadResult) for each in pool.heard)
            self.assertIn(handed - answers, (0, 1))
            self.assertEqual(handed - answers == 1, pool.dialogue.state is S.BUSY)
        ends = [isinstance(each, BadResult | Violated) for each in pool.heard]
        self.assertNotIn(True, ends[:-1])

    @given(st.lists(st.binary(max_size=20)))
    def test_garbage(self, reads: list[bytes]) -> None:
        """Whatever a listener says, little of it is kept."""
        for pool in (Pool(), busy()):
            for data in reads:
                pool.reads(data)
                self.assertLess(len(pool.dialogue.record().held), LONGEST_LINE)

    def test_killed(self) -> None:
        """Wherever an exchange ends, it is known whether the event was dealt with."""
        answer = b"RESULT 2\nOKREADY\n"
        for length in range(len(answer) + 1):
            pool = busy()
            pool.reads(answer[:length])
            self.assertEqual(pool.dialogue.state is S.BUSY, length < 11)
            self.assertEqual(Answered(b"OK") in pool.heard, length >= 11)
