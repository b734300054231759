from __future__ import annotations

from supervisor_tx.config import known
from supervisor_tx.config.check import client_problems, report, unknown_options
from supervisor_tx.config.client import ClientConfig, load_client
from supervisor_tx.config.commandline import CommandLine
from supervisor_tx.config.ini import Section, Value
from supervisor_tx.config.loader import read_sections
from supervisor_tx.config.model import PluginConfig
from supervisor_tx.config.options import Context
from tests.config.loading import LoadingCase


class ReportTests(LoadingCase):
    def report(self, text: str) -> tuple[int, list[str]]:
        status, printed = report(self.write(text), environ={}, overrides=CommandLine(user=0))
        return status, printed.replace(f"{self.directory}/", "").splitlines()

    def test_errors(self) -> None:
        """Errors come one per line, with the status that the daemon would exit with."""
        status, lines = self.report("[supervisord]\nminfds=x\n[program:x]\n")
        self.assertEqual(status, 2)
        minfds, command = lines
        self.assertEqual(
            minfds,
            "Error: supervisord.conf:2: [supervisord] minfds: invalid literal for int() with "
            "base 10: 'x'; expected a whole number",
        )
        self.assertTrue(command.startswith("Error: supervisord.conf:3: [program:x] command: "))

    def test_fine(self) -> None:
        """A good file is counted up."""
        status, lines = self.report("[supervisord]\n[program:x]\ncommand=x\n")
        self.assertEqual(status, 0)
        self.assertEqual(
            lines, ["supervisord.conf is ok: 1 group, 1 process, 0 servers, 0 RPC interfaces"]
        )

    def test_warnings(self) -> None:
        """What looks odd is told, and does not change the status."""
        status, lines = self.report(
            "[supervisord]\n[program:x]\ncommand=x\npidfile=/x\n[include]\nfiles=none*\n"
            "[supervisorctl]\nserverurl=x\n"
        )
        self.assertEqual(status, 0)
        self.assertEqual(len(lines), 4)
        self.assertIn("[program:x] pidfile is not an option", lines[0])
        self.assertIn("Unknown protocol for serverurl x", lines[1])
        self.assertIn("No file matches via include", lines[2])


class UnknownTests(LoadingCase):
    def unknown(self, text: str) -> list[str]:
        context = self.load_both(f"[supervisord]\n{text}")[1]
        warnings = unknown_options(context.document)
        return [warning.replace(f"{self.directory}/", "") for warning in warnings]

    def test_hints(self) -> None:
        """A slip of the fingers is told with what was probably meant."""
        unread = "is not an option that anything reads"
        nothing = "is not a section that anything reads"
        self.assertEqual(
            self.unknown(
                "[program:x]\ncommand=x\nautorestrt=true\ndependent_startup=true\n"
                "[progam:y]\ncommand=y\n[unix_htp_server]\n[zzz]\n[program]\n"
            ),
            [
                f"supervisord.conf:4: [program:x] autorestrt {unread}; did you mean autorestart?",
                f"supervisord.conf:5: [program:x] dependent_startup {unread}",
                f"supervisord.conf:6: [progam:y] {nothing}; did you mean program:y?",
                f"supervisord.conf:8: [unix_htp_server] {nothing}; did you mean unix_http_server?",
                f"supervisord.conf:9: [zzz] {nothing}",
                f"supervisord.conf:10: [program] {nothing}",
            ],
        )

    def test_known(self) -> None:
        """Servers may have names, plug-ins any option, and [DEFAULT] what it likes."""
        self.assertEqual(
            self.unknown(
                "[unix_http_server:x]\nfile=/x\n[ctlplugin:x]\nfoo=1\n[DEFAULT]\nbar=1\n"
                "[rpcinterface:x]\nsupervisor.rpcinterface_factory=a:b\nfoo=1\n"
            ),
            [],
        )


class _Watched(dict[str, Value]):
    """Options that write down which of them were looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: set[str] = set()

    def get(self, key: str, default: object = None) -> object:  # type: ignore[override]
        self.wanted.add(key)
        return super().get(key, default)


class KnownTests(LoadingCase):
    """The list of what is known is neither longer nor shorter than what is read."""

    def wanted(self, text: str, section: str) -> set[str]:
        """Return the options that are looked for in a section of a configuration."""
        context = self.load_both(f"[supervisord]\n{text}")[1]
        found: Section = context.document.sections[section]
        watched = _Watched()
        watched.update(found.options)
        found.options = watched
        again = Context(context.document, context.names, context.uid)
        read_sections(again, self.path, str(self.directory), CommandLine())
        load_client(again)
        return watched.wanted

    def test_complete(self) -> None:
        """For each kind of section."""
        for section, options in (
            ("supervisord", ""),
            ("supervisorctl", ""),
            ("group:x", ""),
            ("program:x", "command=x"),
            ("fcgi-program:x", "command=x\nsocket=unix:///x"),
            ("eventlistener:x", "command=x\nevents=TICK"),
            ("inet_http_server", "port=1"),
            ("unix_http_server", "file=x"),
        ):
            wanted = self.wanted(f"[{section}]\n{options}\n", section)
            self.assertEqual(wanted, known.options_of(section), section)


class ClientTests(LoadingCase):
    def client(self, text: str) -> tuple[ClientConfig, Context]:
        context = self.load_both(f"[supervisord]\n{text}", {"A": "a"})[1]
        return load_client(context), context

    def test_defaults(self) -> None:
        """No section, or an empty one."""
        self.assertEqual(self.client("")[0], ClientConfig())
        self.assertEqual(self.client("[supervisorctl]\n")[0], ClientConfig())

    def test_options(self) -> None:
        """Every option, and the plug-ins."""
        client, context = self.client(
            "[supervisorctl]\nserverurl=unix://%(here)s/x/../s\nusername=u\npassword=%(ENV_A)s\n"
            "prompt=p\nhistory_file=%(here)s/h\n[ctlplugin:c]\nsupervisor.ctl_factory=a:b\nFoo=1\n"
        )
        self.assertEqual(context.problems, {})
        self.assertEqual(
            client,
            ClientConfig(
                serverurl=f"unix://{self.directory}/s",
                username="u",
                password="a",
                prompt="p",
                history_file=f"{self.directory}/h",
                plugins=(PluginConfig("c", "a:b", {"foo": "1"}),),
            ),
        )

    def test_http(self) -> None:
        """The server may be reached by HTTP, and an empty history is none."""
        client, _ = self.client("[supervisorctl]\nserverurl=http://h:1\nhistory_file=\n")
        self.assertEqual((client.serverurl, client.history_file), ("http://h:1", None))

    def test_problems(self) -> None:
        """What is wrong for the client, or out of its sight, is told."""
        self.write("[ctlplugin:c]\nsupervisor.ctl_factory=a:b\n", "c.conf")
        context = self.client(
            "[include]\nfiles=c.conf\n[supervisorctl]\nserverurl=ftp://x\n[ctlplugin:d]\n"
        )[1]
        context.problems.clear()
        context.wrong.clear()
        protocol, factory, place = client_problems(context)
        self.assertIn("Unknown protocol for serverurl ftp://x", protocol)
        self.assertIn("section [ctlplugin:d] does not specify a supervisor.ctl_factory", factory)
        self.assertIn("c.conf:1: [ctlplugin:c]: supervisorctl does not read included", place)
