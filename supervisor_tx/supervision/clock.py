"""The clock that all durations are counted by."""

from __future__ import annotations

import time
from typing import Any


def make_time_monotonic(reactor: Any) -> None:
    """
    Let the reactor count by the monotonic clock, so that a step of the wall clock moves no timer.

    To be done before the first timer is set: those that were would run out at odd times.
    """
    if reactor.seconds is not time.monotonic:
        assert not reactor.getDelayedCalls(), "timers were set by the wall clock"
        reactor.seconds = time.monotonic
