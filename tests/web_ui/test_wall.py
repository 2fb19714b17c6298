"""Many cameras on one clock: started together, in step, and honest where one has no footage."""

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from nvr.media import Gap, GapReason, Track, TrackKind
from nvr.timebase import US_PER_S, us_from_90k
from tests.web.pictures import Stream, stream
from tests.web_ui.house import House
from tests.web_ui.page import Face
from tests.web_ui.town import LIVE, SICK, Town
from tools.simcam import blocks

pytestmark = pytest.mark.alone  # sixteen decoders in step: they take what there is of the machine

FPS, GROUP, CAMERAS = 25, 50, 16
TICK_US = us_from_90k(90_000 // FPS)
PICTURES = 1_000  # 40 s
ROUNDS = 9  # of them: 6 minutes

# All at one moment: the frames are taken hold of first, and looked at then.
_LOOK = """() => {
    const held = [];
    for (const tile of document.querySelectorAll("[data-testid^='tile-']")) {
        if (!tile.dataset.surface) continue;
        const film = tile.dataset.surface === "film";
        const source = film ? tile.querySelector("canvas") : tile.querySelector("video");
        const shown = tile.dataset.phase === "showing";
        let taken = film ? source : null;
        try {
            taken ??= new VideoFrame(source);
        } catch {
            // it jumps just now and has no picture
        }
        held.push({tile, film, source: shown ? taken : null});
    }
    const at = performance.now(), wall = window.__player.wallTimeUs();
    const canvas = new OffscreenCanvas(640, 1);
    const context = canvas.getContext("2d", {willReadFrequently: true});
    const tiles = held.map(({tile, film, source}) => {
        if (!source) return {number: tile.dataset.testid, row: null};
        const height = film ? source.height : source.displayHeight;
        context.drawImage(source, 0, height - Math.round(height / 30), 640, 1, 0, 0, 640, 1);
        if (!film) source.close();
        const row = context.getImageData(0, 0, 640, 1).data.filter((_, place) => place % 4 === 1);
        return {number: tile.dataset.testid, row: btoa(String.fromCharCode(...row))};
    });
    return {at, wall, tiles};
}"""


class Hall:
    """Sixteen cameras of 640 × 360, all recorded at the same time; the last has a gap."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.url = ""
        self.start_us = house.clock.wall_us() - 1_200 * US_PER_S + 123_457
        coded = stream(pictures=PICTURES, group=GROUP, size=(640, 360))
        for number in range(1, CAMERAS + 1):
            house.camera(number, f"Ngã tư {number}")
            self._record(coded, Track(number, TrackKind.SUB), gap=number == CAMERAS)

    def _record(self, coded: Stream, track: Track, *, gap: bool) -> None:
        at_us = self.start_us
        for turn in range(ROUNDS):
            if gap and turn == 1:
                end_us = at_us + PICTURES * TICK_US
                self.house.gap(Gap(track, at_us, end_us, GapReason.NETWORK, "no route to host"))
                at_us = end_us
            else:
                at_us = self.house.record(coded, track, at_us, 10 * GROUP)


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    house = House(tmp_path_factory.mktemp("hall"))
    built = Hall(house)
    with house.server() as url:
        built.url = url
        yield built
    house.close()


@pytest.fixture
def wall(hall: Hall, chromium: Browser) -> Iterator[Face]:
    context = chromium.new_context(viewport={"width": 1920, "height": 1080})
    opened = Face(context.new_page(), hall.url)
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    yield opened
    context.close()
    assert not opened.complaints, "the page must not complain"


def address(count: int, at_us: int) -> str:
    return f"#/wall/{','.join(str(n) for n in range(1, count + 1))}/{at_us}"


def look(face: Face) -> tuple[float, int, list[int | None]]:
    """When (ms of the page), the wall's clock, and the number of the picture on each tile."""
    seen: Any = face.page.evaluate(_LOOK)
    numbers = []
    for tile in seen["tiles"]:
        row = tile["row"] and np.frombuffer(base64.b64decode(tile["row"]), np.uint8)
        stamp = None if row is None else blocks.read(np.tile(row, (blocks.ROW_PART, 1)))
        numbers.append(stamp.picture if stamp else None)
    return seen["at"], seen["wall"], numbers


def spread(numbers: list[int | None]) -> int:
    """How many pictures lie between the first and the last tile; the loop's end is none. No picture: very far."""
    shown = [number for number in numbers if number is not None]
    if len(shown) < len(numbers):
        return PICTURES
    turned = [(number + PICTURES // 2) % PICTURES for number in shown]
    return min(max(shown) - min(shown), max(turned) - min(turned))


# Notes when the first and when the second picture of each tile came to the screen, in ms since the address was given.
_START = """(hash) => {
    const began = performance.now(), seen = window.__started = new Map();
    location.hash = hash;
    const join = () => {
        for (const video of document.querySelectorAll("[data-testid^='tile-'] video")) {
            if (seen.has(video)) continue;
            const times = [];
            seen.set(video, times);
            let last = null;
            const next = (now, facts) => {
                if (facts.mediaTime !== last) times.push(performance.now() - began);
                last = facts.mediaTime;
                if (times.length < 2) video.requestVideoFrameCallback(next);
            };
            video.requestVideoFrameCallback(next);
        }
        if (performance.now() - began < 10000) requestAnimationFrame(join);
    };
    join();
}"""


def start(face: Face, count: int, at_us: int) -> tuple[float, float]:
    """Open a wall; gives the milliseconds until every tile shows a picture, and until every tile's pictures move."""
    face.open("#/coverage")
    face.until(lambda: face.player("mode"), "the page")
    face.page.evaluate(_START, address(count, at_us))

    def all_move() -> Any:
        times = face.page.evaluate("() => [...window.__started.values()]")
        return len(times) == count and all(len(one) == 2 for one in times) and times

    times = face.until(all_move, "every tile moves", 20)
    return max(one[0] for one in times), max(one[1] for one in times)


def watch(face: Face, seconds: int) -> list[int]:
    """Spreads in pictures, several a second."""
    spreads = []
    end_ms = face.page.evaluate("() => performance.now()") + 1000 * seconds
    at_ms = 0.0
    while at_ms < end_ms:
        at_ms, _, numbers = look(face)
        spreads.append(spread(numbers))
        face.page.wait_for_timeout(150)
    return spreads


def told(spreads: list[int], first_ms: float, moves_ms: float) -> str:
    late = sum(one > 1 for one in spreads)
    return (
        f"\n16 cameras, 640x360 at {FPS} a second: all show after {first_ms:.0f} ms, move after {moves_ms:.0f} ms; "
        f"of {len(spreads)} looks {late} found them more than one picture (40 ms) apart, at most {max(spreads)}"
    )


def test_sixteen_cameras_start_at_once_and_stay_in_step(wall: Face, hall: Hall) -> None:
    first_ms, moves_ms = start(wall, CAMERAS, hall.start_us + 5 * US_PER_S)
    spreads = watch(wall, 20)
    print(told(spreads, first_ms, moves_ms))
    assert first_ms < 2_500, "1 s on a machine that does nothing else"
    assert sum(one > 1 for one in spreads) <= len(spreads) // 10, "all in step but for a hiccup of a busy machine"


@pytest.mark.slow
@pytest.mark.timeout(480)
def test_sixteen_cameras_stay_in_step_for_five_minutes(wall: Face, hall: Hall) -> None:
    first_ms, moves_ms = start(wall, CAMERAS - 1, hall.start_us + 5 * US_PER_S)
    spreads = watch(wall, 300)
    print(told(spreads, first_ms, moves_ms))
    assert sum(one > 1 for one in spreads) <= len(spreads) // 20


def test_pause_stands_every_camera_on_the_same_picture(wall: Face, hall: Hall) -> None:
    start(wall, 9, hall.start_us + 5 * US_PER_S)
    wall.page.keyboard.press(" ")
    wall.until(lambda: spread(look(wall)[2]) == 0, "one picture everywhere")
    number = look(wall)[2][0]
    assert number is not None
    for key, wanted in ((".", number + 1), (".", number + 2), (",", number + 1)):
        wall.page.keyboard.press(key)
        wall.until(lambda: set(look(wall)[2]) == {wanted}, f"picture {wanted} everywhere")  # noqa: B023


def test_reverse_and_fast_keep_step(wall: Face, hall: Hall) -> None:
    start(wall, 4, hall.start_us + 25 * US_PER_S)
    wall.page.keyboard.press("j")
    before = [look(wall)[2][0]]

    def falls() -> bool:
        before.append(look(wall)[2][0])
        return len(before) > 10 and None not in before and before[-1] < before[-5] < before[-9]  # type: ignore[operator]

    wall.until(falls, "it plays backwards")
    spreads = watch(wall, 3)
    print(f"\n4 cameras backwards: of {len(spreads)} looks {sum(one > 0 for one in spreads)} found a difference")
    assert max(spreads) <= 1
    for _ in range(3):
        wall.page.keyboard.press("d")
    wall.part("play").click()
    wall.until(lambda: (seen := look(wall)[2]) and seen[0] and seen[0] % GROUP == 0 and spread(seen) == 0, "key frames")


def test_camera_without_footage_says_so_and_comes_back(wall: Face, hall: Hall) -> None:
    gap_us = hall.start_us + PICTURES * TICK_US
    numbers = [CAMERAS, 1]
    wall.open(f"#/wall/{CAMERAS},1/{gap_us - 2 * US_PER_S}")
    tile = wall.part(f"tile-{numbers[0]}")
    wall.until(lambda: tile.get_attribute("data-phase") == "showing", "the picture before the gap")
    wall.until(lambda: tile.get_attribute("data-phase") == "hole", "the gap")
    assert "Mất kết nối camera" in tile.inner_text()
    assert wall.part("tile-1").get_attribute("data-phase") == "showing"
    wall.page.evaluate(
        "(hash) => { location.hash = hash; }", f"#/wall/{CAMERAS},1/{gap_us + (PICTURES - 50) * TICK_US}"
    )
    wall.until(lambda: tile.get_attribute("data-phase") == "hole", "the end of the gap")
    wall.until(lambda: tile.get_attribute("data-phase") == "showing", "footage again", 15)
    wall.until(lambda: spread(look(wall)[2]) <= 1, "in step again")


def test_wall_is_reached_and_changed_by_hand(wall: Face, hall: Hall) -> None:
    at_us = hall.start_us + 60 * US_PER_S
    wall.open(f"#/wall/3/{at_us}")
    wall.until(lambda: look(wall)[2] != [None], "one camera")
    wall.page.keyboard.press(" ")
    wall.until(lambda: wall.player("state") == "paused", "it stands")
    stood_us = wall.player("wallTimeUs()")
    wall.part("wall-4").click()
    wall.until(lambda: len(look(wall)[2]) == 4 and spread(look(wall)[2]) == 0, "three more at the same instant")
    wall.part("channel-12").click()
    wall.until(lambda: len(look(wall)[2]) == 5 and spread(look(wall)[2]) == 0, "one more by the list")
    wall.part("channel-3").click()
    wall.until(lambda: len(look(wall)[2]) == 4 and spread(look(wall)[2]) == 0, "and one less")
    assert wall.player("wallTimeUs()") == pytest.approx(stood_us, abs=TICK_US)
    wall.part("page-watch").click()
    wall.until(lambda: wall.page.locator("[data-testid=stage]").count() == 1, "one camera's own page")


def test_scrubbing_a_wall_moves_every_camera(wall: Face, hall: Hall) -> None:
    start(wall, 4, hall.start_us + 20 * US_PER_S)
    wall.page.keyboard.press(" ")
    wall.until(lambda: wall.player("state") == "paused", "it stands")
    line = wall.part("timeline")
    box = line.bounding_box()
    from_us, to_us = (int(line.get_attribute(f"data-{end}-us")) for end in ("from", "to"))

    def place(wall_us: float) -> float:
        return float(box["x"] + (wall_us - from_us) / (to_us - from_us) * box["width"])

    at_us, y = wall.player("wallTimeUs()"), box["y"] + 70
    wall.page.mouse.move(place(at_us), y)
    wall.page.mouse.down()
    seen: set[tuple[int | None, ...]] = set()
    began_ms = wall.page.evaluate("() => performance.now()")
    for n in range(1, 41):
        wall.page.mouse.move(place(at_us + n * 3 * US_PER_S), y)
        seen.add(tuple(look(wall)[2]))
    seconds = (wall.page.evaluate("() => performance.now()") - began_ms) / 1000
    wall.page.mouse.up()
    print(f"\nscrub of 4 cameras: {len(seen)} different walls in {seconds:.1f} s")
    wall.until(lambda: spread(look(wall)[2]) == 0, "the same exact picture everywhere")
    assert len(seen) / seconds >= 4


def test_live_wall_says_which_camera_gives_nothing(face: Face, town: Town) -> None:
    face.open(f"#/wall/{LIVE},{SICK}")
    well, sick = face.part(f"tile-{LIVE}"), face.part(f"tile-{SICK}")
    face.until(lambda: well.get_attribute("data-phase") == "showing", "the camera that records")
    face.until(lambda: "Mất kết nối camera" in sick.inner_text(), "why the other shows nothing")
    assert face.player("mode") == "live"

    def behind_s() -> bool:
        video = well.locator("video")
        moved = video.evaluate("(video) => !video.paused && video.currentTime > 0")
        return bool(moved) and 1.2 < (town.house.clock.wall_us() - face.player("wallTimeUs()")) / US_PER_S < 5

    face.until(behind_s, "behind now, as all are")
    face.page.keyboard.press(" ")
    face.until_state("paused", "past")
    face.until(lambda: well.get_attribute("data-phase") == "showing", "its picture stands")
