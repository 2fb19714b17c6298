"""The picture of an instant as a JPEG: exactly the one that was on the screen then."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from nvr.errors import Denied, NotRecorded, StorageError
from nvr.media import Track
from nvr.timebase import US_PER_S, TimeRange, format_utc
from web.archive import Archive, StoredChunk
from web.auth import Action, Rights, rights_of
from web.decoder import Decoder
from web.footage import Footage, FootageReader
from web.picture_job import picture_job
from web.query import StillQuery
from web.reading import way_to
from web.route import Media, Route, route
from web.sending import REVALIDATED, Content, names, send
from web.still_cache import StillCache, StillName
from web.still_job import StillJob
from web.volume_threads import NoAnswer

HOLD_US = 100_000  # chosen: chunks of a run need not meet to the microsecond; the last picture stands so long
ARRIVAL_US = 10 * US_PER_S  # a camera that is silent for longer is reconnected (DESIGN section 3): nothing more comes
JPEG = "image/jpeg"


@dataclass(frozen=True, slots=True)
class _Found:
    """The sample that is shown at the instant."""

    footage: Footage
    index: int

    @property
    def shown_us(self) -> int:
        return int(self.footage.shown_us[self.index])


class StillRoom:
    """Finds samples and has them decoded.

    Args:
        archive: what exists.
        footage: reads the chunks' tables.
        decoder: decodes in a process of its own.
        cache: pictures that were decoded already; None: none is kept.
    """

    def __init__(self, archive: Archive, footage: FootageReader, decoder: Decoder, cache: StillCache | None) -> None:
        self._archive = archive
        self._footage = footage
        self._decoder = decoder
        self._cache = cache

    def routes(self) -> list[Route]:
        """The still."""
        return [
            route(
                "/api/channels/{channel}/still.jpg",
                self._send,
                asks=StillQuery,
                answers=Media(JPEG, ranges=True),
                action=Action.VIEW_RECORDED,
                summary="The picture of an instant",
            )
        ]

    def sweep(self) -> None:
        """Remove the cached pictures of footage that is gone: what retention deleted must not live on here.

        Raises:
            StorageError: the index cannot be read; nothing was removed.
        """
        if self._cache is not None:
            self._cache.sweep(lambda name: self._archive.find_indexed(*name.chunk) is not None)

    async def _send(self, asked: StillQuery, request: web.Request) -> web.StreamResponse:
        try:
            content = await self._content(asked, request)
        except NoAnswer:
            raise  # nor will it answer now
        except StorageError:  # what grows is sealed, and so renamed, under our hands now and then: look again
            content = await self._content(asked, request)
        return await send(request, content)

    async def _content(self, asked: StillQuery, request: web.Request) -> Content:
        found = await asyncio.to_thread(self._find, asked)
        if asked.picture == "key" and not _rights(asked, request).cover(TimeRange(found.shown_us, asked.at_us + 1)):
            raise Denied("the picture before it that can be decoded alone is of a time that you may not see")
        chunk = found.footage.chunk
        # The numbers name the picture: a decoder of another version may give other bytes, but no other picture.
        etag = f"{chunk.track.id:x}-{chunk.run:x}-{chunk.sequence:x}-{found.index:x}-{asked.width or 0:x}"
        headers = {"Cache-Control": REVALIDATED, "X-Picture-Time-Us": str(found.shown_us)}
        jpeg = b""
        if not names(request.headers.get("If-None-Match", ""), etag):
            jpeg = await self._picture(found, asked.width, flow=(request.remote, asked.picture))
        return Content(JPEG, (jpeg,), etag, headers)

    async def _picture(self, found: _Found, width: int | None, flow: tuple[str | None, str]) -> bytes:
        """From the cache, or decoded and put there. What grows is not kept: its numbers name it, its start may move."""
        chunk = found.footage.chunk
        cache = self._cache if chunk.sealed else None
        name = StillName(chunk.track, chunk.start_us, chunk.run, chunk.sequence, found.index, width or 0)
        jpeg = await asyncio.to_thread(cache.get, name) if cache is not None else None
        if jpeg is None:
            job = await asyncio.to_thread(self._job, found, width)
            jpeg = await self._decoder.picture(job, flow)
            if cache is not None:
                await asyncio.to_thread(cache.put, name, jpeg)
        return jpeg

    def _find(self, asked: StillQuery) -> _Found:
        found = self._shown_at(asked.track_asked, asked.at_us, asked.take)
        if asked.picture == "exact":
            return found
        first = way_to(self._footage, found.footage, found.index)[0]
        return _Found(first.footage, first.first)

    def _job(self, found: _Found, width: int | None) -> StillJob:
        return picture_job(self._archive, way_to(self._footage, found.footage, found.index), width)

    def _shown_at(self, track: Track, at_us: int, take: int | None) -> _Found:
        self._archive.require(track)
        followed = False
        near = TimeRange(max(0, at_us - HOLD_US), at_us + HOLD_US)
        for chunk in reversed(self._archive.chunks(track, near, take=take)):
            footage = self._footage.read(chunk)
            held_us = HOLD_US if followed or self._is_over(chunk) else 0
            if len(footage.samples) and int(footage.shown_us.min()) <= at_us < footage.chunk.end_us + held_us:
                return self._latest(footage, at_us)
            followed = True
        raise NotRecorded("nothing was recorded at this instant", where=f"{track} at {format_utc(at_us)}")

    def _latest(self, footage: Footage, at_us: int) -> _Found:
        """The last picture shown: with B-frames those of two chunks take turns where a group of pictures was cut."""
        found = [_Found(footage, footage.shown_at(at_us))]
        if footage.picture.reorder_frames == 0:
            return found[0]
        before = self._footage.before(footage) if footage.begins_in_group else None
        after = self._footage.after(footage) if at_us > footage.chunk.end_us - US_PER_S else None
        if before is not None:
            found.append(_Found(before, before.shown_at(at_us)))
        if after is not None and after.begins_in_group:
            found.append(_Found(after, after.shown_at(at_us)))
        return max((one for one in found if one.shown_us <= at_us), key=lambda one: one.shown_us, default=found[0])

    def _is_over(self, chunk: StoredChunk) -> bool:
        """Whether nothing more comes behind a chunk: else the picture of an instant behind it may be on its way."""
        return chunk.sealed and self._archive.clock.wall_us() - chunk.end_us > ARRIVAL_US


def _rights(asked: StillQuery, request: web.Request) -> Rights:
    return rights_of(request, Action.VIEW_RECORDED, asked.channel)
