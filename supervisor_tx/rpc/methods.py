"""
Methods that can be called, as a table.

A namespace is a class; each public function in it is a method, whose first argument is who asks.
Its documentation is what ``system.methodHelp`` answers, and its ``@param`` and ``@return`` lines
are its signature. What a client sends is checked by the annotations, before the function sees it.
Nothing but this table is ever looked at to find a method.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from supervisor_tx.rpc.faults import incorrect_parameters
from supervisor_tx.supervision.principal import Principal

F = TypeVar("F", bound=Callable[..., Any])

_TYPE = re.compile(r"^\s*@(param|return)\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
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

    def __call__(self, who: Principal, params: tuple[Any, ...]) -> Any:
        """Call it with what a client sent; the result may be a Deferred or a coroutine."""
        if not self.least <= len(params) <= self.most:
            raise incorrect_parameters()
        self.check()
        if not params:
            return self.function(who)
        converters = self.converters
        return self.function(who, *[converters[i](each) for i, each in enumerate(params)])

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


def methods(namespace: str, instance: object, check: Callable[[], None]) -> dict[str, Method]:
    """Return the methods of a namespace by their whole names; ``check`` comes before each call."""
    return {
        f"{namespace}.{name}": _method(getattr(instance, name), check)
        for name, function in vars(type(instance)).items()
        if inspect.isfunction(function) and not name.startswith("_")
    }


def _method(function: Callable[..., Any], check: Callable[[], None]) -> Method:
    params = list(inspect.signature(function).parameters.values())[1:]
    return Method(
        function=function,
        least=sum(param.default is param.empty for param in params),
        most=len(params),
        converters=tuple(_CONVERTERS[param.annotation] for param in params),
        check=_no_check if getattr(function, "always", False) else check,
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


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise incorrect_parameters()
    return value


def _as_it_is(value: Any) -> Any:
    return value


#: By annotation. Everything is true or not.
_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "str": _text,
    "int": _number,
    "bool": bool,
    "list[Any]": _array,
    "Any": _as_it_is,
}
