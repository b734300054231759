r"""
An event listener that writes down every byte that it reads, and answers as events tell it to.

Run as ``listener.py childutils|text|bytes <folder>``: by the module that Supervisor has for such
programs, by hand in a text mode, or by hand in bytes, which is wrong where a payload is not ASCII.
The file in the folder is ``<process>.heard``.

It accepts every event, except where a REMOTE_COMMUNICATION has the name of the process for a type.
The data of that are an order, obeyed once::

    fail                      reject the event
    answer RESULT 4\nFAIL     write this, with the escapes of Python
    hold <file>               accept when the FIFO has been written to
    exit <status>             end without an answer
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import IO, Any

READY, ACCEPT, REJECT = b"READY\n", b"RESULT 2\nOK", b"RESULT 4\nFAIL"


class Tee(io.RawIOBase):
    """The standard input, of which all that is read is appended to a file."""

    def __init__(self, path: str) -> None:
        self._copy = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = os.read(0, len(view))
        view[: len(data)] = data
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._copy, rest) :]
        return len(data)


def say(data: bytes) -> None:
    """Write to the daemon, in one piece where the pipe has room."""
    while data:
        data = data[os.write(1, data) :]


def receive(stdin: IO[Any]) -> tuple[dict[str, str], str]:
    """Ask for an event; return its header and its payload."""
    say(READY)
    line = stdin.readline()
    if not line:
        sys.exit(0)
    text = line.decode() if isinstance(line, bytes) else line
    header = dict(token.split(":", 1) for token in text.split())
    payload = stdin.read(int(header["len"]))
    return header, payload.decode(errors="replace") if isinstance(payload, bytes) else payload


def obey(order: str) -> bytes:
    """Do what an event says; return the answer."""
    verb, _, argument = order.partition(" ")
    if verb == "fail":
        return REJECT
    if verb == "answer":
        return codecs.decode(argument, "unicode_escape").encode("latin-1")
    if verb == "hold":
        with open(argument) as fifo:
            fifo.read()
    elif verb == "exit":
        sys.exit(int(argument))
    return ACCEPT


def main(mode: str, folder: str) -> None:
    """Listen until there is nothing more to read."""
    name = os.environ["SUPERVISOR_PROCESS_NAME"]
    path = f"{folder}/{name}.heard"
    raw = io.BufferedReader(Tee(path))
    stdin: IO[Any] = raw if mode == "bytes" else io.TextIOWrapper(raw, "utf-8", newline="\n")
    childutils: Any = None
    if mode == "childutils":
        from supervisor import childutils  # type: ignore[import-not-found,no-redef]
    while True:
        header, payload = (
            childutils.listener.wait(stdin, sys.stdout) if childutils else receive(stdin)
        )
        answer = ACCEPT
        kind, _, order = payload.partition("\n")
        if header["eventname"] == "REMOTE_COMMUNICATION" and kind == f"type:{name}":
            try:
                os.close(os.open(f"{path}.{header['serial']}", os.O_CREAT | os.O_EXCL))
                answer = obey(order)
            except FileExistsError:  # obeyed before
                pass
        if childutils and answer == ACCEPT:
            childutils.listener.ok(sys.stdout)
        elif childutils and answer == REJECT:
            childutils.listener.fail(sys.stdout)
        else:
            say(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
