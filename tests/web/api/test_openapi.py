"""The description of the interface, and the interface: one is as the other says."""

from __future__ import annotations

import json
import re

from openapi_spec_validator import OpenAPIV31SpecValidator
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.supervision.operations import OPERATIONS
from supervisor_tx.web import app, streams
from supervisor_tx.web.api import openapi
from supervisor_tx.web.api.routes import ROUTES
from tests.web.api.stage import ApiTestCase

#: Operations that are another one's special case, or are there for Supervisor's way to ask.
NOT_ASKED = {
    "clear_all_logs",
    "processes",
    "read_log",
    "read_main_log",
    "signal_all",
    "start_all",
    "state",
    "stop_all",
    "tail_log",
}


class DocumentTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.document = json.loads(openapi.encoded("/"))

    def test_valid(self) -> None:
        """It is a valid OpenAPI 3.1 document."""
        self.assertEqual(list(OpenAPIV31SpecValidator(self.document).iter_errors()), [])

    def test_routes(self) -> None:
        """Every URL that is answered is in it, and every URL in it is answered."""
        answered = {
            (method, re.sub(r"<segment:(\w+)>", r"{\1}", rule.rule))
            for rule in app.application()._app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD"}
            if rule.rule.startswith("/api/")
        }
        told = {
            (method.upper(), f"/api/v1{path}")
            for path, operations in self.document["paths"].items()
            for method in operations
        }
        followed = {each for each in told if streams.find(each[1].encode()) is not None}
        self.assertEqual(
            {f"{method} {path}" for method, path in followed},
            {
                "GET /api/v1/events",
                "GET /api/v1/logs/main/stream",
                "GET /api/v1/processes/{namespec}/logs/{channel}/stream",
            },
        )
        self.assertEqual(answered, told - followed)

    def test_operations(self) -> None:
        """All that can be asked of the daemon can be asked here."""
        self.assertEqual(set(OPERATIONS) - {route.operation.name for route in ROUTES}, NOT_ASKED)

    def test_safe_methods(self) -> None:
        """What changes something takes POST, and all else GET."""
        for route in ROUTES:
            self.assertEqual(route.method, "POST" if route.operation.changes else "GET", route.path)

    def test_names(self) -> None:
        """Operations have names of their own, for programs that are made of the document."""
        names = [
            each["operationId"]
            for operations in self.document["paths"].values()
            for each in operations.values()
        ]
        self.assertEqual(len(set(names)), len(names))


class ServedTests(ApiTestCase):
    def test_served(self) -> None:
        """It is at its place, and says where it is."""
        document = self.get("/openapi.json")
        self.assertEqual(document["servers"], [{"url": "/api/v1"}])
        self.assertEqual(document, json.loads(openapi.encoded("/")))

    def test_behind_a_proxy(self) -> None:
        """It knows the path by which a proxy is asked for it."""
        self.assertEqual(openapi.document("/sv/")["servers"], [{"url": "/sv/api/v1"}])
