"""
A listener of others that starts programs in the order of their dependencies, as somebody uses it.

It is the one of SONiC's containers: the configuration is that of its NAT container, with commands
that tell when they were started in the places of its programs.
"""

from __future__ import annotations

import os
import re
import sys

from tests import requirements
from tests.functional import listener
from tests.functional.harness import FunctionalTestCase, until

SERVICES = "sonic-buildimage/dockers~docker-nat~supervisord.conf"

#: What the file of SONiC's base image has besides, at paths of the test.
CONFIG = """\
[unix_http_server]
file={folder}/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[include]
files={folder}/conf.d/*.conf
"""

#: Programs that end when they have done something. The listener acts on what it asks for, which may
#: be newer than what it was told, and would start anew what ends before it has heard of the start.
ENDING = ("start", "restore_nat_entries")

#: The lines of the log that tell of what somebody waits for.
REACHED = {"running": "success: {} entered RUNNING", "exited": r"exited: {} \("}


class DependencyTests(FunctionalTestCase):
    """The package supervisord-dependent-startup."""

    def services(self) -> str:
        """Return the configuration, with commands that can be run here."""
        starter = requirements.stock("supervisord-dependent-startup")
        commands = {
            "dependent-startup": f"{starter} -c {self.directory}/supervisord.conf",
            "supervisor-proc-exit-listener": " ".join(
                (sys.executable, listener.__file__, "text", str(self.directory))
            ),
        }
        section, lines = "", []
        for line in (requirements.corpus() / SERVICES).read_text().splitlines():
            if line.startswith("["):
                section = line.strip("[]").partition(":")[2]
            if line.startswith("command="):
                then = f"read end <{section}" if section in ENDING else "exec sleep 1000"
                stand_in = f"sh -c 'echo {section} >>{self.directory}/started; {then}'"
                line = f"command={commands.get(section, stand_in)}"  # noqa: PLW2901
            lines.append(line)
        return "\n".join(lines) + "\n"

    def wait_for_told(self, program: str) -> None:
        """Wait until the listener knows that a program runs, and is done with that."""
        change = f"Service {program} went from STARTING to RUNNING"

        def told() -> bool:
            logs = self.directory.glob("dependent-startup-stderr---*")
            said = "".join(log.read_text() for log in logs).partition(change)[2]
            return "not yet running" in said or "No more processes to start" in said

        until(told, f"{program} runs")

    def test_order(self) -> None:
        """Each program is started when those that it waits for are where it wants them."""
        services = self.services()
        for program in ENDING:
            os.mkfifo(self.directory / program)
        (self.directory / "conf.d").mkdir()
        (self.directory / "conf.d" / "nat.conf").write_text(services)
        daemon = self.daemon(CONFIG.format(folder=self.directory))
        for program in ENDING:
            self.wait_for_told(program)
            daemon.order("end\n", program)
            daemon.wait_for(rf"exited: {program} \(")
        self.assertEqual(
            daemon.read("started").split(),
            ["rsyslogd", "start", "natmgrd", "natsyncd", "restore_nat_entries"],
        )
        log, waits = daemon.log, 0
        for section in services.split("\n["):
            if wait := re.search(r"dependent_startup_wait_for=(\S+):(\w+)", section):
                waits += 1
                program = section.partition(":")[2].partition("]")[0]
                reached = re.search(REACHED[wait[2]].format(wait[1]), log)
                started = re.search(f"spawned: '{program}'", log)
                assert reached and started, (program, log)
                self.assertLess(reached.start(), started.start(), program)
        self.assertEqual(waits, 4)
        heard = daemon.wait_for_file(
            "supervisor-proc-exit-listener.heard", "processname:restore_nat_entries"
        )
        self.assertIn("processname:start groupname:start from_state:RUNNING expected:1", heard)
        self.assertEqual(daemon.stop(), 0)
