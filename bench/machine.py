"""What figures depend on: when they were taken, on which machine, with which versions."""

from __future__ import annotations

import datetime as dt
import os
import platform
import signal
import sys
from contextlib import suppress
from pathlib import Path

import supervisor_tx
from bench.contestants import STOCK_VERSION
from twisted import __version__ as twisted_version


def about() -> dict[str, str]:
    """Return it, by what it is called."""
    return {
        "date": now(),
        "CPUs": f"{os.cpu_count()} x {_processor()}",
        "load before": load(),
        platform.system(): platform.release().partition("-")[0],
        "Python": platform.python_version(),
        "Twisted": twisted_version,
        "Supervisor": STOCK_VERSION,
        "supervisor_tx": supervisor_tx.__version__,
    }


def now() -> str:
    """Return the time of day, as it is shown."""
    return f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC"


def load() -> str:
    """Return how many processes wanted to run during the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def prepare() -> None:
    """Have TERM leave no daemon behind; exit where there is no /proc to look at daemons by."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not Path("/proc/self/stat").exists():
        sys.exit("it looks at daemons by /proc, which is not there")


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(": ")[2]
    return platform.machine()
