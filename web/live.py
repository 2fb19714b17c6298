"""Live pictures: the growing chunk file, followed through the board and pushed over a WebSocket fragment by fragment.

One path through the same bytes as playback: what a viewer sees live is what is on the disk.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from aiohttp import WSCloseCode, web

from nvr.chunk import scan
from nvr.chunk.scan import FragmentSpan, Preamble
from nvr.chunk.source import ByteSource
from nvr.codec.parameters import describe
from nvr.errors import IntegrityError, NvrError, StorageError
from nvr.media import Track, TrackKind
from nvr.timebase import US_PER_S
from web.archive import Archive, StoredChunk
from web.auth import MAY, Action, user_of
from web.query import TrackQuery
from web.reply import encode
from web.route import Route, Socket, route
from web.status import state_of
from web.wire import LiveInit, LiveSkip, LiveState

POLL_S = 0.05  # DESIGN section 7
PING_S = 20.0
WATCH_US = 5 * US_PER_S  # how long the recorder is asked to deliver quickly
WATCH_AGAIN_US = 2 * US_PER_S
BEHIND_90K = 3 * 90_000  # chosen: a viewer 3 s behind is taken forward to the newest sync sample
STATE_EVERY_US = 500_000
ASK_AGAIN_US = 2 * US_PER_S  # chosen: a right that is taken away ends what is open within seconds
GOODBYE_S = 1.0  # chosen: a reader hears it within the round trip

T = TypeVar("T")


@dataclass(slots=True)
class _Tail:
    """One growing chunk file, opened, and how far it has been read."""

    chunk: StoredChunk
    source: ByteSource
    preamble: Preamble
    position: int  # of the next stamp

    def upto(self, end: int | None) -> list[FragmentSpan]:
        """The whole fragments from the position on."""
        found = scan.fragments(self.source, self.position, end=end, verify=False)
        spans = [scanned.span for scanned in found]
        if spans:
            self.position = spans[-1].end
        return spans


@dataclass(frozen=True, slots=True)
class News:
    """What has been written since the last look. ``facts`` and ``init_segment`` stand at the start of a chunk."""

    spans: list[FragmentSpan]
    facts: LiveInit | None = None
    init_segment: bytes = b""


NOTHING = News([])


class Follower:
    """Follows one track from chunk to chunk. Whatever reads blocks, and is called in a thread of the chunk's volume.

    Args:
        archive: tells which chunk grows, and opens it.
        track: what is followed.
    """

    def __init__(self, archive: Archive, track: Track) -> None:
        self._archive = archive
        self._track = track
        self._tail: _Tail | None = None
        self._finished: tuple[int, int] | None = None  # the chunk that was read to its end

    def where(self) -> int | None:
        """The volume where there may be something new; None: there is nothing. Reads no file, and does not block."""
        growing = self._archive.growing(self._track)
        if self._tail is None:
            is_new = growing is not None and growing.identity != self._finished
            return growing.volume if growing is not None and is_new else None
        chunk = self._tail.chunk
        if growing is not None and growing.identity == chunk.identity:
            return chunk.volume if growing.readable_bytes > self._tail.position else None
        return chunk.volume  # its end

    def look(self) -> News:
        """What is new. The first fragment of each chunk that is joined starts with a sync sample.

        Raises:
            StorageError, IntegrityError: the file cannot be read; the next look starts anew.
        """
        growing = self._archive.growing(self._track)
        if self._tail is not None:
            same = growing is not None and growing.identity == self._tail.chunk.identity
            spans = self._tail.upto(growing.readable_bytes if growing is not None and same else None)
            if spans or same:
                return News(spans)
            self._finished = self._tail.chunk.identity  # read to its end; another one grows, or will
            self.close()
        if growing is None or growing.identity == self._finished:
            return NOTHING
        return self._join(growing)

    def _join(self, growing: StoredChunk) -> News:
        """Open the chunk that grows: at its first sample if it goes on where we are, else at its newest sync sample."""
        run, sequence = growing.identity
        goes_on = self._finished == (run, sequence - 1)
        source = ByteSource(self._archive.open_file(growing), growing.path)
        try:
            preamble = scan.read_preamble(source)
            tail = _Tail(growing, source, preamble, len(preamble.data))
            spans = tail.upto(growing.readable_bytes)
            spans = spans if goes_on else newest(spans)
            facts = _facts(tail)
        except NvrError:
            source.close()
            raise
        if not spans:
            source.close()
            return NOTHING
        self._tail = tail
        return News(spans, facts, preamble.init_segment)

    def media(self, span: FragmentSpan) -> bytes:
        """Moof and mdat of a fragment that `look` gave last."""
        if self._tail is None:
            raise StorageError("the chunk was closed", where=str(self._track))
        return self._tail.source.read(span.moof_offset, span.end - span.moof_offset)

    def close(self) -> None:
        """Let the file go."""
        if self._tail is not None:
            self._tail.source.close()
            self._tail = None


def newest(spans: list[FragmentSpan]) -> list[FragmentSpan]:
    """The fragments from the last one that starts with a sync sample; none if there is no such."""
    starts = [number for number, span in enumerate(spans) if span.sync_start]
    return spans[starts[-1] :] if starts else []


def _facts(tail: _Tail) -> LiveInit:
    header = tail.preamble.header
    picture = describe(header.parameter_sets)
    return LiveInit(
        track="main" if header.track.kind is TrackKind.MAIN else "sub",
        codec=picture.codec_string,
        width=picture.width,
        height=picture.height,
        start_us=tail.chunk.start_us,
        composition_delay_90k=header.composition_delay_90k,
        run=header.run,
        sequence=header.sequence,
    )


class LiveRoom:
    """Serves live pictures.

    Args:
        archive: tells what grows.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._open: set[web.WebSocketResponse] = set()

    def routes(self) -> list[Route]:
        """The live socket."""
        return [
            route(
                "/api/channels/{channel}/live",
                self._serve,
                asks=TrackQuery,
                answers=Socket((LiveInit, LiveSkip, LiveState)),
                action=Action.VIEW_LIVE,
                summary="Live fragments over a WebSocket",
            )
        ]

    async def close(self) -> None:
        """Say goodbye to every viewer: the server stops. Who does not read does not hear it."""
        goodbyes = [socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server stops") for socket in self._open]
        if goodbyes:
            await asyncio.wait([asyncio.create_task(goodbye) for goodbye in goodbyes], timeout=GOODBYE_S)

    async def _serve(self, asked: TrackQuery, request: web.Request) -> web.StreamResponse:
        self._archive.require(asked.track_asked)
        socket = web.WebSocketResponse(heartbeat=PING_S, compress=False, max_msg_size=4096)
        await socket.prepare(request)
        self._open.add(socket)
        listener = asyncio.create_task(_listen(socket))
        viewer = Viewer(self._archive, asked.track_asked, socket)
        asked_us = self._archive.clock.monotonic_us()
        try:
            while not listener.done():
                now_us = self._archive.clock.monotonic_us()
                if now_us - asked_us >= ASK_AGAIN_US:
                    asked_us = now_us
                    if not self._may(request, asked):
                        await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"you may not see this any more")
                        break
                await viewer.turn()
                await asyncio.wait([listener], timeout=POLL_S)
        except ConnectionError:
            pass  # the viewer has gone: that is how all viewers end
        finally:
            viewer.close()
            listener.cancel()
            self._open.discard(socket)
        return socket

    @staticmethod
    def _may(request: web.Request, asked: TrackQuery) -> bool:
        return request[MAY](user_of(request), Action.VIEW_LIVE, asked.channel, None)


async def _listen(socket: web.WebSocketResponse) -> None:
    """Take what the viewer sends, answers to pings and the end above all; nothing of it means anything else."""
    async for _ in socket:
        pass


class Viewer:
    """One viewer of one track.

    Args:
        archive: tells state and chunks.
        track: what is watched.
        socket: where it goes.
    """

    def __init__(self, archive: Archive, track: Track, socket: web.WebSocketResponse) -> None:
        self._archive = archive
        self._track = track
        self._socket = socket
        self._follower = Follower(archive, track)
        self._state: LiveState | None = None
        self._state_due_us = 0
        self._watch_due_us = 0
        self._volume = 0  # where the follower reads

    async def turn(self) -> None:
        """One look at the board, and whatever is new to the viewer."""
        now_us = self._archive.clock.monotonic_us()
        if now_us >= self._watch_due_us:
            self._watch_due_us = now_us + WATCH_AGAIN_US
            until_us = self._archive.clock.wall_us() + WATCH_US
            await asyncio.to_thread(self._archive.board().watch, self._track, until_us)
        if now_us >= self._state_due_us:
            self._state_due_us = now_us + STATE_EVERY_US
            await self._tell_state()
        try:
            await self._follow()
        except (StorageError, IntegrityError):  # renamed, deleted or damaged under our hands, or the disk is silent
            self.close()
            self._follower = Follower(self._archive, self._track)  # the old one may be in the hands of a stuck thread

    async def _follow(self) -> None:
        volume = self._follower.where()
        if volume is not None:
            self._volume = volume
            await self._send(await self._on_disk(self._follower.look))

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await self._archive.disks.run(self._volume, work)

    async def _tell_state(self) -> None:
        board = self._archive.board()
        state = state_of(board.recorder(), board.track(self._track), self._archive.clock.wall_us())
        if state != self._state:
            self._state = state
            await self._socket.send_str(encode(state).decode())

    async def _send(self, news: News) -> None:
        spans = news.spans
        if news.facts is not None:
            await self._socket.send_str(encode(news.facts).decode())
            await self._socket.send_bytes(news.init_segment)
        if sum(span.duration_90k for span in spans) > BEHIND_90K and (later := newest(spans)) not in ([], spans):
            spans = later
            await self._socket.send_str(encode(LiveSkip()).decode())
        for span in spans:
            await self._socket.send_bytes(await self._on_disk(partial(self._follower.media, span)))

    def close(self) -> None:
        """Let the file go, when its disk answers."""
        self._archive.disks.later(self._volume, self._follower.close)
