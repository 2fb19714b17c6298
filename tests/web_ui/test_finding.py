"""Finding things again: bookmarks made, listed, visited and removed; when did a thing in a box appear?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S, TimeRange
from tests.web.finding.scenes import BOX, HEIGHT, WIDTH, Scene
from tests.web.pictures import coded, grey
from tests.web_ui.house import House
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


# -- when did it appear? -----------------------------------------------------------------------------------------------

WALL = 1
SECONDS, GROUP = 240, 10  # a key frame every 2 s


@dataclass(frozen=True)
class Street:
    """A recorder with one camera that looks at a wall, before which a thing appears."""

    url: str
    start_us: int
    change_us: int = 141 * US_PER_S  # since the start: in the middle of a group of pictures

    @property
    def end_us(self) -> int:
        return self.start_us + SECONDS * US_PER_S


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory, town: Town) -> Iterator[Street]:
    house = House(tmp_path_factory.mktemp("street"))
    house.camera(WALL, "Tường trường học")
    start_us = house.clock.wall_us() - 600 * US_PER_S
    scene = Scene(1, Street.change_us, passers=0.15)
    pictures = [scene.picture(second * US_PER_S).astype(np.uint8) for second in range(0, SECONDS, 2)]
    frames = (grey(one) for one in pictures for _ in range(GROUP))
    source = coded(frames, (WIDTH, HEIGHT), fps=GROUP // 2, group=GROUP)
    house.record(source, Track(WALL, TrackKind.MAIN), start_us, 15 * GROUP)
    with house.server() as url:
        yield Street(url, start_us)
    house.close()


@pytest.fixture
def corner(face: Face, street: Street) -> Face:
    """A page of that recorder."""
    return Face(face.page, street.url, face.complaints)


def drag(face: Face, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From one place of the picture to another, in thousandths."""
    area: Any = face.part("sheet").bounding_box()

    def place(at: tuple[float, float]) -> tuple[float, float]:
        return area["x"] + at[0] / 1000 * area["width"], area["y"] + at[1] / 1000 * area["height"]

    face.page.mouse.move(*place(start))
    face.page.mouse.down()
    face.page.mouse.move(*place(end), steps=5)
    face.page.mouse.up()


def drawn(face: Face) -> list[float]:
    """Left, top, width and height of the box, in thousandths."""
    return face.page.evaluate(  # type: ignore[no-any-return]
        """() => {
            const {left, top, width, height} = document.querySelector("[data-testid=box]").style;
            return [left, top, width, height].map((text) => parseFloat(text) * 10);
        }"""
    )


def open_search(face: Face, street: Street) -> None:
    face.open(f"#/find/{WALL}/{street.end_us - US_PER_S}")
    loaded = "() => document.querySelector('.sheet img')?.naturalWidth > 0"
    face.until(lambda: face.page.evaluate(loaded), "the picture")


def box_the_thing(face: Face) -> None:
    drag(face, (BOX.left, BOX.top), (BOX.left + BOX.width, BOX.top + BOX.height))
    assert drawn(face) == pytest.approx([BOX.left, BOX.top, BOX.width, BOX.height], abs=3)


def verdict(face: Face) -> str | None:
    return face.part("finding").get_attribute("data-verdict") if face.part("finding").count() else None


def test_change_in_a_drawn_box_is_found_shown_and_opened(corner: Face, street: Street) -> None:
    open_search(corner, street)
    box_the_thing(corner)
    corner.part("find-start").click()
    corner.until(lambda: verdict(corner), "a finding", within_s=30)
    assert verdict(corner) == "found"
    assert corner.part("narrowing").is_visible()
    pictures = corner.page.locator("[data-testid=finding] img")
    at = [int(str(pictures.nth(n).get_attribute("src")).split("at_us=")[1].split("&")[0]) for n in range(2)]
    assert at == [street.start_us + 140 * US_PER_S, street.start_us + 142 * US_PER_S]
    corner.part("open-after").click()
    corner.until(lambda: corner.player("mode") == "past" and corner.player("wallTimeUs()"), "the player")
    assert -2 <= corner.player("wallTimeUs()") - at[1] < 10 * US_PER_S  # the player rounds
    corner.page.go_back()
    corner.until(lambda: verdict(corner) == "found", "the finding is still there for who comes back")


def test_box_is_moved_pulled_and_worked_with_keys(corner: Face, street: Street) -> None:
    open_search(corner, street)
    drag(corner, (100, 100), (300, 400))
    assert drawn(corner) == pytest.approx([100, 100, 200, 300], abs=3)
    drag(corner, (200, 200), (250, 220))  # inside: moves it
    assert drawn(corner) == pytest.approx([150, 120, 200, 300], abs=4)
    drag(corner, (350, 420), (400, 500))  # its corner
    assert drawn(corner) == pytest.approx([150, 120, 250, 380], abs=5)
    left, top, width, height = drawn(corner)
    corner.part("box").focus()
    corner.page.keyboard.press("ArrowRight")
    corner.page.keyboard.press("Shift+ArrowUp")
    assert drawn(corner) == pytest.approx([left + 10, top, width, height - 10])


def test_what_never_changed_is_said_so_and_times_are_checked(corner: Face, street: Street) -> None:
    open_search(corner, street)
    box_the_thing(corner)
    corner.part("ask-vanished").click()
    field = corner.part("moment-from")
    field.fill("hôm kia")
    field.press("Tab")
    corner.until(lambda: field.get_attribute("aria-invalid") == "true", "that is no time")
    corner.part("span-1").click()
    corner.until(lambda: field.get_attribute("aria-invalid") == "false", "a time again")
    to = corner.part("moment-to")
    corner.part("ask-appeared").click()
    to.fill("1/1/2020 00:00")
    to.press("Tab")
    corner.until(corner.part("find-start").is_disabled, "the wrong order")
    corner.part("span-1").click()
    drag(corner, (20, 20), (120, 160))
    corner.part("find-start").click()
    corner.until(lambda: verdict(corner) == "alike", "nothing changed there", within_s=30)
    corner.part("find-again").click()
    corner.until(corner.part("sheet").is_visible, "the picture to draw on")


def test_what_moved_in_the_box_is_listed_and_opened(corner: Face, street: Street) -> None:
    open_search(corner, street)
    box_the_thing(corner)
    corner.part("ask-moved").click()
    corner.part("find-start").click()
    done = corner.page.locator("[data-testid=motion][data-done=true]")
    corner.until(done.count, "the end of the search", within_s=60)
    links = corner.page.locator("[data-testid=motion] a")
    starts = [int(str(links.nth(n).get_attribute("href")).rsplit("/", 1)[1]) for n in range(links.count())]
    assert starts == sorted(starts)
    assert any(abs(start - street.start_us - street.change_us) < 30 * US_PER_S for start in starts), (
        "the thing that came"
    )
    links.first.click()
    corner.until(lambda: corner.player("mode") == "past" and corner.player("wallTimeUs()"), "the player")
    assert -2 <= corner.player("wallTimeUs()") - starts[0] < 10 * US_PER_S


def test_key_q_searches_from_the_shown_picture(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}/{town.wall_of(100)}")
    face.until_state("playing")
    face.page.keyboard.press("q")
    face.until(face.part("sheet").is_visible, "the page of the search")
    assert face.page.url.startswith(f"{town.url}#/find/{GAPPY}/")
