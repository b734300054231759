"""The methods of the namespace ``system``: what can be called, and many calls in one."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from supervisor_tx.activity import Logger
from supervisor_tx.errors import SupervisorError
from supervisor_tx.rpc.faults import Fault, FaultCode, fault, fault_of
from supervisor_tx.rpc.marshal import Fragment, fault_struct, value
from supervisor_tx.rpc.methods import always, signature
from supervisor_tx.supervision.operations import Principal

_log = Logger()

#: Bytes that the results of one multicall may have; what comes after is a fault.
MOST_BYTES = 64 * 1024 * 1024

#: Calls of one multicall until others have their turn.
CALLS_A_TURN = 50

TOO_LONG = value(fault_struct(fault(FaultCode.FAILED, "the answer has become too long")))


class Switchboard(Protocol):
    """Where methods are found and called."""

    def names(self) -> list[str]:
        """Return the names of all methods, sorted."""

    def help(self, name: str) -> str | None:
        """Return the documentation of a method; None: there is no such method."""

    def call(self, name: str, params: tuple[Any, ...], who: Principal) -> Any:
        """Call a method; the result may be a Deferred. Raises Fault or SupervisorError."""


class SystemMethods:
    """What every server has."""

    def __init__(self, switchboard: Switchboard, clock: IReactorTime) -> None:
        self._switchboard = switchboard
        self._clock = clock

    @always
    def listMethods(self, who: Principal) -> list[str]:
        """
        Return the names of all methods.

        @return array result  the names, sorted
        """
        return self._switchboard.names()

    @always
    def methodHelp(self, who: Principal, name: Any) -> str:
        """
        Return the documentation of a method.

        @param string name  the name of the method
        @return string result  the documentation
        """
        return self._help(name)

    @always
    def methodSignature(self, who: Principal, name: Any) -> list[str]:
        """
        Return the types of a method's result and arguments.

        @param string name  the name of the method
        @return array result  the type of the result, then those of the arguments
        """
        types = signature(self._help(name))
        if types is None:
            raise fault(FaultCode.SIGNATURE_UNSUPPORTED)
        return types

    @always
    def multicall(self, who: Principal, calls: list[Any]) -> Any:
        """
        Call several methods, one after the other.

        @param array calls  a struct for each call, with methodName and params
        @return array result  for each call its result, or a struct with faultCode and faultString
        """
        return ensureDeferred(self._each(who, calls))

    async def _each(self, who: Principal, calls: list[Any]) -> Fragment:
        results: list[bytes] = []
        size = 0
        for number, call in enumerate(calls, 1):
            if size > MOST_BYTES:
                results.append(TOO_LONG)
                continue
            results.append(await self._result(who, call))
            size += len(results[-1])
            if number % CALLS_A_TURN == 0:
                await deferLater(self._clock, 0)
        return Fragment(b"<value><array><data>\n%b</data></array></value>\n" % b"".join(results))

    async def _result(self, who: Principal, call: Any) -> bytes:
        """Return the result of one call, marshalled; never raises."""
        try:
            result = self._find(who, call)
            return value(await result if isinstance(result, Deferred) else result)
        except Fault as problem:
            return value(fault_struct(problem))
        except SupervisorError as error:
            return value(fault_struct(fault_of(error)))
        except Exception as error:  # noqa: BLE001 (the other calls shall not suffer)
            _log.failure("a method failed that was called by system.multicall")
            return value(fault_struct(fault(FaultCode.FAILED, f"{type(error)}:{error}")))

    def _find(self, who: Principal, call: Any) -> Any:
        name = call.get("methodName") if isinstance(call, dict) else None
        if not name:
            raise fault(FaultCode.INCORRECT_PARAMETERS, "No methodName")
        if name == "system.multicall":
            raise fault(FaultCode.INCORRECT_PARAMETERS, "Recursive system.multicall forbidden")
        params = call.get("params", [])
        if not isinstance(name, str) or not isinstance(params, list):
            raise fault(FaultCode.INCORRECT_PARAMETERS)
        return self._switchboard.call(name, tuple(params), who)

    def _help(self, name: Any) -> str:
        text = self._switchboard.help(name) if isinstance(name, str) else None
        if text is None:
            raise fault(FaultCode.SIGNATURE_UNSUPPORTED)
        return text
