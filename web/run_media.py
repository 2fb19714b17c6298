"""The files of a run one behind the other at one address, for groups of pictures that reach over several of them."""

import asyncio
from collections.abc import Sequence
from functools import partial

from aiohttp import web

from web.archive import Archive, StoredChunk
from web.auth import Action, May, demand, user_of
from web.footage import FootageReader
from web.media import MP4, ChunkFinder, chunk_path
from web.query import MediaQuery
from web.reading import LEAD_US
from web.route import Media, Route, route
from web.sending import NOT_KEPT, Content, FilePart, send


def run_url(chunk: StoredChunk) -> str:
    """Where a chunk's bytes are served, and behind them those of the chunks that continue it."""
    return chunk_path(chunk) + "run.mp4"


class RunMediaRoom:
    """Serves the bytes of a chunk and of those that continue it. No player plays them: a decoder takes single samples.

    Args:
        archive: opens them.
        footage: knows what continues what.
        finder: finds chunks by their numbers.
        may: asked for every chunk.
    """

    def __init__(self, archive: Archive, footage: FootageReader, finder: ChunkFinder, may: May) -> None:
        self._archive = archive
        self._footage = footage
        self._finder = finder
        self._may = may

    def routes(self) -> list[Route]:
        """The bytes."""
        return [
            route(
                "/media/{channel}/{track}/{start_us}-{run}-{sequence}/run.mp4",
                self._send,
                asks=MediaQuery,
                answers=Media(MP4, ranges=True),
                action=Action.VIEW_RECORDED,
                summary="A chunk file and those that continue it one behind the other, for byte ranges of samples",
            )
        ]

    async def _send(self, asked: MediaQuery, request: web.Request) -> web.StreamResponse:
        first = await self._finder.find(asked, request)
        chunks = await asyncio.to_thread(self._run, first)
        for chunk in chunks:
            demand(self._may, user_of(request), Action.VIEW_RECORDED, asked.channel, chunk.time)
        parts = [FilePart(partial(self._archive.opened, one), 0, one.readable_bytes) for one in chunks]
        return await send(request, Content(MP4, parts, headers={"Cache-Control": NOT_KEPT}))

    def _run(self, first: StoredChunk) -> Sequence[StoredChunk]:
        """As far as a group of pictures may reach (`web.reading.LEAD_US`)."""
        at = self._footage.read(first)
        found = [at.chunk]
        while (after := self._footage.after(at)) is not None and after.chunk.end_us - first.start_us <= LEAD_US:
            found.append(after.chunk)
            at = after
        return found
