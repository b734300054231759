"""The daemon with all its faces: what the command line and the plugin for twistd start."""

from __future__ import annotations

from typing import Any

from supervisor_tx.supervision import daemon
from supervisor_tx.supervision.daemon import ConfigSource, Daemon
from supervisor_tx.web.servers import Servers

__all__ = ["ConfigSource", "Daemon", "prepare"]


def prepare(source: ConfigSource, reactor: Any) -> Daemon:
    """
    Do all that can fail, the servers' addresses included; start nothing.

    Raises ConfigError or CannotStart.
    """
    return daemon.prepare(source, reactor, Servers(reactor))
