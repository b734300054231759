"""``echo_supervisord_conf``: print a configuration file to start from."""

from __future__ import annotations

import sys
from importlib import resources


def text() -> str:
    """Return the sample: loadable as it is, every other option in it as a comment."""
    return resources.files("supervisor_tx").joinpath("sample.conf").read_text("utf-8")


def main() -> int:
    """Print the sample; return the exit status."""
    sys.stdout.write(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
