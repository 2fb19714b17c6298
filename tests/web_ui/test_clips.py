"""Clips of one camera and of several: marked, chosen, sized, saved with progress, stopped."""

import base64
import io
import zipfile
from functools import partial
from typing import Any

import pytest

from nvr.timebase import US_PER_S
from tests.web.pictures import shown
from tests.web_ui.page import Face
from tests.web_ui.test_accessibility import AXE, violations
from tests.web_ui.town import BFRAMES, GAPPY, SICK, TICK_US, Town

# The question where to save cannot be answered by a program: the answer is a real file of the browser's own storage.
ANSWER = """
window.showSaveFilePicker = async (asked) => {
    window.__suggested = asked.suggestedName;
    return (await navigator.storage.getDirectory()).getFileHandle("saved", {create: true});
};
"""
READ = """async () => {
    const file = await (await (await navigator.storage.getDirectory()).getFileHandle("saved")).getFile();
    const bytes = new Uint8Array(await file.arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return btoa(text);
}"""


def stands_at(face: Face, at_us: int) -> bool:
    picture = face.shown()
    return picture is not None and 0 <= at_us - picture.wall_us < TICK_US


def mark(face: Face, town: Town, from_us: int, to_us: int) -> None:
    """Stand at two instants and mark them."""
    face.open(f"#/{GAPPY}/{from_us}")
    face.until_state("playing", "past")
    face.part("play").click()
    face.until_state("paused")
    for at_us, key in ((from_us, "i"), (to_us, "o")):
        face.open(f"#/{GAPPY}/{at_us}")
        face.until(partial(stands_at, face, at_us), "the instant")
        face.page.keyboard.press(key)
    face.until(face.part("clip-download").is_visible, "the tools of a marked range")


def open_dialog(face: Face, town: Town) -> tuple[int, int]:
    from_us, to_us = town.start_us + 4 * US_PER_S, town.start_us + 8 * US_PER_S
    mark(face, town, from_us, to_us)
    face.part("clip-many").click()
    face.until(face.part("clip-save").is_enabled, "a plan")
    return from_us, to_us


def saved(face: Face) -> bytes:
    return base64.b64decode(face.page.evaluate(READ))


def numbers(clip: bytes) -> list[int]:
    return [number for number, _ in shown(io.BytesIO(clip))]


def test_link_of_one_camera_says_how_large_it_is(face: Face, town: Town) -> None:
    mark(face, town, town.start_us + 4 * US_PER_S, town.start_us + 8 * US_PER_S)
    face.until(lambda: "kB" in face.part("clip-download").inner_text(), "the size")


def test_one_camera_is_saved_where_the_person_says_with_progress(face: Face, town: Town) -> None:
    face.page.add_init_script(ANSWER)
    open_dialog(face, town)
    face.part("clip-save").click()
    face.until(face.part("clip-done").is_visible, "saved")
    first = town.number_at(town.start_us + 4 * US_PER_S)
    assert numbers(saved(face)) == list(range(first, first + 100))
    assert face.page.evaluate("window.__suggested").startswith("camera-01-")


def test_chosen_cameras_are_saved_as_one_archive_and_what_is_missing_is_said_before(face: Face, town: Town) -> None:
    face.page.add_init_script(ANSWER)
    open_dialog(face, town)
    face.part("clip-chosen").click()
    face.part(f"clip-camera-{BFRAMES}").click()
    face.part(f"clip-camera-{SICK}").click()
    facts = face.part("clip-facts")
    face.until(lambda: f"camera {SICK}" in facts.inner_text(), "what is missing")
    assert "2 camera" in facts.inner_text()
    face.part("clip-save").click()
    face.until(face.part("clip-done").is_visible, "saved")
    archive = zipfile.ZipFile(io.BytesIO(saved(face)))
    assert archive.testzip() is None
    contents, one, two = archive.namelist()
    first = town.number_at(town.start_us + 4 * US_PER_S)
    assert numbers(archive.read(one)) == list(range(first, first + 100))
    assert numbers(archive.read(two))[0] == 100
    assert f"camera {SICK} Ga Hồ Xá: không có hình" in archive.read(contents).decode()


def test_saving_is_stopped_and_leaves_no_half_file(face: Face, town: Town) -> None:
    face.page.add_init_script(ANSWER)
    open_dialog(face, town)
    face.page.route("**/clip.mp4**", lambda _: None)  # an answer that never comes
    face.part("clip-save").click()
    face.until(face.part("clip-progress").is_visible, "the progress")
    face.part("clip-cancel").click()
    face.until(face.part("clip-save").is_visible, "the offer to save")
    assert face.part("clip-progress").count() == face.part("clip-failed").count() == 0
    assert saved(face) == b""


def test_browser_without_the_question_downloads_by_itself(face: Face, town: Town) -> None:
    face.page.add_init_script("delete window.showSaveFilePicker")
    open_dialog(face, town)
    face.part("clip-all").click()
    face.until(face.part("clip-save").is_enabled, "a plan")
    with face.page.expect_download() as download:
        face.part("clip-save").click()
    assert download.value.suggested_filename.endswith(".zip")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert len(archive.namelist()) >= 3
    assert face.part("clip-handed").is_visible()


def test_dialog_is_worked_by_the_keyboard_alone(face: Face, town: Town) -> None:
    face.page.add_init_script(ANSWER)
    open_dialog(face, town)
    face.part("clip-this").focus()
    face.page.keyboard.press("ArrowDown")
    assert face.part("clip-chosen").is_checked()
    face.page.keyboard.press("Tab")
    face.page.keyboard.press("Space")  # this camera was ticked
    face.until(lambda: not face.part("clip-save").is_enabled(), "nothing chosen")
    face.page.keyboard.press("Space")
    face.until(face.part("clip-save").is_enabled, "a plan")
    face.page.keyboard.press("Escape")
    assert not face.part("clip-dialog").is_visible()


@pytest.mark.skipif(not AXE.exists(), reason="the front end's packages are not installed: cd web/ui && npm ci")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dialog_and_strip_have_no_violation(face: Face, town: Town, scheme: Any) -> None:
    face.page.emulate_media(color_scheme=scheme)
    open_dialog(face, town)
    face.part("clip-chosen").click()
    face.until(lambda: face.page.evaluate("document.documentElement.dataset.theme") == scheme, scheme)
    assert violations(face) == []
    face.page.keyboard.press("Escape")
    face.page.keyboard.press("t")
    face.until(lambda: face.page.locator("[data-testid=thumbs] img").count() > 0, "a picture in the strip")
    assert violations(face) == []
