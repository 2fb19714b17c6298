"""What one does with the picture on the screen: magnify it, take it into a file, give it the whole monitor."""

import io
import re
from typing import Any

import av
import pytest

from nvr.timebase import US_PER_S
from tests.web.pictures import read
from tests.web_ui.page import Face
from tests.web_ui.test_playback import stand_at
from tests.web_ui.town import BFRAMES, GAPPY, TICK_US, Town


def scale(face: Face) -> float:
    transform = face.part("zoomable").first.locator("> div").evaluate("(inner) => getComputedStyle(inner).transform")
    found = re.match(r"matrix\(([\d.]+),", transform)
    return float(found[1]) if found else 1.0


def centre(face: Face, part: Any) -> tuple[float, float]:
    box = part.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_wheel_magnifies_drag_moves_double_click_goes_back(face: Face, town: Town) -> None:
    stand_at(face, GAPPY, town.wall_of(30) + TICK_US // 2)
    x, y = centre(face, face.part("stage"))
    face.page.mouse.move(x, y)
    face.page.mouse.wheel(0, -600)
    face.until(lambda: scale(face) > 2, "magnified")
    before = face.part("video").bounding_box()
    face.page.mouse.down()
    face.page.mouse.move(x + 120, y + 40, steps=4)
    face.page.mouse.up()
    after = face.part("video").bounding_box()
    assert after["x"] - before["x"] == pytest.approx(120, abs=2)
    assert after["y"] - before["y"] == pytest.approx(40, abs=2)
    face.page.mouse.dblclick(x, y)
    face.until(lambda: scale(face) == 1, "the whole picture")


def test_keys_magnify_and_move_and_escape_goes_back(face: Face, town: Town) -> None:
    stand_at(face, GAPPY, town.wall_of(30) + TICK_US // 2)
    face.page.keyboard.press("z")
    face.page.keyboard.press("z")
    face.until(lambda: scale(face) == pytest.approx(1.96, abs=0.01), "magnified")
    before = face.part("video").bounding_box()
    face.page.keyboard.press("Alt+Shift+ArrowRight")
    face.until(lambda: face.part("video").bounding_box()["x"] < before["x"] - 50, "moved")
    face.page.keyboard.press("Escape")
    face.until(lambda: scale(face) == 1, "the whole picture")


@pytest.mark.parametrize("stepped", [False, True])
def test_snapshot_is_the_shown_picture_with_camera_and_time(face: Face, town: Town, stepped: bool) -> None:
    shown = stand_at(face, GAPPY, town.wall_of(80) + TICK_US // 2)
    if stepped:
        face.page.keyboard.press(".")
        shown = face.until(lambda: (now := face.shown()) and now.number == shown.number + 1 and now, "the next picture")
    with face.page.expect_download() as download:
        face.page.keyboard.press("p")
    assert re.fullmatch(r"channel-01-\d{8}-\d{6}-\d\d\.png", download.value.suggested_filename)
    with av.open(io.BytesIO(download.value.path().read_bytes()), "r", format="png_pipe") as png:
        picture = next(png.decode(video=0))
    assert (picture.width, picture.height) == (640, 360 + 22)
    whole = picture.to_ndarray(format="gray")
    assert read(av.VideoFrame.from_ndarray(whole[:360].copy(), format="gray")) == shown.number
    assert whole[360:].max() > 200, "words below it"


def test_double_click_gives_one_camera_of_the_wall_the_whole_screen(face: Face, town: Town) -> None:
    face.open(f"#/wall/{GAPPY},{BFRAMES}/{town.start_us + 2 * US_PER_S}")
    tile = face.part(f"tile-{BFRAMES}")
    face.until(lambda: tile.get_attribute("data-phase") == "showing", "a picture")
    small = tile.bounding_box()["width"]
    tile.dblclick(position={"x": 60, "y": 60})
    face.until(lambda: tile.bounding_box()["width"] > 1.5 * small, "the whole screen")
    face.page.keyboard.press("z")
    face.until(lambda: face.page.evaluate("() => document.fullscreenElement !== null"), "still full")
