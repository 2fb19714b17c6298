"""Groups of pictures that are longer than a chunk: a chunk without a key frame is shown from the one before it."""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import av
import pytest
from av.video.codeccontext import VideoCodecContext

from nvr.media import Codec
from nvr.timebase import US_PER_MINUTE, US_PER_S, us_from_90k
from tests.web.archive import START_US, Growing, House
from tests.web.pictures import Stream, read, shown, stream
from tests.web.server import Server
from tests.web.test_hls import playlist
from web.reading import LEAD_US

BASE = "/api/channels/1/"
CUTS = (0, 20, 45, 70, 100)  # of a group of 60 pictures; the third chunk holds the second sync sample

KINDS = [
    pytest.param(Codec.H264, 0, id="h264"),
    pytest.param(Codec.H264, 2, id="h264-b-frames"),
    pytest.param(Codec.H265, 2, id="h265-b-frames"),
]


def long_groups(codec: Codec = Codec.H264, b_frames: int = 0) -> Stream:
    return stream(codec=codec, b_frames=b_frames, group=60, pictures=100)


def record(house: House, source: Stream, cuts: Sequence[int] = CUTS, slew_us: int = 0) -> list[Growing]:
    """Chunks cut at these samples, wherever that is in a group, as the recorder cuts what becomes too long."""
    made = []
    for sequence, (first, end) in enumerate(pairwise(cuts), 1):
        units = source.units[first:end]
        begin = units[0]
        delay_90k = begin.presentation_90k - begin.decode_90k
        start_us = START_US + us_from_90k(begin.presentation_90k - source.delay_90k) + slew_us * sequence
        part = house.begin(replace(source, delay_90k=delay_90k), start_us, units, sequence=sequence)
        part.append_all()
        part.seal()
        made.append(part)
    return made


def shown_us(number: int, source: Stream) -> int:
    return START_US + us_from_90k(number * source.ticks_90k)


@pytest.mark.parametrize(("codec", "b_frames"), KINDS)
async def test_still_of_a_chunk_without_key_frame_is_its_picture(
    server: Server, house: House, codec: Codec, b_frames: int
) -> None:
    source = long_groups(codec, b_frames)
    record(house, source)
    for number in (19, 20, 30, 44, 45, 46, 59, 60, 72, 98):
        assert (await server.still(shown_us(number, source) + 10))[0] == number
    assert (await server.still(shown_us(50, source), picture="key"))[0] == 0


@pytest.mark.parametrize(("codec", "b_frames"), KINDS)
async def test_clip_from_inside_a_long_group_shows_its_pictures(
    server: Server, house: House, codec: Codec, b_frames: int
) -> None:
    source = long_groups(codec, b_frames)
    record(house, source)
    for number in (3, 21, 50, 75):
        clip = await server.clip(shown_us(number, source), shown_us(100, source))
        pictures = clip.shown()
        assert [n for n, _ in pictures] == list(range(number, 100))
        assert all(abs(at_us - shown_us(n, source)) <= 12 for n, at_us in pictures)


@pytest.mark.parametrize(("codec", "b_frames"), KINDS)
async def test_hls_from_inside_a_long_group_begins_with_its_key_frame(
    server: Server, house: House, codec: Codec, b_frames: int
) -> None:
    source = long_groups(codec, b_frames)
    record(house, source)
    from_us, to_us = shown_us(50, source), shown_us(100, source)
    found = await playlist(server, BASE + "hls.m3u8", from_us=from_us, to_us=to_us)
    assert not any(row.broken for row in found.rows)
    assert len({row.map_url for row in found.rows}) == 1
    pictures = await asyncio.to_thread(shown, f"{server.url}{BASE}hls.m3u8?from_us={from_us}&to_us={to_us}")
    assert [n for n, _ in pictures] == list(range(100))
    assert all(abs(float(at_s - pictures[0][1]) - n * 0.04) < 1e-4 for n, at_s in pictures)


@pytest.mark.parametrize(("codec", "b_frames"), KINDS)
async def test_fragments_go_on_under_one_init_segment(
    server: Server, house: House, codec: Codec, b_frames: int
) -> None:
    """What a page appends: the init segment once, then fragments, each chunk's times from its `start_us` on."""
    source = long_groups(codec, b_frames)
    record(house, source, slew_us=7)
    table = await server.json(BASE + "fragments", from_us=shown_us(46, source), to_us=shown_us(59, source))
    first, *others = table["chunks"]
    assert first["fragments"][0][5] == 1
    assert others
    assert {chunk["init_url"] for chunk in others} == {first["init_url"]}
    for number, chunk in enumerate(table["chunks"]):
        rows = chunk["fragments"]
        delay_us = us_from_90k(chunk["composition_delay_90k"])
        assert (
            abs(chunk["start_us"] - delay_us + us_from_90k(rows[0][2]) - decoded_us(source, CUTS[number], number)) < 20
        )


def decoded_us(source: Stream, number: int, chunk: int) -> int:
    return START_US + us_from_90k(source.units[number].decode_90k - source.delay_90k) + 7 * (chunk + 1)


@pytest.mark.parametrize(("codec", "b_frames"), KINDS)
async def test_samples_give_the_whole_group_at_one_address(
    server: Server, house: House, codec: Codec, b_frames: int
) -> None:
    source = long_groups(codec, b_frames)
    record(house, source)
    for number in (5, 30, 50):  # from its beginning, from its middle, from its end: always the same group
        at_us = shown_us(number, source)
        answer = await server.json(BASE + "samples", from_us=at_us, to_us=at_us + 1)
        table = answer["chunks"][0]
        assert len(table["samples"]) in (60, 62)
        pictures = await decoded(server, table, codec)
        assert pictures == {shown_us(n, source): n for n in range(len(table["samples"]))} | pictures
    first, last = (await server.json(BASE + "samples", from_us=START_US, to_us=shown_us(100, source)))["chunks"]
    assert len(first["samples"]) + len(last["samples"]) == 100
    keys = await server.json(BASE + "key-samples", from_us=START_US, to_us=shown_us(100, source))
    assert [row[2] for one in keys["chunks"] for row in one["samples"]] == [shown_us(0, source), shown_us(60, source)]


async def test_chunk_that_has_just_been_opened_and_holds_no_picture_yet_ends_the_group_before_it(
    server: Server, house: House
) -> None:
    source = long_groups()
    record(house, source, (0, 20))
    units = source.units[20:]
    start_us = shown_us(20, source)
    house.begin(source, start_us, units, sequence=2).post()
    at_us = shown_us(5, source)
    answer = await server.json(BASE + "samples", from_us=at_us, to_us=at_us + 1)
    assert len(answer["chunks"][0]["samples"]) == 20


async def decoded(server: Server, table: Any, codec: Codec) -> dict[int, int]:
    """What a page makes of a group: time and number of each picture."""
    rows = table["samples"]
    start, end = rows[0][0], rows[-1][0] + rows[-1][1]
    reply = await server.ask(table["media_url"], headers={"Range": f"bytes={start}-{end - 1}"})
    assert (reply.status, len(reply.body)) == (206, end - start)
    decoder = av.CodecContext.create("h264" if codec is Codec.H264 else "hevc", "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.extradata = base64.b64decode(table["description"])
    found = []
    for offset, size, at_us, _ in rows:
        packet = av.Packet(reply.body[offset - start : offset - start + size])
        packet.pts = at_us
        found += decoder.decode(packet)
    found += decoder.decode(None)
    return {picture.pts or 0: read(picture) for picture in found}


async def test_pictures_whose_key_frame_cannot_be_read_are_told_as_missing(server: Server, house: House) -> None:
    source = long_groups()
    record(house, source)
    names = house.names()
    (house.folder / "volume" / names[0]).unlink()
    clip = await server.clip(START_US, shown_us(100, source))
    assert [n for n, _ in clip.shown()] == list(range(60, 100))
    table = await server.json(BASE + "fragments", from_us=START_US, to_us=shown_us(100, source))
    told = [(gap["start_us"], gap["end_us"], gap["reason"]) for gap in table["gaps"]]
    assert told[0][:1] + told[-1][1:] == (START_US, shown_us(60, source), "disk")
    reply = await server.ask(BASE + "still.jpg", at_us=shown_us(50, source))
    assert (reply.status, "missing" in reply.json["error"]) == (503, True)


async def test_key_frame_that_retention_took_is_told(server: Server, house: House) -> None:
    source = long_groups()
    record(house, source, CUTS[1:])
    table = await server.json(BASE + "fragments", from_us=START_US, to_us=shown_us(100, source))
    assert [gap["reason"] for gap in table["gaps"]] == ["retention"]
    assert table["gaps"][0]["end_us"] == shown_us(60, source)


async def test_way_back_to_the_key_frame_is_bounded(server: Server, house: House) -> None:
    """Chunks of minutes without a sync sample: the far ones are told, not decoded."""
    source = stream(group=60, pictures=60)
    slow = replace(source, ticks_90k=90_000 * 60)
    units = tuple(
        [
            replace(u, decode_90k=n * slow.ticks_90k, presentation_90k=n * slow.ticks_90k)
            for n, u in enumerate(source.units)
        ]
    )
    slow = replace(slow, units=units)
    record(house, slow, range(0, 61, 5))
    near_us, far_us = START_US + LEAD_US - US_PER_MINUTE, START_US + LEAD_US + 8 * US_PER_MINUTE
    assert (await server.still(near_us + US_PER_S))[0] == LEAD_US // US_PER_MINUTE - 1
    reply = await server.ask(BASE + "still.jpg", at_us=far_us)
    assert (reply.status, reply.json["error"]) == (502, "the camera sent no key frame for more than 20 minutes")
    table = await server.json(BASE + "fragments", from_us=far_us, to_us=far_us + US_PER_S)
    assert (table["chunks"], [gap["reason"] for gap in table["gaps"]]) == ([], ["camera"])


async def test_live_list_of_a_long_group_begins_with_its_key_frame(server: Server, house: House) -> None:
    source = stream(group=1000, pictures=1000, fps=10)
    record(house, source, (0, 400, 800))
    growing = house.begin(source, shown_us(800, source), source.units[800:], sequence=3)
    growing.append(18)
    house.clock.step_wall(growing.end_us + US_PER_S - house.clock.wall_us())
    found = await playlist(server, BASE + "live.m3u8")
    assert max(row.duration_s for row in found.rows) <= 11
    assert abs((found.rows[0].wall_us or 0) - START_US) < 1_000
    assert "EXT-X-START" in found.tags
    pictures = await asyncio.to_thread(shown, server.url + BASE + "live.m3u8", 30, live_start_index="0")
    assert [n for n, _ in pictures] == list(range(30))


async def test_camera_that_sends_sync_samples_alone_has_segments_of_some_length(server: Server, house: House) -> None:
    end_us = house.record(stream(group=1), START_US, groups_a_chunk=50)
    found = await playlist(server, BASE + "hls.m3u8", from_us=START_US, to_us=end_us)
    assert all(row.duration_s >= 0.3 for row in found.rows)
    assert sum(row.duration_s for row in found.rows) == pytest.approx(4)


async def test_run_that_begins_in_a_group_since_the_clock_was_set_is_shown_from_the_run_before(
    server: Server, house: House
) -> None:
    source = long_groups()
    first = house.begin(source, START_US, source.units[:20], run=7, sequence=3)
    first.append_all()
    sealed = first.seal()
    later_us = shown_us(20, source) + 5 * US_PER_S  # the clock was set by 5 s
    house.previous_root = sealed.root
    second = house.begin(source, later_us, source.units[20:100], run=8)
    second.append_all()
    second.seal()
    assert (await server.still(later_us + 10))[0] == 20
    assert [n for n, _ in (await server.clip(later_us, second.end_us)).shown()] == list(range(20, 100))
    house.previous_root = bytes(range(32))  # of a file that lies somewhere else in time
    third = house.begin(source, START_US + 60 * US_PER_S, source.units[20:100], run=9)
    third.append_all()
    third.seal()
    table = await server.json(BASE + "fragments", from_us=third.start_us, to_us=third.end_us)
    assert [(gap["reason"], gap["end_us"]) for gap in table["gaps"]] == [("clock", third.start_us + 40 * 40_000)]
    assert table["chunks"][0]["fragments"][0][5] == 1
