from __future__ import annotations

from supervisor_tx.config.model import PoolConfig
from tests.config.loading import LoadingCase

ABC = "".join(f"[program:{name}]\ncommand=/bin/{name} %(group_name)s\n" for name in "abc")


class GroupTests(LoadingCase):
    def groups(self, text: str) -> dict[str, list[str]]:
        return {
            group.name: [process.command for process in group.processes]
            for group in self.section(ABC + text).groups
        }

    def test_alone(self) -> None:
        """A program in no group is a group."""
        self.assertEqual(self.groups(""), {"a": ["/bin/a a"], "b": ["/bin/b b"], "c": ["/bin/c c"]})

    def test_members(self) -> None:
        """A group has its programs in its own order, and a program may be in several."""
        self.assertEqual(
            self.groups("[group:g]\nprograms = c,a\n[group:h]\nprograms=c\n[group:i]\n"),
            {"b": ["/bin/b b"], "g": ["/bin/c g", "/bin/a g"], "h": ["/bin/c h"], "i": []},
        )

    def test_order(self) -> None:
        """Groups are sorted by priority and then name, whatever they are."""
        groups = self.groups(
            "priority=5\n[group:g]\nprograms=a\npriority=1\n"
            "[eventlistener:l]\ncommand=l\nevents=TICK\n[fcgi-program:f]\ncommand=f\n"
            "socket=tcp://a:1\npriority=1\n"
        )
        self.assertEqual(list(groups), ["l", "f", "g", "c", "b"])

    def test_errors(self) -> None:
        """A group that names what is not there, or there twice, says so."""
        for text, words in (
            ("[group:g]\nprograms=a,x\n", "[group:g] names unknown program or fcgi-program x"),
            ("[group:g]\nprograms=a,\n", "[group:g] names unknown program or fcgi-program;"),
            (
                "[fcgi-program:a]\ncommand=a\nsocket=tcp://a:1\n[group:g]\nprograms=a\n",
                "[group:g] name a is ambiguous (exists as program and fcgi-program)",
            ),
            ("[group:g h]\n", "Invalid name: 'g h' because of character: ' '"),
            ("[program:a:b]\ncommand=x\n", "Invalid name: 'a:b' because of character: ':'"),
            ("[group:g]\npriority=high\n", "invalid literal for int() with base 10: 'high'"),
        ):
            self.assertIn(words, self.only_problem(f"[supervisord]\n{ABC}{text}"))

    def test_same_names(self) -> None:
        """Names need not be unique: which one counts is decided when they run."""
        text = f"[supervisord]\n{ABC}[group:a]\npriority=1\n"
        self.assertEqual([group.name for group in self.load(text).groups], ["a", "a", "b", "c"])


class PoolTests(LoadingCase):
    def pool(self, options: str) -> PoolConfig:
        (group,) = self.section(f"[eventlistener:l]\ncommand=l\n{options}").groups
        assert isinstance(group, PoolConfig)
        return group

    def problem(self, options: str) -> str:
        text = f"[supervisord]\n[eventlistener:l]\ncommand=l\n{options}\n"
        return self.only_problem(text).partition("[eventlistener:l] ")[2]

    def test_defaults(self) -> None:
        """A pool comes before everything, its processes do not."""
        pool = self.pool("events=TICK")
        self.assertEqual((pool.priority, pool.processes[0].priority), (-1, 999))
        self.assertEqual((pool.buffer_size, pool.result_handler), (None, None))
        self.assertEqual(pool.processes[0].kind, "eventlistener")

    def test_options(self) -> None:
        """Names of events come in any case, with blanks, and once each."""
        pool = self.pool(
            "events = tick_5, Process_State ,TICK_5\nbuffer_size=3\npriority=7\n"
            "result_handler=a.b:c\non_protocol_error=Restart\n"
        )
        self.assertEqual(pool.events, ("TICK_5", "PROCESS_STATE"))
        self.assertEqual((pool.buffer_size, pool.result_handler), (3, "a.b:c"))
        self.assertEqual(pool.on_protocol_error, "restart")
        self.assertEqual((pool.priority, pool.processes[0].priority), (7, 7))

    def test_errors(self) -> None:
        """Each option of a pool is checked."""
        for options, words in (
            ("", '[eventlistener:l] section requires an "events" line'),
            ("events=", '[eventlistener:l] section requires an "events" line'),
            ("events=TICK,HUH", "Unknown event type HUH in [eventlistener:l] events"),
            ("events=TICK,", "Unknown event type  in [eventlistener:l] events"),
            ("events=%(x)s", "events: Format string '%(x)s'"),
            (
                "events=TICK\nbuffer_size=0",
                "[eventlistener:l] section sets invalid buffer_size (0)",
            ),
            ("events=TICK\nbuffer_size=x", "invalid literal"),
            ("events=TICK\nresult_handler=x", "x cannot be resolved"),
            ("events=TICK\non_protocol_error=x", "on_protocol_error: invalid 'on_protocol_error'"),
            ("events=TICK\nredirect_stderr=true", "section sets redirect_stderr=true but this is"),
        ):
            self.assertIn(words, self.problem(options), options)

    def test_events_of_plugins(self) -> None:
        """An event type that a plug-in may bring is not refused."""
        config = self.section(
            "[rpcinterface:x]\nsupervisor.rpcinterface_factory=x:y\n"
            "[eventlistener:l]\ncommand=l\nevents=X_EVENT"
        )
        (warning,) = self.warnings(config)
        self.assertIn("Unknown event type X_EVENT in [eventlistener:l] events", warning)


class SharedLogTests(LoadingCase):
    def shared(self, text: str) -> list[str]:
        warnings = self.warnings(self.section(text.replace("HERE", str(self.directory))))
        return [warning.replace(str(self.directory), "HERE") for warning in warnings]

    def test_shared(self) -> None:
        """A rotated file with two writers gets one warning, which names them."""
        (warning,) = self.shared(
            "[program:a]\ncommand=a\nstdout_logfile=HERE/log\nstderr_logfile=HERE/./log\n"
            "[program:b]\ncommand=b\nstdout_logfile=HERE/log\nstdout_logfile_maxbytes=0\n"
            "[group:g]\nprograms=b"
        )
        self.assertEqual(
            warning,
            "The log file HERE/log is shared by a (stdout), a (stderr), g:b (stdout), and "
            "rotated: output will be lost. Give each its own file, or set "
            "*_logfile_maxbytes=0 for all of them",
        )

    def test_many(self) -> None:
        """Of many writers only some are named."""
        (warning,) = self.shared(
            "[program:a]\ncommand=a\nnumprocs=9\nprocess_name=%(process_num)d\n"
            "stdout_logfile=HERE/log"
        )
        self.assertIn("a:0 (stdout), a:1 (stdout), a:2 (stdout) and 6 more, and", warning)

    def test_harmless(self) -> None:
        """No warning where nothing is rotated, nothing is shared, or the file is no file."""
        for options in (
            "stdout_logfile=HERE/a\nstderr_logfile=HERE/b",
            (
                "stdout_logfile=HERE/a\nstderr_logfile=HERE/a\nstdout_logfile_maxbytes=0\n"
                "stderr_logfile_maxbytes=0"
            ),
            "stdout_logfile=/dev/null\nstderr_logfile=/dev/null",
            "stdout_logfile=NONE\nstderr_logfile=NONE",
            "",
        ):
            self.assertEqual(self.shared(f"[program:a]\ncommand=a\n{options}"), [])
