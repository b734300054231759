"""What is told along with events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.events import RemoteCommunicationEvent
from supervisor_tx.errors import NoFigures
from supervisor_tx.supervision.bus import EventBus
from supervisor_tx.supervision.configwatch import LOOK_SECONDS
from supervisor_tx.supervision.figures import FIRST_INTERVAL, INTERVAL, KEPT
from tests.rpc.stage import MemoryDaemon, group
from tests.web.stream import Reader
from tests.web.wire import World


class AlongsideTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.daemon = MemoryDaemon(self.clock, Path("/nowhere"))
        self.bus = EventBus()
        self.daemon.broadcast.attach(self.bus)
        self.world = World(daemon=self.daemon)
        table = self.daemon.table
        parent = table.fork(table.fork(0))
        self.roots = self.daemon.roots
        for name in ("a", "b"):
            self.roots[name, name] = table.fork(parent)

    def follow(self, query: str) -> Reader:
        """Begin to follow, on a new connection."""
        reader = Reader(self.world.connect())
        self.addCleanup(reader.wire.vanish)
        self.assertEqual(reader.begin(f"/api/v1/events?{query}").code, 200)
        return reader

    def wait(self, seconds: float = 0) -> None:
        self.clock.advance(seconds)
        for _ in range(20):
            self.clock.advance(0)

    def told(self, reader: Reader, kind: str) -> list[Any]:
        return [data for name, _, data in reader.take() if name == kind]


class FiguresTests(AlongsideTestCase):
    def figures(self, reader: Reader) -> list[Any]:
        return self.told(reader, "figures")

    def test_not_asked_for(self) -> None:
        """Who does not ask is told none, and has no process looked at."""
        reader = self.follow("figures=0")
        self.wait(INTERVAL)
        self.assertEqual(self.figures(reader), [])
        self.assertEqual(self.daemon.table.looks, 0)

    def test_refused(self) -> None:
        """What is neither yes nor no is refused."""
        for query in ("figures=perhaps", "config=2", "figures=1&figures=1"):
            reader = Reader(self.world.connect())
            self.addCleanup(reader.wire.vanish)
            self.assertEqual(reader.begin(f"/api/v1/events?{query}").code, 400)

    def test_all_first(self) -> None:
        """First all of them are told, and then those that differ; null for what has ended."""
        reader = self.follow("figures=1")
        self.wait()
        [first] = self.figures(reader)
        self.assertTrue(first["complete"])
        self.assertEqual(first["processes"].keys(), {"a", "b"})
        self.wait(FIRST_INTERVAL)  # now the CPU is known
        [second] = self.figures(reader)
        self.assertFalse(second["complete"])
        self.assertEqual(second["processes"].keys(), {"a", "b"})
        self.daemon.table.work(self.roots["a", "a"], 1)
        self.wait(INTERVAL)
        [third] = self.figures(reader)
        self.assertEqual(third["processes"], {"a": {"cpu": 50.0, "memory": 4096, "processes": 1}})
        self.assertEqual(third["daemon"]["processes"], 1)
        self.daemon.table.end(self.roots.pop(("a", "a")))
        self.wait(INTERVAL)
        [fourth] = self.figures(reader)
        self.assertEqual(fourth["processes"], {"a": None})
        self.wait(INTERVAL)
        [fifth] = self.figures(reader)
        self.assertEqual(fifth["processes"], {})

    def test_of_one_process(self) -> None:
        """Who follows certain processes is told of these, whole each time."""
        self.roots["g", "x"], self.roots["g", "y"] = self.roots["a", "a"], self.roots["b", "b"]
        one, many = self.follow("figures=1&process=a"), self.follow("figures=1&process=g:*,b")
        self.wait()
        self.wait(FIRST_INTERVAL)
        for reader, names in ((one, {"a"}), (many, {"g:x", "g:y", "b"})):
            for told in self.figures(reader):
                self.assertTrue(told["complete"])
                self.assertEqual(told["processes"].keys(), names)
        self.daemon.table.end(self.roots.pop(("a", "a")))
        self.wait(INTERVAL)
        [told] = self.figures(one)
        self.assertEqual(told["processes"], {})

    def test_later_follower(self) -> None:
        """Who comes later is told all at once, and then the same as the others."""
        one = self.follow("figures=1")
        self.wait()
        self.wait(FIRST_INTERVAL)
        self.figures(one)
        two = self.follow("figures=1")
        [all_of_them] = self.figures(two)
        self.assertTrue(all_of_them["complete"])
        self.assertEqual(all_of_them["processes"].keys(), {"a", "b"})
        self.daemon.table.work(self.roots["b", "b"], 1)
        self.wait(INTERVAL)
        [news] = self.figures(one)
        self.assertFalse(news["complete"])
        self.assertEqual(self.figures(two), [news])

    def test_slow_reader(self) -> None:
        """Who did not read for a while is told all of them again, once."""
        reader = self.follow("figures=1")
        self.wait()
        self.wait(FIRST_INTERVAL)
        self.figures(reader)
        reader.wire.channel.pauseProducing()
        for _ in range(3):
            self.wait(INTERVAL)
        reader.wire.channel.resumeProducing()
        self.wait()
        news = self.figures(reader)
        self.assertLessEqual(len(news), 2)
        self.assertTrue(news[-1]["complete"])

    def test_ended(self) -> None:
        """When the last follower has gone nothing is looked at any more."""
        readers = [self.follow("figures=1") for _ in range(2)]
        self.wait()
        for reader in readers:
            reader.wire.vanish()
        looks = self.daemon.table.looks
        self.wait(10 * INTERVAL)
        self.assertEqual(self.daemon.table.looks, looks)

    def test_nothing_old(self) -> None:
        """What was found long ago is told to nobody."""
        reader = self.follow("figures=1")
        self.wait()
        reader.wire.vanish()
        self.wait(KEPT + 1)
        reader = self.follow("figures=1")
        self.assertEqual(self.figures(reader), [])
        self.wait()
        self.assertEqual(len(self.figures(reader)), 1)

    def test_problem(self) -> None:
        """Where there are none it is told why, and when there are again."""
        self.daemon.table.failure = NoFigures("no /proc here")
        reader = self.follow("figures=1")
        self.wait()
        [told] = self.figures(reader)
        self.assertEqual((told["problem"], told["processes"]), ("no /proc here", {}))
        self.daemon.table.failure = None
        self.wait(INTERVAL)
        [told] = self.figures(reader)
        self.assertIs(told["problem"], None)
        self.assertEqual(told["processes"].keys(), {"a", "b"})

    def test_among_events(self) -> None:
        """They have no id and are not kept; events are told as without them."""
        reader = self.follow("figures=1&type=REMOTE_COMMUNICATION")
        self.wait()
        event = RemoteCommunicationEvent("t", "hello")
        self.bus.publish(event.name, lambda: event)
        self.wait()
        told = [(name, bool(known)) for name, known, _ in reader.take()]
        self.assertEqual(told, [("figures", False), ("", True)])


class ConfigTests(AlongsideTestCase):
    def test_told(self) -> None:
        """At the beginning it is told how the configuration is, and later when that changes."""
        self.daemon.on_disk = (group("a"),)
        reader = self.follow("config=1")
        self.wait()
        self.assertEqual(self.told(reader, "config"), [{"changed": True, "problem": None}])
        self.wait(LOOK_SECONDS)
        self.assertEqual(self.told(reader, "config"), [])
        self.daemon.activate(group("a"))
        self.daemon.config_watch.compare_again()
        self.wait()
        self.assertEqual(self.told(reader, "config"), [{"changed": False, "problem": None}])
        reader.wire.vanish()
        self.assertEqual(self.clock.getDelayedCalls(), [])
