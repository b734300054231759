"""Work in threads, and the results back in the reactor's."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from supervisor_tx.supervision.principal import BY_SIGNAL, Principal
from supervisor_tx.supervision.workers import Workers


class WorkersTests(TestCase):
    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.gate = threading.Event()
        self.addCleanup(self.gate.set)

    async def test_results(self) -> None:
        """What is returned comes back, in the thread of the reactor, and so does what is raised."""
        workers = Workers(self.reactor)
        self.assertEqual(await workers.run(divmod, 7, 2), (3, 1))
        self.assertEqual(await workers.run(int, "11", base=2), 3)
        where = workers.run(threading.get_ident)
        back = where.addCallback(lambda ident: (ident, threading.get_ident()))
        there, here = await back
        self.assertNotEqual(there, here)
        self.assertEqual(here, threading.get_ident())
        with self.assertRaises(ZeroDivisionError):
            await workers.run(divmod, 1, 0)

    async def test_some_hang(self) -> None:
        """Work that hangs keeps other work waiting only when all threads hang."""
        workers = Workers(self.reactor, most=2)
        hangs = workers.run(self.gate.wait)
        self.assertEqual([await workers.run(abs, -number) for number in (1, 2, 3)], [1, 2, 3])
        also = workers.run(self.gate.wait)
        after = workers.run(abs, -4)
        await deferLater(self.reactor, 0)
        self.assertNoResult(after)
        self.gate.set()
        self.assertEqual([await hangs, await also, await after], [True, True, 4])

    async def test_threads_are_few(self) -> None:
        """One thread does for work that comes piece by piece, however much it is."""
        workers = Workers(self.reactor)
        idents = {await workers.run(threading.get_ident) for _ in range(20)}
        self.assertEqual(len(idents), 1)

    async def test_lets_go(self) -> None:
        """What a job was about is let go of, also where no other job comes."""
        workers = Workers(self.reactor)
        gone: Deferred[None] = Deferred()
        thing = Thing()
        watch = weakref.ref(thing, lambda _: self.reactor.callFromThread(gone.callback, None))
        await workers.run(id, thing)
        del thing
        await gone
        self.assertIsNone(watch())


class Thing:
    """Something that a job is about."""


class PrincipalTests(SynchronousTestCase):
    def test_words(self) -> None:
        """Who asks is told by the best that is known of them."""
        for who, text in (
            (BY_SIGNAL, "signal"),
            (Principal("unix", uid=1000), "unix uid 1000"),
            (Principal("unix", user="ann", uid=0), "ann uid 0"),
            (Principal("inet", address="10.0.0.1"), "inet at 10.0.0.1"),
            (Principal("inet", user="ann", address="::1"), "ann at ::1"),
        ):
            self.assertEqual(str(who), text)
