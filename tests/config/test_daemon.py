from __future__ import annotations

import os

from supervisor_tx.config.commandline import CommandLine
from supervisor_tx.config.model import Config
from supervisor_tx.core.levels import Level
from supervisor_tx.errors import ConfigError
from tests.config.loading import LoadingCase


class SupervisordTests(LoadingCase):
    def test_defaults(self) -> None:
        """An empty section is enough."""
        section = self.section("").supervisord
        here = os.getcwd()
        self.assertEqual(section.logfile, f"{here}/supervisord.log")
        self.assertEqual(section.pidfile, f"{here}/supervisord.pid")
        self.assertEqual((section.umask, section.minfds, section.minprocs), (0o22, 1024, 200))
        self.assertEqual((section.loglevel, section.identifier), (20, "supervisor"))
        self.assertIsNone(section.uid)
        self.assertFalse(section.nodaemon)

    def test_missing(self) -> None:
        """Without the section there is no daemon."""
        self.assertEqual(
            self.only_problem("[program:x]\ncommand=x\n"),
            "supervisord.conf: .ini file does not include supervisord section",
        )

    def test_syslog(self) -> None:
        """The log may be syslog, exactly so."""
        self.assertIsNone(self.load("[supervisord]\nlogfile=syslog\n").supervisord.logfile)
        logfile = self.load("[supervisord]\nlogfile=SYSLOG\n").supervisord.logfile
        self.assertEqual(logfile, os.path.abspath("SYSLOG"))

    def test_commandline(self) -> None:
        """What the command line says holds, False and 0 included."""
        text = "[supervisord]\nuser=root\nminfds=7\numask=077\nnodaemon=false\nidentifier=a\n"
        commandline = CommandLine(umask=0, nodaemon=True, logfile="x", pidfile="y", user=1)
        section = self.load(text, overrides=commandline).supervisord
        self.assertEqual((section.umask, section.nodaemon, section.uid), (0, True, 1))
        self.assertEqual((section.minfds, section.identifier), (7, "a"))
        self.assertEqual(section.logfile, os.path.abspath("x"))
        self.assertEqual(section.pidfile, os.path.abspath("y"))
        self.assertIsNone(
            self.load(text, overrides=CommandLine(logfile="syslog")).supervisord.logfile
        )

    def test_wrong_commandline(self) -> None:
        """A path of the command line that is no file is refused like one of the file."""
        error = self.assertRaises(
            ConfigError, self.load, "[supervisord]\n", None, CommandLine(logfile="/", pidfile="")
        )
        self.assertEqual(len(error.problems), 2)
        self.assertIn("command line: logfile: / is not the name of a file", str(error))

    def test_here(self) -> None:
        """Options can use the directory of the file, and the environment's variables."""
        text = "[supervisord]\nidentifier=%(here)s %(ENV_A)s\nenvironment=A=own\n"
        section = self.load(text, {"A": "outer"}).supervisord
        self.assertEqual(section.identifier, f"{self.directory} outer")

    def test_environment_expanded_twice(self) -> None:
        """Percent signs in environment are as 4.3.0 has them, where it has them at all."""
        for text, value in (
            ("%%%%", "%"),
            ("50%%", "50%"),
            ("%%(ENV_NO)s", "%(ENV_NO)s"),
            ("%%(ENV_A)s", "outer"),
            ("%%a", "%a"),
        ):
            config = self.load(f'[supervisord]\nenvironment=X="{text}"\n', {"A": "outer"})
            self.assertEqual(config.supervisord.environment, {"X": value}, text)

    def test_errors(self) -> None:
        """Each wrong option is told, all at once."""
        options = (
            *("logfile=/no/such/x", "logfile_maxbytes=1k", "logfile_backups=x", "loglevel=x"),
            *("pidfile=/", "umask=9", "nodaemon=x", "silent=x", "minfds=x", "minprocs=x"),
            *("nocleanup=x", "childlogdir=/no/such", "user=no-such", "directory=/no/such"),
            *("strip_ansi=x", "environment=A", "identifier=%(x)s"),
        )
        problems = self.problems("\n".join(["[supervisord]", *options, ""]))
        self.assertEqual(
            [problem.partition("] ")[2].partition(":")[0] for problem in problems],
            [option.partition("=")[0] for option in options],
        )
        self.assertEqual(
            problems[3],
            "supervisord.conf:5: [supervisord] loglevel: bad logging level name 'x'; expected "
            "critical, error, warn, info, debug, trace, blather",
        )


class RootTests(LoadingCase):
    uid = 0

    def critical(self, config: Config) -> list[str]:
        return [m.text for m in config.messages if m.level == Level.CRITICAL]

    def test_unsaid(self) -> None:
        """Running as root without having said so is critical."""
        (text,) = self.critical(self.section(""))
        self.assertTrue(text.startswith("Supervisor is running as root.  Privileges"), text)

    def test_said(self) -> None:
        """A user in the file or on the command line is enough."""
        self.assertEqual(self.critical(self.load("[supervisord]\nuser=root\n")), [])
        config = self.load("[supervisord]\n", overrides=CommandLine(user=0))
        self.assertEqual(self.critical(config), [])
