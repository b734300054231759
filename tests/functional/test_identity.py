"""What a child is, under Supervisor and under us: its user, limits, signals and environment."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
from typing import Any

from tests import requirements
from tests.functional.harness import TOP, FunctionalTestCase

#: What a process can tell of itself; one line for each thing, in the order of the kernel.
STATUS = (
    "grep -E '^(Uid|Gid|Groups|Umask|Sig(Blk|Ign|Cgt)|ShdPnd|NoNewPrivs|Cap)' /proc/self/status"
)


class LikeStockTests(FunctionalTestCase):
    """The same program under both daemons, which are started in the same way."""

    def see_both(
        self, program: str, command: str, top: str = "", **options: Any
    ) -> tuple[str, str]:
        """Run a command in a shell script, to its end, under both; return what it printed."""
        self.directory.chmod(0o755)
        both = self.both(
            f"{top}\n[program:one]\ncommand=sh %(here)s/script\nstdout_logfile=%(here)s/one.log\n"
            f"redirect_stderr=true\nstartsecs=0\nautorestart=false\n{program}",
            {"script": command + "\necho the end\n"},
            **options,
        )
        seen = []
        for daemon in both:
            daemon.directory.chmod(0o755)
            (daemon.directory / "script").chmod(0o755)
            text = without_signals_of_libc(daemon.wait_for_file("one.log", "the end\n"))
            seen.append(text.replace(str(daemon.directory), "HERE"))
            self.assertEqual(daemon.stop(), 0)
        return seen[0], seen[1]

    def check_both(self, *args: str, **options: Any) -> str:
        """Check that it prints the same under both, and return that."""
        theirs, ours = self.see_both(*args, **options)
        self.assertEqual(ours, theirs)
        self.assertGreater(len(ours), len("the end\n"))
        return ours

    def test_signals_and_limits(self) -> None:
        """Signals ignored and blocked, all limits, capabilities, niceness: as under Supervisor."""
        for soft, top in ((20, ""), (20, "minfds=60\nminprocs=50")):
            self.directory = self.directory / f"{soft}{len(top)}"
            self.directory.mkdir()
            seen = self.check_both(
                "", f"{STATUS}\ncat /proc/self/limits\nnice\numask", top, preexec=own_limits
            )
            self.assertIn("SigBlk:\t0000000000000000", seen)

    def test_odd_parents(self) -> None:
        """Signals that whoever started the daemon ignores stay ignored."""

        def oddly() -> None:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            os.nice(3)
            os.umask(0o037)

        self.check_both("", f"{STATUS}\nnice\numask", preexec=oddly)

    def test_user(self) -> None:
        """``user=`` gives the uid, the gid and all groups of the user, and changes no variable."""
        requirements.root()
        name = user_with_groups()
        seen = self.check_both(f"user={name}", f"{STATUS}\nid\necho $HOME $USER $LOGNAME")
        self.assertIn(f"uid={pwd.getpwnam(name).pw_uid}({name})", seen)

    def test_environment(self) -> None:
        """All variables are the same, with a group, a server and both kinds of configured ones."""
        environ = {"A": "inherited", "LATER": "in=her=ited", "EMPTY": "", "WIDE": "grüße\n2"}
        seen = self.check_both(
            'environment=A="own",LATER="%(program_name)s %(group_name)s %(ENV_A)s"\n'
            "[group:many]\nprograms=one\n"
            "[unix_http_server]\nfile=%(here)s/s\n",
            "env -0 | sort -z | tr '\\0' ';'",
            'environment=A="global",B="%(here)s",SUPERVISOR_ENABLED="2"',
            environ=environ,
        )
        self.assertIn("SUPERVISOR_GROUP_NAME=many;", seen)
        self.assertIn("SUPERVISOR_SERVER_URL=unix://HERE/s;", seen)

    def test_foreground(self) -> None:
        """In the foreground the daemon's umask and directory do not apply; a program's do."""
        top = "umask=077\ndirectory=/"
        self.check_both("", "umask; pwd; ls -l /proc/self/fd | wc -l", top)
        self.directory = self.directory / "own"
        self.directory.mkdir()
        seen = self.check_both("umask=027\ndirectory=/usr/lib", "umask; pwd; pwd -P", top)
        self.assertIn("0027\n/usr/lib\n", seen)

    def test_session(self) -> None:
        """A child has a process group of its own in the daemon's session."""
        seen = self.check_both(
            "",
            "set -- $(cut -d' ' -f5,6 /proc/$$/stat); test $1 = $$ && echo leader\n"
            'test $2 = "$(cut -d" " -f6 /proc/$PPID/stat)" && echo same session',
        )
        self.assertIn("leader\nsame session\n", seen)

    def test_names(self) -> None:
        """numprocs_start and all expansions make the same processes."""
        names = []
        for daemon in self.both(
            """\
            [program:p]
            command=sh -c "echo %(program_name)s %(process_num)d %(group_name)s %(numprocs)s
                %(here)s $SUPERVISOR_PROCESS_NAME"
            process_name=%(group_name)s-%(program_name)s-%(process_num)03d-%(host_node_name)s
            numprocs=3
            numprocs_start=7
            stdout_logfile=%(here)s/all.log
            startsecs=0
            autorestart=false
            [group:g]
            programs=p
            """
        ):
            daemon.wait_for("exited: g-p-", 3)
            text = daemon.read("all.log").replace(str(daemon.directory), "HERE")
            names.append(sorted(text.splitlines()))
        self.assertEqual(*names)
        self.assertEqual(len(names[0]), 3)


class OursTests(FunctionalTestCase):
    """What Supervisor has no option for, or what it tells later."""

    def test_reset_signals(self) -> None:
        """With ``reset_signals=true`` a child is killed by a broken pipe, as from a shell."""
        daemon = self.daemon(
            """\
            [program:reset]
            command=grep SigIgn /proc/self/status
            stdout_logfile=%(here)s/reset.log
            reset_signals=true
            startsecs=0
            [program:kept]
            command=grep SigIgn /proc/self/status
            stdout_logfile=%(here)s/kept.log
            startsecs=0
            """
        )
        masks = [int(daemon.wait_for_file(f"{n}.log").split()[1], 16) for n in ("reset", "kept")]
        both = 1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1
        self.assertEqual([mask & both for mask in masks], [0, both])

    def test_cannot_switch(self) -> None:
        """A daemon that is not root cannot switch: the reason is in the program's stderr log."""
        requirements.root()
        self.directory.chmod(0o777)
        nobody = pwd.getpwnam("nobody")
        daemon = self.daemon(
            """\
            user=nobody
            [program:one]
            command=sleep 1000
            user=daemon
            stderr_logfile=%(here)s/one.err
            startretries=0
            """
        )
        daemon.wait_for("gave up: one")
        uid = pwd.getpwnam("daemon").pw_uid
        reason = f"couldn't setuid to {uid}: Can't drop privilege as nonroot user"
        self.assertTrue(daemon.lines(f"INFO spawnerr: {reason}"))
        self.assertEqual(
            daemon.read("one.err"),
            f"supervisor: {reason}\nsupervisor: child process was not spawned\n",
        )
        self.assertEqual((self.directory / "one.err").stat().st_uid, nobody.pw_uid)

    def test_private_installation(self) -> None:
        """The daemon's own user need not be able to read where it is installed: it still serves."""
        requirements.root()
        self.directory.chmod(0o777)
        private = self.directory / "private"
        shutil.copytree(TOP / "supervisor_tx", private / "supervisor_tx")
        private.chmod(0o700)
        daemon = self.daemon(
            """\
            user=nobody
            [unix_http_server]
            file=%(here)s/s
            [rpcinterface:supervisor]
            supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
            [program:one]
            command=sleep 1000
            """,
            environ={"PYTHONPATH": str(private)},
        )
        daemon.wait_for("RPC interface 'supervisor' initialized")
        daemon.wait_for("success: one")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.directory / "s"))
            client.sendall(b"GET /nothing HTTP/1.0\r\n\r\n")
            self.assertIn(b"404", client.recv(100))
        self.assertEqual(daemon.stop(), 0)


def without_signals_of_libc(text: str) -> str:
    """Leave out signals 32 and 33, which the C library keeps for its threads and nobody can use."""
    return re.sub(
        r"^(Sig\w+:\t)(\w{16})$",
        lambda match: f"{match[1]}{int(match[2], 16) & ~(3 << 31):016x}",
        text,
        flags=re.MULTILINE,
    )


def own_limits() -> None:
    """In the child: limits that differ from the defaults, as a container may have them."""
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 3000))
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 22, 1 << 23))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def user_with_groups() -> str:
    """Return an ordinary user, with supplementary groups if there is such a one."""
    users = [user for user in pwd.getpwall() if user.pw_uid != 0]
    return max(users, key=lambda user: len(os.getgrouplist(user.pw_name, user.pw_gid))).pw_name
