"""What result handlers of event listeners raise, and the one that is used by default."""

from __future__ import annotations


class RejectEvent(Exception):
    """The listener does not accept the event: it is offered again."""


def default_handler(event: object, response: bytes) -> None:
    """Accept what the listener calls OK; raise RejectEvent on anything else."""
    if response != b"OK":
        raise RejectEvent(response)
