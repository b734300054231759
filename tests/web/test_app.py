"""The application behind all URLs that the servers do not know themselves."""

from __future__ import annotations

from klein import Klein
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.web import app
from supervisor_tx.web.app import UNDER_WAY, Segment, UnderWay
from supervisor_tx.web.request import Request
from tests.web.wire import Answer, World, request


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
