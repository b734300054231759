"""How much the workloads do: in a full run, and in a quick one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """What is measured should not depend on it, but how much it can be trusted does."""

    #: where there are many
    programs: int
    #: where there are very many
    crowd: int
    #: bytes that one child writes
    flood: int
    #: lines that each of fifty children writes
    lines: int
    #: what one child makes, again and again
    events: int
    #: how often an event is waited for
    latencies: int
    #: lines that followers are told
    followed: int
    #: seconds that calls are counted
    calling: float
    #: seconds after which one call in hard times is given up
    patience: float
    #: seconds that are watched while nothing happens
    watching: float
    #: children that are killed one after the other, and seconds after which no other one is
    kills: int
    killing: float
    #: how often a command is run, or one thing is asked for
    repeats: int


FULL = Size(
    programs=1000,
    crowd=5000,
    flood=1 << 30,
    lines=100_000,
    events=10_000,
    latencies=20,
    followed=200,
    calling=2.0,
    patience=5.0,
    watching=10.0,
    kills=100,
    killing=12.0,
    repeats=7,
)

QUICK = Size(
    programs=100,
    crowd=300,
    flood=1 << 28,
    lines=20_000,
    events=2_000,
    latencies=2,
    followed=50,
    calling=0.3,
    patience=2.0,
    watching=2.0,
    kills=10,
    killing=4.0,
    repeats=3,
)
