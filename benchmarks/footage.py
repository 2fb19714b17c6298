"""Footage to read: some minutes of some cameras at 1080p25 and 4 Mbit/s, written by the real writers, and a server."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_MINUTE, US_PER_S
from tests.web.pictures import Coded, Stream
from tests.web_ui.house import House, fragments
from tools.simcam.cache import LoopCache
from tools.simcam.loop import Loop
from tools.simcam.recipe import Recipe

FPS = 25
LOOPS_A_CHUNK = 4
LOOP_S = 14


@dataclass(frozen=True, slots=True)
class Footage:
    """What was made and where it is served."""

    house: House
    url: str
    pid: int
    tracks: tuple[Track, ...]
    start_us: int
    end_us: int
    bytes: int

    @property
    def folder(self) -> Path:
        """Of the chunk files."""
        return self.house.volume.path


def stream_of(loop: Loop) -> Stream:
    """So many loops behind one another as one stream, as long as a chunk."""
    ticks_90k = 90_000 // FPS
    delay = loop.delay
    units: list[Coded] = []
    for turn in range(LOOPS_A_CHUNK):
        for place in range(loop.frames):
            data = bytes(loop.data[loop.offsets[place] : loop.offsets[place + 1]])
            shown = turn * loop.frames + loop.shown[place] + delay
            decoded = turn * loop.frames + place
            units.append(Coded(data, decoded * ticks_90k, shown * ticks_90k, loop.sync[place]))
    recipe = loop.recipe
    size = (recipe.width, recipe.height)
    return Stream(loop.parameter_sets(), tuple(units), ticks_90k, delay * ticks_90k, recipe.gop_frames, size)


def write(house: House, tracks: Sequence[Track], start_us: int, chunks: int) -> int:
    """Record every track; gives the end."""
    stream = stream_of(LoopCache().load(Recipe(1, TrackKind.MAIN, width=1920, height=1080, fps=FPS, kbps=4096)))
    end_us = start_us
    for track in tracks:
        house.camera(track.channel, f"Camera {track.channel}")
        at_us = start_us
        for sequence in range(1, chunks + 1):
            chunk = house.begin(stream, track, at_us, 1, sequence)
            for fragment in fragments(stream, stream.units, at_us):
                chunk.append(fragment)
            house.seal(chunk)
            at_us = chunk.end_us
        end_us = at_us
    return end_us


@contextmanager
def recorded(folder: Path, channels: int, minutes: int) -> Iterator[Footage]:
    """Make it, and serve it in a process of its own."""
    house = House(folder)
    tracks = tuple(Track(number, TrackKind.MAIN) for number in range(1, channels + 1))
    chunks = -(-minutes * 60 // (LOOPS_A_CHUNK * LOOP_S))
    start_us = house.clock.wall_us() - (minutes + 5) * US_PER_MINUTE - US_PER_S
    end_us = write(house, tracks, start_us, chunks)
    size = sum(path.stat().st_size for path in house.volume.path.rglob("*.mp4"))
    with house.server() as url:
        yield Footage(house, url.rstrip("/"), house.server_pid, tracks, start_us, end_us, size)
    house.close()
