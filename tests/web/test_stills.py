"""Stills over HTTP: what is kept, by whom and for how long; what is gone is shown by nobody."""

import asyncio
import os
import random
import resource
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from nvr.codec.parameters import decoder_configuration
from nvr.errors import IntegrityError
from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S
from tests.manual_clock import ManualClock
from tests.web.archive import MAIN, START_US, House, groups
from tests.web.conftest import open_server
from tests.web.pictures import read_jpeg, stream
from tests.web.server import Server
from web import still_confinement
from web.app import sweep
from web.auth import may
from web.decoder import Decoder
from web.footage import FootageReader
from web.still import StillRoom
from web.still_cache import StillCache
from web.still_job import StillJob

STILL = "/api/channels/1/still.jpg"


@pytest.fixture
def stills(tmp_path: Path) -> StillCache:
    return StillCache(tmp_path / "stills", 1 << 20, reserve_bytes=0)


@pytest.fixture
async def caching(house: House, tmp_path: Path, stills: StillCache) -> AsyncIterator[Server]:
    async with AsyncExitStack() as stack:
        yield await open_server(stack, house, may, tmp_path / "static", stills=stills)


async def test_sealed_picture_is_decoded_once_and_comes_from_disk_then(
    caching: Server, house: House, stills: StillCache, tmp_path: Path
) -> None:
    house.record(stream(), START_US)
    first = await caching.ask(STILL, at_us=START_US + US_PER_S, width=160)
    (path,) = (tmp_path / "stills").iterdir()
    assert path.name == f"1-0-{START_US}-1-1-25-160.still"
    volume_file = house.folder / "volume" / house.names()[0]
    data = bytearray(volume_file.read_bytes())
    data[len(data) // 4 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 4)  # nothing can be decoded any more
    volume_file.write_bytes(data)
    second = await caching.ask(STILL, at_us=START_US + US_PER_S, width=160)
    assert (second.status, second.body) == (200, first.body)
    assert read_jpeg(second.body) == 25
    assert second.headers["ETag"] == first.headers["ETag"]
    assert len(stills) == 1


@pytest.mark.parametrize(
    ("told", "status"),
    [("{}", 304), ("W/{}", 304), ("*", 304), ('"a", {}', 304), ("x{}", 200), ('"a{}"', 200), ("{}x", 200)],
)
async def test_picture_is_left_out_only_where_the_browser_has_it(
    caching: Server, house: House, told: str, status: int
) -> None:
    house.record(stream(), START_US)
    etag = (await caching.ask(STILL, at_us=START_US)).headers["ETag"]
    reply = await caching.ask(STILL, at_us=START_US, headers={"If-None-Match": told.format(etag)})
    assert (reply.status, bool(reply.body)) == (status, status == 200)


async def test_picture_is_asked_for_again_before_it_is_shown_again(caching: Server, house: House) -> None:
    source = stream()
    end_us = house.record(source, START_US, group_count=2)
    growing = house.begin(source, end_us, groups(source, 2, 2), sequence=9)
    growing.append(3)
    reply = await caching.ask(STILL, at_us=START_US)
    assert reply.headers["Cache-Control"] == "private, no-cache"
    again = await caching.ask(STILL, at_us=START_US + 1, headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert (await caching.ask(STILL, at_us=end_us)).headers["Cache-Control"] == "private, no-cache"


async def test_growing_picture_is_not_put_on_disk(caching: Server, house: House, stills: StillCache) -> None:
    source = stream()
    growing = house.begin(source, START_US, groups(source, 0, 2))
    growing.append(3)
    assert (await caching.still(START_US))[0] == 0
    assert len(stills) == 0


@pytest.mark.parametrize("fate", ["deleted", "lost"])
async def test_picture_of_footage_that_is_gone_is_neither_served_nor_kept(
    caching: Server, house: House, stills: StillCache, tmp_path: Path, fate: str
) -> None:
    house.record(stream(), START_US)
    assert (await caching.still(START_US))[0] == 0
    assert (await caching.still(START_US + 2 * US_PER_S))[0] == 50
    rows = house.index.chunks(MAIN, house.whole)[:1]
    if fate == "lost":
        house.writer.mark_lost(rows)
    else:
        house.writer.drop(rows)
    assert (await caching.ask(STILL, at_us=START_US)).status == 404
    room = StillRoom(house.archive(), FootageReader(house.archive()), Decoder(), stills)
    sweeping = asyncio.create_task(sweep(room))
    while len(stills) > 1:
        await asyncio.sleep(0)
    sweeping.cancel()
    (left,) = (tmp_path / "stills").iterdir()
    assert left.name.startswith(f"1-0-{START_US + 2 * US_PER_S}-")
    assert (await caching.still(START_US + 2 * US_PER_S))[0] == 50


async def test_key_picture_is_the_sync_sample_before_the_instant(caching: Server, house: House) -> None:
    source = stream(b_frames=2)
    house.record(source, START_US)
    frame_us = 40_000
    for at, wanted in ((0, 0), (24, 0), (25, 25), (49, 25), (50, 50), (99, 75)):
        number, shown_us = await caching.still(START_US + at * frame_us, picture="key")
        assert (number, shown_us) == (wanted, START_US + wanted * frame_us)
    reply = await caching.ask(STILL, at_us=START_US, picture="best")
    assert reply.status == 400


async def test_without_a_cache_stills_are_served_all_the_same(server: Server, house: House) -> None:
    house.record(stream(), START_US)
    assert (await server.still(START_US))[0] == 0


async def test_readers_that_hang_up_are_nobodys_fault(
    server: Server, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Before their turn, while their picture is decoded, and while another one's answer shows how far that is."""
    house.record(stream(size=(1920, 1080), pictures=50), START_US)  # the last picture of a group takes some 200 ms
    house.record(stream(), START_US, track=Track(1, TrackKind.SUB))
    host, port = server.url.removeprefix("http://").split(":")
    gone = []
    for number in range(4):
        _, writer = await asyncio.open_connection(host, int(port))
        at_us = START_US + US_PER_S - 1 - number * 40_000
        writer.write(f"GET {STILL}?at_us={at_us} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        await writer.drain()
        gone.append(writer)
    assert (await server.ask("/api/site")).status == 200
    for writer in gone:
        writer.transport.abort()
    assert (await server.still(START_US + US_PER_S, track="sub"))[0] == 25
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


# -- hostile footage: it may cost a worker, never the server ---------------------------------------------------------


@pytest.fixture
async def decoder() -> AsyncIterator[Decoder]:
    opened = Decoder(workers=1, timeout_s=30)
    yield opened
    opened.close()


def large(number: int = 0) -> StillJob:
    source = stream(pictures=1, size=(3840, 2160))
    units = source.units[: number + 1]
    return StillJob(
        "h264",
        decoder_configuration(source.sets),
        tuple(unit.data for unit in units),
        tuple(unit.presentation_90k for unit in units),
        640,
    )


async def test_worker_has_limits_on_memory_and_core_files(decoder: Decoder) -> None:
    await decoder.picture(large())
    (pid,) = decoder.pids()
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    (memory,) = [line for line in limits if line.startswith("Max address space")]
    (core,) = [line for line in limits if line.startswith("Max core file size")]
    assert memory.split()[3:5] == [str(still_confinement.MEMORY_BYTES)] * 2
    assert core.split()[4:6] == ["0", "0"]


async def test_pictures_that_want_too_much_memory_are_an_error_and_the_next_one_is_decoded(decoder: Decoder) -> None:
    assert read_jpeg(await decoder.picture(large())) == 0
    (pid,) = decoder.pids()
    (used,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmSize")]
    tight = (int(used.split()[1]) << 10) + (4 << 20)
    resource.prlimit(pid, resource.RLIMIT_AS, (tight, tight))
    with pytest.raises(IntegrityError):
        await decoder.picture(large())
    os.kill(pid, 9)
    with pytest.raises(IntegrityError):
        await decoder.picture(large())
    assert read_jpeg(await decoder.picture(large())) == 0


@pytest.mark.parametrize("seed", range(8))
async def test_corrupted_chunk_is_an_answer_in_words_and_other_footage_is_shown(
    caching: Server, house: House, clock: ManualClock, seed: int
) -> None:
    draw = random.Random(seed)
    house.record(stream(), START_US)
    path = house.folder / "volume" / house.names()[0]
    data = bytearray(path.read_bytes())
    for _ in range(400):  # anywhere, preamble and footer among it
        data[draw.randrange(len(data))] = draw.randrange(256)
    path.write_bytes(data)
    for at_us in range(START_US, START_US + 2 * US_PER_S, 400_000):
        reply = await caching.ask(STILL, at_us=at_us, width=64)
        assert reply.status in (200, 404, 502, 503)
        assert reply.status == 200 or reply.json["error"]
    assert (await caching.still(START_US + 3 * US_PER_S))[0] == 75
