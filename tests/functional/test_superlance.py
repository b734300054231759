"""
Superlance's event listeners, unmodified, under our daemon.

They stand in the environment of stock Supervisor, whose modules they use. The daemon's clock is set
forward, so that nobody waits for a minute to pass.
"""

from __future__ import annotations

import socketserver
import sys
import threading

from tests import requirements
from tests.functional.harness import Daemon, FunctionalTestCase, free_port, until
from tests.functional.rpc import Client

#: The options are those of the examples in its documentation.
CONFIG = """\
environment=LD_PRELOAD=""
[unix_http_server]
file=%(here)s/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[eventlistener:memmon]
command={memmon} -p big=40MB -p web=200MB -s "%(here)s/sendmail memmon" -m ops@example.test -n watch
events=TICK_60
[eventlistener:httpok]
command={httpok} -p web -s "%(here)s/sendmail httpok" -m ops@example.test http://127.0.0.1:{web}/up
events=TICK_5
[eventlistener:crashmail]
command={crashmail} -a -s "%(here)s/sendmail crashmail" -m ops@example.test -o [host]
events=PROCESS_STATE
[eventlistener:crashmailbatch]
command={crashmailbatch} -t ops@example.test -f batch@example.test -s crashes -H 127.0.0.1:{smtp}
events=PROCESS_STATE,TICK_60
[eventlistener:fatalmailbatch]
command={fatalmailbatch} -t ops@example.test -f batch@example.test -s fatalities -H 127.0.0.1:{smtp}
events=PROCESS_STATE,TICK_60

[program:big]
command={python} -c "import signal; held = b'x' * 60_000_000; signal.pause()"
[program:web]
command=sh -c "touch www/up; exec {python} -u -m http.server -b 127.0.0.1 -d www {web}"
stderr_logfile=%(here)s/web.log
[program:crashing]
command=sh -c "exit 7"
autostart=false
autorestart=false
startsecs=0
[program:leaving]
command=sh -c "exit 0"
autostart=false
autorestart=false
startsecs=0
[program:hopeless]
command=sh -c "exit 1"
autostart=false
startsecs=5
startretries=0
"""

LISTENERS = ("memmon", "httpok", "crashmail", "crashmailbatch", "fatalmailbatch")

SENDMAIL = """\
#!/bin/sh
cat >"$0.$1.new" && cat "$0.$1.new" >>"${0%/*}/$1.mail"
"""


class PostOffice(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it is given."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Counter)
        self.mails: list[str] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class Counter(socketserver.StreamRequestHandler):
    """One connection to the mail server; everything is accepted."""

    def handle(self) -> None:
        assert isinstance(self.server, PostOffice)
        self._say("220 mail.example.test")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines).decode())
            self._say("221 bye" if verb == b"QUIT" else "250 fine")
            if verb == b"QUIT":
                return

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())


class SuperlanceTests(FunctionalTestCase):
    """What they are for, they do."""

    def setUp(self) -> None:
        super().setUp()
        requirements.program("ps")
        self.office = PostOffice()
        threading.Thread(target=self.office.serve_forever, daemon=True).start()
        self.addCleanup(self.office.server_close)
        self.addCleanup(self.office.shutdown)
        sendmail = self.directory / "sendmail"
        sendmail.write_text(SENDMAIL)
        sendmail.chmod(0o755)
        (self.directory / "www").mkdir()
        self.set_clock(0)

    def set_clock(self, seconds: int) -> None:
        """Set the daemon's clock, so much away from the right time."""
        new = self.directory / "clock.new"
        new.write_text(f"{seconds:+d}")
        new.replace(self.directory / "clock")

    def start(self) -> Daemon:
        """Start the daemon, under a clock that can be set, and wait until all runs."""
        daemon = self.daemon(
            CONFIG.format(
                python=sys.executable,
                web=free_port(),
                smtp=self.office.port,
                **{name: requirements.stock(name) for name in LISTENERS},
            ),
            environ={
                "LD_PRELOAD": requirements.library("libfaketimeMT.so.1"),
                "FAKETIME_TIMESTAMP_FILE": "clock",
                "FAKETIME_NO_CACHE": "1",
                "DONT_FAKE_MONOTONIC": "1",
            },
        )
        for name in (*LISTENERS, "big", "web"):
            daemon.wait_for(f"success: {name} ")
        return daemon

    def posted(self, subject: str) -> str:
        """Wait for a mail by its subject at the mail server; return it."""

        def found() -> str | None:
            mails = (mail for mail in list(self.office.mails) if f"Subject: {subject}" in mail)
            return next(mails, None)

        return until(found, lambda: f"{subject} in {self.office.mails}")

    def test_all(self) -> None:
        """They mail of crashes, and restart what is too big or does not answer."""
        daemon = self.start()
        client = Client(self.directory / "s")
        for name in ("crashing", "leaving", "hopeless"):
            client.call("supervisor.startProcess", name, False)
        daemon.wait_for("exited: crashing")
        daemon.wait_for("exited: leaving")
        daemon.wait_for("gave up: hopeless")
        mail = daemon.wait_for_file(
            "crashmail.mail", "Process crashing in group crashing exited unexpectedly"
        )
        self.assertIn("To: ops@example.test\nSubject: [host]: crashing crashed at ", mail)
        self.assertNotIn("leaving", mail)

        self.set_clock(60)
        mail = self.posted("crashes")
        self.assertIn("Process crashing:crashing", mail)
        self.assertNotIn("leaving", mail)
        self.assertIn("Process hopeless:hopeless", self.posted("fatalities"))
        mail = daemon.wait_for_file("memmon.mail", "big")
        self.assertIn("Subject: memmon [watch]: process big:big restarted", mail)
        daemon.wait_for("success: big ", 2)
        daemon.wait_for_file("web.log", '"GET /up HTTP/1.1" 200')
        self.assertEqual(len(daemon.lines("spawned: 'web'")), 1)

        (self.directory / "www" / "up").unlink()  # its next start makes it anew
        mail = daemon.wait_for_file("httpok.mail", "web")
        self.assertIn("Subject: httpok: http://127.0.0.1:", mail)
        daemon.wait_for("success: web ", 2)
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(daemon.lines("UNKNOWN state|rejected|Traceback"), daemon.log)
