"""Going into the background, as Supervisor does: one fork, a session of its own, no terminal."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.interfaces import IReactorDaemonize

from supervisor_tx.activity import Logger
from supervisor_tx.config.model import SupervisordConfig

_log = Logger()


def daemonize(reactor: Any, config: SupervisordConfig) -> None:
    """Return in the child; the parent ends with status 0. No thread may have been started."""
    if IReactorDaemonize.providedBy(reactor):
        reactor.beforeDaemonize()
    if os.fork():
        _log.blather("supervisord forked; parent exiting")
        os._exit(0)
    _log.info("daemonizing the supervisord process")
    if config.directory is not None:
        try:
            os.chdir(config.directory)
        except OSError as error:
            _log.critical(
                "can't chdir into '{directory}': {error}", directory=config.directory, error=error
            )
        else:
            _log.info("set current directory: '{directory}'", directory=config.directory)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    if null > 2:
        os.close(null)
    os.setsid()
    os.umask(config.umask)
    if IReactorDaemonize.providedBy(reactor):
        reactor.afterDaemonize()
