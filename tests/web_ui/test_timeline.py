"""The timeline of all cameras: honest rows at every width, a place opens its camera, keys and filter work."""

from tests.web_ui.page import Face
from tests.web_ui.town import GAPPY, Town

MINUTE_US = 60_000_000


def view(face: Face) -> tuple[int, int]:
    part = face.part("overview")
    return int(part.get_attribute("data-from-us")), int(part.get_attribute("data-to-us"))


def point(face: Face, number: int, at_us: int) -> tuple[float, float]:
    """Where an instant of a camera's row lies on the page."""
    canvas = face.part("overview-canvas").bounding_box()
    row = face.part(f"overview-row-{number}").bounding_box()
    from_us, to_us = view(face)
    return canvas["x"] + (at_us - from_us) / (to_us - from_us) * canvas["width"], row["y"] + row["height"] / 2


def opened(face: Face, town: Town) -> None:
    face.open("#/timeline")
    face.part("overview-60").click()
    face.until(lambda: view(face)[1] - view(face)[0] == 60 * MINUTE_US, "an hour")


def tip(face: Face, number: int, at_us: int) -> str:
    """What the page says of a place."""
    face.page.mouse.move(*point(face, number, at_us))
    face.until(face.part("overview-tip").is_visible, "the words for a place")
    return str(face.part("overview-tip").inner_text())


def test_hole_says_its_reason_and_footage_that_it_is_there(face: Face, town: Town) -> None:
    opened(face, town)
    hole_us = sum(town.gap) // 2
    face.until(lambda: "Mất kết nối" in tip(face, GAPPY, hole_us), "the reason of the gap")
    face.until(lambda: "Có hình" in tip(face, GAPPY, town.gap[0] - 10_000_000), "that there is footage")


def test_place_opens_its_camera_at_its_time(face: Face, town: Town) -> None:
    opened(face, town)
    wanted_us = town.gap[0] - 10_000_000
    face.page.mouse.click(*point(face, GAPPY, wanted_us))
    face.until_state("playing", "past")
    assert face.player("channel") == GAPPY
    assert abs(face.player("wallTimeUs()") - wanted_us) < 6_000_000


def test_wheel_looks_closer_around_the_pointer_and_keys_move(face: Face, town: Town) -> None:
    face.open("#/timeline")
    face.part("overview-10").click()
    face.until(lambda: view(face)[1] - view(face)[0] == 10 * MINUTE_US, "ten minutes")
    around_us = view(face)[0] + 5 * MINUTE_US
    x, y = point(face, GAPPY, around_us)
    face.page.mouse.move(x, y)
    face.page.mouse.wheel(0, -300)
    face.until(lambda: view(face)[1] - view(face)[0] < 6 * MINUTE_US, "a closer look")
    assert abs(point(face, GAPPY, around_us)[0] - x) < 3
    before = view(face)
    face.page.keyboard.press("ArrowLeft")
    face.until(lambda: view(face)[0] < before[0], "the past")
    face.page.keyboard.press("l")
    face.until(lambda: view(face)[1] > town.house.clock.wall_us() - MINUTE_US, "the present")


def test_month_is_shown_and_filter_leaves_the_named_cameras(face: Face, town: Town) -> None:
    face.open("#/timeline")
    face.part("overview-43200").click()
    face.until(lambda: view(face)[1] - view(face)[0] == 30 * 1440 * MINUTE_US, "thirty days")
    face.part("overview-filter").fill(str(GAPPY))
    face.until(lambda: face.page.locator("[data-row]").count() == 1, "one row")
    assert face.part(f"overview-row-{GAPPY}").is_visible()
