"""
Faults: answers that say what went wrong.

The text of a fault is its name, and what it is about where there is something to add. Which error
becomes which fault stands in :mod:`supervisor_tx.supervision.refusals`.
"""

from __future__ import annotations

from supervisor_tx.errors import SupervisorError
from supervisor_tx.supervision.refusals import FaultCode, refusal

__all__ = ["Fault", "FaultCode", "fault", "fault_of", "incorrect_parameters"]


class Fault(Exception):
    """An answer that says what went wrong; ``text`` is all that the client reads."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = int(code)
        self.text = text


def fault(code: FaultCode, about: str | None = None) -> Fault:
    """Return a fault by its number, with what it is about: ``BAD_NAME: nope``."""
    return Fault(code, code.name if about is None else f"{code.name}: {about}")


def incorrect_parameters() -> Fault:
    """Return the fault for a wrong number of arguments, or a wrong type."""
    return fault(FaultCode.INCORRECT_PARAMETERS)


def fault_of(error: SupervisorError) -> Fault:
    """Return the fault that an error becomes."""
    found = refusal(error)
    return fault(found.fault, found.about(error))
