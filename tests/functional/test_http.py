"""The HTTP servers of a real daemon, from outside: sockets, clients of all kinds, proxies."""

from __future__ import annotations

import http.client
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import cast

from tests import requirements
from tests.functional.harness import (
    PATIENCE,
    TOP,
    Daemon,
    FunctionalTestCase,
    alive,
    free_port,
    until,
)
from tests.functional.proxy import nginx
from tests.functional.test_daemon import twistd

UNIX = """\
[unix_http_server]
file=%(here)s/x.sock
"""

RPC = """\
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

GET_STATE = b"<methodCall><methodName>supervisor.getState</methodName></methodCall>"

#: What has nginx use a connection for more than one request.
KEPT = 'proxy_http_version 1.1; proxy_set_header Connection "";'

LISTENING = "Another program is already listening on a port that one of our HTTP servers"


class Client:
    """A plain socket that knows a little HTTP."""

    def __init__(self, address: Path | int) -> None:
        if isinstance(address, int):
            self.socket = socket.create_connection(("127.0.0.1", address), PATIENCE)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(PATIENCE)
            self.socket.connect(str(address))
        self.file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """Send data."""
        self.socket.sendall(data)

    def status(self) -> int:
        """Read one answer that has a length; return its status."""
        return self.answer()[0]

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Read one answer that has a length."""
        status, headers = self.head()
        return status, headers, self.file.read(int(headers.get("content-length", "0")))

    def head(self) -> tuple[int, dict[str, str]]:
        """Read status and headers."""
        line = self.file.readline()
        if not line:
            raise EOFError
        headers = http.client.parse_headers(self.file)
        return int(line.split()[1]), {name.lower(): text for name, text in headers.items()}

    def get(self, uri: str, **headers: str) -> int:
        """Ask for something; return the status."""
        lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
        self.send(f"GET {uri} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
        return self.status()

    def call(self, body: bytes = GET_STATE) -> int:
        """Call something; return the status."""
        self.send(
            b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        return self.status()

    def ended(self) -> bool:
        """Wait until the server says something more or ends; tell whether it was the end."""
        try:
            return not self.file.read1(1)
        except ConnectionResetError:
            return True

    def close(self) -> None:
        """Hang up."""
        self.file.close()
        self.socket.close()


class HttpTestCase(FunctionalTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.socket = self.directory / "x.sock"

    def client(self, address: Path | int | None = None) -> Client:
        client = Client(self.socket if address is None else address)
        self.addCleanup(client.close)
        return client

    def started(self, config: str = UNIX, **options: object) -> Daemon:
        daemon = self.daemon(config, **options)
        daemon.wait_for("supervisord started with pid")
        return daemon


class SocketTests(HttpTestCase):
    """Who may listen where."""

    def test_whole_life(self) -> None:
        """A client that comes early is answered, and in the end the socket is gone."""
        daemon = self.started()
        self.assertEqual(self.client().get("/ok.html"), 200)
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(self.socket.exists())
        self.assertEqual(daemon.read("stderr"), "")

    def test_messages(self) -> None:
        """What is open to everybody is told, for each server."""
        port = free_port()
        daemon = self.started(
            f"{UNIX}[inet_http_server:a]\nport=127.0.0.1:{port}\nusername=u\npassword=p\n{RPC}"
        )
        daemon.wait_for("INFO RPC interface 'supervisor' initialized$", 2)
        daemon.wait_for(
            "CRIT Server 'unix_http_server' running without any HTTP authentication checking$"
        )
        self.assertNotIn("Server 'inet_http_server:a'", daemon.log)

    def test_trace(self) -> None:
        """At level trace each request is a line."""
        daemon = self.started(f"loglevel=trace\n{UNIX}")
        self.assertEqual(self.client().get("/ok.html"), 200)
        self.assertEqual(self.client().get("/some-error"), 404)
        daemon.wait_for(
            r"TRAC localhost:0 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
            r'"GET /ok.html HTTP/1.1" 200 \d+$'
        )
        daemon.wait_for(r'ERRO localhost:0 - - \[.*\] "GET /some-error HTTP/1.1" 404 \d+$')

    def test_second_daemon(self) -> None:
        """A second daemon on the same configuration goes, and takes nothing with it."""
        config = f"{UNIX}[program:p]\ncommand=sh -c 'echo said; exec sleep 1000'\n"
        first = self.started(config)
        first.pid_of("p")
        before = sorted(os.listdir(self.directory))
        second = subprocess.run(
            cast("list[str]", first.process.args),
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": str(TOP)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(second.returncode, 2)
        self.assertTrue(second.stderr.startswith(f"Error: {LISTENING}"), second.stderr)
        self.assertEqual(sorted(os.listdir(self.directory)), before)
        self.assertEqual(self.client().get("/ok.html"), 200)
        [log] = self.directory.glob("p-stdout---*")
        until(lambda: log.read_text() == "said\n")
        self.assertEqual(first.read("supervisord.pid"), f"{first.process.pid}\n")

    def test_stale(self) -> None:
        """The socket of a daemon that was killed is taken over."""
        first = self.started()
        self.assertEqual(self.client().get("/ok.html"), 200)
        first.process.kill()
        first.wait()
        self.assertTrue(self.socket.exists())
        second = self.daemon(UNIX)
        self.assertEqual(until(self.reach), 200)
        self.assertEqual(second.read("stderr"), f"Unlinking stale socket {self.socket}\n")

    def reach(self, address: Path | int | None = None) -> int | None:
        with suppress(OSError, EOFError):
            return self.client(address).get("/ok.html")
        return None

    def test_regular_file(self) -> None:
        """A file that is no socket is not deleted."""
        self.socket.write_text("precious")
        daemon = self.daemon(UNIX)
        self.assertEqual(daemon.wait(), 2)
        self.assertIn(f"{self.socket} exists and is not a socket", daemon.read("stderr"))
        self.assertEqual(self.socket.read_text(), "precious")

    def test_port_taken(self) -> None:
        """A port that is taken is said to be, and the unix socket taken before is given back."""
        with socket.socket() as theirs:
            theirs.bind(("127.0.0.1", 0))
            theirs.listen()
            port = theirs.getsockname()[1]
            daemon = self.daemon(f"{UNIX}[inet_http_server]\nport=127.0.0.1:{port}\n")
            self.assertEqual(daemon.wait(), 2)
        self.assertTrue(daemon.read("stderr").startswith(f"Error: {LISTENING}"))
        self.assertFalse(self.socket.exists())

    def test_refused_later(self) -> None:
        """If the start fails for another reason the socket is given back too."""
        daemon = self.daemon(
            f"{UNIX}[fcgi-program:f]\ncommand=x\nsocket=unix:///no/such/folder/f.sock\n"
        )
        self.assertEqual(daemon.wait(), 2)
        self.assertFalse(self.socket.exists())

    def test_user(self) -> None:
        """The socket belongs to the user that the daemon becomes."""
        requirements.root()
        self.directory.chmod(0o777)
        daemon = self.started(f"user=nobody\n{UNIX}")
        self.assertEqual(os.lstat(self.socket).st_uid, 65534)
        self.assertEqual(self.client().get("/ok.html"), 200)
        for uri in ("/", "/config", "/nothing.html", "/tail.html?processname=p", "/api/v1/figures"):
            code = self.client().get(uri, Accept="text/html, application/json")
            self.assertEqual(code, 404 if "nothing" in uri else 200, uri)
        self.assertEqual(self.client().get("/static/look.css"), 302)
        self.assertEqual(daemon.lines("Traceback|LookupError"), [])

    def test_daemonised(self) -> None:
        """In the background it is served as well."""
        daemon = self.daemon(UNIX, command=(sys.executable, "-m", "supervisor_tx"))
        self.assertEqual(daemon.wait(), 0)
        self.in_background()

    def test_twistd(self) -> None:
        """Under twistd, in the foreground and in the background, too."""
        daemon = self.started(UNIX, command=twistd("-n", "supervisor"))
        self.assertEqual(self.client().get("/ok.html"), 200)
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(self.socket.exists())
        self.assertEqual(self.daemon(UNIX, command=twistd("supervisor")).wait(), 0)
        self.in_background()

    def in_background(self) -> None:
        pid = int(until(self.pidfile))
        try:
            self.assertEqual(self.client().get("/ok.html"), 200)
        finally:
            os.kill(pid, signal.SIGTERM)
            until(lambda: not alive(pid))
        self.assertFalse(self.socket.exists())

    def pidfile(self) -> str:
        file = self.directory / "supervisord.pid"
        return file.read_text() if file.exists() else ""


class TrafficTests(HttpTestCase):
    """Clients of all kinds."""

    def test_many_idle(self) -> None:
        """Five hundred connections that say nothing are in nobody's way, nor lost."""
        daemon = self.started()
        idle = [self.client() for _ in range(500)]
        self.assertEqual([client.get("/ok.html") for client in idle[::50]], [200] * 10)
        self.assertEqual(self.client().get("/ok.html"), 200)
        self.assertEqual([client.get("/ok.html") for client in idle], [200] * 500)
        self.assertEqual(daemon.stop(), 0)
        self.assertTrue(all(client.ended() for client in idle))

    def test_too_many(self) -> None:
        """More than there is room for have to wait, until others go."""
        self.started(
            f"minfds=300\n{UNIX}",
            preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300)),
        )
        clients = [self.client() for _ in range(260)]
        first = clients[0]
        self.assertEqual(first.get("/ok.html"), 200)
        waiting = clients[-1]
        waiting.send(b"GET /ok.html HTTP/1.1\r\n\r\n")
        waiting.socket.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            waiting.file.read1(1)
        self.assertEqual(first.get("/ok.html"), 200)
        for client in clients[1:-1]:
            client.close()
        again = self.client()
        self.assertEqual(again.get("/ok.html"), 200)

    def test_vanishing(self) -> None:
        """Clients that go in the middle of anything change nothing for others."""
        daemon = self.started(UNIX + RPC)
        call = b"POST /RPC2 HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(GET_STATE) + GET_STATE
        for data in (
            b"", b"POS", b"POST /RPC2 HTTP/1.1\r\n", call[:-1], call, call * 100,
            b"GET /mainlogtail HTTP/1.1\r\n\r\n",
            b"POST /RPC2 HTTP/1.1\r\nContent-Length: 60000000\r\n\r\n" + b"x" * 1000000,
        ):  # fmt: skip
            for reset in (False, True):
                client = Client(self.socket)
                with suppress(BrokenPipeError, ConnectionResetError):
                    client.send(data)
                if reset:
                    linger = struct.pack("ii", 1, 0)
                    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                client.close()
        self.assertEqual(self.client().call(), 200)
        self.assertEqual(daemon.lines("Traceback|ERRO"), [])

    def test_malformed(self) -> None:
        """What is no HTTP gets an answer or an end; the log is not filled with it."""
        daemon = self.started(UNIX + RPC)
        for data in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n" * 1000, b"\0" * 100000,
            b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 100000, b"GET /" + b"x" * 1000000,
            b"POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
            b"POST /RPC2 HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 1000000,
            bytes(range(256)) * 1000,
        ):  # fmt: skip
            client = self.client()
            with suppress(BrokenPipeError, ConnectionResetError):
                client.send(data)
                client.socket.shutdown(socket.SHUT_WR)
                while client.file.read1(65536):
                    pass
        self.assertEqual(self.client().call(), 200)
        self.assertEqual(daemon.lines("Traceback|ERRO"), [])

    def test_too_big(self) -> None:
        """A client that sends too much reads why, although it goes on sending."""
        port = free_port()
        self.started(f"{UNIX}[inet_http_server]\nport=127.0.0.1:{port}\n")
        for address in (self.socket, port):
            client = self.client(address)
            client.send(b"POST /RPC2 HTTP/1.1\r\nContent-Length: 70000000\r\n\r\n")
            with suppress(BrokenPipeError, ConnectionResetError):
                for _ in range(10):
                    client.send(b"x" * 100000)
            self.assertEqual(client.status(), 413)

    def test_slow_reader(self) -> None:
        """A client that asks for much and reads nothing costs no memory."""
        daemon = self.started(UNIX + RPC)
        client = self.client()
        call = b"<methodCall><methodName>system.listMethods</methodName></methodCall>"
        request = b"POST /RPC2 HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(call) + call
        client.socket.settimeout(0.5)
        sent = 0
        with suppress(TimeoutError):
            while sent < 64 * 1024 * 1024:
                sent += client.socket.send(request * 1000)
        self.assertLess(sent, 4 * 1024 * 1024)
        self.assertLess(resident(daemon.process.pid), 120 * 1024 * 1024)
        self.assertEqual(self.client().call(), 200)

    def test_pipelined(self) -> None:
        """Requests that come together are answered together, in order."""
        self.started(UNIX + RPC)
        client = self.client()
        call = b"POST /RPC2 HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(GET_STATE) + GET_STATE
        client.send((call + b"GET /ok.html HTTP/1.1\r\n\r\n") * 200)
        for _ in range(200):
            self.assertEqual(client.answer()[1]["content-type"], "text/xml")
            self.assertEqual(client.answer()[2], b"OK")

    def test_principal(self) -> None:
        """Two servers, one with a password: each asks for its own."""
        port = free_port()
        self.started(
            f"{UNIX}{RPC}[inet_http_server]\nport=127.0.0.1:{port}\n"
            "username=u\npassword={SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d\n"
        )
        self.assertEqual(self.client().call(), 200)
        self.assertEqual(self.client(port).call(), 401)
        right = {"Authorization": "Basic " + b64encode(b"u:thepassword").decode()}
        self.assertEqual(self.client(port).get("/ok.html", **right), 200)

    def test_curl(self) -> None:
        """curl sends megabytes and asks before; it need not wait for the answer."""
        curl = requirements.program("curl")
        self.started(UNIX + RPC + "[program:p]\ncommand=cat\nautostart=false\n")
        call = (
            "<methodCall><methodName>supervisor.sendProcessStdin</methodName><params><param><value>"
            f"p</value></param><param><value>{'x' * 2000000}</value></param></params></methodCall>"
        )
        (self.directory / "call").write_text(call)
        before = time.monotonic()
        done = subprocess.run(
            [curl, "-sS", "-v", "--unix-socket", str(self.socket), "--data-binary", "@call",
             "-H", "Expect: 100-continue", "http://x/RPC2"],
            cwd=self.directory, capture_output=True, text=True, timeout=PATIENCE, check=True,
        )  # fmt: skip
        self.assertIn("100 Continue", done.stderr)
        self.assertIn("NOT_RUNNING: p", done.stdout)
        self.assertLess(time.monotonic() - before, PATIENCE / 2)

    def test_nginx(self) -> None:
        """Behind nginx, on the unix socket: calls, a health check, and a log as it is written."""
        port = nginx(self, self.directory, more=KEPT)
        self.started(f"{UNIX}{RPC}[program:p]\ncommand=sh {self.ticker()}\n")
        until(lambda: self.ask(port) == 200)
        client = self.client(port)
        for _ in range(5):
            self.assertEqual(client.call(), 200)
        stream = self.client(port)
        stream.send(b"GET /logtail/p HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers = stream.head()
        self.assertEqual((status, headers["content-type"]), (200, "text/plain;charset=utf-8"))
        (self.directory / "tick").touch()
        until(lambda: b"tick" in stream.file.readline())

    def ask(self, port: int) -> int | None:
        with suppress(OSError, EOFError):
            return self.client(port).get("/ok.html")
        return None

    def ticker(self) -> Path:
        """Write a program that says something when a file is made."""
        script = self.directory / "ticker"
        script.write_text(
            f"cd {self.directory}\nwhile :; do if [ -e tick ]; then rm tick; echo tick; fi\n"
            "sleep 0.05; done\n"
        )
        return script


class StreamTestCase(HttpTestCase):
    """With clients that follow."""

    def follow(self, uri: str) -> Client:
        client = self.client()
        client.send(f"GET {uri} HTTP/1.1\r\n\r\n".encode())
        self.assertEqual(client.head()[0], 200)
        return client

    def chunk(self, client: Client) -> bytes:
        """Read one chunk."""
        size = int(client.file.readline(), 16)
        data = client.file.read(size)
        self.assertEqual(client.file.readline(), b"\r\n")
        return data

    def text(self, client: Client, end: bytes) -> bytes:
        """Read chunks up to a text."""
        read = b""
        while end not in read:
            read += self.chunk(client)
        return read


class StreamTests(StreamTestCase):
    """Logs that are followed, from outside."""

    def test_over_runs(self) -> None:
        """A log is followed over the runs of its program, through clearing and rotation."""
        daemon = self.started(
            UNIX + "[program:p]\ncommand=sh -c 'echo run $$; read x; echo end $$'\nstartsecs=0\n"
            "stdout_logfile=%(here)s/p.log\nstdout_logfile_maxbytes=20\nautorestart=true\n"
        )
        client = self.follow("/logtail/p")
        pid = daemon.pid_of("p")
        self.text(client, b"run %d\n" % pid)
        os.kill(pid, signal.SIGKILL)
        self.text(client, b"run %d\n" % daemon.pid_of("p", 2))

    def test_never_started(self) -> None:
        """The AUTO log of a program that was never started is there, and empty."""
        self.started(UNIX + "[program:p]\ncommand=sleep 1000\nautostart=false\n")
        self.follow("/logtail/p")
        self.follow("/logtail/p/stderr")
        self.assertEqual(self.client().get("/logtail/other"), 404)

    def test_main(self) -> None:
        """The activity log is followed to the daemon's end, which is the end of the stream."""
        daemon = self.started(UNIX)
        client = self.follow("/mainlogtail")
        daemon.signal(signal.SIGUSR2)
        self.text(client, b"supervisord logreopen")
        daemon.signal(signal.SIGTERM)
        self.text(client, b"received SIGTERM indicating exit request")
        while self.chunk(client):
            pass
        self.assertTrue(client.ended())
        self.assertEqual(daemon.wait(), 0)

    def test_during_shutdown(self) -> None:
        """Logs can be followed while programs are being stopped."""
        daemon = self.started(
            UNIX + "[program:p]\ndirectory=%(here)s\n"
            'command=sh -c \'trap "echo bye" TERM; echo up; '
            "until [ -e end ]; do sleep 0.1; done'\nstopwaitsecs=1000\n"
        )
        self.text(self.follow("/logtail/p"), b"up")
        daemon.signal(signal.SIGTERM)
        self.text(self.follow("/logtail/p"), b"bye")
        (self.directory / "end").touch()
        self.assertEqual(daemon.wait(), 0)

    def test_slow_follower(self) -> None:
        """One who follows a flood and reads nothing costs the daemon nothing."""
        daemon = self.started(
            UNIX + "[program:p]\ndirectory=%(here)s\n"
            "command=sh -c 'yes | head -c 300000000; touch done; exec sleep 1000'\n"
        )
        self.follow("/logtail/p")
        until((self.directory / "done").exists)
        self.assertLess(resident(daemon.process.pid), 120 * 1024 * 1024)
        self.assertEqual(self.client().get("/ok.html"), 200)


class RestartTests(HttpTestCase):
    """What a restart does to servers and clients."""

    def hung_up(self, daemon: Daemon) -> None:
        count = len(daemon.lines("supervisord started with pid"))
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("supervisord started with pid", count + 1)

    def test_kept(self) -> None:
        """Who is connected stays connected; the new password counts at once."""
        daemon = self.started()
        client, inode = self.client(), os.lstat(self.socket).st_ino
        self.assertEqual(client.get("/ok.html"), 200)
        daemon.configure(UNIX + "username=u\npassword=p\nchmod=0770\n")
        self.hung_up(daemon)
        self.assertEqual(os.lstat(self.socket).st_ino, inode)
        self.assertEqual(os.lstat(self.socket).st_mode & 0o777, 0o770)
        right = {"Authorization": "Basic " + b64encode(b"u:p").decode()}
        until(lambda: self.client().get("/ok.html") == 401)
        self.assertEqual(client.get("/ok.html", **right), 200)

    def test_moved(self) -> None:
        """A server that goes says goodbye, one that comes is there."""
        daemon = self.started()
        client = self.client()
        self.assertEqual(client.get("/ok.html"), 200)
        port = free_port()
        daemon.configure(f"[inet_http_server]\nport=127.0.0.1:{port}\n")
        self.hung_up(daemon)
        self.assertEqual(self.client(port).get("/ok.html"), 200)
        self.assertTrue(client.ended())
        until(lambda: not self.socket.exists())

    def test_refused(self) -> None:
        """If a new port is taken nothing stops and nothing changes; one line says why."""
        program = "[program:p]\ncommand=sleep 1000\n"
        daemon = self.started(UNIX + program)
        pid, client = daemon.pid_of("p"), self.client()
        self.assertEqual(client.get("/ok.html"), 200)
        with socket.socket() as theirs:
            theirs.bind(("127.0.0.1", 0))
            theirs.listen()
            port = theirs.getsockname()[1]
            new = self.directory / "new.sock"
            daemon.configure(
                f"{program}[inet_http_server]\nport=127.0.0.1:{port}\n"
                f"[unix_http_server]\nfile={new}\n"
            )
            daemon.signal(signal.SIGHUP)
            daemon.wait_for(f"ERRO the restart is refused.*{LISTENING}")
        self.assertTrue(alive(pid))
        self.assertEqual(client.get("/ok.html"), 200)
        self.assertFalse(new.exists())
        self.hung_up(daemon)
        self.assertEqual(self.client(port).get("/ok.html"), 200)
        self.assertEqual(self.client(new).get("/ok.html"), 200)
        until(lambda: not self.socket.exists())

    def test_socket_removed(self) -> None:
        """A restart makes a socket anew that somebody has deleted; who is connected stays."""
        daemon = self.started()
        client = self.client()
        self.assertEqual(client.get("/ok.html"), 200)
        self.socket.unlink()
        daemon.configure(UNIX + "username=u\npassword=p\n")
        self.hung_up(daemon)
        right = {"Authorization": "Basic " + b64encode(b"u:p").decode()}
        self.assertEqual(self.client().get("/ok.html", **right), 200)
        self.assertEqual(client.get("/ok.html", **right), 200)
        self.assertEqual(client.get("/ok.html"), 401)
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(self.socket.exists())

    def test_answered_meanwhile(self) -> None:
        """Nobody is refused while a restart waits for a program, or after it."""
        daemon = self.started(
            UNIX + '[program:p]\ncommand=sh -c \'trap "" TERM; echo up; while :; do sleep 0.1; '
            "done'\nstopwaitsecs=1\n"
        )
        until(lambda: any("up\n" in log.read_text() for log in self.directory.glob("p-stdout*")))
        daemon.signal(signal.SIGHUP)
        while len(daemon.lines("supervisord started with pid")) < 2:
            client = Client(self.socket)
            self.assertEqual(client.get("/ok.html"), 200)
            client.close()
        self.assertEqual(self.client().get("/ok.html"), 200)


class LikeStockTests(HttpTestCase):
    """Status, headers and bodies next to those of stock Supervisor."""

    def test_the_same(self) -> None:
        """Each request has the same status, the same headers, and errors the same text."""
        daemons = self.both(
            f"{UNIX}username=u\npassword=p\n{RPC}[program:p]\ncommand=cat\n"
            "[group:g]\nprograms=q\n[program:q]\ncommand=cat\n"
        )
        for daemon in daemons:
            daemon.wait_for("success", 2)
        right = "Authorization: Basic " + b64encode(b"u:p").decode() + "\r\n"
        for name, data in REQUESTS.items():
            with self.subTest(request=name):
                theirs, ours = (
                    self.told(daemon.directory / "x.sock", data.replace("AUTH\r\n", right))
                    for daemon in daemons
                )
                self.assertEqual(ours, theirs)

    def told(self, path: Path, data: str) -> tuple[int, dict[str, str], bytes]:
        client = self.client(path)
        client.send(data.encode())
        if "tail" in data and "GET" in data:
            status, headers = client.head()
            body = b""
            if status != 200:
                body = client.file.read(int(headers["content-length"]))
        elif data.startswith("HEAD"):
            status, headers = client.head()
            body = b""
        else:
            status, headers, body = client.answer()
        headers.pop("x-content-type-options", "")  # ours alone
        for name in ("server", "date", "last-modified"):
            headers[name] = "" if name in headers else "missing"
        if status == 200 and b"methodResponse" in body:
            body = b"<methodResponse>"
            headers["content-length"] = ""
        return status, headers, body


def _call(uri: str = "/RPC2", version: str = "1.1", extra: str = "") -> str:
    return (
        f"POST {uri} HTTP/{version}\r\nAUTH\r\n{extra}Content-Length: {len(GET_STATE)}\r\n\r\n"
        + GET_STATE.decode()
    )


def _get(uri: str, method: str = "GET", version: str = "1.1") -> str:
    return f"{method} {uri} HTTP/{version}\r\nAUTH\r\n\r\n"


REQUESTS = {
    "call": _call(),
    "call 1.0": _call(version="1.0"),
    "call 1.0, kept": _call(version="1.0", extra="Connection: keep-alive\r\n"),
    "call and close": _call(extra="Connection: close\r\n"),
    "call with a suffix": _call("/RPC2xyz?a=b"),
    "call encoded": _call("/%52PC2"),
    "call in lower case": _call("/rpc2"),
    "call with two slashes": _call("//RPC2"),
    "call got": _get("/RPC2"),
    "call headed": _get("/RPC2", "HEAD"),
    "call without length": _get("/RPC2", "POST"),
    "no call": "POST /RPC2 HTTP/1.1\r\nAUTH\r\nContent-Length: 3\r\n\r\nxyz",
    "call without name": "POST /RPC2 HTTP/1.1\r\nAUTH\r\nContent-Length: 25\r\n\r\n"
    "<methodCall></methodCall>",
    "ok": _get("/ok.html"),
    "ok 1.0": _get("/ok.html", version="1.0"),
    "ok headed": _get("/ok.html", "HEAD"),
    "ok put": _get("/ok.html", "PUT"),
    "nothing": _get("/nothing"),
    "nothing posted": _call("/nothing"),
    "options": _get("/nothing", "OPTIONS"),
    "log": _get("/logtail/p"),
    "log of stderr": _get("/logtail/p/stderr"),
    "log in a group": _get("/logtail/g%3Aq"),
    "log of no group": _get("/logtail/q"),
    "log of a group": _get("/logtail/g"),
    "log of all in a group": _get("/logtail/g:*"),
    "log of another channel": _get("/logtail/p/other"),
    "log with a slash": _get("/logtail/p/"),
    "log posted": _get("/logtail/p", "POST"),
    "main log": _get("/mainlogtail"),
    "main log with a suffix": _get("/mainlogtailx/y"),
    "main log headed": _get("/mainlogtail", "HEAD"),
    "wrong password": _call().replace("AUTH\r\n", "Authorization: Basic dTp4\r\n"),
    "no password": _get("/ok.html").replace("AUTH\r\n", ""),
    "another scheme": _get("/ok.html").replace("AUTH\r\n", "Authorization: Digest x\r\n"),
}


def resident(pid: int) -> int:
    """Return how many bytes of memory a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
