"""The page about the daemon and its configuration: what would change, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from twisted.web.template import Flattenable, Tag

from supervisor_tx.config.changes import Reason, shown
from supervisor_tx.config.plan import Action, Step
from supervisor_tx.core import namespec
from supervisor_tx.errors import ConfigError, Problem
from supervisor_tx.values import frozen, replace
from supervisor_tx.web.pages import words
from supervisor_tx.web.pages.frame import Frame, Page, render, token
from supervisor_tx.web.pages.statuspage import Host, daemon_line
from supervisor_tx.web.pages.stencil import h

#: What a step does, as a person would say it.
_DOES = {
    Action.REMOVE_GROUP: "is stopped and removed",
    Action.REPLACE_GROUP: "is replaced by a group of another kind",
    Action.REMOVE: "is stopped and removed",
    Action.RESTART: "is restarted",
    Action.NEXT_START: "goes on; in force from its next start on",
    Action.CHANGE: "goes on; in force at once",
    Action.ADD: "is added",
    Action.ADD_GROUP: "is added",
    Action.RELOAD: "in force after a restart of the daemon",
}

#: Steps that nothing is done about when a plan is applied.
_NOT_NOW = (Action.RELOAD,)


@frozen
class ConfigData:
    """What is to be shown of the configuration."""

    steps: Sequence[Step] = ()
    problems: Sequence[Problem] = ()
    #: addresses at which the daemon listens, and whether a password is asked for there
    servers: Sequence[tuple[str, bool]] = ()

    @property
    def applicable(self) -> int:
        """How many steps there are that can be taken."""
        return sum(step.action not in _NOT_NOW for step in self.steps)


def problems_of(error: ConfigError) -> ConfigData:
    """Return what is shown of a configuration that cannot be used."""
    return ConfigData(problems=error.problems)


def config_page(frame: Frame, data: ConfigData, host: Host, now: float, since: str) -> str:
    """Return the page; ``since`` is the id of the latest event."""
    return render(
        frame,
        Page(
            title=f"Configuration – {frame.identifier}",  # noqa: RUF001
            main=list(_main(frame, data, host, now)),
            here="config",
            scripts=("config.js",),
            alarm=bool(data.problems),
            data=(("now", f"{now:.3f}"), ("event", since)),
        ),
    )


def _main(frame: Frame, data: ConfigData, host: Host, now: float) -> Iterable[Flattenable]:
    yield h.h1("Configuration", class_="hidden")
    yield daemon_line(frame, replace(host, is_changed=False, is_broken=False), now)
    yield h.section(list(_comparison(frame, data)), id="comparison")
    yield _servers(data.servers)
    yield _daemon(frame)


def _comparison(frame: Frame, data: ConfigData) -> Iterable[Flattenable]:
    """Yield what is to be said of the configuration on disk and the one in force."""
    if data.problems:
        yield from _problems(data.problems)
    elif data.steps:
        yield from _plan(frame, data)
    else:
        yield h.h2("Plan")
        yield h.p("What is on disk is what is in force. There is nothing to apply.", class_="empty")


def _problems(problems: Sequence[Problem]) -> Iterable[Flattenable]:
    yield h.h2("The configuration on disk cannot be used", class_="wrong")
    yield h.p(
        "Everything goes on as it was. Mend what follows; this page then shows what would change.",
        class_="quiet",
    )
    rows = [
        h.tr(
            h.td(_where(problem), class_="name"),
            h.td(
                h.code(f"[{problem.section}] " if problem.section else "", problem.option or ""),
                class_="name",
            ),
            h.td(
                problem.message,
                h.span(f"; expected {problem.accepts}", class_="quiet") if problem.accepts else "",
            ),
        )
        for problem in problems
    ]
    yield h.table(
        h.caption("Errors", class_="hidden"),
        h.thead(h.tr([h.th(label, scope="col") for label in ("Where", "Option", "What is wrong")])),
        h.tbody(rows),
        class_="listing",
        id="problems",
    )


def _where(problem: Problem) -> str:
    if problem.file is None:
        return ""
    return problem.file if problem.line is None else f"{problem.file}:{problem.line}"


def _plan(frame: Frame, data: ConfigData) -> Iterable[Flattenable]:
    yield h.h2("Plan")
    yield h.p(
        "This is what applying the configuration on disk would do. What is not named goes on "
        "untouched.",
        class_="quiet",
    )
    yield h.table(
        h.caption("Steps", class_="hidden"),
        h.thead(h.tr([h.th(label, scope="col") for label in ("What", "What happens", "Why")])),
        h.tbody([_step(step) for step in data.steps]),
        class_="listing",
        id="plan",
    )
    if data.applicable:
        yield h.form(
            token(frame),
            h.input(type="hidden", name="back", value="config"),
            h.button("Apply", name="config", value="apply", class_="main"),
            method="post",
            action=frame.links.to("actions"),
            class_="acts",
        )


def _step(step: Step) -> Tag:
    name = step.group or "the daemon"
    if step.process is not None:
        name = namespec.join(step.group, step.process)
    return h.tr(
        h.th(name, scope="row", class_="name"),
        h.td(_DOES[step.action], class_="does", **{"data-action": step.action.value}),
        h.td(_reasons(step.reasons)),
    )


def _reasons(reasons: Sequence[Reason]) -> Flattenable:
    return h.ul(
        [h.li(_reason(reason)) for reason in reasons if reason.option != "process"],
        class_="reasons",
    )


def _reason(reason: Reason) -> list[Flattenable]:
    old, new = (_shown(reason.option, value) for value in (reason.old, reason.new))
    return [
        h.span(reason.option, class_="option"),
        h.del_(old or "nothing"),
        h.span("becomes", class_="hidden"),
        h.ins(new or "nothing"),
    ]


def _shown(option: str, value: object) -> str:
    if option == "stopsignal" and isinstance(value, int):
        return words.signal_name(value)
    return shown(value)


def _servers(servers: Sequence[tuple[str, bool]]) -> Tag:
    return h.section(
        h.h2("Listens at"),
        h.ul(
            [
                h.li(
                    h.code(place),
                    "" if has_password else h.span(" without a password", class_="quiet"),
                )
                for place, has_password in servers
            ],
            class_="plain",
        ),
    )


def _daemon(frame: Frame) -> Tag:
    return h.details(
        h.summary("The daemon itself"),
        h.form(
            token(frame),
            h.input(type="hidden", name="back", value="config"),
            h.p(
                "A restart reads the configuration anew, stops all processes and starts them "
                "again. A shutdown stops all processes and ends the daemon; this page cannot "
                "start it again.",
                class_="quiet",
            ),
            h.button("Reopen logs", name="daemon", value="reopen"),
            h.button("Restart everything", name="daemon", value="restart", class_="grave"),
            h.button("Shut down", name="daemon", value="shutdown", class_="grave"),
            method="post",
            action=frame.links.to("actions"),
            class_="acts",
        ),
        id="daemon-actions",
    )
