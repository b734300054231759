"""Supervisor's own methods, for plugins that call them from within the daemon."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from supervisor_tx.compat.supervisord import BY_PLUGIN
from supervisor_tx.compat.xmlrpc import Faults, RPCError
from supervisor_tx.errors import SupervisorError
from supervisor_tx.rpc import methods as described
from supervisor_tx.rpc.faults import Fault, fault_of, incorrect_parameters
from supervisor_tx.rpc.marshal import Fragment, answer
from supervisor_tx.rpc.plugins import NOT_DONE_YET
from supervisor_tx.rpc.status import StatusCache, clamp
from supervisor_tx.rpc.supervisor import API_VERSION, SupervisorMethods
from supervisor_tx.supervision.info import describe, uptime
from supervisor_tx.supervision.process import SupervisedProcess

if TYPE_CHECKING:
    from supervisor_tx.compat.supervisord import Supervisor

__all__ = ["API_VERSION", "Faults", "SupervisorNamespaceRPCInterface", "make_main_rpcinterface"]

#: Seconds between two looks at what is not done yet.
DELAY = 0.05


class SupervisorNamespaceRPCInterface:
    """
    The methods of the namespace ``supervisor``, to be called without a client.

    They return what a client would read, and raise RPCError for a fault. What is not done at once
    returns a function, as methods of plugins may: call it until it returns something else than
    NOT_DONE_YET.
    """

    def __init__(self, supervisord: Supervisor) -> None:
        self.supervisord = supervisord
        operations = supervisord.daemon.operations
        self._ours = described.methods(
            "supervisor",
            SupervisorMethods(operations, StatusCache()),
            operations.check_running,
        )

    def _call(self, name: str, params: tuple[Any, ...]) -> Any:
        try:
            return _outcome(self._ours[f"supervisor.{name}"](BY_PLUGIN, params))
        except (Fault, SupervisorError) as error:
            raise _as_plugins_know_it(error) from error

    # These are not marshalled yet, so they are put together here.

    def getProcessInfo(self, name: str) -> dict[str, Any]:
        """
        Return what is known of a process.

        @param string name  the name of the process: name or group:name
        @return struct result  its state, pid, times, logs and how it ended
        """
        self._check_text(name)
        operations = self.supervisord.daemon.operations
        try:
            return _info(operations.process(BY_PLUGIN, name))
        except SupervisorError as error:
            raise _as_plugins_know_it(error) from error

    def getAllProcessInfo(self) -> list[dict[str, Any]]:
        """
        Return what is known of all processes.

        @return array result  a struct for each process, as from getProcessInfo
        """
        operations = self.supervisord.daemon.operations
        try:
            return [_info(process) for process in operations.processes(BY_PLUGIN)]
        except SupervisorError as error:
            raise _as_plugins_know_it(error) from error

    @staticmethod
    def _check_text(name: object) -> None:
        if not isinstance(name, str):
            raise _as_plugins_know_it(incorrect_parameters())


def _method(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: SupervisorNamespaceRPCInterface, *params: Any, **named: Any) -> Any:
        return self._call(name, (*params, *named.values()))

    method.__name__ = name
    method.__qualname__ = f"SupervisorNamespaceRPCInterface.{name}"
    method.__doc__ = original.__doc__
    return method


for _name, _function in vars(SupervisorMethods).items():
    if not _name.startswith("_") and _name not in vars(SupervisorNamespaceRPCInterface):
        setattr(SupervisorNamespaceRPCInterface, _name, _method(_name, _function))


def make_main_rpcinterface(supervisord: Supervisor) -> SupervisorNamespaceRPCInterface:
    """Return the methods of the namespace ``supervisor``."""
    return SupervisorNamespaceRPCInterface(supervisord)


def _outcome(result: Any) -> Any:
    """Return a result as plugins know it, now or by a function that tells later."""
    if isinstance(result, Fragment | list):  # a list may hold such, as that of a tail does
        import xmlrpc.client

        return xmlrpc.client.loads(answer(result))[0][0]
    if not isinstance(result, Deferred):
        return result
    outcomes: list[Any] = []
    result.addBoth(outcomes.append)
    if outcomes:
        return _settled(outcomes[0])

    def not_done_yet() -> Any:
        return _settled(outcomes[0]) if outcomes else NOT_DONE_YET

    not_done_yet.delay = DELAY  # type: ignore[attr-defined]
    not_done_yet.rpcinterface = None  # type: ignore[attr-defined]
    return not_done_yet


def _settled(outcome: Any) -> Any:
    if not isinstance(outcome, Failure):
        return _outcome(outcome)
    if isinstance(outcome.value, Fault | SupervisorError):
        raise _as_plugins_know_it(outcome.value) from outcome.value
    outcome.raiseException()
    raise AssertionError("it has been raised")


def _as_plugins_know_it(error: Fault | SupervisorError) -> RPCError:
    if isinstance(error, RPCError):
        return error
    problem = fault_of(error) if isinstance(error, SupervisorError) else error
    made = RPCError(problem.code)
    made.text = problem.text
    return made


def _info(process: SupervisedProcess) -> dict[str, Any]:
    info = describe(process)
    now = int(time.time())
    words = info.description
    if info.state.name == "RUNNING":
        words += uptime(now - info.start)
    return {
        "name": info.name,
        "group": info.group,
        "start": clamp(info.start),
        "stop": clamp(info.stop),
        "now": clamp(now),
        "state": int(info.state),
        "statename": info.state.name,
        "description": words,
        "spawnerr": info.spawnerr,
        "exitstatus": info.exitstatus,
        "logfile": info.stdout_logfile,
        "stdout_logfile": info.stdout_logfile,
        "stderr_logfile": info.stderr_logfile,
        "pid": info.pid,
        "exit_code": info.exit_code,
        "exit_signal": info.exit_signal,
        "exit_expected": info.exit_expected,
        "exit_cause": info.exit_cause,
        "exit_by": info.exit_by,
        "tries": info.tries,
        "next_try": clamp(info.next_try),
    }
