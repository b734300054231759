"""The daemon and its options, as factories of RPC interfaces get them."""

from __future__ import annotations

import os
import socket
from typing import Any

from supervisor_tx.compat import finder
from supervisor_tx.compat.options import (
    EventListenerConfig,
    EventListenerPoolConfig,
    ProcessConfig,
    ProcessGroupConfig,
    UnhosedConfigParser,
)
from supervisor_tx.config.model import Config, PoolConfig, ServerConfig
from supervisor_tx.core.states import SupervisorState
from tests.compat.stage import CompatTestCase, group, program

FILLED = """\
[program:new]
command=/bin/sh -c 'exec sleep %(process_num)d'
process_name=%(program_name)s_%(process_num)d
numprocs=2
environment=WHERE="%(here)s"
stdout_logfile=NONE
stderr_logfile=NONE
priority=%(ENV_NUMBER)s
"""


class OptionsTests(CompatTestCase):
    """What the daemon was told."""

    def test_read(self) -> None:
        """Options of [supervisord] and the places of things can be read."""
        options = self.supervisord.options
        self.assertEqual((options.identifier, options.configfile), ("test", "/conf"))
        self.assertEqual((options.here, options.pidfile), ("/", "/pid"))
        self.assertEqual(options.logfile, str(self.daemon.logfile))
        self.assertEqual((options.get_pid(), options.get_socket_map()), (os.getpid(), {}))
        self.assertIsNone(options.serverurl)
        self.assertEqual(options.environ_expansions["ENV_PATH"], os.defpath)
        self.assertRaises(AttributeError, getattr, options, "no_such_option")
        self.assertIs(options.logger, self.supervisord.logger)

    def test_mood(self) -> None:
        """The state can be read, and set to shut down."""
        self.daemon.supervisor.start()
        self.run_groups(group("web"), start=True)
        options = self.supervisord.options
        self.assertEqual((options.mood, self.supervisord.get_state()), (1, 1))
        options.mood = 1
        options.mood = -1
        self.turn()
        self.assertIs(self.daemon.supervisor.state, SupervisorState.SHUTDOWN)
        self.assertEqual(self.child("web").signals, ["TERM"])

    def test_restart(self) -> None:
        """It can be set to restart, but to nothing that cannot be had."""
        self.daemon.supervisor.start()
        self.assertRaises(ValueError, setattr, self.supervisord.options, "mood", 2)
        self.supervisord.options.mood = 0
        self.turn()
        self.assertIs(self.daemon.supervisor.state, SupervisorState.RESTARTING)

    def test_servers(self) -> None:
        """Servers are dictionaries, with handlers in Supervisor's order, wrapped by a password."""
        inet = ServerConfig(
            "inet_http_server", address=("127.0.0.1", 9001), username="me", password="secret"
        )
        unix = ServerConfig("unix_http_server:x", file="/run/x", chmod=0o700, chown=(1, 2))
        plugin = object()
        self.supervisord.interfaces = {"inet_http_server": [("own", plugin)]}
        self.daemon.config = Config(
            "/conf", "/", self.daemon.config.supervisord, servers=(inet, unix)
        )
        first, second = self.supervisord.options.server_configs
        self.assertEqual(
            first,
            {
                "family": socket.AF_INET,
                "host": "127.0.0.1",
                "port": 9001,
                "username": "me",
                "password": "secret",
                "name": "inet_http_server",
                "section": "inet_http_server",
            },
        )
        self.assertEqual(
            (second["file"], second["chmod"], second["chown"], second["name"]),
            ("/run/x", 0o700, (1, 2), "unix_http_server"),
        )
        (told, server), (_, other) = self.supervisord.options.httpservers
        self.assertEqual(told, first)
        self.assertIs(server.handlers[0].handler.rpcinterface.own, plugin)
        self.assertFalse(hasattr(other.handlers[0].rpcinterface, "own"))
        self.assertEqual(len(other.handlers), 5)
        self.assertIsNone(server.socket)
        self.assertEqual(self.supervisord.options.serverurl, "unix:///run/x")

    def test_close(self) -> None:
        """Servers can be closed; no descriptor is."""
        self.supervisord.options.close_httpservers()
        self.supervisord.options.cleanup_fds()
        self.supervisord.reap()
        self.assertEqual(self.servers.closed, 1)


class GroupTests(CompatTestCase):
    """Groups that are active, and those that are to be."""

    def config(self, name: str = "new", **options: Any) -> ProcessGroupConfig:
        """A group that a plugin has put together."""
        values = {"stdout_logfile": None, "stderr_logfile": None, **options}
        made = ProcessConfig(
            self.supervisord.options, name=name, command="/bin/sh -c true", **values
        )
        return ProcessGroupConfig(self.supervisord.options, name, 5, [made])

    def test_mapping(self) -> None:
        """The active groups are a dictionary, with the same object for a group at each look."""
        self.run_groups(group("a"), group("b"))
        groups = self.supervisord.process_groups
        self.assertEqual((list(groups), len(groups), "a" in groups), (["a", "b"], 2, True))
        self.assertIs(groups["a"], groups["a"])
        self.assertIsNone(groups.get("c"))
        self.assertEqual([name for name, _ in sorted(groups.items())], ["a", "b"])

    def test_process_map(self) -> None:
        """What runs is to be had by its pid."""
        self.run_groups(group("web", program("a"), program("b")))
        self.success("supervisor.startProcess", "web:b", False)
        self.assertEqual(self.supervisord.get_process_map(), {1001: self.view("b", "web")})

    def test_add(self) -> None:
        """A group that is added is active at once, and started a moment later."""
        self.daemon.supervisor.start()
        config = self.config()
        self.assertTrue(self.supervisord.add_process_group(config))
        self.assertEqual(self.view("new").state, 0)
        self.turn()
        self.assertEqual(self.view("new").pid, 1001)
        self.assertIs(self.group("new").config, config)
        self.assertIs(self.view("new").config, config.process_configs[0])
        self.assertFalse(self.supervisord.add_process_group(self.config()))

    def test_add_idle(self) -> None:
        """What is not to start with the daemon is not started."""
        self.daemon.supervisor.start()
        self.supervisord.add_process_group(self.config(autostart=False))
        self.turn()
        self.assertEqual(self.daemon.spawner.orders, [])

    def test_added_and_gone(self) -> None:
        """A group that is removed before its turn comes is not started."""
        self.daemon.supervisor.start()
        self.supervisord.add_process_group(self.config())
        self.assertTrue(self.supervisord.remove_process_group("new"))
        self.turn()
        self.assertEqual(self.daemon.spawner.orders, [])

    def test_put(self) -> None:
        """A group that was made is active when it is put into the dictionary."""
        self.daemon.supervisor.start()
        made = self.config().make_group()
        self.assertEqual(len(self.supervisord.process_groups), 0)
        self.supervisord.process_groups["new"] = made
        self.assertIs(self.group("new"), made)
        self.turn()
        self.assertEqual(self.view("new").pid, 1001)

    def test_remove(self) -> None:
        """A group is removed when it is down, and only then."""
        self.run_groups(group("web"), start=True)
        self.assertFalse(self.supervisord.remove_process_group("web"))
        self.success("supervisor.stopProcess", "web")
        self.assertTrue(self.supervisord.remove_process_group("web"))
        self.assertEqual(list(self.supervisord.process_groups), [])
        self.assertRaises(KeyError, self.supervisord.remove_process_group, "web")

    def test_delete(self) -> None:
        """To take a group out of the dictionary removes it."""
        self.run_groups(group("web"))
        del self.supervisord.process_groups["web"]
        self.assertEqual(self.call("supervisor.getAllProcessInfo"), [])

    def test_difference(self) -> None:
        """It tells which groups were added, changed and removed since they were made active."""
        self.run_groups(group("old"), group("changed"), group("same"))
        active = self.group("old").config
        self.daemon.on_disk = (
            group("changed", program("changed", startsecs=7)),
            group("same"),
            group("new"),
        )
        self.call("supervisor.reloadConfig")
        added, changed, removed = self.supervisord.diff_to_active()
        self.assertEqual([each.name for each in added], ["new"])
        self.assertEqual([each.name for each in changed], ["changed"])
        self.assertEqual(removed, [active])
        self.assertEqual(changed[0].process_configs[0].startsecs, 7)
        self.assertIs(self.supervisord.diff_to_active()[0][0], added[0])
        self.assertEqual(
            [each.name for each in self.supervisord.options.process_group_configs],
            ["changed", "same", "new"],
        )

    def test_apply(self) -> None:
        """What was read can be made active, and then there is no difference."""
        self.daemon.on_disk = (group("new"), PoolConfig("ears", -1, (), events=("TICK_5",)))
        self.call("supervisor.reloadConfig")
        for config in self.supervisord.diff_to_active()[0]:
            self.assertTrue(self.supervisord.add_process_group(config))
        self.assertEqual(self.supervisord.diff_to_active(), ([], [], []))
        self.assertIsInstance(self.group("ears").config, EventListenerPoolConfig)

    def test_own_difference(self) -> None:
        """A plugin may compare with groups of its own."""
        added, changed, removed = self.supervisord.diff_to_active([self.config()])
        self.assertEqual(([each.name for each in added], changed, removed), (["new"], [], []))


class SectionTests(CompatTestCase):
    """Processes from sections that a plugin fills."""

    def setUp(self) -> None:
        super().setUp()
        self.daemon.assembly.environ = {"PATH": os.defpath, "NUMBER": "7"}

    def parsed(self, text: str) -> UnhosedConfigParser:
        parser = UnhosedConfigParser()
        parser.read_string(text)
        return parser

    def test_programs(self) -> None:
        """A program section gives its processes, expanded as in the configuration."""
        made = self.supervisord.options.processes_from_section(
            self.parsed(FILLED), "program:new", "web"
        )
        self.assertEqual([each.name for each in made], ["new_0", "new_1"])
        self.assertEqual(made[1].command, "/bin/sh -c 'exec sleep 1'")
        self.assertEqual((made[0].priority, made[0].environment["WHERE"]), (7, "/"))

    def test_supervised(self) -> None:
        """What comes of it can be put into a group, and runs."""
        self.run_groups(group("web"))
        for config in self.supervisord.options.processes_from_section(
            self.parsed(FILLED), "program:new", "web"
        ):
            self.group("web").config.process_configs.append(config)
            self.group("web").processes[config.name] = config.make_process(self.group("web"))
        self.turn()
        self.assertEqual(
            [each.name for each in self.group("web").config.process_configs],
            ["web", "new_0", "new_1"],
        )
        self.assertEqual([order.name for order in self.daemon.spawner.orders], ["new_0", "new_1"])

    def test_class(self) -> None:
        """A plugin may say of which class they are to be."""
        (first, _) = self.supervisord.options.processes_from_section(
            self.parsed(FILLED), "program:new", "web", EventListenerConfig
        )
        self.assertIsInstance(first, EventListenerConfig)

    def test_wrong(self) -> None:
        """The first thing that is wrong is told, with the section and the file."""
        options = self.supervisord.options
        for text, section, said in (
            ("[program:x]\ncommand=/bin/sh\nstartsecs=abc\n", "program:x", "abc"),
            ("[program:x]\n", "program:x", "command"),
            ("[program:x y]\ncommand=/bin/sh\n", "program:x y", "x y"),
        ):
            error = self.assertRaises(
                ValueError, options.processes_from_section, self.parsed(text), section, "web"
            )
            self.assertIn(said, str(error))
            self.assertIn(f"in section {section!r} (file: '/conf')", str(error))


class FinderTests(CompatTestCase):
    """The name under which all this is imported."""

    def setUp(self) -> None:
        super().setUp()
        finder.install()
        self.addCleanup(finder.uninstall)

    def test_found(self) -> None:
        """What is imported as supervisor is ours, the same module under both names."""
        import importlib

        for name in ("events", "options", "xmlrpc", "loggers", "states", "childutils", "http"):
            with self.subTest(name=name):
                self.assertIs(
                    importlib.import_module(f"supervisor.{name}"),
                    importlib.import_module(f"supervisor_tx.compat.{name}"),
                )

    def test_twice(self) -> None:
        """To install it again is no harm."""
        import sys

        finder.install()
        installed = [each for each in sys.meta_path if isinstance(each, finder.CompatFinder)]
        self.assertEqual(len(installed), 1)

    def test_missing(self) -> None:
        """A module that we have no counterpart of is refused by its name, with the reason."""
        import importlib

        error = self.assertRaises(
            ModuleNotFoundError, importlib.import_module, "supervisor.medusa.asyncore"
        )
        self.assertIn("supervisor_tx has no counterpart of it", str(error))

    def test_version(self) -> None:
        """Who asks for the version of the package is told the one that we stand for."""
        from importlib.metadata import version

        from supervisor_tx import SUPERVISOR_VERSION

        self.assertEqual(version("supervisor"), SUPERVISOR_VERSION)

    def test_others(self) -> None:
        """Names that only begin like it are none of ours."""
        self.assertIsNone(finder.CompatFinder().find_spec("supervisor_twiddler", None))
        self.assertEqual(list(finder.CompatFinder().find_distributions()), [])

    def test_too_late(self) -> None:
        """Where another package of the name was imported before, it cannot be installed."""
        import sys
        from types import ModuleType

        from supervisor_tx.errors import CannotStart

        finder.uninstall()
        sys.modules["supervisor"] = ModuleType("supervisor")
        self.assertRaises(CannotStart, finder.install)
