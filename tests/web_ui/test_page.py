"""The list, the languages, the keys."""

import re
from dataclasses import replace

from indexer.board import VolumeTrouble
from indexer.troubles import Matter, Trouble
from nvr.capture.ladder import Rung
from tests.web_ui.page import Face
from tests.web_ui.town import GAPPY, HEVC, SICK, Town


def rows(face: Face) -> list[int]:
    """The channels of the list, as they stand."""
    found = face.page.locator("[data-testid^=channel-]").evaluate_all("all => all.map((one) => one.dataset.testid)")
    return [int(found_id.split("-")[1]) for found_id in found if re.fullmatch(r"channel-\d+", found_id)]


def test_list_puts_faults_first_and_can_go_by_number(face: Face, town: Town) -> None:
    face.open()
    face.until(lambda: len(rows(face)) == 6, "six cameras")
    assert rows(face)[0] == SICK
    face.part("order-number").click()
    face.until(lambda: rows(face) == [1, 2, 3, 4, 5, 6], "order by number")


def test_state_is_said_in_words(face: Face, town: Town) -> None:
    face.open()
    row = face.part(f"channel-{SICK}")
    face.until(row.is_visible, "the sick camera")
    assert "Mất hình, đang thử lại" in row.inner_text()
    assert "Mất kết nối camera" in row.inner_text()


def test_search_finds_names_without_accents_and_enter_opens(face: Face, town: Town) -> None:
    face.open()
    face.until(lambda: len(rows(face)) == 6, "six cameras")
    face.page.keyboard.press("/")
    face.page.keyboard.type("cau chau")
    face.until(lambda: rows(face) == [HEVC], "one camera")
    face.page.keyboard.press("Enter")
    face.until(lambda: face.player("channel") == HEVC, "it is open")


def test_vietnamese_is_first_and_english_is_a_click_away_and_remembered(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}")
    heading = face.page.get_by_role("heading", level=2).first
    face.until(lambda: heading.inner_text() == "Camera", "Vietnamese")
    assert face.page.locator("html").get_attribute("lang") == "vi"
    face.part("lang-en").click()
    face.until(lambda: heading.inner_text() == "Cameras", "English")
    face.page.reload()
    face.until(lambda: heading.inner_text() == "Cameras", "English after a reload")


def test_local_time_is_the_site_s(face: Face, town: Town) -> None:
    """07:00 in Hồ Xá is midnight UTC; the browser of these tests believes to be in New York."""
    face.open(f"#/{GAPPY}/{town.start_us}")
    face.until_state("playing", "past")
    clock = face.part("clock")
    shown_us = int(clock.get_attribute("data-picture-us"))
    local_hour = shown_us // 3_600_000_000 % 24 + 7
    assert f"\n{local_hour % 24:02}:" in clock.inner_text()


def test_theme_changes_and_is_remembered(face: Face, town: Town) -> None:
    face.open()
    theme = face.part("theme")
    face.until(theme.is_visible, "the switch")
    theme.click()
    assert face.page.locator("html").get_attribute("data-theme") == "light"
    theme.click()
    assert face.page.locator("html").get_attribute("data-theme") == "dark"
    face.page.reload()
    face.until(lambda: face.page.locator("html").get_attribute("data-theme") == "dark", "dark after a reload")


def test_go_to_marks_the_offered_time_before_the_next_key(face: Face, town: Town) -> None:
    """On a busy machine a frame takes longer than a finger: what is typed must replace the offer all the same."""
    face.open(f"#/{GAPPY}")
    face.until(face.part("goto").is_visible, "the field")
    marked = face.page.evaluate(
        """() => {
            const field = document.querySelector("[data-testid=goto]");
            window.dispatchEvent(new KeyboardEvent("keydown", {key: "g", code: "KeyG"}));
            return field.value && field.value.slice(field.selectionStart, field.selectionEnd) === field.value;
        }"""
    )
    assert marked is True
    face.part("goto").blur()
    face.part("goto").click()
    length = "() => document.activeElement.selectionEnd - document.activeElement.selectionStart"
    assert face.page.evaluate(length) == len("23/11/2026 20:31:05")


def test_go_to_a_time_typed_by_hand(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}")
    face.until(face.part("goto").is_visible, "the field")
    face.page.keyboard.press("g")
    local_s = (town.start_us // 1_000_000 + 7 * 3600 + 5) % 86_400
    face.page.keyboard.type(f"{local_s // 3600:02}:{local_s // 60 % 60:02}:{local_s % 60:02}")
    face.page.keyboard.press("Enter")
    face.until_state("playing", "past")
    assert 4_000_000 < face.player("wallTimeUs()") - town.start_us < 10_000_000


def test_every_control_has_a_name(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}/{town.start_us}")
    face.until_state("playing", "past")
    nameless = face.page.locator("button, a, input, canvas[role]").evaluate_all(
        "all => all.filter((one) => !(one.ariaLabel || one.innerText?.trim() || one.labels?.length))"
        ".map((one) => one.outerHTML.slice(0, 90))"
    )
    assert nameless == []


def test_troubles_of_the_night_are_listed_the_morning_after(face: Face, town: Town) -> None:
    now_us = town.house.clock.wall_us()
    hour_us = 3_600_000_000
    away = Trouble(began_us=now_us - 9 * hour_us, matter=Matter.AWAY, volume=7, ended_us=now_us - 8 * hour_us)
    worn = Trouble(began_us=now_us - hour_us, matter=Matter.WORN, volume=1, detail="8 sectors that wait")
    town.house.troubles.note(now_us, [away, worn])
    face.open("#/troubles")
    face.until(face.part("troubles-lasting").is_visible, "what lasts")
    assert "1 sự cố đang diễn ra" in face.part("troubles-lasting").inner_text()
    night = face.part("trouble-away").filter(has_text="số 7")  # other files' tests share the town
    assert "Ổ đĩa số 7 không mở được" in night.inner_text()
    assert "1 giờ" in night.inner_text()
    worn_disk = face.part("trouble-worn").filter(has_text="số 1")
    worn_disk.locator("summary").click()
    assert "8 sectors that wait" in worn_disk.inner_text()


def test_short_disks_raise_an_alarm_in_words_until_there_is_room(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}")
    alarm = face.part("disk-alarm")
    well = town.house.disks
    town.house.rung, town.house.disks = (
        Rung.SUB_ONLY,
        [replace(well[0], trouble="there is too little room", kind=VolumeTrouble.SHORT)],
    )
    try:
        face.until(alarm.is_visible, "the alarm", within_s=10)
        assert "chỉ còn ghi hình nhỏ" in alarm.inner_text()
        assert "Ổ đĩa số 1 gần đầy" in alarm.inner_text()
        alarm.locator("summary").click()
        assert "there is too little room" in alarm.inner_text()
    finally:
        town.house.rung, town.house.disks = Rung.ALL, well
    face.until(lambda: not alarm.is_visible(), "the end of the alarm", within_s=10)
