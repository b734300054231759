"""
Expressions in values: ``%(here)s``, ``%(ENV_HOME)s``, ``%(process_num)02d``, ``%%``.

They are Python's ``%`` formatting with a mapping (Supervisor docs, "Configuration File").
"""

from __future__ import annotations

TYPE_CHECKING = False  # the client expands too, and waits for every import
if TYPE_CHECKING:
    from collections.abc import Mapping


class Names(dict[str, str | int]):
    """
    What can be expanded.

    A percent sign before ``s``, ``r`` or ``a`` is a format for the mapping as a whole, so ``50%a``
    inserts all of it, where two percent signs were meant. ``inserted`` tells that it happened.
    """

    inserted: bool = False

    def __repr__(self) -> str:
        self.inserted = True
        return super().__repr__()

    def environment(self, variables: Mapping[str, str]) -> Names:
        """Return these names and, before them, ``ENV_X`` for each of the variables."""
        more = Names(self)
        for variable, value in variables.items():
            more[f"ENV_{variable}"] = value
        return more


def expand(text: str, names: Names, place: str) -> str:
    """
    Put in the names.

    Place is the option as ``section.option``, for the message of the ValueError that is raised
    where a name is unknown or the text is no format.
    """
    if "%" not in text:
        return text
    try:
        return text % names
    except KeyError as error:
        raise ValueError(
            f"Format string {text!r} for {place!r} contains names ({error}) which cannot be "
            f"expanded. Available names: {_available(str(error.args[0]), names)}"
        ) from None
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise ValueError(
            f"Format string {text!r} for {place!r} is badly formatted: {error}"
        ) from None


def _available(wanted: str, names: Names) -> str:
    """Say what could have been meant; of the variables, which are many, only what comes close."""
    from difflib import get_close_matches

    ours = sorted(name for name in names if not name.startswith("ENV_"))
    close = get_close_matches(wanted, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{', '.join(ours)}, and ENV_X for each environment variable X{hint}"
