"""The fragment table of a window: what the browser's own player needs to fetch and place footage by byte ranges."""

import asyncio
from collections.abc import Iterator, Sequence

from aiohttp import web

from nvr.timebase import TimeRange, us_from_90k
from web.archive import Archive, StoredChunk
from web.auth import Action, Rights, rights_of
from web.camera_names import other_names
from web.footage import Footage, FragmentRow
from web.media import init_url, media_url
from web.narrowing import narrowed
from web.query import FragmentsQuery, WindowQuery
from web.reading import Share, WindowReader
from web.route import Route, route
from web.timeline import gaps, merged
from web.wire import ChunkTable, Fragments


class FragmentsRoom:
    """Tells a player which bytes to append.

    Args:
        archive: what exists.
        windows: reads what there is of a window.
    """

    def __init__(self, archive: Archive, windows: WindowReader) -> None:
        self._archive = archive
        self._windows = windows

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

    async def _tell(self, asked: FragmentsQuery, request: web.Request) -> Fragments:
        part = await narrowed(self._windows, asked, request)
        return await asyncio.to_thread(self._fragments, part, rights_of(request, Action.VIEW_RECORDED, asked.channel))

    def _fragments(self, asked: FragmentsQuery, rights: Rights) -> Fragments:
        self._archive.require(asked.track_asked)
        track, window = asked.track_asked, asked.window
        newest = self._archive.newest(track)
        reading = self._windows.read(track, window, newest, take=asked.take)
        return Fragments(
            track=asked.track,
            from_us=asked.from_us,
            to_us=asked.to_us,
            now_us=self._archive.clock.wall_us(),
            previous_us=rights.end(previous_us(self._archive, asked, newest)),
            next_us=rights.start(next_us(self._archive, asked, newest)),
            chunks=[_table(share, init, rows) for share, init, rows in chosen(reading.shares, window)],
            gaps=gaps(self._archive, track, window, newest, reading.missing),
            twice=self._archive.twice(track, window, newest),
            damaged=merged(self._archive.damaged(track, window), window),
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


def chosen(shares: Sequence[Share], window: TimeRange) -> Iterator[tuple[Share, Footage, Sequence[FragmentRow]]]:
    """The fragments of each share that show the window, with those that must be decoded before.

    Returns:
        share, the chunk whose init segment is in force, and the rows. What continues the chunk before it goes on under
        that one's init segment: another one would make a decoder wait for a sync sample.
    """
    init: Footage | None = None
    for share in shares:
        init = share.init_after(init)
        rows = share.fragments if share.lead else choose(share.fragments, window)
        if rows:
            yield share, init, rows


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


def moved_us(footage: Footage, init: Footage) -> int:
    """The wall time of a chunk's media time 0 as a player counts that has taken another chunk's init segment."""
    return footage.chunk.start_us + us_from_90k(init.delay_90k - footage.delay_90k)


def _table(share: Share, init: Footage, rows: Sequence[FragmentRow]) -> ChunkTable:
    footage, chunk = share.footage, share.footage.chunk
    return ChunkTable(
        start_us=moved_us(footage, init),
        end_us=chunk.end_us,
        init_url=init_url(init.chunk),
        media_url=media_url(chunk),
        codec=footage.picture.codec_string,
        width=footage.picture.width,
        height=footage.picture.height,
        composition_delay_90k=init.delay_90k,
        sealed=chunk.sealed,
        coarse=footage.is_coarse,
        clock_doubtful=chunk.is_clock_doubtful,
        fragments=[(r.offset, r.end, r.decode_90k, r.duration_90k, r.presentation_us, int(r.sync)) for r in rows],
    )
