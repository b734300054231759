"""The status as a table that keeps up with what happens, on a terminal."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress

from supervisor_tx.core import namespec
from supervisor_tx.ctl import calls, render
from supervisor_tx.ctl.options import colorful
from supervisor_tx.ctl.wire import NotHTTP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, Final

    from supervisor_tx.ctl.controller import Controller

_SECONDS: Final = 1.0
_DAY: Final = 86400.0

# The other screen of a terminal keeps what was on this one; the cursor would only flicker.
_ENTER: Final = "\x1b[?1049h\x1b[?25l"
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
_HOME: Final = "\x1b[H"
_REST_OF_LINE: Final = "\x1b[K"
_REST_OF_SCREEN: Final = "\x1b[J"


def arguments(words: Sequence[str]) -> tuple[float, list[str]]:
    """Return seconds between two looks, and names; raise ValueError."""
    seconds = _SECONDS
    names = list(words)
    if names and names[0].startswith("-n"):
        text = names[0][2:] or "".join(names[1:2])
        names = names[1 if names[0][2:] else 2 :]
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= _DAY:  # nor a NaN
            raise ValueError(f"-n {text}: not a number of seconds above 0")
    return seconds, names


def watch(controller: Controller, seconds: float, names: Sequence[str]) -> None:
    """Show the table until Ctrl-C, and leave its last state behind."""
    lines: list[str] = []
    controller.stdout.write(_ENTER)
    try:
        with suppress(KeyboardInterrupt):
            while True:
                lines = _look(controller, names)
                controller.stdout.write(_screen(lines))
                controller.stdout.flush()
                time.sleep(seconds)
    finally:
        controller.stdout.write(_LEAVE)
        controller.stdout.write("".join(f"{line}\n" for line in lines))
        controller.stdout.flush()


def _look(controller: Controller, names: Sequence[str]) -> list[str]:
    try:
        infos = controller.get_supervisor().getAllProcessInfo()
    except (OSError, NotHTTP, calls.Fault, calls.ProtocolError) as error:
        return [time.strftime("%H:%M:%S"), "", f"no answer: {error}"]
    shown = list(_selected(infos, names))
    counts: dict[str, int] = {}
    for info in shown:
        counts[info["statename"]] = counts.get(info["statename"], 0) + 1
    states = ", ".join(f"{counts[state]} {state}" for state in sorted(counts)) or "nothing"
    head = f"{time.strftime('%H:%M:%S')}  {states}"
    return [head, "", *render.statuses(shown, color=colorful(controller.options.color))]


def _selected(infos: Iterable[dict[str, Any]], names: Sequence[str]) -> Iterable[dict[str, Any]]:
    from fnmatch import fnmatchcase

    for info in infos:
        for word in names or ("all",):
            group, process = namespec.split(word)
            own = process or "*"
            if (
                word == "all"
                or (fnmatchcase(info["group"], group) and fnmatchcase(info["name"], own))
                or (":" not in word and fnmatchcase(info["name"], word))
            ):
                yield info
                break


def _screen(lines: Sequence[str]) -> str:
    """Return what draws the lines over what was there; as many as there is room for."""
    rows = shutil.get_terminal_size().lines
    if len(lines) > rows - 1:
        more = len(lines) - rows + 2
        lines = [*lines[: rows - 2], f"... and {more} more"]
    return _HOME + "".join(f"{line}{_REST_OF_LINE}\r\n" for line in lines) + _REST_OF_SCREEN
