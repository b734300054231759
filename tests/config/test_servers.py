from __future__ import annotations

import os

from supervisor_tx.config.model import PluginConfig, ServerConfig
from tests.config.loading import LoadingCase


class ServerTests(LoadingCase):
    def test_servers(self) -> None:
        """Inet servers come first, then unix ones, each in the order of the file."""
        config = self.section(
            "[unix_http_server]\nfile= ~/x/../sock\n[inet_http_server:b]\nport=*:2\n"
            "[unix_http_server:c]\nfile=%(here)s/c\nchmod=0770\nchown=root:0\n"
            "username=u\npassword=50%%\n[inet_http_server]\nport=HOST:1\n"
        )
        home = os.path.expanduser("~")
        self.assertEqual(
            config.servers,
            (
                ServerConfig("inet_http_server:b", address=("", 2)),
                ServerConfig("inet_http_server", address=("host", 1)),
                ServerConfig("unix_http_server", file=f"{home}/sock"),
                ServerConfig(
                    "unix_http_server:c",
                    file=f"{self.directory}/c",
                    chmod=0o770,
                    chown=(0, 0),
                    username="u",
                    password="50%",
                ),
            ),
        )

    def test_errors(self) -> None:
        """Each option of a server is checked."""
        for text, words in (
            ("[inet_http_server]", "section [inet_http_server] has no port value"),
            ("[inet_http_server]\nport=x", "not a valid port number: 'x'"),
            ("[unix_http_server:x]", "section [unix_http_server:x] has no file value"),
            ("[unix_http_server]\nfile=", "the path is empty"),
            ("[unix_http_server]\nfile=x\nchmod=9", "Invalid chmod value 9"),
            ("[unix_http_server]\nfile=x\nchown=no such", "Invalid sockchown value no such"),
            (
                "[inet_http_server]\nport=1\nusername=u",
                "username: Section [inet_http_server] contains incomplete authentication",
            ),
            (
                "[inet_http_server]\nport=1\npassword=u",
                "password: Section [inet_http_server] contains incomplete authentication",
            ),
        ):
            self.assertIn(words, self.only_problem(f"[supervisord]\n{text}\n"))

    def test_names(self) -> None:
        """Names and addresses are brought into one form; a unix socket has no names."""
        config = self.section(
            "[inet_http_server]\nport=1\nallowed_hosts = Example.com , *.lab.example.org.\n"
            "base_url=HTTPS://Example.com:8443/Our/sup\n"
            "[unix_http_server]\nfile=/s\nbase_url=http://[::1]\n"
        )
        inet, unix = config.servers
        self.assertEqual(inet.allowed_hosts, ("example.com", "*.lab.example.org"))
        self.assertEqual(inet.base_url, "https://example.com:8443/Our/sup/")
        self.assertEqual(unix.base_url, "http://[::1]/")

    def test_wrong_names(self) -> None:
        """What is no name, or no address that pages could be below, is refused."""
        for option, values in {
            "allowed_hosts": ("", "a,,b", "http://a", "a:1", "a b", "*a.example", "a/b", "\u00e9"),
            "base_url": (
                *("", "/x", "example.com/x", "ftp://a/", "http://", "http://u:p@a/", "http://a/?b"),
                *("http://a/#b", "http://a:x/", "http://a/../b", "http://a//b", "http://a/%%41"),
                *("http://a/b c", "http://[a/", "http://a/;b", 'http://a/"'),
            ),
        }.items():
            for value in values:
                with self.subTest(option=option, value=value):
                    text = f"[supervisord]\n[inet_http_server]\nport=1\n{option}={value}\n"
                    self.assertIn(f"] {option}: ", self.only_problem(text))

    def test_password(self) -> None:
        """A password is shown neither in a problem nor in the model."""
        text = "[supervisord]\n[inet_http_server]\nport=1\nusername=u\npassword=hush%"
        problem = self.only_problem(f"{text}(\n")
        self.assertIn("password: Format string '***'", problem)
        self.assertNotIn("hush", problem)
        self.assertNotIn("hush", repr(self.load(f"{text}%\n")))


class PluginTests(LoadingCase):
    def test_options(self) -> None:
        """All but the factory is for the factory, [DEFAULT] too, as strings in lower case."""
        config = self.load(
            "[DEFAULT]\nd=1\n[supervisord]\n[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
            "[rpcinterface:other]\nsupervisor.rpcinterface_factory=a:b\nFoo=%(ENV_X)s 100%%\n",
            {"X": "x"},
        )
        self.assertEqual(
            config.rpcinterfaces,
            (
                PluginConfig(
                    "supervisor", "supervisor.rpcinterface:make_main_rpcinterface", {"d": "1"}
                ),
                PluginConfig("other", "a:b", {"d": "1", "foo": "x 100%"}),
            ),
        )

    def test_errors(self) -> None:
        """A plug-in needs a factory of the right form."""
        section = "[supervisord]\n[rpcinterface:x]\n"
        self.assertIn(
            "section [rpcinterface:x] does not specify a supervisor.rpcinterface_factory",
            self.only_problem(section),
        )
        self.assertIn(
            "nowhere cannot be resolved",
            self.only_problem(f"{section}supervisor.rpcinterface_factory=nowhere\n"),
        )
