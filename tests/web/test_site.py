"""Requests and their answers: which URL, which status, which headers; who may ask."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.supervision.logs import watch
from supervisor_tx.supervision.operations import Principal
from supervisor_tx.values import replace
from supervisor_tx.web.channel import AT_ONCE, DEADLINE, LINGER, PROGRESS
from supervisor_tx.web.parts import AT_ONCE as TURN
from supervisor_tx.web.request import MOST_BODY
from supervisor_tx.web.site import BadRequest
from tests.web.wire import CALL, Answer, Wire, World, answers, post, request


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


class SiteTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.wire = self.world.connect()

    def get(self, uri: str, method: str = "GET", version: str = "1.1") -> Answer:
        return self.world.connect().ask(request(method, uri, version), method)


class SlowWire(Wire):
    """A connection of a client that takes little at a time."""

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.producer is not None and data:
            self.producer.pauseProducing()


class CallTests(SiteTestCase):
    """XML-RPC calls, as far as they are HTTP."""

    def test_answer(self) -> None:
        """A call is answered with the headers that Supervisor sends."""
        answer = self.wire.ask(post())
        self.assertEqual((answer.version, answer.code, answer.reason), ("HTTP/1.1", 200, "OK"))
        self.assertEqual(list(answer.headers), ["server", "date", "content-type", "content-length"])
        self.assertEqual(answer.headers["content-type"], "text/xml")
        self.assertEqual(answer.body, b"<answer/>")
        self.assertEqual(self.world.rpc.calls[0][0], CALL)

    def test_prefix(self) -> None:
        """Whatever begins with /RPC2, also encoded, is a call."""
        for uri in ("/RPC2", "/RPC2/", "/RPC2foo", "/%52PC2", "/RPC2?a=b", "/RPC2#x", "/RPC2;y"):
            self.assertEqual(self.wire.ask(post(uri)).code, 200, uri)
        for uri in ("/rpc2", "//RPC2", "/x/RPC2", "http://host/RPC2"):
            self.assertEqual(self.wire.ask(post(uri)).code, 400, uri)

    def test_method(self) -> None:
        """A call is posted; everything else is a bad request."""
        for method in ("GET", "PUT", "HEAD", "DELETE", "FOO"):
            self.assertEqual(self.get("/RPC2", method).code, 400, method)

    def test_length_required(self) -> None:
        """A call says how long it is."""
        answer = self.wire.ask(request("POST", "/RPC2"))
        self.assertEqual((answer.code, answer.reason), (411, "Length Required"))
        self.assertIn(b"<p>Error code 411.\r\n<p>Message: Length Required.", answer.body)

    def test_chunked(self) -> None:
        """A call may come in chunks instead."""
        self.wire.say(request("POST", "/RPC2", Transfer_Encoding="chunked"))
        answer = self.wire.ask(b"4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n")
        self.assertEqual(answer.code, 200)
        self.assertEqual(self.world.rpc.calls[0][0], b"abcdefg")

    def test_pieces(self) -> None:
        """It does not matter how a call is cut into pieces."""
        for byte in post():
            self.wire.say(bytes([byte]))
        self.assertEqual([answer.code for answer in answers(self.wire.take())], [200])
        self.assertEqual(self.world.rpc.calls[0][0], CALL)

    def test_expect_continue(self) -> None:
        """Who waits to be told to go on is told."""
        head = request("POST", "/RPC2", Content_Length="4", Expect="100-continue")
        self.wire.say(head)
        self.assertEqual(self.wire.take(), b"HTTP/1.1 100 Continue\r\n\r\n")
        self.assertEqual(self.wire.ask(b"call").code, 200)

    def test_bad_call(self) -> None:
        """What is no call is a bad request, and the connection goes on."""
        self.assertEqual(self.wire.ask(post(body=b"bad")).code, 400)
        self.assertEqual(self.wire.ask(post()).code, 200)

    def test_defect(self) -> None:
        """A method that fails in a way that nobody foresaw is a server error."""
        self.assertEqual(self.wire.ask(post(body=b"broken")).code, 500)
        self.assertEqual(self.wire.ask(post()).code, 200)

    def test_late_answer(self) -> None:
        """An answer may come later; others are answered meanwhile, the next on the line after."""
        other = self.world.connect()
        self.wire.say(post(body=b"late") + post())
        self.assertEqual(self.wire.heard, b"")
        self.assertEqual(other.ask(post()).code, 200)
        self.world.rpc.late[0].callback(b"<late/>")
        self.assertEqual(
            [answer.body for answer in answers(self.wire.take())], [b"<late/>", b"<answer/>"]
        )

    def test_late_failure(self) -> None:
        """A late failure is a server error too."""
        self.wire.say(post(body=b"late"))
        self.world.rpc.late[0].errback(ValueError("a defect"))
        self.assertEqual([answer.code for answer in answers(self.wire.take())], [500])

    def test_late_bad_call(self) -> None:
        """What is found to be no call later is a bad request all the same."""
        self.wire.say(post(body=b"late"))
        self.world.rpc.late[0].errback(BadRequest())
        self.assertEqual([answer.code for answer in answers(self.wire.take())], [400])

    def test_vanished(self) -> None:
        """A client that does not wait for its answer hurts nobody."""
        self.wire.say(post(body=b"late"))
        self.wire.vanish()
        self.world.rpc.late[0].callback(b"<late/>")
        self.assertEqual(self.world.connect().ask(post()).code, 200)

    def test_long_answer(self) -> None:
        """A long answer is sent in later turns of the loop; the next request is answered then."""
        self.wire.say(post(body=b"parts 100000") + post())
        self.assertTrue(self.wire.heard.endswith(b"\r\n\r\n"))
        self.world.turn()
        first, second = answers(self.wire.take())
        self.assertEqual(first.headers["content-type"], "text/xml")
        self.assertEqual(first.body, b"".join(b"%05d" % number for number in range(100000)))
        self.assertEqual(second.body, b"<answer/>")

    def test_long_answer_late(self) -> None:
        """A client of HTTP/1.0 may have one too, and one that comes later."""
        self.wire.say(post(body=b"late", version="1.0"))
        self.world.rpc.late[0].callback([b"<late", b"/>"])
        self.world.turn()
        [answer] = answers(self.wire.take())
        self.assertEqual(answer.body, b"<late/>")
        self.assertTrue(self.wire.closed)

    def test_long_answer_taken_slowly(self) -> None:
        """What the client does not take is not sent."""
        wire = SlowWire(self.world.site)
        wire.say(post(body=b"parts 100000"))
        for turns in range(1, 4):
            self.world.turn()
            self.assertLess(len(wire.heard), (turns + 1) * TURN)
            wire.producer.resumeProducing()
        self.world.turn()
        [answer] = answers(wire.take())
        self.assertEqual(len(answer.body), 500000)

    def test_long_answer_left(self) -> None:
        """A client may go in the middle of one, or before."""
        wire = SlowWire(self.world.site)
        wire.say(post(body=b"parts 100000"))
        self.world.turn()
        wire.producer.resumeProducing()
        wire.vanish()
        self.assertEqual(self.world.clock.getDelayedCalls(), [])
        other = self.world.connect()
        other.say(post(body=b"late"))
        other.vanish()
        self.world.rpc.late[0].callback([b"<late", b"/>"])
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_who(self) -> None:
        """The one who asks is known by the connection, and by name where that was proved."""
        self.wire.say(post())
        self.assertEqual(self.world.rpc.calls[0][1], Principal("unix", uid=4))
        world = World("ann", "secret")
        wire = world.connect(Principal("inet", address="::1"))
        wire.say(post(Authorization=basic("ann:secret")))
        self.assertEqual(world.rpc.calls[0][1], Principal("inet", user="ann", address="::1"))

    def test_nothing_made(self) -> None:
        """Where the interfaces could not be made, calls fail and the rest works."""
        content = self.world.site.content
        self.world.site.content = replace(content, rpc=None)
        self.assertEqual(self.wire.ask(post()).code, 500)
        self.assertEqual(self.get("/ok.html").code, 200)


class CrossSiteTests(SiteTestCase):
    """Calls that a browser sends on behalf of somebody else's page."""

    def ask(self, headers: dict[str, str]) -> int:
        length = str(len(CALL))
        head = request("POST", "/RPC2", Host="here:9001", Content_Length=length, **headers)
        return self.wire.ask(head + CALL).code

    def test_refused(self) -> None:
        """They are refused before anything is called."""
        for headers in (
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site", "Origin": "http://here:9001"},
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://[bad"},
        ):
            self.assertEqual(self.ask(headers), 403, headers)
        self.assertEqual(self.world.rpc.calls, [])

    def test_own_page(self) -> None:
        """A page of our own may call, and so may whoever is no browser."""
        for headers in (
            {"Sec_Fetch_Site": "same-origin", "Origin": "http://proxy"},
            {"Sec_Fetch_Site": "none"},
            {"Origin": "http://Here:9001"},
            {},
        ):
            self.assertEqual(self.ask(headers), 200, headers)


class PersistenceTests(SiteTestCase):
    """Whether a connection outlives a request."""

    def test_one_one(self) -> None:
        """HTTP/1.1 keeps it, and never announces that it will be closed."""
        for _ in range(3):
            answer = self.wire.ask(post())
            self.assertNotIn("connection", answer.headers)
        self.assertFalse(self.wire.closed)
        answer = self.wire.ask(post(Connection="close"))
        self.assertNotIn("connection", answer.headers)
        self.assertTrue(self.wire.closed)

    def test_one_zero(self) -> None:
        """HTTP/1.0 closes it, unless it is asked to keep it, and then says so."""
        answer = self.wire.ask(post(version="1.0", Connection="keep-alive"))
        self.assertEqual(answer.version, "HTTP/1.0")
        self.assertEqual(answer.headers["connection"], "Keep-Alive")
        self.assertFalse(self.wire.closed)
        answer = self.wire.ask(post(version="1.0"))
        self.assertEqual((answer.version, answer.code), ("HTTP/1.0", 200))
        self.assertNotIn("connection", answer.headers)
        self.assertTrue(self.wire.closed)

    def test_pipelined(self) -> None:
        """Many requests in one piece are answered one after the other."""
        self.wire.say(post() * 500 + post(body=b"bad") + request("GET", "/ok.html"))
        self.world.turn()
        codes = [answer.code for answer in answers(self.wire.take())]
        self.assertEqual(codes, [200] * 500 + [400, 200])

    def test_idle(self) -> None:
        """A connection that nobody uses is left alone, and nothing runs meanwhile."""
        self.wire.ask(post())
        self.assertEqual(self.world.clock.getDelayedCalls(), [])
        self.world.clock.advance(100 * 3600)
        self.assertEqual(self.wire.ask(post()).code, 200)

    def test_farewell(self) -> None:
        """At the end idle connections are closed, others when they were answered."""
        busy, idle = self.wire, self.world.connect()
        busy.say(post(body=b"late"))
        for wire in (busy, idle):
            wire.channel.bid_farewell()
        self.assertTrue(idle.closed)
        self.assertFalse(busy.closed)
        self.world.rpc.late[0].callback(b"<late/>")
        self.assertEqual([answer.body for answer in answers(busy.take())], [b"<late/>"])
        self.assertTrue(busy.closed)


class DeadlineTests(SiteTestCase):
    """Requests that do not get on."""

    def overdue(self, wire: Wire) -> None:
        [answer] = answers(wire.take())
        self.assertEqual(answer.code, 408)
        self.assertTrue(wire.half_closed)
        wire.say(b"still here")
        self.assertEqual(wire.heard, b"")
        self.world.clock.advance(LINGER)
        self.assertTrue(wire.aborted)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_slow_header(self) -> None:
        """A byte a second does not keep a connection."""
        for byte in (b"GET /" + b"x" * 1000)[: int(DEADLINE)]:
            self.wire.say(bytes([byte]))
            self.world.clock.advance(1)
        self.overdue(self.wire)

    def test_slow_body(self) -> None:
        """Neither does it in the body."""
        self.wire.say(request("POST", "/RPC2", Content_Length="100000"))
        for _ in range(int(DEADLINE)):
            self.wire.say(b"x")
            self.world.clock.advance(1)
        self.overdue(self.wire)

    def test_silent(self) -> None:
        """Nor does a request that simply stops."""
        self.wire.say(post()[:-1])
        self.world.clock.advance(DEADLINE)
        self.overdue(self.wire)

    def test_progress(self) -> None:
        """A long body over a slow line gets on, and is taken."""
        size = 10 * PROGRESS
        self.wire.say(request("POST", "/RPC2", Content_Length=str(size)))
        for _ in range(10):
            self.world.clock.advance(DEADLINE - 1)
            self.wire.say(b"x" * PROGRESS)
        self.assertEqual([answer.code for answer in answers(self.wire.take())], [200])
        self.assertEqual(len(self.world.rpc.calls[0][0]), size)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_blank_lines(self) -> None:
        """A line end after a body, as some clients send it, is no request."""
        self.wire.say(post() + b"\r\n")
        self.wire.say(b"\r\n")
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_waiting_for_us(self) -> None:
        """Who waits for an answer may wait as long as it takes."""
        self.wire.say(post(body=b"late"))
        self.assertEqual(self.world.clock.getDelayedCalls(), [])


class LimitTests(SiteTestCase):
    """Requests that are too big."""

    def refused(self, code: int, wire: Wire | None = None) -> None:
        wire = wire or self.wire
        [answer] = answers(wire.take())
        self.assertEqual(answer.code, code)
        self.assertEqual(answer.headers["connection"], "close")
        self.assertTrue(wire.half_closed)

    def test_announced(self) -> None:
        """A body that is announced to be too long is not waited for, nor asked for."""
        self.wire.say(
            request("POST", "/RPC2", Content_Length=str(MOST_BODY + 1), Expect="100-continue")
        )
        self.refused(413)
        self.wire.say(b"x" * 1000)
        self.assertEqual(self.world.rpc.calls, [])

    def test_unannounced(self) -> None:
        """A body in chunks is taken until it is too long."""
        self.wire.say(request("POST", "/RPC2", Transfer_Encoding="chunked"))
        chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        for _ in range(MOST_BODY // 0x100000):
            self.wire.say(chunk)
        self.assertEqual(self.wire.heard, b"")
        self.wire.say(chunk + b"0\r\n\r\n")
        self.refused(413)
        self.assertEqual(self.world.site.held, 0)
        self.assertEqual(self.world.rpc.calls, [])

    def test_all_together(self) -> None:
        """Many bodies at the same time have a limit too, and it is freed again."""
        self.world.site.held = 4 * MOST_BODY - 10  # as if others were under way
        self.wire.say(request("POST", "/RPC2", Content_Length="20") + b"x" * 19)
        self.refused(503)
        self.assertEqual(self.world.site.held, 4 * MOST_BODY - 10)
        wire = self.world.connect()
        wire.say(request("POST", "/RPC2", Content_Length="20") + b"x" * 9)
        wire.vanish()
        self.assertEqual(self.world.site.held, 4 * MOST_BODY - 10)

    def test_header(self) -> None:
        """Headers have a limit in length and in number."""
        for data in (
            b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n",
            b"GET /" + b"x" * 20000,
            request("GET", "/ok.html", **{f"X{n}": "y" for n in range(600)}),
            request("GET", "/ok.html", **{f"X{n}": "y" * 8000 for n in range(3)}),
        ):
            wire = self.world.connect()
            wire.say(data)
            self.assertEqual(answers(wire.take())[0].code, 400)
            self.assertTrue(wire.closed or wire.half_closed)

    def test_slow_reader(self) -> None:
        """Who asks for much and reads nothing is not listened to until it does."""
        self.wire.channel.pauseProducing()  # as the transport does when much waits to be sent
        self.assertFalse(self.wire.reading)
        self.wire.say(post() * 3)
        self.assertEqual(self.world.rpc.calls, [])
        self.world.clock.advance(10 * DEADLINE)  # as long as it likes
        self.wire.channel.resumeProducing()
        self.assertTrue(self.wire.reading)
        self.assertEqual(len(answers(self.wire.take())), 3)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_turns(self) -> None:
        """Who asks many things at once lets others have their turn in between."""
        clock = self.world.clock
        self.wire.channel.callLater = lambda _, call: clock.callLater(1, call)  # a turn is a second
        self.wire.say(post() * (2 * AT_ONCE + 1))
        for count in (AT_ONCE, AT_ONCE, 1):
            self.assertEqual(self.wire.reading, count == 1)
            self.assertEqual(len(answers(self.wire.take())), count)
            self.world.clock.advance(1)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_turns_after_waiting(self) -> None:
        """That holds for those too who asked while they had to wait for an answer."""
        self.wire.say(post(body=b"late") + post() * (2 * AT_ONCE))
        self.world.rpc.late[0].callback(b"<late/>")
        self.assertLess(len(answers(self.wire.take())), 2 * AT_ONCE)
        self.world.turn()
        self.assertTrue(self.wire.reading)
        self.assertEqual(len(self.world.rpc.calls), 2 * AT_ONCE + 1)

    def test_vanished_at_rest(self) -> None:
        """A client may go in between."""
        self.wire.say(post() * (2 * AT_ONCE))
        self.wire.vanish()
        self.assertEqual(self.world.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.world.rpc.calls), AT_ONCE)


class MalformedTests(SiteTestCase):
    """What is no HTTP."""

    def test_malformed(self) -> None:
        """It is refused, and the connection closed."""
        for data in (
            b"GARBAGE\r\n\r\n",
            b"GET /\r\n\r\n",
            b"GET / HTTP/3.0\r\n\r\n",
            b"G(T / HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
            b"POST /RPC2 HTTP/1.1\r\nContent-Length: abc\r\n\r\n",
            b"POST /RPC2 HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"POST /RPC2 HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"POST /RPC2 HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"POST /RPC2 HTTP/1.1\r\nNo colon\r\n\r\n",
        ):
            wire = self.world.connect()
            wire.say(data)
            self.assertEqual(answers(wire.take())[0].code, 400, data)
            self.assertTrue(wire.closed, data)
        self.assertEqual(self.world.rpc.calls, [])


class PageTests(SiteTestCase):
    """Pages, of which there is one so far."""

    def test_ok(self) -> None:
        """The page for health checks says OK."""
        for method in ("GET", "POST"):
            answer = self.get("/ok.html", method)
            self.assertEqual((answer.code, answer.body), (200, b"OK"))
            self.assertEqual(answer.headers["content-type"], "text/plain")

    def test_others(self) -> None:
        """What is not there is not found; what cannot be asked for is a bad request."""
        for method, code in (("GET", 404), ("HEAD", 404), ("POST", 400), ("OPTIONS", 400)):
            answer = self.get("/nothing/here", method)
            self.assertEqual(answer.code, code)
            self.assertEqual(answer.headers["content-type"], "text/html")
        self.assertEqual(self.get("/ok.html", "HEAD").code, 404)

    def test_error_page(self) -> None:
        """The body of an error is that of Supervisor."""
        self.assertEqual(
            self.get("/nothing").body,
            b"<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n"
            b"<h1>Error response</h1>\r\n<p>Error code 404.\r\n<p>Message: Not Found.\r\n"
            b"</body>\r\n",
        )


class AuthenticationTests(SiteTestCase):
    """Who may ask."""

    def setUp(self) -> None:
        self.world = World("user", "pa:ss")

    def code(self, data: bytes) -> int:
        wire = self.world.connect()
        answer = wire.ask(data)
        if answer.code == 401:
            self.assertEqual(answer.headers["www-authenticate"], 'Basic realm="default"')
            self.assertEqual(answer.headers["connection"], "close")
            self.assertTrue(wire.closed or wire.half_closed)
            self.assertEqual(wire.uses, 0)
        else:
            self.assertEqual(wire.uses, 1)
        return answer.code

    def test_everything(self) -> None:
        """There is nothing that may be had without the password."""
        for data in (
            post(),
            request("GET", "/"),
            request("GET", "/ok.html"),
            request("GET", "/nothing"),
            request("GET", "/logtail/x"),
            request("GET", "/mainlogtail"),
            request("FOO", "/RPC2"),
            request("POST", "/RPC2"),
        ):
            self.assertEqual(self.code(data), 401, data)
        self.assertEqual(self.world.rpc.calls, [])

    def test_right(self) -> None:
        """With it everything is as without authentication."""
        self.assertEqual(self.code(post(Authorization=basic("user:pa:ss"))), 200)
        self.assertEqual(self.code(request("GET", "/x", Authorization=basic("user:pa:ss"))), 404)

    def test_body_of_strangers(self) -> None:
        """A long body of somebody who may not ask is not taken, nor asked for."""
        for headers in (
            {"Content_Length": "1000000"},
            {"Content_Length": "10", "Expect": "100-continue"},
            {"Transfer_Encoding": "chunked"},
        ):
            self.assertEqual(self.code(request("POST", "/RPC2", **headers)), 401)
        self.assertEqual(self.world.site.held, 0)


class StreamTests(SiteTestCase):
    """Logs that are followed."""

    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "log")
        self.path.write_bytes(b"old\n")
        self.world.logs.paths["group:p", 1] = str(self.path)
        self.world.logs.paths["p", 2] = None
        self.world.logs.main = str(self.path)
        self.addCleanup(self.wire.vanish)

    def append(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)
        watch.tell(str(self.path))
        self.world.clock.advance(0)

    def begin(self, uri: str, version: str = "1.1") -> dict[str, str]:
        self.wire.say(request("GET", uri, version))
        head, end, self.wire.heard = self.wire.heard.partition(b"\r\n\r\n")
        [answer] = answers(head + end)
        self.assertEqual((answer.code, answer.version), (200, f"HTTP/{version}"))
        return answer.headers

    def test_process(self) -> None:
        """A process's log comes in chunks, first its end and then what is written, as it is."""
        headers = self.begin("/logtail/group%3Ap")
        self.assertEqual(
            list(headers),
            ["server", "date", "last-modified", "content-type", "x-content-type-options",
             "x-accel-buffering", "transfer-encoding"],
        )  # fmt: skip
        self.assertEqual(headers["content-type"], "text/plain;charset=utf-8")
        self.assertEqual(headers["x-accel-buffering"], "no")
        self.assertEqual(self.wire.take(), b"4\r\nold\n\r\n")
        self.append(b"\xff\n")
        self.assertEqual(self.wire.take(), b"2\r\n\xff\n\r\n")

    def test_main(self) -> None:
        """The activity log is there too."""
        headers = self.begin("/mainlogtail")
        self.assertNotIn("x-accel-buffering", headers)
        self.assertEqual(self.wire.take(), b"4\r\nold\n\r\n")

    def test_one_zero(self) -> None:
        """An HTTP/1.0 client gets it without chunks."""
        headers = self.begin("/logtail/group:p/stdout?x", "1.0")
        self.assertNotIn("transfer-encoding", headers)
        self.append(b"new\n")
        self.assertEqual(self.wire.take(), b"old\nnew\n")

    def test_not_found(self) -> None:
        """What is no log of anybody is not found."""
        for uri in (
            "/logtail", "/logtail/", "/logtailx", "/logtail/other", "/logtail/p",
            "/logtail/p/stderr", "/logtail/group:p/x", "/logtail/group:p/stdout/x",
            "/logtail/group:p/", "/logtail/%ff%00", "/logtail/group",
        ):  # fmt: skip
            self.assertEqual(self.get(uri).code, 404, uri)
        self.path.unlink()
        for uri in ("/logtail/group:p", "/mainlogtail"):
            self.assertEqual(self.get(uri).code, 404, uri)
        self.world.logs.main = None
        self.assertEqual(self.get("/mainlogtail").code, 404)
        self.world.logs.main = "/dev/null"
        self.assertEqual(self.get("/mainlogtail").code, 404)

    def test_method(self) -> None:
        """A log can only be got."""
        for uri in ("/logtail/group:p", "/mainlogtail"):
            for method in ("POST", "HEAD", "PUT"):
                self.assertEqual(self.get(uri, method).code, 400)

    def test_defect(self) -> None:
        """Whatever goes wrong is for this one client, and the connection goes on."""
        self.world.logs.paths["broken", 1] = "with a zero byte \0"
        self.assertEqual(self.get("/logtail/broken").code, 500)
        self.assertEqual(self.get("/ok.html").code, 200)

    def test_vanished(self) -> None:
        """When the reader is gone nobody watches the file any more."""
        self.begin("/logtail/group:p")
        self.assertIn(str(self.path), watch.WATCHED)
        self.wire.vanish()
        self.assertNotIn(str(self.path), watch.WATCHED)

    def test_slow_reader(self) -> None:
        """Nothing is read for a reader that does not keep up, until it does."""
        self.begin("/logtail/group:p")
        self.wire.take()
        self.wire.channel.pauseProducing()
        self.append(b"one\n")
        self.append(b"two\n")
        self.assertEqual(self.wire.take(), b"")
        self.wire.channel.resumeProducing()
        self.world.clock.advance(0)
        self.assertEqual(self.wire.take(), b"8\r\none\ntwo\n\r\n")

    def test_farewell(self) -> None:
        """At the end of the daemon a stream has a proper end."""
        self.begin("/logtail/group:p")
        self.wire.take()
        self.wire.channel.bid_farewell()
        self.assertEqual(self.wire.take(), b"0\r\n\r\n")
        self.assertTrue(self.wire.closed)
        self.assertNotIn(str(self.path), watch.WATCHED)
