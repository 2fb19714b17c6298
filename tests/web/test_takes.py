"""Time that was recorded twice can be seen twice."""

import io
import zipfile
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from indexer.board import RecorderStatus
from nvr.capture.report import TrackState
from nvr.media import GapReason
from nvr.timebase import US_PER_DAY, US_PER_S, TimeRange
from tests.manual_clock import ManualClock
from tests.web.archive import MAIN, START_US, House
from tests.web.pictures import shown, stream
from tests.web.server import Server
from web.takes import count_of, latest_takes, takes_of, twice, upto_take

S = US_PER_S


@dataclass(frozen=True)
class Piece:
    run: int
    start_us: int
    end_us: int


def pieces(*rows: tuple[int, int, int]) -> list[Piece]:
    return sorted((Piece(run, start * S, end * S) for run, start, end in rows), key=lambda one: (one.start_us, one.run))


AGAIN = pieces((1, 0, 60), (1, 60, 120), (1, 120, 180), (2, 30, 90), (2, 90, 150))  # set back by two minutes and a half


def test_last_take_is_shown_alone_and_the_first_can_be_asked_for() -> None:
    assert [one.run for one in latest_takes(AGAIN)] == [1, 2, 2]
    assert [one.run for one in upto_take(AGAIN, 1)] == [1, 1, 1]
    assert upto_take(AGAIN, 2) == AGAIN


def test_each_of_three_takes_can_be_asked_for() -> None:
    thrice = pieces((1, 0, 60), (2, 0, 60), (3, 0, 60))
    assert takes_of(thrice) == [1, 2, 3]
    assert [latest_takes(upto_take(thrice, take))[-1].run for take in (1, 2, 3)] == [1, 2, 3]


def test_runs_that_only_meet_are_one_take() -> None:
    assert takes_of(pieces((1, 0, 61), (2, 60, 120))) == [1, 1]
    assert twice(pieces((1, 0, 61), (2, 60, 120)), TimeRange(0, 200 * S)) == []


def test_stretches_recorded_twice_are_told_within_the_window() -> None:
    runs = pieces((1, 0, 180), (2, 30, 150), (3, 160, 170))
    assert twice(runs, TimeRange(0, 200 * S)) == [(30 * S, 150 * S), (160 * S, 170 * S)]
    assert twice(runs, TimeRange(100 * S, 165 * S)) == [(100 * S, 150 * S), (160 * S, 165 * S)]


def test_stretch_knows_how_often_it_was_recorded() -> None:
    runs = pieces((1, 0, 100), (2, 20, 60), (3, 40, 50), (4, 99, 120))
    assert [count_of(runs, stretch) for stretch in [(0, 20 * S), (20 * S, 39 * S), (20 * S, 60 * S)]] == [1, 2, 3]
    assert count_of(runs, (90 * S, 120 * S)) == 1, "runs that only meet are one take"


rows = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 300), st.integers(1, 60)), max_size=12)


@given(rows)
def test_first_take_never_overlaps_itself_by_more_than_a_second(found: list[tuple[int, int, int]]) -> None:
    chunks = pieces(*((run, start, start + length) for run, start, length in found))
    first = upto_take(chunks, 1)
    assert {one.start_us for one in chunks} >= {one.start_us for one in first}
    for place, one in enumerate(first):
        for other in first[place + 1 :]:
            assert one.run == other.run or min(one.end_us, other.end_us) - max(one.start_us, other.start_us) <= S


async def test_first_take_of_an_hour_that_was_recorded_twice_can_be_seen(server: Server, house: House) -> None:
    source = stream()
    end_us = house.record(source, START_US + US_PER_S // 4, group_count=2)
    house.record(source, START_US, run=2, first_group=2)
    path, window = "/api/channels/1/fragments", {"from_us": START_US, "to_us": end_us}
    last, first = await server.json(path, **window), await server.json(path, **window, take=1)
    assert [chunk["media_url"].split("-")[1] for chunk in last["chunks"]] == ["2"]
    assert [chunk["media_url"].split("-")[1] for chunk in first["chunks"]] == ["1"]
    assert last["twice"] == first["twice"] != []
    assert (await server.json("/api/channels/1/timeline", **window))["twice"] == last["twice"]


async def test_thumbnails_and_archives_are_those_of_the_take(server: Server, house: House) -> None:
    source, twice = stream(first=500), stream(pictures=200)
    once_us = house.record(twice, START_US + US_PER_S // 4)
    house.record(source, START_US, run=2)
    window = {"from_us": START_US, "to_us": once_us}
    path = "/api/channels/1/thumbnails"
    first = (await server.json(path, **window, count=2, take=1))["thumbnails"]
    assert all(one["url"] is None or one["url"].endswith("&take=1") for one in first)
    [at_us] = {one["at_us"] for one in first if one["at_us"] is not None and one["at_us"] < START_US + US_PER_S}
    assert at_us == START_US + US_PER_S // 4, "the first time began later"
    assert "take" not in (await server.json(path, **window, count=2))["thumbnails"][0]["url"]
    for take, first_number in ((2, 500), (1, 0)):
        archive = await server.ask("/api/clips.zip", channels="1", from_us=START_US, to_us=once_us, take=take)
        with zipfile.ZipFile(io.BytesIO(archive.body)) as opened:
            [clip] = [name for name in opened.namelist() if name.endswith(".mp4")]
            assert clip.endswith(f"-take{take}.mp4")
            assert shown(io.BytesIO(opened.read(clip)))[0][0] == first_number
    assert (await server.json("/api/channels/1/timeline", **window))["takes"] == [2]


async def test_footage_ahead_of_now_is_not_where_a_camera_ends(
    server: Server, house: House, clock: ManualClock
) -> None:
    end_us = house.record(stream(), START_US)
    house.record(stream(), START_US + 60 * US_PER_DAY, run=2)
    clock.step_wall(end_us + US_PER_S - clock.wall_us())
    house.beat()
    house.post(MAIN, TrackState.WAITING, reason=GapReason.NETWORK)
    told = await server.json("/api/channels/1/timeline", from_us=START_US, to_us=end_us + US_PER_S)
    assert told["last_us"] == end_us
    assert [(gap["open"], gap["reason"]) for gap in told["gaps"]] == [(True, "network")]
    [channel] = await server.json("/api/channels")
    assert channel["last_us"] == end_us


async def test_clock_that_is_doubted_is_told(server: Server, house: House, clock: ManualClock) -> None:
    now_us = clock.wall_us()
    house.board.post_recorder(
        RecorderStatus(pid=1, started_us=1, heartbeat_us=now_us, clock_off_us=-US_PER_DAY, is_clock_doubtful=True)
    )
    site = await server.json("/api/site")
    assert site["clock"] == {"believed": False, "off_us": -US_PER_DAY, "marking": True}
    assert "nvr_clock_doubted_seconds -86400.0" in (await server.ask("/metrics")).body.decode()
