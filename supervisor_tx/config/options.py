"""
Reading the options of a section, so that one wrong value does not hide the next.

A reader of sections asks :class:`Options` for one value after the other. A value that is wrong is
noted as a :class:`~supervisor_tx.errors.Problem`, and the default is answered in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from supervisor_tx.config import datatypes
from supervisor_tx.config.datatypes import Datatype
from supervisor_tx.config.expansion import Names, expand
from supervisor_tx.config.ini import Document, Origin, Section, Value
from supervisor_tx.config.model import Message
from supervisor_tx.core.levels import Level
from supervisor_tx.errors import Problem
from supervisor_tx.values import field, mutable

#: Options of which the value is not to be shown.
HIDDEN = frozenset({"password"})

T = TypeVar("T")
D = TypeVar("D")


@mutable(eq=True, slots=True)
class Context:
    """What all sections of one load share."""

    document: Document
    #: here, host_node_name and ENV_X
    names: Names
    #: uid of the daemon
    uid: int
    #: of [supervisord]
    environment: Mapping[str, str] = field(default_factory=dict)
    #: in the order found, each once
    problems: dict[Problem, None] = field(default_factory=dict)
    #: values that turned out to be wrong, so that they are not told again for the next reader
    wrong: set[tuple[str, Origin]] = field(default_factory=set)
    messages: list[Message] = field(default_factory=list)
    #: :data:`supervisor_tx.config.datatypes.user`, which asks the system once for each of them
    user: Datatype[int] = field(
        default_factory=lambda: Datatype(cache(datatypes.user.convert), datatypes.user.accepts)
    )

    def options(self, section: Section, names: Names | None = None) -> Options:
        """Return a reader for the section; names are the context's own unless given."""
        return Options(self, section, self.names if names is None else names)

    def starting_with(self, prefix: str) -> list[Section]:
        """Return the sections whose names begin with prefix, in the order of the file."""
        return [s for name, s in self.document.sections.items() if name.startswith(prefix)]

    def warn(self, text: str) -> None:
        """Have the text logged as a warning, each time."""
        self.messages.append(Message(Level.WARN, text))


class Options:
    """The options of one section, under the names that can be expanded there."""

    def __init__(self, context: Context, section: Section, names: Names) -> None:
        self.section = section
        self.names = names
        self._context = context
        #: converted values of options that are the same under any names
        self._constants: dict[tuple[str, Datatype[Any]], Any] = {}

    def with_names(self, names: Names) -> Options:
        """Return the same options under other names."""
        other = Options(self._context, self.section, names)
        other._constants = self._constants
        return other

    def find(self, option: str) -> Value | None:
        """Return the option as written; None: it is not there."""
        return self._context.document.find(self.section, option)

    def get(
        self,
        option: str,
        kind: Datatype[T],
        default: D,
        *,
        twice: bool = False,
        complaint: str | None = None,
    ) -> T | D:
        """
        Return the value of an option, expanded and converted; default if it is absent or wrong.

        With twice it is expanded once more, as Supervisor does with names of log files. A complaint
        ("Invalid chmod value") goes before the value and the reason where it is wrong.
        """
        key = (option, kind)
        if key in self._constants:
            return self._constants[key]  # type: ignore[no-any-return]
        value = self.find(option)
        if value is None:
            return default
        text = value.text
        try:
            text = self._expanded(option, value, twice=twice)
            converted = kind(text)
        except ValueError as error:
            reason = str(error)
            if option in HIDDEN:
                reason = reason.replace(repr(value.text), "'***'")
            if complaint is not None:
                reason = f"{complaint} {text}: {reason}"
            if (option, value.origin) not in self._context.wrong:
                self._context.wrong.add((option, value.origin))
                self.refuse(reason, option, accepts=kind.accepts)
            return default
        if "%" not in value.text:
            self._constants[key] = converted
        return converted

    def _expanded(self, option: str, value: Value, *, twice: bool) -> str:
        if "%" not in value.text:
            return value.text
        names = self.names
        if value.here != names["here"]:
            names = Names(names, here=value.here)
        text = expand(value.text, names, f"{self.section.name}.{option}")
        if twice:
            text = expand(text, names, option)
        if names.inserted:
            names.inserted = False
            self._context.warn(
                f"{value.origin.file}:{value.origin.line}: [{self.section.name}] {option}: "
                "a single % stands for all that can be expanded here; for a percent sign write %%"
            )
        return text

    def refuse(self, text: str, option: str | None = None, accepts: str | None = None) -> None:
        """Note that an option, or the section as a whole, cannot be used."""
        value = None if option is None else self.find(option)
        origin = self.section.origin if value is None else value.origin
        problem = Problem(
            text,
            origin.file,
            origin.line,
            self.section.name,
            option,
            None if value is None else "***" if option in HIDDEN else value.text,
            accepts,
        )
        self._context.problems[problem] = None
