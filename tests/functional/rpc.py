"""A client over a unix socket that shows all that comes back."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from pathlib import Path
from typing import Any

from tests.functional.harness import PATIENCE


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Client:
    """Asks one daemon, with a connection for each question."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def post(self, body: bytes) -> tuple[int, bytes]:
        """Send a body to ``/RPC2``; return status and body of the answer, 0: there was none."""
        connection = _Connection(self.path)
        try:
            connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
            response = connection.getresponse()
            return response.status, response.read()
        except (http.client.HTTPException, ConnectionError):
            return 0, b""
        finally:
            connection.close()

    def ask(self, body: bytes) -> Any:
        """Return the value that a call is answered with, a fault or an HTTP status as a tuple."""
        status, answer = self.post(body)
        if status != 200:
            return "HTTP", status
        try:
            params: Any = xmlrpc.client.loads(answer)[0]
        except xmlrpc.client.Fault as fault:
            return "fault", fault.faultCode, fault.faultString
        return params[0]

    def call(self, method: str, *params: Any) -> Any:
        """Call a method, and return what :meth:`ask` does."""
        return self.ask(xmlrpc.client.dumps(params, method, allow_none=True).encode())
