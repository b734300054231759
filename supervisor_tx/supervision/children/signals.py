"""Signals by name, the way Twisted's process transports take them."""

from __future__ import annotations

from signal import Signals


def signal_number(which: int | str) -> int:
    """Return the number for 15, ``"TERM"`` or ``"SIGTERM"``; ValueError for an unknown name."""
    if isinstance(which, int):
        return int(which)
    name = which if which.startswith("SIG") else f"SIG{which}"
    try:
        return Signals[name].value
    except KeyError:
        raise ValueError(f"there is no signal {which!r}") from None


def short_name(number: int) -> str:
    """Return ``TERM`` for 15, and the number as text where there is no name."""
    try:
        return Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)
