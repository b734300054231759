"""Logs in files, seen from outside: rotation, filters, AUTO files, the daemon's own log."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from tests.functional.harness import ORDERS, Daemon, FunctionalTestCase, alive, until


def family(log: Path) -> list[str]:
    """What a log and its backups hold, from the log itself backwards."""
    files = [log]
    while (backup := Path(f"{log}.{len(files)}")).exists():
        files.append(backup)
    return [file.read_text() if file.exists() else "" for file in files]


class ChildLogTests(FunctionalTestCase):
    """The logs of children."""

    def test_rotation(self) -> None:
        """Each write is followed by the same rotation, or none, as under Supervisor."""
        programs = {"none": 0, "one": 1, "three": 3}
        both = self.both(
            "".join(
                f'[program:{name}]\ncommand=sh -c "mkfifo %(here)s/{name}; cat <>%(here)s/{name}"\n'
                f"stdout_logfile=%(here)s/{name}.log\nstdout_logfile_maxbytes=100\n"
                f"stdout_logfile_backups={backups}\n"
                for name, backups in programs.items()
            )
        )
        for daemon in both:
            for name in programs:
                until((daemon.directory / name).is_fifo)
        expected = {name: [""] for name in programs}
        for number in range(12):
            line = f"line {number} ".ljust(40 + number, ".") + "\n"
            for name, backups in programs.items():
                files = expected[name]
                files[0] += line
                if len(files[0]) >= 100:
                    expected[name] = ["", *files][: backups + 1]
                for daemon in both:
                    log = daemon.directory / f"{name}.log"
                    daemon.order(line, name)
                    until(
                        lambda log=log, name=name: family(log) == expected[name],  # type: ignore[misc]
                        lambda log=log: f"{log}: {family(log)}",  # type: ignore[misc]
                    )
        self.assertEqual(len(expected["three"]), 4)

    def test_redirect(self) -> None:
        """With redirect_stderr both outputs stand in one log, in order, and there is no other."""
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c "echo 1; echo 2 >&2; echo 3; echo 4 >&2"
            redirect_stderr=true
            startsecs=0
            """
        )
        daemon.wait_for("exited: one")
        [log] = self.directory.glob("one-*")
        self.assertRegex(log.name, r"^one-stdout---supervisor-[a-z0-9_]{8}\.log$")
        self.assertEqual(log.read_text(), "1\n2\n3\n4\n")

    def test_strip_ansi(self) -> None:
        """A sequence is taken out, also where it is cut between two reads."""
        os.mkfifo(self.directory / "orders")
        daemon = self.daemon(
            f"strip_ansi=true\n[program:one]\ncommand={ORDERS}\nstdout_logfile=%(here)s/one.log\n"
        )
        log = self.directory / "one.log"
        for text, seen in (
            ("plain \x1b[1mbold\x1b[0m\n<\x1b[3", "plain bold\n<"),
            ("1mred\x1b", "plain bold\n<red"),
            ("[0m>", "plain bold\n<red>"),
        ):
            daemon.order(text)
            until(
                lambda seen=seen: log.exists() and log.read_text() == seen,  # type: ignore[misc]
                lambda: daemon.read("one.log"),
            )

    def test_none(self) -> None:
        """NONE, for either output, leaves no file, and the child is read all the same."""
        daemon = self.daemon(
            """\
            [program:one]
            command=sh -c "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"
            stdout_logfile=NONE
            stderr_logfile=NONE
            startsecs=0
            """
        )
        daemon.wait_for(r"exited: one \(exit status 0; expected\)")
        self.assertEqual(list(self.directory.glob("one*")), [])

    def test_two_programs_in_one_file(self) -> None:
        """Two processes that share a rotated log are warned of."""
        daemon = self.daemon(
            "[program:one]\ncommand=sleep 1000\nnumprocs=2\nprocess_name=%(process_num)d\n"
            "stdout_logfile=%(here)s/both.log\n"
        )
        self.assertIn("both.log", daemon.wait_for("WARN .*both.log.*")[0])
        daemon.wait_for("success", 2)


class AutoLogTests(FunctionalTestCase):
    """Logs whose names are chosen by the daemon."""

    CONFIG = '[program:one]\ncommand=sh -c "while :; do echo tick; sleep 0.05; done"\n'

    def logs(self) -> set[str]:
        """The names of all AUTO logs."""
        return {log.name for log in self.directory.glob("*---supervisor-*")}

    def another(self, number: int) -> Daemon:
        """Start one more daemon on the same configuration, with its own log and pid file."""
        path = self.directory / f"another{number}"
        daemon = self.daemon(self.CONFIG, arguments=["-l", f"{path}.log", "-j", f"{path}.pid"])
        daemon.logfile = Path(f"{path}.log")
        daemon.wait_for("success: one")
        return daemon

    def test_mode(self) -> None:
        """They are for their owner only, and their names tell whose they are."""
        daemon = self.daemon("umask=000\n" + self.CONFIG, preexec=lambda: os.umask(0) and None)
        daemon.wait_for("success: one")
        self.assertEqual(
            sorted(re.sub(r"[a-z0-9_]{8}\.log$", "X.log", name) for name in self.logs()),
            ["one-stderr---supervisor-X.log", "one-stdout---supervisor-X.log"],
        )
        for name in self.logs():
            self.assertEqual((self.directory / name).stat().st_mode & 0o777, 0o600)

    def test_two_daemons(self) -> None:
        """They are left alone while their daemon lives, and cleaned up when it does not."""
        first = self.another(1)
        firsts = self.logs()
        second = self.another(2)
        seconds = self.logs() - firsts
        self.assertTrue(firsts < self.logs())
        self.assertEqual(len(seconds), 2)
        [log] = [name for name in firsts if "stdout" in name]
        size = len(first.read(log))
        until(lambda: len(first.read(log)) > size)
        # one that crashes leaves its child behind, and no lock
        child = first.pid_of("one")
        first.signal(signal.SIGKILL)
        first.wait()
        os.kill(child, signal.SIGKILL)
        until(lambda: not alive(child))
        third = self.another(3)
        self.assertEqual(firsts & self.logs(), set())
        self.assertTrue(seconds < self.logs())
        second.stop()
        third.stop()
        self.assertEqual(len(self.logs()), 4)  # they are read after the end, too

    def test_no_cleanup(self) -> None:
        """With nocleanup they are kept; others' files are kept always."""
        names = {
            "one-stdout---supervisor-abcdefgh.log",
            "one-stdout---supervisor-abcdefgh.log.1",
            "one-stdout---supervisors-abcdefgh.log",
            "one-stdout---supervisor-abcdefgh.log.old",
        }
        for name in names:
            (self.directory / name).touch()
        first = self.daemon("nocleanup=true\n")
        first.wait_for("supervisord started")
        first.stop()
        self.assertEqual(names - set(os.listdir(self.directory)), set())
        second = self.daemon("")
        second.wait_for("supervisord started", 2)
        second.stop()
        kept = {name for name in names if "supervisors" in name or name.endswith("old")}
        self.assertEqual(names & set(os.listdir(self.directory)), kept)


class ActivityLogTests(FunctionalTestCase):
    """The daemon's own log."""

    def test_rotation(self) -> None:
        """It rotates between lines, and together the files tell everything."""
        count = 40
        daemon = self.daemon(
            f"logfile_maxbytes=1000\nlogfile_backups=99\n[program:x]\ncommand=sleep 1000\n"
            f"process_name=%(process_num)d\nnumprocs={count}\nstartsecs=0\n"
        )
        path = daemon.logfile
        until(lambda: "".join(family(path)).count("success: ") == count)
        self.assertEqual(daemon.stop(), 0)
        newest, *backups = family(path)
        self.assertGreater(len(backups), 4)
        self.assertLess(len(newest), 1000)
        for text in backups:
            self.assertTrue(len(text) >= 1000 and text.endswith("\n"), text)
            self.assertLess(len(text.rpartition("\n")[0].rpartition("\n")[0]), 1000)
        whole = "".join(reversed([newest, *backups]))
        for what in ("spawned: ", "success: ", "stopped: "):
            self.assertEqual(whole.count(what), count, what)

    def test_levels(self) -> None:
        """The level in the file chooses what is written, and ``-e`` overrides it."""
        program = (
            "[program:one]\ncommand=sh -c 'echo out; exit 1'\nautorestart=false\nstartsecs=0\n"
        )
        daemon = self.daemon("loglevel=warn\n" + program)
        daemon.wait_for("WARN exited: one")
        self.assertEqual(daemon.lines(" (INFO|DEBG) "), [])
        daemon.stop()
        daemon = self.daemon("loglevel=warn\n" + program, arguments=["-e", "debug"])
        daemon.wait_for("WARN exited: one", 2)
        self.assertTrue(daemon.lines("INFO spawned: 'one'"))
        self.assertIn(" DEBG 'one' stdout output:\nout\n", daemon.log)

    def test_on_standard_output(self) -> None:
        """As ``/dev/stdout`` it is one more copy there, unless that of the foreground is shut."""
        for silent, copies in (("true", 1), ("false", 2)):
            self.directory = self.directory / silent
            self.directory.mkdir()
            reading, writing = os.pipe()
            daemons = self.both(
                f"logfile=/dev/stdout\nlogfile_maxbytes=0\nsilent={silent}\n"
                "[program:one]\ncommand=sleep 1000\nstartsecs=0\n",
                stdout=writing,
            )
            os.close(writing)
            with open(reading) as pipe:
                text = ""
                while text.count("spawned: 'one'") < 2 * copies:
                    more = os.read(pipe.fileno(), 65536).decode()
                    assert more, text
                    text += more
                for daemon in daemons:
                    self.assertEqual(daemon.stop(), 0)
                text += pipe.read()
            self.assertEqual(text.count("spawned: 'one'"), 2 * copies, text)
            self.assertEqual(text.count("stopped: one"), 2 * copies, text)
