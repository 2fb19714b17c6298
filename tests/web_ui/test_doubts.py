"""Times that are not to be taken at their word are seen: on the timeline, beside the picture, and as an alarm."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S
from tests.web.pictures import stream
from tests.web_ui.canvas import colours_in
from tests.web_ui.house import House
from tests.web_ui.page import Face
from tests.web_ui.town import GROUP, TICK_US

PICTURES = 750  # 30 s of each
TRACK = Track(1, TrackKind.MAIN)


class Street:
    """A camera whose time stamps were sound, coarse, sound again; then the server's clock was doubted."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.url = ""
        house.camera(1, "Dốc Miếu")
        at_us = house.clock.wall_us() - 500 * US_PER_S + 123_457
        self.stretches: dict[str, tuple[int, int]] = {}
        for kind in ("sound", "coarse", "sound again", "doubtful"):
            coded = stream(pictures=PICTURES, group=GROUP, size=(640, 360))
            house.clock_off_us = 7 * 3_600 * US_PER_S if kind == "doubtful" else None
            end_us = house.record(coded, TRACK, at_us, 5 * GROUP, is_coarse=kind == "coarse")
            self.stretches[kind] = (at_us, end_us)
            at_us = end_us
        house.clock_off_us = None


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    house = House(tmp_path_factory.mktemp("street"))
    built = Street(house)
    with house.server() as url:
        built.url = url
        yield built
    house.close()


@pytest.fixture
def view(street: Street, chromium: Browser) -> Iterator[Face]:
    street.house.beat()
    context = chromium.new_context(viewport={"width": 1920, "height": 1080})
    opened = Face(context.new_page(), street.url)
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    yield opened
    context.close()
    assert not opened.complaints, "the page must not complain"


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_times_that_are_coarse_or_doubted_are_hatched_on_the_timeline(view: Face, street: Street, scheme: str) -> None:
    view.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    view.open(f"#/1/{street.stretches['sound'][0] + US_PER_S}")
    view.until_state("playing", "past")
    view.page.keyboard.press(" ")
    view.part("width-10").click()
    view.until(view.part("legend-doubt").is_visible, "the legend")
    for kind in ("coarse", "doubtful"):
        view.until(lambda: colours_in(view, "gap-ground", street.stretches[kind]) > 0.2, f"the ground of {kind}")  # noqa: B023
        assert colours_in(view, "gap-ground", street.stretches[kind]) < 0.95, "lines over it, not a plain band"
        assert colours_in(view, "footage", street.stretches[kind]) == 0
    for kind in ("sound", "sound again"):
        assert colours_in(view, "gap-ground", street.stretches[kind]) == 0
        assert colours_in(view, "footage", street.stretches[kind]) > 0.5


@pytest.mark.parametrize(
    ("kind", "words"),
    [("coarse", "chỉ đúng khoảng một giây"), ("doubtful", "đồng hồ máy chủ đáng ngờ"), ("sound again", "")],
)
def test_picture_of_such_a_time_says_so(view: Face, street: Street, kind: str, words: str) -> None:
    from_us, to_us = street.stretches[kind]
    view.open(f"#/1/{(from_us + to_us) // 2}")
    view.until_state("playing", "past")
    doubts = view.page.locator("[data-testid^=doubt-]")
    if words:
        view.until(lambda: doubts.count() == 1 and words in doubts.inner_text(), "the words")
    else:
        view.until(lambda: (now := view.shown()) and now.number * TICK_US > 5 * US_PER_S, "pictures")
        assert doubts.count() == 0


@pytest.mark.parametrize(("off_h", "words"), [(-7, "chậm 7 giờ"), (24 * 20, "nhanh 20 ngày"), (0, "đáng ngờ")])
def test_clock_that_jumped_or_is_doubted_is_an_alarm_until_it_is_believed(
    view: Face, street: Street, off_h: int, words: str
) -> None:
    alarm = view.part("clock-doubted")
    view.open("#/coverage")
    view.until(view.part("coverage").is_visible, "a page")
    assert alarm.count() == 0
    street.house.clock_off_us = off_h * 3_600 * US_PER_S

    def told() -> bool:
        street.house.beat()
        return bool(alarm.count()) and words in alarm.inner_text()

    def is_over() -> bool:
        street.house.beat()
        return bool(alarm.count() == 0)

    try:
        view.until(told, "the alarm")
        assert "tạm không xóa hình cũ" in alarm.inner_text()
        assert alarm.get_attribute("role") == "alert"
    finally:
        street.house.clock_off_us = None
    view.until(is_over, "the end of the alarm")
