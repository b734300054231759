"""
A real stack from Debian's packages: nginx before a Python web application that counts in redis.

The configuration is one that somebody wrote for Supervisor: servers in the foreground, priorities,
logs in files with limits.
"""

from __future__ import annotations

import os
import signal
import urllib.request
from pathlib import Path

from tests import requirements
from tests.functional.harness import Daemon, FunctionalTestCase, alive, free_port, until

CONFIG = """\
user={user}

[program:redis]
command={redis} --bind 127.0.0.1 --port {redis_port} --save "" --daemonize no --dir %(here)s
priority=10
autorestart=true
stdout_logfile=%(here)s/redis.log
redirect_stderr=true

[program:app]
command={gunicorn} --chdir %(here)s --bind unix:%(here)s/app.sock --workers 1 app:application
environment=REDIS_PORT="{redis_port}",PYTHONUNBUFFERED="1"
priority=20
autorestart=true
stopasgroup=true
stdout_logfile=%(here)s/app.log
stdout_logfile_maxbytes=2KB
stdout_logfile_backups=2
stderr_logfile=%(here)s/app.err

[program:nginx]
command={nginx} -c %(here)s/nginx.conf -p %(here)s -g "daemon off;"
priority=30
autorestart=true
stopsignal=QUIT
stdout_logfile=%(here)s/nginx.log
redirect_stderr=true
"""

NGINX = """\
pid {here}/nginx.pid;
error_log stderr;
worker_processes 1;
events {{ }}
http {{
    access_log {here}/access.log;
    client_body_temp_path {here}/tmp; proxy_temp_path {here}/tmp; fastcgi_temp_path {here}/tmp;
    uwsgi_temp_path {here}/tmp; scgi_temp_path {here}/tmp;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://unix:{here}/app.sock; }}
    }}
}}
"""

APP = '''\
import os, socket

def application(environ, start_response):
    """Count, and say a line long enough to rotate the log now and then."""
    with socket.create_connection(("127.0.0.1", int(os.environ["REDIS_PORT"]))) as redis:
        redis.sendall(b"INCR hits\\r\\n")
        count = redis.recv(100).strip().lstrip(b":")
    print("request number", count.decode(), "x" * 200)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [count]
'''


class StackTests(FunctionalTestCase):
    """Three servers, one configuration."""

    def start(self) -> Daemon:
        """Write all files and start."""
        here, self.port = self.directory, free_port()
        (here / "tmp").mkdir()
        (here / "nginx.conf").write_text(NGINX.format(here=here, port=self.port))
        (here / "app.py").write_text(APP)
        here.chmod(0o777)
        config = CONFIG.format(
            user="root" if os.getuid() == 0 else os.getuid(),
            redis=requirements.program("redis-server"),
            gunicorn=requirements.program("gunicorn"),
            nginx=requirements.program("nginx"),
            redis_port=free_port(),
        )
        # gunicorn is Debian's and must not see this interpreter's path
        daemon = self.daemon(config, environ={"PYTHONHOME": ""})
        daemon.wait_for("success", 3)
        return daemon

    def hits(self) -> int | None:
        """Ask the whole chain; None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as reply:
                return int(reply.read())
        except (OSError, ValueError):
            return None

    def test_stack(self) -> None:
        """It serves, comes back when parts are killed, rotates its logs, and stops in order."""
        daemon = self.start()
        until(self.hits)
        # nginx's workers outlive a master that was killed, and keep the port
        for name, deadly in (("redis", "KILL"), ("app", "KILL"), ("nginx", "TERM")):
            with self.subTest(killed=name):
                count = len(daemon.lines(f"spawned: '{name}'"))
                os.kill(daemon.pid_of(name), signal.Signals[f"SIG{deadly}"])
                daemon.pid_of(name, count + 1)
                until(self.hits)
        for _ in range(30):
            self.assertIsNotNone(self.hits())
        log = self.directory / "app.log"
        until(lambda: Path(f"{log}.2").exists(), lambda: str(os.listdir(self.directory)))
        self.assertFalse(Path(f"{log}.3").exists())
        pids = [daemon.pid_of(name) for name in ("redis", "app", "nginx")]
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(
            [match[1] for match in daemon.lines(r"stopped: (\w+)")], ["nginx", "app", "redis"]
        )
        self.assertFalse([pid for pid in pids if alive(pid)])
