"""When footage exists and why it is missing: the timeline of a window, and the days of a calendar."""

import asyncio
from base64 import b64encode
from collections.abc import Iterable, Sequence

from aiohttp import web

from indexer import coverage
from nvr import media
from nvr.media import Track
from nvr.timebase import US_PER_DAY, TimeRange, parse_utc
from web.archive import JOINED_US, Archive, StoredChunk
from web.auth import Action, Rights, rights_of
from web.camera_names import other_names
from web.query import TrackQuery, WindowQuery
from web.route import Route, route
from web.status import open_gap, reason_word, state_of
from web.wire import Day, Days, Gap, Timeline

BY_ROW_US = 2 * US_PER_DAY  # chosen: longer windows are read minute by minute; a month of rows takes 600 ms


class TimelineRoom:
    """What was recorded and what was not.

    Args:
        archive: where it is known.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def routes(self) -> list[Route]:
        """Timeline and days."""
        return [
            route(
                "/api/channels/{channel}/timeline",
                self._tell_timeline,
                asks=WindowQuery,
                answers=Timeline,
                action=Action.SEE_TIMELINE,
                summary="Recorded spans and gaps with reasons in a window",
            ),
            route(
                "/api/channels/{channel}/days",
                self._tell_days,
                asks=TrackQuery,
                answers=Days,
                action=Action.SEE_TIMELINE,
                summary="The UTC days, minute by minute, that hold footage",
            ),
        ]

    async def _tell_timeline(self, asked: WindowQuery, request: web.Request) -> Timeline:
        rights = rights_of(request, Action.SEE_TIMELINE, asked.channel)
        return await asyncio.to_thread(self._timeline, asked, rights)

    def _timeline(self, asked: WindowQuery, rights: Rights) -> Timeline:
        self._archive.require(asked.track_asked)
        track, window = asked.track_asked, asked.window
        newest = self._archive.newest(track)
        coarse, doubtful = self._doubts(track, window)
        twice = self._archive.twice(track, window, newest)
        return Timeline(
            track=asked.track,
            from_us=asked.from_us,
            to_us=asked.to_us,
            now_us=self._archive.clock.wall_us(),
            first_us=rights.start(self._archive.first_us(track, newest)),
            last_us=rights.end(last_us(self._archive, track, newest)),
            spans=recorded(self._archive, track, window, newest),
            gaps=gaps(self._archive, track, window, newest),
            coarse=merged(coarse, window),
            doubtful=merged(doubtful, window),
            twice=twice,
            takes=self._archive.takes(track, twice, newest),
            damaged=merged(self._archive.damaged(track, window), window),
            away=merged(self._archive.away(track, window), window),
            names=other_names(self._archive, track, window),
        )

    def _doubts(self, track: Track, window: TimeRange) -> tuple[list[TimeRange], list[TimeRange]]:
        """When times are coarse, and when the server's clock was doubted; of long windows by the minute."""
        index = self._archive.index()
        if window.duration_us <= BY_ROW_US:
            return index.doubts(track, window)
        facts = coverage.read(index, track, window)
        return coverage.marked(facts, facts.coarse, window), coverage.marked(facts, facts.doubtful, window)

    async def _tell_days(self, asked: TrackQuery, request: web.Request) -> Days:
        self._archive.require(asked.track_asked)
        rights = rights_of(request, Action.SEE_TIMELINE, asked.channel)
        rows = self._archive.index().days(asked.track_asked)
        told = [Day(day, b64encode(minutes).decode()) for day, minutes in rows if rights.cover(_of_day(day))]
        return Days(asked.track, told)


def _of_day(day: int) -> TimeRange:
    """The time of a UTC day that is written ``YYYYMMDD``."""
    start_us = parse_utc(f"{day // 10_000:04}-{day // 100 % 100:02}-{day % 100:02}T00:00:00Z")
    return TimeRange(start_us, start_us + US_PER_DAY)


def recorded(
    archive: Archive, track: Track, window: TimeRange, newest: Sequence[StoredChunk] | None = None
) -> list[tuple[int, int]]:
    """What was recorded of a window, what is not indexed yet included, as `merged` has it.

    Args:
        archive: where it is known.
        track: whose.
        window: when.
        newest: what `Archive.newest` gave, if it was asked already.
    """
    newest = archive.newest(track) if newest is None else newest
    unindexed = [chunk.time for chunk in newest if chunk.time.overlaps(window)]
    if window.duration_us <= BY_ROW_US:
        indexed = archive.index().spans(track, window)
    else:
        indexed = coverage.spans(coverage.read(archive.index(), track, window), window)
    return merged([*indexed, *unindexed], window)


def merged(spans: list[TimeRange], window: TimeRange) -> list[tuple[int, int]]:
    """Spans as ``[start, end]`` in order, clipped to the window, joined where they meet or nearly do."""
    rows: list[tuple[int, int]] = []
    for span in sorted(span.clipped_to(window) for span in spans):
        if rows and span.start_us - rows[-1][1] <= JOINED_US:
            rows[-1] = (rows[-1][0], max(rows[-1][1], span.end_us))
        elif span.duration_us:
            rows.append((span.start_us, span.end_us))
    return rows


def last_us(archive: Archive, track: Track, newest: Sequence[StoredChunk]) -> int | None:
    """Where a track's footage ends, what is not indexed yet included."""
    return archive.last_us(track, [chunk.end_us for chunk in newest])


def gaps(
    archive: Archive,
    track: Track,
    window: TimeRange,
    newest: Sequence[StoredChunk],
    unread: Iterable[media.Gap] = (),
) -> list[Gap]:
    """The gaps that touch a window, clipped to it, by start.

    Args:
        archive: where they are known.
        track: whose.
        window: when.
        newest: what `Archive.newest` gave.
        unread: what was recorded and cannot be read, as `web.reading` found.
    """
    rows = [
        Gap(gap.start_us, gap.end_us, reason_word(gap.reason) or "camera", gap.detail, open=False)
        for gap in (*archive.index().gaps(track, window), *unread)
    ]
    now_us, board = archive.clock.wall_us(), archive.board()
    status = board.track(track)
    state = state_of(board.recorder(), status, now_us)
    still = open_gap(state, last_us(archive, track, newest), status.since_us if status else None, now_us)
    if still is not None and TimeRange(still.start_us, still.end_us).overlaps(window):
        rows.append(still)
    return [_clipped(gap, window) for gap in sorted(rows, key=lambda gap: gap.start_us)]


def _clipped(gap: Gap, window: TimeRange) -> Gap:
    part = TimeRange(gap.start_us, gap.end_us).clipped_to(window)
    return Gap(part.start_us, part.end_us, gap.reason, gap.detail, gap.open)
