"""Who asks for something."""

from __future__ import annotations

from supervisor_tx.values import frozen


@frozen
class Principal:
    """Who asks: by which way, and as whom, as far as that is known."""

    #: signal, unix, inet or internal
    way: str
    user: str | None = None
    #: of the peer of a unix socket
    uid: int | None = None
    address: str | None = None

    def __str__(self) -> str:
        """``signal``, ``unix uid 1000``, ``alice at 10.0.0.1``."""
        name = self.user or self.way
        if self.address:
            return f"{name} at {self.address}"
        return name if self.uid is None else f"{name} uid {self.uid}"


#: The kernel does not tell who sent a signal.
BY_SIGNAL = Principal("signal")
