"""The standard streams of a real listener, with the daemon's end of them in our hands."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from textwrap import dedent

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.envelope import envelope
from supervisor_tx.core.listener import Answered, BadResult, BecameReady, Dialogue, News
from tests.functional.harness import PATIENCE, TOP

#: Answers with what was heard, and disturbs its streams as well as it can before that.
NOISY = """
import os, subprocess, sys
if not os.environ["PYTHONUNBUFFERED"]:
    print("printed before")
from supervisor_tx.childutils import Listener

class Noisy(Listener):
    def on_event(self, event):
        print("printed", ascii(event.data[:9]))
        os.write(1, b"written\\n")
        subprocess.run(["sh", "-c", "echo by a child; cat"], check=True)
        print("input:", repr(sys.stdin.read()))
        event.respond(event.data.encode())

Noisy().run()
print("printed after")
"""

PLAIN = """
import signal, sys
from supervisor_tx.childutils import Listener

class Plain(Listener):
    retry = 1000
    def on_event(self, event):
        if event.data == "fail":
            raise ValueError(event.data)
        if event.data == "wait":
            sys.stderr.write("at it\\n")
            sys.stderr.flush()
            signal.sigwait({signal.SIGUSR1})

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
Plain().run()
sys.stderr.write("over\\n")
"""

ASYNC = """
import asyncio, signal, sys
from supervisor_tx.childutils import events

def say(text):
    sys.stderr.write(text + "\\n")
    sys.stderr.flush()

async def main():
    released = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, released.set)
    async for event in events(retry=1000):
        if event.data == "fail":
            event.reject()
        if event.data == "wait":
            say("at it")
            await released.wait()

asyncio.run(main())
say("over")
"""


#: Leaves everything as it was before, and works in a thread.
TIDY = """
import os, signal, sys, threading
from supervisor_tx.childutils import Listener, events

def handler(number, frame):
    print("handled")

def state():
    return sys.stdout, signal.getsignal(signal.SIGTERM), os.fstat(0), os.fstat(1)

def look():
    for event in events():
        assert os.fstat(1) == os.fstat(2)
        break

signal.signal(signal.SIGTERM, handler)
before, fds = state(), sorted(os.listdir("/dev/fd"))
look()
assert state() == before
thread = threading.Thread(target=look)
thread.start()
thread.join()
assert state() == before
assert sorted(os.listdir("/dev/fd")) == fds
"""


class Child:
    """A listener, and what it has said."""

    def __init__(self, program: str, **environ: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", dedent(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(TOP), "PYTHONUNBUFFERED": "", **environ},
        )
        self.dialogue = Dialogue()
        self.errors = b""

    def hears(self, data: str, name: str = "REMOTE_COMMUNICATION") -> None:
        """Hand it an event when it has asked for one."""
        assert self.says() == BecameReady(), self.errors
        assert self.process.stdin is not None
        payload = f"type:test\n{data}"
        self.dialogue.handed()
        self.process.stdin.write(
            envelope(
                server="supervisor",
                serial=0,
                pool="pool",
                pool_serial=0,
                name=name,
                characters=len(payload),
                payload=payload.encode(),
            )
        )
        self.process.stdin.flush()

    def says(self) -> News | None:
        """Wait for what it says next; None: it says no more."""
        while (news := self.dialogue.next()) is None:
            assert self.process.stdout is not None
            data = self._read(self.process.stdout.fileno())
            if not data:
                return None
            self.dialogue.receive(data)
        if isinstance(news, Answered):
            self.dialogue.accepted()
        return news

    def complains(self, text: bytes) -> None:
        """Wait until it has said something on standard error."""
        assert self.process.stderr is not None
        while text not in self.errors:
            data = self._read(self.process.stderr.fileno())
            assert data, (text, self.errors)
            self.errors += data

    def ends(self) -> tuple[int, bytes]:
        """Wait for its end; return the status, and the rest of what it said out of turn."""
        assert self.process.stdin and self.process.stdout and self.process.stderr
        self.process.stdin.close()
        out, errors = self.process.stdout.read(), self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        self.errors += errors
        return self.process.wait(PATIENCE), out

    def _read(self, fd: int) -> bytes:
        assert select.select([fd], [], [], PATIENCE)[0], f"silence: {self.errors!r}"
        return os.read(fd, 65536)


class LineTestCase(SynchronousTestCase):
    def child(self, program: str, **environ: str) -> Child:
        child = Child(program, **environ)
        self.addCleanup(self._end, child)
        return child

    def _end(self, child: Child) -> None:
        if child.process.poll() is None:
            child.process.kill()
            child.process.wait()
        for stream in (child.process.stdin, child.process.stdout, child.process.stderr):
            assert stream is not None
            stream.close()


class StreamsTests(LineTestCase):
    def test_protected(self) -> None:
        """Nothing but answers reaches the daemon, whoever writes; and nobody else reads events."""
        child = self.child(NOISY)
        for data in ("one", "two"):
            child.hears(data)
            self.assertEqual(child.says(), Answered(data.encode()))
        self.assertEqual(child.says(), BecameReady())
        self.assertEqual(child.ends(), (0, b"printed after\n"))
        self.assertEqual(
            sorted(child.errors.decode().splitlines()),
            sorted(
                ["printed before"]
                + ["printed 'one'", "printed 'two'"]
                + ["written", "by a child", "input: ''"] * 2
            ),
        )

    def test_bytes(self) -> None:
        """Bytes are what they are, whatever the locale is, and line ends are nothing special."""
        for environ in (
            {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
            {"PYTHONIOENCODING": "latin-1"},
            {"PYTHONUNBUFFERED": "1"},
        ):
            child = self.child(NOISY, **environ)
            for data in ("ä☃𝄞", "a\r\nb\rc\n", "\x00\x1a\x04", "ä" * 100_000):
                child.hears(data)
                self.assertEqual(child.says(), Answered(data.encode()))
            self.assertEqual(child.ends()[0], 0)

    def test_given_back(self) -> None:
        """A program that has left the loop has its streams and signals again."""
        child = self.child(TIDY)
        child.hears("x")
        # it has left the loop without an answer, and begins anew
        self.assertEqual(child.says(), BadResult(b"READY"))
        self.assertEqual(child.ends(), (0, b""))
        self.assertEqual(child.errors, b"")

    def test_import(self) -> None:
        """Nothing large is imported for a listener."""
        child = self.child(
            "import sys; before = set(sys.modules)\n"
            "import supervisor_tx.childutils\n"
            "print(*sorted({each.split('.')[0] for each in set(sys.modules) - before} &"
            " {'twisted', 'zope', 'xmlrpc', 'asyncio', 'typing', 'dataclasses', 'threading'}))"
        )
        self.assertEqual(child.ends(), (0, b"\n"))


class EndTests(LineTestCase):
    """How listeners of both forms end."""

    def test_input(self) -> None:
        """At the end of the input they end quietly, with 0."""
        for program in (PLAIN, ASYNC):
            child = self.child(program)
            child.hears("x")
            self.assertEqual(child.says(), Answered(b"OK"))
            self.assertEqual(child.says(), BecameReady())
            self.assertEqual(child.ends(), (0, b""))
            self.assertEqual(child.errors, b"over\n")

    def test_output(self) -> None:
        """So they do where nobody is left who reads their answers."""
        for program in (PLAIN, ASYNC):
            child = self.child(program)
            child.hears("wait")
            child.complains(b"at it\n")
            assert child.process.stdin is not None and child.process.stdout is not None
            child.process.stdout.close()
            child.process.send_signal(signal.SIGUSR1)
            child.complains(b"over\n")
            self.assertEqual(child.process.wait(PATIENCE), 0)

    def test_term_idle(self) -> None:
        """TERM ends a listener that waits for an event, at once and quietly."""
        for program in (PLAIN, ASYNC):
            child = self.child(program)
            self.assertEqual(child.says(), BecameReady())
            child.process.send_signal(signal.SIGTERM)
            self.assertEqual(child.process.wait(PATIENCE), 0)
            self.assertEqual(child.ends(), (0, b""))
            self.assertEqual(child.errors, b"over\n")

    def test_term_busy(self) -> None:
        """One that is at an event deals with it, answers, and asks for no other."""
        for program in (PLAIN, ASYNC):
            child = self.child(program)
            child.hears("wait")
            child.complains(b"at it\n")
            child.process.send_signal(signal.SIGTERM)
            child.process.send_signal(signal.SIGUSR1)
            self.assertEqual(child.says(), Answered(b"OK"))
            self.assertEqual(child.ends(), (0, b""))
            self.assertEqual(child.errors, b"at it\nover\n")

    def test_term_after_rejection(self) -> None:
        """One that waits before it asks for the event again ends at once as well."""
        for program in (PLAIN, ASYNC):
            child = self.child(program)
            child.hears("fail")
            self.assertEqual(child.says(), Answered(b"FAIL"))
            child.process.send_signal(signal.SIGTERM)
            self.assertEqual(child.process.wait(PATIENCE), 0)
            self.assertEqual(child.ends(), (0, b""))

    def test_files(self) -> None:
        """They can be tried with files in place of pipes."""
        events = self.mktemp()
        with open(events, "wb") as file:
            file.write(b"eventname:TICK_5 len:6\nwhen:5eventname:TICK_5 len:7\nwhen:10")
        for program in (PLAIN, ASYNC):
            with open(events, "rb") as file:
                done = subprocess.run(
                    [sys.executable, "-c", program],
                    stdin=file,
                    capture_output=True,
                    env={**os.environ, "PYTHONPATH": str(TOP)},
                    timeout=PATIENCE,
                    check=True,
                )
            self.assertEqual(done.stdout, b"READY\nRESULT 2\nOK" * 2 + b"READY\n")
            self.assertEqual(done.stderr, b"over\n")
