"""
What an operation is called, takes, gives and refuses: told once, for all faces.

An operation is a method of :class:`.operations.Operations`. Its signature says which arguments it
takes and what is assumed where one is left out; an annotation ``Annotated[str, Text("...")]`` says
what is meant by one and which values there may be. The first paragraph of its documentation says
what it does. The rest is said by :func:`described`. From this come the check of what a client
sends, the schemas of JSON, the lists in the documentation and the help of XML-RPC.

A value comes in one of two forms: as a value of JSON (:meth:`Kind.take`), or as the text of a query
or a form (:meth:`Kind.read`). Both raise ValueError with what would have been right.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, Protocol, TypeVar, get_type_hints

from supervisor_tx.errors import InvalidArgument, SupervisorError
from supervisor_tx.values import field, frozen

F = TypeVar("F", bound=Callable[..., Any])

Schema = dict[str, Any]

#: The largest whole number that every reader of JSON takes for what it is.
MOST: Final = (1 << 53) - 1


class Missing(Enum):
    """In place of a default: there is none."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


class Kind(Protocol):
    """Which values an argument may have."""

    @property
    def meaning(self) -> str:
        """What is meant by it."""

    @property
    def type(self) -> str:
        """What XML-RPC calls its type."""

    def schema(self) -> Schema:
        """Return the JSON Schema of the values."""

    def take(self, value: Any) -> Any:
        """Return what a value of JSON stands for; raise ValueError."""

    def read(self, text: str) -> Any:
        """Return what a text stands for; raise ValueError."""


@frozen
class Text:
    """Text, of so many characters."""

    meaning: str
    least: int = 0
    most: int | None = None
    #: for the documentation
    example: str | None = None
    type: str = "string"

    def schema(self) -> Schema:
        """Return the JSON Schema of the values."""
        made: Schema = {"type": "string"}
        if self.least:
            made["minLength"] = self.least
        if self.most is not None:
            made["maxLength"] = self.most
        if self.example is not None:
            made["examples"] = [self.example]
        return made

    def take(self, value: Any) -> str:
        """Return the text; raise ValueError."""
        if not isinstance(value, str):
            raise ValueError("text is expected")
        try:
            value.encode()
        except UnicodeEncodeError:  # JSON can write halves of characters
            raise ValueError("text is expected, and this has halves of characters") from None
        if len(value) < self.least:
            raise ValueError("text is expected, and this is empty")
        if self.most is not None and len(value) > self.most:
            raise ValueError(f"at most {self.most} characters are expected")
        return value

    read = take


@frozen
class Whole:
    """A whole number."""

    meaning: str
    least: int = -MOST
    most: int = MOST
    type: str = "int"

    def schema(self) -> Schema:
        """Return the JSON Schema of the values."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def take(self, value: Any) -> int:
        """Return the number; raise ValueError."""
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            raise ValueError("a whole number is expected")
        if not self.least <= value <= self.most:
            raise ValueError(f"a whole number from {self.least} to {self.most} is expected")
        return int(value)

    def read(self, text: str) -> int:
        """Return the number that the text is; raise ValueError."""
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
            raise ValueError("a whole number is expected")
        return self.take(int(text))


@frozen
class Flag:
    """Yes or no."""

    meaning: str
    type: str = "boolean"

    def schema(self) -> Schema:
        """Return the JSON Schema of the values."""
        return {"type": "boolean"}

    def take(self, value: Any) -> bool:
        """Return it; raise ValueError."""
        if not isinstance(value, bool):
            raise ValueError("true or false is expected")
        return value

    def read(self, text: str) -> bool:
        """Return it; raise ValueError. In a query 1 and 0 are as good."""
        if text not in ("true", "false", "1", "0"):
            raise ValueError("true or false is expected")
        return text in ("true", "1")


@frozen
class OneOf:
    """One of a few words, each of which stands for a value."""

    meaning: str
    words: Mapping[str, Any]
    type: str = "string"

    def schema(self) -> Schema:
        """Return the JSON Schema of the values."""
        return {"type": "string", "enum": list(self.words)}

    def take(self, value: Any) -> Any:
        """Return what the word stands for; raise ValueError."""
        if not isinstance(value, str) or value not in self.words:
            raise ValueError(f"one of {', '.join(self.words)} is expected")
        return self.words[value]

    read = take


@frozen
class SignalName:
    """The name or the number of a signal."""

    meaning: str
    type: str = "string"

    def schema(self) -> Schema:
        """Return the JSON Schema of the values."""
        names = [each.name for each in signal.Signals]
        return {
            "anyOf": [
                {"enum": [*(name.removeprefix("SIG") for name in names), *names]},
                {"enum": sorted(int(each) for each in signal.Signals)},
            ]
        }

    def take(self, value: Any) -> str | int:
        """Return it, whether there is such a signal or not; raise ValueError."""
        if isinstance(value, str) and value:
            return value
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            raise ValueError("the name or the number of a signal is expected")
        return int(value)

    def read(self, text: str) -> str | int:
        """Return it, whether there is such a signal or not; raise ValueError."""
        return self.take(text)


@frozen
class Many:
    """A list; as text, its members with commas between them."""

    meaning: str
    of: Text | OneOf
    least: int = 0
    most: int = 10000
    type: str = "array"

    def schema(self) -> Schema:
        """Return the JSON Schema of the values."""
        return {
            "type": "array",
            "items": self.of.schema(),
            "minItems": self.least,
            "maxItems": self.most,
        }

    def take(self, value: Any) -> list[Any]:
        """Return what its members stand for; raise ValueError."""
        if not isinstance(value, list):
            raise ValueError("a list is expected")
        if not self.least <= len(value) <= self.most:
            raise ValueError(f"a list of {self.least} to {self.most} is expected")
        return [self.of.take(each) for each in value]

    def read(self, text: str) -> list[Any]:
        """Return what its members stand for; raise ValueError."""
        return self.take(text.split(","))


@frozen
class Parameter:
    """One argument of an operation."""

    name: str
    kind: Kind
    #: MISSING: it has to be given
    default: Any = MISSING

    @property
    def required(self) -> bool:
        """Whether it has to be given."""
        return self.default is MISSING


@frozen
class Operation:
    """One thing that can be asked of the daemon."""

    #: that of the method
    name: str
    #: a sentence
    summary: str
    parameters: tuple[Parameter, ...]
    #: what it may refuse with, as far as that is foreseen
    raises: tuple[type[SupervisorError], ...]
    #: whether anything is another than before, for whoever looks
    changes: bool
    function: Callable[..., Any] = field(repr=False)


def arguments(
    parameters: Iterable[Parameter], given: Mapping[str, Any], *, text: bool = False, where: str
) -> dict[str, Any]:
    """
    Return what is given for some of the parameters of an operation, as the function wants it.

    ``given`` are values of JSON, or with ``text`` the words of a query or a form, by name;
    ``where`` says in which part of the request they are. What may be left out, and is, is not in
    the result. Raises InvalidArgument for the first that is not known, not right, or missing.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in known:
            expected = f"; there are: {', '.join(known)}" if known else ""
            raise InvalidArgument(name, f"is not known in the {where}{expected}")
    found: dict[str, Any] = {}
    for name, parameter in known.items():
        if name in given:
            try:
                read = parameter.kind.read if text else parameter.kind.take
                found[name] = read(given[name])
            except (ValueError, OverflowError) as error:
                raise InvalidArgument(name, str(error)) from None
        elif parameter.required:
            raise InvalidArgument(name, f"is missing in the {where}")
    return found


def described(*raises: type[SupervisorError], changes: bool = False) -> Callable[[F], F]:
    """Say of a method that it is an operation, and what it may refuse with."""

    def mark(function: F) -> F:
        function.__operation__ = raises, changes  # type: ignore[attr-defined]
        return function

    return mark


def catalogue(kind: type) -> dict[str, Operation]:
    """Return the operations that are methods of a class, by name."""
    return {
        name: _operation(name, function)
        for name, function in vars(kind).items()
        if hasattr(function, "__operation__")
    }


def _operation(name: str, function: Callable[..., Any]) -> Operation:
    # Without inspect.signature and, but for what has no name, get_type_hints: 2 ms of each start.
    raises, changes = function.__operation__  # type: ignore[attr-defined]
    code = function.__code__
    names = code.co_varnames[2 : code.co_argcount]
    given = function.__defaults__ or ()
    defaults = (*[MISSING] * (len(names) - len(given)), *given)
    return Operation(
        name=name,
        summary=" ".join((function.__doc__ or "").split("\n\n")[0].split()),
        parameters=tuple(
            Parameter(name, _kind(function, name), default)
            for name, default in zip(names, defaults, strict=True)
        ),
        raises=raises,
        changes=changes,
        function=function,
    )


def _kind(function: Callable[..., Any], parameter: str) -> Kind:
    annotation = function.__globals__.get(function.__annotations__[parameter])  # mostly a name
    if annotation is None:
        annotation = get_type_hints(function, include_extras=True)[parameter]
    metadata: Sequence[Any] = annotation.__metadata__
    kind: Kind = metadata[0]
    return kind
