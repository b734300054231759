"""
What the buttons of pages do.

A form tells by the one button that was pressed what to do to whom: ``start=web:api``,
``stop=web:*``, ``all=restart``, or ``selected=stop`` with a ``process`` for each that is selected.
It is done by the same operations as everything else, and told in a line of text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from supervisor_tx.config.plan import Action
from supervisor_tx.core import namespec
from supervisor_tx.errors import EndedAbnormally, StartFailed, SupervisorError
from supervisor_tx.supervision.info import describe
from supervisor_tx.supervision.operations import Operations, Outcome, Principal
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.values import frozen
from supervisor_tx.web.pages import words

Form = Mapping[str, Sequence[str]]

#: Actions, and what is said of a process to which it was done.
DONE = {
    "start": "started",
    "stop": "stopped",
    "restart": "restarted",
    "signal": "signalled",
    "kill": "killed",
    "clear": "has a new log",
}

#: Problems that are told one by one.
TOLD = 3


class Unclear(SupervisorError):
    """A form does not say what to do."""


@frozen
class Order:
    """What is to be done."""

    action: str
    #: names of processes, of groups with ``:*``, or ``*`` for all
    names: tuple[str, ...]
    #: of the action ``signal``
    signal: str = ""


@frozen
class Told:
    """What has come of it."""

    text: str
    ok: bool = True

    @property
    def message(self) -> str:
        """The text for a page."""
        return self.text if self.ok else f"ERROR: {self.text}"


def read(form: Form) -> Order:
    """Read the fields of a form; raise Unclear."""
    signal = form.get("with", ("",))[0]
    for action in DONE:
        if action in form:
            return Order(action, tuple(form[action]), signal)
    for field, names in (("all", ("*",)), ("selected", tuple(form.get("process", ())))):
        for action in form.get(field, ()):
            if not names:
                raise Unclear("No process is selected.")
            if action in DONE:
                return Order(action, names, signal)
    raise Unclear("This form does not say what to do. Load the page again, and do it once more.")


async def carry_out(operations: Operations, who: Principal, order: Order) -> Told:
    """Do it; return what has come of it. Raises SupervisorError where nothing was done."""
    names = list(order.names)
    match order.action:
        case "start":
            outcomes = await operations.start_many(who, names)
        case "stop":
            outcomes = await operations.stop_many(who, names)
        case "restart":
            outcomes = await operations.restart_many(who, names)
        case "signal":
            outcomes = operations.signal_many(who, names, order.signal)
        case "kill":
            outcomes = operations.signal_many(who, names, "KILL")
        case _:
            outcomes = await operations.clear_many_logs(who, names)
    return told(order, outcomes)


def told(order: Order, outcomes: Sequence[Outcome]) -> Told:
    """Put outcomes into words."""
    problems = [
        _problem(outcome.process, error) for outcome in outcomes if (error := outcome.error)
    ]
    done = [outcome.process for outcome in outcomes if outcome.error is None]
    said = []
    if len(done) == 1:
        said.append(f"{namespec.join(done[0].group, done[0].name)} {_done(order)}.")
    elif done:
        said.append(f"{len(done)} processes {_done(order)}.")
    elif not problems:
        said.append("There was nothing to do.")
    said += problems[:TOLD]
    if len(problems) > TOLD:
        said.append(f"And so {len(problems) - TOLD} more.")
    return Told(" ".join(said), ok=not problems)


def _done(order: Order) -> str:
    return f"signalled with {order.signal}" if order.action == "signal" else DONE[order.action]


def _problem(process: SupervisedProcess, error: SupervisorError) -> str:
    """Say what is wrong, and why where a start has failed."""
    name = namespec.join(process.group, process.name)
    if isinstance(error, StartFailed | EndedAbnormally):
        why = words.reason(describe(process), process.config.startsecs)
        return f"{name} could not be started{': ' if why else ''}{why}."
    text = str(error).rstrip(".")
    return f"{text}." if text.startswith(f"{name}:") else f"{name}: {text}."


async def apply(operations: Operations, who: Principal) -> Told:
    """Put the configuration on disk into force; return what has come of it."""
    done = await operations.update(who)
    problems = [each.problem for each in done if each.problem]
    taken = sum(each.step.action is not Action.RELOAD for each in done) - len(problems)
    said = [f"{taken} change{'' if taken == 1 else 's'} applied."] if taken else []
    said += problems[:TOLD]
    if not said:
        said = ["There was nothing to apply."]
    return Told(" ".join(said), ok=not problems)


def to_daemon(operations: Operations, who: Principal, action: str) -> Told:
    """Do something to the daemon itself; raises SupervisorError."""
    match action:
        case "reopen":
            operations.reopen_logs(who)
            return Told("All logs are opened anew.")
        case "restart":
            operations.restart(who)
            return Told("The daemon stops everything and starts anew.")
        case "shutdown":
            operations.shutdown(who)
            return Told("The daemon stops everything and ends.")
        case "clear":
            operations.clear_main_log(who)
            return Told("The activity log is begun anew.")
    raise Unclear("This form does not say what to do. Load the page again, and do it once more.")
