"""Logs as clients read and clear them, and what they write to standard inputs."""

from __future__ import annotations

import os
from typing import Any

from supervisor_tx.config.model import LogConfig
from supervisor_tx.supervision.logs import logreading
from supervisor_tx.supervision.process import STDIN_BACKLOG
from tests.rpc.stage import RpcTestCase, group, program


class ReadingTests(RpcTestCase):
    """A log of ten bytes."""

    def setUp(self) -> None:
        super().setUp()
        self.log = self.directory / "a.log"
        self.log.write_bytes(b"abcdefghij")
        logs = {"stdout": LogConfig(logfile=str(self.log))}
        self.run_groups(group("g", program("a", **logs), program("none")))

    def read(self, *args: Any) -> Any:
        return self.call("supervisor.readProcessStdoutLog", "g:a", *args)

    def tail(self, *args: Any) -> Any:
        return self.call("supervisor.tailProcessStdoutLog", "g:a", *args)

    def test_read(self) -> None:
        """A piece is so many bytes from an offset, all from there, or so many from the end."""
        for offset, length, piece in (
            (0, 0, "abcdefghij"),
            (3, 4, "defg"),
            (9, 0, "j"),
            (9, 5, "j"),
            (10, 5, ""),
            (20, 0, ""),
            (-3, 0, "hij"),
            (-30, 0, "abcdefghij"),
            ("3", "4", "defg"),
            (1.5, True, "b"),
            (str(10**30), 0, ""),
            (str(-(10**30)), 0, "abcdefghij"),
            (0, str(10**30), "abcdefghij"),
        ):
            with self.subTest((offset, length)):
                self.assertEqual(self.read(offset, length), piece)

    def test_bad_arguments(self) -> None:
        """What makes no sense together is refused, and what is no number too."""
        for offset, length in ((0, -1), (-1, 1), (-1, -1)):
            self.assertEqual(self.read(offset, length), (3, "BAD_ARGUMENTS"))
        bad: tuple[Any, Any]
        for bad in (("a", 0), (0, "a"), (None, 0), ([], 0), ({}, 0), (float("inf"), 0)):
            self.assertEqual(self.read(*bad), (2, "INCORRECT_PARAMETERS"))
            self.assertEqual(self.tail(*bad), (2, "INCORRECT_PARAMETERS"))

    def test_tail(self) -> None:
        """The end of a log comes with its size, and whether it is less than what is new."""
        for offset, length, expected in (
            (0, 0, ["", 10, True]),
            (0, 3, ["hij", 10, True]),
            (3, 4, ["ghij", 10, True]),
            (-3, 0, ["", 10, True]),
            (-30, 5, ["fghij", 10, True]),
            (0, -1, ["", 10, True]),
            (20, 0, ["", 10, False]),
            (9, 0, ["", 10, True]),
            (9, 1, ["j", 10, False]),
            (10, 5, ["", 10, False]),
            (0, 9, ["bcdefghij", 10, True]),
            (0, 10, ["abcdefghij", 10, False]),
            (0, 100, ["abcdefghij", 10, False]),
            (5, 6, ["efghij", 10, False]),
            (20, -15, ["", 10, True]),
        ):
            with self.subTest((offset, length)):
                self.assertEqual(self.tail(offset, length), expected)

    def test_no_file(self) -> None:
        """Without a file there is a fault with its path, where one is known; a tail is empty."""
        read = "supervisor.readProcessStderrLog"
        self.assertEqual(self.call(read, "g:none", 0, 0), (20, "NO_FILE"))
        self.assertEqual(self.call(read, "g:none", -1, 1), (20, "NO_FILE"))
        self.log.unlink()
        self.assertEqual(self.read(0, 0), (20, f"NO_FILE: {self.log}"))
        self.assertEqual(self.tail(5, 5), ["", 0, False])
        self.assertEqual(
            self.call("supervisor.tailProcessStderrLog", "g:none", 5, 5), ["", 0, False]
        )

    def test_no_name(self) -> None:
        """A process must be named; a group is none."""
        for name in ("nope", "g", "g:*"):
            for method in ("readProcessLog", "tailProcessLog", "readProcessStderrLog"):
                expected = (10, f"BAD_NAME: {name}")
                self.assertEqual(self.call(f"supervisor.{method}", name, 0, 0), expected)

    def test_unreadable(self) -> None:
        """What is no regular file is never waited for."""
        for make in (os.mkfifo, os.mkdir):
            self.log.unlink()
            make(self.log)
            self.assertEqual(self.read(0, 0), (30, "FAILED"))
            self.assertEqual(self.tail(5, 5), ["", 5, False])
            if make is os.mkfifo:
                continue
            self.log.rmdir()

    def test_bytes_that_are_no_text(self) -> None:
        """What is no UTF-8 and what XML cannot carry is replaced; the rest arrives as it is."""
        self.log.write_bytes("é<&>\t\r\n".encode() + b"\xff\x00\x1b[0m\xed\xa0\x80]]>\x7f")
        expected = "é<&>\t\n\ufffd\ufffd\ufffd[0m\ufffd\ufffd\ufffd]]>\x7f"
        self.assertEqual(self.read(0, 0), expected)
        self.assertEqual(self.read(1, 3), "\ufffd<&")
        self.assertEqual(self.tail(0, 1)[0], "\x7f")

    def test_long(self) -> None:
        """A long log is turned into text piece by piece, characters across pieces too."""
        text = "aé€𐍈" * 60_000
        self.log.write_text(text)
        self.assertEqual(self.read(0, 0), text)
        self.assertEqual(self.tail(0, 10**9)[0], text)

    def test_too_long(self) -> None:
        """More than an answer may hold is refused, a piece of it is not."""
        with open(self.log, "r+b") as file:
            file.truncate(logreading.MOST + 1)
        code, text = self.read(0, 0)
        self.assertEqual((code, text.split(":")[0]), (30, "FAILED"))
        self.assertEqual(self.tail(0, str(10**12))[0], 30)
        self.assertEqual(self.read(0, 3), "abc")

    def test_main_log(self) -> None:
        """The daemon's own log is read in the same way."""
        expected = (20, f"NO_FILE: {self.daemon.logfile}")
        self.assertEqual(self.call("supervisor.readLog", 0, 0), expected)
        self.daemon.logfile.write_text("it began")
        self.assertEqual(self.call("supervisor.readLog", 3, 0), "began")
        self.assertEqual(self.call("supervisor.readMainLog", -2, 0), "an")
        self.assertEqual(self.call("supervisor.readLog", -2, 1), (3, "BAD_ARGUMENTS"))


class ClearingTests(RpcTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.logs = [self.directory / name for name in ("o.log", "e.log")]
        stdout, stderr = (LogConfig(logfile=str(log)) for log in self.logs)
        self.run_groups(
            group("g", program("a", stdout=stdout, stderr=stderr), program("b", priority=1))
        )

    def test_running(self) -> None:
        """The logs of a process that runs are begun anew."""
        self.success("supervisor.startProcess", "g:a", False)
        self.child("a").say(1, b"one")
        self.child("a").say(2, b"two")
        self.assertEqual(self.call("supervisor.clearProcessLogs", "g:a"), True)
        self.child("a").say(1, b"three")
        self.assertEqual([log.read_bytes() for log in self.logs], [b"three", b""])

    def test_not_running(self) -> None:
        """Those of one that does not run are left alone, and that is called a success."""
        self.logs[0].write_text("kept")
        self.assertEqual(self.call("supervisor.clearProcessLog", "g:a"), True)
        self.assertEqual(self.logs[0].read_text(), "kept")

    def test_fails(self) -> None:
        """Where a log cannot be cleared the name is told, and the other one is cleared."""
        self.success("supervisor.startProcess", "g:a", False)
        self.child("a").say(2, b"two")
        self.logs[0].unlink()
        self.logs[0].mkdir()
        self.assertEqual(self.call("supervisor.clearProcessLogs", "g:a"), (30, "FAILED: g:a"))
        self.assertEqual(self.logs[1].read_bytes(), b"")
        [first, second] = self.success("supervisor.clearAllProcessLogs")
        self.assertEqual((first["name"], first["status"]), ("b", 80))
        self.assertEqual((second["name"], second["description"]), ("a", "FAILED: g:a"))
        self.logs[0].rmdir()

    def test_names(self) -> None:
        """A process must be named."""
        for name in ("g", "g:*", "nope"):
            expected = (10, f"BAD_NAME: {name}")
            self.assertEqual(self.call("supervisor.clearProcessLogs", name), expected)

    def test_all_of_many(self) -> None:
        """All are cleared by priority, a few in each turn of the loop."""
        members = [program(f"p{number:02}", priority=99 - number) for number in range(50)]
        self.run_groups(group("many", *members, priority=1))
        asked = self.ask("supervisor.clearAllProcessLogs")
        self.assertNoResult(asked)
        self.turn()
        names = [each["name"] for each in self.result(asked)]
        self.assertEqual(names, [*(f"p{number:02}" for number in reversed(range(50))), "b", "a"])

    def test_main_log(self) -> None:
        """The daemon's own log is begun anew; without one there is none to clear."""
        self.assertEqual(self.call("supervisor.clearLog"), (20, "NO_FILE"))
        self.daemon.logfile.write_text("old")
        self.assertEqual(self.call("supervisor.clearLog"), True)
        self.assertEqual(self.daemon.logfile.read_text(), "")
        self.daemon.logfile.unlink()
        self.daemon.logfile.mkdir()
        self.assertEqual(self.call("supervisor.clearLog"), (30, "FAILED"))


class StdinTests(RpcTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.daemon.spawner.obeys = ()
        self.run_groups(group("g", program("a")))

    def send(self, *params: Any) -> Any:
        return self.call("supervisor.sendProcessStdin", *params)

    def test_text(self) -> None:
        """Text is written in UTF-8."""
        self.success("supervisor.startProcess", "g:a", False)
        for text in ("one\n", "", "zwölf"):
            self.assertEqual(self.send("g:a", text), True)
        self.assertEqual(self.child("a").stdin, "one\nzwölf".encode())

    def test_no_text(self) -> None:
        """What is no text is shown as Python does, before the name is looked at."""
        for value, shown in ((5, ": 5"), ([], ": []"), (True, ": True"), (1.5, ": 1.5")):
            self.assertEqual(self.send("nope", value), (2, f"INCORRECT_PARAMETERS{shown}"))
        self.assertEqual(self.send("nope", None), (2, "INCORRECT_PARAMETERS"))
        self.assertEqual(self.send(5, "text"), (2, "INCORRECT_PARAMETERS"))
        self.assertEqual(self.send("nope", "text"), (10, "BAD_NAME: nope"))

    def test_not_running(self) -> None:
        """What does not run, or is being stopped, reads nothing."""
        self.assertEqual(self.send("g:a", "text"), (70, "NOT_RUNNING: g:a"))
        self.ask("supervisor.startProcess", "g:a")
        self.assertEqual(self.send("g:a", "text"), (70, "NOT_RUNNING: g:a"))
        self.turn()
        self.assertEqual(self.send("g:a", "text"), True)
        self.ask("supervisor.stopProcess", "g:a")
        self.assertEqual(self.send("g:a", "text"), (70, "NOT_RUNNING: g:a"))

    def test_closed(self) -> None:
        """A standard input that is closed is reported."""
        self.success("supervisor.startProcess", "g:a", False)
        self.child("a").close(0)
        self.assertEqual(self.send("g:a", "text"), (20, "NO_FILE: g:a"))

    def test_full(self) -> None:
        """A process that does not read is given only so much."""
        self.success("supervisor.startProcess", "g:a", False)
        self.child("a").backlog = STDIN_BACKLOG
        self.assertEqual(self.send("g:a", "text"), True)
        self.child("a").backlog += 1
        code, text = self.send("g:a", "more")
        self.assertEqual((code, text[:12]), (30, "FAILED: g:a:"))
        self.assertEqual(self.child("a").stdin, b"text")
