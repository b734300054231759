"""
The client next to Supervisor's: the same words, to daemons in the same state, get the same answer.

Each scenario is a list of steps, taken by all combinations of stock's and our client and daemon at
the same time. What stock's client says to stock's daemon is how it should be; where ours differs on
purpose stands in one table, and in ``docs/compatibility.rst``.
"""

from __future__ import annotations

import difflib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.functional.ctl_steps import ACTIONS, DOWN, FEW, REFUSED, STEPS
from tests.functional.harness import PATIENCE, TOP, Daemon, FunctionalTestCase, until
from tests.requirements import stock

STOCK, OURS = "stock", "ours"

#: client and daemon; the first says how it should be
PAIRS = ((STOCK, STOCK), (OURS, STOCK), (STOCK, OURS), (OURS, OURS))

HEAD = """\
[unix_http_server]
file=%(here)s/control.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/control.sock
"""

PROGRAMS = """\
[program:cat]
command=cat
startsecs=0
[program:off]
command=sleep 1000
startsecs=0
autostart=false
[program:quick]
command=sh -c 'exit 3'
startsecs=5
startretries=0
autorestart=false
[program:missing]
command=/no/such/program
startretries=0
autostart=false
[program:plain]
command=%(here)s/supervisord.conf
startretries=0
autostart=false
[program:loud]
startsecs=0
command=sh -c 'echo one; echo two; echo three >&2; exec sleep 1000'
stdout_logfile=%(here)s/loud.out
stderr_logfile=%(here)s/loud.err
[program:silent]
command=sleep 1000
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE
[program:w]
command=sleep 1000
startsecs=0
numprocs=2
process_name=%(program_name)s_%(process_num)d
priority=5
[program:a]
command=sleep 1000
startsecs=0
[program:b]
command=sleep 1000
startsecs=0
[group:g]
programs=a,b
priority=7
"""


class Answer(NamedTuple):
    """What a client said, and how it ended."""

    output: str
    errors: str
    status: int


@dataclass(frozen=True)
class Typed:
    """Words for the client: options, then an action; or lines for its shell."""

    words: tuple[str, ...]
    lines: str = ""


#: Changes something behind the daemon's back.
Change = Callable[[Daemon], object]
Step = str | Typed | Change


class Stand:
    """One daemon, and the client that talks to it."""

    def __init__(self, client: str, server: str, place: Daemon | Path) -> None:
        """Take a client's name, a daemon's, and that daemon; or a directory without one."""
        self.client, self.server, self.place = client, server, place
        self.directory = place if isinstance(place, Path) else place.directory

    @property
    def daemon(self) -> Daemon:
        assert isinstance(self.place, Daemon)
        return self.place

    @property
    def name(self) -> str:
        return f"{self.client} client, {self.server} daemon"

    @property
    def program(self) -> str:
        """What the client takes itself to be called."""
        return stock("supervisorctl") if self.client == STOCK else str(MAIN)

    def take(self, step: Step) -> Answer:
        """Take one step."""
        if callable(step):
            step(self.daemon)
            return Answer("", "", 0)
        typed = step if isinstance(step, Typed) else Typed(tuple(step.split()))
        return self.run(*typed.words, lines=typed.lines)

    def run(self, *words: str, lines: str = "") -> Answer:
        """Run the client."""
        done = run_client(self.client, ["-c", "supervisord.conf", *words], self.directory, lines)
        return self.seen(done)

    def seen(self, done: subprocess.CompletedProcess[str]) -> Answer:
        """Return what a client did, without what must differ."""
        return Answer(self.normal(done.stdout), self.normal(done.stderr), done.returncode)

    def normal(self, text: str) -> str:
        """Leave out what must differ: places, pids and times, where code is, words of help."""
        text = text.replace(str(self.directory), "HERE").replace(self.program, "PROGRAM")
        if isinstance(self.place, Daemon):
            text = text.replace(f"{self.place.process.pid}\n", "DAEMON\n")
        text = re.sub(r"pid \d+, uptime \d+:\d\d:\d\d", "pid N, uptime T", text)
        text = re.sub(r"^(supervisor> )?[1-9]\d*$", "N", text, flags=re.MULTILINE)
        text = re.sub(r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M", "DATE", text)
        text = re.sub(r": file: \S+ line: \d+$", ": file: F line: N", text, flags=re.MULTILINE)
        text = "\n".join(map(without_purpose, text.split("\n")))
        if self.client == OURS:
            for pattern, _ in DEPARTURES:
                text = re.sub(pattern, "", text)
        return text


#: What our client says that stock's does not, and why. Each has its entry in the documentation.
HINTS = (
    r"There is no socket|The socket|The file \S+ is no socket|Nothing listens|No address is known|"
    r"The daemon|Give them with|By HERE|What happened to the daemon"
)
DEPARTURES = (
    (r"\nsupervisor_tx commands .*:\n=+\n.*\n\n", "help lists new commands behind the old ones"),
    (rf"(?m)^({HINTS}).*\n", "errors of the connection are explained, on standard error"),
)


def without_purpose(line: str) -> str:
    """Return the form that a line of help shows, without our or Supervisor's words on it."""
    if line.startswith("Note:"):
        return "Note:"
    if line.startswith("Sorry, supervisord responded"):
        return line.partition(".")[0]
    if line.startswith("tail [-f]"):
        return line.partition("(")[0]
    return line.partition("\t")[0]


def client_command(client: str) -> list[str]:
    return [stock("supervisorctl")] if client == STOCK else [sys.executable, "-m", MODULE]


def run_client(
    client: str, words: Sequence[str], directory: Path, lines: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a client until it ends."""
    return subprocess.run(
        [*client_command(client), *words],
        cwd=directory,
        input=lines,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=environment(),
    )


MODULE = "supervisor_tx.ctl"
MAIN = TOP / "supervisor_tx" / "ctl" / "__main__.py"


def environment() -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(TOP), "TERM": "dumb", "NO_COLOR": "1"}


class ScenarioTestCase(FunctionalTestCase):
    """A test that has all pairs go through the same."""

    pairs: Sequence[tuple[str, str]] = PAIRS
    ready = 7

    def stands(self, config: str, count: int) -> list[Stand]:
        """Start all daemons, and wait until so many programs run."""
        stands = []
        for client, server in self.pairs:
            directory = self.directory / f"{client}-{server}"
            directory.mkdir()
            command = (
                (stock("supervisord"),)
                if server == STOCK
                else (sys.executable, "-m", "supervisor_tx")
            )
            daemon = Daemon(directory, config, command=(*command, "-n"))
            self.addCleanup(daemon.kill)
            stands.append(Stand(client, server, daemon))
        for stand in stands:
            stand.daemon.wait_for("success: ", count)
        return stands

    def go(self, stands: Sequence[Stand], steps: Sequence[Step]) -> None:
        """Take the steps; then show every answer that was not as it should be."""
        wrong = []
        with ThreadPoolExecutor(len(stands)) as pool:
            for step in steps:
                answers = list(pool.map(lambda stand, step=step: stand.take(step), stands))
                expected = settled(step, answers[0])
                wrong += [
                    f"{stand.name}: {step}\n{difference(expected, settled(step, answer))}"
                    for stand, answer in zip(stands[1:], answers[1:], strict=True)
                    if settled(step, answer) != expected
                ]
        self.assertEqual(wrong, [], "\n".join(wrong))


def difference(expected: Answer, answer: Answer) -> str:
    """Return what is wrong with an answer, line by line."""
    before, after = (
        [*each.output.split("\n"), *each.errors.split("\n"), str(each.status)]
        for each in (expected, answer)
    )
    lines = difflib.unified_diff(before, after, "expected", "answered", lineterm="", n=1)
    return "\n".join(lines)


def settled(step: Step, answer: Answer) -> Answer:
    """Return an answer with results in a fixed order, where they come as processes are done."""
    if isinstance(step, str) and step.startswith(("start", "stop", "restart", "update n")):
        return answer._replace(output="\n".join(sorted(answer.output.split("\n"))))
    return answer


class EveryCommandTests(ScenarioTestCase):
    def test_in_every_form(self) -> None:
        stands = self.stands(HEAD + PROGRAMS, 6)
        for stand in stands:
            stand.daemon.wait_for("gave up: quick ")
        self.go(stands, STEPS)


def rewritten(config: str) -> Change:
    """Return a step that puts another configuration in place."""
    return lambda daemon: daemon.configure(config)


CHANGED = PROGRAMS.replace(
    "[program:cat]", "[program:new]\ncommand=cat\n[program:cat]\nstopwaitsecs=3"
)
CHANGED = CHANGED.replace("[program:silent]\n", "[program:other]\n").replace(
    "programs=a,b", "programs=b"
)


class ChangeTests(ScenarioTestCase):
    def test_what_is_active(self) -> None:
        """reread, add, remove and update see a changed configuration in the same way."""
        steps: tuple[Step, ...] = (
            rewritten(HEAD + CHANGED),
            "reread", "reread", "avail", "add new", "add new", "remove silent", "stop silent",
            "remove silent", "reread", "update nix new", "update other", "status", "update",
            "reread",
            "update", "status", "avail",
            rewritten(HEAD + PROGRAMS),
            "reread", "update all", "status", "avail",
        )  # fmt: skip
        self.go(self.stands(HEAD + PROGRAMS, 6), steps)

    def test_a_broken_file(self) -> None:
        """A configuration that cannot be read is reported in the same form."""
        stands = self.stands(HEAD + PROGRAMS, 6)
        for stand in stands:
            stand.daemon.configure(HEAD + PROGRAMS + "[program:oops]\ncommand=cat\nstartsecs=x\n")
        for word, form in (
            ("reread", r"ERROR: CANT_REREAD: .*\n"),
            ("update", r"error: <class 'xmlrpc.client.Fault'>, <Fault 92: .CANT_REREAD: .*\n"),
        ):
            for stand in stands:
                answer = stand.take(word)
                self.assertEqual((answer.errors, answer.status), ("", 1), stand.name)
                self.assertRegex(answer.output, rf"\A{form}\Z", stand.name)


SHELL = """\

status
help
pid cat
nonsense
start nix
status;
!x
?start
tail loud
tail -f
open nowhere
reload
n
shutdown

version
fg
"""


class ShellTests(ScenarioTestCase):
    def test_lines_from_a_pipe(self) -> None:
        """The shell reads its lines from a pipe as well, to the end or to a quit."""
        self.go(
            self.stands(HEAD + PROGRAMS, 6),
            [
                Typed((), SHELL),
                Typed((), "version\nquit\nversion\n"),
                Typed(("-i",), ""),
                Typed(("-i", "version"), "version\n"),
            ],
        )


class FollowTests(ScenarioTestCase):
    def test_a_log(self) -> None:
        """A log that is followed is shown from its end on, until Ctrl-C."""
        stands = self.stands(HEAD + PROGRAMS, 7)
        for words in ("tail -f loud", "tail -f loud stderr", "maintail -f"):
            answers = [self.followed(stand, words.split()) for stand in stands]
            for stand, answer in zip(stands[1:], answers[1:], strict=True):
                self.assertEqual(answer, answers[0], (words, stand.name))

    def followed(self, stand: Stand, words: Sequence[str]) -> Answer:
        """Follow a log until it has shown something, and press Ctrl-C."""
        file = stand.directory / "followed"
        with open(file, "w", encoding="utf-8") as output:
            process = subprocess.Popen(
                [*client_command(stand.client), "-c", "supervisord.conf", *words],
                cwd=stand.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
                env={**environment(), "PYTHONUNBUFFERED": "1"},
            )
        try:
            until(lambda: file.read_text().count("\n") > 1)
            process.send_signal(signal.SIGINT)
            errors = process.communicate(timeout=PATIENCE)[1]
        finally:
            process.kill()
            process.wait()
        text = file.read_text()
        if words[0] == "maintail":  # its lines have times, and our log begins otherwise
            text = text.partition("\n")[0]
        return Answer(stand.normal(text), errors, process.returncode)

    def test_nothing_to_follow(self) -> None:
        """An unknown process, or one without a log, ends it with a line and status 0."""
        steps = ("tail -f nix", "tail -f silent", "tail -f w:*", "tail -f silent stderr")
        self.go(self.stands(HEAD + PROGRAMS, 7), steps)


class NamespaceTests(ScenarioTestCase):
    def test_no_namespace(self) -> None:
        """Without the section for it there is no control, and a sentence that says so."""
        stands = self.stands(HEAD.partition("[rpcinterface")[0] + CONTROL + PROGRAMS, 7)
        steps = "status | pid | start cat | version | tail cat | fg cat | avail | reread | add x"
        self.go(stands, steps.split(" | "))


CONTROL = """\
[supervisorctl]
serverurl=unix://%(here)s/control.sock
"""


class CommandLineTests(ScenarioTestCase):
    def test_what_is_refused(self) -> None:
        """What Supervisor's client refuses is refused in the same words; prefixes stay whole."""
        stands = []
        for client in (STOCK, OURS):
            directory = self.directory / client
            directory.mkdir()
            (directory / "supervisord.conf").write_text("[supervisorctl]\nserverurl=unix:///none\n")
            stands.append(Stand(client, "no", directory))
        wrong: list[str] = []
        for words in REFUSED:
            theirs, ours = (
                stand.seen(run_client(stand.client, words.split(), stand.directory))
                for stand in stands
            )
            if theirs != ours:
                wrong.append(f"{words}\n{difference(theirs, ours)}")
        self.assertEqual(wrong, [], "\n".join(wrong))
        for start in ("--s=http://x", "--p=x", "--u=x", "--i", "--c=supervisord.conf", "--hi=x"):
            theirs, ours = (
                stand.seen(run_client(stand.client, [start, "version"], stand.directory))
                for stand in stands
            )
            self.assertEqual(theirs, ours)

    def test_usage(self) -> None:
        """The usage text names every option of Supervisor's client, and new ones behind."""
        texts = []
        for client in (STOCK, OURS):
            for word in ("-h", "--help", "--he", "-?"):
                done = run_client(client, [word, "-i"], self.directory)
                self.assertEqual((done.returncode, done.stderr), (0, "")) if word != "-?" else None
            texts.append(run_client(client, ["-h"], self.directory).stdout)
        theirs, ours = (
            [line.split()[0] for line in text.split("\n") if line[:1] == "-"] for text in texts
        )
        both = [word.replace("-?/", "") for word in ours]
        theirs = [word.replace("history-file", "history_file") for word in theirs]
        self.assertEqual(sorted(both[: len(theirs)]), sorted(theirs))
        self.assertEqual(
            set(both[len(theirs) :]), {"--json", "--wait", "--no-wait", "--timeout", "--color"}
        )


class DownTests(ScenarioTestCase):
    def test_while_it_shuts_down(self) -> None:
        """A daemon on its way down refuses everything in the same words."""
        stands = self.stands(HEAD + SLOW, 1)
        for stand in stands:
            stand.daemon.wait_for_file("ready")
        self.go(stands, DOWN)
        for stand in stands:
            (slow,) = stand.daemon.lines(r"spawned: 'slow' with pid (\d+)")
            os.kill(int(slow[1]), signal.SIGKILL)
            self.assertEqual(stand.daemon.wait(), 0)

    def test_reload(self) -> None:
        """reload starts everything anew."""
        stands = self.stands(HEAD + PROGRAMS, 6)
        self.go(stands, ["reload"])
        for stand in stands:
            stand.daemon.wait_for("success: ", 12)
        self.go(stands, ["status"])

    def test_nothing_there(self) -> None:
        """Each action without a daemon: its line and its status."""
        steps: list[Step] = []
        for url in ("unix://none.sock", "http://localhost:9", "ftp://x"):
            steps += [Typed(("-s", url, *action.split())) for action in ACTIONS]
        for url in (
            "unix://no/such/dir/x.sock",
            "unix://supervisord.conf",
            "unix://stale.sock",
            "http://nosuch.invalid:9",
            "http://[::1]:9",
        ):
            steps += [Typed(("-s", url, *action.split())) for action in FEW]
        steps += [Typed(("-s", "unix://none.sock"), "status\nopen unix:///none\nversion\n")]
        steps += [Typed(("-s", "http://localhost:9", "open", "http://localhost:10"))]
        stands = []
        for client in (STOCK, OURS):
            directory = self.directory / client
            directory.mkdir()
            (directory / "supervisord.conf").write_text("[supervisorctl]\n")
            stale = socket.socket(socket.AF_UNIX)
            stale.bind(str(directory / "stale.sock"))
            stale.close()
            stands.append(Stand(client, "no", directory))
        self.go(stands, steps)


#: Takes its time to end.
SLOW = """\
[program:slow]
command=sh -c "trap '' TERM; echo > ready; while :; do sleep 0.1; done"
directory=%(here)s
stopwaitsecs=1000
"""


class PasswordTests(ScenarioTestCase):
    def test_wrong_and_right(self) -> None:
        """Without the right password nothing is answered; with it everything is."""
        head = HEAD.replace("[rpc", "username=u\npassword=p%%w:d\n[rpc")
        stands = self.stands(head + PROGRAMS, 6)
        words = (
            "status",
            "avail",
            "start cat",
            "tail -f cat",
            "shutdown",
            "version",
            "update",
            "reread",
            "fg cat",
            "open x",
        )
        right = ("-u", "u", "-p", "p%w:d")
        steps: list[Step] = [
            *words,
            *(Typed(("-u", "u", *word.split())) for word in words),
            *(Typed(("-p", "p", *word.split())) for word in words),
            *(Typed(("-u", "u", "-p", "x", *word.split())) for word in words),
            *(Typed((*right, word)) for word in ("status", "avail", "reread")),
            Typed((*right, "-i", "shutdown"), "n\n"),
            Typed((*right, "-i", "reload"), "no\n"),
            Typed((*right, "-i", "start", "cat"), ""),
        ]  # fmt: skip
        self.go(stands, steps)
