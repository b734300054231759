"""Whatever clients send, and in whatever pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import binary, composite, integers, lists, sampled_from
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.web.channel import DEADLINE, LINGER
from tests.web.wire import World, answers, post, request

#: Requests, and the status of the answer to each.
GOOD = (
    (post(), 200),
    (post(body=b""), 200),
    (post(body=b"x" * 5000), 200),
    (post(body=b"bad"), 400),
    (post("/nothing"), 400),
    (post(version="1.0", Connection="Keep-Alive"), 200),
    (request("GET", "/ok.html"), 200),
    (request("GET", "/%6fk.html", X_Y="z"), 200),
    (request("GET", "/nothing"), 404),
    (request("POST", "/RPC2"), 411),
    (request("POST", "/RPC2", Transfer_Encoding="chunked") + b"3\r\nabc\r\n0\r\n\r\n", 200),
    (b"\r\n" + post(), 200),
)

#: Words that HTTP is made of.
WORDS = (
    b"GET", b"POST", b"HEAD", b" ", b"/RPC2", b"/logtail/x", b"/", b"HTTP/1.1", b"HTTP/1.0",
    b"\r\n", b"\r\n\r\n", b"\n", b":", b"Content-Length: 5", b"Content-Length: ",
    b"99999999999999999999", b"Transfer-Encoding: chunked", b"Expect: 100-continue",
    b"Connection: close", b"Authorization: Basic ", b"\t", b"0", b"5", b"%", b"\0", b"\xff", b"-1",
    b"x" * 20000,
)  # fmt: skip


@composite
def pieces(draw, data: bytes) -> list[bytes]:  # type: ignore[no-untyped-def]
    """Cut data anywhere."""
    cuts = sorted(draw(lists(integers(0, len(data)), max_size=8)))
    ends = [*cuts, len(data)]
    return [data[start:end] for start, end in zip([0, *cuts], ends, strict=True)]


class AnythingTests(SynchronousTestCase):
    def send(self, parts: list[bytes]) -> None:
        """Send it all; nothing may break, or be left behind."""
        world = World()
        wire = world.connect()
        for part in parts:
            if not wire.closed:
                wire.say(part)
        world.clock.advance(DEADLINE)
        world.clock.advance(LINGER)
        if not wire.closed:
            wire.vanish()
        self.assertEqual(world.clock.getDelayedCalls(), [])
        self.assertEqual(world.site.held, 0)

    @given(lists(binary(), max_size=5))
    def test_bytes(self, parts: list[bytes]) -> None:
        """Any bytes."""
        self.send(parts)

    @given(lists(sampled_from(WORDS), max_size=40))
    def test_words(self, words: list[bytes]) -> None:
        """Words of HTTP in any order."""
        self.send(words)
        self.send([b"".join(words)])

    @given(sampled_from(GOOD), integers(0, 200), binary(max_size=3))
    def test_damaged(self, good: tuple[bytes, int], place: int, damage: bytes) -> None:
        """Requests with a flaw."""
        data = good[0]
        place %= len(data)
        self.send([data[:place] + damage + data[place + 1 :]])

    @given(lists(sampled_from(GOOD), max_size=40).flatmap(
        lambda chosen: pieces(b"".join(data for data, _ in chosen)).map(
            lambda parts: (parts, [code for _, code in chosen])
        )
    ))  # fmt: skip
    def test_pieces(self, sent: tuple[list[bytes], list[int]]) -> None:
        """However good requests are cut, the answers are the same."""
        parts, codes = sent
        world = World()
        wire = world.connect()
        for part in parts:
            wire.say(part)
        world.turn()
        self.assertEqual([answer.code for answer in answers(wire.take())], codes)
        self.assertFalse(wire.closed)
