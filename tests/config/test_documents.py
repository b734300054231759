from __future__ import annotations

import os

from supervisor_tx.core.levels import Level
from tests.config.loading import LoadingCase

MAIN = "[supervisord]\n[include]\nfiles = conf.d/*.conf\n[program:x]\ncommand=%(here)s/x\n"


class IncludeTests(LoadingCase):
    def commands(self, text: str = MAIN) -> dict[str, str]:
        here = str(self.directory)
        return {
            process.name: process.command.replace(here, "HERE")
            for group in self.load(text).groups
            for process in group.processes
        }

    def messages(self, text: str = MAIN) -> list[tuple[int, str]]:
        return [
            (message.level, message.text.replace(f"{self.directory}/", ""))
            for message in self.load(text).messages
        ]

    def test_order_and_here(self) -> None:
        """Files are read sorted, the later one holds, and here is the directory of each."""
        self.write("[program:x]\ncommand=%(here)s/1\n[program:y]\ncommand=y\n", "conf.d/1.conf")
        self.write("[program:x]\ncommand=%(here)s/2\n", "conf.d/2.conf")
        self.assertEqual(self.commands(), {"x": "HERE/conf.d/2", "y": "y"})
        self.assertEqual(
            self.messages(),
            [
                (Level.INFO, 'Included extra file "conf.d/1.conf" during parsing'),
                (Level.INFO, 'Included extra file "conf.d/2.conf" during parsing'),
            ],
        )

    def test_here_everywhere(self) -> None:
        """Here can be used in any section, with an include or without one."""
        config = self.section("[inet_http_server]\nport=1\nusername=%(here)s\npassword=x")
        self.assertEqual(config.servers[0].username, str(self.directory))

    def test_nothing(self) -> None:
        """A pattern that matches nothing is a warning."""
        self.assertEqual(self.commands(), {"x": "HERE/x"})
        self.assertEqual(
            self.messages(), [(Level.WARN, 'No file matches via include "conf.d/*.conf"')]
        )

    def test_itself(self) -> None:
        """A file may include itself, which does no harm."""
        text = MAIN.replace("conf.d/*.conf", "supervisord.conf ./*.conf")
        self.assertEqual(self.commands(text), {"x": "HERE/x"})
        self.assertEqual(len(self.messages(text)), 2)

    def test_nested(self) -> None:
        """What an included file would include is not read."""
        self.write("[include]\nfiles=../other\n", "conf.d/1.conf")
        self.write("[program:other]\ncommand=x\n", "other")
        self.assertEqual(self.commands(), {"x": "HERE/x"})

    def test_expansions(self) -> None:
        """Patterns can use here, the name of the host, and variables."""
        self.write("[program:y]\ncommand=y\n", "host/1.conf")
        text = MAIN.replace("conf.d/*.conf", "%(here)s/%(host_node_name)s/%(ENV_N)s.c*")
        config = self.load(text, {"N": "1"})
        self.assertEqual([group.name for group in config.groups], ["x", "y"])

    def test_strange_matches(self) -> None:
        """A directory, or a link to nothing, is passed over with a warning."""
        self.write("", "conf.d/directory.conf/x")
        os.symlink("nowhere", self.directory / "conf.d/link.conf")
        self.assertEqual(
            [(level, text.partition('"')[2][:20]) for level, text in self.messages()],
            [(Level.WARN, "conf.d/directory.con"), (Level.WARN, 'conf.d/link.conf": c')],
        )

    def test_unreadable(self) -> None:
        """Programs in a file that cannot be read must not go missing: that is an error."""
        self.write("", "conf.d/1.conf")
        os.mkfifo(self.directory / "conf.d/2.conf")
        self.write(b"\xff", "conf.d/3.conf")
        two, three = self.problems(MAIN)
        self.assertIn("conf.d/2.conf: it is a FIFO", two)
        self.assertTrue(three.startswith("conf.d/3.conf:1: not UTF-8"), three)

    def test_no_files(self) -> None:
        """An include without files is an error; one with an empty list is not."""
        self.assertEqual(
            self.only_problem("[supervisord]\n[include]\n"),
            "supervisord.conf:2: [include] files: "
            ".ini file has [include] section, but no files setting",
        )
        self.assertEqual(self.messages("[supervisord]\n[include]\nfiles=\n"), [])

    def test_unknown_name(self) -> None:
        """Patterns are expanded, so a wrong name is an error."""
        problem = self.only_problem("[supervisord]\n[include]\nfiles=%(program_name)s\n")
        self.assertIn("supervisord.conf:3: [include] files: Format string", problem)

    def test_nul(self) -> None:
        """A pattern that cannot be a path matches nothing."""
        for pattern in ("a\0*", "a\0/*", "\0"):
            messages = self.messages(f"[supervisord]\n[include]\nfiles={pattern}\n")
            self.assertEqual([level for level, _ in messages], [Level.WARN], repr(pattern))

    def test_syntax_errors_everywhere(self) -> None:
        """Mistakes in all files are told at once, file by file."""
        self.write("foo\n[a]\n", "conf.d/1.conf")
        self.write("[b]\nbar\n", "conf.d/2.conf")
        problems = self.problems(MAIN + "startsecs=x\nbaz\n")
        self.assertEqual(
            [problem.partition(": ")[0] for problem in problems],
            ["supervisord.conf:6", "supervisord.conf:7", "conf.d/1.conf:1", "conf.d/2.conf:2"],
        )
