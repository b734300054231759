"""Loading a configuration from the text that a test writes down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.commandline import CommandLine
from supervisor_tx.config.loader import Surroundings, load_document
from supervisor_tx.config.model import Config, ProcessConfig
from supervisor_tx.config.options import Context
from supervisor_tx.core.levels import Level
from supervisor_tx.errors import ConfigError


class LoadingCase(SynchronousTestCase):
    """Each test has a directory of its own, with ``supervisord.conf`` and what it writes there."""

    #: uid that the daemon seems to have: not root, and nobody's
    uid = 4_000_000

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.path = str(self.directory / "supervisord.conf")

    def write(self, text: str | bytes, name: str = "supervisord.conf") -> str:
        """Write a file; return its path."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def load_both(
        self,
        text: str | bytes,
        environ: Mapping[str, str] | None = None,
        overrides: CommandLine | None = None,
    ) -> tuple[Config, Context]:
        surroundings = Surroundings(
            environ or {}, overrides or CommandLine(), uid=self.uid, host_node_name="host"
        )
        return load_document(self.write(text), surroundings)

    def load(
        self,
        text: str | bytes,
        environ: Mapping[str, str] | None = None,
        overrides: CommandLine | None = None,
    ) -> Config:
        return self.load_both(text, environ, overrides)[0]

    def section(self, text: str, environ: Mapping[str, str] | None = None) -> Config:
        """Load what comes after an empty [supervisord]."""
        return self.load(f"[supervisord]\n{text}\n", environ)

    def process(self, options: str, environ: Mapping[str, str] | None = None) -> ProcessConfig:
        """Load the one process of ``[program:x]`` with these options, a command given."""
        config = self.section(f"[program:x]\ncommand=/bin/x\n{options}", environ)
        (group,) = config.groups
        (process,) = group.processes
        return process

    def problems(self, text: str | bytes, environ: Mapping[str, str] | None = None) -> list[str]:
        """Return the problems of a configuration, without the directory of the test."""
        error = self.assertRaises(ConfigError, self.load, text, environ)
        return [str(problem).replace(f"{self.directory}/", "") for problem in error.problems]

    def only_problem(self, text: str | bytes, environ: Mapping[str, str] | None = None) -> str:
        (problem,) = self.problems(text, environ)
        return problem

    def warnings(self, config: Config) -> list[str]:
        return [message.text for message in config.messages if message.level == Level.WARN]
