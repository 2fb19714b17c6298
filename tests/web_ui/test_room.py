"""Everything has room on the screens that people have: nothing that one needs lies outside, or is cut."""

import pytest

from nvr.timebase import US_PER_S
from tests.web_ui.page import Face
from tests.web_ui.test_truth import altered
from tests.web_ui.town import GAP_US, GAPPY, Town

SCREENS = [(1920, 1080), (1366, 768), (1280, 720), (1101, 800), (390, 844)]
_OUTSIDE = """(ids) => ids.filter((id) => {
    const part = document.querySelector(`[data-testid="${id}"]`);
    const { left, right, width } = part.getBoundingClientRect();
    return width > 0 && (left < 0 || right > innerWidth + 0.5);
})"""
# Whether what is seen at a part's middle is that part, after it was brought into view.
_SEEN = """(id) => {
    const part = document.querySelector(`[data-testid="${id}"]`);
    const { left, top, width, height } = part.getBoundingClientRect();
    const above = document.elementFromPoint(left + width / 2, top + height / 2);
    return width > 0 && above !== null && part.contains(above);
}"""


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("screen", SCREENS)
def test_buttons_lie_within_the_screen(face: Face, town: Town, screen: tuple[int, int], language: str) -> None:
    face.page.set_viewport_size({"width": screen[0], "height": screen[1]})
    face.open(f"#/{GAPPY}/{town.start_us + 5 * US_PER_S}")
    face.until_state("playing", "past")
    face.part(f"lang-{language}").click(force=True)
    face.until(lambda: face.page.evaluate("document.documentElement.lang") == language, language)
    needed = [
        "theme",
        "lang-vi",
        "lang-en",
        "help",
        "play",
        "back-10",
        "go-live",
        "fullscreen",
        "gap-count",
        "players-open",
    ]
    assert face.page.evaluate(_OUTSIDE, needed) == []
    assert face.page.evaluate("document.documentElement.scrollWidth") <= screen[0]


@pytest.mark.parametrize("screen", SCREENS)
def test_way_out_of_a_hole_is_in_sight_at_once(face: Face, town: Town, screen: tuple[int, int]) -> None:
    face.page.set_viewport_size({"width": screen[0], "height": screen[1]})
    face.open(f"#/{GAPPY}/{town.gap[0] + GAP_US // 2}")
    face.until_state("hole")
    face.until(lambda: face.page.evaluate(_SEEN, "hole-next"), "the button to the next footage")


def test_name_of_the_camera_stays_whole_beside_what_is_said_of_its_time(face: Face, town: Town) -> None:
    face.page.set_viewport_size({"width": 390, "height": 844})
    told = {"coarse": [[town.start_us, town.end_us]], "doubtful": [[town.start_us, town.end_us]]}
    altered(face, f"/api/channels/{GAPPY}/timeline?*", lambda answer: answer.update(told))
    face.open(f"#/{GAPPY}/{town.start_us + 5 * US_PER_S}")
    face.until_state("playing", "past")
    face.until(lambda: face.part("doubt-coarse").count() and face.part("doubt-doubtful").count(), "the doubts")
    name = face.part("channel-name")
    assert name.evaluate("name => name.scrollWidth <= name.clientWidth"), "it is not cut"
    for doubt in ("doubt-coarse", "doubt-doubtful"):
        face.until(lambda: face.part(doubt).count() and face.page.evaluate(_SEEN, doubt), doubt)  # noqa: B023
        assert face.part(doubt).bounding_box()["y"] > name.bounding_box()["y"] + name.bounding_box()["height"] - 1
    face.page.unroute_all(behavior="ignoreErrors")


def test_hole_that_a_phone_is_sent_to_from_below_is_brought_into_sight(face: Face, town: Town) -> None:
    face.page.set_viewport_size({"width": 390, "height": 600})
    face.open(f"#/{GAPPY}/{town.start_us + 5 * US_PER_S}")
    face.until_state("playing", "past")
    face.part("players-open").scroll_into_view_if_needed()
    assert not face.page.evaluate(_SEEN, "stage")
    face.open(f"#/{GAPPY}/{town.gap[0] + GAP_US // 2}")
    face.until_state("hole")
    face.until(lambda: face.page.evaluate(_SEEN, "hole-next"), "the card")


def test_view_before_all_footage_is_not_said_to_lack_nothing(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}/{town.start_us - 3 * 3_600 * US_PER_S}")
    face.until_state("hole")
    count = face.part("gap-count")
    face.until(lambda: "Không có hình nào" in count.inner_text(), "that nothing was recorded there")
