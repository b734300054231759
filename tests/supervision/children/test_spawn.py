"""From an order to a running program, and every way in which that fails."""

from __future__ import annotations

import errno
import os
import pwd
import resource
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.errors import CommandNotFound, SpawnFailed
from supervisor_tx.supervision.children.descriptors import OpenFileLimit
from supervisor_tx.supervision.children.spawn import launch
from supervisor_tx.supervision.interfaces import SpawnOrder
from tests import requirements
from tests.children import command


@dataclass
class Ran:
    """A child that has ended."""

    code: int
    out: bytes
    err: bytes

    @property
    def status(self) -> dict[str, str]:
        """What it saw in its /proc/self/status."""
        lines = self.out.decode("ascii").splitlines()
        return {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}


def run(order: SpawnOrder, limit: OpenFileLimit | None = None) -> Ran:
    """Launch a program, read all that it writes, and wait for its end."""
    launched = launch(order, limit or OpenFileLimit(), pidfds=False)
    said = {}
    for child_fd, fd in launched.descriptors.items():
        with open(fd, "wb" if child_fd == 0 else "rb", buffering=0) as end:
            if child_fd != 0:
                os.set_blocking(fd, True)
                said[child_fd] = b"".join(iter(lambda end=end: end.read(65536), b""))  # type: ignore[misc]
    code = os.waitstatus_to_exitcode(os.waitpid(launched.pid, 0)[1])
    return Ran(code, said[1], said.get(2, b""))


STATUS = ("cat", "/proc/self/status")


class ProgramTests(SynchronousTestCase):
    """How a program finds itself."""

    def setUp(self) -> None:
        requirements.require(os.path.exists("/proc/self/status"), "needs /proc")

    def test_descriptors(self) -> None:
        """It has the descriptors 0, 1 and 2, whatever we have open, and three different ones."""
        leak = os.open("/dev/null", os.O_RDONLY)
        self.addCleanup(os.close, leak)
        os.set_inheritable(leak, True)
        ran = run(command("sh", "-c", "ls -l /proc/$$/fd; :"))
        fds = {
            words[-3]: words[-1] for words in (line.split() for line in ran.out.splitlines()[1:])
        }
        self.assertEqual(sorted(fds), [b"0", b"1", b"2"])
        self.assertEqual(len(set(fds.values())), 3)

    def test_redirect(self) -> None:
        """With stderr redirected, 1 and 2 are one pipe."""
        ran = run(command("sh", "-c", "echo a; echo b >&2", redirect_stderr=True))
        self.assertEqual((ran.out, ran.err), (b"a\nb\n", b""))

    def test_process_group(self) -> None:
        """It leads a process group of its own, in our session."""
        ran = run(command("sh", "-c", "echo $$; cat /proc/$$/stat"))
        pid, stat = ran.out.splitlines()
        group, session = stat.rpartition(b")")[2].split()[2:4]
        self.assertEqual((group, int(session)), (pid, os.getsid(0)))

    def test_argv(self) -> None:
        """Its argv[0] is the word as written."""
        ran = run(command("sh", "-c", "cat /proc/$$/cmdline; :", "a b", ""))
        words = ran.out.split(b"\0")
        self.assertEqual((words[0], words[3:]), (b"sh", [b"a b", b"", b""]))

    def test_environment(self) -> None:
        """Its environment is that of the order and nothing else."""
        ran = run(command("/usr/bin/env", environment={"A": "1", "B": "\udcff x"}))
        self.assertEqual(sorted(ran.out.splitlines()), [b"A=1", b"B=\xff x"])

    def test_path(self) -> None:
        """It is looked for in the PATH of its own environment."""
        folder = os.path.abspath(self.mktemp())
        os.mkdir(folder)
        Path(folder, "hello").write_text("#!/bin/sh\necho $0\n")
        Path(folder, "hello").chmod(0o755)
        ran = run(command("hello", environment={"PATH": folder}))
        self.assertEqual(ran.out, f"{folder}/hello\n".encode())

    def test_directory(self) -> None:
        """It runs in its directory."""
        folder = os.path.realpath(self.mktemp())
        os.mkdir(folder)
        self.assertEqual(run(command("pwd", directory=folder)).out, f"{folder}\n".encode())

    def test_umask(self) -> None:
        """It has the umask of the order, else ours."""
        old = os.umask(0o027)
        self.addCleanup(os.umask, old)
        self.assertEqual(run(command(*STATUS)).status["Umask"], "0027")
        self.assertEqual(run(command(*STATUS, umask=0o077)).status["Umask"], "0077")
        self.assertEqual(run(command(*STATUS, umask=0)).status["Umask"], "0000")

    def test_signals(self) -> None:
        """As under Supervisor, no signal is blocked, and SIGPIPE and SIGXFSZ are ignored."""
        previous = signal.signal(signal.SIGUSR1, lambda *_: None)
        self.addCleanup(signal.signal, signal.SIGUSR1, previous)
        status = run(command(*STATUS)).status
        self.assertEqual(int(status["SigBlk"], 16), 0)
        ignored = int(status["SigIgn"], 16)
        self.assertEqual(ignored, _mask(signal.SIGPIPE, signal.SIGXFSZ) | (ignored & _inherited()))
        self.assertEqual(int(status["SigCgt"], 16), 0)

    def test_reset_signals(self) -> None:
        """With reset_signals it has the default dispositions."""
        status = run(command(*STATUS, reset_signals=True)).status
        self.assertFalse(int(status["SigIgn"], 16) & _mask(signal.SIGPIPE, signal.SIGXFSZ))

    def test_stdin(self) -> None:
        """The listening socket of a FastCGI program is its descriptor 0, and stays ours."""
        listening = socket.socket()
        self.addCleanup(listening.close)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        script = (
            "import socket; s = socket.socket(fileno=0); print(s.getsockname()[1]); "
            "s.detach(); print(s.type == socket.SOCK_STREAM)"
        )
        order = command(sys.executable, "-c", script, stdin=listening.fileno())
        launched = launch(order, OpenFileLimit(), pidfds=False)
        self.assertEqual(sorted(launched.descriptors), [1, 2])
        os.waitpid(launched.pid, 0)
        said = os.read(launched.descriptors[1], 100).split()
        launched.abandon()
        self.assertEqual(said[0], str(listening.getsockname()[1]).encode())

    def test_our_ends(self) -> None:
        """Our ends do not block, and no program inherits them; what goes wrong leaves none."""
        before = sorted(os.listdir("/proc/self/fd"))
        launched = launch(command("cat"), OpenFileLimit(), pidfds=False)
        for fd in launched.descriptors.values():
            self.assertFalse(os.get_blocking(fd))
            self.assertFalse(os.get_inheritable(fd))
        launched.abandon()
        os.waitpid(launched.pid, 0)
        self.assertRaises(SpawnFailed, launch, command("cat", directory="/no"), OpenFileLimit())
        self.assertEqual(sorted(os.listdir("/proc/self/fd")), before)


class UserTests(SynchronousTestCase):
    """A program that runs as somebody else."""

    def setUp(self) -> None:
        requirements.root()

    def user(self) -> pwd.struct_passwd:
        """Return a user with as many groups as there are."""
        users = [user for user in pwd.getpwall() if user.pw_uid not in (0, os.getuid())]
        return max(users, key=lambda user: len(os.getgrouplist(user.pw_name, user.pw_gid)))

    def test_switch(self) -> None:
        """It has the user, his primary group, and all his supplementary groups."""
        user = self.user()
        status = run(command(*STATUS, uid=user.pw_uid)).status
        self.assertEqual(status["Uid"].split(), [str(user.pw_uid)] * 4)
        self.assertEqual(status["Gid"].split(), [str(user.pw_gid)] * 4)
        groups = os.getgrouplist(user.pw_name, user.pw_gid)
        self.assertEqual(sorted(map(int, status["Groups"].split())), sorted(set(groups)))

    def test_ourselves(self) -> None:
        """To be who we are is no switch: our groups stay."""
        status = run(command(*STATUS, uid=os.getuid())).status
        self.assertEqual(sorted(map(int, status["Groups"].split())), sorted(os.getgroups()))

    def test_own_output_by_name(self) -> None:
        """It can open its outputs by name, as programs do that log to /dev/stdout."""
        user = self.user()
        ran = run(command("sh", "-c", "echo a >/dev/stdout; echo b >/dev/stderr", uid=user.pw_uid))
        self.assertEqual((ran.out, ran.err), (b"a\n", b"b\n"))

    def test_unknown(self) -> None:
        """A user that does not exist is said as Supervisor says it."""
        known = {user.pw_uid for user in pwd.getpwall()}
        uid = next(uid for uid in range(54321, 99999) if uid not in known)
        text = f"couldn't setuid to {uid}: Can't find uid {uid}"
        error = self.assertRaises(SpawnFailed, run, command("cat", uid=uid))
        self.assertEqual((error.spawnerr, error.complaint), (text, text))

    def test_too_large(self) -> None:
        """A number that can be no user is not found either."""
        error = self.assertRaises(SpawnFailed, run, command("cat", uid=1 << 40))
        self.assertIn(f"Can't find uid {1 << 40}", error.spawnerr)

    def test_nobody_may_not(self) -> None:
        """Whoever is not root cannot switch."""
        text = "couldn't setuid to 0: Can't drop privilege as nonroot user"
        self.assertEqual(as_nobody("command('cat', uid=0)"), [text, text])

    def test_directory_closed_to_root(self) -> None:
        """
        A directory that only the user can enter is entered as the user.

        Root without its capabilities stands for root on a network file system.
        """
        setpriv = requirements.program("setpriv")
        user = self.user()
        folder = tempfile.mkdtemp()
        self.addCleanup(os.rmdir, folder)
        os.chown(folder, user.pw_uid, user.pw_gid)
        script = SCRIPT.format(order=f"command('pwd', uid={user.pw_uid}, directory={folder!r})")
        done = subprocess.run(
            [
                setpriv,
                "--bounding-set=-dac_override,-dac_read_search",
                sys.executable,
                "-c",
                script,
            ],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.assertEqual(done.stdout.splitlines(), [folder])


#: Launches something in an interpreter of its own; prints its output, or why not.
SCRIPT = """
from supervisor_tx.errors import SpawnFailed
from tests.children import command
from tests.supervision.children.test_spawn import run
try:
    print(run({order}).out.decode(), end="")
except SpawnFailed as error:
    print(error.spawnerr)
    print(error.complaint)
"""


def as_nobody(order: str, prepare: str = "") -> list[str]:
    """Launch something as nobody; return the lines of SCRIPT."""
    privileges = (
        "import os, sys\nimport supervisor_tx.supervision.children.spawn\n"
        "import tests.supervision.children.test_spawn\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", privileges + prepare + SCRIPT.format(order=order)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    return done.stdout.splitlines()


class FailureTests(SynchronousTestCase):
    """Every failure is said in words, and in the words that a forked child would have used."""

    def setUp(self) -> None:
        self.folder = Path(os.path.abspath(self.mktemp()))
        self.folder.mkdir()

    def script(self, text: str | bytes) -> str:
        path = self.folder / "run"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o755)
        return str(path)

    def assertFails(self, order: SpawnOrder, spawnerr: str, complaint: str | None) -> None:
        error = self.assertRaises(SpawnFailed, launch, order, OpenFileLimit())
        self.assertEqual((error.spawnerr, error.complaint), (spawnerr, complaint))

    def test_not_found(self) -> None:
        """What is wrong with the command is found before anything is made."""
        self.assertRaises(CommandNotFound, launch, command("/no/such"), OpenFileLimit())

    def test_no_program(self) -> None:
        """A file that is no program and no script."""
        file = self.script("echo hello\n")
        self.assertFails(
            command(file, "x"),
            f"couldn't exec {file}: ENOEXEC (Exec format error: neither a program for this "
            "machine, nor a script that starts with #!)",
            f"couldn't exec {file}: ENOEXEC",
        )

    def test_bad_interpreter(self) -> None:
        """A script whose interpreter does not exist is told by the interpreter."""
        file = self.script("#!/no/such/python -u\n")
        self.assertFails(
            command(file),
            f"couldn't exec {file}: ENOENT (its first line asks for the interpreter "
            "'/no/such/python', which does not exist)",
            f"couldn't exec {file}: ENOENT",
        )

    def test_script_from_windows(self) -> None:
        """A line that ends as on Windows is seen."""
        file = self.script("#!/bin/sh\r\necho hello\r\n")
        error = self.assertRaises(SpawnFailed, launch, command(file), OpenFileLimit())
        self.assertIn(r"the interpreter '/bin/sh\r'", error.spawnerr)

    def test_fifo(self) -> None:
        """A FIFO cannot be executed, and nobody waits for what it would say."""
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        fifo.chmod(0o755)
        self.assertFails(
            command(str(fifo)),
            f"couldn't exec {fifo}: EACCES (Permission denied)",
            f"couldn't exec {fifo}: EACCES",
        )

    def test_complaint_names_the_word(self) -> None:
        """The complaint has the word as written, the error the file."""
        self.script("nothing\n")
        order = command("run", environment={"PATH": str(self.folder)})
        error = self.assertRaises(SpawnFailed, launch, order, OpenFileLimit())
        self.assertTrue(error.spawnerr.startswith(f"couldn't exec {self.folder}/run: ENOEXEC"))
        self.assertEqual(error.complaint, "couldn't exec run: ENOEXEC")

    def test_relative(self) -> None:
        """A relative file is checked here and executed there: it says where."""
        self.addCleanup(os.chdir, os.getcwd())
        self.script("#!/bin/sh\n")
        os.chdir(self.folder.parent)
        word = f"{self.folder.name}/run"
        self.assertFails(
            command(word, directory="/"),
            f"couldn't exec {word} in /: ENOENT (No such file or directory)",
            f"couldn't exec {word}: ENOENT",
        )

    def test_directory(self) -> None:
        """A directory that cannot be entered."""
        self.assertFails(
            command("cat", directory="/no/such/dir"),
            "couldn't chdir to /no/such/dir: ENOENT (No such file or directory)",
            "couldn't chdir to /no/such/dir: ENOENT",
        )
        file = self.script("")
        self.assertFails(
            command("cat", directory=file),
            f"couldn't chdir to {file}: ENOTDIR (Not a directory)",
            f"couldn't chdir to {file}: ENOTDIR",
        )

    def test_too_long(self) -> None:
        """Arguments that are too long for the kernel."""
        file = self.script("#!/bin/sh\n")
        self.assertFails(
            command(file, environment={"A": "x" * 3_000_000}),
            f"couldn't exec {file}: E2BIG (Argument list too long: its arguments and environment "
            "are too large together)",
            f"couldn't exec {file}: E2BIG",
        )

    def test_impossible_text(self) -> None:
        """What no program can be given: NUL, half a character, a name with an equals sign."""
        file = self.script("#!/bin/sh\n")
        orders: list[Any] = [
            command(file, "a\0b"),
            command(file, "\ud800"),
            command(file, environment={"A": "a\0b"}),
            command(file, environment={"A": "\ud800"}),
            command(file, environment={"A=B": "c"}),
            command(file, directory="/a\0b"),
            command(file, directory="/\ud800"),
        ]
        for order in orders:
            error = self.assertRaises(SpawnFailed, launch, order, OpenFileLimit())
            self.assertTrue(error.spawnerr.startswith(f"couldn't exec {file}: "), error.spawnerr)
            self.assertEqual(error.complaint, error.spawnerr)

    def test_no_descriptors(self) -> None:
        """With no descriptor left it says so, at whatever point they ended, and closes its own."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        taken = [os.open("/dev/null", os.O_RDONLY)]
        failures = 0
        for spare in range(10):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
            try:
                while True:
                    taken.append(os.dup(taken[0]))
            except OSError as error:
                self.assertEqual(error.errno, errno.EMFILE)
            for _ in range(spare):
                os.close(taken.pop())
            try:
                launched = launch(command("/bin/cat"), OpenFileLimit())
            except SpawnFailed as error:
                failures += 1
                self.assertEqual(error.spawnerr, "too many open files to spawn 'program'")
                self.assertIsNone(error.complaint)
            else:
                launched.abandon()
                os.waitpid(launched.pid, 0)
            # All that it took is free again.
            again = [os.dup(taken[0]) for _ in range(spare)]
            taken += again
        for fd in taken:
            os.close(fd)
        self.assertTrue(6 <= failures <= 9, failures)

    def test_no_processes(self) -> None:
        """With no process left it says so."""
        requirements.root()
        said = as_nobody(
            "command('/bin/cat')",
            "import resource; resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))\n",
        )
        self.assertEqual(said, ["Too many processes in process table to spawn 'program'", "None"])


class LimitTests(SynchronousTestCase):
    """The limit of open files that a program gets."""

    def setUp(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        requirements.require(hard >= 600 or hard < 0, "needs a hard limit of 600 open files")
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (600, hard))
        self.hard = hard

    def test_given(self) -> None:
        """It is the one that was set for children, and ours is what it was."""
        limit = OpenFileLimit()
        limit.set_child_limit(77)
        self.assertEqual(run(command("sh", "-c", "ulimit -Sn"), limit).out, b"77\n")
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE), (600, self.hard))

    def test_ours(self) -> None:
        """Where none was set it is ours."""
        self.assertEqual(run(command("sh", "-c", "ulimit -Sn")).out, b"600\n")

    def test_after_failure(self) -> None:
        """Ours is what it was after a failure too."""
        limit = OpenFileLimit()
        limit.set_child_limit(77)
        self.assertRaises(SpawnFailed, run, command("cat", directory="/no"), limit)
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE), (600, self.hard))

    def test_many(self) -> None:
        """With more descriptors of our own than a child may have, the next child still starts."""
        limit = OpenFileLimit()
        limit.set_child_limit(64)
        launched = [launch(command("cat"), limit) for _ in range(60)]
        for each in launched:
            self.assertTrue(all(fd >= 64 for fd in each.descriptors.values()))
            each.abandon()
            os.waitpid(each.pid, 0)


def _mask(*numbers: int) -> int:
    return sum(1 << (number - 1) for number in numbers)


def _inherited() -> int:
    """Return the signals that whoever started the tests had ignored."""
    with open("/proc/self/status", encoding="ascii") as file:
        [line] = [line for line in file if line.startswith("SigIgn")]
    return int(line.split()[1], 16)
