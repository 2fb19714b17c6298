"""Links for VLC and phones: what the page offers is what a player can play."""

from pathlib import Path

from nvr.timebase import US_PER_S
from tests.web.pictures import shown
from tests.web_ui.page import Face
from tests.web_ui.town import GAPPY, LIVE, Town


def offered(face: Face, which: str) -> str:
    """The address in the dialog, which is what the file for VLC holds as well."""
    address = str(face.part(f"address-{which}").input_value())
    with face.page.expect_download() as download:
        face.part(f"vlc-{which}").click()
    head, title, line = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert (head, title.split(",")[0], line) == ("#EXTM3U", "#EXTINF:-1", address)
    assert download.value.suggested_filename.endswith(".m3u")
    return address


def test_link_of_the_past_plays_what_one_looks_at(face: Face, town: Town) -> None:
    face.open(f"#/{GAPPY}/{town.start_us + 5 * US_PER_S}")
    face.until_state("playing", "past")
    face.part("players-open").click()
    pictures = [number for number, _ in shown(offered(face, "past"), 100)]
    assert pictures == list(range(100)), "five minutes before it lie before the first picture"


def test_link_of_now_plays_live_pictures(face: Face, town: Town) -> None:
    face.open(f"#/{LIVE}")
    face.until_state("playing", "live")
    face.part("players-open").click()
    assert len(shown(offered(face, "live"), 30)) == 30


def test_link_is_copied(face: Face, town: Town) -> None:
    face.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    face.open(f"#/{GAPPY}/{town.start_us + 5 * US_PER_S}")
    face.until_state("playing", "past")
    face.part("players-open").click()
    before = face.part("copy-past").inner_text()
    face.part("copy-past").click()
    face.until(lambda: face.part("copy-past").inner_text() != before, "said that it is copied")
    assert face.page.evaluate("navigator.clipboard.readText()") == face.part("address-past").input_value()
