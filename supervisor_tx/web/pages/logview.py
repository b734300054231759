"""A page of a log, as a terminal would show it; and the ways to its other pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from twisted.web.template import Flattenable, Tag

from supervisor_tx.supervision.logs.paging import LogPage
from supervisor_tx.values import frozen
from supervisor_tx.web.pages import sgr, words
from supervisor_tx.web.pages.frame import Frame
from supervisor_tx.web.pages.stencil import h


@frozen
class LogView:
    """A log, and what of it is asked for."""

    #: what it is the log of, for the heading
    heading: str
    #: query that stays the same, such as the channel
    query: Mapping[str, str]
    #: addresses relative to the root: of all of it, and of what is appended
    download: str
    stream: str
    #: None: there is no such log, and why
    page: LogPage | None
    problem: str = ""
    #: the text that is looked for
    wanted: str = ""
    #: it is looked for in a part of the log only
    is_part: bool = False
    #: its path
    path: str = ""

    def link(self, **query: object) -> str:
        """Return the query of another page of it."""
        asked = {**self.query, **{name: str(value) for name, value in query.items()}}
        return f"?{urlencode(asked)}#log-heading"


def log_view(frame: Frame, view: LogView, heading: Tag) -> Iterable[Flattenable]:
    """Return the part of a page that shows a log, under an empty heading."""
    yield heading(view.heading, id="log-heading")
    if view.page is None:
        yield h.p(view.problem, class_="empty")
        return
    yield _bar(frame, view, view.page)
    yield _place(view, view.page)
    log = h.pre(
        h.div(
            lines(view.page.data.decode("utf-8", "replace"), view.wanted),
            class_="piece",
            **{"data-begin": str(view.page.begin), "data-end": str(view.page.end)},
        ),
        id="log",
        tabindex="0",
        role="log",
    )
    yield log(
        **{
            "aria-labelledby": "log-heading",
            "aria-live": "off",
            "data-stream": frame.links.to(view.stream),
            "data-size": str(view.page.size),
            "data-wanted": view.wanted,
        }
    )
    yield _place(view, view.page, end=True)


def _bar(frame: Frame, view: LogView, page: LogPage) -> Tag:
    field = h.input(
        type="search",
        name="find",
        id="find",
        value=view.wanted,
        placeholder="Search the whole log",
        autocomplete="off",
        spellcheck="false",
    )
    return h.div(
        h.form(
            [h.input(type="hidden", name=name, value=text) for name, text in view.query.items()],
            h.label("Search the log", for_="find", class_="hidden"),
            field,
            h.button("Search"),
            role="search",
            method="get",
            action="#log-heading",
        ),
        _matches(view, page),
        h.span(
            h.button(
                "Follow",
                type="button",
                id="follow",
                class_="script-only",
                **{"aria-pressed": "false"},
            ),
            h.a("Download", href=frame.links.to(view.download), download=""),
            h.span(words.size(page.size), class_="number quiet"),
            class_="tools",
        ),
        class_="bar",
    )


def _matches(view: LogView, page: LogPage) -> Flattenable:
    if not view.wanted:
        return ""
    if page.found is not None:
        older = view.link(find=view.wanted, before=page.found)
        newer = view.link(find=view.wanted, after=page.found + 1)
        return h.span(
            h.a("Older match", href=older), " ", h.a("Newer match", href=newer), class_="matches"
        )
    if page.searched is not None:
        go_on = view.link(find=view.wanted, before=page.searched)
        return h.span("Nothing in this part. ", h.a("Search on", href=go_on), class_="matches")
    again = h.a("Search from the end", href=view.link(find=view.wanted))
    return h.span("Not found. ", again if view.is_part else "", class_="matches")


def _place(view: LogView, page: LogPage, end: bool = False) -> Tag:
    """Return the links to other pages: above it to older ones, below it to newer ones."""
    older = page.begin > 0
    newer = page.end < page.size
    links: list[tuple[str, str]] = []
    if not end and older:
        links = [("Beginning", view.link(**{"from": 0})), ("Older", view.link(to=page.begin))]
    if end and newer:
        links = [("Newer", view.link(**{"from": page.end})), ("End", view.link())]
    made = h.nav(
        [h.a(label, href=href, class_=label.lower()) for label, href in links],
        class_="place",
    )
    return made(**{"aria-label": "Newer lines" if end else "Older lines"}) if links else h.span()


def lines(text: str, wanted: str = "") -> list[Flattenable]:
    """Return the text with its styles; what is looked for is marked."""
    flags = re.IGNORECASE if wanted == wanted.lower() else 0
    mark = re.compile(f"({re.escape(wanted)})", flags) if wanted else None
    made: list[Flattenable] = []
    for piece, style in sgr.pieces(text):
        if not piece:
            continue
        shown: Flattenable = piece
        if mark is not None:
            parts = mark.split(piece)
            shown = [h.mark(part) if index % 2 else part for index, part in enumerate(parts)]
        made.append(h.span(shown, class_=style.classes) if style.classes else shown)
    return made
