"""Ranges and validators as RFC 9110 has them, over real sockets and real files."""

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientPayloadError
from hypothesis import given
from hypothesis import strategies as st

from indexer.writer import Commit
from nvr.timebase import US_PER_S
from tests.web.archive import MAIN, START_US, House
from tests.web.pictures import stream
from tests.web.server import Server
from web.sending import FilePart, Selected, cut, piece_bytes, select
from web.volume_threads import VolumeFile

CLIP = "/api/channels/1/clip.mp4"
WINDOW: dict[str, Any] = {"from_us": START_US + 123_000, "to_us": START_US + 3 * US_PER_S}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", (200, 0, 100)),
        ("bytes=0-9", (206, 0, 10)),
        ("bytes=90-", (206, 90, 10)),
        ("bytes=-10", (206, 90, 10)),
        ("bytes=-200", (206, 0, 100)),
        ("bytes=99-500", (206, 99, 1)),
        ("bytes=100-", (416, 0, 0)),
        ("bytes=-0", (416, 0, 0)),
        ("bytes=5-4", (200, 0, 100)),
        ("bytes=0-1,5-6", (200, 0, 100)),
        ("bytes=-", (200, 0, 100)),
        ("items=0-9", (200, 0, 100)),
        ("bytes=a-b", (200, 0, 100)),
        ("bytes=٣-٤", (200, 0, 100)),
        (f"bytes={'9' * 4_301}-", (416, 0, 0)),  # more digits than int() reads
        (f"bytes=7-{'9' * 4_301}", (206, 7, 93)),
        (f"bytes=-{'9' * 4_301}", (206, 0, 100)),
    ],
)
def test_range_header_selects_bytes(header: str, expected: tuple[int, int, int]) -> None:
    found = select({"Range": header}, 100, "tag")
    assert (found.status, found.start, found.size) == expected


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Range": '"tag"'}, 206),
        ({"If-Range": '"other"'}, 200),
        ({"If-Range": 'W/"tag"'}, 200),
        ({"If-Range": "Mon, 23 Nov 2026 20:00:00 GMT"}, 200),
        ({"If-None-Match": '"tag"'}, 304),
        ({"If-None-Match": 'W/"tag"'}, 304),
        ({"If-None-Match": '"a", "tag"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 206),
    ],
)
def test_validators_decide_whether_range_counts(headers: dict[str, str], status: int) -> None:
    assert select({"Range": "bytes=1-2", **headers}, 100, "tag").status == status


def test_if_range_without_own_validator_gives_the_whole() -> None:
    assert select({"Range": "bytes=1-2", "If-Range": '""'}, 100, "") == Selected(HTTPStatus.OK, 0, 100)


def unopened() -> VolumeFile:
    raise AssertionError("nobody reads it")


@given(st.lists(st.binary(max_size=9), max_size=6), st.integers(0, 60), st.integers(0, 60))
def test_cut_gives_exactly_the_bytes_wanted(pieces: list[bytes], start: int, size: int) -> None:
    whole = b"".join(pieces)
    assert b"".join(p for p in cut(pieces, start, size) if isinstance(p, bytes)) == whole[start : start + size]
    parts = [FilePart(unopened, 1000 * number, len(piece)) for number, piece in enumerate(pieces)]
    found = list(cut(parts, start, size))
    assert sum(map(piece_bytes, found)) == len(whole[start : start + size])
    rebuilt = b""
    for part in found:
        assert isinstance(part, FilePart)
        number, offset = divmod(part.offset, 1000)
        rebuilt += pieces[number][offset : offset + part.size]
    assert rebuilt == whole[start : start + size]


async def test_clip_in_ranges_is_the_whole_clip(server: Server, house: House) -> None:
    house.record(stream(), START_US)
    whole = await server.ask(CLIP, **WINDOW)
    etag, total = whole.headers["ETag"], len(whole.body)
    joined = b""
    while len(joined) < total:
        reply = await server.ask(
            CLIP, headers={"Range": f"bytes={len(joined)}-{len(joined) + 1776}", "If-Range": etag}, **WINDOW
        )
        last = len(joined) + len(reply.body) - 1
        assert reply.status == 206
        assert reply.headers["Content-Range"] == f"bytes {len(joined)}-{last}/{total}"
        joined += reply.body
    assert joined == whole.body


async def test_clip_head_has_the_headers_of_get_and_no_body(server: Server, house: House) -> None:
    house.record(stream(), START_US)
    whole, head = await server.ask(CLIP, **WINDOW), await server.ask(CLIP, method="HEAD", **WINDOW)
    assert head.body == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Content-Disposition", "X-Clip-Start-Us", "Accept-Ranges"):
        assert head.headers[name] == whole.headers[name]
    assert whole.headers["Content-Disposition"] == 'attachment; filename="channel-01-main-20261107-042000+0700.mp4"'


async def test_clip_etag_is_strong_stable_and_tells_windows_apart(server: Server, house: House) -> None:
    end_us = house.record(stream(), START_US)
    first, again = await server.ask(CLIP, **WINDOW), await server.ask(CLIP, **WINDOW)
    other = await server.ask(CLIP, from_us=START_US, to_us=end_us)
    assert first.headers["ETag"].startswith('"')
    assert first.headers["ETag"] == again.headers["ETag"] != other.headers["ETag"]
    unchanged = await server.ask(CLIP, headers={"If-None-Match": first.headers["ETag"]}, **WINDOW)
    assert (unchanged.status, unchanged.body) == (304, b"")


async def test_clip_whose_footage_grew_is_sent_whole_to_who_resumes(server: Server, house: House) -> None:
    source = stream()
    growing = house.begin(source, START_US, source.units)
    growing.append(3)
    before = await server.ask(CLIP, **WINDOW)
    growing.append(2)
    reply = await server.ask(CLIP, headers={"Range": "bytes=100-", "If-Range": before.headers["ETag"]}, **WINDOW)
    assert reply.status == 200
    assert reply.headers["ETag"] != before.headers["ETag"]


async def test_range_behind_the_end_is_416_with_the_length(server: Server, house: House) -> None:
    house.record(stream(), START_US)
    reply = await server.ask(CLIP, headers={"Range": "bytes=99999999-"}, **WINDOW)
    total = (await server.ask(CLIP, method="HEAD", **WINDOW)).headers["Content-Length"]
    assert (reply.status, reply.headers["Content-Range"]) == (416, f"bytes */{total}")
    assert reply.json["where"] == "Range"


async def test_sealed_media_is_the_file_and_is_asked_for_again_before_it_is_shown_again(
    server: Server, house: House
) -> None:
    house.record(stream(), START_US)
    table = await server.json("/api/channels/1/fragments", from_us=START_US, to_us=START_US + US_PER_S)
    chunk = table["chunks"][0]
    data = (house.folder / "volume" / house.names()[0]).read_bytes()
    reply = await server.ask(chunk["media_url"])
    assert reply.body == data
    assert reply.headers["Cache-Control"] == "private, no-cache"
    part = await server.ask(chunk["media_url"], headers={"Range": "bytes=100-199"})
    assert (part.status, part.body) == (206, data[100:200])
    head = await server.ask(chunk["media_url"], method="HEAD")
    assert (head.body, head.headers["Content-Length"]) == (b"", str(len(data)))
    init = await server.ask(chunk["init_url"])
    assert data.startswith(init.body)
    assert init.headers["ETag"] != reply.headers["ETag"]


async def test_answers_without_a_body_leave_no_file_open(server: Server, house: House) -> None:
    house.record(stream(), START_US)
    table = await server.json("/api/channels/1/fragments", from_us=START_US, to_us=START_US + US_PER_S)
    url = table["chunks"][0]["media_url"]
    etag = (await server.ask(url)).headers["ETag"]
    before = open_files()
    for method, headers in (
        ("HEAD", {}),
        ("GET", {"If-None-Match": etag}),
        ("GET", {"Range": "bytes=999999-"}),
        ("GET", {}),
    ):
        await server.ask(url, method=method, headers=headers)
    async with asyncio.timeout(60):
        while open_files() > before:  # closed by a thread of the volume
            await asyncio.sleep(0)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_file_cut_short_breaks_the_connection_and_not_the_server(
    server: Server, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.record(stream(), START_US)
    table = await server.json("/api/channels/1/fragments", from_us=START_US, to_us=START_US + US_PER_S)
    path = house.folder / "volume" / house.names()[0]
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ClientPayloadError):
        await server.ask(table["chunks"][0]["media_url"])
    assert (await server.ask("/api/site")).status == 200
    assert not caplog.records


async def test_reader_that_goes_away_is_not_an_error(
    server: Server, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.record(stream(), START_US)
    table = await server.json("/api/channels/1/fragments", from_us=START_US, to_us=START_US + US_PER_S)
    path = house.folder / "volume" / house.names()[0]
    with path.open("ab") as file:  # more than the sockets hold, so that the server must wait for its reader
        file.truncate(64 << 20)
    house.writer.commit(Commit(garbage=tuple(house.index.chunks(MAIN, house.whole)[:1])))
    house.writer.commit_names([(name, size, 1) for name, size in house.volume.chunks()])
    async with server.session.get(server.url + table["chunks"][0]["media_url"]) as response:
        assert response.content_length == 64 << 20
        await response.content.readany()
        response.close()
    assert (await server.ask("/api/site")).status == 200
    assert not caplog.records
