"""The page tells the truth: every state of the server, what it cannot know, and what broke."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from playwright.sync_api import Browser, Route

from indexer.board import TrackState, TrackStatus, VolumeTrouble
from indexer.troubles import Matter, Trouble
from nvr.capture.ladder import Rung, Share
from nvr.capture.report import COARSE
from nvr.media import GapReason, Track, TrackKind
from tests.web_ui.house import House
from tests.web_ui.page import Face
from tests.web_ui.town import GAPPY, LIVE, SICK, Town
from web import wire

WORDS = {
    TrackState.OFF: "Đã tắt",
    TrackState.CONNECTING: "Đang kết nối",
    TrackState.STARTING: "Đang chờ hình đầu tiên",
    TrackState.RECORDING: "Đang ghi",
    TrackState.WAITING: "Mất hình, đang thử lại",
    TrackState.NO_DISK: "Không có ổ đĩa nhận hình",
}


@pytest.fixture
def unwatched(town: Town, chromium: Browser) -> Iterator[Face]:
    """A page that may complain: it is lied to, or its server dies."""
    context = chromium.new_context(viewport={"width": 1600, "height": 900})
    opened = Face(context.new_page(), town.url)
    yield opened
    opened.page.unroute_all(behavior="ignoreErrors")  # a request may be under way still
    context.close()


@pytest.fixture
def hamlet(tmp_path: Path) -> Iterator[House]:
    """A recorder with one camera that records nothing yet, whose web server a test may stop."""
    house = House(tmp_path)
    house.camera(1, "Đầu làng")
    yield house
    house.close()


def post(town: Town, state: TrackState, reason: GapReason | None = None, message: str = "") -> None:
    town.house.post(TrackStatus(track=Track(SICK, TrackKind.MAIN), state=state, reason=reason, message=message))


@pytest.fixture
def sick_again(town: Town) -> Iterator[None]:
    yield
    post(town, TrackState.WAITING, GapReason.NETWORK, "no route to host")


def headline(face: Face) -> Any:
    return face.part("headline").get_attribute("data-kind")


@pytest.mark.parametrize("state", TrackState)
def test_every_state_is_shown_in_words_of_its_own(face: Face, town: Town, sick_again: None, state: TrackState) -> None:
    post(town, state)
    face.open(f"#/{GAPPY}")
    row = face.part(f"channel-{SICK}")
    face.until(lambda: row.count() and WORDS[state] in row.inner_text(), f"the words of {state}")
    assert headline(face) == "trouble", "other cameras of the town miss their small picture"
    assert face.part("broken").count() == 0


@pytest.mark.parametrize("state", [TrackState.NO_DISK, TrackState.STARTING])
def test_camera_without_a_picture_says_why_where_the_picture_would_be(
    face: Face, town: Town, sick_again: None, state: TrackState
) -> None:
    post(town, state, message="no volume takes footage")
    face.open(f"#/{SICK}")
    card = face.part("camera-away")
    face.until(lambda: card.count() and WORDS[state] in card.inner_text(), "why there is no picture")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (COARSE, "Đang ghi, giờ chỉ đúng khoảng một giây"),
        (Share.KEY_FRAMES.value, "Chỉ ghi vài giây một hình"),
        ("it sends three times as much as it should", "Đang ghi, nhưng có điều bất thường"),
    ],
)
def test_what_is_odd_about_a_camera_that_records_is_told(
    face: Face, town: Town, sick_again: None, message: str, words: str
) -> None:
    for kind in TrackKind:
        town.house.post(TrackStatus(track=Track(SICK, kind), state=TrackState.RECORDING, message=message))
    face.open(f"#/{GAPPY}")
    row = face.part(f"channel-{SICK}")
    face.until(lambda: row.count() and words in row.inner_text(), "the remark")
    assert (message in row.inner_text()) == ("three times" in message), "English only where there is nothing better"


@pytest.mark.parametrize("reason", GapReason)
def test_every_reason_has_words(face: Face, town: Town, sick_again: None, reason: GapReason) -> None:
    post(town, TrackState.WAITING, reason, "what the recorder said")
    face.open(f"#/{SICK}")
    card = face.part("camera-away")
    face.until(lambda: card.count() and "what the recorder said" in card.inner_text(), "the card")
    assert reason.value not in card.inner_text()
    assert "“" not in card.inner_text(), "no word of the server as it is"


def test_camera_whose_settings_cannot_be_read_is_not_said_to_refuse_a_password(
    face: Face, town: Town, sick_again: None
) -> None:
    why = "the password was encrypted with another key"
    post(town, TrackState.WAITING, GapReason.SETTINGS, why)
    face.open(f"#/{SICK}")
    card = face.part("camera-away")
    face.until(lambda: card.count() and why in card.inner_text(), "the card")
    for text in (card.inner_text(), face.part(f"channel-{SICK}").inner_text()):
        assert "không đọc được cài đặt" in text
        assert "từ chối mật khẩu" not in text
        assert "thử lại" not in text, "it is not tried again"


def test_every_trouble_and_every_alarm_has_words(face: Face, town: Town) -> None:
    now_us = town.house.clock.wall_us()
    told = [Trouble(began_us=now_us - 9_000_000 - place, matter=one, volume=2) for place, one in enumerate(Matter)]
    kinds = list(VolumeTrouble)
    well, rung = town.house.disks, town.house.rung
    town.house.troubles.note(now_us, told)
    town.house.disks = [replace(well[0], number=9 + n, trouble="bad", kind=kind) for n, kind in enumerate(kinds)]
    town.house.rung = Rung.KEY_FRAMES
    try:
        face.open("#/troubles")
        alarm = face.part("disk-alarm")
        face.until(lambda: alarm.count() and alarm.locator("summary").count() == len(kinds), "an alarm for each")
        for matter in Matter:
            assert face.part(f"trouble-{matter.value}").first.is_visible()
        text = face.page.locator("body").inner_text()
        assert "“" not in text
        assert "trang này chưa biết" not in text
    finally:
        town.house.disks, town.house.rung = well, rung
        ended = [replace(one, ended_us=now_us) for one in told]
        town.house.troubles.note(town.house.clock.wall_us(), ended)


def test_stop_of_the_night_is_told_until_somebody_has_read_it(hamlet: House, chromium: Browser) -> None:
    page, now_us, hour_us = chromium.new_page(), hamlet.clock.wall_us(), 3_600_000_000
    stopped = Trouble(began_us=now_us - 5 * hour_us, matter=Matter.STOPPED, ended_us=now_us - 4 * hour_us)
    index = Trouble(began_us=now_us - 9, matter=Matter.INDEX, detail="no space left on device")
    hamlet.troubles.note(now_us, [stopped, index])
    with hamlet.server() as url:
        face = Face(page, url)
        face.open()
        told = face.part("restarted")
        face.until(told.count, "the stop")
        assert "lúc đó không ghi được gì" in told.inner_text()
        assert "Không ghi được chỉ mục" in face.part("matter").inner_text()
        told.locator("button").click()
        face.until(lambda: told.count() == 0, "it was read")
        page.reload()
        face.until(face.part("matter").count, "what lasts")
        assert told.count() == 0
        page.close()


def altered(face: Face, address: str, change: Any) -> None:
    """Let the page believe that the server answers otherwise."""

    def answer(route: Route) -> None:
        told = route.fetch().json()
        change(told)
        route.fulfill(content_type="application/json", body=json.dumps(told))

    face.page.route(f"**{address}", answer)


def test_words_of_a_newer_server_are_shown_as_unknown(face: Face, town: Town) -> None:
    def newer(channels: Any) -> None:
        channels[0]["tracks"][0] |= {"state": "dreaming", "reason": "moon"}

    altered(face, "/api/channels", newer)
    altered(face, "/api/site", lambda site: site["recorder"].update(records="half"))
    face.open(f"#/{LIVE}")
    row = face.part("channel-1")
    face.until(lambda: row.count() and "Trạng thái lạ “dreaming”" in row.inner_text(), "the unknown state")
    assert "Lý do lạ “moon”" in row.inner_text()
    assert headline(face) == "trouble"
    face.until(lambda: "“half”" in face.part("disk-alarm").inner_text(), "an alarm that is not known")


def test_camera_that_was_taken_out_of_the_list_stands_apart(face: Face, town: Town) -> None:
    gone = {"removed": True, "enabled": False}
    altered(face, "/api/channels", lambda channels: channels[SICK - 1].update(gone))
    face.open(f"#/{GAPPY}")
    face.until(face.part("group-removed").count, "the group")
    assert "Đã gỡ khỏi danh sách" in face.part(f"channel-{SICK}").inner_text()
    assert "/ 5 đang ghi" in face.page.locator("body").inner_text()


def test_name_of_then_stands_beside_today_s(face: Face, town: Town) -> None:
    span = [town.start_us, town.end_us, "Cổng cũ"]
    altered(face, f"/api/channels/{GAPPY}/timeline?*", lambda told: told.update(names=[span]))
    face.open(f"#/{GAPPY}/{town.start_us + 5_000_000}")
    face.until_state("playing", "past")
    face.until(lambda: face.part("then").count() and "Cổng cũ" in face.part("then").inner_text(), "the name of then")
    assert face.part("channel-name").inner_text() == "Cổng chợ"


def test_updated_recorder_asks_to_reload_the_page(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}")
    face.until(lambda: headline(face) == "trouble", "the list")
    altered(face, "/api/site", lambda site: site.update(version="9.9"))
    face.until(face.part("updated").is_visible, "the word about it")


def test_list_that_cannot_be_fetched_is_never_well(unwatched: Face) -> None:
    unwatched.page.route("**/api/channels", lambda route: route.fulfill(status=503, body='{"error": "no index"}'))
    unwatched.open()
    unwatched.until(lambda: headline(unwatched) == "failed", "the heading")
    text = unwatched.page.locator("body").inner_text()
    assert "Không lấy được danh sách" in text
    assert "no index" in unwatched.part("server-lost").inner_text()
    assert "Tất cả đang ghi" not in text
    assert "0 / 0" not in text


def test_all_is_well_is_said_of_cameras_that_record_alone(hamlet: House, chromium: Browser) -> None:
    page = chromium.new_page()

    def post_both(state: TrackState) -> None:
        for kind in TrackKind:
            hamlet.post(TrackStatus(track=Track(1, kind), state=state))

    def says(kind: str) -> bool:
        hamlet.beat()
        return bool(headline(face) == kind)

    with hamlet.server() as url:
        face = Face(page, url)
        post_both(TrackState.RECORDING)
        face.open()
        face.until(lambda: says("well"), "all is well")
        assert "1 / 1 đang ghi" in face.page.locator("body").inner_text()
        for state in (TrackState.NO_DISK, TrackState.STARTING):
            post_both(state)
            face.until(lambda: says("trouble"), f"{state} is not well")
            post_both(TrackState.RECORDING)
            face.until(lambda: says("well"), "all is well again")
        page.close()


def test_recorder_without_cameras_says_so(hamlet: House, chromium: Browser) -> None:
    hamlet.registry.remove(1)
    page = chromium.new_page()
    with hamlet.server() as url:
        face = Face(page, url)
        face.open()
        face.until(lambda: headline(face) == "empty", "the heading")
        text = page.locator("body").inner_text()
        assert "nvr cameras import" in text
        assert "Tất cả đang ghi" not in text
        page.close()


def test_server_that_dies_is_told_with_its_time_until_it_is_back(hamlet: House, chromium: Browser) -> None:
    page = chromium.new_page()
    with hamlet.server() as url:
        face = Face(page, url)
        face.open("#/troubles")
        face.until(lambda: face.part("troubles-none").count(), "nothing is the matter")
    lost = face.part("server-lost")
    face.until(lambda: lost.count() and "Mất liên lạc với máy chủ từ" in lost.inner_text(), "the alarm", 15)
    face.until(lambda: face.part("old").count(), "that the list of troubles is old", 15)
    assert face.part("troubles-none").count() == 0, "no tick beside what is old"
    assert face.part("recorder").count() == 0, "nothing is known of the recorder"
    face.part("page-watch").click()
    face.until(lambda: headline(face) == "old", "the heading of the list")
    with hamlet.server():
        face.until(lambda: lost.count() == 0 and headline(face) != "old", "the end of the alarm", 15)
        page.close()


def test_server_that_hangs_is_told_as_well(hamlet: House, chromium: Browser) -> None:
    page = chromium.new_page()
    with hamlet.server() as url:
        face = Face(page, url)
        face.open()
        face.until(lambda: headline(face) not in (None, "loading"), "the list")
        os.kill(hamlet.server_pid, signal.SIGSTOP)
        try:
            face.until(lambda: headline(face) == "old" and face.part("server-lost").count(), "the alarm", 20)
        finally:
            os.kill(hamlet.server_pid, signal.SIGCONT)
        face.until(lambda: face.part("server-lost").count() == 0, "the end of the alarm", 20)
        page.close()


def test_part_that_breaks_says_so_and_the_rest_goes_on(unwatched: Face, town: Town) -> None:
    def broken(channels: Any) -> None:
        channels[SICK - 1]["tracks"] = None

    altered(unwatched, "/api/channels", broken)
    unwatched.open(f"#/{GAPPY}/{town.start_us}")
    unwatched.until(unwatched.part("broken").is_visible, "what broke")
    assert "Phần “Camera” của trang này bị lỗi" in unwatched.part("broken").inner_text()
    assert unwatched.part("page-broken").is_visible()
    unwatched.until_state("playing", "past")
    unwatched.page.unroute("**/api/channels")

    def tried_again() -> bool:
        if unwatched.part("broken-again").count():
            unwatched.part("broken-again").click()
        return bool(unwatched.part(f"channel-{SICK}").count())

    unwatched.until(tried_again, "the list again")


@pytest.mark.parametrize(
    "act", ["() => setTimeout(() => { throw new Error('boom') })", "() => void Promise.reject(new Error('boom'))"]
)
def test_error_that_no_part_caught_is_shown(unwatched: Face, act: str) -> None:
    unwatched.open(f"#/{GAPPY}")
    unwatched.until(lambda: headline(unwatched) is not None, "the page")
    unwatched.page.evaluate(act)
    broken = unwatched.part("page-broken")
    unwatched.until(broken.is_visible, "the alarm")
    broken.locator("summary").click()
    assert "boom" in broken.inner_text()


def test_names_are_text_and_cannot_turn_the_page_around(face: Face, town: Town) -> None:
    name = "\u202e<img src=x onerror=alert(1)> Ga"
    altered(face, "/api/channels", lambda channels: channels[SICK - 1].update(name=name))
    face.open(f"#/{GAPPY}")
    row = face.part(f"channel-{SICK}")
    face.until(lambda: row.count() and "<img src=x" in row.inner_text(), "the name as text")
    assert row.locator("bdi.name").count() == 1
    assert row.locator("img").count() == 0


def test_words_of_states_are_all_tested() -> None:
    assert {state.value for state in TrackState} | {"stopped"} == set(get_args(wire.StateWord))
    assert WORDS.keys() == set(TrackState)
