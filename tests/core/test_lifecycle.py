"""The life of a process, from inputs to effects."""

from __future__ import annotations

from typing import Any, get_args
from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from supervisor_tx.core.lifecycle import (
    ARCS,
    IGNORED,
    Abandon,
    Announce,
    AutoRestart,
    Effect,
    Exited,
    Input,
    KillFailed,
    Lifecycle,
    Log,
    Milestone,
    Overdue,
    Quiesce,
    RestartPolicy,
    Signal,
    Spawn,
    Spawned,
    SpawnRefused,
    Start,
    Stayed,
    Stop,
    StopWaiting,
    Wait,
    Waited,
)
from supervisor_tx.core.states import STOPPED_STATES
from supervisor_tx.core.states import ProcessState as S
from supervisor_tx.errors import UnexpectedInput

TERM, KILL = 15, 9


def life(*inputs: Input, **policy: Any) -> Lifecycle:
    """A life that has taken these inputs already."""
    made = Lifecycle(RestartPolicy(**policy))
    for each in inputs:
        made.receive(each)
    return made


def code(number: int, uptime: float = 60.0) -> Exited:
    """An exit with a code."""
    return Exited(number, None, uptime)


def death(signal: int, uptime: float = 60.0) -> Exited:
    """A death by a signal."""
    return Exited(None, signal, uptime)


def states(effects: tuple[Effect, ...]) -> list[S]:
    """The states entered, in order."""
    return [each.now for each in effects if isinstance(each, Announce)]


RUNNING = (Start(), Spawned(), Stayed())


class StartTests(TestCase):
    """From the request until it counts as running."""

    def test_start(self) -> None:
        """A start is announced first and carried out then."""
        effects = life().receive(Start())
        self.assertEqual(effects, (Announce(S.STOPPED, S.STARTING, 0), Spawn()))

    def test_stays(self) -> None:
        """Once spawned it has to stay for startsecs."""
        one = life(Start(), startsecs=7)
        self.assertEqual(one.receive(Spawned()), (Wait(7, Stayed()),))
        self.assertEqual(
            one.receive(Stayed()),
            (
                StopWaiting(),
                Announce(S.STARTING, S.RUNNING, 0),
                Log(Milestone.SUCCESS),
            ),
        )

    def test_no_startsecs(self) -> None:
        """With startsecs=0 it is running as soon as it is spawned."""
        one = life(Start(), startsecs=0)
        self.assertEqual(states(one.receive(Spawned())), [S.RUNNING])

    def test_start_again(self) -> None:
        """A start is taken in every state in which nothing runs but UNKNOWN."""
        for state in (S.STOPPED, S.EXITED, S.FATAL):
            one = Lifecycle(RestartPolicy(), state=state)
            self.assertIn(Spawn(), one.receive(Start()), state)

    def test_start_of_a_started_one(self) -> None:
        """A start of one that counts as started, or is being stopped, does nothing."""
        for state in (S.STARTING, S.RUNNING, S.BACKOFF, S.STOPPING):
            one = Lifecycle(RestartPolicy(), state=state)
            self.assertEqual(one.receive(Start()), (), state)


class FailedStartTests(TestCase):
    """Starts that fail are tried again, later each time, and then given up."""

    def test_too_quick(self) -> None:
        """An end before startsecs is a failed start, an expected exit code too."""
        for end in (code(0, 0.9), code(1, 0.0), death(KILL, 0.5)):
            effects = life(Start(), Spawned()).receive(end)
            self.assertEqual(
                effects,
                (
                    StopWaiting(),
                    Announce(S.STARTING, S.BACKOFF, 1),
                    Log(Milestone.EXITED, expected=False),
                    Wait(1, Waited()),
                ),
            )

    def test_refused(self) -> None:
        """A program that cannot be executed is a failed start."""
        one = life(Start())
        self.assertEqual(
            one.receive(SpawnRefused()),
            (StopWaiting(), Announce(S.STARTING, S.BACKOFF, 1), Wait(1, Waited())),
        )

    def test_waits_grow(self) -> None:
        """startretries=3 means four starts, with 1, 2 and 3 seconds between them."""
        one, waits, starts = life(Start(), startretries=3), [], 1
        while True:
            effects = one.receive(SpawnRefused())
            if one.state is S.FATAL:
                break
            waits += [each.seconds for each in effects if isinstance(each, Wait)]
            self.assertEqual(states(one.receive(Waited())), [S.STARTING])
            starts += 1
        self.assertEqual((waits, starts), ([1, 2, 3], 4))

    def test_fatal(self) -> None:
        """FATAL is entered from BACKOFF, in the same breath, and forgets the retries."""
        one = life(Start(), Spawned(), startretries=0)
        effects = one.receive(code(0, 0.1))
        self.assertEqual(states(effects), [S.BACKOFF, S.FATAL])
        self.assertEqual(effects[-1], Log(Milestone.GAVE_UP))
        self.assertEqual(one.retries, 0)

    def test_success_forgets(self) -> None:
        """A start that succeeds forgets those that failed."""
        one = life(Start(), SpawnRefused(), Waited(), Spawned())
        self.assertEqual(one.retries, 1)
        one.receive(Stayed())
        self.assertEqual(one.retries, 0)

    def test_stop_does_not_forget(self) -> None:
        """Stopped in BACKOFF and started again it goes on counting, as Supervisor does."""
        one = life(Start(), SpawnRefused(), Stop())
        self.assertEqual(one.state, S.STOPPED)
        self.assertIn(Announce(S.STOPPED, S.STARTING, 1), one.receive(Start()))

    def test_late_end_while_starting(self) -> None:
        """An end after startsecs that overtakes the timer counts as a run."""
        effects = life(Start(), Spawned()).receive(code(0, 1.0))
        self.assertEqual(states(effects), [S.RUNNING, S.EXITED])
        self.assertNotIn(Log(Milestone.SUCCESS), effects)


class EndTests(TestCase):
    """A process that ran and ended on its own."""

    def test_expected(self) -> None:
        """By default an exit with 0 is expected and final."""
        self.assertEqual(
            life(*RUNNING).receive(code(0)),
            (Announce(S.RUNNING, S.EXITED, 0, expected=True), Log(Milestone.EXITED, True)),
        )

    def test_restart_policy(self) -> None:
        """autorestart and exitcodes decide together."""
        never, unexpected, always = AutoRestart.NEVER, AutoRestart.UNEXPECTED, AutoRestart.ALWAYS
        for autorestart, end, restarted in (
            (never, code(1), False),
            (never, death(KILL), False),
            (unexpected, code(0), False),
            (unexpected, code(2), False),
            (unexpected, code(1), True),
            (unexpected, death(KILL), True),
            (unexpected, Exited(None, None, 60), True),
            (always, code(0), True),
            (always, death(TERM), True),
        ):
            with self.subTest(autorestart=autorestart, end=end):
                one = life(*RUNNING, autorestart=autorestart, exitcodes=frozenset({0, 2}))
                self.assertEqual(Spawn() in one.receive(end), restarted)

    def test_restart_at_once(self) -> None:
        """One that was up for a second is replaced without any wait."""
        effects = life(*RUNNING).receive(code(1, 1.0))
        self.assertEqual(states(effects), [S.EXITED, S.STARTING])
        self.assertFalse([each for each in effects if isinstance(each, Wait)])

    def test_spacing(self) -> None:
        """Two automatic starts are a second apart, so that startsecs=0 is no fork storm."""
        one = life(Start(), Spawned(), startsecs=0, autorestart=AutoRestart.ALWAYS)
        self.assertIn(Wait(0.75, Waited()), one.receive(code(0, 0.25)))
        self.assertEqual(one.state, S.EXITED)
        self.assertEqual(states(one.receive(Waited())), [S.STARTING])

    def test_stop_between_starts(self) -> None:
        """A stop while it waits for its next start takes that start back."""
        one = life(Start(), Spawned(), code(1, 0.25), startsecs=0)
        self.assertEqual(one.receive(Stop()), (StopWaiting(),))
        self.assertEqual(one.state, S.EXITED)

    def test_start_between_starts(self) -> None:
        """A request does not wait for the second to be over."""
        one = life(Start(), Spawned(), code(1, 0.25), startsecs=0)
        effects = one.receive(Start())
        self.assertEqual((effects[0], effects[-1]), (StopWaiting(), Spawn()))


class StopTests(TestCase):
    """Stopping, and killing what does not stop."""

    def test_stop(self) -> None:
        """The stop signal goes out after the change of state, and a timer runs."""
        self.assertEqual(
            life(*RUNNING, stopsignal=2, stopwaitsecs=5).receive(Stop()),
            (
                Announce(S.RUNNING, S.STOPPING, 0),
                Signal(2, to_group=False),
                Wait(5, Overdue()),
            ),
        )

    def test_groups(self) -> None:
        """stopasgroup is for the stop signal, killasgroup for KILL."""
        one = life(*RUNNING, stopasgroup=True, killasgroup=False)
        self.assertIn(Signal(TERM, to_group=True), one.receive(Stop()))
        self.assertIn(Signal(KILL, to_group=False), one.receive(Overdue()))
        one = life(*RUNNING, stopasgroup=False, killasgroup=True)
        self.assertIn(Signal(TERM, to_group=False), one.receive(Stop()))
        self.assertIn(Signal(KILL, to_group=True), one.receive(Overdue()))

    def test_overdue(self) -> None:
        """KILL repeats every stopwaitsecs, and at most once a second, until it is gone."""
        for stopwaitsecs, then in ((5, 5), (0, 1)):
            one = life(*RUNNING, Stop(), stopwaitsecs=stopwaitsecs)
            for _ in range(3):
                self.assertEqual(
                    one.receive(Overdue()),
                    (
                        Log(Milestone.KILLING),
                        Signal(KILL, to_group=False),
                        Wait(then, Overdue()),
                    ),
                )

    def test_stopped(self) -> None:
        """However it ends while being stopped, it is STOPPED and stays so."""
        for end, expected in ((code(0), True), (code(1), False), (death(TERM), False)):
            one = life(*RUNNING, Stop(), autorestart=AutoRestart.ALWAYS)
            self.assertEqual(
                one.receive(end),
                (
                    StopWaiting(),
                    Announce(S.STOPPING, S.STOPPED, 0),
                    Log(Milestone.STOPPED, expected),
                ),
            )

    def test_stop_in_backoff(self) -> None:
        """There is nothing to signal in BACKOFF."""
        one = life(Start(), SpawnRefused())
        self.assertEqual(one.receive(Stop()), (StopWaiting(), Announce(S.BACKOFF, S.STOPPED, 1)))

    def test_stop_before_there_is_a_pid(self) -> None:
        """A stop that comes while the program is being executed is carried out after that."""
        one = life(Start())
        self.assertEqual(one.receive(Stop()), ())
        effects = one.receive(Spawned())
        self.assertEqual(states(effects), [S.STOPPING])
        self.assertIn(Signal(TERM, to_group=False), effects)

    def test_stop_before_the_spawn_fails(self) -> None:
        """A stop that comes before a spawn fails leaves it stopped."""
        one = life(Start(), Stop())
        effects = one.receive(SpawnRefused())
        self.assertEqual(states(effects), [S.BACKOFF, S.STOPPED])
        self.assertFalse([each for each in effects if isinstance(each, Wait)])

    def test_a_wish_does_not_outlive_its_run(self) -> None:
        """A stop that was remembered is forgotten at the next start."""
        one = life(Start(), Stop(), SpawnRefused(), Start())
        self.assertEqual(states(one.receive(Spawned())), [])

    def test_kill_failed(self) -> None:
        """One that cannot be signalled is in no state that we know, until it ends."""
        one = life(*RUNNING, Stop())
        self.assertEqual(
            one.receive(KillFailed()), (StopWaiting(), Announce(S.STOPPING, S.UNKNOWN, 0))
        )
        self.assertEqual(states(one.receive(code(0))), [S.STOPPED])

    def test_unknown_is_not_started(self) -> None:
        """A process that may still run is not started a second time."""
        one = life(*RUNNING, Stop(), KillFailed())
        with self.assertRaises(UnexpectedInput):
            one.receive(Start())


class ShutdownTests(TestCase):
    """The daemon goes down."""

    def test_nothing_starts_by_itself(self) -> None:
        """An end during a shutdown is final, whatever autorestart says."""
        one = life(*RUNNING, Quiesce(), autorestart=AutoRestart.ALWAYS)
        self.assertEqual(states(one.receive(code(1))), [S.EXITED])
        self.assertEqual(one.receive(Stop()), (StopWaiting(),))

    def test_waits_are_over(self) -> None:
        """Whoever waits for its next start waits no more."""
        backoff = life(Start(), SpawnRefused())
        exited = life(Start(), Spawned(), code(1, 0.5), startsecs=0)
        for one in (backoff, exited):
            self.assertEqual(one.receive(Quiesce()), (StopWaiting(),))

    def test_abandon(self) -> None:
        """A failed start becomes FATAL, not STOPPED, when it is its group's turn."""
        one = life(Start(), SpawnRefused(), Quiesce())
        effects = one.receive(Abandon())
        self.assertEqual(states(effects), [S.FATAL])
        self.assertNotIn(Log(Milestone.GAVE_UP), effects)  # nor does Supervisor say so

    def test_failure_during_shutdown(self) -> None:
        """A start that fails while the daemon goes down is not tried again."""
        one = life(Start(), Quiesce())
        self.assertEqual(
            one.receive(SpawnRefused()), (StopWaiting(), Announce(S.STARTING, S.BACKOFF, 1))
        )


class TableTests(TestCase):
    """The table as a whole."""

    def test_every_pair(self) -> None:
        """An input either has an arc, or is ignored, or is refused and changes nothing."""
        samples = {Exited: code(0)}
        for state in S:
            for kind in get_args(Input):
                what = samples.get(kind) or kind()
                one = Lifecycle(RestartPolicy(), state=state)
                key = (state, kind)
                with self.subTest(state=state.name, input=kind.__name__):
                    self.assertFalse(key in ARCS and key in IGNORED)
                    if key in ARCS:
                        one.receive(what)
                    elif key in IGNORED:
                        self.assertEqual(one.receive(what), ())
                        self.assertEqual(one.state, state)
                    else:
                        with self.assertRaises(UnexpectedInput):
                            one.receive(what)
                        self.assertEqual(one.state, state)


class World:
    """Plays the part of everything around one life, and checks that the effects make sense."""

    def __init__(self, policy: RestartPolicy) -> None:
        self.life = Lifecycle(policy)
        self.state = S.STOPPED
        self.timer: Wait | None = None
        self.spawning = self.alive = False
        self.starts = 0

    def feed(self, what: Input) -> None:
        for effect in self.life.receive(what):
            match effect:
                case Announce(was, now, tries):
                    assert was is self.state is not now, (was, self.state, now)
                    assert tries >= 0
                    self.state = now
                case Spawn():
                    assert not self.spawning, "asked twice for one start"
                    assert not self.alive, "started while it runs"
                    self.spawning = True
                    self.starts += 1
                case Wait():
                    assert effect.seconds >= 0
                    self.timer = effect
                case StopWaiting():
                    self.timer = None
                case Signal():
                    assert self.alive, "signalled nobody"
        assert self.state is self.life.state
        if self.state in STOPPED_STATES - {S.EXITED, S.UNKNOWN}:
            assert self.timer is None, "a stopped process waits for nothing"
        if self.state is S.RUNNING:
            assert self.alive and self.timer is None

    def act(self, choice: str, end: Exited) -> None:
        if choice == "timer":
            if self.timer is not None:
                then, self.timer = self.timer.then, None
                self.feed(then)
        elif choice == "world":
            if self.spawning:
                self.spawning, self.alive = False, True
                self.feed(Spawned())
            elif self.alive:
                self.alive = False
                self.feed(end)
        elif choice == "refuse":
            if self.spawning:
                self.spawning = False
                self.feed(SpawnRefused())
        elif choice == "start":
            if self.state is not S.UNKNOWN:
                self.feed(Start())
        elif choice == "stop":
            self.feed(Stop())
        elif choice == "quiesce":
            self.feed(Quiesce())
        elif choice == "abandon":
            self.feed(Abandon())


policies = st.builds(
    RestartPolicy,
    startsecs=st.integers(0, 3),
    startretries=st.integers(0, 3),
    autorestart=st.sampled_from(AutoRestart),
    stopwaitsecs=st.integers(0, 2),
)
ends = st.builds(
    Exited, st.one_of(st.none(), st.integers(0, 3)), st.none(), st.floats(0, 5, allow_nan=False)
)
choices = st.sampled_from(
    ["timer", "world", "world", "refuse", "start", "stop", "quiesce", "abandon"]
)


class RandomLifeTests(TestCase):
    """Whatever happens, in whatever order."""

    @given(policies, st.lists(st.tuples(choices, ends), max_size=60))
    def test_any_life(self, policy: RestartPolicy, happenings: list[tuple[str, Exited]]) -> None:
        """Nothing is started twice, nobody is signalled who is not there, no timer is left over."""
        world = World(policy)
        for choice, end in happenings:
            world.act(choice, end)

    @given(policies, st.lists(st.tuples(choices, ends), max_size=30))
    def test_it_can_always_be_stopped(
        self, policy: RestartPolicy, happenings: list[tuple[str, Exited]]
    ) -> None:
        """After a stop nothing starts by itself, and once the child ends it is down."""
        world = World(policy)
        for choice, end in happenings:
            world.act(choice, end)
        world.act("stop", code(0))
        starts = world.starts
        for _ in range(4):
            world.act("world", code(1, 0.0))
            world.act("timer", code(1, 0.0))
        self.assertIn(world.state, STOPPED_STATES)
        self.assertEqual(world.starts, starts)
        self.assertIsNone(world.timer)
