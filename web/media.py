"""Chunk files as they lie on disk: the init segment, and byte ranges by sendfile.

A sealed chunk never changes, but its footage is deleted one day and rights are taken away: browsers may keep it and ask
each time whether they still may show it. The growing one is readable up to what is committed.
"""

import asyncio

from aiohttp import web

from nvr.errors import NotRecorded
from web.archive import Archive, StoredChunk
from web.auth import Action, May, demand, user_of
from web.footage import FootageReader
from web.query import MediaQuery
from web.route import Media, Route, route
from web.sending import NOT_KEPT, REVALIDATED, Content, FilePart, send

MP4 = "video/mp4"
SEALED = {"Cache-Control": REVALIDATED}
GROWING = {"Cache-Control": NOT_KEPT}
_PATH = "/media/{channel}/{track}/{start_us}-{run}-{sequence}/"


def media_url(chunk: StoredChunk) -> str:
    """Where a chunk's bytes are served."""
    return chunk_path(chunk) + "media.mp4"


def init_url(chunk: StoredChunk) -> str:
    """Where a chunk's init segment is served."""
    return chunk_path(chunk) + "init.mp4"


def chunk_path(chunk: StoredChunk) -> str:
    """The folder, as it were, of a chunk's addresses."""
    numbers = f"{chunk.start_us}-{chunk.run}-{chunk.sequence}"
    return f"/media/{chunk.track.channel}/{chunk.track.kind.word}/{numbers}/"


class ChunkFinder:
    """Finds the chunk that a request names by its numbers.

    Args:
        archive: where to look.
        may: asked again once the chunk's time is known.
    """

    def __init__(self, archive: Archive, may: May) -> None:
        self._archive = archive
        self._may = may

    async def find(self, asked: MediaQuery, request: web.Request) -> StoredChunk:
        """A row of the index within microseconds, else among the files that are not indexed yet.

        Raises:
            NotRecorded: there is no such chunk any more.
            Denied: the user may not see what was recorded then.
        """
        numbers = (asked.track_asked, asked.start_us, asked.run, asked.sequence)
        chunk = self._archive.find_indexed(*numbers) or await asyncio.to_thread(self._archive.find, *numbers)
        if chunk is None:
            hint = "it was deleted as planned, or the address is old: ask for the fragments again"
            raise NotRecorded("there is no such chunk", where=str(asked.track_asked), hint=hint)
        demand(self._may, user_of(request), Action.VIEW_RECORDED, asked.channel, chunk.time)
        return chunk


class MediaRoom:
    """Serves chunk files.

    Args:
        archive: opens them.
        footage: reads init segments.
        finder: finds chunks by their numbers.
    """

    def __init__(self, archive: Archive, footage: FootageReader, finder: ChunkFinder) -> None:
        self._archive = archive
        self._footage = footage
        self._finder = finder

    def routes(self) -> list[Route]:
        """Init segment and media."""
        return [
            route(
                _PATH + "init.mp4",
                self._send_init,
                asks=MediaQuery,
                answers=Media(MP4, ranges=True),
                action=Action.VIEW_RECORDED,
                summary="A chunk's init segment (ftyp and moov)",
            ),
            route(
                _PATH + "media.mp4",
                self._send_media,
                asks=MediaQuery,
                answers=Media(MP4, ranges=True),
                action=Action.VIEW_RECORDED,
                summary="A chunk file, whole or a byte range",
            ),
        ]

    async def _send_init(self, asked: MediaQuery, request: web.Request) -> web.StreamResponse:
        chunk = await self._finder.find(asked, request)
        footage = await asyncio.to_thread(self._footage.read, chunk)
        tag = f"{etag_of(chunk)}-init" if chunk.sealed else ""
        kept = SEALED if chunk.sealed else GROWING
        return await send(request, Content(MP4, (footage.init_segment,), tag, kept))

    async def _send_media(self, asked: MediaQuery, request: web.Request) -> web.StreamResponse:
        chunk = await self._finder.find(asked, request)
        # Opened here, so that a missing file is an answer and not a broken connection.
        file = await asyncio.to_thread(self._archive.opened, chunk)
        with file:
            part = FilePart(lambda: file, 0, chunk.readable_bytes)
            kept = SEALED if chunk.sealed else GROWING
            return await send(request, Content(MP4, (part,), etag_of(chunk), kept))


def etag_of(chunk: StoredChunk) -> str:
    """Track, run and sequence name a sealed chunk for ever; a growing one has no validator that would hold."""
    return f"{chunk.track.id:x}-{chunk.run:x}-{chunk.sequence:x}-{chunk.readable_bytes:x}" if chunk.sealed else ""
