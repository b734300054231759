"""Configuration files that are not what they should be, and ones that are large."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time

from tests.functional.harness import PATIENCE, TOP, FunctionalTestCase

HEAD = "[supervisord]\nlogfile=%(here)s/supervisord.log\npidfile=%(here)s/supervisord.pid\n"


class RefusalTests(FunctionalTestCase):
    """What is refused is refused at once, with status 2, one message, and nothing touched."""

    def refusal(self, path: str) -> str:
        """Start the daemon on a file; return what it says when it refuses."""
        before = set(os.listdir(self.directory))
        done = subprocess.run(
            [sys.executable, "-m", "supervisor_tx", "-n", "-c", path],
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": str(TOP)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            preexec_fn=be_like_everybody,
        )
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(set(os.listdir(self.directory)), before)
        return done.stderr

    def write(self, text: str | bytes, name: str = "conf") -> str:
        """Write a file in the directory; return its path."""
        path = self.directory / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    def test_directory(self) -> None:
        """A directory."""
        (self.directory / "conf").mkdir()
        self.assertIn("conf: it is a directory", self.refusal("conf"))

    def test_fifo(self) -> None:
        """A FIFO that nobody writes to: it does not wait for ever."""
        os.mkfifo(self.directory / "conf")
        begun = time.monotonic()
        self.assertIn("conf: it is a FIFO", self.refusal("conf"))
        self.assertLess(time.monotonic() - begun, PATIENCE / 2)

    def test_socket_and_device(self) -> None:
        """Things that are no files, or have no end."""
        import socket

        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(self.directory / "conf"))
            self.assertIn("conf", self.refusal("conf"))
        self.assertIn("/dev/zero", self.refusal("/dev/zero"))
        self.assertIn("/dev/null", self.refusal("/dev/null"))

    def test_unreadable(self) -> None:
        """A file that may not be read."""
        (self.directory / "conf").touch(0)
        self.assertIn("Permission denied", self.refusal("conf"))

    def test_bytes(self) -> None:
        """Bytes that are no text: the line is told."""
        text = self.refusal(self.write(HEAD.encode() + b"[program:x]\ncommand=echo \xff\xfe\n"))
        self.assertIn("conf", text)
        self.assertRegex(text, r"line 5|:5|UTF-8|utf-8")

    def test_nul(self) -> None:
        """A zero byte in a command or a path."""
        text = self.refusal(self.write(HEAD + "[program:x]\ncommand=echo a\0b\n[program:\0]\n"))
        self.assertIn("conf", text)

    def test_empty_and_garbage(self) -> None:
        """Files in which there is nothing, or no section, or what no parser reads."""
        for text in ("", "\n\n", "; nothing\n", "command=x\n", "\0" * 100, "[supervisord", "a" * 9):
            with self.subTest(text=text):
                self.assertIn("conf", self.refusal(self.write(text)))

    def test_every_error_at_once(self) -> None:
        """All that is wrong, each with its line, in one run."""
        wrong = {
            "numprocs": "many",
            "priority": "high",
            "autostart": "perhaps",
            "autorestart": "sometimes",
            "startsecs": "soon",
            "startretries": "few",
            "exitcodes": "0,x",
            "stopsignal": "NONE",
            "stopwaitsecs": "long",
            "umask": "999",
            "user": "no-such-user",
            "stdout_logfile_maxbytes": "1XB",
            "stdout_logfile_backups": "some",
            "environment": "A=",
            "directory": "%(no_such)s",
        }
        lines = [f"{option}={value}" for option, value in wrong.items()]
        text = self.refusal(self.write(HEAD + "[program:x]\ncommand=x\n" + "\n".join(lines)))
        for number, option in enumerate(wrong, 6):
            self.assertRegex(text, rf"conf:{number}\b.*{option}", option)


class IncludeTests(FunctionalTestCase):
    """Includes that lead nowhere, or back."""

    def test_odd_includes(self) -> None:
        """Patterns without a match, the file itself, a directory, a dead link do no harm."""
        (self.directory / "folder.conf").mkdir()
        (self.directory / "link.conf").symlink_to("nowhere")
        (self.directory / "more.conf").write_text(
            "[include]\nfiles=more.conf supervisord.conf\n[program:two]\ncommand=sleep 1000\n"
        )
        daemon = self.daemon(
            "[program:one]\ncommand=sleep 1000\n"
            "[include]\nfiles=none/*.ini nothing.ini supervisord.conf *.conf\n"
        )
        daemon.wait_for("success: one")
        daemon.wait_for("success: two")
        self.assertTrue(daemon.lines('WARN No file matches via include ".*/none/.*.ini"'))
        self.assertTrue(daemon.lines('WARN No file matches via include ".*/nothing.ini"'))
        self.assertTrue(daemon.lines('INFO Included extra file ".*/more.conf" during parsing'))
        self.assertEqual(len(daemon.lines("spawned")), 2)
        self.assertEqual(daemon.stop(), 0)


class SizeTests(FunctionalTestCase):
    """Much of everything."""

    def test_many_programs(self) -> None:
        """Five thousand programs that do not start: the daemon starts, reloads and ends."""
        count = 5000
        config = "".join(
            f"[program:p{number}]\ncommand=sleep 1000\nautostart=false\nenvironment=N={number}\n"
            for number in range(count)
        )
        daemon = self.daemon(config + "[program:one]\ncommand=sleep 1000\npriority=1\n")
        daemon.wait_for("success: one")
        self.assertEqual(len(daemon.lines("spawned")), 1)
        logs = len(list(self.directory.glob("p*-std*---supervisor-*.log")))
        self.assertEqual(logs, 2 * count)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.stderr.read_text(), "")

    def test_many_processes(self) -> None:
        """So do five thousand processes of one program."""
        daemon = self.daemon(
            "[program:p]\ncommand=sleep 1000\nnumprocs=5000\nautostart=false\n"
            "process_name=%(process_num)d\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
        )
        daemon.wait_for("supervisord started")
        self.assertEqual(daemon.stop(), 0)


def be_like_everybody() -> None:
    """In the child: give up the rights of root to pass over the modes of files."""
    drop_from_bounding_set = 24
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)
