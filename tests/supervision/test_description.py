"""The descriptions of operations, and what is made of them."""

from __future__ import annotations

import contextlib
import inspect
from typing import Annotated, Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx import errors
from supervisor_tx.errors import InvalidArgument, SupervisorError
from supervisor_tx.supervision.description import (
    MOST,
    Flag,
    Kind,
    Many,
    OneOf,
    Operation,
    SignalName,
    Text,
    Whole,
    arguments,
    catalogue,
    described,
)
from supervisor_tx.supervision.operations import OPERATIONS, Operations, Principal
from supervisor_tx.supervision.refusals import REFUSALS, refusal

WHO = Principal("unix")


class Shop:
    """Operations to describe."""

    @described(errors.NotRunning, changes=True)
    def buy(
        self,
        who: Principal,
        what: Annotated[str, Text("what", least=1)],
        how_many: Annotated[int, Whole("so many", 1, 9)] = 1,
        gift: Annotated[bool, Flag("for somebody else")] = False,
    ) -> Any:
        """
        Buy something.

        Nobody has to know more.
        """
        return who, what, how_many, gift

    def helper(self) -> None:
        """No operation."""


BUY: Operation = catalogue(Shop)["buy"]


class OperationTests(SynchronousTestCase):
    def test_described(self) -> None:
        """Name, words, arguments and errors are those of the function."""
        self.assertEqual(list(catalogue(Shop)), ["buy"])
        self.assertEqual((BUY.name, BUY.summary, BUY.changes), ("buy", "Buy something.", True))
        self.assertEqual(BUY.raises, (errors.NotRunning,))
        self.assertEqual(
            [(each.name, each.required) for each in BUY.parameters],
            [("what", True), ("how_many", False), ("gift", False)],
        )

    def test_arguments(self) -> None:
        """What a client has sent, be it values or words, is what the function is called with."""
        for sent, text, taken in (
            ({"what": "tea"}, False, {"what": "tea"}),
            ({"what": "tea", "how_many": 3, "gift": True}, False, None),
            (
                {"what": "1", "how_many": "3", "gift": "true"},
                True,
                {"what": "1", "how_many": 3, "gift": True},
            ),
        ):
            self.assertEqual(
                arguments(BUY.parameters, sent, text=text, where="form"), taken or sent
            )
        self.assertEqual(BUY.function(Shop(), WHO, what="tea"), (WHO, "tea", 1, False))

    def test_invalid(self) -> None:
        """What is wrong is refused, with the name of what is wrong."""
        sent: dict[str, Any]
        for sent, text in (
            ({}, "what: is missing in the body"),
            ({"what": ""}, "what: text is expected, and this is empty"),
            ({"what": 1}, "what: text is expected"),
            ({"what": "x", "how_many": 10}, "how_many: a whole number from 1 to 9 is expected"),
            ({"what": "x", "how_many": "2"}, "how_many: a whole number is expected"),
            ({"what": "x", "gift": 1}, "gift: true or false is expected"),
            ({"why": 1}, "why: is not known in the body; there are: what, how_many, gift"),
        ):
            error = self.assertRaises(
                InvalidArgument, arguments, BUY.parameters, sent, where="body"
            )
            self.assertEqual(str(error), text)
            self.assertEqual(error.member, text.partition(":")[0])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    max_leaves=5,
)

KINDS: tuple[Kind, ...] = (
    Text("x"),
    Text("x", 1, 3),
    Whole("x"),
    Whole("x", 0, 5),
    Flag("x"),
    OneOf("x", {"one": 1, "two": 2}),
    SignalName("x"),
    Many("x", Text("x", 1), 1, 3),
)


class KindTests(SynchronousTestCase):
    @given(JSON)
    def test_anything(self, value: object) -> None:
        """Whatever is sent is either taken or refused as it should be."""
        for kind in KINDS:
            with contextlib.suppress(ValueError, OverflowError):
                kind.take(value)

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """So is any text."""
        for kind in KINDS:
            with contextlib.suppress(ValueError):
                kind.read(text)

    def test_taken(self) -> None:
        """Values of JSON become what they stand for."""
        for kind, value, taken in (
            (Text("x"), "a", "a"),
            (Whole("x"), 5, 5),
            (Whole("x"), 5.0, 5),
            (Flag("x"), True, True),
            (OneOf("x", {"one": 1}), "one", 1),
            (SignalName("x"), "HUP", "HUP"),
            (SignalName("x"), 9, 9),
            (Many("x", Text("")), ["a", "b"], ["a", "b"]),
        ):
            self.assertEqual(kind.take(value), taken)

    def test_refused(self) -> None:
        """What is nearly right is not."""
        for kind, value in (
            (Text("x"), "\ud800"),
            (Text("x", most=2), "abc"),
            (Whole("x"), True),
            (Whole("x"), 1.5),
            (Whole("x"), MOST + 1),
            (Whole("x"), float("nan")),
            (Whole("x"), float("inf")),
            (Flag("x"), 0),
            (OneOf("x", {"one": 1}), []),
            (SignalName("x"), ""),
            (SignalName("x"), True),
            (Many("x", Text("", least=1)), [""]),
            (Many("x", Text(""), 1), []),
            (Many("x", Text("")), "a"),
        ):
            self.assertRaises((ValueError, OverflowError), kind.take, value)

    def test_words(self) -> None:
        """Words of a form become what they stand for."""
        for kind, text, read in (
            (Text("x"), "a,b", "a,b"),
            (Whole("x"), "-5", -5),
            (Flag("x"), "false", False),
            (Flag("x"), "1", True),
            (Flag("x"), "0", False),
            (Many("x", Text("")), "a,b", ["a", "b"]),
            (Many("x", Text("")), "", [""]),
            (SignalName("x"), "9", "9"),
        ):
            self.assertEqual(kind.read(text), read)
        for kind, text in (
            (Whole("x"), "--5"),
            (Whole("x"), "1_000"),
            (Whole("x"), "٣"),
            (Whole("x"), "9" * 5000),
            (Flag("x"), "yes"),
        ):
            self.assertRaises(ValueError, kind.read, text)


class CatalogueTests(SynchronousTestCase):
    def test_complete(self) -> None:
        """All that can be asked is described, but for what only helps the faces."""
        public = {
            name
            for name, function in vars(Operations).items()
            if inspect.isfunction(function) and not name.startswith("_")
        }
        self.assertEqual(
            public - set(OPERATIONS),
            {"check_running", "compare", "process", "log_path", "main_log_path"},
        )

    def test_words(self) -> None:
        """Each operation is told in a sentence of its own, and each argument is explained."""
        summaries = [each.summary for each in OPERATIONS.values()]
        self.assertEqual(len(set(summaries)), len(summaries))
        for each in OPERATIONS.values():
            self.assertRegex(each.summary, r"^[A-Z].*\.$")
            self.assertNotIn("aise", each.summary, "that is told by what it raises")
            for parameter in each.parameters:
                self.assertTrue(parameter.kind.meaning, (each.name, parameter.name))

    def test_refusals(self) -> None:
        """Whatever may be refused is told in its own words, of a status that fits."""
        for operation in OPERATIONS.values():
            for kind in operation.raises:
                self.assertIsNot(refusal(kind), REFUSALS[SupervisorError], kind)
        slugs = [each.slug for each in REFUSALS.values()]
        self.assertEqual(len(set(slugs)), len(slugs))
        for each in REFUSALS.values():
            self.assertIn(each.status, (404, 409, 422, 503))
            self.assertRegex(each.mend, r"\.$")
