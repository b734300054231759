"""Section ``[supervisord]``, and what the command line says over it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from typing import Any

from supervisor_tx.config import datatypes
from supervisor_tx.config.commandline import CommandLine
from supervisor_tx.config.datatypes import Datatype
from supervisor_tx.config.environment import environment
from supervisor_tx.config.expansion import Names, expand
from supervisor_tx.config.model import Message, SupervisordConfig
from supervisor_tx.config.options import Context, Options
from supervisor_tx.core.levels import Level
from supervisor_tx.errors import ConfigError, Problem
from supervisor_tx.values import fields, replace

ROOT = (
    "Supervisor is running as root.  Privileges were not dropped because no user is specified in "
    "the config file.  If you intend to run as root, you can set user=root in the config file to "
    "avoid this message."
)


def load_supervisord(options: Options) -> SupervisordConfig:
    """Return what the section says."""
    get = options.get
    defaults = SupervisordConfig(
        logfile=os.path.abspath("supervisord.log"),
        pidfile=os.path.abspath("supervisord.pid"),
        childlogdir=tempfile.gettempdir(),
    )
    return SupervisordConfig(
        logfile=get("logfile", datatypes.activity_logfile, defaults.logfile),
        pidfile=get("pidfile", datatypes.own_file, defaults.pidfile),
        logfile_maxbytes=get("logfile_maxbytes", datatypes.byte_size, defaults.logfile_maxbytes),
        logfile_backups=get("logfile_backups", datatypes.integer, defaults.logfile_backups),
        loglevel=get("loglevel", datatypes.loglevel, defaults.loglevel),
        umask=get("umask", datatypes.umask, defaults.umask),
        nodaemon=get("nodaemon", datatypes.boolean, defaults.nodaemon),
        silent=get("silent", datatypes.boolean, defaults.silent),
        minfds=get("minfds", datatypes.integer, defaults.minfds),
        minprocs=get("minprocs", datatypes.integer, defaults.minprocs),
        nocleanup=get("nocleanup", datatypes.boolean, defaults.nocleanup),
        childlogdir=get("childlogdir", datatypes.absolute_directory, defaults.childlogdir),
        uid=get("user", datatypes.user, None),
        directory=get("directory", datatypes.absolute_directory, None),
        strip_ansi=get("strip_ansi", datatypes.boolean, defaults.strip_ansi),
        environment=get("environment", _environment(options.names), {}),
        identifier=get("identifier", datatypes.string, defaults.identifier),
        update_mode=get("update_mode", datatypes.update_mode, defaults.update_mode),
    )


def _environment(names: Names) -> Datatype[Mapping[str, str]]:
    """
    Return the type of ``environment``: Supervisor 4.3.0 expands it twice where that works out.

    Its development version expands once, which gives a meaning to what 4.3.0 refuses.
    """

    def convert(text: str) -> Mapping[str, str]:
        again = Names(names)
        try:
            variables = environment(expand(text, again, "environment"))
        except ValueError:
            return environment(text)
        return environment(text) if again.inserted else variables

    return Datatype(convert, environment.accepts)


def overridden(section: SupervisordConfig, commandline: CommandLine) -> SupervisordConfig:
    """
    Return the section with all that the command line gives in its place.

    Raises ConfigError where that names something that is no file.
    """
    given = {
        member.name: value
        for member in fields(commandline)
        if (value := getattr(commandline, member.name)) is not None
    }
    if "user" in given:
        given["uid"] = given.pop("user")
    problems = []
    for option, kind in _PATHS.items():
        if option in given:
            text = given[option]
            try:
                given[option] = kind(text)
            except ValueError as error:
                problems.append(
                    Problem(
                        str(error), "command line", option=option, value=text, accepts=kind.accepts
                    )
                )
    if problems:
        raise ConfigError(problems)
    return replace(section, **given)


#: Paths of the command line are relative to where the daemon was started, as those of the file.
_PATHS: Mapping[str, Datatype[Any]] = {
    "logfile": datatypes.activity_logfile,
    "pidfile": datatypes.own_file,
    "directory": datatypes.absolute_directory,
    "childlogdir": datatypes.absolute_directory,
}


def root_warning(section: SupervisordConfig, context: Context) -> None:
    """Have it logged where the daemon is going to stay root without anybody having said so."""
    if context.uid == 0 and section.uid is None:
        context.messages.append(Message(Level.CRITICAL, ROOT))
