"""One file that is gone, damaged or another's costs its own pictures and no others, and each answer says so."""

import io
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.damage import Damage, Round
from nvr.chunk.damage import Harm, examine
from nvr.chunk.reader import ChunkReader
from nvr.chunk.source import ByteSource
from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S, TimeRange
from tests.web.archive import MAIN, START_US, House
from tests.web.pictures import shown, stream
from tests.web.server import Server
from tests.web.test_hls import playlist

SECOND = Track(2, TrackKind.MAIN)
BASE = "/api/channels/1/"


def delete(path: Path) -> None:
    path.unlink()


def fill_with_zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_link(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


WHOLE = [delete, fill_with_zeros, empty, make_folder, make_link]


def record(house: House) -> tuple[list[Path], int]:
    """Four chunks of a second each and a camera beside them; gives the files and the end."""
    end_us = house.record(stream(), START_US, groups_a_chunk=1)
    house.record(stream(channel=2), START_US, track=SECOND, groups_a_chunk=1)
    rows = house.index.chunks(MAIN, house.whole)
    return [house.folder / "volume" / row.name().path() for row in rows], end_us


def second(number: int) -> int:
    return START_US + number * US_PER_S


@pytest.mark.parametrize("ruin", WHOLE)
async def test_rest_of_a_window_comes_out_and_what_is_missing_is_told(
    server: Server, house: House, ruin: Callable[[Path], None]
) -> None:
    files, end_us = record(house)
    ruin(files[1])
    window = {"from_us": START_US, "to_us": end_us}
    for name in ("fragments", "samples", "key-samples"):
        answer = await server.json(BASE + name, **window)
        assert [table["start_us"] for table in answer["chunks"]] == [second(0), second(2), second(3)]
        (gap,) = answer["gaps"]
        assert (gap["start_us"], gap["end_us"], gap["reason"]) == (second(1), second(2), "disk")
        assert gap["detail"]
    clip = await server.clip(START_US, end_us)
    assert [number for number, _ in clip.shown()] == [*range(25), *range(50, 100)]
    assert abs(clip.shown()[25][1] - second(2)) <= 12
    assert clip.reply.headers["X-Clip-Unreadable-Us"] == str(US_PER_S)
    found = await playlist(server, BASE + "hls.m3u8", **window)
    assert [row.broken for row in found.rows] == [False, True, False]
    (told,) = found.ranges
    assert 'DURATION=1.000000,X-REASON="disk"' in told


@pytest.mark.parametrize("ruin", WHOLE)
async def test_archive_of_several_cameras_holds_what_is_whole(
    server: Server, house: House, ruin: Callable[[Path], None]
) -> None:
    files, end_us = record(house)
    ruin(files[3])
    reply = await server.ask("/api/clips.zip", channels="1,2", from_us=START_US, to_us=end_us)
    archive = zipfile.ZipFile(io.BytesIO(reply.body))
    assert archive.testzip() is None
    contents, first, other = archive.namelist()
    assert [n for n, _ in shown(io.BytesIO(archive.read(first)))] == list(range(75))
    assert [n for n, _ in shown(io.BytesIO(archive.read(other)))] == list(range(100))
    text = archive.read(contents).decode()
    assert text.count("thiếu") == 1
    assert "missing: 2026-11-07 04:20:03 +0700 – 2026-11-07 04:20:04 +0700 disk (" in text


async def test_camera_of_which_nothing_can_be_read_costs_no_other_cameras_clip(server: Server, house: House) -> None:
    files, end_us = record(house)
    for path in files:
        fill_with_zeros(path)
    reply = await server.ask("/api/clips.zip", channels="1,2", from_us=START_US, to_us=end_us)
    archive = zipfile.ZipFile(io.BytesIO(reply.body))
    assert len(archive.namelist()) == 2
    assert "camera 1 Cổng chợ: không đọc được / cannot be read (" in archive.read("contents.txt").decode()
    assert (await server.ask(BASE + "clip.mp4", from_us=START_US, to_us=end_us)).status == 502
    assert (await server.json(BASE + "fragments", from_us=START_US, to_us=end_us))["chunks"] == []


async def test_file_cut_short_gives_what_stands_before_the_cut(server: Server, house: House) -> None:
    files, end_us = record(house)
    answer = await server.json(BASE + "fragments", from_us=second(1), to_us=second(2))
    cut = answer["chunks"][0]["fragments"][1][1] + 5  # after 20 of 25 pictures
    files[1].write_bytes(files[1].read_bytes()[:cut])
    clip = await server.clip(START_US, end_us)
    assert [number for number, _ in clip.shown()] == [*range(45), *range(50, 100)]
    (gap,) = (await server.json(BASE + "fragments", from_us=START_US, to_us=end_us))["gaps"]
    assert (gap["start_us"], gap["end_us"]) == (second(1) + 800_000, second(2))
    assert (await server.still(second(1) + 700_000))[0] == 42


async def test_another_cameras_file_in_the_place_is_never_sent(server: Server, house: House) -> None:
    files, end_us = record(house)
    url = (await server.json(BASE + "fragments", from_us=second(2), to_us=second(3)))["chunks"][0]["media_url"]
    other = house.folder / "volume" / house.index.chunks(SECOND, house.whole)[2].name().path()
    shutil.copyfile(other, files[2])
    assert [number for number, _ in (await server.clip(START_US, end_us)).shown()] == [*range(50), *range(75, 100)]
    reply = await server.ask(url)
    assert (reply.status, reply.json["error"]) == (502, "another chunk lies in the place of this one")


async def test_file_with_another_root_is_not_taken_for_the_one_that_was_recorded(server: Server, house: House) -> None:
    files, end_us = record(house)
    house.folder.joinpath("other").mkdir()
    forged = house.begin(stream(first=500), second(1), stream(first=500).units[:25], run=1, sequence=2)
    forged.append_all()
    part = house.folder / "volume" / forged.part.path
    forged.seal(index=False, moved_us=1)
    assert not part.exists()
    (made,) = [path for path in files[1].parent.iterdir() if str(second(1) + 1) in path.name]
    made.replace(files[1])
    assert 500 not in [number for number, _ in (await server.clip(START_US, end_us)).shown()]


async def test_row_whose_file_is_known_to_be_lost_is_told(server: Server, house: House) -> None:
    _, end_us = record(house)
    house.writer.mark_lost(house.index.chunks(MAIN, house.whole)[1:2])
    (gap,) = (await server.json(BASE + "samples", from_us=START_US, to_us=end_us))["gaps"]
    assert (gap["start_us"], gap["end_us"], gap["detail"]) == (second(1), second(2), "the file is missing")


async def test_plan_of_clips_counts_what_is_there_alone(server: Server, house: House) -> None:
    files, end_us = record(house)
    whole = await server.json("/api/clips", channels="1", from_us=START_US, to_us=end_us)
    delete(files[0])
    plan = await server.json("/api/clips", channels="1", from_us=START_US, to_us=end_us)
    assert plan["clips"][0]["missing_us"] == US_PER_S
    assert [gap["reason"] for gap in plan["clips"][0]["gaps"]] == ["disk"]
    assert plan["about_bytes"] < whole["about_bytes"]


async def test_live_list_goes_on_without_a_file_that_is_gone(server: Server, house: House) -> None:
    files, end_us = record(house)
    house.clock.step_wall(end_us + US_PER_S - house.clock.wall_us())
    delete(files[1])
    found = await playlist(server, BASE + "live.m3u8")
    assert [row.broken for row in found.rows] == [False, True, False]


async def test_contents_tell_what_lies_before_the_first_and_after_the_last_footage(
    server: Server, house: House
) -> None:
    _, end_us = record(house)
    house.clock.step_wall(end_us + 5 * US_PER_S - house.clock.wall_us())
    reply = await server.ask("/api/clips.zip", channels="1", from_us=second(-10), to_us=end_us + 60 * US_PER_S)
    text = zipfile.ZipFile(io.BytesIO(reply.body)).read("contents.txt").decode()
    lines = [line.split("missing: ")[1] for line in text.splitlines() if "missing: " in line]
    assert lines[0].startswith("2026-11-07 04:19:50 +0700 – 2026-11-07 04:20:00 +0700 trước hình đầu tiên")
    assert lines[1].startswith("2026-11-07 04:20:04 +0700 – 2026-11-07 04:20:09 +0700 ")
    assert lines[2].startswith("2026-11-07 04:20:09 +0700 – 2026-11-07 04:21:04 +0700 chưa đến")
    assert len(lines) == 3


def flip_in_samples(path: Path) -> Harm:
    """Change one byte in the middle of the second fragment's pictures; gives what reading the whole file finds."""
    with ChunkReader(path) as reader:
        span = reader.fragments()[1]
        time = TimeRange(second(1), second(2))
    data = bytearray(path.read_bytes())
    data[(span.data_offset + span.end) // 2] ^= 0x10
    path.write_bytes(data)
    fd = os.open(path, os.O_RDONLY)
    try:
        harm = examine(ByteSource(fd, str(path)), time)
    finally:
        os.close(fd)
    assert harm is not None
    return harm


async def test_damage_that_the_scrub_has_found_is_told_wherever_the_footage_goes(server: Server, house: House) -> None:
    files, end_us = record(house)
    window = {"from_us": START_US, "to_us": end_us}
    assert (await server.clip(START_US, end_us)).reply.headers["X-Clip-Damaged-Us"] == "0"
    harm = flip_in_samples(files[1])
    times = tuple((time.start_us, time.end_us) for time in harm.times)
    path = str(files[1].relative_to(house.folder / "volume"))
    known = Damage(volume=1, path=path, track=MAIN, found_us=1, what=harm.what, offset=harm.offset, times=times)
    house.scrubbed.note(Round(began_us=1, total_bytes=1), [known])
    ((start_us, stop_us),) = times
    assert second(1) < start_us < stop_us <= second(2)
    for name in ("timeline", "fragments"):
        assert (await server.json(BASE + name, **window))["damaged"] == [[start_us, stop_us]]
        beside = await server.json(BASE + name, from_us=START_US, to_us=second(1))
        assert beside["damaged"] == []
    clip = await server.clip(START_US, end_us)
    assert clip.reply.headers["X-Clip-Damaged-Us"] == str(stop_us - start_us)
    reply = await server.ask("/api/clips.zip", channels="1,2", from_us=START_US, to_us=end_us)
    text = zipfile.ZipFile(io.BytesIO(reply.body)).read("contents.txt").decode()
    assert text.count("hỏng / damaged on the disk: 2026-11-07 04:20:01 +0700 – 2026-11-07 04:20:01 +0700") == 1
    other = await server.json("/api/channels/2/timeline", **window)
    assert other["damaged"] == []
