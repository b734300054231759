"""What an action had to say, as one JSON document."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Document:
    """Collects the results and messages of one action."""

    def __init__(self, command: str, argument: str) -> None:
        self._command = command
        self._argument = argument
        self._results: list[Mapping[str, Any]] = []
        self._messages: list[str] = []
        self._hints: list[str] = []

    def add(self, record: Mapping[str, Any]) -> None:
        """Take one result."""
        self._results.append(record)

    def say(self, message: str) -> None:
        """Take a line that is no result, such as an error."""
        self._messages.append(message)

    def hint(self, lines: list[str]) -> None:
        """Take what may help to mend an error."""
        self._hints += lines

    def text(self, exitstatus: int) -> str:
        """Return the document; without blanks for a program, but with a line for each result."""
        from json import dumps

        whole = {
            "command": self._command,
            "arguments": self._argument.split(),
            "exit_status": exitstatus,
            "results": self._results,
            "messages": self._messages,
            **({"hints": self._hints} if self._hints else {}),
        }
        return dumps(whole, indent=2, default=str)
