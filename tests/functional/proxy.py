"""nginx, in front of a daemon."""

from __future__ import annotations

import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from unittest import TestCase

from tests import requirements
from tests.functional.harness import free_port, until


def nginx(
    test: TestCase,
    directory: Path,
    location: str = "/",
    proxy_pass: str = "http://daemon",
    more: str = "",
) -> int:
    """
    Start nginx; return its port.

    It passes on what is below a location; ``http://daemon`` is the daemon at the socket ``x.sock``
    in the directory. ``more`` are further directives for that.
    """
    program, port = requirements.program("nginx"), free_port()
    directory.chmod(0o755)
    config = directory / "nginx.conf"
    config.write_text(
        f"""
        daemon off; master_process off; pid {directory}/nginx.pid; error_log {directory}/nginx.err;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path {directory}/n1; proxy_temp_path {directory}/n2;
            fastcgi_temp_path {directory}/n3; uwsgi_temp_path {directory}/n4;
            scgi_temp_path {directory}/n5;
            upstream daemon {{ server unix:{directory}/x.sock; keepalive 2; }}
            server {{
                listen 127.0.0.1:{port};
                location {location} {{ proxy_pass {proxy_pass}; {more} }}
            }}
        }}
        """
    )
    command = [program, "-c", str(config), "-p", str(directory)]
    process = subprocess.Popen([*command, "-e", str(directory / "nginx.err")])
    test.addCleanup(process.wait)
    test.addCleanup(process.terminate)

    def listens() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    until(listens)
    return port
