"""The picture asked for at T is the picture of T, to the frame, whichever way it is asked for."""

import asyncio
import io

import pytest

from nvr.media import Codec
from nvr.timebase import US_PER_S, us_from_90k
from tests.web.archive import START_US, House
from tests.web.pictures import Stream, shown, stream
from tests.web.server import Server

KINDS = [
    pytest.param(Codec.H264, 25, 0, id="h264"),
    pytest.param(Codec.H264, 15, 2, id="h264-15fps-b-frames"),
    pytest.param(Codec.H265, 25, 2, id="h265-b-frames"),
]


def coded(codec: Codec, fps: int, b_frames: int) -> Stream:
    return stream(codec=codec, fps=fps, b_frames=b_frames, group=fps, pictures=4 * fps)


def shown_us(number: int, coded_stream: Stream) -> int:
    return START_US + us_from_90k(number * coded_stream.ticks_90k)


def instants(coded_stream: Stream) -> list[tuple[int, int]]:
    """Instants and the pictures that are on the screen then: at edges of pictures, groups and chunks, and between."""
    count = len(coded_stream.units)
    group = coded_stream.group
    found = []
    for number in (0, 1, 7, group - 1, group, group + 3, 2 * group - 1, 2 * group, 2 * group + 1, count - 1):
        start_us = shown_us(number, coded_stream)
        found += [(start_us, number), (start_us + 17_001, number)]
        if number:
            found.append((start_us - 1, number - 1))
    return found


@pytest.mark.parametrize(("codec", "fps", "b_frames"), KINDS)
async def test_still_at_instant_is_its_picture(
    server: Server, house: House, codec: Codec, fps: int, b_frames: int
) -> None:
    source = coded(codec, fps, b_frames)
    house.record(source, START_US)
    for at_us, number in instants(source):
        assert await server.still(at_us) == (number, shown_us(number, source))


@pytest.mark.parametrize(("codec", "fps", "b_frames"), KINDS)
async def test_clip_from_instant_shows_its_picture_first(
    server: Server, house: House, codec: Codec, fps: int, b_frames: int
) -> None:
    source = coded(codec, fps, b_frames)
    end_us = house.record(source, START_US)
    for at_us, number in instants(source):
        clip = await server.clip(at_us, end_us)
        pictures = clip.shown(3 if number else None)
        assert clip.start_us == shown_us(number, source)
        count = len(source.units) - number
        assert [n for n, _ in pictures] == list(range(number, number + (min(3, count) if number else count)))
        for n, time_us in pictures:
            assert abs(time_us - shown_us(n, source)) <= 12, "clip time is wall time, to one tick of 90 kHz"


@pytest.mark.parametrize(("codec", "fps", "b_frames"), KINDS)
async def test_clip_to_instant_ends_before_it(
    server: Server, house: House, codec: Codec, fps: int, b_frames: int
) -> None:
    source = coded(codec, fps, b_frames)
    house.record(source, START_US)
    for at_us, number in instants(source)[2::3]:
        clip = await server.clip(START_US, at_us)
        last = number if at_us > shown_us(number, source) else number - 1
        assert [n for n, _ in clip.shown()] == list(range(last + 1))
        assert clip.end_us == at_us


@pytest.mark.parametrize(("codec", "fps", "b_frames"), KINDS)
async def test_hls_from_instant_places_every_picture_at_its_time(
    server: Server, house: House, codec: Codec, fps: int, b_frames: int
) -> None:
    source = coded(codec, fps, b_frames)
    end_us = house.record(source, START_US)
    for at_us, number in instants(source)[::5]:
        address = f"{server.url}/api/channels/1/hls.m3u8?from_us={at_us}&to_us={end_us}"
        text = (await server.ask("/api/channels/1/hls.m3u8", from_us=at_us, to_us=end_us)).body.decode()
        lead_s = float(text.split("TIME-OFFSET=")[1].split(",")[0])
        pictures = await asyncio.to_thread(shown, address)
        first_number, first_s = pictures[0]
        assert first_number == number - number % source.group, "it starts with the sync sample before the instant"
        assert [n for n, _ in pictures] == list(range(first_number, len(source.units)))
        for n, time_s in pictures:
            assert abs(time_s - first_s - (n - first_number) / fps) < 0.000_05
        at_start = [n for n, time_s in pictures if time_s - first_s <= lead_s + 0.6e-6]
        assert at_start[-1] == number, "TIME-OFFSET points at the picture of the instant"


@pytest.mark.parametrize(("codec", "fps", "b_frames"), KINDS)
async def test_fragment_table_from_instant_holds_its_picture(
    server: Server, house: House, codec: Codec, fps: int, b_frames: int
) -> None:
    source = coded(codec, fps, b_frames)
    house.record(source, START_US)
    for at_us, number in instants(source):
        table = await server.json("/api/channels/1/fragments", from_us=at_us, to_us=at_us + 1)
        chunk = table["chunks"][0]
        assert (chunk["width"], chunk["height"]) == source.size
        assert chunk["fragments"][0][5] == 1, "the first fragment starts with a sync sample"
        media = (await server.ask(chunk["init_url"])).body
        for offset, end, *_ in chunk["fragments"]:
            part = await server.ask(chunk["media_url"], headers={"Range": f"bytes={offset}-{end - 1}"})
            assert part.status == 206
            media += part.body
        pictures = {n: chunk["start_us"] + time_us for n, time_us in placed(media)}
        assert abs(pictures[number] - shown_us(number, source)) <= 1
        assert max(n for n, time_us in pictures.items() if time_us <= at_us) == number
        assert abs(chunk["fragments"][0][4] - min(pictures.values())) <= 1


def placed(media: bytes) -> list[tuple[int, int]]:
    """Number and media time in µs, edit list honoured, of the pictures in an init segment and fragments."""
    return [(n, round(time_s * US_PER_S)) for n, time_s in shown(io.BytesIO(media))]
