"""The strip: its pictures lie on a grid, each is there when asked for, and says honestly where there is none."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from nvr.timebase import US_PER_DAY, US_PER_MINUTE, US_PER_S, TimeRange
from tests.web.archive import START_US, House, groups
from tests.web.pictures import read_jpeg, stream
from tests.web.server import Server
from web.thumbnails import STEPS_US, places, step_for

THUMBNAILS = "/api/channels/1/thumbnails"
HOUR_US = 60 * US_PER_MINUTE
GRID_US = START_US - START_US % US_PER_S + US_PER_S  # the first whole second of the footage


async def picture(server: Server, url: str) -> int:
    parts = urlsplit(url)
    reply = await server.ask(parts.path, **dict[str, Any](parse_qsl(parts.query)))
    assert reply.status == 200, reply.body
    return read_jpeg(reply.body)


async def test_each_cell_has_the_key_picture_of_its_beginning(server: Server, house: House) -> None:
    house.record(stream(pictures=200), START_US)  # 8 s, a sync sample each second
    answer = await server.json(THUMBNAILS, from_us=GRID_US, to_us=GRID_US + 6 * US_PER_S, count=6, width=160)
    assert answer["step_us"] == US_PER_S
    rows = answer["thumbnails"]
    assert [row["start_us"] for row in rows] == [GRID_US + n * US_PER_S for n in range(6)]
    assert [row["at_us"] for row in rows] == [row["start_us"] for row in rows]
    assert [await picture(server, row["url"]) for row in rows] == [0, 25, 50, 75, 100, 125]


async def test_windows_that_begin_differently_ask_for_the_same_pictures(server: Server, house: House) -> None:
    house.record(stream(pictures=200), START_US)
    first = await server.json(THUMBNAILS, from_us=GRID_US, to_us=GRID_US + 4 * US_PER_S, count=5)
    second = await server.json(THUMBNAILS, from_us=GRID_US + 7, to_us=GRID_US + 4 * US_PER_S + 5, count=5)
    assert first["step_us"] == second["step_us"]
    assert first["thumbnails"] == second["thumbnails"][:4]


async def test_cell_with_a_gap_at_its_beginning_shows_its_first_footage_and_an_empty_one_none(
    server: Server, house: House
) -> None:
    source = stream()
    gap_us = house.record(source, START_US, group_count=2)
    later_us = gap_us + 7_300_000
    house.record(source, later_us, run=2, first_group=2)
    answer = await server.json(THUMBNAILS, from_us=START_US, to_us=later_us + US_PER_S, count=13)
    found = {row["start_us"]: (row["at_us"], row["url"]) for row in answer["thumbnails"]}
    assert answer["step_us"] == US_PER_S
    before_us = later_us - later_us % US_PER_S
    assert found[before_us][0] == later_us
    assert await picture(server, found[before_us][1]) == 50
    assert found[before_us - US_PER_S] == (None, None)
    first_us = START_US - START_US % US_PER_S
    assert found[first_us][0] == START_US
    assert await picture(server, found[first_us][1]) == 0


async def test_growing_footage_has_its_cells_too(server: Server, house: House) -> None:
    source = stream()
    growing = house.begin(source, START_US, groups(source, 0, 4))
    growing.append(5)  # 10 + 10 + 5 + 10 + 10 pictures: 1.8 s
    answer = await server.json(THUMBNAILS, from_us=GRID_US, to_us=GRID_US + 3 * US_PER_S, count=3)
    rows = answer["thumbnails"]
    assert [row["at_us"] for row in rows] == [GRID_US, None, None]
    growing.append(1)
    rows = (await server.json(THUMBNAILS, from_us=GRID_US, to_us=GRID_US + 3 * US_PER_S, count=3))["thumbnails"]
    assert [row["at_us"] for row in rows] == [GRID_US, GRID_US + US_PER_S, None]
    assert [await picture(server, row["url"]) for row in rows[:2]] == [0, 25]


async def test_channel_that_never_was_is_not_found(server: Server, house: House) -> None:
    reply = await server.ask("/api/channels/9/thumbnails", from_us=0, to_us=US_PER_S)
    assert (reply.status, reply.json["error"]) == (404, "there is no such channel")
    answer = await server.json(THUMBNAILS, from_us=0, to_us=US_PER_S)
    assert {row["url"] for row in answer["thumbnails"]} == {None}


@pytest.mark.parametrize(("name", "value"), [("count", 0), ("count", 61), ("width", 15), ("width", 321)])
async def test_too_many_or_too_large_pictures_are_refused(server: Server, name: str, value: int) -> None:
    reply = await server.ask(f"{THUMBNAILS}?from_us=0&to_us=9&{name}={value}")
    assert reply.status == 400
    assert name in reply.json["error"]


@pytest.mark.parametrize(
    ("start_us", "length_us", "count", "step_us"),
    [
        (0, HOUR_US, 12, 5 * US_PER_MINUTE),
        (1, HOUR_US, 12, 10 * US_PER_MINUTE),  # one cell more than its length
        (0, HOUR_US, 60, US_PER_MINUTE),
        (0, US_PER_DAY, 24, HOUR_US),
        (0, 1, 1, US_PER_S),
        (0, 40 * US_PER_DAY, 1, 40 * US_PER_DAY),
        (39 * US_PER_DAY, 40 * US_PER_DAY, 1, 40 * US_PER_DAY),  # no grid has fewer than two cells here
    ],
)
def test_step_is_the_smallest_that_gives_at_most_so_many_cells(
    start_us: int, length_us: int, count: int, step_us: int
) -> None:
    assert step_for(TimeRange(start_us, start_us + length_us), count) == step_us


def test_steps_divide_a_day_or_are_whole_days() -> None:
    assert list(STEPS_US) == sorted(set(STEPS_US))
    assert all(US_PER_DAY % step == 0 or step % US_PER_DAY == 0 for step in STEPS_US)


def test_places_by_hand() -> None:
    spans = [(3, 5), (5, 12), (29, 31)]
    assert list(places(range(0, 50, 10), 10, spans)) == [(0, 3), (10, 10), (20, 29), (30, 30), (40, None)]
    assert list(places([0], 10, [])) == [(0, None)]
