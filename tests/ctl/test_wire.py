from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.ctl.wire import Address, Connection, NotHTTP, basic

#: A body of three bytes, in two pieces, one with an extension.
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x\r\nab\r\n1\r\nc\r\n0\r\n\r\n"


class Server:
    """Answers each request, whatever it is, with the next of the bytes it was given."""

    def __init__(self, path: str, answers: Iterable[tuple[bytes, bool]]) -> None:
        """Take bytes, and whether the connection is closed behind them."""
        self.requests: list[bytes] = []
        self.connections = 0
        self._answers = list(answers)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(path)
        self._listening.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while self._answers:
            connection, _ = self._listening.accept()
            self.connections += 1
            with connection:
                while self._answers:
                    request = connection.recv(65536)
                    if not request:
                        break
                    self.requests.append(request)
                    answer, closes = self._answers.pop(0)
                    connection.sendall(answer)
                    if closes:
                        break

    def finish(self) -> None:
        self._thread.join(60)
        self._listening.close()


class ConnectionTests(SynchronousTestCase):
    def ask(self, *answers: tuple[bytes, bool]) -> tuple[list[bytes], Server]:
        path = str(Path(self.mktemp()).absolute())
        # a socket's path is short, and a test's directory is not
        path = f"/tmp/{abs(hash(path)):x}"
        self.addCleanup(Path(path).unlink, missing_ok=True)
        server = Server(path, answers)
        connection = Connection(Address(f"unix://{path}"), basic("u", "p"))
        bodies = []
        try:
            for _, closes in answers:
                answer = connection.request("POST", "/RPC2", b"<x/>")
                bodies.append(connection.body(answer))
                if closes and "content-length" in answer.headers and not answer.closes:
                    select.select([connection], (), (), 60)  # until we can know of it
        finally:
            connection.close()
            server.finish()
        return bodies, server

    def test_one_connection(self) -> None:
        """A connection is used again, and each request proves who we are in one line."""
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", False
        bodies, server = self.ask(answer, answer)
        self.assertEqual((bodies, server.connections), ([b"abc"] * 2, 1))
        self.assertIn(b"\r\nAuthorization: Basic dTpw\r\n", server.requests[1])
        self.assertIn(b"\r\nContent-Length: 4\r\n", server.requests[1])

    def test_a_closed_one(self) -> None:
        """A connection that the server has closed, announced or not, is made anew."""
        bodies, server = self.ask(
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na", True),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb", True),
            (b"HTTP/1.0 200 OK\r\n\r\nto the end", True),
            (
                CHUNKED,
                True,
            ),
        )
        self.assertEqual(bodies, [b"a", b"b", b"to the end", b"abc"])
        self.assertEqual(server.connections, 4)

    def test_what_is_no_answer(self) -> None:
        """What is not HTTP, or breaks off, is an error."""
        for answer in (
            b"",
            b"220 mail.example\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ):
            self.assertRaises(NotHTTP, self.ask, (answer, True))


class AddressTests(SynchronousTestCase):
    def test_urls(self) -> None:
        """Hosts have port 80 unless told, also numeric ones of version 6."""
        for url, host, port in (
            ("http://a", "a", 80),
            ("http://a:9001", "a", 9001),
            ("http://a:9001/", "a", 9001),
            ("http://[::1]:9001", "::1", 9001),
            ("http://[::1]", "::1", 80),
        ):
            address = Address(url)
            self.assertEqual((address.path, address.host, address.port), (None, host, port))
        self.assertEqual(Address("unix:///a b").path, "/a b")
        self.assertEqual(Address("http://[::1]:9").name, "[::1]:9")
        self.assertRaises(ValueError, Address, "ftp://a")

    def test_long_credentials(self) -> None:
        """However long they are, credentials are one line; without both there are none."""
        self.assertNotIn("\n", basic("u" * 100, "p" * 100)["Authorization"])
        self.assertEqual(basic("u", None), {})
        self.assertEqual(basic(None, "p"), {})
