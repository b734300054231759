"""
Whether the configuration on disk is the one that is in force, while somebody looks.

The kernel tells of changes in the folders of a configuration. Then its files are looked at. Only
where one of them is another than before they are read again, in a thread, and compared with what is
in force, as an update would do it: so neither ``touch`` nor a comment is a change. Where the kernel
does not tell, the files are looked at every few seconds. When nobody looks nothing is done at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from supervisor_tx.activity import Logger
from supervisor_tx.config import sources
from supervisor_tx.config.model import Config
from supervisor_tx.config.plan import Step
from supervisor_tx.config.sources import Sources
from supervisor_tx.errors import ConfigError
from supervisor_tx.values import frozen

_log = Logger()

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds from a change to a look at it: an editor makes several at once.
PATIENCE = 0.3

#: Seconds between two looks where the kernel does not tell of changes.
LOOK_SECONDS = 5.0


@frozen
class ConfigState:
    """How the configuration on disk compares with the one in force."""

    #: an update, or a reload, would have something to do
    changed: bool = False
    #: why the one on disk cannot be used; empty: it can
    problem: str = ""


class Folders(Protocol):
    """Who tells of changes in folders."""

    def folder(
        self, path: str, changed: Callable[[], None], lost: Callable[[], None]
    ) -> Callable[[], None] | None:
        """Call when something changes in a folder; return what ends that; None: no way."""


class Configured(Protocol):
    """The daemon, as far as this reaches it."""

    #: what was last read
    configured: Config

    @property
    def clock(self) -> IReactorTime:
        """What durations are counted by."""

    def read_config(self) -> Config:
        """Read the configuration that is now on disk; raise ConfigError."""

    def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Do what may wait for a disk."""


@frozen
class _Found:
    """What was on disk at one time, and what came of it."""

    sources: Sources
    #: patterns of included files, from the last main file that could be read
    includes: tuple[str, ...]
    #: files that something is wrong with, to be looked at although no pattern may name them
    wrong: tuple[str, ...]
    #: None: there is a problem
    config: Config | None
    problem: str


class ConfigWatch:
    """Looks at one daemon's configuration; see the module."""

    def __init__(
        self,
        daemon: Configured,
        compare: Callable[[Config], Sequence[Step]],
        outside: Folders,
    ) -> None:
        """``compare`` returns the steps from what is in force to a configuration."""
        self._daemon, self._compare, self._outside = daemon, compare, outside
        #: as of the last look; None while nobody watches, and until there was one
        self.state: ConfigState | None = None
        self._watchers: dict[object, Callable[[], None]] = {}
        self._waiting: list[Deferred[ConfigState]] = []
        self._found: _Found | None = None
        #: by folder, what ends being told of it; None: nobody tells
        self._folders: dict[str, Callable[[], None] | None] = {}
        self._timer: IDelayedCall | None = None
        self._looking = False
        #: something happened since the look at hand was begun
        self._again = False

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Look from now on, and call after each change of :attr:`state`; return what ends that."""
        watcher = object()
        self._watchers[watcher] = changed
        if len(self._watchers) == 1:
            self._look()

        def unsubscribe() -> None:
            if self._watchers.pop(watcher, None) is not None and not self._watchers:
                self._cease()

        return unsubscribe

    def fresh(self) -> Deferred[ConfigState]:
        """Return how things are now, after a look at the files where nobody watches."""
        if self.state is not None and not self._looking and self._timer is None:
            return succeed(self.state)
        done: Deferred[ConfigState] = Deferred(self._waiting.remove)
        self._waiting.append(done)
        self._look()
        return done

    def compare_again(self) -> None:
        """What is in force has changed: see what that means for who looks."""
        if self._watchers:
            self._look()

    def _changed(self) -> None:
        if self._timer is not None and self._timer.getTime() - self._now > PATIENCE:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._daemon.clock.callLater(PATIENCE, self._timed_look)

    @property
    def _now(self) -> float:
        return self._daemon.clock.seconds()

    def _cease(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._listen(())
        self.state = None

    def _listen(self, folders: Iterable[str]) -> None:
        """Have changes in these folders told, and in no others."""
        wanted = set(folders)
        for folder in self._folders.keys() - wanted:
            end = self._folders.pop(folder)
            if end is not None:
                end()
        for folder in wanted - self._folders.keys():
            self._folders[folder] = self._outside.folder(
                folder, self._changed, partial(self._lost, folder)
            )

    def _lost(self, folder: str) -> None:
        del self._folders[folder]
        self._changed()

    def _timed_look(self) -> None:
        self._timer = None
        self._look()

    def _look(self) -> None:
        if self._looking:
            self._again = True
            return
        self._looking, self._again = True, False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        reading = self._daemon.in_thread(self._read, self._daemon.configured, self._found)
        reading.addCallback(self._take).addErrback(self._give_up).addCallback(self._looked)

    def _read(self, last: Config, before: _Found | None) -> _Found:
        """Look at the files, and read them where they are others than before; in a thread."""
        includes = last.includes if before is None else before.includes
        wrong = () if before is None else before.wrong
        now = sources.find(last.configfile, includes, wrong)
        if before is not None and now == before.sources:
            return before
        if includes == last.includes and dict(now.files) == dict(last.files):
            return _Found(now, includes, (), last, "")
        problem, config = "", None
        try:
            config = self._daemon.read_config()
        except ConfigError as error:
            problem = str(error)
            found = tuple(dict.fromkeys(each.file for each in error.problems if each.file))
        else:
            found = ()
        if found != wrong or (config is not None and config.includes != includes):
            wrong, includes = found, includes if config is None else config.includes
            now = sources.find(last.configfile, includes, wrong)
        return _Found(now, includes, wrong, config, problem)

    def _take(self, found: _Found) -> ConfigState:
        is_new = self._found is not found
        self._found = found
        changed = found.config is None or bool(self._compare(found.config))
        state = ConfigState(changed, found.problem)
        if self._watchers:
            before = set(self._folders)
            self._listen(found.sources.folders)
            # What happened between reading it and hearing of it is not told by anybody.
            self._again = self._again or is_new or before != self._folders.keys()
        return state

    def _give_up(self, failure: Failure) -> ConfigState:
        _log.failure("the configuration cannot be compared", failure)
        return ConfigState(problem="a defect of the daemon; its activity log says more")

    def _looked(self, state: ConfigState) -> None:
        self._looking = False
        if self._again and (self._watchers or self._waiting):
            self._look()
            return
        if self._watchers and state != self.state:
            self.state = state
            self._tell()
        while self._waiting:
            self._waiting.pop(0).callback(state)
        if self._watchers and self._timer is None and None in self._folders.values():
            self._timer = self._daemon.clock.callLater(LOOK_SECONDS, self._timed_look)

    def _tell(self) -> None:
        for watcher in list(self._watchers):
            changed = self._watchers.get(watcher)
            if changed is None:  # it left when another was called
                continue
            try:
                changed()
            except Exception:  # noqa: BLE001 (who looks may not harm what is looked at)
                _log.failure("somebody who looks at the configuration failed")
