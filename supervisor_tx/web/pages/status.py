"""
What the page shows that people keep open: all processes, what is wrong with them first.

What needs somebody stands above everything else, whatever its group: a process that was given up,
one that fails to start, one that ended as it should not have and will not be started again. It
stays there while it is tried again, so that a row does not jump to and fro.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from supervisor_tx.core import namespec
from supervisor_tx.core.figures import Figure
from supervisor_tx.core.states import ProcessState as S
from supervisor_tx.supervision import ending
from supervisor_tx.supervision.info import ProcessInfo, describe
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.values import frozen, replace
from supervisor_tx.web.pages import words

#: States in the order in which they matter to who opens the page.
BY_URGENCY = (S.FATAL, S.UNKNOWN, S.BACKOFF, S.EXITED, S.STOPPING, S.STARTING, S.STOPPED, S.RUNNING)
_URGENCY = {state: number for number, state in enumerate(BY_URGENCY)}

#: One that fails to start goes between these two; it keeps its place.
_ATTENTION = {**_URGENCY, S.STARTING: _URGENCY[S.BACKOFF]}


#: By group and name; of those that run, and while somebody looks.
Figures = Mapping[tuple[str, str], Figure]


@frozen
class Row:
    """One process, as a row shows it."""

    name: str
    group: str
    state: S
    pid: int
    #: when it was started, in seconds since the epoch; 0: it does not run
    since: int
    #: what is wrong, how it is being stopped, or how it ended the last time
    story: str
    #: failed starts in a row, in words
    tries: str
    #: when it is started again by itself, in seconds since the epoch; 0: it is not
    next_try: int
    needs_attention: bool

    @property
    def namespec(self) -> str:
        """What it is called by."""
        return namespec.join(self.group, self.name)

    @property
    def key(self) -> tuple[str, str]:
        """Group and name."""
        return self.group, self.name


@frozen
class View:
    """What of it is asked for, and in which order."""

    #: words that have to be in a name, or to begin the name of a state
    wanted: str = ""
    #: one of :data:`ORDERS`
    order: str = "name"

    @property
    def query(self) -> str:
        """The query that asks for this, with its question mark; empty for everything."""
        asked = [("filter", self.wanted)] if self.wanted else []
        asked += [("sort", self.order)] if self.order != "name" else []
        return f"?{urlencode(asked)}" if asked else ""

    def admits(self, row: Row) -> bool:
        """Tell whether a row is asked for: all words fit."""
        name, state = row.namespec.lower(), row.state.name.lower()
        return all(word in name or state.startswith(word) for word in self.wanted.lower().split())


@frozen
class Section:
    """Rows that stand together."""

    #: of the group; empty: rows of all groups
    group: str
    rows: Sequence[Row]
    #: of all members of the group, wherever they are shown
    counts: Counter[S]
    #: the group has a process of its own name
    is_named_alike: bool = False

    @property
    def is_group(self) -> bool:
        """Whether it is headed by the group: not where that is one process of the same name."""
        return bool(self.group) and (self.counts.total() > 1 or not self.is_named_alike)


@frozen
class Status:
    """All that the page shows of processes."""

    attention: Sequence[Row]
    sections: Sequence[Section]
    #: of all, shown or not
    counts: Counter[S]
    view: View


class Rows:
    """What is shown of each process, made anew when something has happened to it."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[SupervisedProcess, tuple[int, Row]] = WeakKeyDictionary()

    def of(self, process: SupervisedProcess) -> Row:
        """Return the row of a process."""
        known = self._known.get(process)
        if known is not None and known[0] == process.version:
            return known[1]
        made = _row(process)
        self._known[process] = process.version, made
        return made


def _row(process: SupervisedProcess) -> Row:
    info = describe(process)
    config = process.config
    attention = needs_attention(info)
    if attention:
        story = words.reason(info, config.startsecs)
    elif info.state is S.STOPPING:
        story = words.stopping(config.stopsignal, config.stopwaitsecs)
    else:
        story = words.ended(info)
    return Row(
        name=info.name,
        group=info.group,
        state=info.state,
        pid=info.pid,
        since=info.start if info.pid else 0,
        story=story,
        tries=words.tries(info.tries, config.startretries) if attention else "",
        next_try=info.next_try,
        needs_attention=attention,
    )


def needs_attention(info: ProcessInfo) -> bool:
    """Tell whether something is wrong with a process that somebody should look at."""
    match info.state:
        case S.FATAL | S.BACKOFF | S.UNKNOWN:
            return True
        case S.STARTING:
            return info.tries > 0
        case S.EXITED:
            by_itself = info.exit_cause in (ending.EXIT, ending.SIGNAL, ending.UNKNOWN)
            return by_itself and not info.exit_expected and not info.next_try
    return False


def _most(value: Callable[[Figure], float | None]) -> Callable[[Row, Figures], float]:
    def key(row: Row, figures: Figures) -> float:
        figure = figures.get(row.key)
        return 1.0 if figure is None else -(value(figure) or 0.0)

    return key


#: What can be sorted by, in the order in which rows then stand; equals stay as they are.
ORDERS: Mapping[str, Callable[[Row, Figures], float]] = {
    "name": lambda row, _: 0,
    "state": lambda row, _: _URGENCY[row.state],
    "uptime": lambda row, _: row.since or math.inf,
    "pid": lambda row, _: row.pid or math.inf,
    "cpu": _most(lambda figure: figure.cpu_percent),
    "memory": _most(lambda figure: figure.rss_bytes),
}


def arrange(rows: Iterable[Row], view: View, figures: Figures) -> Status:
    """Put rows, which come by group and name, where they belong on the page."""
    counts: Counter[S] = Counter()
    groups: dict[str, list[Row]] = {}
    members: dict[str, Counter[S]] = {}
    alike: set[str] = set()
    attention: list[Row] = []
    for each in rows:
        counts[each.state] += 1
        members.setdefault(each.group, Counter())[each.state] += 1
        if each.name == each.group:
            alike.add(each.name)
        if view.wanted and not view.admits(each):
            continue
        (attention if each.needs_attention else groups.setdefault(each.group, [])).append(each)
        groups.setdefault(each.group, [])
    attention.sort(key=lambda each: _ATTENTION[each.state])
    sections = [
        Section(name, found, members[name], name in alike) for name, found in groups.items()
    ]
    sections.sort(key=lambda section: section.is_group)  # none looks like a part of another
    if view.order != "name":
        by = ORDERS[view.order]
        shown = sorted(chain.from_iterable(groups.values()), key=lambda each: by(each, figures))
        sections = [Section("", shown, counts)]
    return Status(attention, sections, counts, view)


def only(status: Status, names: Collection[str]) -> Status:
    """Return what is wrong, and of all other rows those of the given names."""
    sections = []
    for section in status.sections:
        rows = [row for row in section.rows if row.namespec in names]
        groups = {namespec.split(name)[0] for name in names}
        if rows or section.group in groups:
            sections.append(replace(section, rows=rows))
    return replace(status, sections=sections)


def summary(counts: Counter[S]) -> list[tuple[S, int]]:
    """Return how many are in which state, what matters most first."""
    return [(state, counts[state]) for state in BY_URGENCY if counts[state]]


def title(counts: Counter[S], identifier: str) -> str:
    """Return the title of the page: what is wrong is to be seen in a list of tabs."""
    told = ", ".join(f"{number} {state.name}" for state, number in summary(counts))
    return f"{told or 'No processes'} – {identifier}"  # noqa: RUF001 (a dash)
