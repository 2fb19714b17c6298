"""HTTP Live Streaming of what is being recorded: a list of the last segments that a player asks for again and again.

A segment keeps its number and its address as long as it is listed (RFC 8216 section 6.2.2), so what was told is
remembered; lists that nobody asks for any more are forgotten. The newest segment is told when the next one has begun.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from aiohttp import web

from nvr.errors import NotRecorded
from nvr.media import Track
from nvr.timebase import US_PER_MINUTE, US_PER_S, TimeRange, ticks_from_us
from web.archive import Archive
from web.auth import MAY, Action, demand, user_of
from web.footage import Footage
from web.hls import PLAYLIST, VERSION, Segment, Stretch, continues, milliseconds, seconds, segments, target_s
from web.media import init_url
from web.query import TrackQuery
from web.reading import Share, WindowReader
from web.route import Media, Route, route
from web.segment import segment_url
from web.sending import Content, send

LOOK_US = US_PER_MINUTE  # chosen: cameras send a sync sample every 1 to 10 s
KEPT_TARGETS = 8  # target durations in a list: three are the least (section 6.2.2), the rest is for slow readers
FORGOTTEN_US = 5 * US_PER_MINUTE  # a player asks again within a target duration


@dataclass(frozen=True, slots=True)
class Row:
    """A segment as it is listed."""

    identity: tuple[int, int, int]  # run, sequence, offset
    lines: tuple[str, ...]  # without EXT-X-MAP and EXT-X-DISCONTINUITY
    map_url: str
    broken: bool  # a discontinuity before it
    duration_us: int
    sync: bool


@dataclass
class LiveList:
    """One list, over all its versions. Pure.

    Args:
        target_s: longest duration of a segment; may never change.
        origin_us: wall time of the list's media time 0.
        sequence: the number of the first row. Another list of the same track, made later, must not begin lower.
    """

    target_s: int
    origin_us: int
    sequence: int
    discontinuities: int = 0
    rows: deque[Row] = field(default_factory=deque)
    last: Stretch | None = None
    used_us: int = 0

    def take(self, parts: Sequence[Stretch]) -> bool:
        """Add what is new; False: the list does not reach to it, and another one must be begun."""
        found = [(part, segment) for part in parts for segment in part.rows]
        names = [_identity(part.footage, segment) for part, segment in found]
        if self.rows and self.rows[-1].identity not in names:
            return False
        new = found[names.index(self.rows[-1].identity) + 1 :] if self.rows else found
        if any(target_s([segment]) > self.target_s for _, segment in new):
            return False
        for part, segment in new:
            self._append(part, segment)
        while self._can_spare():
            for _ in range(self._first_group()):
                gone = self.rows.popleft()
                self.sequence += 1
                self.discontinuities += gone.broken
        return True

    def _first_group(self) -> int:
        """How many rows there are from the first one up to the next that a player can begin with."""
        return next((number for number, row in enumerate(self.rows) if number and row.sync), len(self.rows))

    def _can_spare(self) -> bool:
        rest = list(self.rows)[self._first_group() :]
        return len(rest) >= 3 and sum(row.duration_us for row in rest) >= KEPT_TARGETS * self.target_s * US_PER_S

    def text(self) -> str:
        """The list now."""
        return "\n".join([*self._lines(), ""])

    def _lines(self) -> Iterator[str]:
        yield "#EXTM3U"
        yield f"#EXT-X-VERSION:{VERSION}"
        yield f"#EXT-X-TARGETDURATION:{self.target_s}"
        yield f"#EXT-X-MEDIA-SEQUENCE:{self.sequence}"
        yield f"#EXT-X-DISCONTINUITY-SEQUENCE:{self.discontinuities}"
        yield from self._start()
        map_url = ""
        for row in self.rows:
            if row.broken:
                yield "#EXT-X-DISCONTINUITY"
            if row.map_url != map_url:
                map_url = row.map_url
                yield f'#EXT-X-MAP:URI="{map_url}"'
            yield from row.lines

    def _start(self) -> Iterator[str]:
        """Where a player should begin, if the end of the list does not serve: at a sync sample."""
        rows = list(self.rows)
        last = max((number for number, row in enumerate(rows) if row.sync), default=0)
        if last < len(rows) - 3:
            yield f"#EXT-X-START:TIME-OFFSET=-{seconds(sum(row.duration_us for row in rows[last:]))}"

    def _append(self, part: Stretch, segment: Segment) -> None:
        before, chunk = self.last, part.footage.chunk
        same = before is not None and before.init.init_segment == part.init.init_segment
        shift_90k = max(0, ticks_from_us(part.origin_us - self.origin_us))
        lines = (
            f"#EXT-X-PROGRAM-DATE-TIME:{milliseconds(segment.start_us)}",
            f"#EXTINF:{seconds(segment.duration_us)},",
            segment_url(chunk, segment.offset, segment.end, shift_90k),
        )
        # The init segment of a chunk before serves as well, and an address that stays the same is not fetched again.
        map_url = self.rows[-1].map_url if same and self.rows else init_url(part.init.chunk)
        new_chunk = before is not None and before.footage.chunk.identity != chunk.identity
        broken = new_chunk and before is not None and not continues(before, part)
        identity = _identity(part.footage, segment)
        self.rows.append(Row(identity, lines, map_url, broken, segment.duration_us, segment.sync))
        self.last = part


def begin(parts: Sequence[Stretch]) -> LiveList:
    """A list of all these segments. Its first number grows with time, faster than segments do."""
    return LiveList(
        target_s=target_s(segment for part in parts for segment in part.rows),
        origin_us=parts[0].origin_us,
        sequence=parts[0].rows[0].start_us // (US_PER_S // 10),
    )


class LiveListRoom:
    """Keeps the lists that are asked for.

    Args:
        archive: what exists.
        windows: reads what there is of a window.
    """

    def __init__(self, archive: Archive, windows: WindowReader) -> None:
        self._archive = archive
        self._windows = windows
        self._lists: dict[Track, LiveList] = {}
        self._lock = Lock()

    def routes(self) -> list[Route]:
        """The list."""
        return [
            route(
                "/api/channels/{channel}/live.m3u8",
                self._send,
                asks=TrackQuery,
                answers=Media(PLAYLIST, ranges=True),
                action=Action.VIEW_RECORDED,  # it leads to what has just been recorded, and to no other bytes
                summary="What is being recorded, as an HLS playlist, some seconds behind",
            )
        ]

    async def _send(self, asked: TrackQuery, request: web.Request) -> web.StreamResponse:
        now_us = self._archive.clock.wall_us()
        shown = TimeRange(max(0, now_us - LOOK_US), now_us)
        demand(request[MAY], user_of(request), Action.VIEW_RECORDED, asked.channel, shown)
        text = await asyncio.to_thread(self._text, asked.track_asked)
        return await send(request, Content(PLAYLIST, (text.encode(),), headers={"Cache-Control": "no-store"}))

    def _text(self, track: Track) -> str:
        self._archive.require(track)
        now_us = self._archive.clock.wall_us()
        parts = self._parts(track, now_us)
        with self._lock:
            kept = self._lists.get(track)
            if kept is None or not kept.take(parts):
                kept = begin(parts)
                kept.take(parts)
            kept.used_us = now_us
            self._lists[track] = kept
            self._lists = {of: one for of, one in self._lists.items() if now_us - one.used_us < FORGOTTEN_US}
            return kept.text()

    def _parts(self, track: Track, now_us: int) -> list[Stretch]:
        """What was recorded in the last minute, and before it what that must be decoded from."""
        window = TimeRange(max(0, now_us - LOOK_US), now_us + US_PER_S)
        reading = self._windows.read(track, window)
        reading.require()
        parts = near(list(_complete(reading.shares)), window.start_us)
        if not parts:
            hint = "nothing came from the camera in the last minute"
            raise NotRecorded("nothing is being recorded", where=str(track), hint=hint)
        return parts


def _complete(shares: Sequence[Share]) -> Iterator[Stretch]:
    """Each share in whole segments: the last one of a chunk that grows is not complete."""
    init: Footage | None = None
    for share in shares:
        init = share.init_after(init)
        rows = segments(share.fragments)
        yield Stretch(share.footage, init, rows if share.footage.chunk.sealed else rows[:-1])


def near(parts: Sequence[Stretch], from_us: int) -> list[Stretch]:
    """What begins at an instant or later, and where that begins in a group of pictures, the whole group."""
    begins = [segment for part in parts for segment in part.rows]
    first = next((number for number, segment in enumerate(begins) if segment.start_us >= from_us), len(begins))
    if first == len(begins):
        return []
    while first and not begins[first].sync:
        first -= 1
    found, done = [], 0
    for part in parts:
        rows = part.rows[max(0, first - done) :]
        done += len(part.rows)
        found += [replace(part, rows=rows)] if rows else []
    return found


def _identity(footage: Footage, segment: Segment) -> tuple[int, int, int]:
    return (*footage.chunk.identity, segment.offset)
