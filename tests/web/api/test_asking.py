"""Requests in JSON, as far as they are HTTP: what is understood, and what is refused, and how."""

from __future__ import annotations

import json

from supervisor_tx.web.api.asking import MOST_BODY
from tests.rpc.stage import group, program
from tests.web.api.stage import ApiTestCase
from tests.web.wire import World

START = "/processes/cat/start"


class UrlTests(ApiTestCase):
    def test_nowhere(self) -> None:
        """What there is not is told as a problem, whatever the method."""
        for path in ("/", "/nope", "/processes/", "/processes/a/start/", "/daemon/"):
            for method in ("GET", "POST", "PUT"):
                self.assertIn("openapi.json", self.ask(method, path).body.decode())
                self.assertEqual(self.ask(method, path).code, 404, (method, path))

    def test_wrong_method(self) -> None:
        """It is told which methods there are."""
        for method, path, allowed in (
            ("GET", START, "OPTIONS, POST"),
            ("DELETE", "/processes/cat", "GET, HEAD, OPTIONS"),
            ("POST", "/daemon", "GET, HEAD, OPTIONS"),
        ):
            answer = self.ask(method, path)
            self.assertEqual((answer.code, answer.headers["allow"]), (405, allowed))
            self.assertEqual(answer.headers["content-type"], "application/problem+json")

    def test_options(self) -> None:
        """They are told to who only asks for them."""
        wire = self.begin("OPTIONS", START)
        self.assertIn(b"\r\nAllow: OPTIONS, POST\r\n", wire.take())

    def test_head(self) -> None:
        """HEAD is answered as GET, without the body."""
        answer = self.ask("HEAD", "/daemon")
        self.assertEqual((answer.code, answer.body), (200, b""))
        self.assertGreater(int(answer.headers["content-length"]), 100)

    def test_no_text(self) -> None:
        """A name that is no UTF-8 is nobody's."""
        self.assertEqual(self.ask("GET", "/processes/%FF").code, 400)


class QueryTests(ApiTestCase):
    def test_unknown(self) -> None:
        """What is not known is not ignored."""
        found = self.problem("GET", "/processes?sate=FATAL", 422)
        self.assertEqual(found["member"], "sate")
        self.assertIn("there are: group, state, search", found["detail"])
        self.assertEqual(found["type"], "urn:supervisor-tx:problem:invalid-argument")
        self.assertEqual(self.problem("GET", "/daemon?x=1", 422)["member"], "x")
        self.assertEqual(self.problem("GET", "/openapi.json?x=1", 422)["member"], "x")

    def test_invalid(self) -> None:
        """What has no such value is refused by its name."""
        for query, member in (
            ("state=WALKING", "state"),
            ("state=", "state"),
            ("group=a&state=RUNNING,", "state"),
        ):
            found = self.problem("GET", f"/processes?{query}", 422)
            self.assertEqual(found["member"], member)

    def test_unreadable(self) -> None:
        """What is no query is said to be none."""
        for query in ("state", "=&&", "search=%FF", "&".join(["search=x"] * 1001)):
            self.assertEqual(self.ask("GET", f"/processes?{query}").code, 400, query)

    def test_again(self) -> None:
        """What is given again is a list, as with commas."""
        self.run_groups(group("a"), group("b"), group("c"))
        for query in ("group=a&group=c", "group=a,c", "group=a%2Cc"):
            found = json.loads(self.ask("GET", f"/processes?{query}").body)
            self.assertEqual([each["name"] for each in found["processes"]], ["a", "c"])


class BodyTests(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.run_groups(group("cat", program("cat", startsecs=0)))

    def send(self, body: bytes, kind: str = "application/json") -> int:
        answer = self.ask("POST", "/actions/start", body, {"Content-Type": kind} if kind else {})
        return answer.code

    def test_types(self) -> None:
        """JSON is what is understood, however that is written."""
        body = b'{"names": ["cat"]}'
        for kind in ("application/json", "Application/JSON; charset=utf-8"):
            self.assertEqual(self.send(body, kind), 200)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "", "application/xml"):
            self.assertEqual(self.send(body, kind), 415, kind)

    def test_no_json(self) -> None:
        """What is no JSON is a bad request."""
        for body in (
            b"{", b"\xff", b'{"names": NaN}', b"[" * 100_000, b'{"names": [Infinity]}', b"{]",
            b"9" * 5000,
        ):  # fmt: skip
            self.assertEqual(self.send(body), 400, body[:20])

    def test_no_object(self) -> None:
        """What is no object has no members."""
        for body in (b"[]", b"null", b'"names"', b"1"):
            self.assertEqual(self.send(body), 422, body)

    def test_members(self) -> None:
        """A member that is missing, not known or of no such value is named."""
        for value, member in (
            ({}, "names"),
            ({"names": []}, "names"),
            ({"names": [1]}, "names"),
            ({"names": "cat"}, "names"),
            ({"names": ["cat"], "wait": True}, "wait"),
            ({"names": ["cat"], "x" * 9: 1}, "x" * 9),
            ({"\ud800": 1}, "?"),
        ):
            found = self.problem("POST", "/actions/start", 422, value)
            self.assertEqual(found["member"], member)

    def test_too_long(self) -> None:
        """There is a limit."""
        self.assertEqual(self.send(b" " * (MOST_BODY + 1) + b"{}"), 413)

    def test_where_there_is_none(self) -> None:
        """A body is not needed where nothing is to be told, and then has no members."""
        self.assertEqual(self.ask("POST", START).code, 200)
        self.assertEqual(self.problem("POST", START, 422, {"x": 1})["member"], "x")
        self.post(START, {}, 409)


class FormTests(ApiTestCase):
    def test_accepted(self) -> None:
        """JSON is sent to who takes it, and to who does not say."""
        for accept in ("", "*/*", "application/*", "text/html, application/json;q=0.1", "a/b,*/*"):
            answer = self.ask("GET", "/daemon", headers={"Accept": accept})
            self.assertEqual(answer.headers["content-type"], "application/json")

    def test_not_accepted(self) -> None:
        """To who does not take it the problem is sent all the same."""
        for accept in (
            "text/html",
            "application/json;q=0",
            "*/*, application/json;q=0",
            "x",
            "*/*;q=x",
        ):
            self.assertEqual(self.ask("GET", "/daemon", headers={"Accept": accept}).code, 406)

    def test_headers(self) -> None:
        """No browser shows it as a page, keeps it, or lets others have it."""
        for path in ("/daemon", "/nope", "/processes/nope", "/processes?x=1", "/processes?x"):
            headers = self.ask("GET", path).headers
            self.assertEqual(headers["x-content-type-options"], "nosniff", path)
            self.assertEqual(headers["cache-control"], "no-store", path)


class PermissionTests(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.run_groups(group("cat", program("cat", startsecs=0)))

    def test_password(self) -> None:
        """Without the password there is a challenge, which is a problem too."""
        self.world = World("ann", "secret", daemon=self.daemon)
        answer = self.ask("GET", "/daemon")
        self.assertEqual(answer.code, 401)
        self.assertEqual(answer.headers["www-authenticate"], 'Basic realm="default"')

    def test_other_sites(self) -> None:
        """A browser changes nothing for a page from elsewhere."""
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:8000"},
        ):
            answer = self.ask("POST", START, b"", headers)
            self.assertEqual(answer.code, 403)
            self.assertEqual(answer.headers["content-type"], "application/problem+json")
        self.assertEqual(self.daemon.spawner.children, [])

    def test_token(self) -> None:
        """From a page of ours it takes the token."""
        ours = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
        self.assertEqual(self.ask("POST", START, b"", ours).code, 403)
        token = self.world.site.content.guard.token(None)  # type: ignore[arg-type]
        answer = self.ask("POST", START, b"", {**ours, "X-Supervisor-Token": token})
        self.assertEqual(answer.code, 200)

    def test_reading(self) -> None:
        """To read it takes no token; who may not read it cannot see the answer."""
        headers = {"Sec-Fetch-Site": "same-origin"}
        self.assertEqual(self.ask("GET", "/daemon", headers=headers).code, 200)
