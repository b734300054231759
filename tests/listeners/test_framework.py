"""Listeners that are classes, with a daemon in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.childutils import Listener, ListenerEvent, Reject
from tests.listeners.memory import MemoryDaemon


def run(listener: Listener, daemon: MemoryDaemon) -> str:
    """Run a listener until there are no more events; return what it wrote to standard error."""
    with redirect_stderr(StringIO()) as errors:
        listener.run(daemon)
    return errors.getvalue()


class Noting(Listener):
    """Notes which of its methods were called."""

    retry = 0

    def __init__(self) -> None:
        self.notes: list[str] = []

    def on_process_state_fatal(self, event: ListenerEvent) -> None:
        self.notes.append(f"fatal {event.process}")

    def on_process_state(self, event: ListenerEvent) -> None:
        self.notes.append(f"state {event.process}")

    def on_tick(self, event: ListenerEvent) -> None:
        self.notes.append(f"tick {event.when}")


class Failing(Listener):
    """Fails at each event, in a way that it is told."""

    retry = 0

    def __init__(self, how: Callable[[ListenerEvent], object], attempts: int = 0) -> None:
        self.how, self.attempts = how, attempts

    def on_event(self, event: ListenerEvent) -> None:
        self.how(event)


def divide(event: ListenerEvent) -> None:
    print(1 // 0)


def refuse(event: ListenerEvent) -> None:
    raise Reject("not now")


def refuse_silently(event: ListenerEvent) -> None:
    raise Reject


class DispatchTests(SynchronousTestCase):
    def test_methods(self) -> None:
        """Each event goes to the method of its type, or of the nearest that this is a kind of."""
        listener = Noting()
        daemon = MemoryDaemon(
            ("PROCESS_STATE_FATAL", "processname:a groupname:a from_state:BACKOFF"),
            ("PROCESS_STATE_RUNNING", "processname:b groupname:b from_state:STARTING pid:1"),
            ("TICK_3600", "when:7200"),
            ("SUPERVISOR_STATE_CHANGE_RUNNING", ""),
            ("THEIR_OWN", "?"),
        )
        self.assertEqual(run(listener, daemon), "")
        self.assertEqual(listener.notes, ["fatal a", "state b", "tick 7200"])
        self.assertEqual([answer for _, answer in daemon.answers], [b"OK"] * 5)

    def test_handle(self) -> None:
        """Or all events go to one method."""
        seen = []

        class All(Listener):
            def handle(self, event: ListenerEvent) -> None:
                seen.append(event.name)

        run(All(), MemoryDaemon(("TICK_5", "when:5"), ("PROCESS_GROUP_ADDED", "groupname:g\n")))
        self.assertEqual(seen, ["TICK_5", "PROCESS_GROUP_ADDED"])

    def test_tried_alone(self) -> None:
        """A listener can be tried without a daemon."""
        listener = Noting()
        listener.handle(ListenerEvent.of("TICK_5", "when:5"))
        self.assertEqual(listener.notes, ["tick 5"])


class FailureTests(SynchronousTestCase):
    def test_error(self) -> None:
        """An event at which the listener fails is rejected, and standard error says why."""
        daemon = MemoryDaemon(("TICK_5", "when:5"), ("TICK_5", "when:10"))
        said = run(Failing(divide), daemon)
        self.assertEqual(daemon.answers, [(0, b"FAIL"), (1, b"FAIL")])
        self.assertEqual(said.count("Traceback"), 2)
        self.assertTrue(said.endswith("\nZeroDivisionError: integer division or modulo by zero\n"))

    def test_reject(self) -> None:
        """A rejection on purpose says only what it has to say."""
        daemon = MemoryDaemon(("TICK_5", "when:5"))
        self.assertEqual(run(Failing(refuse), daemon), "not now\n")
        self.assertEqual(daemon.answers, [(0, b"FAIL")])
        self.assertEqual(run(Failing(refuse_silently), MemoryDaemon(("TICK_5", "when:5"))), "")

    def test_after_the_answer(self) -> None:
        """Who fails after it has answered has answered."""

        def how(event: ListenerEvent) -> None:
            event.accept()
            divide(event)

        daemon = MemoryDaemon(("TICK_5", "when:5"), ("TICK_5", "when:10"))
        said = run(Failing(how), daemon)
        self.assertEqual(daemon.answers, [(0, b"OK"), (1, b"OK")])
        self.assertEqual((said.count("ZeroDivisionError"), daemon.violations), (2, []))

    def test_attempts(self) -> None:
        """A listener may give up an event after some attempts, and goes on with the next."""
        daemon = MemoryDaemon(("TICK_5", "when:5"), ("TICK_5", "when:10"), offers=10)
        said = run(Failing(refuse, attempts=3), daemon)
        self.assertEqual(
            daemon.answers,
            [(0, b"FAIL"), (0, b"FAIL"), (0, b"OK"), (1, b"FAIL"), (1, b"FAIL"), (1, b"OK")],
        )
        self.assertEqual(
            [line for line in said.splitlines() if line != "not now"],
            ["given up: <TICK_5 0: 'when:5'>", "given up: <TICK_5 1: 'when:10'>"],
        )

    def test_no_end(self) -> None:
        """Otherwise it never gives up."""
        daemon = MemoryDaemon(("TICK_5", "when:5"), offers=50)
        run(Failing(refuse_silently), daemon)
        self.assertEqual(daemon.answers, [(0, b"FAIL")] * 50)

    def test_exit(self) -> None:
        """A listener that wants to end does, without an answer."""
        daemon = MemoryDaemon(("TICK_5", "when:5"))
        self.assertRaises(SystemExit, run, Failing(lambda event: sys.exit(3)), daemon)
        self.assertEqual(daemon.answers, [])
        self.assertFalse(daemon.open)
