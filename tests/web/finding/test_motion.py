"""Motion in a box: which key frames are looked at, what counts as motion, and the search over its socket."""

from typing import Any

import numpy as np
import pytest

from nvr.timebase import US_PER_S
from tests.web.archive import START_US, House
from tests.web.finding.scenes import BOX, GOP_US, HEIGHT, WIDTH, Scene
from tests.web.finding.scenes import START_US as SCENE_US
from tests.web.finding.test_finding import BOXED, SECONDS, footage
from tests.web.server import Server
from web.finding.likeness import frame
from web.finding.motion import Stretch, Watch, probes

PLACE = frame(BOX, WIDTH, HEIGHT)


def test_busiest_and_quietest_key_frames_are_looked_at_and_no_more_than_allowed() -> None:
    spent = np.full(1000, 100)
    spent[[77, 555]], spent[300] = 900, 1
    chosen = probes(np.arange(1000) * GOP_US, spent, limit=50)
    assert len(chosen) <= 50
    at = {probe.at_us // GOP_US: probe.quiet for probe in chosen}
    assert at[77] is False
    assert at[555] is False
    assert at[300] is True
    assert [probe.at_us for probe in chosen] == sorted(probe.at_us for probe in chosen)


def test_few_key_frames_are_all_looked_at() -> None:
    assert len(probes(np.arange(7) * GOP_US, np.arange(7))) == 7
    assert probes(np.zeros(0, np.int64), np.zeros(0, np.int64)) == []


def watched(scene: Scene, count: int) -> list[Stretch]:
    """What moves in the first key frames of a scene, every fifth one a quiet one."""
    watch = Watch(PLACE)
    found = []
    for number in range(count):
        found += [*watch.look(scene.sight(SCENE_US + scene.begin_us + number * GOP_US), quiet=number % 5 == 0)]
    return [*found, *watch.end()]


@pytest.mark.parametrize("light", ["day", "clouds", "round"])
def test_light_noise_and_sway_are_no_motion(light: str) -> None:
    scene = Scene(4, 20 * 3600 * US_PER_S, passers=0, light=light, sway=1, begin_us=17 * 3600 * US_PER_S)
    assert watched(scene, 200) == []


@pytest.mark.parametrize("seed", range(5))
def test_thing_that_appears_is_told_once_at_its_instant(seed: int) -> None:
    (found,) = watched(Scene(seed, 101 * US_PER_S, passers=0), 100)
    assert found.start_us == SCENE_US + 102 * US_PER_S  # the first key frame behind it
    assert found.end_us - found.start_us < 30 * US_PER_S


STAY_US = (60 * US_PER_S, 140 * US_PER_S)
LOITERER = Scene(7, 3600 * US_PER_S, passers=0, loiterer_us=STAY_US)


def covers_coming_and_going(found: list[tuple[int, int]], origin_us: int) -> bool:
    """Whether stretches tell both, and nothing long before or behind: in between, the place is quiet again."""
    come_us, go_us = origin_us + STAY_US[0], origin_us + STAY_US[1]
    near = 30 * US_PER_S
    return (
        any(start <= come_us < end for start, end in found)
        and any(start <= go_us <= end for start, end in found)
        and all(come_us - near < start and end < go_us + near for start, end in found)
    )


def test_who_stands_before_it_for_a_while_is_told_as_coming_and_going() -> None:
    found = watched(LOITERER, 100)
    assert covers_coming_and_going([(one.start_us, one.end_us) for one in found], SCENE_US)
    assert all(one.start_us <= one.picture_us < one.end_us for one in found)


async def searched(server: Server, **query: Any) -> list[dict[str, Any]]:
    url = f"{server.url}/api/channels/1/motion"
    async with server.session.ws_connect(url, params={k: str(v) for k, v in (BOXED | query).items()}) as socket:
        return [message.json() async for message in socket]


async def test_motion_is_found_in_coded_footage_and_told_as_it_is_found(server: Server, house: House) -> None:
    end_us = house.record(footage(LOITERER), START_US, groups_a_chunk=15)
    *told, end = await searched(server, from_us=START_US, to_us=end_us)
    stretches = [one for one in told if one["type"] == "stretch"]
    assert covers_coming_and_going([(one["start_us"], one["end_us"]) for one in stretches], START_US)
    assert end == {"type": "end", "decodes": SECONDS // 2, "key_frames": SECONDS // 2, "gaps": []}
    assert told.index(stretches[0]) < len(told) - 10, "it is told before the search is over"


async def test_window_without_footage_ends_at_once(server: Server) -> None:
    (end,) = await searched(server, from_us=START_US, to_us=START_US + US_PER_S)
    assert (end["type"], end["decodes"]) == ("end", 0)


async def test_window_of_more_than_a_day_is_refused(server: Server) -> None:
    asked: dict[str, Any] = BOXED | {"from_us": START_US, "to_us": START_US + 86_401 * US_PER_S}
    assert (await server.ask("/api/channels/1/motion", **asked)).status == 400
