"""
What some tests need and a stranger's machine may not have.

There they are skipped with the reason; where CI is ``true`` they fail, so that nothing is left out
unnoticed. To be called in ``setUp`` or in the test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from unittest import SkipTest

IN_CI = os.environ.get("CI") == "true"


class Missing(AssertionError):
    """Something that must be there in continuous integration is not."""


def require(met: bool, what: str) -> None:
    """Go on where it is met; else skip the test, or fail it in continuous integration."""
    if met:
        return
    if IN_CI:
        raise Missing(what)
    raise SkipTest(what)


def root() -> None:
    """Go on as root only."""
    require(os.geteuid() == 0, "needs root")


def program(name: str) -> str:
    """Return the path of a program; skip or fail the test where there is none."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    require(path is not None, f"needs the program {name}")
    return str(path)


def library(name: str) -> str:
    """Return the path of a shared library under /usr/lib; skip or fail where there is none."""
    path = next(iter(sorted(Path("/usr/lib").rglob(name))), None)
    require(path is not None, f"needs the library {name}")
    return str(path)


def stock(script: str) -> str:
    """
    Return the path of a script of stock Supervisor.

    It is installed in a virtual environment of its own, which SUPERVISOR_TX_STOCK names.
    """
    home = os.environ.get("SUPERVISOR_TX_STOCK", "")
    path = Path(home, "bin", script)
    require(
        bool(home) and path.is_file(),
        "needs stock Supervisor in a virtual environment that SUPERVISOR_TX_STOCK names",
    )
    return str(path)


def plugins() -> str:
    """
    Return the interpreter of an environment with plugins of others, and so with stock Supervisor.

    It has Supervisor's packages and ours side by side; SUPERVISOR_TX_PLUGINS names it.
    """
    home = os.environ.get("SUPERVISOR_TX_PLUGINS", "")
    path = Path(home, "bin", "python")
    require(
        bool(home) and path.exists(),
        "needs plugins of others in a virtual environment that SUPERVISOR_TX_PLUGINS names",
    )
    return str(path)


def browser() -> tuple[str, str]:
    """Return the paths of Chromium and of the driver that steers it."""
    return program("chromium"), program("chromedriver")


def axe() -> Path:
    """Return the script of axe-core; SUPERVISOR_TX_AXE names the folder that npm has put it in."""
    home = os.environ.get("SUPERVISOR_TX_AXE", "")
    path = Path(home, "node_modules", "axe-core", "axe.min.js")
    require(
        bool(home) and path.is_file(),
        "needs axe-core from npm in a folder that SUPERVISOR_TX_AXE names",
    )
    return path


def corpus() -> Path:
    """Return the folder of configuration files of real projects."""
    default = Path(__file__).parents[2] / "shared" / "corpus"
    path = Path(os.environ.get("SUPERVISOR_TX_CORPUS", default))
    require(path.is_dir(), "needs the configuration files that SUPERVISOR_TX_CORPUS names")
    return path


def small_disk(path: str, size: int) -> Callable[[], None]:
    """Mount an empty file system of so many bytes on a folder; return what unmounts it."""
    root()
    mount = [program("mount"), "-t", "tmpfs", "-o", f"size={size},nr_inodes=16", "tmpfs", path]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"needs to mount a tmpfs: {done.stderr.strip()}")

    def unmount() -> None:
        subprocess.run([program("umount"), path], check=True)

    return unmount
