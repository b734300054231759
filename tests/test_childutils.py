"""The functions and objects for children that Supervisor has too."""

from __future__ import annotations

import os
import subprocess
import sys
from io import BytesIO, StringIO

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx import childutils
from tests import requirements
from tests.functional.harness import PATIENCE, TOP

HEADER = "ver:3.0 server:supervisor serial:1 pool:p poolserial:2 eventname:TICK_5 len:6\n"


class TextTests(SynchronousTestCase):
    def test_headers(self) -> None:
        """Words are taken apart."""
        self.assertEqual(childutils.get_headers("a:1 b: c:x"), {"a": "1", "b": "", "c": "x"})
        self.assertEqual(childutils.get_headers(""), {})
        for line in ("a", "a:1 b", "a:b:c"):
            self.assertRaises(ValueError, childutils.get_headers, line)

    def test_eventdata(self) -> None:
        """A payload is a line of words and data."""
        self.assertEqual(childutils.eventdata("a:1\nx\ny"), ({"a": "1"}, "x\ny"))
        self.assertEqual(childutils.eventdata("\n"), ({}, ""))
        self.assertRaises(ValueError, childutils.eventdata, "a:1")

    def test_time(self) -> None:
        """A time is as in the log, with milliseconds."""
        self.assertRegex(childutils.get_asctime(1.5), r"\A\d{4}-\d\d-\d\d \d\d:\d\d:01,500\Z")
        self.assertRegex(childutils.get_asctime(), r"\A20\d\d-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\Z")


class StreamTests(SynchronousTestCase):
    def test_wait(self) -> None:
        """To wait for an event is to say READY and to read."""
        said = StringIO()
        headers, payload = childutils.listener.wait(StringIO(HEADER + "when:5READY"), said)
        self.assertEqual((said.getvalue(), payload), ("READY\n", "when:5"))
        self.assertEqual((headers["eventname"], headers["poolserial"]), ("TICK_5", "2"))

    def test_answers(self) -> None:
        """Answers have a length."""
        said = StringIO()
        childutils.listener.ok(said)
        childutils.listener.fail(said)
        childutils.listener.send("other", said)
        self.assertEqual(said.getvalue(), "RESULT 2\nOKRESULT 4\nFAILRESULT 5\nother")

    def test_communication(self) -> None:
        """What is to be sent in an event goes between two tokens."""
        said = BytesIO()
        childutils.pcomm.send(b"hello\xff", said)
        self.assertEqual(
            said.getvalue(), b"<!--XSUPERVISOR:BEGIN-->hello\xff<!--XSUPERVISOR:END-->"
        )

    def test_standard_streams(self) -> None:
        """Text may be sent as well, and is in its place between what is printed."""
        program = """if True:
            import sys
            from supervisor_tx.childutils import pcomm
            for say, stream in ((pcomm.stdout, sys.stdout), (pcomm.stderr, sys.stderr)):
                stream.write("before")
                say("\u2603")
                say(b"\\xff")
                stream.write("after")
        """
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(TOP), "PYTHONUNBUFFERED": ""},
            timeout=PATIENCE,
            check=True,
        )
        begin, end = b"<!--XSUPERVISOR:BEGIN-->", b"<!--XSUPERVISOR:END-->"
        said = b"before" + begin + "☃".encode() + end + begin + b"\xff" + end + b"after"
        self.assertEqual((done.stdout, done.stderr), (said, said))

    def test_calls(self) -> None:
        """A child finds its daemon by its environment."""
        self.assertRaises(KeyError, childutils.getRPCTransport, {})
        self.assertRaises(KeyError, childutils.getRPCInterface, {})
        proxy = childutils.getRPCInterface({"SUPERVISOR_SERVER_URL": "unix:///nowhere/socket"})
        self.assertRaises(FileNotFoundError, proxy.supervisor.getState)


#: Uses all that has streams of its own; the module is that of its argument.
PROGRAM = """
import importlib, sys
module = importlib.import_module(sys.argv[1])
module.pcomm.send(b"out", sys.stdout.buffer)
module.pcomm.send(b"err", sys.stderr.buffer)
headers, payload = module.listener.wait()
module.listener.send(repr((sorted(headers.items()), payload)))
module.listener.ready()
module.listener.ok()
module.listener.fail()
sys.stderr.write(repr([
    module.eventdata("a:1 b:2" + chr(10) + "x" + chr(10)),
    module.get_headers("a:1"),
    module.get_asctime(1700000000.25),
]))
"""


class LikeSupervisorTests(SynchronousTestCase):
    def test_same(self) -> None:
        """A child says the same with Supervisor's module and with ours."""
        said = []
        for python, module in (
            (requirements.stock("python"), "supervisor.childutils"),
            (sys.executable, "supervisor_tx.childutils"),
        ):
            done = subprocess.run(
                [python, "-c", PROGRAM, module],
                input=f"{HEADER}when:5".encode(),
                capture_output=True,
                env={**os.environ, "PYTHONPATH": str(TOP)},
                timeout=PATIENCE,
                check=True,
            )
            said.append((done.stdout, done.stderr))
        self.assertEqual(*said)
        self.assertIn(b"READY\n", said[0][0])
