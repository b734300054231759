"""
Orders to processes, waited for: start and stop of one, and of many at once.

Everything that may have to be waited for is a coroutine. It goes as far as it can at once, says so
(:attr:`Turn.late`) when from there on it depends on what becomes of the process, and ends when that
is known.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.internet.interfaces import IReactorTime

from supervisor_tx.activity import Logger
from supervisor_tx.core.lifecycle import Start
from supervisor_tx.core.states import RUNNING_STATES, STOPPED_STATES, ProcessState
from supervisor_tx.errors import (
    AlreadyStarted,
    EndedAbnormally,
    NotRunning,
    SignalRefused,
    StartFailed,
    StateUnknown,
    SupervisorError,
)
from supervisor_tx.supervision import ending
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.supervision.waiting import StopReports, when
from supervisor_tx.values import frozen, mutable

_log = Logger()

#: Seconds: what is settled within so many of each other counts as settled together. Processes that
#: obey the same signal end in any order, and people compare lists.
ROUND = 0.1

#: Processes of many to which something is done until others have their turn.
ORDERS_A_TURN = 25

STARTED = frozenset({ProcessState.STARTING, ProcessState.RUNNING})


@mutable
class Turn:
    """How far the order to one process has come."""

    #: it was not settled at once
    late: bool = False


@frozen
class Outcome:
    """What an order to one of many processes has come to."""

    process: SupervisedProcess
    #: None: it was carried out
    error: SupervisorError | None = None


async def start(process: SupervisedProcess, name: str, wait: bool, turn: Turn) -> None:
    """
    Start a process whose command was found usable; with wait, until it is RUNNING.

    Without wait it is over as soon as there is a process. ``name`` is what errors call it. Raises
    AlreadyStarted, StateUnknown, StartFailed, EndedAbnormally.
    """
    if process.state in RUNNING_STATES:
        raise AlreadyStarted(name)
    if process.state is ProcessState.UNKNOWN:
        raise StateUnknown(name)
    if process.state is ProcessState.STOPPING:
        _log.warn("process '{name}' already running", name=process.name)
        if not wait:
            return
        turn.late = True
        raise EndedAbnormally(name)
    process.feed(Start())
    # A program that cannot be executed is a child that has failed, to Supervisor; only what goes
    # wrong before that is known at once.
    turn.late = wait and process.spawning
    await when(process, lambda: not process.spawning)
    if _started(process, name):
        turn.late = False
    elif wait:
        turn.late = True
        await when(process, lambda: _started(process, name))


def _started(process: SupervisedProcess, name: str) -> bool:
    """Tell whether it runs; raise StartFailed or EndedAbnormally where it never will."""
    if process.spawning:  # again
        return False
    if process.spawnerr:
        raise StartFailed(name)
    if process.state not in STARTED:
        raise EndedAbnormally(name)
    return process.state is ProcessState.RUNNING


async def stop(
    process: SupervisedProcess, name: str, wait: bool, turn: Turn, by: str, reports: StopReports
) -> None:
    """
    Stop a process; with wait, until it is down.

    One that only waits for its next start does not run, but will not start any more either. Raises
    NotRunning, SignalRefused.
    """
    running = process.state in RUNNING_STATES
    process.stop(ending.STOPPED, by)
    if not running:
        raise NotRunning(name)
    if process.state is ProcessState.UNKNOWN:
        raise SignalRefused(name, process.kill_error)
    if not wait or process.is_stopped:
        return
    turn.late = True
    reports.begin(process)
    try:
        await when(process, lambda: process.state in STOPPED_STATES)
    finally:
        reports.end(process)


def each(
    processes: Sequence[SupervisedProcess],
    act: Callable[[SupervisedProcess, Turn], Awaitable[None]],
    clock: IReactorTime,
) -> Deferred[list[Outcome]]:
    """
    Do something to each of many processes, all at the same time; fire when all is settled.

    They are begun in the order given, so many in each turn of the loop. First come those that were
    settled at once, in the order given, then the others as they came, those that came together in
    the order given. What is no SupervisorError fails the whole, when all is settled.
    """
    if not processes:
        return succeed([])
    done: Deferred[list[Outcome]] = Deferred()
    at_once: dict[int, Outcome] = {}
    #: when it came, and the index
    later: list[tuple[float, int, Outcome]] = []
    broken: list[BaseException] = []

    async def one(index: int, process: SupervisedProcess) -> None:
        turn = Turn()
        outcome = Outcome(process)
        try:
            await act(process, turn)
        except SupervisorError as error:
            outcome = Outcome(process, error)
        except Exception as error:  # noqa: BLE001 - it is told when the others are through
            broken.append(error)
        if turn.late:
            later.append((clock.seconds(), index, outcome))
        else:
            at_once[index] = outcome
        if len(at_once) + len(later) == len(processes):
            if broken:
                done.errback(broken[0])
            else:
                done.callback([at_once[key] for key in sorted(at_once)] + _in_rounds(later))

    def begin(start: int) -> None:
        end = start + ORDERS_A_TURN
        for index, process in enumerate(processes[start:end], start):
            ensureDeferred(one(index, process))
        if end < len(processes):
            clock.callLater(0, begin, end)

    begin(0)
    return done


def _in_rounds(settled: list[tuple[float, int, Outcome]]) -> list[Outcome]:
    """Sort what came within one round by its index; the rounds stay in order."""
    begin = float("-inf")
    rounds: list[list[tuple[int, Outcome]]] = []
    for moment, index, outcome in settled:
        if moment > begin + ROUND:
            begin = moment
            rounds.append([])
        rounds[-1].append((index, outcome))
    return [outcome for each in rounds for _, outcome in sorted(each, key=lambda entry: entry[0])]
