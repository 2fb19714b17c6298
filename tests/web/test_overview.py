"""The timeline of all channels: cells tell the truth at every width, nobody learns of a channel that is not theirs."""

from base64 import b64decode
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.activity import UNIT_BYTES, minute_of
from nvr.capture.report import TrackState
from nvr.channel import Channel
from nvr.media import Gap, GapReason
from nvr.timebase import US_PER_DAY, US_PER_MINUTE, US_PER_S, TimeRange
from tests.manual_clock import ManualClock
from tests.web.archive import MAIN, START_US, House
from tests.web.conftest import open_server
from tests.web.pictures import stream
from tests.web.server import Server
from web.activity import ActivityKeeper, levels
from web.auth import Action, User, may


def values(text: str) -> list[int]:
    return list(b64decode(text))


async def one(server: Server, from_us: int, to_us: int, cells: int) -> dict[str, Any]:
    told = await server.json("/api/timeline", from_us=from_us, to_us=to_us, cells=cells)
    (channel,) = told["channels"]
    told_of: dict[str, Any] = channel
    missing = [told["reasons"][n - 1] if 0 < n < 255 else n for n in values(channel["missing"])]
    return told_of | {"recorded": values(channel["recorded"]), "missing": missing}


async def test_cells_of_a_second_show_footage_gap_and_what_was_not_yet(server: Server, house: House) -> None:
    source = stream()
    end_us = house.record(source, START_US, group_count=2)
    later_us = end_us + 10 * US_PER_S
    house.record(source, later_us, run=2, first_group=2)
    house.commit(gaps=[Gap(MAIN, end_us, later_us, GapReason.NETWORK, "no route")])
    house.post(MAIN, TrackState.RECORDING)
    told = await one(server, START_US - 2 * US_PER_S, later_us + US_PER_S, 15)
    seconds = (end_us - START_US) // US_PER_S
    assert seconds == 2
    assert told["recorded"] == [0, 0, 255, 255, *[0] * 10, 255]
    assert told["missing"] == [0, 0, 0, 0, *["network"] * 10, 0]
    assert told["first_us"] == START_US


async def test_cell_in_which_only_a_little_is_missing_is_not_whole(server: Server, house: House) -> None:
    source = stream()
    end_us = house.record(source, START_US, group_count=2)
    house.record(source, end_us + 100_000, run=2, first_group=2)
    house.commit(gaps=[Gap(MAIN, end_us, end_us + 100_000, GapReason.CAMERA, "")])
    house.post(MAIN, TrackState.RECORDING)
    told = await one(server, START_US, START_US + US_PER_DAY, 24)
    assert 0 < told["recorded"][0] < 255
    assert told["missing"][0] == "camera"
    assert told["recorded"][1:] == [0] * 23  # still to come


async def test_camera_that_does_not_record_now_has_a_gap_that_is_still_open(
    server: Server, house: House, clock: ManualClock
) -> None:
    end_us = house.record(stream(), START_US)
    clock.step_wall(end_us + 20 * US_PER_S - clock.wall_us())
    house.beat()
    house.post(MAIN, TrackState.WAITING, reason=GapReason.AUTHENTICATION)
    told = await one(server, end_us, end_us + 40 * US_PER_S, 40)
    assert told["missing"] == ["authentication"] * 20 + [0] * 20


async def test_chunk_that_grows_counts_as_recorded(server: Server, house: House) -> None:
    source = stream()
    growing = house.begin(source, START_US, source.units)
    growing.append(3)
    told = await one(server, START_US, growing.end_us, 5)
    assert told["recorded"] == [255] * 5
    assert told["first_us"] == START_US


async def test_what_vanished_without_a_gap_has_no_known_reason(
    server: Server, house: House, clock: ManualClock
) -> None:
    source = stream()
    house.record(source, START_US, group_count=2)
    later_us = START_US + 30 * US_PER_MINUTE
    end_us = house.record(source, later_us, run=2, first_group=2)
    clock.step_wall(end_us - clock.wall_us())
    house.beat()
    house.post(MAIN, TrackState.RECORDING)
    told = await one(server, START_US + 10 * US_PER_MINUTE, START_US + 20 * US_PER_MINUTE, 2)
    assert (told["recorded"], told["missing"]) == ([0, 0], [255, 255])


async def test_activity_counts_each_chunk_once_and_is_drawn_where_it_was(server: Server, house: House) -> None:
    hour_us = START_US // (60 * US_PER_MINUTE) * 60 * US_PER_MINUTE
    first = minute_of(hour_us)
    house.activity.add(MAIN, dict.fromkeys(range(first, first + 60), UNIT_BYTES), cursor_us=0)  # a quiet hour
    end_us = house.record(stream(), START_US)
    keeper = ActivityKeeper(house.archive())
    assert not keeper.look()
    before = house.activity.minutes(MAIN, TimeRange(START_US, START_US + 1))[1].copy()
    keeper.look()
    assert (house.activity.minutes(MAIN, TimeRange(START_US, START_US + 1))[1] == before).all()
    told = await one(server, hour_us, hour_us + 60 * US_PER_MINUTE, 60)
    drawn = [place for place, level in enumerate(values(told["activity"])) if level]
    assert drawn == list(range(minute_of(START_US) - first, minute_of(end_us) - first + 1))


async def test_seconds_of_one_channel_agree_with_its_sample_table(server: Server, house: House) -> None:
    end_us = house.record(stream(), START_US)
    told = await server.json("/api/channels/1/activity", from_us=START_US, to_us=end_us)
    assert told["step_us"] == US_PER_S
    assert told["start_us"] == START_US // US_PER_S * US_PER_S
    assert len(values(told["activity"])) == -(-end_us // US_PER_S) - START_US // US_PER_S
    reply = await server.ask("/api/channels/1/activity", from_us=START_US, to_us=START_US + 61 * US_PER_MINUTE)
    assert reply.status == 400


def test_levels_are_quiet_for_a_camera_before_which_nothing_moves_and_full_where_it_is_busiest() -> None:
    quiet = np.full(100, 1000, np.int64)
    assert levels(quiet, quiet).max() < 40
    busy = quiet.copy()
    busy[40:43] = 9000
    drawn = levels(busy, busy)
    assert (drawn[40:43] == 255).all()
    assert drawn[:40].max() == 0
    assert not levels(np.zeros(5, np.int64), np.zeros(5, np.int64)).any()


async def test_channel_that_is_not_for_this_user_is_not_told(house: House, tmp_path: Path) -> None:
    house.registry.put(Channel(2, "Chợ", "rtsp://camera/main"))

    def question(user: User, action: Action, channel: int | None, instant: TimeRange | None) -> bool:
        return may(user, action, channel, instant) and channel != 1

    async with AsyncExitStack() as stack:
        server = await open_server(stack, house, question, tmp_path)
        told = await server.json("/api/timeline", from_us=START_US, to_us=START_US + US_PER_S, cells=1)
    assert [channel["number"] for channel in told["channels"]] == [2]


@pytest.mark.parametrize(
    ("length_us", "cells"), [(0, 1), (10, 11), (41 * US_PER_DAY, 100), (US_PER_DAY, 0), (US_PER_DAY, 2001)]
)
async def test_window_that_cannot_be_drawn_is_refused(server: Server, length_us: int, cells: int) -> None:
    reply = await server.ask("/api/timeline", from_us=START_US, to_us=START_US + length_us, cells=cells)
    assert reply.status == 400


async def test_answer_is_compressed_where_the_client_can_read_it(server: Server, house: House) -> None:
    house.record(stream(), START_US)
    query: dict[str, Any] = {"from_us": START_US, "to_us": START_US + US_PER_DAY}
    reply = await server.ask("/api/timeline", headers={"Accept-Encoding": "gzip"}, **query)
    assert reply.headers["Content-Encoding"] == "gzip"
