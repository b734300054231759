"""Supervisor's own methods, as plugins call them from within the daemon."""

from __future__ import annotations

from typing import Any

from supervisor_tx.compat.http import NOT_DONE_YET
from supervisor_tx.compat.rpcinterface import (
    API_VERSION,
    SupervisorNamespaceRPCInterface,
    make_main_rpcinterface,
)
from supervisor_tx.compat.xmlrpc import Faults, RPCError
from supervisor_tx.rpc.faults import Fault
from supervisor_tx.rpc.plugins import PluginNamespace
from tests.compat.stage import CompatTestCase, group, program


class MethodTests(CompatTestCase):
    """The namespace ``supervisor``."""

    def setUp(self) -> None:
        super().setUp()
        self.main: Any = make_main_rpcinterface(self.supervisord)

    def code(self, method: str, *params: Any) -> int:
        error: RPCError = self.assertRaises(RPCError, getattr(self.main, method), *params)
        return error.code

    def test_values(self) -> None:
        """A method returns what a client would read."""
        self.assertEqual(self.main.getAPIVersion(), API_VERSION)
        self.assertEqual(self.main.getState(), {"statecode": 1, "statename": "RUNNING"})
        self.assertIsInstance(self.main, SupervisorNamespaceRPCInterface)

    def test_info(self) -> None:
        """Infos of processes are the dictionaries that clients read."""
        self.run_groups(group("web"), group("idle"), start=True)
        self.success("supervisor.stopProcess", "idle")
        for name in ("web", "idle"):
            with self.subTest(name=name):
                ours = self.main.getProcessInfo(name)
                theirs = self.call("supervisor.getProcessInfo", name)
                self.assertEqual(
                    {**ours, "now": 0, "description": ""}, {**theirs, "now": 0, "description": ""}
                )
        self.assertEqual(
            [each["name"] for each in self.main.getAllProcessInfo()],
            [each["name"] for each in self.call("supervisor.getAllProcessInfo")],
        )

    def test_faults(self) -> None:
        """What a client would get as a fault is raised as RPCError, with its number and text."""
        self.run_groups(group("web"))
        error: RPCError = self.assertRaises(RPCError, self.main.getProcessInfo, "nope")
        self.assertEqual((error.code, error.text), (Faults.BAD_NAME, "BAD_NAME: nope"))
        self.assertEqual(self.code("startProcess", "nope"), Faults.BAD_NAME)
        self.assertEqual(self.code("stopProcess", "web"), Faults.NOT_RUNNING)
        self.assertEqual(self.code("getProcessInfo", 5), Faults.INCORRECT_PARAMETERS)
        self.assertEqual(self.code("startProcess"), Faults.INCORRECT_PARAMETERS)

    def test_later(self) -> None:
        """What takes time returns a function, to be called until it is done."""
        self.run_groups(group("web"))
        later = self.main.startProcess("web")
        self.assertGreater(later.delay, 0)
        self.assertIs(later(), NOT_DONE_YET)
        self.turn()
        self.assertIs(later(), NOT_DONE_YET)
        self.clock.advance(1)
        self.assertIs(later(), True)
        self.assertEqual(self.view("web").state, 20)

    def test_later_fault(self) -> None:
        """Where it fails in the end the function raises RPCError."""
        self.run_groups(group("web", program("web", startretries=0)))
        later = self.main.startProcess("web")
        self.turn()
        self.child("web").exit(1)
        self.turn()
        error: RPCError = self.assertRaises(RPCError, later)
        self.assertEqual(error.code, Faults.SPAWN_ERROR)

    def test_without_wait(self) -> None:
        """Who does not wait is answered as soon as there is a process; parameters have names."""
        self.run_groups(group("web"))
        later = self.main.startProcess("web", wait=False)
        self.turn()
        self.assertIs(later(), True)
        self.assertEqual(self.view("web").state, 10)

    def test_not_asked_again(self) -> None:
        """What was begun goes on, also if nobody calls the function."""
        self.run_groups(group("web"))
        self.main.startProcess("web", wait=False)
        self.turn()
        self.clock.advance(1)
        self.assertEqual(self.view("web").state, 20)

    def test_documented(self) -> None:
        """Methods have the documentation that system.methodHelp shows."""
        shown = self.call("system.methodHelp", "supervisor.startProcess")
        self.assertEqual(self.main.startProcess.__doc__.split(), shown.split())
        self.assertEqual(self.main.startProcess.__name__, "startProcess")


class Own:
    """A plugin with a mistake."""

    def add(self, number: int) -> int:
        return number + 1


class OwnTests(CompatTestCase):
    """Methods and faults of plugins."""

    def test_wrong_type(self) -> None:
        """A TypeError counts as wrong parameters; it is logged if it may be a mistake within."""
        namespace = PluginNamespace(Own(), self.clock)
        self.assertEqual(namespace.call("add", (1,)), 2)
        for params, logged in (((), 0), ((1, 2), 0), (("text",), 1)):
            with self.subTest(params=params):
                error: Fault = self.assertRaises(Fault, namespace.call, "add", params)
                self.assertEqual(error.code, Faults.INCORRECT_PARAMETERS)
                self.assertEqual(len(self.flushLoggedErrors(TypeError)), logged)

    def test_named(self) -> None:
        """A plugin names its own faults by setting attributes."""
        Faults.OUT_OF_TEA = 900  # type: ignore[attr-defined]
        self.addCleanup(delattr, Faults, "OUT_OF_TEA")
        error = RPCError(900, "green")
        self.assertEqual((error.code, error.text), (900, "OUT_OF_TEA: green"))
        self.assertEqual(RPCError(901).text, "UNKNOWN")
