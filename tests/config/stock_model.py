"""
Print, as JSON, what stock Supervisor makes of the configuration file named as the argument.

Without an argument it answers each path on standard input by one line of output, which is ``null``
where the file is refused. To be run by the interpreter of stock Supervisor. It looks at public
attributes only, those that plug-ins are given; the shape is that of ``tests/config/our_model.py``.
"""

import json
import os
import sys
from typing import Any

import members  # type: ignore[import-not-found]  # it is beside this script
from supervisor import datatypes, events  # type: ignore[import-not-found]  # stock has no types
from supervisor.options import ServerOptions  # type: ignore[import-not-found]

RESTARTS = {
    False: "false",
    datatypes.RestartUnconditionally: "true",
    datatypes.RestartWhenExitUnexpected: "unexpected",
}


def supervisord(options: Any) -> Any:
    model = {name: getattr(options, name) for name in members.SUPERVISORD}
    model["logfile"] = options.logfile
    model["nodaemon"] = bool(options.nodaemon)
    for name in ("childlogdir", "directory"):
        path = getattr(options, name)
        # kept as written there, and relative to where we are in any case
        model[name] = path if path is None or os.path.isabs(path) else os.path.abspath(path)
    return model


def process(config: Any) -> Any:
    model = {name: getattr(config, name) for name in members.PROCESS}
    model["autorestart"] = RESTARTS[config.autorestart]
    model["exitcodes"] = list(config.exitcodes)
    model["stopsignal"] = int(config.stopsignal)
    for channel in ("stdout", "stderr"):
        for option in members.CHANNEL:
            name = f"{channel}_{option}"
            model[name] = getattr(config, name)
        file = getattr(config, f"{channel}_logfile")
        # an empty name is no file there either, once it runs
        model[f"{channel}_logfile"] = "AUTO" if file is datatypes.Automatic else file or None
    return model


def dotted(function: Any) -> str:
    return f"{function.__module__}:{function.__qualname__}"


def group(config: Any) -> Any:
    model = {
        "name": config.name,
        "priority": config.priority,
        "processes": [process(each) for each in config.process_configs],
    }
    if hasattr(config, "pool_events"):
        model["events"] = sorted(events.getEventNameByType(each) for each in config.pool_events)
        model["buffer_size"] = config.buffer_size
        model["result_handler"] = dotted(config.result_handler)
    if hasattr(config, "socket_config") and config.process_configs:
        socket = config.socket_config
        names = ("url", "mode", "owner", "backlog")
        model["socket"] = {name: getattr(socket, name, None) for name in names}
    return model


def server(config: Any) -> Any:
    names = ("section", "username", "password", "host", "port", "file", "chmod", "chown")
    return {name: config[name] for name in names if name in config}


def load(path: str) -> Any:
    options = ServerOptions()
    options.realize(["-c", path], doc="")
    return {
        "supervisord": supervisord(options),
        "groups": [group(each) for each in options.process_group_configs],
        "servers": [server(each) for each in options.server_configs],
        "rpcinterfaces": [
            {"name": name, "factory": dotted(factory), "options": keywords}
            for name, factory, keywords in options.rpcinterface_factories
        ],
        "warnings": options.parse_warnings,
        "infos": options.parse_infos,
    }


def answer(path: str) -> Any:
    """Return the model, or None where there is none."""
    try:
        return load(path)
    except SystemExit:
        return None


if sys.argv[1:]:
    json.dump(load(sys.argv[1]), sys.stdout)
else:
    for line in sys.stdin:
        print(json.dumps(answer(line.rstrip("\n"))), flush=True)
