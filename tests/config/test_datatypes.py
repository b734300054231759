from __future__ import annotations

import os
import signal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config import datatypes
from supervisor_tx.config.datatypes import SYSLOG, Datatype
from supervisor_tx.config.model import AUTO
from supervisor_tx.core.lifecycle import AutoRestart

ACCEPTED: list[tuple[Datatype[Any], str, object]] = [
    (datatypes.boolean, "Yes", True),
    (datatypes.boolean, "1", True),
    (datatypes.boolean, "OFF", False),
    (datatypes.integer, "-7", -7),
    (datatypes.integer, " 1_0 ", 10),
    (datatypes.byte_size, "12", 12),
    (datatypes.byte_size, "1KB", 1024),
    (datatypes.byte_size, "2 mb", 2 * 1024 * 1024),
    (datatypes.byte_size, "-1Gb", -(1024**3)),
    (datatypes.umask, "022", 0o022),
    (datatypes.umask, "0o7077", 0o077),
    (datatypes.file_mode, "1777", 0o1777),
    (datatypes.loglevel, "Blather", 3),
    (datatypes.loglevel, "critical", 50),
    (datatypes.signal_number, " term ", signal.SIGTERM),
    (datatypes.signal_number, "SIGusr1", signal.SIGUSR1),
    (datatypes.signal_number, "0", 0),
    (datatypes.signal_number, "1", 1),
    (datatypes.signal_number, "rtmin", signal.SIGRTMIN),
    (datatypes.exit_codes, "", ()),
    (datatypes.exit_codes, " 0, 255", (0, 255)),
    (datatypes.autorestart, "Unexpected", AutoRestart.UNEXPECTED),
    (datatypes.autorestart, "ON", AutoRestart.ALWAYS),
    (datatypes.autorestart, "false", AutoRestart.NEVER),
    (datatypes.name, " web ", "web"),
    (datatypes.name, "", ""),
    (datatypes.factory, "a.b : c.d", "a.b:c.d"),
    (datatypes.list_of_strings, "a, b ,", ("a", "b", "")),
    (datatypes.list_of_strings, "", ()),
    (datatypes.user, "root", 0),
    (datatypes.user, "00", 0),
    (datatypes.owner, "root", (0, -1)),
    (datatypes.owner, "0:0", (0, 0)),
    (datatypes.existing_directory, "/", "/"),
    (datatypes.existing_dirpath, "no-directory-part", "no-directory-part"),
    (datatypes.existing_dirpath, "/x", "/x"),
    (datatypes.child_logfile, "None", None),
    (datatypes.child_logfile, "OFF", None),
    (datatypes.child_logfile, "", None),
    (datatypes.child_logfile, "auto", AUTO),
    (datatypes.child_logfile, "SysLog", SYSLOG),
    (datatypes.child_logfile, "/x", "/x"),
    (datatypes.child_logfile, " none", " none"),
    (datatypes.activity_logfile, "syslog", None),
    (datatypes.activity_logfile, "/x", "/x"),
    (datatypes.inet_address, "9001", ("", 9001)),
    (datatypes.inet_address, "*:9001", ("", 9001)),
    (datatypes.inet_address, ":1", ("", 1)),
    (datatypes.inet_address, "HOST:65535", ("host", 65535)),
    (datatypes.inet_address, "a:b:1", ("a:b", 1)),
    (datatypes.fcgi_socket, "tcp://LocalHost:9000", ("localhost", 9000)),
    (datatypes.fcgi_socket, "unix:///a/../b", "/b"),
    (datatypes.backlog, "65535", 65535),
]

REFUSED: list[tuple[Datatype[Any], str, str]] = [
    (datatypes.boolean, " yes", "not a valid boolean value: ' yes'"),
    (datatypes.boolean, "2", "not a valid boolean value: '2'"),
    (datatypes.integer, "1.0", "invalid literal for int() with base 10: '1.0'"),
    (datatypes.byte_size, "1XB", "invalid literal for int() with base 10: '1xb'"),
    (datatypes.byte_size, "1k", "invalid literal for int() with base 10: '1k'"),
    (datatypes.byte_size, "1.5MB", "invalid literal for int() with base 10: '1.5'"),
    (datatypes.umask, "9", "9 can not be converted to an octal type"),
    (datatypes.loglevel, "warning", "bad logging level name 'warning'"),
    (datatypes.signal_number, "HUH", "value 'HUH' is not a valid signal name"),
    (datatypes.signal_number, "", "value '' is not a valid signal name"),
    (datatypes.signal_number, "99", "value '99' is not a valid signal number"),
    (datatypes.signal_number, "-1", "value '-1' is not a valid signal number"),
    (datatypes.exit_codes, "0,,1", "not a valid list of exit codes: '0,,1'"),
    (datatypes.exit_codes, "256", "not a valid list of exit codes: '256'"),
    (datatypes.autorestart, "Maybe", "invalid 'autorestart' value 'maybe'"),
    (datatypes.name, "a b", "Invalid name: 'a b' because of character: ' '"),
    (datatypes.name, "a:b", "Invalid name: 'a:b' because of character: ':'"),
    (datatypes.name, "a/b", "Invalid name: 'a/b' because of character: '/'"),
    (datatypes.factory, "os", "os cannot be resolved"),
    (datatypes.factory, "os:", "os: cannot be resolved"),
    (datatypes.factory, "os:path:x", "os:path:x cannot be resolved"),
    (datatypes.user, "no such user", "Invalid user name no such user"),
    (datatypes.user, "-1", "Invalid user id -1"),
    (datatypes.user, "9" * 30, f"Invalid user id {'9' * 30}"),
    (datatypes.owner, "root:no such group", "Invalid group name no such group"),
    (datatypes.owner, "root:-1", "Invalid group id -1"),
    (datatypes.owner, "root:", "Invalid group name "),
    (datatypes.existing_directory, "/no/such", "/no/such is not an existing directory"),
    (datatypes.existing_directory, "", " is not an existing directory"),
    (
        datatypes.existing_dirpath,
        "/no/such",
        "The directory named as part of the path /no/such does not exist",
    ),
    (datatypes.own_file, "", " is not the name of a file"),
    (datatypes.own_file, "/", "/ is not the name of a file"),
    (datatypes.inet_address, "host", "not a valid port number: 'host' "),
    (datatypes.inet_address, "0", "not a valid port number: '0' "),
    (datatypes.inet_address, "host:", "no port number specified in ''"),
    (datatypes.inet_address, "host:65536", "65536 is above upper bound (65535)"),
    (datatypes.inet_address, "host:0", "0 is below lower bound (1)"),
    (datatypes.fcgi_socket, "tcp://host", "Bad socket format tcp://host"),
    (datatypes.fcgi_socket, "tcp://a b:1", "Bad socket format tcp://a b:1"),
    (datatypes.fcgi_socket, "tcp://h:0", "0 is below lower bound (1)"),
    (datatypes.fcgi_socket, "unix://a", "Unix socket path a is not an absolute path"),
    (datatypes.backlog, "0", "Invalid socket_backlog value 0"),
    (datatypes.socket_path, " ", "the path is empty"),
]


class DatatypesTests(SynchronousTestCase):
    def test_accepted(self) -> None:
        """Each grammar gives the value that Supervisor gives."""
        for kind, text, value in ACCEPTED:
            self.assertEqual(kind(text), value, text)

    def test_refused(self) -> None:
        """Each grammar, violated, is refused in Supervisor's words."""
        for kind, text, words in REFUSED:
            error = self.assertRaises(ValueError, kind, text)
            self.assertEqual(str(error), words)

    def test_home(self) -> None:
        """A path may begin with a tilde."""
        home = os.path.expanduser("~")
        self.assertEqual(datatypes.existing_directory("~"), home)
        self.assertEqual(datatypes.existing_dirpath("~/x"), f"{home}/x")
        self.assertEqual(datatypes.socket_path(" ~/a/../b"), f"{home}/b")

    def test_absolute(self) -> None:
        """The daemon's own paths do not depend on where it is later."""
        here = os.getcwd()
        self.assertEqual(datatypes.own_file("x.log"), f"{here}/x.log")
        self.assertEqual(datatypes.absolute_directory("."), here)
        self.assertEqual(datatypes.absolute_directory("/usr/../tmp/"), "/usr/../tmp/")

    @given(st.text())
    def test_anything(self, text: str) -> None:
        """A converter returns a value or raises ValueError, whatever it is given."""
        for kind, _, _ in ACCEPTED:
            try:
                kind(text)
            except ValueError:
                continue

    def test_accepts(self) -> None:
        """Each refusal can be followed by what would have been right."""
        for kind, _, _ in REFUSED:
            self.assertTrue(kind.accepts)
