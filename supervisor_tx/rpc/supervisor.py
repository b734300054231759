"""The methods of the namespace ``supervisor``, as Supervisor documents them."""

from __future__ import annotations

import os
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from supervisor_tx import SUPERVISOR_VERSION
from supervisor_tx.errors import CannotStart
from supervisor_tx.rpc.faults import (
    Fault,
    FaultCode,
    fault,
    fault_of,
    incorrect_parameters,
)
from supervisor_tx.rpc.marshal import Fragment, log_text, value
from supervisor_tx.rpc.methods import always
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

#: Bytes of a log that are turned into an answer at once; more than that in a thread.
AT_ONCE = 1 << 18


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

    def readLog(self, who: Principal, offset: int, length: int) -> Deferred[Fragment]:
        """
        Return a piece of the daemon's own log.

        @param int offset  the byte to begin with; negative: count from the end, with length 0
        @param int length  how many bytes; 0: all that follow
        @return string result  the piece
        """
        return self._text(self._operations.read_main_log(who, offset, length))

    readMainLog = readLog

    def clearLog(self, who: Principal) -> bool:
        """
        Begin the daemon's own log anew.

        @return boolean result  true, or a fault
        """
        self._operations.clear_main_log(who)
        return True

    def shutdown(self, who: Principal) -> bool:
        """
        Stop all processes, then end.

        @return boolean result  true, before it has happened
        """
        self._operations.shutdown(who)
        return True

    def restart(self, who: Principal) -> bool:
        """
        Stop all processes, then start anew from the configuration.

        A configuration that could not be started from is refused (CANT_REREAD), and nothing stops.

        @return boolean result  true, before it has happened
        """
        try:
            self._operations.restart(who)
        except CannotStart as error:
            raise fault(FaultCode.CANT_REREAD, str(error)) from error
        return True

    # The configuration

    def reloadConfig(self, who: Principal) -> list[Any]:
        """
        Read the configuration again and compare it with the active groups; change nothing.

        @return array result  one element: three arrays of names of groups, added, changed, removed
        """
        found = self._operations.reread(who)
        return [
            [
                [group.name for group in found.added],
                [change.new.name for change in found.changed],
                [group.name for group in found.removed],
            ]
        ]

    def addProcessGroup(self, who: Principal, name: str) -> bool:
        """
        Make a group of the configuration that was last read active.

        @param string name  the name of the group
        @return boolean result  true, or a fault
        """
        self._operations.add_group(who, name)
        return True

    def removeProcessGroup(self, who: Principal, name: str) -> bool:
        """
        Forget a group of which no process runs.

        @param string name  the name of the group
        @return boolean result  true, or a fault
        """
        self._operations.remove_group(who, name)
        return True

    def getAllConfigInfo(self, who: Principal) -> Fragment:
        """
        Return the options of all processes of the configuration that was last read.

        @return array result  a struct for each process
        """
        return Fragment(value(self._operations.configured(who)))

    # Processes

    def startProcess(self, who: Principal, name: str, wait: bool = True) -> Deferred[Any]:
        """
        Start a process, or with group:* all of a group.

        @param string name  the name of the process: name, group:name or group:*
        @param boolean wait  answer when it is running, and not as soon as there is a process
        @return boolean result  true, or a fault; for a group an array as from startProcessGroup
        """
        return _true_or_list(self._operations.start_process(who, name, wait))

    def startProcessGroup(self, who: Principal, name: str, wait: bool = True) -> Deferred[Any]:
        """
        Start all processes of a group that do not run.

        @param string name  the name of the group
        @param boolean wait  answer when they are running
        @return array result  a struct for each process: name, group, status, description
        """
        return _true_or_list(self._operations.start_group(who, name, wait))

    def startAllProcesses(self, who: Principal, wait: bool = True) -> Deferred[Any]:
        """
        Start all processes that do not run.

        @param boolean wait  answer when they are running
        @return array result  a struct for each process: name, group, status, description
        """
        return _true_or_list(self._operations.start_all(who, wait))

    def stopProcess(self, who: Principal, name: str, wait: bool = True) -> Deferred[Any]:
        """
        Stop a process, or with group:* all of a group.

        @param string name  the name of the process: name, group:name or group:*
        @param boolean wait  answer when it is down, and not as soon as it was told
        @return boolean result  true, or a fault; for a group an array as from stopProcessGroup
        """
        return _true_or_list(self._operations.stop_process(who, name, wait))

    def stopProcessGroup(self, who: Principal, name: str, wait: bool = True) -> Deferred[Any]:
        """
        Stop all processes of a group that run.

        @param string name  the name of the group
        @param boolean wait  answer when they are down
        @return array result  a struct for each process: name, group, status, description
        """
        return _true_or_list(self._operations.stop_group(who, name, wait))

    def stopAllProcesses(self, who: Principal, wait: bool = True) -> Deferred[Any]:
        """
        Stop all processes that run.

        @param boolean wait  answer when they are down
        @return array result  a struct for each process: name, group, status, description
        """
        return _true_or_list(self._operations.stop_all(who, wait))

    def signalProcess(self, who: Principal, name: str, signal: Any) -> Any:
        """
        Send a signal to a process, or with group:* to all of a group.

        @param string name  the name of the process: name, group:name or group:*
        @param string signal  name or number of the signal: HUP, SIGHUP, 1
        @return boolean result  true, or a fault; for a group an array as from signalProcessGroup
        """
        outcomes = self._operations.signal_process(who, name, _signal(signal))
        return True if outcomes is None else _structs(outcomes)

    def signalProcessGroup(self, who: Principal, name: str, signal: Any) -> list[Any]:
        """
        Send a signal to all processes of a group.

        @param string name  the name of the group
        @param string signal  name or number of the signal
        @return array result  a struct for each process: name, group, status, description
        """
        return _structs(self._operations.signal_group(who, name, _signal(signal)))

    def signalAllProcesses(self, who: Principal, signal: Any) -> list[Any]:
        """
        Send a signal to all processes.

        @param string signal  name or number of the signal
        @return array result  a struct for each process: name, group, status, description
        """
        return _structs(self._operations.signal_all(who, _signal(signal)))

    def getProcessInfo(self, who: Principal, name: str) -> Fragment:
        """
        Return what is known of a process.

        @param string name  the name of the process: name or group:name
        @return struct result  its state, pid, times, logs and how it ended
        """
        return self._status.one(self._operations.process(who, name))

    def getAllProcessInfo(self, who: Principal) -> Fragment:
        """
        Return what is known of all processes.

        @return array result  a struct for each process, as from getProcessInfo
        """
        return self._status.all(self._operations.processes(who))

    # Their logs, and their standard input

    def readProcessStdoutLog(
        self, who: Principal, name: str, offset: int, length: int
    ) -> Deferred[Fragment]:
        """
        Return a piece of a process's stdout log.

        @param string name  the name of the process: name or group:name
        @param int offset  the byte to begin with; negative: count from the end, with length 0
        @param int length  how many bytes; 0: all that follow
        @return string result  the piece
        """
        return self._text(self._operations.read_log(who, name, STDOUT, offset, length))

    readProcessLog = readProcessStdoutLog

    def readProcessStderrLog(
        self, who: Principal, name: str, offset: int, length: int
    ) -> Deferred[Fragment]:
        """
        Return a piece of a process's stderr log.

        @param string name  the name of the process: name or group:name
        @param int offset  the byte to begin with; negative: count from the end, with length 0
        @param int length  how many bytes; 0: all that follow
        @return string result  the piece
        """
        return self._text(self._operations.read_log(who, name, STDERR, offset, length))

    def tailProcessStdoutLog(
        self, who: Principal, name: str, offset: int, length: int
    ) -> Deferred[list[Any]]:
        """
        Return the end of a process's stdout log, if it has grown beyond an offset.

        @param string name  the name of the process: name or group:name
        @param int offset  the size of the log at the last time
        @param int length  how many bytes at most
        @return array result  the text, the size of the log, and whether there was more
        """
        return self._tail(self._operations.tail_log(who, name, STDOUT, offset, length))

    tailProcessLog = tailProcessStdoutLog

    def tailProcessStderrLog(
        self, who: Principal, name: str, offset: int, length: int
    ) -> Deferred[list[Any]]:
        """
        Return the end of a process's stderr log, if it has grown beyond an offset.

        @param string name  the name of the process: name or group:name
        @param int offset  the size of the log at the last time
        @param int length  how many bytes at most
        @return array result  the text, the size of the log, and whether there was more
        """
        return self._tail(self._operations.tail_log(who, name, STDERR, offset, length))

    def clearProcessLogs(self, who: Principal, name: str) -> bool:
        """
        Begin the logs of a process anew, if it runs.

        @param string name  the name of the process: name or group:name
        @return boolean result  true, or a fault
        """
        self._operations.clear_logs(who, name)
        return True

    clearProcessLog = clearProcessLogs

    def clearAllProcessLogs(self, who: Principal) -> Deferred[Any]:
        """
        Begin the logs of all processes that run anew.

        @return array result  a struct for each process: name, group, status, description
        """
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
            if len(data) <= AT_ONCE:
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


def _signal(value: Any) -> str | int:
    """Take what stands for a signal: its name, its number, or that as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        try:
            return int(value)
        except (ValueError, OverflowError):
            pass
    raise incorrect_parameters()


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
