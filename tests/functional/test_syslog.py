"""The system's log: the same datagrams as Supervisor sends, to the byte."""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path

from tests import requirements
from tests.functional.harness import Daemon, FunctionalTestCase, until

#: A /dev of its own, with the log where the test listens; then the daemon.
IN_A_DEV = """\
mount -t tmpfs tmpfs "$0/dev" && cp -a /dev/null /dev/zero /dev/urandom "$0/dev" &&
ln -s "$0/log" "$0/dev/log" && mount --bind "$0/dev" /dev && exec "$@"
"""


class SyslogTests(FunctionalTestCase):
    """A log daemon that is the test itself."""

    def setUp(self) -> None:
        super().setUp()
        requirements.root()
        self.unshare = requirements.program("unshare")

    def listen(self, name: str) -> tuple[socket.socket, Path]:
        """Make a directory for a daemon; listen where its log goes."""
        directory = self.directory / name
        (directory / "dev").mkdir(parents=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(str(directory / "log"))
        listener.settimeout(60)
        return listener, directory

    def start(self, directory: Path, config: str, *command: str) -> Daemon:
        """Start a daemon that has its log there."""
        isolated = (self.unshare, "--mount", "sh", "-c", IN_A_DEV, str(directory))
        daemon = Daemon(directory, config, command=(*isolated, *command))
        self.addCleanup(daemon.kill)
        return daemon

    def both_logs(self, config: str, last: bytes) -> tuple[list[bytes], list[bytes]]:
        """Return all datagrams of both daemons until the last one, without the time of day."""
        heard = []
        for name, command in (
            ("stock", (requirements.stock("supervisord"), "-n")),
            ("ours", (sys.executable, "-m", "supervisor_tx", "-n")),
        ):
            listener, directory = self.listen(name)
            daemon = self.start(directory, config, *command)
            datagrams = [b""]
            while last not in datagrams[-1]:
                datagrams.append(listener.recv(1 << 17))
            self.assertEqual(daemon.stop(), 0)
            heard.append([without_time(each) for each in datagrams[1:]])
        return heard[0], heard[1]

    def test_child_logs(self) -> None:
        """Lines of children, of either output, with or without an end, empty ones, bytes."""
        theirs, ours = self.both_logs(
            r"""
            [program:one]
            command=sh -c "printf 'first\nsecond\n\nfourth\n'; sleep 0.3; printf 'grüße\n\n';
                sleep 0.3; printf 'to stderr\n' >&2; sleep 0.3; printf ' blank \t\n'; sleep 0.3;
                printf 'end'"
            startsecs=0
            stdout_syslog=true
            stderr_syslog=true
            [program:two]
            command=sh -c "sleep 2; echo the last; exec sleep 1000"
            stdout_logfile=syslog
            """,
            b"the last",
        )
        self.assertEqual(ours, theirs)
        self.assertIn(b"<14>TIME supervisord: one first", ours)
        self.assertEqual(len(ours), 9)

    def test_activity_log(self) -> None:
        """The daemon's own lines, without the line end that Supervisor leaves at each of them."""
        theirs, ours = self.both_logs(
            """\
            logfile=syslog
            user=root
            [program:one]
            command=sh -c "sleep 1.5; exec false"
            autorestart=false
            """,
            b"exited: one",
        )
        self.assertEqual(ours, [each.removesuffix(b"\n") for each in theirs])
        self.assertRegex(ours[-1], rb"^<14>TIME supervisord: DATE WARN exited: one \(exit status 1")

    def test_no_log_daemon(self) -> None:
        """Without a log daemon children run; when one comes, it is heard from then on."""
        listener, directory = self.listen("ours")
        listener.close()
        (directory / "log").unlink()
        daemon = self.start(
            directory,
            '[program:one]\ncommand=sh -c "while :; do echo tick; sleep 0.05; done"\n'
            "stdout_syslog=true\n",
            *(sys.executable, "-m", "supervisor_tx", "-n"),
        )
        daemon.wait_for("success: one")
        daemon.wait_for("ERRO cannot write to syslog .*start the syslog daemon")
        late = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(late.close)
        late.bind(str(directory / "log"))
        late.settimeout(60)
        self.assertIn(b": one tick", late.recv(1 << 16))
        daemon.wait_for("INFO syslog .* can be written to again")
        self.assertEqual(len(daemon.lines("ERRO")), 1)
        self.assertEqual(daemon.stop(), 0)

    def test_stuck(self) -> None:
        """A log daemon that does not listen holds up those that write to it, and nobody else."""
        listener, directory = self.listen("ours")
        daemon = self.start(
            directory,
            "[program:one]\ncommand=yes\nstdout_syslog=true\n"
            '[program:two]\ncommand=sh -c "while :; do echo tick; sleep 0.05; done"\n'
            "stdout_logfile=%(here)s/two.log\n",
            *(sys.executable, "-m", "supervisor_tx", "-n"),
        )
        daemon.wait_for("success: one")
        size = len(daemon.wait_for_file("two.log"))
        until(lambda: len(daemon.read("two.log")) > size + 20)
        self.assertEqual(daemon.stop(), 0)
        self.assertTrue(listener.recv(1 << 16).endswith(b" supervisord: one y"))


def without_time(datagram: bytes) -> bytes:
    """Replace what depends on the moment and the process."""
    text = re.sub(rb"^(<\d+>)\w{3} [ \d]\d \d\d:\d\d:\d\d ", rb"\1TIME ", datagram)
    text = re.sub(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", b"DATE", text)
    return re.sub(rb"pid \d+", b"pid N", text)
