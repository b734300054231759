"""
An event listener that misbehaves in its first run, and is a good one in those after it.

Run as ``unruly.py <how> <folder>``. ``cut:<n>`` dies after so many bytes of what a
listener has to say for one event; the other ways are those of :data:`HOW`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from listener import (  # type: ignore[import-not-found]  # it stands beside this script
    ACCEPT,
    READY,
    Tee,
    main,
    say,
)


def hear(path: str, size: int = -1) -> None:
    """Read an event, or so many bytes of one."""
    stdin: Any = Tee(path)
    if size >= 0:
        while size > 0:
            size -= len(stdin.read(min(size, 4096)))
        return
    header = b""
    while not header.endswith(b"\n"):
        header += stdin.read(1)
    missing = int(header.rpartition(b":")[2])
    while missing:
        missing -= len(stdin.read(missing))


def answer(path: str, data: bytes) -> None:
    """Ask for an event, and say this when it has come."""
    say(READY)
    hear(path)
    say(data)


def flood(_path: str) -> None:
    """Never stop talking."""
    while True:
        say(b"and so on\n" * 1000)


def close(descriptor: int, data: bytes, path: str) -> None:
    """Close a descriptor when something was said, or before for the standard input."""
    if descriptor == 0:
        os.close(0)
    say(data)
    if descriptor == 1:
        os.close(1)
        if data:
            hear(path)


def cut(size: int, path: str) -> None:
    """Say so many bytes of what is to be said for one event, and die."""
    say(READY[:size])
    if size >= len(READY):
        hear(path)
        say((ACCEPT + READY)[: size - len(READY)])
    os.kill(os.getpid(), signal.SIGKILL)


def read_half(path: str) -> None:
    """Die in the middle of an event."""
    say(READY)
    hear(path, 100_000)
    os.kill(os.getpid(), signal.SIGKILL)


HOW: dict[str, Callable[[str], None]] = {
    "garbage": lambda _: say(b"hello?\n"),
    "binary": lambda _: say(bytes(range(128, 256))),
    "asks_twice": lambda _: say(READY * 2),
    "answers_first": lambda _: say(ACCEPT + READY),
    "silent": lambda _: None,
    "half_asks": lambda _: say(READY[:4]),
    "half_answers": lambda path: answer(path, ACCEPT[:-1]),
    "no_answer": lambda path: answer(path, b""),
    "gibberish": lambda path: answer(path, b"gibberish\n"),
    "endless_line": lambda path: answer(path, b"x" * 1_000_000),
    "endless_answer": lambda path: answer(path, b"RESULT 999999999999\n" + b"x" * 1_000_000),
    "too_much": lambda path: answer(path, ACCEPT * 2),
    "floods": flood,
    "deaf": lambda _: say(READY),
    "closes_stdin": lambda path: close(0, READY, path),
    "closes_stdout": lambda path: close(1, READY, path),
    "closes_stdout_first": lambda path: close(1, b"", path),
    "reads_half": read_half,
}


def begin(how: str, folder: str) -> None:
    """Misbehave, if that was not done before."""
    path = f"{folder}/{os.environ['SUPERVISOR_PROCESS_NAME']}"
    try:
        os.close(os.open(f"{path}.began", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        main("text", folder)
        return
    path += ".first"
    if how.startswith("cut:"):
        cut(int(how[4:]), path)
    HOW[how](path)
    while True:
        signal.pause()


if __name__ == "__main__":
    begin(*sys.argv[1:])
