"""Listeners made with our framework: the examples, and one on asyncio, under both daemons."""

from __future__ import annotations

import importlib.util
import json
import socket
import sys
import threading
from collections.abc import Iterable
from contextlib import redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from itertools import chain, repeat
from types import ModuleType
from typing import Any

from supervisor_tx.childutils import ListenerEvent, Reject
from tests.functional.harness import TOP, Daemon, FunctionalTestCase, free_port, until
from tests.functional.rpc import Client

EXAMPLES = TOP / "docs" / "examples"

CONTROL = """\
[unix_http_server]
file=%(here)s/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""


def example(name: str) -> Any:
    """Import one of the examples."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def pool(command: str, events: str) -> str:
    """Return the section of a pool that runs a file of Python."""
    return f"""\
[eventlistener:tested]
command={sys.executable} {command}
environment=PYTHONPATH="{TOP}"
events={events}
buffer_size=100
stdout_logfile=%(here)s/said
stderr_logfile=%(here)s/errors
"""


class Service:
    """A web service that takes messages, with the statuses that it is told to answer with."""

    def __init__(self, statuses: Iterable[int] = ()) -> None:
        self.statuses = chain(statuses, repeat(200))
        self.lock = threading.Lock()
        self.messages: list[tuple[str, str]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert self.headers["Content-Type"] == "application/json"
                with service.lock:
                    status = next(service.statuses)
                if status == 200:
                    service.messages.append((self.path, body["text"]))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class WebhookTests(FunctionalTestCase):
    def service(self, statuses: Iterable[int] = ()) -> Service:
        service = Service(statuses)
        self.addCleanup(service.close)
        return service

    def test_both_daemons(self) -> None:
        """Failures are told, once each, though the service fails at first; nothing else is."""
        service = self.service([503, 429])
        config = pool(
            f"{EXAMPLES / 'webhook.py'} {service.url}%(here)s",
            "PROCESS_STATE_FATAL,PROCESS_STATE_EXITED",
        )
        config += "".join(
            f'[program:{name}]\ncommand=sh -c "exit {status}"\nautorestart=false\n{more}\n'
            for name, status, more in (
                ("bad", 1, "startretries=0\nstartsecs=60"),
                ("crash", 3, "startsecs=0"),
                ("fine", 0, "startsecs=0"),
            )
        )
        for daemon in self.both(config):
            name = daemon.directory.name

            def texts(place: str = str(daemon.directory)) -> list[str]:
                return sorted(text for path, text in service.messages if path == place)

            until(lambda texts=texts: len(texts()) >= 2, daemon.tell)  # type: ignore[misc]
            pid = daemon.pid_of("crash")
            self.assertEqual(
                texts(),
                [
                    "supervisor: bad could not be started, and is given up",
                    f"supervisor: crash has ended unexpectedly (it was process {pid})",
                ],
                name,
            )
            daemon.stop()
            self.assertIn("stopped: tested (exit status 0)", daemon.log)
        errors = [line for name in ("stock", "ours") for line in self.errors(name)]
        self.assertEqual(
            sorted(errors), ["the service has a problem: 429", "the service has a problem: 503"]
        )

    def errors(self, name: str) -> list[str]:
        return (self.directory / name / "errors").read_text().splitlines()

    def test_window(self) -> None:
        """What repeats itself is told once in a window, and then with its number."""
        service, time = self.service(), [1000.0]
        webhook = example("webhook").Webhook(service.url, window=60, now=lambda: time[0])
        fatal = ListenerEvent.of("PROCESS_STATE_FATAL", "processname:a groupname:g from_state:X")
        other = ListenerEvent.of("PROCESS_STATE_FATAL", "processname:b groupname:g from_state:X")
        for event, after in ((fatal, 0), (fatal, 59), (other, 0), (fatal, 0.5), (fatal, 0.5)):
            time[0] += after
            webhook.handle(event)
        said = "could not be started, and is given up"
        self.assertEqual(
            [text for _, text in service.messages],
            [
                f"supervisor: g:a {said}",
                f"supervisor: g:b {said}",
                f"supervisor: g:a {said}; 2 times more since the last message",
            ],
        )

    def test_failures(self) -> None:
        """An event is offered again where that could help, and counts as not told."""
        service = self.service([500, 404])
        webhook = example("webhook").Webhook(service.url)
        fatal = ListenerEvent.of("PROCESS_STATE_FATAL", "processname:a groupname:a from_state:X")
        self.assertRaises(Reject, webhook.handle, fatal)
        with redirect_stdout(StringIO()) as said:
            webhook.handle(fatal)  # refused, and it would be again
        self.assertIn("refuses a message with 404", said.getvalue())
        nobody = example("webhook").Webhook(f"http://127.0.0.1:{free_port()}")
        self.assertRaises(Reject, nobody.handle, fatal)
        self.assertEqual(service.messages, [])

    def test_silence(self) -> None:
        """A service that does not answer is not waited for longer than is said."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            webhook = example("webhook").Webhook(url, timeout=0.01)
            fatal = ListenerEvent.of("PROCESS_STATE_FATAL", "processname:a groupname:a")
            self.assertRaises(Reject, webhook.handle, fatal)


class AuditTests(FunctionalTestCase):
    CONFIG = CONTROL + pool(
        f"{EXAMPLES / 'audit.py'} --sync %(here)s/trail/audit.jsonl",
        "PROCESS_STATE,PROCESS_GROUP,SUPERVISOR_STATE_CHANGE,REMOTE_COMMUNICATION",
    )

    def trail(self, daemon: Daemon) -> list[dict[str, object]]:
        """What was written so far, without what is different each time."""
        file = daemon.directory / "trail" / "audit.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        found = []
        for line in lines:
            values = json.loads(line)
            self.assertRegex(values.pop("time"), r"\A\d{4}-\d\d-\d\dT[\d:.]+\+00:00\Z")
            values.pop("pid", None)
            found.append(values)
        return found

    def test_both_daemons(self) -> None:
        """What happened while nothing could be written is written later, in order."""
        config = self.CONFIG + "[program:cat]\ncommand=cat\n"
        trails = []
        for daemon in self.both(config):
            daemon.wait_for_file("errors", "No such file or directory")
            daemon.wait_for("success: cat")
            client = Client(daemon.directory / "s")
            client.call("supervisor.sendRemoteCommEvent", "day ☃", "a\nb")
            (daemon.directory / "trail").mkdir()

            def whole(daemon: Daemon = daemon) -> list[dict[str, object]]:
                trail = self.trail(daemon)
                return trail if trail and trail[-1]["event"] == "REMOTE_COMMUNICATION" else []

            trails.append(until(whole, daemon.tell))
            daemon.stop()
            self.assertIn("stopped: tested (exit status 0)", daemon.log)
        stock, ours = trails
        self.assertEqual(stock, ours)
        self.assertEqual([line["serial"] for line in ours], list(range(8)))
        self.assertEqual(
            ours[-1],
            {"event": "REMOTE_COMMUNICATION", "serial": 7, "type": "day ☃", "data": "a\nb"},
        )

    def test_missed(self) -> None:
        """Numbers that are missing are told, and those that come again are not."""
        file = self.directory / "trail.jsonl"
        trail = example("audit").Trail(str(file))
        for serial in (4, 5, 5, 9):
            headers = {"eventname": "TICK_5", "serial": "1", "poolserial": str(serial)}
            trail.add(ListenerEvent(headers, "when:5"))
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        self.assertEqual(
            [(line["event"], line.get("count")) for line in lines],
            [("TICK_5", None)] * 3 + [("missed", 3), ("TICK_5", None)],
        )

    def test_moved(self) -> None:
        """The file may be moved away at any time."""
        file = self.directory / "trail.jsonl"
        trail = example("audit").Trail(str(file))
        for _ in range(2):
            trail.add(ListenerEvent.of("TICK_5", "when:5"))
            file.rename(self.directory / "moved")
        trail.add(ListenerEvent.of("TICK_5", "when:5"))
        self.assertEqual(len(file.read_text().splitlines()), 1)


#: Deals with events while another task goes on, and then gives each the answer that it asks for.
ASYNC = """
import asyncio, sys
from supervisor_tx.childutils import events

async def main():
    beats = asyncio.Queue()
    async def beat():
        while True:
            await asyncio.sleep(0)
            if beats.empty():
                beats.put_nowait(None)
    task = asyncio.create_task(beat())
    refused = set()
    async for event in events(retry=0):
        await beats.get()
        with open(sys.argv[1], "a") as file:
            file.write(f"{event.pool_serial} {event.type}\\n")
        if event.type == "refuse" and event.serial not in refused:
            refused.add(event.serial)
            event.reject()
        if event.type == "die" and "died" not in open(sys.argv[1]).read():
            with open(sys.argv[1], "a") as file:
                file.write("died\\n")
            raise SystemExit(3)
    print("over")
asyncio.run(main())
"""


class AsyncTests(FunctionalTestCase):
    def test_both_daemons(self) -> None:
        """A loop on asyncio is told of events, in order, and again where it had no answer."""
        config = CONTROL + pool("%(here)s/async.py %(here)s/seen", "REMOTE_COMMUNICATION")
        expected = ["0 a", "1 refuse", "1 refuse", "2 die", "died", "2 die", "3 b"]
        for daemon in self.both(config, {"async.py": ASYNC}):
            daemon.wait_for("success: tested")
            client = Client(daemon.directory / "s")
            for kind in ("a", "refuse", "die", "b"):
                client.call("supervisor.sendRemoteCommEvent", kind, "")
            seen = daemon.wait_for_file("seen", "3 b")
            self.assertEqual(seen.splitlines(), expected)
            # it writes down what it hears before it answers
            until(lambda daemon=daemon: daemon.read("said").endswith("READY\n"))  # type: ignore[misc]
            daemon.stop()
            self.assertIn("stopped: tested (exit status 0)", daemon.log)
            self.assertEqual(daemon.read("errors"), "")
            self.assertEqual(daemon.read("said")[-11:], "READY\nover\n")
