"""
What may be told along with events: CPU and memory, and whether the configuration has changed.

These are no events. What counts is how things are now, so nothing is kept for a client that does
not keep up: when it reads on it is told how things are then. All clients share what is made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from supervisor_tx.core.figures import Figure
from supervisor_tx.core.processtree import Key
from supervisor_tx.supervision.configwatch import ConfigState, ConfigWatch
from supervisor_tx.supervision.figures import Figures
from supervisor_tx.web.api import shapes
from supervisor_tx.web.sse import message


class Alongside(Protocol):
    """Something that one client wants to know."""

    def take(self) -> bytes:
        """Return the messages that it does not know yet; empty: there are none."""

    def stop(self) -> None:
        """It wants to know no more."""


class FiguresNews:
    """
    Figures, for one client: all of them first, and then those that differ.

    For one who wants those of certain processes only, each message has all of these.
    """

    def __init__(
        self,
        figures: Figures,
        changed: Callable[[], None],
        processes: Collection[tuple[str, str | None]] = (),
    ) -> None:
        """
        ``changed`` is called when there is news.

        ``processes`` are those of interest, no name for all of a group; empty: all there are.
        """
        self._figures = figures
        self._processes = processes
        self._told: int | None = None
        self.stop = figures.watch(changed)

    def take(self) -> bytes:
        """Return a message, where there was another look."""
        figures, told = self._figures, self._told
        if told == figures.version or figures.is_blank:
            return b""
        self._told = figures.version
        if self._processes:
            return _message(figures, self._chosen(), complete=True)
        texts = _TEXTS.get(figures)
        if texts is None:
            texts = _TEXTS[figures] = _Texts()
        return texts.since(told, figures)

    def _chosen(self) -> Mapping[Key, Figure]:
        return {
            key: figure
            for key, figure in self._figures.latest.items()
            if key in self._processes or (key[0], None) in self._processes
        }


class ConfigNews:
    """Whether the configuration has changed, for one client."""

    def __init__(self, watch: ConfigWatch, changed: Callable[[], None]) -> None:
        """``changed`` is called when there is news."""
        self._watch = watch
        self._told: ConfigState | None = None
        self.stop = watch.watch(changed)

    def take(self) -> bytes:
        """Return a message, where that is not what was told."""
        state = self._watch.state
        if state is None or state == self._told:
            return b""
        self._told = state
        return message(shapes.config_state(state), name="config")


class _Texts:
    """The messages about figures of one daemon, made once for all clients."""

    def __init__(self) -> None:
        self._version = 0
        #: what was told last, and the look before that
        self._latest: Mapping[Key, Figure] = {}
        self._before: Mapping[Key, Figure] | None = None
        self._whole = self._difference = b""

    def since(self, told: int | None, figures: Figures) -> bytes:
        """Return the message for a client that was told a version of the figures, or none."""
        if figures.version != self._version:
            follows = figures.version == self._version + 1
            self._before = self._latest if follows else None
            self._version, self._latest = figures.version, figures.latest
            self._whole = self._difference = b""
        if self._before is None or told != self._version - 1:
            if not self._whole:
                self._whole = _message(figures, figures.latest, complete=True)
            return self._whole
        if not self._difference:
            different = _different(self._before, self._latest)
            self._difference = _message(figures, different, complete=False)
        return self._difference


#: Not to be made anew for each client.
_TEXTS: WeakKeyDictionary[Figures, _Texts] = WeakKeyDictionary()


def _different(
    before: Mapping[Key, Figure], now: Mapping[Key, Figure]
) -> Mapping[Key, Figure | None]:
    """Return what is not as it was; None: it is gone."""
    found: dict[Key, Figure | None] = {
        key: figure
        for key, figure in now.items()
        if (was := before.get(key)) is None or not figure.looks_like(was)
    }
    found.update(dict.fromkeys(before.keys() - now.keys()))
    return found


def _message(figures: Figures, processes: Mapping[Key, Figure | None], *, complete: bool) -> bytes:
    told: dict[str, Any] = {"complete": complete, **shapes.figures(figures, processes)}
    return message(shapes.encoded(told), name="figures")
