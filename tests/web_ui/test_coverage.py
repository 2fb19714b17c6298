"""The ledger of coverage as a person reads it."""

from typing import Any

import pytest

from tests.web_ui.house import TIGHT
from tests.web_ui.page import Face
from tests.web_ui.test_truth import altered
from tests.web_ui.town import GAPPY, SICK, Town

LAST = 29  # the column of today


def test_ledger_says_what_is_missing_today_and_why(face: Face, town: Town) -> None:
    face.open("#/coverage")
    cell = face.part(f"day-{GAPPY}-{LAST}")
    face.until(cell.is_visible, "the ledger")
    assert "Cam kết giữ: 30,0 ngày" in face.part("promise").inner_text()
    cell.click()
    card = face.part("day-card")
    assert "1 Cổng chợ" in card.inner_text()
    assert "Thiếu 30 giây: Mất kết nối camera" in card.inner_text()
    assert "nearly" not in face.part(f"day-{SICK}-{LAST}").get_attribute("class")


def test_quota_without_room_for_the_shortest_time_is_told(face: Face, town: Town) -> None:
    face.open("#/coverage")
    face.until(face.part("quotas").is_visible, "the warning")
    assert face.part("quotas").inner_text().endswith(f"camera {TIGHT}.")
    told = face.page.get_by_title("Hạn mức dung lượng chỉ đủ 0,1 ngày, ít hơn 1,0 ngày phải giữ tối thiểu.")
    assert told.count() == 1


def test_promise_that_the_forecast_breaks_has_no_tick(face: Face, town: Town) -> None:
    """What the server really says of this town: a quota that keeps a tenth of a day, and minutes of footage."""
    face.open("#/coverage")
    promise = face.part("promise")
    face.until(promise.is_visible, "the promise")
    told = face.page.request.get(face.url + "api/coverage?days=30").json()["promise"]
    assert told["expected_days"] < told["promised_days"]
    assert promise.get_attribute("data-icon") != "check"
    assert "✓" not in promise.inner_text()
    assert promise.locator("svg").evaluate("icon => getComputedStyle(icon).color") != green(face)


@pytest.mark.parametrize(
    ("holding", "expected", "icon"),
    [
        (30, 30, "check"),
        (40, 31, "check"),
        (30, 29.8, "warning"),
        (12, 12, "clock"),
        (12, 30, "clock"),
        (12, 11, "warning"),
    ],
)
def test_tick_is_for_a_promise_that_is_kept_and_will_be(
    face: Face, town: Town, holding: float, expected: float, icon: str
) -> None:
    days = {"promised_days": 30, "holding_days": holding, "expected_days": expected, "impossible": False}
    altered(face, "/api/coverage?*", lambda told: told["promise"].update(days))
    face.open("#/coverage")
    promise = face.part("promise")
    face.until(promise.is_visible, "the promise")
    assert promise.get_attribute("data-icon") == icon
    is_green = promise.locator("svg").evaluate("icon => getComputedStyle(icon).color") == green(face)
    assert is_green == (icon == "check")


def green(face: Face) -> Any:
    """The colour of what is well, as the browser computes it."""
    return face.page.evaluate(
        """() => {
            const probe = document.body.appendChild(document.createElement("span"));
            probe.style.color = "var(--good)";
            const colour = getComputedStyle(probe).color;
            probe.remove();
            return colour;
        }"""
    )


def test_today_is_in_sight_where_not_all_days_fit(face: Face, town: Town) -> None:
    face.page.set_viewport_size({"width": 1300, "height": 800})
    face.open("#/coverage")
    face.until(face.part(f"day-{GAPPY}-{LAST}").is_visible, "the ledger")

    def is_in_sight() -> bool:
        place = face.part(f"day-{GAPPY}-{LAST}").bounding_box()
        return place is not None and place["x"] + place["width"] <= 1300

    face.until(is_in_sight, "today")


def test_arrows_walk_through_the_days_and_a_day_leads_to_its_pictures(face: Face, town: Town) -> None:
    face.open("#/coverage")
    face.until(face.part(f"day-{GAPPY}-{LAST}").is_visible, "the ledger")
    face.part(f"day-{GAPPY}-{LAST}").focus()
    face.page.keyboard.press("ArrowLeft")
    face.until(lambda: "Không còn giữ hình nào" in face.part("day-card").inner_text(), "yesterday")
    face.page.keyboard.press("ArrowRight")
    face.until(face.part("day-watch").is_visible, "today")
    face.part("day-watch").click()
    face.until(lambda: face.player("channel") == GAPPY, "its player")


def test_ledger_is_a_click_away_and_so_is_the_way_back(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}")
    face.part("page-coverage").click()
    face.until(face.part("coverage").is_visible, "the ledger")
    face.part("page-watch").click()
    face.until(lambda: face.player("channel") is not None and not face.part("coverage").is_visible(), "the cameras")
