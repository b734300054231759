"""
Run commands on a machine that has what a configuration names, without touching this one.

To be run as root in a mount namespace of its own (``unshare --mount``). The argument is a JSON file
with ``scratch`` (a directory to mount over), ``directories``, ``files`` (path to text), ``users``
and ``commands``. Prints a list with status, output and complaints of each command as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def overlay(directory: str, scratch: Path) -> None:
    """Make it so that whatever is written there goes to the scratch directory."""
    upper, work = scratch / f"{directory}-upper", scratch / f"{directory}-work"
    upper.mkdir()
    work.mkdir()
    options = f"lowerdir=/{directory},upperdir={upper},workdir={work}"
    mount("-t", "overlay", "overlay", "-o", options, f"/{directory}")


def add_user(name: str, number: int) -> None:
    for file, line in (
        ("/etc/passwd", f"{name}:x:{number}:{number}::/:/bin/false\n"),
        ("/etc/group", f"{name}:x:{number}:\n"),
    ):
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(line)


def main(spec_file: str) -> None:
    spec = json.loads(Path(spec_file).read_text(encoding="utf-8"))
    scratch = Path(spec["scratch"])
    mount("-t", "tmpfs", "tmpfs", str(scratch))
    for directory in ("etc", "run", "var"):
        overlay(directory, scratch)
    for directory in spec["directories"]:
        Path(directory).mkdir(parents=True, exist_ok=True)
    for number, user in enumerate(spec["users"], start=54321):
        add_user(user, number)
    for path, text in spec["files"].items():
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    runs = [
        subprocess.run(command, capture_output=True, text=True, check=False)
        for command in spec["commands"]
    ]
    json.dump([(run.returncode, run.stdout, run.stderr) for run in runs], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
