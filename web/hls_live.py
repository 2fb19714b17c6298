"""HTTP Live Streaming of what is being recorded: a list of the last segments that a player asks for again and again.

A segment keeps its number and its address as long as it is listed (RFC 8216 section 6.2.2), so what was told is
remembered; lists that nobody asks for any more are forgotten. The newest segment is told when the next one has begun.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock

from aiohttp import web

from nvr.errors import NotRecorded
from nvr.media import Track
from nvr.timebase import US_PER_MINUTE, US_PER_S, TimeRange, ticks_from_us
from web.archive import Archive
from web.auth import Action
from web.footage import Footage, FootageReader
from web.hls import PLAYLIST, VERSION, Segment, continues, milliseconds, seconds, segments, target_s
from web.media import init_url
from web.query import TrackQuery
from web.route import Media, Route, route
from web.segment import segment_url
from web.sending import Content, send

LOOK_US = US_PER_MINUTE  # chosen: cameras send a sync sample every 1 to 10 s
KEPT_TARGETS = 8  # target durations in a list: three are the least (section 6.2.2), the rest is for slow readers
FORGOTTEN_US = 5 * US_PER_MINUTE  # a player asks again within a target duration

Part = tuple[Footage, Sequence[Segment]]


@dataclass(frozen=True, slots=True)
class Row:
    """A segment as it is listed."""

    identity: tuple[int, int, int]  # run, sequence, offset
    lines: tuple[str, ...]  # without EXT-X-MAP and EXT-X-DISCONTINUITY
    map_url: str
    broken: bool  # a discontinuity before it
    duration_us: int


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
    last: Footage | None = None
    used_us: int = 0

    def take(self, parts: Sequence[Part]) -> bool:
        """Add what is new; False: the list does not reach to it, and another one must be begun."""
        found = [(footage, segment) for footage, some in parts for segment in some]
        names = [_identity(footage, segment) for footage, segment in found]
        if self.rows and self.rows[-1].identity not in names:
            return False
        new = found[names.index(self.rows[-1].identity) + 1 :] if self.rows else found
        if any(target_s([segment]) > self.target_s for _, segment in new):
            return False
        for footage, segment in new:
            self._append(footage, segment)
        while len(self.rows) > 3 and self._rest_us() >= KEPT_TARGETS * self.target_s * US_PER_S:
            gone = self.rows.popleft()
            self.sequence += 1
            self.discontinuities += gone.broken
        return True

    def text(self) -> str:
        """The list now."""
        return "\n".join([*self._lines(), ""])

    def _lines(self) -> Iterator[str]:
        yield "#EXTM3U"
        yield f"#EXT-X-VERSION:{VERSION}"
        yield f"#EXT-X-TARGETDURATION:{self.target_s}"
        yield f"#EXT-X-MEDIA-SEQUENCE:{self.sequence}"
        yield f"#EXT-X-DISCONTINUITY-SEQUENCE:{self.discontinuities}"
        map_url = ""
        for row in self.rows:
            if row.broken:
                yield "#EXT-X-DISCONTINUITY"
            if row.map_url != map_url:
                map_url = row.map_url
                yield f'#EXT-X-MAP:URI="{map_url}"'
            yield from row.lines

    def _append(self, footage: Footage, segment: Segment) -> None:
        before, chunk = self.last, footage.chunk
        same = before is not None and before.init_segment == footage.init_segment
        shift_90k = max(0, ticks_from_us(chunk.start_us - self.origin_us))
        lines = (
            f"#EXT-X-PROGRAM-DATE-TIME:{milliseconds(segment.start_us)}",
            f"#EXTINF:{seconds(segment.duration_us)},",
            segment_url(chunk, segment.offset, segment.end, shift_90k),
        )
        # The init segment of a chunk before serves as well, and an address that stays the same is not fetched again.
        map_url = self.rows[-1].map_url if same and self.rows else init_url(chunk)
        new_chunk = before is not None and before.chunk.identity != chunk.identity
        broken = new_chunk and before is not None and not continues(before, footage)
        self.rows.append(Row(_identity(footage, segment), lines, map_url, broken, segment.duration_us))
        self.last = footage

    def _rest_us(self) -> int:
        """What the list would hold without its first row."""
        return sum(row.duration_us for row in self.rows) - self.rows[0].duration_us


def begin(parts: Sequence[Part]) -> LiveList:
    """A list of all these segments. Its first number grows with time, faster than segments do."""
    footage, rows = parts[0]
    return LiveList(
        target_s=target_s(segment for _, some in parts for segment in some),
        origin_us=footage.chunk.start_us,
        sequence=rows[0].start_us // (US_PER_S // 10),
    )


class LiveListRoom:
    """Keeps the lists that are asked for.

    Args:
        archive: what exists.
        footage: reads the chunks' tables.
    """

    def __init__(self, archive: Archive, footage: FootageReader) -> None:
        self._archive = archive
        self._footage = footage
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

    def _parts(self, track: Track, now_us: int) -> list[Part]:
        """What was recorded in the last minute, whole groups of pictures only."""
        window = TimeRange(max(0, now_us - LOOK_US), now_us + US_PER_S)
        found: list[Part] = []
        for chunk in self._archive.chunks(track, window):
            footage = self._footage.read(chunk)
            rows = segments(footage.fragments)
            found.append((footage, rows if chunk.sealed else rows[:-1]))
        near = ((footage, [row for row in rows if row.start_us >= window.start_us]) for footage, rows in found)
        parts: list[Part] = [(footage, rows) for footage, rows in near if rows]
        if not parts:
            hint = "nothing came from the camera in the last minute"
            raise NotRecorded("nothing is being recorded", where=str(track), hint=hint)
        return parts


def _identity(footage: Footage, segment: Segment) -> tuple[int, int, int]:
    return (*footage.chunk.identity, segment.offset)
