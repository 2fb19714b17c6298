"""A role that is limited in time: no picture, byte or fact of another time leaves the server."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import WSCloseCode, WSMsgType

from nvr.timebase import US_PER_S, TimeRange
from tests.manual_clock import ManualClock
from tests.web.archive import START_US, House, groups
from tests.web.conftest import open_server
from tests.web.pictures import stream
from tests.web.server import Server
from web.auth import Action, User
from web.live import ASK_AGAIN_US

FRAME_US = 40_000
FROM_US, TO_US = START_US + US_PER_S + 5 * FRAME_US, START_US + 3 * US_PER_S + 5 * FRAME_US  # in groups of a second
WINDOW: dict[str, Any] = {"from_us": FROM_US, "to_us": TO_US}
INSIDE = TimeRange(FROM_US, TO_US)


@dataclass
class Role:
    """May see channel 1 between two instants, and live as long as nobody takes that away."""

    live: bool = True
    asked: list[tuple[Action, TimeRange | None]] = field(default_factory=list)

    def __call__(self, _user: User, action: Action, channel: int | None, instant: TimeRange | None) -> bool:
        self.asked.append((action, instant))
        if action is Action.VIEW_LIVE:
            return self.live
        return channel in {None, 1} and (instant is None or instant.clipped_to(INSIDE) == instant)


@pytest.fixture
def role() -> Role:
    return Role()


@pytest.fixture
async def limited(house: House, role: Role) -> AsyncIterator[Server]:
    house.record(stream(), START_US)
    async with AsyncExitStack() as stack:
        yield await open_server(stack, house, role, house.folder / "static")


async def test_clip_begins_with_the_first_picture_that_can_be_shown_alone(limited: Server) -> None:
    clip = await limited.clip(FROM_US, TO_US)
    assert [number for number, _ in clip.shown()] == list(range(50, 80))
    assert clip.start_us == START_US + 2 * US_PER_S


async def test_clips_of_several_cameras_begin_there_as_well(limited: Server) -> None:
    reply = await limited.ask("/api/clips.zip", channels="1", **WINDOW)
    alone = await limited.clip(FROM_US, TO_US)
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith(".mp4")]
        assert archive.read(name) == alone.reply.body


async def test_player_is_told_nothing_of_another_time(limited: Server) -> None:
    for path, first_us in (("fragments", START_US + 2 * US_PER_S), ("samples", START_US + 2 * US_PER_S)):
        told = await limited.json(f"/api/channels/1/{path}", **WINDOW)
        around = [told[name] for name in ("previous_us", "next_us") if told[name] is not None]
        assert all(FROM_US <= instant_us <= TO_US for instant_us in around)
        times = [row[4] for table in told["chunks"] for row in table["fragments"]] if path == "fragments" else []
        times += [row[2] for table in told["chunks"] for row in table.get("samples", [])]
        assert times
        assert first_us == min(times)
        assert max(times) < TO_US


async def test_window_without_a_picture_that_can_be_shown_alone_holds_nothing(limited: Server) -> None:
    inside_a_group: dict[str, Any] = {"from_us": FROM_US, "to_us": FROM_US + 5 * FRAME_US}
    role_from = TimeRange(inside_a_group["from_us"], inside_a_group["to_us"])
    assert role_from.clipped_to(INSIDE) == role_from
    for path in ("fragments", "samples", "clip.mp4", "hls.m3u8"):
        assert (await limited.ask(f"/api/channels/1/{path}", **inside_a_group)).status == 404, path


async def test_playlist_leads_to_no_byte_of_another_time(limited: Server) -> None:
    playlist = (await limited.ask("/api/channels/1/hls.m3u8", **WINDOW)).body.decode()
    assert playlist.count(".m4s") == 2
    assert "TIME-OFFSET=0.000" in playlist


async def test_still_of_an_earlier_key_frame_is_refused(limited: Server) -> None:
    still = "/api/channels/1/still.jpg"
    assert (await limited.ask(still, at_us=FROM_US + 1, picture="key")).status == 403
    assert (await limited.still(START_US + 2 * US_PER_S + 1, picture="key"))[0] == 50
    assert (await limited.still(FROM_US))[0] == 30


async def test_thumbnails_stand_for_instants_of_the_window(limited: Server) -> None:
    told = await limited.json("/api/channels/1/thumbnails", **WINDOW, count=2)
    instants = [cell["at_us"] for cell in told["thumbnails"] if cell["at_us"] is not None]
    assert instants
    assert all(FROM_US <= at_us < TO_US for at_us in instants)


async def test_facts_of_another_time_are_not_told(limited: Server) -> None:
    (channel,) = await limited.json("/api/channels")
    assert (channel["first_us"], channel["last_us"]) == (None, None)
    assert [track["last_us"] for track in channel["tracks"]] == [None, None]
    timeline = await limited.json("/api/channels/1/timeline", **WINDOW)
    assert (timeline["first_us"], timeline["last_us"]) == (None, None)
    overview = await limited.json("/api/timeline", **WINDOW, cells=2)
    assert (overview["channels"][0]["first_us"], overview["channels"][0]["last_us"]) == (None, None)
    assert (await limited.json("/api/channels/1/days"))["days"] == []
    assert (await limited.json("/api/coverage"))["channels"] == []
    assert b"nvr_channel_missing_seconds{" not in (await limited.ask("/metrics")).body
    assert (await limited.ask("/api/channels/1/live.m3u8")).status == 403


async def test_right_that_is_taken_away_ends_what_is_open(
    limited: Server, house: House, role: Role, clock: ManualClock
) -> None:
    growing = house.begin(stream(), START_US + 4 * US_PER_S, groups(stream(), 0, 2), sequence=9)
    growing.append(1)
    async with asyncio.timeout(60), limited.session.ws_connect(f"{limited.url}/api/channels/1/live") as socket:
        while (await socket.receive()).type is not WSMsgType.BINARY:
            pass
        role.live = False
        clock.advance(ASK_AGAIN_US)
        while not socket.closed:
            await socket.receive()
        assert socket.close_code == WSCloseCode.POLICY_VIOLATION
