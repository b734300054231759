"""
Long answers that are ready, sent part by part as fast as the client takes them.

Put together and handed over at once, an answer of 64 MiB is copied five times, and nobody else is
answered for 120 ms. In parts it is copied once, 128 KiB in each turn of the loop; what was sent is
let go of.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer

from supervisor_tx.web.request import Request

#: Bytes to send in one turn of the loop, and up to one part more.
AT_ONCE = 128 * 1024


def respond(
    request: Request, code: int, content_type: bytes, parts: Sequence[bytes], clock: IReactorTime
) -> None:
    """Begin to send an answer; to a client that is gone, nothing."""
    size = sum(map(len, parts))
    if request.begin(code, size, b"Content-Type: " + content_type):
        _Sender(request, parts, clock).start()


@implementer(IPushProducer)
class _Sender:
    def __init__(self, request: Request, parts: Sequence[bytes], clock: IReactorTime) -> None:
        self._request = request
        self._parts = deque(parts)
        self._clock = clock
        self._is_paused = False
        self._next: IDelayedCall | None = None

    def start(self) -> None:
        """Begin to send."""
        self._request.notifyFinish().addBoth(lambda _: self.stopProducing())
        self._request.registerProducer(self, streaming=True)
        self._go_on()

    # IPushProducer

    def pauseProducing(self) -> None:
        """Send no more for now."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """Send on."""
        self._is_paused = False
        self._go_on()

    def stopProducing(self) -> None:
        """The client is gone, or has it all."""
        self._parts.clear()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _go_on(self) -> None:
        # Not here: this is in the middle of what the transport does, and others want a turn.
        if self._next is None and not self._is_paused:
            self._next = self._clock.callLater(0, self._send)

    def _send(self) -> None:
        self._next = None
        if self._is_paused:
            return
        some: list[bytes] = []
        size = 0
        while self._parts and size < AT_ONCE:
            some.append(self._parts.popleft())
            size += len(some[-1])
        self._request.send(b"".join(some))
        if self._parts:
            self._go_on()
        else:
            self._request.unregisterProducer()
            self._request.finish()
