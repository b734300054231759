"""Waiting for what becomes of a process."""

from __future__ import annotations

from supervisor_tx.core.lifecycle import Start
from supervisor_tx.core.states import ProcessState as S
from supervisor_tx.errors import NotRunning
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.supervision.waiting import when
from tests.rpc.stage import RpcTestCase, group


class WhenTests(RpcTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.run_groups(group("a"))
        self.a: SupervisedProcess = self.process("a")

    def test_now(self) -> None:
        """What holds already is not waited for."""
        self.successResultOf(when(self.a, lambda: True))
        self.assertEqual(self.a.watchers, [])

    def test_later(self) -> None:
        """It is looked at after each change, and no more once it holds."""
        looks: list[S] = []

        def ready() -> bool:
            looks.append(self.a.state)
            return self.a.state is S.RUNNING

        waiting = when(self.a, ready)
        self.a.feed(Start())
        self.turn()
        self.assertNoResult(waiting)
        self.clock.advance(1)
        self.successResultOf(waiting)
        self.child("a").exit(0)
        self.assertEqual(looks[0], S.STOPPED)
        self.assertEqual(looks[-1], S.RUNNING)

    def test_never(self) -> None:
        """What it finds wrong is what the waiting fails with."""

        def ready() -> bool:
            if self.a.state is S.STARTING:
                raise NotRunning("a")
            return False

        waiting = when(self.a, ready)
        self.a.feed(Start())
        self.failureResultOf(waiting, NotRunning)
        self.assertEqual(self.a.watchers, [])

    def test_one_brings_about_what_another_waits_for(self) -> None:
        """Who is called first may change the process again: nobody is called twice."""
        first = when(self.a, lambda: self.a.state is S.STARTING)
        first.addCallback(lambda _: self.a.stop())
        second = when(self.a, lambda: self.a.state is S.STARTING)
        self.a.feed(Start())
        self.successResultOf(first)
        self.successResultOf(second)
        self.assertEqual(self.a.watchers, [])

    def test_in_the_middle(self) -> None:
        """In the middle of a change nobody looks: there may be more to it."""
        states: list[S] = []

        def ready() -> bool:
            states.append(self.a.state)
            return True

        def subscriber(*_: object) -> None:
            if not states:
                self.assertNoResult(when(self.a, ready))
                self.a.stop()

        self.a.announce = subscriber
        self.a.feed(Start())
        self.assertEqual(states, [S.STARTING])
        self.assertTrue(self.a.life.stop_wanted)

    def test_one_who_fails(self) -> None:
        """A callback that fails hurts neither the process nor the others who wait."""
        bad = when(self.a, lambda: self.a.state is S.STARTING)
        bad.addCallback(lambda _: 1 // 0)
        good = when(self.a, lambda: self.a.state is S.STARTING)
        self.a.feed(Start())
        self.failureResultOf(bad, ZeroDivisionError)
        self.successResultOf(good)
