"""
XML-RPC: the body of a request in, the body of an answer out.

A call that was seen before, byte by byte, is not parsed again: most clients ask the same few
questions all day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from supervisor_tx.activity import Level, Logger
from supervisor_tx.config.model import ServerConfig
from supervisor_tx.config.servers import MAIN_FACTORY
from supervisor_tx.errors import SupervisorError
from supervisor_tx.rpc import marshal
from supervisor_tx.rpc.faults import Fault, FaultCode, fault, fault_of
from supervisor_tx.rpc.methods import Method, methods
from supervisor_tx.rpc.own import OwnMethods
from supervisor_tx.rpc.parsing import Call, Unmarshallable, parse
from supervisor_tx.rpc.plugins import PluginNamespace
from supervisor_tx.rpc.status import StatusCache
from supervisor_tx.rpc.supervisor import SupervisorMethods
from supervisor_tx.rpc.system import SystemMethods
from supervisor_tx.supervision.operations import Operations, Principal
from supervisor_tx.web.site import Answer, BadRequest, Served

__all__ = ["MAIN_FACTORY", "BadRequest", "Resource", "make_resource"]

_log = Logger()

#: Calls that are kept parsed: how many, and how long each may be, in bytes.
MOST_KNOWN = 256
LONGEST_KNOWN = 512

#: Characters of a request's body to show in a message about it.
SHOWN = 2000

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def make_resource(
    daemon: Served, server: ServerConfig, namespaces: Mapping[str, object] | None = None
) -> Resource:
    """
    Return what answers the calls to one server.

    ``namespaces`` are those of others, by name: the instances that their factories made for this
    server. Our own methods are there if the configuration asks for them.
    """
    operations = daemon.operations
    status = _statuses.setdefault(daemon, StatusCache())
    made = Resource(daemon.clock)
    for plugin in daemon.config.rpcinterfaces:
        if plugin.factory == MAIN_FACTORY:
            made.add(plugin.name, SupervisorMethods(operations, status), operations)
            made.add("supervisor_tx", OwnMethods(operations), operations)
    for name, instance in (namespaces or {}).items():
        made.add_plugin(name, instance)
    made.add("system", SystemMethods(made, daemon.clock), operations)
    return made


#: One for all servers of a daemon: they would all hold the same.
_statuses: WeakKeyDictionary[Served, StatusCache] = WeakKeyDictionary()


class Resource:
    """Answers calls."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._methods: dict[str, Method] = {}
        self._plugins: dict[str, PluginNamespace] = {}
        #: calls by the bodies that they came in
        self._known: dict[bytes, Call] = {}

    def add(self, namespace: str, instance: object, operations: Operations) -> None:
        """Add a namespace of ours."""
        self._methods.update(methods(namespace, instance, operations.check_running))

    def add_plugin(self, namespace: str, instance: object) -> None:
        """Add a namespace of others, in place of one of ours."""
        for name in [each for each in self._methods if each.startswith(f"{namespace}.")]:
            del self._methods[name]
        self._plugins[namespace] = PluginNamespace(instance, self._clock)

    # For the servers

    def answer(self, body: bytes, who: Principal) -> Answer | Deferred[Answer]:
        """
        Return the answer to a call, now or later; a long one in parts.

        Raises BadRequest where it is no call, after saying so in the log. Whatever else is raised,
        or fails, is a mistake of ours or of a plug-in.
        """
        call = self._known.get(body)
        if call is None:
            call = self._read(body)
        if _log.enabled(Level.TRACE):
            _log.trace("XML-RPC method called: {method}()", method=_shown(call.method))
        try:
            result = self.call(call.method, call.params, who)
        except (Fault, SupervisorError) as error:
            return self._refuse(error, call.method)
        if isinstance(result, Deferred):
            return result.addCallbacks(
                self._finish, self._failed, callbackArgs=(call.method,), errbackArgs=(call.method,)
            )
        return self._finish(result, call.method)

    def _read(self, body: bytes) -> Call:
        try:
            call = parse(body)
        except Unmarshallable:
            _invalid(body, "unmarshallable")
            raise BadRequest from None
        if not call.method:
            _invalid(body, "no method name")
            raise BadRequest
        # Not what is sent to processes: that is nobody's business, and not sent twice.
        plain = len(call.params) < 2 and all(isinstance(each, str | int) for each in call.params)
        if plain and len(body) <= LONGEST_KNOWN:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[body] = call
        return call

    def _finish(self, result: Any, method: str) -> Answer:
        answer = marshal.reply(result)
        if _log.enabled(Level.TRACE):
            _log.trace("XML-RPC method {method}() returned successfully", method=_shown(method))
        return answer

    def _failed(self, failure: Failure, method: str) -> Answer:
        failure.trap(Fault, SupervisorError)
        assert failure.value is not None
        return self._refuse(failure.value, method)

    def _refuse(self, error: BaseException, method: str) -> bytes:
        problem = fault_of(error) if isinstance(error, SupervisorError) else error
        assert isinstance(problem, Fault)
        if _log.enabled(Level.TRACE):
            _log.trace(
                "XML-RPC method {method}() returned fault: [{code}] {text}",
                method=_shown(method),
                code=problem.code,
                text=_shown(problem.text),
            )
        return marshal.fault_answer(problem)

    # Switchboard

    def call(self, name: str, params: tuple[Any, ...], who: Principal) -> Any:
        """Call a method; the result may be a Deferred. Raises Fault or SupervisorError."""
        method = self._methods.get(name)
        if method is not None:
            return method(who, params)
        plugin, name = self._plugin(name)
        if plugin is None:
            raise fault(FaultCode.UNKNOWN_METHOD)
        return plugin.call(name, params)

    def names(self) -> list[str]:
        """Return the names of all methods, sorted."""
        return sorted(
            [
                *self._methods,
                *(
                    f"{space}.{name}"
                    for space, each in self._plugins.items()
                    for name in each.names()
                ),
            ]
        )

    def help(self, name: str) -> str | None:
        """Return the documentation of a method; None: there is no such method."""
        method = self._methods.get(name)
        if method is not None:
            return method.help
        plugin, name = self._plugin(name)
        return None if plugin is None or name not in plugin.names() else plugin.help(name)

    def _plugin(self, name: str) -> tuple[PluginNamespace | None, str]:
        space, _, name = name.partition(".")
        plugin = self._plugins.get(space)
        return (plugin, name) if plugin is not None and plugin.has(name) else (None, name)


def _invalid(body: bytes, why: str) -> None:
    _log.error(
        "XML-RPC request data {data} is invalid: {why}", data=repr(body[:SHOWN])[1:], why=why
    )


def _shown(text: str) -> str:
    """Return text that comes from a client as it may stand in a line of the log."""
    return _CONTROLS.sub("\ufffd", text[:SHOWN])
