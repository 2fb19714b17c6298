"""Full screen: alarms stay in sight, and a camera that is looked at closely shows its full picture."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser

from indexer.board import VolumeTrouble
from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S
from tests.web.pictures import stream
from tests.web_ui.house import House
from tests.web_ui.page import Face

GROUP, PICTURES = 50, 1_000  # 40 s
MAIN, SUB = (640, 360), (320, 180)
PICTURE_US = 40_000


class Pair:
    """Two cameras with both their streams, recorded a while ago."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.url = ""
        self.start_us = house.clock.wall_us() - 600 * US_PER_S + 123_457
        for number in (1, 2):
            house.camera(number, f"Ngã ba {number}")
            for kind, size in ((TrackKind.MAIN, MAIN), (TrackKind.SUB, SUB)):
                coded = stream(pictures=PICTURES, group=GROUP, size=size)
                house.record(coded, Track(number, kind), self.start_us, 4 * GROUP)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    house = House(tmp_path_factory.mktemp("pair"))
    built = Pair(house)
    with house.server() as url:
        built.url = url
        yield built
    house.close()


@pytest.fixture
def view(pair: Pair, chromium: Browser) -> Iterator[Face]:
    context = chromium.new_context(viewport={"width": 1600, "height": 900})
    opened = Face(context.new_page(), pair.url)
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    yield opened
    context.close()
    assert not opened.complaints, "the page must not complain"


def in_sight(face: Face, test_id: str) -> Any:
    """Whether a part lies within what has the monitor, and nothing lies over it."""
    return face.page.evaluate(
        """(id) => {
            const part = document.querySelector(`[data-testid="${id}"]`), full = document.fullscreenElement;
            if (!part || !full || !full.contains(part)) return false;
            const { left, top, width, height } = part.getBoundingClientRect();
            const above = document.elementFromPoint(left + width / 2, top + height / 2);
            return width > 0 && part.contains(above);
        }""",
        test_id,
    )


IN_FULL = pytest.mark.parametrize(
    ("address", "key"), [("#/1/{at}", "f"), ("#/wall/1,2/{at}", "f"), ("#/wall/1,2/{at}", "Shift+F")]
)


def go_full(view: Face, pair: Pair, address: str, key: str) -> None:
    pair.house.beat()
    view.open(address.format(at=pair.start_us + 5 * US_PER_S))
    view.until(lambda: view.player("state") == "playing", "pictures")
    view.page.keyboard.press(key)
    view.until(lambda: view.page.evaluate("document.fullscreenElement !== null"), "full screen")


@IN_FULL
def test_alarm_is_in_sight_in_full_screen(view: Face, pair: Pair, address: str, key: str) -> None:
    house, well = pair.house, pair.house.disks
    go_full(view, pair, address, key)
    house.disks = [replace(well[0], trouble="it is gone", kind=VolumeTrouble.AWAY)]

    def alarmed() -> Any:
        house.beat()
        return in_sight(view, "disk-alarm")

    try:
        view.until(alarmed, "the alarm above the picture")
        assert not view.part("page-watch").is_visible(), "the page's frame is away"
    finally:
        house.disks = well


@IN_FULL
def test_doubted_clock_is_in_sight_in_full_screen(view: Face, pair: Pair, address: str, key: str) -> None:
    house = pair.house
    go_full(view, pair, address, key)
    assert view.part("clock-doubted").count() == 0
    house.clock_off_us = -3 * 3_600 * US_PER_S

    def alarmed() -> Any:
        house.beat()
        return in_sight(view, "clock-doubted")

    try:
        view.until(alarmed, "the alarm above the picture")
        assert "chậm 3 giờ" in view.part("clock-doubted").inner_text()
    finally:
        house.clock_off_us = None


def size(face: Face, number: int) -> Any:
    """Width of the picture on a tile that shows one; 0: none."""
    tile = face.part(f"tile-{number}")
    if tile.get_attribute("data-phase") != "showing":
        return 0
    film = tile.get_attribute("data-surface") == "film"
    read = (
        "(tile) => tile.querySelector('canvas').width" if film else "(tile) => tile.querySelector('video').videoWidth"
    )
    return tile.evaluate(read)


def stands_at(face: Face) -> Any:
    """The instant that is shown, once it does not change any more: a pause comes to rest on a picture of all."""
    seen = [0]

    def is_still() -> bool:
        seen.append(face.player("wallTimeUs()"))
        return len(seen) > 10 and len(set(seen[-10:])) == 1

    face.until(is_still, "it stands still")
    return seen[-1]


def test_enlarged_tile_takes_the_main_stream_and_gives_it_back(view: Face, pair: Pair) -> None:
    view.open(f"#/wall/1,2/{pair.start_us + 5 * US_PER_S}")
    view.until(lambda: size(view, 1) == SUB[0] and size(view, 2) == SUB[0], "small pictures")
    view.page.keyboard.press("Shift+F")
    view.until(lambda: size(view, 1) == MAIN[0], "the full picture")
    assert size(view, 2) == SUB[0], "the other one stays small"
    at_us = view.player("wallTimeUs()")
    view.until(lambda: view.player("wallTimeUs()") > at_us, "it plays on")
    view.page.keyboard.press("Shift+F")
    view.until(lambda: size(view, 1) == SUB[0], "the small picture again")
    view.until(lambda: view.page.evaluate("document.fullscreenElement === null"), "the page again")


def test_magnified_tile_takes_the_main_stream_while_it_stands(view: Face, pair: Pair) -> None:
    view.open(f"#/wall/1,2/{pair.start_us + 5 * US_PER_S}")
    view.until(lambda: size(view, 1) == SUB[0], "a small picture")
    view.page.keyboard.press(" ")
    view.until(lambda: view.player("state") == "paused", "it stands")
    stood_us = stands_at(view)
    view.page.keyboard.press("z")
    view.until(lambda: size(view, 1) == MAIN[0], "the full picture")
    assert stands_at(view) == pytest.approx(stood_us, abs=PICTURE_US)
    view.page.keyboard.press("0")
    view.until(lambda: size(view, 1) == SUB[0], "the small picture again")


def test_tile_can_be_left_by_hand(view: Face, pair: Pair) -> None:
    view.open(f"#/wall/1,2/{pair.start_us + 5 * US_PER_S}")
    view.until(lambda: size(view, 2) == SUB[0], "a small picture")
    view.part("tile-2").dblclick(position={"x": 200, "y": 100})
    view.until(lambda: size(view, 2) == MAIN[0], "the full picture")
    view.part("tile-back").click()
    view.until(lambda: view.part("tile-1").is_visible() and size(view, 2) == SUB[0], "the wall again")
