"""Time that was recorded twice, since the server's clock was set back: both times can be seen, and are never mixed."""

import io
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S
from tests.web.pictures import shown as pictures_of
from tests.web.pictures import stream
from tests.web_ui.canvas import colours_in
from tests.web_ui.house import House
from tests.web_ui.page import Face
from tests.web_ui.town import GROUP, TICK_US

PICTURES = 1_000  # 40 s of each time
BACK_US = 22_720_000  # the clock was set back by so much when the first time ended


class Village:
    """Two cameras whose recorder was set back once. Its pictures count on: the second time they begin at 1,000."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.url = ""
        self.start_us = house.clock.wall_us() - 600 * US_PER_S + 123_457
        for number in (1, 2):
            house.camera(number, f"Bến đò {number}")
            for first, start_us in ((0, self.start_us), (PICTURES, self.again_us)):
                coded = stream(pictures=PICTURES, group=GROUP, size=(640, 360), first=first)
                house.record(coded, Track(number, TrackKind.MAIN), start_us, 4 * GROUP)

    @property
    def again_us(self) -> int:
        """Where the second time begins."""
        return self.end_us - BACK_US

    @property
    def end_us(self) -> int:
        """Where the first time ends."""
        return self.start_us + PICTURES * TICK_US

    def number(self, at_us: int, take: int) -> int:
        """The picture of an instant, the first (1) or the second (2) time."""
        if take == 1:
            return (at_us - self.start_us) // TICK_US
        return PICTURES + (at_us - self.again_us) // TICK_US


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    house = House(tmp_path_factory.mktemp("village"))
    built = Village(house)
    with house.server() as url:
        built.url = url
        yield built
    house.close()


@pytest.fixture
def view(village: Village, chromium: Browser) -> Iterator[Face]:
    village.house.beat()
    context = chromium.new_context(viewport={"width": 1920, "height": 1080})
    opened = Face(context.new_page(), village.url)
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    yield opened
    context.close()
    assert not opened.complaints, "the page must not complain"


def until_number(face: Face, number: int) -> None:
    face.until(lambda: (shown := face.shown()) and shown.number == number, f"picture {number}")


def stand_in_the_hour(face: Face, village: Village) -> int:
    """Stand still amid the doubled time; gives the instant."""
    at_us = village.again_us + 6 * US_PER_S + TICK_US // 2
    face.open(f"#/1/{at_us}")
    face.until_state("playing", "past")
    face.part("play").click()
    face.until_state("paused")
    face.open(f"#/1/{at_us}")
    until_number(face, village.number(at_us, 2))
    face.until(face.part("takes").is_visible, "the choice")
    return at_us


def test_both_times_of_an_hour_can_be_seen(view: Face, village: Village) -> None:
    at_us = stand_in_the_hour(view, village)
    assert "Ghi hai lần" in view.part("takes").inner_text()
    assert view.part("take-2").get_attribute("aria-pressed") == "true", "the last one is shown by itself"
    view.part("take-1").click()
    until_number(view, village.number(at_us, 1))
    assert view.part("take-1").get_attribute("aria-pressed") == "true"
    view.page.keyboard.press(".")
    until_number(view, village.number(at_us, 1) + 1)
    view.part("take-2").click()
    until_number(view, village.number(at_us, 2) + 1)


@pytest.mark.parametrize("speed", [1, -1])
def test_playing_stays_in_the_time_that_was_chosen(view: Face, village: Village, speed: int) -> None:
    at_us = stand_in_the_hour(view, village)
    view.part("take-1").click()
    number = village.number(at_us, 1)
    until_number(view, number)
    view.part("play" if speed > 0 else "reverse").click()
    seen: list[int] = []

    def went_on() -> bool:
        if found := view.shown():
            seen.append(found.number)
        return bool(seen) and (seen[-1] - number) * speed > 2 * GROUP

    view.until(went_on, "two groups of pictures further")
    assert max(seen) < PICTURES


def test_address_that_is_sent_shows_the_same_time(view: Face, village: Village) -> None:
    at_us = stand_in_the_hour(view, village)
    view.part("take-1").click()
    view.until(lambda: view.page.url.endswith("?take=1"), "the address")
    address = view.page.url
    view.page.goto("about:blank")
    view.page.goto(address)
    found = view.until(view.shown, "pictures")
    assert found.number < PICTURES
    assert abs(found.wall_us - at_us) < 30 * US_PER_S
    view.open(f"#/1/{at_us}")
    view.until(lambda: (now := view.shown()) and now.number >= PICTURES, "the last time again")
    view.part("go-live").click()
    view.until(lambda: view.player("mode") == "live", "live")
    assert view.player("take") is None


def test_clip_stills_links_and_strip_are_of_the_time_that_was_chosen(view: Face, village: Village) -> None:
    at_us = stand_in_the_hour(view, village)
    view.part("take-1").click()
    until_number(view, village.number(at_us, 1))
    asked: list[str] = []
    view.page.on("request", lambda request: asked.append(request.url))
    view.page.keyboard.press("i")
    view.page.keyboard.press("ArrowRight")
    until_number(view, village.number(at_us + 10 * US_PER_S, 1))
    view.page.keyboard.press("o")
    view.until(view.part("clip-download").is_visible, "a clip")
    clip = view.page.request.get(view.url + view.part("clip-download").get_attribute("href").lstrip("/"))
    first = pictures_of(io.BytesIO(clip.body()))[0][0]
    assert 0 <= village.number(at_us, 1) - first <= 1, "the mark may stand a microsecond before the picture"
    view.until(lambda: any("/api/clips?" in url for url in asked), "its size")
    view.part("players-open").click()
    link = str(view.part("address-past").input_value())
    assert 0 <= first - pictures_of(link, 1)[0][0] <= GROUP, "a list begins where it can be decoded"
    view.page.keyboard.press("Escape")
    view.page.keyboard.press("t")
    view.until(lambda: view.page.locator("[data-testid=thumbs] img").count() > 0, "the strip")
    assert all(
        "take=1" in url
        for url in asked
        if any(word in url for word in ("/still", "/clips", "/thumbnails", "/fragments", "/samples"))
    )


def test_timeline_shows_what_was_recorded_twice_and_which_of_it_is_seen(view: Face, village: Village) -> None:
    at_us = stand_in_the_hour(view, village)
    view.part("width-10").click()
    view.until(view.part("legend-twice").is_visible, "the legend")
    twice = (village.again_us, village.end_us)
    once = (village.again_us - 5 * US_PER_S, village.again_us)
    # the bar of the second time is the lower one
    upper, lower = ("takes", 0), ("takes", 1)
    view.until(lambda: colours_in(view, "range", twice, lower) > 0.8, "the second time is filled")
    assert colours_in(view, "range", twice, upper) == 0
    assert colours_in(view, "range", once, lower) == 0
    view.part("take-1").click()
    view.until(lambda: colours_in(view, "range", twice, upper) > 0.8, "the first time is filled")
    assert colours_in(view, "range", twice, lower) == 0
    view.open(f"#/1/{at_us - 10 * US_PER_S}")
    view.until(lambda: view.part("takes").count() == 0, "no choice where there is none")


def test_what_the_first_time_lacks_is_said_to_be_in_the_last(view: Face, village: Village) -> None:
    """The file of the second time that goes on over the end of the first is of the second."""
    view.open(f"#/1/{village.end_us - 2 * US_PER_S}?take=1")
    leap = view.part("leap")
    view.until(lambda: leap.count() and "có ghi khi đồng hồ đến giờ này lần nữa" in leap.inner_text(), "the leap")
    view.until(lambda: (now := view.shown()) and now.number >= PICTURES, "what follows")
    view.page.keyboard.press(",")  # single pictures, whose tables reach back
    view.until_state("paused")
    view.open(f"#/1/{village.end_us + US_PER_S // 2}?take=1")
    view.until_state("hole")
    view.until(view.part("hole-take").is_visible, "why")
    view.part("hole-last-take").click()
    view.until(lambda: (now := view.shown()) and now.wall_us < village.end_us + US_PER_S, "the last time")


def test_wall_shows_the_time_that_was_chosen_on_every_tile(view: Face, village: Village) -> None:
    view.open(f"#/wall/1,2/{village.again_us + 5 * US_PER_S}?take=1")
    for number in (1, 2):
        tile = view.part(f"tile-{number}")
        view.until(lambda: tile.get_attribute("data-phase") == "showing", "a picture")  # noqa: B023
    with view.page.expect_request("**/fragments?*") as fragments:
        view.part("take-2").click()
    assert "take" not in fragments.value.url
    with view.page.expect_request("**/fragments?*") as fragments:
        view.part("take-1").click()
    assert fragments.value.url.endswith("take=1")
