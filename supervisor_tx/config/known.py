"""All sections and options that there are (Supervisor docs, "Configuration File")."""

from __future__ import annotations

from collections.abc import Mapping

_CHANNEL = (
    "logfile",
    "logfile_maxbytes",
    "logfile_backups",
    "capture_maxbytes",
    "events_enabled",
    "syslog",
)

_PROGRAM = frozenset(
    {
        "command",
        "process_name",
        "numprocs",
        "numprocs_start",
        "priority",
        "autostart",
        "autorestart",
        "startsecs",
        "startretries",
        "exitcodes",
        "stopsignal",
        "stopwaitsecs",
        "stopasgroup",
        "killasgroup",
        "user",
        "redirect_stderr",
        "environment",
        "directory",
        "umask",
        "serverurl",
        "reset_signals",
        *(f"{channel}_{option}" for channel in ("stdout", "stderr") for option in _CHANNEL),
    }
)

#: Options of each section that has a name of its own.
SINGLE: Mapping[str, frozenset[str]] = {
    "supervisord": frozenset(
        {
            "logfile",
            "logfile_maxbytes",
            "logfile_backups",
            "loglevel",
            "pidfile",
            "umask",
            "nodaemon",
            "silent",
            "minfds",
            "minprocs",
            "nocleanup",
            "childlogdir",
            "user",
            "directory",
            "strip_ansi",
            "environment",
            "identifier",
            "update_mode",
        }
    ),
    "supervisorctl": frozenset({"serverurl", "username", "password", "prompt", "history_file"}),
    "include": frozenset({"files"}),
}

#: Options of each section of which a name begins in this way.
SERVERS: Mapping[str, frozenset[str]] = {
    "inet_http_server": frozenset({"port", "username", "password", "allowed_hosts", "base_url"}),
    "unix_http_server": frozenset({"file", "chmod", "chown", "username", "password", "base_url"}),
}

#: Options of each kind of section: what stands before the colon. None: any.
KINDS: Mapping[str, frozenset[str] | None] = {
    "program": _PROGRAM,
    "fcgi-program": _PROGRAM | {"socket", "socket_backlog", "socket_owner", "socket_mode"},
    "eventlistener": _PROGRAM | {"events", "buffer_size", "result_handler", "on_protocol_error"},
    "group": frozenset({"programs", "priority"}),
    "rpcinterface": None,
    "ctlplugin": None,
}


def options_of(section: str) -> frozenset[str] | None:
    """
    Return the options that a section can have; None: any.

    Raises KeyError where there is no such section.
    """
    if section in SINGLE:
        return SINGLE[section]
    for server, options in SERVERS.items():
        if section.startswith(server):
            return options
    kind, colon, _ = section.partition(":")
    if not colon:
        raise KeyError(section)
    return KINDS[kind]
