"""Who may change something: tokens, origins, names."""

from __future__ import annotations

from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import ServerConfig
from supervisor_tx.values import replace
from supervisor_tx.web.request import Request
from supervisor_tx.web.safety import Guard, Refused
from supervisor_tx.web.site import Site
from tests.logs import Messages
from tests.web.test_provenance import FIREFOX
from tests.web.wire import CALL, KEY, Answer, World, request

TCP = ServerConfig("inet_http_server", address=("", 9001))
LOCAL = ServerConfig("inet_http_server", address=("127.0.0.1", 9001))
UNIX = ServerConfig("unix_http_server", file="/s")

OWN = {"Sec_Fetch_Site": "same-origin", "Origin": "http://here:9001"}
FOREIGN = {"Sec_Fetch_Site": "cross-site", "Origin": "http://evil.example"}
BROWSER = {"User_Agent": FIREFOX}

DO = "/api/v1/do"


class Doing(Site):
    """Serves ``/api/v1/do``, which changes something, and ``/link``, which is an old link."""

    def _page(self, request: Request) -> None:
        guard = self.content.guard
        try:
            (guard.check_link if request.place == b"/link" else guard.check)(request)
        except Refused as refused:
            request.respond(403, b"text/plain", str(refused).encode())
        else:
            request.respond(200, b"text/plain", guard.token(request).encode())


class DoingWorld(World):
    kind = Doing


class SafetyTestCase(SynchronousTestCase):
    def world(self, server: ServerConfig = TCP, *, is_local: bool = False) -> World:
        return DoingWorld(server=server, is_local=is_local)

    def ask(
        self, world: World, uri: str = DO, form: dict[str, str] | None = None, /, **headers: str
    ) -> Answer:
        headers.setdefault("Host", "here:9001")
        body = urlencode(form or {}).encode()
        kind = {"Content_Type": "application/x-www-form-urlencoded"} if form else {}
        head = request("POST", uri, Content_Length=str(len(body)), **{**kind, **headers})
        return world.connect().ask(head + body)

    def token(self, world: World) -> str:
        return self.ask(world).body.decode()


class CheckTests(SafetyTestCase):
    """What changes something."""

    def test_tools(self) -> None:
        """Who is no browser needs nothing."""
        for server in (TCP, UNIX):
            self.assertEqual(self.ask(self.world(server), User_Agent="curl/8").code, 200)

    def test_browsers(self) -> None:
        """A browser needs a token, even from our own page, and even where it says nothing else."""
        world = self.world()
        token = self.token(world)
        for headers in (
            OWN,
            {"Origin": "http://here:9001"},
            {"Sec_Fetch_Site": "none"},
            {"Cookie": "a=b"},
            BROWSER,
        ):
            with self.subTest(headers=headers):
                answer = self.ask(world, **headers)
                self.assertEqual(answer.code, 403)
                self.assertIn(b"did not come with the token", answer.body)
                self.assertEqual(self.ask(world, X_Supervisor_Token=token, **headers).code, 200)
                self.assertEqual(self.ask(world, DO, {"token": token}, **headers).code, 200)

    def test_foreign(self) -> None:
        """A page from elsewhere can change nothing, though it had a token."""
        for server in (TCP, LOCAL):
            world = self.world(server)
            token = self.token(world)
            for headers in (
                FOREIGN,
                {"Sec_Fetch_Site": "same-site", "Origin": "http://here:8080"},
                {"Origin": "http://evil.example"},
                {"Origin": "null"},
            ):
                answer = self.ask(world, X_Supervisor_Token=token, **headers)
                self.assertEqual(answer.code, 403)
                self.assertIn(b"A page from another site", answer.body)
                self.assertIn(b"set base_url in [inet_http_server]", answer.body)

    def test_behind_proxy(self) -> None:
        """On a unix socket the origin may be anything: the token tells."""
        world = self.world(UNIX)
        token = self.token(world)
        origin = {"Origin": "https://proxy.example"}
        self.assertEqual(self.ask(world, **origin).code, 403)
        self.assertEqual(self.ask(world, X_Supervisor_Token=token, **origin).code, 200)
        self.assertEqual(self.ask(world, X_Supervisor_Token=token, **FOREIGN).code, 403)

    def test_base_url(self) -> None:
        """With base_url it is known what the origin has to be, on both kinds of servers."""
        base = "https://proxy.example/s/"
        for server in (
            ServerConfig("unix_http_server", file="/s", base_url=base),
            ServerConfig("inet_http_server", address=("", 1), base_url=base),
        ):
            world = self.world(server)
            token = self.token(world)
            for origin, code in (
                ("https://proxy.example", 200),
                ("http://proxy.example", 403),
                ("https://other.example", 403),
            ):
                answer = self.ask(world, X_Supervisor_Token=token, Origin=origin)
                self.assertEqual(answer.code, code, origin)

    def test_query(self) -> None:
        """A token in an address counts as well, though no page of ours puts it there."""
        world = self.world()
        token = self.token(world)
        self.assertEqual(self.ask(world, f"{DO}?token={token}", **OWN).code, 200)


class AnyHeadersTests(SafetyTestCase):
    """Whatever combination of headers comes."""

    @settings(deadline=None)
    @given(
        headers=st.fixed_dictionaries(
            {},
            optional={
                "Sec_Fetch_Site": st.sampled_from(
                    ["same-origin", "none", "same-site", "cross-site", "x"]
                ),
                "Origin": st.sampled_from(
                    ["http://here:9001", "http://evil.example", "null", "http://here:1"]
                ),
                "Referer": st.sampled_from(["http://here:9001/x", "http://evil.example/"]),
                "X_Forwarded_Host": st.sampled_from(["here:9001", "proxy.example"]),
                "Cookie": st.just("a=b"),
                "User_Agent": st.sampled_from([FIREFOX, "curl/8"]),
                "Sec_Purpose": st.just("prefetch"),
            },
        ),
        server=st.sampled_from([TCP, UNIX]),
        has_token=st.booleans(),
    )
    def test_invariants(
        self, headers: dict[str, str], server: ServerConfig, has_token: bool
    ) -> None:
        """Nothing is done for others, and nothing for a browser that brings no token."""
        world = self.world(server)
        given = dict(headers)
        if has_token:
            given["X_Supervisor_Token"] = self.token(world)
        done = self.ask(world, **given).code == 200
        linked = self.ask(world, "/link", **given).code == 200
        site, origin = headers.get("Sec_Fetch_Site"), headers.get("Origin")
        if site in ("same-site", "cross-site", "x"):
            self.assertFalse(done or linked)
        if site is None and server is TCP and origin not in (None, "http://here:9001"):
            self.assertFalse(done or linked)
        is_browser = site or origin or headers.keys() & {"Referer", "Cookie"}
        if (is_browser or headers.get("User_Agent") == FIREFOX) and not has_token:
            self.assertFalse(done)
        if not headers.keys() - {"User_Agent", "X_Forwarded_Host"}:
            self.assertEqual(done, has_token or headers.get("User_Agent") != FIREFOX)


class LinkTests(SafetyTestCase):
    """Links of Supervisor's pages, which never had tokens."""

    def follow(self, world: World, /, **headers: str) -> int:
        headers.setdefault("Host", "here:9001")
        return world.connect().ask(request("GET", "/link", **headers)).code

    def test_table(self) -> None:
        """They work from our own pages, in scripts and for who types them."""
        for headers, code in (
            ({}, 200),
            ({"User_Agent": "Wget/1.21"}, 200),
            ({"Sec_Fetch_Site": "same-origin"}, 200),
            ({"Sec_Fetch_Site": "none", **BROWSER}, 200),
            ({"Referer": "http://here:9001/", **BROWSER}, 200),
            ({"Sec_Fetch_Site": "cross-site"}, 403),
            ({"Sec_Fetch_Site": "same-site"}, 403),
            ({"Referer": "http://evil.example/", **BROWSER}, 403),
            ({"Origin": "http://evil.example", **BROWSER}, 403),
            (BROWSER, 403),
            ({"Sec_Fetch_Site": "none", "Sec_Purpose": "prefetch;prerender"}, 403),
            ({"Sec_Fetch_Site": "same-origin", "Purpose": "prefetch"}, 403),
        ):
            with self.subTest(headers=headers):
                self.assertEqual(self.follow(self.world(), **headers), code)

    def test_confirmed(self) -> None:
        """With a token the browser need not say where a link comes from; but not from elsewhere."""
        world = self.world()
        token = self.token(world)
        self.assertEqual(self.ask(world, "/link", {"token": token}, **BROWSER).code, 200)
        self.assertEqual(self.ask(world, "/link", {"token": token}, **FOREIGN).code, 403)


class TokenTests(SafetyTestCase):
    """What a token is worth, and where."""

    def is_good(self, token: str, server: ServerConfig = TCP, key: bytes = KEY) -> bool:
        guard = Guard(server, lambda: key, is_local=False)
        return guard._is_token(token.encode())

    def test_no_memory(self) -> None:
        """A daemon with the same key knows the tokens of the one before; each page has another."""
        world = self.world()
        first, second = self.token(world), self.token(world)
        self.assertNotEqual(first, second)
        self.assertTrue(self.is_good(first))
        self.assertTrue(self.is_good(second))
        self.assertFalse(self.is_good(first, key=b"another"))

    def test_one_server(self) -> None:
        """A token is for one server, and for the password that it has."""
        given = ServerConfig("inet_http_server", ("", 1), username="u", password="p")
        token = self.token(self.world(given))
        self.assertTrue(self.is_good(token, given))
        for other in (
            ServerConfig("inet_http_server:b", ("", 1), username="u", password="p"),
            ServerConfig("inet_http_server", ("", 1), username="v", password="p"),
            ServerConfig("inet_http_server", ("", 1), username="u", password="q"),
            ServerConfig("inet_http_server", ("", 1)),
        ):
            self.assertFalse(self.is_good(token, other), other)

    def test_altered(self) -> None:
        """Whatever is changed in a token makes it worthless."""
        token = self.token(self.world())
        for wrong in (
            "", "x", token[:-1], token[:-4], token + "AAAA", token[::-1], "A" * len(token),
            *(token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
              for at in range(len(token))),
        ):  # fmt: skip
            self.assertFalse(self.is_good(wrong), wrong)

    @settings(deadline=None)
    @given(st.text(max_size=100) | st.binary(max_size=100).map(lambda data: data.hex()))
    def test_anything(self, token: str) -> None:
        """Nothing that somebody makes up is a token, nor does it break anything."""
        guard = Guard(TCP, lambda: KEY, is_local=False)
        self.assertFalse(guard._is_token(token.encode("utf-8", "replace")))

    def test_lazy_key(self) -> None:
        """The key is asked for when it is needed, and not before."""

        def key() -> bytes:
            raise AssertionError

        world = World(server=TCP)
        guard = Guard(TCP, key, is_local=True)
        world.site.content = replace(world.site.content, guard=guard)
        for uri in ("/ok.html", "/nothing"):
            world.connect().ask(request("GET", uri, Host="x"))
        self.assertRaises(AssertionError, key)


class NameTests(SafetyTestCase):
    """Names that may be somebody else's."""

    def get(
        self, world: World, uri: str = "/ok.html", version: str = "1.1", **headers: str
    ) -> Answer:
        return world.connect().ask(request("GET", uri, version, **headers))

    def test_rebinding(self) -> None:
        """An open server that only this machine reaches does not answer to a stranger's name."""
        world = self.world(LOCAL, is_local=True)
        for uri in ("/ok.html", "/", "/logtail/x", "/api/v1/processes"):
            for host in ("evil.example", "evil.example:9001"):
                answer = self.get(world, uri, Host=host)
                self.assertEqual(answer.code, 403, uri)
                self.assertIn(b"Set allowed_hosts=evil.example in [inet_http_server]", answer.body)
        call = request("POST", "/RPC2", Host="evil.example", Content_Length=str(len(CALL)))
        self.assertEqual(world.connect().ask(call + CALL).code, 403)
        self.assertEqual(world.rpc.calls, [])

    def test_right(self) -> None:
        """Everything that people use goes on working."""
        world = self.world(LOCAL, is_local=True)
        for host in ("", "localhost:9001", "127.0.0.1:9001", "[::1]:9001", "supervisor"):
            self.assertEqual(self.get(world, Host=host).code, 200, host)

    def test_proxies(self) -> None:
        """A proxy on this machine that passes on a name is known by what no browser does."""
        world = self.world(LOCAL, is_local=True)
        self.assertEqual(self.get(world, version="1.0", Host="sup.example").code, 200)
        self.assertEqual(self.get(world, Host="sup.example", Via="1.1 proxy").code, 200)
        self.assertEqual(self.get(world, Host="evil.example", X_Forwarded_For="1").code, 403)

    def test_allowed_hosts(self) -> None:
        """Where names are configured they count for everybody."""
        server = ServerConfig("inet_http_server", ("", 1), allowed_hosts=("sup.example",))
        world = self.world(server)
        self.assertEqual(self.get(world, Host="sup.example:80").code, 200)
        self.assertEqual(self.get(world, Host="other.example", Via="1.1 proxy").code, 403)
        self.assertEqual(self.get(world, version="1.0", Host="other.example").code, 403)

    def test_several(self) -> None:
        """Each of several names has to be right."""
        world = self.world(LOCAL, is_local=True)
        for hosts in (("localhost", "evil.example"), ("evil.example", "localhost")):
            lines = "".join(f"Host: {host}\r\n" for host in hosts)
            data = f"GET /ok.html HTTP/1.1\r\n{lines}\r\n".encode()
            self.assertIn(world.connect().ask(data).code, (400, 403))

    def test_told(self) -> None:
        """The log tells of each name once, and of no more than some."""
        messages = Messages(self)
        world = self.world(LOCAL, is_local=True)
        for _ in range(2):
            for number in range(100):
                self.get(world, Host=f"{number}.example")
        warnings = [line for line in messages.all if line.startswith("WARN")]
        self.assertEqual(len(warnings), 20)
        self.assertIn("[inet_http_server] refuses requests for the host 0.example", warnings[0])

    def test_forms(self) -> None:
        """A browser gets a page, a program of the JSON interface a problem, others text."""
        world = self.world(LOCAL, is_local=True)
        page = self.get(world, "/", Host="e.example<b>", Accept="text/html,*/*")
        self.assertEqual(page.headers["content-type"], "text/html; charset=utf-8")
        self.assertIn(b"e.example&lt;b&gt;", page.body)
        self.assertIn("default-src 'none'", page.headers["content-security-policy"])
        problem = self.get(world, "/api/v1/processes", Host="e.example", Accept="text/html")
        self.assertEqual(problem.headers["content-type"], "application/problem+json")
        text = self.get(world, "/", Host="e.example")
        self.assertEqual(text.headers["content-type"], "text/plain; charset=utf-8")
