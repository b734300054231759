"""
Classes that mostly hold values: what the standard library calls data classes.

They are declared in the same words, and type checkers know them as such; but to declare one costs a
twentieth. A data class has its methods written and compiled when it is declared, half a millisecond
of each start for each of more than a hundred classes, and most of them are not used by the time
that the daemon answers. Here a class shares its methods with all others, and only its ``__init__``
is compiled, when the first instance is made: after that, making one is as fast as with the
standard library, or faster.

There are two kinds. A :func:`frozen` is a value: nobody changes it, and it is equal to another of
its class with equal values. What is :func:`mutable` changes, and is equal to nothing but itself.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")


class Missing:
    """No default."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


class Field:
    """One value that the instances of a class hold."""

    __slots__ = ("default", "factory", "init", "kw_only", "name", "repr")

    def __init__(
        self,
        default: Any = MISSING,
        factory: Callable[[], Any] | None = None,
        *,
        init: bool = True,
        repr: bool = True,
        kw_only: bool = False,
    ) -> None:
        self.name = ""
        self.default = default
        #: makes the default, anew for each instance
        self.factory = factory
        #: whether ``__init__`` has a parameter for it
        self.init = init
        #: whether it is shown
        self.repr = repr
        self.kw_only = kw_only


@overload
def field(*, default: T, init: bool = ..., repr: bool = ..., kw_only: bool = ...) -> T: ...
@overload
def field(
    *, default_factory: Callable[[], T], init: bool = ..., repr: bool = ..., kw_only: bool = ...
) -> T: ...
@overload
def field(*, init: bool = ..., repr: bool = ..., kw_only: bool = ...) -> Any: ...
def field(
    *,
    default: Any = MISSING,
    default_factory: Callable[[], Any] | None = None,
    init: bool = True,
    repr: bool = True,
    kw_only: bool = False,
) -> Any:
    """Say more of a field than its type and its default."""
    return Field(default, default_factory, init=init, repr=repr, kw_only=kw_only)


@overload
def frozen(cls: type[T], /) -> type[T]: ...
@overload
def frozen(*, eq: bool = ..., kw_only: bool = ...) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field, Field))
def frozen(cls: type[T] | None = None, /, *, eq: bool = True, kw_only: bool = False) -> Any:
    """Make a class one of values that do not change; without ``eq``, equal to themselves only."""

    def decorate(cls: Any) -> Any:
        given = _collect(cls, kw_only)
        methods: dict[str, Any] = {
            "__setattr__": _refuse_to_set,
            "__delattr__": _refuse_to_delete,
            "__repr__": _repr,
        }
        if eq:
            methods |= {"__eq__": _eq, "__hash__": _hash}
        return _with_slots(cls, given, methods)

    return decorate if cls is None else decorate(cls)


@overload
def mutable(cls: type[T], /) -> type[T]: ...
@overload
def mutable(
    *, eq: bool = ..., slots: bool = ..., weakref_slot: bool = ...
) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(eq_default=False, field_specifiers=(field, Field))
def mutable(
    cls: type[T] | None = None,
    /,
    *,
    eq: bool = False,
    slots: bool = False,
    weakref_slot: bool = False,
) -> Any:
    """
    Make a class one of things that change.

    With ``eq`` they are equal where their values are, and have no hash. With ``slots`` they can
    hold nothing but their fields, and with ``weakref_slot`` be referred to weakly all the same.
    """

    def decorate(cls: Any) -> Any:
        given = _collect(cls, False)
        methods: dict[str, Any] = {"__eq__": _eq, "__hash__": None} if eq else {}
        if slots:
            return _with_slots(cls, given, methods, ("__weakref__",) if weakref_slot else ())
        for each in given:
            if each.default is not MISSING:
                setattr(cls, each.name, each.default)
            elif each.name in cls.__dict__:
                delattr(cls, each.name)
        for name, method in methods.items():
            if name not in cls.__dict__ or name == "__hash__":
                setattr(cls, name, method)
        cls.__init__ = _first_init(cls)
        return cls

    return decorate if cls is None else decorate(cls)


def fields(cls_or_instance: Any) -> tuple[Field, ...]:
    """Return the fields of a class, or of that of an instance, in order."""
    found: tuple[Field, ...] = cls_or_instance.__value_fields__
    return found


def replace(instance: T, **changes: Any) -> T:
    """Return one like it, with other values for some fields."""
    for each in fields(instance):
        if each.init and each.name not in changes:
            changes[each.name] = getattr(instance, each.name)
    return type(instance)(**changes)


def asdict(instance: object) -> dict[str, Any]:
    """Return the values by the names of their fields, those that are records in the same way."""
    return {each.name: _as_plain(getattr(instance, each.name)) for each in fields(instance)}


def _as_plain(value: Any) -> Any:
    if hasattr(value, "__value_fields__"):
        return asdict(value)
    if isinstance(value, list | tuple):
        return type(value)(map(_as_plain, value))
    if isinstance(value, dict):
        return {_as_plain(key): _as_plain(each) for key, each in value.items()}
    return value


# How a class is made


def _collect(cls: Any, kw_only: bool) -> list[Field]:
    """Return the fields that the body of a class declares, and note all that it has."""
    declared = cls.__dict__
    own: list[Field] = []
    for name, annotation in declared.get("__annotations__", {}).items():
        if annotation.startswith("ClassVar"):
            continue
        each = declared.get(name, MISSING)
        if not isinstance(each, Field):
            if each.__class__.__hash__ is None:
                raise TypeError(f"the default of {name} would be shared: use default_factory")
            each = Field(each)
        each.name = name
        each.kw_only |= kw_only
        own.append(each)
    every = {each.name: each for each in getattr(cls, "__value_fields__", ())}
    every |= {each.name: each for each in own}
    # Set on the class, as the class that slots make has it from there.
    cls.__value_fields__ = tuple(every.values())
    names = [each.name for each in every.values()]
    cls.__values_of__ = attrgetter(*names) if names else staticmethod(_no_values)
    given = tuple(each.name for each in every.values() if each.init and not each.kw_only)
    cls.__match_args__ = given  # type: ignore[misc]  # which means declarations
    return own


def _with_slots(
    cls: Any, own: list[Field], methods: dict[str, Any], more: tuple[str, ...] = ()
) -> Any:
    """Make a class of a class: slots have to be known when it is made."""
    names = [each.name for each in own]
    rest = {name: value for name, value in cls.__dict__.items() if name not in names}
    for name in ("__dict__", "__weakref__"):
        rest.pop(name, None)
    made = type(cls)(
        cls.__name__,
        cls.__bases__,
        # what the class says itself counts
        {**methods, **rest, "__slots__": (*names, *more), "__qualname__": cls.__qualname__},
    )
    made.__init__ = _first_init(made)
    return made


def _first_init(cls: Any) -> Callable[..., None]:
    def make(self: object, /, *args: Any, **kwargs: Any) -> None:
        init = _compiled_init(cls)
        cls.__init__ = init
        init(self, *args, **kwargs)

    return make


def _compiled_init(cls: Any) -> Callable[..., None]:
    """Write and compile what sets the fields."""
    known: dict[str, Any] = {"MISSING": MISSING}
    positional: list[str] = []
    by_name: list[str] = []
    lines: list[str] = []
    is_slotted = "__slots__" in cls.__dict__
    is_frozen = cls.__setattr__ is _refuse_to_set
    for each in fields(cls):
        name = each.name
        if each.init:
            parameter = name
            if each.factory is not None:
                parameter += "=MISSING"
            elif each.default is not MISSING:
                parameter += f"=default_{name}"
            (by_name if each.kw_only else positional).append(parameter)
        value = name if each.init else f"default_{name}"
        if each.factory is not None:
            known[f"make_{name}"] = each.factory
            value = f"make_{name}()"
            if each.init:
                value += f" if {name} is MISSING else {name}"
        elif each.default is not MISSING:
            known[f"default_{name}"] = each.default
            if not each.init and not is_slotted:
                continue  # the class has it
        elif not each.init:
            continue  # __post_init__ sets it
        if is_frozen:
            known[f"set_{name}"] = getattr(cls, name).__set__
            lines.append(f"set_{name}(self, {value})")
        else:
            lines.append(f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    parameters = ["self", *positional, *(["*", *by_name] if by_name else ())]
    body = "\n    ".join(lines or ["pass"])
    exec(f"def __init__({', '.join(parameters)}):\n    {body}", known)  # noqa: S102 (names of ours)
    init: Callable[..., None] = known["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


# What all classes share


def _no_values(_: object) -> tuple[()]:
    return ()


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self.__values_of__(self) == other.__values_of__(other)


def _hash(self: Any) -> int:
    return hash(self.__values_of__(self))


def _repr(self: object) -> str:
    shown = [f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr]
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse_to_set(self: object, name: str, value: object) -> None:
    raise AttributeError(f"{name!r} cannot be set")


def _refuse_to_delete(self: object, name: str) -> None:
    raise AttributeError(f"{name!r} cannot be deleted")
