"""The OpenAPI 3.1 description of the API, made from the routes and the structs themselves, so that it cannot drift."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

import msgspec
from aiohttp import web

from web.auth import Action
from web.query import NoQuery, Query
from web.reply import encode
from web.route import Media, Route, Socket, route
from web.sending import Content, send
from web.wire import WORDS, Problem

_REF = "#/components/schemas/{name}"
_BRACES = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_FAILURES = {
    "400": "the parameters cannot be used: every mistake is listed",
    "403": "not allowed",
    "404": "nothing was recorded there, or there is no such thing",
    "502": "the bytes on disk cannot be used",
    "503": "a disk or an index cannot be read",
}

Json = dict[str, object]


def describe(routes: Sequence[Route], title: str, version: str) -> Json:
    """The description of every route that belongs to the API, as a JSON-ready tree."""
    described = [row for row in routes if row.described]
    answers = [kind for row in described for kind in _types(row)]
    schemas, components = schemas_of([*answers, Problem])
    by_type = dict(zip(map(str, [*answers, Problem]), schemas, strict=True))
    paths: dict[str, Json] = {}
    for row in described:
        operations = paths.setdefault(_BRACES.sub(r"{\1}", row.path), {})
        operations |= {m.lower(): _operation(row, m, by_type) for m in row.methods}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "description": "Times are integers: microseconds UTC since 1970 (`_us`), 90 kHz ticks (`_90k`).",
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def schemas_of(kinds: Sequence[object]) -> tuple[list[Json], dict[str, Json]]:
    """A schema for each of these types, and those that they refer to by name: structs, and the API's lists of words."""
    schemas, structs = msgspec.json.schema_components(kinds, ref_template=_REF)
    words = {name: sorted(get_args(kind)) for name, kind in WORDS.items()}
    names = {tuple(listed): name for name, listed in words.items()}
    lists: dict[str, Json] = {name: {"title": name, "type": "string", "enum": listed} for name, listed in words.items()}
    components = {name: _with_names(schema, names) for name, schema in structs.items()}
    return [_with_names(schema, names) for schema in schemas], components | lists


def _with_names(schema: Json, names: Mapping[tuple[object, ...], str]) -> Json:
    """The schema with a reference wherever it lists the words of a named list."""

    def named(node: object) -> object:
        match node:
            case {"enum": [*listed]} if name := names.get(tuple(listed)):
                return {"$ref": _REF.format(name=name)}
            case dict():
                return {key: named(value) for key, value in node.items()}
            case [*items]:
                return [named(item) for item in items]
            case _:
                return node

    return {key: named(value) for key, value in schema.items()}


def _types(route: Route) -> Iterable[object]:
    """The structs that a route answers with, and the one that it takes."""
    if route.change is not None and route.change.takes is not None:
        yield route.change.takes
    if isinstance(route.answers, Socket):
        yield from route.answers.messages
    elif not isinstance(route.answers, Media):
        yield route.answers


def _operation(route: Route, method: str, by_type: dict[str, Json]) -> Json:
    words = _BRACES.sub(r"\1", route.path).replace(".", "/").strip("/").split("/")
    failures = {status: _failure(text, by_type) for status, text in _FAILURES.items()}
    return {
        "operationId": "_".join([method.lower(), *words]),
        "summary": route.summary,
        "description": f"Asks leave for `{route.action.value}`.",
        "parameters": _parameters(route),
        **_request_body(route, by_type),
        "responses": {**_success(route, by_type), **failures},
    }


def _request_body(route: Route, by_type: dict[str, Json]) -> Json:
    if route.change is None or route.change.takes is None:
        return {}
    return {"requestBody": {"required": True, "content": _content(by_type[str(route.change.takes)])}}


def _parameters(route: Route) -> list[Json]:
    """The struct's fields: those in braces from the path, the others from the query string."""
    in_path = set(_BRACES.findall(route.path))
    schema = _object_schema(route.asks)
    rows: list[Json] = []
    for name, field in schema.properties.items():
        needed = name in in_path or name in schema.required
        place: Json = {"in": "path" if name in in_path else "query", "required": needed}
        rows.append({"name": name, **place, "schema": field})
    return rows


class _ObjectSchema(msgspec.Struct):
    properties: dict[str, Json] = msgspec.field(default_factory=dict)
    required: list[str] = msgspec.field(default_factory=list)


def _object_schema(kind: type[Query]) -> _ObjectSchema:
    _, components = msgspec.json.schema_components([kind])
    return msgspec.convert(components[kind.__name__], _ObjectSchema)


def _success(route: Route, by_type: dict[str, Json]) -> Json:
    match route.answers:
        case Socket(messages):
            texts = [by_type[str(message)] for message in messages]
            return {"101": {"description": "binary MP4 and these texts", "content": _content({"anyOf": texts})}}
        case Media(content_type, ranges):
            content = {content_type: {"schema": {"type": "string", "contentMediaType": content_type}}}
            whole: Json = {"200": {"description": "the whole", "content": content}}
            if not ranges:
                return whole
            return whole | {
                "206": {"description": "the range asked for", "content": content},
                "304": {"description": "not modified"},
                "416": _failure("the range lies behind the end", by_type),
            }
        case answer:
            return {"200": {"description": "the answer", "content": _content(by_type[str(answer)])}}


def _failure(text: str, by_type: dict[str, Json]) -> Json:
    return {"description": text, "content": _content(by_type[str(Problem)])}


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


class ApiRoom:
    """Serves the description.

    Args:
        routes: what it describes, beside itself.
        title: of the API.
        version: of the program.
    """

    def __init__(self, routes: Sequence[Route], title: str, version: str) -> None:
        self._text = encode(describe([*routes, *self.routes()], title, version))

    def routes(self) -> list[Route]:
        """The description."""
        return [
            route(
                "/api/openapi.json",
                self._send,
                asks=NoQuery,
                answers=Media("application/json", ranges=True),
                action=Action.OPEN_PAGE,
                summary="This description",
            )
        ]

    async def _send(self, _asked: NoQuery, request: web.Request) -> web.StreamResponse:
        return await send(request, Content("application/json", (self._text,), headers={"Cache-Control": "no-cache"}))
