"""
Methods that can be called, as a table.

A namespace is a class; each public function in it is a method, whose first argument is who asks.
One that asks for an operation (:func:`asks`) has its words, its arguments and their defaults from
the description of that. Of any other its documentation is what ``system.methodHelp`` answers, and
its annotations say what the arguments have to be. In the help the ``@param`` and ``@return`` lines
are the signature. What a client sends is checked before the function sees it. Nothing but this
table is ever looked at to find a method.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from supervisor_tx.rpc.faults import incorrect_parameters
from supervisor_tx.supervision.description import (
    Flag,
    Many,
    OneOf,
    Parameter,
    SignalName,
    Text,
    Whole,
)
from supervisor_tx.supervision.operations import OPERATIONS
from supervisor_tx.supervision.principal import Principal
from supervisor_tx.values import frozen

F = TypeVar("F", bound=Callable[..., Any])

_TYPE = re.compile(r"^\s*@(param|return)\s+(\S+)", re.MULTILINE)


@frozen
class Method:
    """One method: how to call it, and what is told of it."""

    #: of who asks, then the arguments
    function: Callable[..., Any]
    #: number of arguments
    least: int
    most: int
    #: for each argument, what makes it what the function wants, or raises a Fault
    converters: tuple[Callable[[Any], Any], ...]
    #: called before the arguments are looked at; raises what keeps the method from being called
    check: Callable[[], None]
    help: str
    #: what the function is given for arguments that may be left out, and are
    defaults: tuple[Any, ...] = ()

    def __call__(self, who: Principal, params: tuple[Any, ...]) -> Any:
        """Call it with what a client sent; the result may be a Deferred or a coroutine."""
        if not self.least <= len(params) <= self.most:
            raise incorrect_parameters()
        self.check()
        if not params:
            return self.function(who, *self.defaults)
        converters = self.converters
        given = [converters[i](each) for i, each in enumerate(params)]
        if self.defaults:
            given += self.defaults[len(params) - self.least :]
        return self.function(who, *given)

    @property
    def signature(self) -> list[str] | None:
        """The type of the result and those of the arguments; None: it is not known."""
        return signature(self.help)


def signature(help: str) -> list[str] | None:
    """Read a signature out of a documentation; None where it does not say what is returned."""
    found = _TYPE.findall(help)
    returned = [kind for what, kind in found if what == "return"]
    if not returned:
        return None
    return [returned[0], *(kind for what, kind in found if what == "param")]


def always(function: F) -> F:
    """Mark a method that can be called during a shutdown too."""
    function.always = True  # type: ignore[attr-defined]
    return function


@frozen
class _Asked:
    """Which operation a method asks for."""

    operation: str
    #: the line of the help that begins with ``@return``, without that
    returns: str
    #: arguments of the operation that the method does not have
    without: Collection[str]
    words: str
    more: str

    @property
    def parameters(self) -> list[Parameter]:
        known = OPERATIONS[self.operation].parameters
        return [each for each in known if each.name not in self.without]

    @property
    def help(self) -> str:
        said = [self.words or OPERATIONS[self.operation].summary, ""]
        if self.more:
            said += [self.more, ""]
        said += [
            f"@param {each.kind.type} {each.name}  {each.kind.meaning}" for each in self.parameters
        ]
        return "\n".join([*said, f"@return {self.returns}"])

    def method(self, function: Callable[..., Any], check: Callable[[], None]) -> Method:
        parameters = self.parameters
        required = [each for each in parameters if each.required]
        return Method(
            function=function,
            least=len(required),
            most=len(parameters),
            converters=tuple(_BY_KIND[type(each.kind)] for each in parameters),
            check=check,
            help=self.help,
            defaults=tuple(each.default for each in parameters[len(required) :]),
        )


def asks(
    operation: str,
    returns: str,
    *,
    without: Collection[str] = (),
    words: str = "",
    more: str = "",
) -> Callable[[F], F]:
    """
    Say of a method which operation it asks for, and what is told of its result.

    ``without`` are arguments of the operation that it does not have. ``words`` stand in place of
    what is told of the operation, where it asks for less, ``more`` is told as well.
    """

    def mark(function: F) -> F:
        asked = _Asked(operation, returns, without, words, more)
        function.asked = asked  # type: ignore[attr-defined]
        function.__doc__ = asked.help
        return function

    return mark


def methods(namespace: str, instance: object, check: Callable[[], None]) -> dict[str, Method]:
    """Return the methods of a namespace by their whole names; ``check`` comes before each call."""
    return {
        f"{namespace}.{name}": _method(getattr(instance, name), check)
        for name, function in vars(type(instance)).items()
        if inspect.isfunction(function) and not name.startswith("_")
    }


def _method(function: Callable[..., Any], check: Callable[[], None]) -> Method:
    asked: _Asked | None = getattr(function, "asked", None)
    if getattr(function, "always", False):
        check = _no_check
    if asked is not None:
        return asked.method(function, check)
    params = list(inspect.signature(function).parameters.values())[1:]
    return Method(
        function=function,
        least=sum(param.default is param.empty for param in params),
        most=len(params),
        converters=tuple(_CONVERTERS[param.annotation] for param in params),
        check=check,
        help=inspect.getdoc(function) or "",
    )


def _no_check() -> None:
    pass


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise incorrect_parameters()
    return value


def _number(value: Any) -> int:
    """Take what stands for a whole number: ``"5"`` too, as Supervisor does."""
    if isinstance(value, int | float | str):
        try:
            return int(value)
        except (ValueError, OverflowError):
            pass
    raise incorrect_parameters()


def _signal(value: Any) -> str | int:
    """Take what stands for a signal: its name, its number, or that as text."""
    return value if isinstance(value, str) else _number(value)


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise incorrect_parameters()
    return value


def _as_it_is(value: Any) -> Any:
    return value


#: By what the description of an operation says. Everything is true or not.
_BY_KIND: Mapping[type, Callable[[Any], Any]] = {
    Text: _text,
    Whole: _number,
    Flag: bool,
    OneOf: _text,
    SignalName: _signal,
    Many: _array,
}

#: By annotation.
_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "str": _text,
    "int": _number,
    "bool": bool,
    "list[Any]": _array,
    "Any": _as_it_is,
}
