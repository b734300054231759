"""The same configuration under Supervisor and under us: the same life, told in the same words."""

from __future__ import annotations

import re
import signal
from collections import defaultdict

from tests.functional.harness import Daemon, FunctionalTestCase, until

#: Supervisor looks at its children once a second, so a quick end may be told a little differently:
#: each program here lives clearly longer, or clearly shorter, than any limit.
PROGRAMS = {
    "ok": "command=sh -c 'sleep 2.5; exit 0'",
    "bad": "command=sh -c 'sleep 2.5; exit 1'\nautorestart=false",
    "coded": "command=sh -c 'sleep 2.5; exit 7'\nexitcodes=0, 7",
    "quick": "command=sh -c 'exit 0'\nstartretries=1\nstartsecs=5",
    "failing": "command=sh -c 'exit 2'\nstartretries=0\nstartsecs=5",
    "missing": "command=/no/such/program --with arguments\nstartretries=1",
    "directory": "command=/usr\nstartretries=0",
    "unquoted": "command=sh -c 'oops\nstartretries=0",
    "plain": "command=%(here)s/plain\nstartretries=0",
    "killed": "command=sh -c 'sleep 2.5; kill -KILL $$'\nautorestart=false",
    "segfault": "command=sh -c 'sleep 2.5; ulimit -c 0; kill -SEGV $$'\nautorestart=false",
    "server": "command=sleep 1000",
    "polite": "command=sh -c \"trap 'exit 0' TERM; while :; do sleep 0.1; done\"",
    "stubborn": "command=sh -c \"trap '' TERM; while :; do sleep 0.1; done\"\nstopwaitsecs=1",
    "interrupted": "command=sleep 1000\nstopsignal=INT",
    "manual": "command=sleep 1000\nautostart=false",
    "logless": "command=sleep 1000\nstdout_logfile=/usr\nstartretries=0",
}


def told(daemon: Daemon) -> dict[str, list[str]]:
    """The lines of the activity log about each program, without times and pids."""
    lines = defaultdict(list)
    for line in daemon.log.splitlines():
        match = re.match(r"\S+ \S+ (\w+ .*)", line)
        if match is None or "waiting for" in line or "supervisord started" in line:
            continue
        if "a log of" in line:  # ours alone: which file it is
            continue
        text = re.sub(r"pid \d+", "pid N", match[1])
        text = re.sub(r"\(\d+\)", "(N)", text)
        text = text.replace(str(daemon.directory), "HERE")
        for name in PROGRAMS:
            if re.search(rf"\b{name}\b", text):
                lines[name].append(text)
    return dict(lines)


class LogTests(FunctionalTestCase):
    """Two daemons, side by side."""

    def test_the_same_words(self) -> None:
        """Each program's lines are the same, from the first start to the end of the daemon."""
        config = "".join(f"[program:{name}]\n{text}\n" for name, text in PROGRAMS.items())
        both = self.both(config, {"plain": "not executable"})
        for daemon in both:
            for name in ("ok", "bad", "coded", "killed", "segfault"):
                daemon.wait_for(rf"exited: {name} \(")
            for name in (
                "quick",
                "failing",
                "missing",
                "directory",
                "unquoted",
                "plain",
                "logless",
            ):
                daemon.wait_for(f"gave up: {name} ")
            for name in ("server", "polite", "stubborn", "interrupted"):
                daemon.wait_for(f"success: {name} ")
        for daemon in both:
            daemon.signal(signal.SIGTERM)
        for daemon in both:
            until(lambda daemon=daemon: daemon.process.poll() is not None)  # type: ignore[misc]
        theirs, ours = (told(daemon) for daemon in both)
        for name in PROGRAMS:
            with self.subTest(program=name):
                self.assertEqual(ours.get(name), theirs.get(name))
