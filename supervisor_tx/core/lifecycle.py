"""
One process's life: inputs in, effects out.

A process is in one of eight states. Something happens (an *input*: a request, the news that it was
spawned or has ended, a timer that ran out); the arc for that input in that state moves it on and
says what to do about it (the *effects*). :data:`ARCS` is the whole machine: a pair of state and
input that stands neither there nor in :data:`IGNORED` is refused and changes nothing.

Three ideas explain the arcs.

*One timer.* A process waits for one thing at a time: for ``startsecs`` while STARTING, for the
next attempt in BACKOFF, for ``stopwaitsecs`` while STOPPING, and for the end of the second that
separates two starts when it has EXITED. So there is one timer, :class:`Wait` replaces what it was
set to, and every change of state takes it back first.

*Spawning takes time.* STARTING begins with the request, but there is nothing to signal until
:class:`Spawned` says so. A stop that comes in between is remembered and carried out then.

*Too quick* is a matter of time, not of status: an exit earlier than ``startsecs`` is a failed start
whatever the exit code (Supervisor docs, "Subprocesses"). Failed starts are tried again after 1, 2,
3 ... seconds, ``startretries`` times, and then given up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

from supervisor_tx.core.states import ProcessState
from supervisor_tx.errors import UnexpectedInput
from supervisor_tx.values import field, frozen, mutable

S = ProcessState

SIGKILL = 9

#: Seconds from one start to the next automatic one, unless the process was up for that long.
START_SPACING = 1.0


class AutoRestart(Enum):
    """When a process that ended on its own is started again."""

    NEVER = "false"
    UNEXPECTED = "unexpected"
    ALWAYS = "true"


@frozen
class RestartPolicy:
    """The options of a program that shape its life; all times in seconds."""

    startsecs: int = 1
    startretries: int = 3
    autorestart: AutoRestart = AutoRestart.UNEXPECTED
    exitcodes: frozenset[int] = frozenset({0})
    stopsignal: int = 15
    stopwaitsecs: int = 10
    stopasgroup: bool = False
    killasgroup: bool = False


# Inputs: orders and news


@frozen
class Start:
    """Somebody, or autostart, wants it to run."""


@frozen
class Stop:
    """Somebody wants it down, and to stay down."""


@frozen
class Quiesce:
    """The daemon is going down: nothing starts by itself from now on."""


@frozen
class Abandon:
    """The daemon is going down and it is this group's turn: give up on a failed start."""


@frozen
class Spawned:
    """The program has been executed; there is a pid."""


@frozen
class SpawnRefused:
    """There is no process: the program could not be executed."""


@frozen
class Stayed:
    """It has been up for longer than ``startsecs``."""


@frozen
class Exited:
    """It ended: with ``code``, or by ``signal``, or nobody knows how (both None)."""

    code: int | None
    signal: int | None
    #: seconds from its start
    uptime: float


@frozen
class Waited:
    """The time until the next start is over."""


@frozen
class Overdue:
    """It has not ended within ``stopwaitsecs`` of the last signal."""


@frozen
class KillFailed:
    """The kernel refused to let us signal it."""


Input = (
    Start
    | Stop
    | Quiesce
    | Abandon
    | Spawned
    | SpawnRefused
    | Stayed
    | Exited
    | Waited
    | Overdue
    | KillFailed
)


# Effects, to be performed in order


class Milestone(Enum):
    """What the activity log has a line for."""

    SUCCESS = "success"
    EXITED = "exited"
    STOPPED = "stopped"
    GAVE_UP = "gave up"
    KILLING = "killing"


@frozen
class Announce:
    """The state has changed; subscribers see the new one."""

    was: ProcessState
    now: ProcessState
    #: failed starts so far
    tries: int
    #: of EXITED: whether the status is one of ``exitcodes``
    expected: bool = False


@frozen
class Log:
    """Write the line for a milestone."""

    what: Milestone
    #: of EXITED and STOPPED: whether the status is one of ``exitcodes``, and not too early
    expected: bool = False


@frozen
class Spawn:
    """Execute the program; answer with :class:`Spawned` or :class:`SpawnRefused`."""


@frozen
class Signal:
    """Send a signal, to the process or to its whole process group."""

    number: int
    to_group: bool


@frozen
class Wait:
    """Set the timer: feed ``then`` after ``seconds``, in place of whatever it was set to."""

    seconds: float
    then: Input


@frozen
class StopWaiting:
    """Take back the timer; there may be none."""


Effect = Announce | Log | Spawn | Signal | Wait | StopWaiting


@mutable(eq=True, slots=True)
class Lifecycle:
    """Where one process is in its life, and the retries it has spent getting there."""

    policy: RestartPolicy
    state: ProcessState = S.STOPPED
    #: failed starts since it last ran, exited or was given up
    retries: int = 0
    #: there is a process
    spawned: bool = False
    #: a stop was asked for while there was none yet
    stop_wanted: bool = False
    #: false once the daemon is going down
    may_restart: bool = True
    _effects: list[Effect] = field(default_factory=list, repr=False)

    def receive(self, what: Input) -> tuple[Effect, ...]:
        """
        Take one input; return the effects to perform, in order.

        Raises UnexpectedInput, and changes nothing, where no arc leads on.
        """
        key = (self.state, type(what))
        if key in IGNORED:
            return ()
        arc = ARCS.get(key)
        if arc is None:
            raise UnexpectedInput(self.state, what)
        arc(self, what)
        effects = tuple(self._effects)
        self._effects.clear()
        return effects

    def force(self, state: ProcessState, expected: bool) -> tuple[Effect, ...]:
        """
        Be in a state that needs no process; return the effects.

        For plugins, which may know better than we. Raises ValueError where there is a process, or
        would have to be one, or a timer.
        """
        if self.spawned or self.state in _WITH_PROCESS or state in _WITH_PROCESS | {S.BACKOFF}:
            raise ValueError(f"{self.state.name} cannot become {state.name} by mere words")
        self._enter(state, expected=expected)
        effects = tuple(self._effects)
        self._effects.clear()
        return effects

    def expects(self, code: int | None) -> bool:
        """Tell whether an exit with this status is one of ``exitcodes``; a signal never is."""
        return code in self.policy.exitcodes

    def _do(self, *effects: Effect) -> None:
        self._effects.extend(effects)

    def _enter(self, state: ProcessState, *, expected: bool = False) -> None:
        was, self.state = self.state, state
        if was in WAITING:
            self._do(StopWaiting())
        if state in SETTLED:
            self.retries = 0
        self._do(Announce(was, state, self.retries, expected))


#: States that say that there is a process, or will be at once.
_WITH_PROCESS = frozenset({S.STARTING, S.RUNNING, S.STOPPING})

#: States in which the timer may be set.
WAITING = frozenset({S.STARTING, S.BACKOFF, S.STOPPING, S.EXITED})

#: States that forget the failed starts. STOPPED does not: see Supervisor's "tries".
SETTLED = frozenset({S.RUNNING, S.EXITED, S.FATAL})


def _start(life: Lifecycle, _: Input) -> None:
    life.stop_wanted = False
    life.spawned = False
    life._enter(S.STARTING)
    life._do(Spawn())


def _spawned(life: Lifecycle, _: Input) -> None:
    life.spawned = True
    if life.stop_wanted:
        _stop_running(life, _)
    elif life.policy.startsecs > 0:
        life._do(Wait(life.policy.startsecs, then=Stayed()))
    else:
        _stayed(life, _)


def _stayed(life: Lifecycle, _: Input) -> None:
    life._enter(S.RUNNING)
    life._do(Log(Milestone.SUCCESS))


def _back_off(life: Lifecycle, _: Input) -> None:
    life.spawned = False
    life.retries += 1
    life._enter(S.BACKOFF)


def _try_again_or_give_up(life: Lifecycle, _: Input) -> None:
    if life.stop_wanted:
        life._enter(S.STOPPED)
    elif life.retries > life.policy.startretries:
        _give_up(life, _)
    elif life.may_restart:
        life._do(Wait(life.retries, then=Waited()))


def _refused(life: Lifecycle, _: Input) -> None:
    _back_off(life, _)
    _try_again_or_give_up(life, _)


def _give_up(life: Lifecycle, _: Input) -> None:
    life._enter(S.FATAL)
    life._do(Log(Milestone.GAVE_UP))


def _abandon(life: Lifecycle, _: Input) -> None:
    life._enter(S.FATAL)  # its tries are not spent: the line about that would alarm for nothing


def _ended_while_starting(life: Lifecycle, what: Exited) -> None:
    if what.uptime < life.policy.startsecs:
        _back_off(life, what)
        life._do(Log(Milestone.EXITED, expected=False))
        _try_again_or_give_up(life, what)
    else:  # both in one turn of the loop: it did stay
        life._enter(S.RUNNING)
        _ended(life, what)


def _ended(life: Lifecycle, what: Exited) -> None:
    life.spawned = False
    expected = life.expects(what.code)
    life._enter(S.EXITED, expected=expected)
    life._do(Log(Milestone.EXITED, expected))
    match life.policy.autorestart:
        case AutoRestart.NEVER:
            return
        case AutoRestart.UNEXPECTED if expected:
            return
    if not life.may_restart:
        return
    if what.uptime >= START_SPACING:
        _start(life, what)
    else:
        life._do(Wait(START_SPACING - what.uptime, then=Waited()))


def _stop_starting(life: Lifecycle, _: Input) -> None:
    if life.spawned:
        _stop_running(life, _)
    else:
        life.stop_wanted = True


def _stop_running(life: Lifecycle, _: Input) -> None:
    policy = life.policy
    life._enter(S.STOPPING)
    life._do(
        Signal(policy.stopsignal, to_group=policy.stopasgroup),
        Wait(policy.stopwaitsecs, then=Overdue()),
    )


def _stop_waiting(life: Lifecycle, _: Input) -> None:
    life._enter(S.STOPPED)


def _stay_down(life: Lifecycle, _: Input) -> None:
    life._do(StopWaiting())


def _kill(life: Lifecycle, _: Input) -> None:
    policy = life.policy
    life._do(
        Log(Milestone.KILLING),
        Signal(SIGKILL, to_group=policy.killasgroup),
        # a process in uninterruptible sleep outlives it: ask again, but not all the time
        Wait(max(1, policy.stopwaitsecs), then=Overdue()),
    )


def _stopped(life: Lifecycle, what: Exited) -> None:
    life.spawned = False
    life._enter(S.STOPPED)
    life._do(Log(Milestone.STOPPED, life.expects(what.code)))


def _lost(life: Lifecycle, _: Input) -> None:
    life._enter(S.UNKNOWN)


def _quiesce(life: Lifecycle, _: Input) -> None:
    life.may_restart = False
    if life.state in (S.BACKOFF, S.EXITED):
        life._do(StopWaiting())


Arc = Callable[[Lifecycle, Any], None]

ARCS: Mapping[tuple[ProcessState, type[Input]], Arc] = {
    (S.STOPPED, Start): _start,
    (S.EXITED, Start): _start,
    (S.FATAL, Start): _start,
    (S.STARTING, Spawned): _spawned,
    (S.STARTING, SpawnRefused): _refused,
    (S.STARTING, Stayed): _stayed,
    (S.STARTING, Exited): _ended_while_starting,
    (S.STARTING, Stop): _stop_starting,
    (S.STARTING, KillFailed): _lost,
    (S.BACKOFF, Waited): _start,
    (S.BACKOFF, Stop): _stop_waiting,
    (S.BACKOFF, Abandon): _abandon,
    (S.RUNNING, Exited): _ended,
    (S.RUNNING, Stop): _stop_running,
    (S.RUNNING, KillFailed): _lost,
    (S.STOPPING, Overdue): _kill,
    (S.STOPPING, Exited): _stopped,
    (S.STOPPING, KillFailed): _lost,
    (S.EXITED, Waited): _start,
    (S.EXITED, Stop): _stay_down,
    (S.UNKNOWN, Exited): _stopped,
    **{(state, Quiesce): _quiesce for state in S},
}

#: Asked of one for whom it means nothing, or asked twice: nothing more to do.
IGNORED = frozenset(
    {
        (S.STOPPED, Stop),
        (S.STOPPING, Stop),
        (S.FATAL, Stop),
        (S.UNKNOWN, Stop),
        (S.STARTING, Start),
        (S.RUNNING, Start),
        (S.BACKOFF, Start),
        (S.STOPPING, Start),
        *((state, Abandon) for state in S if state is not S.BACKOFF),
    }
)


def arcs() -> Iterator[tuple[ProcessState, type[Input], Arc]]:
    """Walk the machine, for the documentation and the tests."""
    for (state, what), arc in ARCS.items():
        yield state, what, arc
