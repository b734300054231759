"""
The same listeners under Supervisor and under us read the same bytes.

Both daemons run the same configuration and are led through the same steps. What each listener has
read is compared, without the numbers of processes and the times in it, and so is what the activity
log tells of listeners.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests import requirements
from tests.functional import listener
from tests.functional.harness import TOP, Daemon, FunctionalTestCase, until
from tests.functional.rpc import Client

CONTROL = """\
loglevel=debug
environment=LD_PRELOAD=""
[unix_http_server]
file=%(here)s/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

#: Every type but ticks, which come when they like.
STEADY = (
    "PROCESS_STATE,PROCESS_COMMUNICATION,PROCESS_LOG,REMOTE_COMMUNICATION,"
    "SUPERVISOR_STATE_CHANGE,PROCESS_GROUP"
)


def pool(name: str, *options: str, mode: str = "text", events: str = STEADY) -> str:
    """Return the section of a pool."""
    command = f"{requirements.stock('python')} {listener.__file__} {mode} %(here)s"
    lines = (
        f"[eventlistener:{name}]",
        f"command={command}",
        f"events={events}",
        "buffer_size=1000",
        *options,
    )
    return "".join(f"{line}\n" for line in lines)


class Stage:
    """One daemon, with means to lead it through steps that end before the next begin."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.client = Client(daemon.directory / "s")
        self._marks = 0

    def call(self, method: str, *params: object) -> object:
        """Call a method of the main interface."""
        return self.client.call(f"supervisor.{method}", *params)

    def remote(self, kind: str, data: str) -> None:
        """Have an event sent."""
        answer = self.call("sendRemoteCommEvent", kind, data)
        assert answer is True, answer

    def read(self, name: str) -> str:
        """What a listener has read so far."""
        file = self.daemon.directory / f"{name}.heard"
        return file.read_bytes().decode(errors="replace") if file.exists() else ""

    def wait(self, text: str, *names: str, count: int = 1) -> None:
        """Wait until listeners have read a text so often."""
        for name in names:
            until(
                lambda name=name: self.read(name).count(text) >= count,  # type: ignore[misc]
                lambda name=name: f"{text!r} in {self.read(name)!r}; {self.daemon.tell()}",  # type: ignore[misc]
            )

    def wait_for_ready(self, *names: str) -> None:
        """Wait until the log says that listeners have dealt with all that they have read."""
        for name in names:
            until(
                lambda name=name: self.is_ready(name),  # type: ignore[misc]
                lambda name=name: f"{name} ready in {self.daemon.tell()}",  # type: ignore[misc]
            )

    def is_ready(self, name: str) -> bool:
        """Tell whether the log says that a listener has dealt with all that it has read."""
        said = self.daemon.lines(
            rf" DEBG (?:{name}: (\w+ -> \w+)|event \d+ sent to listener {name})$"
        )
        sent = sum(match[1] is None for match in said)
        return (
            sent >= self.read(name).count("ver:3.0 server:")
            and bool(said)
            and said[-1][1] == "ACKNOWLEDGED -> READY"
        )

    def started(self, *names: str, count: int = 1) -> None:
        """Wait until processes run, for the so manieth time."""
        for name in names:
            self.daemon.wait_for(f"success: {name} ", count)

    def settle(self, *names: str) -> None:
        """Wait until listeners have read all that has happened, and wait for more."""
        self._marks += 1
        self.remote("mark", f"<{self._marks}>")
        self.wait(f"<{self._marks}>", *names)
        self.wait_for_ready(*names)

    def events(self, name: str) -> list[str]:
        """
        Each event that a listener has read, without times and numbers of processes.

        Fails where a payload is not as long as its header says.
        """
        text, found = self.read(name), list[str]()
        while text:
            header, _, text = text.partition("\n")
            match = re.fullmatch(r"(ver:3\.0 .* len:)(\d+)", header)
            assert match, (header, found)
            payload, text = text[: int(match[2])], text[int(match[2]) :]
            payload = re.sub(r"\bpid:[1-9]\d*", "pid:N", payload)
            payload = re.sub(r"\bwhen:\d+", "when:N", payload)
            payload = payload.replace(str(self.daemon.directory), "HERE")
            found.append(f"{match[1]}{len(payload)}\n{payload}")
        return found

    def told(self, pool: str, name: str) -> list[str]:
        """Return what the log says of a pool and one of its listeners, but not when."""
        patterns = (
            rf"{name}: (?:\w+ -> \w+|event was|event caused|bad result|has entered).*",
            rf"event \d+ sent to listener {name}",
            rf"pool {pool} event buffer overflowed.*",
        )
        return [match[1] for match in self.daemon.lines(rf" (\w+ (?:{'|'.join(patterns)}))$")]


def split(events: list[str]) -> tuple[list[str], list[str]]:
    """Set apart what a daemon tells from its own end on, until it begins anew."""
    steady, final = list[str](), list[str]()
    ending = False
    for event in events:
        kind = event.partition("eventname:")[2].partition(" ")[0]
        if kind.startswith(("SUPERVISOR_STATE_CHANGE_", "PROCESS_GROUP_ADDED")):
            ending = kind.endswith("_STOPPING")
        (final if ending else steady).append(event)
    return steady, final


def unnumbered(event: str) -> str:
    """Return an event without its serials."""
    return re.sub(r"serial:\d+", "serial:N", event, count=2)


class LikeStockCase(FunctionalTestCase):
    """A test that leads both daemons through the same steps at the same time."""

    maxDiff = None

    def play(
        self, config: str, steps: Callable[[Stage], None], **options: object
    ) -> tuple[Stage, Stage]:
        """Start both, take the steps, and return both when they are no more."""
        theirs, ours = (
            Stage(daemon)
            for daemon in self.both(CONTROL + config, **options)  # type: ignore[arg-type]
        )

        def lead(stage: Stage) -> None:
            stage.daemon.wait_for("INFO supervisord started")
            steps(stage)
            stage.daemon.process.kill()  # an orderly end takes Supervisor a second for each pool

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(lead, stage) for stage in (theirs, ours)]:
                done.result()
        return theirs, ours

    def compare(self, theirs: Stage, ours: Stage, *names: str) -> None:
        """
        Compare what listeners have read.

        How much they hear of the end of the daemon is luck with Supervisor.
        """
        for name in names:
            with self.subTest(listener=name):
                expected, some = split(theirs.events(name))
                found, everything = split(ours.events(name))
                self.assertTrue(expected)
                self.assertEqual(found, expected)
                self.assertLessEqual(*(set(map(unnumbered, each)) for each in (some, everything)))


TALKERS = """\
[program:off]
command=sleep 1000
autostart=false
[program:ends]
command=sh -c "read status <%(here)s/end; exit $status"
autostart=false
autorestart=false
startsecs=0
[program:quick]
command=sh -c "exit 3"
autostart=false
autorestart=false
startsecs=0
[program:failing]
command=sh -c "exit 1"
autostart=false
startretries=0
startsecs=5
[program:retrying]
command=sh -c "exit 1"
autostart=false
startretries=100
startsecs=5
[program:talker]
command=sh -c "exec cat <>%(here)s/talk"
autostart=false
autorestart=false
startsecs=0
stdout_logfile=NONE
stdout_events_enabled=true
stdout_capture_maxbytes=1MB
[program:shouter]
command=sh -c "exec cat <>%(here)s/shout >&2"
autostart=false
autorestart=false
startsecs=0
stderr_logfile=NONE
stderr_events_enabled=true
stderr_capture_maxbytes=1MB
strip_ansi=true
"""

#: What children say, each in one piece; none ends in so few bytes that Supervisor holds them back.
TAIL = " and more than any token is long"
SPEECHES = tuple(
    speech + f"{TAIL}\n".encode()
    for speech in (
        b"plain",
        "one <!--XSUPERVISOR:BEGIN-->gr\u00fc\u00dfe \u20ac<!--XSUPERVISOR:END-->".encode(),
        b"<!--XSUPERVISOR:BEGIN--><!--XSUPERVISOR:END-->",
        b"<!--XSUPERVISOR:BEGIN-->\xff\xfe\x00'\"<!--XSUPERVISOR:END-->",
        b"a<!--XSUPERVISOR:BEGIN-->b<!--XSUPERVISOR:END-->c",
        b"<!--XSUPERVISOR:BEGIN-->\x1b[31mred\x1b[0m<!--XSUPERVISOR:END-->" * 2,
        b"no text: \xff\xfe\x00 '\"",
        b"\x1b[31mred\x1b[0m",
        "\u20ac\u20ac: ver:3.0 len:5\r\nREADY\n RESULT 2\nOK".encode(),
    )
)

REMOTE = (
    ("type", "data"),
    ("", ""),
    ("with blanks, and a colon:", "several\nlines\n"),
    ("gr\u00fc\u00dfe", "\u20ac \U0001f389 e\u0301"),
    ("long", "x\u00e4" * 50000),
)


class LifeTests(LikeStockCase):
    """Everything that happens to processes, groups and the daemon, and what they say."""

    def test_all_types(self) -> None:
        """Each type of event is the same, for each kind of listener, and over a restart."""
        config = (
            TALKERS
            + pool("text", "priority=1")
            + pool("utils", "priority=2", mode="childutils")
            + pool(
                "bytes", "priority=3", mode="bytes", events="PROCESS_STATE,SUPERVISOR_STATE_CHANGE"
            )
            + pool("twice", "priority=4", events="PROCESS_STATE,PROCESS_STATE_RUNNING,EVENT,TICK")
        ).replace("PROCESS_STATE_RUNNING,EVENT,TICK", f"PROCESS_STATE_RUNNING,{STEADY}")
        theirs, ours = self.play(config, self.live)
        self.compare(theirs, ours, "text", "utils", "bytes", "twice")
        for name in ("text", "utils", "bytes", "twice"):  # we keep none of this to ourselves
            final = "".join(split(ours.events(name))[1])
            for program in ("talker", "shouter"):
                for was in ("RUNNING", "STOPPING"):
                    stop = f"processname:{program} groupname:{program} from_state:{was} pid:N"
                    self.assertIn(stop, final)
        text = ours.read("text")
        for kind in ("STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "STOPPED", "FATAL"):
            self.assertIn(f"eventname:PROCESS_STATE_{kind} ", text)
        for kind in ("GROUP_ADDED", "GROUP_REMOVED", "LOG_STDOUT", "LOG_STDERR"):
            self.assertIn(f"eventname:PROCESS_{kind} ", text)
        self.assertIn("eventname:SUPERVISOR_STATE_CHANGE_STOPPING ", text)
        for channel in ("STDOUT", "STDERR"):
            self.assertIn(f"eventname:PROCESS_COMMUNICATION_{channel} ", text)

    def live(self, stage: Stage) -> None:
        """Let everything happen, one thing after the other."""
        daemon, everybody = stage.daemon, ("text", "utils", "twice")
        for name in ("end", "talk", "shout"):
            os.mkfifo(daemon.directory / name)
        stage.started(*everybody, "bytes")
        stage.settle(*everybody)
        for kind, data in REMOTE:
            stage.remote(kind, data)
        stage.settle(*everybody)
        self.assertIs(stage.call("startProcess", "off"), True)
        stage.settle(*everybody)
        self.assertIs(stage.call("stopProcess", "off"), True)
        for status in (0, 1):
            self.assertIs(stage.call("startProcess", "ends"), True)
            daemon.order(f"{status}\n", "end")
            stage.wait(
                f"processname:ends groupname:ends from_state:RUNNING expected:{1 - status}", "text"
            )
        stage.call("startProcess", "quick", False)
        stage.wait("processname:quick groupname:quick from_state:RUNNING", "text")
        stage.settle(*everybody)
        stage.call("startProcess", "failing", False)
        stage.wait("eventname:PROCESS_STATE_FATAL", "text")
        stage.call("startProcess", "retrying", False)
        stage.wait("processname:retrying groupname:retrying from_state:STARTING tries:2", "text")
        self.assertIs(stage.call("stopProcess", "retrying"), True)
        stage.call("startProcess", "failing", False)
        stage.wait("eventname:PROCESS_STATE_FATAL", "text", count=2)
        stage.settle(*everybody)
        self.speak(stage)
        stage.settle(*everybody)
        self.assertIs(stage.call("removeProcessGroup", "off"), True)
        stage.settle(*everybody)
        self.assertIs(stage.call("addProcessGroup", "off"), True)
        stage.settle(*everybody)
        self.assertIs(stage.call("restart"), True)
        stage.started(*everybody, "bytes", count=2)
        stage.settle(*everybody)

    def speak(self, stage: Stage) -> None:
        """Let children write."""
        for child, fifo in (("talker", "talk"), ("shouter", "shout")):
            self.assertIs(stage.call("startProcess", child), True)
            before = stage.read("text").count(TAIL)
            for number, speech in enumerate(SPEECHES, 1):
                with open(stage.daemon.directory / fifo, "wb") as orders:
                    orders.write(speech)
                stage.wait(TAIL, "text", count=before + number)
            stage.settle("text", "utils", "twice")


GO_ON, LOST, WAITED_FOR = "goes on", "lost", "has not said all"

#: What listeners answer, by their names, and whether they go on after that.
ANSWERS = {
    "rejects": (r"RESULT 4\nFAIL", GO_ON),
    "unknown_word": (r"RESULT 5\nhello", GO_ON),
    "lower_case": (r"RESULT 2\nok", GO_ON),
    "seven_bytes": (r"1234567 2\nOK", GO_ON),
    "blanks": (r"RESULT   2 \nOK", GO_ON),
    "sign": (r"RESULT +2\nOK", GO_ON),
    "nothing": (r"RESULT 0\n", GO_ON),
    "long": (r"RESULT 100000\n", WAITED_FOR),
    "no_number": (r"RESULT x\nOK", LOST),
    "no_result": (r"RESULT\nOK", LOST),
    "other_word": (r"NONSENSE 2\nOK", LOST),
    "binary": (r"\xff\xfe\x00\n", LOST),
    "binary_number": (r"RESULT \xff\nOK", LOST),
    "empty": (r"\n", LOST),
    "too_much": (r"RESULT 2\nOKhello\n", LOST),
    "too_early": (r"RESULT 2\nOKREADY\nREADY\n", LOST),
    "small_ready": (r"RESULT 2\nOKready\n", LOST),
}

HANDLER = """\
from supervisor.dispatchers import RejectEvent

def judge(event, result):
    with open("judged", "a") as file:
        print(type(event).__name__, event.payload(), result, file=file)
    if result == b"no":
        raise RejectEvent(result)
    if result == b"oh":
        raise ValueError(result)
"""

REMOTE_ONLY = "REMOTE_COMMUNICATION"


class AnswerTests(LikeStockCase):
    """What listeners answer, and what becomes of the event and of them."""

    def test_answers(self) -> None:
        """Right and wrong answers do the same to a listener, and the log tells it alike."""
        config = ""
        for priority, name in enumerate(ANSWERS, 1):  # an event goes to all pools of its priority
            config += pool(name, f"priority={priority}", events=REMOTE_ONLY)
        theirs, ours = self.play(config, self.answer)
        self.compare(theirs, ours, *ANSWERS)
        for name in ANSWERS:
            with self.subTest(listener=name):
                self.assertEqual(ours.told(name, name), theirs.told(name, name))

    def answer(self, stage: Stage) -> None:
        """Have each listener give its answer, and see who goes on."""
        stage.started(*ANSWERS)
        stage.settle(*ANSWERS)
        for name, (answer, end) in ANSWERS.items():
            stage.remote(name, f"answer {answer}")
            if end == LOST:
                stage.daemon.wait_for(f"WARN {name}: has entered the UNKNOWN state")
        stage.wait(ANSWERS["long"][0], "long")
        stage.settle(*(name for name, (_, end) in ANSWERS.items() if end == GO_ON))

    def test_pools(self) -> None:
        """
        Events find a process that is free, wait where there is none, and are dropped too many.

        One that was rejected comes again at once, but not to other pools, where Supervisor hands it
        to all whose processes have the same priority.
        """
        (self.directory / "handlers.py").write_text(HANDLER)
        config = (
            pool("utils", "priority=1", mode="childutils", events=REMOTE_ONLY)
            + pool("neighbour", "priority=1", events="PROCESS_COMMUNICATION")
            + pool(
                "pair",
                "priority=2",
                "numprocs=2",
                "process_name=%(program_name)s%(process_num)d",
                events=REMOTE_ONLY,
            )
            + pool("late", "priority=3", "autostart=false", "buffer_size=2", events=REMOTE_ONLY)
            + pool("own", "priority=4", "result_handler=handlers:judge", events=REMOTE_ONLY)
        )
        theirs, ours = self.play(
            config, self.handle, environ={"PYTHONPATH": f"{TOP}:{self.directory}"}
        )
        self.compare(theirs, ours, "utils", "pair0", "pair1", "late", "own")
        for name, process in (
            ("utils", "utils"),
            ("pair", "pair0"),
            ("pair", "pair1"),
            ("late", "late"),
            ("own", "own"),
        ):
            with self.subTest(pool=name, process=process):
                self.assertEqual(ours.told(name, process), theirs.told(name, process))
        again = (
            r"utils: event was rejected\n(?:.*\n)*?.*DEBG (rebuffering event .* for pool utils .*)"
        )
        self.assertEqual(*(re.findall(again, stage.daemon.log)[:1] for stage in (ours, theirs)))
        self.assertIn("rebuffering event", ours.daemon.log)
        self.assertEqual(ours.daemon.read("judged"), theirs.daemon.read("judged"))
        self.assertIn("pool:neighbour", theirs.read("neighbour"))
        self.assertEqual(ours.read("neighbour"), "")

    def handle(self, stage: Stage) -> None:
        """Hold listeners back, one after the other, and let go of them."""
        for name in ("first", "second"):
            os.mkfifo(stage.daemon.directory / name)
        stage.started("utils", "own", "pair0", "pair1")

        def pair(kind: str, data: str, listener: str) -> None:
            stage.remote(kind, data)
            stage.wait(f"type:{kind}\n{data}", listener)

        pair("hello", "1", "pair0")
        stage.wait_for_ready("pair0")
        pair("pair0", "hold first", "pair0")
        pair("hello", "2", "pair1")
        stage.wait_for_ready("pair1")
        pair("pair1", "hold second", "pair1")
        stage.remote("hello", "3")
        stage.remote("hello", "4")
        stage.daemon.order("", "first")
        stage.wait("type:hello\n4", "pair0")
        stage.daemon.order("", "second")
        stage.wait_for_ready("pair0", "pair1")
        pair("pair0", "exit 1", "pair0")
        stage.wait("type:pair0\nexit 1", "pair1")
        stage.daemon.wait_for("success: pair0", 2)
        stage.wait_for_ready("pair0", "pair1")
        pair("hello", "5", "pair0")
        stage.wait_for_ready("utils", "pair0", "pair1", "own")
        stage.remote("utils", "fail")
        stage.wait("type:utils\nfail", "utils", count=2)
        stage.wait("type:utils\nfail", "pair0")
        stage.wait_for_ready("utils", "pair0", "own")
        stage.remote("own", r"answer RESULT 2\nno")
        stage.wait(r"answer RESULT 2\nno", "own", count=2)
        stage.wait(r"answer RESULT 2\nno", "pair0")
        stage.wait_for_ready("utils", "pair0", "own")
        stage.remote("own", r"answer RESULT 2\noh")
        stage.daemon.wait_for("WARN own: has entered the UNKNOWN state")
        stage.wait("type:own", "pair0", count=2)
        self.assertIs(stage.call("startProcess", "late"), True)
        stage.wait(r"answer RESULT 2\noh", "late")
        stage.wait_for_ready("utils", "pair0", "pair1", "late")


class TickTests(LikeStockCase):
    """Ticks, under a clock that the test sets."""

    def test_ticks(self) -> None:
        """An hour later all three come, once for each type that was asked for, at even times."""
        config = (
            pool("all", "priority=1", events="TICK", mode="childutils")
            + pool("twice", "priority=2", events="TICK,TICK_5,TICK_3600")
            + pool("rare", "priority=3", events="TICK_3600")
        )
        theirs, ours = self.play(
            config,
            self.wait_for_hour,
            files={"clock": "+0"},
            environ={
                "LD_PRELOAD": requirements.library("libfaketimeMT.so.1"),
                "FAKETIME_TIMESTAMP_FILE": "clock",
                "FAKETIME_NO_CACHE": "1",
                "DONT_FAKE_MONOTONIC": "1",
            },
        )
        for name, order in (
            ("all", (5, 60, 3600)),
            ("twice", (5, 5, 60, 3600, 3600)),
            ("rare", (3600,)),
        ):
            for stage in (theirs, ours):
                with self.subTest(listener=name, daemon=stage.daemon.directory.name):
                    ticks = re.findall(
                        r"eventname:TICK_(\d+) len:15\nwhen:(\d{10})", stage.read(name)
                    )
                    heard = [(int(period), int(when)) for period, when in ticks]
                    end = heard.index(max(heard)) + order.count(3600)
                    latest = heard[end - len(order) : end]
                    self.assertEqual(tuple(period for period, _ in latest), order)
                    now = max(when for _, when in latest)
                    self.assertEqual([when for _, when in latest], [now // p * p for p in order])

    def wait_for_hour(self, stage: Stage) -> None:
        """Set the clock forward, as soon as all listen."""
        stage.started("all", "twice", "rare")
        new = stage.daemon.directory / "clock.new"
        new.write_text("+3600")
        new.replace(stage.daemon.directory / "clock")
        stage.wait("eventname:TICK_3600", "all", "twice", "rare")
        stage.wait_for_ready("all", "twice", "rare")
