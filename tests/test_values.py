"""The classes that hold values are what the standard library's data classes would be."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.values import asdict, field, fields, frozen, mutable, replace


@frozen
class Point:
    x: int
    y: int = 0
    #: not a field
    ORIGIN: ClassVar[str] = "0,0"
    secret: str = field(default="", repr=False)
    marks: list[str] = field(default_factory=list)

    @property
    def sum(self) -> int:
        return self.x + self.y


@frozen
class Named(Point):
    name: str = "it"


@frozen
class Nothing:
    pass


@frozen
class NoThing:
    pass


@frozen
class Single:
    of: object


@frozen(eq=False)
class Same:
    of: object


@frozen(kw_only=True)
class ByName:
    one: int
    two: int = 2


@mutable
class Counter:
    step: int
    count: int = field(default=0, init=False)
    seen: list[int] = field(default_factory=list, init=False)
    total: int = field(init=False)

    def __post_init__(self) -> None:
        self.total = self.step * 10


@mutable
class Named2(Counter):
    name: str = field(kw_only=True)


@mutable(slots=True, weakref_slot=True)
class Slotted:
    count: int = field(default=3, init=False)
    more: object = None


@mutable(eq=True, slots=True)
class Comparable:
    count: int = 0


class FrozenTests(SynchronousTestCase):
    def test_init(self) -> None:
        """It is made of its fields in order, by position or by name, or of their defaults."""
        point = Point(1, marks=["a"])
        self.assertEqual(
            (point.x, point.y, point.secret, point.marks, point.sum), (1, 0, "", ["a"], 1)
        )
        self.assertEqual(Named(1, 2, "s", [], "n").name, "n")

    def test_defaults_of_their_own(self) -> None:
        """What a factory makes is made anew for each."""
        self.assertIsNot(Point(1).marks, Point(1).marks)

    def test_wrong_arguments(self) -> None:
        """Too few, too many and unknown arguments are refused, for the first and for later ones."""
        make: Any = ByName
        for _ in range(2):
            for call in (
                make,
                lambda: make(1),
                lambda: make(one=1, three=3),
                lambda: make(one=1, two=2, self=3),
            ):
                self.assertRaises(TypeError, call)
            self.assertEqual(make(one=1).two, 2)

    def test_cannot_be_changed(self) -> None:
        """Nothing of it can be set or deleted, nor anything else be added."""
        point: Any = Point(1)
        for change in (
            lambda: setattr(point, "x", 2),
            lambda: setattr(point, "z", 2),
            lambda: delattr(point, "x"),
        ):
            self.assertRaises(AttributeError, change)
        self.assertFalse(hasattr(point, "__dict__"))

    def test_equal(self) -> None:
        """Those of one class with equal values are equal; those of another class never are."""
        self.assertEqual(Point(1, 2), Point(1, 2))
        self.assertNotEqual(Point(1, 2), Point(1, 3))
        self.assertNotEqual(Point(1), Named(1))
        self.assertNotEqual(Nothing(), NoThing())
        self.assertEqual(Nothing(), Nothing())
        self.assertNotEqual(Single((1,)), (1,))
        self.assertNotEqual(Same(1), Same(1))

    def test_hash(self) -> None:
        """Equal ones are one member of a set."""
        self.assertEqual(len({Single(1), Single(1), Single(2), Nothing(), Nothing()}), 3)
        self.assertEqual(len({Same(1), Same(1)}), 2)
        self.assertRaises(TypeError, hash, Single([]))

    def test_own_methods(self) -> None:
        """What the class defines itself is used."""

        @frozen
        class Loud:
            of: int

            def __repr__(self) -> str:
                return "loud"

            def __eq__(self, other: object) -> bool:
                return True

            def __hash__(self) -> int:
                return 4

        self.assertEqual(repr(Loud(1)), "loud")
        self.assertEqual(Loud(1), Loud(2))
        self.assertEqual(hash(Loud(1)), 4)

    def test_repr(self) -> None:
        """It is shown as what makes it, without what is not to be shown."""
        self.assertEqual(repr(Point(1, 2, "s")), "Point(x=1, y=2, marks=[])")

    def test_match(self) -> None:
        """Patterns take it apart by position."""
        match Point(4, 5):
            case Point(x, y):
                self.assertEqual((x, y), (4, 5))

    def test_shared_default(self) -> None:
        """A default that all instances would share, and can be changed, is refused."""
        declare: Callable[[type], Any] = frozen
        wrong = type("Wrong", (), {"__annotations__": {"of": "list"}, "of": []})
        self.assertRaises(TypeError, declare, wrong)


class MutableTests(SynchronousTestCase):
    def test_init(self) -> None:
        """What is no parameter has its default, or what is done at the end of making it."""
        counter = Counter(3)
        self.assertEqual((counter.step, counter.count, counter.seen, counter.total), (3, 0, [], 30))
        self.assertEqual(Named2(1, name="n").name, "n")
        self.assertRaises(TypeError, lambda: Named2(1))  # type: ignore[call-arg]
        self.assertEqual((Slotted().count, Slotted().more, Slotted(2).more), (3, None, 2))

    def test_changes(self) -> None:
        """It can be changed, and slots leave no room for anything else."""
        counter = Counter(3)
        counter.count += 1
        self.assertEqual((counter.count, Counter(3).count), (1, 0))
        slotted: Any = Slotted()
        slotted.count = 5
        self.assertRaises(AttributeError, setattr, slotted, "other", 1)

    def test_identity(self) -> None:
        """It is equal to itself alone, unless its values are to be compared."""
        self.assertNotEqual(Counter(1), Counter(1))
        self.assertEqual(len({Counter(1), Counter(1)}), 2)
        self.assertEqual(Comparable(1), Comparable(1))
        self.assertNotEqual(Comparable(1), Comparable(2))
        self.assertRaises(TypeError, hash, Comparable(1))

    def test_weak(self) -> None:
        """Where that is asked for it can be referred to weakly."""
        slotted = Slotted()
        self.assertIs(weakref.ref(slotted)(), slotted)
        self.assertRaises(TypeError, weakref.ref, Comparable())


class ToolTests(SynchronousTestCase):
    def test_fields(self) -> None:
        """A class and its instances tell their fields, those of their base first."""
        names = ["x", "y", "secret", "marks", "name"]
        self.assertEqual([each.name for each in fields(Named)], names)
        self.assertEqual([each.name for each in fields(Named(1))], names)

    def test_replace(self) -> None:
        """Another with other values is made; what is unknown is refused."""
        self.assertEqual(replace(Named(1, 2), y=3), Named(1, 3))
        self.assertRaises(TypeError, lambda: replace(Point(1), z=3))

    def test_asdict(self) -> None:
        """Values are given by name, in containers as well."""
        self.assertEqual(
            asdict(Single([Single(1), {"a": (Comparable(2),)}])),
            {"of": [{"of": 1}, {"a": ({"count": 2},)}]},
        )

    def test_like_the_standard_library(self) -> None:
        """A data class of the same fields does the same."""

        @dataclasses.dataclass(frozen=True, slots=True)
        class Theirs:
            a: int
            b: str = "b"
            c: tuple[int, ...] = dataclasses.field(default=(), repr=False)

        @frozen
        class Ours:
            a: int
            b: str = "b"
            c: tuple[int, ...] = field(default=(), repr=False)

        theirs, ours = Theirs(1, c=(2,)), Ours(1, c=(2,))
        self.assertEqual(repr(theirs).replace("Theirs", "Ours"), repr(ours))
        self.assertEqual(hash(theirs), hash(ours))
        self.assertEqual(dataclasses.asdict(theirs), asdict(ours))
        self.assertEqual(Theirs.__match_args__, Ours.__match_args__)
        slots = [vars(each)["__slots__"] for each in (Theirs, Ours)]
        self.assertEqual(slots[0], slots[1])
