"""The calendar: how much of each day is recorded, and the way to a day."""

import re
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from nvr.timebase import US_PER_DAY, US_PER_S
from tests.web_ui.page import Face
from tests.web_ui.test_accessibility import AXE, violations
from tests.web_ui.town import GAPPY, Town


def today(town: Town) -> datetime:
    """Local midnight of the site."""
    now = datetime.fromtimestamp(town.house.clock.wall_us() // US_PER_S, ZoneInfo("Asia/Ho_Chi_Minh"))
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def test_calendar_of_all_cameras_leads_to_the_day(face: Face, town: Town) -> None:
    face.open("#/timeline")
    face.until(face.part("calendar-all").is_visible, "the toolbar")
    face.part("calendar-all").click()
    day = face.part(f"date-{today(town):%Y-%m-%d}")
    face.until(day.is_visible, "today")
    assert re.fullmatch(rf"{today(town):%d/%m/%Y}: có \d+ % hình", day.locator(".sr").inner_text())
    day.click()
    midnight_us = int(today(town).timestamp()) * US_PER_S
    overview = face.part("overview")
    face.until(lambda: abs(int(overview.get_attribute("data-from-us")) - midnight_us) < 0.03 * US_PER_DAY, "the day")
    assert not face.part("calendar-dialog").is_visible()


def test_calendar_of_a_camera_says_what_it_has_and_turns_to_the_month_before(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}")
    face.until(face.part("calendar").is_visible, "the toolbar")
    face.part("calendar").click()
    face.until(face.part(f"date-{today(town):%Y-%m-%d}").is_visible, "today")
    assert face.part("calendar-dialog").get_by_text("1 Cổng chợ").is_visible()
    assert face.part(f"date-{today(town):%Y-%m-%d}").is_enabled()
    face.part("month-before").click()
    last = today(town).replace(day=1) - timedelta(days=1)
    old = face.part(f"date-{last:%Y-%m-%d}")
    face.until(old.is_visible, "the month before")
    assert old.is_disabled()
    assert old.locator(".sr").inner_text() == f"{last:%d/%m/%Y}: không có hình"


@pytest.mark.skipif(not AXE.exists(), reason="the front end's packages are not installed: cd web/ui && npm ci")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_open_calendar_has_no_violation(face: Face, town: Town, scheme: Literal["light", "dark"]) -> None:
    face.page.emulate_media(color_scheme=scheme)
    face.open("#/timeline")
    face.until(face.part("calendar-all").is_visible, "the toolbar")
    face.part("calendar-all").click()
    face.until(face.part(f"date-{today(town):%Y-%m-%d}").is_visible, "today")
    face.until(lambda: face.page.evaluate("document.documentElement.dataset.theme") == scheme, scheme)
    assert violations(face) == []


def test_key_opens_the_calendar_on_both_pages(face: Face, town: Town) -> None:
    for address, part in ((f"#/{GAPPY}", "timeline"), ("#/timeline", "overview-canvas")):
        face.open(address)
        face.until(face.part(part).is_visible, part)
        face.page.keyboard.press("c")
        face.until(face.part("calendar-dialog").locator("visible=true").count, "the calendar")
        face.page.keyboard.press("Escape")
