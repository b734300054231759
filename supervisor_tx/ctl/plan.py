"""The steps of an update, as lines: planned, or done."""

from __future__ import annotations

from supervisor_tx.core import namespec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

#: What each kind of step will do, and what it has done.
_WORDS: Final = {
    "remove group": (
        "will be stopped and removed, with all its processes",
        "removed process group",
    ),
    "replace group": ("will be stopped, removed and added anew", "updated process group"),
    "remove": ("will be stopped and removed", "removed process"),
    "restart": ("will be restarted", "restarted"),
    "at next start": ("goes on; the change is for its next start", "changed, for its next start"),
    "change": ("will change without a restart", "changed"),
    "add": ("will be added", "added process"),
    "add group": ("will be added", "added process group"),
    "at reload": ("will change with a reload only", "changed, for the next reload"),
}


def planned(step: Mapping[str, Any]) -> list[str]:
    """Return what a step will do, and for which reasons."""
    what = _WORDS.get(step["action"], (step["action"],))[0]
    lines = [f"{_name(step)}: {what}"]
    for reason in step["reasons"]:
        if reason["option"] == "process":  # that it comes or goes is said already
            continue
        member = reason.get("process") or ""
        of = f"{member} " if member and member != step["process"] else ""
        lines.append(f"    {of}{reason['option']}: {reason['old']} -> {reason['new']}")
    return lines


def done(step: Mapping[str, Any]) -> str:
    """Return what a step has done."""
    if step["problem"]:
        return f"{_name(step)}: ERROR ({step['problem']})"
    return f"{_name(step)}: {_WORDS.get(step['action'], (step['action'],))[-1]}"


def _name(step: Mapping[str, Any]) -> str:
    if not step["group"]:
        return "supervisord"
    return namespec.join(step["group"], step["process"]) if step["process"] else str(step["group"])
