"""Words within an action that say how it is to be done: ``--json``, ``--no-wait`` ..."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from supervisor_tx.ctl.options import Modes

#: The commands that wait for something.
WAITING: Final = frozenset({"start", "stop", "restart"})
#: The commands of which the outcome is not a text to be looked at.
SHOWN: Final = frozenset({"completion", "exit", "fg", "help", "quit", "watch"})


def extract(command: str, argument: str, modes: Modes) -> tuple[Modes, str]:
    """
    Return the modes that hold for a command, and its argument without the words about them.

    Raises ValueError where such a word lacks its value. A word that no mode is called by stays: it
    may be the name of something.
    """
    words = argument.split()
    rest: list[str] = []
    modes = modes.copy()
    while words:
        word = words.pop(0)
        name, equals, text = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not _is_mode(command, name):
            rest.append(word)
        elif name == "timeout":
            if not equals and not words:
                raise ValueError("--timeout needs a number of seconds")
            text = text if equals else words.pop(0)
            try:
                modes.take(name, text)
            except ValueError:
                raise ValueError(f"--timeout {text}: not a number of seconds above 0") from None
        elif equals:
            raise ValueError(f"--{name} takes no value")
        else:
            modes.take(name, None)
    return modes, " ".join(rest)


def _is_mode(command: str, name: str) -> bool:
    if name == "json":
        return command not in SHOWN
    return command in WAITING and name in ("wait", "no-wait", "timeout")
