"""Where the daemon and the client look for a configuration file that nobody named."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # the client searches too, and waits for every import
if TYPE_CHECKING:
    from collections.abc import Callable

#: Issued when the daemon searches as root.
ROOT_SEARCH_WARNING = (
    "supervisord runs as root and takes the first configuration file that it finds at its default "
    "places, and the current working directory is one of them; name the file with -c and an "
    "absolute path instead"
)


def search_path(argv0: str) -> tuple[str, ...]:
    """Return the paths to be tried, in order, by a program that was called as argv0."""
    prefix = os.path.dirname(os.path.dirname(argv0))
    return (
        os.path.join(prefix, "etc/supervisord.conf"),
        os.path.join(prefix, "supervisord.conf"),
        "supervisord.conf",
        "etc/supervisord.conf",
        "/etc/supervisord.conf",
        "/etc/supervisor/supervisord.conf",
    )


def find_config(argv0: str, exists: Callable[[str], bool] = os.path.exists) -> str | None:
    """Return the first of :func:`search_path` that exists; None: there is none."""
    return next(filter(exists, search_path(argv0)), None)


def nothing_found(argv0: str) -> str:
    """Return what the daemon says when it found none."""
    return (
        f"No config file found at default paths ({', '.join(search_path(argv0))}); "
        "use the -c option to specify a config file at a different path"
    )


def require_config(given: str | None, argv0: str) -> str:
    """
    Return the absolute path of the daemon's configuration: that given, or the first that is found.

    Raises CannotStart where there is none.
    """
    from supervisor_tx.errors import CannotStart

    if given is not None:
        if not os.path.exists(given):
            raise CannotStart(f"could not find config file {given}")
        return os.path.abspath(given)
    if os.getuid() == 0:
        import warnings

        warnings.warn(ROOT_SEARCH_WARNING, UserWarning, stacklevel=2)
    found = find_config(argv0)
    if found is None:
        raise CannotStart(nothing_found(argv0))
    return os.path.abspath(found)
