"""The sample tables give every picture's very bytes and its very time."""

import base64

import av
import pytest
from av.video.codeccontext import VideoCodecContext

from nvr.media import Codec
from nvr.timebase import US_PER_S, us_from_90k
from tests.web.archive import START_US, House
from tests.web.pictures import Stream, read, stream
from tests.web.server import Server
from web.samples import thinned
from web.wire import Samples, SampleTable

ALL, KEYS = "/api/channels/1/samples", "/api/channels/1/key-samples"


def coded(b_frames: int = 0, codec: Codec = Codec.H264) -> Stream:
    return stream(codec=codec, fps=25, b_frames=b_frames, group=25, pictures=100)


def shown_us(number: int, source: Stream) -> int:
    return START_US + us_from_90k(number * source.ticks_90k)


@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
async def test_group_decodes_to_its_pictures_at_their_times(
    server: Server, house: House, b_frames: int, codec: Codec
) -> None:
    source = coded(b_frames, codec)
    house.record(source, START_US)
    answer = await server.json(ALL, from_us=shown_us(60, source), to_us=shown_us(60, source) + 1)
    (table,) = answer["chunks"]
    rows = table["samples"]
    assert [row[3] for row in rows] == [1] + 24 * [0]
    decoder = av.CodecContext.create("h264" if codec is Codec.H264 else "hevc", "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.extradata = base64.b64decode(table["description"])
    media = (await server.ask(table["media_url"])).body
    pictures = []
    for offset, size, at_us, _ in rows:
        packet = av.Packet(media[offset : offset + size])
        packet.pts = at_us
        pictures += decoder.decode(packet)
    pictures += decoder.decode(None)
    assert {picture.pts: read(picture) for picture in pictures} == {shown_us(n, source): n for n in range(50, 75)}


async def test_window_between_groups_gives_both_whole(server: Server, house: House) -> None:
    source = coded()
    house.record(source, START_US)
    answer = await server.json(ALL, from_us=shown_us(24, source), to_us=shown_us(26, source))
    times = [row[2] for table in answer["chunks"] for row in table["samples"]]
    assert times == [shown_us(n, source) for n in range(50)]


async def test_window_tells_where_other_footage_is(server: Server, house: House) -> None:
    source = coded()
    end_us = house.record(source, START_US)
    later_us = end_us + 30 * US_PER_S
    house.record(source, later_us, run=2)
    answer = await server.json(ALL, from_us=end_us + US_PER_S, to_us=end_us + 2 * US_PER_S)
    assert (answer["chunks"], answer["previous_us"], answer["next_us"]) == ([], end_us, later_us)


async def test_key_samples_are_the_sync_samples_of_the_window(server: Server, house: House) -> None:
    source = coded()
    house.record(source, START_US)
    answer = await server.json(KEYS, from_us=shown_us(25, source), to_us=shown_us(75, source))
    times = [row[2] for table in answer["chunks"] for row in table["samples"]]
    assert times == [shown_us(25, source), shown_us(50, source)]


async def test_growing_chunk_is_told_as_far_as_it_is_committed(server: Server, house: House) -> None:
    source = coded()
    growing = house.begin(source, START_US, source.units)
    growing.append(2)
    answer = await server.json(ALL, from_us=START_US, to_us=START_US + 60 * US_PER_S)
    (table,) = answer["chunks"]
    assert not table["sealed"]
    assert [row[2] for row in table["samples"]] == [shown_us(n, source) for n in range(20)]


async def test_windows_are_bounded(server: Server, house: House) -> None:
    house.record(coded(), START_US)
    for path, longest_us in ((ALL, 120 * US_PER_S), (KEYS, 6 * 3600 * US_PER_S)):
        assert (await server.ask(path, from_us=START_US, to_us=START_US + longest_us)).status == 200
        assert (await server.ask(path, from_us=START_US, to_us=START_US + longest_us + 1)).status == 400


def test_many_key_samples_are_thinned_evenly_across_chunks() -> None:
    tables = [table_of(range(0, 70, 10)), table_of(range(70, 100, 10))]
    few = thinned(Samples("main", 0, 100, 100, None, None, tables, []), 4)
    assert [row[2] for table in few.chunks for row in table.samples] == [0, 30, 60, 90]


def table_of(times: range) -> SampleTable:
    return SampleTable(
        times.start, times.stop, "", "", "", 16, 16, sealed=True, coarse=False, samples=[(0, 1, us, 1) for us in times]
    )
