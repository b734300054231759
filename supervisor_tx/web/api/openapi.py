"""The description of all URLs below ``/api/v1`` for programs (OpenAPI 3.1), made of the routes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from supervisor_tx import __version__
from supervisor_tx.core.events import PARENTS
from supervisor_tx.supervision.arguments import Channel
from supervisor_tx.supervision.description import Kind, Many, Parameter, Schema
from supervisor_tx.supervision.refusals import refusal
from supervisor_tx.web.answers import REASONS
from supervisor_tx.web.api.asking import BYTES, JSON
from supervisor_tx.web.api.routes import ROOT, ROUTES, WAIT, Route
from supervisor_tx.web.api.shapes import SCHEMAS, ref

PROBLEM = "application/problem+json"

#: Where the description itself is.
PLACE = "/openapi.json"

_ABOUT = """\
All that the pages of the daemon do. Processes are called as in supervisorctl: `group:process`,
or `name` where both are the same. Who may ask is who may ask for pages: on a server with a user
name by Basic authentication. A request that changes something and that a browser sends has to
bring the token of one of our pages in `X-Supervisor-Token`; other clients need none. Errors are
problems (RFC 9457) with a member `mend` that says what to do. Members may be added to objects."""

_TAGS: Mapping[str, str] = {
    "daemon": "The daemon itself.",
    "processes": "Processes, one by one.",
    "groups": "Groups, and all processes of one.",
    "actions": "Several processes at once: names, groups as `group:*`, or `*` for all.",
    "logs": "Logs, in pieces of text or as bytes.",
    "configuration": "The configuration on disk, and how it is put into force.",
    "events": "Events, and who listens to them.",
    "figures": "CPU and memory of what runs.",
}

#: Statuses that any request may be answered with.
_ALWAYS = (401, 403, 500)


@cache
def encoded(base: str) -> bytes:
    """Return the description for a server that is reached at a path that ends in a slash."""
    return json.dumps(document(base), ensure_ascii=False).encode()


def document(base: str = "/") -> Schema:
    """Return the description."""
    paths: dict[str, dict[str, Schema]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    for path, described in _streams().items():
        paths[path] = {"get": described}
    paths[PLACE] = {"get": _own()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "supervisor_tx",
            "version": __version__,
            "summary": "Processes under supervision",
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": f"{base.rstrip('/')}{ROOT}"}],
        "security": [{"basic": []}, {}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Of servers with a user name.",
                }
            },
        },
    }


def _operation(route: Route) -> Schema:
    parameters = [
        *(_parameter("path", name, each) for name, each in route.segments.items()),
        *(_parameter("query", each.name, each) for each in route.in_query),
    ]
    made: Schema = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": parameters,
        "responses": _responses(route),
    }
    if route.is_log:
        made["parameters"].append(
            {
                "name": "Range",
                "in": "header",
                "description": "a part of the log as bytes, where its query names none",
                "schema": {"type": "string", "examples": ["bytes=0-1023"]},
            }
        )
    if route.in_body:
        made["requestBody"] = {
            "required": any(each.required for each in route.in_body),
            "content": {JSON: {"schema": _body(route.in_body)}},
        }
    return made


def _parameter(place: str, name: str, parameter: Parameter) -> Schema:
    made: Schema = {
        "name": name,
        "in": place,
        "description": parameter.kind.meaning,
        "required": place == "path" or parameter.required,
        "schema": _schema(parameter),
    }
    if isinstance(parameter.kind, Many):
        made |= {"style": "form", "explode": False}
    return made


def _schema(parameter: Parameter) -> Schema:
    made = parameter.kind.schema()
    if not parameter.required and parameter.default != ():
        made["default"] = parameter.default
    return made


def _body(parameters: Iterable[Parameter]) -> Schema:
    known = list(parameters)
    return {
        "type": "object",
        "properties": {
            each.name: {**_schema(each), "description": each.kind.meaning} for each in known
        },
        "required": [each.name for each in known if each.required],
        "additionalProperties": False,
    }


def _responses(route: Route) -> Schema:
    answer: Schema = {JSON: {"schema": ref(route.shape)}}
    if route.is_log:
        answer[BYTES] = {"schema": {}}
    made: Schema = {str(route.status): {"description": "It is done.", "content": answer}}
    if route.status == 202:
        made["202"]["description"] = "It has begun."
    elif route.can_be_late:
        made["202"] = {"description": f"It has begun ({WAIT}=false).", "content": answer}
    if route.is_log:
        made["206"] = {
            "description": "The part that was asked for.",
            "content": {BYTES: {"schema": {}}},
            "headers": {"Content-Range": {"schema": {"type": "string"}}},
        }
    told: dict[int, list[str]] = {}
    for kind in route.operation.raises:
        found = refusal(kind)
        told.setdefault(found.status, []).append(found.title)
    for status in (*_ALWAYS, *_of_request(route)):
        told.setdefault(status, [])
    for status, titles in sorted(told.items()):
        made[str(status)] = _problem(status, titles)
    return made


def _of_request(route: Route) -> Iterable[int]:
    """Yield the statuses that say what is wrong with a request as such."""
    yield 400
    yield 406
    yield 422
    if route.method == "POST":
        yield 413
        yield 415
    if route.is_log:
        yield 416


def _problem(status: int, titles: Iterable[str] = ()) -> Schema:
    said = ". ".join([*titles, ""]).strip() or f"{REASONS[status].decode()}."
    made: Schema = {"description": said, "content": {PROBLEM: {"schema": ref("Problem")}}}
    if status == 401:
        made["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return made


# What is not answered by Klein, or does not describe an operation


def _own() -> Schema:
    return {
        "operationId": "openapi",
        "summary": "Return this description.",
        "tags": ["daemon"],
        "responses": {
            "200": {
                "description": "The description.",
                "content": {JSON: {"schema": {"type": "object"}}},
            },
            **{str(status): _problem(status) for status in (400, *_ALWAYS, 406, 422)},
        },
    }


def _streams() -> Mapping[str, Schema]:
    channel: Any = Channel
    kind: Kind = channel.__metadata__[0]
    name = {
        "name": "namespec",
        "in": "path",
        "required": True,
        "description": "the name of the process: name or group:name",
        "schema": {"type": "string", "minLength": 1},
    }
    which = {
        "name": "channel",
        "in": "path",
        "required": True,
        "description": kind.meaning,
        "schema": kind.schema(),
    }
    return {
        "/events": _stream(
            "follow_events",
            "Tell events as they happen. A message has an event as JSON; messages of the kind "
            "missed and end tell of gaps and of the end. Where it is asked for, messages of the "
            "kind figures have CPU and memory: all of them in the first, with complete: true, then "
            "those that differ, null for what does not run any more (with process, each has all "
            "that is asked for); and messages of the kind "
            "config tell whether the configuration on disk is the one in force, at the beginning "
            "and when that changes.",
            "events",
            (400,),
            _filter("type", "only events of these types, and of those below them", sorted(PARENTS)),
            _filter("process", "only events of these processes: name, group:name, group:*"),
            _flag("figures", "tell CPU and memory as well"),
            _flag("config", "tell whether the configuration has changed as well"),
            _SINCE,
            _SINCE_TOO,
        ),
        "/logs/main/stream": _stream(
            "follow_main_log",
            f"Tell what is written to the activity log. {_LOG}",
            "logs",
            (400, 404),
            *_PLACES,
        ),
        "/processes/{namespec}/logs/{channel}/stream": _stream(
            "follow_log",
            f"Tell what is written to a log of a process. {_LOG}",
            "logs",
            (400, 404),
            name,
            which,
            *_PLACES,
        ),
    }


_LOG = (
    "A message has an offset and text; those of the kind truncated and rotated tell of just that, "
    "missed that the place to go on from is gone, and end why it is over."
)

_SINCE: Schema = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "the id of the last message that is known; what came after it is told first",
    "schema": {"type": "string"},
}

_SINCE_TOO: Schema = {
    "name": "last_event_id",
    "in": "query",
    "description": "the same for clients that cannot send headers; the header wins",
    "schema": {"type": "string"},
}

_PLACES: tuple[Schema, ...] = (
    {
        "name": "offset",
        "in": "query",
        "description": "the byte to begin with",
        "schema": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
    },
    {
        "name": "tail",
        "in": "query",
        "description": "bytes of what is there already to begin with",
        "schema": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
    },
    _SINCE,
    _SINCE_TOO,
)


def _flag(name: str, meaning: str) -> Schema:
    return {
        "name": name,
        "in": "query",
        "description": meaning,
        "schema": {"type": "boolean", "default": False},
    }


def _filter(name: str, meaning: str, words: Iterable[str] = ()) -> Schema:
    items: Schema = {"type": "string", **({"enum": list(words)} if words else {})}
    return {
        "name": name,
        "in": "query",
        "description": meaning,
        "style": "form",
        "explode": False,
        "schema": {"type": "array", "items": items},
    }


def _stream(
    name: str, words: str, tag: str, statuses: Iterable[int], *parameters: Schema
) -> Schema:
    return {
        "operationId": name,
        "summary": f"{words.partition('. ')[0].rstrip('.')}.",
        "description": words,
        "tags": [tag],
        "parameters": list(parameters),
        "responses": {
            "200": {
                "description": "A stream without an end.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            **{str(status): _problem(status) for status in (*_ALWAYS, *statuses, 503)},
        },
    }
