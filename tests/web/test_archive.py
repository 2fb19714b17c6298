"""What there is to see: channels, timeline and days, from index, folders and board together."""

import threading
import time
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.board import VolumeStatus
from indexer.writer import Commit
from nvr.capture.report import TrackState
from nvr.channel import Channel
from nvr.chunk.duplicate import duplicate
from nvr.chunk.name import parse
from nvr.chunk.volume import Volume
from nvr.config import Settings, VolumeSettings
from nvr.errors import StorageError
from nvr.media import Gap, GapReason, Track, TrackKind
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, US_PER_S, TimeRange, utc
from tests.indexer.sealed import START_US as SEALED_US
from tests.indexer.sealed import sealed, write_file
from tests.manual_clock import ManualClock
from tests.web.archive import MAIN, START_US, House, groups
from tests.web.pictures import stream
from tests.web.server import Server
from web.archive import JOINED_US, open_archive
from web.files import LOOK_US
from web.status import open_gap
from web.timeline import BY_ROW_US, merged
from web.volume_threads import THREADS
from web.wire import LiveState

SECRET = "correct horse battery"
TIMELINE = "/api/channels/1/timeline"


async def test_channels_tell_state_and_extent_of_every_track(server: Server, house: House) -> None:
    source = stream()
    end_us = house.record(source, START_US, group_count=2)
    growing = house.begin(source, end_us, groups(source, 2, 2), sequence=3)
    growing.append(2)
    house.post(Track(1, TrackKind.SUB), TrackState.WAITING, reason=GapReason.NETWORK, message="no route to host")
    (channel,) = await server.json("/api/channels")
    main, sub = channel["tracks"]
    assert (channel["number"], channel["name"], channel["enabled"]) == (1, "Cổng chợ", True)
    assert (channel["first_us"], channel["last_us"]) == (START_US, growing.end_us)
    assert (main["kind"], main["state"], main["last_us"]) == ("main", "recording", growing.end_us)
    assert (main["codec"], main["width"], main["height"]) == ("avc1.42c00c", 320, 180)
    assert (sub["state"], sub["reason"], sub["message"]) == ("waiting", "network", "no route to host")
    assert (sub["codec"], sub["last_us"]) == (None, None)


async def test_channels_follow_the_registry_and_tell_no_password(server: Server, house: House) -> None:
    house.registry.put(Channel(7, "Bến xe", "rtsp://b/main", "", "admin", SECRET, enabled=False))
    reply = await server.ask("/api/channels")
    assert [(row["number"], [t["kind"] for t in row["tracks"]]) for row in reply.json] == [
        (1, ["main", "sub"]),
        (7, ["main"]),
    ]
    assert reply.json[1]["tracks"][0]["state"] == "off"
    for word in (SECRET, "admin", "rtsp:"):
        assert word not in reply.body.decode()
    assert all(channel.password == "" for channel in house.archive().channels())
    house.registry.remove(7)
    assert len(await server.json("/api/channels")) == 1


async def test_footage_of_a_removed_channel_can_still_be_seen(server: Server, house: House) -> None:
    house.record(stream(), START_US)
    house.registry.remove(1)
    assert (await server.still(START_US))[0] == 0
    assert (await server.ask("/api/channels/1/days", track="sub")).status == 404


async def test_timeline_merges_clips_and_gives_reasons(server: Server, house: House, clock: ManualClock) -> None:
    source = stream()
    gap_us = house.record(source, START_US, group_count=2)
    later_us = gap_us + 10 * US_PER_S
    end_us = house.record(source, later_us, run=2, first_group=2)
    house.commit(gaps=[Gap(MAIN, gap_us, later_us, GapReason.CAMERA, "it closed the session")])
    timeline = await server.json(TIMELINE, from_us=START_US + 500_000, to_us=later_us + 500_000)
    assert timeline["spans"] == [[START_US + 500_000, gap_us], [later_us, later_us + 500_000]]
    assert timeline["gaps"] == [
        {"start_us": gap_us, "end_us": later_us, "reason": "camera", "detail": "it closed the session", "open": False}
    ]
    assert (timeline["first_us"], timeline["last_us"], timeline["now_us"]) == (START_US, end_us, clock.wall_us())
    inside = await server.json(TIMELINE, from_us=gap_us + 1, to_us=gap_us + 5)
    assert inside["spans"] == []
    assert [(gap["start_us"], gap["end_us"]) for gap in inside["gaps"]] == [(gap_us + 1, gap_us + 5)]


async def test_timeline_tells_coarse_times_and_doubtful_clocks(server: Server, house: House) -> None:
    house.commit([sealed(0, MAIN), sealed(1, MAIN, is_coarse=True), sealed(2, MAIN, is_clock_doubtful=True)])
    first_us = SEALED_US + US_PER_MINUTE
    told = await server.json(TIMELINE, from_us=SEALED_US, to_us=SEALED_US + 5 * US_PER_MINUTE)
    assert told["coarse"] == [[first_us, first_us + US_PER_MINUTE]]
    assert told["doubtful"] == [[first_us + US_PER_MINUTE, first_us + 2 * US_PER_MINUTE]]


async def test_long_timeline_tells_the_same_by_the_minute(server: Server, house: House) -> None:
    house.commit([sealed(0, MAIN), sealed(1, MAIN, is_coarse=True), sealed(2, MAIN, is_clock_doubtful=True)])
    first_us = SEALED_US + US_PER_MINUTE
    told = await server.json(TIMELINE, from_us=SEALED_US - BY_ROW_US, to_us=SEALED_US + 5 * US_PER_MINUTE)
    assert told["coarse"] == [[first_us, first_us + US_PER_MINUTE]]
    assert told["doubtful"] == [[first_us + US_PER_MINUTE, first_us + 2 * US_PER_MINUTE]]


async def test_timeline_of_channel_without_footage_is_empty(server: Server) -> None:
    timeline = await server.json(TIMELINE, from_us=0, to_us=US_PER_S)
    assert (timeline["spans"], timeline["gaps"], timeline["first_us"], timeline["last_us"]) == ([], [], None, None)


async def test_days_hold_a_bit_for_each_minute(server: Server, house: House) -> None:
    end_us = house.record(stream(), START_US)
    days = await server.json("/api/channels/1/days")
    (day,) = days["days"]
    bits = b64decode(day["minutes"])
    moment = utc(START_US)
    assert day["day"] == int(moment.strftime("%Y%m%d"))
    minutes = {m for m in range(1440) if bits[m >> 3] & 1 << (m & 7)}
    assert minutes == {moment.hour * 60 + moment.minute, utc(end_us - 1).hour * 60 + utc(end_us - 1).minute}
    assert len(bits) == 180


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], []),
        ([(0, 10), (10, 20)], [(5, 20)]),
        ([(0, 10), (10 + JOINED_US, 20 + JOINED_US)], [(5, 20 + JOINED_US)]),
        ([(0, 10), (11 + JOINED_US, 20 + JOINED_US)], [(5, 10), (11 + JOINED_US, 20 + JOINED_US)]),
        ([(8, 30), (9, 12)], [(8, 30)]),
        ([(0, 5), (900_000, 910_000)], []),
    ],
)
def test_spans_that_meet_are_one(spans: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    assert merged([TimeRange(*span) for span in spans], TimeRange(5, 800_000)) == expected


@pytest.mark.parametrize(
    ("state", "last_us", "since_us", "expected"),
    [
        (LiveState("recording", None, ""), 5, 5, None),
        (LiveState("waiting", "network", "gone"), 5, 7, (5, 9, "network")),
        (LiveState("waiting", "network", "gone"), None, 7, (7, 9, "network")),
        (LiveState("waiting", "network", "gone"), None, None, None),
        (LiveState("waiting", "network", "gone"), 9, 7, None),
        (LiveState("off", None, ""), 5, 7, (5, 9, "operator")),
        (LiveState("no_disk", "disk", ""), 5, 7, (5, 9, "disk")),
    ],
)
def test_gap_is_open_while_nothing_is_recorded(
    state: LiveState, last_us: int | None, since_us: int | None, expected: tuple[int, int, str] | None
) -> None:
    gap = open_gap(state, last_us, since_us, 9)
    assert (None if gap is None else (gap.start_us, gap.end_us, gap.reason)) == expected


def test_chunk_is_found_by_its_numbers_alone(house: House) -> None:
    source = stream()
    house.record(source, START_US)
    archive = house.archive()
    (first, second) = archive.chunks(MAIN, TimeRange(START_US, START_US + 60 * US_PER_S))
    assert archive.find(MAIN, first.start_us + US_PER_S, 1, 2) == second
    assert archive.find(MAIN, first.start_us, 2, 1) is None
    assert archive.find(replace(MAIN, channel=2), first.start_us, 1, 1) is None
    assert archive.find(MAIN, first.start_us + 3600 * US_PER_S, 1, 1) is None


def test_file_on_a_volume_that_was_added_is_shown_before_it_is_indexed(house: House, tmp_path: Path) -> None:
    with Volume.open(2, tmp_path / "added", create=True, clock=house.clock) as added:
        write_file(added, START_US, track=MAIN)
        archive = house.archive()
        window = TimeRange(START_US, START_US + 60 * US_PER_S)
        assert archive.chunks(MAIN, window) == []
        house.beat(VolumeStatus(number=2, free_bytes=1, total_bytes=1, path=str(added.path)))
        (chunk,) = archive.chunks(MAIN, window)
        assert chunk.volume == 2
        assert archive.read(chunk, 4, 4) == b"ftyp"


def test_file_whose_disk_is_away_is_read_from_the_second_one(house: House, tmp_path: Path) -> None:
    house.record(stream(), START_US)
    window = TimeRange(START_US, START_US + 60 * US_PER_S)
    with Volume.open(2, tmp_path / "second", create=True, clock=house.clock) as second:
        (first, _) = house.archive().chunks(MAIN, window)
        name = parse(first.path)
        assert name is not None
        duplicate(house.volume, second, name)
        row = house.index.chunk(name)
        assert row is not None
        house.writer.commit(Commit(copies=((row, 2),)))
        house.beat(VolumeStatus(number=2, free_bytes=1, total_bytes=1, path=str(second.path)))
        whole = house.archive().read(first, 0, first.readable_bytes)
        house.volume.path.rename(tmp_path / "unplugged")
        assert house.archive().read(first, 0, first.readable_bytes) == whole
        second.unlink(name)
        with pytest.raises(StorageError):
            house.archive().read(first, 0, 8)


async def test_what_lies_on_a_disk_alone_that_is_not_there_is_told_and_the_rest_comes_out(
    server: Server, house: House, tmp_path: Path, clock: ManualClock
) -> None:
    middle_us = house.record(stream(), START_US, group_count=2)
    with Volume.open(2, tmp_path / "second", create=True, clock=clock) as second:
        house.beat(VolumeStatus(number=2, free_bytes=1, total_bytes=1, path=str(second.path)))
        end_us = house.record(stream(), middle_us, run=2, first_group=2)
        later = house.index.chunks(MAIN, TimeRange(middle_us, end_us))
        for row in later:
            duplicate(house.volume, second, row.name())
        house.writer.commit(Commit(copies=tuple((row, 2) for row in later)))
        window = {"from_us": START_US, "to_us": end_us}
        assert (await server.json(TIMELINE, **window))["away"] == []
        house.volume.path.rename(tmp_path / "unplugged")
        clock.advance(LOOK_US)
        told = await server.json(TIMELINE, **window)
        assert (told["spans"], told["away"]) == ([[START_US, end_us]], [[START_US, middle_us]])
        long = await server.json(TIMELINE, from_us=START_US - 3 * US_PER_DAY, to_us=end_us)
        assert long["away"] == [[START_US, middle_us]]
        player = await server.json("/api/channels/1/fragments", **window)
        assert [table["end_us"] for table in player["chunks"]] == [row.end_us for row in later]
        (gap,) = player["gaps"]
        assert (gap["start_us"], gap["end_us"], gap["reason"]) == (START_US, middle_us, "disk")
        assert gap["detail"]
        (tmp_path / "unplugged").rename(house.volume.path)
        clock.advance(LOOK_US)
        assert (await server.json(TIMELINE, **window))["away"] == []


def test_nobody_waits_for_a_disk_that_hangs_to_hear_whether_it_is_there(house: House, clock: ManualClock) -> None:
    window, release = TimeRange(START_US, house.record(stream(), START_US)), threading.Event()
    archive = house.archive()
    for _ in range(THREADS):
        archive.disks.later(1, release.wait)
    try:
        assert archive.away(MAIN, window) == []  # nothing says that it is gone
    finally:
        release.set()
    house.volume.path.rename(house.folder / "unplugged")
    until_s = time.monotonic() + 20
    while archive.away(MAIN, window) != [window]:
        assert time.monotonic() < until_s
        clock.advance(LOOK_US)


def test_index_that_was_made_anew_is_opened_again(tmp_path: Path, clock: ManualClock) -> None:
    settings = Settings(
        data_dir=tmp_path / "data", volumes=(VolumeSettings(number=1, path=tmp_path / "volume", weight=1),)
    )
    whole = TimeRange(0, 2**62)
    with House(tmp_path, clock) as house:
        house.record(stream(), START_US)
    archive = open_archive(settings, clock)
    assert len(archive.index().chunks(MAIN, whole)) == 2
    (tmp_path / "data" / "index").rename(tmp_path / "index.before")
    with pytest.raises(StorageError):
        archive.index()
    with House(tmp_path / "other", clock) as house:
        house.record(stream(), START_US, groups_a_chunk=1)
    (tmp_path / "other" / "data" / "index").rename(tmp_path / "data" / "index")
    assert len(archive.index().chunks(MAIN, whole)) == 4
