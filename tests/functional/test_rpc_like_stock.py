"""
The same calls to Supervisor and to us, and the same answers.

Both daemons run the same configuration and are asked the same questions in the same order, each
question of both at the same time. Where our answer differs on purpose it stands in ``DEPARTURES``,
and in ``docs/compatibility.rst``.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.functional.harness import Daemon, FunctionalTestCase
from tests.functional.rpc import Client

CONFIG = """\
[unix_http_server]
file=%(here)s/control.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:cat]
command=cat
redirect_stderr=true
stdout_logfile=%(here)s/cat.log
[program:closed]
command=sh -c 'exec sleep 1000 <&-'
[program:nowhere]
command=sleep 1000
directory=/no/such/directory
autostart=false
startretries=0
[program:failing]
command=sh -c 'exit 3'
startsecs=5
startretries=0
autostart=false
[program:prompt]
command=sleep 1000
startsecs=0
autostart=false
[program:missing]
command=/no/such/program
autostart=false
[program:unquoted]
command=sh -c 'oops
autostart=false
[program:plain]
command=%(here)s/supervisord.conf
autostart=false
[program:folder]
command=/usr
autostart=false
[program:off]
command=sleep 1000
autostart=false
directory=/
priority=20
exitcodes=1,2
serverurl=http://127.0.0.1:9
[program:stubborn]
command=sh -c "trap '' TERM; while :; do sleep 0.1; done"
stopwaitsecs=1
[program:silent]
command=sleep 1000
stdout_logfile=NONE
stderr_logfile=NONE
stopsignal=INT
[program:a]
command=sleep 1000
priority=2
[program:b]
command=sleep 1000
priority=1
[group:g]
programs=a,b
priority=5
"""

RUNNING = ("cat", "closed", "stubborn", "silent", "g:a", "g:b")

#: Members of structs that are ours alone.
OURS_ALONE = {
    "exit_code",
    "exit_signal",
    "exit_expected",
    "exit_cause",
    "exit_by",
    "tries",
    "next_try",
    "autorestart",
}

INCORRECT = ("fault", 2, "INCORRECT_PARAMETERS")
HTTP_400, HTTP_500 = ("HTTP", 400), ("HTTP", 500)

Question = tuple[Any, ...]

NO_NAMES: tuple[Any, ...] = (5, None, [], True, {})
NO_TEXTS: tuple[Any, ...] = (5, None, [], 1.5, True)
NO_CALLS: tuple[Any, ...] = ([], 5, [{}], [{"params": []}])

#: What is answered otherwise: the question, what stock answers, what we do.
DEPARTURES: list[tuple[Question, Any, Any]] = [
    # A wrong type is a fault, where it is an error of the server or taken for a name.
    *(
        ((f"supervisor.{method}", value, *rest), HTTP_500, INCORRECT)
        for method, *rest in (
            ("startProcess",),
            ("stopProcess",),
            ("signalProcess", "HUP"),
            ("getProcessInfo",),
            ("readProcessStdoutLog", 0, 0),
            ("tailProcessStderrLog", 0, 0),
            ("clearProcessLogs",),
            ("sendProcessStdin", "text"),
        )
        for value in NO_NAMES
    ),
    (("supervisor.startProcessGroup", 5), ("fault", 10, "BAD_NAME: 5"), INCORRECT),
    (("supervisor.addProcessGroup", []), ("fault", 10, "BAD_NAME: []"), INCORRECT),
    (("supervisor.addProcessGroup", None), ("fault", 10, "BAD_NAME"), INCORRECT),
    (("supervisor.signalProcess", "cat", None), HTTP_500, INCORRECT),
    (("supervisor.signalProcess", "cat", []), HTTP_500, INCORRECT),
    (("supervisor.readLog", "a", 0), HTTP_500, INCORRECT),
    (("supervisor.readProcessStdoutLog", "cat", "a", 0), HTTP_500, INCORRECT),
    (("supervisor.tailProcessStdoutLog", "silent", "a", 0), ["", 0, False], INCORRECT),
    (("supervisor.sendRemoteCommEvent", None, []), True, INCORRECT),
    (
        ("system.multicall", [5]),
        HTTP_500,
        [{"faultCode": 2, "faultString": f"{INCORRECT[2]}: No methodName"}],
    ),
    (
        ("system.multicall", [{"methodName": 5}]),
        [
            {
                "faultCode": 30,
                "faultString": "FAILED: <class 'AttributeError'>:"
                "'int' object has no attribute 'split'",
            }
        ],
        [{"faultCode": 2, "faultString": INCORRECT[2]}],
    ),
]

#: Questions that are answered with a list in the order in which processes happen to end.
UNORDERED: list[Question] = [("supervisor.stopProcessGroup", "g")]

#: Bodies that are no proper calls, and what both answer.
BODIES: list[tuple[bytes, Any, Any]] = [
    (b"junk", HTTP_400, HTTP_400),
    (b"<methodCall>", HTTP_400, HTTP_400),
    (b"<methodCall/>", HTTP_400, HTTP_400),
    (b"<methodCall><methodName/></methodCall>", HTTP_400, HTTP_400),
    (
        b"<methodCall><methodName> supervisor.getPID </methodName></methodCall>",
        ("fault", 1, "UNKNOWN_METHOD"),
        None,
    ),
    (
        b" \n<methodCall> <methodName>supervisor.getAPIVersion</methodName> </methodCall>\n\n",
        "3.0",
        None,
    ),
    # Documents with a type, and such that are no calls, are refused.
    (b"<a><methodName>supervisor.getAPIVersion</methodName></a>", "3.0", HTTP_400),
    (
        (
            b"<!DOCTYPE a [<!ENTITY x 'supervisor.getAPIVersion'>]>"
            b"<methodCall><methodName>&x;</methodName></methodCall>"
        ),
        "3.0",
        HTTP_400,
    ),
]


def value(text: str) -> bytes:
    """A call with one value, of which the answer shows what it was taken for."""
    return (
        "<methodCall><methodName>supervisor.sendProcessStdin</methodName><params><param><value>"
        f"cat</value></param><param>{text}</param></params></methodCall>"
    ).encode()


#: Values as they may be written.
VALUES = (
    "<value><int> 5 </int></value>",
    "<value><int>x</int></value>",
    "<value><i4>7</i4></value>",
    "<value><i8>5</i8></value>",
    "<value><nil/></value>",
    "<value> a b </value>",
    "<value/>",
    "<value><string/></value>",
    "<value>\n<string>x</string>\n</value>",
    "<value><double>1.5</double></value>",
    "<value><boolean>1</boolean></value>",
    "<value><boolean>true</boolean></value>",
    "<value><base64>eHg=</base64></value>",
    "<value><dateTime.iso8601>20200101T00:00:00</dateTime.iso8601></value>",
    "<value><array><data><value>1</value><value><int>2</int></value></data></array></value>",
    "<value><struct><member><name>a</name><value>b</value></member></struct></value>",
    "<value><other>x</other></value>",
)


def questions() -> Iterable[Question]:
    """All that both are asked, in order."""
    yield from (
        (f"supervisor.{name}",)
        for name in ("getAPIVersion", "getVersion", "getSupervisorVersion", "getIdentification")
    )
    yield from ((f"supervisor.{name}",) for name in ("getState", "getPID", "getAllProcessInfo"))
    yield ("supervisor.getAllConfigInfo",)
    names = (
        "cat",
        "off",
        "g:a",
        "g",
        "g:*",
        "g:",
        "nope",
        "nope:*",
        "",
        ":",
        " cat",
        "cat:cat",
        "a",
    )
    one_each = (
        "getProcessInfo",
        "clearProcessLogs",
        "clearProcessLog",
        "removeProcessGroup",
        "addProcessGroup",
    )
    skipped = {("removeProcessGroup", "off")}
    for method in one_each:
        yield from (
            (f"supervisor.{method}", name) for name in names if (method, name) not in skipped
        )
    # signals
    for name in ("cat", "off", "nope", "g:*", "nope:*", "g:nope"):
        yield from (("supervisor.signalProcess", name, sign) for sign in ("CONT", "NOPE", 0))
    for sign in (
        "SIGCONT",
        "cont",
        str(int(signal.SIGCONT)),
        int(signal.SIGCONT),
        99,
        "",
        "-1",
        1.5,
    ):
        yield ("supervisor.signalProcess", "closed", sign if sign != 1.5 else 18.5)
    yield from (
        ("supervisor.signalProcessGroup", name, "CONT") for name in ("g", "cat", "g:*", "no")
    )
    yield ("supervisor.signalAllProcesses", "CONT")
    yield ("supervisor.signalAllProcesses", "NOPE")
    # starts and stops
    for name in ("missing", "unquoted", "plain", "folder", "cat", "nowhere", "failing", "prompt"):
        yield ("supervisor.startProcess", name)
    for name in ("nope", "g", "", "g:nope"):
        yield ("supervisor.startProcess", name)
        yield ("supervisor.stopProcess", name)
        yield ("supervisor.startProcessGroup", f"{name}-")
        yield ("supervisor.stopProcessGroup", f"{name}-")
    yield ("supervisor.stopProcess", "off")
    yield ("supervisor.startProcess", "off", False)
    yield ("supervisor.startProcess", "off")
    yield ("supervisor.stopProcess", "off", False)
    yield ("supervisor.stopProcess", "stubborn")
    yield ("supervisor.getProcessInfo", "stubborn")
    yield ("supervisor.stopProcess", "stubborn")
    yield ("supervisor.removeProcessGroup", "stubborn")
    yield ("supervisor.getProcessInfo", "stubborn")
    yield ("supervisor.addProcessGroup", "stubborn")
    yield ("supervisor.stopProcessGroup", "g")
    yield ("supervisor.stopProcess", "g:*")
    yield ("supervisor.startProcess", "g:*", False)
    yield ("supervisor.stopProcess", "g:", False)
    # logs
    yield from (("supervisor.sendProcessStdin", "cat", text) for text in ("abcdefg\n", ""))
    yield ("supervisor.sendProcessStdin", "closed", "text")
    yield ("supervisor.sendProcessStdin", "off", "text")
    yield ("supervisor.sendProcessStdin", "nope", "text")
    yield from (("supervisor.sendProcessStdin", "nope", bad) for bad in NO_TEXTS)
    for offset, length in (
        (0, 0),
        (2, 3),
        (-3, 0),
        (-99, 0),
        (-1, 1),
        (0, -1),
        (99, 0),
        ("1", "2"),
    ):
        for name in ("cat", "silent", "nope", "g:*"):
            yield ("supervisor.readProcessStdoutLog", name, offset, length)
            yield ("supervisor.readProcessStderrLog", name, offset, length)
            yield ("supervisor.tailProcessStdoutLog", name, offset, length)
            yield ("supervisor.tailProcessStderrLog", name, offset, length)
    yield ("supervisor.readProcessLog", "cat", 0, 4)
    yield ("supervisor.tailProcessLog", "cat", 0, 4)
    yield from (("supervisor.readLog", *each) for each in ((-1, 1), (0, -1), (10**9, 0)))
    yield from (("supervisor.readMainLog", *each) for each in ((-1, 1), (10**9, 5)))
    yield ("supervisor.clearAllProcessLogs",)
    yield ("supervisor.readProcessLog", "cat", 0, 0)
    yield ("supervisor.clearLog",)
    # groups
    yield ("supervisor.reloadConfig",)
    yield ("supervisor.getAllConfigInfo",)
    yield ("supervisor.sendRemoteCommEvent", "type", "data")
    yield ("supervisor.sendRemoteCommEvent", "", 5)
    # system
    yield from (("system.methodHelp", name) for name in ("nope", "", 5, "supervisor._x"))
    yield from (("system.methodSignature", name) for name in ("nope", "", 5, None))
    yield from (("system.multicall", calls) for calls in NO_CALLS)
    yield (
        "system.multicall",
        [
            {"methodName": "supervisor.getAPIVersion", "params": []},
            {"methodName": "supervisor.getState"},
            {"methodName": "supervisor.startProcess", "params": ["nope"]},
            {"methodName": "nope", "params": []},
            {"methodName": "supervisor.getPID", "params": [1, 2]},
            {"methodName": "system.multicall", "params": [[]]},
            {"methodName": "system.methodSignature", "params": ["supervisor.readLog"]},
        ],
    )
    # methods that there are not, and wrong numbers of arguments
    for name in (
        "nope",
        "supervisor",
        "supervisor.",
        ".getState",
        "supervisor.getState.x",
        "supervisor.getState.__call__",
        "supervisor.__init__",
        "supervisor._update",
        "supervisor.supervisord",
        "supervisor.supervisord.options",
        "system.__class__",
        "a" * 1000,
    ):
        yield (name,)
    yield from (
        (f"supervisor.{name}", 1) for name in ("getState", "getPID", "shutdown", "clearLog")
    )
    yield from ((f"supervisor.{name}",) for name in ("startProcess", "getProcessInfo", "readLog"))
    yield ("supervisor.startProcess", "a", True, True)
    yield ("system.listMethods", 1)
    yield ("system.multicall",)
    yield from (question for question, _, _ in DEPARTURES)


class CallTests(FunctionalTestCase):
    """Two daemons that are asked the same."""

    def setUp(self) -> None:
        super().setUp()
        self.daemons = self.both(CONFIG)
        self.clients = [Client(daemon.directory / "control.sock") for daemon in self.daemons]
        self.pool = ThreadPoolExecutor(2)
        self.addCleanup(self.pool.shutdown)
        for daemon in self.daemons:
            for name in RUNNING:
                daemon.wait_for(rf"success: {name.rpartition(':')[2]} ")

    def ask(self, body_or_question: bytes | Question) -> list[Any]:
        """Ask both at the same time; return stock's answer and ours, made comparable."""

        def one(client: Client) -> Any:
            if isinstance(body_or_question, bytes):
                return client.ask(body_or_question)
            method, *params = body_or_question
            return client.call(method, *params)

        answers = self.pool.map(one, self.clients)
        return [normal(each, daemon) for each, daemon in zip(answers, self.daemons, strict=True)]

    def test_calls(self) -> None:
        """Every method, with good and bad arguments."""
        expected = {repr(question): answers for question, *answers in DEPARTURES}
        for question in questions():
            with self.subTest(question):
                stock, ours = self.ask(question)
                if question in UNORDERED:  # they end when they end
                    stock, ours = (sorted(each, key=str) for each in (stock, ours))
                if repr(question) in expected:
                    self.assertEqual([stock, ours], expected[repr(question)])
                else:
                    self.assertEqual(ours, stock)
        self.going_down()

    def going_down(self) -> None:
        """While both go down they refuse all, and take remote events."""
        for client in self.clients:  # it takes a second to stop, and shows itself meanwhile
            answer = client.call("supervisor.startProcess", "stubborn")
            self.assertIn(answer, (True, ("fault", 60, "ALREADY_STARTED: stubborn")))
        self.assertEqual(self.ask(("supervisor.shutdown",)), [True, True])
        for question in (
            ("supervisor.getState",),
            ("supervisor.getState", 1),
            ("supervisor.getPID",),
            ("supervisor.restart",),
            ("supervisor.shutdown",),
            ("supervisor.startProcess", "nope"),
            ("supervisor.signalAllProcesses", "HUP"),
            ("supervisor.sendRemoteCommEvent", "a", "b"),
            ("system.methodSignature", "supervisor.getState"),
        ):
            with self.subTest(question):
                stock, ours = self.ask(question)
                self.assertEqual(ours, stock)
        for daemon in self.daemons:
            self.assertEqual(daemon.wait(), 0)

    def test_bodies(self) -> None:
        """Bodies that are no calls, or odd ones, and values in all their forms."""
        for body, *expected in BODIES:
            with self.subTest(body):
                stock, ours = self.ask(body)
                self.assertEqual(stock, expected[0])
                self.assertEqual(ours, stock if expected[1] is None else expected[1])
        for text in VALUES:
            with self.subTest(text):
                stock, ours = self.ask(value(text))
                self.assertEqual(ours, stock)

    def test_methods(self) -> None:
        """There are the same methods, with the same signatures."""
        stock, ours = self.ask(("system.listMethods",))
        self.assertEqual([name for name in ours if not name.startswith("supervisor_tx.")], stock)
        for name in stock:
            theirs, ours = self.ask(("system.methodSignature", name))
            self.assertEqual(ours, theirs, name)
            for text in self.ask(("system.methodHelp", name)):
                self.assertIn("@return", text)

    def test_groups(self) -> None:
        """A changed configuration is read, groups come and go."""
        changed = CONFIG.replace("priority=20", "priority=21").replace(
            "[program:silent]", "[program:new]"
        )
        for daemon in self.daemons:
            daemon.configure(changed)
        for question in (
            ("supervisor.addProcessGroup", "new"),
            ("supervisor.reloadConfig",),
            ("supervisor.reloadConfig",),
            ("supervisor.getAllConfigInfo",),
            ("supervisor.removeProcessGroup", "silent"),
            ("supervisor.stopProcess", "silent"),
            ("supervisor.removeProcessGroup", "silent"),
            ("supervisor.addProcessGroup", "silent"),
            ("supervisor.addProcessGroup", "new"),
            ("supervisor.addProcessGroup", "new"),
            ("supervisor.removeProcessGroup", "off"),
            ("supervisor.addProcessGroup", "off"),
            ("supervisor.getAllConfigInfo",),
            ("supervisor.reloadConfig",),
        ):
            with self.subTest(question):
                stock, ours = self.ask(question)
                self.assertEqual(ours, stock)
        for daemon in self.daemons:
            daemon.wait_for("success: new ")
        for daemon in self.daemons:
            daemon.configure("[program:broken]\n")
        for code in [answer[1] for answer in self.ask(("supervisor.reloadConfig",))]:
            self.assertEqual(code, 92)
        stock, ours = self.ask(("supervisor.getAllProcessInfo",))
        self.assertEqual(ours, stock)


def normal(answer: Any, daemon: Daemon) -> Any:
    """Return an answer without what must differ between two daemons."""
    if isinstance(answer, Mapping):
        found = {key: normal(each, daemon) for key, each in answer.items() if key not in OURS_ALONE}
        for key in ("now", "start", "stop", "pid"):
            if key in found and "statename" in found:
                found[key] = bool(found[key])
        if found.get("statename") == "STARTING":
            found["start"] = True
        return found
    if isinstance(answer, list):
        return [normal(each, daemon) for each in answer]
    if isinstance(answer, str):
        answer = answer.replace(str(daemon.directory), "HERE")
        answer = re.sub(r"---supervisor-\w{8}\.log", "---supervisor-XXXXXXXX.log", answer)
        answer = re.sub(r"^pid \d+, uptime \d:\d\d:\d\d$", "pid N, uptime T", answer)
        return re.sub(r"^[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M$", "T", answer)
    if isinstance(answer, int) and answer == daemon.process.pid:
        return "PID"
    return tuple(normal(each, daemon) for each in answer) if isinstance(answer, tuple) else answer
