"""The timeline of all channels at once, in as many cells as are drawn: recorded, missing and why, what moved.

Minutes and gaps come from the index as arrays; no chunk's row is touched, so that a month of 55 channels takes
no longer than an hour.
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from aiohttp import web

from indexer.coverage import REASONS, TrackFacts, read
from nvr.errors import StorageError
from nvr.media import GapReason, Track, TrackKind
from nvr.timebase import US_PER_MINUTE, US_PER_S, TimeRange
from retention.coverage import shares
from web.activity import levels, minute_levels, seconds_of
from web.archive import Archive
from web.auth import Action, May, Rights, rights_of, user_of
from web.footage import FootageReader
from web.query import ActivityQuery, OverviewQuery
from web.reply import encode
from web.route import Route, route
from web.status import reason_word, state_of
from web.wire import Activity, ChannelOverview, Overview

Times = npt.NDArray[np.int64]
Cells = npt.NDArray[np.uint8]

UNEXPLAINED = 255  # among reasons: none is known
SEEN_US = 20_000  # chosen: less than a picture is missing: rounding, not a gap


class OverviewRoom:
    """The timeline of all channels, and what moved before one.

    Args:
        archive: what exists.
        footage: reads the chunks' tables.
        may: asked for every channel.
    """

    def __init__(self, archive: Archive, footage: FootageReader, may: May) -> None:
        self._archive = archive
        self._footage = footage
        self._may = may

    def routes(self) -> list[Route]:
        """Overview and activity."""
        return [
            route(
                "/api/timeline",
                self._tell,
                asks=OverviewQuery,
                answers=Overview,
                action=Action.SEE_TIMELINE,
                summary="Every channel in a window, in equal cells: recorded, missing and why, how much moved",
            ),
            route(
                "/api/channels/{channel}/activity",
                self._tell_activity,
                asks=ActivityQuery,
                answers=Activity,
                action=Action.SEE_TIMELINE,
                summary="How much moved before one camera, second by second",
            ),
        ]

    async def _tell(self, asked: OverviewQuery, request: web.Request) -> web.StreamResponse:
        user = user_of(request)
        allowed = [
            channel
            for channel in self._archive.channels()
            if asked.channel in {None, channel.number}
            and self._may(user, Action.SEE_TIMELINE, channel.number, asked.window)
        ]
        rights = {one.number: rights_of(request, Action.SEE_TIMELINE, one.number) for one in allowed}
        body = await asyncio.to_thread(lambda: encode(self._overview(asked, rights)))
        answer = web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})
        answer.enable_compression()  # nearly all cells of a column are alike
        return answer

    async def _tell_activity(self, asked: ActivityQuery, _request: web.Request) -> Activity:
        return await asyncio.to_thread(self._activity, asked)

    def _overview(self, asked: OverviewQuery, channels: Mapping[int, Rights]) -> Overview:
        edges_us = np.linspace(asked.from_us, asked.to_us, asked.cells + 1).astype(np.int64)
        kind = TrackKind[asked.track.upper()]
        return Overview(
            track=asked.track,
            from_us=asked.from_us,
            to_us=asked.to_us,
            now_us=self._archive.clock.wall_us(),
            cells=asked.cells,
            reasons=[word for reason in REASONS if (word := reason_word(reason))],
            channels=[self._channel(Track(n, kind), asked.window, edges_us, one) for n, one in channels.items()],
        )

    def _channel(self, track: Track, window: TimeRange, edges_us: Times, rights: Rights) -> ChannelOverview:
        facts, until_us = _with_present(
            self._archive, track, read(self._archive.index(), track, window, self._archive.clock.wall_us())
        )
        recorded, missing = cells(facts, edges_us, until_us)
        return ChannelOverview(
            number=track.channel,
            first_us=rights.start(facts.first_us),
            last_us=rights.end(facts.last_us),
            recorded=_text(recorded),
            missing=_text(missing),
            activity=_text(self._moved(track, window, edges_us)),
        )

    def _moved(self, track: Track, window: TimeRange, edges_us: Times) -> Cells:
        try:
            return minute_levels(self._archive.activity(), track, window, edges_us)
        except StorageError:  # a strip that is not there is no reason to show no timeline
            return np.zeros(len(edges_us) - 1, np.uint8)

    def _activity(self, asked: ActivityQuery) -> Activity:
        self._archive.require(asked.track_asked)
        track, window = asked.track_asked, asked.window
        first, count = window.start_us // US_PER_S, -(-window.end_us // US_PER_S) - window.start_us // US_PER_S
        seconds = np.zeros(count, np.int64)
        for chunk in self._archive.chunks(track, window):
            seconds += seconds_of(self._footage.read(chunk), window)[1]
        return Activity(asked.track, first * US_PER_S, US_PER_S, _text(levels(seconds, seconds)))


def _with_present(archive: Archive, track: Track, facts: TrackFacts) -> tuple[TrackFacts, int]:
    """The facts with what the index does not know yet: what grows, or that nothing does. And until when they hold."""
    now_us = archive.clock.wall_us()
    status = archive.board().track(track)
    newest_us = status.end_us if status else None
    known_us = archive.last_us(track, [newest_us] if newest_us else [])
    end_us = now_us if known_us is None else known_us
    if facts.first_us is None and status is not None and status.start_us:
        facts = replace(facts, first_us=status.start_us)
    if facts.last_us is None or end_us > facts.last_us:
        facts = _recorded(facts, TimeRange(facts.last_us or facts.first_us or end_us, end_us))
    state = state_of(archive.board().recorder(), status, now_us)
    if state.state == "recording" or now_us <= end_us:
        return facts, end_us
    return _missing(facts, TimeRange(end_us, now_us), GapReason(state.reason) if state.reason else None), now_us


def _recorded(facts: TrackFacts, span: TimeRange) -> TrackFacts:
    """The facts with one more span of footage."""
    first, end = (
        round_us // US_PER_MINUTE for round_us in (span.start_us - facts.start_us, span.end_us - facts.start_us - 1)
    )
    minutes = facts.minutes.copy()
    minutes[max(0, first) : max(0, end + 1)] = True
    return replace(facts, minutes=minutes)


def _missing(facts: TrackFacts, span: TimeRange, reason: GapReason | None) -> TrackFacts:
    """The facts with one more gap, behind all others."""
    if reason is None:
        return facts
    return replace(
        facts,
        gap_start_us=np.append(facts.gap_start_us, span.start_us),
        gap_end_us=np.append(facts.gap_end_us, span.end_us),
        gap_reason=np.append(facts.gap_reason, REASONS.index(reason)),
    )


def _text(values: Cells) -> str:
    return b64encode(values.tobytes()).decode()


def cells(facts: TrackFacts, edges_us: Times, until_us: int) -> tuple[Cells, Cells]:
    """What is drawn of a track.

    Args:
        facts: of the whole time between the first and the last edge.
        edges_us: where cells begin, and where the last one ends.
        until_us: nothing is expected later.

    Returns:
        the share that was recorded of what could be, 0 to 255, never 255 where something is missing; and what most of
        the missing is for: 0 nothing, n the place in `REASONS` + 1, 255 no known reason.
    """
    found = shares(facts, edges_us, until_us)
    lost_us = found.expected_us - found.recorded_us
    recorded = found.recorded_us * 255 // np.maximum(found.expected_us, 1)
    by_reason = found.missing_us.max(axis=1)
    unexplained_us = lost_us - found.missing_us.sum(axis=1)
    reason = np.where(by_reason >= unexplained_us, found.missing_us.argmax(axis=1) + 1, UNEXPLAINED)
    return recorded.astype(np.uint8), np.where(lost_us > SEEN_US, reason, 0).astype(np.uint8)
