"""Bookmarks over HTTP: made, listed, removed; and no page of another origin makes one."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from indexer.bookmarks import LONGEST_NOTE, MOST, TABLE, Bookmark
from nvr.channel import Channel
from nvr.timebase import TimeRange
from tests.web.archive import START_US, House
from tests.web.conftest import open_server
from tests.web.server import Server
from web.auth import Action, User, may

MARKS = "/api/channels/1/bookmarks"


async def mark(server: Server, note: str = "", at_us: int = START_US, path: str = MARKS) -> dict[str, Any]:
    async with server.session.post(f"{server.url}{path}?at_us={at_us}", json={"note": note}) as reply:
        assert reply.status == 200, await reply.text()
        made: dict[str, Any] = await reply.json()
        return made


async def status(server: Server, method: str, path: str, **request: Any) -> int:
    async with server.session.request(method, server.url + path, **request) as reply:
        await reply.read()
        return reply.status


async def test_bookmark_is_made_listed_and_removed(server: Server, house: House) -> None:
    later = await mark(server, "  xe máy đỏ  ", START_US + 5)
    earlier = await mark(server, "", START_US)
    assert later == {
        "number": 1,
        "channel": 1,
        "at_us": START_US + 5,
        "note": "xe máy đỏ",
        "author": "local",
        "made_us": house.clock.wall_us(),
    }
    assert await server.json("/api/bookmarks") == [earlier, later]
    assert await server.json("/api/bookmarks", from_us=START_US + 1, to_us=START_US + 6) == [later]
    assert await status(server, "DELETE", f"{MARKS}/1") == 200
    assert await server.json("/api/bookmarks") == [earlier]
    assert await status(server, "DELETE", f"{MARKS}/1") == 404


async def test_bookmark_of_another_channel_is_not_removed_under_a_channel_that_one_may_mark(server: Server) -> None:
    await mark(server)
    assert await status(server, "DELETE", "/api/channels/2/bookmarks/1") == 404
    assert len(await server.json("/api/bookmarks")) == 1


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"json": {"note": "x"}, "headers": {"Origin": "http://evil.example"}}, 403),
        ({"json": {"note": "x"}, "headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
        ({"json": {"note": "x"}, "headers": {"Sec-Fetch-Site": "same-site"}}, 403),
        ({"data": {"note": "x"}}, 400),  # a form, as any page can send it
        ({"data": '{"note": "x"}', "headers": {"Content-Type": "text/plain"}}, 400),
        ({"data": "{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"json": {"note": "x", "channel": 2}}, 400),
        ({"json": {"note": 7}}, 400),
        ({"json": {"note": "x" * (LONGEST_NOTE + 1)}}, 400),
        ({"json": {"note": "x" * 20_000}}, 413),
        ({"json": {"note": "x"}, "headers": {"Sec-Fetch-Site": "same-origin"}}, 200),
    ],
)
async def test_only_this_page_makes_a_bookmark_and_only_a_right_one(
    server: Server, request_: dict[str, Any], expected: int
) -> None:
    assert await status(server, "POST", f"{MARKS}?at_us={START_US}", **request_) == expected
    assert len(await server.json("/api/bookmarks")) == (expected == 200)


async def test_bookmark_of_a_channel_that_is_not_there_is_refused(server: Server) -> None:
    path = f"/api/channels/9/bookmarks?at_us={START_US}"
    assert await status(server, "POST", path, json={"note": ""}) == 404


async def test_who_may_only_look_sees_those_of_his_channels_and_changes_nothing(house: House, tmp_path: Path) -> None:
    house.registry.put(Channel(2, "Chợ", "rtsp://camera/main"))

    def question(user: User, action: Action, channel: int | None, instant: TimeRange | None) -> bool:
        return may(user, action, channel, instant) and channel != 1 and action is not Action.MARK

    for channel in (1, 2):
        house.registry.bookmarks.add(channel, START_US, "", author="somebody", now_us=START_US)
    async with AsyncExitStack() as stack:
        server = await open_server(stack, house, question, tmp_path)
        assert [one["channel"] for one in await server.json("/api/bookmarks")] == [2]
        assert await status(server, "DELETE", "/api/channels/2/bookmarks/2") == 403
        assert await status(server, "POST", f"/api/channels/2/bookmarks?at_us={START_US}", json={}) == 403
    assert len(house.registry.bookmarks.within(TimeRange(0, START_US + 1))) == 2


async def test_bookmark_beyond_the_limit_is_refused_with_a_way_out(server: Server, house: House) -> None:
    one = Bookmark(number=MOST + 7, channel=1, at_us=START_US, note="", author="a", made_us=1)
    with house.registry.bookmarks._store.write() as txn:
        for number in [*range(1, MOST), one.number]:
            txn.put(TABLE, number.to_bytes(4, "big"), msgspec.json.encode(replace(one, number=number)))
    async with server.session.post(f"{server.url}{MARKS}?at_us={START_US}", json={}) as reply:
        assert reply.status == 409
        assert (await reply.json())["hint"]
    assert await status(server, "DELETE", f"{MARKS}/5") == 200
    assert (await mark(server))["number"] == one.number + 1, "no number is given twice"
