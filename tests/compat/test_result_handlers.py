"""What judges the results of event listeners, as ``result_handler`` of a pool names it."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from supervisor_tx.compat import events, finder
from supervisor_tx.compat.dispatchers import RejectEvent, default_handler
from supervisor_tx.config.model import Config, PoolConfig
from supervisor_tx.core.events import SupervisorStateEvent
from supervisor_tx.errors import CannotStart, ConfigError
from supervisor_tx.plugins import DEFAULT_HANDLER, Plugins
from tests.compat.stage import CompatTestCase

MODULE = "a_module_with_handlers"


class HandlerTestCase(CompatTestCase):
    """A test with a module that has result handlers."""

    def setUp(self) -> None:
        super().setUp()
        self.module: Any = ModuleType(MODULE)
        sys.modules[MODULE] = self.module
        self.addCleanup(sys.modules.pop, MODULE)
        self.addCleanup(finder.uninstall)
        self.plugins = Plugins(self.servers)  # type: ignore[arg-type]
        self.plugins._daemon = self.daemon  # type: ignore[assignment]
        self.addCleanup(self.plugins.end)
        self.daemon.assembly.exchange.find_handler = self.plugins.result_handler

    def resolve(self, *handlers: str | None) -> None:
        pools = tuple(
            PoolConfig(f"pool{number}", -1, (), result_handler=handler)
            for number, handler in enumerate(handlers)
        )
        self.plugins.resolve(Config("/conf", "/", self.daemon.config.supervisord, groups=pools))

    def judge(self, handler: Any) -> None:
        """Run a pool whose results go to a handler, and send it an event."""
        self.module.judge = handler
        self.resolve(f"{MODULE}:judge")
        self.run_pool("REMOTE_COMMUNICATION", result_handler=f"{MODULE}:judge")
        self.remote("x")


class JudgeTests(HandlerTestCase):
    """What a handler is given, and what comes of what it does."""

    def test_given(self) -> None:
        """It is given the event as plugins know it, with its numbers, and the bytes."""
        given: list[Any] = []
        self.judge(lambda event, response: given.append((event, response)))
        self.say(b"RESULT 3\n\xffno")
        ((event, response),) = given
        self.assertIsInstance(event, events.RemoteCommunicationEvent)
        self.assertEqual((event.data, event.payload()), ("x", "type:t\nx"))
        self.assertEqual(response, b"\xffno")

    def test_accepted(self) -> None:
        """Whatever it returns, the event is accepted, and the next one is sent."""
        self.judge(lambda event, response: False)
        self.say(b"RESULT 4\nFAILREADY\n")
        self.remote("y")
        self.assertEqual([payload for _, payload in self.told()], ["type:t\nx", "type:t\ny"])

    def test_rejected(self) -> None:
        """With RejectEvent the event is offered again, with its numbers."""
        answers = [RejectEvent("not yet"), None]

        def judge(event: object, response: bytes) -> None:
            answer = answers.pop(0)
            if answer is not None:
                raise answer

        self.judge(judge)
        self.say(b"RESULT 2\nOKREADY\n")
        self.assertEqual([headers["serial"] for headers, _ in self.told()], ["0", "0"])
        self.say(b"RESULT 2\nOKREADY\n")
        self.assertEqual((len(self.told()), answers), (2, []))

    def test_own_exception(self) -> None:
        """A kind of RejectEvent of the plugin's own is one."""

        class NotYet(RejectEvent):
            pass

        def judge(event: object, response: bytes) -> None:
            raise NotYet

        self.judge(judge)
        self.say(b"RESULT 2\nOKREADY\n")
        self.assertEqual(len(self.told()), 2)

    def test_broken(self) -> None:
        """With any other exception the listener is out of service, and nobody else."""

        def judge(event: object, response: bytes) -> None:
            raise KeyError("oops")

        self.judge(judge)
        self.say(b"RESULT 2\nOKREADY\n")
        self.assertEqual(len(self.told()), 1)
        self.assertEqual(self.view("ear", "pool").listener_state, 40)
        self.flushLoggedErrors(KeyError)

    def test_with_names(self) -> None:
        """It may be an attribute of an attribute."""
        given: list[bytes] = []

        class Judges:
            @staticmethod
            def strict(event: object, response: bytes) -> None:
                given.append(response)

        self.module.Judges = Judges
        self.resolve(f"{MODULE}:Judges.strict")
        self.run_pool("REMOTE_COMMUNICATION", result_handler=f"{MODULE}:Judges.strict")
        self.remote("x")
        self.say(b"RESULT 2\nOK")
        self.assertEqual(given, [b"OK"])

    def test_processes(self) -> None:
        """A handler can look at the process that an event is of."""
        seen: list[str] = []
        self.module.judge = lambda event, response: seen.append(
            f"{event.process.group.config.name}:{event.process.config.name} {event.from_state}"
        )
        self.resolve(f"{MODULE}:judge")
        self.run_pool("PROCESS_STATE_RUNNING", result_handler=f"{MODULE}:judge")
        self.say(b"RESULT 2\nOK")
        self.assertEqual(seen, ["pool:ear 10"])


class ResolveTests(HandlerTestCase):
    """How handlers are found."""

    def test_default(self) -> None:
        """Supervisor's own handler accepts OK, and rejects everything else."""
        self.resolve(DEFAULT_HANDLER, None)
        handler = self.plugins.result_handler(DEFAULT_HANDLER)
        event: Any = None
        self.assertEqual((handler(event, b"OK"), handler(event, b"ok")), (True, False))
        default_handler(None, b"OK")
        self.assertRaises(RejectEvent, default_handler, None, b"FAIL")

    def test_all_at_once(self) -> None:
        """All that cannot be found is told, with the sections that name it."""
        self.module.number = 5
        error = self.assertRaises(
            ConfigError, self.resolve, "no_such_module:x", f"{MODULE}:nope", f"{MODULE}:number"
        )
        text = str(error)
        for said in (
            "no_such_module:x cannot be resolved within [eventlistener:pool0]",
            f"{MODULE}:nope cannot be resolved within [eventlistener:pool1]",
            f"{MODULE}:number cannot be resolved within [eventlistener:pool2]",
        ):
            self.assertIn(said, text)

    def test_not_resolved(self) -> None:
        """One that was not resolved cannot be used."""
        self.assertRaises(CannotStart, self.plugins.result_handler, f"{MODULE}:judge")

    def test_stays(self) -> None:
        """A handler that was found stays where a later configuration is refused."""
        self.module.judge = lambda event, response: None
        self.resolve(f"{MODULE}:judge")
        self.module.judge = None
        self.assertRaises(ConfigError, self.resolve, f"{MODULE}:judge")
        handler = self.plugins.result_handler(f"{MODULE}:judge")
        self.assertTrue(handler(SupervisorStateEvent("RUNNING"), b"OK"))
