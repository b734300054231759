"""
Parts of the documentation that are made from the program, so that they cannot be wrong.

``.. sample-options:: program:name`` lists the options of a section of the sample configuration;
``.. command-line::`` lists the daemon's; ``.. client-options::`` and ``.. client-commands::`` list
the client's; ``.. json-operations:: tag`` lists URLs with a tag of the OpenAPI document, and
``.. problems::`` what requests are refused for; ``.. lifecycle::`` shows the states of a process as
a drawing and as a table, found out by feeding every input to the real machine; ``.. dialogue::``
draws the states of an event listener, found out in the same way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import product
from typing import Any, ClassVar, Generic, TypeVar
from xml.sax.saxutils import escape

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from supervisor_tx import sample
from supervisor_tx.cmdline import OPTIONS
from supervisor_tx.core.lifecycle import (
    Announce,
    AutoRestart,
    Exited,
    Input,
    Lifecycle,
    Quiesce,
    RestartPolicy,
    arcs,
)
from supervisor_tx.core.listener import Answered, Dialogue, DialogueRecord
from supervisor_tx.core.states import ListenerState
from supervisor_tx.core.states import ProcessState as S
from supervisor_tx.ctl import additions, helps
from supervisor_tx.ctl.options import usage
from supervisor_tx.supervision.refusals import REFUSALS
from supervisor_tx.web.api import openapi

State = TypeVar("State", bound=IntEnum)


class _Parsed(Directive):
    """A directive that writes reStructuredText."""

    def parsed(self, lines: Iterable[str]) -> list[nodes.Node]:
        container = nodes.container()
        source = self.state_machine.get_source_and_line(self.lineno)[0]
        self.state.nested_parse(StringList(list(lines), source), self.content_offset, container)
        return list(container.children)

    def table(
        self, headings: Iterable[str], rows: Iterable[Iterable[str]], widths: str
    ) -> list[str]:
        lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
        for row in (headings, *rows):
            for number, cell in enumerate(row):
                lines.append(f"   {'*' if number == 0 else ' '} - {cell}")
        return [*lines, ""]


class SampleOptions(_Parsed):
    """The options of one section of the sample."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        rows = list(self._rows(self.arguments[0]))
        if not rows:
            raise self.error(f"the sample has no section {self.arguments[0]}")
        return self.parsed(
            self.table(("Option", "Value in the sample", "Meaning"), rows, "30 30 60")
        )

    @staticmethod
    def _rows(wanted: str) -> Iterator[tuple[str, str, str]]:
        section = ""
        for line in sample.text().splitlines():
            if match := re.fullmatch(r";?\[(.+)\]", line):
                section = match[1]
            elif section == wanted and (
                match := re.fullmatch(r";?([a-z][\w.]*)=(.*?)(?:\s+; (.*))?", line)
            ):
                name, value, remark = match.groups()
                yield f"``{name}``", f"``{value}``", (remark or "").replace("*", r"\*")


class CommandLineOptions(_Parsed):
    """The options of the daemon."""

    def run(self) -> list[nodes.Node]:
        rows = [
            (f"``{option.flags}``", option.help.replace("\n", " ").replace("*", r"\*"))
            for option in OPTIONS
        ]
        return self.parsed(self.table(("Option", "Meaning"), rows, "40 70"))


class ClientOptions(_Parsed):
    """The options of the client, out of its usage text."""

    def run(self) -> list[nodes.Node]:
        text = usage("supervisorctl").partition("Options:\n")[2].partition("\n\n")[0]
        entries = re.split(r"\n(?=-)", text)
        rows = [
            (f"``{flags}``", _quoted(" ".join(explanation.split())))
            for flags, _, explanation in (entry.partition(" -- ") for entry in entries)
        ]
        return self.parsed(self.table(("Option", "Meaning"), rows, "40 70"))


def _quoted(text: str) -> str:
    """Return the text with its examples of URLs as literals."""
    return re.sub(r"\w+://[\w:/]+", r"``\g<0>``", text)


class ClientCommands(_Parsed):
    """The actions of the client, out of what its help says; those that Supervisor lacks last."""

    def run(self) -> list[nodes.Node]:
        rows = [row for each in (helps.HELP, additions.HELP) for row in self._rows(each)]
        return self.parsed(self.table(("Action", "Meaning"), rows, "45 65"))

    @staticmethod
    def _rows(texts: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, str]]:
        for command in sorted(texts):
            for line in texts[command]:
                form, _, meaning = line.partition("\t" if "\t" in line else " (")
                if form.strip() and meaning.strip():
                    yield f"``{form.strip()}``", meaning.strip(" \t)").replace("*", r"\*")


class JsonOperations(_Parsed):
    """The URLs with one tag: their arguments, and what they do."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        rows = list(self._rows(self.arguments[0]))
        if not rows:
            raise self.error(f"nothing has the tag {self.arguments[0]}")
        headings = ("Request", "Arguments", "What is done or returned", "Answer")
        return self.parsed(self.table(headings, rows, "55 25 55 20"))

    @staticmethod
    def _rows(tag: str) -> Iterator[tuple[str, str, str, str]]:
        for path, operations in openapi.document()["paths"].items():
            for method, told in operations.items():
                if tag in told["tags"]:
                    yield (
                        f"``{method.upper()} {path}``",
                        ", ".join(f"``{name}``" for name in _arguments(told)),
                        told["summary"].replace("*", r"\*"),
                        _answer(told),
                    )


def _arguments(told: Any) -> Iterable[str]:
    for each in told.get("parameters", ()):
        if each["in"] == "query":
            yield f"?{each['name']}="
    content = told.get("requestBody", {}).get("content", {})
    yield from content.get("application/json", {}).get("schema", {}).get("properties", {})


def _answer(told: Any) -> str:
    [first, *_] = [each for code, each in told["responses"].items() if code.startswith("2")]
    kind, schema = next(iter(first["content"].items()))
    reference = schema.get("schema", {}).get("$ref", "")
    return reference.rpartition("/")[2] or f"``{kind}``"


class Problems(_Parsed):
    """What requests are refused for."""

    def run(self) -> list[nodes.Node]:
        rows = [
            (f"``{each.slug}``", str(each.status), f"{each.title}. {each.mend}")
            for each in REFUSALS.values()
        ]
        return self.parsed(self.table(("Type", "Status", "Meaning"), rows, "30 10 80"))


class LifecycleDirective(_Parsed):
    """The states of a process, drawn and told."""

    def run(self) -> list[nodes.Node]:
        changes = transitions()
        drawing = nodes.raw("", _LIFE.drawn(changes), format="html")
        rows = [
            (state.name, f"``{what.__name__}``", _summary(what), ", ".join(t.name for t in found))
            for state, what, found in outcomes()
        ]
        headings = ("State", "Input", "What has happened", "State afterwards")
        return [drawing, *self.parsed(self.table(headings, rows, "15 20 55 30"))]


class DialogueDirective(Directive):
    """The states of a listener, drawn."""

    def run(self) -> list[nodes.Node]:
        return [nodes.raw("", _DIALOGUE.drawn(turns()), format="html")]


def _summary(what: type[Input]) -> str:
    return (what.__doc__ or "").strip().splitlines()[0]


# The machine, tried out


def _inputs(what: type[Any]) -> Iterator[Input]:
    if what is Exited:
        for code, uptime in product((0, 1), (0.0, 0.5, 100.0)):
            yield Exited(code, None, uptime)
    else:
        yield what()


def _lives(state: S) -> Iterator[Lifecycle]:
    for retries, spawned, stop_wanted, may_restart, startsecs, autorestart in product(
        (0, 9), (False, True), (False, True), (False, True), (0, 1), AutoRestart
    ):
        policy = RestartPolicy(startsecs=startsecs, autorestart=autorestart)
        yield Lifecycle(policy, state, retries, spawned, stop_wanted, may_restart)


def _tried(state: S, what: type[Input]) -> Iterator[tuple[Lifecycle, list[Announce]]]:
    for given in _inputs(what):
        for life in _lives(state):
            effects = life.receive(given)
            yield life, [effect for effect in effects if isinstance(effect, Announce)]


def transitions() -> dict[tuple[S, S], list[str]]:
    """Return which inputs lead from one state to the next."""
    found: dict[tuple[S, S], list[str]] = {}
    for state, what, _ in arcs():
        for _, announced in _tried(state, what):
            for each in announced:
                names = found.setdefault((each.was, each.now), [])
                if what.__name__ not in names:
                    names.append(what.__name__)
    return found


def outcomes() -> Iterator[tuple[S, type[Input], list[S]]]:
    """Return in which states a process may be after each input that its state has an answer to."""
    for state, what, _ in arcs():
        if what is not Quiesce:  # the same everywhere: nothing starts by itself any more
            yield state, what, sorted({life.state for life, _ in _tried(state, what)})


#: What a listener may say, by a name for it.
_SAID = {"READY": b"READY\n", "RESULT": b"RESULT 2\nOK", "anything else": b"hello world\n"}


def turns() -> dict[tuple[ListenerState, ListenerState], list[str]]:
    """Return what leads from one state of a listener to another."""
    found: dict[tuple[ListenerState, ListenerState], list[str]] = {}
    for state, (name, data) in product(ListenerState, _SAID.items()):
        dialogue = Dialogue(DialogueRecord(state))
        dialogue.receive(data)
        if isinstance(dialogue.next(), Answered):
            dialogue.accepted()
        if dialogue.state is not state:
            found.setdefault((state, dialogue.state), []).append(name)
    dialogue = Dialogue(DialogueRecord(ListenerState.READY))
    dialogue.handed()
    found[ListenerState.READY, dialogue.state] = ["(is handed an event)"]
    for (_, after), names in found.items():  # where everything is wrong, no more need be said
        if after is ListenerState.UNKNOWN:
            names[:] = ["anything"] if len(names) == len(_SAID) else ["anything else"]
    return found


# The drawing

_WIDTH, _HEIGHT = 124, 40

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
 aria-label="{label}; the table below says it in words"
 style="max-width: 100%; font: 12px sans-serif">
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"
 orient="auto"><path d="M0 0 8 4 0 8z" fill="currentColor"/></marker></defs>"""


@dataclass(frozen=True)
class Drawing(Generic[State]):
    """Where the states of a machine stand on a page."""

    label: str
    width: int
    height: int
    places: Mapping[State, tuple[int, int]]
    #: how far an edge bends away from the straight line, to its left
    bends: Mapping[tuple[State, State], int] = field(default_factory=dict)

    def drawn(self, changes: Mapping[tuple[State, State], list[str]]) -> str:
        """Return the machine as an SVG element, to stand in a page."""
        edges = [
            _edge(self.places[start], self.places[end], self.bends.get((start, end), 0), names)
            for (start, end), names in changes.items()
            if start in self.places and end in self.places
        ]
        head = _HEAD.format(width=self.width, height=self.height, label=self.label)
        boxes = [_node(state.name, *place) for state, place in self.places.items()]
        return "\n".join([head, *edges, *boxes, "</svg>"])


_LIFE = Drawing(
    "How a process goes from state to state",
    830,
    460,
    # UNKNOWN is left to the table: it would double the number of lines, for what hardly happens
    {
        S.STOPPED: (80, 220),
        S.STARTING: (410, 220),
        S.RUNNING: (750, 220),
        S.STOPPING: (410, 50),
        S.BACKOFF: (230, 420),
        S.FATAL: (510, 420),
        S.EXITED: (750, 420),
    },
    {
        (S.STOPPING, S.STOPPED): 20,
        (S.RUNNING, S.STOPPING): 20,
        (S.BACKOFF, S.STOPPED): -20,
        (S.STARTING, S.BACKOFF): 22,
        (S.BACKOFF, S.STARTING): 22,
    },
)

_DIALOGUE = Drawing(
    "How a listener goes from state to state",
    830,
    250,
    {
        ListenerState.ACKNOWLEDGED: (80, 80),
        ListenerState.READY: (410, 80),
        ListenerState.BUSY: (750, 80),
        ListenerState.UNKNOWN: (410, 220),
    },
    {(ListenerState.BUSY, ListenerState.ACKNOWLEDGED): -45},
)


def _node(name: str, x: int, y: int) -> str:
    return (
        f'<rect x="{x - _WIDTH / 2}" y="{y - _HEIGHT / 2}" width="{_WIDTH}" height="{_HEIGHT}"'
        ' rx="12" fill="none" stroke="currentColor" stroke-width="2"/>'
        f'<text x="{x}" y="{y + 5}" text-anchor="middle" font-weight="bold"'
        f' fill="currentColor">{name}</text>'
    )


def _edge(start: tuple[int, int], end: tuple[int, int], bend: int, names: list[str]) -> str:
    (x1, y1), (x2, y2) = start, end
    length = math.hypot(x2 - x1, y2 - y1)
    across, along = (y2 - y1) / length, -(x2 - x1) / length
    cx, cy = (x1 + x2) / 2 + across * bend * 2, (y1 + y2) / 2 + along * bend * 2
    fx, fy = _border(x1, y1, cx, cy)
    tx, ty = _border(x2, y2, cx, cy)
    mx, my = (fx + tx) / 4 + cx / 2, (fy + ty) / 4 + cy / 2
    lines = "".join(
        f'<tspan x="{mx:.0f}" dy="{14 if number else 0}">{escape(name)}</tspan>'
        for number, name in enumerate(names)
    )
    return (
        f'<path d="M{fx:.0f} {fy:.0f} Q{cx:.0f} {cy:.0f} {tx:.0f} {ty:.0f}" fill="none"'
        ' stroke="currentColor" marker-end="url(#tip)"/>'
        f'<text y="{my + 4 - 7 * (len(names) - 1):.0f}" text-anchor="middle" fill="currentColor"'
        ' stroke="white" stroke-width="5" paint-order="stroke">'
        f"{lines}</text>"
    )


def _border(x: float, y: float, towards_x: float, towards_y: float) -> tuple[float, float]:
    """Return where the line from the middle of a box leaves it."""
    dx, dy = towards_x - x, towards_y - y
    scale = min(
        (_WIDTH / 2 + 3) / abs(dx) if dx else math.inf,
        (_HEIGHT / 2 + 3) / abs(dy) if dy else math.inf,
    )
    return x + dx * scale, y + dy * scale


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directives."""
    app.add_directive("sample-options", SampleOptions)
    app.add_directive("command-line", CommandLineOptions)
    app.add_directive("client-options", ClientOptions)
    app.add_directive("client-commands", ClientCommands)
    app.add_directive("json-operations", JsonOperations)
    app.add_directive("problems", Problems)
    app.add_directive("lifecycle", LifecycleDirective)
    app.add_directive("dialogue", DialogueDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
