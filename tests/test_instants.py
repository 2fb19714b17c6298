"""A picture asked for at an instant is the picture of that instant, to the frame, whichever way it is asked for.

The truth is the camera's: picture n was taken at a known wall time and says in its blocks that it is picture n. The
program under test is the whole one, ``nvr run``, and knows nothing of that: it only saw packets come.
"""

import io
import shutil
import statistics
import subprocess
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, sync_playwright

from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S, SystemClock, parse_utc
from tests.running import Running, running
from tests.web_ui.page import FLAGS, Face
from tools.simcam import blocks
from tools.simcam.fleet import Fleet
from tools.simcam.options import Manners, Picture, Town
from web.pages import STATIC

PLAIN, B_FRAMES, SLICED, H265 = 1, 2, 3, 4  # channels
MAIN_CHUNK_S, SUB_CHUNK_S = 6, 8
RECORDED_S = 22
SPREAD = 24  # instants all over the footage, beside those at the edges of chunks
CHROMIUM = shutil.which("chromium")

TRACKS = {
    "h264": Track(PLAIN, TrackKind.MAIN),
    "h264-b-frames": Track(B_FRAMES, TrackKind.MAIN),
    "h264-slices": Track(SLICED, TrackKind.MAIN),
    "h265": Track(H265, TrackKind.MAIN),
    "sub": Track(PLAIN, TrackKind.SUB),
    "sub-b-frames": Track(B_FRAMES, TrackKind.SUB),
}
ALL = pytest.mark.parametrize("stream", TRACKS)

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(300)]  # cameras send to the millisecond


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment in the middle of a picture's time, and which picture of the camera's loop that is."""

    at_us: int
    picture: int
    taken_us: int
    frame_us: int


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Four cameras, main and sub, recorded for some time and being recorded still."""
    town = Town(
        channels=4,
        main=Picture(320, 180, 25, 300),
        sub=Picture(192, 108, 15, 100),
        h265_channels=frozenset({H265}),
    )
    with Fleet(town, Manners()) as fleet:
        fleet.fault(B_FRAMES, "b_frames", count=2)
        fleet.fault(SLICED, "slices", count=4)
        folder = tmp_path_factory.mktemp("instants")
        with running(folder, fleet, main_chunk_s=MAIN_CHUNK_S, sub_chunk_s=SUB_CHUNK_S) as site:
            site.until(lambda: site.recorded(list(TRACKS.values()), RECORDED_S), "enough is recorded", 120)
            yield site


def instant(site: Running, track: Track, number: int) -> Instant:
    cadence = site.cadence(track)
    frame_us = US_PER_S // cadence.fps
    taken_us = cadence.instant_us(number)
    return Instant(taken_us + frame_us // 2, cadence.picture(number), taken_us, frame_us)


def instants(site: Running, track: Track) -> list[Instant]:
    """All over the footage that is sealed, and on both sides of each edge between chunks."""
    now_us, cadence = SystemClock().wall_us(), site.cadence(track)
    start_us, end_us = site.spans(track, now_us)[-1]
    first, last = cadence.number_at(start_us) + 2, cadence.number_at(end_us) - 2
    numbers = {first + step * (last - first) // (SPREAD - 1) for step in range(SPREAD)}
    edges = [cadence.number_at(chunk["start_us"] + 5_000) for chunk in site.chunks(track, start_us, end_us)[1:]]
    assert len(edges) >= 2
    for edge in edges:
        numbers |= {edge - 2, edge - 1, edge, edge + 1}
    return [instant(site, track, number) for number in sorted(numbers) if number <= last]


def open_instant(site: Running, track: Track, age_us: int = 0) -> Instant:
    """The newest moment that can be asked for, at least ``age_us`` old; it lies in the chunk that grows."""
    cadence = site.cadence(track)

    def newest() -> Instant | None:
        now_us = SystemClock().wall_us()
        chunk = site.chunks(track, now_us - 5 * US_PER_S, now_us)[-1]
        found = instant(site, track, cadence.number_at(min(chunk["end_us"] - 5_000, now_us - age_us)) - 1)
        return found if not chunk["sealed"] and chunk["start_us"] + found.frame_us < found.at_us else None

    return site.until(newest, "a chunk grows")


def read(luma: np.ndarray) -> int:
    stamp = blocks.read(luma.astype(np.uint8))
    assert stamp is not None, "the picture carries no readable number"
    return stamp.picture


def still(site: Running, track: Track, at: Instant) -> tuple[int, int]:
    """The picture of an instant, and its error: the time that it is said to have, less the time it was taken."""
    path = f"/api/channels/{track.channel}/still.jpg"
    answer = site.ask(path, track=track.kind.word, at_us=at.at_us)
    with av.open(io.BytesIO(answer.body), "r", format="jpeg_pipe") as container:
        picture = read(next(container.decode(video=0)).to_ndarray(format="gray"))
    return picture, int(answer.headers["X-Picture-Time-Us"]) - at.taken_us


def still_or_none(site: Running, track: Track, at: Instant) -> int | None:
    """The picture, or None where there is none to be had."""
    try:
        return still(site, track, at)[0]
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != HTTPStatus.NOT_FOUND:
            raise
        return None


def clip(site: Running, track: Track, at: Instant) -> bytes:
    query = {"track": track.kind.word, "from_us": at.at_us, "to_us": at.at_us + US_PER_S // 2}
    return site.ask(f"/api/channels/{track.channel}/clip.mp4", **query).body


def first_in_libavformat(movie: bytes) -> int:
    with av.open(io.BytesIO(movie), "r") as container:
        frame = next(container.decode(video=0))
        assert frame.pts == 0
        return read(frame.to_ndarray(format="gray"))


def first_in_ffmpeg(movie: bytes, width: int, height: int) -> int:
    """Debian's ffmpeg, another version of the same."""
    words = [
        "-v",
        "error",
        "-f",
        "mp4",
        "-i",
        "/dev/stdin",
        "-frames:v",
        "1",
        "-pix_fmt",
        "gray",
        "-f",
        "rawvideo",
        "-",
    ]
    answer = subprocess.run(["ffmpeg", *words], input=movie, capture_output=True, check=True)
    assert answer.stderr == b""
    return read(np.frombuffer(answer.stdout, np.uint8).reshape(height, width))


def first_in_hls(site: Running, track: Track, at: Instant) -> tuple[int, int]:
    """The picture where the list says that playing starts, and the one at the wall time by its date lines."""
    path = f"/api/channels/{track.channel}/hls.m3u8"
    query = {"track": track.kind.word, "from_us": at.at_us, "to_us": at.at_us + US_PER_S // 2}
    text = site.ask(path, **query).body.decode()
    lead_us = round(float(text.split("TIME-OFFSET=")[1].split(",")[0]) * US_PER_S)
    dated_us = parse_utc(text.split("EXT-X-PROGRAM-DATE-TIME:")[1].splitlines()[0])
    with av.open(f"{site.url}{path}?{urlencode(query)}", "r") as container:
        pictures = [(frame.time, read(frame.to_ndarray(format="gray"))) for frame in container.decode(video=0)]
    assert pictures[0][0] is not None
    times = [(round((time - pictures[0][0]) * US_PER_S), number) for time, number in pictures if time is not None]
    by_start = [number for time_us, number in times if time_us <= lead_us]
    by_date = [number for time_us, number in times if dated_us + time_us <= at.at_us]
    return by_start[-1], by_date[-1]


@ALL
def test_still_is_the_picture_of_its_instant(site: Running, stream: str) -> None:
    track, wrong, errors_us = TRACKS[stream], [], []
    asked = instants(site, track)
    assert len(asked) >= 30
    for at in asked:
        picture, error_us = still(site, track, at)
        errors_us.append(error_us)
        if picture != at.picture:
            wrong.append((at, picture))
    assert not wrong
    print(f"{stream}: {len(asked)} instants, time less truth {min(errors_us)}…{max(errors_us)} µs")
    assert abs(statistics.median(errors_us)) < 10_000


@ALL
def test_still_from_the_growing_chunk_is_the_picture_of_its_instant(site: Running, stream: str) -> None:
    track = TRACKS[stream]
    for _ in range(3):
        at = open_instant(site, track)
        assert still(site, track, at)[0] == at.picture


@ALL
def test_still_just_behind_the_growing_chunk_is_refused_or_right(site: Running, stream: str) -> None:
    """The next picture is on its way: the one before it must not be given out in its place."""
    track = TRACKS[stream]
    cadence, refused = site.cadence(track), 0
    for _ in range(10):
        now_us = SystemClock().wall_us()
        chunk = site.chunks(track, now_us - 5 * US_PER_S, now_us)[-1]
        at = instant(site, track, cadence.number_at(chunk["end_us"] + 50_000))
        picture = still_or_none(site, track, at)
        assert picture in (None, at.picture)
        refused += picture is None
    assert refused


@ALL
def test_clip_begins_with_the_picture_of_its_instant(site: Running, stream: str) -> None:
    track = TRACKS[stream]
    picture = site.fleet.town.main if track.kind is TrackKind.MAIN else site.fleet.town.sub
    assert picture is not None
    for at in [*instants(site, track), open_instant(site, track)]:
        movie = clip(site, track, at)
        assert (first_in_libavformat(movie), at) == (at.picture, at)
        assert (first_in_ffmpeg(movie, picture.width, picture.height), at) == (at.picture, at)


@ALL
def test_hls_starts_with_the_picture_of_its_instant(site: Running, stream: str) -> None:
    track = TRACKS[stream]
    for at in [*instants(site, track), open_instant(site, track)]:
        assert (*first_in_hls(site, track, at), at) == (at.picture, at.picture, at)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Debian's chromium is not installed: apt-get install chromium")
    if not (STATIC / "index.html").exists():
        pytest.skip("the front end is not built: python web/ui/hatch_build.py")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.mark.browser
@pytest.mark.parametrize("stream", ["h264", "h264-b-frames", "h264-slices", "h265"])
def test_player_shows_the_picture_of_its_instant(site: Running, chromium: Browser, stream: str) -> None:
    """Chromium has no H.265: the page falls back to the sub stream, whose picture is then the one to be shown."""
    main = TRACKS[stream]
    track = Track(main.channel, TrackKind.SUB) if stream == "h265" else main
    page = chromium.new_page()
    face = Face(page, site.url)
    asked = instants(site, track)
    face.open(f"#/{track.channel}/{asked[0].at_us}")
    face.until_state("playing", "past")
    face.part("play").click()
    face.until_state("paused")
    assert face.player("track") == track.kind.word
    for at in [*asked, open_instant(site, track, age_us=5 * US_PER_S // 2)]:
        face.open(f"#/{track.channel}/{at.at_us}")

        def there(at: Instant = at) -> tuple[int, int] | None:
            shown = face.shown()
            return (shown.number, shown.wall_us) if shown and 0 <= at.at_us - shown.wall_us < at.frame_us else None

        picture, wall_us = face.until(there, f"the player stands at {at}")
        assert (picture, at) == (at.picture, at)
        assert abs(wall_us - at.taken_us) < at.frame_us // 2
    page.close()
