"""
From the text of an option to its value.

Each converter takes the text of a file or a command line and raises ValueError in Supervisor's
words (Supervisor docs, "Configuration File"); what it would have taken is its ``accepts``, in words
of ours that go after "expected".
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import signal
from collections.abc import Callable
from enum import Enum
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

from supervisor_tx.config.model import AUTO, Auto
from supervisor_tx.core.levels import WORDS
from supervisor_tx.core.lifecycle import AutoRestart
from supervisor_tx.values import frozen

T = TypeVar("T")


@frozen(eq=False)
class Datatype(Generic[T]):
    """A converter, to be called with the text, that can say what it accepts."""

    convert: Callable[[str], T]
    #: what a person may write, as the end of "expected ..."; empty: anything
    accepts: str

    def __call__(self, text: str) -> T:
        return self.convert(text)


def datatype(accepts: str) -> Callable[[Callable[[str], T]], Datatype[T]]:
    """Make a converter of the function that is decorated."""

    def decorate(convert: Callable[[str], T]) -> Datatype[T]:
        return Datatype(convert, accepts)

    return decorate


# Numbers and words

_TRUE = frozenset({"yes", "true", "on", "1"})
_FALSE = frozenset({"no", "false", "off", "0"})
_BOOLEAN_WORDS = "true, yes, on, 1, false, no, off or 0"


@datatype(_BOOLEAN_WORDS)
def boolean(text: str) -> bool:
    word = text.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"not a valid boolean value: {text!r}")


@datatype("a whole number")
def integer(text: str) -> int:
    return int(text)


_SIZES = {"kb": 1024, "mb": 1024**2, "gb": 1024**3}


@datatype("a whole number of bytes, or one followed by KB, MB or GB")
def byte_size(text: str) -> int:
    number = text.lower()
    unit = _SIZES.get(number[-2:])
    return int(number) if unit is None else int(number[:-2]) * unit


@datatype("an octal number such as 022")
def octal(text: str) -> int:
    try:
        return int(text, 8)
    except ValueError:
        raise ValueError(f"{text} can not be converted to an octal type") from None


@datatype("an octal number from 000 to 777")
def umask(text: str) -> int:
    return octal(text) & 0o777  # as umask(2) itself does


@datatype("an octal number such as 0700")
def file_mode(text: str) -> int:
    return octal(text) & 0o7777  # as chmod(2) itself does


@datatype("")
def string(text: str) -> str:
    return text


@datatype("words separated by commas")
def list_of_strings(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",")) if text else ()


@datatype(", ".join(WORDS))
def loglevel(text: str) -> int:
    try:
        return int(WORDS[text.lower()])
    except KeyError:
        raise ValueError(f"bad logging level name {text!r}") from None


@datatype("classic or minimal")
def update_mode(text: str) -> str:
    word = text.lower()
    if word not in ("classic", "minimal"):
        raise ValueError(f"invalid 'update_mode' value {text!r}")
    return word


@datatype("ignore or restart")
def on_protocol_error(text: str) -> str:
    word = text.lower()
    if word not in ("ignore", "restart"):
        raise ValueError(f"invalid 'on_protocol_error' value {text!r}")
    return word


# Processes

#: Every name of the platform that begins with SIG, so SIG_DFL (0) and SIG_IGN (1) too.
_SIGNALS: Final = {
    name: int(getattr(signal, name)) for name in dir(signal) if name.startswith("SIG")
}
_SIGNAL_NUMBERS: Final = frozenset(_SIGNALS.values())


@datatype("the name of a signal, with or without SIG, or its number")
def signal_number(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        name = text.strip().upper()
        if not name.startswith("SIG"):
            name = f"SIG{name}"
        try:
            return _SIGNALS[name]
        except KeyError:
            raise ValueError(f"value {text!r} is not a valid signal name") from None
    if number not in _SIGNAL_NUMBERS:
        raise ValueError(f"value {text!r} is not a valid signal number")
    return number


@datatype("numbers from 0 to 255 separated by commas, or nothing")
def exit_codes(text: str) -> tuple[int, ...]:
    try:
        codes = tuple(int(code) for code in text.split(",")) if text else ()
    except ValueError:
        codes = (-1,)
    if any(not 0 <= code <= 255 for code in codes):
        raise ValueError(f"not a valid list of exit codes: {text!r}")
    return codes


@datatype(f"unexpected, or one of {_BOOLEAN_WORDS}")
def autorestart(text: str) -> AutoRestart:
    word = text.lower()
    if word in _TRUE:
        return AutoRestart.ALWAYS
    if word in _FALSE:
        return AutoRestart.NEVER
    if word == "unexpected":
        return AutoRestart.UNEXPECTED
    raise ValueError(f"invalid 'autorestart' value {word!r}")


@datatype("a name without blank, ':' and '/'")
def name(text: str) -> str:
    stripped = text.strip()
    for character in " :/":
        if character in stripped:
            raise ValueError(f"Invalid name: {text!r} because of character: {character!r}")
    return stripped


@datatype("module:callable")
def factory(text: str) -> str:
    """Check the form only: what it names is imported by whoever is going to call it."""
    module, colon, attribute = (part.strip() for part in text.partition(":"))
    if not colon or not all(map(str.isidentifier, (*module.split("."), *attribute.split(".")))):
        raise ValueError(f"{text} cannot be resolved")
    return f"{module}:{attribute}"


# Users and groups


@datatype("the name or the uid of a user of this system")
def user(text: str) -> int:
    """Return the uid."""
    try:
        uid = int(text)
    except ValueError:
        try:
            return pwd.getpwnam(text).pw_uid
        except (KeyError, ValueError):
            raise ValueError(f"Invalid user name {text}") from None
    try:
        pwd.getpwuid(uid)
    except (KeyError, OverflowError):
        raise ValueError(f"Invalid user id {text}") from None
    return uid


@datatype("the name or the gid of a group of this system")
def group(text: str) -> int:
    """Return the gid."""
    try:
        gid = int(text)
    except ValueError:
        try:
            return grp.getgrnam(text).gr_gid
        except (KeyError, ValueError):
            raise ValueError(f"Invalid group name {text}") from None
    try:
        grp.getgrgid(gid)
    except (KeyError, OverflowError):
        raise ValueError(f"Invalid group id {text}") from None
    return gid


@datatype("user or user:group, by name or by number")
def owner(text: str) -> tuple[int, int]:
    """Return uid and gid; without a group the gid is -1, which chown(2) takes for "leave it"."""
    user_text, colon, group_text = text.partition(":")
    return user(user_text), group(group_text) if colon else -1


# Paths


@datatype("a directory that exists")
def existing_directory(text: str) -> str:
    path = os.path.expanduser(text)
    if not os.path.isdir(path):
        raise ValueError(f"{text} is not an existing directory")
    return path


@datatype("a file in a directory that exists")
def existing_dirpath(text: str) -> str:
    path = os.path.expanduser(text)
    directory = os.path.dirname(path)
    if directory and not os.path.isdir(directory):
        raise ValueError(f"The directory named as part of the path {text} does not exist")
    return path


@datatype("a file in a directory that exists")
def own_file(text: str) -> str:
    """A file that the daemon itself will write; return its absolute path."""
    path = existing_dirpath(text)
    if not text or os.path.isdir(path):
        raise ValueError(f"{text} is not the name of a file")
    return os.path.abspath(path)


@datatype("syslog, or a file in a directory that exists")
def activity_logfile(text: str) -> str | None:
    """Return an absolute path; None stands for syslog."""
    return None if text == "syslog" else own_file(text)


@datatype("a directory that exists")
def absolute_directory(text: str) -> str:
    path = existing_directory(text)
    return path if os.path.isabs(path) else os.path.abspath(path)


class Syslog(Enum):
    """The deprecated word ``syslog`` in place of a child's log file."""

    SYSLOG = "syslog"


SYSLOG: Final = Syslog.SYSLOG


@datatype("NONE, OFF, AUTO, syslog, or a file in a directory that exists")
def child_logfile(text: str) -> str | Auto | Syslog | None:
    word = text.lower()
    if word in ("", "none", "off"):
        return None
    if word == "auto":
        return AUTO
    if word == "syslog":
        return SYSLOG
    return existing_dirpath(text)


@datatype("the path of a socket")
def socket_path(text: str) -> str:
    path = text.strip()
    if not path:
        raise ValueError("the path is empty")
    return os.path.abspath(os.path.expanduser(path))


# Addresses


@datatype("host:port, *:port or port, with a port from 1 to 65535")
def inet_address(text: str) -> tuple[str, int]:
    """Return the host, in lower case and empty for all interfaces, and the port."""
    host, colon, port_text = text.rpartition(":")
    if not colon:
        try:
            return "", _port(text)
        except ValueError:
            raise ValueError(f"not a valid port number: {text!r} ") from None
    if not port_text:
        raise ValueError(f"no port number specified in {port_text!r}")
    return "" if host == "*" else host.lower(), _port(port_text)


def _port(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(f"{number} is below lower bound (1)")
    if number > 65535:
        raise ValueError(f"{number} is above upper bound (65535)")
    return number


_HOST_NAME = re.compile(r"\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")


@datatype("host names separated by commas; *.example.com for all below example.com, * for any")
def host_names(text: str) -> tuple[str, ...]:
    """Return them in lower case."""
    names = tuple(name.strip().rstrip(".").lower() for name in text.split(","))
    for name in names:
        if not _HOST_NAME.fullmatch(name):
            raise ValueError(f"not a host name: {name!r}")
    return names


@datatype("http://host/path/ or https://host/path/")
def base_url(text: str) -> str:
    """Return it with a slash at its end."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError(f"not a URL: {text!r}") from None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or "@" in parts.netloc
        or not _PLAIN_URL.fullmatch(text)
        or any(each in (".", "..") for each in parts.path.split("/"))
        or "//" in parts.path
    ):
        raise ValueError(f"not a URL of ours: {text!r}")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}/"


#: Without query, fragment, parameters and whatever would have to be encoded.
_PLAIN_URL = re.compile(r"[A-Za-z0-9:/._~\[\]-]+")


@datatype("a whole number from 1 to 65535")
def backlog(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65535:
        raise ValueError(f"Invalid socket_backlog value {number}")
    return number


_FCGI_TCP = re.compile(r"tcp://([^\s:]+):(\d+)")


@datatype("tcp://host:port or unix:///absolute/path")
def fcgi_socket(text: str) -> tuple[str, int] | str:
    """Return host and port, or the normalised path of a unix socket."""
    if text.startswith("unix://"):
        path = text.removeprefix("unix://")
        if not os.path.isabs(path):
            raise ValueError(f"Unix socket path {path} is not an absolute path")
        return os.path.normpath(path)
    found = _FCGI_TCP.fullmatch(text)
    if found is None:
        raise ValueError(f"Bad socket format {text}")
    return found[1].lower(), _port(found[2])
