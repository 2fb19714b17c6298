"""Live pictures: fragments as they are committed, over a real WebSocket, from a file that really grows."""

import asyncio
import io
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType

from nvr.capture.report import TrackState
from nvr.codec.bmff import parse_moof
from nvr.media import Codec, GapReason
from nvr.timebase import US_PER_S, us_from_90k
from tests.manual_clock import ManualClock
from tests.web.archive import MAIN, START_US, Growing, House, groups
from tests.web.pictures import shown, stream
from tests.web.server import Server
from web.live import Follower

LIVE = "/api/channels/1/live"
SOON_S = 10.0


@dataclass
class Watching:
    """A viewer: keeps what it was sent."""

    socket: ClientWebSocketResponse
    texts: list[Any] = field(default_factory=list)
    inits: list[bytes] = field(default_factory=list)
    fragments: list[tuple[int, bytes]] = field(default_factory=list)  # which init each belongs to

    async def until(self, count: int) -> None:
        """Receive until so many fragments have come in all."""
        while len(self.fragments) < count:
            message = await self.socket.receive(timeout=SOON_S)
            if message.type is WSMsgType.TEXT:
                self.texts.append(message.json())
                if self.texts[-1]["type"] == "init":
                    self.inits.append((await self.socket.receive(timeout=SOON_S)).data)
            else:
                assert message.type is WSMsgType.BINARY
                self.fragments.append((len(self.inits) - 1, message.data))

    async def text(self, kind: str) -> Any:
        """The next text of this kind."""
        while True:
            message = await self.socket.receive(timeout=SOON_S)
            if message.type is WSMsgType.TEXT and message.json()["type"] == kind:
                return message.json()

    def facts(self) -> list[Any]:
        return [text for text in self.texts if text["type"] == "init"]

    def pictures(self) -> list[tuple[int, int]]:
        """Number and wall time of each picture received."""
        found = []
        for number, (facts, init) in enumerate(zip(self.facts(), self.inits, strict=True)):
            media = init + b"".join(data for chunk, data in self.fragments if chunk == number)
            found += [(n, facts["start_us"] + round(time_s * US_PER_S)) for n, time_s in shown(io.BytesIO(media))]
        return found


@pytest.mark.parametrize(("codec", "b_frames"), [(Codec.H264, 0), (Codec.H264, 2), (Codec.H265, 2)])
async def test_viewer_gets_every_fragment_across_chunks_at_its_time(
    server: Server, house: House, codec: Codec, b_frames: int
) -> None:
    source = stream(codec=codec, b_frames=b_frames)
    first = house.begin(source, START_US, groups(source, 0, 2))
    first.append(3)  # a whole group: the viewer joins at its sync sample
    async with server.session.ws_connect(server.url + LIVE, max_msg_size=0) as socket:
        viewer = Watching(socket)
        await viewer.until(3)
        writing = asyncio.get_running_loop().run_in_executor(None, record_rest, house, first)
        await viewer.until(12)
        await writing
        assert [number for number, _ in viewer.pictures()] == list(range(100))
        for number, time_us in viewer.pictures():
            assert abs(time_us - (START_US + number * 40_000)) <= 1
        assert [(facts["run"], facts["sequence"]) for facts in viewer.facts()] == [(1, 1), (1, 2)]
        assert viewer.facts()[0]["width"] == 320
        assert "skip" not in [text["type"] for text in viewer.texts]


def record_rest(house: House, first: Growing) -> None:
    """The rest of the first chunk, its seal, and the next chunk, as the recorder's disk thread would."""
    for _ in range(3):
        first.append()
    first.seal()
    second = house.begin(first.stream, first.end_us, groups(first.stream, 2, 2), sequence=2)
    for _ in range(6):
        second.append()


async def test_viewer_joins_at_newest_sync_sample(server: Server, house: House) -> None:
    source = stream()
    growing = house.begin(source, START_US, source.units)
    growing.append(8)  # two groups and two fragments of the third
    async with server.session.ws_connect(server.url + LIVE) as socket:
        viewer = Watching(socket)
        await viewer.until(2)
        assert [number for number, _ in viewer.pictures()] == list(range(50, 70))
        assert parse_moof(viewer.fragments[0][1]).decode_90k == 50 * 3600


async def test_viewer_is_told_why_there_is_nothing_and_when_there_is(
    server: Server, house: House, clock: ManualClock
) -> None:
    house.post(MAIN, TrackState.WAITING, reason=GapReason.AUTHENTICATION, message="the camera refuses the password")
    async with server.session.ws_connect(server.url + LIVE) as socket:
        viewer = Watching(socket)
        assert await viewer.text("state") == {
            "type": "state",
            "state": "waiting",
            "reason": "authentication",
            "message": "the camera refuses the password",
        }
        source = stream()
        house.begin(source, START_US, source.units).append(3)
        clock.advance(US_PER_S)  # the state is looked at twice a second
        house.beat()
        await viewer.until(3)
        assert [text["state"] for text in viewer.texts if text["type"] == "state"] == ["recording"]


async def test_new_parameter_sets_come_with_a_new_init(server: Server, house: House) -> None:
    small, large = stream(), stream(size=(480, 272), first=100)
    first = house.begin(small, START_US, groups(small, 0, 1))
    first.append_all()
    async with server.session.ws_connect(server.url + LIVE) as socket:
        viewer = Watching(socket)
        await viewer.until(3)
        first.seal()
        second = house.begin(large, first.end_us + 5 * US_PER_S, groups(large, 0, 1), run=2)
        second.append_all()
        await viewer.until(6)
        assert [facts["width"] for facts in viewer.facts()] == [320, 480]
        assert [number for number, _ in viewer.pictures()] == [*range(25), *range(100, 125)]


async def test_watching_is_told_to_the_recorder(server: Server, house: House, clock: ManualClock) -> None:
    source = stream()
    house.begin(source, START_US, source.units).append(3)
    assert house.board.watched(clock.wall_us()) == set()
    async with server.session.ws_connect(server.url + LIVE) as socket:
        await Watching(socket).until(3)
        assert house.board.watched(clock.wall_us() + 4 * US_PER_S) == {MAIN}
        assert house.board.watched(clock.wall_us() + 6 * US_PER_S) == set()


async def test_slow_viewer_is_taken_forward_to_the_newest_sync_sample(server: Server, house: House) -> None:
    source = stream(pictures=250)
    growing = house.begin(source, START_US, source.units)
    growing.append(3)
    async with server.session.ws_connect(server.url + LIVE) as socket:
        viewer = Watching(socket)
        await viewer.until(3)
        growing.append(22)  # at once: more than 3 s, as after a stalled connection
        await viewer.until(4)
        assert viewer.texts[-1] == {"type": "skip"}
        assert len(viewer.inits) == 1
        later = parse_moof(viewer.fragments[3][1])
        assert later.sync[0]
        assert us_from_90k(later.decode_90k) == 8 * US_PER_S


async def test_server_that_stops_says_goodbye(server: Server, house: House) -> None:
    async with server.session.ws_connect(server.url + LIVE) as socket:
        await Watching(socket).text("state")
        await server.app.shutdown()
        message = await socket.receive(timeout=SOON_S)
        assert (message.type, message.data) == (WSMsgType.CLOSE, WSCloseCode.GOING_AWAY)


def test_follower_outlives_a_file_that_is_sealed_between_board_and_open(house: House) -> None:
    source = stream()
    growing = house.begin(source, START_US, groups(source, 0, 2))
    growing.append_all()
    board_says = house.board.track(MAIN)
    growing.seal(index=False)
    assert board_says is not None
    house.board.post([board_says])  # what a reader saw just before the seal
    news = Follower(house.archive(), MAIN).look()
    assert news.facts is not None
    assert [span.sync_start for span in news.spans] == [True, False, False]


def test_follower_finishes_a_chunk_before_the_next(house: House) -> None:
    source = stream()
    follower = Follower(house.archive(), MAIN)
    first = house.begin(source, START_US, groups(source, 0, 2))
    first.append(3)
    assert len(follower.look().spans) == 3
    first.append(3)
    first.seal()
    second = house.begin(source, first.end_us, groups(source, 2, 2), sequence=2)
    second.append(3)
    assert [span.decode_90k for span in follower.look().spans] == [90_000, 126_000, 162_000]
    news = follower.look()
    assert news.facts is not None
    assert news.facts.sequence == 2
    assert len(news.spans) == 3
    second.append(3)
    second.seal()
    assert len(follower.look().spans) == 3
    assert follower.look().spans == []
    follower.close()
