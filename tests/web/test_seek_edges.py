"""Seeks where footage begins, ends, breaks off or changes: the right picture, or a plain message.

Each instant is asked for in four ways: still, clip, fragment table with its bytes, HLS. They must agree.
"""

import asyncio
import io
from dataclasses import dataclass, field
from typing import Any

import pytest

from nvr.media import Codec, Gap, GapReason
from nvr.timebase import US_PER_S, us_from_90k
from tests.manual_clock import ManualClock
from tests.web.archive import MAIN, START_US, House, groups
from tests.web.pictures import Stream, shown, stream
from tests.web.server import Server

FRAME_US = 40_000
ROUNDED_US = 25  # 90 kHz ticks and the container's own time base round apart


@dataclass
class Scene:
    """What was recorded: of each picture its number and when it was shown."""

    house: House
    pictures: list[tuple[int, int]] = field(default_factory=list)

    def record(self, source: Stream, start_us: int, *, run: int, first: int, groups_a_chunk: int = 2) -> int:
        """A run of sealed chunks; ``first`` is the number of its first picture."""
        end_us = self.house.record(source, start_us, run=run, groups_a_chunk=groups_a_chunk)
        count = len(source.units)
        self.pictures += [(first + n, start_us + us_from_90k(n * source.ticks_90k)) for n in range(count)]
        return end_us

    def at(self, instant_us: int) -> tuple[int, int]:
        """The picture that is on the screen at an instant within footage."""
        return max((row for row in self.pictures if row[1] <= instant_us), key=lambda row: row[1])

    def later_by(self, instant_us: int) -> int:
        """How long after an instant the next picture is shown."""
        return min((row[1] - instant_us for row in self.pictures if row[1] > instant_us), default=1 << 60)


async def by_still(server: Server, at_us: int) -> tuple[int, int]:
    return await server.still(at_us)


async def by_clip(server: Server, at_us: int) -> tuple[int, int]:
    """The first picture of a clip from the instant."""
    clip = await server.clip(at_us, at_us + US_PER_S)
    (first,) = clip.shown(1)
    return first


async def by_fragments(server: Server, at_us: int) -> tuple[int, int]:
    """The last picture at or before the instant, placed as a Media Source player does: a later chunk covers others."""
    table = await server.json("/api/channels/1/fragments", from_us=at_us, to_us=at_us + 1)
    found: list[tuple[int, int]] = []
    for chunk in table["chunks"]:
        media = (await server.ask(chunk["init_url"])).body
        for offset, end, *_ in chunk["fragments"]:
            part = await server.ask(chunk["media_url"], headers={"Range": f"bytes={offset}-{end - 1}"})
            assert part.status == 206
            media += part.body
        placed = [(n, chunk["start_us"] + round(time_s * US_PER_S)) for n, time_s in shown(io.BytesIO(media))]
        found = [row for row in placed if row[1] <= at_us + ROUNDED_US] or found
    return max(found, key=lambda row: row[1])


async def by_hls(server: Server, at_us: int) -> tuple[int, int]:
    """The picture at EXT-X-START, placed by the playlist's PROGRAM-DATE-TIME, which knows milliseconds."""
    path, end_us = "/api/channels/1/hls.m3u8", at_us + US_PER_S
    text = (await server.ask(path, from_us=at_us, to_us=end_us)).body.decode()
    lead_s = float(text.split("TIME-OFFSET=")[1].split(",")[0])
    pictures = await asyncio.to_thread(shown, f"{server.url}{path}?from_us={at_us}&to_us={end_us}")
    first_s = pictures[0][1]
    number, time_s = [row for row in pictures if row[1] - first_s <= lead_s + ROUNDED_US / 1e6][-1]
    return number, at_us - round((lead_s - float(time_s - first_s)) * US_PER_S)


WAYS = [by_still, by_clip, by_fragments, by_hls]


async def agree(server: Server, scene: Scene, instants: list[int]) -> None:
    """Every way gives the scene's picture of each instant, placed where it was shown."""
    for at_us in instants:
        number, shown_us = scene.at(at_us)
        for way in WAYS:
            if way is by_hls and scene.later_by(at_us) <= ROUNDED_US:
                continue  # nearer to the next picture than its clock can tell
            found, found_us = await way(server, at_us)
            assert (way.__name__, found) == (way.__name__, number), f"{at_us - START_US} µs from the start"
            assert abs(found_us - shown_us) <= ROUNDED_US, f"{way.__name__}: {found_us - shown_us} µs off"


def around(edge_us: int) -> list[int]:
    """Just before, at and after an edge between pictures."""
    return [edge_us - FRAME_US, edge_us - 100, edge_us - 1, edge_us, edge_us + 1, edge_us + FRAME_US]


@pytest.fixture
def scene(house: House) -> Scene:
    return Scene(house)


@pytest.mark.parametrize(
    ("codec", "b_frames"),
    [
        pytest.param(Codec.H264, 0, id="h264"),
        pytest.param(Codec.H264, 2, id="h264-b-frames"),
        pytest.param(Codec.H265, 2, id="h265-b-frames"),
    ],
)
async def test_at_chunk_edges(server: Server, scene: Scene, codec: Codec, b_frames: int) -> None:
    source = stream(codec=codec, b_frames=b_frames)
    scene.record(source, START_US, run=1, first=0, groups_a_chunk=1)
    await agree(server, scene, [*around(START_US + US_PER_S), *around(START_US + 3 * US_PER_S)])


async def test_at_both_edges_of_a_gap_and_inside_it(server: Server, scene: Scene) -> None:
    gap_us = scene.record(stream(pictures=50), START_US, run=1, first=0)
    later_us = gap_us + 7_300_000
    scene.record(stream(pictures=50, first=50), later_us, run=2, first=50)
    scene.house.commit(gaps=[Gap(MAIN, gap_us, later_us, GapReason.NETWORK, "no route to host")])
    await agree(server, scene, [gap_us - FRAME_US, gap_us - 1, later_us, later_us + 1, later_us + FRAME_US])
    for at_us in (gap_us + 150_000, gap_us + 3 * US_PER_S, later_us - 1):
        still = await server.ask("/api/channels/1/still.jpg", at_us=at_us)
        assert (still.status, still.json["error"]) == (404, "nothing was recorded at this instant")
        table = await server.json("/api/channels/1/fragments", from_us=at_us, to_us=at_us + 1)
        assert (table["chunks"], table["previous_us"], table["next_us"]) == ([], gap_us, later_us)
        assert [gap["reason"] for gap in table["gaps"]] == ["network"]
    # What begins in the gap and reaches over its end starts with the next footage, and says when that was.
    inside_us = later_us - 500_000
    clip = await server.clip(inside_us, later_us + US_PER_S)
    assert (clip.start_us, clip.shown(1)) == (later_us, [(50, later_us)])
    text = (await server.ask("/api/channels/1/hls.m3u8", from_us=inside_us, to_us=later_us + US_PER_S)).body.decode()
    assert "TIME-OFFSET=0.000000" in text


@pytest.mark.parametrize("where", ["before the first", "after the last"])
async def test_outside_all_footage_is_a_plain_message(
    server: Server, scene: Scene, clock: ManualClock, where: str
) -> None:
    end_us = scene.record(stream(), START_US, run=1, first=0)
    at_us = START_US - 5 * US_PER_S if where == "before the first" else end_us + 5 * US_PER_S
    window: dict[str, Any] = {"from_us": at_us, "to_us": at_us + US_PER_S}
    instant: dict[str, Any] = {"at_us": at_us}
    for path, query in (("still.jpg", instant), ("clip.mp4", window), ("hls.m3u8", window)):
        reply = await server.ask(f"/api/channels/1/{path}", **query)
        assert reply.status == 404
        assert reply.json["error"].startswith("nothing was recorded")
        assert reply.json["where"].startswith("channel 1 main")
    table = await server.json("/api/channels/1/fragments", **window)
    neighbours = (None, START_US) if where == "before the first" else (end_us, None)
    assert (table["chunks"], table["previous_us"], table["next_us"]) == ([], *neighbours)


async def test_first_and_last_picture(server: Server, scene: Scene) -> None:
    end_us = scene.record(stream(b_frames=2), START_US, run=1, first=0)
    await agree(server, scene, [START_US, START_US + 1, end_us - FRAME_US, end_us - 1])


@pytest.mark.parametrize("codec", list(Codec))
async def test_across_a_change_of_resolution(server: Server, scene: Scene, codec: Codec) -> None:
    """The camera was set anew while it was recorded: other parameter sets, other size, the next picture."""
    change_us = scene.record(stream(codec=codec, pictures=50), START_US, run=1, first=0)
    scene.record(stream(codec=codec, pictures=50, size=(480, 272), first=50), change_us, run=2, first=50)
    await agree(server, scene, [*around(change_us), START_US + US_PER_S, change_us + US_PER_S])
    pictures = (await server.clip(change_us - US_PER_S, change_us + US_PER_S)).shown()
    assert [number for number, _ in pictures] == list(range(25, 75)), "one clip goes over it"


async def test_across_a_change_of_codec(server: Server, scene: Scene) -> None:
    """ffmpeg's player of HLS cannot go over it, so its list is read from the change on."""
    change_us = scene.record(stream(pictures=50), START_US, run=1, first=0)
    end_us = scene.record(stream(codec=Codec.H265, pictures=50, first=50), change_us, run=2, first=50)
    for at_us in around(change_us):
        for way in (by_still, by_fragments):
            assert (await way(server, at_us))[0] == scene.at(at_us)[0]
    assert await by_hls(server, change_us + 1) == (50, change_us)
    text = (await server.ask("/api/channels/1/hls.m3u8", from_us=START_US, to_us=end_us)).body.decode()
    assert (text.count("#EXT-X-MAP"), text.count("#EXT-X-DISCONTINUITY")) == (2, 1)
    clip = await server.ask("/api/channels/1/clip.mp4", from_us=START_US, to_us=end_us)
    assert clip.status == 200, "players know two sample entries, or stop at the change"


async def test_across_a_change_of_resolution_within_a_run(server: Server, scene: Scene) -> None:
    """The recorder begins another chunk for other parameter sets, and the run may go on."""
    small, large = stream(pictures=50), stream(pictures=50, size=(480, 272), first=50)
    change_us = scene.record(small, START_US, run=1, first=0)
    growing = scene.house.begin(large, change_us, groups(large, 0, 2), sequence=7)
    growing.append_all()
    growing.seal()
    scene.pictures += [(50 + n, change_us + n * FRAME_US) for n in range(50)]
    await agree(server, scene, around(change_us))
    text = (await server.ask("/api/channels/1/hls.m3u8", from_us=START_US, to_us=growing.end_us)).body.decode()
    assert (text.count("#EXT-X-MAP"), text.count("#EXT-X-DISCONTINUITY")) == (2, 1)


async def test_across_a_clock_step_forwards(server: Server, scene: Scene) -> None:
    """Somebody sets the clock an hour on: a new run there, and an hour that is missing because of the clock."""
    step_us = scene.record(stream(pictures=50), START_US, run=1, first=0)
    later_us = step_us + 3600 * US_PER_S
    scene.record(stream(pictures=50, first=50), later_us, run=2, first=50)
    scene.house.commit(gaps=[Gap(MAIN, step_us, later_us, GapReason.CLOCK, "the clock was set forwards")])
    await agree(server, scene, [step_us - 1, later_us, later_us + 1])
    table = await server.json("/api/channels/1/fragments", from_us=step_us + US_PER_S, to_us=step_us + 2 * US_PER_S)
    assert [gap["reason"] for gap in table["gaps"]] == ["clock"]


async def test_across_a_clock_step_backwards(server: Server, scene: Scene) -> None:
    """The clock goes back by 1.5 s: what was taken then lies twice; from the later run's start on that one counts."""
    end_us = scene.record(stream(pictures=100), START_US, run=1, first=0)
    again_us = end_us - 1_500_000
    last_us = scene.record(stream(pictures=100, first=200), again_us, run=2, first=200)
    scene.pictures = [row for row in scene.pictures if row[0] >= 200 or row[1] < again_us]
    await agree(server, scene, [*around(again_us), again_us + US_PER_S, *around(end_us), last_us - 1])
    numbers = [number for number, _ in (await server.clip(START_US, last_us)).shown()]
    assert numbers == [*range(63), *range(200, 300)], "no picture twice, none out of order"


async def test_across_a_clock_step_backwards_over_several_chunks(server: Server, scene: Scene) -> None:
    """The clock goes back by 3.3 s, and both runs have several files in that time: they must not take turns."""
    end_us = scene.record(stream(pictures=150), START_US, run=1, first=0, groups_a_chunk=1)
    again_us = end_us - 3_300_000
    last_us = scene.record(stream(pictures=150, first=200), again_us, run=2, first=200, groups_a_chunk=1)
    scene.pictures = [row for row in scene.pictures if row[0] >= 200 or row[1] < again_us]
    instants = range(again_us - 500_000, last_us - 1, 417_000)
    await agree(server, scene, [*instants, *around(again_us)])
    numbers = [number for number, _ in (await server.clip(START_US, last_us)).shown()]
    assert numbers == [*range(68), *range(200, 350)]
    table = await server.json("/api/channels/1/fragments", from_us=again_us + US_PER_S, to_us=last_us)
    runs = [int(chunk["media_url"].split("-")[-2]) for chunk in table["chunks"]]
    assert runs == sorted(runs), "no turns"
