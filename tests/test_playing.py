"""Every recorded file is a movie by itself: Debian's Chromium plays it from a folder and from a server of files."""

import asyncio
import base64
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from playwright.sync_api import Browser, sync_playwright

from nvr.chunk.reader import ChunkReader
from nvr.media import Track, TrackKind
from nvr.timebase import TICKS_PER_S
from tests.nvr.capture.rig import recording
from tests.web_ui.page import FLAGS
from tools.simcam import blocks
from tools.simcam.cadence import Cadence
from tools.simcam.fleet import Fleet
from tools.simcam.options import Manners, Picture, Town

CHROMIUM = shutil.which("chromium")
PLAIN, B_FRAMES, SLICED = 1, 2, 3  # channels
TRACKS = [Track(channel, kind) for channel in (PLAIN, B_FRAMES, SLICED) for kind in TrackKind]
FPS = {TrackKind.MAIN: 25, TrackKind.SUB: 15}
PAGE = '<!doctype html><meta charset="utf-8"><title>Player</title>'

# Plays addresses to their ends, all at once; tells the length as known at first and at last, and the pictures at both.
PLAY = """(addresses) => Promise.all(addresses.map((address) => new Promise((done) => {
    const video = document.body.appendChild(document.createElement("video"));
    const told = {begun: null, pictures: []};
    const picture = () => {
        if (!address.startsWith("http")) return;  // a page in a folder may not read pictures back
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
        const context = canvas.getContext("2d");
        context.drawImage(video, 0, 0);
        const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
        let text = "";
        for (let place = 1; place < pixels.length; place += 4) text += String.fromCharCode(pixels[place]);
        told.pictures.push({width: canvas.width, height: canvas.height, luma: btoa(text)});
    };
    const end = () => {
        told.error = video.error && video.error.message;
        told.ended = video.ended;
        told.duration = video.duration;
        told.frames = video.getVideoPlaybackQuality().totalVideoFrames;
        if (!video.ended) return done(told);
        // a busy compositor may bring the very last picture a little later
        setTimeout(() => { picture(); done(told); }, 500);
    };
    video.onloadedmetadata = () => { told.begun = video.duration; };
    video.requestVideoFrameCallback(() => { picture(); video.play(); });
    video.onended = video.onerror = end;
    setTimeout(end, 40000);
    video.muted = true;
    video.preload = "auto";
    video.defaultPlaybackRate = video.playbackRate = 2;
    video.src = address;
})))"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed: apt-get install chromium"),
]


@dataclass(frozen=True, slots=True)
class File:
    """A recorded file and what a player must make of it. Pictures are numbers within the camera's loop."""

    path: Path
    track: Track
    samples: int
    media_s: float  # all samples, one after the other
    shown_s: float  # to the end of the picture shown last: later, where the stream broke off between B-frames
    frames: int  # of the camera's loop
    first: int
    last: int


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[File]:
    """What three cameras with a main and a sub stream each left in some seconds, in files of 3 s."""
    town = Town(channels=3, main=Picture(320, 180, 25, 300), sub=Picture(192, 108, 15, 100))
    folder = tmp_path_factory.mktemp("playing")
    with Fleet(town, Manners()) as fleet:
        fleet.fault(B_FRAMES, "b_frames", count=2)
        fleet.fault(SLICED, "slices", count=4)
        with recording(folder, fleet.channels(), main_chunk_s=3, sub_chunk_s=3) as rig:
            rig.wait_for_samples(TRACKS, 110)
            rig.stop()
            found = [file_of(volume.resolve(name), fleet) for volume in rig.volumes for name, _ in volume.chunks()]
    return sorted(found, key=lambda file: file.path)


def file_of(path: Path, fleet: Fleet) -> File:
    with ChunkReader(path) as reader:
        track, rows = reader.header.track, reader.samples()
        shown_90k = rows["decode_90k"] + rows["composition_90k"] - reader.header.composition_delay_90k
        cadence = fleet.media(track.channel, track.kind).recipe.cadence
        frame_90k = TICKS_PER_S // FPS[track.kind]
        stamp = reader.fragments()[0].stamp
        number = number_of(cadence, stamp.presentation_rtp_90k, stamp.wall_us)
        first, last = (
            cadence.picture(number + round(int(edge - shown_90k[0]) / frame_90k))
            for edge in (shown_90k.min(), shown_90k.max())
        )
        media_s, shown_s = (
            int(rows["duration_90k"].sum()) / TICKS_PER_S,
            (int(shown_90k.max()) + frame_90k) / TICKS_PER_S,
        )
        return File(path, track, len(rows), media_s, shown_s, cadence.frames, first, last)


def number_of(cadence: Cadence, rtp_90k: int, near_us: int) -> int:
    """The number of the picture that has a time stamp: those of the simulator count its pictures, and wrap."""
    middle = cadence.number_at(near_us)
    (number,) = (n for n in range(middle - 99, middle + 99) if (cadence.rtp_90k(n) - rtp_90k) % (1 << 32) == 0)
    return number


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """A server of files and nothing else, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    app = web.Application()
    app.router.add_static("/", folder)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)

    async def start() -> int:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return int(runner.addresses[0][1])

    try:
        yield f"http://127.0.0.1:{asyncio.run_coroutine_threadsafe(start(), loop).result()}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def picture_in(told: dict[str, Any]) -> int:
    luma = np.frombuffer(base64.b64decode(told["luma"]), np.uint8).reshape(told["height"], told["width"])
    stamp = blocks.read(luma)
    assert stamp is not None, "the picture carries no readable number"
    return stamp.picture


def assert_played(told: dict[str, Any], file: File) -> None:
    assert told["error"] is None, file.path
    assert told["ended"], file.path
    assert abs(told["begun"] - file.media_s) < 0.05, file.path
    assert file.media_s - 0.05 < told["duration"] < file.shown_s + 0.05, file.path
    assert told["frames"] == file.samples, file.path


@pytest.mark.slow
@pytest.mark.parametrize("track", TRACKS, ids=str)
def test_every_file_plays_alone_from_its_folder(
    files: list[File], chromium: Browser, tmp_path: Path, track: Track
) -> None:
    page_file = tmp_path / "player.html"
    page_file.write_text(PAGE)
    own = [file for file in files if file.track == track]
    assert len(own) >= 2
    page = chromium.new_page()
    page.goto(page_file.as_uri())
    for told, file in zip(page.evaluate(PLAY, [file.path.as_uri() for file in own]), own, strict=True):
        assert_played(told, file)
    page.close()


@pytest.mark.parametrize("track", TRACKS, ids=str)
def test_every_file_plays_alone_from_a_server_and_shows_all_its_pictures(
    files: list[File], chromium: Browser, tmp_path: Path, track: Track
) -> None:
    (tmp_path / "player.html").write_text(PAGE)
    own = [file for file in files if file.track == track]
    for file in own:
        shutil.copyfile(file.path, tmp_path / file.path.name)
    page = chromium.new_page()
    with web_server(tmp_path) as url:
        page.goto(f"{url}/player.html")
        answers = page.evaluate(PLAY, [f"{url}/{file.path.name}" for file in own])
    for told, file in zip(answers, own, strict=True):
        assert_played(told, file)
        assert [picture_in(one) for one in told["pictures"]] == [file.first, file.last]
    page.close()
