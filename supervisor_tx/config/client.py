"""What the client reads: ``[supervisorctl]`` and ``[ctlplugin:x]``, of the main file alone."""

from __future__ import annotations

import os
from collections.abc import Iterator

from supervisor_tx.config import datatypes
from supervisor_tx.config.datatypes import datatype
from supervisor_tx.config.model import PluginConfig
from supervisor_tx.config.options import Context
from supervisor_tx.config.servers import load_plugin
from supervisor_tx.errors import Problem
from supervisor_tx.values import field, frozen

#: The option that says what a ``[ctlplugin:x]`` is made by.
CTL_FACTORY = "supervisor.ctl_factory"

_SCHEMES = ("http://", "unix://")


@frozen
class ClientConfig:
    """The client's configuration under no command line."""

    serverurl: str = "http://localhost:9001"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    prompt: str = "supervisor"
    history_file: str | None = None
    plugins: tuple[PluginConfig, ...] = ()


@datatype("http://host:port or unix:///path")
def serverurl(text: str) -> str:
    if not text.startswith(_SCHEMES):
        raise ValueError(f"Unknown protocol for serverurl {text}")
    if not text.startswith("unix://"):
        return text
    path = os.path.expanduser(text.removeprefix("unix://"))
    return f"unix://{os.path.abspath(path)}"


@datatype("the path of a file")
def history_file(text: str) -> str | None:
    return os.path.abspath(os.path.expanduser(text)) if text else None


def load_client(context: Context) -> ClientConfig:
    """Return what the document has for the client, of its main file; the defaults if nothing."""
    section = context.document.sections.get("supervisorctl")
    if section is None or section.origin.file != context.document.file:
        return ClientConfig()
    get = context.options(section).get
    defaults = ClientConfig()
    return ClientConfig(
        serverurl=get("serverurl", serverurl, defaults.serverurl),
        username=get("username", datatypes.string, None),
        password=get("password", datatypes.string, None),
        prompt=get("prompt", datatypes.string, defaults.prompt),
        history_file=get("history_file", history_file, None),
        plugins=tuple(
            load_plugin(context.options(plugin), CTL_FACTORY, context)
            for plugin in context.starting_with("ctlplugin:")
            if plugin.origin.file == context.document.file
        ),
    )


def misplaced(context: Context) -> Iterator[Problem]:
    """Yield what the client will not find because it is in an included file."""
    for section in context.document.sections.values():
        mine = section.name == "supervisorctl" or section.name.startswith("ctlplugin:")
        if mine and section.origin.file != context.document.file:
            text = "supervisorctl does not read included files"
            yield Problem(text, section.origin.file, section.origin.line, section.name)
