"""HTTP Live Streaming of a window, for VLC, Safari and phones: a playlist of fMP4 segments (RFC 8216).

Media time counts from the first chunk's start, in all chunks: players cope badly with time that starts anew in every
minute (ffmpeg drops pictures). A new run, or new parameter sets, are a discontinuity all the same.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from aiohttp import web

from nvr.errors import NotRecorded
from nvr.media import Codec
from nvr.timebase import TICKS_PER_S, US_PER_S, TimeRange, format_utc, ticks_from_us, us_from_90k
from web.archive import JOINED_US, Archive
from web.auth import Action
from web.footage import Footage, FragmentRow
from web.fragments import chosen, moved_us
from web.media import init_url
from web.narrowing import narrowed
from web.query import ClipQuery
from web.reading import Share, WindowReader
from web.route import Media, Route, route
from web.segment import segment_url
from web.sending import Content, send
from web.timeline import gaps
from web.wire import Gap

PLAYLIST = "application/vnd.apple.mpegurl"
VERSION = 7  # EXT-X-MAP in a list of fMP4 segments, RFC 8216 section 7


LONGEST_90K = 10 * TICKS_PER_S  # chosen: of a segment; groups of pictures that last minutes go out in several
SHORTEST_90K = TICKS_PER_S // 2  # chosen: of one that a sync sample ends; some cameras send nothing else


@dataclass(frozen=True, slots=True)
class Segment:
    """Fragments from one sync sample to the next; of a long group of pictures a part, of short ones several."""

    offset: int
    end: int
    start_us: int
    duration_us: int
    sync: bool


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Segments of one chunk, and the chunk whose init segment is in force for them."""

    footage: Footage
    init: Footage
    rows: Sequence[Segment]

    @property
    def origin_us(self) -> int:
        """The wall time of the chunk's media time 0, as a player counts it."""
        return moved_us(self.footage, self.init)


class HlsRoom:
    """Writes playlists.

    Args:
        archive: what exists.
        windows: reads what there is of a window.
    """

    def __init__(self, archive: Archive, windows: WindowReader) -> None:
        self._archive = archive
        self._windows = windows

    def routes(self) -> list[Route]:
        """The playlist."""
        return [
            route(
                "/api/channels/{channel}/hls.m3u8",
                self._send,
                asks=ClipQuery,
                answers=Media(PLAYLIST, ranges=True),
                action=Action.VIEW_RECORDED,
                summary="A window as an HLS playlist of fMP4 segments",
            )
        ]

    async def _send(self, asked: ClipQuery, request: web.Request) -> web.StreamResponse:
        text = await asyncio.to_thread(self._playlist, await narrowed(self._windows, asked, request))
        return await send(request, Content(PLAYLIST, (text.encode(),), headers={"Cache-Control": "no-store"}))

    def _playlist(self, asked: ClipQuery) -> str:
        track, window = asked.track_asked, asked.window
        self._archive.require(track)
        newest = self._archive.newest(track)
        reading = self._windows.read(track, window, newest, take=asked.take)
        reading.require()
        parts = list(stretches(reading.shares, window))
        if not parts:
            raise NotRecorded("nothing was recorded in this range", where=str(track))
        return playlist(parts, window, gaps(self._archive, track, window, newest, reading.missing))


def stretches(shares: Sequence[Share], window: TimeRange) -> Iterator[Stretch]:
    """What a list of a window has of each share. Where two runs overlap, the later one counts from its start on."""
    following = {id(one): other for one, other in pairwise(shares)}
    for share, init, rows in chosen(shares, window):
        after = following.get(id(share))
        until_us = window.end_us if after is None or after.continues else after.footage.chunk.start_us
        found = [segment for segment in segments(rows) if segment.start_us < until_us]
        if found and (until_us > window.start_us or share.lead):
            yield Stretch(share.footage, init, found)


def segments(rows: Sequence[FragmentRow]) -> list[Segment]:
    """Fragments joined into segments, a new one at each sync sample, and wherever one becomes too long."""
    found: list[list[FragmentRow]] = []
    for row in rows:
        if not found or row.decode_90k - found[-1][0].decode_90k >= (SHORTEST_90K if row.sync else LONGEST_90K):
            found.append([])
        found[-1].append(row)
    return [
        Segment(
            offset=group[0].offset,
            end=group[-1].end,
            start_us=group[0].presentation_us,
            duration_us=us_from_90k(sum(row.duration_90k for row in group)),
            sync=group[0].sync,
        )
        for group in found
    ]


def playlist(parts: Sequence[Stretch], window: TimeRange, missing: Sequence[Gap]) -> str:
    """The list as text. Playing starts at the window's start, which lies behind the first sync sample."""
    return "\n".join([*_head(parts, window), *_told(missing), *_body(parts), "#EXT-X-ENDLIST", ""])


def _head(parts: Sequence[Stretch], window: TimeRange) -> Iterator[str]:
    lead_us = max(0, window.start_us - parts[0].rows[0].start_us)
    yield "#EXTM3U"
    yield f"#EXT-X-VERSION:{VERSION}"
    yield "#EXT-X-PLAYLIST-TYPE:VOD"
    yield f"#EXT-X-TARGETDURATION:{target_s(segment for part in parts for segment in part.rows)}"
    if all(part.footage.parameter_sets.codec is Codec.H264 and row.sync for part in parts for row in part.rows):
        yield "#EXT-X-INDEPENDENT-SEGMENTS"  # not H.265: what leads a CRA picture needs what stands before it
    yield f"#EXT-X-START:TIME-OFFSET={seconds(lead_us)},PRECISE=YES"


def _told(missing: Sequence[Gap]) -> Iterator[str]:
    """What is missing, where a program can read it (RFC 8216 section 4.3.2.7)."""
    for number, gap in enumerate(missing, 1):
        when = f'START-DATE="{milliseconds(gap.start_us)}",DURATION={seconds(gap.end_us - gap.start_us)}'
        yield f'#EXT-X-DATERANGE:ID="missing-{number}",CLASS="missing",{when},X-REASON="{gap.reason}"'


def _body(parts: Sequence[Stretch]) -> Iterator[str]:
    origin_us = parts[0].origin_us
    before: Stretch | None = None
    for part in parts:
        if before is not None and not continues(before, part):
            yield "#EXT-X-DISCONTINUITY"
        if before is None or before.init.init_segment != part.init.init_segment:
            yield f'#EXT-X-MAP:URI="{init_url(part.init.chunk)}"'
        yield f"#EXT-X-PROGRAM-DATE-TIME:{milliseconds(part.rows[0].start_us)}"
        shift_90k = max(0, ticks_from_us(part.origin_us - origin_us))
        for segment in part.rows:
            yield f"#EXTINF:{seconds(segment.duration_us)},"
            yield segment_url(part.footage.chunk, segment.offset, segment.end, shift_90k)
        before = part


def target_s(rows: Iterable[Segment]) -> int:
    """The longest duration in whole seconds, halves up: so a player rounds them (RFC 8216 section 4.3.3.1)."""
    return max(1, *((row.duration_us + 500_000) // 1_000_000 for row in rows))


def continues(before: Stretch, after: Stretch) -> bool:
    """Whether a player's decoder and clock go on as if nothing was: else it must be told (section 4.3.2.3)."""
    apart_us = after.footage.chunk.start_us - before.footage.chunk.end_us
    if after.init is not after.footage:  # in the middle of a group of pictures; with B-frames starts differ a little
        return apart_us <= US_PER_S
    same_run = before.footage.chunk.run == after.footage.chunk.run
    return same_run and before.init.init_segment == after.init.init_segment and abs(apart_us) <= JOINED_US


def seconds(duration_us: int) -> str:
    """As EXTINF has it."""
    return f"{duration_us // 1_000_000}.{duration_us % 1_000_000:06d}"


def milliseconds(wall_us: int) -> str:
    """RFC 3339 with milliseconds: more digits confuse some players."""
    return format_utc(wall_us)[:-4] + "Z"
