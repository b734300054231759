"""The table of processes, as text that is quick to make a thousand times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from urllib.parse import quote

from twisted.web.template import Flattenable, Tag

from supervisor_tx.core.figures import Figure
from supervisor_tx.core.states import ProcessState as S
from supervisor_tx.values import field, frozen, replace
from supervisor_tx.web.pages import spark, words
from supervisor_tx.web.pages.status import Figures, Row, Section, Status, View, summary
from supervisor_tx.web.pages.stencil import Stencil, flat, h, hole

#: Columns: the name of a class, what the heading says, and what it can be sorted by.
COLUMNS = (
    ("state", "State", "state"),
    ("name", "Name", "name"),
    ("up", "Up", "uptime"),
    ("story", "Ended last", None),
    ("pid", "PID", "pid"),
    ("cpu", "CPU", "cpu"),
    ("memory", "Memory", "memory"),
    ("history", "Lately", None),
    ("acts", "Actions", None),
)
_WIDTH = len(COLUMNS) + 1

#: What can be done to a process in a state: the action, and what the button says.
ACTS: Mapping[S, tuple[tuple[str, str], ...]] = {
    S.RUNNING: (("restart", "Restart"), ("stop", "Stop")),
    S.STARTING: (("stop", "Stop"),),
    S.BACKOFF: (("restart", "Try now"), ("stop", "Give up")),
    S.STOPPING: (("kill", "Kill"),),
    S.UNKNOWN: (),
    S.STOPPED: (("start", "Start"),),
    S.EXITED: (("start", "Start"),),
    S.FATAL: (("start", "Start"),),
}


@frozen
class Moment:
    """What rows look like by now."""

    #: seconds since the epoch
    now: float
    figures: Figures
    #: what links to other pages begin with
    root: str = ""
    #: what those have said last that are in trouble, by group and name
    said: Mapping[tuple[str, str], str] = field(default_factory=dict)


def table(status: Status, moment: Moment) -> str:
    """Return the whole table."""
    parts = [_table_head(status.view, moment.root)]
    parts.append(attention(status.attention, moment))
    for section in status.sections:
        parts += _section(section, moment)
    parts.append("</table>")
    return "".join(parts)


def attention(rows: Iterable[Row], moment: Moment) -> str:
    """Return the part of the table with what is wrong."""
    found = "".join(row(each, moment, names_group=True) for each in rows)
    heading = _attention_heading() if found else ""
    return f'<tbody id="attention">{heading}{found}</tbody>'


def _section(section: Section, moment: Moment) -> Iterable[str]:
    if not section.is_group:
        yield f'<tbody class="loose" data-group="{escape(section.group)}">'
    else:
        yield _group_head().fill(
            {"group": section.group, "spec": f"{section.group}:*", "told": tell(section.counts)}
        )
    names_group = not section.is_group
    for each in section.rows:
        yield row(each, moment, names_group)
    yield "</tbody>"


def row(row: Row, moment: Moment, names_group: bool) -> str:
    """Return a row; in one of its own group it goes without the group's name."""
    figure = moment.figures.get(row.key) if row.pid else None
    in_group = names_group and row.name != row.group
    points, top = history(figure)
    return _row(row.state, row.needs_attention).fill(
        {
            "namespec": row.namespec,
            "place": moment.root + place(row.namespec),
            "group": f"{row.group}:" if in_group else "",
            "name": row.name,
            "since": str(row.since or ""),
            "up": words.span(moment.now - row.since) if row.since else "",
            "story": row.story,
            "tries": row.tries,
            "said": moment.said.get(row.key, ""),
            "next": str(row.next_try or ""),
            "when": next_try(row.next_try, moment.now),
            "pid": str(row.pid or ""),
            "cpu": cpu(figure),
            "memory": words.size(figure.rss_bytes) if figure else "",
            "points": points,
            "top": f"{top:g}",
        }
    )


def cpu(figure: Figure | None) -> str:
    """Return how much of a processor it takes, in words; empty: it is not known."""
    if figure is None or figure.cpu_percent is None:
        return ""
    return words.percent(figure.cpu_percent)


def history(figure: Figure | None) -> tuple[str, float]:
    """Return the points of the graph of its CPU, and the value at its top."""
    return spark.points(() if figure is None else figure.history.cpu)


def place(namespec: str) -> str:
    """Return the address of a process's page, relative to the root."""
    return f"processes/{quote(namespec, safe=':')}"


def next_try(when: int, now: float) -> str:
    """Return when it is tried again, in words; empty: it is not."""
    return f"next try in {words.span(when - now)}" if when else ""


def tell(counts: Counter[S]) -> str:
    """Return how many are in which state, in words."""
    return ", ".join(f"{number} {state.name.lower()}" for state, number in summary(counts))


def acts(state: S, is_attention: bool) -> tuple[tuple[str, str], ...]:
    """Return what can be done to a process, and what the buttons say."""
    # One that is tried again and again keeps its buttons, or nobody could press them.
    return ACTS[S.BACKOFF if is_attention and state is S.STARTING else state]


def mark(state: S) -> Tag:
    """Return the shape of a state, and its word."""
    return h.span(state.name, class_="state", **{"data-state": state.name})


def button(label: str, action: str, target: str) -> Tag:
    """Return a button that does something to a process, or to a group's processes."""
    made: Tag = h.button(label, name=action, value=target)
    return made(**{"aria-label": f"{label} {target}"})


@cache
def _row(state: S, is_attention: bool) -> Stencil:
    name = hole("namespec")
    told: list[Flattenable] = [
        h.span(hole("story"), class_="why"),
        h.span(hole("tries"), class_="tries"),
        h.span(hole("when"), class_="next", **{"data-at": hole("next")}),
    ]
    cells = [
        h.td(hole("up"), class_="up", **{"data-since": hole("since")}),
        h.td(told, class_="story"),
        h.td(hole("pid"), class_="pid"),
        h.td(hole("cpu"), class_="cpu"),
        h.td(hole("memory"), class_="memory"),
        h.td(graph(), class_="history"),
    ]
    if is_attention:  # what is wrong takes all the room that there is
        told.append(h.q(hole("said"), class_="said"))
        cells = [h.td(told, class_="story", colspan=str(len(cells)))]
    return Stencil(
        h.tr(
            h.td(
                h.input(
                    type="checkbox", name="process", value=name, **{"aria-label": f"Select {name}"}
                ),
                class_="pick",
            ),
            h.td(mark(state), class_="state"),
            h.th(
                h.a(h.span(hole("group"), class_="of"), hole("name"), href=hole("place")),
                scope="row",
                class_="name",
            ),
            cells,
            h.td(
                [button(label, action, name) for action, label in acts(state, is_attention)],
                class_="acts",
            ),
            class_="process attention" if is_attention else "process",
            **{"data-process": name},
        )
    )


def graph(points: str = hole("points"), top: str = hole("top")) -> Tag:
    """Return a small graph."""
    svg: Tag = h.svg(
        h.polyline(points=points, **{"data-top": top}),
        viewBox=f"0 0 {spark.WIDTH} {spark.HEIGHT}",
        class_="spark",
    )
    return svg(**{"aria-hidden": "true"})


@cache
def _group_head() -> Stencil:
    group, spec = hole("group"), hole("spec")
    head = h.tr(
        h.td(class_="pick"),
        h.th(
            h.label(
                h.input(type="checkbox", checked="", class_="fold"),
                h.span("Show the processes of ", class_="hidden"),
                h.span(group, class_="group-name"),
            ),
            h.span(hole("told"), class_="told"),
            colspan=str(_WIDTH - 2),
            scope="rowgroup",
        ),
        h.td(
            button("Start", "start", spec),
            button("Restart", "restart", spec),
            button("Stop", "stop", spec),
            class_="acts",
        ),
        class_="head",
    )
    return Stencil(h.tbody(head, class_="group", **{"data-group": group}), end="</tbody>")


@cache
def _attention_heading() -> str:
    heading = h.th("Needs attention", colspan=str(_WIDTH), scope="rowgroup")
    return flat(h.tr(heading, class_="heading"))


def _table_head(view: View, root: str) -> str:
    cells: list[Tag] = [h.td(class_="pick")]
    for name, label, by in COLUMNS:
        cell = h.th(label, scope="col", class_=name)
        if by is not None:
            cell = h.th(
                h.a(label, href=replace(view, order=by).query or root or "./", class_="sort"),
                scope="col",
                class_=name,
            )
            if by == view.order:
                cell(**{"aria-sort": "descending" if by in ("cpu", "memory") else "ascending"})
        cells.append(cell)
    caption = h.caption("Processes", class_="hidden")
    head = flat(h.table(caption, h.thead(h.tr(cells)), id="processes"))
    return head.removesuffix("</table>")
