"""
Colours and styles in the output of programs, as classes of a style sheet.

What a terminal does for ``ESC [ ... m`` is shown; all other sequences are left out, and so are
control characters that mean nothing on a page. A colour is one of 256: the first 16 are those of
the page, the rest those that terminals agree on; a colour by red, green and blue is the nearest of
these. The script of the log view does the same to what arrives later (``static/sgr.js``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from supervisor_tx.values import frozen, replace

#: An escape sequence: (1) the numbers of one that sets styles; else a CSI, an OSC or a short one.
#: The last alternative is a control character other than tab and line feed.
_SEQUENCE = re.compile(
    r"\x1b\[([0-9;:]{0,256})m"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b\][^\x07\x1b]{0,2048}(?:\x07|\x1b\\)"
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)

_STYLES = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "struck"}
_ENDS = {
    22: ("bold", "dim"),
    23: ("italic",),
    24: ("underline",),
    27: ("inverse",),
    29: ("struck",),
}


@frozen
class Style:
    """How text looks from here on."""

    foreground: int | None = None
    background: int | None = None
    effects: frozenset[str] = frozenset()

    @property
    def classes(self) -> str:
        """The classes for it; empty where there is nothing special."""
        colours = [
            f"{letter}g {letter}{colour}"
            for letter, colour in (("f", self.foreground), ("b", self.background))
            if colour is not None
        ]
        return " ".join([*colours, *sorted(self.effects)])


PLAIN = Style()


def pieces(text: str, style: Style = PLAIN) -> Iterator[tuple[str, Style]]:
    """Yield the text in pieces of one style each; the last may be empty, for its style."""
    position = 0
    for found in _SEQUENCE.finditer(text):
        if found.start() > position:
            yield text[position : found.start()], style
        position = found.end()
        if found[1] is not None:
            style = _set(style, found[1])
    yield text[position:], style


def _set(style: Style, parameters: str) -> Style:
    numbers = [int(each or 0) % 100000 for each in re.split("[;:]", parameters)]
    while numbers:
        number = numbers.pop(0)
        is_long = number in (38, 48)
        style = _colour(style, number, numbers) if is_long else _one(style, number)
    return style


def _one(style: Style, number: int) -> Style:
    if number == 0:
        return PLAIN
    if number in _STYLES:
        return replace(style, effects=style.effects | {_STYLES[number]})
    if number in _ENDS:
        return replace(style, effects=style.effects - {*_ENDS[number]})
    if 30 <= number <= 39:
        return replace(style, foreground=None if number == 39 else number - 30)
    if 40 <= number <= 49:
        return replace(style, background=None if number == 49 else number - 40)
    if 90 <= number <= 97:
        return replace(style, foreground=number - 82)
    if 100 <= number <= 107:
        return replace(style, background=number - 92)
    return style


def _colour(style: Style, which: int, numbers: list[int]) -> Style:
    """Take ``5;n`` or ``2;r;g;b`` off the numbers that follow 38 or 48."""
    kind = numbers.pop(0) if numbers else None
    if kind == 5 and numbers:
        colour = min(numbers.pop(0), 255)
    elif kind == 2 and len(numbers) >= 3:
        colour = nearest(*numbers[:3])
        del numbers[:3]
    else:
        numbers.clear()  # nobody knows where it ends
        return style
    if which == 38:
        return replace(style, foreground=colour)
    return replace(style, background=colour)


def nearest(red: int, green: int, blue: int) -> int:
    """Return the number of the colour of the cube, or of the greys, that comes closest."""
    wanted = [min(each, 255) for each in (red, green, blue)]
    steps = [0 if each < 48 else 1 if each < 115 else (each - 35) // 40 for each in wanted]
    grey = max(0, min(23, (sum(wanted) // 3 - 3) // 10))
    in_cube = [0 if step == 0 else 55 + 40 * step for step in steps]
    if _distance(wanted, [8 + 10 * grey] * 3) < _distance(wanted, in_cube):
        return 232 + grey
    return 16 + 36 * steps[0] + 6 * steps[1] + steps[2]


def _distance(one: list[int], other: list[int]) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
