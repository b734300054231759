"""
Names of what both models have, by one name on either side.

For ``stock_model`` and ``our_model``, which are run as scripts: it imports nothing.
"""

#: Of [supervisord].
SUPERVISORD = (
    "logfile_maxbytes",
    "logfile_backups",
    "loglevel",
    "pidfile",
    "umask",
    "silent",
    "minfds",
    "minprocs",
    "nocleanup",
    "uid",
    "strip_ansi",
    "identifier",
)

#: Of a process.
PROCESS = (
    "name",
    "command",
    "directory",
    "umask",
    "priority",
    "autostart",
    "startsecs",
    "startretries",
    "stopwaitsecs",
    "stopasgroup",
    "killasgroup",
    "uid",
    "redirect_stderr",
    "serverurl",
    "environment",
)

#: Of its standard output and error.
CHANNEL = (
    "logfile_maxbytes",
    "logfile_backups",
    "capture_maxbytes",
    "events_enabled",
    "syslog",
)
