"""
What listeners hear of the output of programs, under Supervisor and under us.

How a text is cut into ``PROCESS_LOG`` events is luck with both, so these are compared put together;
communications are compared one by one.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from textwrap import dedent

from supervisor_tx.core.capture import BEGIN, END
from tests.functional.test_events_like_stock import CONTROL, LikeStockCase, Stage, pool

#: Supervisor waits for more where there is less than this.
FILL = b", which is more than any token"

PROGRAMS = """\
[program:talker]
command=sh -c "exec cat <>%(here)s/talk"
autostart=false
autorestart=false
startsecs=0
stdout_logfile=%(here)s/talker.log
stdout_events_enabled=true
stdout_capture_maxbytes=1MB
[program:shouter]
command=sh -c "exec cat <>%(here)s/shout >&2"
autostart=false
autorestart=false
startsecs=0
stderr_logfile=%(here)s/shouter.log
stderr_events_enabled=true
stderr_capture_maxbytes=10
"""

FIFOS = {"talker": "talk", "shouter": "shout"}


def text(mark: str) -> bytes:
    """Return a text that Supervisor does not hold back, with a mark to wait for."""
    return f"({mark})".encode() + FILL


class Stand:
    """One daemon, two programs that say what they are told to, and a listener."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.daemon = stage, stage.daemon

    def payloads(self, *kinds: str) -> list[str]:
        """The payloads of events of these types, as the listener has read them."""
        wanted = re.compile(rf" eventname:(?:{'|'.join(kinds)}) ")
        events = (event.partition("\n") for event in self.stage.events("hear"))
        return [payload for header, _, payload in events if wanted.search(header)]

    def communications(self) -> list[str]:
        """All communications that were heard, and of whom."""
        return self.payloads("PROCESS_COMMUNICATION_STDOUT", "PROCESS_COMMUNICATION_STDERR")

    def told(self, channel: str) -> str:
        """All output that was heard of, put together."""
        payloads = self.payloads(f"PROCESS_LOG_{channel.upper()}")
        return "".join(payload.partition("\n")[2] for payload in payloads)

    def log(self, program: str) -> bytes:
        """What the log of a program holds."""
        return (self.daemon.directory / f"{program}.log").read_bytes()

    def start(self) -> None:
        """Start the programs."""
        for program, fifo in FIFOS.items():
            os.mkfifo(self.daemon.directory / fifo)
            assert self.stage.call("startProcess", program) is True

    def say(self, *texts: bytes, program: str = "talker") -> None:
        """Have a program say something, each text when the last mark of that before was heard."""
        for each in texts:
            with open(self.daemon.directory / FIFOS[program], "wb", buffering=0) as fifo:
                fifo.write(each)
            if marks := re.findall(rb"\(\w+\)", each):
                self.stage.wait(marks[-1].decode(), "hear")


class OutputCase(LikeStockCase):
    def perform(
        self, steps: Callable[[Stand], None], *arguments: str, config: str = PROGRAMS
    ) -> tuple[Stand, Stand]:
        """Have both daemons take the same steps; return both."""

        def lead(stage: Stage) -> None:
            stage.started("hear")
            stand = Stand(stage)
            stand.start()
            steps(stand)
            stage.settle("hear")

        theirs, ours = self.play(config + pool("hear"), lead, arguments=arguments)
        return Stand(theirs), Stand(ours)


class LikeStockTests(OutputCase):
    def same(self, theirs: Stand, ours: Stand) -> None:
        """What was communicated, told and logged is the same."""
        self.assertEqual(ours.communications(), theirs.communications())
        for channel in ("stdout", "stderr"):
            self.assertEqual(ours.told(channel), theirs.told(channel))
        for program in FIFOS:
            self.assertEqual(ours.log(program), theirs.log(program))
        emitted = r"DEBG '\w+' std\w+ emitted a comm event$"
        self.assertEqual(
            [match[0] for match in ours.daemon.lines(emitted)],
            [match[0] for match in theirs.daemon.lines(emitted)],
        )

    def test_cut(self) -> None:
        """Tokens may be cut over several reads, wherever."""

        def steps(stand: Stand) -> None:
            for cut in (1, 4, 17, len(END) - 1):
                stand.say(
                    text(f"{cut}a") + BEGIN[:cut],
                    BEGIN[cut:] + text(f"{cut}b"),
                    text(f"{cut}c") + END[:cut],
                    END[cut:] + text(f"{cut}d"),
                )

        theirs, ours = self.perform(steps)
        self.same(theirs, ours)
        self.assertEqual(len(ours.communications()), 4)

    def test_many(self) -> None:
        """There may be many in one write, with something between them or nothing."""

        def steps(stand: Stand) -> None:
            many = (BEGIN + b"%d" % n + END + b"." * (n % 3) for n in range(300))
            stand.say(b"".join(many) + text("end"))
            stand.say(BEGIN + END + BEGIN + BEGIN + END + END + text("nested"))

        theirs, ours = self.perform(steps)
        self.same(theirs, ours)
        self.assertEqual(len(ours.communications()), 302)

    def test_stderr(self) -> None:
        """Stderr is captured like stdout, and escape sequences are taken out of both."""

        def steps(stand: Stand) -> None:
            said = BEGIN + b"\x1b[31mshort\x1b[0m" + END
            for program in FIFOS:
                stand.say(b"\x1b[1m" + said + b"\x1b[0m" + text(program), program=program)
                stand.say(
                    BEGIN + b"\xff\x00" + END + b"\xff" + text(f"{program}2"), program=program
                )

        theirs, ours = self.perform(steps, "--strip_ansi")
        self.same(theirs, ours)
        self.assertEqual(
            [payload.partition("\n")[2] for payload in ours.communications()],
            ["short", "Undecodable: b'\\xff\\x00'"] * 2,
        )
        self.assertNotIn(b"\x1b", ours.log("shouter"))

    def test_clear(self) -> None:
        """Who clears the logs of a program clears what it has begun to say to listeners."""

        def steps(stand: Stand) -> None:
            stand.say(text("a") + BEGIN + text("b"))
            self.assertIs(stand.stage.call("clearProcessLogs", "talker"), True)
            stand.say(b"left" + END + text("c"))

        theirs, ours = self.perform(steps)
        self.same(theirs, ours)
        self.assertEqual(ours.log("talker"), text("c"))
        self.assertEqual(ours.communications()[0].partition("\n")[2], "left")

    def test_end_within(self) -> None:
        """What a program has not said to its end is not sent, nor is anything of the next run."""

        def steps(stand: Stand) -> None:
            stand.say(text("a") + BEGIN + text("b"))
            self.assertIs(stand.stage.call("stopProcess", "talker"), True)
            self.assertIs(stand.stage.call("startProcess", "talker"), True)
            stand.say(text("c") + END + BEGIN + b"d" + END + text("e"))

        theirs, ours = self.perform(steps)
        self.same(theirs, ours)
        self.assertEqual(len(ours.communications()), 1)
        (warning,) = ours.daemon.lines("WARN the stdout of talker ended within a communication.*$")
        self.assertIn(f" {len(text('b'))} bytes ", warning[0])

    def test_listener(self) -> None:
        """A listener's own stdout is no output; its stderr is one like any other."""
        said = f"{text('a').decode()}{BEGIN.decode()}b{END.decode()}{text('c').decode()}"
        listener = pool(
            "speaks",
            "stdout_events_enabled=true",
            "stdout_capture_maxbytes=10",
            "stderr_events_enabled=true",
            "stderr_capture_maxbytes=10",
            events="REMOTE_COMMUNICATION",
        )
        speaks = f"""command=sh -c 'printf %%s "$0" >&2; exec "$@"' '{said}' """
        listener = listener.replace("command=", speaks)

        def steps(stand: Stand) -> None:
            stand.stage.wait("(c)", "hear")

        theirs, ours = self.perform(steps, config=PROGRAMS + listener)
        self.same(theirs, ours)
        (communication,) = ours.communications()
        self.assertEqual(communication, "processname:speaks groupname:speaks pid:N\nb")
        self.assertEqual(ours.told("stderr"), f"{text('a').decode()}b{text('c').decode()}")
        self.assertNotIn("READY", ours.told("stdout"))


class MendedTests(OutputCase):
    def test_maximum(self) -> None:
        """Of what is too long we send what Supervisor does, but no more than the maximum."""

        def steps(stand: Stand) -> None:
            stand.say(BEGIN + text("a") + END + text("b"), program="shouter")
            stand.say(BEGIN + text("c"), text("d") + b"1234567", END + text("e"), program="shouter")

        theirs, ours = self.perform(steps)
        expected = [text("a")[-10:].decode(), (text("d") + b"1234567")[-10:].decode()]
        for stand in (theirs, ours):
            found = [payload.partition("\n")[2] for payload in stand.communications()]
            self.assertEqual([data[-10:] for data in found], expected)
        self.assertEqual([len(data) for data in found], [10, 10])
        self.assertEqual(ours.told("stderr"), theirs.told("stderr"))

    def ours(self, config: str) -> Stand:
        """Start our daemon alone, with a listener."""
        daemon = self.daemon(CONTROL + config + pool("hear"))
        stage = Stage(daemon)
        stage.started("hear")
        return Stand(stage)

    def test_short(self) -> None:
        """Short output is logged and told at once, and the last of a program too."""
        stand = self.ours(PROGRAMS)
        stand.start()
        stand.say(b"(x)")
        self.assertEqual(stand.log("talker"), b"(x)")
        stand.say(b"(y)" + BEGIN[:-1])
        self.assertIs(stand.stage.call("stopProcess", "talker"), True)
        self.assertEqual(stand.log("talker"), b"(x)(y)" + BEGIN[:-1])
        stand.stage.settle("hear")
        self.assertEqual(stand.told("stdout"), "(x)(y)" + BEGIN[:-1].decode())

    def test_long_text(self) -> None:
        """However long a text is, no character of it is told as bytes."""
        count = 200_000
        code = f"""\
            import os
            data = memoryview(b"\\xe2\\x82\\xac" * {count})
            while data:
                data = data[os.write(1, data):]
            """
        (self.directory / "long.py").write_text(dedent(code))
        stand = self.ours(
            "[program:long]\n"
            f"command={sys.executable} %(here)s/long.py\n"
            "startsecs=0\n"
            "autorestart=false\n"
            "stdout_events_enabled=true\n"
            "stdout_logfile=%(here)s/long.log\n"
        )
        stand.stage.wait("processname:long groupname:long from_state:RUNNING", "hear")
        stand.stage.settle("hear")
        self.assertEqual(stand.log("long"), ("\u20ac" * count).encode())
        self.assertEqual(stand.told("stdout"), "\u20ac" * count)

    def test_cannot_be_executed(self) -> None:
        """What stands in the log of a program that never was is told too, of nobody."""
        (self.directory / "broken").write_bytes(b"\0")
        (self.directory / "broken").chmod(0o755)
        stand = self.ours(
            "[program:broken]\n"
            "command=%(here)s/broken\n"
            "startretries=0\n"
            "stderr_events_enabled=true\n"
            "stderr_logfile=%(here)s/broken.log\n"
        )
        stand.stage.wait("eventname:PROCESS_STATE_FATAL", "hear")
        (event,) = stand.payloads("PROCESS_LOG_STDERR")
        self.assertEqual(
            event,
            "processname:broken groupname:broken pid:0 channel:stderr\n"
            "supervisor: couldn't exec HERE/broken: ENOEXEC\n"
            "supervisor: child process was not spawned\n",
        )
