"""Whatever is sent, the answer is one that is described, and no defect is met."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from supervisor_tx.config.model import LogConfig, PoolConfig
from supervisor_tx.supervision.description import Many, SignalName, Text
from supervisor_tx.web.api.routes import ROUTES, Route
from tests.rpc.stage import group, program
from tests.web.api.stage import ApiTestCase, mistakes
from tests.web.api.test_daemon import ReopeningDaemon
from tests.web.wire import answers

WORDS = st.one_of(
    st.sampled_from(
        ["a", "g:b", "g", "g:*", "*", "ear", "nope", "stdout", "stderr", "HUP", "9", "-5", "0"]
    ),
    st.sampled_from(["true", "false", "RUNNING", "RUNNING,STOPPED", "", ",", "1e9", "\x00"]),
    st.text(max_size=6),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(WORDS, each, max_size=2),
    max_leaves=4,
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Accept": st.sampled_from(["application/octet-stream", "*/*", "text/html", "q;q=x,"]),
        "Content-Type": st.sampled_from(["application/json", "text/plain"]),
        "Range": st.sampled_from(["bytes=0-1", "bytes=-1", "bytes=9-", "bytes=x"]),
        "Sec-Fetch-Site": st.sampled_from(["same-origin", "cross-site", "none"]),
    },
)


#: Values that fit, by the kind of argument that they are for.
FITTING: dict[type, st.SearchStrategy[Any]] = {
    Text: WORDS,
    Many: st.lists(st.sampled_from(["a", "g:b", "g:*", "*", "ear", "nope"]), min_size=1),
    SignalName: st.sampled_from(["HUP", "KILL", 10, "NOPE"]),
}


def often(fits: st.SearchStrategy[Any], other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What fits, seven times of eight."""
    return st.sampled_from([fits] * 7 + [other]).flatmap(lambda chosen: chosen)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, bytes, dict[str, str]]:
    """A request to one of the routes: method, path, body and headers."""
    route: Route = draw(st.sampled_from(ROUTES))
    path = route.path
    for name in route.segments:
        path = path.replace(f"{{{name}}}", quote(draw(WORDS.filter(bool)), safe=""))
    known = [each.name for each in route.in_query]
    names = often(
        st.lists(st.sampled_from(known), max_size=2) if known else st.just([]), st.just(["other"])
    )
    query = "&".join(f"{name}={quote(draw(WORDS))}" for name in draw(names))
    body = b""
    if route.method == "POST":
        members = {
            each.name: draw(often(FITTING.get(type(each.kind), VALUES), VALUES))
            for each in route.in_body
            if draw(often(st.just(True), st.just(False)))
        }
        body = draw(often(st.just(json.dumps(members).encode()), st.sampled_from([b"{", b"[1]"])))
    method = draw(often(st.just(route.method), st.sampled_from(["HEAD", "GET", "POST"])))
    headers = {"Content-Type": "application/json", **draw(often(st.just({}), HEADERS))}
    return method, f"{path}?{query}" if query else path, body, headers


class AnythingTests(ApiTestCase):
    daemon: ReopeningDaemon
    kind = ReopeningDaemon

    def one(self, asked: tuple[str, str, bytes, dict[str, str]]) -> list[str]:
        """Ask for one thing, and wait for the answer; return what is wrong with it."""
        method, path, body, headers = asked
        wire = self.begin(method, path, body, headers)
        for _ in range(30):
            self.clock.advance(1)
            self.turn()
        [answer] = answers(wire.take(), method)
        found = mistakes(method, path.partition("?")[0], answer)
        if answer.code >= 500 and answer.code != 503:
            found.append(f"{asked}: {answer}")
        return found

    @given(st.lists(requests(), min_size=1, max_size=6))
    def test_anything(self, asked: list[Any]) -> None:
        """Requests that make sense, and such as do not, one after the other."""
        self.tearDown()
        self.setUp()
        log = LogConfig(logfile=str(self.directory / "log"))
        (self.directory / "log").write_bytes("grün\n".encode() * 5)
        self.daemon.logfile.write_bytes(b"\xff\x00abc")
        self.run_groups(
            group("a", program("a", stdout=log)),
            group("g", program("b"), program("c", command="/no/such")),
            PoolConfig("ear", -1, (program("ear", kind="eventlistener"),), events=("TICK",)),
        )
        for each in asked:
            self.assertEqual(self.one(each), [])
        self.close()
