"""The strip of pictures of the hour: it shows what there is, leads there, and lets go of what nobody looks at."""

from nvr.timebase import US_PER_MINUTE, US_PER_S
from tests.web_ui.page import Face
from tests.web_ui.town import GAPPY, Town

STEP_US = 5 * US_PER_MINUTE
HOUR_US = 12 * STEP_US


def open_strip(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}/{town.start_us + 5 * US_PER_S}")
    face.until_state("playing", "past")
    face.page.keyboard.press("t")
    face.until(lambda: face.page.locator("[data-testid=thumbs] img").count() > 0, "a picture in the strip")


def cells_with_footage(town: Town) -> int:
    """In the hour of the footage's first cell."""
    hour_us = town.start_us - town.start_us % HOUR_US
    spans = [(town.start_us, town.gap[0]), (town.gap[1], town.end_us)]
    cells = {at_us - at_us % STEP_US for span in spans for at_us in range(*span, US_PER_S)}
    return sum(hour_us <= cell < hour_us + HOUR_US for cell in cells)


def test_strip_has_twelve_cells_and_a_picture_where_something_was_recorded(face: Face, town: Town) -> None:
    open_strip(face, town)
    strip = face.part("thumbs")
    assert strip.locator("li").count() == 12
    face.until(lambda: strip.locator("img").count() == cells_with_footage(town), "every picture")
    assert strip.locator(".empty").count() == 12 - cells_with_footage(town)
    widths = [image.evaluate("image => image.naturalWidth") for image in strip.locator("img").all()]
    assert set(widths) == {240}


def test_strip_asks_for_each_picture_once_while_the_film_goes_on(face: Face, town: Town) -> None:
    asked: list[str] = []
    face.page.on("request", lambda request: asked.append(request.url))
    open_strip(face, town)
    face.until(lambda: face.part("thumbs").locator("img").count() == cells_with_footage(town), "every picture")
    face.until(lambda: (shown := face.shown()) and shown.wall_us > town.start_us + 8 * US_PER_S, "three seconds more")
    assert len([url for url in asked if "/thumbnails?" in url]) == 1
    assert len([url for url in asked if "picture=key" in url]) == cells_with_footage(town)


def test_picture_of_the_strip_leads_to_its_instant(face: Face, town: Town) -> None:
    open_strip(face, town)
    face.part("play").click()
    face.until_state("paused")
    face.part("thumb").first.click()
    first_us = max(town.start_us, town.start_us - town.start_us % STEP_US)

    def there() -> bool:
        shown = face.shown()
        return shown is not None and shown.number == town.number_at(first_us)

    face.until(there, "the picture of the cell")
    assert face.part("thumb").first.get_attribute("aria-current") == "time"


def test_hour_before_is_shown_without_leaving_the_picture(face: Face, town: Town) -> None:
    open_strip(face, town)
    title = face.part("thumbs").locator(".title")
    before = title.inner_text()
    face.part("thumbs-before").click()
    face.until(lambda: title.inner_text() != before, "another hour")
    assert face.player("mode") == "past"
    face.part("thumbs-after").click()
    face.until(lambda: title.inner_text() == before, "the hour of the picture")


def test_pictures_on_their_way_are_let_go_when_the_strip_is_closed(face: Face, town: Town) -> None:
    """The answers are held back: what the page then does not want any more, it must have cancelled."""
    face.open(f"#/{GAPPY}/{town.start_us + 5 * US_PER_S}")
    face.until_state("playing", "past")
    ended: list[str] = []
    face.page.route("**/still.jpg**", lambda _: None)
    face.page.on("requestfailed", lambda request: ended.append(request.url))
    with face.page.expect_request("**/still.jpg**"):
        face.part("thumbs-toggle").click()
    face.page.keyboard.press("t")
    assert face.part("thumbs").count() == 0
    face.until(lambda: any("picture=key" in url for url in ended), "a cancelled picture")


def test_strip_stays_open_after_a_reload(face: Face, town: Town) -> None:
    open_strip(face, town)
    face.page.reload()
    face.until(lambda: face.page.locator("[data-testid=thumbs] img").count() > 0, "a picture in the strip")
    assert face.part("thumbs-toggle").get_attribute("aria-pressed") == "true"
