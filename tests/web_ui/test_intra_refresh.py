"""A camera with intra refresh sends no key frame: Chromium drops all of it, and the server's pictures stand in."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import av
import pytest
from av.video.codeccontext import VideoCodecContext
from playwright.sync_api import Browser

from nvr.codec.access import is_recovery_point
from nvr.codec.nal import split_annex_b
from nvr.media import Codec, Track, TrackKind
from nvr.timebase import US_PER_S
from tests.web import pictures
from tests.web.pictures import Stream
from tests.web_ui.house import House, OpenChunk, fragments
from tests.web_ui.page import Face

SIZE = (640, 360)
CYCLE = 25  # pictures until every part of the picture was refreshed
MAIN = Track(1, TrackKind.MAIN)


def intra_refresh(count: int) -> Stream:
    """A stream that begins at a recovery point, as a recording does that was begun long after the camera."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = SIZE
    encoder.pix_fmt, encoder.time_base, encoder.framerate = "yuv420p", Fraction(1, 25), Fraction(25)
    encoder.gop_size, encoder.max_b_frames, encoder.thread_count = CYCLE, 0, 1
    refresh = f"intra-refresh=1:keyint={CYCLE}:bframes=0:scenecut=0"
    encoder.options = {"preset": "ultrafast", "crf": "26", "x264-params": refresh}
    packets = []
    for number in range(count):
        frame = pictures.picture(number, SIZE)
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    points = [number for number, packet in enumerate(packets) if is_point(bytes(packet))]
    whole = pictures.stream_of(packets, CYCLE, SIZE)
    begun = whole.units[points[1] :]  # the first one may be the IDR picture's own
    origin_90k = begun[0].decode_90k
    units = [
        replace(
            unit,
            decode_90k=unit.decode_90k - origin_90k,
            presentation_90k=unit.presentation_90k - origin_90k,
            sync=points[1] + place in points,
        )
        for place, unit in enumerate(begun)
    ]
    return replace(whole, units=tuple(units), delay_90k=0)


def is_point(packet: bytes) -> bool:
    return any(is_recovery_point(Codec.H264, packet[start:end]) for start, end in split_annex_b(packet))


class Lane:
    """One camera of that kind, recorded a while ago."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.url = ""
        self.stream = intra_refresh(400)
        self.start_us = house.clock.wall_us() - 300 * US_PER_S
        house.camera(1, "Ngõ sau chợ")
        house.record(self.stream, MAIN, self.start_us, 4 * CYCLE)


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    house = House(tmp_path_factory.mktemp("lane"))
    built = Lane(house)
    with house.server() as url:
        built.url = url
        yield built
    house.close()


@pytest.fixture
def view(lane: Lane, chromium: Browser) -> Iterator[Face]:
    lane.house.beat()
    context = chromium.new_context(viewport={"width": 1600, "height": 900})
    opened = Face(context.new_page(), lane.url)
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    yield opened
    context.close()
    assert not opened.complaints, "the page must not complain"


def shows_stills(face: Face, where: str) -> bool:
    image = face.page.locator(f"{where} img")
    return bool(image.count()) and bool(image.evaluate("one => one.naturalWidth > 0 && one.checkVisibility()"))


def test_past_is_shown_in_single_pictures_and_the_page_says_why(view: Face, lane: Lane) -> None:
    at_us = lane.start_us + 5 * US_PER_S
    view.open(f"#/1/{at_us}")
    view.until_state("playing", "past")
    view.until(lambda: shows_stills(view, "[data-testid=stage]"), "a picture")
    assert abs(view.player("wallTimeUs()") - at_us) < 30 * US_PER_S
    assert "không gửi hình khóa" in view.part("instead").inner_text()
    assert "từng ảnh" in view.part("instead").inner_text()
    assert "H.265" not in view.part("instead").inner_text()


def test_step_shows_the_next_picture_all_the_same(view: Face, lane: Lane) -> None:
    view.open(f"#/1/{lane.start_us + 5 * US_PER_S}")
    view.until(lambda: view.player("state") == "playing" and shows_stills(view, "[data-testid=stage]"), "a picture")
    view.part("play").click()
    view.until_state("paused")
    before_us = view.player("wallTimeUs()")
    view.page.keyboard.press(".")
    view.until(lambda: view.player("wallTimeUs()") not in (None, before_us), "the next picture")
    assert view.player("wallTimeUs()") - before_us == pytest.approx(40_000, abs=2)


def test_live_is_shown_in_single_pictures(view: Face, lane: Lane) -> None:
    house, stream = lane.house, lane.stream
    start_us = house.clock.wall_us() - 2 * US_PER_S
    chunk = house.begin(stream, MAIN, start_us, 9, 1)
    waiting = list(fragments(stream, stream.units, start_us))

    def grow() -> OpenChunk:
        if waiting and chunk.end_us < house.clock.wall_us():
            chunk.append(waiting.pop(0))
            house.post_open(MAIN, chunk, 9)
        house.beat()
        return chunk

    for _ in range(4):
        grow()
    view.open("#/1")
    view.until(lambda: grow() and shows_stills(view, "[data-testid=stage]"), "a picture")
    assert "không gửi hình khóa" in view.part("instead").inner_text()
    chunk.part.abandon()


def test_tile_of_a_wall_shows_single_pictures_too(view: Face, lane: Lane) -> None:
    view.open(f"#/wall/1/{lane.start_us + 5 * US_PER_S}")
    tile = view.part("tile-1")
    view.until(lambda: tile.count() and tile.get_attribute("data-phase") == "showing", "a picture")
    assert tile.get_attribute("data-surface") in ("stills", "film")
