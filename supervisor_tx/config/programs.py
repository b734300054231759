"""Program-like sections: ``[program:x]``, ``[fcgi-program:x]``, ``[eventlistener:x]``."""

from __future__ import annotations

import pwd

from supervisor_tx.config import datatypes
from supervisor_tx.config.datatypes import SYSLOG, Datatype
from supervisor_tx.config.environment import environment
from supervisor_tx.config.expansion import Names
from supervisor_tx.config.ini import Section
from supervisor_tx.config.model import AUTO, FcgiSocketConfig, LogConfig, ProcessConfig
from supervisor_tx.config.options import Context, Options
from supervisor_tx.values import replace

#: More processes of one program than any system runs; a typing error, and a very long wait.
NUMPROCS_LIMIT = 100_000


def program_name(section: Section) -> str:
    """Return the name of a section without its kind."""
    return section.name.partition(":")[2].strip()


def load_processes(
    section: Section, group: str, context: Context, *, member: bool = False
) -> tuple[ProcessConfig, ...]:
    """
    Return the processes of a program in the group of that name, sorted by priority and name.

    A program is a member where a ``[group:x]`` takes it in.
    """
    name = program_name(section)
    names = Names(context.names, program_name=name, group_name=group)
    options = context.options(section, names)
    common = _common(options, name, section.name.partition(":")[0], context.user)
    if common.kind == "fcgi-program":
        if member and options.find("socket") is None:
            # Supervisor runs it as a plain program, whatever its socket; here it would have one.
            context.warn(f"[{section.name}] has no socket and runs as a plain program")
        else:
            common = replace(common, socket=_socket(options, name, common.uid, context))
    first = options.get("numprocs_start", datatypes.integer, 0)
    count = options.get("numprocs", datatypes.integer, 1)
    if count > NUMPROCS_LIMIT:
        options.refuse(f"numprocs is above {NUMPROCS_LIMIT}", "numprocs")
        count = 1
    template = options.find("process_name")
    if template is not None:
        try:
            datatypes.name(template.text)
        except ValueError as error:
            options.refuse(str(error), "process_name", datatypes.name.accepts)
    if count > 1 and (template is None or "%(process_num)" not in template.text):
        options.refuse(
            "%(process_num) must be present within process_name when numprocs > 1",
            "numprocs" if template is None else "process_name",
        )
        count = 1
    processes = []
    known = len(context.problems)
    for number in range(first, first + count):
        numbered = options.with_names(Names(names, process_num=number, numprocs=count))
        processes.append(_instance(common, numbered, context))
        if len(context.problems) > known:
            break  # the others would say the same
    return tuple(sorted(processes, key=lambda process: (process.priority, process.name)))


def _common(options: Options, name: str, kind: str, user: Datatype[int]) -> ProcessConfig:
    """Return what all processes of the program have in common."""
    get = options.get
    defaults = ProcessConfig(name, "")
    stopasgroup = get("stopasgroup", datatypes.boolean, False)
    killasgroup = get("killasgroup", datatypes.boolean, stopasgroup)
    if stopasgroup and not killasgroup:
        options.refuse("Cannot set stopasgroup=true and killasgroup=false", "killasgroup")
    serverurl = get("serverurl", datatypes.string, None)
    if serverurl is not None and serverurl.upper() == "AUTO":
        serverurl = None
    return ProcessConfig(
        name=name,
        command="",
        program=name,
        kind=kind,
        umask=get("umask", datatypes.umask, None),
        priority=get("priority", datatypes.integer, defaults.priority),
        autostart=get("autostart", datatypes.boolean, defaults.autostart),
        autorestart=get("autorestart", datatypes.autorestart, defaults.autorestart),
        startsecs=get("startsecs", datatypes.integer, defaults.startsecs),
        startretries=get("startretries", datatypes.integer, defaults.startretries),
        exitcodes=get("exitcodes", datatypes.exit_codes, defaults.exitcodes),
        stopsignal=get("stopsignal", datatypes.signal_number, defaults.stopsignal),
        stopwaitsecs=get("stopwaitsecs", datatypes.integer, defaults.stopwaitsecs),
        stopasgroup=stopasgroup,
        killasgroup=killasgroup,
        uid=get("user", user, None),
        redirect_stderr=get("redirect_stderr", datatypes.boolean, defaults.redirect_stderr),
        serverurl=serverurl,
        reset_signals=get("reset_signals", datatypes.boolean, defaults.reset_signals),
    )


def _instance(common: ProcessConfig, options: Options, context: Context) -> ProcessConfig:
    """Return one process. Its own variables can be expanded in all but ``environment`` itself."""
    own = options.get("environment", environment, {})
    options = options.with_names(options.names.environment(own)) if own else options
    name = options.get("process_name", datatypes.string, common.program)
    command = options.get("command", datatypes.string, "")
    if options.find("command") is None:
        section = options.section.name
        options.refuse(f"program section {section} does not specify a command", "command")
    stdout = _log(options, "stdout", context)
    stderr = _log(options, "stderr", context)
    if common.redirect_stderr:
        if isinstance(stderr.logfile, str):
            context.warn(
                f"For [{options.section.name}], redirect_stderr=true but stderr_logfile has also "
                "been set to a filename, the filename has been ignored"
            )
        stderr = replace(stderr, logfile=None)
    return replace(
        common,
        name=name,
        command=command,
        directory=options.get("directory", datatypes.string, None),
        stdout=stdout,
        stderr=stderr,
        environment={**context.environment, **own},
    )


def _log(options: Options, channel: str, context: Context) -> LogConfig:
    get = options.get
    section = options.section.name
    defaults = LogConfig()
    logfile = get(f"{channel}_logfile", datatypes.child_logfile, AUTO, twice=True)
    syslog = get(f"{channel}_syslog", datatypes.boolean, defaults.syslog)
    maxbytes = get(f"{channel}_logfile_maxbytes", datatypes.byte_size, defaults.logfile_maxbytes)
    if logfile is SYSLOG:
        context.warn(
            f"For [{section}], {channel}_logfile=syslog but this is deprecated and will be removed."
            f"  Use {channel}_syslog=true to enable syslog instead."
        )
        logfile, syslog = None, True
    if logfile is AUTO and not maxbytes:
        context.warn(
            f"For [{section}], AUTO logging used for {channel}_logfile without rollover, set "
            "maxbytes > 0 to avoid filling up filesystem unintentionally"
        )
    return LogConfig(
        logfile=logfile,
        logfile_maxbytes=maxbytes,
        logfile_backups=get(
            f"{channel}_logfile_backups", datatypes.integer, defaults.logfile_backups
        ),
        capture_maxbytes=get(
            f"{channel}_capture_maxbytes", datatypes.byte_size, defaults.capture_maxbytes
        ),
        events_enabled=get(f"{channel}_events_enabled", datatypes.boolean, defaults.events_enabled),
        syslog=syslog,
    )


def _socket(
    options: Options, name: str, uid: int | None, context: Context
) -> FcgiSocketConfig | None:
    """Return the socket of an fcgi-program, whose processes are going to run as uid."""
    section = options.section.name
    # One socket for all groups that the program is in: their names mean nothing to it.
    options = options.with_names(Names(context.names, program_name=name))
    owner = options.get(
        "socket_owner", datatypes.owner, None, complaint="Invalid socket_owner value"
    )
    mode = options.get(
        "socket_mode", datatypes.file_mode, None, complaint="Invalid socket_mode value"
    )
    backlog = options.get("socket_backlog", datatypes.backlog, None)
    written = options.find("socket")
    if written is None or not written.text:
        options.refuse(f'[{section}] section requires a "socket" line', "socket")
        return None
    where = options.get("socket", datatypes.fcgi_socket, None)
    if where is None:
        return None
    if isinstance(where, str):
        if owner is None and uid is not None and uid != context.uid:
            owner = (uid, pwd.getpwuid(uid).pw_gid)
        return FcgiSocketConfig(
            f"unix://{where}",
            path=where,
            backlog=backlog,
            mode=0o700 if mode is None else mode,
            owner=owner,
        )
    for option in ("socket_owner", "socket_mode"):
        if options.find(option) is not None:
            options.refuse(
                "socket_owner and socket_mode params should only be used with a Unix domain "
                f"socket in [{section}] socket",
                option,
            )
    host, port = where
    return FcgiSocketConfig(f"tcp://{host}:{port}", address=where, backlog=backlog)
