"""The fragment table of a window: what the browser's own player needs to fetch and place footage by byte ranges."""

import asyncio
from collections.abc import Sequence

from aiohttp import web

from nvr.timebase import TimeRange
from web.archive import Archive, StoredChunk
from web.auth import Action
from web.camera_names import other_names
from web.footage import Footage, FootageReader, FragmentRow
from web.media import init_url, media_url
from web.query import FragmentsQuery, WindowQuery
from web.route import Route, route
from web.timeline import gaps
from web.wire import ChunkTable, Fragments


class FragmentsRoom:
    """Tells a player which bytes to append.

    Args:
        archive: what exists.
        footage: reads the chunks' tables.
    """

    def __init__(self, archive: Archive, footage: FootageReader) -> None:
        self._archive = archive
        self._footage = footage

    def routes(self) -> list[Route]:
        """The fragment table."""
        return [
            route(
                "/api/channels/{channel}/fragments",
                self._tell,
                asks=FragmentsQuery,
                answers=Fragments,
                action=Action.VIEW_RECORDED,
                summary="The fragments of a window, for a Media Source player",
            )
        ]

    async def _tell(self, asked: FragmentsQuery, _request: web.Request) -> Fragments:
        return await asyncio.to_thread(self._fragments, asked)

    def _fragments(self, asked: FragmentsQuery) -> Fragments:
        self._archive.require(asked.track_asked)
        track, window = asked.track_asked, asked.window
        newest = self._archive.newest(track)
        tables = []
        for chunk in self._archive.chunks(track, window, newest):
            footage = self._footage.read(chunk)
            rows = choose(footage.fragments, window)
            if rows:
                tables.append(_table(footage, rows))
        return Fragments(
            track=asked.track,
            from_us=asked.from_us,
            to_us=asked.to_us,
            now_us=self._archive.clock.wall_us(),
            previous_us=previous_us(self._archive, asked, newest),
            next_us=next_us(self._archive, asked, newest),
            chunks=tables,
            gaps=gaps(self._archive, track, window, newest),
            names=other_names(self._archive, track, window),
        )


def previous_us(archive: Archive, asked: WindowQuery, newest: Sequence[StoredChunk]) -> int | None:
    """Where the newest footage before the window ends; its start where that footage reaches into it."""
    indexed_us = archive.index().previous_end_us(asked.track_asked, asked.from_us)
    ends = [min(chunk.end_us, asked.from_us) for chunk in newest if chunk.start_us < asked.from_us]
    return max([*ends, *([] if indexed_us is None else [indexed_us])], default=None)


def next_us(archive: Archive, asked: WindowQuery, newest: Sequence[StoredChunk]) -> int | None:
    """Where footage starts, or goes on, behind the window."""
    indexed_us = archive.index().next_start_us(asked.track_asked, asked.to_us)
    starts = [max(chunk.start_us, asked.to_us) for chunk in newest if chunk.end_us > asked.to_us]
    return min([*starts, *([] if indexed_us is None else [indexed_us])], default=None)


def choose(rows: Sequence[FragmentRow], window: TimeRange) -> Sequence[FragmentRow]:
    """The fragments that show the window, from the one with the sync sample at or before its start."""
    first = 0
    for number, row in enumerate(rows):
        if row.presentation_us > window.start_us:
            break
        if row.sync:
            first = number
    end = next((n for n, row in enumerate(rows) if row.presentation_us >= window.end_us), len(rows))
    return rows[first:end]


def _table(footage: Footage, rows: Sequence[FragmentRow]) -> ChunkTable:
    chunk = footage.chunk
    return ChunkTable(
        start_us=chunk.start_us,
        end_us=chunk.end_us,
        init_url=init_url(chunk),
        media_url=media_url(chunk),
        codec=footage.picture.codec_string,
        width=footage.picture.width,
        height=footage.picture.height,
        composition_delay_90k=footage.delay_90k,
        sealed=chunk.sealed,
        fragments=[(r.offset, r.end, r.decode_90k, r.duration_90k, r.presentation_us, int(r.sync)) for r in rows],
    )
