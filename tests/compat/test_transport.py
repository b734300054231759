"""The transport of XML-RPC clients, against a real HTTP server."""

from __future__ import annotations

import base64
import shutil
import socketserver
import tempfile
import xmlrpc.client
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.compat.xmlrpc import SupervisorTransport


class _Answers(BaseHTTPRequestHandler):
    """Answers each call with its name and parameters, and keeps what it was asked."""

    protocol_version = "HTTP/1.1"
    server: Any

    def address_string(self) -> str:
        return "somebody"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers)))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        params, method = xmlrpc.client.loads(body)
        answer = b"no"
        if method == "fail":
            answer = xmlrpc.client.dumps(xmlrpc.client.Fault(10, "BAD_NAME: x")).encode()
        elif status == 200:
            answer = xmlrpc.client.dumps(((method, list(params)),), methodresponse=True).encode()
        self.send_response(status, "as told")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        if method == "leave":
            self.close_connection = True


class _Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class _Tcp(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True


class TransportTests(SynchronousTestCase):
    """Both kinds of addresses."""

    def serve(self, unix: bool = True) -> str:
        """Start a server; return its address."""
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        kind: Any = _Unix if unix else _Tcp
        server = kind(str(folder / "s") if unix else ("127.0.0.1", 0), _Answers)
        server.asked, server.statuses, server.connections = [], [], 0
        self.server = server
        thread = Thread(target=self.server.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)
        return f"unix://{folder}/s" if unix else f"http://127.0.0.1:{self.server.server_address[1]}"

    def connect(self, url: str, user: str | None = None, password: str | None = None) -> Any:
        """Return a proxy, as client libraries make one."""
        self.transport = SupervisorTransport(user, password, url)
        self.addCleanup(self.transport.close)
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=self.transport)

    def test_both(self) -> None:
        """Calls are answered over a unix socket and over TCP, at /RPC2."""
        for unix in (True, False):
            with self.subTest(unix=unix):
                proxy = self.connect(self.serve(unix))
                self.assertEqual(proxy.a.b(1, "ä"), ["a.b", [1, "ä"]])
                ((path, headers),) = self.server.asked
                self.assertEqual((path, headers["Content-Type"]), ("/RPC2", "text/xml"))
                self.assertNotIn("Authorization", headers)

    def test_password(self) -> None:
        """A name and a password are sent with each call, empty ones as well."""
        url = self.serve()
        for user, password in (("me", "pass:wörd"), ("", "")):
            self.connect(url, user, password).call()
            word = self.server.asked[-1][1]["Authorization"].removeprefix("Basic ")
            self.assertEqual(base64.b64decode(word).decode(), f"{user}:{password}")

    def test_kept(self) -> None:
        """The connection is kept from call to call, also after a fault."""
        proxy = self.connect(self.serve())
        proxy.one()
        fault = self.assertRaises(xmlrpc.client.Fault, proxy.fail)
        self.assertEqual((fault.faultCode, fault.faultString), (10, "BAD_NAME: x"))
        proxy.two()
        self.assertEqual(self.server.connections, 1)

    def test_refused(self) -> None:
        """A status that is no answer is told with its headers, and the connection made anew."""
        proxy = self.connect(self.serve())
        self.server.statuses.append(401)
        error = self.assertRaises(xmlrpc.client.ProtocolError, proxy.one)
        self.assertEqual((error.errcode, error.errmsg), (401, "as told"))
        self.assertEqual(error.url, "127.0.0.1/RPC2")
        self.assertEqual(proxy.two(), ["two", []])
        self.assertEqual(self.server.connections, 2)

    def test_closed(self) -> None:
        """After close, and after the server has left, the next call makes a connection."""
        proxy = self.connect(self.serve())
        proxy.one()
        self.transport.close()
        proxy.leave()
        self.transport.close()
        self.transport.close()
        self.assertEqual(proxy.three(), ["three", []])
        self.assertEqual(self.server.connections, 3)

    def test_nobody(self) -> None:
        """Where nobody listens the error is the system's, each time."""
        proxy = self.connect("unix:///no/such/socket")
        for _ in range(2):
            self.assertRaises(FileNotFoundError, proxy.one)
        self.assertRaises(ValueError, SupervisorTransport, "", "", "9001")
