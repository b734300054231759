"""
Print, as JSON, what we make of the configuration file named as the argument.

Where the departures of ``docs/compatibility.rst`` would make a difference, the model is put in
Supervisor's terms, with a comment that says which one it is.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from supervisor_tx.config.loader import load
from supervisor_tx.config.model import AUTO, GroupConfig, PoolConfig, ProcessConfig, ServerConfig
from supervisor_tx.core.levels import Level
from tests.config import members

Model = dict[str, Any]


def process(config: ProcessConfig) -> Model:
    model = {name: getattr(config, name) for name in members.PROCESS}
    model["stopsignal"] = config.stopsignal
    model["autorestart"] = config.autorestart.value
    model["exitcodes"] = list(config.exitcodes)
    for channel, log in (("stdout", config.stdout), ("stderr", config.stderr)):
        model[f"{channel}_logfile"] = "AUTO" if log.logfile is AUTO else log.logfile
        for option in members.CHANNEL:
            model[f"{channel}_{option}"] = getattr(log, option)
    return model


def group(config: GroupConfig) -> Model:
    model: Model = {
        "name": config.name,
        "priority": config.priority,
        "processes": [process(each) for each in config.processes],
    }
    if isinstance(config, PoolConfig):
        model["events"] = sorted(config.events)
        # unset is not 10 here, but a bound in bytes
        model["buffer_size"] = 10 if config.buffer_size is None else config.buffer_size
        model["result_handler"] = config.result_handler or "supervisor.dispatchers:default_handler"
    sockets = {each.socket for each in config.processes}
    # An fcgi-program keeps its socket within a [group:x], where Supervisor takes it away.
    if len(sockets) == 1 and config.name == config.processes[0].program:
        (socket,) = sockets
        if socket is not None:
            model["socket"] = {
                "url": socket.url,
                "mode": socket.mode,
                "owner": None if socket.owner is None else list(socket.owner),
                "backlog": socket.backlog,
            }
    return model


def server(config: ServerConfig) -> Model:
    model: Model = {
        "section": config.section,
        "username": config.username,
        "password": config.password,
    }
    if config.address is not None:
        model["host"], model["port"] = config.address
    else:
        model["file"] = config.file
        model["chmod"] = config.chmod
        model["chown"] = list(config.chown or (-1, -1))
    return model


def model(path: str, environ: Mapping[str, str]) -> Model:
    config = load(path, environ=environ)
    section = config.supervisord
    supervisord = {name: getattr(section, name) for name in members.SUPERVISORD}
    for name in ("nodaemon", "childlogdir", "directory"):
        supervisord[name] = getattr(section, name)
    supervisord["logfile"] = section.logfile or "syslog"

    def messages(level: Level) -> list[str]:
        return [message.text for message in config.messages if message.level == level]

    return {
        "supervisord": supervisord,
        "groups": [group(each) for each in config.groups],
        "servers": [server(each) for each in config.servers],
        "rpcinterfaces": [
            {"name": each.name, "factory": each.factory, "options": dict(each.options)}
            for each in config.rpcinterfaces
        ],
        # The warning of a shared log file is ours alone.
        "warnings": [text for text in messages(Level.WARN) if not text.startswith("The log file ")],
        "infos": messages(Level.INFO),
    }


if __name__ == "__main__":
    json.dump(model(sys.argv[1], os.environ), sys.stdout)
