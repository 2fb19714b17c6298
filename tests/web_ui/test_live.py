"""The camera now."""

import pytest

from nvr.timebase import US_PER_S
from tests.web_ui.page import Face
from tests.web_ui.town import LIVE, SICK, Town


@pytest.mark.alone
def test_live_is_less_than_a_second_behind(face: Face, town: Town) -> None:
    face.open(f"#/{LIVE}")
    face.until_state("playing", "live")

    def settled() -> bool:
        behind_us = face.player("latencyUs()")
        return behind_us is not None and behind_us < US_PER_S

    face.until(settled, "less than a second behind")
    assert settled()
    numbers = []

    def moved() -> bool:
        if shown := face.shown():
            numbers.append(shown.number)
        return len(set(numbers)) > 20

    face.until(moved, "moving pictures")


def test_pause_of_live_stands_at_the_picture_and_plays_on_from_there(face: Face, town: Town) -> None:
    face.open(f"#/{LIVE}")
    face.until_state("playing", "live")
    face.page.keyboard.press(" ")
    face.until_state("paused", "past")
    stood_us = face.player("wallTimeUs()")
    face.page.wait_for_timeout(500)
    assert face.player("wallTimeUs()") == stood_us
    face.page.keyboard.press(" ")
    face.until(lambda: (face.player("wallTimeUs()") or 0) > stood_us, "it plays on")


def test_back_from_live_and_live_again(face: Face, town: Town) -> None:
    face.open(f"#/{LIVE}")
    face.until_state("playing", "live")
    face.until(lambda: (face.player("wallTimeUs()") or 0) > 0, "a picture")
    face.page.keyboard.press("ArrowLeft")
    face.until(lambda: face.player("mode") == "past" and face.player("state") in ("playing", "hole"), "the past")
    face.page.keyboard.press("l")
    face.until_state("playing", "live")


def test_camera_that_is_away_says_why(face: Face, town: Town) -> None:
    face.open(f"#/{SICK}")
    card = face.part("camera-away")
    face.until(card.is_visible, "why there is no picture")
    assert "Mất kết nối camera" in card.inner_text()
    assert "no route to host" in card.inner_text()
