"""The methods of the namespace ``supervisor``, as Supervisor documents them."""

from __future__ import annotations

import os
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from supervisor_tx import SUPERVISOR_VERSION
from supervisor_tx.core.characters import PIECE
from supervisor_tx.errors import CannotStart
from supervisor_tx.rpc.faults import (
    Fault,
    FaultCode,
    fault,
    fault_of,
    incorrect_parameters,
)
from supervisor_tx.rpc.marshal import Fragment, log_text, value
from supervisor_tx.rpc.methods import always, asks
from supervisor_tx.rpc.status import StatusCache
from supervisor_tx.supervision.logs.logreading import Tail
from supervisor_tx.supervision.operations import (
    STDERR,
    STDOUT,
    Operations,
    Outcome,
    Principal,
)

#: Of the interface, which has not changed since Supervisor 3.0.
API_VERSION = "3.0"


#: What methods return, for their help.
DONE = "boolean result  true, or a fault"
RESULTS = "array result  a struct for each process: name, group, status, description"


class SupervisorMethods:
    """Supervisor's interface to the operations."""

    def __init__(self, operations: Operations, status: StatusCache) -> None:
        self._operations = operations
        self._status = status

    # The daemon

    def getAPIVersion(self, who: Principal) -> str:
        """
        Return the version of this interface.

        @return string result  the version
        """
        return API_VERSION

    getVersion = getAPIVersion

    def getSupervisorVersion(self, who: Principal) -> str:
        """
        Return the version of Supervisor that this daemon is like.

        Its own version is what supervisor_tx.getVersion returns.

        @return string result  the version of Supervisor
        """
        return SUPERVISOR_VERSION

    def getIdentification(self, who: Principal) -> str:
        """
        Return the identifier that the configuration gives this daemon.

        @return string result  the identifier
        """
        return self._operations.daemon.config.supervisord.identifier

    def getState(self, who: Principal) -> Mapping[str, Any]:
        """
        Return what the daemon is about.

        @return struct result  its statecode (int) and statename (string): 1 and RUNNING
        """
        state = self._operations.state(who)
        return {"statecode": int(state), "statename": state.name}

    def getPID(self, who: Principal) -> int:
        """
        Return the process id of the daemon.

        @return int result  the pid
        """
        return os.getpid()

    @asks("read_main_log", "string result  the piece")
    def readLog(self, who: Principal, offset: int, length: int) -> Deferred[Fragment]:
        return self._text(self._operations.read_main_log(who, offset, length))

    readMainLog = readLog

    @asks("clear_main_log", DONE)
    def clearLog(self, who: Principal) -> bool:
        self._operations.clear_main_log(who)
        return True

    @asks("shutdown", "boolean result  true, before it has happened")
    def shutdown(self, who: Principal) -> bool:
        self._operations.shutdown(who)
        return True

    @asks(
        "restart",
        "boolean result  true, before it has happened",
        more="A configuration that could not be started from is refused (CANT_REREAD), and nothing "
        "stops.",
    )
    def restart(self, who: Principal) -> bool:
        try:
            self._operations.restart(who)
        except CannotStart as error:
            raise fault(FaultCode.CANT_REREAD, str(error)) from error
        return True

    # The configuration

    @asks(
        "reread",
        "array result  one element: three arrays of names of groups, added, changed, removed",
    )
    def reloadConfig(self, who: Principal) -> list[Any]:
        found = self._operations.reread(who)
        return [
            [
                [group.name for group in found.added],
                [change.new.name for change in found.changed],
                [group.name for group in found.removed],
            ]
        ]

    @asks("add_group", DONE)
    def addProcessGroup(self, who: Principal, name: str) -> bool:
        self._operations.add_group(who, name)
        return True

    @asks("remove_group", DONE)
    def removeProcessGroup(self, who: Principal, name: str) -> bool:
        self._operations.remove_group(who, name)
        return True

    @asks("configured", "array result  a struct for each process")
    def getAllConfigInfo(self, who: Principal) -> Fragment:
        return Fragment(value(self._operations.configured(who)))

    # Processes

    @asks(
        "start_process",
        "boolean result  true, or a fault; for a group an array as from startProcessGroup",
    )
    def startProcess(self, who: Principal, name: str, wait: bool) -> Deferred[Any]:
        return _true_or_list(self._operations.start_process(who, name, wait))

    @asks("start_group", RESULTS)
    def startProcessGroup(self, who: Principal, name: str, wait: bool) -> Deferred[Any]:
        return _true_or_list(self._operations.start_group(who, name, wait))

    @asks("start_all", RESULTS)
    def startAllProcesses(self, who: Principal, wait: bool) -> Deferred[Any]:
        return _true_or_list(self._operations.start_all(who, wait))

    @asks(
        "stop_process",
        "boolean result  true, or a fault; for a group an array as from stopProcessGroup",
    )
    def stopProcess(self, who: Principal, name: str, wait: bool) -> Deferred[Any]:
        return _true_or_list(self._operations.stop_process(who, name, wait))

    @asks("stop_group", RESULTS)
    def stopProcessGroup(self, who: Principal, name: str, wait: bool) -> Deferred[Any]:
        return _true_or_list(self._operations.stop_group(who, name, wait))

    @asks("stop_all", RESULTS)
    def stopAllProcesses(self, who: Principal, wait: bool) -> Deferred[Any]:
        return _true_or_list(self._operations.stop_all(who, wait))

    @asks(
        "signal_process",
        "boolean result  true, or a fault; for a group an array as from signalProcessGroup",
    )
    def signalProcess(self, who: Principal, name: str, signal: str | int) -> Any:
        outcomes = self._operations.signal_process(who, name, signal)
        return True if outcomes is None else _structs(outcomes)

    @asks("signal_group", RESULTS)
    def signalProcessGroup(self, who: Principal, name: str, signal: str | int) -> list[Any]:
        return _structs(self._operations.signal_group(who, name, signal))

    @asks("signal_all", RESULTS)
    def signalAllProcesses(self, who: Principal, signal: str | int) -> list[Any]:
        return _structs(self._operations.signal_all(who, signal))

    @asks("process_info", "struct result  its state, pid, times, logs and how it ended")
    def getProcessInfo(self, who: Principal, name: str) -> Fragment:
        return self._status.one(self._operations.process(who, name))

    @asks("processes", "array result  a struct for each process, as from getProcessInfo")
    def getAllProcessInfo(self, who: Principal) -> Fragment:
        return self._status.all(self._operations.processes(who))

    # Their logs, and their standard input

    @asks(
        "read_log",
        "string result  the piece",
        without=("channel",),
        words="Return a piece of a process's stdout log.",
    )
    def readProcessStdoutLog(
        self, who: Principal, name: str, offset: int, length: int
    ) -> Deferred[Fragment]:
        return self._text(self._operations.read_log(who, name, STDOUT, offset, length))

    readProcessLog = readProcessStdoutLog

    @asks(
        "read_log",
        "string result  the piece",
        without=("channel",),
        words="Return a piece of a process's stderr log.",
    )
    def readProcessStderrLog(
        self, who: Principal, name: str, offset: int, length: int
    ) -> Deferred[Fragment]:
        return self._text(self._operations.read_log(who, name, STDERR, offset, length))

    @asks(
        "tail_log",
        "array result  the text, the size of the log, and whether there was more",
        without=("channel",),
        words="Return the end of a process's stdout log, if it has grown beyond an offset.",
    )
    def tailProcessStdoutLog(
        self, who: Principal, name: str, offset: int, length: int
    ) -> Deferred[list[Any]]:
        return self._tail(self._operations.tail_log(who, name, STDOUT, offset, length))

    tailProcessLog = tailProcessStdoutLog

    @asks(
        "tail_log",
        "array result  the text, the size of the log, and whether there was more",
        without=("channel",),
        words="Return the end of a process's stderr log, if it has grown beyond an offset.",
    )
    def tailProcessStderrLog(
        self, who: Principal, name: str, offset: int, length: int
    ) -> Deferred[list[Any]]:
        return self._tail(self._operations.tail_log(who, name, STDERR, offset, length))

    @asks("clear_logs", DONE)
    def clearProcessLogs(self, who: Principal, name: str) -> bool:
        self._operations.clear_logs(who, name)
        return True

    clearProcessLog = clearProcessLogs

    @asks(
        "clear_all_logs",
        RESULTS,
    )
    def clearAllProcessLogs(self, who: Principal) -> Deferred[Any]:
        return self._operations.clear_all_logs(who).addCallback(_structs)

    def sendProcessStdin(self, who: Principal, name: Any, chars: Any) -> bool:
        """
        Write to the standard input of a process, in UTF-8.

        What it does not read at once is kept until it does.

        @param string name  the name of the process: name or group:name
        @param string chars  what to write
        @return boolean result  true, or a fault
        """
        if chars is None:
            raise incorrect_parameters()
        if not isinstance(chars, str):
            raise fault(FaultCode.INCORRECT_PARAMETERS, str(chars))
        if not isinstance(name, str):
            raise incorrect_parameters()
        self._operations.send_stdin(who, name, chars)
        return True

    @always
    def sendRemoteCommEvent(self, who: Principal, type: Any, data: Any) -> bool:
        """
        Send an event of type REMOTE_COMMUNICATION to the event listeners.

        @param string type  what kind of event it is; for the listeners to know
        @param string data  what goes with it
        @return boolean result  true
        """
        for given in (type, data):
            if not isinstance(given, str | int | float):
                raise incorrect_parameters()
        self._operations.remote_event(who, str(type), str(data))
        return True

    # How it is done

    def _text(self, reading: Deferred[bytes]) -> Deferred[Fragment]:
        def marshal(data: bytes) -> Fragment | Deferred[Fragment]:
            if len(data) <= PIECE:
                return log_text(data)
            return self._operations.daemon.in_thread(log_text, data)

        return reading.addCallback(marshal)

    def _tail(self, reading: Deferred[Tail]) -> Deferred[list[Any]]:
        def marshal(tail: Tail) -> Deferred[list[Any]]:
            done: Deferred[bytes] = Deferred()
            text = self._text(done)
            done.callback(tail.data)
            return text.addCallback(lambda text: [text, tail.offset, tail.overflow])

        return reading.addCallback(marshal)


def _structs(outcomes: Iterable[Outcome]) -> list[Any]:
    """Return a result list: what an order to many processes has come to."""
    return [_struct(outcome) for outcome in outcomes]


def _struct(outcome: Outcome) -> Mapping[str, Any]:
    status, description = int(FaultCode.SUCCESS), "OK"
    if outcome.error is not None:
        problem: Fault = fault_of(outcome.error)
        status, description = problem.code, problem.text
    return {
        "name": outcome.process.name,
        "group": outcome.process.group,
        "status": status,
        "description": description,
    }


def _true_or_list(order: Coroutine[Any, Any, list[Outcome] | None]) -> Deferred[Any]:
    return ensureDeferred(order).addCallback(
        lambda outcomes: True if outcomes is None else _structs(outcomes)
    )
