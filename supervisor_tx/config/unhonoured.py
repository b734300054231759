"""What a configuration asks for and this version does not do yet."""

from __future__ import annotations

from collections.abc import Iterator

from supervisor_tx.config.model import Config, Message, ProcessConfig
from supervisor_tx.core.levels import Level


def unhonoured(config: Config) -> tuple[Message, ...]:
    """Return one warning for each section and option that is read and checked, and no more."""
    return tuple(Message(Level.WARN, text) for text in dict.fromkeys(_texts(config)))


def _texts(config: Config) -> Iterator[str]:
    for group in config.groups:
        for process in group.processes:
            yield from _of_process(process)


def _of_process(process: ProcessConfig) -> Iterator[str]:
    section = f"{process.kind}:{process.program}"
    for channel, log in (("stdout", process.stdout), ("stderr", process.stderr)):
        if log.capture_maxbytes:
            yield (
                f"[{section}] {channel}_capture_maxbytes is not honoured yet by this version: "
                "nothing is captured"
            )
        if log.events_enabled:
            yield (
                f"[{section}] {channel}_events_enabled is not honoured yet by this version: "
                "no events are sent"
            )
