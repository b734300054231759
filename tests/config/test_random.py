"""Configurations made up at random, loaded by stock Supervisor and by us."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config import known
from supervisor_tx.errors import ConfigError
from tests import requirements
from tests.config.likestock import HERE, environment
from tests.config.our_model import model

VARIABLES = {"A": "a", "N": "3", "B": "b c"}

BOOLEANS = ("1", "true", "on", "NO", "Off")
NUMBERS = ("1", "0", "-1", "7", " 3 ", "%(ENV_N)s", "1_0")
SIZES = ("1", "0", "1KB", "2 mb", "0MB")
LOGS = (
    *("AUTO", "none", "syslog", "/tmp/a", "/tmp/%(program_name)s", "/tmp/%(process_num)02d"),
    *("%(ENV_A)s.log", "%%%%"),
)

#: What each option may be; most of it is right, so that most files are.
VALUES: dict[str, tuple[str, ...]] = {
    "command": (
        *("/bin/x", "/bin/x %(process_num)d", "%(ENV_A)s %%", "%(here)s/x", "a ; b", "a;b # c"),
        *("%(group_name)s-%(program_name)s", "", "%(host_node_name)s %(numprocs)s", "a\n  b"),
    ),
    "process_name": ("%(program_name)s_%(process_num)02d", "n%(process_num)s%(group_name)s"),
    "numprocs": ("1", "2", "3", "12", "0", "-1"),
    "autorestart": (*BOOLEANS, "unexpected", "Unexpected"),
    "exitcodes": ("0", "0,1", " 1 , 2", "", "256"),
    "stopsignal": ("TERM", "sigint", "9", "rtmin"),
    "user": ("root", "0", "nobody"),
    "environment": (
        *('A="1"', 'A=1,B="2 3"', 'X="%(ENV_A)s"', "A='a,b';C=d", "A=$x", 'P="%%%%"', "A"),
        *('A="a\\"b"', 'A=x"y"z', "B=1,\n  C=2"),
    ),
    "directory": ("/tmp", "%(here)s", "/"),
    "umask": ("022", "000", "077"),
    "serverurl": ("AUTO", "http://x", "%(ENV_A)s"),
    "socket": ("tcp://A:9", "unix:///tmp/a", "unix:///%(program_name)s", "unix://%(here)s/s"),
    "socket_owner": ("root", "root:root", "nobody"),
    "socket_mode": ("0700", "777"),
    "socket_backlog": ("5", "0"),
    "events": ("TICK", "tick_5,TICK_60", "EVENT", "PROCESS_STATE,process_log", "x"),
    # no fcgi-program: in a group Supervisor never looks at its socket, and we do
    "programs": ("a", "", "b,a", "a , b"),
    "port": ("1", "*:2", "h:3", "x"),
    "username": ("u", "%%", "%(ENV_A)s"),
    "password": ("p", "%%"),
    "file": ("/tmp/s", "~/s", "s", "%(here)s/s"),
    "chmod": ("0700", "770"),
    "chown": ("root", "root:root"),
    "logfile": ("/tmp/l", "l", "syslog"),
    "pidfile": ("/tmp/p", "p"),
    "loglevel": ("info", "WARN"),
    "childlogdir": ("/tmp", "."),
    "identifier": ("x", "%(here)s", "a b"),
    **dict.fromkeys(
        ("numprocs_start", "priority", "startsecs", "startretries", "stopwaitsecs"), NUMBERS
    ),
    **dict.fromkeys(("buffer_size", "minfds", "minprocs", "logfile_backups"), NUMBERS),
    **dict.fromkeys(("autostart", "stopasgroup", "killasgroup", "redirect_stderr"), BOOLEANS),
    **dict.fromkeys(("nodaemon", "silent", "nocleanup", "strip_ansi"), BOOLEANS),
    "logfile_maxbytes": SIZES,
}
for channel in ("stdout", "stderr"):
    VALUES |= {
        f"{channel}_logfile": LOGS,
        f"{channel}_logfile_maxbytes": (*SIZES, "%(process_num)sKB"),
        f"{channel}_logfile_backups": NUMBERS,
        f"{channel}_capture_maxbytes": SIZES,
        f"{channel}_events_enabled": BOOLEANS,
        f"{channel}_syslog": BOOLEANS,
    }

#: What a section of each kind cannot do without.
NEEDED = {
    "program": ("command",),
    "fcgi-program": ("command", "socket"),
    "eventlistener": ("command", "events"),
    "inet_http_server": ("port",),
    "unix_http_server": ("file",),
}

SECTIONS = (
    *("program:a", "program:a", "program:b", "program:b", "program: d", "fcgi-program:c"),
    *("eventlistener:l", "eventlistener:a", "group:g", "group:b", "inet_http_server"),
    *("unix_http_server", "unix_http_server:x", "supervisord"),
)

#: Ours alone, or of no use here.
LEFT_OUT = frozenset(
    {
        "allowed_hosts",
        "base_url",
        "on_protocol_error",
        "reset_signals",
        "result_handler",
        "update_mode",
    }
)


@st.composite
def sections(draw: st.DrawFn, name: str) -> str:
    """A section with all that it needs and some options more."""
    kind = name.partition(":")[0]
    possible = sorted((known.options_of(name) or frozenset()) - LEFT_OUT)
    options = [*NEEDED.get(kind, ()), *draw(st.lists(st.sampled_from(possible), max_size=4))]
    if "numprocs" in options:
        options.append("process_name")
    if "username" in options or "password" in options:
        options += ["username", "password"]
    lines = [f"[{name}]{draw(st.sampled_from(['', ' ; comment', ' junk']))}"]
    for option in options:
        written = draw(st.sampled_from([option, option.upper()]))
        delimiter = draw(st.sampled_from(["=", " = ", ": "]))
        value = draw(st.sampled_from(VALUES[option]))
        tail = draw(st.sampled_from(["", "", " ; comment", "\n  # comment", "\n"]))
        lines.append(f"{written}{delimiter}{value}{tail}")
    return "\n".join(lines) + "\n"


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str]:
    """A main file and one that it includes, empty if it includes none."""
    names = ["supervisord", *draw(st.lists(st.sampled_from(SECTIONS), max_size=5))]
    if any(name.startswith("group:") for name in names):
        names += ["program:a", "program:b"]
    text = "".join(draw(sections(name)) for name in draw(st.permutations(names)))
    if draw(st.booleans()):
        return text, ""
    included = draw(sections(draw(st.sampled_from(SECTIONS))))
    return f"{text}[include]\nfiles = inc*.conf none*\n", included


class RandomTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.stock = subprocess.Popen(
            [requirements.stock("python"), str(HERE / "stock_model.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(VARIABLES),
        )
        assert self.stock.stdin is not None
        assert self.stock.stdout is not None
        self.addCleanup(self.stock.wait)
        self.addCleanup(self.stock.stdout.close)
        self.addCleanup(self.stock.stdin.close)
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        # both are to see one home and one working directory
        home = os.environ.get("HOME", "")
        os.environ["HOME"] = environment({})["HOME"]
        self.addCleanup(os.environ.__setitem__, "HOME", home)

    def ask(self, path: str) -> object:
        assert self.stock.stdin is not None
        assert self.stock.stdout is not None
        self.stock.stdin.write(f"{path}\n")
        self.stock.stdin.flush()
        return json.loads(self.stock.stdout.readline())

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(files())
    def test_same(self, texts: tuple[str, str]) -> None:
        """Whatever Supervisor loads we load to the same names, groups and options."""
        for name, text in zip(("supervisord.conf", "inc.conf"), texts, strict=True):
            (self.directory / name).write_text(text, encoding="utf-8")
        path = str(self.directory / "supervisord.conf")
        expected = self.ask(path)
        event("refused" if expected is None else "loaded")
        try:
            ours = json.loads(json.dumps(model(path, environment(VARIABLES))))
        except ConfigError as error:
            if expected is not None:
                self.fail(f"{error}\n{texts}")
            return
        if expected is not None:
            self.assertEqual(ours, expected, texts)
