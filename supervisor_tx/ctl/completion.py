"""What the word under the cursor can become, in the shell."""

from __future__ import annotations

from supervisor_tx.ctl.render import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final

    from supervisor_tx.ctl.controller import Controller

_GROUPS: Final = frozenset({"add", "events", "remove", "update"})
_PROCESSES: Final = frozenset(
    {"clear", "fg", "pid", "restart", "signal", "start", "status", "stop", "tail", "watch", "why"}
)


def candidates(controller: Controller, text: str, line: str) -> list[str]:
    """Return all that text, the last word of the line, can become."""
    words = line.split()
    if not words or (len(words) == 1 and text and line.strip() == text):
        return [f"{word} " for word in controller.vocab if word.startswith(text)]
    if words[0] == "help":
        return [f"{word} " for word in controller.vocab if word.startswith(text)]
    if words[0] in _GROUPS:
        groups = {info["group"] for info in controller.process_infos()}
        return [f"{group} " for group in sorted(groups) if group.startswith(text)]
    if words[0] in _PROCESSES:
        return processes(controller.process_infos(), text)
    return []


def processes(infos: Iterable[Mapping[str, Any]], text: str) -> list[str]:
    """Return the names of processes, and ``group:*``, that begin with a text."""
    found = []
    groups = set()
    for info in infos:
        group = info["group"]
        if group == info["name"] and ":" not in text:
            found.append(name_of(info))
            continue
        if group not in groups:
            groups.add(group)
            found.append(f"{group}:*")
        found.append(f"{group}:{info['name']}")
    return [f"{name} " for name in found if name.startswith(text)]
