"""A strip of thumbnails: which pictures stand for a window, each the address of a still.

The places lie on a fixed grid of wall time, so that whoever looks at the same hour asks for the same pictures, which
are then cached (`web.still_cache`). In a cell whose beginning was not recorded its first footage stands for it.
"""

import asyncio
from collections.abc import Iterator, Sequence

from aiohttp import web

from nvr.timebase import US_PER_DAY, US_PER_MINUTE, US_PER_S, TimeRange
from web.archive import Archive
from web.auth import Action, Rights, rights_of
from web.query import ThumbnailsQuery
from web.route import Route, route
from web.timeline import merged, recorded
from web.wire import Thumbnail, Thumbnails

# From one cell to the next; each divides a day, so that the grid meets midnight in every zone of whole hours.
STEPS_US = (
    *(US_PER_S * seconds for seconds in (1, 2, 5, 10, 20, 30)),
    *(US_PER_MINUTE * minutes for minutes in (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720)),
    *(US_PER_DAY * days for days in (1, 2, 4, 7, 14, 40)),
)


class ThumbnailRoom:
    """Chooses the pictures of a strip.

    Args:
        archive: knows when footage exists.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def routes(self) -> list[Route]:
        """The strip."""
        return [
            route(
                "/api/channels/{channel}/thumbnails",
                self._tell,
                asks=ThumbnailsQuery,
                answers=Thumbnails,
                action=Action.VIEW_RECORDED,
                summary="A window in at most so many pictures, on a fixed grid, each with its address",
            )
        ]

    async def _tell(self, asked: ThumbnailsQuery, request: web.Request) -> Thumbnails:
        rights = rights_of(request, Action.VIEW_RECORDED, asked.channel)
        return await asyncio.to_thread(self._thumbnails, asked, rights)

    def _thumbnails(self, asked: ThumbnailsQuery, rights: Rights) -> Thumbnails:
        self._archive.require(asked.track_asked)
        step_us = step_for(asked.window, asked.count)
        starts_us = range(asked.from_us - asked.from_us % step_us, asked.to_us, step_us)
        around = TimeRange(starts_us[0], starts_us[-1] + step_us)
        if not rights.cover(around):  # the grid's cells reach beyond the window, which may be seen
            around = asked.window
        spans = self._spans(asked, around)
        return Thumbnails(
            track=asked.track,
            now_us=self._archive.clock.wall_us(),
            step_us=step_us,
            thumbnails=[
                Thumbnail(start_us, at_us, None if at_us is None else address(asked, at_us))
                for start_us, at_us in places(starts_us, step_us, spans)
            ],
        )

    def _spans(self, asked: ThumbnailsQuery, around: TimeRange) -> list[tuple[int, int]]:
        if asked.take is None:
            return recorded(self._archive, asked.track_asked, around)
        chunks = self._archive.chunks(asked.track_asked, around, take=asked.take)
        return merged([chunk.time for chunk in chunks], around)


def step_for(window: TimeRange, count: int) -> int:
    """The smallest step of the grid by which a window has at most so many cells; else the largest.

    A window that does not begin on the grid is in one cell more than its length says.
    """
    for step_us in STEPS_US:
        first_us = window.start_us - window.start_us % step_us
        if -(-(window.end_us - first_us) // step_us) <= count:
            return step_us
    return STEPS_US[-1]


def places(
    starts_us: Sequence[int], step_us: int, spans: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int | None]]:
    """Of each cell its start and the first instant in it that was recorded.

    Args:
        starts_us: of the cells, in order.
        step_us: their length.
        spans: what was recorded, ``[start, end)`` in order, apart from each other.
    """
    number = 0
    for start_us in starts_us:
        while number < len(spans) and spans[number][1] <= start_us:
            number += 1
        at_us = max(start_us, spans[number][0]) if number < len(spans) else start_us + step_us
        yield start_us, at_us if at_us < start_us + step_us else None


def address(asked: ThumbnailsQuery, at_us: int) -> str:
    """Where the picture is served."""
    take = "" if asked.take is None else f"&take={asked.take}"
    query = f"at_us={at_us}&track={asked.track}&width={asked.width}&picture=key{take}"
    return f"/api/channels/{asked.channel}/still.jpg?{query}"
