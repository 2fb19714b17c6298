"""The search for motion in a box, over a socket: each stretch is told as soon as it is known."""

import asyncio
from collections.abc import Iterable

import numpy as np
from aiohttp import web

from nvr.errors import IntegrityError, StorageError
from web.archive import Archive, StoredChunk
from web.auth import Action
from web.decoder import Decoder
from web.finding.eyes import Eyes
from web.finding.likeness import Box
from web.finding.motion import Numbers, Stretch, Watch, probes
from web.finding.talk import converse, say
from web.footage import FootageReader
from web.query import MotionQuery
from web.route import Route, Socket, route
from web.timeline import gaps
from web.wire import MotionEnd, MotionProgress, MotionStretch, Problem

AT_ONCE = 1  # searches; chosen: one keeps a decoder busy for a quarter of a minute
PIECE = 30  # chunks whose tables are read before one looks whether anybody still listens; chosen: some 100 ms


class MotionRoom:
    """Searches footage for motion.

    Args:
        archive: what exists.
        footage: reads the chunks' tables.
        decoder: decodes in a process of its own.
    """

    def __init__(self, archive: Archive, footage: FootageReader, decoder: Decoder) -> None:
        self._archive = archive
        self._footage = footage
        self._decoder = decoder
        self._places = asyncio.Semaphore(AT_ONCE)

    def routes(self) -> list[Route]:
        """The search."""
        return [
            route(
                "/api/channels/{channel}/motion",
                self._serve,
                asks=MotionQuery,
                answers=Socket((MotionProgress, MotionStretch, MotionEnd, Problem)),
                action=Action.VIEW_RECORDED,
                summary="When did something move in a box? Over a WebSocket; closing it ends the search",
            )
        ]

    async def _serve(self, asked: MotionQuery, request: web.Request) -> web.StreamResponse:
        self._archive.require(asked.track_asked)
        return await converse(request, lambda socket: self._search(asked, socket))

    async def _search(self, asked: MotionQuery, socket: web.WebSocketResponse) -> None:
        async with self._places:
            starts_us, spent = await self._spent(asked)
            decodes = await self._look(asked, socket, starts_us, spent)
        newest = await asyncio.to_thread(self._archive.newest, asked.track_asked)
        missing = await asyncio.to_thread(gaps, self._archive, asked.track_asked, asked.window, newest)
        await say(socket, MotionEnd(decodes, len(starts_us), missing))

    async def _look(self, asked: MotionQuery, socket: web.WebSocketResponse, starts_us: Numbers, spent: Numbers) -> int:
        """Look at the chosen key frames and tell what moved; how many they were."""
        box = Box(asked.left, asked.top, asked.width, asked.height)
        eyes = Eyes(self._archive, self._footage, self._decoder, asked.track_asked, box)
        place = await asyncio.to_thread(eyes.place, asked.from_us)
        if place is None:
            return 0
        watch = Watch(place)
        planned = probes(starts_us, spent)
        for done, probe in enumerate(planned, 1):
            await say(socket, MotionProgress(probe.at_us, done, len(planned), len(starts_us)))
            sight = await eyes.look(probe.at_us)
            if sight is not None:
                quiet = probe.quiet
                await _tell(socket, await asyncio.to_thread(lambda: [*watch.look(sight, quiet=quiet)]))  # noqa: B023
        await _tell(socket, watch.end())
        return len(planned)

    async def _spent(self, asked: MotionQuery) -> tuple[Numbers, Numbers]:
        """When each key frame of the window is shown, and the bytes of the samples up to the next."""
        chunks = await asyncio.to_thread(self._archive.chunks, asked.track_asked, asked.window)
        found = [
            await asyncio.to_thread(self._read, chunks[first : first + PIECE]) for first in range(0, len(chunks), PIECE)
        ]
        starts_us = np.concatenate([np.zeros(0, np.int64), *(starts for starts, _ in found)])
        spent = np.concatenate([np.zeros(0, np.int64), *(sizes for _, sizes in found)])
        inside = (starts_us >= asked.from_us) & (starts_us < asked.to_us)
        return starts_us[inside], spent[inside]

    def _read(self, chunks: list[StoredChunk]) -> tuple[Numbers, Numbers]:
        starts, sizes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for chunk in chunks:
            try:
                footage = self._footage.read(chunk)
            except (StorageError, IntegrityError):
                continue  # deleted meanwhile, or damaged: what can be read is searched, the page of troubles tells
            (syncs,) = footage.samples["sync"].nonzero()
            if len(syncs):
                bytes_ = np.where(footage.samples["sync"], 0, footage.samples["size"]).astype(np.int64)
                starts.append(footage.shown_us[syncs])
                sizes.append(np.add.reduceat(bytes_, syncs))
        return np.concatenate(starts), np.concatenate(sizes)


async def _tell(socket: web.WebSocketResponse, stretches: Iterable[Stretch]) -> None:
    for one in stretches:
        await say(socket, MotionStretch(one.start_us, one.end_us, one.picture_us))
