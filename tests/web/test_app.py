"""The application behind all URLs that the servers do not know themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from klein import Klein
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

import supervisor_tx
from supervisor_tx.web import app, site
from supervisor_tx.web.app import UNDER_WAY, Segment, UnderWay
from supervisor_tx.web.request import Request
from tests.rpc.stage import MemoryDaemon
from tests.web.wire import Answer, World, answers, request


class AppTests(SynchronousTestCase):
    def setUp(self) -> None:
        """An application with two routes beside its own."""
        self.world = World()
        app.application.cache_clear()
        self.addCleanup(app.application.cache_clear)
        klein: Klein = app.application()._app

        @klein.route("/named/<segment:name>/there", methods=["GET"])
        def named(request: Request, name: str) -> UnderWay:
            request.respond(200, b"text/plain", name.encode())
            return UNDER_WAY

        @klein.route("/broken", methods=["POST"])
        def broken(request: Request) -> UnderWay:
            raise ValueError("a defect")

    def ask(self, uri: str, method: str = "GET", **headers: str) -> Answer:
        return self.world.connect().ask(request(method, uri, **headers), method)

    def test_route(self) -> None:
        """A handler gets the request and the segment, and answers by itself."""
        for uri, name in (
            ("/named/x/there", "x"),
            ("//named/x/there?y=/z", "x"),
            ("/named/gr%C3%BCn%3Ax/there", "grün:x"),
            ("/named/a%2Fb/there", "a/b"),
            ("/named/a%252Fb%25/there", "a%2Fb%"),
            ("/%6Eamed/%20/there", " "),
        ):
            answer = self.ask(uri)
            self.assertEqual((answer.code, answer.body.decode()), (200, name), uri)

    def test_links(self) -> None:
        """What stands for a segment in a link is one segment, whatever is in it."""
        converter = Segment(app.application()._app.url_map)
        self.assertEqual(converter.to_url("a/b %"), "a%2Fb%20%25")

    def test_no_route(self) -> None:
        """What no route is for is not found; slashes are not taken lightly."""
        for uri in ("/other", "/named/x", "/named//there", "/named/x/there/", "/named/x//there"):
            self.assertEqual(self.ask(uri).code, 404, uri)

    def test_head(self) -> None:
        """HEAD is answered as GET, without the body."""
        wire = self.world.connect()
        wire.say(request("HEAD", "/named/x/there"))
        self.assertTrue(wire.take().endswith(b"Content-Length: 1\r\n\r\n"))

    def test_wrong_method(self) -> None:
        """Which methods there are is told with 405, and to who asks by OPTIONS."""
        answer = self.ask("/broken")
        self.assertEqual((answer.code, answer.headers["allow"]), (405, "OPTIONS, POST"))
        answer = self.ask("/named/x/there", "OPTIONS")
        self.assertEqual((answer.code, answer.headers["allow"]), (204, "GET, HEAD, OPTIONS"))
        self.assertNotIn("content-length", answer.headers)

    def test_no_text(self) -> None:
        """A path that is no UTF-8 is a bad request, and is nobody's fault."""
        self.assertEqual(self.ask("/named/%FF/there").code, 400)

    def test_bad_host(self) -> None:
        """So is a host whose name none can be."""
        for host in ("a..b", "x" * 70, "\xff"):
            self.assertEqual(self.ask("/named/x/there", Host=host).code, 400, host)

    def test_defect(self) -> None:
        """A handler that fails is told of in the log, with where it was asked from."""
        self.assertEqual(self.ask("/broken", "POST", Content_Length="0").code, 500)


class LoadingTests(SynchronousTestCase):
    """The first request, for which the application has to be imported."""

    def setUp(self) -> None:
        directory = Path(self.mktemp())
        directory.mkdir()
        self.daemon = MemoryDaemon(Clock(), directory)
        self.world = World(daemon=self.daemon)
        self.daemon.waiting = []
        site._loaded.clear()
        self.addCleanup(site.load_application)

    def test_in_a_thread(self) -> None:
        """Nobody else has to wait for that."""
        wires = [self.world.connect() for _ in range(3)]
        for wire in wires:
            wire.say(request("GET", "/api/v1/daemon"))
        self.assertEqual(self.world.connect().ask(request("GET", "/ok.html")).code, 200)
        self.assertEqual([wire.heard for wire in wires], [b""] * 3)
        wires[0].vanish()
        self.daemon.work()
        self.assertEqual([answers(wire.take())[0].code for wire in wires[1:]], [200, 200])
        self.assertEqual(self.world.connect().ask(request("GET", "/api/v1/daemon")).code, 200)

    def test_not_before(self) -> None:
        """What has no pages to answer for has not imported it: it takes memory and time."""
        code = (
            "import sys; import supervisor_tx.rpc.resource, supervisor_tx.web.site; "
            "import supervisor_tx.web.streams, supervisor_tx.supervision.daemon; "
            "assert not {'klein', 'werkzeug', 'supervisor_tx.web.app'} & set(sys.modules)"
        )
        environ = {**os.environ, "PYTHONPATH": str(Path(supervisor_tx.__file__).parents[1])}
        subprocess.run([sys.executable, "-c", code], check=True, env=environ)
