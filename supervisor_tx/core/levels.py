"""Levels of the activity log, and their two sets of names (Supervisor docs, "Activity Log")."""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """How much a message matters; a log set to a level takes that and everything above."""

    CRITICAL = 50
    ERROR = 40
    WARN = 30
    INFO = 20
    DEBUG = 10
    TRACE = 5
    BLATHER = 3

    @property
    def word(self) -> str:
        """The word for it in a configuration: ``warn``."""
        return self.name.lower()

    @property
    def code(self) -> str:
        """The four letters for it in the log: ``WARN``."""
        return CODES[self]


#: What stands in the log.
CODES = {
    Level.CRITICAL: "CRIT",
    Level.ERROR: "ERRO",
    Level.WARN: "WARN",
    Level.INFO: "INFO",
    Level.DEBUG: "DEBG",
    Level.TRACE: "TRAC",
    Level.BLATHER: "BLAT",
}

#: What stands in a configuration, from the gravest to the least.
WORDS = {level.word: level for level in Level}
