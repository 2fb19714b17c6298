"""Playlists as RFC 8216 wants them, read by ffmpeg's programs as well: of a window, and of what is being recorded."""

import asyncio
import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from nvr.media import Codec
from nvr.timebase import US_PER_S
from tests.manual_clock import ManualClock
from tests.web.archive import START_US, House, groups
from tests.web.pictures import shown, stream
from tests.web.server import Server
from web.hls import Segment, target_s

HLS = "/api/channels/1/hls.m3u8"
LIVE = "/api/channels/1/live.m3u8"
PICTURE_US = 40_000


@dataclass
class Listed:
    """A segment with the tags that apply to it."""

    url: str
    duration_s: float
    map_url: str
    broken: bool
    wall_us: int | None


@dataclass
class Playlist:
    """A playlist, checked while it is read."""

    tags: dict[str, str] = field(default_factory=dict)
    rows: list[Listed] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    ended: bool = False

    @property
    def sequence(self) -> int:
        return int(self.tags["EXT-X-MEDIA-SEQUENCE"])


def read(text: str) -> Playlist:
    """Read a media playlist; fails where it offends against RFC 8216."""
    first, *lines = text.splitlines()
    assert first == "#EXTM3U"
    found, map_url, duration, broken, wall = Playlist(), "", "", False, None
    for line in lines:
        name, _, value = line.removeprefix("#").partition(":")
        if not line.startswith("#"):
            assert duration, "each segment has an EXTINF"
            assert map_url, "fMP4 has an EXT-X-MAP"
            found.rows.append(Listed(line, float(duration), map_url, broken, wall))
            duration, broken, wall = "", False, None
        elif name == "EXTINF":
            duration = value.split(",")[0]
        elif name == "EXT-X-MAP":
            map_url = value.split('"')[1]
        elif name == "EXT-X-DISCONTINUITY":
            broken = True
        elif name == "EXT-X-PROGRAM-DATE-TIME":
            wall = round(datetime.fromisoformat(value).timestamp() * 1_000_000)
        elif name == "EXT-X-DATERANGE":
            found.ranges.append(value)
        elif name == "EXT-X-ENDLIST":
            found.ended = True
        else:
            assert name not in found.tags, f"{name} twice"
            assert not found.rows, f"{name} belongs before the segments"
            found.tags[name] = value
    target = int(found.tags["EXT-X-TARGETDURATION"])
    assert all(int(row.duration_s + 0.5) <= target for row in found.rows)
    assert found.rows[0].wall_us is not None
    assert all(row.wall_us is not None for row in found.rows if row.broken)
    return found


async def playlist(server: Server, path: str, **query: Any) -> Playlist:
    reply = await server.ask(path, **query)
    assert reply.status == 200, reply.body
    assert reply.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert reply.headers["Cache-Control"] == "no-store"
    return read(reply.body.decode())


def probe(address: str) -> list[dict[str, Any]]:
    """The frames that ffprobe shows, if it does not complain."""
    program = shutil.which("ffprobe")
    if program is None:
        pytest.skip("ffprobe is not installed")
    command = [program, "-v", "warning", "-show_frames", "-of", "json", address]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stderr == ""
    frames: list[dict[str, Any]] = json.loads(done.stdout)["frames"]
    return frames


@pytest.mark.parametrize(("codec", "b_frames"), [(Codec.H264, 0), (Codec.H264, 2), (Codec.H265, 2)])
async def test_ffprobe_shows_every_picture_at_its_time(
    server: Server, house: House, codec: Codec, b_frames: int
) -> None:
    end_us = house.record(stream(codec=codec, b_frames=b_frames), START_US, groups_a_chunk=1)
    frames = await asyncio.to_thread(probe, f"{server.url}{HLS}?from_us={START_US}&to_us={end_us}")
    times = [float(frame["pts_time"]) for frame in frames]
    assert len(times) == 100
    assert all(abs(later - earlier - 0.04) < 1e-4 for earlier, later in pairwise(times))
    assert {frame["width"] for frame in frames} == {320}


async def test_list_of_a_window_names_each_group_of_pictures_once_at_its_time(server: Server, house: House) -> None:
    end_us = house.record(stream(), START_US)
    found = await playlist(server, HLS, from_us=START_US, to_us=end_us)
    assert found.ended
    assert (found.tags["EXT-X-PLAYLIST-TYPE"], found.tags["EXT-X-TARGETDURATION"]) == ("VOD", "1")
    assert "EXT-X-INDEPENDENT-SEGMENTS" in found.tags
    assert [row.duration_s for row in found.rows] == [1.0] * 4
    assert not any(row.broken for row in found.rows)
    walls = [row.wall_us for row in found.rows if row.wall_us is not None]
    assert [abs(wall - START_US - n * 2 * US_PER_S) < 1_000 for n, wall in enumerate(walls)] == [True, True]
    for row in found.rows:
        assert (await server.ask(row.url)).status == (await server.ask(row.map_url)).status == 200


async def test_h265_does_not_promise_independent_segments(server: Server, house: House) -> None:
    end_us = house.record(stream(codec=Codec.H265, b_frames=2), START_US)
    assert "EXT-X-INDEPENDENT-SEGMENTS" not in (await playlist(server, HLS, from_us=START_US, to_us=end_us)).tags


@pytest.mark.parametrize("run", [1, 2])
async def test_gap_is_a_discontinuity_within_a_run_too_and_time_goes_on_by_the_wall(
    server: Server, house: House, run: int
) -> None:
    """A queue that overflowed leaves a hole within a run: without the tag a player waits in it."""
    source = stream()
    gap_us = house.record(source, START_US, group_count=2)
    later_us = gap_us + 7_300_000
    growing = house.begin(source, later_us, groups(source, 2, 2), run=run, sequence=5)
    growing.append_all()
    growing.seal()
    found = await playlist(server, HLS, from_us=START_US, to_us=growing.end_us)
    assert [row.broken for row in found.rows] == [False, False, True, False]
    assert abs((found.rows[2].wall_us or 0) - later_us) < 1_000
    pictures = await asyncio.to_thread(shown, f"{server.url}{HLS}?from_us={START_US}&to_us={growing.end_us}")
    assert [number for number, _ in pictures] == list(range(100))
    assert abs(float(pictures[50][1] - pictures[49][1]) - 7.34) < 1e-3


def test_target_duration_rounds_halves_up_as_players_do() -> None:
    def lasting(duration_us: int) -> Segment:
        return Segment(0, 1, 0, duration_us, sync=True)

    assert target_s([lasting(2_500_000)]) == 3
    assert target_s([lasting(2_499_999), lasting(1)]) == 2
    assert target_s([lasting(1)]) == 1


# -- what is being recorded ------------------------------------------------------------------------------------------


@dataclass
class Recorder:
    """Records group by group as time goes on, a chunk every two groups."""

    house: House
    clock: ManualClock
    run: int = 1
    done: int = 0
    growing: Any = None

    def record(self, count: int) -> None:
        """So many groups of a second."""
        source = stream(pictures=500)
        for _ in range(count):
            if self.done % 2 == 0:
                if self.growing:
                    self.growing.seal()
                units = groups(source, self.done % 20, 2)
                start_us = START_US + self.done * US_PER_S
                self.growing = self.house.begin(source, start_us, units, run=self.run, sequence=self.done // 2 + 1)
            self.growing.append(3)  # 25 pictures in fragments of at most 10
            self.done += 1
            self.clock.step_wall(START_US + self.done * US_PER_S + 50_000 - self.clock.wall_us())


@pytest.fixture
def recorder(house: House, clock: ManualClock) -> Recorder:
    return Recorder(house, clock)


async def test_live_list_slides_and_each_segment_keeps_number_and_address(server: Server, recorder: Recorder) -> None:
    recorder.record(5)
    known: dict[int, tuple[str, str]] = {}
    for _ in range(20):
        found = await playlist(server, LIVE)
        assert not found.ended
        assert 3 <= len(found.rows) <= 9
        for number, row in enumerate(found.rows, found.sequence):
            assert known.setdefault(number, (row.url, row.map_url)) == (row.url, row.map_url)
        recorder.record(1)
    numbers = sorted(known)
    assert numbers == list(range(numbers[0], numbers[0] + 23)), "every group of pictures but the newest"
    assert len({url for url, _ in known.values()}) == 23
    assert not any(row.broken for row in found.rows)
    for url, map_url in known.values():
        assert (await server.ask(url)).status == (await server.ask(map_url)).status == 200


async def test_live_list_ends_before_the_group_of_pictures_that_is_being_recorded(
    server: Server, recorder: Recorder
) -> None:
    recorder.record(6)
    rows = (await playlist(server, LIVE)).rows
    assert len(rows) == 5
    assert abs((rows[-1].wall_us or 0) - START_US - 4 * US_PER_S) < 1_000


async def test_ffmpeg_plays_the_live_list(server: Server, recorder: Recorder) -> None:
    recorder.record(8)
    pictures = await asyncio.to_thread(shown, server.url + LIVE, 50)
    numbers = [number for number, _ in pictures]
    assert numbers == list(range(numbers[0], numbers[0] + 50))
    assert numbers[0] >= 75, "a player begins near the end"


async def test_new_run_is_a_discontinuity_that_is_counted_when_it_leaves_the_list(
    server: Server, recorder: Recorder
) -> None:
    recorder.record(6)
    first = await playlist(server, LIVE)
    assert first.tags["EXT-X-DISCONTINUITY-SEQUENCE"] == "0"
    recorder.run = 2
    recorder.record(2)
    assert [row.broken for row in (await playlist(server, LIVE)).rows] == [False] * 6 + [True]
    for _ in range(12):
        recorder.record(1)
        last = await playlist(server, LIVE)
        counted = int(last.tags["EXT-X-DISCONTINUITY-SEQUENCE"])
        assert counted + sum(row.broken for row in last.rows) == 1
    assert last.tags["EXT-X-DISCONTINUITY-SEQUENCE"] == "1"


async def test_list_nobody_asked_for_goes_on_with_higher_numbers(server: Server, recorder: Recorder) -> None:
    recorder.record(6)
    before = await playlist(server, LIVE)
    recorder.record(90)
    after = await playlist(server, LIVE)
    assert after.sequence > before.sequence + 50
    assert len(after.rows) >= 3


async def test_camera_that_sends_nothing_has_no_live_list(
    server: Server, house: House, recorder: Recorder, clock: ManualClock
) -> None:
    recorder.record(6)
    clock.advance(90 * US_PER_S)
    reply = await server.ask(LIVE)
    assert (reply.status, reply.json["error"]) == (404, "nothing is being recorded")


def test_reader_of_playlists_catches_an_offender() -> None:
    good = (
        '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI="/i"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-07T04:20:02.000Z\n#EXTINF:2.0,\n/a\n"
    )
    read(good)
    for offence in (good.replace("2.0,", "2.5,"), re.sub("#EXT-X-MAP.*\n", "", good), re.sub("#EXTINF.*\n", "", good)):
        with pytest.raises(AssertionError):
            read(offence)
