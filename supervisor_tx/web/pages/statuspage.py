"""The template of the page that shows all processes."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.web.template import Comment, Flattenable, Tag

from supervisor_tx.values import frozen
from supervisor_tx.web.pages import words
from supervisor_tx.web.pages.frame import Frame, Page, render, token
from supervisor_tx.web.pages.status import Status, View, summary, title
from supervisor_tx.web.pages.stencil import flat, h
from supervisor_tx.web.pages.table import Moment, table

#: Signals that are worth a name in a list; any other can be sent by the client.
SIGNALS = ("HUP", "USR1", "USR2", "INT", "QUIT", "TERM", "KILL", "STOP", "CONT", "WINCH")

_TABLE = "the table of processes"


@frozen
class Host:
    """The daemon, as the page tells of it."""

    version: str
    pid: int
    #: when it was started, in seconds since the epoch
    since: float
    configfile: str
    #: the configuration on disk is not the one in force
    is_changed: bool = False
    #: it cannot be used
    is_broken: bool = False


def status_page(frame: Frame, status: Status, host: Host, moment: Moment, since: str) -> str:
    """Return the page; ``since`` is the id of the latest event."""
    page = Page(
        title=title(status.counts, frame.identifier),
        main=list(_main(frame, status, host, moment)),
        here="",
        scripts=("status.js",),
        alarm=bool(status.attention),
        data=(("now", f"{moment.now:.3f}"), ("query", status.view.query), ("event", since)),
    )
    return _with_table(render(frame, page), status, moment)


def rows_page(frame: Frame, status: Status, host: Host, moment: Moment) -> str:
    """Return some rows, and what else changes with them, for the script of the page."""
    icon = "icon-alarm.svg" if status.attention else "icon.svg"
    head = h.head(
        h.title(title(status.counts, frame.identifier)),
        h.link(rel="icon", href=frame.links.static(icon), id="icon"),
    )
    body = h.body(daemon_line(frame, host, moment.now), counts(status), Comment(_TABLE))
    return _with_table(f"<!DOCTYPE html>\n{flat(h.html(head, body, lang='en'))}", status, moment)


def _with_table(page: str, status: Status, moment: Moment) -> str:
    """Put the table where its place is marked; a page without processes has none."""
    before, mark, after = page.partition(f"<!--{_TABLE}-->")
    return "".join((before, table(status, moment), after)) if mark else before


def _main(frame: Frame, status: Status, host: Host, moment: Moment) -> Iterable[Flattenable]:
    yield h.h1("Processes", class_="hidden")
    yield daemon_line(frame, host, moment.now)
    yield _filter_form(frame, status)
    yield keys()
    if not status.counts:
        yield h.p(
            "There are no programs. Add some to ",
            h.code(host.configfile),
            ", then see the ",
            h.a("configuration", href=frame.links.to("config")),
            ".",
            class_="empty",
        )
        return
    yield h.form(
        token(frame),
        h.input(type="hidden", name="back", value=status.view.query),
        Comment(_TABLE),
        nothing(frame, status),
        _for_all(),
        _for_selected(),
        method="post",
        action=frame.links.to("actions"),
        id="actions",
    )


def daemon_line(frame: Frame, host: Host, now: float) -> Tag:
    """Return the line about the daemon."""
    changed: Flattenable = ""
    if host.is_broken:
        text = "the configuration on disk has errors"
        changed = h.a(text, href=frame.links.to("config"), class_="changed broken")
    elif host.is_changed:
        text = "changed on disk, see what would happen"
        changed = h.a(text, href=frame.links.to("config"), class_="changed")
    return h.p(
        h.span("supervisor_tx ", h.span(host.version, class_="number")),
        h.span("pid ", h.span(str(host.pid), class_="number")),
        h.span(
            "up ",
            h.span(
                words.span(now - host.since),
                class_="number",
                **{"data-since": str(int(host.since))},
            ),
        ),
        h.span(h.a(host.configfile, href=frame.links.to("config"), class_="number file")),
        changed,
        id="daemon",
        class_="facts",
    )


def counts(status: Status) -> Tag:
    """Return how many are in which state; each leads to those."""
    return h.ul(
        [
            h.li(
                h.a(
                    h.span(str(number), class_="number"),
                    " ",
                    h.span(state.name, class_="state", **{"data-state": state.name}),
                    href=View(state.name.lower(), status.view.order).query,
                )
            )
            for state, number in summary(status.counts)
        ],
        id="counts",
        class_="counts",
    )


def _filter_form(frame: Frame, status: Status) -> Tag:
    view = status.view
    field = h.input(
        type="search",
        name="filter",
        id="filter",
        value=view.wanted,
        placeholder="Filter by name or state",
        autocomplete="off",
        spellcheck="false",
    )
    order: Flattenable = ""
    if view.order != "name":
        order = h.input(type="hidden", name="sort", value=view.order)
    return h.div(
        h.form(
            h.label("Filter", for_="filter", class_="hidden"),
            field(**{"aria-keyshortcuts": "/"}),
            h.kbd("/", **{"aria-hidden": "true"}),
            order,
            h.button("Filter", class_="plain-only"),
            role="search",
            method="get",
            action=frame.links.to(""),
        ),
        counts(status),
        h.button("Keys", h.kbd("?"), type="button", id="help", class_="script-only"),
        class_="bar",
    )


def nothing(frame: Frame, status: Status) -> Tag:
    """Return what is said where nothing fits the filter."""
    shown = bool(status.attention) or any(section.rows for section in status.sections)
    made: Tag = h.p(
        "No process fits the filter. ",
        h.a("Show all", href=frame.links.to("")),
        id="nothing",
        class_="empty",
    )
    return made(hidden="") if shown else made


def _for_all() -> Tag:
    return h.details(
        h.summary("All processes"),
        h.div(
            h.button("Start all", name="all", value="start"),
            h.button("Restart all", name="all", value="restart"),
            h.button("Stop all", name="all", value="stop", class_="grave"),
            h.button("Clear all logs", name="all", value="clear", class_="grave"),
            class_="acts",
        ),
        id="all",
    )


def _for_selected() -> Tag:
    return h.div(
        h.p(
            h.span("Selected", id="how-many"),
            role="status",
        ),
        h.div(
            h.button("Start", name="selected", value="start"),
            h.button("Restart", name="selected", value="restart"),
            h.button("Stop", name="selected", value="stop"),
            h.button("Clear logs", name="selected", value="clear"),
            signal_choice("selected", "signal"),
            class_="acts",
        ),
        id="selection",
        role="group",
        **{"aria-label": "With the selected processes"},
    )


def signal_choice(name: str, value: str) -> Tag:
    """Return what it takes to send a signal: a choice, and a button of that name and value."""
    return h.span(
        h.label("Signal", for_="signal", class_="hidden"),
        h.select([h.option(each) for each in SIGNALS], name="with", id="signal"),
        h.button("Send signal", name=name, value=value),
        class_="signal",
    )


#: Keys of the page, and what they do.
KEYS = (
    ("/", "filter by name or state"),
    ("j  k", "next and previous process, as the arrows"),
    ("Enter", "open the process"),
    ("x", "select it"),
    ("s", "start it, or stop it if it runs"),
    ("r", "restart it"),
    ("Esc", "clear filter and selection"),
    ("?", "this help"),
)


def keys() -> Tag:
    """Return the help on keys, which the script shows."""
    return h.dialog(
        h.h2("Keys", id="keys-heading"),
        h.dl(
            [h.div(h.dt(h.kbd(key)), h.dd(does)) for key, does in KEYS],
            class_="list",
        ),
        h.p("With processes selected, s and r act on these.", class_="quiet"),
        h.form(h.button("Close"), method="dialog"),
        id="keys",
        **{"aria-labelledby": "keys-heading"},
    )
