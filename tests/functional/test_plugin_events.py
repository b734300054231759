"""Plugins that tell events of their own, hear of those of others, and go wrong in between."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

from tests.functional.harness import TOP, Daemon, FunctionalTestCase, until
from tests.functional.rpc import Client

LISTENER = Path(__file__).with_name("listener.py")

PLUGIN = """\
import sys

from supervisor import events


class Mine(events.Event):
    def __init__(self, text):
        self.text = text

    def payload(self):
        if self.text == "broken":
            raise ValueError("no payload")
        return "mine:" + self.text + "\\n\\u00e4"


class MineToo(Mine):
    pass


events.register("MINE", Mine)
events.register("MINE_TOO", MineToo)


class Plugin:
    def __init__(self, supervisord):
        self.supervisord = supervisord
        events.subscribe(events.RemoteCommunicationEvent, self.heard)

    def heard(self, event):
        kind, data = event.type, event.data
        if kind == "tell":
            events.notify(Mine(data))
            events.notify(MineToo(data))
        elif kind == "raise":
            raise RuntimeError(data)
        elif kind == "exit":
            sys.exit(data)
        elif kind == "stop":
            self.supervisord.process_groups[data].processes[data].stop()
        elif kind == "remove":
            self.supervisord.remove_process_group(data)


def make(supervisord):
    return Plugin(supervisord)


class Teller:
    def tell(self, text):
        events.notify(MineToo(text))
        return True


def make_teller(supervisord):
    return Teller()


def leave(event, result):
    sys.exit("no more")


def make_nothing(supervisord):
    sys.exit("nothing")
"""

HEAD = """\
[unix_http_server]
file=%(here)s/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[rpcinterface:mine]
supervisor.rpcinterface_factory = mine:make
"""


def pool(name: str, events: str, *options: str) -> str:
    """Return the section of a listener that accepts everything and writes it down."""
    lines = (
        f"[eventlistener:{name}]",
        f"command={sys.executable} -S {LISTENER} text %(here)s",
        f"events={events}",
        "startsecs=0",
        "stdout_logfile=NONE",
        *options,
    )
    return "".join(f"{line}\n" for line in lines)


class PluginEventTests(FunctionalTestCase):
    def send(self, daemon: Daemon, kind: str, data: str) -> Any:
        return Client(daemon.directory / "s").call("supervisor.sendRemoteCommEvent", kind, data)

    def wait_for(self, daemon: Daemon, name: str, text: str, count: int = 1) -> None:
        """Wait until a listener has read a text so often."""

        def read() -> int:
            file = daemon.directory / f"{name}.heard"
            return file.read_text().count(text) if file.exists() else 0

        until(lambda: read() >= count, daemon.tell)

    def test_types(self) -> None:
        """Listeners hear of the types of plugins as of all others, as under Supervisor."""
        config = (
            HEAD + pool("kind", "MINE") + pool("one", "MINE_TOO") + pool("both", "MINE,MINE_TOO")
        )
        heard = []
        for daemon in self.both(config, {"mine.py": PLUGIN}, environ={"PYTHONPATH": f"{TOP}:."}):
            for name in ("kind", "one", "both"):
                daemon.wait_for(f"success: {name}")
            self.send(daemon, "tell", "first")
            self.send(daemon, "tell", "last")
            self.wait_for(daemon, "kind", "last", 2)
            self.wait_for(daemon, "one", "last")
            self.wait_for(daemon, "both", "last", 3)
            heard.append(
                [
                    (daemon.directory / f"{name}.heard").read_text()
                    for name in ("kind", "one", "both")
                ]
            )
            daemon.stop()
        self.assertIn("eventname:MINE_TOO len:12\nmine:first\n\u00e4ver:", heard[0][0])
        self.assertEqual(heard[0], heard[1])

    def test_only_told(self) -> None:
        """A plugin that hears of nothing is heard all the same, after a restart too."""
        config = HEAD.replace("mine:make", "mine:make_teller") + pool("kind", "MINE")
        for daemon in self.both(config, {"mine.py": PLUGIN}, environ={"PYTHONPATH": f"{TOP}:."}):
            for count in (1, 2):
                daemon.wait_for("success: kind", count)
                Client(daemon.directory / "s").call("mine.tell", "it")
                self.wait_for(daemon, "kind", "eventname:MINE_TOO", count)
                daemon.signal(signal.SIGHUP)
            daemon.stop()

    def test_failures(self) -> None:
        """Whatever a plugin runs into harms nobody else; with Supervisor the daemon may end."""
        (self.directory / "mine.py").write_text(PLUGIN)
        daemon = self.daemon(
            HEAD
            + pool("good", "REMOTE_COMMUNICATION,MINE")
            + pool("judged", "REMOTE_COMMUNICATION", "result_handler=mine:leave")
            + pool("idle", "REMOTE_COMMUNICATION"),
            environ={"PYTHONPATH": f"{TOP}:{self.directory}"},
        )
        daemon.wait_for("RPC interface 'mine' initialized")
        orders = (
            ("raise", "an error"),
            ("exit", "an end"),
            ("tell", "broken"),
            ("stop", "idle"),
            ("remove", "idle"),
        )
        for kind, data in orders:
            if kind == "remove":
                daemon.wait_for("stopped: idle")
            self.assertIs(self.send(daemon, kind, data), True)
            self.wait_for(daemon, "good", f"type:{kind}\n{data}")
        for text in (
            "RuntimeError: an error",
            "SystemExit: an end",
            "ValueError: no payload",
            "WARN judged: event caused an error",
            "ERRO judged: the result handler failed with SystemExit: no more",
        ):
            daemon.wait_for(text)
        self.assertEqual(daemon.lines("Unhandled Error"), [])
        names = [each["group"] for each in self.call(daemon, "supervisor.getAllProcessInfo")]
        self.assertEqual(names, ["good", "judged"])
        self.assertEqual(daemon.stop(), 0)

    def test_ends_too_early(self) -> None:
        """A module or a plugin that ends the program where it is made is one that cannot be had."""
        (self.directory / "mine.py").write_text(PLUGIN)
        (self.directory / "ending.py").write_text("import sys\n\nsys.exit('not today')\n")
        daemon = self.daemon(HEAD, environ={"PYTHONPATH": f"{TOP}:{self.directory}"})
        daemon.wait_for("RPC interface 'mine' initialized")
        daemon.configure(HEAD + pool("judged", "EVENT", "result_handler=ending:judge"))
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("ERRO the restart is refused.*ending:judge cannot be resolved.*not today")
        daemon.configure(HEAD.replace("mine:make", "mine:make_nothing") + pool("good", "EVENT"))
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("ERRO Could not make mine rpc interface; it is missing")
        daemon.wait_for("success: good")
        self.assertEqual(daemon.stop(), 0)

    def call(self, daemon: Daemon, method: str) -> Any:
        return Client(daemon.directory / "s").call(method)
