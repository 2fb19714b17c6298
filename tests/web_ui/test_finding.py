"""Finding things again: bookmarks made, listed, visited and removed."""

from collections.abc import Iterator

import pytest

from nvr.timebase import US_PER_S, TimeRange
from tests.web_ui.page import Face
from tests.web_ui.town import BFRAMES, GAPPY, Town


@pytest.fixture
def marked(town: Town) -> Iterator[Town]:
    """A town without bookmarks; those that a test makes are taken away behind it."""
    yield town
    for one in town.house.registry.bookmarks.within(TimeRange(0, 2**62)):
        town.house.registry.bookmarks.remove(one.channel, one.number)


def notes(town: Town) -> list[tuple[int, str]]:
    return [(one.channel, one.note) for one in town.house.registry.bookmarks.within(TimeRange(0, 2**62))]


def near(face: Face, wall_us: int) -> bool:
    """Whether the picture of an instant is on the screen; the player rounds to the microsecond, so may the test."""
    shown_us = face.player("wallTimeUs()")
    return shown_us is not None and abs(shown_us - wall_us) <= 2


def test_key_b_marks_the_shown_picture_with_a_note_that_the_list_shows(face: Face, marked: Town) -> None:
    at_us = marked.wall_of(100)
    face.open(f"#/{GAPPY}/{at_us}")
    face.until_state("playing")
    face.page.keyboard.press("Space")
    face.until_state("paused")
    shown_us = face.player("wallTimeUs()")
    face.page.keyboard.press("b")
    face.until(face.part("bookmark-dialog").is_visible, "the question for the note")
    face.page.keyboard.type("Xe máy đỏ")
    face.page.keyboard.press("Enter")
    face.until(face.part("bookmark-saved").inner_text, "the word that it is done")
    assert not face.part("bookmark-dialog").is_visible()
    assert notes(marked) == [(GAPPY, "Xe máy đỏ")]
    (made,) = marked.house.registry.bookmarks.within(TimeRange(0, 2**62))
    assert made.at_us == shown_us

    face.part("page-bookmarks").click()
    row = face.part(f"bookmark-{made.number}")
    face.until(row.is_visible, "the bookmark in the list")
    assert "Xe máy đỏ" in row.inner_text()
    assert f"{GAPPY} Cổng chợ" in row.inner_text()
    row.locator("a").click()
    face.until(lambda: near(face, made.at_us), "the very picture again")


def test_search_finds_without_marks_over_letters_and_removal_asks_once_more(face: Face, marked: Town) -> None:
    book, now_us = marked.house.registry.bookmarks, marked.house.clock.wall_us()
    for number, note in enumerate(["Đống rác", "Xe tải", ""]):
        book.add(BFRAMES, marked.start_us + number * US_PER_S, note, author="local", now_us=now_us)
    face.open("#/bookmarks")
    rows = face.page.locator('[data-testid="bookmarks"] li')
    face.until(lambda: rows.count() == 3, "three bookmarks")
    face.part("bookmarks-search").fill("dong rac")
    face.until(lambda: rows.count() == 1, "the one that is meant")
    face.part("bookmark-remove").click()
    assert len(notes(marked)) == 3
    face.part("bookmark-remove-sure").click()
    face.until(lambda: rows.count() == 0, "it is gone")
    assert notes(marked) == [(BFRAMES, "Xe tải"), (BFRAMES, "")]


def test_keys_go_from_bookmark_to_bookmark_and_the_timeline_tells_the_note(face: Face, marked: Town) -> None:
    book, now_us = marked.house.registry.bookmarks, marked.house.clock.wall_us()
    places = [marked.wall_of(50), marked.wall_of(500)]
    for place, note in zip(places, ["một", "hai"], strict=True):
        book.add(GAPPY, place, note, author="local", now_us=now_us)
    face.open(f"#/{GAPPY}/{marked.wall_of(300)}")
    face.until_state("playing")
    face.page.keyboard.press("Space")
    face.until_state("paused")
    face.page.keyboard.press("}")
    face.until(lambda: near(face, places[1]), "the next bookmark")
    face.page.keyboard.press("{")
    face.until(lambda: near(face, places[0]), "the bookmark before")
    canvas = face.part("timeline")
    from_us, to_us = (int(canvas.get_attribute(f"data-{edge}-us")) for edge in ("from", "to"))
    box = canvas.bounding_box()
    x = box["x"] + (places[1] - from_us) / (to_us - from_us) * box["width"]
    face.page.mouse.move(x, box["y"] + 70)
    face.until(lambda: "hai" in face.part("tip").inner_text(), "the note under the pointer")
    face.page.mouse.click(x, box["y"] + 70)
    face.until(lambda: near(face, places[1]), "the marked picture itself")
