from __future__ import annotations

import os
import pwd

from supervisor_tx.config.model import AUTO, ProcessConfig
from tests.config.loading import LoadingCase


class ProgramTests(LoadingCase):
    def processes(self, text: str) -> tuple[ProcessConfig, ...]:
        (group,) = self.section(text).groups
        return group.processes

    def problem(self, options: str) -> str:
        """Return the one problem of ``[program:x]``, without its place."""
        text = f"[supervisord]\n[program:x]\ncommand=/bin/x\n{options}\n"
        place, _, problem = self.only_problem(text).partition("[program:x] ")
        self.assertTrue(place.startswith("supervisord.conf:"), place)
        return problem

    def test_defaults(self) -> None:
        """A command is enough; all else is as the model has it."""
        self.assertEqual(self.process(""), ProcessConfig("x", "/bin/x", program="x"))

    def test_common_errors(self) -> None:
        """Each option that all instances share is checked."""
        for option, value in (
            *(("numprocs", "x"), ("numprocs_start", "x"), ("priority", "x"), ("autostart", "x")),
            *(("startsecs", "soon"), ("startretries", "x"), ("exitcodes", "256")),
            *(("stopsignal", "HUH"), ("stopwaitsecs", "x"), ("stopasgroup", "x")),
            *(("killasgroup", "x"), ("user", "no-such"), ("redirect_stderr", "x")),
            *(("umask", "9"), ("reset_signals", "maybe"), ("autorestart", "x")),
            *(("stdout_logfile", "/no/such"), ("stderr_logfile", "/no/such/x")),
            *(("stdout_logfile_maxbytes", "1k"), ("stderr_logfile_backups", "x")),
            *(("stdout_capture_maxbytes", "x"), ("stderr_events_enabled", "x")),
            *(("stdout_syslog", "x"), ("environment", "A"), ("command", "%(x)s")),
            *(("directory", "%(x"), ("serverurl", "%(x)s"), ("process_name", "a b")),
        ):
            problem = self.problem(f"{option}={value}")
            self.assertTrue(problem.startswith(f"{option}: "), problem)

    def test_every_error_once(self) -> None:
        """Of many instances only the first says what is wrong with all of them."""
        problems = self.problems(
            "[supervisord]\n[program:x]\nnumprocs=1000\nprocess_name=%(process_num)d\n"
            "command=%(x)s\nstdout_logfile=/no/such\nstartsecs=soon\n"
        )
        self.assertEqual(len(problems), 3)
        self.assertEqual(
            problems[2],
            "supervisord.conf:7: [program:x] startsecs: invalid literal for int() with base 10: "
            "'soon'; expected a whole number",
        )

    def test_command(self) -> None:
        """A program has a command, be it an empty one; a program of no processes needs none."""
        problem = self.only_problem("[supervisord]\n[program:x]\n")
        self.assertIn("program section program:x does not specify a command", problem)
        self.assertEqual(self.processes("[program:x]\ncommand=")[0].command, "")
        self.assertEqual(self.processes("[program:x]\nnumprocs=0"), ())

    def test_numprocs(self) -> None:
        """Instances are numbered from numprocs_start, and sorted by name."""
        processes = self.processes(
            "[program:x]\ncommand=%(process_num)d of %(numprocs)s\nnumprocs=3\nnumprocs_start=9\n"
            "process_name=%(program_name)s%(process_num)d"
        )
        self.assertEqual([p.name for p in processes], ["x10", "x11", "x9"])
        self.assertEqual(processes[2].command, "9 of 3")

    def test_process_name(self) -> None:
        """Several instances need several names."""
        text = "%(process_num) must be present within process_name when numprocs > 1"
        self.assertEqual(self.problem("numprocs=2"), f"numprocs: {text}")
        self.assertEqual(self.problem("numprocs=2\nprocess_name=y"), f"process_name: {text}")

    def test_too_many(self) -> None:
        """A number of processes that nobody means is refused at once."""
        self.assertIn("numprocs is above 100000", self.problem("numprocs=100001"))

    def test_killasgroup(self) -> None:
        """Who stops the group also kills the group."""
        self.assertTrue(self.process("stopasgroup=true").killasgroup)
        self.assertFalse(self.process("killasgroup=true").stopasgroup)
        text = "Cannot set stopasgroup=true and killasgroup=false"
        self.assertIn(text, self.problem("stopasgroup=true\nkillasgroup=false"))

    def test_environment(self) -> None:
        """A program's variables win over the global ones, in its options too, not in themselves."""
        config = self.load(
            "[program:x]\ncommand=%(ENV_A)s %(ENV_G)s\nuser=%(ENV_U)s\n"
            'environment=A="own",B="%(ENV_A)s",N="%(process_num)s"\n'
            "[supervisord]\nenvironment=A=global,G=g\n",
            {"A": "outer", "U": "root"},
        )
        (process,) = config.groups[0].processes
        self.assertEqual(process.command, "own g")
        self.assertEqual(process.environment, {"A": "own", "G": "g", "B": "global", "N": "0"})
        self.assertEqual(process.uid, 0)

    def test_instances_do_not_mix(self) -> None:
        """What one instance sets the next one does not inherit."""
        processes = self.processes(
            "[program:x]\nnumprocs=2\nprocess_name=%(process_num)s\ncommand=%(ENV_A)s\n"
            "environment=A%(process_num)s=x,A=a%(process_num)s"
        )
        self.assertEqual([p.command for p in processes], ["a0", "a1"])
        self.assertEqual(processes[1].environment, {"A1": "x", "A": "a1"})

    def test_logs(self) -> None:
        """Words and files, expanded twice."""
        process = self.process("stdout_logfile=NONE\nstderr_logfile=%(program_name)s%%%%.log")
        self.assertIsNone(process.stdout.logfile)
        self.assertEqual(process.stderr.logfile, "x%.log")
        self.assertIs(self.process("stdout_logfile=auto").stdout.logfile, AUTO)
        syslog = self.process("stdout_logfile=syslog").stdout
        self.assertEqual((syslog.logfile, syslog.syslog), (None, True))

    def test_log_warnings(self) -> None:
        """Each instance warns of what is odd about its logs."""
        config = self.section(
            "[program:x]\ncommand=x\nnumprocs=2\nprocess_name=%(process_num)s\n"
            "stdout_logfile=syslog\nstderr_logfile=%(process_num)s.log\nredirect_stderr=true\n"
            "[program:y]\ncommand=y\nstdout_logfile_maxbytes=0"
        )
        deprecated = (
            "For [program:x], stdout_logfile=syslog but this is deprecated and will be removed.  "
            "Use stdout_syslog=true to enable syslog instead."
        )
        ignored = (
            "For [program:x], redirect_stderr=true but stderr_logfile has also been set to a "
            "filename, the filename has been ignored"
        )
        unlimited = (
            "For [program:y], AUTO logging used for stdout_logfile without rollover, set "
            "maxbytes > 0 to avoid filling up filesystem unintentionally"
        )
        self.assertEqual(self.warnings(config), [deprecated, ignored] * 2 + [unlimited])
        self.assertIsNone(config.groups[0].processes[0].stderr.logfile)

    def test_serverurl(self) -> None:
        """AUTO is the same as nothing."""
        self.assertIsNone(self.process("serverurl=Auto").serverurl)
        self.assertEqual(self.process("serverurl=http://x").serverurl, "http://x")

    def test_reset_signals(self) -> None:
        """Our own option is off unless asked for."""
        self.assertTrue(self.process("reset_signals=yes").reset_signals)

    def test_whole_mapping(self) -> None:
        """A percent sign that inserts everything is Supervisor's way, and gets a warning."""
        config = self.section("[program:x]\ncommand=date +%s")
        self.assertIn("'here': ", config.groups[0].processes[0].command)
        (warning,) = self.warnings(config)
        self.assertIn("supervisord.conf:3: [program:x] command: a single %", warning)


class FcgiTests(LoadingCase):
    def program(self, options: str) -> ProcessConfig:
        (group,) = self.section(f"[fcgi-program:x]\ncommand=x\n{options}").groups
        return group.processes[0]

    def problem(self, options: str) -> str:
        text = f"[supervisord]\n[fcgi-program:x]\ncommand=x\n{options}\n"
        return self.only_problem(text).partition("[fcgi-program:x] ")[2]

    def test_tcp(self) -> None:
        """A tcp socket has an address."""
        socket = self.program("socket=tcp://LOCALHOST:09000\nsocket_backlog=5").socket
        assert socket is not None
        self.assertEqual(socket.url, "tcp://localhost:9000")
        self.assertEqual((socket.address, socket.path), (("localhost", 9000), None))
        self.assertEqual((socket.backlog, socket.mode, socket.owner), (5, None, None))

    def test_unix(self) -> None:
        """A unix socket has a path, a mode, and its program's user for owner."""
        socket = self.program("socket=unix:///a/../%(program_name)s").socket
        assert socket is not None
        self.assertEqual((socket.url, socket.path), ("unix:///x", "/x"))
        self.assertEqual((socket.mode, socket.owner, socket.backlog), (0o700, None, None))
        owned = self.program("socket=unix:///x\nuser=root").socket
        assert owned is not None
        self.assertEqual(owned.owner, (0, pwd.getpwuid(0).pw_gid))
        said = self.program("socket=unix:///x\nuser=root\nsocket_owner=root\nsocket_mode=0777")
        assert said.socket is not None
        self.assertEqual((said.socket.owner, said.socket.mode), ((0, -1), 0o777))

    def test_own_user(self) -> None:
        """A program that runs as who we are leaves the owner alone."""
        self.uid = os.getuid()
        socket = self.program(f"socket=unix:///x\nuser={self.uid}").socket
        assert socket is not None
        self.assertIsNone(socket.owner)

    def test_errors(self) -> None:
        """Each option of the socket is checked."""
        for options, words in (
            ("", '[fcgi-program:x] section requires a "socket" line'),
            ("socket=", '[fcgi-program:x] section requires a "socket" line'),
            ("socket=localhost:1", "Bad socket format localhost:1"),
            ("socket=unix://x", "Unix socket path x is not an absolute path"),
            ("socket=unix:///x\nsocket_mode=9", "Invalid socket_mode value 9"),
            ("socket=unix:///x\nsocket_owner=no such", "Invalid socket_owner value no such"),
            ("socket=unix:///x\nsocket_backlog=0", "Invalid socket_backlog value 0"),
            ("socket=tcp://x:1\nsocket_mode=0700", "socket_owner and socket_mode params should"),
            ("socket=unix:///%(group_name)s", "contains names ('group_name')"),
        ):
            self.assertIn(words, self.problem(options), options)

    def test_in_group(self) -> None:
        """In a group of several programs the socket stays."""
        config = self.section(
            "[fcgi-program:x]\ncommand=x\nsocket=tcp://a:1\n[program:y]\ncommand=y\n"
            "[group:g]\nprograms=x,y"
        )
        (group,) = config.groups
        self.assertEqual([process.socket is None for process in group.processes], [False, True])

    def test_in_group_without_socket(self) -> None:
        """In a group, where Supervisor never looks at the socket, there need not be one."""
        config = self.section("[fcgi-program:x]\ncommand=x\n[group:g]\nprograms=x")
        self.assertIsNone(config.groups[0].processes[0].socket)
        self.assertEqual(
            self.warnings(config), ["[fcgi-program:x] has no socket and runs as a plain program"]
        )
