"""What the command line of the daemon says about the configuration, where it says anything."""

from __future__ import annotations

from supervisor_tx.values import frozen


@frozen
class CommandLine:
    """
    The options of the daemon's command line that beat those of ``[supervisord]``.

    Members have the type of the value, made by :mod:`supervisor_tx.config.datatypes`; None is "not
    given". An option without an argument can only say True.
    """

    #: uid, from ``user``
    user: int | None = None
    umask: int | None = None
    directory: str | None = None
    #: the word ``syslog`` is as good as a path
    logfile: str | None = None
    logfile_maxbytes: int | None = None
    logfile_backups: int | None = None
    #: number of the level
    loglevel: int | None = None
    pidfile: str | None = None
    identifier: str | None = None
    childlogdir: str | None = None
    nocleanup: bool | None = None
    nodaemon: bool | None = None
    silent: bool | None = None
    minfds: int | None = None
    minprocs: int | None = None
    strip_ansi: bool | None = None
