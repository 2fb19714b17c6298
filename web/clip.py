"""``clip.mp4``: a window as one plain MP4, laid out on request, sent from the chunk files, never stored."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from zoneinfo import ZoneInfo

from aiohttp import web

from nvr.codec.movie import progressive_head
from nvr.errors import NotRecorded
from nvr.media import Gap
from nvr.timebase import TimeRange, utc
from web.archive import Archive
from web.auth import Action
from web.camera_names import for_file, name_at
from web.clip_plan import ClipPlan, plan
from web.media import MP4
from web.narrowing import narrowed
from web.query import ClipQuery
from web.reading import Reading, WindowReader
from web.route import Media, Route, route
from web.sending import Content, FilePart, Piece, send
from web.timeline import merged
from web.turns import Turns

CACHE_BYTES = 64 << 20  # chosen: heads of some three whole days; a browser asks for many ranges of one clip
BUILDS = 1  # at once: a day's tables take half a second of one core


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A clip, ready to be sent, and what is missing in it though it was recorded."""

    content: Content
    name: str  # of its file
    time: TimeRange
    spans: tuple[tuple[int, int], ...]  # when it shows pictures
    missing: tuple[Gap, ...]


class ClipRoom:
    """Lays out clips and sends them.

    Args:
        archive: what exists.
        windows: reads what there is of a window.
        timezone: in which file names tell the time.
    """

    def __init__(self, archive: Archive, windows: WindowReader, timezone: str) -> None:
        self._archive = archive
        self._windows = windows
        self._zone = ZoneInfo(timezone)
        self._kept: OrderedDict[object, LaidOut] = OrderedDict()
        self._turns = Turns(BUILDS)  # fair between cameras

    def routes(self) -> list[Route]:
        """The clip."""
        return [
            route(
                "/api/channels/{channel}/clip.mp4",
                self._send,
                asks=ClipQuery,
                answers=Media(MP4, ranges=True),
                action=Action.VIEW_RECORDED,
                summary="A window as one MP4 file whose time is wall time",
            )
        ]

    async def _send(self, asked: ClipQuery, request: web.Request) -> web.StreamResponse:
        return await send(request, (await self.lay_out(await narrowed(self._windows, asked, request))).content)

    async def lay_out(self, asked: ClipQuery) -> LaidOut:
        """A clip of what can be read.

        Raises:
            NotRecorded: there is nothing of it.
            StorageError, IntegrityError: none of it can be read.
        """
        return await self._turns.in_thread(asked.channel, partial(self._lay_out, asked))

    def _lay_out(self, asked: ClipQuery) -> LaidOut:
        track = asked.track_asked
        self._archive.require(track)
        damaged = tuple(merged(self._archive.damaged(track, asked.window), asked.window))
        key = (asked, damaged, self._windows.files(track, asked.window, asked.take))
        laid_out = self._kept.get(key)
        if laid_out is None:
            reading = self._windows.read(track, asked.window, take=asked.take)
            reading.require()
            if not reading.shares:
                raise NotRecorded("nothing was recorded in this range", where=str(track))
            laid_out = self._kept[key] = self._made(plan(reading.shares, asked.window), asked, reading, damaged)
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(map(_head_bytes, self._kept.values())) > CACHE_BYTES:
            self._kept.popitem(last=False)
        return laid_out

    def _made(self, clip: ClipPlan, asked: ClipQuery, reading: Reading, damaged: Sequence[tuple[int, int]]) -> LaidOut:
        name = self._name(clip, asked)
        head = progressive_head(clip.movie, clip.payload_bytes)
        pieces: list[Piece] = [head]
        pieces += [FilePart(partial(self._archive.opened, s.chunk), s.offset, s.end - s.offset) for s in clip.spans]
        headers = {
            "Cache-Control": "private, no-cache",
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Clip-Start-Us": str(clip.start_us),
            "X-Clip-End-Us": str(clip.end_us),
            "X-Clip-Coarse": str(int(any(share.footage.is_coarse for share in reading.shares if not share.lead))),
            "X-Clip-Damaged-Us": str(sum(end_us - start_us for start_us, end_us in damaged)),
            "X-Clip-Unreadable-Us": str(sum(gap.end_us - gap.start_us for gap in reading.missing)),
        }
        content = Content(MP4, pieces, _etag(head, clip), headers)
        time = TimeRange(clip.start_us, clip.end_us)
        spans = merged([share.time for share in reading.shares if not share.lead], time)
        return LaidOut(content, name, time, tuple(spans), reading.missing)

    def _name(self, clip: ClipPlan, asked: ClipQuery) -> str:
        track, take = asked.track_asked, "" if asked.take is None else f"-take{asked.take}"
        local = utc(clip.start_us).astimezone(self._zone).strftime("%Y%m%d-%H%M%S%z")
        name = for_file(name_at(self._archive, track, TimeRange(clip.start_us, clip.end_us)))
        return f"channel-{track.channel:02d}-{name}{'-' if name else ''}{track.kind.word}-{local}{take}.mp4"


def _head_bytes(laid_out: LaidOut) -> int:
    return sum(len(piece) for piece in laid_out.content.pieces if isinstance(piece, bytes))


def _etag(head: bytes, clip: ClipPlan) -> str:
    """Head and the identity of every payload byte: two clips with this tag are the same, byte for byte."""
    digest = sha256(head)
    for span in clip.spans:
        chunk = span.chunk
        digest.update(f"{chunk.track.id} {chunk.run} {chunk.sequence} {span.offset} {span.end}\n".encode())
    return digest.hexdigest()[:32]
