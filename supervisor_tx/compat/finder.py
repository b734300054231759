"""
Whoever imports ``supervisor`` gets :mod:`supervisor_tx.compat`.

Otherwise a plugin would find the stock package, if that is installed as well, and subscribe to
events that nobody sends. The modules are the same objects under both names. Modules that we have no
counterpart of cannot be imported, even if the stock package has them: they would act on a daemon
that is not there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder
from importlib.util import find_spec
from os import PathLike
from types import ModuleType
from typing import Any

from supervisor_tx import SUPERVISOR_VERSION
from supervisor_tx.errors import CannotStart

STOCK = "supervisor"
OURS = "supervisor_tx.compat"


def install() -> None:
    """Find our modules under the name ``supervisor`` from now on; raise CannotStart if too late."""
    if any(isinstance(finder, CompatFinder) for finder in sys.meta_path):
        return
    for name, module in sys.modules.items():
        if name.partition(".")[0] == STOCK:
            file = getattr(module, "__file__", None) or "its place"
            raise CannotStart(
                f"the package supervisor was imported already, from {file}; plugins would talk to "
                "it and not to this daemon. Do not import it before (look for sitecustomize and "
                "*.pth files)"
            )
    sys.meta_path.insert(0, CompatFinder())


def uninstall() -> None:
    """Undo :func:`install`, for tests: forget the names, and find what else there is."""
    sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, CompatFinder)]
    for name in [name for name in sys.modules if name.partition(".")[0] == STOCK]:
        del sys.modules[name]


class CompatFinder(DistributionFinder):
    """Finds ``supervisor`` and what is in it, and the version that plugins may ask for."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return where the module is; None: it is none of ours to find."""
        if fullname.partition(".")[0] != STOCK:
            return None
        ours = OURS + fullname.removeprefix(STOCK)
        try:
            found = find_spec(ours)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: supervisor_tx has no counterpart of it",
                name=fullname,
            )
        is_package = found.submodule_search_locations is not None
        return ModuleSpec(fullname, _Alias(ours), is_package=is_package)

    def find_distributions(
        self, context: DistributionFinder.Context | None = None
    ) -> Iterable[Distribution]:
        """Yield the distribution that plugins mean who ask for the version of ``supervisor``."""
        if context is not None and (context.name or "").lower() == STOCK:
            yield _Supervisor()


class _Alias(Loader):
    """Gives a module of ours, as it is, to those who ask for it by another name."""

    def __init__(self, ours: str) -> None:
        self._ours = ours
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return our module."""
        module = import_module(self._ours)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It has been executed; give it back what it knows of itself."""
        module.__spec__ = self._spec


class _Supervisor(Distribution):
    """What we stand for."""

    def read_text(self, filename: str) -> str | None:
        """Return the metadata; there are no other files."""
        if filename != "METADATA":
            return None
        return f"Metadata-Version: 2.1\nName: {STOCK}\nVersion: {SUPERVISOR_VERSION}\n"

    def locate_file(self, path: str | PathLike[str]) -> Any:
        """There is no such file."""
        raise FileNotFoundError(path)
