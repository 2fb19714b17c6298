"""Connections over real sockets: how many there may be, and when those end that are of no use."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from nvr.codec.nal import length_prefixed
from nvr.timebase import US_PER_S, TimeRange
from tests.manual_clock import ManualClock
from tests.web.archive import START_US, House
from tests.web.conftest import open_server
from tests.web.pictures import Stream, stream
from tests.web.server import Server
from web.auth import Action, May, User, may
from web.connection import STALLED_US, Limits
from web.log_limit import LINES_A_MINUTE

SOON_S = 60.0
SMALL = 4096
SITE = b"GET /api/site HTTP/1.1\r\nHost: localhost\r\n\r\n"
LIVE = (
    b"GET /api/channels/1/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@dataclass
class Peer:
    """Who connects, byte for byte."""

    link: socket.socket
    got: bytes = b""

    async def say(self, words: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.link, words)

    async def more(self, most: int = 1 << 16) -> bytes:
        """What has come; empty: the server has ended the connection."""
        async with asyncio.timeout(SOON_S):
            try:
                piece = await asyncio.get_running_loop().sock_recv(self.link, most)
            except ConnectionError:
                piece = b""
        self.got += piece
        return piece

    async def rest(self) -> bytes:
        """All that comes until the server ends the connection."""
        while await self.more():
            pass
        return self.got

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer."""
        while b"\r\n\r\n" not in self.got:
            assert await self.more(), "ended"
        head, _, self.got = self.got.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        size = int(headers.get("Content-Length", 0))
        while len(self.got) < size:
            assert await self.more(), "ended"
        body, self.got = self.got[:size], self.got[size:]
        return int(first.split()[1]), headers, body


class Serving:
    """Servers and those who connect to them, until the test ends."""

    def __init__(self, stack: AsyncExitStack, house: House) -> None:
        self.stack = stack
        self.house = house

    async def server(self, limits: Limits = Limits(), question: May = may) -> Server:  # noqa: B008 - frozen
        return await open_server(self.stack, self.house, question, self.house.folder / "static", limits=limits)

    async def peer(self, server: Server, said: bytes = b"", buffer_bytes: int = 0) -> Peer:
        """One who has said this; with a small buffer the server notices soon that nobody reads."""
        host, port = server.url.removeprefix("http://").split(":")
        peer = Peer(self.stack.enter_context(socket.socket()))
        if buffer_bytes:
            peer.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        peer.link.setblocking(False)
        await asyncio.get_running_loop().sock_connect(peer.link, (host, int(port)))
        await peer.say(said)
        return peer


@pytest.fixture
async def serving(house: House) -> AsyncIterator[Serving]:
    async with AsyncExitStack() as stack:
        yield Serving(stack, house)


@pytest.mark.parametrize("said", [b"", b"GET /api/site HT", SITE[:-2], SITE])
async def test_connection_that_asks_nothing_is_ended(serving: Serving, said: bytes) -> None:
    """Silent from the start, before the end of its headers, or after its answer."""
    peer = await serving.peer(await serving.server(Limits(idle_s=0.05)), said)
    assert (await peer.rest()).startswith(b"HTTP/1.1 200" if said == SITE else b"")


async def test_headers_that_come_byte_by_byte_are_not_waited_for(serving: Serving) -> None:
    peer = await serving.peer(await serving.server(Limits(idle_s=0.05)), SITE[:-2])
    over = asyncio.create_task(peer.rest())
    while not over.done():
        with suppress(ConnectionError):
            await peer.say(b"x")
        await asyncio.sleep(0)
    assert over.result() == b""


async def test_idle_connection_makes_room_for_the_next(serving: Serving) -> None:
    server = await serving.server(Limits(total=3))
    first, second, _ = [await serving.peer(server) for _ in range(3)]
    assert (await (await serving.peer(server, SITE)).answer())[0] == 200
    assert await first.rest() == b""
    await second.say(SITE)
    assert (await second.answer())[0] == 200, "the oldest alone had to go"


async def test_connection_beyond_the_limit_is_refused_in_words_while_all_are_in_use(serving: Serving) -> None:
    server = await serving.server(Limits(per_address=3))
    viewers = [await serving.peer(server, LIVE) for _ in range(3)]
    for viewer in viewers:
        assert (await viewer.answer())[0] == 101
    with capture_logs() as lines:
        for _ in range(4 * LINES_A_MINUTE):
            status, headers, body = await (await serving.peer(server)).answer()
            assert (status, set(json.loads(body))) == (503, {"error", "where", "hint"})
            assert (headers["Server"], headers["Connection"]) == ("nvr", "close")
    assert len(lines) == LINES_A_MINUTE
    viewers[0].link.close()
    async with asyncio.timeout(SOON_S):
        while (await (await serving.peer(server, SITE)).answer())[0] != 200:
            pass


def bulky() -> Stream:
    """A stream of 8 MB: behind each picture stands a NAL unit of filler data (type 12)."""
    source = stream()
    units = (replace(unit, data=unit.data + length_prefixed(b"\x0c" + bytes(80_000))) for unit in source.units)
    return replace(source, units=tuple(units))


async def media(serving: Serving, server: Server, source: Stream) -> tuple[bytes, int]:
    """A request for a file, and how long the file is."""
    serving.house.record(source, START_US, groups_a_chunk=4)
    table = await server.json("/api/channels/1/fragments", from_us=START_US, to_us=START_US + US_PER_S)
    url = table["chunks"][0]["media_url"]
    size = int((await server.ask(url, "HEAD")).headers["Content-Length"])
    return f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), size


async def test_reader_that_takes_nothing_is_ended_with_what_it_did_not_take(
    serving: Serving, clock: ManualClock, tmp_path: Path
) -> None:
    server = await serving.server(Limits(look_s=0.01))
    request, size = await media(serving, server, bulky())
    peer = await serving.peer(server, request, SMALL)
    assert await peer.more(1)
    clock.advance(STALLED_US - US_PER_S)
    assert (await server.ask("/api/site")).status == 200, "the others notice nothing"
    assert opened(tmp_path, ".mp4") >= 1, "and it may still come back"
    await until_let_go(tmp_path, ".mp4", 0, clock)
    assert len(await peer.rest()) < size


async def test_viewer_that_takes_nothing_is_ended(serving: Serving, clock: ManualClock, tmp_path: Path) -> None:
    server, source = await serving.server(Limits(look_s=0.01)), bulky()
    growing = serving.house.begin(source, START_US, source.units)
    growing.append(1)
    peer = await serving.peer(server, LIVE, SMALL)
    assert (await peer.answer())[0] == 101
    growing.append_all()
    while opened(tmp_path, ".part") == 1:  # the recorder's own
        await asyncio.sleep(0)
    await until_let_go(tmp_path, ".part", 1, clock)


async def test_reader_that_is_slow_but_reads_gets_all(serving: Serving, clock: ManualClock) -> None:
    server = await serving.server(Limits(look_s=0.01))
    request, size = await media(serving, server, stream())
    peer = await serving.peer(server, request, SMALL)
    while len(peer.got) < size:
        assert await peer.more(16 << 10)
        clock.advance(US_PER_S)


@pytest.mark.parametrize(
    "said",
    [
        b"\0\1\2\3\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"G<T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: x\r\n" * 200 + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_is_no_request_is_answered_in_words_with_the_headers(serving: Serving, said: bytes) -> None:
    peer = await serving.peer(await serving.server(), said)
    with capture_logs() as lines:
        status, headers, body = await peer.answer()
    assert (status, set(json.loads(body))) == (400, {"error", "where", "hint"})
    assert (headers["Server"], headers["X-Content-Type-Options"]) == ("nvr", "nosniff")
    assert lines == [], "whoever sends rubbish must not fill the log"


async def test_request_that_fails_unexpectedly_is_500_in_words_and_logged_sparingly(
    serving: Serving,
) -> None:
    def question(_user: User, action: Action, _channel: int | None, _instant: TimeRange | None) -> bool:
        return bool(1 // (action is not Action.SEE_SITE))

    server = await serving.server(question=question)
    with capture_logs() as lines:
        for _ in range(4 * LINES_A_MINUTE):
            reply = await server.ask("/api/site")
            assert (reply.status, set(reply.json)) == (500, {"error", "where", "hint"})
            assert (reply.headers["Server"], reply.headers["Cache-Control"]) == ("nvr", "no-store")
    assert len(lines) == LINES_A_MINUTE
    assert (await server.ask("/api/channels")).status == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x"])
async def test_compressed_body_is_refused_unread(serving: Serving, encoding: str) -> None:
    server = await serving.server()
    said = {"Content-Type": "application/json", "Content-Encoding": encoding}
    reply = await server.session.post(f"{server.url}/api/channels/1/bookmarks?at_us=1", data=b"{}", headers=said)
    assert (reply.status, set(await reply.json())) == (400, {"error", "where", "hint"})


def opened(folder: Path, ending: str) -> int:
    """How often this process has a chunk file below a folder open whose name ends so."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            target = link.readlink()
            found += target.is_relative_to(folder) and target.name.endswith(ending)
    return found


async def until_let_go(folder: Path, ending: str, left: int, clock: ManualClock) -> None:
    """Until an answer's or a viewer's file is closed, while time goes by."""
    async with asyncio.timeout(SOON_S):
        while opened(folder, ending) > left:
            clock.advance(US_PER_S)
            await asyncio.sleep(0.01)
