"""The command line of ``supervisord``, next to that of stock Supervisor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import supervisor_tx
from tests.requirements import stock

#: where the package under test lies
HERE = str(Path(supervisor_tx.__file__).resolve().parents[1])

REFUSED = (
    ["-x"],
    ["--foo"],
    ["--é"],
    ["-h", "-x"],
    ["-v", "-x"],
    ["-nx"],
    ["--no-x"],
    ["-c"],
    ["-nc"],
    ["--conf"],
    ["-e"],
    ["--minfds"],
    ["--profile_options"],
    ["--no"],
    ["--l=x"],
    ["--min=3"],
    ["--s=3"],
    ["--=x"],
    ["--nodaemon=1"],
    ["--nodaemon="],
    ["--st=3"],
    ["--version="],
    ["-n", "-n"],
    ["-n", "--nodaemon"],
    ["--nodaemo", "-n"],
    ["-kk"],
    ["-c", "a", "-c", "b"],
    ["--logfile", "x", "-l", "y"],
    ["-m", "022", "--um", "022"],
    ["-n", "-m", "9", "-n"],
    ["-m", "9", "-h"],
    ["-m", "9"],
    ["-mé"],
    ["--umask=x"],
    ["--umask="],
    ["-y", "1XB"],
    ["-y", "5k"],
    ["-y", " 5 kb "],
    ["-z", "a"],
    ["-a", "x"],
    ["--minprocs=1.5"],
    ["-e", "foo"],
    ["-d", "/none"],
    ["-d", ""],
    ["-q", "/none"],
    ["-l", "/none/x"],
    ["-j", "/none/x"],
    ["foo"],
    ["foo", "-x"],
    ["--", "-n"],
    ["-"],
    [""],
    ["a\nb"],
    ["-m", "9", "foo"],
    ["-h", "foo"],
    ["-c", "/none/supervisord.conf"],
    ["-c=x"],
    ["--configuration=x=y"],
)
ANSWERED = (["-v"], ["--version"], ["--ve"], ["-v", "-m", "9"], ["-vnn"], ["-v", "-h"], ["-nv"])
EXPLAINED = (
    ["-h"],
    ["-?"],
    ["--help"],
    ["--he"],
    ["-n", "-h"],
    ["-hv"],
    ["-hnn"],
    ["-h", "-n", "-n"],
)


class CommandLineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.stock = stock("supervisord")
        self.directory = self.mktemp()
        os.mkdir(self.directory)

    def ran(self, command: list[str], called: str) -> tuple[int, str, str]:
        """Run it; return exit status, output and errors, with its name replaced by SELF."""
        done = subprocess.run(
            command,
            cwd=self.directory,
            capture_output=True,
            timeout=60,
            check=False,
            encoding="utf-8",
            errors="surrogateescape",
        )
        return (
            done.returncode,
            done.stdout.replace(called, "SELF"),
            done.stderr.replace(called, "SELF"),
        )

    def ours(self, words: list[str]) -> tuple[int, str, str]:
        program = f"import sys; sys.path[0] = {HERE!r}; sys.argv[0] = '/our/supervisord'\n"
        program += "from supervisor_tx.supervisord import main; sys.exit(main())"
        return self.ran([sys.executable, "-c", program, *words], "/our/supervisord")

    def theirs(self, words: list[str]) -> tuple[int, str, str]:
        return self.ran([self.stock, *words], self.stock)

    def test_refusals(self) -> None:
        """What Supervisor refuses is refused in the same words, with the same status."""
        for words in REFUSED:
            theirs = self.theirs(words)
            self.assertEqual(theirs[0], 2, words)
            self.assertEqual(self.ours(words), theirs, words)

    def test_answers(self) -> None:
        """The version is Supervisor's, to the byte."""
        for words in ANSWERED:
            theirs = self.theirs(words)
            self.assertEqual(theirs[0], 0, words)
            self.assertEqual(self.ours(words), theirs, words)

    def test_usage(self) -> None:
        """The usage text has Supervisor's shape and names each of its options."""
        for words in EXPLAINED:
            status, output, errors = self.ours(words)
            their_status, their_output, their_errors = self.theirs(words)
            self.assertEqual((status, errors), (their_status, their_errors))
            self.assertEqual(output.splitlines()[1:5], their_output.splitlines()[1:5])
            entries = {line.split()[0] for line in their_output.splitlines()[5:] if line[:1] == "-"}
            our_entries = {line.split()[0] for line in output.splitlines()[5:] if line[:1] == "-"}
            self.assertEqual(
                {entry.replace("-h/-?", "-h") for entry in our_entries} - entries, {"--check"}
            )
            self.assertEqual(
                entries - {entry.replace("-h/-?", "-h") for entry in our_entries}, set()
            )
