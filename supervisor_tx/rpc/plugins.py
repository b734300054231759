"""
Namespaces that others wrote, for Supervisor.

An instance's public methods are the methods of its namespace. A method that is not done yet returns
a function with an attribute ``delay``: that is called again, every so many seconds, until it
returns something else than :class:`NOT_DONE_YET`. It may return a Deferred as well.
"""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from supervisor_tx.activity import Logger
from supervisor_tx.rpc.faults import incorrect_parameters

_log = Logger()

#: Seconds at least between two calls of a function that is not done yet.
LEAST_DELAY = 0.02


class NOT_DONE_YET:  # noqa: N801 (the name that plug-ins import)
    """Returned by a function that is to be called again."""


class PluginNamespace:
    """The methods of one instance."""

    def __init__(self, instance: object, clock: IReactorTime) -> None:
        self._instance = instance
        self._clock = clock

    def names(self) -> list[str]:
        """Return the names of the methods that its class itself defines."""
        return [
            name
            for name, member in vars(type(self._instance)).items()
            if inspect.isfunction(member) and not name.startswith("_")
        ]

    def has(self, name: str) -> bool:
        """Tell whether there is a method of that name; inherited ones count."""
        return self._find(name) is not None

    def help(self, name: str) -> str:
        """Return the documentation of a method, as it stands in its source."""
        return getattr(self._find(name), "__doc__", None) or ""

    def call(self, name: str, params: tuple[Any, ...]) -> Any:
        """Call a method; where it is not done yet return a Deferred."""
        method = self._find(name)
        try:
            result = method(*params)
        except TypeError as error:  # the wrong number of arguments, or of the wrong type
            if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                # raised within the method: perhaps a mistake of its own
                _log.failure("{name} of a plugin failed", name=name)
            raise incorrect_parameters() from error
        return self._poll(result) if isinstance(result, FunctionType) else result

    def _find(self, name: str) -> Any:
        if name.startswith("_") or "." in name:
            return None
        found = getattr(self._instance, name, None)
        return found if inspect.ismethod(found) else None

    def _poll(self, function: Any) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        delay = max(LEAST_DELAY, float(function.delay))

        def again() -> None:
            try:
                result = function()
            except Exception:  # noqa: BLE001 (a fault, or the client's error 500)
                done.errback()
                return
            if result is NOT_DONE_YET:
                self._clock.callLater(delay, again)
            else:
                done.callback(result)

        self._clock.callLater(0, again)
        return done
