"""HTTP servers and what plugs into them: ``[inet_http_server]``, ``[rpcinterface:x]`` ..."""

from __future__ import annotations

from supervisor_tx.config import datatypes
from supervisor_tx.config.model import PluginConfig, ServerConfig
from supervisor_tx.config.options import Context, Options

#: The option that says what a ``[rpcinterface:x]`` is made by.
FACTORY = "supervisor.rpcinterface_factory"

#: The factory that stands for our own methods, by the name that configurations have for it.
MAIN_FACTORY = "supervisor.rpcinterface:make_main_rpcinterface"


def load_servers(context: Context) -> tuple[ServerConfig, ...]:
    """Return all servers: any section whose name begins right is one."""
    inet = [_inet(context.options(s)) for s in context.starting_with("inet_http_server")]
    unix = [_unix(context.options(s)) for s in context.starting_with("unix_http_server")]
    return (*inet, *unix)


def _inet(options: Options) -> ServerConfig:
    section = options.section.name
    if options.find("port") is None:
        options.refuse(f"section [{section}] has no port value", "port")
    username, password = _credentials(options)
    return ServerConfig(
        section,
        address=options.get("port", datatypes.inet_address, None),
        username=username,
        password=password,
        allowed_hosts=options.get("allowed_hosts", datatypes.host_names, ()),
        base_url=options.get("base_url", datatypes.base_url, None),
    )


def _unix(options: Options) -> ServerConfig:
    section = options.section.name
    if options.find("file") is None:
        options.refuse(f"section [{section}] has no file value", "file")
    username, password = _credentials(options)
    return ServerConfig(
        section,
        file=options.get("file", datatypes.socket_path, None),
        chmod=options.get("chmod", datatypes.file_mode, 0o700, complaint="Invalid chmod value"),
        chown=options.get("chown", datatypes.owner, None, complaint="Invalid sockchown value"),
        username=username,
        password=password,
        base_url=options.get("base_url", datatypes.base_url, None),
    )


def _credentials(options: Options) -> tuple[str | None, str | None]:
    username = options.get("username", datatypes.string, None)
    password = options.get("password", datatypes.string, None)
    given = [option for option in ("username", "password") if options.find(option) is not None]
    if len(given) == 1:
        options.refuse(
            f"Section [{options.section.name}] contains incomplete authentication: If a username "
            "or a password is specified, both the username and password must be specified",
            given[0],
        )
    return username, password


def load_rpcinterfaces(context: Context) -> tuple[PluginConfig, ...]:
    """Return all ``[rpcinterface:x]``."""
    return tuple(
        load_plugin(context.options(section), FACTORY, context)
        for section in context.starting_with("rpcinterface:")
    )


def load_plugin(options: Options, factory: str, context: Context) -> PluginConfig:
    """Return what one section plugs in: every option but the factory goes to the factory."""
    section = options.section
    if options.find(factory) is None:
        options.refuse(f"section [{section.name}] does not specify a {factory}", factory)
    keywords = {
        option: options.get(option, datatypes.string, "")
        for option in context.document.options(section)
        if option != factory
    }
    return PluginConfig(
        section.name.partition(":")[2], options.get(factory, datatypes.factory, ""), keywords
    )
