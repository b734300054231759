"""
The pages that the stock package lets plugins replace.

Ours are made in another way. What a plugin puts here is kept and never shown, and the log says so.
"""

from __future__ import annotations

from typing import Any


class _Views(dict[str, Any]):
    """A dictionary that warns who writes to it."""

    def __setitem__(self, name: str, view: Any) -> None:
        from supervisor_tx.activity import Logger

        Logger().warn(
            "a plugin wants to show a page of its own as {name}: that is not possible here",
            name=name,
        )
        super().__setitem__(name, view)


VIEWS: dict[str, Any] = _Views()
