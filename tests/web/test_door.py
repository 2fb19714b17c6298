"""What every request passes: the question, the Host, the Origin, the headers, errors in plain words."""

import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from aiohttp import WSServerHandshakeError
from openapi_spec_validator import validate

from nvr.capture.report import TrackState
from nvr.errors import (
    CameraError,
    ConfigError,
    Denied,
    Held,
    IntegrityError,
    LimitReached,
    NotRecorded,
    NvrError,
    StorageError,
)
from nvr.media import GapReason
from nvr.timebase import TimeRange
from tests.web.archive import START_US, House
from tests.web.conftest import open_server
from tests.web.pictures import stream
from tests.web.server import Server
from web import wire
from web.app import ROUTES
from web.auth import LOCAL_USER, Action, User, may
from web.reply import BadParameters, encode, status_of
from web.route import Route, Socket

EXAMPLES = {
    "channel": "1",
    "track": "main",
    "start_us": str(START_US),
    "run": "1",
    "sequence": "1",
    "offset": "1",
    "end": "2",
    "shift_90k": "0",
    "file": "x.js",
    "number": "1",
}
BOXED = {"left": "10", "top": "10", "width": "200", "height": "200"}
QUERY = BOXED | {"from_us": str(START_US), "to_us": str(START_US + 1_000_000), "at_us": str(START_US), "channels": "1"}


def example(route: Route) -> tuple[str, dict[str, Any]]:
    """A right request for a route: its path and query."""
    path = route.path
    for name, text in EXAMPLES.items():
        path = path.replace("{" + name + "}", text)
    fields = {field.name for field in msgspec.structs.fields(route.asks)}
    return path, {name: text for name, text in QUERY.items() if name in fields}


def example_body(route: Route) -> Any:
    """A right body for a change that takes one."""
    return {} if route.change is not None and route.change.takes is not None else None


async def refusing_server(stack: AsyncExitStack, house: House, folder: Path, refused: set[Action]) -> Server:
    def question(user: User, action: Action, channel: int | None, instant: TimeRange | None) -> bool:
        return may(user, action, channel, instant) and action not in refused

    return await open_server(stack, house, question, folder)


async def test_every_route_asks_for_its_action_before_it_answers(house: House, tmp_path: Path) -> None:
    """Refusing everything refuses every route: one that does not ask would answer."""
    house.record(stream(), START_US)
    async with AsyncExitStack() as stack:
        server = await refusing_server(stack, house, tmp_path, set(Action))
        for route in server.app[ROUTES]:
            path, query = example(route)
            for method in route.methods:
                reply = await server.ask(path, method=method, **query)
                assert reply.status == 403, f"{method} {path} does not ask"
                if method == "GET":
                    assert route.action.value in reply.json["error"]


async def test_routes_ask_for_the_right_action_alone(house: House, tmp_path: Path) -> None:
    house.record(stream(), START_US)
    async with AsyncExitStack() as stack:
        for action in Action:
            server = await refusing_server(stack, house, tmp_path, {action})
            for route in server.app[ROUTES]:
                if not isinstance(route.answers, Socket):
                    path, query = example(route)
                    reply = await server.ask(path, method=route.methods[0], **query)
                    assert (reply.status == 403) == (route.action is action), path


async def test_may_is_told_channel_and_time(house: House, tmp_path: Path) -> None:
    end_us = house.record(stream(), START_US)
    asked: list[tuple[Action, int | None, TimeRange | None]] = []

    def question(_user: User, action: Action, channel: int | None, instant: TimeRange | None) -> bool:
        asked.append((action, channel, instant))
        return True

    async with AsyncExitStack() as stack:
        server = await open_server(stack, house, question, tmp_path)
        await server.clip(START_US + 5, end_us)
        assert asked[0] == (Action.VIEW_RECORDED, 1, TimeRange(START_US + 5, end_us))
        assert (Action.VIEW_RECORDED, 1, TimeRange(START_US + 4, START_US + 5)) in asked, "what is decoded before"
        table = await server.json("/api/channels/1/fragments", from_us=START_US, to_us=START_US + 1)
        await server.ask(table["chunks"][0]["media_url"])
        assert asked[-1:] == [(Action.VIEW_RECORDED, 1, TimeRange(START_US, START_US + 2_000_000))]
        await server.json("/api/channels")
        assert (Action.SEE_CHANNELS, 1, None) in asked
        assert asked[-1][:2] == (Action.SEE_TIMELINE, 1), "when footage begins and ends"


async def test_only_registered_routes_are_served(server: Server) -> None:
    served = {(r.method, r.resource.canonical) for r in server.app.router.routes() if r.resource is not None}
    assert served == {(method, route.path) for route in server.app[ROUTES] for method in route.methods}


def test_stranger_may_nothing() -> None:
    assert may(LOCAL_USER, Action.VIEW_LIVE, 1, None)
    assert not any(may(User("stranger"), action, 1, None) for action in Action)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1", "::::"])
async def test_foreign_host_header_is_refused(server: Server, host: str) -> None:
    reply = await server.ask("/api/site", headers={"Host": host})
    assert reply.status in (400, 403)
    assert "timezone" not in reply.body.decode()


FOREIGN = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
LINK = FOREIGN | {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


async def test_page_of_another_origin_has_nothing_fetched(server: Server, house: House) -> None:
    house.record(stream(), START_US)
    for site in ("cross-site", "same-site", "anything"):
        for route in server.app[ROUTES]:
            path, query = example(route)
            headers = FOREIGN | {"Sec-Fetch-Site": site}
            reply = await server.ask(path, route.methods[0], headers, example_body(route), **query)
            assert reply.status == 403, path
    frame = LINK | {"Sec-Fetch-Dest": "iframe"}
    assert (await server.ask("/api/channels", headers=frame)).status == 403
    assert (await server.ask("/api/channels", headers=LINK)).status == 200, "a link that somebody follows"
    assert (await server.ask("/api/channels", headers=FOREIGN | {"Sec-Fetch-Site": "same-origin"})).status == 200
    assert (await server.ask("/api/channels/1/bookmarks", "POST", LINK, {}, at_us=1)).status == 403


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b'{"note": "\xff"}'),
        ({}, b"\xff\xfe{\x00}\x00"),
        ({}, b"[" * 10_000),
        ({}, b""),
        ({"Content-Encoding": "gzip"}, b"no gzip at all"),
    ],
)
async def test_body_that_cannot_be_read_is_400_in_plain_words(
    server: Server, headers: dict[str, str], body: bytes
) -> None:
    said = {"Content-Type": "application/json", **headers}
    path = f"{server.url}/api/channels/1/bookmarks?at_us=1"
    async with server.session.post(path, data=body, headers=said) as reply:
        assert reply.status == 400
        assert set(await reply.json()) == {"error", "where", "hint"}
        assert reply.headers["Server"] == "nvr"


async def test_body_that_is_too_long_is_413_in_plain_words(server: Server) -> None:
    reply = await server.ask("/api/channels/1/bookmarks", "POST", body={"note": "x" * 20_000}, at_us=1)
    assert (reply.status, set(reply.json)) == (413, {"error", "where", "hint"})


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:5173", "127.0.0.1:8055", "[::1]:1"])
async def test_local_host_header_is_served(server: Server, host: str) -> None:
    assert (await server.ask("/api/site", headers={"Host": host})).status == 200


async def test_socket_of_foreign_origin_is_refused(server: Server) -> None:
    path = server.url + "/api/channels/1/live"
    with pytest.raises(WSServerHandshakeError) as caught:
        await server.session.ws_connect(path, headers={"Origin": "http://evil.example"})
    assert caught.value.status == 403
    async with server.session.ws_connect(path, headers={"Origin": server.url}) as socket:
        assert (await socket.receive_json(timeout=5))["type"] == "state"


async def test_every_answer_carries_the_security_headers(server: Server, house: House) -> None:
    house.record(stream(), START_US)
    for route in server.app[ROUTES]:
        if not isinstance(route.answers, Socket):
            path, query = example(route)
            headers = (await server.ask(path, **query)).headers
            assert "default-src 'self'" in headers["Content-Security-Policy"], path
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Server"] == "nvr"
            if route.action is not Action.OPEN_PAGE:
                assert headers["Cache-Control"] in {"no-store", "private, no-cache"}, "footage, or facts of it"


async def test_all_mistakes_are_listed_at_once(server: Server) -> None:
    reply = await server.ask("/api/channels/0/timeline", from_us="soon", to_us=-3, track="third", colour="red")
    assert reply.status == 400
    for name in ("channel", "from_us", "to_us", "track", "colour"):
        assert f"{name}: " in reply.json["error"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("timeline", {"from_us": 5, "to_us": 5}),
        ("timeline", {"from_us": 0, "to_us": 41 * 86_400_000_000}),
        ("timeline", {"from_us": 0}),
        ("fragments", {"from_us": 0, "to_us": 600_000_001}),
        ("clip.mp4", {"from_us": 0, "to_us": 86_400_000_001}),
        ("hls.m3u8", {"from_us": 9, "to_us": 1}),
        ("still.jpg", {"at_us": 2**63}),
        ("still.jpg", {"at_us": 1, "width": 4000}),
        ("still.jpg", {"at_us": "1.5"}),
        ("still.jpg", {"at_us": "1", "channel": 2}),
        ("still.jpg", {"at_us": "1.0"}),
        ("still.jpg", {"at_us": "1e3"}),
        ("still.jpg", {"at_us": "-0"}),
        ("still.jpg", {"at_us": "007"}),
        ("still.jpg", {"at_us": "+1"}),
        ("still.jpg", {"at_us": "1_000"}),
        ("still.jpg", {"at_us": "１２"}),
        ("still.jpg", {"at_us": "٣"}),
        ("still.jpg", {"at_us": " 1"}),
        ("still.jpg", {"at_us": "9" * 5_000}),
        ("../../../media/1/main/1-+1-1/media.mp4", {}),
        ("../../../media/1/main/1-１-1/media.mp4", {}),
    ],
)
async def test_wrong_parameters_are_400_in_plain_words(server: Server, path: str, query: dict[str, Any]) -> None:
    reply = await server.ask(f"/api/channels/1/{path}", **query)
    assert reply.status == 400
    assert set(reply.json) == {"error", "where", "hint"}


async def test_parameter_given_twice_is_a_mistake(server: Server) -> None:
    async with server.session.get(server.url + "/api/channels/1/days?track=main&track=sub") as response:
        assert response.status == 400
        assert "track: given twice" in (await response.json())["error"]


async def test_unknown_addresses_and_methods_are_plain_json(server: Server) -> None:
    for path in (
        "/api/nothing",
        "/api/channels/9/days",
        "/nothing.js",
        "/assets/..%2f..%2fapp.py",
        "/media/1/main/1-1-1/media.mp4",
    ):
        reply = await server.ask(path)
        assert (reply.status, set(reply.json)) == (404, {"error", "where", "hint"}), path
    reply = await server.ask("/api/site", method="POST")
    assert (reply.status, reply.headers["Allow"]) == (405, "GET")
    assert reply.json["error"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotRecorded("x"), 404),
        (Denied("x"), 403),
        (Held("x"), 409),
        (LimitReached("x"), 409),
        (StorageError("x"), 503),
        (IntegrityError("x"), 502),
        (CameraError("x"), 502),
        (ConfigError("x"), 500),
        (BadParameters("x"), 400),
    ],
)
def test_error_has_its_status(error: NvrError, status: int) -> None:
    assert status_of(error) == status
    body = json.loads(encode(wire.Problem(error.what, error.where, error.hint)))
    assert body == {"error": "x", "where": "", "hint": ""}


def test_words_of_states_and_reasons_are_those_of_the_recorder() -> None:
    assert {state.value for state in TrackState} | {"stopped"} == set(get_args(wire.StateWord))
    assert {reason.value for reason in GapReason} == set(get_args(wire.ReasonWord))


async def test_openapi_description_is_valid_and_complete(server: Server) -> None:
    text = (await server.ask("/api/openapi.json")).json
    validate(text)
    described = {(method.upper(), path) for path, item in text["paths"].items() for method in item}
    routes = [route for route in server.app[ROUTES] if route.described]
    assert described == {(method, route.path) for route in routes for method in route.methods}
    assert {r.path for r in server.app[ROUTES] if not r.described} == {"/", "/{file}", "/assets/{file}"}
    for route in routes:
        parameters = {p["name"]: p for p in text["paths"][route.path][route.methods[0].lower()]["parameters"]}
        for field in msgspec.structs.fields(route.asks):
            in_path = "{" + field.name + "}" in route.path
            assert parameters[field.name]["in"] == ("path" if in_path else "query")
            assert parameters[field.name]["required"] == (in_path or field.required)


async def test_answers_are_as_the_openapi_description_says(server: Server, house: House) -> None:
    """Each JSON answer of a full house converts back into the struct that describes it, with nothing left over."""
    house.record(stream(), START_US)
    for route in server.app[ROUTES]:
        if isinstance(route.answers, type) or getattr(route.answers, "__origin__", None) is list:
            path, query = example(route)
            reply = await server.ask(path, method=route.methods[0], body=example_body(route), **query)
            found = msgspec.convert(reply.json, route.answers)
            assert json.loads(encode(found)) == reply.json


async def test_pages_serve_what_was_built_and_nothing_else(house: House, tmp_path: Path) -> None:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<p>here</p>")
    (static / "assets" / "a-1234.js").write_text("1")
    (static / "link.txt").symlink_to("/etc/passwd")
    async with AsyncExitStack() as stack:
        server = await open_server(stack, house, may, static)
        page = await server.ask("/")
        assert (page.body, page.headers["Content-Type"]) == (b"<p>here</p>", "text/html")
        asset = await server.ask("/assets/a-1234.js")
        assert "immutable" in asset.headers["Cache-Control"]
        assert "javascript" in asset.headers["Content-Type"]
        assert (await server.ask("/link.txt")).status == 404


async def test_page_that_was_not_built_says_how(server: Server) -> None:
    page = await server.ask("/")
    assert page.status == 200
    assert b"make" in page.body
