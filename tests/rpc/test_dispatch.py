"""Which methods there are, how they are found, and how many are called at once."""

from __future__ import annotations

import re
import xmlrpc.client
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from supervisor_tx.activity import Level
from supervisor_tx.core.states import SupervisorState
from supervisor_tx.errors import SupervisorError
from supervisor_tx.rpc import system
from supervisor_tx.rpc.faults import Fault, FaultCode, fault_of
from supervisor_tx.rpc.plugins import NOT_DONE_YET
from supervisor_tx.rpc.resource import MOST_KNOWN, BadRequest, Resource, make_resource
from supervisor_tx.supervision.refusals import REFUSALS
from tests.logs import Messages
from tests.rpc.stage import SERVER, WHO, RpcTestCase, group, program, whole

UNKNOWN = (1, "UNKNOWN_METHOD")
WRONG = (2, "INCORRECT_PARAMETERS")

#: The signatures of Supervisor's methods: result, arguments.
SIGNATURES = {
    "getAPIVersion getVersion getSupervisorVersion getIdentification": "string",
    "getState": "struct",
    "getPID": "int",
    "shutdown restart clearLog": "boolean",
    "reloadConfig getAllProcessInfo getAllConfigInfo clearAllProcessLogs": "array",
    "readLog readMainLog": "string int int",
    "getProcessInfo": "struct string",
    "addProcessGroup removeProcessGroup clearProcessLogs clearProcessLog": "boolean string",
    "startProcess stopProcess": "boolean string boolean",
    "startProcessGroup stopProcessGroup": "array string boolean",
    "startAllProcesses stopAllProcesses": "array boolean",
    "signalProcess": "boolean string string",
    "signalProcessGroup": "array string string",
    "signalAllProcesses": "array string",
    "readProcessStdoutLog readProcessStderrLog readProcessLog": "string string int int",
    "tailProcessStdoutLog tailProcessStderrLog tailProcessLog": "array string int int",
    "sendProcessStdin sendRemoteCommEvent": "boolean string string",
}
SYSTEM_SIGNATURES = {
    "listMethods": "array",
    "methodHelp": "string string",
    "methodSignature": "array string",
    "multicall": "array array",
}


def expected_signatures() -> dict[str, list[str]]:
    return {
        **{
            f"supervisor.{name}": types.split()
            for names, types in SIGNATURES.items()
            for name in names.split()
        },
        **{f"system.{name}": types.split() for name, types in SYSTEM_SIGNATURES.items()},
    }


class TableTests(RpcTestCase):
    def test_list(self) -> None:
        """There are Supervisor's 37 methods and the 4 of system, sorted, and ours beside them."""
        names = self.call("system.listMethods")
        self.assertEqual(names, sorted(names))
        theirs = [name for name in names if not name.startswith("supervisor_tx.")]
        self.assertEqual(theirs, sorted(expected_signatures()))
        self.assertEqual(len(theirs), 41)
        self.assertIn("supervisor_tx.getVersion", names)

    def test_signatures(self) -> None:
        """Each method has the signature that Supervisor's has, and a help that tells it."""
        for name, types in expected_signatures().items():
            self.assertEqual(self.call("system.methodSignature", name), types)
            text = self.call("system.methodHelp", name)
            self.assertEqual(text.count("@param"), len(types) - 1)
            self.assertEqual(text.count("@return"), 1)
        for name in self.call("system.listMethods"):
            self.assertTrue(self.call("system.methodSignature", name))

    def test_no_such_method(self) -> None:
        """There is no help for what there is not."""
        name: Any
        for name in ("nope", "supervisor.nope", "supervisor", "", 5, None, [], "supervisor._text"):
            for method in ("system.methodHelp", "system.methodSignature"):
                self.assertEqual(self.call(method, name), (4, "SIGNATURE_UNSUPPORTED"))

    def test_unknown(self) -> None:
        """Only what is in the table is a method, by its whole name."""
        for name in (
            "nope",
            "supervisor",
            "supervisor.",
            ".getState",
            "getState",
            "Supervisor.getState",
            "supervisor.getstate",
            " supervisor.getState",
            "supervisor.getState.x",
            "supervisor.getState.__call__",
            "supervisor.__init__",
            "supervisor.__class__",
            "supervisor.__dict__",
            "supervisor._operations",
            "supervisor._operations.shutdown",
            "supervisor._text",
            "system.__class__.__mro__",
            "system._each",
            "supervisor..getState",
            "a" * 100_000,
            "supervisor.getSt\u0430te",
        ):
            with self.subTest(name[:50]):
                self.assertEqual(self.call(name), UNKNOWN)

    def test_number_of_arguments(self) -> None:
        """One argument too many or too few is refused, before anything happens."""
        least = {"start": 1, "stop": 1}
        for name, types in expected_signatures().items():
            most = len(types) - 1
            optional = sum(name.startswith(f"supervisor.{prefix}") for prefix in least)
            with self.subTest(name):
                self.assertEqual(self.call(name, *[0] * (most + 1)), WRONG)
                if most - optional:
                    self.assertEqual(self.call(name, *[0] * (most - optional - 1)), WRONG)

    def test_types_of_arguments(self) -> None:
        """A wrong type is refused, whatever it is and wherever."""
        self.run_groups(group("a"), start=True)
        good = {"string": "a", "int": 0, "boolean": True, "array": []}
        bad: dict[str, tuple[Any, ...]] = {
            "string": (None, [], {}, ["a"]),
            "int": (None, [], {}, "x"),
            "boolean": (),
            "array": (None, 5, "x", {}),
        }
        for name, types in expected_signatures().items():
            if name.startswith("system.method"):
                continue  # everything that is no name is no method
            for place, kind in enumerate(types[1:]):
                for value in bad[kind]:
                    params = [good[each] for each in types[1:]]
                    params[place] = value
                    with self.subTest((name, params)):
                        code, text = self.call(name, *params)
                        self.assertEqual(code, 2)
                        self.assertTrue(text.startswith("INCORRECT_PARAMETERS"))
        self.assertEqual(len(self.daemon.spawner.children[0].sent), 0)

    def test_numbers_are_no_names(self) -> None:
        """A number is no name of a process or a group."""
        for method in ("getProcessInfo", "startProcess", "startProcessGroup", "addProcessGroup"):
            for number in (5, True, 1.5):
                self.assertEqual(self.call(f"supervisor.{method}", number), WRONG)


class AnswerTests(RpcTestCase):
    def test_the_same_call_again(self) -> None:
        """A call that comes again is answered anew; there is a bound to what is remembered."""
        self.run_groups(group("a"))
        resource = self.resource
        body = xmlrpc.client.dumps(("a",), "supervisor.getProcessInfo").encode()
        before = resource.answer(body, WHO)
        self.success("supervisor.startProcess", "a", False)
        self.assertNotEqual(resource.answer(body, WHO), before)
        for number in range(2 * MOST_KNOWN):
            other = xmlrpc.client.dumps((f"a{number}",), "supervisor.getProcessInfo").encode()
            resource.answer(other, WHO)
        self.assertIn(b"BAD_NAME: a7<", resource.answer(other.replace(b"a511", b"a7"), WHO))

    def test_bad_requests(self) -> None:
        """What is no call is told in the log, no longer than is good, and refused."""
        log = Messages(self)
        for body, why in (
            (b"junk", "unmarshallable"),
            (b"<methodCall/>", "no method name"),
            (b"<methodCall><methodName/></methodCall>", "no method name"),
            (b"\n" * 1_000_000, "unmarshallable"),
        ):
            self.failureResultOf(self.post(body), BadRequest)
            [line] = log.above(Level.ERROR)
            self.assertTrue(line.startswith("ERRO XML-RPC request data '"), line[:100])
            self.assertTrue(line.endswith(f"' is invalid: {why}"), line[-100:])
            self.assertNotIn("\n", line)
            self.assertLess(len(line), 5000)
            log.all.clear()

    def test_trace(self) -> None:
        """At level trace the log tells of each call and its end."""
        log = Messages(self)
        self.call("supervisor.getState")
        self.call("supervisor.getProcessInfo", "nope")
        self.call("no\nsuch")
        self.assertEqual(
            log.all,
            [
                "TRAC XML-RPC method called: supervisor.getState()",
                "TRAC XML-RPC method supervisor.getState() returned successfully",
                "TRAC XML-RPC method called: supervisor.getProcessInfo()",
                (
                    "TRAC XML-RPC method supervisor.getProcessInfo() returned fault: [10] "
                    "BAD_NAME: nope"
                ),
                "TRAC XML-RPC method called: no\ufffdsuch()",
                "TRAC XML-RPC method no\ufffdsuch() returned fault: [1] UNKNOWN_METHOD",
            ],
        )

    def test_a_mistake_of_ours(self) -> None:
        """What nobody foresaw is no fault: the server shall hear of it."""
        resource = self.resource
        resource.add_plugin("x", Plugin())
        for method, error in (("x.breaks", ZeroDivisionError), ("x.nothing", TypeError)):
            body = xmlrpc.client.dumps((), method).encode()
            self.assertRaises(error, resource.answer, body, WHO)

    def test_errors_without_a_fault(self) -> None:
        """An error that has no fault of its own is FAILED; all others have theirs."""
        self.assertEqual(fault_of(SupervisorError("what")).text, "FAILED: what")
        self.assertGreater(len(REFUSALS), 15)


#: What a client may send, sensible and not.
ARGUMENTS = st.one_of(
    st.sampled_from(["a", "g:b", "g:*", "g", "nope", "HUP", "15", "", "*", "a:a"]),
    st.integers(-20, 20),
    st.booleans(),
    st.none(),
    st.text(max_size=5),
    st.floats(),
    st.lists(st.one_of(st.text(max_size=3), st.integers(-3, 3)), max_size=3),
    st.dictionaries(st.sampled_from(["methodName", "params", "x"]), st.text(max_size=3)),
    st.just(datetime(2020, 1, 1)),
)


class AnythingTests(RpcTestCase):
    """Any call at all."""

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.data())
    def test_never_breaks(self, data: st.DataObject) -> None:
        """Whatever is asked, in whatever state, the answer is a value or a fault."""
        if not self.daemon.supervisor.groups:
            self.run_groups(group("a"), group("g", program("b"), program("c")))
            self.daemon.spawner.obeys = {"TERM", "HUP", "KILL"}
        self.daemon.supervisor.state = SupervisorState.RUNNING
        method = data.draw(st.sampled_from(sorted(expected_signatures())))
        if method in ("supervisor.shutdown", "supervisor.restart"):
            return
        count = len(expected_signatures()[method]) - 1
        params = data.draw(st.lists(ARGUMENTS, min_size=max(0, count - 1), max_size=count))
        asked = Deferred.fromCoroutine(self.asked(method, params))
        for _ in range(3):
            self.turn()
            self.clock.advance(1)
        self.turn()
        self.result(asked)

    async def asked(self, method: str, params: list[Any]) -> bytes:
        answer = self.resource.answer(marshalled(method, params), WHO)
        return whole(await answer if isinstance(answer, Deferred) else answer)


def marshalled(method: str, params: list[Any]) -> bytes:
    """A call, with texts that XML can carry."""
    text = xmlrpc.client.dumps(tuple(params), method, allow_none=True)
    return re.sub("[^\t\n\x20-\x7e]", "?", text).encode()


class MulticallTests(RpcTestCase):
    def many(self, *calls: Any) -> Any:
        return self.success("system.multicall", list(calls))

    def test_values_and_faults(self) -> None:
        """Results are bare values, faults are structs, in the order of the calls."""
        self.run_groups(group("a"))
        self.assertEqual(
            self.many(
                {"methodName": "supervisor.getState", "params": []},
                {"methodName": "supervisor.getAPIVersion"},
                {"methodName": "supervisor.getProcessInfo", "params": ["nope"]},
                {"methodName": "nope"},
                {"methodName": "supervisor.getState", "params": [1]},
            ),
            [
                {"statecode": 1, "statename": "RUNNING"},
                "3.0",
                {"faultCode": 10, "faultString": "BAD_NAME: nope"},
                {"faultCode": 1, "faultString": "UNKNOWN_METHOD"},
                {"faultCode": 2, "faultString": "INCORRECT_PARAMETERS"},
            ],
        )
        self.assertEqual(self.many(), [])

    def test_no_calls(self) -> None:
        """What is no call is a fault of its own, and so is a multicall within one."""
        nameless = {"faultCode": 2, "faultString": "INCORRECT_PARAMETERS: No methodName"}
        bad: Any
        for bad in ({}, {"params": []}, {"methodName": ""}, 5, [], "supervisor.getState", None):
            self.assertEqual(self.many(bad), [nameless])
        wrong = {"faultCode": 2, "faultString": "INCORRECT_PARAMETERS"}
        for bad in (
            {"methodName": 5},
            {"methodName": "supervisor.getState", "params": {}},
            {"methodName": "supervisor.getState", "params": "x"},
        ):
            self.assertEqual(self.many(bad), [wrong])
        recursive = "INCORRECT_PARAMETERS: Recursive system.multicall forbidden"
        self.assertEqual(
            self.many({"methodName": "system.multicall", "params": [[]]}),
            [{"faultCode": 2, "faultString": recursive}],
        )

    def test_one_after_the_other(self) -> None:
        """A call that has to wait holds up those after it."""
        self.run_groups(group("a"), group("b"))
        asked = self.ask(
            "system.multicall",
            [
                {"methodName": "supervisor.startProcess", "params": ["a"]},
                {"methodName": "supervisor.startProcess", "params": ["nope"]},
                {"methodName": "supervisor.startProcess", "params": ["b", False]},
            ],
        )
        self.turn()
        self.assertEqual([order.name for order in self.daemon.spawner.orders], ["a"])
        self.assertNoResult(asked)
        self.clock.advance(1)
        self.turn()
        self.assertEqual(
            self.result(asked), [True, {"faultCode": 10, "faultString": "BAD_NAME: nope"}, True]
        )

    def test_mistakes_of_ours(self) -> None:
        """What nobody foresaw is told in its place, and the other calls are answered."""
        resource = self.resource
        resource.add_plugin("x", Plugin())
        calls = [{"methodName": f"x.{name}"} for name in ("breaks", "nothing", "value")]
        body = xmlrpc.client.dumps((calls,), "system.multicall").encode()
        answer = resource.answer(body, WHO)
        assert isinstance(answer, Deferred)
        first, second, third = self.result(answer.addCallback(whole))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError, TypeError)), 2)
        self.assertEqual(
            first["faultString"], "FAILED: <class 'ZeroDivisionError'>:division by zero"
        )
        self.assertEqual((second["faultCode"], third), (30, "a value"))

    def test_many(self) -> None:
        """Many calls are made a few in each turn of the loop."""
        asked = self.ask("system.multicall", [{"methodName": "supervisor.getPID"}] * 120)
        self.assertNoResult(asked)
        self.turn()
        self.assertEqual(len(self.result(asked)), 120)

    def test_too_much(self) -> None:
        """An answer that would become too long has a fault in place of what is too much."""
        self.run_groups(*(group(f"g{number}") for number in range(20)))
        self.patch(system, "MOST_BYTES", 50_000)
        found = self.many(*[{"methodName": "supervisor.getAllProcessInfo"}] * 5)
        self.assertIsInstance(found[0], list)
        self.assertEqual(found[4]["faultString"], "FAILED: the answer has become too long")


class Inherited:
    def inherited(self) -> str:
        return "from above"


class Plugin(Inherited):
    """What somebody wrote for Supervisor."""

    attribute = "no method"

    def __init__(self) -> None:
        self.rounds = 0
        self.function = lambda: "not bound"

    def value(self) -> str:
        """
        Return a value.

        @return string result
        """
        return "a value"

    def add(self, one: int, two: int = 2) -> int:
        return one + two

    def faulty(self) -> None:
        raise Fault(FaultCode.FAILED, "FAILED: by design")

    def breaks(self) -> float:
        return 1 / 0

    def nothing(self) -> None:
        pass

    def later(self, how: str = "value") -> Any:
        def go_on() -> Any:
            self.rounds += 1
            if self.rounds < 3:
                return NOT_DONE_YET
            if how == "fault":
                raise Fault(50, "SPAWN_ERROR: later")
            return how

        go_on.delay = 0.5  # type: ignore[attr-defined]
        return go_on

    def _private(self) -> str:
        return "private"


class PluginTests(RpcTestCase):
    """A namespace that others wrote."""

    @property
    def resource(self) -> Resource:
        return make_resource(self.daemon, SERVER, {"x": Plugin()})

    def test_methods(self) -> None:
        """Public bound methods can be called, inherited ones too; nothing else can."""
        self.assertEqual(self.call("x.value"), "a value")
        self.assertEqual(self.call("x.add", 1), 3)
        self.assertEqual(self.call("x.inherited"), "from above")
        for name in ("_private", "__init__", "attribute", "function", "rounds", "value.x", ""):
            self.assertEqual(self.call(f"x.{name}"), UNKNOWN)

    def test_arguments(self) -> None:
        """What the method cannot be called with is refused."""
        for params in ((), (1, 2, 3), ("a", 1)):
            self.assertEqual(self.call("x.add", *params), WRONG)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)  # from within the method

    def test_faults(self) -> None:
        """A method raises faults of its own."""
        self.assertEqual(self.call("x.faulty"), (30, "FAILED: by design"))

    def test_listed(self) -> None:
        """Those that the class itself defines are listed and have a help."""
        names = [each for each in self.call("system.listMethods") if each.startswith("x.")]
        self.assertEqual(
            names,
            [f"x.{name}" for name in ("add", "breaks", "faulty", "later", "nothing", "value")],
        )
        self.assertEqual(self.call("system.methodSignature", "x.value"), ["string"])
        self.assertEqual(self.call("system.methodHelp", "x.add"), "")
        self.assertEqual(self.call("system.methodSignature", "x.add"), (4, "SIGNATURE_UNSUPPORTED"))
        self.assertEqual(
            self.call("system.methodHelp", "x.inherited"), (4, "SIGNATURE_UNSUPPORTED")
        )

    def test_not_done_yet(self) -> None:
        """A function that is not done yet is called again after its delay."""
        for how, expected in (("value", "value"), ("fault", (50, "SPAWN_ERROR: later"))):
            asked = self.ask("x.later", how)
            self.clock.advance(0)
            self.clock.advance(0.5)
            self.assertNoResult(asked)
            self.clock.advance(0.5)
            self.assertEqual(self.result(asked), expected)

    def test_in_place_of_ours(self) -> None:
        """A plug-in by the name of one of our namespaces takes its place whole."""
        self.run_groups(group("a", program("a")))
        resource = make_resource(self.daemon, SERVER, {"supervisor": Plugin()})
        names = [name for name in resource.names() if name.startswith("supervisor.")]
        self.assertEqual(len(names), 6)
        body = xmlrpc.client.dumps((), "supervisor.getState").encode()
        self.assertIn(b"UNKNOWN_METHOD", resource.answer(body, WHO))
