"""Playing from any instant, to the picture; across chunks and gaps."""

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Route

from nvr.timebase import US_PER_S
from tests.web_ui.page import Face, Shown
from tests.web_ui.town import BFRAMES, GAP_US, GAPPY, GROUP, HEVC, HEVC_ONLY, RUN_PICTURES, TICK_US, Town

CHUNK = 4 * GROUP


def stand_at(face: Face, channel: int, at_us: int) -> Shown:
    """Open an instant, stop there and give the picture."""
    face.open(f"#/{channel}/{at_us}")
    face.until_state("playing", "past")
    face.part("play").click()
    face.until_state("paused")
    return seek(face, channel, at_us)


def seek(face: Face, channel: int, at_us: int) -> Shown:
    """The picture on the screen after the address has changed to an instant, standing still."""
    face.open(f"#/{channel}/{at_us}")

    def there() -> Shown | None:
        shown = face.shown()
        return shown if shown and 0 <= at_us - shown.wall_us < TICK_US else None

    found: Shown = face.until(there, f"a picture of {at_us}")
    return found


def until_number(face: Face, number: int) -> None:
    face.until(lambda: (shown := face.shown()) and shown.number == number, f"picture {number}")


def edges(numbers: list[int]) -> list[tuple[int, int]]:
    """For each picture: its number with an instant in its middle, just after its start and just before its end."""
    return [(number, number * TICK_US + inside) for number in numbers for inside in (100, TICK_US // 2, TICK_US - 100)]


def test_seek_to_instant_shows_its_very_picture(face: Face, town: Town) -> None:
    stand_at(face, GAPPY, town.start_us + 5 * US_PER_S)
    last = RUN_PICTURES - 1
    for number, offset_us in edges([0, 1, 33, GROUP - 1, GROUP, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 77, last]):
        shown = seek(face, GAPPY, town.start_us + offset_us)
        assert shown.number == number
        assert abs(shown.wall_us - town.wall_of(number)) <= 2


@pytest.mark.slow
def test_seek_with_b_frames_shows_its_very_picture(face: Face, town: Town) -> None:
    stand_at(face, BFRAMES, town.start_us + 3 * US_PER_S)
    for number, offset_us in edges([0, 1, 2, 3, GROUP - 1, GROUP, 2 * GROUP - 1, 2 * GROUP, 2 * GROUP + 1, 299]):
        assert seek(face, BFRAMES, town.start_us + offset_us).number == number


def test_step_moves_by_one_picture(face: Face, town: Town) -> None:
    before = stand_at(face, GAPPY, town.start_us + CHUNK * TICK_US - TICK_US // 2)
    for key, number in ((".", before.number + 1), (".", before.number + 2), (",", before.number + 1)):
        face.page.keyboard.press(key)
        until_number(face, number)


def test_play_runs_on_across_chunks_with_true_times(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}/{town.start_us + (CHUNK - 30) * TICK_US}")
    face.until_state("playing", "past")
    seen: list[Shown] = []

    def crossed() -> bool:
        if shown := face.shown(fresh=True):
            seen.append(shown)
        return bool(seen) and seen[-1].number > CHUNK + 20

    face.until(crossed, "the next chunk plays")
    assert [shown.number for shown in seen] == sorted(shown.number for shown in seen)
    # a picture may come to the screen between the browser's word of it and the look at it
    assert all(abs(shown.wall_us - town.wall_of(shown.number)) <= TICK_US + 2 for shown in seen)


def test_play_crosses_gap_by_itself_and_says_so(face: Face, town: Town) -> None:
    gap_start_us, gap_end_us = town.gap
    face.open(f"#/{GAPPY}/{gap_start_us - 2 * US_PER_S}")
    face.until_state("playing", "past")
    face.until(lambda: (s := face.shown()) and s.number >= RUN_PICTURES, "pictures behind the gap")
    assert face.player("wallTimeUs()") >= gap_end_us
    assert "30 giây" in face.part("leap").inner_text()
    assert "Mất kết nối camera" in face.part("leap").inner_text()


def test_seek_into_gap_says_why_and_offers_next_footage(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}/{town.gap[0] + GAP_US // 2}")
    face.until_state("hole")
    words = face.part("hole").inner_text()
    assert "Không có hình ghi ở đây" in words
    assert "Mất kết nối camera" in words
    assert "30 giây" in words
    assert face.player("wallTimeUs()") is None
    face.part("hole-next").click()
    face.until_state("playing", "past")
    shown = face.until(face.shown, "the next footage")
    assert shown.number >= RUN_PICTURES


def test_hole_is_of_the_instant_that_was_asked_for_though_pictures_go_on_meanwhile(face: Face, town: Town) -> None:
    """The answer is held back until the film before it has gone on by some pictures."""
    face.open(f"#/{GAPPY}/{town.start_us + 2 * US_PER_S}")
    face.until_state("playing", "past")
    held: list[Route] = []
    face.page.route("**/fragments?*", lambda route: held.append(route))
    asked_us = town.gap[0] + GAP_US // 2
    face.open(f"#/{GAPPY}/{asked_us}")
    face.until(lambda: held, "the question")
    time = "document.querySelector('video').currentTime"
    before = face.page.evaluate(time)
    face.until(lambda: face.page.evaluate(time) > before + 0.2, "pictures of before")
    for route in held:
        route.continue_()
    face.until_state("hole")
    clock = datetime.fromtimestamp(asked_us // US_PER_S, ZoneInfo("Asia/Ho_Chi_Minh"))
    assert clock.strftime("%H:%M:%S") in face.part("hole").locator(".asked").inner_text()


def test_end_of_footage_is_said_not_frozen(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}/{town.end_us - 2 * US_PER_S}")
    face.until_state("playing", "past")
    face.until_state("hole")
    assert face.part("hole-next").inner_text() == "Xem trực tiếp"


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("speed", [0.5, 2, 4])
def test_speed_is_kept_by_the_wall_clock(face: Face, town: Town, speed: float) -> None:
    face.open(f"#/{GAPPY}/{town.start_us}")
    face.until_state("playing", "past")
    for _ in range(abs(int(math.log2(speed)))):
        face.part("faster" if speed > 1 else "slower").click()
    face.page.wait_for_timeout(300)
    clock = town.house.clock
    wall_us, media_us = clock.monotonic_us(), face.player("wallTimeUs()")
    face.page.wait_for_timeout(1_500)
    passed_us, played_us = clock.monotonic_us() - wall_us, face.player("wallTimeUs()") - media_us
    assert played_us / passed_us == pytest.approx(speed, rel=0.15)


def test_h265_falls_back_to_sub_stream_and_says_so(face: Face, town: Town) -> None:
    face.open(f"#/{HEVC}/{town.start_us + US_PER_S}")
    face.until_state("playing", "past")
    assert face.player("track") == "sub"
    assert "H.265" in face.part("instead").inner_text()


def test_h265_alone_is_shown_as_stills_and_says_so(face: Face, town: Town) -> None:
    at_us = town.start_us + US_PER_S + 1_000
    face.open(f"#/{HEVC_ONLY}/{at_us}")
    face.until_state("playing", "past")
    assert "từng ảnh" in face.part("instead").inner_text()
    assert (face.player("wallTimeUs()") - town.start_us) % US_PER_S == 0, "the picture's own time, not the asked one"
    width = face.page.locator("[data-testid=stage] img").evaluate(
        "(image) => image.decode().then(() => image.naturalWidth)"
    )
    assert width == 320


def test_click_on_timeline_plays_from_there(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}/{town.start_us + US_PER_S}")
    face.until_state("playing", "past")
    line = face.part("timeline")
    box = line.bounding_box()
    from_us, to_us = (int(line.get_attribute(f"data-{end}-us")) for end in ("from", "to"))
    target_us = town.start_us + 12 * US_PER_S
    line.click(position={"x": (target_us - from_us) / (to_us - from_us) * box["width"], "y": 70})
    pixel_us = (to_us - from_us) / box["width"]

    def near() -> bool:
        at_us = face.player("wallTimeUs()")
        return at_us is not None and -pixel_us - TICK_US <= at_us - target_us <= pixel_us + 3 * US_PER_S

    face.until(near, "the picture of the click")


def test_clip_of_marked_range_is_offered(face: Face, town: Town) -> None:
    stand_at(face, GAPPY, town.start_us + 2 * US_PER_S)
    face.page.keyboard.press("i")
    seek(face, GAPPY, town.start_us + 8 * US_PER_S)
    face.page.keyboard.press("o")
    link = face.part("clip-download")
    with face.page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename.startswith("channel-01-main-")
    assert download.value.failure() is None
