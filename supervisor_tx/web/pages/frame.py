"""What all pages have in common: head, landmarks, the line of messages, and the connection."""

from __future__ import annotations

import platform

from twisted.web.template import Flattenable, Tag

from supervisor_tx import __version__
from supervisor_tx.values import frozen
from supervisor_tx.web.forms import field
from supervisor_tx.web.links import Links
from supervisor_tx.web.pages.stencil import flat, h
from supervisor_tx.web.request import Request

#: The pages that stand in the navigation, by what they are called within an address.
PAGES = {"": "Status", "config": "Configuration", "log": "Log"}

HTML = b"text/html; charset=utf-8"

_DOCTYPE = "<!DOCTYPE html>\n"


@frozen
class Frame:
    """What all pages of one request share."""

    #: the ways to other pages and to static files
    links: Links
    #: what a form has to send back
    token: str
    #: the name of this daemon, and of its host
    identifier: str
    host: str
    #: what has come of the last action
    message: str = ""
    #: the section of a server with which anybody who reaches it may do anything
    section: str = ""


def frame_of(request: Request) -> Frame:
    """Return what all pages that this request can lead to have in common."""
    content = request.site.content
    is_open = content.credentials is None and content.server.address is not None
    return Frame(
        links=content.links(request),
        token=content.guard.token(request),
        identifier=content.daemon.config.supervisord.identifier,
        host=platform.node(),
        # What somebody else's link says is not shown as if it came from us.
        message="" if content.guard.is_foreign(request) else field(request, "message"),
        section=content.server.section if is_open else "",
    )


@frozen
class Page:
    """What one page adds."""

    title: str
    main: Flattenable
    #: of the navigation; None: it is none of these
    here: str | None = None
    #: static files beyond those of all pages
    styles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    #: something is wrong, which the icon tells
    alarm: bool = False
    #: for scripts: attributes of the body that begin with ``data-``
    data: tuple[tuple[str, str], ...] = ()


def render(frame: Frame, page: Page) -> str:
    """Return a whole page."""
    return _DOCTYPE + flat(h.html(_head(frame, page), _body(frame, page), lang="en"))


def _head(frame: Frame, page: Page) -> Tag:
    icon = "icon-alarm.svg" if page.alarm else "icon.svg"
    return h.head(
        h.meta(charset="utf-8"),
        h.meta(name="viewport", content="width=device-width, initial-scale=1"),
        h.meta(name="color-scheme", content="light dark"),
        h.title(page.title),
        h.link(rel="icon", type="image/svg+xml", href=frame.links.static(icon), id="icon"),
        [
            h.link(rel="stylesheet", href=frame.links.static(style))
            for style in ("look.css", *page.styles)
        ],
        [
            h.script(type="module", src=frame.links.static(script))
            for script in ("common.js", *page.scripts)
        ],
    )


def _body(frame: Frame, page: Page) -> Tag:
    body = h.body(
        h.a("Skip to the content", href="#main", class_="skip"),
        h.header(
            h.a(
                logo(),
                h.span(frame.identifier, class_="identifier"),
                h.span(f"@{frame.host}", class_="host"),
                href=frame.links.to(""),
                class_="brand",
            ),
            h.nav(
                h.ul([h.li(_link(frame, page, place)) for place in PAGES]),
                **{"aria-label": "Pages"},
            ),
            _connection() if page.scripts else "",
            class_="top",
        ),
        h.main(
            _warnings(frame),
            message(frame.message),
            page.main,
            h.p(id="news", class_="hidden", role="status", **{"aria-live": "polite"}),
            id="main",
            tabindex="-1",
        ),
        h.footer(
            h.p("supervisor_tx ", h.span(__version__, class_="number")),
        ),
    )
    return body(
        **{"data-root": frame.links.to(""), "data-token": frame.token},
        **{f"data-{name}": value for name, value in page.data},
    )


def _connection() -> Tag:
    """Return what tells whether the page changes by itself; without scripts it does not."""
    return h.p(h.span("as of now", class_="text"), id="link", class_="link", role="status")


def _link(frame: Frame, page: Page, place: str) -> Tag:
    link: Tag = h.a(PAGES[place], href=frame.links.to(place))
    return link(**{"aria-current": "page"}) if place == page.here else link


def _warnings(frame: Frame) -> Flattenable:
    if not frame.section:
        return ""
    return h.p(
        h.strong("No password. "),
        "Whoever reaches this address controls everything here. Set ",
        h.code("username"),
        " and ",
        h.code("password"),
        " in ",
        h.code(f"[{frame.section}]"),
        ".",
        class_="banner",
    )


def message(text: str) -> Tag:
    """Return the place for what has come of an action, with or without a text."""
    failed = text.startswith("ERROR")
    return h.p(
        text,
        id="message",
        class_="message failed" if failed else "message",
        role="status",
        **{"aria-live": "polite"},
    )


def logo() -> Tag:
    """Return our sign: processes, and one that is looked at."""
    squares = [
        h.rect(x=str(x), y=str(y), width="6", height="6", rx="1.5", class_=f"is-{x}-{y}")
        for y in (1, 9)
        for x in (1, 9)
    ]
    return h.svg(squares, viewBox="0 0 16 16", class_="logo", **{"aria-hidden": "true"})


def token(frame: Frame) -> Tag:
    """Return the part of a form that tells that it is ours."""
    return h.input(type="hidden", name="token", value=frame.token)
