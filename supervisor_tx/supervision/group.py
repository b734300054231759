"""The processes of one program, or of a ``[group:x]``."""

from __future__ import annotations

from collections.abc import Iterable

from supervisor_tx.config.model import GroupConfig
from supervisor_tx.core.lifecycle import Quiesce, Start
from supervisor_tx.supervision import ending
from supervisor_tx.supervision.process import SupervisedProcess
from supervisor_tx.values import field, mutable


@mutable
class ProcessGroup:
    """A group that is active: its processes by name, in the order in which they start."""

    config: GroupConfig
    processes: dict[str, SupervisedProcess] = field(default_factory=dict)
    #: what plugins know it by, if there are any
    view: object | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The name of the group."""
        return self.config.name

    @property
    def priority(self) -> int:
        """The lower, the earlier it starts and the later it stops."""
        return self.config.priority

    def activated(self) -> None:
        """It is one of the daemon's groups from now on, which will be told to others next."""

    def autostart(self) -> None:
        """Start what is to start with the daemon, in order of the configuration."""
        for process in self.processes.values():
            if process.config.autostart:
                process.feed(Start())

    def quiesce(self) -> None:
        """Let nothing start by itself any more."""
        for process in self.processes.values():
            process.feed(Quiesce())

    def stop_all(self) -> None:
        """Stop everything, the last started first; a start that fails is given up."""
        for process in self._in_stop_order():
            process.stop(ending.SHUTDOWN)

    def _in_stop_order(self) -> Iterable[SupervisedProcess]:
        backwards = reversed(self.processes.values())
        return sorted(backwards, key=lambda each: each.config.priority, reverse=True)

    def unstopped(self) -> list[SupervisedProcess]:
        """Those that run, or are about to."""
        return [process for process in self.processes.values() if not process.is_stopped]

    def settle(self, config: GroupConfig) -> None:
        """Go on under another configuration; its members were seen to, but for their order."""
        self.config = config
        order = {process.name: number for number, process in enumerate(config.processes)}
        known = sorted(self.processes.items(), key=lambda item: order.get(item[0], len(order)))
        self.processes = dict(known)

    def reopen_logs(self) -> None:
        """Open all log files anew, by name."""
        for process in self.processes.values():
            process.reopen_logs()

    def close(self) -> None:
        """Let go of logs and timers; all processes must be stopped."""
        for process in self.processes.values():
            process.close()
