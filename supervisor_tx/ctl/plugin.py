"""What plug-ins of the client are made of (Supervisor docs, "[ctlplugin:x]")."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from supervisor_tx.ctl.controller import Controller

_DOC_HEADER: Final = "commands (type help <topic>):"


class ControllerPluginBase:
    """
    A plug-in: each ``do_<command>(argument)`` is a command, ``help_<command>()`` prints its help.

    The client is in ``ctl``.
    """

    name = "unnamed"
    ctl: Controller

    def __init__(self, controller: Controller, **_: str) -> None:
        self.ctl = controller

    @property
    def doc_header(self) -> str:
        """What stands above the list of its commands."""
        return f"{self.name} {_DOC_HEADER}"

    def commands(self) -> list[str]:
        """Return the names of its commands, sorted."""
        return sorted(
            name[3:] for name in dir(self) if name.startswith("do_") and name != "do_help"
        )

    def do_help(self, arg: str) -> None:
        """Print the help of one command, or the list of all."""
        if not arg:
            self.ctl.output("")
            self.ctl.print_topics(self.doc_header, self.commands(), 15, 80)
            return
        explain: Callable[[], object] | None = getattr(self, f"help_{arg}", None)
        if explain is not None:
            explain()
        elif text := getattr(getattr(self, f"do_{arg}", None), "__doc__", None):
            self.ctl.output(text)
        else:
            self.ctl.output(self.ctl.nohelp % (arg,))


def resolve(spec: str) -> Callable[..., Any]:
    """
    Return what ``module:attribute`` names; raise whatever its import raises.

    From now on our modules are what is found under the name ``supervisor``.
    """
    from importlib import import_module

    from supervisor_tx.compat import finder

    finder.install()
    module, _, attributes = spec.partition(":")
    found: Any = import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found  # type: ignore[no-any-return]
