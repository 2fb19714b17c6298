"""Footage is told under the name of its time, and a camera that was removed keeps its footage findable."""

import io
import zipfile

import pytest

from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S
from tests.web.archive import START_US, House
from tests.web.pictures import stream
from tests.web.server import Server
from web.camera_names import for_file

REMOVED = Track(9, TrackKind.MAIN)


def record(house: House) -> int:
    """Channel 1, which is called Cổng chợ today, was called Trường học for a while."""
    middle_us = house.record(stream(), START_US, group_count=2, name="Trường học")
    return house.record(stream(), middle_us, run=2, first_group=2, group_count=2, name="Cổng chợ")


async def test_name_of_then_is_told_where_it_is_not_todays(server: Server, house: House) -> None:
    end_us = record(house)
    window = {"track": "main", "from_us": START_US, "to_us": end_us}
    for path in ("timeline", "fragments"):
        names = (await server.json(f"/api/channels/1/{path}", **window))["names"]
        assert [(from_us, name) for from_us, _, name in names] == [(START_US, "Trường học")]
        assert START_US < names[0][1] < end_us
        later = window | {"from_us": end_us - US_PER_S}
        assert (await server.json(f"/api/channels/1/{path}", **later))["names"] == []


async def test_clip_and_archive_carry_the_name_of_then(server: Server, house: House) -> None:
    end_us = record(house)
    clip = await server.ask("/api/channels/1/clip.mp4", from_us=START_US, to_us=end_us)
    assert "channel-01-truong-hoc-main-" in clip.headers["Content-Disposition"]
    reply = await server.ask("/api/clips.zip", channels="1", from_us=START_US, to_us=end_us)
    text = zipfile.ZipFile(io.BytesIO(reply.body)).read("contents.txt").decode()
    assert "called when recorded: Trường học, 2026-11-07 04:20:00 +0700" in text


async def test_removed_camera_with_footage_is_listed_as_such(server: Server, house: House) -> None:
    house.record(stream(channel=2), START_US, track=REMOVED, name="Bridge")
    channels = {channel["number"]: channel for channel in await server.json("/api/channels")}
    assert [(channels[n]["name"], channels[n]["removed"]) for n in (1, 9)] == [("Cổng chợ", False), ("Bridge", True)]
    assert channels[9]["first_us"] == START_US
    assert [track["state"] for track in channels[9]["tracks"]] == ["off"]
    told = await server.json("/api/channels/9/timeline", from_us=START_US, to_us=START_US + US_PER_S)
    assert told["spans"]
    assert [name for _, _, name in told["names"]] == ["Bridge"]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Trường Tiểu học Hồ Xá", "truong-tieu-hoc-ho-xa"),
        ("Đường 1/2", "duong-1-2"),
        ('a"b\r\nX: y', "a-b-x-y"),
        ("市場", ""),
        ("x" * 100, "x" * 40),
    ],
)
def test_name_in_a_files_name_is_plain(name: str, part: str) -> None:
    assert for_file(name) == part
