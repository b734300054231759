from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervisor_tx.config.known import KINDS, SERVERS, SINGLE
from supervisor_tx.config.loader import load
from supervisor_tx.config.model import Config
from supervisor_tx.errors import CannotStart, ConfigError
from tests import requirements
from tests.config.loading import LoadingCase


class LoadTests(LoadingCase):
    def test_from_the_environment(self) -> None:
        """The face of it: a path and an environment."""
        path = self.write("[supervisord]\n[program:x]\ncommand=%(ENV_A)s\n")
        config = load(os.path.relpath(path), environ={"A": "a"})
        self.assertEqual((config.configfile, config.here), (path, str(self.directory)))
        self.assertEqual(config.groups[0].processes[0].command, "a")

    def test_missing(self) -> None:
        """A file that is not there is one problem, named as it was given."""
        error = self.assertRaises(ConfigError, load, "no/such.conf", environ={})
        self.assertEqual(str(error), "no/such.conf: could not find config file no/such.conf")
        self.assertIsInstance(error, CannotStart)

    def test_all_at_once(self) -> None:
        """One run tells everything, in the order of the files and lines."""
        self.write("[program:y]\ncommand=y\nuser=no-such\n[program:x]\nstopsignal=HUH\n", "y.conf")
        problems = self.problems(
            "[program:x]\ncommand=x\nstartsecs=soon\n[include]\nfiles=y.conf\n"
            "[inet_http_server]\nport=http\n[group:g]\nprograms=z\n"
            "[supervisord]\nlogfile=/no/such/log\n[rpcinterface:r]\n"
        )
        self.assertEqual(
            [problem.partition(" ")[0] for problem in problems],
            [
                *("supervisord.conf:3:", "supervisord.conf:7:", "supervisord.conf:9:"),
                *("supervisord.conf:11:", "supervisord.conf:12:", "y.conf:3:", "y.conf:5:"),
            ],
        )

    def test_shared_mistake(self) -> None:
        """A wrong value that several programs take from [DEFAULT] is told once."""
        programs = "[program:a]\ncommand=a\n[program:b]\ncommand=b\n"
        text = f"[DEFAULT]\nstartsecs=x\n[supervisord]\n{programs}"
        self.assertIn("supervisord.conf:2: [program:a] startsecs: ", self.only_problem(text))

    def test_one_line_each(self) -> None:
        """A problem is one line, whatever the value."""
        problem = self.only_problem("[supervisord]\nminfds=\n  1\n  2\n")
        self.assertEqual(
            problem,
            "supervisord.conf:2: [supervisord] minfds: invalid literal for int() with base 10: "
            "'\\n1\\n2'; expected a whole number",
        )

    def test_missing_after_syntax_error(self) -> None:
        """What seems to be missing is not told where a line was not understood."""
        text = "[supervisord]\n[program:x]\ncommand /bin/x\nstartsecs=soon\n"
        problems = self.problems(text)
        self.assertEqual(
            [problem.partition(": ")[0] for problem in problems],
            ["supervisord.conf:3", "supervisord.conf:4"],
        )

    def test_global_environment(self) -> None:
        """Variables of [supervisord] are known everywhere, wherever it stands in the file."""
        config = self.load(
            "[unix_http_server]\nfile=/%(ENV_A)s\n[group:g]\nprograms=%(ENV_A)s\n"
            "[program:a]\ncommand=x\n[supervisord]\nenvironment=A=a\n"
        )
        self.assertEqual(config.servers[0].file, "/a")
        self.assertEqual(config.groups[0].processes[0].environment, {"A": "a"})

    def test_many(self) -> None:
        """Five thousand programs load, and one of five thousand processes."""
        programs = "".join(f"[program:p{n}]\ncommand=/bin/p{n}\n" for n in range(5000))
        self.assertEqual(len(self.section(programs).groups), 5000)
        numbered = "process_name=%(process_num)d\ncommand=/bin/x %(process_num)d\nnumprocs=5000"
        (group,) = self.section(f"[program:x]\n{numbered}").groups
        self.assertEqual(len({process.command for process in group.processes}), 5000)


OPTIONS = sorted(
    set().union(*SINGLE.values(), *SERVERS.values(), *(o or () for o in KINDS.values()))
)
SECTIONS = [*SINGLE, *SERVERS, *(f"{kind}:{name}" for kind in KINDS for name in ("a", "b", ""))]
VALUES = [
    *(
        "",
        "1",
        "0",
        "-1",
        "true",
        "a",
        "a,b",
        "TICK",
        "AUTO",
        "NONE",
        "syslog",
        "root",
        "0:0",
        "/x",
    ),
    *("%(here)s", "%(process_num)d", "%(program_name)s", "%(ENV_A)s", "%s", "%", "%%", "%(x)s"),
    *("tcp://a:1", "unix:///a", "a:b", ":1", "022", "1MB", 'A="b"', "A='", "*", "../*", "\0"),
]
#: Not so many processes that the test takes long.
NUMBERS = ("numprocs", "numprocs_start")

lines = st.one_of(
    st.sampled_from([f"[{section}]" for section in ["DEFAULT", *SECTIONS]]),
    st.builds(
        "{}={}".format,
        st.sampled_from([option for option in OPTIONS if option not in NUMBERS]),
        st.one_of(st.sampled_from(VALUES), st.text(max_size=8)),
    ),
    st.builds("{}={}".format, st.sampled_from(NUMBERS), st.sampled_from(["0", "3", "-2", "x"])),
    st.text(max_size=12),
    st.sampled_from(VALUES).map("  {}".format),
)


class FuzzTests(LoadingCase):
    """Whatever the text, there is a configuration or there are problems with it."""

    def try_it(self, text: str | bytes) -> Config | None:
        try:
            return self.load(text, {"A": "a"})
        except ConfigError as error:
            self.assertTrue(error.problems)
            for problem in error.problems:
                self.assertNotIn("\n", str(problem))
            return None

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(lines, max_size=30))
    def test_lines(self, text: list[str]) -> None:
        """Lines that look right, in any order."""
        self.try_it("\n".join(["[supervisord]", *text, ""]).encode("utf-8", "surrogatepass"))

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.binary(max_size=200))
    def test_bytes(self, text: bytes) -> None:
        """Bytes that look like nothing."""
        self.try_it(text)

    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def test_real_files(self, data: st.DataObject) -> None:
        """Files of real projects, with some of their characters changed."""
        corpus = requirements.corpus()
        files = sorted(str(path) for path in corpus.rglob("*") if path.is_file())
        with open(data.draw(st.sampled_from(files)), encoding="utf-8") as file:
            text = file.read()
        for _ in range(data.draw(st.integers(0, 8))):
            start = data.draw(st.integers(0, len(text)))
            end = start + data.draw(st.integers(0, 10))
            text = (
                text[:start] + data.draw(st.sampled_from([*"[]=:;#%(), \n\t'\"", ""])) + text[end:]
            )
        self.try_it(text)
