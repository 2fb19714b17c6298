"""``clip.mp4``: a window as one plain MP4, laid out on request, sent from the chunk files, never stored."""

import asyncio
from collections import OrderedDict
from functools import partial
from hashlib import sha256
from zoneinfo import ZoneInfo

from aiohttp import web

from nvr.codec.movie import progressive_head
from nvr.errors import NotRecorded
from nvr.media import Track
from nvr.timebase import TimeRange, utc
from web.archive import Archive
from web.auth import Action
from web.camera_names import for_file, name_at
from web.clip_plan import ClipPlan, plan
from web.footage import FootageReader
from web.media import MP4
from web.query import ClipQuery
from web.route import Media, Route, route
from web.sending import Content, FilePart, Piece, send

CACHE_BYTES = 64 << 20  # chosen: heads of some three whole days; a browser asks for many ranges of one clip
BUILDS = 1  # at once: a day's tables take half a second of one core


class ClipRoom:
    """Lays out clips and sends them.

    Args:
        archive: what exists.
        footage: reads the chunks' tables.
        timezone: in which file names tell the time.
    """

    def __init__(self, archive: Archive, footage: FootageReader, timezone: str) -> None:
        self._archive = archive
        self._footage = footage
        self._zone = ZoneInfo(timezone)
        self._kept: OrderedDict[object, Content] = OrderedDict()
        self._building = asyncio.Semaphore(BUILDS)

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
        return await send(request, await self.content(asked))

    async def content(self, asked: ClipQuery) -> Content:
        """A clip, laid out.

        Raises:
            NotRecorded: there is nothing of it.
        """
        async with self._building:
            return await asyncio.to_thread(self._content, asked)

    def _content(self, asked: ClipQuery) -> Content:
        self._archive.require(asked.track_asked)
        chunks = tuple(self._archive.chunks(asked.track_asked, asked.window))
        key = (asked, chunks)
        content = self._kept.get(key)
        if content is None:
            if not chunks:
                raise NotRecorded("nothing was recorded in this range", where=str(asked.track_asked))
            clip = plan([self._footage.read(chunk) for chunk in chunks], asked.window)
            content = self._layout(clip, asked.track_asked)
            self._kept[key] = content
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(map(_head_bytes, self._kept.values())) > CACHE_BYTES:
            self._kept.popitem(last=False)
        return content

    def _layout(self, clip: ClipPlan, track: Track) -> Content:
        head = progressive_head(clip.movie, clip.payload_bytes)
        pieces: list[Piece] = [head]
        pieces += [FilePart(partial(self._archive.opened, s.chunk), s.offset, s.end - s.offset) for s in clip.spans]
        headers = {
            "Cache-Control": "private, no-cache",
            "Content-Disposition": f'attachment; filename="{self._name(clip, track)}"',
            "X-Clip-Start-Us": str(clip.start_us),
            "X-Clip-End-Us": str(clip.end_us),
        }
        return Content(MP4, pieces, _etag(head, clip), headers)

    def _name(self, clip: ClipPlan, track: Track) -> str:
        local = utc(clip.start_us).astimezone(self._zone).strftime("%Y%m%d-%H%M%S%z")
        name = for_file(name_at(self._archive, track, TimeRange(clip.start_us, clip.end_us)))
        return f"channel-{track.channel:02d}-{name}{'-' if name else ''}{track.kind.word}-{local}.mp4"


def _head_bytes(content: Content) -> int:
    return sum(len(piece) for piece in content.pieces if isinstance(piece, bytes))


def _etag(head: bytes, clip: ClipPlan) -> str:
    """Head and the identity of every payload byte: two clips with this tag are the same, byte for byte."""
    digest = sha256(head)
    for span in clip.spans:
        chunk = span.chunk
        digest.update(f"{chunk.track.id} {chunk.run} {chunk.sequence} {span.offset} {span.end}\n".encode())
    return digest.hexdigest()[:32]
