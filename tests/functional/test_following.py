"""Following events and logs of a real daemon, as programs and browsers do it."""

from __future__ import annotations

import os
import signal
import socket
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.functional.harness import ORDERS, PATIENCE, free_port, until
from tests.functional.test_http import UNIX, Client, HttpTestCase, resident
from tests.web.stream import Message, messages

SLEEPER = "[program:p]\ncommand=sleep 1000\nstartsecs=0\nautorestart=true\n"


class StreamClient(Client):
    """A client that reads messages."""

    def __init__(self, address: Path | int) -> None:
        super().__init__(address)
        #: the id by which to go on
        self.known = ""
        #: the answer is complete
        self.is_over = False
        self._rest = b""
        self._read: deque[Message] = deque()

    def follow(self, uri: str, **fields: str) -> dict[str, str]:
        """Ask for a stream; return the header of the answer."""
        lines = "".join(f"{name.replace('_', '-')}: {text}\r\n" for name, text in fields.items())
        self.send(f"GET {uri} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode())
        status, headers = self.head()
        assert status == 200, status
        return headers

    def __iter__(self) -> Iterator[Message]:
        """Read on, until the answer is over."""
        deadline = time.monotonic() + PATIENCE  # signs of life may come for ever
        while True:
            while self._read:
                message = self._read.popleft()
                self.known = message.known or self.known
                yield message
            if self.is_over:
                return
            assert time.monotonic() < deadline, "nothing more is told"
            size = int(self.file.readline(), 16)
            self._rest += self.file.read(size)
            assert self.file.readline() == b"\r\n"
            self.is_over = size == 0
            whole, end, self._rest = self._rest.rpartition(b"\n\n")
            self._read.extend(messages(whole + end))

    def until(self, wanted: Callable[[Message], bool]) -> list[Message]:
        """Read on; return all up to the first of a kind."""
        read = []
        for message in self:
            read.append(message)
            if wanted(message):
                return read
        raise AssertionError(f"over: {read}")

    def states(self, *wanted: str) -> list[Message]:
        """Read on until a process has been in these states, one after the other."""
        read = []
        for state in wanted:
            read += self.until(lambda message: message.data.get("state") == state)  # noqa: B023
        return read


def named(name: str) -> Callable[[Message], bool]:
    """Return what knows a message by its kind."""
    return lambda message: message.name == name


class FollowingTestCase(HttpTestCase):
    def stream(self, uri: str, **fields: str) -> StreamClient:
        client = StreamClient(self.socket)
        self.addCleanup(client.close)
        client.follow(uri, **fields)
        return client

    def events(self, query: str = "", **fields: str) -> StreamClient:
        return self.stream(f"/api/v1/events{query}", **fields)


class EventsTests(FollowingTestCase):
    """``/api/v1/events``."""

    def test_live(self) -> None:
        """What happens is told, with what there is to know of it."""
        daemon = self.started(UNIX + SLEEPER)
        pid = daemon.pid_of("p")
        client = self.events()
        os.kill(pid, signal.SIGKILL)
        told: list[Any] = [message.data for message in client.states("EXITED", "RUNNING")]
        times = [each.pop("when") for each in told]
        self.assertEqual(times, sorted(times))
        self.assertEqual(
            told,
            [
                {
                    "type": "PROCESS_STATE_EXITED",
                    "group": "p",
                    "process": "p",
                    "from_state": "RUNNING",
                    "state": "EXITED",
                    "pid": pid,
                    "expected": False,
                },
                {
                    "type": "PROCESS_STATE_STARTING",
                    "group": "p",
                    "process": "p",
                    "from_state": "EXITED",
                    "state": "STARTING",
                    "tries": 0,
                },
                {
                    "type": "PROCESS_STATE_RUNNING",
                    "group": "p",
                    "process": "p",
                    "from_state": "STARTING",
                    "state": "RUNNING",
                    "pid": daemon.pid_of("p", 2),
                },
            ],
        )

    def test_filters(self) -> None:
        """Only those types and processes are told that were asked for."""
        daemon = self.started(UNIX + SLEEPER + SLEEPER.replace(":p", ":q"))
        client = self.events("?type=PROCESS_STATE_EXITED&process=q")
        for name in ("p", "q", "q"):
            before = len(daemon.lines(f"spawned: '{name}'"))
            os.kill(daemon.pid_of(name, before), signal.SIGKILL)
            daemon.wait_for(f"spawned: '{name}'", before + 1)
        read = [client.until(lambda _: True)[0].data for _ in range(2)]
        self.assertEqual([each["process"] for each in read], ["q", "q"])

    def test_output(self) -> None:
        """Output is told to those who ask for it, of programs that have events of it."""
        os.mkfifo(self.directory / "orders")
        daemon = self.started(
            f"{UNIX}[program:p]\ncommand={ORDERS}\nstdout_events_enabled=true\n"
            "[program:q]\ncommand=sh -c 'echo never told; exec sleep 1000'\n"
        )
        client = self.events("?type=PROCESS_LOG")
        daemon.pid_of("q")
        daemon.order("häßlich\n")
        [message] = client.until(lambda _: True)
        self.assertEqual(message.data["data"], "häßlich\n")
        self.assertEqual((message.data["process"], message.known), ("p", ""))

    def test_back(self) -> None:
        """Who comes back is told what happened meanwhile, and each event once."""
        daemon = self.started(UNIX + SLEEPER)
        client = self.events()
        os.kill(daemon.pid_of("p"), signal.SIGKILL)
        client.states("EXITED")
        client.close()
        os.kill(daemon.pid_of("p", 2), signal.SIGKILL)
        daemon.pid_of("p", 3)
        client = self.events(Last_Event_ID=client.known)
        read = [message.data["state"] for message in client.states("EXITED", "RUNNING")]
        self.assertEqual(read, ["STARTING", "RUNNING", "EXITED", "STARTING", "RUNNING"])

    def test_shutdown(self) -> None:
        """At the end the whole of it is told, then that it is over, and the answer ends."""
        daemon = self.started(UNIX + SLEEPER)
        daemon.pid_of("p")
        client = self.events()
        daemon.signal(signal.SIGTERM)
        told = [message.data.get("state") or message.data for message in client]
        self.assertEqual(told, ["STOPPING", "STOPPING", "STOPPED", {"reason": "shutdown"}])
        self.assertTrue(client.ended())
        self.assertEqual(daemon.wait(), 0)

    def test_restart(self) -> None:
        """At a restart a stream ends when all is up again; who comes back has missed nothing."""
        daemon = self.started(UNIX + SLEEPER)
        daemon.pid_of("p")
        client = self.events()
        daemon.signal(signal.SIGHUP)
        first = [message for message in client if message.name != "end"]
        self.assertEqual(
            [message.data["type"] for message in first][:5],
            [
                "SUPERVISOR_STATE_CHANGE_STOPPING",
                "PROCESS_STATE_STOPPING",
                "PROCESS_STATE_STOPPED",
                "PROCESS_GROUP_ADDED",
                "SUPERVISOR_STATE_CHANGE_RUNNING",
            ],
        )
        client = self.events(Last_Event_ID=client.known)
        os.kill(daemon.pid_of("p", 2), signal.SIGKILL)
        second = client.states("EXITED")
        told = [*first, *second]
        numbers = [int(message.known.rpartition("-")[2]) for message in told]
        self.assertEqual(numbers, list(range(1, len(told) + 1)))

    def test_new_password(self) -> None:
        """So nobody goes on after a restart who could not begin then."""
        daemon = self.started(UNIX)
        client = self.events()
        daemon.configure(f"{UNIX}username=u\npassword=p\n")
        daemon.signal(signal.SIGHUP)
        client.until(named("end"))
        self.assertEqual(self.client().get("/api/v1/events"), 401)
        right = "Basic " + b64encode(b"u:p").decode()
        self.events(Authorization=right, Last_Event_ID=client.known)

    def test_another_daemon(self) -> None:
        """Ids of a daemon that is gone are known to be of another."""
        daemon = self.started(UNIX)
        client = self.events()
        self.assertEqual(daemon.stop(), 0)
        client.until(named("end"))
        daemon = self.started(UNIX)
        daemon.wait_for("supervisord started with pid", 2)
        [missed] = self.events(Last_Event_ID=client.known).until(named("missed"))
        self.assertEqual(missed.data, {"count": None, "after": None})

    def small(self, port: int, uri: str) -> StreamClient:
        """Follow, with room for very little on the way."""
        client = StreamClient.__new__(StreamClient)
        client.socket = socket.socket()
        client.socket.settimeout(PATIENCE)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.socket.connect(("127.0.0.1", port))
        client.file = client.socket.makefile("rb")
        client.known, client.is_over, client._rest, client._read = "", False, b"", deque()
        self.addCleanup(client.close)
        client.follow(uri)
        return client

    def test_too_slow(self) -> None:
        """One that reads too slowly costs nothing, is told, and is sent away."""
        port = free_port()
        os.mkfifo(self.directory / "orders")
        daemon = self.started(
            f"{UNIX}[inet_http_server]\nport=127.0.0.1:{port}\n"
            "[program:p]\ncommand=sh -c 'read x <orders; yes | head -c 100000000; touch done; "
            "exec sleep 1000'\ndirectory=%(here)s\nstdout_events_enabled=true\n"
            "stdout_logfile=NONE\nstartsecs=0\n"
        )
        clients = [self.small(port, "/api/v1/events?type=PROCESS_LOG") for _ in range(5)]
        other = self.events()
        daemon.order("go\n")
        until((self.directory / "done").exists)
        self.assertLess(resident(daemon.process.pid), 150 * 1024 * 1024)
        os.kill(daemon.pid_of("p"), signal.SIGKILL)
        other.states("EXITED")
        for client in clients:
            *_, missed, end = list(client)
            self.assertEqual((missed.name, end.name), ("missed", "end"))
            self.assertGreater(missed.data["count"], 0)
            self.assertEqual(end.data, {"reason": "too slow"})
            self.assertTrue(client.ended())

    def test_many(self) -> None:
        """Hundreds of followers are told everything."""
        daemon = self.started(UNIX + SLEEPER)
        pid = daemon.pid_of("p")
        clients = [self.events() for _ in range(300)]
        os.kill(pid, signal.SIGKILL)
        for client in clients:
            self.assertEqual(len(client.states("EXITED", "STARTING", "RUNNING")), 3)
        for client in clients[::2]:
            client.close()
        os.kill(daemon.pid_of("p", 2), signal.SIGKILL)
        for client in clients[1::2]:
            client.states("EXITED", "STARTING", "RUNNING")


class LogTests(FollowingTestCase):
    """Logs as messages."""

    def log(self, query: str = "", **fields: str) -> StreamClient:
        return self.stream(f"/api/v1/processes/p/logs/stdout/stream{query}", **fields)

    def text(self, client: StreamClient, end: str) -> list[Message]:
        """Read on up to a text."""
        return client.until(lambda message: end in message.data.get("text", ""))

    def test_over_everything(self) -> None:
        """A log is followed through rotation, and taken up again after a lost connection."""
        os.mkfifo(self.directory / "orders")
        daemon = self.started(
            f"{UNIX}[program:p]\ncommand={ORDERS}\nstdout_logfile=%(here)s/p.log\n"
            "stdout_logfile_maxbytes=100\nstdout_logfile_backups=2\n"
        )
        client = self.log()  # of a file that is not there, or empty
        daemon.pid_of("p")
        daemon.order("first\n")
        self.text(client, "first\n")
        client.close()
        daemon.order("x" * 100 + "\n")
        daemon.wait_for_file("p.log.1", "x\n")
        daemon.order("ä\n")
        client = self.log(Last_Event_ID=client.known)
        read = self.text(client, "ä\n")
        self.assertEqual(
            [message.name or message.data["text"] for message in read],
            ["x" * 100 + "\n", "rotated", "ä\n"],
        )
        self.assertEqual(read[-1].data, {"offset": 0, "end": 3, "text": "ä\n"})

    def test_main(self) -> None:
        """The activity log is followed to the end."""
        daemon = self.started(UNIX)
        client = self.stream("/api/v1/logs/main/stream?tail=10000")
        self.text(client, "supervisord started with pid")
        daemon.signal(signal.SIGTERM)
        read = list(client)
        self.assertIn("received SIGTERM", "".join(each.data.get("text", "") for each in read))
        self.assertEqual(read[-1].data, {"reason": "shutdown"})
        self.assertTrue(client.ended())
        self.assertEqual(daemon.wait(), 0)

    def test_automatic(self) -> None:
        """An AUTO log, which has another name after a restart, can be followed on."""
        os.mkfifo(self.directory / "orders")
        daemon = self.started(f"{UNIX}[program:p]\ncommand={ORDERS}\nstartsecs=0\n")
        client = self.log()
        daemon.pid_of("p")
        daemon.order("one\n")
        self.text(client, "one\n")
        daemon.signal(signal.SIGHUP)
        [end] = client.until(named("end"))
        self.assertEqual(end.data, {"reason": "restart"})
        daemon.pid_of("p", 2)
        client = self.log(Last_Event_ID=client.known)
        daemon.order("two\n")
        self.assertEqual(
            [each.name or each.data["text"] for each in self.text(client, "two\n")],
            ["missed", "two\n"],
        )
