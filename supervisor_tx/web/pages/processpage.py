"""The page of one process: what is known of it, what can be done, and what it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from twisted.web.template import Flattenable, Tag

from supervisor_tx.config.changes import shown
from supervisor_tx.core.exitstatus import signal_name
from supervisor_tx.core.figures import Figure
from supervisor_tx.supervision.info import ProcessInfo, describe
from supervisor_tx.supervision.process import STDERR, STDOUT, SupervisedProcess
from supervisor_tx.values import frozen
from supervisor_tx.web.pages import words
from supervisor_tx.web.pages.frame import Frame, Page, render, token
from supervisor_tx.web.pages.logview import LogView, log_view
from supervisor_tx.web.pages.status import Row
from supervisor_tx.web.pages.statuspage import signal_choice
from supervisor_tx.web.pages.stencil import h
from supervisor_tx.web.pages.table import acts, button, cpu, graph, history, mark, next_try, place

#: Outputs of a process by the names that addresses have for them.
CHANNELS = {"stdout": STDOUT, "stderr": STDERR}

#: What each is called, and what it is.
Facts = Iterable[tuple[str, Flattenable]]


@frozen
class ProcessData:
    """All that the page shows of a process, but for its logs."""

    row: Row
    #: what befell it: what that is called, in words, and when, in seconds since the epoch
    life: tuple[tuple[str, str, int | None], ...]
    #: how it is configured
    config: tuple[tuple[str, str], ...]
    #: names of its outputs that have a log of their own
    channels: tuple[str, ...]
    figure: Figure | None


def process_data(process: SupervisedProcess, row: Row, figure: Figure | None) -> ProcessData:
    """Return what is shown of a process."""
    info = describe(process)
    return ProcessData(
        row=row,
        life=tuple(_life(info)),
        config=tuple(_config(process)),
        channels=tuple(name for name, fd in CHANNELS.items() if process.logfile(fd) is not None),
        figure=figure,
    )


def _life(info: ProcessInfo) -> Iterator[tuple[str, str, int | None]]:
    if info.pid:
        yield "Runs as", f"process {info.pid}", None
    if info.start:
        yield "Started", words.moment(info.start), info.start
    else:
        yield "Started", "never", None
    if info.stop:
        before = "the run before, " if info.pid else ""
        yield "Ended", f"{before}{words.moment(info.stop)}", info.stop
    if how := words.ended(info):
        expected = "" if info.exit_expected or info.exit_code < 0 else ", not expected"
        yield "How", f"{how}{expected}", None


def _config(process: SupervisedProcess) -> Iterator[tuple[str, str]]:
    config = process.config
    yield "Command", config.command
    if config.directory:
        yield "Directory", config.directory
    if config.uid is not None:
        yield "User", str(config.uid)
    yield "Starts with the daemon", "yes" if config.autostart else "no"
    yield (
        "Restarts",
        {"true": "always", "false": "never"}.get(
            shown(config.autorestart).lower(), "unless the exit was expected"
        ),
    )
    yield "Expected exits", ", ".join(map(str, config.exitcodes)) or "none"
    yield "Counts as running", f"after {words.span(config.startsecs)}"
    yield "Failed starts", f"tried again {config.startretries} times"
    yield (
        "Stops by",
        f"{signal_name(config.stopsignal)}, KILL after {words.span(config.stopwaitsecs)}",
    )
    yield "Priority", str(config.priority)
    for name, descriptor in CHANNELS.items():
        if name == "stderr" and config.redirect_stderr:
            yield "Log of stderr", "goes to that of stdout"
        else:
            yield f"Log of {name}", process.logfile(descriptor) or "none"


def process_page(
    frame: Frame, data: ProcessData, log: LogView | None, now: float, since: str
) -> str:
    """Return the page; ``since`` is the id of the latest event."""
    row = data.row
    page = Page(
        title=f"{row.state.name} {row.namespec} – {frame.identifier}",  # noqa: RUF001
        main=_main(frame, data, log, now),
        styles=("ansi.css",),
        scripts=("process.js",),
        alarm=row.needs_attention,
        data=(("now", f"{now:.3f}"), ("process", row.namespec), ("event", since)),
    )
    return render(frame, page)


def _main(frame: Frame, data: ProcessData, log: LogView | None, now: float) -> list[Flattenable]:
    return [
        h.div(process_head(frame, data, now), id="process"),
        h.details(
            h.summary("Configuration"),
            _facts(data.config),
            id="configuration",
        ),
        _tabs(frame, data, log),
        list(log_view(frame, log, h.h2(class_="hidden")))
        if log
        else h.p("It has no logs.", class_="empty"),
    ]


def process_head(frame: Frame, data: ProcessData, now: float) -> list[Flattenable]:
    """Return the part that changes with the process."""
    row = data.row
    story: list[Flattenable] = [
        h.span(row.story, class_="why"),
        h.span(row.tries, class_="tries"),
        h.span(next_try(row.next_try, now), class_="next", **{"data-at": str(row.next_try or "")}),
    ]
    buttons = [
        button(label, action, row.namespec)
        for action, label in acts(row.state, row.needs_attention)
    ]
    return [
        h.h1(row.namespec, " ", mark(row.state), class_="attention" if row.needs_attention else ""),
        h.p(story, class_="story wrong") if row.needs_attention else "",
        h.form(
            token(frame),
            h.input(type="hidden", name="back", value=place(row.namespec)),
            buttons,
            h.button("Clear logs", name="clear", value=row.namespec) if row.pid else "",
            signal_choice("signal", row.namespec) if row.pid else "",
            method="post",
            action=frame.links.to("actions"),
            class_="acts",
        ),
        _taken(data.figure) if data.figure else "",
        _facts((label, _ago(told, when, now)) for label, told, when in data.life),
    ]


def _taken(figure: Figure) -> Tag:
    points, top = history(figure)
    return h.p(
        h.span("CPU ", h.span(cpu(figure), class_="number cpu")),
        h.span("Memory ", h.span(words.size(figure.rss_bytes), class_="number memory")),
        graph(points, f"{top:g}"),
        class_="facts taken",
    )


def _ago(told: str, when: int | None, now: float) -> list[Flattenable]:
    """Return what befell it; how long ago that was goes on with the time."""
    if when is None:
        return [told]
    return [f"{told}, ", h.span(words.span(now - when), **{"data-since": str(when)}), " ago"]


def _facts(facts: Facts) -> Tag:
    return h.dl(
        [h.div(h.dt(label), h.dd(value)) for label, value in facts],
        class_="list",
    )


def _tabs(frame: Frame, data: ProcessData, log: LogView | None) -> Flattenable:
    if log is None:
        return ""
    here = log.query.get("log")
    links = []
    for name in data.channels:
        link = h.a(name, href=f"?log={quote(name)}#log-heading")
        links.append(h.li(link(**{"aria-current": "true"}) if name == here else link))
    return h.nav(h.ul(links), class_="tabs", **{"aria-label": "Logs"})
