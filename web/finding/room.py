"""The search for the instant of a change, over a socket: what it looks at is told while it looks."""

import asyncio

from aiohttp import web

from nvr.timebase import TimeRange
from web.archive import Archive
from web.auth import Action
from web.decoder import Decoder
from web.finding.bisect import LIMIT, Asking, Finding, Progress, Sight, Verdict, search
from web.finding.eyes import Eyes
from web.finding.likeness import Box
from web.finding.talk import converse, say
from web.footage import FootageReader
from web.query import BisectQuery
from web.route import Route, Socket, route
from web.timeline import gaps
from web.wire import BisectFinding, BisectProgress, Problem

AT_ONCE = 2  # searches; chosen: each keeps a decoder busy


class FindingRoom:
    """Searches footage.

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
                "/api/channels/{channel}/bisect",
                self._serve,
                asks=BisectQuery,
                answers=Socket((BisectProgress, BisectFinding, Problem)),
                action=Action.VIEW_RECORDED,
                summary="When did the thing in a box appear or vanish? Over a WebSocket; closing it ends the search",
            )
        ]

    async def _serve(self, asked: BisectQuery, request: web.Request) -> web.StreamResponse:
        self._archive.require(asked.track_asked)
        return await converse(request, lambda socket: self._search(asked, socket))

    async def _search(self, asked: BisectQuery, socket: web.WebSocketResponse) -> None:
        async with self._places:
            finding = await self._run(asked, socket)
        await say(socket, await asyncio.to_thread(self._told, asked, finding))

    async def _run(self, asked: BisectQuery, socket: web.WebSocketResponse) -> Finding:
        box = Box(asked.left, asked.top, asked.width, asked.height)
        eyes = Eyes(self._archive, self._footage, self._decoder, asked.track_asked, box)
        place = await asyncio.to_thread(eyes.place, asked.from_us)
        if place is None:
            return Finding(Verdict.NOTHING, asked.from_us, asked.to_us, 0)
        asking = search(asked.from_us, asked.to_us, place)
        sight: Sight | None = None
        while True:
            step = await asyncio.to_thread(_next, asking, sight)
            if isinstance(step, Finding):
                return step
            await say(socket, BisectProgress(step.at_us, step.low_us, step.high_us, step.decodes, LIMIT))
            sight = await eyes.look(step.at_us)

    def _told(self, asked: BisectQuery, finding: Finding) -> BisectFinding:
        between = TimeRange(finding.before_us, max(finding.before_us, finding.after_us))
        track = asked.track_asked
        missing = gaps(self._archive, track, between, self._archive.newest(track)) if between.duration_us else []
        return BisectFinding(finding.verdict.value, finding.before_us, finding.after_us, finding.decodes, missing)


def _next(asking: Asking, sight: Sight | None) -> Progress | Finding:
    """Tell a search what was seen; what it wants next, or has found."""
    try:
        return asking.send(sight)
    except StopIteration as end:
        finding: Finding = end.value
        return finding
