"""A daemon in memory that is asked in JSON, and every answer compared with what is promised."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from openapi_schema_validator import OAS31Validator, oas31_format_checker

from supervisor_tx.web.api import openapi
from tests.rpc.stage import DaemonTestCase
from tests.web.wire import Answer, Wire, World, answers, request

ROOT = "/api/v1"


@cache
def document() -> Any:
    """The description, in which no object has other members than those that are described."""
    return _closed(json.loads(openapi.encoded("/")))


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _closed(each) for name, each in schema.items()}
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return made


def described(method: str, path: str) -> Any:
    """The description of what a method does at a path below the root; None: it is in none."""
    for template, operations in document()["paths"].items():
        pattern = "".join(
            "[^/]+" if part.startswith("{") else re.escape(part)
            for part in re.split(r"({\w+})", template)
        )
        if re.fullmatch(pattern, path) and method.lower() in operations:
            return operations[method.lower()]
    return None


def mistakes(method: str, path: str, answer: Answer) -> list[str]:
    """What about an answer is not as it is described."""
    operation = described("GET" if method == "HEAD" else method, path)
    if operation is None:
        return [] if answer.code in (404, 405) else [f"{method} {path} is described nowhere"]
    promised = operation["responses"].get(str(answer.code))
    if promised is None:
        return [f"{method} {path} is never answered with {answer.code}: {answer.body!r}"]
    kind = answer.headers["content-type"]
    if kind not in promised["content"]:
        return [f"{method} {path} is never answered with {kind}"]
    if "json" not in kind or method == "HEAD":
        return []
    schema = {**promised["content"][kind]["schema"], "components": document()["components"]}
    validator = OAS31Validator(schema, format_checker=oas31_format_checker)
    return [
        f"{error.json_path}: {error.message}"
        for error in validator.iter_errors(json.loads(answer.body))
    ]


class ApiTestCase(DaemonTestCase):
    """A test with a daemon in memory and a client that asks in JSON."""

    def setUp(self) -> None:
        super().setUp()
        self.world = World(daemon=self.daemon)

    def start_all(self) -> None:
        self.post("/actions/start?wait=false", {"names": ["*"]})

    # Asking

    def begin(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Wire:
        """Send a request; the answer may take its time."""
        wire = self.world.connect()
        fields = dict(headers)
        if body is not None:
            fields["Content-Length"] = str(len(body))
        wire.say(request(method, ROOT + path, **fields) + (body or b""))
        return wire

    def heard(self, wire: Wire, method: str, path: str) -> Answer:
        """The one answer that has come, which is as it is described."""
        [answer] = answers(wire.take(), method)
        self.assertEqual(mistakes(method, path.partition("?")[0], answer), [])
        return answer

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """Send a request that is answered at once, or in the next turns of the loop."""
        wire = self.begin(method, path, body, headers)
        self.turn()
        return self.heard(wire, method, path)

    def get(self, path: str, **query: Any) -> Any:
        """What a successful GET is answered with."""
        answer = self.ask("GET", path + (f"?{urlencode(query)}" if query else ""))
        self.assertEqual(answer.code, 200, answer.body)
        return json.loads(answer.body)

    def post(self, path: str, value: Any = None, code: int | None = None) -> Any:
        """What a POST is answered with; with 2xx, unless another status is expected."""
        body = None if value is None else json.dumps(value).encode()
        headers = {} if value is None else {"Content-Type": "application/json"}
        answer = self.ask("POST", path, body if body is not None else b"", headers)
        if code is None:
            self.assertIn(answer.code, (200, 202), answer.body)
        else:
            self.assertEqual(answer.code, code, answer.body)
        return json.loads(answer.body)

    def problem(self, method: str, path: str, code: int, value: Any = None) -> Any:
        """What a request is refused with."""
        if method == "POST":
            return self.post(path, value, code)
        answer = self.ask(method, path)
        self.assertEqual(answer.code, code, answer.body)
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        return json.loads(answer.body)


def of_process(name: str) -> str:
    """The path of a process."""
    return f"/processes/{quote(name, safe=':')}"
