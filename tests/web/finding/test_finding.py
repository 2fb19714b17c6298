"""The search over its socket, on coded footage: real files, a real decoder process."""

from typing import Any

import numpy as np
import pytest

from nvr.media import Gap, GapReason
from nvr.timebase import US_PER_S
from tests.web.archive import MAIN, START_US, House
from tests.web.finding.scenes import BOX, Scene
from tests.web.pictures import Stream, coded, grey
from tests.web.server import Server

SIZE = (200, 150)
FPS, GROUP = 5, 10  # a key frame every 2 s
SECONDS = 240
BOXED = {"left": BOX.left, "top": BOX.top, "width": BOX.width, "height": BOX.height}


def footage(scene: Scene) -> Stream:
    """The scene as a camera would send it: between key frames nothing moves."""
    pictures = [scene.picture(second * US_PER_S) for second in range(0, SECONDS, 2)]
    frames = (grey(one.astype(np.uint8)) for one in pictures for _ in range(GROUP))
    return coded(frames, SIZE, fps=FPS, group=GROUP)


async def searched(server: Server, **query: Any) -> list[dict[str, Any]]:
    """Everything that the socket says."""
    url = f"{server.url}/api/channels/1/bisect"
    async with server.session.ws_connect(url, params={k: str(v) for k, v in (BOXED | query).items()}) as socket:
        return [message.json() async for message in socket]


async def test_change_is_found_in_coded_footage_and_progress_is_told(server: Server, house: House) -> None:
    scene = Scene(1, 141 * US_PER_S, passers=0.15)
    end_us = house.record(footage(scene), START_US, groups_a_chunk=15)
    *progress, finding = await searched(server, from_us=START_US, to_us=end_us)
    assert finding["type"] == "finding"
    assert finding["verdict"] == "found"
    assert (finding["before_us"], finding["after_us"]) == (START_US + 140 * US_PER_S, START_US + 142 * US_PER_S)
    assert finding["decodes"] == len(progress) <= 40
    assert finding["gaps"] == []
    lows, highs = [one["low_us"] for one in progress], [one["high_us"] for one in progress]
    assert lows[-1] > lows[0]
    assert highs[-1] < highs[0]
    assert (await server.ask("/api/channels/1/still.jpg", at_us=finding["before_us"])).status == 200


async def test_change_in_a_gap_is_told_with_its_reason(server: Server, house: House) -> None:
    source = footage(Scene(2, 121 * US_PER_S, passers=0))
    end_us = house.record(source, START_US, groups_a_chunk=15, group_count=60)
    later_us = end_us + 600 * US_PER_S
    last_us = house.record(source, later_us, run=2, first_group=62, groups_a_chunk=15)
    house.commit(gaps=[Gap(MAIN, end_us, later_us, GapReason.NETWORK, "no route")])
    (*_, finding) = await searched(server, from_us=START_US, to_us=last_us)
    assert finding["verdict"] == "found"
    assert finding["before_us"] < end_us < later_us <= finding["after_us"]
    assert [gap["reason"] for gap in finding["gaps"]] == ["network"]


async def test_camera_without_footage_has_nothing(server: Server) -> None:
    (finding,) = await searched(server, from_us=START_US, to_us=START_US + US_PER_S)
    assert finding["verdict"] == "nothing"


async def test_damaged_footage_ends_the_search_in_words(server: Server, house: House) -> None:
    end_us = house.record(footage(Scene(3, 100 * US_PER_S)), START_US, groups_a_chunk=15)
    for name in house.names():
        file = house.volume.path / name
        data = bytearray(file.read_bytes())
        data[2000:-20000] = bytes(len(data) - 22000)
        file.write_bytes(data)
    (*_, said) = await searched(server, from_us=START_US, to_us=end_us)
    assert "error" in said


@pytest.mark.parametrize(
    "query",
    [{"left": 900, "width": 200}, {"width": 5}, {"height": 1001}, {"from_us": START_US, "to_us": START_US}],
)
async def test_box_that_is_none_is_refused(server: Server, query: dict[str, int]) -> None:
    asked: dict[str, Any] = BOXED | {"from_us": START_US, "to_us": START_US + US_PER_S} | query
    assert (await server.ask("/api/channels/1/bisect", **asked)).status == 400
