"""Clips of several cameras in one ZIP: whole, each what clip.mp4 gives, of the length that was promised."""

import io
import os
import shutil
import subprocess
import zipfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import pytest

from nvr.media import Gap, GapReason, Track, TrackKind
from nvr.timebase import US_PER_DAY, US_PER_S, TimeRange
from tests.web.archive import MAIN, START_US, House, groups
from tests.web.conftest import open_server
from tests.web.pictures import shown, stream
from tests.web.server import Reply, Server
from web import zipping
from web.auth import Action, User
from web.zipping import Entry

ARCHIVE = "/api/clips.zip"
SECOND, THIRD = Track(2, TrackKind.MAIN), Track(3, TrackKind.MAIN)
GAP_US = START_US + 2 * US_PER_S


def record(house: House) -> int:
    """Channel 1 without a gap, channel 2 with one; channel 3 is not configured; gives the end."""
    end_us = house.record(stream(), START_US)
    house.record(stream(channel=2), START_US, track=SECOND, group_count=2)
    house.record(stream(channel=2), GAP_US + US_PER_S, track=SECOND, run=2, first_group=3)
    house.commit(gaps=[Gap(SECOND, GAP_US, GAP_US + US_PER_S, GapReason.NETWORK, "no route to host")])
    return end_us


def opened(reply: Reply) -> zipfile.ZipFile:
    assert reply.status == 200, reply.body[:500]
    assert len(reply.body) == int(reply.headers["Content-Length"])
    return zipfile.ZipFile(io.BytesIO(reply.body))


async def test_archive_holds_each_cameras_clip_as_clip_mp4_gives_it(server: Server, house: House) -> None:
    end_us = record(house)
    from_us = START_US + 300_000
    archive = opened(await server.ask(ARCHIVE, channels="2,1", from_us=from_us, to_us=end_us))
    assert archive.testzip() is None
    contents, *names = archive.namelist()
    assert contents == "contents.txt"
    for name, channel in zip(names, (2, 1), strict=True):
        alone = await server.ask(f"/api/channels/{channel}/clip.mp4", from_us=from_us, to_us=end_us)
        assert name in alone.headers["Content-Disposition"]
        assert archive.read(name) == alone.body
    assert [n for n, _ in shown(io.BytesIO(archive.read(names[0])))] == [*range(7, 50), *range(75, 100)]


async def test_list_in_the_archive_names_cameras_and_what_is_missing(server: Server, house: House) -> None:
    end_us = record(house)
    house.record(stream(), START_US + US_PER_DAY, track=THIRD)  # at another time
    archive = opened(await server.ask(ARCHIVE, channels="1,2,3", from_us=START_US, to_us=end_us))
    text = archive.read("contents.txt").decode()
    assert "camera 1 Cổng chợ: channel-01-main-" in text
    assert "missing: 2026-11-07 04:20:02 +0700 – 2026-11-07 04:20:03 +0700 network (no route to host)" in text
    assert "camera 3: không có hình / nothing recorded" in text
    assert len(archive.namelist()) == 3


async def test_length_is_told_without_sending(server: Server, house: House) -> None:
    end_us = record(house)
    head = await server.ask(ARCHIVE, method="HEAD", channels="1,2", from_us=START_US, to_us=end_us)
    reply = await server.ask(ARCHIVE, channels="1,2", from_us=START_US, to_us=end_us)
    assert int(head.headers["Content-Length"]) == len(reply.body)
    assert head.headers["Content-Disposition"] == 'attachment; filename="cameras-20261107-042000+0700.zip"'


async def test_footage_that_grows_meanwhile_keeps_the_length_that_was_promised(server: Server, house: House) -> None:
    source = stream()
    growing = house.begin(source, START_US, groups(source, 0, 2))
    growing.append(3)
    archive = opened(await server.ask(ARCHIVE, channels="1", from_us=START_US, to_us=START_US + 60 * US_PER_S))
    assert [n for n, _ in shown(io.BytesIO(archive.read(archive.namelist()[1])))] == list(range(25))


async def test_archive_is_opened_by_other_programs_too(server: Server, house: House, tmp_path: Path) -> None:
    program = shutil.which("unzip") or shutil.which("bsdtar") or shutil.which("7z")
    if program is None:
        pytest.skip("neither unzip nor bsdtar nor 7z is installed")
    end_us = record(house)
    path = tmp_path / "clips.zip"
    path.write_bytes((await server.ask(ARCHIVE, channels="1,2", from_us=START_US, to_us=end_us)).body)
    test = {"unzip": ["-t"], "bsdtar": ["-tf"], "7z": ["t"]}[Path(program).name]
    subprocess.run([program, *test, str(path)], check=True, capture_output=True)


async def test_plan_says_about_how_large_and_what_is_missing(server: Server, house: House) -> None:
    end_us = record(house)
    plan = await server.json("/api/clips", channels="1,2", from_us=START_US, to_us=end_us)
    archive = opened(await server.ask(ARCHIVE, channels="1,2", from_us=START_US, to_us=end_us))
    real = [info.file_size for info in archive.infolist()[1:]]
    for facts, size in zip(plan["clips"], real, strict=True):
        assert abs(facts["about_bytes"] - size) < 0.2 * size  # small pictures: tables weigh more than in earnest
    assert plan["about_bytes"] == sum(facts["about_bytes"] for facts in plan["clips"])
    assert [facts["missing_us"] for facts in plan["clips"]] == [0, US_PER_S]
    assert [gap["reason"] for gap in plan["clips"][1]["gaps"]] == ["network"]
    half = await server.json("/api/clips", channels="1", from_us=START_US, to_us=START_US + US_PER_S)
    assert abs(half["about_bytes"] - plan["clips"][0]["about_bytes"] / 4) < 0.2 * half["about_bytes"]


async def test_nothing_recorded_by_any_is_not_found(server: Server, house: House) -> None:
    end_us = record(house)
    reply = await server.ask(ARCHIVE, channels="1,2", from_us=end_us + 1, to_us=end_us + 9)
    assert reply.status == 404
    plan = await server.json("/api/clips", channels="1", from_us=end_us + 1, to_us=end_us + 9)
    assert (plan["about_bytes"], plan["clips"][0]["missing_us"]) == (0, 8)


@pytest.mark.parametrize(
    "channels", ["", "1,", "a", "1;2", "0", "1,268435456", "1 ,2", "-1", "١", ",".join(["1"] * 101)]
)
async def test_list_of_channels_that_is_none_is_refused(server: Server, channels: str) -> None:
    for path in ("/api/clips", ARCHIVE):
        reply = await server.ask(path, channels=channels, from_us=START_US, to_us=START_US + 1)
        assert (reply.status, "channels" in reply.json["error"]) == (400, True)


async def test_more_than_sixteen_days_of_all_together_are_refused(server: Server, house: House) -> None:
    record(house)
    many = ",".join(map(str, range(1, 18)))
    reply = await server.ask("/api/clips", channels=many, from_us=START_US, to_us=START_US + US_PER_DAY)
    assert (reply.status, "together" in reply.json["error"]) == (400, True)
    assert (await server.ask("/api/clips", channels="1", from_us=0, to_us=US_PER_DAY + 1)).status == 400


async def test_one_camera_that_one_may_not_see_refuses_the_set(house: House, tmp_path: Path) -> None:
    end_us = record(house)
    asked = []

    def question(_user: User, action: Action, channel: int | None, instant: TimeRange | None) -> bool:
        asked.append((action, channel, instant))
        return channel != 2

    async with AsyncExitStack() as stack:
        server = await open_server(stack, house, question, tmp_path)
        for path in ("/api/clips", ARCHIVE):
            assert (await server.ask(path, channels="1,2", from_us=START_US, to_us=end_us)).status == 403
            assert (await server.ask(path, channels="1", from_us=START_US, to_us=end_us)).status == 200
    assert (Action.VIEW_RECORDED, 2, TimeRange(START_US, end_us)) in asked


async def test_file_that_turns_bad_while_it_is_sent_cuts_the_connection(server: Server, house: House) -> None:
    """A half archive must not look like a whole one."""
    end_us = record(house)
    await server.ask(ARCHIVE, method="HEAD", channels="1,2", from_us=START_US, to_us=end_us)  # tables are known
    path = house.folder / "volume" / house.index.chunks(MAIN, house.whole)[-1].name().path()
    facts = path.stat()
    with path.open("r+b") as file:
        file.write(bytes(64))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))  # as a disk changes it: nothing tells
    with pytest.raises(Exception, match=r"payload|disconnected|closed"):
        await server.ask(ARCHIVE, channels="1", from_us=START_US, to_us=end_us)


async def test_file_that_went_since_it_was_read_is_told_as_missing(server: Server, house: House) -> None:
    end_us = record(house)
    await server.ask(ARCHIVE, method="HEAD", channels="1,2", from_us=START_US, to_us=end_us)  # tables are known
    last = house.index.chunks(MAIN, house.whole)[-1]
    (house.folder / "volume" / last.name().path()).unlink()
    archive = opened(await server.ask(ARCHIVE, channels="1", from_us=START_US, to_us=end_us))
    assert [n for n, _ in shown(io.BytesIO(archive.read(archive.namelist()[1])))] == list(range(50))
    text = archive.read("contents.txt").decode()
    assert "missing: 2026-11-07 04:20:02 +0700 – 2026-11-07 04:20:04 +0700 disk (" in text


def test_archive_larger_than_four_gigabytes_is_read_by_zipfile(tmp_path: Path) -> None:
    """Sparse: five files of a gigabyte of zeros."""
    size = 1 << 30
    zeros = 0
    for _ in range(size >> 20):
        zeros = crc32(bytes(1 << 20), zeros)
    entries = [Entry(f"máy {number}.mp4", size, datetime(2026, 11, 28, 14, 3, 59, tzinfo=UTC)) for number in range(5)]
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        for entry in entries:
            file.write(zipping.header(entry))
            file.seek(size, 1)
            file.write(zipping.descriptor(entry, zeros))
        file.write(zipping.directory(entries, [zeros] * 5))
        assert file.tell() == zipping.total_bytes(entries)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [entry.name for entry in entries]
        last = archive.infolist()[-1]
        assert (last.file_size, last.CRC, last.date_time) == (size, zeros, (2026, 11, 28, 14, 3, 58))
        assert last.header_offset == 4 * entries[0].span_bytes
        with archive.open(last) as member:
            assert member.read(1 << 20) == bytes(1 << 20)
