"""
From text to values, as options of plugins are read (Supervisor docs, "Configuration File").

All raise ValueError where the text has no value of that type.
"""

from __future__ import annotations

import pwd
import signal
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from supervisor_tx.config import datatypes, environment
from supervisor_tx.core.levels import WORDS
from supervisor_tx.core.lifecycle import AutoRestart

T = TypeVar("T")

TRUTHY_STRINGS = ("yes", "true", "on", "1")
FALSY_STRINGS = ("no", "false", "off", "0")


class Automatic:
    """In place of a log file's name: the daemon chooses the file."""


class Syslog:
    """In place of a log file's name: the system's log."""


class RestartWhenExitUnexpected:
    """In place of autorestart: when it ends with none of exitcodes."""


class RestartUnconditionally:
    """In place of autorestart: always."""


LOGFILE_NONES = ("none", "off", None)
LOGFILE_AUTOS = (Automatic, "auto")
LOGFILE_SYSLOGS = (Syslog, "syslog")

SIGNUMS = [getattr(signal, name) for name in dir(signal) if name.startswith("SIG")]
SIGNUMS = [number for number in SIGNUMS if isinstance(number, signal.Signals)]


def boolean(value: object) -> bool:
    """Take a word for yes or no."""
    word = str(value).lower()
    if word in TRUTHY_STRINGS:
        return True
    if word in FALSY_STRINGS:
        return False
    raise ValueError(f"not a valid boolean value: {value!r}")


def integer(value: str | int) -> int:
    """Take a whole number."""
    return int(value)


def list_of_strings(value: Any) -> list[str]:
    """Take words separated by commas; nothing for nothing."""
    if not value:
        return []
    try:
        return [word.strip() for word in value.split(",")]
    except (AttributeError, TypeError):
        raise ValueError(f"not a valid list of strings: {value!r}") from None


def list_of_ints(value: Any) -> list[int]:
    """Take whole numbers separated by commas; nothing for nothing."""
    if not value:
        return []
    try:
        return [int(word) for word in value.split(",")]
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"not a valid list of ints: {value!r}") from None


def list_of_exitcodes(value: Any) -> list[int]:
    """Take exit codes separated by commas, each from 0 to 255."""
    try:
        codes = list_of_ints(value)
    except ValueError:
        codes = [-1]
    if any(not 0 <= code <= 255 for code in codes):
        raise ValueError(f"not a valid list of exit codes: {value!r}")
    return codes


def dict_of_key_value_pairs(value: str) -> dict[str, str]:
    """Take ``KEY="value",KEY2=value2``."""
    return dict(environment.environment(value))


def octal_type(value: str) -> int:
    """Take a number written in octal."""
    try:
        return int(value, 8)
    except (TypeError, ValueError):
        raise ValueError(f"{value} can not be converted to an octal type") from None


def byte_size(value: str) -> int:
    """Take a number of bytes: ``5MB``."""
    return datatypes.byte_size(value)


def signal_number(value: str | int) -> int:
    """Take a signal by its name, with or without SIG, or by its number."""
    try:
        number = datatypes.signal_number(str(value))
    except ValueError as error:
        raise ValueError(str(error).replace(repr(str(value)), repr(value))) from None
    return number if str(value).strip().isdigit() else signal.Signals(number)


def logging_level(value: object) -> int:
    """Take a level of the log by its name."""
    word = str(value).lower()
    if word not in WORDS:
        raise ValueError(f"bad logging level name {value!r}")
    return int(WORDS[word])


def auto_restart(value: object) -> object:
    """Take what autorestart may be: False, or one of the two classes."""
    text = str(value)
    return AUTORESTART[datatypes.autorestart(text)]


#: How plugins see what autorestart is.
AUTORESTART: dict[AutoRestart, object] = {
    AutoRestart.NEVER: False,
    AutoRestart.UNEXPECTED: RestartWhenExitUnexpected,
    AutoRestart.ALWAYS: RestartUnconditionally,
}


def logfile_name(value: Any) -> object:
    """Take the name of a log file, or one of the words in its place."""
    word = value.lower() if hasattr(value, "lower") else value
    if word in LOGFILE_NONES:
        return None
    if word in LOGFILE_AUTOS:
        return Automatic
    if word in LOGFILE_SYSLOGS:
        return Syslog
    return existing_dirpath(value)


def existing_directory(value: str) -> str:
    """Take a directory that exists; ``~`` stands for home."""
    return datatypes.existing_directory(value)


def existing_dirpath(value: str) -> str:
    """Take a file in a directory that exists; ``~`` stands for home."""
    return datatypes.existing_dirpath(value)


def name_to_uid(name: str) -> int:
    """Take a user by name or number; return the uid."""
    return datatypes.user(name)


def name_to_gid(name: str) -> int:
    """Take a group by name or number; return the gid."""
    return datatypes.group(name)


def gid_for_uid(uid: int) -> int:
    """Return the group of a user; raise KeyError."""
    return pwd.getpwuid(uid).pw_gid


def colon_separated_user_group(value: str) -> tuple[int, int]:
    """Take ``user`` or ``user:group``; return uid and gid, -1: no group was given."""
    try:
        return datatypes.owner(value)
    except ValueError:
        raise ValueError(f"Invalid user:group definition {value}") from None


def process_or_group_name(name: object) -> str:
    """Take a name without blanks, colons and slashes."""
    return datatypes.name(str(name))


def url(value: str) -> str:
    """Take an address with a scheme and a host or path."""
    from urllib.parse import urlparse

    parts = urlparse(value.replace("unix://", "http://", 1).strip())
    if parts.scheme and (parts.netloc or parts.path):
        return value
    raise ValueError(f"value {value!r} is not a URL")


def inet_address(value: str) -> tuple[str, int]:
    """Take ``host:port``, ``*:port`` or a port."""
    return datatypes.inet_address(value)


class RangeCheckedConversion(Generic[T]):
    """A conversion with bounds, either of which may be None."""

    def __init__(self, conversion: Callable[[Any], T], min: Any = None, max: Any = None) -> None:
        self._min, self._max, self._conversion = min, max, conversion

    def __call__(self, value: Any) -> T:
        """Convert, and raise ValueError where the result is out of bounds."""
        converted: Any = self._conversion(value)
        if self._min is not None and converted < self._min:
            raise ValueError(f"{converted!r} is below lower bound ({self._min!r})")
        if self._max is not None and converted > self._max:
            raise ValueError(f"{converted!r} is above upper bound ({self._max!r})")
        return converted  # type: ignore[no-any-return]


port_number = RangeCheckedConversion(integer, min=1, max=0xFFFF).__call__


class SuffixMultiplier:
    """Numbers with a suffix that says how many times: ``{"KB": 1024}``."""

    def __init__(self, d: dict[str, int], default: int = 1) -> None:
        self._suffixes, self._default = d, default

    def __call__(self, value: str) -> int:
        """Convert a number with or without a suffix."""
        for suffix, times in self._suffixes.items():
            if value.lower().endswith(suffix.lower()):
                return int(value[: -len(suffix)]) * times
        return int(value) * self._default


def profile_options(value: str) -> tuple[list[str], bool]:
    """Take what ``--profile_options`` may be: how to sort, and whether to show callers."""
    words = [word.strip().lower() for word in value.split(",")]
    return [word for word in words if word not in ("", "callers")], "callers" in words


class SocketAddress:
    """A place to listen: ``host:port``, or else a path."""

    def __init__(self, s: str) -> None:
        import socket

        self.family: int
        self.address: str | tuple[str, int]
        if "/" in s or ":" not in s:
            self.family, self.address = socket.AF_UNIX, s
        else:
            self.family, self.address = socket.AF_INET, inet_address(s)
